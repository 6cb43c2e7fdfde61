//! PDF -> text, in the child. lopdf reads the file; [`page`] follows what a page draws, [`lines`] puts it in lines.
//!
//! Text is kept in the order in which it is drawn, which is the reading order in files made by word processors.

mod font;
mod lines;
mod page;
mod state;

use lopdf::{Document as File, Error, LoadOptions, Object, ObjectId};

use super::{Document, DocumentError, MOST_CHARS, MOST_PAGES, finished};
use lines::Lines;

/// Most bytes that one stream may unpack to.
const STREAM_BYTES: usize = 32 * 1024 * 1024;
/// Most links from a page to its ancestors.
const MOST_PARENTS: usize = 32;

/// Reads a whole file.
pub(super) fn read(bytes: &[u8]) -> Result<Document, DocumentError> {
    let options = LoadOptions { max_decompressed_size: Some(STREAM_BYTES), ..LoadOptions::default() };
    let file = File::load_mem_with_options(bytes, options).map_err(refused)?;
    if file.trailer.has(b"Encrypt") && !file.is_encrypted() && file.objects.len() < 2 {
        return Err(DocumentError::Encrypted);
    }
    let pages: Vec<ObjectId> = file.page_iter().take(MOST_PAGES + 1).collect();
    if pages.is_empty() {
        return Err(if file.trailer.has(b"Encrypt") {
            DocumentError::Encrypted
        } else {
            DocumentError::Damaged("it has no pages".to_owned())
        });
    }
    if pages.len() > MOST_PAGES {
        return Err(DocumentError::TooManyPages);
    }
    let mut lines = Lines::default();
    let mut budget = page::BUDGET;
    for &page in &pages {
        page::draw(&file, page, &mut lines, &mut budget)?;
        lines.end_page();
        if lines.text.len() > 4 * MOST_CHARS {
            return Err(DocumentError::TooLong);
        }
    }
    finished(&lines.text, lines.hidden, Some(pages.len()))
}

fn refused(error: Error) -> DocumentError {
    match error {
        Error::InvalidPassword | Error::Decryption(_) => DocumentError::Encrypted,
        error => {
            let words: String = error.to_string().chars().take(120).collect();
            DocumentError::Damaged(words)
        }
    }
}

/// The visible rectangle of a page in its own units: crop box, else media box, its own or an ancestor's; else A4.
fn visible_box(file: &File, page: ObjectId) -> [f32; 4] {
    for name in [&b"CropBox"[..], b"MediaBox"] {
        let mut at = page;
        for _ in 0..MOST_PARENTS {
            let Ok(dictionary) = file.get_dictionary(at) else { break };
            if let Some(found) = dictionary.get(name).ok().and_then(|value| rectangle(file, value)) {
                return found;
            }
            match dictionary.get(b"Parent").and_then(Object::as_reference) {
                Ok(parent) => at = parent,
                Err(_) => break,
            }
        }
    }
    [0.0, 0.0, 595.0, 842.0]
}

fn rectangle(file: &File, value: &Object) -> Option<[f32; 4]> {
    let (_, value) = file.dereference(value).ok()?;
    let corners: Vec<f32> = value.as_array().ok()?.iter().filter_map(|n| number(file, n)).collect();
    let &[a, b, c, d] = corners.as_slice() else { return None };
    Some([a.min(c), b.min(d), a.max(c), b.max(d)])
}

/// A finite number, direct or by reference.
fn number(file: &File, value: &Object) -> Option<f32> {
    let (_, value) = file.dereference(value).ok()?;
    value.as_float().ok().filter(|n| n.is_finite())
}

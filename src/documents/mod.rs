//! Résumé and job posting -> text. What comes in is a stranger's file: PDF and DOCX are read only in a child process
//! with limits ([`child`], [`extract`]), text and Markdown here.
//!
//! Knows bytes and text; knows nothing of sessions, questions or HTTP. Text that a reader of the page would not see is
//! reported beside the text and left out of it.

pub mod child;
pub mod claims;
mod docx;
pub mod extract;
mod invisible;
mod pdf;
pub mod posting;

use std::path::Path;

use serde::{Deserialize, Serialize};

/// Largest file taken, bytes.
pub const MOST_BYTES: usize = 10 * 1024 * 1024;
/// Most pages of a PDF.
pub const MOST_PAGES: usize = 30;
/// Most characters of the text.
pub const MOST_CHARS: usize = 200_000;
/// Most pieces of hidden text reported, and most characters of each.
const MOST_HIDDEN: (usize, usize) = (60, 400);

/// What a file is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Portable Document Format.
    Pdf,
    /// Office Open XML text.
    Docx,
    /// Markdown in UTF-8.
    Markdown,
    /// Plain text in UTF-8.
    Text,
}

impl Kind {
    /// By a file's ending.
    #[must_use]
    pub fn of_name(name: &Path) -> Option<Self> {
        let ending = name.extension()?.to_str()?.to_lowercase();
        Some(match ending.as_str() {
            "pdf" => Self::Pdf,
            "docx" => Self::Docx,
            "md" | "markdown" => Self::Markdown,
            "txt" | "text" => Self::Text,
            _ => return None,
        })
    }

    /// By a media type without parameters.
    #[must_use]
    pub fn of_media_type(name: &str) -> Option<Self> {
        [Self::Pdf, Self::Docx, Self::Text, Self::Markdown]
            .into_iter()
            .find(|k| name.eq_ignore_ascii_case(k.media_type()))
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Markdown => "text/markdown",
            Self::Text => "text/plain",
        }
    }

    /// As the child process is told.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Docx => "docx",
            Self::Markdown => "markdown",
            Self::Text => "text",
        }
    }

    /// As a person is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pdf => "PDF",
            Self::Docx => "Word document",
            Self::Markdown => "Markdown file",
            Self::Text => "text file",
        }
    }
}

/// A document as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What a reader of the page sees.
    pub text: String,
    /// What a reader does not see; not in `text`.
    pub hidden: Vec<Hidden>,
    /// Pages of a PDF.
    pub pages: Option<usize>,
}

/// A piece of text that a reader of the page does not see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    /// By what means.
    pub how: How,
    /// What it says, shortened.
    pub text: String,
}

/// How text was hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// In the colour of what is behind it.
    Colour,
    /// Too small to be read.
    Tiny,
    /// Outside the page.
    OffPage,
    /// Marked as not to be shown.
    Invisible,
    /// Characters without width.
    ZeroWidth,
}

impl How {
    /// As a person is told.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Colour => "in the colour of the background",
            Self::Tiny => "too small to read",
            Self::OffPage => "outside the page",
            Self::Invisible => "marked as invisible",
            Self::ZeroWidth => "characters without width",
        }
    }
}

/// Why a document cannot be used. Each message says what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "refused", content = "of")]
pub enum DocumentError {
    /// Nothing in it.
    #[error("the file is empty (choose another one, or paste the text)")]
    Empty,
    /// Over [`MOST_BYTES`].
    #[error("the file is larger than 10 MiB (save it without pictures, or paste the text)")]
    TooLarge,
    /// An ending that is not read.
    #[error("only PDF, DOCX, Markdown and text files are read (save it as one of these, or paste the text)")]
    UnknownType,
    /// Its content is not what its name says.
    #[error("the file is called a {said} but is {found} (save it again as what it is called, or paste the text)")]
    Disagrees {
        /// What it is called.
        said: String,
        /// What it begins like.
        found: String,
    },
    /// Needs a password.
    #[error("the file is protected by a password (save it without one, or paste the text)")]
    Encrypted,
    /// Pictures of pages.
    #[error("there is no text in the file, it may be a scan (paste the text)")]
    NoText,
    /// Over [`MOST_PAGES`].
    #[error("the file has more than {MOST_PAGES} pages (give the pages that matter, or paste the text)")]
    TooManyPages,
    /// Over [`MOST_CHARS`].
    #[error("the text is longer than {MOST_CHARS} characters (give the part that matters, or paste it)")]
    TooLong,
    /// Cannot be understood.
    #[error("the file is damaged or unusual: {0} (save it again in the program it comes from, or paste the text)")]
    Damaged(String),
    /// The child was ended: time, memory or a fault.
    #[error("the file could not be read within 15 seconds and 512 MiB (save it again more simply, or paste the text)")]
    GaveUp,
    /// The child could not be started.
    #[error("the reader of documents could not be started: {0} (paste the text)")]
    NoReader(String),
}

impl DocumentError {
    /// A stable name, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty_document",
            Self::TooLarge => "too_large",
            Self::UnknownType => "unknown_type",
            Self::Disagrees { .. } => "type_disagrees",
            Self::Encrypted => "encrypted",
            Self::NoText => "no_text",
            Self::TooManyPages => "too_many_pages",
            Self::TooLong => "too_much_text",
            Self::Damaged(_) => "damaged",
            Self::GaveUp => "gave_up",
            Self::NoReader(_) => "no_reader",
        }
    }
}

/// Reads a document. Blocks for at most about 15 seconds.
///
/// # Errors
/// [`DocumentError`], whatever the bytes are.
pub fn read(bytes: &[u8], kind: Kind) -> Result<Document, DocumentError> {
    read_with(&child::this_program()?, bytes, kind)
}

/// As [`read`], with the program that knows the hidden verb [`extract::VERB`] named by the caller.
///
/// # Errors
/// As [`read`].
pub fn read_with(program: &Path, bytes: &[u8], kind: Kind) -> Result<Document, DocumentError> {
    if bytes.is_empty() {
        return Err(DocumentError::Empty);
    }
    if bytes.len() > MOST_BYTES {
        return Err(DocumentError::TooLarge);
    }
    agree(bytes, kind)?;
    let document = match kind {
        Kind::Pdf | Kind::Docx => child::extract(program, bytes, kind)?,
        Kind::Markdown | Kind::Text => plain(bytes, kind)?,
    };
    if document.text.trim().is_empty() {
        return Err(DocumentError::NoText);
    }
    Ok(document)
}

/// Magic and name must say the same.
fn agree(bytes: &[u8], kind: Kind) -> Result<(), DocumentError> {
    let looks = looks_like(bytes);
    let fits = match kind {
        Kind::Pdf => looks == "a PDF",
        Kind::Docx => looks == "a ZIP archive",
        Kind::Markdown | Kind::Text => looks == "text",
    };
    if fits {
        return Ok(());
    }
    if kind == Kind::Docx && looks == "an old Office file" {
        // Word wraps a protected document in the old container.
        return Err(DocumentError::Encrypted);
    }
    Err(DocumentError::Disagrees { said: kind.name().to_owned(), found: looks.to_owned() })
}

/// What bytes begin like. Binary formats first; what has no NUL and is UTF-8 is text.
fn looks_like(bytes: &[u8]) -> &'static str {
    const MAGIC: [(&[u8], &str); 12] = [
        (b"PK\x03\x04", "a ZIP archive"),
        (b"PK\x05\x06", "an empty ZIP archive"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old Office file"),
        (b"{\\rtf", "rich text (RTF)"),
        (b"\x89PNG", "a picture"),
        (b"\xFF\xD8\xFF", "a picture"),
        (b"GIF8", "a picture"),
        (b"\x7fELF", "a program"),
        (b"MZ", "a program"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"%!PS", "PostScript"),
        (b"7z\xBC\xAF", "an archive"),
    ];
    let head = &bytes[..bytes.len().min(1024)];
    // Some programs write a few bytes before the header; readers allow it, so it is a PDF whatever it is called.
    if head.windows(5).any(|w| w == b"%PDF-") && (head.starts_with(b"%PDF-") || std::str::from_utf8(bytes).is_err()) {
        return "a PDF";
    }
    if let Some((_, name)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic) && *magic != b"MZ") {
        return name;
    }
    if bytes.contains(&0) || std::str::from_utf8(bytes).is_err() {
        return if bytes.starts_with(b"MZ") { "a program" } else { "not text in UTF-8" };
    }
    let start = head.trim_ascii_start();
    let tag = |name: &str| start.get(..name.len()).is_some_and(|s| s.eq_ignore_ascii_case(name.as_bytes()));
    if tag("<!doctype html") || tag("<html") || tag("<?xml") {
        return "a web page or XML";
    }
    "text"
}

fn plain(bytes: &[u8], kind: Kind) -> Result<Document, DocumentError> {
    let text = std::str::from_utf8(bytes).map_err(|_| DocumentError::Disagrees {
        said: kind.name().to_owned(),
        found: "not text in UTF-8".to_owned(),
    })?;
    finished(text.strip_prefix('\u{feff}').unwrap_or(text), Vec::new(), None)
}

/// What every way of reading ends with: characters without width go out, lengths are checked.
fn finished(text: &str, mut hidden: Vec<Hidden>, pages: Option<usize>) -> Result<Document, DocumentError> {
    if text.chars().nth(MOST_CHARS).is_some() {
        return Err(DocumentError::TooLong);
    }
    let (text, unseen) = invisible::taken_out(text);
    hidden.extend(unseen);
    hidden.retain(|piece| !piece.text.trim().is_empty());
    hidden.truncate(MOST_HIDDEN.0);
    for piece in &mut hidden {
        let (seen, _) = invisible::taken_out(piece.text.trim());
        if seen.chars().nth(MOST_HIDDEN.1).is_some() {
            piece.text = seen.chars().take(MOST_HIDDEN.1).chain(['…']).collect();
        } else {
            piece.text = seen;
        }
    }
    Ok(Document { text: text.trim().to_owned(), hidden, pages })
}

/// Adds to the last piece if it was hidden in the same way.
fn note_hidden(hidden: &mut Vec<Hidden>, how: How, text: &str) {
    if let Some(last) = hidden.last_mut().filter(|last| last.how == how) {
        if last.text.len() < 4 * MOST_HIDDEN.1 {
            last.text.push_str(text);
        }
    } else if hidden.len() < MOST_HIDDEN.0 {
        hidden.push(Hidden { how, text: text.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8], kind: Kind) -> String {
        match read_with(Path::new("/nonexistent"), bytes, kind) {
            Ok(document) => document.text,
            Err(error) => error.code().to_owned(),
        }
    }

    #[test]
    fn magic_and_name_must_agree() {
        for (bytes, kind, expect) in [
            (&b"I led a team.\n"[..], Kind::Text, "I led a team."),
            (b"# Me\r\n", Kind::Markdown, "# Me"),
            (b"\xef\xbb\xbfBOM", Kind::Text, "BOM"),
            (b"", Kind::Pdf, "empty_document"),
            (b"   \n", Kind::Text, "no_text"),
            (b"%PDF-1.7\n", Kind::Text, "type_disagrees"),
            (b"%PDF-1.7\n", Kind::Docx, "type_disagrees"),
            (b"PK\x03\x04....", Kind::Pdf, "type_disagrees"),
            (b"PK\x03\x04....", Kind::Markdown, "type_disagrees"),
            (b"{\\rtf1 hello}", Kind::Text, "type_disagrees"),
            (b"{\\rtf1 hello}", Kind::Docx, "type_disagrees"),
            (b"{\\rtf1 hello}", Kind::Pdf, "type_disagrees"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", Kind::Docx, "encrypted"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", Kind::Text, "type_disagrees"),
            (b"\x89PNG\r\n", Kind::Pdf, "type_disagrees"),
            (b"\x7fELF", Kind::Text, "type_disagrees"),
            (b"MZ\x90\0", Kind::Text, "type_disagrees"),
            (b"\x1f\x8b\x08", Kind::Docx, "type_disagrees"),
            (b"a\0b", Kind::Text, "type_disagrees"),
            (b"caf\xe9", Kind::Text, "type_disagrees"),
            (b"<!DOCTYPE html><p>", Kind::Text, "type_disagrees"),
            (b"<?xml version='1.0'?>", Kind::Markdown, "type_disagrees"),
        ] {
            assert_eq!(found(bytes, kind), expect, "{:?} as {kind:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn length_is_bounded_exactly() {
        let text = |chars: usize| "é".repeat(chars).into_bytes();
        assert_eq!(found(&text(MOST_CHARS), Kind::Text).chars().count(), MOST_CHARS);
        assert_eq!(found(&text(MOST_CHARS + 1), Kind::Text), "too_much_text");
        assert_eq!(found(&vec![b'a'; MOST_BYTES], Kind::Text), "too_much_text");
        assert_eq!(found(&vec![b'a'; MOST_BYTES + 1], Kind::Text), "too_large");
    }

    #[test]
    fn a_name_tells_the_kind() {
        let kind = |name: &str| Kind::of_name(Path::new(name));
        assert_eq!(kind("cv.PDF"), Some(Kind::Pdf));
        assert_eq!(kind("cv.docx"), Some(Kind::Docx));
        assert_eq!((kind("cv.docm"), kind("cv.doc"), kind("cv")), (None, None, None));
        for kind in [Kind::Pdf, Kind::Docx, Kind::Markdown, Kind::Text] {
            assert_eq!(Kind::of_media_type(kind.media_type()), Some(kind));
        }
    }
}

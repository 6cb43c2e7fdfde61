//! DOCX -> text, in the child: headers and the main part of the archive, nothing else. No DTD, no entity of its own,
//! no link is followed, no name becomes a path.

use std::io::{Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::result::ZipError;

use super::{Document, DocumentError, Hidden, How, MOST_CHARS, finished, note_hidden};

/// Most entries of the archive.
const MOST_ENTRIES: usize = 2000;
/// Most bytes of one part, unpacked.
const PART_BYTES: u64 = 16 * 1024 * 1024;
/// Most bytes unpacked from one byte.
const MOST_RATIO: u64 = 200;
/// Deepest nesting of elements.
const MOST_DEPTH: usize = 256;
/// Headers read.
const MOST_HEADERS: usize = 6;
/// Letters below this size, in half points, cannot be read.
const TINY: u32 = 4;

/// Reads a whole file.
pub(super) fn read(bytes: &[u8]) -> Result<Document, DocumentError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(refused)?;
    if archive.len() > MOST_ENTRIES {
        return Err(damaged("it has thousands of parts"));
    }
    if entries_told(bytes).is_some_and(|told| told != archive.len()) {
        return Err(damaged("two of its parts have one name"));
    }
    if archive.has_overlapping_entries().map_err(refused)? {
        return Err(damaged("its parts overlap"));
    }
    let types = part(&mut archive, "[Content_Types].xml")?;
    if types.contains("macroEnabled") {
        return Err(DocumentError::Disagrees { said: "Word document".into(), found: "a document with macros".into() });
    }
    if !types.contains("wordprocessingml.document.main+xml") {
        return Err(DocumentError::Disagrees { said: "Word document".into(), found: "another kind of archive".into() });
    }
    let names: Vec<String> = archive.file_names().filter_map(Result::ok).map(|name| name.into_owned()).collect();
    let mut headers: Vec<&str> = names.iter().map(String::as_str).filter(|n| is_header(n)).collect();
    headers.sort_unstable();
    headers.truncate(MOST_HEADERS);
    let mut body = Body::default();
    for name in headers.into_iter().chain(["word/document.xml"]) {
        let xml = part(&mut archive, name)?;
        body.read(&xml)?;
        body.text.push('\n');
    }
    finished(&squeezed(&body.text), body.hidden, None)
}

fn is_header(name: &str) -> bool {
    let number = name.strip_prefix("word/header").and_then(|rest| rest.strip_suffix(".xml"));
    number.is_some_and(|number| number.len() <= 3 && number.bytes().all(|b| b.is_ascii_digit()))
}

/// The number of entries that the end of the archive tells; the archive's own list has each name once.
fn entries_told(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let told = bytes.get(at + 10..at + 12)?;
    Some(usize::from(u16::from_le_bytes([told[0], told[1]])))
}

fn part(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<String, DocumentError> {
    let file = archive.by_name(name).map_err(refused)?;
    if file.encrypted() {
        return Err(DocumentError::Encrypted);
    }
    let packed = file.compressed_size().max(1);
    let mut xml = Vec::new();
    let most = PART_BYTES.min(packed.saturating_mul(MOST_RATIO));
    file.take(most + 1).read_to_end(&mut xml).map_err(|_| damaged("a part of it cannot be unpacked"))?;
    if xml.len() as u64 > most {
        return Err(damaged("a part of it unpacks to far more than it holds"));
    }
    String::from_utf8(xml).map_err(|_| damaged("a part of it is not UTF-8"))
}

fn refused(error: ZipError) -> DocumentError {
    match error {
        ZipError::UnsupportedArchive(words) if words == ZipError::PASSWORD_REQUIRED => DocumentError::Encrypted,
        ZipError::InvalidPassword => DocumentError::Encrypted,
        ZipError::FileNotFound => damaged("a part that every Word document has is missing"),
        ZipError::Io(_) => damaged("it breaks off"),
        _ => damaged("its archive cannot be read"),
    }
}

fn damaged(what: &str) -> DocumentError {
    DocumentError::Damaged(what.to_owned())
}

/// The text so far, and what the elements around the next letter say.
#[derive(Default)]
struct Body {
    text: String,
    hidden: Vec<Hidden>,
    /// Elements that are open, by local name.
    open: Vec<String>,
    run: Look,
    paragraph: Look,
    cell_shaded: bool,
    /// Depth of the element whose content is passed over.
    skipping: Option<usize>,
}

/// How letters look.
#[derive(Clone, Copy, Default)]
struct Look {
    vanish: bool,
    white: bool,
    tiny: bool,
    shaded: bool,
}

impl Body {
    fn read(&mut self, xml: &str) -> Result<(), DocumentError> {
        let mut reader = Reader::from_str(xml);
        let unreadable = |_| damaged("a part of it is not well-formed");
        loop {
            match reader.read_event().map_err(unreadable)? {
                Event::Start(element) => {
                    self.begin(&element);
                    self.open.push(element.local_name().as_ref().to_owned());
                    if self.open.len() > MOST_DEPTH {
                        return Err(damaged("its elements are nested too deeply"));
                    }
                }
                Event::Empty(element) => {
                    self.begin(&element);
                    self.end(element.local_name().as_ref());
                }
                Event::End(element) => {
                    self.open.pop();
                    self.end(element.local_name().as_ref());
                }
                Event::Text(text) => self.letters(&text.xml10_content()),
                Event::CData(text) => self.letters(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let name = reference.xml10_content();
                    let letter = entity(&name).ok_or_else(|| damaged("it defines names of its own"))?;
                    self.letters(letter.encode_utf8(&mut [0; 4]));
                }
                Event::DocType(_) => return Err(damaged("it defines names of its own")),
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
            if self.text.len() > 4 * MOST_CHARS {
                return Err(DocumentError::TooLong);
            }
        }
        if self.open.is_empty() { Ok(()) } else { Err(damaged("a part of it breaks off")) }
    }

    fn begin(&mut self, element: &BytesStart<'_>) {
        let name = element.local_name();
        let within = |parent: &str| self.open.iter().rev().take(1).any(|open| open == parent);
        let value = || attribute(element, "val");
        let on = || !matches!(value().as_deref(), Some("0" | "false" | "off"));
        match name.as_ref() {
            // A text box is written twice: as it is, and for readers of long ago.
            "Fallback" if self.skipping.is_none() => self.skipping = Some(self.open.len()),
            "p" => self.paragraph = Look::default(),
            "r" => self.run = Look::default(),
            "tc" => self.cell_shaded = false,
            "vanish" | "webHidden" | "specVanish" if within("rPr") && !self.is_mark() => self.run.vanish |= on(),
            "color" if within("rPr") && !self.is_mark() => {
                self.run.white = value().is_some_and(|colour| is_white(&colour));
            }
            "sz" if within("rPr") && !self.is_mark() => {
                self.run.tiny = value().and_then(|size| size.parse::<u32>().ok()).is_some_and(|size| size < TINY);
            }
            "highlight" if within("rPr") => self.run.shaded = value().is_some_and(|c| c != "white" && c != "none"),
            "shd" => {
                let fill = attribute(element, "fill").unwrap_or_default();
                let shaded = !fill.is_empty() && fill != "auto" && !is_white(&fill);
                match self.open.last().map(String::as_str) {
                    Some("rPr") => self.run.shaded |= shaded,
                    Some("pPr") => self.paragraph.shaded |= shaded,
                    Some("tcPr" | "tblPr") => self.cell_shaded |= shaded,
                    _ => {}
                }
            }
            "tab" if within("r") => self.letters_now("\t"),
            "br" | "cr" if within("r") => self.letters_now("\n"),
            "noBreakHyphen" => self.letters_now("-"),
            _ => {}
        }
    }

    /// Whether the properties are those of the paragraph's mark, not of letters.
    fn is_mark(&self) -> bool {
        self.open.iter().rev().nth(1).is_some_and(|open| open == "pPr")
    }

    fn end(&mut self, name: &str) {
        if self.skipping.is_some_and(|depth| depth >= self.open.len()) && name == "Fallback" {
            self.skipping = None;
        }
        match name {
            "p" | "tr" => self.space('\n'),
            "tc" => self.space('\t'),
            _ => {}
        }
    }

    fn space(&mut self, space: char) {
        if self.skipping.is_none() {
            if space == '\t' {
                self.text.truncate(self.text.trim_end_matches('\n').len());
            }
            self.text.push(space);
        }
    }

    /// Letters count only inside `t`.
    fn letters(&mut self, text: &str) {
        if self.open.last().is_some_and(|open| open == "t") {
            self.letters_now(text);
        }
    }

    fn letters_now(&mut self, text: &str) {
        if self.skipping.is_some() {
            return;
        }
        let shaded = self.run.shaded || self.paragraph.shaded || self.cell_shaded;
        let hidden = if self.run.vanish {
            Some(How::Invisible)
        } else if self.run.tiny {
            Some(How::Tiny)
        } else if self.run.white && !shaded {
            Some(How::Colour)
        } else {
            None
        };
        match hidden {
            Some(how) if !text.trim().is_empty() => note_hidden(&mut self.hidden, how, text),
            Some(_) => {}
            None => self.text.push_str(text),
        }
    }
}

/// By local name, whatever the prefix.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.attributes().flatten().find(|a| a.key.local_name().as_ref() == name)?;
    Some(found.value.as_ref().to_owned())
}

fn is_white(colour: &str) -> bool {
    let part = |at: usize| colour.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
    colour.len() == 6 && [0, 2, 4].into_iter().all(|at| part(at).is_some_and(|value| value >= 0xF4))
}

/// The five names of XML and numbered characters; nothing else is a name.
fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

/// No more than one empty line in a row.
fn squeezed(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.dedup_by(|a, b| a.is_empty() && b.is_empty());
    lines.join("\n")
}

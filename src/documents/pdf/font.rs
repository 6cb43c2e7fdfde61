//! A font as far as reading needs it: codes to letters, codes to widths.

use std::collections::HashMap;

use lopdf::{Dictionary, Document as File, Encoding, Object};

use super::{STREAM_BYTES, number};

/// Width of a letter that says none, in thousandths of the size.
const USUAL_WIDTH: f32 = 500.0;
/// Most widths kept.
const MOST_WIDTHS: usize = 70_000;

/// Widths and whether codes are two bytes; letters come from lopdf's encoding, kept beside it.
pub(super) struct Font {
    name: Vec<u8>,
    wide: bool,
    widths: HashMap<u32, f32>,
    usual: f32,
}

/// The encodings of a page's fonts by name.
pub(super) type Encodings<'f> = HashMap<Vec<u8>, Option<Encoding<'f>>>;

impl Font {
    /// Reads widths; the encoding goes into `encodings`.
    pub(super) fn read<'f>(file: &'f File, font: &'f Dictionary, key: Vec<u8>, encodings: &mut Encodings<'f>) -> Self {
        encodings.entry(key.clone()).or_insert_with(|| font.get_font_encoding_with_limit(file, STREAM_BYTES).ok());
        let wide = font.get(b"Subtype").and_then(Object::as_name).is_ok_and(|name| name == b"Type0");
        let mut read = Self { name: key, wide, widths: HashMap::new(), usual: USUAL_WIDTH };
        if wide {
            read.wide_widths(file, font);
        } else {
            read.simple_widths(file, font);
        }
        read
    }

    fn simple_widths(&mut self, file: &File, font: &Dictionary) {
        let first = font.get(b"FirstChar").ok().and_then(|n| number(file, n)).unwrap_or(0.0);
        let Some(widths) = array(file, font, b"Widths") else { return };
        // Type 3 fonts measure in a space of their own.
        let scale = font.get(b"FontMatrix").ok().and_then(|m| file.dereference(m).ok()).and_then(|(_, m)| {
            let first = m.as_array().ok()?.first()?;
            number(file, first).map(|n| n * 1000.0)
        });
        for (at, width) in widths.iter().take(256).enumerate() {
            if let Some(width) = number(file, width).filter(|w| *w > 0.0) {
                self.widths.insert(first.max(0.0) as u32 + at as u32, width * scale.unwrap_or(1.0));
            }
        }
    }

    fn wide_widths(&mut self, file: &File, font: &Dictionary) {
        self.usual = 1000.0;
        let Some(below) = array(file, font, b"DescendantFonts").and_then(|list| list.first()) else { return };
        let Ok((_, below)) = file.dereference(below) else { return };
        let Ok(below) = below.as_dict() else { return };
        if let Some(usual) = below.get(b"DW").ok().and_then(|n| number(file, n)) {
            self.usual = usual;
        }
        let Some(list) = array(file, below, b"W") else { return };
        let mut rest = list.iter();
        while let Some(first) = rest.next().and_then(|n| number(file, n)) {
            let Some(Ok((_, second))) = rest.next().map(|n| file.dereference(n)) else { return };
            if let Ok(widths) = second.as_array() {
                for (at, width) in widths.iter().enumerate() {
                    self.widths.extend(number(file, width).map(|w| (first as u32 + at as u32, w)));
                }
            } else {
                let (Some(last), Some(width)) = (number(file, second), rest.next().and_then(|n| number(file, n)))
                else {
                    return;
                };
                let codes = first as u32..=(last as u32).min(65_535);
                self.widths.extend(codes.map(|code| (code, width)));
            }
            if self.widths.len() > MOST_WIDTHS {
                return;
            }
        }
    }

    /// Letters of a string; what cannot be read is left out.
    pub(super) fn letters(&self, encodings: &Encodings<'_>, bytes: &[u8]) -> String {
        let encoding = encodings.get(&self.name).and_then(Option::as_ref);
        let text = match encoding {
            Some(encoding) => File::decode_text(encoding, bytes).unwrap_or_default(),
            None if self.wide => String::new(),
            None => bytes.iter().filter(|b| b.is_ascii_graphic() || **b == b' ').map(|b| char::from(*b)).collect(),
        };
        text.chars().filter(|c| *c != '\u{fffd}' && !('\u{e000}'..='\u{f8ff}').contains(c)).collect()
    }

    /// Width of a string in thousandths of the size, and its numbers of codes and of spaces.
    pub(super) fn width(&self, bytes: &[u8]) -> (f32, f32, f32) {
        let of = |code: u32| self.widths.get(&code).copied().unwrap_or(self.usual);
        if self.wide {
            let codes = bytes.chunks(2).map(|pair| pair.iter().fold(0, |code, b| code << 8 | u32::from(*b)));
            (codes.clone().map(of).sum(), codes.count() as f32, 0.0)
        } else {
            let spaces = bytes.iter().filter(|b| **b == b' ').count() as f32;
            (bytes.iter().map(|b| of(u32::from(*b))).sum(), bytes.len() as f32, spaces)
        }
    }
}

fn array<'f>(file: &'f File, of: &'f Dictionary, key: &[u8]) -> Option<&'f Vec<Object>> {
    let (_, value) = file.dereference(of.get(key).ok()?).ok()?;
    value.as_array().ok()
}

//! Pieces of text with their places -> lines of text.

use crate::documents::{Hidden, How, note_hidden};

/// A piece of text as it was drawn, in units of the page.
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) x: f32,
    pub(super) y: f32,
    /// Where the next piece would follow without a gap.
    pub(super) end: f32,
    /// Height of its letters.
    pub(super) size: f32,
    pub(super) hidden: Option<How>,
}

/// The text so far and where its last piece ended.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) text: String,
    pub(super) hidden: Vec<Hidden>,
    seen: Option<Place>,
    unseen: Option<Place>,
}

struct Place {
    y: f32,
    end: f32,
    size: f32,
}

impl Lines {
    pub(super) fn put(&mut self, piece: &Piece) {
        let place = Some(Place { y: piece.y, end: piece.end, size: piece.size });
        match piece.hidden {
            None => {
                let gap = gap(self.seen.as_ref(), piece, self.text.ends_with(char::is_whitespace));
                self.text.push_str(gap);
                self.text.push_str(&piece.text);
                self.seen = place;
            }
            Some(how) => {
                let gap = gap(self.unseen.as_ref(), piece, false);
                let gap = if gap.starts_with('\n') { " " } else { gap };
                note_hidden(&mut self.hidden, how, &format!("{gap}{}", piece.text));
                self.unseen = place;
            }
        }
    }

    pub(super) fn end_page(&mut self) {
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.seen = None;
        self.unseen = None;
    }
}

/// What stands between two pieces: nothing, a space, a new line, an empty line.
fn gap(last: Option<&Place>, piece: &Piece, spaced: bool) -> &'static str {
    let Some(last) = last else { return "" };
    let size = last.size.max(piece.size).max(1.0);
    let down = (last.y - piece.y).abs();
    if down > 1.9 * size {
        return "\n\n";
    }
    if down > 0.6 * size {
        return "\n";
    }
    let across = piece.x - last.end;
    let apart = across > 0.15 * size || across < -size;
    if apart && !spaced && !piece.text.starts_with(char::is_whitespace) { " " } else { "" }
}

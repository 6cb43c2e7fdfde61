//! Words as they stream, broken into lines between words. Pure.

/// Where the cursor stands, and the beginning of a word that may go on.
#[derive(Default)]
pub(super) struct Lines {
    width: usize,
    column: usize,
    word: String,
}

impl Lines {
    /// Lines of at most `width` characters; 0 breaks nothing.
    pub(super) fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// What can be shown of a piece; the last word waits until it is whole.
    pub(super) fn piece(&mut self, text: &str) -> String {
        if self.width == 0 {
            return text.to_owned();
        }
        let mut out = String::new();
        for c in text.chars() {
            match c {
                '\n' => {
                    self.place(&mut out);
                    out.push('\n');
                    self.column = 0;
                }
                c if c.is_whitespace() => {
                    self.place(&mut out);
                    if self.column > 0 && self.column < self.width {
                        out.push(c);
                        self.column += 1;
                    }
                }
                c => self.word.push(c),
            }
        }
        out
    }

    fn place(&mut self, out: &mut String) {
        let length = self.word.chars().count();
        if self.column > 0 && self.column + length > self.width {
            out.push('\n');
            self.column = 0;
        }
        out.push_str(&self.word);
        self.column += length;
        self.word.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    fn shown(width: usize, pieces: &[&str]) -> String {
        let mut lines = Lines::new(width);
        pieces.iter().map(|piece| lines.piece(piece)).collect()
    }

    #[test]
    fn lines_break_between_words_wherever_the_pieces_end() {
        let whole = shown(12, &["one two three four five\n"]);
        assert_eq!(whole, "one two \nthree four \nfive\n");
        assert_eq!(shown(12, &["one tw", "o thr", "ee four fi", "ve\n"]), whole);
        assert!(whole.lines().all(|line| line.chars().count() <= 12));
    }

    #[test]
    fn a_word_longer_than_a_line_is_not_cut_and_zero_breaks_nothing() {
        assert_eq!(shown(5, &["a verylongword b\n"]), "a \nverylongword\nb\n");
        assert_eq!(shown(0, &["a verylongword ", "b"]), "a verylongword b");
    }
}

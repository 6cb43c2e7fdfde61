//! When a generation should end although the model would go on: stop texts, loops, silence.

/// Finds stop texts in a stream, also across the borders of its pieces.
#[derive(Debug, Default)]
pub(super) struct Stops {
    texts: Vec<String>,
    held: String,
}

impl Stops {
    pub(super) fn new(texts: impl IntoIterator<Item = String>) -> Self {
        Self { texts: texts.into_iter().filter(|text| !text.is_empty()).collect(), held: String::new() }
    }

    /// Adds a piece. Returns what is certainly before any stop text, and whether a stop text was found.
    pub(super) fn push(&mut self, piece: &str) -> (String, bool) {
        self.held.push_str(piece);
        if let Some(at) = self.texts.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.held.truncate(at);
            return (std::mem::take(&mut self.held), true);
        }
        let begins = |at: &usize| self.texts.iter().any(|stop| stop.starts_with(&self.held[*at..]));
        let boundaries = self.held.char_indices().map(|(at, _)| at);
        let longest = self.texts.iter().map(String::len).max().unwrap_or(0);
        let keep_from = boundaries.filter(|at| self.held.len() - at < longest).find(begins).unwrap_or(self.held.len());
        let kept = self.held.split_off(keep_from);
        (std::mem::replace(&mut self.held, kept), false)
    }

    /// What was held back in vain.
    pub(super) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Longest period, in tokens, that counts as a loop.
const LONGEST_PERIOD: usize = 32;
/// Tokens of pure repetition, and repetitions, after which a loop is one.
const LOOP_TOKENS: usize = 96;
const LOOP_TURNS: usize = 6;
/// Tokens in a row without a visible character.
const SILENT_TOKENS: usize = 48;

/// Watches for a model that no longer says anything.
#[derive(Debug, Default)]
pub(super) struct Guard {
    silent: usize,
}

impl Guard {
    /// Whether the generation is stuck after its last token, which stands for `text`.
    pub(super) fn is_stuck(&mut self, generated: &[u32], text: &[u8]) -> bool {
        let visible = text.iter().any(|byte| !byte.is_ascii_whitespace());
        self.silent = if visible { 0 } else { self.silent + 1 };
        self.silent >= SILENT_TOKENS || repeats(generated)
    }
}

/// Whether the end of `tokens` is one short phrase over and over.
fn repeats(tokens: &[u32]) -> bool {
    (1..=LONGEST_PERIOD).any(|period| {
        let span = LOOP_TOKENS.max(period * LOOP_TURNS);
        let Some(start) = tokens.len().checked_sub(span) else { return false };
        let tail = &tokens[start..];
        tail[period..] == tail[..span - period]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(stops: &[&str], pieces: &[&str]) -> (String, bool) {
        let mut finder = Stops::new(stops.iter().map(|stop| (*stop).to_owned()));
        let mut text = String::new();
        for piece in pieces {
            let (safe, found) = finder.push(piece);
            text += &safe;
            if found {
                return (text, true);
            }
        }
        (text + &finder.finish(), false)
    }

    #[test]
    fn stop_texts_are_found_across_pieces() {
        assert_eq!(stream(&["\nUser:"], &["Hello", "\n", "Us", "er: x"]), ("Hello".into(), true));
        assert_eq!(stream(&["\nUser:"], &["Hello", "\n", "Us", "ed"]), ("Hello\nUsed".into(), false));
        assert_eq!(stream(&["aab"], &["a", "a", "a", "b"]), ("a".into(), true));
        assert_eq!(stream(&["é!"], &["caf", "é", "?"]), ("café?".into(), false));
        assert_eq!(stream(&["x", "yx"], &["ay", "x"]), ("a".into(), true));
        assert_eq!(stream(&[""], &["a"]), ("a".into(), false));
    }

    #[test]
    fn loops_and_silence_are_noticed() {
        let stuck = |tokens: &[u32], text: &[u8]| {
            let mut guard = Guard::default();
            (1..=tokens.len()).find(|n| guard.is_stuck(&tokens[..*n], text))
        };
        let phrase: Vec<u32> = (0..400).map(|i| i % 7).collect();
        assert_eq!(stuck(&phrase, b"a"), Some(LOOP_TOKENS));
        let varied: Vec<u32> = (0..400).map(|i| i * i % 401).collect();
        assert_eq!(stuck(&varied, b"a"), None);
        assert_eq!(stuck(&varied, b" \n"), Some(SILENT_TOKENS));
        crate::tier::tried("D19", "loops and silence", 4);
    }
}

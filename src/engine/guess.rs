//! Guessing ahead: a reply or a quotation often repeats the prompt, so what followed there may follow here.
//!
//! A guess is verified by the same pass that would have read one token, and only what the model would have said
//! anyway is kept, so the text does not change. Deterministic: whether to guess depends on past guesses, never on time.

/// Tokens guessed at once.
const MOST: usize = 6;
/// Tokens at the end that must have occurred before.
const LONGEST_MATCH: usize = 4;
const SHORTEST_MATCH: usize = 2;
/// Guessing goes on while so many tokens a guess were right of late (a pass of seven tokens costs about two of one).
const WORTH: f32 = 1.0;
/// After giving up, passes until the next try.
const PAUSE: usize = 24;

/// Proposes continuations of a text from the text itself.
#[derive(Debug)]
pub(crate) struct Guesser {
    /// Right tokens a guess, of late.
    yielded: f32,
    pause: usize,
}

impl Default for Guesser {
    fn default() -> Self {
        Self { yielded: 2.0, pause: 0 }
    }
}

impl Guesser {
    /// At most `most` tokens that may follow `tokens`; none when nothing matches or guessing has not paid of late.
    pub(crate) fn guess(&mut self, tokens: &[u32], most: usize) -> Vec<u32> {
        if self.pause > 0 {
            self.pause -= 1;
            return Vec::new();
        }
        let most = most.min(MOST);
        if most == 0 {
            return Vec::new();
        }
        (SHORTEST_MATCH..=LONGEST_MATCH).rev().find_map(|length| followed(tokens, length, most)).unwrap_or_default()
    }

    /// Notes how many tokens of the last guess were right.
    pub(crate) fn learn(&mut self, right: usize) {
        self.yielded = 0.7 * self.yielded + 0.3 * right as f32;
        if self.yielded < WORTH {
            self.pause = PAUSE;
            self.yielded = 1.5 * WORTH;
        }
    }
}

/// What followed the latest earlier place where the last `length` tokens stood.
fn followed(tokens: &[u32], length: usize, most: usize) -> Option<Vec<u32>> {
    let end = tokens.len().checked_sub(length)?;
    let pattern = &tokens[end..];
    let at = (0..end).rev().find(|at| tokens[*at..*at + length] == *pattern)?;
    let from = at + length;
    Some(tokens[from..(from + most).min(tokens.len())].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_followed_before_is_guessed() {
        let mut guesser = Guesser::default();
        assert_eq!(guesser.guess(&[1, 2, 3, 4, 5, 9, 2, 3], 8), [4, 5, 9, 2, 3]);
        assert_eq!(guesser.guess(&[1, 2, 3, 4, 5, 9, 2, 3], 2), [4, 5]);
        assert_eq!(guesser.guess(&[1, 2, 3], 8), [0u32; 0]);
    }

    #[test]
    fn guessing_stops_when_it_is_wrong_and_tries_again_later() {
        let tokens = [1, 2, 3, 1, 2];
        let mut guesser = Guesser::default();
        let mut tries = 0;
        for _ in 0..200 {
            if !guesser.guess(&tokens, 4).is_empty() {
                tries += 1;
                guesser.learn(0);
            }
        }
        assert!((5..30).contains(&tries), "{tries} tries of 200");
    }
}

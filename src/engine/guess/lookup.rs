//! Guesses from the text itself: a reply or a quotation often repeats the prompt, so what followed there may follow here.

use super::account::Account;
use super::{Guesser, MOST, PER_TOKEN};

/// Tokens at the end that must have occurred before.
const LONGEST_MATCH: usize = 4;
const SHORTEST_MATCH: usize = 2;
/// How long past guesses are remembered.
const MEMORY: f32 = 0.7;

/// Proposes continuations of a text from the text itself.
#[derive(Debug)]
pub(crate) struct Lookup {
    account: Account,
    guessed: usize,
}

impl Default for Lookup {
    fn default() -> Self {
        Self { account: Account::new(MEMORY), guessed: 0 }
    }
}

impl Guesser for Lookup {
    fn guess(&mut self, tokens: &[u32], most: usize, _: &dyn Fn() -> bool) -> Vec<u32> {
        let most = most.min(MOST);
        if self.account.rests() || most == 0 {
            return Vec::new();
        }
        let lengths = (SHORTEST_MATCH..=LONGEST_MATCH).rev();
        let guess = lengths.into_iter().find_map(|length| followed(tokens, length, most)).unwrap_or_default();
        self.guessed = guess.len();
        guess
    }

    fn learn(&mut self, right: usize) {
        self.account.note(right, PER_TOKEN * self.guessed as f32);
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
        let mut lookup = Lookup::default();
        let mut guess = |tokens: &[u32], most| lookup.guess(tokens, most, &|| false);
        assert_eq!(guess(&[1, 2, 3, 4, 5, 9, 2, 3], 8), [4, 5, 9, 2, 3]);
        assert_eq!(guess(&[1, 2, 3, 4, 5, 9, 2, 3], 2), [4, 5]);
        assert_eq!(guess(&[1, 2, 3], 8), [0u32; 0]);
    }

    #[test]
    fn guessing_stops_when_it_is_wrong_and_tries_again_later() {
        let tokens = [1, 2, 3, 1, 2];
        let mut lookup = Lookup::default();
        let mut tries = 0;
        for _ in 0..200 {
            if !lookup.guess(&tokens, 4, &|| false).is_empty() {
                tries += 1;
                lookup.learn(0);
            }
        }
        assert!((5..30).contains(&tries), "{tries} tries of 200");
    }
}

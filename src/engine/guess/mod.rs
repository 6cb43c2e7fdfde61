//! Guessing ahead: several tokens that may come next are read in the pass that would have read one.
//!
//! A guess is verified by that pass, and only what the model would have said anyway is kept, so the text does not change.
//! Guesses come from the text itself ([`Lookup`]) or from a small model of the same vocabulary ([`Draft`]). Deterministic:
//! whether to guess depends on past guesses, never on time.

mod account;
mod draft;
mod lookup;

pub(crate) use draft::Draft;
pub(crate) use lookup::Lookup;

/// Most tokens of a guess.
pub(crate) const MOST: usize = 6;
/// What one more token in a pass costs, in passes of one token: a pass of seven tokens costs about two of one.
const PER_TOKEN: f32 = 1.0 / 6.0;

/// Somebody who guesses.
pub(crate) trait Guesser {
    /// At most `most` tokens that may follow `tokens`; none when nothing comes to mind, when guessing has not paid of late,
    /// or once `is_abandoned` says that nobody waits any more.
    fn guess(&mut self, tokens: &[u32], most: usize, is_abandoned: &dyn Fn() -> bool) -> Vec<u32>;
    /// Notes how many tokens of the last guess were right.
    fn learn(&mut self, right: usize);
}

/// The first guess of somebody, and whose it is.
pub(crate) fn first(
    guessers: &mut [&mut dyn Guesser],
    tokens: &[u32],
    most: usize,
    is_abandoned: &dyn Fn() -> bool,
) -> Option<(usize, Vec<u32>)> {
    let guesses = guessers.iter_mut().map(|guesser| guesser.guess(tokens, most, is_abandoned));
    guesses.enumerate().find(|(_, guess)| !guess.is_empty())
}

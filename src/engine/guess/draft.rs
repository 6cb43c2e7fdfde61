//! Guesses from a draft model: a small model of the same vocabulary writes on, and the large one checks.
//!
//! It reads what the large one read while nobody waits, a piece at a time, and writes only where its next word is clear.
//! What was refused is forgotten at the next guess, by the same rule as an edited answer. It costs memory and time of its
//! own, so it keeps an account, and rests when it does not pay. A draft model that fails guesses nothing; it never ends a
//! generation.

use std::sync::Arc;

use super::account::Account;
use super::{Guesser, MOST, PER_TOKEN};
use crate::model::{Chunk, Model, ModelError, Output, Sequence, Want};
use crate::text::Text;
use crate::timeline::Timelines;

/// Unread tokens that are read before a guess; more are read while nobody waits.
const NEAR: usize = 128;
/// Tokens read ahead at once: somebody who comes now waits as long.
const PIECE: usize = 64;
/// How long past guesses are remembered.
const MEMORY: f32 = 0.9;
/// The best token's logit stands so far above the next one's, or the draft ends before it: e^1 times as likely.
const CLEAR: f32 = 1.0;

/// A small model that drafts for a large one.
pub(crate) struct Draft {
    model: Box<dyn Model>,
    /// The large model's vocabulary.
    text: Arc<Text>,
    timelines: Timelines,
    /// What one step costs, in passes of the large model.
    step: f32,
    account: Account,
    /// How likely a drafted token is right, of late.
    likely: f32,
    /// Tokens of the last guess, and steps that it took.
    guessed: usize,
    steps: usize,
    /// To be read while nobody waits.
    ahead: Vec<u32>,
    output: Output,
}

impl Draft {
    /// `step`: what a step of `model` costs beside one of the model that it drafts for.
    pub(crate) fn new(model: Box<dyn Model>, text: Arc<Text>, step: f32) -> Self {
        Self {
            model,
            text,
            timelines: Timelines::default(),
            step,
            account: Account::new(MEMORY),
            likely: 0.8,
            guessed: 0,
            steps: 0,
            ahead: Vec::new(),
            output: Output::default(),
        }
    }

    /// What to read while nobody waits: the text that a next one will begin with.
    pub(crate) fn will_read(&mut self, tokens: &[u32]) {
        self.ahead.clear();
        self.ahead.extend_from_slice(&tokens[..tokens.len().min(self.model.context())]);
    }

    /// Reads one piece of it; `false` when there is nothing left to read, or no room for it.
    pub(crate) fn read_ahead(&mut self) -> bool {
        let ahead = std::mem::take(&mut self.ahead);
        if self.timelines.shared(&ahead) >= ahead.len() {
            return false;
        }
        let read = self.on(&ahead, ahead.len(), |draft, sequence, cached| {
            let piece = &ahead[cached..(cached + PIECE).min(ahead.len())];
            draft.read(sequence, piece, Want::Nothing)
        });
        if read.is_ok() {
            self.ahead = ahead;
        }
        read.is_ok()
    }

    /// Does `work` with a sequence that has read as much as possible of `prefix`, but at most `most` tokens; `work` is told
    /// how many.
    fn on<T>(
        &mut self,
        prefix: &[u32],
        most: usize,
        work: impl FnOnce(&mut Self, Sequence, usize) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        let (sequence, cached) = loop {
            match self.timelines.sync(&mut *self.model, prefix, most) {
                Err(ModelError::CacheFull) if self.timelines.evict(&mut *self.model) => {}
                result => break result?,
            }
        };
        let done = work(self, sequence, cached);
        self.timelines.release(&mut *self.model, sequence);
        done
    }

    fn read(&mut self, sequence: Sequence, tokens: &[u32], want: Want) -> Result<(), ModelError> {
        loop {
            match self.model.forward(&[Chunk { sequence, tokens, want }], &mut self.output) {
                Ok(()) => break,
                Err(ModelError::CacheFull) if self.timelines.evict(&mut *self.model) => {}
                Err(error) => return Err(error),
            }
        }
        self.timelines.extend(sequence, tokens);
        Ok(())
    }

    /// Writes after `tokens`, greedily, as long as the next word is clear.
    fn write(&mut self, tokens: &[u32], most: usize, is_abandoned: &dyn Fn() -> bool) -> Result<Vec<u32>, ModelError> {
        self.on(tokens, tokens.len() - 1, |draft, sequence, cached| {
            let mut written = Vec::new();
            let mut unread = tokens[cached..].to_vec();
            while written.len() < most && !is_abandoned() {
                draft.read(sequence, &unread, Want::Last)?;
                draft.steps += 1;
                let Some(token) = clear(&draft.output.logits) else { break };
                // The end is no guess worth checking: the pass before it says so too.
                if draft.text.ends_turn(token) {
                    break;
                }
                written.push(token);
                unread = vec![token];
            }
            Ok(written)
        })
    }

    /// How many tokens to draft: as many as bring the most, at how often they were right of late.
    fn length(&self) -> usize {
        let (mut best, mut most, mut brings, mut chance) = (1, f32::NEG_INFINITY, 0.0, 1.0);
        for length in 1..=MOST {
            chance *= self.likely;
            brings += chance - self.step - PER_TOKEN;
            if brings > most {
                (best, most) = (length, brings);
            }
        }
        best
    }

    fn cost(&self) -> f32 {
        self.step * self.steps as f32 + PER_TOKEN * self.guessed as f32
    }
}

impl Guesser for Draft {
    fn guess(&mut self, tokens: &[u32], most: usize, is_abandoned: &dyn Fn() -> bool) -> Vec<u32> {
        // A draft reads up to its last word but one.
        let most = most.min(self.length()).min((self.model.context() + 1).saturating_sub(tokens.len()));
        if most == 0 || tokens.is_empty() || tokens.len() > NEAR + self.timelines.shared(tokens) || self.account.rests()
        {
            return Vec::new();
        }
        self.steps = 0;
        let guess = self.write(tokens, most, is_abandoned).unwrap_or_default();
        self.guessed = guess.len();
        if guess.is_empty() {
            self.account.note(0, self.cost());
        }
        guess
    }

    fn learn(&mut self, right: usize) {
        self.account.note(right, self.cost());
        let checked = self.guessed.min(right + 1) as f32;
        // As many tokens as were checked, each with a tenth of the weight.
        let weight = 1.0 - MEMORY.powf(checked);
        self.likely += weight * (right as f32 / checked.max(1.0) - self.likely);
    }
}

/// The best token, if it stands clear of the next best. Numbers that are none are never clear.
fn clear(logits: &[f32]) -> Option<u32> {
    let (mut best, mut top, mut next) = (0, f32::NEG_INFINITY, f32::NEG_INFINITY);
    for (token, logit) in logits.iter().enumerate() {
        if *logit > top {
            (best, next, top) = (token, top, *logit);
        } else if *logit > next {
            next = *logit;
        }
    }
    (top - next >= CLEAR).then_some(best as u32)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::model::fake::{Fake, Mind};
    use crate::tiny::Tiny;

    /// A draft model that says the number after the last, and is sure of it but after a seven.
    fn counting(fake: Fake, step: f32) -> Draft {
        let mind: Mind = Box::new(|tokens, row| {
            let last = tokens[tokens.len() - 1];
            row[(last as usize + 1) % 200] = if last % 10 == 7 { 0.5 } else { 5.0 };
        });
        let text = Arc::new(Text::read(&Tiny::default().file()).expect("a vocabulary"));
        Draft::new(Box::new(Fake { mind, ..fake }), text, step)
    }

    fn guess(draft: &mut Draft, tokens: &[u32], most: usize) -> Vec<u32> {
        draft.guess(tokens, most, &|| false)
    }

    #[test]
    fn it_writes_on_while_it_is_sure_and_forgets_what_was_refused() {
        let mut draft = counting(Fake::default(), 0.1);
        assert_eq!(guess(&mut draft, &[5, 9, 21], 3), [22, 23, 24]);
        draft.learn(1);
        assert_eq!(guess(&mut draft, &[5, 9, 21, 22, 90], 2), [91, 92]);
        assert_eq!(draft.timelines.shared(&[5, 9, 21, 22, 90, 91]), 6);
        assert_eq!(guess(&mut draft, &[5, 9, 21, 22, 95], 6), [96, 97], "not sure after a seven");
        assert_eq!(guess(&mut draft, &[5, 9, 21, 22, 107], 6), [0u32; 0]);
    }

    #[test]
    fn it_drafts_less_when_it_is_wrong_and_rests_when_it_does_not_pay() {
        let mut draft = counting(Fake::default(), 0.2);
        let mut lengths = Vec::new();
        for round in 0..120 {
            let drafted = guess(&mut draft, &[3, round], 6).len();
            if drafted > 0 {
                draft.learn(0);
            }
            lengths.push(drafted);
        }
        let tries = lengths.iter().filter(|length| **length > 0).count();
        assert!(lengths[0] > 1 && (3..30).contains(&tries), "{lengths:?}");
        let mut right = counting(Fake::default(), 0.2);
        let longest = (0..40).map(|round| {
            let drafted = guess(&mut right, &[3, 100 + round % 5], 6).len();
            right.learn(drafted);
            drafted
        });
        assert_eq!(longest.last(), Some(3), "up to the seven at most");
        // A draft model as slow as the large one cannot pay, however right it is.
        let mut slow = counting(Fake::default(), 1.0);
        let tries = (0..100).filter(|_| {
            let drafted = guess(&mut slow, &[3, 100], 6).len();
            slow.learn(drafted);
            drafted > 0
        });
        assert!(tries.count() < 40);
    }

    #[test]
    fn a_long_text_is_read_in_pieces_while_nobody_waits() {
        let largest = Arc::new(AtomicUsize::new(0));
        let seen = largest.clone();
        let before_pass = Box::new(move |tokens| {
            let _ = seen.fetch_max(tokens, Ordering::Relaxed);
        });
        let mut draft = counting(Fake { before_pass, ..Fake::default() }, 0.1);
        let text: Vec<u32> = (0..500).map(|n| n % 190).collect();
        assert_eq!(guess(&mut draft, &text, 3), [0u32; 0], "too far behind");
        draft.will_read(&text);
        assert_eq!((0..100).take_while(|_| draft.read_ahead()).count(), 500_usize.div_ceil(PIECE));
        assert_eq!(largest.load(Ordering::Relaxed), PIECE);
        assert_eq!(guess(&mut draft, &text, 3).len(), 3);
    }

    #[test]
    fn without_room_or_listeners_or_numbers_there_is_no_guess() {
        let text: Vec<u32> = (0..100).collect();
        let mut small = counting(Fake { budget: 40, ..Fake::default() }, 0.1);
        assert_eq!(guess(&mut small, &text, 3), [0u32; 0]);
        small.will_read(&text);
        assert!(!small.read_ahead());
        assert_eq!(guess(&mut small, &text[..30], 3), [30, 31, 32]);
        let mut short = counting(Fake { context: 20, ..Fake::default() }, 0.1);
        assert_eq!(guess(&mut short, &text[..19], 3), [19, 20]);
        assert_eq!(guess(&mut short, &text[..21], 3), [0u32; 0]);
        short.will_read(&text);
        assert!((0..3).any(|_| !short.read_ahead()), "no more than it can read");
        let mut gone = counting(Fake::default(), 0.1);
        assert_eq!(gone.guess(&text, 3, &|| true), [0u32; 0]);
        assert_eq!((clear(&[f32::NAN; 4]), clear(&[f32::INFINITY, f32::INFINITY]), clear(&[])), (None, None, None));
        assert_eq!((clear(&[1.0, 3.0, 1.5]), clear(&[1.0, 3.0, 2.5])), (Some(1), None));
    }
}

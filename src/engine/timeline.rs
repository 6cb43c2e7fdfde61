//! Live sequences and what they hold, so that a prompt costs only the tokens that no live sequence has already read.
//!
//! `sync(prefix)` hides all reuse: it finds the live timeline with the longest common prefix and extends, truncates or
//! forks it. Timelines that nobody holds stay until the cache needs their room; the least recently used goes first.
//! Knows no text, no jobs and no sampling.

use crate::model::{Model, ModelError, Sequence};

/// Idle timelines kept at most; more only slow the search down.
const MOST_IDLE: usize = 48;
/// A common beginning shorter than this is not worth a fork.
const LEAST_SHARED: usize = 16;

/// One live sequence.
#[derive(Debug)]
struct Timeline {
    sequence: Sequence,
    /// What the model has read.
    tokens: Vec<u32>,
    used: u64,
    held: bool,
}

/// All live sequences of a model.
#[derive(Debug, Default)]
pub(crate) struct Timelines {
    live: Vec<Timeline>,
    clock: u64,
}

impl Timelines {
    /// A held sequence that has read the longest possible beginning of `prefix`, but at most `most` tokens of it.
    /// Returns the sequence and how many tokens it has read.
    pub(crate) fn sync(
        &mut self,
        model: &mut dyn Model,
        prefix: &[u32],
        most: usize,
    ) -> Result<(Sequence, usize), ModelError> {
        let best = (0..self.live.len())
            .map(|at| (common(&self.live[at].tokens, prefix).min(most), !self.live[at].held, at))
            .max_by_key(|(shared, idle, at)| (*shared, *idle, self.live[*at].used));
        if let Some((shared, idle, at)) = best {
            let rest = self.live[at].tokens.len() - shared;
            // A short rest is an edited draft or an old answer; a long one is someone else's conversation.
            if idle && shared > 0 && rest <= (shared / 4).max(LEAST_SHARED) {
                return Ok((self.reuse(model, at, shared), shared));
            }
            if shared >= LEAST_SHARED {
                let sequence = model.fork(self.live[at].sequence)?;
                model.truncate(sequence, shared);
                self.add(model, sequence, prefix[..shared].to_vec());
                return Ok((sequence, shared));
            }
        }
        let sequence = model.create()?;
        self.add(model, sequence, Vec::new());
        Ok((sequence, 0))
    }

    fn reuse(&mut self, model: &mut dyn Model, at: usize, length: usize) -> Sequence {
        self.clock += 1;
        let timeline = &mut self.live[at];
        timeline.held = true;
        timeline.used = self.clock;
        if timeline.tokens.len() > length {
            timeline.tokens.truncate(length);
            model.truncate(timeline.sequence, length);
        }
        timeline.sequence
    }

    fn add(&mut self, model: &mut dyn Model, sequence: Sequence, tokens: Vec<u32>) {
        if self.live.iter().filter(|timeline| !timeline.held).count() >= MOST_IDLE {
            self.evict(model);
        }
        self.clock += 1;
        self.live.push(Timeline { sequence, tokens, used: self.clock, held: true });
    }

    /// Notes that the model has read `tokens` after what `sequence` held; all that it has read, when it is a timeline.
    pub(crate) fn extend(&mut self, sequence: Sequence, tokens: &[u32]) -> Option<&[u32]> {
        let timeline = self.live.iter_mut().find(|timeline| timeline.sequence == sequence)?;
        timeline.tokens.extend_from_slice(tokens);
        Some(&timeline.tokens)
    }

    /// Takes in a sequence that has read `tokens` and that nobody holds.
    pub(crate) fn adopt(&mut self, model: &mut dyn Model, sequence: Sequence, tokens: &[u32]) {
        self.add(model, sequence, tokens.to_vec());
        self.release(model, sequence);
    }

    /// The most tokens of `prefix` that a live timeline begins with.
    pub(crate) fn shared(&self, prefix: &[u32]) -> usize {
        self.live.iter().map(|timeline| common(&timeline.tokens, prefix)).max().unwrap_or(0)
    }

    /// Takes back guesses that turned out wrong.
    pub(crate) fn truncate(&mut self, model: &mut dyn Model, sequence: Sequence, length: usize) {
        model.truncate(sequence, length);
        if let Some(timeline) = self.live.iter_mut().find(|timeline| timeline.sequence == sequence) {
            timeline.tokens.truncate(length);
        }
    }

    /// Lets go of a sequence; it stays for the next prompt with the same beginning.
    pub(crate) fn release(&mut self, model: &mut dyn Model, sequence: Sequence) {
        self.clock += 1;
        let Some(at) = self.live.iter().position(|timeline| timeline.sequence == sequence) else { return };
        if self.live[at].tokens.is_empty() {
            self.live.swap_remove(at);
            model.free(sequence);
        } else {
            self.live[at].held = false;
            self.live[at].used = self.clock;
        }
    }

    /// Frees the least recently used timeline that nobody holds; `false` when there is none.
    pub(crate) fn evict(&mut self, model: &mut dyn Model) -> bool {
        let idle = self.live.iter().enumerate().filter(|(_, timeline)| !timeline.held);
        let Some(oldest) = idle.min_by_key(|(_, timeline)| timeline.used).map(|(at, _)| at) else { return false };
        let timeline = self.live.swap_remove(oldest);
        model.free(timeline.sequence);
        true
    }

    /// Timelines in all, held or not.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.live.len()
    }
}

/// Tokens that both begin with.
pub(crate) fn common(left: &[u32], right: &[u32]) -> usize {
    left.iter().zip(right).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fake::Fake;

    fn read(timelines: &mut Timelines, model: &mut Fake, prefix: &[u32]) -> (Sequence, usize) {
        let (sequence, cached) = timelines.sync(model, prefix, prefix.len()).expect("room");
        assert_eq!(model.read(sequence), &prefix[..cached]);
        model.feed(sequence, &prefix[cached..]);
        timelines.extend(sequence, &prefix[cached..]);
        timelines.release(model, sequence);
        (sequence, cached)
    }

    #[test]
    fn a_longer_prompt_extends_and_an_edited_one_truncates() {
        let (mut timelines, mut model) = (Timelines::default(), Fake::default());
        let mut prompt: Vec<u32> = (0..100).collect();
        let (first, _) = read(&mut timelines, &mut model, &prompt);
        prompt.extend(100..120);
        assert_eq!(read(&mut timelines, &mut model, &prompt), (first, 100));
        prompt[110] = 7;
        assert_eq!(read(&mut timelines, &mut model, &prompt), (first, 110));
        assert_eq!(timelines.count(), 1);
    }

    #[test]
    fn two_conversations_with_one_beginning_keep_both() {
        let (mut timelines, mut model) = (Timelines::default(), Fake::default());
        let one: Vec<u32> = (0..500).collect();
        let two: Vec<u32> = (0..50).chain(900..1200).collect();
        let (first, _) = read(&mut timelines, &mut model, &one);
        let (second, cached) = read(&mut timelines, &mut model, &two);
        assert_eq!(cached, 50);
        assert_ne!(first, second);
        assert_eq!(read(&mut timelines, &mut model, &one), (first, 500));
        assert_eq!(read(&mut timelines, &mut model, &two), (second, 350));
    }

    #[test]
    fn a_held_timeline_is_forked_never_truncated() {
        let (mut timelines, mut model) = (Timelines::default(), Fake::default());
        let prompt: Vec<u32> = (0..100).collect();
        let (held, _) = timelines.sync(&mut model, &prompt, 100).expect("room");
        model.feed(held, &prompt);
        timelines.extend(held, &prompt);
        let (other, cached) = timelines.sync(&mut model, &prompt[..60], 59).expect("room");
        assert_ne!(other, held);
        assert_eq!((cached, model.read(held).len(), model.read(other).len()), (59, 100, 59));
    }

    #[test]
    fn the_least_recently_used_goes_first_and_held_ones_stay() {
        let (mut timelines, mut model) = (Timelines::default(), Fake::default());
        let prompts: Vec<Vec<u32>> = (0..3).map(|n| vec![n; 40]).collect();
        for prompt in &prompts {
            read(&mut timelines, &mut model, prompt);
        }
        let (held, _) = timelines.sync(&mut model, &prompts[0], 40).expect("room");
        assert!(timelines.evict(&mut model));
        assert_eq!(read(&mut timelines, &mut model, &prompts[2]).1, 40, "the second was older than the third");
        assert!(timelines.evict(&mut model) && !timelines.evict(&mut model));
        assert_eq!(model.read(held).len(), 40);
    }
}

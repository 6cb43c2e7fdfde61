//! The rules of time stamps in a transcript: a text stands between two of them, they never go back, and none lies beyond
//! the sound. As in the original code; and how a transcript falls into segments by them. Pure.

use crate::vocabulary::Vocabulary;

/// Seconds between two stamps.
const STEP_MS: u64 = 20;
/// The first text begins within the first second.
const FIRST: u32 = 50;

/// A piece of a transcript, in milliseconds from the beginning of its sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) start: u64,
    /// `None` when the text broke off.
    pub(crate) end: Option<u64>,
    pub(crate) tokens: Vec<u32>,
}

/// Makes impossible what may not follow `written`. `last` is the last stamp within the sound.
pub(crate) fn rule(vocabulary: &Vocabulary, written: &[u32], last: u32, logits: &mut [f32]) {
    let (first, end) = (vocabulary.first_stamp() as usize, vocabulary.end() as usize);
    let never = f32::NEG_INFINITY;
    let beyond = (first + last as usize + 1).min(logits.len());
    logits[beyond..].fill(never);
    let is_stamp = |token: &u32| *token as usize >= first;
    let ends_with_stamp = written.last().is_some_and(is_stamp);
    let after_stamp = written.len() < 2 || is_stamp(&written[written.len() - 2]);
    if written.is_empty() {
        logits[..first].fill(never);
        logits[(first + FIRST as usize + 1).min(beyond)..].fill(never);
    } else if ends_with_stamp && after_stamp {
        logits[first..].fill(never);
    } else if ends_with_stamp {
        logits[..end].fill(never);
    }
    if let Some(latest) = written.iter().rev().find(|token| is_stamp(token)) {
        // The same moment may end one piece and begin the next; a piece takes some time.
        let from = *latest as usize + usize::from(!(ends_with_stamp && !after_stamp));
        logits[first..from.min(beyond)].fill(never);
    }
    if !written.is_empty() && !(ends_with_stamp && after_stamp) {
        let most = logits.iter().copied().fold(never, f32::max);
        let stamps: f32 = logits[first..].iter().map(|logit| (logit - most).exp()).sum();
        let text = logits[..first].iter().copied().fold(never, f32::max);
        if stamps.ln() + most > text {
            logits[..first].fill(never);
        }
    }
}

/// The pieces of a transcript.
pub(crate) fn pieces(vocabulary: &Vocabulary, tokens: &[u32]) -> Vec<Piece> {
    let first = vocabulary.first_stamp();
    let mut out: Vec<Piece> = Vec::new();
    let mut open = Piece { start: 0, end: None, tokens: Vec::new() };
    for token in tokens {
        match token.checked_sub(first) {
            None => open.tokens.push(*token),
            Some(stamp) => {
                let moment = u64::from(stamp) * STEP_MS;
                if !open.tokens.is_empty() {
                    open.end = Some(moment);
                    out.push(std::mem::replace(&mut open, Piece { start: moment, end: None, tokens: Vec::new() }));
                }
                open.start = moment;
            }
        }
    }
    if !open.tokens.is_empty() {
        out.push(open);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(written: &[u32], last: u32) -> impl Fn(u32) -> bool + use<> {
        let vocabulary = Vocabulary::of(51_864).expect("english");
        let mut logits = vec![0.0; vocabulary.size()];
        // Text is as likely as all stamps together are not.
        logits[100] = 20.0;
        rule(&vocabulary, written, last, &mut logits);
        move |token| logits[token as usize].is_finite()
    }

    #[test]
    fn stamps_come_in_pairs_and_never_go_back() {
        let stamp = |n: u32| 50_363 + n;
        let first = allowed(&[], 500);
        assert!(first(stamp(0)) && first(stamp(50)) && !first(stamp(51)) && !first(100) && !first(50_256));
        let after_first = allowed(&[stamp(3)], 500);
        assert!(after_first(100) && !after_first(stamp(4)));
        let in_text = allowed(&[stamp(3), 100], 500);
        assert!(in_text(100) && in_text(stamp(4)) && !in_text(stamp(3)) && in_text(stamp(500)) && !in_text(stamp(501)));
        let after_end = allowed(&[stamp(3), 100, stamp(9)], 500);
        assert!(!after_end(100) && after_end(50_256) && after_end(stamp(9)) && !after_end(stamp(8)));
        let after_pair = allowed(&[stamp(3), 100, stamp(9), stamp(9)], 500);
        assert!(after_pair(100) && !after_pair(stamp(10)));
    }

    #[test]
    fn a_transcript_falls_into_pieces() {
        let vocabulary = Vocabulary::of(51_864).expect("english");
        let stamp = |n: u32| 50_363 + n;
        let tokens = [stamp(0), 5, 6, stamp(50), stamp(60), 7, stamp(100), stamp(100), 8];
        let found = pieces(&vocabulary, &tokens);
        let shown: Vec<_> = found.iter().map(|p| (p.start, p.end, p.tokens.len())).collect();
        assert_eq!(shown, [(0, Some(1000), 2), (1200, Some(2000), 1), (2000, None, 1)]);
        assert!(pieces(&vocabulary, &[stamp(0), stamp(0)]).is_empty());
    }
}

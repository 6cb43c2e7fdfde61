//! How long answers took to say: facts, beside the scorecard, never in it. Pure. Nothing here is graded, and how
//! somebody speaks is not looked at: only how long and how many words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::transcript::{Speaker, Turn};

/// Longest time that an answer can have taken: a day.
const MOST_MS: u64 = 24 * 3600 * 1000;
/// Most bytes of the recognised text.
const MOST_HEARD: usize = 32 * 1024;

/// What the page knows of a spoken answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spoken {
    /// The text as it was recognised, before the person corrected it.
    pub heard: String,
    /// Time in which somebody spoke.
    pub speaking_ms: u64,
    /// From the end of the question to the first word.
    pub first_word_ms: u64,
    /// The longest stretch without a break.
    pub longest_ms: u64,
}

impl Spoken {
    /// Whether its numbers can be true; else what is wrong.
    ///
    /// # Errors
    /// In words for a person.
    pub fn check(&self) -> Result<(), String> {
        if self.heard.len() > MOST_HEARD {
            return Err(format!("`spoken.heard` has {} bytes, at most {MOST_HEARD} are taken", self.heard.len()));
        }
        if [self.speaking_ms, self.first_word_ms, self.longest_ms].iter().any(|ms| *ms > MOST_MS) {
            return Err("a time in `spoken` is longer than a day".to_owned());
        }
        if self.longest_ms > self.speaking_ms {
            return Err("`spoken.longest_ms` is longer than `spoken.speaking_ms`".to_owned());
        }
        Ok(())
    }
}

/// The facts of one spoken answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpokenAnswer {
    /// The candidate's turn.
    pub turn: u32,
    /// Time in which somebody spoke.
    pub speaking_ms: u64,
    /// From the end of the question to the first word.
    pub first_word_ms: u64,
    /// Words as recognised.
    pub words: u32,
    /// None for less than a second.
    pub words_per_minute: Option<u32>,
    /// The longest stretch without a break.
    pub longest_ms: u64,
    /// Whether the person changed the recognised text.
    pub edited: bool,
}

/// The facts of a session with spoken answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Spoken answers, in order.
    pub answers: Vec<SpokenAnswer>,
    /// The candidate's share of all words of the conversation up to the last answer, typed ones too; 0 to 1.
    pub talk_ratio: f32,
    /// The longest stretch without a break in any answer.
    pub longest_ms: u64,
}

/// The facts; none when nothing was spoken.
#[must_use]
pub fn delivery(turns: &[Turn], spoken: &BTreeMap<u32, Spoken>) -> Option<Delivery> {
    let answers: Vec<SpokenAnswer> = turns
        .iter()
        .filter(|turn| turn.role == Speaker::Candidate)
        .filter_map(|turn| spoken.get(&turn.seq).map(|spoken| answer(turn, spoken)))
        .collect();
    let longest_ms = answers.iter().map(|answer| answer.longest_ms).max()?;
    let last = turns.iter().rposition(|turn| turn.role == Speaker::Candidate).unwrap_or(0);
    let said = |by: Speaker| -> usize {
        turns[..=last].iter().filter(|turn| turn.role == by).map(|turn| words(&turn.text)).sum()
    };
    let (candidate, interviewer) = (said(Speaker::Candidate), said(Speaker::Interviewer));
    let share = candidate as f32 / (candidate + interviewer).max(1) as f32;
    Some(Delivery { answers, talk_ratio: (share * 100.0).round() / 100.0, longest_ms })
}

fn answer(turn: &Turn, spoken: &Spoken) -> SpokenAnswer {
    let count = words(&spoken.heard);
    let per_minute = count as f64 * 60_000.0 / spoken.speaking_ms.max(1) as f64;
    SpokenAnswer {
        turn: turn.seq,
        speaking_ms: spoken.speaking_ms,
        first_word_ms: spoken.first_word_ms,
        words: u32::try_from(count).unwrap_or(u32::MAX),
        words_per_minute: (spoken.speaking_ms >= 1000).then_some(per_minute.round() as u32),
        longest_ms: spoken.longest_ms,
        edited: spoken.heard.split_whitespace().ne(turn.text.split_whitespace()),
    }
}

fn words(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(seq: u32, role: Speaker, text: &str) -> Turn {
        Turn { seq, role, text: text.to_owned(), at_ms: None, board: None }
    }

    #[test]
    fn facts_are_counted_and_nothing_is_judged() {
        let turns = [
            turn(0, Speaker::Interviewer, "Design a link shortener, please."),
            turn(1, Speaker::Candidate, "I count first: 12 writes a second."),
            turn(2, Speaker::Interviewer, "Why - exactly?"),
            turn(3, Speaker::Candidate, "Typed."),
            turn(4, Speaker::Interviewer, "Time is over."),
        ];
        let heard = "I count first 12 rights a second";
        let one = Spoken { heard: heard.into(), speaking_ms: 3_500, first_word_ms: 800, longest_ms: 2_000 };
        let facts = delivery(&turns, &BTreeMap::from([(1, one)])).expect("something was spoken");
        assert_eq!(facts.answers.len(), 1);
        let answer = &facts.answers[0];
        assert_eq!((answer.words, answer.words_per_minute, answer.edited), (7, Some(120), true));
        assert_eq!((facts.talk_ratio, facts.longest_ms), (0.53, 2_000));
        assert_eq!(delivery(&turns, &BTreeMap::new()), None);
    }

    #[test]
    fn numbers_that_cannot_be_are_refused() {
        let spoken = |speaking_ms, longest_ms| Spoken { heard: "x".into(), speaking_ms, first_word_ms: 0, longest_ms };
        assert!(spoken(10, 10).check().is_ok());
        for bad in [spoken(10, 11), spoken(u64::MAX, 0), Spoken { heard: "x".repeat(40_000), ..spoken(10, 10) }] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}

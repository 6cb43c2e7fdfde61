//! Delivery: how an interview is told, as far as code can count it and a longer answer does not raise it. Pure.
//!
//! Counted in sentences that are about the matter ([`Theme`]). No length, accent, filler, grammar or speed is in it.

use std::collections::BTreeMap;

use super::passage::Passage;
use super::signals::Phrases;
use super::theme::{self, Content, Theme};
use crate::content::Dimension;

/// An answer opens with its first so many sentences.
const OPENING: usize = 2;

/// How it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Delivery {
    /// Share of a question's words of content that its answer takes up, mean over the answers.
    pub question_covered: f64,
    /// Sentences that say what comes next, or how many parts there are.
    pub signposts: usize,
    /// Sentences that leave open what is meant.
    pub vague: usize,
    /// Share of the answers that open with a signpost.
    pub opened: f64,
    /// Sentences that ask whether this answers, or where to go on.
    pub checks: usize,
    /// Sentences that take back what was just said.
    pub repairs: usize,
}

impl Delivery {
    /// Counts it.
    #[must_use]
    pub fn new(theme: &Theme, passages: &[Passage]) -> Self {
        let phrases = &theme::file().delivery;
        let mut answers: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (at, passage) in passages.iter().enumerate() {
            answers.entry(passage.quote.turn).or_default().push(at);
        }
        let signpost = |at: &usize| theme.holds(*at) && phrases.signpost.any(&passages[*at].words);
        let covered = |turn: &u32, sentences: &[usize]| {
            let Some(question) = theme.asked.get(turn).filter(|q| !q.is_empty()) else { return 0.0 };
            let taken_up = |word: &&String| {
                let has = |words: &Content| words.contains(*word);
                sentences.iter().any(|&at| theme.holds(at) && has(&theme.content[at]))
            };
            question.iter().filter(taken_up).count() as f64 / question.len() as f64
        };
        let per_answer = |sum: f64| sum / answers.len().max(1) as f64;
        let opened = answers.values().filter(|a| a.iter().take(OPENING).any(signpost)).count();
        let count = |phrases: &Phrases| {
            passages.iter().enumerate().filter(|(at, p)| theme.holds(*at) && phrases.any(&p.words)).count()
        };
        Self {
            question_covered: per_answer(answers.iter().map(|(turn, a)| covered(turn, a)).sum()),
            signposts: count(&phrases.signpost),
            vague: count(&phrases.vague),
            opened: per_answer(opened as f64),
            checks: count(&phrases.check),
            repairs: count(&phrases.repair),
        }
    }

    /// As far as it concerns a dimension: how an answer opens, checks and repairs tell of communication only.
    #[must_use]
    pub fn of(self, dimension: Dimension) -> Self {
        if dimension == Dimension::Communication {
            return self;
        }
        Self { opened: 0.0, checks: 0, repairs: 0, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grading::passage;
    use crate::interview::transcript::{Level, Round, Speaker, Transcript, Turn};

    fn delivery(answer: &str) -> Delivery {
        let turn = |seq, role, text: &str| Turn { seq, role, text: text.into(), at_ms: None, board: None };
        let question = "How do orders reach the warehouse?";
        let transcript = Transcript {
            version: 1,
            round: Round::SystemDesign,
            level: Level::Senior,
            problem: None,
            minutes: 45,
            turns: vec![turn(0, Speaker::Interviewer, question), turn(1, Speaker::Candidate, answer)],
        };
        let passages = passage::passages(1, answer);
        Delivery::new(&Theme::new(&transcript, &[], &passages), &passages)
    }

    #[test]
    fn each_part_is_counted() {
        let told = delivery(
            "Two things matter for the warehouse. First, an order is stored. Then it is sent, or something like that. \
             Sorry, it is queued and then sent. Does that answer it?",
        );
        assert_eq!((told.signposts, told.checks, told.repairs), (2, 1, 1));
        // "orders" and "warehouse" of three words of content.
        assert!((told.question_covered - 2.0 / 3.0).abs() < 1e-9 && told.vague == 1);
        assert!((told.opened - 1.0).abs() < 1e-9);
        let other = told.of(Dimension::Technical);
        assert_eq!((other.checks, other.repairs, other.signposts), (0, 0, 2));
        assert_eq!(delivery(""), Delivery::default());
    }
}

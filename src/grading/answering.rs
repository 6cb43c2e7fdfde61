//! Answering: which passages of the candidate answer which items, and what those passages hold besides. Pure.
//!
//! A calibration of levels reads nothing else of the candidate's words: a passage that answers no item, such as padding, a
//! plea or a number beside the point, moves no level.

use std::collections::{HashMap, HashSet};

use super::checklist::Item;
use super::cue;
use super::evidence;
use super::passage::{self, Passage};
use super::scorecard::Sign;
use super::signals::{self, Phrases};
use super::theme::Theme;
use crate::content::Dimension;
use crate::interview::transcript::{Speaker, Transcript};

/// A unit stands at most this many words after its number.
const UNIT_AFTER: usize = 2;
/// A passage of fewer words is not counted as specific.
const SPECIFIC_WORDS: usize = 10;
/// From here on a passage shows its item specifically: a number or a reason, and some length.
const SPECIFIC: f64 = 0.6;

/// One item with the passages that answer it.
#[derive(Clone, Debug, PartialEq)]
struct Answered {
    dimension: Dimension,
    sign: Sign,
    weight: f64,
    passages: Vec<usize>,
    /// Whether one of them answers without the question having named it.
    unprompted: bool,
}

/// All items of a grade with their passages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answering {
    items: Vec<Answered>,
    /// Turn and words of each passage.
    passages: Vec<(u32, Vec<String>)>,
}

/// What the answering passages hold, for one dimension.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Held {
    /// Items that two passages or more answer.
    pub items_twice: usize,
    /// Share of the items, by weight, that are shown with a number or a reason.
    pub specific_share: f64,
    /// Share of the items, by weight, that were answered without being named by the question.
    pub unprompted_share: f64,
    /// Most answering passages of one turn.
    pub most_in_a_turn: usize,
    /// Numbers about the matter in passages that answer any item, and in those of this dimension.
    pub numbers: (usize, usize),
    /// Of these, numbers with a unit.
    pub with_unit: (usize, usize),
    /// Passages with a number, a unit, a consequence and some length.
    pub specific: usize,
    /// Words of conditions, of failure, and of slogans in passages that answer any item.
    pub conditions: usize,
    /// See `conditions`.
    pub failures: usize,
    /// See `conditions`.
    pub slogans: usize,
}

impl Answering {
    /// Finds the passages of each item, among those that are about the matter.
    #[must_use]
    pub fn new(items: &[Item], passages: &[Passage], theme: &Theme, transcript: &Transcript) -> Self {
        let questions = questions(transcript);
        let answered = items
            .iter()
            .map(|item| {
                let answers = |at: &usize| theme.holds(*at) && cue::any(&item.cues, &passages[*at].words);
                let hits: Vec<usize> = (0..passages.len()).filter(answers).collect();
                let turns: HashSet<u32> = hits.iter().map(|&at| passages[at].quote.turn).collect();
                let named = |turn: &u32| questions.get(turn).is_some_and(|words| cue::any(&item.cues, words));
                Answered {
                    dimension: item.dimension,
                    sign: item.sign,
                    weight: item.weight,
                    passages: hits,
                    unprompted: turns.iter().any(|turn| !named(turn)),
                }
            })
            .collect();
        let passages = passages.iter().map(|p| (p.quote.turn, p.words.clone())).collect();
        Self { items: answered, passages }
    }

    /// What the answering passages hold, as far as it concerns `dimension`.
    #[must_use]
    pub fn held(&self, dimension: Dimension) -> Held {
        let rules = &signals::file().answering;
        let (all, own) = (self.words(|_| true), self.words(|d| d == dimension));
        let sum = |passages: &[(u32, &[String])], count: &dyn Fn(&[String]) -> usize| -> usize {
            passages.iter().map(|(_, words)| count(words)).sum()
        };
        let list = |phrases: &Phrases| sum(&all, &|words| phrases.count(words));
        let specific = |words: &[String]| {
            usize::from(words.len() >= SPECIFIC_WORDS && with_unit(words) > 0 && rules.consequence.any(words))
        };
        let mut turns: HashMap<u32, usize> = HashMap::new();
        for (turn, _) in &own {
            *turns.entry(*turn).or_default() += 1;
        }
        let for_it = |a: &&Answered| a.dimension == dimension && a.sign == Sign::Plus;
        let weight: f64 = self.items.iter().filter(for_it).map(|a| a.weight).sum();
        let share = |shown: &dyn Fn(&Answered) -> bool| {
            let part: f64 = self.items.iter().filter(for_it).filter(|a| shown(a)).map(|a| a.weight).sum();
            if weight > 0.0 { part / weight } else { 0.0 }
        };
        let is_specific = |at: &usize| evidence::specific(&self.passages[*at].1) >= SPECIFIC;
        Held {
            items_twice: self.items.iter().filter(for_it).filter(|a| a.passages.len() >= 2).count(),
            specific_share: share(&|a| a.passages.iter().any(is_specific)),
            unprompted_share: share(&|a| a.unprompted),
            most_in_a_turn: turns.values().copied().max().unwrap_or(0),
            numbers: (sum(&all, &numbers), sum(&own, &numbers)),
            with_unit: (sum(&all, &with_unit), sum(&own, &with_unit)),
            specific: sum(&all, &specific),
            conditions: list(&rules.condition),
            failures: list(&rules.failure),
            slogans: list(&rules.slogan),
        }
    }

    /// Each passage that answers an item for the candidate of such a dimension, once.
    fn words(&self, of: impl Fn(Dimension) -> bool) -> Vec<(u32, &[String])> {
        let plus = self.items.iter().filter(|a| a.sign == Sign::Plus && of(a.dimension));
        let mut at: Vec<usize> = plus.flat_map(|a| a.passages.iter().copied()).collect();
        at.sort_unstable();
        at.dedup();
        at.into_iter().map(|at| (self.passages[at].0, self.passages[at].1.as_slice())).collect()
    }
}

/// Words of the question before each answer.
fn questions(transcript: &Transcript) -> HashMap<u32, Vec<String>> {
    let mut asked = Vec::new();
    let mut questions = HashMap::new();
    for turn in &transcript.turns {
        match turn.role {
            Speaker::Interviewer => asked = passage::spoken(&turn.text),
            Speaker::Candidate => {
                questions.insert(turn.seq, asked.clone());
            }
        }
    }
    questions
}

/// Numbers of a passage that speaks of the matter: a number beside the point is none.
fn numbers(words: &[String]) -> usize {
    if !signals::file().answering.matter.any(words) {
        return 0;
    }
    words.iter().filter(|w| cue::is_number(w)).count()
}

/// Of these, the ones with a unit of the matter.
fn with_unit(words: &[String]) -> usize {
    let rules = &signals::file().answering;
    if !rules.matter.any(words) {
        return 0;
    }
    let tied = |at: usize| {
        let word = &words[at];
        let carried = word.chars().any(|c| c.is_ascii_digit()) && word.chars().any(|c| c.is_alphabetic() || c == '%');
        let next = &words[at + 1..words.len().min(at + 1 + UNIT_AFTER)];
        cue::is_number(word) && (carried || rules.unit.any(next))
    };
    (0..words.len()).filter(|&at| tied(at)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grading::checklist;
    use crate::interview::transcript::{Level, Round, Turn};

    fn held(answer: &str, dimension: Dimension) -> Held {
        let turn = |seq, role, text: &str| Turn { seq, role, text: text.into(), at_ms: None, board: None };
        let transcript = Transcript {
            version: 1,
            round: Round::SystemDesign,
            level: Level::Senior,
            problem: None,
            minutes: 45,
            turns: vec![turn(0, Speaker::Interviewer, "How do you find out?"), turn(1, Speaker::Candidate, answer)],
        };
        let passages = passage::passages(1, answer);
        let theme = Theme::new(&transcript, &[], &passages);
        Answering::new(checklist::generic(Round::SystemDesign), &passages, &theme, &transcript).held(dimension)
    }

    #[test]
    fn a_number_counts_where_it_is_about_the_matter_and_answers_something() {
        let about = held("If the queue lag passes 30 seconds an alert pages the person on call.", Dimension::Ownership);
        assert_eq!((about.numbers, about.with_unit), ((1, 1), (1, 1)));
        let beside = "I have been in this trade for 11 years now, at 4 places, and my desk is on floor 2 of 9.";
        assert_eq!(held(beside, Dimension::Ownership).numbers, (0, 0));
        assert_eq!(held("", Dimension::Ownership), Held::default());
    }

    #[test]
    fn what_answers_nothing_changes_nothing() {
        let answer = "If the broker dies, the producer retries with the same key after 5 seconds.";
        let more = format!("{answer} It was a long walk here and the coffee was good, so I am glad to sit.");
        for dimension in Dimension::ALL {
            assert_eq!(held(answer, dimension), held(&more, dimension));
        }
    }
}

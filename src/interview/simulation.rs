//! Whole interviews without a model, for tests: answers go in, the program listens by code, decides and words.

use std::collections::BTreeMap;

use super::coverage;
use super::director;
use super::note::{Move, Note};
use super::opening::opening;
use super::plan::Plan;
use super::session::NewSession;
use super::transcript::{Level, Mode, Round, Speaker, Turn};
use super::wording;
use crate::content::Content;

/// One interview in memory.
pub(super) struct Simulation<'a> {
    /// What there is to ask.
    pub(super) content: &'a Content,
    /// What was chosen.
    pub(super) plan: Plan,
    /// What was said.
    pub(super) turns: Vec<Turn>,
    /// What was found.
    pub(super) notes: BTreeMap<u32, Note>,
    /// The interview clock.
    pub(super) now_ms: u64,
}

impl<'a> Simulation<'a> {
    /// Opens an interview.
    pub(super) fn new(content: &'a Content, round: Round, problem: Option<&str>, minutes: u32, seed: u64) -> Self {
        let new = NewSession {
            round,
            level: Level::Senior,
            problem: problem.map(str::to_owned),
            minutes,
            mode: Mode::Realistic,
            seed: Some(seed),
            resume: None,
            posting: None,
            record: false,
        };
        let plan = Plan::new(&new, content, seed).expect("the plan of a test");
        let text = opening(content, &plan);
        let opening = Turn { seq: 0, role: Speaker::Interviewer, text, at_ms: Some(0), board: None };
        Self { content, plan, turns: vec![opening], notes: BTreeMap::new(), now_ms: 0 }
    }

    /// The candidate answers after `ms`; the interviewer's move and words follow.
    pub(super) fn answer(&mut self, text: &str, ms: u64) -> Move {
        self.answer_with(text, ms, |_| {})
    }

    /// The same with a chance to bend the note, as a model's judgement would.
    pub(super) fn answer_with(&mut self, text: &str, ms: u64, bend: impl FnOnce(&mut Note)) -> Move {
        self.now_ms += ms;
        let seq = self.turns.len() as u32;
        self.say(Speaker::Candidate, text.to_owned());
        let mut note = coverage::listen_by_code(self.content, &self.plan, &self.turns, &self.notes, self.now_ms);
        bend(&mut note);
        self.notes.insert(seq, note);
        let next = director::next(self.content, &self.plan, &self.turns, &self.notes, &[], self.now_ms);
        let words = wording::compose(self.content, &self.plan, &self.turns, &next);
        if let Some(note) = self.notes.get_mut(&seq) {
            note.next = Some(next.clone());
        }
        self.say(Speaker::Interviewer, words);
        next
    }

    fn say(&mut self, role: Speaker, text: String) {
        let seq = self.turns.len() as u32;
        self.turns.push(Turn { seq, role, text, at_ms: Some(self.now_ms), board: None });
    }

    /// The last words of the interviewer.
    pub(super) fn said(&self) -> &str {
        self.turns.last().map_or("", |t| t.text.as_str())
    }
}

//! Reads (plan, turns, notes) into what the director and the listener need to know. Pure and cheap; nothing is stored.

use std::collections::{BTreeMap, BTreeSet};

use super::note::{Act, Move, Note};
use super::plan::{Plan, Stage};
use super::presumed::presumed;
use super::transcript::{Round, Speaker, Turn};
use super::weighing;
use crate::content::{ChecklistItem, Competency, Content, Dimension, Dive, Phase, Problem, Rung};

/// The state of an interview at one moment.
pub struct Reading<'a> {
    /// What there is to ask.
    pub content: &'a Content,
    /// What was chosen.
    pub plan: &'a Plan,
    /// What was said.
    pub turns: &'a [Turn],
    /// The notes of the answers, oldest first, with their turn.
    pub notes: Vec<(u32, &'a Note)>,
    /// The interview clock.
    pub now_ms: u64,
    /// Everything covered so far.
    pub covered: BTreeSet<&'a str>,
    /// Items that are presumed to be covered by now: not asked about, still listened for.
    pub presumed: BTreeSet<&'a str>,
    /// The stage that the last question belongs to.
    pub stage: Stage,
}

/// Levels of a dive, in order.
pub const RUNGS: [&str; 4] = ["mechanism", "limit", "failure", "alternative"];

impl<'a> Reading<'a> {
    /// Reads the state.
    #[must_use]
    pub fn new(
        content: &'a Content,
        plan: &'a Plan,
        turns: &'a [Turn],
        notes: &'a BTreeMap<u32, Note>,
        now_ms: u64,
    ) -> Self {
        let notes: Vec<_> = notes.iter().map(|(seq, note)| (*seq, note)).collect();
        let covered = notes.iter().flat_map(|(_, n)| n.covered.iter().map(|f| f.id.as_str())).collect();
        let stage = last_move(&notes).map_or(plan.first_stage(), |m| m.stage);
        let problem = content.problem(&plan.problem).filter(|_| plan.round == Round::SystemDesign);
        let others = weighing::BY_CODE.of(plan.round).others;
        let presumed = problem.zip(others).map(|(p, weights)| presumed(p, &notes, &weights)).unwrap_or_default();
        Self { content, plan, turns, notes, now_ms, covered, presumed, stage }
    }

    /// The design problem; none in a behavioural round or when its file is gone.
    #[must_use]
    pub fn problem(&self) -> Option<&'a Problem> {
        self.content.problem(&self.plan.problem).filter(|_| self.plan.round == Round::SystemDesign)
    }

    /// The move that asked the question which is being answered.
    #[must_use]
    pub fn asked(&self) -> Option<&'a Move> {
        last_move(&self.notes)
    }

    /// The newest answer's note, once it is there.
    #[must_use]
    pub fn newest(&self) -> Option<&'a Note> {
        self.notes.last().map(|(_, n)| *n).filter(|n| n.next.is_none())
    }

    /// Whether the job posting asks for a topic, or for its dimension.
    #[must_use]
    pub fn wants(&self, topic: &str, dimension: Dimension) -> bool {
        let wanted = &self.plan.wanted;
        wanted.topics.iter().any(|t| t == topic) || wanted.dimensions.contains(&dimension)
    }

    /// The moves so far, oldest first.
    pub fn moves(&self) -> impl DoubleEndedIterator<Item = &'a Move> + '_ {
        self.notes.iter().filter_map(|(_, n)| n.next.as_ref())
    }

    /// The moves of the current stage.
    pub fn moves_here(&self) -> impl DoubleEndedIterator<Item = &'a Move> + '_ {
        let stage = self.stage;
        self.moves().filter(move |m| m.stage == stage)
    }

    /// Whether something was done before, anywhere.
    #[must_use]
    pub fn did(&self, act: Act, topic: &str) -> bool {
        self.moves().any(|m| m.act == act && m.topic == topic)
    }

    /// How often an act was done in the current stage.
    #[must_use]
    pub fn times_here(&self, act: Act) -> usize {
        self.moves_here().filter(|m| m.act == act).count()
    }

    /// How often a topic was asked about.
    #[must_use]
    pub fn times_asked(&self, topic: &str) -> usize {
        self.moves().filter(|m| !topic.is_empty() && m.topic == topic).count()
    }

    /// Items of the current stage's checklist phase.
    #[must_use]
    pub fn items(&self, stage: Stage) -> Vec<&'a ChecklistItem> {
        let phase = stage.phase();
        let fits = |item: &&ChecklistItem| match phase {
            Some(Phase::DiveA) => matches!(item.phase, Phase::DiveA | Phase::DiveB),
            phase => Some(item.phase) == phase,
        };
        self.problem().map_or_else(Vec::new, |p| p.checklist.iter().filter(fits).collect())
    }

    /// Whether there is still something to ask about a topic.
    #[must_use]
    pub fn is_open(&self, topic: &str) -> bool {
        !self.covered.contains(topic) && !self.presumed.contains(topic)
    }

    /// All items that nothing has covered yet.
    pub fn open_items(&self) -> impl Iterator<Item = &'a ChecklistItem> + '_ {
        self.problem().into_iter().flat_map(|p| &p.checklist).filter(|i| self.is_open(&i.id))
    }

    /// The dive in play: what the last question of this dive stage was about, or what the newest answer goes into.
    #[must_use]
    pub fn dive(&self) -> Option<&'a Dive> {
        if !matches!(self.stage, Stage::DiveA | Stage::DiveB) {
            return None;
        }
        let by_topic =
            self.moves_here().rev().filter_map(|m| m.topic.split('/').next()).find_map(|id| self.dive_by_id(id));
        by_topic.or_else(|| {
            let told_here = self.notes.iter().rev().map(|(_, n)| *n).filter(|n| n.stage == Some(self.stage));
            told_here.filter(|n| !n.dive.is_empty()).find_map(|n| self.dive_by_id(&n.dive))
        })
    }

    /// A dive of the problem.
    #[must_use]
    pub fn dive_by_id(&self, id: &str) -> Option<&'a Dive> {
        self.problem().and_then(|p| p.dives.iter().find(|d| d.id == id))
    }

    /// The competency that the story of `stage` is about.
    #[must_use]
    pub fn story(&self, stage: Stage) -> Option<&'a Competency> {
        let named = self.moves().rev().find(|m| m.stage == stage && !m.story.is_empty()).map(|m| m.story.as_str());
        match (named, stage) {
            (Some(id), _) => self.content.competency(id),
            (None, Stage::Flagship) => Some(&self.content.voice.flagship),
            // The 15-minute round opens with its first story.
            (None, s) if s.is_story() && s == self.plan.first_stage() => self.content.competency(&self.plan.problem),
            _ => None,
        }
    }

    /// Text of the question which is being answered: the interviewer's turn before the newest candidate turn.
    #[must_use]
    pub fn question(&self) -> &'a str {
        let newest = self.turns.iter().rposition(|t| t.role == Speaker::Candidate).unwrap_or(self.turns.len());
        self.turns[..newest].iter().rev().find(|t| t.role == Speaker::Interviewer).map_or("", |t| t.text.as_str())
    }

    /// The newest candidate turn.
    #[must_use]
    pub fn answer(&self) -> Option<&'a Turn> {
        self.turns.iter().rev().find(|t| t.role == Speaker::Candidate)
    }

    /// When the current stage began on the interview clock, as far as known.
    #[must_use]
    pub fn stage_began_ms(&self) -> u64 {
        let opened = self
            .notes
            .iter()
            .filter(|(_, n)| n.next.as_ref().is_some_and(|m| m.stage == self.stage))
            .map(|(seq, _)| *seq)
            .next();
        opened.and_then(|seq| self.turns.iter().find(|t| t.seq == seq)).and_then(|t| t.at_ms).unwrap_or(0)
    }
}

/// A rung of a dive by its name.
#[must_use]
pub fn rung<'a>(dive: &'a Dive, name: &str) -> Option<&'a Rung> {
    match name {
        "mechanism" => Some(&dive.mechanism),
        "limit" => Some(&dive.limit),
        "failure" => Some(&dive.failure),
        "alternative" => Some(&dive.alternative),
        _ => None,
    }
}

fn last_move<'a>(notes: &[(u32, &'a Note)]) -> Option<&'a Move> {
    notes.iter().rev().find_map(|(_, n)| n.next.as_ref())
}

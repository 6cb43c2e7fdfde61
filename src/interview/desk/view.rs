//! From a record to what is shown. Pure: the same record and clock give the same view, before and after a restart.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::board;
use crate::content::Content;
use crate::interview::debrief::{self, TurnNotes};
use crate::interview::delivery::{self, Delivery};
use crate::interview::interviewer;
use crate::interview::note::Note;
use crate::interview::plan::Plan;
use crate::interview::quality;
use crate::interview::session::{ClockView, SessionError, SessionView, Status};
use crate::interview::transcript::{Round, Speaker, Turn};
use crate::store::Record;

/// A record with its plan and notes read.
pub(super) struct Sitting {
    pub(super) record: Record,
    pub(super) plan: Plan,
    pub(super) notes: BTreeMap<u32, Note>,
}

impl Sitting {
    /// Reads plan and notes.
    pub(super) fn of(record: Record) -> Result<Self, SessionError> {
        let unreadable = |what: &str, error: serde_json::Error| {
            SessionError::Store(format!(
                "the {what} of session {} cannot be read ({error}; it was written by another version)",
                record.summary.id
            ))
        };
        let plan = serde_json::from_value(record.plan.clone()).map_err(|e| unreadable("plan", e))?;
        let notes = record
            .notes
            .iter()
            .map(|(seq, note)| Ok((*seq, serde_json::from_value(note.clone())?)))
            .collect::<Result<_, _>>()
            .map_err(|e| unreadable("notes", e))?;
        Ok(Self { record, plan, notes })
    }

    /// The reply that is due, if the candidate spoke last.
    pub(super) fn due(&self) -> Option<u32> {
        let last = self.record.turns.last()?;
        let active = self.record.summary.status != Status::Finished;
        (last.role == Speaker::Candidate && active).then_some(last.seq + 1)
    }

    /// What the next answer must carry.
    pub(super) fn next_seq(&self) -> u32 {
        let next = self.record.turns.last().map_or(0, |turn| turn.seq + 1);
        self.due().map_or(next, |reply| reply + 1)
    }

    /// The interviewer's notes in words.
    pub(super) fn debrief(&self, content: &Content) -> Vec<TurnNotes> {
        debrief::notes(content, &self.plan, &self.notes)
    }

    /// How the interviewer did.
    pub(super) fn report(&self, content: &Content) -> quality::Report {
        quality::report(content, &self.plan, &self.record.turns, &self.notes, &self.record.hints)
    }

    /// How long spoken answers took.
    pub(super) fn delivery(&self) -> Option<Delivery> {
        let read = |(seq, value): (&u32, &Value)| Some((*seq, serde_json::from_value(value.clone()).ok()?));
        delivery::delivery(&self.record.turns, &self.record.spoken.iter().filter_map(read).collect())
    }

    /// What is shown at this moment of the interview clock.
    pub(super) fn view(&self, content: &Content, elapsed_ms: u64) -> SessionView {
        let record = &self.record;
        let status = record.summary.status;
        let may_hint = status == Status::Active && self.due().is_none();
        let next_hint = may_hint
            .then(|| interviewer::next_hint(content, &self.plan, &record.turns, &self.notes, &record.hints))
            .flatten();
        SessionView {
            summary: record.summary.clone(),
            mode: record.asked.mode,
            plan: self.plan.phase_views(),
            phase: interviewer::current_phase(&self.plan, &record.turns, &self.notes, elapsed_ms),
            clock: ClockView { elapsed_ms, total_ms: self.plan.total_ms(), running: status == Status::Active },
            boards: board::drawn(&record.turns),
            turns: record.turns.iter().map(|turn| Turn { board: None, ..turn.clone() }).collect(),
            next_seq: self.next_seq(),
            replying: self.due(),
            hints: record.hints.clone(),
            next_hint_cost: next_hint.map(|hint| hint.cost),
            draft: record.draft.clone(),
            document: self.plan.document(content).map(str::to_owned),
            coach: record.remarks.clone(),
            scorecards: record.scorecards.clone(),
            notes: (status == Status::Finished).then(|| notes_by_turn(&record.notes)),
            interviewer_notes: (status == Status::Finished).then(|| self.debrief(content)),
            interviewer_report: (status == Status::Finished).then(|| self.report(content)),
            model_answer: if record.scorecards.is_empty() { None } else { model_answer(content, &self.plan) },
            record: record.asked.record,
            recordings: record.recordings.clone(),
            delivery: self.delivery(),
        }
    }
}

fn notes_by_turn(notes: &BTreeMap<u32, Value>) -> Value {
    Value::Object(notes.iter().map(|(seq, note)| (seq.to_string(), note.clone())).collect())
}

/// What a good answer holds, as Markdown; only for the eyes of someone whose grade is fixed.
pub(super) fn model_answer(content: &Content, plan: &Plan) -> Option<String> {
    match plan.round {
        Round::SystemDesign => content.problem(&plan.problem).map(|problem| {
            format!("{}\n\n### What makes it a staff answer\n\n{}\n", problem.model_answer.trim(), problem.staff.trim())
        }),
        Round::Behavioural => content.competency(&plan.problem).map(|competency| {
            let list = |lines: &[String]| lines.iter().map(|line| format!("- {line}\n")).collect::<String>();
            format!(
                "### What a senior story shows\n\n{}\n### What a staff story shows on top\n\n{}",
                list(&competency.senior),
                list(&competency.staff)
            )
        }),
    }
}

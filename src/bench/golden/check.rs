//! What a golden interview must hold before anything is measured on it. Pure.

use std::collections::HashSet;

use super::{Golden, Label};
use crate::content::{Content, Dimension, Slot};
use crate::grading::evidence::LEAST_WORDS;
use crate::grading::passage;
use crate::interview::transcript::{Round, Speaker};

/// A label with a level names at least this many moments.
const LEAST_MOMENTS: usize = 2;

/// All faults: field and reason.
#[must_use]
pub fn faults(golden: &Golden, stem: &str, content: &Content) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    let mut fault = |field: String, reason: String| faults.push((field, reason));
    if golden.id != stem {
        fault("id".into(), format!("{} is not the file's name", golden.id));
    }
    if ![15, 30, 45].contains(&golden.minutes) {
        fault("minutes".into(), format!("{} is not 15, 30 or 45", golden.minutes));
    }
    if golden.summary.trim().is_empty() {
        fault("summary".into(), "empty".into());
    }
    let known = coverable(golden, content);
    if known.is_none() {
        fault("problem".into(), format!("no problem or competency {}", golden.problem));
    }
    if golden.answers().all(|t| passage::words(&t.text).is_empty()) {
        fault("turn".into(), "nothing to grade: the candidate says nothing".into());
    }
    for (at, turn) in golden.turns.iter().enumerate() {
        let expected = if at % 2 == 0 { Speaker::Interviewer } else { Speaker::Candidate };
        if turn.role != expected {
            fault(format!("turn[{at}].role"), "interviewer and candidate must alternate, the interviewer first".into());
        }
        if turn.role == Speaker::Interviewer
            && (!turn.covered.is_empty() || !turn.carries.is_empty() || turn.paraphrase.is_some())
        {
            fault(format!("turn[{at}]"), "covered, carries and paraphrase belong to the candidate's turns".into());
        }
        for id in turn.covered.iter().filter(|id| known.as_ref().is_some_and(|k| !k.contains(*id))) {
            fault(format!("turn[{at}].covered"), format!("{id} is not in {}", golden.problem));
        }
        if turn.paraphrase.as_ref().is_some_and(|p| p.trim().is_empty() || *p == turn.text) {
            fault(format!("turn[{at}].paraphrase"), "empty, or the same words".into());
        }
    }
    for dimension in Dimension::ALL {
        let name = format!("{dimension:?}").to_lowercase();
        match golden.labels.get(&dimension) {
            None => fault(format!("labels.{name}"), "missing".into()),
            Some(label) => {
                for (field, reason) in of_label(golden, label) {
                    fault(format!("labels.{name}{field}"), reason);
                }
            }
        }
    }
    faults
}

fn of_label(golden: &Golden, label: &Label) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    let mut fault = |field: String, reason: String| faults.push((field, reason));
    match (label.level, &label.na) {
        (Some(level), None) => {
            if !(1..=5).contains(&level) {
                fault(".level".into(), format!("{level} is outside 1 to 5"));
            }
            if label.moments.len() < LEAST_MOMENTS {
                let reason = format!("{} moments; a level needs {LEAST_MOMENTS}", label.moments.len());
                fault(".moments".into(), reason);
            }
            if label.reason.trim().is_empty() {
                fault(".reason".into(), "missing or empty".into());
            }
        }
        (None, Some(na)) if !na.trim().is_empty() => {}
        (Some(_), Some(_)) => fault(".na".into(), "there is a level too: only one of them".into()),
        (None, _) => fault(".level".into(), "missing, and no na that says why".into()),
    }
    for (at, moment) in label.moments.iter().enumerate() {
        let field = format!(".moments[{at}]");
        match golden.turns.get(moment.turn) {
            Some(turn) if turn.role == Speaker::Candidate => {
                if !turn.text.contains(&moment.quote) {
                    fault(format!("{field}.quote"), format!("not verbatim in turn {}: {}", moment.turn, moment.quote));
                }
            }
            _ => fault(format!("{field}.turn"), format!("{} is no turn of the candidate", moment.turn)),
        }
        if passage::words(&moment.quote).len() < LEAST_WORDS {
            fault(format!("{field}.quote"), format!("fewer than {LEAST_WORDS} words: {}", moment.quote));
        }
    }
    faults
}

/// What a turn may cover; none when the problem or competency is not known.
fn coverable(golden: &Golden, content: &Content) -> Option<HashSet<String>> {
    const SLOTS: [Slot; 8] = [
        Slot::Situation,
        Slot::Task,
        Slot::OwnAction,
        Slot::Reasoning,
        Slot::OthersView,
        Slot::Result,
        Slot::LastingChange,
        Slot::Learning,
    ];
    match golden.round {
        Round::SystemDesign => content.problem(&golden.problem).map(|p| {
            let dives = p.dives.iter().map(|d| d.id.clone());
            let changes = p.curveballs.iter().map(|c| c.id.clone());
            p.checklist.iter().map(|c| c.id.clone()).chain(dives).chain(changes).collect()
        }),
        Round::Behavioural => {
            content.competency(&golden.problem).map(|_| SLOTS.iter().map(|s| s.id().to_owned()).collect())
        }
    }
}

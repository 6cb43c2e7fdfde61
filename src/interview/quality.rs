//! How well the interviewer did in one session, counted from what was said and decided. Pure; judges nobody else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::checks;
use super::lexicon;
use super::note::{Move, Note};
use super::plan::{Plan, Stage};
use super::session::HintView;
use super::transcript::{Speaker, Turn};
use super::way::Way;
use crate::content::Content;

/// Counts over the interviewer's turns; `seq`s name the turns, so that each can be looked up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Turns of the interviewer.
    pub turns: usize,
    /// Question marks outside quotations, per turn; the last words have none.
    pub questions_per_turn: f32,
    /// Turns with more than one question.
    pub double: Vec<u32>,
    /// Turns that can be answered with yes or no.
    pub yes_no: Vec<u32>,
    /// Turns that hold a piece of an answer ("you could use").
    pub leading: Vec<u32>,
    /// Turns whose own words are more than [`checks::MOST_WORDS`], told facts left out.
    pub over_long: Vec<u32>,
    /// Turns that ask what was asked before.
    pub repeated: Vec<u32>,
    /// Turns with praise or a verdict.
    pub praise: Vec<u32>,
    /// Turns worded by a spare question: nothing made for the point was left.
    pub spare: Vec<u32>,
    /// Part of the follow-ups (not the first questions of a part) that take up the candidate's words, quoted or told back,
    /// 0 to 1; none without any.
    pub quoting: Option<f32>,
    /// Planned and held seconds of each part, in order of the plan.
    pub parts: Vec<Part>,
    /// Hints that were given.
    pub hints: usize,
    /// Facts that were told.
    pub facts: usize,
    /// Contradictions that were found, with the résumé or between turns.
    pub contradictions: usize,
    /// Follow-ups by the way in which they came to their words.
    pub ways: BTreeMap<Way, usize>,
    /// What a model worded or pointed at and a check refused; none of it was shown.
    pub refused: usize,
    /// Answers that the model did not judge: only cues were heard there.
    pub unjudged: Vec<u32>,
}

/// One part of the interview against its plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Stage id.
    pub stage: Stage,
    /// Seconds planned.
    pub planned_s: u64,
    /// Seconds between its first question and that of the next part; 0 for a part that was left out.
    pub held_s: u64,
    /// Questions asked in it.
    pub questions: usize,
}

/// Looks at one session.
#[must_use]
pub fn report(
    content: &Content,
    plan: &Plan,
    turns: &[Turn],
    notes: &BTreeMap<u32, Note>,
    hints: &[HintView],
) -> Report {
    let said: Vec<&Turn> = turns.iter().filter(|t| t.role == Speaker::Interviewer).collect();
    let mut report = Report { turns: said.len(), hints: hints.len(), ..Report::default() };
    let mut marks = 0;
    let (mut follow_ups, mut quoting) = (0, 0);
    let mut earlier: Vec<&str> = Vec::new();
    for turn in &said {
        let next = turn.seq.checked_sub(1).and_then(|answer| notes.get(&answer)).and_then(|n| n.next.as_ref());
        // The opening and the change of plan say their piece before they ask: only their questions are looked at.
        let own = own_words(content, plan, next, &turn.text);
        marks += own.matches('?').count();
        let forbidden = &content.voice.hears.interviewer;
        let words = lexicon::words(&own);
        let holds = |list: &[String]| list.iter().any(|cue| checks::said(&words, cue));
        let mut count = |is: bool, list: fn(&mut Report) -> &mut Vec<u32>| {
            if is {
                list(&mut report).push(turn.seq);
            }
        };
        count(own.matches('?').count() > 1, |r| &mut r.double);
        count(checks::is_yes_no(&own), |r| &mut r.yes_no);
        count(holds(&forbidden.answers_itself), |r| &mut r.leading);
        count(next.is_some() && words.len() > checks::MOST_WORDS, |r| &mut r.over_long);
        count(earlier.iter().any(|e| checks::repeats(&turn.text, e)), |r| &mut r.repeated);
        count(holds(&forbidden.praise) || holds(&forbidden.verdicts), |r| &mut r.praise);
        count(content.voice.says.spare.iter().any(|spare| turn.text.ends_with(spare.as_str())), |r| &mut r.spare);
        if let Some(next) = next.filter(|m| m.act.follows_up()) {
            follow_ups += 1;
            quoting += usize::from(next.takes_up(&turn.text));
        }
        report.facts += next.map_or(0, |m| m.facts.len());
        earlier.push(&turn.text);
    }
    report.contradictions = notes.values().filter(|n| n.contradiction.is_some()).count();
    report.unjudged = notes.iter().filter(|(_, n)| n.engine_trouble.is_some()).map(|(seq, _)| *seq).collect();
    for note in notes.values() {
        let (Some(next), Some(how)) = (&note.next, &note.said) else { continue };
        report.refused += how.refused.len();
        if next.act.follows_up() {
            *report.ways.entry(how.way).or_default() += 1;
        }
    }
    report.questions_per_turn = marks as f32 / said.len().max(1) as f32;
    report.quoting = (follow_ups > 0).then(|| quoting as f32 / follow_ups as f32);
    report.parts = parts(plan, turns, notes);
    report
}

/// What the interviewer says of its own accord: told facts and quotations left out.
fn own_words(content: &Content, plan: &Plan, next: Option<&Move>, text: &str) -> String {
    let mut own = text.to_owned();
    let told = next.map_or(&[][..], |m| m.facts.as_slice());
    let facts = content.problem(&plan.problem).map_or(&[][..], |p| p.facts.as_slice());
    for fact in facts.iter().filter(|f| told.contains(&f.id)) {
        own = own.replacen(fact.says.trim(), "", 1);
    }
    checks::without_quotations(&own)
}

fn parts(plan: &Plan, turns: &[Turn], notes: &BTreeMap<u32, Note>) -> Vec<Part> {
    let at = |seq: u32| turns.iter().find(|t| t.seq == seq).and_then(|t| t.at_ms);
    // (stage, when its question was asked): the opening asks for the first stage.
    let asked: Vec<(Stage, u64)> = std::iter::once((plan.first_stage(), 0))
        .chain(notes.iter().filter_map(|(seq, n)| Some((n.next.as_ref()?.stage, at(seq + 1).or_else(|| at(*seq))?))))
        .collect();
    let end = turns.iter().filter_map(|t| t.at_ms).max().unwrap_or(0);
    let planned = plan.stages.iter().filter(|s| s.stage != Stage::Open);
    planned
        .map(|s| {
            let first = asked.iter().position(|(stage, _)| *stage == s.stage);
            let last = asked.iter().rposition(|(stage, _)| *stage == s.stage);
            let held = first.zip(last).map_or(0, |(first, last)| {
                asked.get(last + 1).map_or(end, |(_, at)| *at).saturating_sub(asked[first].1)
            });
            let questions = asked.iter().filter(|(stage, _)| *stage == s.stage).count();
            Part { stage: s.stage, planned_s: (s.ends_ms - s.starts_ms) / 1000, held_s: held / 1000, questions }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interview::simulation::Simulation;
    use crate::interview::transcript::Round;

    fn held(content: &Content) -> Simulation<'_> {
        let mut interview = Simulation::new(content, Round::SystemDesign, Some("event-callbacks"), 15, 11);
        for answer in [
            "How many events per second do we have, and how late may one be?",
            "The order service writes the change and an outbox row in the same transaction, and workers post it.",
            "Each customer gets a queue of its own and the senders go round robin.",
            "No further questions.",
        ] {
            let _ = interview.answer(answer, 60_000);
        }
        interview
    }

    #[test]
    fn a_usual_interview_has_nothing_to_blame() {
        let content = Content::built_in();
        let interview = held(&content);
        let report = report(&content, &interview.plan, &interview.turns, &interview.notes, &[]);
        assert_eq!((report.turns, report.facts, report.hints), (5, 2, 0));
        let faults =
            [&report.double, &report.yes_no, &report.leading, &report.over_long, &report.repeated, &report.praise];
        assert!(faults.iter().all(|f| f.is_empty()), "{report:?}");
        let held: u64 = report.parts.iter().map(|p| p.held_s).sum();
        assert_eq!(held, 240, "{:?}", report.parts);
    }

    #[test]
    fn a_bad_question_is_named_by_its_turn() {
        let content = Content::built_in();
        let mut interview = held(&content);
        let check = |interview: &Simulation<'_>, of: fn(&Report) -> &Vec<u32>| {
            let report = report(&content, &interview.plan, &interview.turns, &interview.notes, &[]);
            assert_eq!(of(&report), &[4], "{}", interview.turns[4].text);
        };
        for (text, of) in [
            ("What is it? And why?", (|r: &Report| &r.double) as fn(&Report) -> &Vec<u32>),
            ("Is it fast?", |r| &r.yes_no),
            ("You could use a queue there: what then?", |r| &r.leading),
            ("Great. What then?", |r| &r.praise),
        ] {
            interview.turns[4].text = text.to_owned();
            check(&interview, of);
        }
        interview.turns[4].text = interview.turns[2].text.clone();
        check(&interview, |r| &r.repeated);
    }
}

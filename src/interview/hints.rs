//! The hint ladder: which hint comes next, and what it costs. Pure.

use std::collections::BTreeMap;

use super::note::Note;
use super::plan::Plan;
use super::reading::Reading;
use super::session::HintView;
use super::transcript::{Round, Turn};
use super::wording;
use crate::content::{Content, HintTopic, Phase};

/// The next hint for where the interview stands; none when there is none to give. Its `seq` is the next turn's: the
/// session may set it otherwise.
#[must_use]
pub fn next_hint(
    content: &Content,
    plan: &Plan,
    turns: &[Turn],
    notes: &BTreeMap<u32, Note>,
    hints: &[HintView],
) -> Option<HintView> {
    let reading = Reading::new(content, plan, turns, notes, 0);
    let seq = turns.last().map_or(0, |t| t.seq);
    match plan.round {
        Round::SystemDesign => design(&reading, hints, seq),
        Round::Behavioural => behavioural(&reading, hints, seq),
    }
}

fn design(reading: &Reading<'_>, hints: &[HintView], seq: u32) -> Option<HintView> {
    let says = &reading.content.voice.says;
    let taken = |topic: &str| hints.iter().filter(|h| h.topic == topic).map(|h| h.rung).max().unwrap_or(0);
    let near = topics(reading).into_iter().find(|t| taken(&t.topic) < 4);
    let topic = near.or_else(|| elsewhere(reading, taken))?;
    let rung = taken(&topic.topic) + 1;
    let text = match rung {
        1 => &topic.constraint,
        2 => &topic.area,
        3 => &topic.concept,
        _ => &topic.options,
    };
    let cost = says.hint_costs[usize::from(rung) - 1].clone();
    Some(HintView { topic: topic.topic.clone(), rung, text: text.clone(), cost, seq })
}

/// Topics with a ladder, nearest first: what was asked, then what is open in this stage.
fn topics<'a>(reading: &Reading<'a>) -> Vec<&'a HintTopic> {
    let Some(problem) = reading.problem() else { return Vec::new() };
    let asked = reading.asked().map_or("", |m| m.topic.as_str());
    let asked = asked.split('/').next().unwrap_or_default();
    let open: Vec<&str> = reading
        .items(reading.stage)
        .into_iter()
        .filter(|i| !reading.covered.contains(i.id.as_str()))
        .map(|i| i.id.as_str())
        .collect();
    let dive = reading.dive().map_or("", |d| d.id.as_str());
    let near = |topic: &&HintTopic| topic.topic == asked || topic.topic == dive;
    let here = |topic: &&HintTopic| open.contains(&topic.topic.as_str());
    let mut found: Vec<&HintTopic> = problem.hints.iter().filter(near).collect();
    found.extend(problem.hints.iter().filter(|t| here(t) && !near(t)));
    found
}

/// When nothing of this stage has a ladder: what is open and belongs to this stage or to the next ones, the lowest rung
/// first. So the free restatements come before anything that costs.
fn elsewhere<'a>(reading: &Reading<'a>, taken: impl Fn(&str) -> u8) -> Option<&'a HintTopic> {
    let problem = reading.problem()?;
    let here = reading.stage.phase().unwrap_or(Phase::Constraints);
    let phase = |topic: &str| problem.checklist.iter().find(|i| i.id == topic).map_or(Phase::DiveA, |i| i.phase);
    let is_covered = |topic: &str| {
        let of_dive = format!("{topic}/mechanism");
        reading.covered.contains(topic) || reading.covered.contains(of_dive.as_str())
    };
    problem.hints.iter().filter(|t| taken(&t.topic) < 4).min_by_key(|t| {
        let phase = phase(&t.topic);
        (is_covered(&t.topic), taken(&t.topic), phase < here, (phase as i8 - here as i8).unsigned_abs())
    })
}

/// No hints on content: one re-phrase, one moment, per question.
fn behavioural(reading: &Reading<'_>, hints: &[HintView], seq: u32) -> Option<HintView> {
    let says = &reading.content.voice.says;
    let topic =
        format!("turn-{}", reading.turns.iter().rev().find(|t| t.role == super::transcript::Speaker::Interviewer)?.seq);
    let rung = 1 + hints.iter().filter(|h| h.topic == topic).map(|h| h.rung).max().unwrap_or(0);
    let text = match rung {
        1 => rephrased(reading)?,
        2 => says.moment.clone(),
        _ => return None,
    };
    Some(HintView { topic, rung, text, cost: says.rephrase_cost.clone(), seq })
}

/// The open question in other words: another wording of its topic, or the nearby situation of its story.
fn rephrased(reading: &Reading<'_>) -> Option<String> {
    let asked = reading.asked();
    let other = asked.and_then(|m| wording::rephrase(reading.content, reading.plan, reading.turns, m));
    other.or_else(|| {
        let story = reading.story(reading.stage)?;
        let id = asked.map(|m| m.question.as_str()).filter(|id| !id.is_empty());
        let planned = reading.plan.stories.iter().find(|s| s.competency == story.id).map(|s| s.question.as_str());
        let question = wording::question(reading.content, &story.id, id.or(planned)?)?;
        Some(question.nearby.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interview::simulation::Simulation;

    #[test]
    fn a_design_round_has_a_hint_at_every_moment_and_the_first_is_free() {
        let content = Content::built_in();
        for problem in content.problems() {
            let mut interview = Simulation::new(&content, Round::SystemDesign, Some(&problem.id), 45, 5);
            for answer in [
                "Tell me a joke.",
                "How many are there?",
                "A table and a loop would do for that, I think.",
                "No further questions.",
            ] {
                let hint = next_hint(&content, &interview.plan, &interview.turns, &interview.notes, &[]);
                let hint = hint.unwrap_or_else(|| panic!("{}: no hint before {answer:?}", problem.id));
                assert_eq!(hint.rung, 1, "{}: {}", problem.id, hint.text);
                let _ = interview.answer(answer, 30_000);
            }
        }
    }

    #[test]
    fn a_ladder_ends_when_every_hint_is_taken() {
        let content = Content::built_in();
        let interview = Simulation::new(&content, Round::SystemDesign, Some("event-callbacks"), 45, 5);
        let mut taken: Vec<HintView> = Vec::new();
        while let Some(hint) = next_hint(&content, &interview.plan, &interview.turns, &interview.notes, &taken) {
            assert!(!taken.iter().any(|h| h.topic == hint.topic && h.rung == hint.rung), "{} twice", hint.text);
            taken.push(hint);
        }
        let topics = content.problem("event-callbacks").map_or(0, |p| p.hints.len());
        assert_eq!(taken.len(), 4 * topics);
    }
}

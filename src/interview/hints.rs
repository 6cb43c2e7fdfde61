//! The hint ladder: which hint comes next, and what it costs. Pure.

use std::collections::BTreeMap;

use super::note::Note;
use super::plan::Plan;
use super::reading::Reading;
use super::session::HintView;
use super::transcript::{Round, Turn};
use super::wording;
use crate::content::{Content, HintTopic};

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
    let topic = topics(reading).into_iter().find(|t| taken(&t.topic) < 4)?;
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

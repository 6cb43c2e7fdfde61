//! What a topic is called in words: checklist items, rungs of a dive, the change, slots of a story. Knows content only.

use super::plan::Plan;
use super::reading::rung;
use super::transcript::Round;
use crate::content::Content;

/// A thing to cover, in words that give nothing away.
#[must_use]
pub fn name(content: &Content, plan: &Plan, id: &str) -> Option<String> {
    if plan.round == Round::Behavioural {
        let slot = id.split_once('/').map(|(_, slot)| slot)?;
        let named = match slot {
            "situation" => "the situation and its size",
            "task" => "what was yours to do",
            "own-action" => "what you did yourself",
            "reasoning" => "why this and not something else",
            "others-view" => "what the others held",
            "result" => "what came of it, in numbers",
            "lasting-change" => "what works today without you",
            "learning" => "what you would do otherwise",
            _ => return None,
        };
        return Some(named.to_owned());
    }
    let problem = content.problem(&plan.problem)?;
    if let Some(item) = problem.checklist.iter().find(|i| i.id == id) {
        return Some(item.area.clone());
    }
    let (dive, level) = id.split_once('/')?;
    if dive == "arrow" {
        return Some("an arrow on the whiteboard".to_owned());
    }
    if dive == "change" {
        return Some("what the change does to your design".to_owned());
    }
    let dive = problem.dives.iter().find(|d| d.id == dive)?;
    rung(dive, level)?;
    let level = match level {
        "mechanism" => "how it works",
        "limit" => "where it stops working",
        "failure" => "how it fails",
        _ => "what else there is",
    };
    Some(format!("{}, {level}", dive.area))
}

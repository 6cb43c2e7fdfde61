//! What an answer may cover: items of the checklist, rungs of a deep dive, slots of a story.

use crate::content::Phase;
use crate::interview::evidence::Evidence;
use crate::interview::lexicon::{self, Word};
use crate::interview::plan::Stage;
use crate::interview::reading::{RUNGS, Reading, rung};
use crate::interview::transcript::Round;

/// Something that an answer may cover.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) id: String,
    pub(super) ask: String,
    pub(super) cues: Vec<String>,
    pub(super) weight: u8,
    /// Belongs to what is being asked now; the others are only searched for cues.
    pub(super) in_play: bool,
    /// A question of the candidate counts too (constraints may be asked for).
    pub(super) asked_counts: bool,
    /// The evidence, for items of the checklist and slots of stories; empty for what goes by cues alone.
    pub(super) evidence: Evidence,
}

/// What is open and could be covered by this answer; what is in play first, heavy first.
pub(super) fn targets(reading: &Reading<'_>, dive: &str) -> Vec<Target> {
    let mut targets = match reading.plan.round {
        Round::SystemDesign => design_targets(reading, dive),
        Round::Behavioural => story_targets(reading),
    };
    targets.retain(|t| !reading.covered.contains(t.id.as_str()));
    targets.sort_by_key(|t| (!t.in_play, u8::MAX - t.weight));
    targets
}

fn design_targets(reading: &Reading<'_>, dive: &str) -> Vec<Target> {
    let Some(problem) = reading.problem() else { return Vec::new() };
    let here: Vec<&str> = reading.items(reading.stage).iter().map(|i| i.id.as_str()).collect();
    let asked = reading.asked().map_or("", |m| m.topic.as_str());
    let mut targets: Vec<Target> = problem
        .checklist
        .iter()
        .map(|item| Target {
            id: item.id.clone(),
            ask: item.ask.clone(),
            cues: item.cues.clone(),
            weight: item.weight,
            in_play: here.contains(&item.id.as_str()) || item.id == asked,
            asked_counts: matches!(item.phase, Phase::Constraints | Phase::Sizing),
            evidence: Vec::new(),
        })
        .collect();
    if let Some(dive) = problem.dives.iter().find(|d| d.id == dive) {
        for name in RUNGS {
            if let Some(level) = rung(dive, name) {
                targets.push(Target {
                    id: format!("{}/{name}", dive.id),
                    ask: level.ask.clone(),
                    cues: level.cues.clone(),
                    weight: 3,
                    in_play: true,
                    asked_counts: false,
                    evidence: Vec::new(),
                });
            }
        }
    }
    if reading.stage == Stage::Change
        && let Some(curveball) = problem.curveballs.iter().find(|c| Some(&c.id) == reading.plan.curveball.as_ref())
    {
        targets.push(Target {
            id: format!("change/{}", curveball.id),
            ask: curveball.ask.clone(),
            cues: curveball.cues.clone(),
            weight: 3,
            in_play: true,
            asked_counts: false,
            evidence: Vec::new(),
        });
    }
    targets
}

fn story_targets(reading: &Reading<'_>) -> Vec<Target> {
    let Some(competency) = reading.story(reading.stage) else { return Vec::new() };
    let stage = reading.stage.id();
    competency
        .slots
        .iter()
        .map(|slot| Target {
            id: format!("{stage}/{}", slot.slot.id()),
            ask: slot.ask.clone(),
            cues: slot.cues.clone(),
            weight: slot.weight,
            in_play: true,
            asked_counts: false,
            evidence: Vec::new(),
        })
        .collect()
}

/// The dive that an answer goes into: the one in play, or the one whose cues it holds most of.
pub(super) fn dive(reading: &Reading<'_>, words: &[Word]) -> String {
    if !matches!(reading.stage, Stage::DiveA | Stage::DiveB) {
        return String::new();
    }
    if let Some(dive) = reading.dive() {
        return dive.id.clone();
    }
    let Some(problem) = reading.problem() else { return String::new() };
    problem
        .dives
        .iter()
        .map(|d| (lexicon::count(words, &d.cues), d))
        .filter(|(n, _)| *n > 0)
        .max_by_key(|(n, _)| *n)
        .map_or(String::new(), |(_, d)| d.id.clone())
}

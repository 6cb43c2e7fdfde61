//! The checklist: yes/no items on the candidate's words, written by hand, each tied to an anchor and a sign.
//!
//! Items come from the problem or the competencies where they are known, and from `prompts/grader/<round>.toml`
//! always. Knows no transcript and no model.

use std::sync::OnceLock;

use serde::Deserialize;

use super::cue::{self, Cue};
use super::scorecard::Sign;
use crate::content::system_design::{Dive, Phase, Problem, Rung};
use crate::content::{Competency, Dimension, FlagKind, RedFlag, Slot};
use crate::interview::transcript::Round;

/// The generic checklist of the system-design round, as built in.
pub const SYSTEM_DESIGN: &str = include_str!("../../prompts/grader/system-design.toml");
/// The generic checklist of the behavioural round, as built in.
pub const BEHAVIOURAL: &str = include_str!("../../prompts/grader/behavioural.toml");

/// One thing to look for.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Unique among the items of a grade.
    pub id: String,
    /// The dimension it speaks for or against.
    pub dimension: Dimension,
    /// The anchor it belongs to, 1 to 5.
    pub anchor: u8,
    /// For or against.
    pub sign: Sign,
    /// 1 to 3.
    pub weight: f64,
    /// The yes/no question.
    pub ask: String,
    /// What to name when it is missing.
    pub gap: String,
    /// Phrases of which one must occur in a passage that answers it.
    pub cues: Vec<Cue>,
    /// The id that hints name, for items of a problem.
    pub topic: Option<String>,
    /// Where in the round it is looked for, for items of a problem.
    pub phase: Option<Phase>,
    /// Yes means that a claim is not so (and not only weak).
    pub wrong: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    item: Vec<FileItem>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileItem {
    dimension: Dimension,
    id: String,
    anchor: u8,
    sign: Sign,
    weight: u8,
    ask: String,
    gap: String,
    cues: Vec<String>,
}

/// All items for a round with what is known of its content.
#[must_use]
pub fn items(round: Round, problem: Option<&Problem>, competencies: &[&Competency]) -> Vec<Item> {
    let mut items = Vec::new();
    if let (Round::SystemDesign, Some(problem)) = (round, problem) {
        items.extend(of_problem(problem));
    }
    if round == Round::Behavioural {
        items.extend(competencies.iter().flat_map(|c| of_competency(c)));
    }
    items.extend(generic(round).iter().cloned());
    items
}

/// The items that hold for every problem or story of a round.
#[must_use]
pub fn generic(round: Round) -> &'static [Item] {
    static DESIGN: OnceLock<Vec<Item>> = OnceLock::new();
    static STORIES: OnceLock<Vec<Item>> = OnceLock::new();
    let parse = |text: &str| {
        let file: File = toml::from_str(text).expect("a checklist under prompts/grader does not parse. This is a bug.");
        file.item.into_iter().map(Item::from).collect()
    };
    match round {
        Round::SystemDesign => DESIGN.get_or_init(|| parse(SYSTEM_DESIGN)),
        Round::Behavioural => STORIES.get_or_init(|| parse(BEHAVIOURAL)),
    }
}

impl From<FileItem> for Item {
    fn from(item: FileItem) -> Self {
        Self {
            id: item.id,
            dimension: item.dimension,
            anchor: item.anchor,
            sign: item.sign,
            weight: f64::from(item.weight),
            ask: item.ask,
            gap: item.gap,
            cues: cue::cues(&item.cues),
            topic: None,
            phase: None,
            wrong: item.anchor == 1 && item.dimension == Dimension::Technical,
        }
    }
}

/// A senior answer needs what weighs 3: anchor 3. What is nice to have speaks for more than that.
fn anchor_of_weight(weight: u8) -> u8 {
    if weight >= 3 { 3 } else { 4 }
}

fn of_problem(problem: &Problem) -> Vec<Item> {
    let mut items: Vec<Item> = problem
        .checklist
        .iter()
        .map(|c| Item {
            id: format!("{}/{}", problem.id, c.id),
            dimension: c.dimension,
            anchor: anchor_of_weight(c.weight),
            sign: Sign::Plus,
            weight: f64::from(c.weight),
            ask: c.ask.clone(),
            gap: format!("{} ({})", c.area, c.why.trim_end_matches('.')),
            cues: cue::cues(&c.cues),
            topic: Some(c.id.clone()),
            phase: Some(c.phase),
            wrong: false,
        })
        .collect();
    for dive in &problem.dives {
        items.extend(of_dive(&problem.id, dive));
    }
    items.extend(problem.curveballs.iter().map(|c| Item {
        id: format!("{}/{}", problem.id, c.id),
        dimension: Dimension::Architectural,
        anchor: 5,
        sign: Sign::Plus,
        weight: 1.0,
        ask: c.ask.clone(),
        gap: "what breaks and what stays when the constraint changes".into(),
        cues: cue::cues(&c.cues),
        topic: Some(c.id.clone()),
        phase: Some(Phase::Change),
        wrong: false,
    }));
    items.extend(problem.red_flags.iter().map(|flag| of_red_flag(&problem.id, flag)));
    items
}

fn of_dive(problem: &str, dive: &Dive) -> Vec<Item> {
    let rung = |name: &str, rung: &Rung, dimension, anchor, gap: &str| Item {
        id: format!("{problem}/{}/{name}", dive.id),
        dimension,
        anchor,
        sign: Sign::Plus,
        weight: 1.0,
        ask: rung.ask.clone(),
        gap: format!("{}: {gap}", dive.area),
        cues: cue::cues(&rung.cues),
        topic: Some(dive.id.clone()),
        phase: Some(Phase::DiveA),
        wrong: false,
    };
    vec![
        rung("mechanism", &dive.mechanism, Dimension::Technical, 3, "how it works"),
        rung("limit", &dive.limit, Dimension::Technical, 4, "where it stops working"),
        rung("failure", &dive.failure, Dimension::Technical, 4, "how it fails, and what then"),
        rung("alternative", &dive.alternative, Dimension::Architectural, 4, "what else, and why not"),
    ]
}

fn of_red_flag(file: &str, flag: &RedFlag) -> Item {
    Item {
        id: format!("{file}/{}", flag.id),
        dimension: flag.dimension,
        anchor: 2,
        sign: Sign::Minus,
        weight: 2.0,
        ask: flag.ask.clone(),
        gap: String::new(),
        cues: cue::cues(&flag.cues),
        topic: None,
        phase: None,
        wrong: flag.kind == FlagKind::Wrong,
    }
}

fn of_competency(competency: &Competency) -> Vec<Item> {
    let mut items: Vec<Item> = competency
        .slots
        .iter()
        .map(|slot| Item {
            id: format!("{}/{}", competency.id, slot_name(slot.slot)),
            dimension: slot.dimension,
            anchor: anchor_of_slot(slot.slot),
            sign: Sign::Plus,
            weight: f64::from(slot.weight),
            ask: slot.ask.clone(),
            gap: slot_gap(slot.slot).into(),
            cues: cue::cues(&slot.cues),
            topic: None,
            phase: None,
            wrong: false,
        })
        .collect();
    items.extend(competency.red_flags.iter().map(|flag| of_red_flag(&competency.id, flag)));
    items
}

fn anchor_of_slot(slot: Slot) -> u8 {
    match slot {
        Slot::Situation | Slot::Task | Slot::OwnAction => 3,
        Slot::Reasoning | Slot::OthersView | Slot::Result | Slot::Learning => 4,
        Slot::LastingChange => 5,
    }
}

fn slot_name(slot: Slot) -> &'static str {
    match slot {
        Slot::Situation => "situation",
        Slot::Task => "task",
        Slot::OwnAction => "own-action",
        Slot::Reasoning => "reasoning",
        Slot::OthersView => "others-view",
        Slot::Result => "result",
        Slot::LastingChange => "lasting-change",
        Slot::Learning => "learning",
    }
}

fn slot_gap(slot: Slot) -> &'static str {
    match slot {
        Slot::Situation => "where, when and how large it was",
        Slot::Task => "what had to be done, and by whom",
        Slot::OwnAction => "what the candidate did in person",
        Slot::Reasoning => "why this and not something else",
        Slot::OthersView => "the other side's strongest argument",
        Slot::Result => "what came out, with a number",
        Slot::LastingChange => "what still works today without the candidate",
        Slot::Learning => "what the candidate would do otherwise, and where they have",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_round_has_items_for_every_dimension_and_every_item_can_be_found() {
        for round in [Round::SystemDesign, Round::Behavioural] {
            let items = generic(round);
            let ids: HashSet<&str> = items.iter().map(|i| i.id.as_str()).collect();
            assert_eq!(ids.len(), items.len(), "two items share an id");
            for dimension in Dimension::ALL {
                let own: Vec<&Item> = items.iter().filter(|i| i.dimension == dimension).collect();
                assert!(own.len() >= 5, "{dimension:?} has {} items in {round:?}", own.len());
                assert!(own.iter().any(|i| i.sign == Sign::Minus), "{dimension:?} in {round:?} has nothing against");
                assert!(own.iter().any(|i| i.anchor == 5), "{dimension:?} in {round:?} has nothing for a 5");
            }
            for item in items {
                assert!(!item.cues.is_empty() && item.ask.ends_with('?'), "{}", item.id);
                let fits = if item.sign == Sign::Plus { 3..=5 } else { 1..=2 };
                assert!(fits.contains(&item.anchor), "{}", item.id);
                assert_eq!(item.gap.is_empty(), item.sign == Sign::Minus, "{}", item.id);
            }
        }
    }
}

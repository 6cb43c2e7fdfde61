//! The rubric as data: six dimensions, anchors 1 to 5, drills, staff notes, caps, thresholds (`prompts/rubric.toml`).
//!
//! Owns the parsing; knows no transcript. Everything in it is an uncalibrated proposal that a person may edit.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::content::Dimension;
use crate::interview::transcript::Round;

/// The file as it is built into the program.
pub const TEXT: &str = include_str!("../../prompts/rubric.toml");

/// The whole rubric.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rubric {
    /// Changes whenever a grade could change.
    pub version: String,
    /// Core dimensions of a round; two of them without a number: no verdict.
    core: Core,
    /// Thresholds of the overall.
    pub verdict: Verdict,
    /// How the parts of a reading are put together.
    pub combine: Combine,
    /// The six, in order.
    pub dimension: Vec<DimensionText>,
    /// Rules that hold a score down.
    pub cap: Vec<CapText>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Core {
    system_design: Vec<Dimension>,
    behavioural: Vec<Dimension>,
}

/// Thresholds of the overall.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Mean from which the senior bar is met.
    pub senior_mean: f64,
    /// No core dimension may be under this.
    pub core_floor: f64,
    /// This many core dimensions without a number: no verdict.
    pub core_missing_limit: usize,
    /// Fewer usable pieces of evidence than this: not assessed.
    pub evidence_minimum: usize,
    /// Readings that differ by more levels than this: low confidence.
    pub low_confidence_spread: f64,
}

/// Weights of an uncalibrated reading.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Combine {
    /// Level of an answer with evidence but nothing of anchors 3 to 5.
    pub base: f64,
    /// What full coverage of the items of anchor 3 adds.
    pub anchor3: f64,
    /// The same for anchor 4.
    pub anchor4: f64,
    /// The same for anchor 5.
    pub anchor5: f64,
    /// What full negative evidence takes away.
    pub negative: f64,
    /// Share of the items of an anchor that counts as full coverage.
    pub full_coverage: f64,
    /// Standard deviation, in levels, of a reading of the checklist.
    pub sigma: f64,
    /// Weight of the model's level distribution beside the checklist's.
    pub level_weight: f64,
    /// The model's levels move the checklist's reading by at most this.
    pub leash: f64,
    /// Strength from which a quotation is evidence.
    pub usable: f64,
    /// Log-odds that a place with a cue answers its item.
    pub cue: f64,
    /// What a fully specific place adds to them.
    pub specific: f64,
    /// What one logit of the model's lift adds to them.
    pub model: f64,
    /// The lift counts within plus and minus this.
    pub most_lift: f64,
}

/// One dimension's words.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DimensionText {
    /// Which.
    pub id: Dimension,
    /// For a person.
    pub title: String,
    /// One line on what it means, for the judge.
    pub meaning: String,
    /// Anchor lines 1 to 5.
    pub anchors: [String; 5],
    /// The same, short, for the judge.
    pub short: [String; 5],
    /// An exercise for someone read at level 1 to 4.
    pub drills: [String; 4],
    /// What a staff answer shows on top.
    pub staff: String,
}

/// One rule's words.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapText {
    /// Stable id, known to `caps`.
    pub id: String,
    /// What it does.
    pub effect: String,
}

impl Rubric {
    /// The built-in rubric.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static RUBRIC: OnceLock<Rubric> = OnceLock::new();
        RUBRIC.get_or_init(|| toml::from_str(TEXT).expect("prompts/rubric.toml does not parse. This is a bug."))
    }

    /// Core dimensions of a round.
    #[must_use]
    pub fn core(&self, round: Round) -> &[Dimension] {
        match round {
            Round::SystemDesign => &self.core.system_design,
            Round::Behavioural => &self.core.behavioural,
        }
    }

    /// The words of a dimension.
    #[must_use]
    pub fn text(&self, id: Dimension) -> &DimensionText {
        self.dimension
            .iter()
            .find(|d| d.id == id)
            .expect("prompts/rubric.toml lacks a dimension. This is a bug: a test checks that all six are there.")
    }

    /// The words of a rule.
    #[must_use]
    pub fn effect(&self, rule: &str) -> String {
        self.cap.iter().find(|c| c.id == rule).map_or_else(|| rule.to_owned(), |c| c.effect.clone())
    }
}

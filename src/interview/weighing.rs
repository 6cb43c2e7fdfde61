//! How the evidence for one item of one answer is weighed into a probability: `prompts/interviewer/coverage.toml`, one
//! set of weights per round, fitted on labelled transcripts (`bench coverage` prints them). A model that was fitted too
//! brings weights of its own (`thresholds.toml`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::transcript::Round;
use crate::prompts;

/// Weights by the name of the evidence, and from which probability on an item counts as covered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// What holds without any evidence.
    pub bias: f32,
    /// By the names of [`super::evidence::design`] and [`super::evidence::story`], and `lift` (how much more than out of
    /// habit a model says yes, -0.5 to 0.5).
    pub weights: BTreeMap<String, f32>,
    /// Least probability.
    pub threshold: f32,
    /// How an item that is still open is seen by how well the others were covered; not at all if left out.
    #[serde(default)]
    pub others: Option<Others>,
}

/// The probability of one item, seen together with the other items of the same interview.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Others {
    /// What holds without any evidence.
    pub bias: f32,
    /// Of the logit of what the answers so far say of the item.
    pub so_far: f32,
    /// Of the mean of the others' probabilities.
    pub others: f32,
    /// Least probability.
    pub threshold: f32,
}

impl Others {
    /// The probability of an item that is `so_far` likely by itself, when the others are likely by `others` on average.
    #[must_use]
    pub fn probability(&self, so_far: f32, others: f32) -> f32 {
        let p = so_far.clamp(1e-3, 1.0 - 1e-3);
        1.0 / (1.0 + (-(self.bias + self.so_far * (p / (1.0 - p)).ln() + self.others * others)).exp())
    }
}

impl Weights {
    /// The probability that the item is covered.
    #[must_use]
    pub fn probability<'a>(&self, evidence: impl IntoIterator<Item = &'a (String, f32)>) -> f32 {
        let sum: f32 = evidence.into_iter().map(|(name, x)| self.weights.get(name).copied().unwrap_or(0.0) * x).sum();
        1.0 / (1.0 + (-(self.bias + sum)).exp())
    }
}

/// Both rounds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Weighed {
    /// Checklist items of design rounds.
    #[serde(default)]
    pub system_design: Weights,
    /// Slots of stories.
    #[serde(default)]
    pub behavioural: Weights,
}

impl Weighed {
    /// The weights of a round.
    #[must_use]
    pub const fn of(&self, round: Round) -> &Weights {
        match round {
            Round::SystemDesign => &self.system_design,
            Round::Behavioural => &self.behavioural,
        }
    }
}

/// The weights without a model.
pub static BY_CODE: LazyLock<Weighed> = LazyLock::new(|| {
    let text = prompts::text("interviewer/coverage.toml").expect("a file of the program. This is a bug.");
    toml::from_str(&text).expect("a file of the program does not parse. This is a bug.")
});

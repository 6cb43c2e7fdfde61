//! From which P(yes) on a model's judgement is believed: `prompts/interviewer/thresholds.toml`, fitted per model file.
//! A model that nobody has fitted has no say.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::matching::Believed;
use super::transcript::Round;
use super::weighing::{Weighed, Weights};
use crate::engine::ModelInfo;
use crate::prompts;

/// What one model is believed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// The model, for people.
    #[serde(default)]
    pub id: String,
    /// Its file.
    #[serde(default)]
    pub sha256: String,
    /// Whether an answer covers a topic.
    #[serde(default)]
    pub coverage: Option<Coverage>,
    /// How its judgement is weighed with the other evidence; by veto and trust alone if left out.
    #[serde(default)]
    pub weights: Option<Weighed>,
    /// Whether two statements contradict each other: least P(yes).
    #[serde(default)]
    pub contradiction: Option<f32>,
    /// Which fact a question asks for; by words alone if left out.
    #[serde(default)]
    pub fact: Option<Believed>,
}

impl Thresholds {
    /// The weights of a round in which the model's judgement was found to add something.
    #[must_use]
    pub fn weighs(&self, round: Round) -> Option<&Weights> {
        self.weights.as_ref().map(|w| w.of(round)).filter(|w| !w.weights.is_empty())
    }
}

/// How cues and judgements go together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// A cue below this P(yes) is not believed.
    pub veto: f32,
    /// Without a cue, at least this P(yes) is believed.
    pub trust: f32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    model: Vec<Thresholds>,
}

static ALL: LazyLock<Vec<Thresholds>> = LazyLock::new(|| {
    let text = prompts::text("interviewer/thresholds.toml").expect("a file of the program. This is a bug.");
    toml::from_str::<File>(&text).expect("a file of the program does not parse. This is a bug.").model
});

/// What this model is believed; nothing for one that nobody has fitted.
#[must_use]
pub fn of(info: &ModelInfo) -> Thresholds {
    ALL.iter().find(|t| !t.sha256.is_empty() && t.sha256 == info.sha256).cloned().unwrap_or_default()
}

/// For the tests' scripted engine and for measuring: a judge that is believed.
#[must_use]
pub const fn trusting() -> Thresholds {
    Thresholds {
        id: String::new(),
        sha256: String::new(),
        coverage: Some(Coverage { veto: 0.2, trust: 0.7 }),
        weights: None,
        contradiction: Some(0.8),
        fact: Some(Believed { likeness: 4.0, apart: 2.0, veto: 2.0 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_thresholds_parse_and_name_models_of_the_catalogue() {
        let catalogue = crate::catalogue::Catalogue::load().expect("the catalogue");
        for fitted in ALL.iter() {
            let entry = catalogue.find(&fitted.id).expect("an entry of the catalogue");
            assert_eq!(entry.sha256.as_ref().map(|s| s.as_str()), Some(fitted.sha256.as_str()), "{}", fitted.id);
            if let Some(coverage) = fitted.coverage {
                assert!(0.0 <= coverage.veto && coverage.veto < coverage.trust, "{}", fitted.id);
            }
        }
    }
}

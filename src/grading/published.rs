//! How well the grades of known models agree with people's marks, as it was measured and published: `models/agreement.toml`.
//! A model that is not there was not measured, and nothing is said of it.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

const BUILT_IN: &str = include_str!("../../models/agreement.toml");
/// Stands for the code alone, without a language model.
pub const WITHOUT_A_MODEL: &str = "none";

/// What was measured of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Its id in the catalogue, or [`WITHOUT_A_MODEL`].
    pub model: String,
    /// What was graded, in words.
    pub data: String,
    /// Labelled levels.
    pub labels: usize,
    /// Quadratic weighted kappa, and its 95 % interval from low to high.
    pub kappa: [f64; 3],
    /// Share of levels at most one away from the label.
    pub within_one: f64,
    /// What has changed since, in a few words, where it was not measured again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The day.
    pub measured: String,
    /// What measures it again.
    pub command: String,
}

#[derive(Deserialize)]
struct File {
    agreement: Vec<Published>,
}

static ALL: LazyLock<Vec<Published>> = LazyLock::new(|| {
    let file: File = toml::from_str(BUILT_IN).expect("models/agreement.toml does not parse. This is a bug.");
    file.agreement
});

/// What was measured of a model; `None` where nothing was.
#[must_use]
pub fn of(model: &str) -> Option<&'static Published> {
    ALL.iter().find(|published| published.model == model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn every_figure_is_of_a_known_model_and_names_its_command() {
        let catalogue = Catalogue::load().expect("the catalogue");
        assert!(of(WITHOUT_A_MODEL).is_some());
        for one in ALL.iter() {
            assert!(one.model == WITHOUT_A_MODEL || catalogue.find(&one.model).is_some(), "{}", one.model);
            let [kappa, low, high] = one.kappa;
            assert!(-1.0 <= low && low < kappa && kappa < high && high <= 1.0, "{one:?}");
            assert!((0.0..=1.0).contains(&one.within_one) && one.labels > 0, "{one:?}");
            assert!(one.command.contains(&format!("--judge {}", one.model)), "{one:?}");
        }
        assert_eq!(of("a-model-of-ones-own"), None);
    }
}

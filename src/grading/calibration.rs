//! Calibration: what a model's probabilities and the surface features are worth, learnt on labelled answers.
//!
//! A file per model, made by `offrecord bench calibrate`, with its recipe. It holds one fit for new questions and one
//! per fold for the questions it was trained on, so that no answer is ever graded by a fit that has seen its question.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::forest::Forest;
use super::provenance::hex;
use super::ridge::Ridge;
use super::surface;

/// Version of the file.
pub const VERSION: u32 = 1;

/// A calibration file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// [`VERSION`].
    pub version: u32,
    /// Model id; `none` for surface features only.
    pub model: String,
    /// SHA-256 of the model file; empty for `none`.
    pub model_sha256: String,
    /// SHA-256 of what the judge of answers reads.
    pub prompt_sha256: String,
    /// The command that makes it again.
    pub recipe: String,
    /// Data sets, each with its items and questions.
    pub trained_on: Vec<TrainedOn>,
    /// Names of the features, in order.
    pub features: Vec<String>,
    /// For questions that were not trained on.
    pub whole: Fit,
    /// Each trained without its fold's questions.
    pub folds: Vec<Fit>,
    /// Hash of a question to the fold that has not seen it.
    pub questions: BTreeMap<String, usize>,
    /// Standard deviation of the held-out error, in shares of the scale.
    pub sigma: f64,
    /// For answers without a reference: reads the surface features alone, learnt with the references taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_reference: Option<Fit>,
}

/// What is fitted: a line or a forest, whichever did better on questions it had not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// A ridge.
    Ridge(Ridge),
    /// Extremely randomised trees.
    Forest(Forest),
    /// A fit of the first features (many answers, no model), and a line that corrects it by the others (a model's).
    Stacked {
        /// Reads the first `width` features.
        base: Box<Fit>,
        /// Their number.
        width: usize,
        /// Reads the others; what it predicts is added.
        correction: Ridge,
    },
}

impl Fit {
    /// The prediction for one row.
    #[must_use]
    pub fn predict(&self, row: &[f64]) -> f64 {
        match self {
            Self::Ridge(ridge) => ridge.predict(row),
            Self::Forest(forest) => forest.predict(row),
            Self::Stacked { base, width, correction } => {
                let (first, others) = row.split_at((*width).min(row.len()));
                base.predict(first) + correction.predict(others)
            }
        }
    }

    fn fits(&self, width: usize) -> bool {
        let line = |r: &Ridge, width| r.mean.len() == width && r.scale.len() == width && r.weight.len() == width;
        match self {
            Self::Ridge(ridge) => line(ridge, width),
            Self::Forest(forest) => forest.width == width && forest.is_sound(),
            Self::Stacked { base, width: first, correction } => {
                *first <= width && base.fits(*first) && line(correction, width - first)
            }
        }
    }
}

/// A data set of the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainedOn {
    /// Name.
    pub dataset: String,
    /// Answers used.
    pub items: usize,
    /// Questions used.
    pub questions: usize,
}

impl Calibration {
    /// Predicts the share of the scale for a row of features, by the fit that has not seen the question.
    #[must_use]
    pub fn predict(&self, features: &[f64], question: &str, has_reference: bool) -> f64 {
        let bare = self.without_reference.as_ref().filter(|_| !has_reference);
        let share = match bare {
            Some(fit) => fit.predict(&features[..surface::NAMES.len().min(features.len())]),
            None => self.fit_for(question).predict(features),
        };
        share.clamp(0.0, 1.0)
    }

    /// The fit that has not seen the question.
    #[must_use]
    pub fn fit_for(&self, question: &str) -> &Fit {
        self.questions.get(&question_hash(question)).and_then(|&f| self.folds.get(f)).unwrap_or(&self.whole)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: Self = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if file.version != VERSION {
            return Err(format!("calibration version {}, this program reads {VERSION}", file.version));
        }
        let width = file.features.len();
        if !file.whole.fits(width) || !file.folds.iter().all(|f| f.fits(width)) {
            return Err("the weights do not fit the features".into());
        }
        if !file.without_reference.as_ref().is_none_or(|f| f.fits(surface::NAMES.len())) {
            return Err("the fit for answers without a reference does not fit the surface features".into());
        }
        Ok(file)
    }
}

/// SHA-256 of a file's text, for provenance.
#[must_use]
pub fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// A question by its words, whatever its id.
#[must_use]
pub fn question_hash(question: &str) -> String {
    let plain = question.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    hex(&Sha256::digest(plain.as_bytes()))[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(value: f64) -> Fit {
        Fit::Ridge(Ridge { mean: vec![0.0], scale: vec![1.0], weight: vec![0.0], intercept: value })
    }

    #[test]
    fn a_correction_is_added_to_what_the_first_features_say() {
        let correction = Ridge { mean: vec![1.0], scale: vec![2.0], weight: vec![0.5], intercept: 0.0 };
        let stacked = Fit::Stacked { base: Box::new(line(0.4)), width: 1, correction };
        assert!((stacked.predict(&[9.0, 2.0]) - 0.65).abs() < 1e-12);
        assert!((stacked.predict(&[9.0, f64::NAN]) - 0.4).abs() < 1e-12);
        assert!((stacked.predict(&[9.0]) - 0.4).abs() < 1e-12);
        assert!(stacked.fits(2) && !stacked.fits(3));
    }

    #[test]
    fn a_question_of_the_training_is_graded_by_the_line_that_has_not_seen_it() {
        let width = surface::NAMES.len();
        let bare = Fit::Ridge(Ridge {
            mean: vec![0.0; width],
            scale: vec![1.0; width],
            weight: vec![0.0; width],
            intercept: 0.5,
        });
        let calibration = Calibration {
            version: VERSION,
            model: "m".into(),
            model_sha256: "s".into(),
            prompt_sha256: "p".into(),
            recipe: "r".into(),
            trained_on: Vec::new(),
            features: vec!["x".into()],
            whole: line(0.9),
            folds: vec![line(0.1), line(7.0)],
            questions: [(question_hash("Seen  one?"), 0), (question_hash("other"), 1)].into(),
            sigma: 0.2,
            without_reference: Some(bare),
        };
        assert!((calibration.predict(&[1.0], "seen one?", true) - 0.1).abs() < 1e-12);
        assert!((calibration.predict(&[1.0], "other", true) - 1.0).abs() < 1e-12);
        assert!((calibration.predict(&[1.0], "new", true) - 0.9).abs() < 1e-12);
        assert!((calibration.predict(&[1.0], "new", false) - 0.5).abs() < 1e-12);
        let text = serde_json::to_string(&calibration).expect("plain data");
        assert_eq!(Calibration::parse(&text), Ok(calibration));
        assert!(Calibration::parse(&text.replace("\"x\"", "\"x\",\"y\"")).is_err());
        assert!(Calibration::parse("{}").is_err());
    }
}

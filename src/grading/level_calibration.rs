//! What a dimension's findings are worth in levels, learnt on golden interviews (`offrecord bench calibrate --golden`).
//!
//! Reads code's findings only, so the same file serves every model and no model can be talked into it. Holds one fit for new
//! problems and one per fold for the problems it was trained on: no interview is graded by a fit that has seen its problem.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::calibration::sha256;
use super::levels;
use super::ridge::Ridge;
use super::{checklist, refusal, rubric, signals, theme};
use crate::content::Dimension;

/// Version of the file.
pub const VERSION: u32 = 1;

/// The file that ships.
const SHIPPED: &str = include_str!("../../models/calibrations/interview.json");

/// One line per dimension.
pub type Fit = BTreeMap<Dimension, Ridge>;

/// A calibration of levels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelCalibration {
    /// [`VERSION`].
    pub version: u32,
    /// SHA-256 of what code reads with: rubric, checklists, refusals, signals, names of the features.
    pub prompt_sha256: String,
    /// The command that makes it again.
    pub recipe: String,
    /// Interviews that it was learnt on.
    pub interviews: usize,
    /// Names of the features, in order.
    pub features: Vec<String>,
    /// For problems that were not trained on.
    pub whole: Fit,
    /// Each trained without its fold's problems.
    pub folds: Vec<Fit>,
    /// Problem or competency to the fold that has not seen it.
    pub problems: BTreeMap<String, usize>,
    /// Standard deviation of the held-out error, in levels.
    pub sigma: BTreeMap<Dimension, f64>,
}

impl LevelCalibration {
    /// Level (1 to 5) and the standard deviation of its error; none for a dimension that was not learnt.
    #[must_use]
    pub fn predict(&self, dimension: Dimension, problem: Option<&str>, features: &[f64]) -> Option<(f64, f64)> {
        let fold = problem.and_then(|p| self.problems.get(p)).and_then(|fold| self.folds.get(*fold));
        let line = fold.unwrap_or(&self.whole).get(&dimension)?;
        let level = line.predict(features.get(..self.features.len())?).clamp(1.0, 5.0);
        Some((level, *self.sigma.get(&dimension)?))
    }

    /// Parses a file that was made for these prompts and features.
    ///
    /// # Errors
    /// What does not fit.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: Self = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if file.version != VERSION {
            return Err(format!("version {}, this program reads {VERSION}", file.version));
        }
        if file.prompt_sha256 != prompt_sha256() {
            return Err("made for other prompts".into());
        }
        let width = file.features.len();
        let sound = |fit: &Fit| fit.values().all(|r| [&r.mean, &r.scale, &r.weight].iter().all(|v| v.len() == width));
        if width > levels::NAMES.len() || !file.folds.iter().chain([&file.whole]).all(sound) {
            return Err("a line's width is not that of the features".into());
        }
        Ok(file)
    }
}

/// SHA-256 over everything that code reads with.
#[must_use]
pub fn prompt_sha256() -> String {
    let texts =
        [rubric::TEXT, checklist::SYSTEM_DESIGN, checklist::BEHAVIOURAL, refusal::TEXT, signals::TEXT, theme::TEXT];
    sha256(&format!("{}\u{0}{}", texts.join("\u{0}"), levels::NAMES[..levels::MODEL_FROM].join(",")))
}

/// The shipped file with its hash; none when it was made for other prompts (then the hand-made reading stands).
#[must_use]
pub fn shipped() -> Option<(&'static LevelCalibration, &'static str)> {
    static FILE: OnceLock<Option<(LevelCalibration, String)>> = OnceLock::new();
    let file = FILE.get_or_init(|| LevelCalibration::parse(SHIPPED).ok().map(|file| (file, sha256(SHIPPED))));
    file.as_ref().map(|(file, hash)| (file, hash.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_fits_the_prompts_and_names_its_recipe() {
        let file = LevelCalibration::parse(SHIPPED);
        let file = file.unwrap_or_else(|why| {
            panic!("{why}: run offrecord bench calibrate --golden --output models/calibrations/interview.json")
        });
        assert!(file.recipe.contains("bench calibrate --golden") && file.interviews >= 60);
        assert!(file.problems.values().all(|fold| *fold < file.folds.len()));
        assert!(Dimension::ALL.iter().all(|d| file.whole.contains_key(d)));
    }

    #[test]
    fn a_known_problem_is_read_by_the_fit_that_has_not_seen_it() {
        let line = |intercept: f64| -> Fit {
            let ridge = Ridge { mean: vec![0.0], scale: vec![1.0], weight: vec![0.0], intercept };
            Dimension::ALL.iter().map(|d| (*d, ridge.clone())).collect()
        };
        let file = LevelCalibration {
            version: VERSION,
            prompt_sha256: prompt_sha256(),
            recipe: String::new(),
            interviews: 2,
            features: vec!["coverage_3".into()],
            whole: line(3.0),
            folds: vec![line(2.0), line(9.0)],
            problems: [("a".to_owned(), 0), ("b".to_owned(), 1)].into(),
            sigma: Dimension::ALL.iter().map(|d| (*d, 0.5)).collect(),
        };
        let at =
            |problem: Option<&str>| file.predict(Dimension::Technical, problem, &[1.0, 7.0]).map(|(level, _)| level);
        assert_eq!(
            [at(Some("a")), at(Some("b")), at(Some("new")), at(None)],
            [Some(2.0), Some(5.0), Some(3.0), Some(3.0)]
        );
        assert_eq!(file.predict(Dimension::Technical, None, &[]), None);
        let mut broken = file.clone();
        broken
            .whole
            .insert(Dimension::Technical, Ridge { mean: vec![], scale: vec![], weight: vec![], intercept: 1.0 });
        assert!(LevelCalibration::parse(&serde_json::to_string(&broken).expect("JSON")).is_err());
        let other = LevelCalibration { prompt_sha256: "x".into(), ..file };
        assert!(LevelCalibration::parse(&serde_json::to_string(&other).expect("JSON")).is_err());
    }
}

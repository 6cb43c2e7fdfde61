//! The calibrations that ship with the program, found by the hash of the model file.

use super::calibration::{self, Calibration};
use crate::engine::ModelInfo;

/// The files as they are built in. Their recipe is in each.
const SHIPPED: [&str; 2] = [
    include_str!("../../models/calibrations/surface.json"),
    include_str!("../../models/calibrations/answers-1.5b.json"),
];

/// The calibration for a model, with the hash of its file; where there is none for it, the one of surface features, which
/// leaves the model's judgement out of the mark. One that was made for other prompts does not fit and is left out.
#[must_use]
pub fn for_model(info: Option<&ModelInfo>) -> Option<(Calibration, String)> {
    let of = |sha256: &str| {
        SHIPPED.iter().find_map(|text| {
            let file = Calibration::parse(text).expect("a shipped calibration does not parse. This is a bug.");
            let fits = file.model_sha256 == sha256 && file.prompt_sha256 == super::answer::prompt_sha256();
            fits.then(|| (file, calibration::sha256(text)))
        })
    };
    info.and_then(|i| of(&i.sha256)).or_else(|| of(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_calibrations_parse_fit_the_prompts_and_name_their_recipe() {
        for text in SHIPPED {
            let file = Calibration::parse(text).expect("a calibration");
            assert_eq!(
                file.prompt_sha256,
                super::super::answer::prompt_sha256(),
                "{}: made for other prompts",
                file.model
            );
            assert!(file.recipe.contains("bench calibrate") && !file.trained_on.is_empty());
            assert!(file.questions.values().all(|f| *f < file.folds.len()));
        }
        assert!(for_model(None).is_some());
    }
}

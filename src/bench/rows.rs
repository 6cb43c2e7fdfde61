//! The rows that stand beside every grader: a constant, the length, the surface features. Trained on the other questions
//! of the same data, so that they are as strong as a floor can be without a model.

use std::collections::BTreeMap;

use crate::grading::ridge::Ridge;

/// Folds of a cross-validation by question.
pub const FOLDS: usize = 5;
/// Penalty of the length-only and features rows.
const LAMBDA: f64 = 0.1;

/// Which fold each item is in: all answers to a question in one (questions as they come, dealt round). With fewer than
/// three questions items are dealt instead, and the rows say so by being better than they should.
#[must_use]
pub fn folds(questions: &[usize]) -> Vec<usize> {
    let mut order: BTreeMap<usize, usize> = BTreeMap::new();
    for q in questions {
        let next = order.len();
        order.entry(*q).or_insert(next);
    }
    if order.len() < 3 {
        return (0..questions.len()).map(|k| k % 5).collect();
    }
    questions.iter().map(|q| order[q] % FOLDS).collect()
}

/// Predictions for each row by a ridge that was trained on the other folds.
#[must_use]
pub fn cross_validated(rows: &[Vec<f64>], targets: &[f64], fold: &[usize], lambda: f64) -> Vec<f64> {
    let mut predicted = vec![0.0; rows.len()];
    for held in 0..=fold.iter().copied().max().unwrap_or(0) {
        let train: Vec<usize> = (0..rows.len()).filter(|&i| fold[i] != held).collect();
        if train.is_empty() || train.len() == rows.len() {
            continue;
        }
        let x: Vec<Vec<f64>> = train.iter().map(|&i| rows[i].clone()).collect();
        let y: Vec<f64> = train.iter().map(|&i| targets[i]).collect();
        let ridge = Ridge::fit(&x, &y, &vec![1.0; x.len()], lambda);
        for i in (0..rows.len()).filter(|&i| fold[i] == held) {
            predicted[i] = ridge.predict(&rows[i]).clamp(0.0, 1.0);
        }
    }
    predicted
}

/// The three rows: name and prediction per item. `features` are surface features, the first being the log of the length.
#[must_use]
pub fn rows(features: &[Vec<f64>], targets: &[f64], questions: &[usize]) -> Vec<(&'static str, Vec<f64>)> {
    let fold = folds(questions);
    let constant: Vec<Vec<f64>> = features.iter().map(|_| Vec::new()).collect();
    let length: Vec<Vec<f64>> = features.iter().map(|f| f[..1].to_vec()).collect();
    vec![
        ("constant", cross_validated(&constant, targets, &fold, LAMBDA)),
        ("length_only", cross_validated(&length, targets, &fold, LAMBDA)),
        ("features", cross_validated(features, targets, &fold, LAMBDA)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_question_is_in_two_folds() {
        let questions: Vec<usize> = (0..60).map(|k| k % 13).collect();
        let fold = folds(&questions);
        let of: BTreeMap<usize, usize> = questions.iter().copied().zip(fold.iter().copied()).collect();
        assert!(questions.iter().zip(&fold).all(|(q, f)| of[q] == *f));
    }

    #[test]
    fn a_held_out_question_is_predicted_from_the_others() {
        let questions: Vec<usize> = (0..40).map(|k| k % 8).collect();
        let features: Vec<Vec<f64>> = (0..40).map(|k| vec![f64::from(k), f64::from(k % 7)]).collect();
        let targets: Vec<f64> = features.iter().map(|f| f[0] / 40.0).collect();
        let rows = rows(&features, &targets, &questions);
        let error = |p: &[f64]| p.iter().zip(&targets).map(|(a, b)| (a - b).abs()).sum::<f64>() / 40.0;
        assert!(error(&rows[2].1) < error(&rows[0].1) / 2.0);
        assert_eq!(rows.iter().map(|r| r.0).collect::<Vec<_>>(), ["constant", "length_only", "features"]);
    }
}

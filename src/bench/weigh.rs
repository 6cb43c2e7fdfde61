//! Weights for the evidence of coverage: logistic regression on labelled rows, by Newton's method with a small ridge.
//! Twelve numbers a row, so no library is needed.

use super::coverage::Row;
use crate::interview::evidence::NAMES;
use crate::interview::judge;
use crate::interview::transcript::Round;
use crate::interview::weighing::Weights;

/// Strength of the ridge on all weights but the bias.
const RIDGE: f64 = 1.0;
const STEPS: usize = 8;

/// The evidence of a row by name; none when the model was asked for and has not judged it.
#[must_use]
pub fn evidence(row: &Row, with_model: bool) -> Option<Vec<(&'static str, f32)>> {
    let mut found: Vec<(&'static str, f32)> = NAMES.into_iter().zip(row.features.iter().copied()).collect();
    // A slot has no planned place.
    if row.round == Round::SystemDesign {
        found.extend(["place", "late"].into_iter().zip(row.features.iter().skip(NAMES.len()).copied()));
    }
    if with_model {
        found.push(("lift", judge::lift(row.p?, row.p_nothing?) - 0.5));
    }
    Some(found)
}

/// Fits weights; the threshold is left at 0.
#[must_use]
pub fn fit(rows: &[&Row], with_model: bool) -> Weights {
    let mut names: Vec<&'static str> = Vec::new();
    let mut points: Vec<(Vec<f64>, f64, f64)> = Vec::new();
    for row in rows {
        let Some(found) = evidence(row, with_model) else { continue };
        names = found.iter().map(|(name, _)| *name).collect();
        let x = std::iter::once(1.0).chain(found.iter().map(|(_, x)| f64::from(*x))).collect();
        points.push((x, f64::from(u8::from(row.covered)), row.weight));
    }
    let width = names.len() + 1;
    let mut b = vec![0.0; width];
    for _ in 0..STEPS {
        let (mut hessian, mut gradient) = (vec![vec![0.0; width]; width], vec![0.0; width]);
        for (x, y, weight) in &points {
            let z: f64 = x.iter().zip(&b).map(|(x, b)| x * b).sum();
            let p = 1.0 / (1.0 + (-z.clamp(-30.0, 30.0)).exp());
            for i in 0..width {
                gradient[i] += weight * (y - p) * x[i];
                for j in 0..width {
                    hessian[i][j] += weight * p * (1.0 - p) * x[i] * x[j];
                }
            }
        }
        for i in 0..width {
            let ridge = if i == 0 { 1e-6 } else { RIDGE };
            hessian[i][i] += ridge;
            gradient[i] -= ridge * b[i];
        }
        let step = solved(hessian, gradient);
        b.iter_mut().zip(step).for_each(|(b, d)| *b += d);
    }
    let rounded = |x: f64| (x * 100.0).round() as f32 / 100.0;
    Weights {
        bias: rounded(b[0]),
        weights: names.into_iter().zip(&b[1..]).map(|(name, w)| (name.to_owned(), rounded(*w))).collect(),
        threshold: 0.0,
    }
}

/// Gauss with pivots. The ridge keeps the matrix regular.
fn solved(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        let pivot = (i..n).max_by(|x, y| a[*x][i].abs().total_cmp(&a[*y][i].abs())).unwrap_or(i);
        a.swap(i, pivot);
        b.swap(i, pivot);
        for row in 0..n {
            if row != i && a[i][i] != 0.0 {
                let factor = a[row][i] / a[i][i];
                let pivot = a[i].clone();
                for (value, above) in a[row].iter_mut().zip(&pivot).skip(i) {
                    *value -= factor * above;
                }
                b[row] -= factor * b[i];
            }
        }
    }
    (0..n).map(|i| if a[i][i] == 0.0 { 0.0 } else { b[i] / a[i][i] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_point_the_right_way() {
        let row = |cue: f32, covered: bool| Row {
            transcript: "t".into(),
            of: "p".into(),
            round: Round::Behavioural,
            turn: 1,
            item: "i".into(),
            covered,
            cue: cue > 0.0,
            long: true,
            weight: 1.0,
            features: std::iter::once(cue).chain([0.0; 9]).collect(),
            p: None,
            p_nothing: None,
        };
        let rows: Vec<Row> =
            (0..40).map(|n| row((n % 2) as f32, if n < 32 { n % 2 == 1 } else { n % 2 == 0 })).collect();
        let rows: Vec<&Row> = rows.iter().collect();
        let weights = fit(&rows, false);
        let p = |cue: f32| weights.probability([("cue", cue)]);
        assert!((p(1.0) - 0.8).abs() < 0.1 && (p(0.0) - 0.2).abs() < 0.1, "{} {}", p(1.0), p(0.0));
        assert_eq!(weights.weights["length"], 0.0, "nothing to learn from");
    }

    #[test]
    fn equations_are_solved() {
        assert_eq!(solved(vec![vec![0.0, 2.0], vec![1.0, 1.0]], vec![4.0, 3.0]), [1.0, 2.0]);
    }
}

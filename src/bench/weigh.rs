//! Weights for the evidence of coverage: logistic regression on labelled rows, by Newton's method with a ridge on
//! standardised numbers. A few dozen numbers a row, so no library is needed.

use std::collections::{BTreeMap, BTreeSet};

use super::coverage::Row;
use crate::interview::evidence::Evidence;
use crate::interview::judge;
use crate::interview::weighing::Weights;

/// Strength of the ridge on all weights but the bias.
const RIDGE: f64 = 10.0;
const STEPS: usize = 8;

/// The evidence of a row by name; none when the model was asked for and has not judged it.
#[must_use]
pub fn evidence(row: &Row, with_model: bool) -> Option<Evidence> {
    let mut found = row.evidence.clone();
    if with_model {
        found.push(("lift".to_owned(), judge::lift(row.p?, row.p_nothing?) - 0.5));
    }
    Some(found)
}

/// Fits weights; the threshold is left at 0.
#[must_use]
pub fn fit(rows: &[&Row], with_model: bool) -> Weights {
    let found: Vec<(Evidence, &Row)> = rows.iter().filter_map(|row| Some((evidence(row, with_model)?, *row))).collect();
    let names: BTreeSet<&str> = found.iter().flat_map(|(e, _)| e.iter().map(|(name, _)| name.as_str())).collect();
    let at: BTreeMap<&str, usize> = names.iter().enumerate().map(|(at, name)| (*name, at + 1)).collect();
    let width = names.len() + 1;
    let mut points: Vec<(Vec<f64>, f64, f64)> = Vec::new();
    for (evidence, row) in &found {
        let mut x = vec![0.0; width];
        x[0] = 1.0;
        for (name, value) in evidence {
            x[at[name.as_str()]] = f64::from(*value);
        }
        points.push((x, f64::from(u8::from(row.covered)), row.weight));
    }
    let spread = spreads(&points, width);
    for (x, ..) in &mut points {
        x.iter_mut().zip(&spread).for_each(|(x, s)| *x /= s);
    }
    let mut b = vec![0.0; width];
    for _ in 0..STEPS {
        let (mut hessian, mut gradient) = (vec![vec![0.0; width]; width], vec![0.0; width]);
        for (x, y, weight) in &points {
            let there: Vec<usize> = (0..width).filter(|i| x[*i] != 0.0).collect();
            let z: f64 = there.iter().map(|&i| x[i] * b[i]).sum();
            let p = 1.0 / (1.0 + (-z.clamp(-30.0, 30.0)).exp());
            for &i in &there {
                gradient[i] += weight * (y - p) * x[i];
                for &j in &there {
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
        weights: names.into_iter().map(|name| (name.to_owned(), rounded(b[at[name]] / spread[at[name]]))).collect(),
        threshold: 0.0,
        others: None,
    }
}

/// The standard deviation of each number; 1 for one that never changes.
fn spreads(points: &[(Vec<f64>, f64, f64)], width: usize) -> Vec<f64> {
    let n = points.len().max(1) as f64;
    (0..width)
        .map(|i| {
            let mean = points.iter().map(|(x, ..)| x[i]).sum::<f64>() / n;
            let spread = (points.iter().map(|(x, ..)| (x[i] - mean).powi(2)).sum::<f64>() / n).sqrt();
            if spread < 1e-9 { 1.0 } else { spread }
        })
        .collect()
}

/// Gauss with pivots. The ridge keeps the matrix regular.
fn solved(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        let pivot = (i..n).max_by(|x, y| a[*x][i].abs().total_cmp(&a[*y][i].abs())).unwrap_or(i);
        a.swap(i, pivot);
        b.swap(i, pivot);
        let row_i = a[i].clone();
        for row in 0..n {
            if row != i && a[row][i] != 0.0 && row_i[i] != 0.0 {
                let factor = a[row][i] / row_i[i];
                for (value, above) in a[row].iter_mut().zip(&row_i).skip(i) {
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
    use crate::interview::transcript::Round;

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
            evidence: vec![("cue".into(), cue), ("length".into(), 0.5)],
            p: None,
            p_nothing: None,
        };
        let rows: Vec<Row> =
            (0..400).map(|n| row((n % 2) as f32, if n < 320 { n % 2 == 1 } else { n % 2 == 0 })).collect();
        let rows: Vec<&Row> = rows.iter().collect();
        let weights = fit(&rows, false);
        let p = |cue: f32| weights.probability(&[("cue".to_owned(), cue), ("length".to_owned(), 0.5)]);
        assert!((p(1.0) - 0.8).abs() < 0.1 && (p(0.0) - 0.2).abs() < 0.1, "{} {}", p(1.0), p(0.0));
        assert_eq!(weights.weights["length"], 0.0, "nothing to learn from");
    }

    #[test]
    fn equations_are_solved() {
        assert_eq!(solved(vec![vec![0.0, 2.0], vec![1.0, 1.0]], vec![4.0, 3.0]), [1.0, 2.0]);
    }
}

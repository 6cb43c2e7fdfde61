//! Ridge regression in closed form: small, deterministic, and explained by its weights.
//!
//! Features are standardised by the training rows; the solution is found in whichever of the two forms is smaller (by
//! features, or by rows), so that a few hundred rows of a wide hidden state stay cheap.

use serde::{Deserialize, Serialize};

/// Most rounds over the weights of a line with signs.
const ROUNDS: usize = 1000;

/// A fitted line through standardised features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ridge {
    /// Mean of each feature.
    pub mean: Vec<f64>,
    /// Standard deviation of each feature (1 where it has none).
    pub scale: Vec<f64>,
    /// Weight of each standardised feature.
    pub weight: Vec<f64>,
    /// Prediction at the mean.
    pub intercept: f64,
}

impl Ridge {
    /// Fits `targets` on `rows` with penalty `lambda` (per row) and weight `importance` per row.
    ///
    /// # Panics
    /// When rows differ in width or in number from targets: a bug of the caller.
    #[must_use]
    pub fn fit(rows: &[Vec<f64>], targets: &[f64], importance: &[f64], lambda: f64) -> Self {
        Self::solved(rows, targets, importance, lambda, None)
    }

    /// As [`Ridge::fit`], with weights of one sign each: `negative` names the features whose weight is 0 or less, all others
    /// have 0 or more.
    ///
    /// # Panics
    /// As [`Ridge::fit`].
    #[must_use]
    pub fn fit_signed(
        rows: &[Vec<f64>],
        targets: &[f64],
        importance: &[f64],
        lambda: f64,
        negative: fn(usize) -> bool,
    ) -> Self {
        Self::solved(rows, targets, importance, lambda, Some(negative))
    }

    fn solved(
        rows: &[Vec<f64>],
        targets: &[f64],
        importance: &[f64],
        lambda: f64,
        negative: Option<fn(usize) -> bool>,
    ) -> Self {
        assert!(
            rows.len() == targets.len() && rows.len() == importance.len(),
            "rows and targets differ. This is a bug."
        );
        let width = rows.first().map_or(0, Vec::len);
        let total: f64 = importance.iter().sum::<f64>().max(1e-12);
        let known = |v: f64, otherwise: f64| if v.is_finite() { v } else { otherwise };
        let mean: Vec<f64> = (0..width)
            .map(|j| {
                let weight = weighted(rows, importance, |r| f64::from(u8::from(r[j].is_finite())));
                weighted(rows, importance, |r| known(r[j], 0.0)) / weight.max(1e-12)
            })
            .collect();
        let scale: Vec<f64> = (0..width)
            .map(|j| {
                let variance = weighted(rows, importance, |r| (known(r[j], mean[j]) - mean[j]).powi(2)) / total;
                if variance > 1e-12 { variance.sqrt() } else { 1.0 }
            })
            .collect();
        let intercept = targets.iter().zip(importance).map(|(t, w)| t * w).sum::<f64>() / total;
        let x: Vec<Vec<f64>> = rows
            .iter()
            .zip(importance)
            .map(|(r, w)| {
                r.iter().enumerate().map(|(j, v)| (known(*v, mean[j]) - mean[j]) / scale[j] * w.sqrt()).collect()
            })
            .collect();
        let y: Vec<f64> = targets.iter().zip(importance).map(|(t, w)| (t - intercept) * w.sqrt()).collect();
        let penalty = lambda * total;
        let weight = if let Some(negative) = negative {
            one_sign(&x, &y, width, penalty, negative)
        } else if width <= rows.len() {
            by_features(&x, &y, width, penalty)
        } else {
            by_rows(&x, &y, width, penalty)
        };
        Self { mean, scale, weight, intercept }
    }

    /// The prediction for one row; features beyond the fitted ones are ignored, missing ones count as their mean.
    #[must_use]
    pub fn predict(&self, row: &[f64]) -> f64 {
        let parts = row.iter().zip(&self.mean).zip(&self.scale).zip(&self.weight);
        self.intercept + parts.map(|(((v, m), s), w)| if v.is_finite() { (v - m) / s * w } else { 0.0 }).sum::<f64>()
    }
}

fn weighted(rows: &[Vec<f64>], importance: &[f64], value: impl Fn(&[f64]) -> f64) -> f64 {
    rows.iter().zip(importance).map(|(r, w)| value(r) * w).sum()
}

/// `(XᵀX + λI) w = Xᵀy`.
fn by_features(x: &[Vec<f64>], y: &[f64], width: usize, penalty: f64) -> Vec<f64> {
    let mut gram = vec![vec![0.0; width]; width];
    let mut right = vec![0.0; width];
    for (row, target) in x.iter().zip(y) {
        for i in 0..width {
            right[i] += row[i] * target;
            for (g, v) in gram[i][..=i].iter_mut().zip(row) {
                *g += row[i] * v;
            }
        }
    }
    for (i, row) in gram.iter_mut().enumerate() {
        row[i] += penalty;
    }
    solve(gram, right)
}

/// The same with each weight held to its sign: one weight at a time, as often as something moves.
fn one_sign(x: &[Vec<f64>], y: &[f64], width: usize, penalty: f64, negative: fn(usize) -> bool) -> Vec<f64> {
    let dot = |i: usize, j: usize| x.iter().map(|r| r[i] * r[j]).sum::<f64>();
    let gram: Vec<Vec<f64>> = (0..width).map(|i| (0..width).map(|j| dot(i, j)).collect()).collect();
    let right: Vec<f64> = (0..width).map(|j| x.iter().zip(y).map(|(r, t)| r[j] * t).sum()).collect();
    let mut weight = vec![0.0; width];
    for _ in 0..ROUNDS {
        let mut moved: f64 = 0.0;
        for j in 0..width {
            let others: f64 = (0..width).filter(|&i| i != j).map(|i| gram[j][i] * weight[i]).sum();
            let free = (right[j] - others) / (gram[j][j] + penalty).max(1e-12);
            let held = if negative(j) { free.min(0.0) } else { free.max(0.0) };
            moved = moved.max((held - weight[j]).abs());
            weight[j] = held;
        }
        if moved < 1e-9 {
            break;
        }
    }
    weight
}

/// `w = Xᵀ (XXᵀ + λI)⁻¹ y`.
fn by_rows(x: &[Vec<f64>], y: &[f64], width: usize, penalty: f64) -> Vec<f64> {
    let n = x.len();
    let mut gram = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            gram[i][j] = x[i].iter().zip(&x[j]).map(|(a, b)| a * b).sum();
        }
        gram[i][i] += penalty;
    }
    let dual = solve(gram, y.to_vec());
    let mut weight = vec![0.0; width];
    for (row, d) in x.iter().zip(&dual) {
        for (w, v) in weight.iter_mut().zip(row) {
            *w += d * v;
        }
    }
    weight
}

/// Cholesky on the lower triangle of a positive definite matrix.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        let (above, rest) = a.split_at_mut(i);
        let row = &mut rest[0];
        for j in 0..i {
            let dot: f64 = row[..j].iter().zip(&above[j][..j]).map(|(x, y)| x * y).sum();
            row[j] = (row[j] - dot) / above[j][j];
        }
        let dot: f64 = row[..i].iter().map(|x| x * x).sum();
        row[i] = (row[i] - dot).max(1e-12).sqrt();
    }
    for i in 0..n {
        let dot: f64 = a[i][..i].iter().zip(&b[..i]).map(|(x, y)| x * y).sum();
        b[i] = (b[i] - dot) / a[i][i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|j| a[j][i] * b[j]).sum();
        b[i] = (b[i] - dot) / a[i][i];
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> (Vec<Vec<f64>>, Vec<f64>) {
        let rows: Vec<Vec<f64>> = (0..12).map(|k| vec![f64::from(k), f64::from(k * k % 7), f64::from(k % 3)]).collect();
        let targets = rows.iter().map(|r| 2.0 + 0.5 * r[0] - 0.25 * r[1]).collect();
        (rows, targets)
    }

    #[test]
    fn a_line_is_found_again() {
        let (rows, targets) = data();
        let ridge = Ridge::fit(&rows, &targets, &[1.0; 12], 1e-9);
        for (row, target) in rows.iter().zip(&targets) {
            assert!((ridge.predict(row) - target).abs() < 1e-4);
        }
    }

    #[test]
    fn both_forms_give_the_same_weights() {
        let (rows, targets) = data();
        let mean = targets.iter().sum::<f64>() / 12.0;
        let y: Vec<f64> = targets.iter().map(|t| t - mean).collect();
        let (a, b) = (by_features(&rows, &y, 3, 0.7), by_rows(&rows, &y, 3, 0.7));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9), "{a:?} {b:?}");
    }

    #[test]
    fn signs_are_kept_and_a_line_of_these_signs_is_found_again() {
        let (rows, targets) = data();
        let right = Ridge::fit_signed(&rows, &targets, &[1.0; 12], 1e-9, |j| j == 1);
        for (row, target) in rows.iter().zip(&targets) {
            assert!((right.predict(row) - target).abs() < 1e-3);
        }
        let wrong = Ridge::fit_signed(&rows, &targets, &[1.0; 12], 1e-9, |j| j == 0);
        assert!(wrong.weight[0] <= 0.0 && wrong.weight[1..].iter().all(|w| *w >= 0.0));
    }

    #[test]
    fn a_heavy_penalty_leaves_the_mean_and_a_missing_value_its_mean() {
        let (rows, targets) = data();
        let ridge = Ridge::fit(&rows, &targets, &[1.0; 12], 1e9);
        assert!((ridge.predict(&rows[0]) - targets.iter().sum::<f64>() / 12.0).abs() < 1e-3);
        let mut holes = rows.clone();
        holes[3][1] = f64::NAN;
        assert!(Ridge::fit(&holes, &targets, &[1.0; 12], 0.1).weight.iter().all(|w| w.is_finite()));
        let light = Ridge::fit(&rows, &targets, &[1.0; 12], 1e-6);
        assert!((light.predict(&[f64::NAN; 3]) - light.intercept).abs() < 1e-12);
    }
}

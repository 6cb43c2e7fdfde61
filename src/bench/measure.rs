//! The metric list of the contract, each with a bootstrap interval. Pure.
//!
//! Resampling is by question where there are enough of them (answers to one question are not independent), else by item.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Dice;
use crate::grading::agreement::{self, Pair};

/// Resamples of an interval.
pub const RESAMPLES: usize = 1000;
/// Questions from which whole questions are resampled.
const MANY_QUESTIONS: usize = 8;

/// A number with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// On all items.
    pub value: f64,
    /// 2.5th percentile of the resamples.
    pub low: f64,
    /// 97.5th.
    pub high: f64,
}

/// The metrics that need marks only; a metric that is not defined on the data is left out.
pub type Metrics = BTreeMap<&'static str, Measured>;

/// A named metric.
pub type Metric = (&'static str, fn(&[Pair], usize) -> Option<f64>);

/// All of them, by name.
pub const METRICS: [Metric; 9] = [
    ("qwk", |p, levels| {
        let (human, predicted) = agreement::columns(p);
        agreement::quadratic_kappa(&human, &predicted, levels)
    }),
    ("pearson", |p, _| {
        let (human, predicted) = agreement::columns(p);
        agreement::pearson(&human, &predicted)
    }),
    ("spearman", |p, _| {
        let (human, predicted) = agreement::columns(p);
        agreement::spearman(&human, &predicted)
    }),
    ("spearman_within_question", |p, _| agreement::spearman_within(p)),
    ("pairwise_accuracy", |p, _| agreement::pairwise_accuracy(p)),
    ("mae", |p, _| agreement::mean_absolute_error(p)),
    ("rmse", |p, _| agreement::root_mean_square_error(p)),
    ("within_one_step", agreement::within_one_step),
    ("length_slope", |p, _| agreement::length_slope(p)),
];

/// Measures `pairs` on a scale of `levels`.
#[must_use]
pub fn metrics(pairs: &[Pair], levels: usize, seed: u64) -> Metrics {
    let draws = resamples(pairs, seed);
    METRICS
        .iter()
        .filter_map(|(name, metric)| {
            let value = metric(pairs, levels)?;
            let spread: Vec<f64> = draws.iter().filter_map(|d| metric(d, levels)).collect();
            Some((*name, interval(value, spread)))
        })
        .collect()
}

/// A value with the percentiles of its resamples.
#[must_use]
pub fn interval(value: f64, mut resampled: Vec<f64>) -> Measured {
    resampled.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let index = (share * (resampled.len().saturating_sub(1)) as f64).round() as usize;
        resampled.get(index).copied().unwrap_or(value)
    };
    Measured { value, low: at(0.025), high: at(0.975) }
}

/// Mean of flags or shares with its interval.
#[must_use]
pub fn mean(values: &[f64], seed: u64) -> Option<Measured> {
    if values.is_empty() {
        return None;
    }
    let mut dice = Dice::new(seed);
    let average = |v: &mut dyn Iterator<Item = f64>| v.sum::<f64>() / values.len() as f64;
    let value = average(&mut values.iter().copied());
    let draws =
        (0..RESAMPLES).map(|_| average(&mut (0..values.len()).map(|_| values[dice.under(values.len())]))).collect();
    Some(interval(value, draws))
}

/// Which items each resample takes: the same for two graders of the same items, so that they can be paired.
#[must_use]
pub fn draws(pairs: &[Pair], seed: u64) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, p) in pairs.iter().enumerate() {
        groups.entry(p.question).or_default().push(at);
    }
    let groups: Vec<Vec<usize>> = groups.into_values().collect();
    let mut dice = Dice::new(seed);
    (0..RESAMPLES)
        .map(|_| {
            if groups.len() >= MANY_QUESTIONS {
                (0..groups.len()).flat_map(|_| groups[dice.under(groups.len())].clone()).collect()
            } else {
                (0..pairs.len()).map(|_| dice.under(pairs.len())).collect()
            }
        })
        .collect()
}

fn resamples(pairs: &[Pair], seed: u64) -> Vec<Vec<Pair>> {
    // A question that is drawn twice stays one question: its pairs are compared with each other as before.
    draws(pairs, seed).into_iter().map(|d| d.into_iter().map(|i| pairs[i].clone()).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(n: usize, questions: usize) -> Vec<Pair> {
        let mark = |k: usize| (k % 5) as f64 / 4.0;
        (0..n)
            .map(|k| Pair { question: k % questions, human: mark(k), predicted: mark(k / 2), words: 10 + k })
            .collect()
    }

    #[test]
    fn intervals_hold_their_value_and_are_the_same_every_time() {
        for questions in [2, 12] {
            let rows = pairs(120, questions);
            let first = metrics(&rows, 5, 7);
            assert_eq!(first, metrics(&rows, 5, 7));
            assert_eq!(first.len(), METRICS.len());
            for (name, m) in &first {
                assert!(m.low <= m.high, "{name}");
                assert!(m.low - 0.1 <= m.value && m.value <= m.high + 0.1, "{name} {m:?}");
            }
        }
    }

    #[test]
    fn what_is_not_defined_is_left_out() {
        let constant: Vec<Pair> = pairs(20, 2).into_iter().map(|p| Pair { predicted: 0.5, ..p }).collect();
        let metrics = metrics(&constant, 5, 1);
        assert!(!metrics.contains_key("pearson") && metrics.contains_key("mae"));
        assert_eq!(mean(&[], 1), None);
    }
}

//! Two runs on the same items: the difference of each metric with a paired bootstrap. Pure but for reading the runs.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::Serialize;

use super::measure::{self, Measured};
use super::run;
use super::samples::Sample;
use crate::grading::agreement::Pair;

/// One metric of both runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// First run.
    pub a: f64,
    /// Second run.
    pub b: f64,
    /// Second less first, with its paired interval.
    pub difference: Measured,
    /// The second run is worse by more than the tolerance, and the interval leaves no doubt about the direction.
    pub regression: bool,
}

/// By data set and metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// Items that both runs graded.
    pub items: usize,
    /// The numbers.
    pub datasets: BTreeMap<String, BTreeMap<&'static str, Difference>>,
}

impl Comparison {
    /// Whether any metric got worse beyond the tolerance.
    #[must_use]
    pub fn regressed(&self) -> bool {
        self.datasets.values().flat_map(BTreeMap::values).any(|d| d.regression)
    }
}

/// Compares two result folders.
///
/// # Errors
/// When one holds no samples, or no item is in both.
pub fn folders(a: &Path, b: &Path, tolerance: f64, seed: u64) -> anyhow::Result<Comparison> {
    let (first, second) = (run::read_samples(a)?, run::read_samples(b)?);
    let comparison = compare(&first, &second, tolerance, seed);
    anyhow::ensure!(comparison.items > 0, "no item was graded in both runs: compare runs on the same data");
    Ok(comparison)
}

/// Compares samples by data set and id.
#[must_use]
pub fn compare(first: &[Sample], second: &[Sample], tolerance: f64, seed: u64) -> Comparison {
    let other: HashMap<(&str, &str), &Sample> =
        second.iter().map(|s| ((s.dataset.as_str(), s.id.as_str()), s)).collect();
    let mut both: BTreeMap<&str, Vec<(&Sample, &Sample)>> = BTreeMap::new();
    for a in first {
        if let Some(b) = other.get(&(a.dataset.as_str(), a.id.as_str()))
            && a.predicted.is_some()
            && b.predicted.is_some()
            && a.target.is_some()
            && b.target.is_some()
        {
            both.entry(&a.dataset).or_default().push((a, b));
        }
    }
    let mut comparison = Comparison::default();
    for (name, rows) in both {
        comparison.items += rows.len();
        comparison.datasets.insert(name.to_owned(), differences(&rows, tolerance, seed));
    }
    comparison
}

fn differences(rows: &[(&Sample, &Sample)], tolerance: f64, seed: u64) -> BTreeMap<&'static str, Difference> {
    let (a, levels) = pairs(rows, |r| r.0);
    let (b, _) = pairs(rows, |r| r.1);
    let draws = measure::draws(&a, seed);
    let take = |from: &[Pair], draw: &[usize]| draw.iter().map(|&i| from[i].clone()).collect::<Vec<_>>();
    measure::METRICS
        .iter()
        .filter_map(|(name, metric)| {
            let (va, vb) = (metric(&a, levels)?, metric(&b, levels)?);
            let resampled =
                draws.iter().filter_map(|d| Some(metric(&take(&b, d), levels)? - metric(&take(&a, d), levels)?));
            let difference = measure::interval(vb - va, resampled.collect());
            let worse = match *name {
                "mae" | "rmse" => difference.value > tolerance && difference.low > 0.0,
                "length_slope" => vb.abs() > va.abs() + tolerance,
                _ => difference.value < -tolerance && difference.high < 0.0,
            };
            Some((*name, Difference { a: va, b: vb, difference, regression: worse }))
        })
        .collect()
}

/// Marks as shares. A sample holds its scale in its distribution's ends.
fn pairs<'a>(
    rows: &[(&'a Sample, &'a Sample)],
    side: impl Fn(&(&'a Sample, &'a Sample)) -> &'a Sample,
) -> (Vec<Pair>, usize) {
    let mut questions: HashMap<String, usize> = HashMap::new();
    let mut marks: Vec<i64> = Vec::new();
    let pairs: Vec<Pair> = rows
        .iter()
        .filter_map(|row| {
            let sample = side(row);
            let ends: Vec<f64> = sample.distribution.as_ref()?.keys().filter_map(|k| k.parse().ok()).collect();
            let low = ends.iter().copied().fold(f64::INFINITY, f64::min);
            let high = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let share = |v: f64| (v - low) / (high - low);
            let target = sample.target?;
            marks.push((share(target) * 1e6).round() as i64);
            let next = questions.len();
            let question = *questions.entry(sample.doc["question_id"].to_string()).or_insert(next);
            Some(Pair { question, human: share(target), predicted: share(sample.predicted?), words: sample.words })
        })
        .collect();
    marks.sort_unstable();
    marks.dedup();
    (pairs, if (2..=6).contains(&marks.len()) { marks.len() } else { 5 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::dataset;

    fn samples(predict: impl Fn(usize) -> f64) -> Vec<Sample> {
        (0..60)
            .map(|k| {
                let line = format!(
                    r#"{{"id":"{k}","dataset":"d","question_id":"q{}","question":"Why?","answer":"So.","score":{},"score_min":0,"score_max":4}}"#,
                    k % 10,
                    k % 5
                );
                let item = dataset::parse(line.as_bytes(), "d").items.remove(0);
                let mut sample = Sample::of(&item, k, "p");
                sample.predicted = Some(predict(k));
                sample.distribution = Some((0..5).map(|l| (l.to_string(), 0.2)).collect());
                sample
            })
            .collect()
    }

    #[test]
    fn a_worse_run_is_a_regression_and_the_same_run_is_none() {
        let good = samples(|k| (k % 5) as f64);
        let bad = samples(|k| (k * 7 % 5) as f64);
        assert!(!compare(&good, &good, 0.01, 1).regressed());
        let comparison = compare(&good, &bad, 0.01, 1);
        assert!(comparison.regressed());
        assert!(comparison.datasets["d"]["pearson"].regression);
        assert!(!compare(&bad, &good, 0.01, 1).regressed());
        assert_eq!(compare(&good, &[], 0.01, 1).items, 0);
    }
}

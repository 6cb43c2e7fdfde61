//! Learns what a dimension's findings are worth in levels, on golden interviews, by cross-validation over problems.
//!
//! Each dimension's line is the mean of two ridges: one learnt on its own labels, one on the labels of all dimensions
//! (features standardised within each), every weight held to its sign and the line stretched: a ridge draws its levels
//! towards the mean, and levels that are never far from 3 agree badly with people who use the whole scale. How much they are
//! drawn is measured by folds within the training problems. Code's findings only, no model. Kept only if it is better on problems it has not
//! seen than the hand-made reading and than the length.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::results;
use super::run::{self, Plan, name};
use crate::bench::measure::Metrics;
use crate::bench::rows::FOLDS;
use crate::content::Dimension;
use crate::grading::agreement::Pair;
use crate::grading::level_calibration::{Fit, LevelCalibration, VERSION, prompt_sha256};
use crate::grading::levels;
use crate::grading::ridge::Ridge;

/// Penalties of the own and of the shared ridge that are tried.
const PENALTIES: [(f64, f64); 4] = [(0.1, 0.1), (0.3, 0.1), (0.3, 0.3), (1.0, 0.3)];
/// Share of the lost spread that a line gets back: all of it costs more error than it gains agreement (`benches/LOG.md`).
const STRETCH: f64 = 0.75;
/// Folds within the training problems for it.
const INNER: usize = 4;
/// Penalty of the length alone.
const LENGTH_PENALTY: f64 = 0.1;
/// Fewest labels of a dimension from which a line is learnt.
const LEAST_LABELS: usize = 10;

/// One labelled dimension of one interview.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which dimension.
    pub dimension: Dimension,
    /// Problem or competency.
    pub problem: String,
    /// The label, 1 to 5.
    pub level: f64,
    /// Code's findings.
    pub features: Vec<f64>,
    /// Words of the candidate.
    pub words: usize,
}

/// What was learnt, and what it is worth on problems it has not seen.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Interviews.
    pub interviews: usize,
    /// Labels used.
    pub labels: usize,
    /// Penalties kept.
    pub penalties: (f64, f64),
    /// Held-out root mean square error, in levels, of all that was tried.
    pub errors: Vec<((f64, f64), f64)>,
    /// Held-out metrics of `learnt`, `hand_made` and `length_only`, pooled and by dimension.
    pub held_out: BTreeMap<String, BTreeMap<&'static str, Metrics>>,
    /// Whether it is better than both others.
    pub kept: bool,
    /// Feature and mean absolute weight over the dimensions, in levels per standard deviation.
    pub weights: Vec<(String, f64)>,
}

/// Grades the golden interviews by code alone and learns.
///
/// # Errors
/// When a folder cannot be read or written, or there are too few problems.
pub async fn calibrate(
    plan: &Plan,
    recipe: &str,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> anyhow::Result<(LevelCalibration, Report)> {
    let results = run::run(plan, None, progress).await?;
    let rows: Vec<Row> = crate::bench::run::read_samples(&plan.output)?
        .into_iter()
        .filter_map(|s| {
            let dimension = Dimension::ALL.into_iter().find(|d| s.dataset.ends_with(&name(*d)))?;
            let features = s.features.get(..levels::MODEL_FROM)?.to_vec();
            let problem = s.doc["question_id"].as_str()?.to_owned();
            Some(Row { dimension, problem, level: s.target?, features, words: s.words })
        })
        .collect();
    learn(&rows, results.interviews, recipe, plan.seed)
}

/// Learns on rows.
///
/// # Errors
/// With fewer than five problems.
pub fn learn(rows: &[Row], interviews: usize, recipe: &str, seed: u64) -> anyhow::Result<(LevelCalibration, Report)> {
    let problems: BTreeSet<&str> = rows.iter().map(|r| r.problem.as_str()).collect();
    anyhow::ensure!(
        problems.len() >= FOLDS,
        "a calibration of levels needs interviews on {FOLDS} problems or more, here are {}",
        problems.len()
    );
    let folds: BTreeMap<String, usize> =
        problems.iter().enumerate().map(|(at, p)| ((*p).to_owned(), at % FOLDS)).collect();
    let held_out = |penalties: (f64, f64)| -> Vec<f64> {
        let mut predicted = vec![f64::NAN; rows.len()];
        for fold in 0..FOLDS {
            let fit = stretched(rows.iter().filter(|r| folds[&r.problem] != fold), penalties);
            for (row, value) in rows.iter().zip(&mut predicted).filter(|(r, _)| folds[&r.problem] == fold) {
                *value = fit.get(&row.dimension).map_or(f64::NAN, |l| l.predict(&row.features).clamp(1.0, 5.0));
            }
        }
        predicted
    };
    let errors: Vec<((f64, f64), f64)> = PENALTIES.iter().map(|&p| (p, error(rows, &held_out(p)))).collect();
    let best = errors.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((PENALTIES[0], f64::NAN));
    let (penalties, least) = best;
    let learnt = held_out(penalties);
    let hand_made: Vec<f64> = rows.iter().map(|r| r.features[levels::CHECKLIST_LEVEL]).collect();
    let length = by_length(rows, &folds);
    let kept = [&hand_made, &length].iter().all(|other| least < error(rows, other))
        && rank(rows, &learnt) > rank(rows, &hand_made).max(rank(rows, &length));
    let numbers: BTreeMap<&str, usize> = problems.iter().enumerate().map(|(at, p)| (*p, at)).collect();
    let mut held = BTreeMap::new();
    for dimension in std::iter::once(None).chain(Dimension::ALL.map(Some)) {
        let sides = [("learnt", &learnt), ("hand_made", &hand_made), ("length_only", &length)];
        let metrics = sides.map(|(side, p)| (side, metrics(rows, p, dimension, &numbers, seed)));
        held.insert(dimension.map_or_else(|| "all".to_owned(), name), metrics.into());
    }
    let whole = stretched(rows.iter(), penalties);
    let sigma = Dimension::ALL
        .into_iter()
        .filter_map(|d| {
            let own: Vec<f64> = rows
                .iter()
                .zip(&learnt)
                .filter(|(r, p)| r.dimension == d && p.is_finite())
                .map(|(r, p)| (r.level - p).powi(2))
                .collect();
            (!own.is_empty()).then(|| (d, rounded((own.iter().sum::<f64>() / own.len() as f64).sqrt())))
        })
        .collect();
    let calibration = LevelCalibration {
        version: VERSION,
        prompt_sha256: prompt_sha256(),
        recipe: recipe.to_owned(),
        interviews,
        features: levels::NAMES[..levels::MODEL_FROM].iter().map(|n| (*n).to_owned()).collect(),
        folds: (0..FOLDS).map(|f| stretched(rows.iter().filter(|r| folds[&r.problem] != f), penalties)).collect(),
        problems: folds,
        sigma,
        whole,
    };
    let report = Report {
        interviews,
        labels: rows.len(),
        penalties,
        errors,
        held_out: held,
        kept,
        weights: weights(&calibration.whole),
    };
    Ok((calibration, report))
}

/// The lines of [`fit`], with part of the spread given back that they lose on problems they have not seen.
fn stretched<'a>(rows: impl Iterator<Item = &'a Row>, penalties: (f64, f64)) -> Fit {
    let rows: Vec<&Row> = rows.collect();
    let problems: BTreeSet<&str> = rows.iter().map(|r| r.problem.as_str()).collect();
    let inner: BTreeMap<&str, usize> = problems.into_iter().enumerate().map(|(at, p)| (p, at % INNER)).collect();
    let (mut own, mut labels) = (0.0, 0.0);
    for held in 0..INNER {
        let lines = fit(rows.iter().copied().filter(|r| inner[r.problem.as_str()] != held), penalties);
        for row in rows.iter().filter(|r| inner[r.problem.as_str()] == held) {
            if let Some(line) = lines.get(&row.dimension) {
                own += (line.predict(&row.features) - line.intercept).powi(2);
                labels += (row.level - line.intercept).powi(2);
            }
        }
    }
    let lost = (labels / own.max(1e-9)).sqrt().clamp(1.0, 3.0);
    let by = 1.0 + STRETCH * (lost - 1.0);
    let mut lines = fit(rows.into_iter(), penalties);
    for line in lines.values_mut() {
        line.weight.iter_mut().for_each(|w| *w = rounded(*w * by));
    }
    lines
}

/// A line per dimension with labels enough: half its own, half what all dimensions share.
fn fit<'a>(rows: impl Iterator<Item = &'a Row>, (own, shared): (f64, f64)) -> Fit {
    let mut by: BTreeMap<Dimension, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        by.entry(row.dimension).or_default().push(row);
    }
    by.retain(|_, rows| rows.len() >= LEAST_LABELS);
    let mut lines: Fit = by
        .iter()
        .map(|(dimension, rows)| {
            let x: Vec<Vec<f64>> = rows.iter().map(|r| r.features.clone()).collect();
            let y: Vec<f64> = rows.iter().map(|r| r.level).collect();
            (*dimension, Ridge::fit_signed(&x, &y, &vec![1.0; x.len()], own, levels::speaks_against))
        })
        .collect();
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for (dimension, rows) in &by {
        let line = &lines[dimension];
        for row in rows {
            let standard = row.features.iter().zip(&line.mean).zip(&line.scale).map(|((v, m), s)| (v - m) / s);
            x.push(standard.collect::<Vec<f64>>());
            y.push(row.level - line.intercept);
        }
    }
    let common = Ridge::fit_signed(&x, &y, &vec![1.0; x.len()], shared, levels::speaks_against);
    for line in lines.values_mut() {
        let both = line.weight.iter().zip(common.weight.iter().zip(&common.scale));
        line.weight = both.map(|(own, (shared, scale))| rounded(f64::midpoint(*own, shared / scale))).collect();
        line.mean.iter_mut().chain(&mut line.scale).for_each(|v| *v = rounded(*v));
        line.intercept = rounded(line.intercept);
    }
    lines
}

/// Six digits are more than the labels know, and keep the file small.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn by_length(rows: &[Row], folds: &BTreeMap<String, usize>) -> Vec<f64> {
    let log = |r: &Row| vec![(1.0 + r.words as f64).ln()];
    let mut predicted = vec![f64::NAN; rows.len()];
    for dimension in Dimension::ALL {
        for fold in 0..FOLDS {
            let train: Vec<&Row> =
                rows.iter().filter(|r| r.dimension == dimension && folds[&r.problem] != fold).collect();
            if train.is_empty() {
                continue;
            }
            let x: Vec<Vec<f64>> = train.iter().map(|r| log(r)).collect();
            let y: Vec<f64> = train.iter().map(|r| r.level).collect();
            let line = Ridge::fit(&x, &y, &vec![1.0; x.len()], LENGTH_PENALTY);
            for (row, value) in rows.iter().zip(&mut predicted) {
                if row.dimension == dimension && folds[&row.problem] == fold {
                    *value = line.predict(&log(row)).clamp(1.0, 5.0);
                }
            }
        }
    }
    predicted
}

fn error(rows: &[Row], predicted: &[f64]) -> f64 {
    let squares: Vec<f64> =
        rows.iter().zip(predicted).filter(|(_, p)| p.is_finite()).map(|(r, p)| (r.level - p).powi(2)).collect();
    (squares.iter().sum::<f64>() / squares.len().max(1) as f64).sqrt()
}

fn rank(rows: &[Row], predicted: &[f64]) -> f64 {
    let both = rows.iter().zip(predicted).filter(|(_, p)| p.is_finite());
    let (human, own): (Vec<f64>, Vec<f64>) = both.map(|(r, p)| (r.level, *p)).unzip();
    crate::grading::agreement::spearman(&human, &own).unwrap_or(0.0)
}

fn metrics(
    rows: &[Row],
    predicted: &[f64],
    dimension: Option<Dimension>,
    numbers: &BTreeMap<&str, usize>,
    seed: u64,
) -> Metrics {
    let share = |level: f64| (level - 1.0) / 4.0;
    let pairs: Vec<Pair> = rows
        .iter()
        .zip(predicted)
        .filter(|(r, p)| p.is_finite() && dimension.is_none_or(|d| d == r.dimension))
        .map(|(r, p)| Pair {
            question: numbers[r.problem.as_str()],
            human: share(r.level),
            predicted: share(*p),
            words: r.words,
        })
        .collect();
    results::metrics(&pairs, seed)
}

fn weights(fit: &Fit) -> Vec<(String, f64)> {
    let mut weights: Vec<(String, f64)> = levels::NAMES[..levels::MODEL_FROM]
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let sum: f64 = fit.values().map(|l| l.weight[at].abs()).sum();
            ((*name).to_owned(), sum / fit.len().max(1) as f64)
        })
        .collect();
    weights.sort_by(|a, b| b.1.total_cmp(&a.1));
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Levels that follow one feature and have nothing to do with the length.
    fn rows(signal: bool) -> Vec<Row> {
        let mut rows = Vec::new();
        for k in 0..60_usize {
            for dimension in Dimension::ALL {
                let level = (k * 7 % 5 + 1) as f64;
                let mut features: Vec<f64> =
                    (0..levels::MODEL_FROM).map(|j| ((k * (j + 3) * 13) % 17) as f64).collect();
                features[levels::CHECKLIST_LEVEL] = (k * 11 % 5 + 1) as f64;
                if signal {
                    features[0] = level * 0.2 + (k % 3) as f64 * 0.1;
                }
                rows.push(Row {
                    dimension,
                    problem: format!("p{}", k % 12),
                    level,
                    features,
                    words: 100 + k * 37 % 400,
                });
            }
        }
        rows
    }

    #[test]
    fn what_is_there_is_learnt_and_kept_and_what_is_not_is_not() {
        let (file, report) = learn(&rows(true), 60, "recipe", 1).expect("a calibration");
        assert!(report.kept);
        assert!(report.held_out["all"]["learnt"]["spearman"].value > 0.8);
        assert_eq!((file.problems.len(), file.folds.len()), (12, FOLDS));
        let text = serde_json::to_string(&file).expect("JSON");
        assert_eq!(LevelCalibration::parse(&text), Ok(file));
        let (_, report) = learn(&rows(false), 60, "recipe", 1).expect("a calibration");
        assert!(report.held_out["all"]["learnt"]["spearman"].value < 0.4);
        let few: Vec<Row> = rows(true).into_iter().filter(|r| r.problem == "p1").collect();
        assert!(learn(&few, 5, "recipe", 1).is_err());
    }
}

//! Calibration: reads labelled answers with a model, fits by question-level cross-validation, writes the file that ships.
//!
//! Prints what each group of features is worth on questions it has not seen, also when it is worth nothing.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::dataset::{self, Item};
use super::measure::{self, Metrics};
use super::rows;
use super::run::{self, Plan};
use super::samples::Sample;
use crate::engine::{Engine, ModelInfo};
use crate::grading::agreement::Pair;
use crate::grading::answer;
use crate::grading::calibration::{Calibration, Fit, TrainedOn, VERSION, question_hash};
use crate::grading::forest::{Forest, Growth};
use crate::grading::passage;
use crate::grading::ridge::Ridge;
use crate::grading::surface::{self, Compared};

/// Penalty of the line for answers without a reference; trees are a little better and five times as large a file.
const BARE_PENALTY: f64 = 1.0;

/// What is tried; the one with the least held-out error is kept.
const CANDIDATES: [Candidate; 6] = [
    Candidate::Ridge(0.1),
    Candidate::Ridge(1.0),
    Candidate::Ridge(3.0),
    Candidate::Forest(Growth { trees: 40, leaf: 20, tried: 0.3, seed: 0 }),
    Candidate::Forest(Growth { trees: 40, leaf: 40, tried: 0.3, seed: 0 }),
    Candidate::Forest(Growth { trees: 40, leaf: 80, tried: 0.3, seed: 0 }),
];

/// A way to fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Candidate {
    /// A ridge with this penalty.
    Ridge(f64),
    /// A forest grown like this.
    Forest(Growth),
    /// A ridge with this penalty that reads the model's hidden state.
    State(f64),
}

impl Candidate {
    /// Of a ridge; a forest has none.
    fn penalty(self) -> f64 {
        match self {
            Self::Ridge(lambda) | Self::State(lambda) => lambda,
            Self::Forest(_) => 0.0,
        }
    }

    fn fit(self, rows: &[Vec<f64>], targets: &[f64], importance: &[f64]) -> Fit {
        match self {
            Self::Ridge(lambda) | Self::State(lambda) => Fit::Ridge(Ridge::fit(rows, targets, importance, lambda)),
            Self::Forest(growth) => Fit::Forest(Forest::grow(rows, targets, importance, &growth)),
        }
    }
}

/// What was learnt, and what each part of it is worth.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// By group of features, then data set: held-out metrics.
    pub groups: BTreeMap<String, BTreeMap<String, Metrics>>,
    /// What was kept.
    pub chosen: Candidate,
    /// Held-out root mean square error of all that was tried, every question weighing the same.
    pub errors: Vec<(Candidate, f64)>,
    /// Feature and weight of the best ridge, largest first.
    pub weights: Vec<(String, f64)>,
}

/// Reads the data (a stopped run goes on) and fits.
///
/// # Errors
/// When a file cannot be read or written, or fewer than three questions are there.
pub async fn calibrate(
    plan: &Plan,
    engine: Option<Engine>,
    base: Option<&Calibration>,
    recipe: &str,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> anyhow::Result<(Calibration, Report)> {
    let info = engine.as_ref().map(|e| e.info().clone());
    run::run(plan, engine, None, progress).await?;
    let samples = run::read_samples(&plan.output)?;
    let mut items: HashMap<(String, String), Item> = HashMap::new();
    for path in &plan.data {
        for item in dataset::read(path)?.items {
            items.insert((item.dataset.clone(), item.id.clone()), item);
        }
    }
    let rows: Vec<(&Item, &Sample)> = samples
        .iter()
        .filter(|s| !s.features.is_empty())
        .filter_map(|s| items.get(&(s.dataset.clone(), s.id.clone())).map(|i| (i, s)))
        .collect();
    match (base, info.as_ref()) {
        (Some(base), Some(info)) => correct(&rows, base, info, recipe, plan.seed),
        _ => fit(&rows, info.as_ref(), recipe, plan.seed),
    }
}

/// Corrections that are tried: two of the model's readings, or its hidden state with the readings of the short questions. The
/// penalty of 1000 all but switches a correction off.
const CORRECTIONS: [Candidate; 10] = [
    Candidate::Ridge(0.3),
    Candidate::Ridge(1.0),
    Candidate::Ridge(3.0),
    Candidate::Ridge(10.0),
    Candidate::Ridge(1000.0),
    Candidate::State(0.3),
    Candidate::State(1.0),
    Candidate::State(3.0),
    Candidate::State(10.0),
    Candidate::State(30.0),
];

/// The model's readings that a correction without the hidden state reads: what it says beyond its habit. More of them told
/// less on questions and data sets that the fit had not seen (`benches/LOG.md`).
const LIFTS: [&str; 2] = ["mark_lift", "correct_lift"];
/// Readings that are not read beside the hidden state: the letters cost more than the rest and told less.
const LETTERS: [&str; 3] = ["mark_mean", "mark_lift", "mark_top"];

/// Corrects a calibration of surface features (`base`, many answers) by a model's features (few answers).
///
/// # Errors
/// When `base` is no calibration of surface features, or fewer than three questions are there.
pub fn correct(
    rows: &[(&Item, &Sample)],
    base: &Calibration,
    info: &ModelInfo,
    recipe: &str,
    seed: u64,
) -> anyhow::Result<(Calibration, Report)> {
    let width = surface::NAMES.len();
    anyhow::ensure!(base.features.len() == width, "the base must be a calibration with --judge none");
    let folds = base.folds.len().max(1);
    let hashes: Vec<String> = rows.iter().map(|(i, _)| question_hash(&i.question)).collect();
    let mut questions = base.questions.clone();
    for hash in &hashes {
        let next = questions.len() % folds;
        questions.entry(hash.clone()).or_insert(next);
    }
    let fold: Vec<usize> = hashes.iter().map(|h| questions[h]).collect();
    let number: Vec<usize> = {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        hashes
            .iter()
            .map(|h| {
                let next = seen.len();
                *seen.entry(h).or_insert(next)
            })
            .collect()
    };
    anyhow::ensure!(
        number.iter().max().is_some_and(|m| *m >= 2),
        "a correction needs answers to at least three questions"
    );
    let features: Vec<Vec<f64>> = rows.iter().map(|(_, s)| row_of(s)).collect();
    let known: Vec<f64> =
        rows.iter().zip(&features).map(|((i, _), f)| base.predict(&f[..width], &i.question, true)).collect();
    let masked = |most: usize, reads: fn(&str) -> bool| -> Vec<Vec<f64>> {
        let read = |(at, value): (usize, &f64)| {
            if reads(answer::MODEL_NAMES.get(at).copied().unwrap_or("state")) { *value } else { f64::NAN }
        };
        features.iter().map(|f| f[width..].iter().take(most).enumerate().map(read).collect()).collect()
    };
    let lifts = masked(answer::MODEL_NAMES.len(), |name| LIFTS.contains(&name));
    let states = masked(usize::MAX, |name| !LETTERS.contains(&name));
    let has_state = features.iter().all(|f| f.len() > width + answer::MODEL_NAMES.len());
    let read_by = |by: Candidate| if matches!(by, Candidate::State(_)) { &states } else { &lifts };
    let importance = per_question(&number);
    let total: f64 = importance.iter().sum();
    // A few answers spread over all marks are better or worse on average than answers are: that is not to be learnt.
    let mut rest: Vec<f64> = rows.iter().zip(&known).map(|((i, _), k)| i.share() - k).collect();
    let mean = rest.iter().zip(&importance).map(|(r, w)| r * w).sum::<f64>() / total;
    rest.iter_mut().for_each(|r| *r -= mean);
    let predicted = |by: Candidate| -> Vec<f64> {
        let mut predicted = known.clone();
        for held in 0..folds {
            let line = line_without(held, read_by(by), &rest, &importance, &fold, by.penalty());
            for i in (0..rows.len()).filter(|&i| fold[i] == held) {
                predicted[i] = (known[i] + line.predict(&read_by(by)[i])).clamp(0.0, 1.0);
            }
        }
        predicted
    };
    let error = |predicted: &[f64]| {
        let squares = rows.iter().zip(predicted).zip(&importance).map(|(((i, _), p), w)| w * (i.share() - p).powi(2));
        (squares.sum::<f64>() / total).sqrt()
    };
    let errors: Vec<(Candidate, f64)> = CORRECTIONS
        .into_iter()
        .filter(|c| has_state || !matches!(c, Candidate::State(_)))
        .map(|c| (c, error(&predicted(c))))
        .collect();
    let (chosen, sigma) =
        errors.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((Candidate::Ridge(1000.0), 1.0));
    let (others, lambda) = (read_by(chosen), chosen.penalty());
    let stacked = |fit: &Fit, line: Ridge| Fit::Stacked { base: Box::new(fit.clone()), width, correction: short(line) };
    let line = Ridge { intercept: 0.0, ..Ridge::fit(others, &rest, &importance, lambda) };
    let names = names(width + others.first().map_or(0, Vec::len));
    let mut weights: Vec<(String, f64)> = names[width..].iter().cloned().zip(line.weight.iter().copied()).collect();
    weights.retain(|(name, _)| !name.starts_with("state_"));
    weights.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let mut groups = BTreeMap::new();
    groups.insert("surface (base)".to_owned(), by_dataset(rows, &number, &known, seed));
    groups.insert("surface + model".to_owned(), by_dataset(rows, &number, &predicted(chosen), seed));
    let mut trained_on = base.trained_on.clone();
    trained_on.push(TrainedOn {
        dataset: "(of these, read by the model)".into(),
        items: rows.len(),
        questions: number.iter().max().map_or(0, |m| m + 1),
    });
    let calibration = Calibration {
        version: VERSION,
        model: info.id.clone(),
        model_sha256: info.sha256.clone(),
        prompt_sha256: answer::prompt_sha256(),
        recipe: recipe.to_owned(),
        trained_on,
        features: names,
        whole: stacked(&base.whole, line),
        folds: (0..base.folds.len())
            .map(|held| stacked(&base.folds[held], line_without(held, others, &rest, &importance, &fold, lambda)))
            .collect(),
        questions,
        sigma,
        without_reference: base.without_reference.clone(),
    };
    Ok((calibration, Report { groups, chosen, errors, weights }))
}

/// A line in six digits, so that a file with a weight for each number of a hidden state stays small.
fn short(mut line: Ridge) -> Ridge {
    let digits = |v: &mut f64| *v = (*v * 1e6).round() / 1e6;
    line.mean.iter_mut().chain(&mut line.scale).chain(&mut line.weight).for_each(digits);
    line
}

fn line_without(held: usize, x: &[Vec<f64>], y: &[f64], w: &[f64], fold: &[usize], lambda: f64) -> Ridge {
    let keep: Vec<usize> = (0..x.len()).filter(|&i| fold[i] != held).collect();
    let rows: Vec<Vec<f64>> = keep.iter().map(|&i| x[i].clone()).collect();
    let pick = |v: &[f64]| keep.iter().map(|&i| v[i]).collect::<Vec<_>>();
    Ridge { intercept: 0.0, ..Ridge::fit(&rows, &pick(y), &pick(w), lambda) }
}

/// Fits on read samples.
///
/// # Errors
/// When fewer than three questions are there.
pub fn fit(
    rows: &[(&Item, &Sample)],
    info: Option<&ModelInfo>,
    recipe: &str,
    seed: u64,
) -> anyhow::Result<(Calibration, Report)> {
    let hashes: Vec<String> = rows.iter().map(|(i, _)| question_hash(&i.question)).collect();
    let mut number: BTreeMap<&str, usize> = BTreeMap::new();
    for h in &hashes {
        let next = number.len();
        number.entry(h).or_insert(next);
    }
    anyhow::ensure!(
        number.len() >= 3,
        "calibration needs answers to at least three questions, here are {}",
        number.len()
    );
    let questions: Vec<usize> = hashes.iter().map(|h| number[h.as_str()]).collect();
    let fold = rows::folds(&questions);
    let features: Vec<Vec<f64>> = rows.iter().map(|(_, s)| row_of(s)).collect();
    let targets: Vec<f64> = rows.iter().map(|(i, _)| i.share()).collect();
    let importance = per_question(&questions);
    let names = names(features.first().map_or(0, Vec::len));

    let error = |predicted: &[f64]| {
        predicted.iter().zip(&targets).zip(&importance).map(|((p, t), w)| w * (p - t).powi(2)).sum::<f64>()
            / importance.iter().sum::<f64>()
    };
    let mut errors = Vec::new();
    for candidate in CANDIDATES {
        errors.push((candidate, error(&held_out(&features, &targets, &importance, &fold, candidate)).sqrt()));
    }
    let (chosen, sigma) = errors.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((CANDIDATES[0], 1.0));

    let mut groups = BTreeMap::new();
    for (group, columns) in groups_of(names.len()) {
        let part: Vec<Vec<f64>> = features.iter().map(|f| columns.iter().map(|&j| f[j]).collect()).collect();
        let predicted = held_out(&part, &targets, &importance, &fold, chosen);
        groups.insert(group, by_dataset(rows, &questions, &predicted, seed));
    }

    // The same answers with their references and criteria taken away: what is left when a data set has none.
    let alone = |i: &Item| surface::features(&Compared { reference: None, rubric: None, ..run::compared(i) });
    let bare: Vec<Vec<f64>> = rows.iter().map(|(i, _)| alone(i)).collect();
    let predicted = held_out(&bare, &targets, &importance, &fold, Candidate::Ridge(BARE_PENALTY));
    groups.insert("surface, no reference".to_owned(), by_dataset(rows, &questions, &predicted, seed));

    let whole = chosen.fit(&features, &targets, &importance);
    let folds: Vec<Fit> = (0..=fold.iter().copied().max().unwrap_or(0))
        .map(|held| without(held, &features, &targets, &importance, &fold, chosen))
        .collect();
    let ridge = Ridge::fit(&features, &targets, &importance, 1.0);
    let mut weights: Vec<(String, f64)> = names.iter().cloned().zip(ridge.weight).collect();
    weights.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let mut trained_on: BTreeMap<&str, (usize, std::collections::BTreeSet<&str>)> = BTreeMap::new();
    for ((item, _), hash) in rows.iter().zip(&hashes) {
        let entry = trained_on.entry(&item.dataset).or_default();
        entry.0 += 1;
        entry.1.insert(hash);
    }
    let calibration = Calibration {
        version: VERSION,
        model: info.map_or_else(|| "none".into(), |i| i.id.clone()),
        model_sha256: info.map(|i| i.sha256.clone()).unwrap_or_default(),
        prompt_sha256: answer::prompt_sha256(),
        recipe: recipe.to_owned(),
        trained_on: trained_on
            .into_iter()
            .map(|(dataset, (items, questions))| TrainedOn {
                dataset: dataset.into(),
                items,
                questions: questions.len(),
            })
            .collect(),
        features: names,
        whole,
        folds,
        questions: hashes.iter().cloned().zip(fold.iter().copied()).collect(),
        sigma,
        without_reference: info.is_none().then(|| short_fit(Ridge::fit(&bare, &targets, &importance, BARE_PENALTY))),
    };
    Ok((calibration, Report { groups, chosen, errors, weights }))
}

/// Every question weighs the same, however many answers it has.
fn per_question(questions: &[usize]) -> Vec<f64> {
    let mut count: BTreeMap<usize, f64> = BTreeMap::new();
    for q in questions {
        *count.entry(*q).or_default() += 1.0;
    }
    let mean = questions.len() as f64 / count.len().max(1) as f64;
    questions.iter().map(|q| mean / count[q]).collect()
}

fn without(held: usize, x: &[Vec<f64>], y: &[f64], w: &[f64], fold: &[usize], by: Candidate) -> Fit {
    let keep: Vec<usize> = (0..x.len()).filter(|&i| fold[i] != held).collect();
    let rows: Vec<Vec<f64>> = keep.iter().map(|&i| x[i].clone()).collect();
    let pick = |v: &[f64]| keep.iter().map(|&i| v[i]).collect::<Vec<_>>();
    by.fit(&rows, &pick(y), &pick(w))
}

fn held_out(x: &[Vec<f64>], y: &[f64], w: &[f64], fold: &[usize], by: Candidate) -> Vec<f64> {
    let mut predicted = vec![0.0; x.len()];
    for held in 0..=fold.iter().copied().max().unwrap_or(0) {
        let fit = without(held, x, y, w, fold, by);
        for i in (0..x.len()).filter(|&i| fold[i] == held) {
            predicted[i] = fit.predict(&x[i]).clamp(0.0, 1.0);
        }
    }
    predicted
}

fn short_fit(line: Ridge) -> Fit {
    Fit::Ridge(Ridge { intercept: (line.intercept * 1e6).round() / 1e6, ..short(line) })
}

/// Features of a sample, then its hidden state.
fn row_of(sample: &Sample) -> Vec<f64> {
    restored(&sample.features).into_iter().chain(sample.state.iter().map(|v| f64::from(*v))).collect()
}

/// "Not asked" is written as -99 in a sample, since JSON has no word for it.
fn restored(features: &[f64]) -> Vec<f64> {
    features.iter().map(|v| if *v <= -99.0 { f64::NAN } else { *v }).collect()
}

fn names(width: usize) -> Vec<String> {
    let named = surface::NAMES.iter().chain(&answer::MODEL_NAMES).map(|n| (*n).to_owned());
    named.chain((0..).map(|k| format!("state_{k}"))).take(width).collect()
}

fn groups_of(width: usize) -> Vec<(String, Vec<usize>)> {
    let surface = surface::NAMES.len().min(width);
    let mut groups = vec![("length".to_owned(), vec![0]), ("surface".to_owned(), (0..surface).collect())];
    if width > surface {
        let model = |from: usize, to: usize| (surface + from..surface + to).collect::<Vec<_>>();
        groups.push(("model".into(), model(0, width - surface)));
        groups.push(("model: mark".into(), model(0, 3)));
        groups.push(("model: short questions".into(), model(3, 9)));
        groups.push(("model: hidden state".into(), model(answer::MODEL_NAMES.len(), width - surface)));
        groups.push(("all".into(), (0..width).collect()));
    }
    groups
}

fn by_dataset(
    rows: &[(&Item, &Sample)],
    questions: &[usize],
    predicted: &[f64],
    seed: u64,
) -> BTreeMap<String, Metrics> {
    let mut sets: BTreeMap<&str, (Vec<&Item>, Vec<Pair>)> = BTreeMap::new();
    for (((item, _), &question), &predicted) in rows.iter().zip(questions).zip(predicted) {
        let set = sets.entry(&item.dataset).or_default();
        set.0.push(item);
        let words = passage::words(&item.answer).len();
        set.1.push(Pair { question, human: item.share(), predicted, words });
    }
    sets.into_iter()
        .map(|(name, (items, pairs))| (name.to_owned(), measure::metrics(&pairs, dataset::levels(&items), seed)))
        .collect()
}

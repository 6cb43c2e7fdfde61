//! Grades golden interviews by the shipped path, writes each as it is done, measures, writes the results.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::{Value, json};

use super::results::{self, Results};
use super::variants::{self, Change};
use super::{Golden, Known, page, read};
use crate::bench::run::peak_rss;
use crate::bench::samples::{self, Sample};
use crate::content::{Content, Dimension};
use crate::engine::Engine;
use crate::grading::calibration::sha256;
use crate::grading::level_calibration;
use crate::grading::provenance;
use crate::grading::rubric::Rubric;
use crate::grading::{self, DimensionReport, GradeOptions};
use crate::interview::transcript::Transcript;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Folder of golden interviews.
    pub folder: PathBuf,
    /// Most interviews, spread over all problems; 0 = all.
    pub limit: usize,
    /// Also grade the variants.
    pub metamorphic: bool,
    /// Leave out the shipped calibration of levels.
    pub uncalibrated: bool,
    /// Where the results go.
    pub output: PathBuf,
    /// Seed of the readings, the variants and the bootstrap.
    pub seed: u64,
}

/// One grade to make.
#[derive(Clone, Debug)]
struct Task<'a> {
    golden: &'a Golden,
    change: Change,
    transcript: Transcript,
}

/// One graded dimension of one variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Graded<'a> {
    /// The interview.
    pub golden: &'a Golden,
    /// What was done to it.
    pub change: Change,
    /// Which dimension.
    pub dimension: Dimension,
    /// What the grader says.
    pub sample: Sample,
}

/// Runs the plan; `progress` hears `(done, all)`.
///
/// # Errors
/// When a folder or file cannot be read or written. A broken file or a failing engine is a result, not an error.
pub async fn run(
    plan: &Plan,
    engine: Option<&Engine>,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> anyhow::Result<Results> {
    run_together(plan, engine, 1, progress).await
}

/// The same with so many interviews in hand at a time: for a judge on a server, which works on many at once.
///
/// # Errors
/// As [`run`].
pub async fn run_together(
    plan: &Plan,
    engine: Option<&Engine>,
    together: usize,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> anyhow::Result<Results> {
    let content = Content::built_in();
    let set = read::folder(&plan.folder, &content).map_err(|e| anyhow::anyhow!("{}: {e}", plan.folder.display()))?;
    let shipped = level_calibration::shipped().filter(|_| !plan.uncalibrated);
    let calibration = shipped.map_or("", |(_, hash)| hash);
    let chosen = spread(&set.interviews, plan.limit);
    std::fs::create_dir_all(&plan.output)?;
    let path = plan.output.join("samples.jsonl");
    let mut known: HashMap<(String, String), Sample> = samples::all(&path);
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
    let tasks = tasks(&chosen, plan);
    let mut graded: Vec<Graded<'_>> = Vec::with_capacity(tasks.len() * Dimension::ALL.len());
    let (mut fresh, mut seconds) = (0usize, 0.0);
    let begun = Instant::now();
    let grading = tasks.iter().map(|task| {
        let content = Known::of(&content, task.golden);
        let seed = if task.change == Change::OtherSeed { plan.seed + 1 } else { plan.seed };
        let prompts = provenance::prompt_sha256(&content.input(&task.transcript)) + calibration;
        let key = key(engine, &prompts, &task.transcript, seed);
        let known = reused(&mut known, task, &key);
        async move {
            if let Some(lines) = known {
                return (task, lines, None);
            }
            let started = Instant::now();
            let options = GradeOptions { seed, uncalibrated: plan.uncalibrated };
            let card = grading::grade(engine, &content.input(&task.transcript), &options, &mut |_| ()).await;
            let took = started.elapsed().as_secs_f64();
            let lines: Vec<Sample> = match card {
                Ok(card) => card.dimensions.iter().map(|d| sample(task, d, &key, took)).collect(),
                Err(error) => {
                    let reason = format!("refused: {error}");
                    Dimension::ALL.iter().map(|d| blank(task, *d, &key, Some(reason.clone()))).collect()
                }
            };
            (task, lines, Some(took))
        }
    });
    let mut grading = std::pin::pin!(stream::iter(grading).buffered(together.max(1)));
    let mut done = 0;
    while let Some((task, lines, took)) = grading.next().await {
        if let Some(took) = took {
            (fresh, seconds) = (fresh + 1, seconds + took);
            for line in &lines {
                samples::append(&mut file, line)?;
            }
        }
        graded.extend(Dimension::ALL.iter().zip(lines).map(|(&dimension, sample)| Graded {
            golden: task.golden,
            change: task.change,
            dimension,
            sample,
        }));
        done += 1;
        progress(done, tasks.len());
    }
    let lines: Vec<Sample> = graded.iter().map(|g| g.sample.clone()).collect();
    samples::write(&path, &lines)?;
    let mut results = results::results(plan, &chosen, &graded, set.faults);
    results.provenance = provenance_of(engine, plan.seed, shipped.map(|(_, hash)| hash));
    if together > 1 {
        // Interviews in hand together: the time that passed counts, not the sum of their waits.
        seconds = seconds.min(begun.elapsed().as_secs_f64());
    }
    results.seconds_per_interview = (fresh > 0).then(|| seconds / fresh as f64);
    results.peak_rss_bytes = peak_rss();
    std::fs::write(plan.output.join("results.json"), serde_json::to_string_pretty(&results)? + "\n")?;
    std::fs::write(plan.output.join("report.html"), page::html(&results, &graded))?;
    Ok(results)
}

/// Interviews taken evenly from the list, so that a limit still sees many problems.
fn spread(all: &[Golden], limit: usize) -> Vec<Golden> {
    if limit == 0 || all.len() <= limit {
        return all.to_vec();
    }
    (0..limit).map(|k| all[k * all.len() / limit].clone()).collect()
}

fn tasks<'a>(chosen: &'a [Golden], plan: &Plan) -> Vec<Task<'a>> {
    let mut tasks: Vec<Task<'_>> =
        chosen.iter().map(|golden| Task { golden, change: Change::None, transcript: golden.transcript() }).collect();
    if plan.metamorphic {
        tasks.extend(chosen.iter().flat_map(|golden| {
            variants::all(golden, plan.seed).into_iter().map(move |(change, transcript)| Task {
                golden,
                change,
                transcript,
            })
        }));
    }
    tasks
}

/// What a grade depends on: a sample is reused only under the same.
fn key(engine: Option<&Engine>, prompts: &str, transcript: &Transcript, seed: u64) -> String {
    let (model, kernel) = engine.map_or(("none", ""), |e| {
        let info = e.info();
        (if info.sha256.is_empty() { info.id.as_str() } else { info.sha256.as_str() }, info.kernel.as_str())
    });
    let said: Vec<(&str, u32)> = transcript.turns.iter().map(|t| (t.text.as_str(), t.seq)).collect();
    sha256(&format!("{prompts}\u{0}{model}\u{0}{kernel}\u{0}{}\u{0}{seed}\u{0}{said:?}", env!("CARGO_PKG_VERSION")))
}

fn reused(known: &mut HashMap<(String, String), Sample>, task: &Task<'_>, key: &str) -> Option<Vec<Sample>> {
    let lines: Vec<Sample> = Dimension::ALL
        .iter()
        .filter_map(|&d| known.remove(&(dataset(d), id(task))))
        .filter(|s| s.prompt_sha256 == key)
        .filter(|s| !s.unscored.as_ref().is_some_and(|reason| reason.starts_with("engine")))
        .collect();
    (lines.len() == Dimension::ALL.len()).then_some(lines)
}

/// The data set of a dimension's samples.
fn dataset(dimension: Dimension) -> String {
    format!("golden/{}", name(dimension))
}

/// A dimension as files write it.
#[must_use]
pub fn name(dimension: Dimension) -> String {
    format!("{dimension:?}").to_lowercase()
}

/// The interview's id, and what was done to it.
fn id(task: &Task<'_>) -> String {
    match task.change {
        Change::None => task.golden.id.clone(),
        Change::Removed(d) => format!("{} (removed {})", task.golden.id, name(d)),
        change => format!("{} ({})", task.golden.id, change.name()),
    }
}

fn blank(task: &Task<'_>, dimension: Dimension, key: &str, unscored: Option<String>) -> Sample {
    let level = task.golden.level_of(dimension);
    Sample {
        id: id(task),
        dataset: dataset(dimension),
        predicted: None,
        distribution: None,
        spread: None,
        unscored,
        evidence: Vec::new(),
        seconds: 0.0,
        prompt_sha256: key.to_owned(),
        features: Vec::new(),
        state: Vec::new(),
        words: task.golden.words(),
        doc_id: 0,
        doc: json!({"id": task.golden.id, "question_id": task.golden.problem, "round": task.golden.round,
            "dimension": dimension, "variant": task.change.name()}),
        target: level.map(f64::from),
        filtered_resps: Vec::new(),
        doc_hash: sha256(&serde_json::to_string(&task.transcript).unwrap_or_default()),
        prompt_hash: key.to_owned(),
        target_hash: sha256(&format!("{level:?}")),
    }
}

fn sample(task: &Task<'_>, report: &DimensionReport, key: &str, seconds: f64) -> Sample {
    let mut sample = blank(task, report.id, key, report.reason.as_ref().map(|r| format!("{}: {}", r.code, r.message)));
    sample.predicted = report.score;
    sample.filtered_resps = report.score.map(|s| json!(s)).into_iter().collect();
    sample.spread = report.spread;
    sample.distribution =
        report.distribution.as_ref().map(|d| d.iter().map(|(level, p)| (level.to_string(), *p)).collect());
    sample.evidence = report.evidence.iter().filter_map(|e| serde_json::to_value(e).ok()).collect();
    // Not-a-number stands for "not asked"; JSON has no word for it.
    sample.features = report.features.iter().map(|v| if v.is_finite() { *v } else { -99.0 }).collect();
    sample.seconds = seconds / Dimension::ALL.len() as f64;
    sample
}

fn provenance_of(engine: Option<&Engine>, seed: u64, calibration: Option<&str>) -> Value {
    let info = engine.map(Engine::info);
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "model": info.map_or("none", |i| i.id.as_str()), "model_sha256": info.map(|i| &i.sha256),
        "quant": info.map(|i| &i.quantisation), "rubric_version": Rubric::builtin().version,
        "variants_sha256": sha256(variants::TEXT), "calibration_sha256": calibration,
        "seed": seed, "threads": info.map(|i| i.threads), "kernel": info.map(|i| &i.kernel), "cpu": provenance::cpu(),
        "leaves_for": engine.and_then(Engine::leaves_for),
    })
}

/// Whether an engine's failure left something without a number.
#[must_use]
pub fn failed(sample: &Sample) -> bool {
    sample.unscored.as_ref().is_some_and(|reason| reason.starts_with("engine"))
}

//! A grading benchmark: reads labelled answers, grades each by the shipped path, measures, writes the results.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde::Serialize;
use serde_json::{Value, json};

use super::dataset::{self, Dataset, Fault, Item};
use super::measure::{self, Measured, Metrics};
use super::samples::{self, Sample};
use super::{page, rows};
use crate::engine::Engine;
use crate::grading::agreement::{self, Pair};
use crate::grading::answer::{self, Outcome, Reader};
use crate::grading::calibration::{self, Calibration};
use crate::grading::passage;
use crate::grading::provenance;
use crate::grading::rubric::Rubric;
use crate::grading::surface::{self, Compared};

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// JSON-lines files.
    pub data: Vec<PathBuf>,
    /// Most items (spread over all questions); 0 = all.
    pub limit: usize,
    /// Only items of this split.
    pub split: Option<String>,
    /// Where the results go.
    pub output: PathBuf,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Keep each answer's hidden state in its sample, for a calibration: some kilobytes each.
    pub states: bool,
}

/// What came out.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// `success`, or `partial` when a line was broken or an item unscored by a failure.
    pub status: String,
    /// What was run.
    pub config: Value,
    /// What ran it.
    pub provenance: Value,
    /// By data set.
    pub datasets: BTreeMap<String, DatasetResult>,
    /// Lines not used.
    pub faults: Vec<Fault>,
}

/// One data set's numbers.
#[derive(Clone, Debug, Serialize)]
pub struct DatasetResult {
    /// Items graded.
    pub n: usize,
    /// Items of the file that were considered.
    pub items: usize,
    /// Distinct questions.
    pub questions: usize,
    /// Steps of the scale for kappa.
    pub levels: usize,
    /// The grader's metrics.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// Calibration error.
    pub ece: Option<Measured>,
    /// Share without a mark.
    pub unscored_rate: Option<Measured>,
    /// Share of quotations that stand in the answer.
    pub evidence_valid_rate: Option<Measured>,
    /// Speed, items taken over from an earlier run left out.
    pub items_per_second: Option<f64>,
    /// Most memory of the process so far.
    pub peak_rss_bytes: Option<u64>,
    /// Why items have no mark.
    pub unscored: BTreeMap<String, usize>,
    /// `constant`, `length_only`, `features`, trained on the other questions of this data; `model_uncalibrated` is the
    /// mean of the model's own marks in two orders.
    pub rows: BTreeMap<&'static str, Metrics>,
}

/// Runs the plan; `progress` hears `(done, all)`.
///
/// # Errors
/// When a file cannot be read or written. A broken line or a failing engine is a result, not an error.
pub async fn run(
    plan: &Plan,
    engine: Option<Engine>,
    calibration: Option<(&Calibration, &str)>,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> anyhow::Result<Results> {
    run_together(plan, engine, calibration, 1, progress).await
}

/// The same with so many items in hand at a time: for a judge on a server, which works on many at once.
///
/// # Errors
/// As [`run`].
pub async fn run_together(
    plan: &Plan,
    engine: Option<Engine>,
    calibration: Option<(&Calibration, &str)>,
    together: usize,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> anyhow::Result<Results> {
    let mut data = Dataset::default();
    for path in &plan.data {
        let read = dataset::read(path).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?;
        data.faults.extend(read.faults);
        data.items.extend(read.items);
    }
    if let Some(split) = &plan.split {
        data.items.retain(|i| i.split.as_ref() == Some(split));
    }
    let items = dataset::sample(&data.items, plan.limit);
    std::fs::create_dir_all(&plan.output)?;
    let info = engine.as_ref().map(|e| e.info().clone());
    let leaves_for = engine.as_ref().and_then(Engine::leaves_for).map(str::to_owned);
    let model_hash = info.as_ref().map_or("", |i| i.sha256.as_str());
    // A model elsewhere has no hash that we know: its name must do.
    let model_key = info.as_ref().map_or("", |i| if i.sha256.is_empty() { i.id.as_str() } else { i.sha256.as_str() });
    let kernel = info.as_ref().map_or("", |i| i.kernel.as_str());
    let key = calibration::sha256(&format!(
        "{}\u{0}{model_key}\u{0}{kernel}\u{0}{}\u{0}{}{}",
        answer::prompt_sha256(),
        calibration.map_or("", |(_, hash)| hash),
        env!("CARGO_PKG_VERSION"),
        if plan.states { "\u{0}states" } else { "" },
    ));
    let path = plan.output.join("samples.jsonl");
    let earlier = samples::earlier(&path, &key);
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
    let reader = Reader::new(engine);
    let mut graded = Vec::with_capacity(items.len());
    let mut fresh: HashMap<String, (usize, f64)> = HashMap::new();
    let begun = Instant::now();
    let grading = items.iter().enumerate().map(|(at, item)| {
        let known = earlier.get(&(item.dataset.clone(), item.id.clone()));
        let (reader, key) = (&reader, &key);
        async move {
            match known {
                Some(sample) => (Sample { doc_id: at, ..sample.clone() }, false),
                None => {
                    let mut sample = grade(reader, item, at, key, calibration.map(|(c, _)| c)).await;
                    if !plan.states {
                        sample.state.clear();
                    }
                    (sample, true)
                }
            }
        }
    });
    let mut grading = std::pin::pin!(stream::iter(grading).buffered(together.max(1)));
    while let Some((sample, is_fresh)) = grading.next().await {
        if is_fresh {
            samples::append(&mut file, &sample)?;
            let speed = fresh.entry(sample.dataset.clone()).or_default();
            *speed = (speed.0 + 1, speed.1 + sample.seconds);
        }
        graded.push(sample);
        progress(graded.len(), items.len());
    }
    // Items in hand together: the time that passed counts, not the sum of their waits.
    let waits: f64 = fresh.values().map(|(_, seconds)| seconds).sum();
    let passed = if waits > 0.0 { (begun.elapsed().as_secs_f64() / waits).min(1.0) } else { 1.0 };
    samples::write(&path, &graded)?;
    let mut results = results(plan, &items, &graded, data.faults);
    results.provenance = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "model": info.as_ref().map(|i| &i.id), "model_sha256": model_hash,
        "quant": info.as_ref().map(|i| &i.quantisation),
        "prompt_sha256": answer::prompt_sha256(), "rubric_version": Rubric::builtin().version,
        "calibration_sha256": calibration.map(|(_, hash)| hash),
        "calibration_trained_on": calibration.map(|(c, _)| &c.trained_on),
        "seed": plan.seed, "threads": info.as_ref().map(|i| i.threads), "kernel": kernel, "cpu": provenance::cpu(), "leaves_for": leaves_for,
    });
    for (name, dataset) in &mut results.datasets {
        let (n, seconds) = fresh.get(name).copied().unwrap_or_default();
        dataset.items_per_second = (n > 0 && seconds > 0.0).then(|| n as f64 / (seconds * passed));
        dataset.peak_rss_bytes = peak_rss();
    }
    std::fs::write(plan.output.join("results.json"), serde_json::to_string_pretty(&results)? + "\n")?;
    std::fs::write(plan.output.join("report.html"), page::html(&results, &items, &graded))?;
    Ok(results)
}

async fn grade(reader: &Reader, item: &Item, at: usize, key: &str, calibration: Option<&Calibration>) -> Sample {
    let started = Instant::now();
    let mut sample = Sample::of(item, at, key);
    let compared = compared(item);
    match reader.read(&compared).await {
        Err(error) => sample.unscored = Some(format!("engine: {error}")),
        Ok(Outcome::Refused(refusal)) => sample.unscored = Some(format!("refused: {}", refusal.code())),
        Ok(Outcome::Injection) => sample.unscored = Some("refused: injection".into()),
        Ok(Outcome::Read(reading)) => {
            match answer::mark(&reading, &compared, calibration) {
                None => sample.unscored = Some("uncalibrated: without a model there is no mark".into()),
                Some(mark) => {
                    let predicted = item.on_scale(mark.share);
                    let scale = item.score_max - item.score_min;
                    let level = |k: usize| format!("{}", item.on_scale(k as f64 / 4.0));
                    sample.predicted = Some(predicted);
                    sample.filtered_resps = vec![json!(predicted)];
                    sample.spread = Some(mark.spread * scale);
                    sample.distribution = Some((0..5).map(|k| (level(k), mark.levels[k])).collect());
                }
            }
            sample.evidence = reading
                .points
                .iter()
                .filter_map(|point| {
                    let quote = answer::quote_for(point, &item.answer)?.quote;
                    Some(json!({"point": point, "quote": quote.quote, "start": quote.start, "end": quote.end}))
                })
                .collect();
            // Four digits: a hidden state has no more to say.
            sample.state = reading.state.iter().map(|v| (v * 1e4).round() / 1e4).collect();
            // Not-a-number stands for "not asked"; JSON has no word for it.
            sample.features = reading.features.iter().map(|v| if v.is_finite() { *v } else { -99.0 }).collect();
        }
    }
    sample.seconds = started.elapsed().as_secs_f64();
    sample
}

/// The parts of an item that the grader reads.
#[must_use]
pub fn compared(item: &Item) -> Compared<'_> {
    Compared {
        question: &item.question,
        reference: item.reference_answer.as_deref(),
        rubric: item.rubric.as_deref(),
        answer: &item.answer,
    }
}

fn results(plan: &Plan, items: &[Item], graded: &[Sample], faults: Vec<Fault>) -> Results {
    let mut by_dataset: BTreeMap<&str, Vec<(&Item, &Sample)>> = BTreeMap::new();
    for (item, sample) in items.iter().zip(graded) {
        by_dataset.entry(&item.dataset).or_default().push((item, sample));
    }
    let failed = graded.iter().any(|s| s.unscored.as_ref().is_some_and(|r| r.starts_with("engine")));
    let datasets =
        by_dataset.into_iter().map(|(name, rows)| (name.to_owned(), dataset_result(&rows, plan.seed))).collect();
    Results {
        status: if failed || !faults.is_empty() { "partial" } else { "success" }.into(),
        config: json!({
            "data": plan.data, "limit": plan.limit, "split": plan.split, "seed": plan.seed,
            "resamples": measure::RESAMPLES,
            "marks": "shares of each item's own scale; errors and slopes are in shares",
        }),
        provenance: Value::Null,
        datasets,
        faults,
    }
}

fn dataset_result(all: &[(&Item, &Sample)], seed: u64) -> DatasetResult {
    let items: Vec<&Item> = all.iter().map(|(i, _)| *i).collect();
    let levels = dataset::levels(&items);
    let number = question_numbers(&items);
    let scored: Vec<&(&Item, &Sample)> = all.iter().filter(|(_, s)| s.predicted.is_some()).collect();
    let pair = |item: &Item, share: f64| Pair {
        question: number[&item.question_id],
        human: item.share(),
        predicted: share,
        words: passage::words(&item.answer).len(),
    };
    let share = |(item, sample): &(&Item, &Sample)| {
        let predicted = sample.predicted.unwrap_or(f64::NAN);
        (predicted - item.score_min) / (item.score_max - item.score_min)
    };
    let pairs: Vec<Pair> = scored.iter().map(|row| pair(row.0, share(row))).collect();
    let sure: Vec<(f64, bool)> = scored.iter().filter_map(|(item, sample)| certainty(item, sample)).collect();
    let mut unscored: BTreeMap<String, usize> = BTreeMap::new();
    for reason in all.iter().filter_map(|(_, s)| s.unscored.as_ref()) {
        *unscored.entry(reason.clone()).or_default() += 1;
    }
    let gone: Vec<f64> = all.iter().map(|(_, s)| f64::from(u8::from(s.predicted.is_none()))).collect();
    // The rows see the items that have features: refused answers are refused for everybody.
    let readable: Vec<&(&Item, &Sample)> = all.iter().filter(|(i, _)| !i.answer.trim().is_empty()).collect();
    let features: Vec<Vec<f64>> = readable.iter().map(|(item, sample)| surface_of(item, sample)).collect();
    let targets: Vec<f64> = readable.iter().map(|(i, _)| i.share()).collect();
    let questions: Vec<usize> = readable.iter().map(|(i, _)| number[&i.question_id]).collect();
    let mut beside = rows::rows(&features, &targets, &questions);
    let own_marks: Option<Vec<f64>> =
        readable.iter().map(|(_, s)| s.features.get(surface::NAMES.len()).copied()).collect();
    beside.extend(own_marks.map(|marks| ("model_uncalibrated", marks)));
    let rows = beside
        .into_iter()
        .map(|(name, predicted)| {
            let pairs: Vec<Pair> = readable.iter().zip(&predicted).map(|((i, _), p)| pair(i, *p)).collect();
            (name, measure::metrics(&pairs, levels, seed))
        })
        .collect();
    DatasetResult {
        n: scored.len(),
        items: all.len(),
        questions: number.len(),
        levels,
        metrics: measure::metrics(&pairs, levels, seed),
        ece: agreement::expected_calibration_error(&sure)
            .map(|value| measure::interval(value, calibration_draws(&sure, seed))),
        unscored_rate: measure::mean(&gone, seed),
        evidence_valid_rate: measure::mean(&evidence_flags(all), seed),
        items_per_second: None,
        peak_rss_bytes: None,
        unscored,
        rows,
    }
}

/// The surface features, as they were read when the sample was graded.
fn surface_of(item: &Item, sample: &Sample) -> Vec<f64> {
    match sample.features.get(..surface::NAMES.len()) {
        Some(features) => features.to_vec(),
        None => surface::features(&compared(item)),
    }
}

fn question_numbers(items: &[&Item]) -> HashMap<String, usize> {
    let mut numbers = HashMap::new();
    for item in items {
        let next = numbers.len();
        numbers.entry(item.question_id.clone()).or_insert(next);
    }
    numbers
}

/// Confidence of the likeliest fifth, and whether people's mark lies in it.
fn certainty(item: &Item, sample: &Sample) -> Option<(f64, bool)> {
    let distribution = sample.distribution.as_ref()?;
    let (level, p) = distribution.iter().max_by(|a, b| a.1.total_cmp(b.1))?;
    let level: f64 = level.parse().ok()?;
    let half = (item.score_max - item.score_min) / 8.0;
    Some((*p, (item.score - level).abs() <= half + 1e-9))
}

fn calibration_draws(sure: &[(f64, bool)], seed: u64) -> Vec<f64> {
    let mut dice = super::Dice::new(seed);
    (0..measure::RESAMPLES)
        .filter_map(|_| {
            let draw: Vec<(f64, bool)> = (0..sure.len()).map(|_| sure[dice.under(sure.len())]).collect();
            agreement::expected_calibration_error(&draw)
        })
        .collect()
}

fn evidence_flags(all: &[(&Item, &Sample)]) -> Vec<f64> {
    let valid = |item: &Item, e: &Value| {
        let (quote, start) = (e["quote"].as_str().unwrap_or_default(), e["start"].as_u64().unwrap_or(0) as usize);
        let there: String = item.answer.chars().skip(start).take(quote.chars().count()).collect();
        f64::from(u8::from(!quote.is_empty() && there == quote))
    };
    all.iter().flat_map(|(item, sample)| sample.evidence.iter().map(|e| valid(item, e))).collect()
}

/// Highest resident memory of this process, where the system tells.
#[must_use]
pub fn peak_rss() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Reads the results of a folder.
///
/// # Errors
/// When there are none.
pub fn read_samples(folder: &Path) -> anyhow::Result<Vec<Sample>> {
    let path = folder.join("samples.jsonl");
    let text = std::fs::read_to_string(&path).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?;
    text.lines()
        .enumerate()
        .map(|(at, line)| serde_json::from_str(line).map_err(|e| anyhow::anyhow!("{}:{}: {e}", path.display(), at + 1)))
        .collect()
}

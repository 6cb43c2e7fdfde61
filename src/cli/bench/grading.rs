//! `offrecord bench grading`: agreement with people on labelled answers.

use std::path::{Path, PathBuf};

use super::{bar, check_files, is_address, judge, parse_calibration, print, tell};
use crate::bench::golden::{results, run as golden};
use crate::bench::run::{self, Plan};
use crate::cli::servers::Reach;
use crate::config::Global;
use crate::engine::Engine;
use crate::exit::{self, Exit};
use crate::grading::calibration::Calibration;
use crate::grading::calibrations;

/// Flags of `bench grading`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// JSON lines in the contract's shape; may be given several times.
    #[arg(long, required_unless_present = "golden", value_name = "FILE")]
    data: Vec<PathBuf>,
    /// Whole interviews with labels instead: a folder of golden transcripts.
    #[arg(long, num_args = 0..=1, default_missing_value = "benches/golden", conflicts_with_all = ["data", "split"], value_name = "DIR")]
    golden: Option<PathBuf>,
    /// Also grade each golden transcript in all its variants: a section removed, paraphrased, padded, glossy, renamed,
    /// with injected instructions, shuffled, as heard by a speech recogniser.
    #[arg(long, requires = "golden")]
    metamorphic: bool,
    /// Most items, spread evenly over all questions; 0 = all.
    #[arg(long, default_value_t = 0, value_name = "N")]
    limit: usize,
    /// Only items with this `split`.
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    /// Model that judges (the same as --model); `none` = code only; `http://HOST:PORT` = a server that speaks OpenAI's
    /// interface with log-probabilities, and #MODEL after it if it has several. Its key: OFFRECORD_JUDGE_KEY, or a file.
    #[arg(long, env = "OFFRECORD_JUDGE", value_name = "ID")]
    judge: Option<String>,
    #[command(flatten)]
    reach: Reach,
    /// Where results.json, samples.jsonl and report.html go; a stopped run in it goes on.
    #[arg(long, default_value = "bench-grading", value_name = "DIR")]
    output: PathBuf,
    /// Calibration file; `none` = the model's own marks (with --golden: the hand-made reading). Left out: the shipped one
    /// for the model, else that of surface features.
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// Seed of the bootstrap.
    #[arg(long, env = "OFFRECORD_SEED", default_value_t = 0, value_name = "N")]
    seed: u64,
    /// Exit with 100 when a metric of a data set is under a limit, such as `pearson=0.4` (may be given several times).
    #[arg(long, value_name = "METRIC=VALUE", value_parser = threshold)]
    fail_under: Vec<(String, f64)>,
}

/// Grades the data and writes results, samples and a report.
///
/// # Errors
/// As shown to the user; 100 when a threshold was missed.
pub async fn run(global: &Global, args: Args) -> anyhow::Result<()> {
    check_files(&args.data)?;
    let together = together(args.judge.as_deref(), &args.reach);
    let engine = judge(global, args.judge.as_deref(), &args.reach).await?;
    if let Some(folder) = args.golden {
        let (limit, metamorphic, output, seed) = (args.limit, args.metamorphic, args.output, args.seed);
        let uncalibrated = args.calibration.is_some_and(|path| path.as_os_str() == "none");
        let plan = golden::Plan { folder, limit, metamorphic, uncalibrated, output, seed };
        return super::golden::run(global, plan, engine, together, &args.fail_under).await;
    }
    let shipped = calibration(args.calibration.as_deref(), engine.as_ref())?;
    match &shipped {
        Some((file, _)) if engine.is_some() && file.model_sha256.is_empty() => eprintln!(
            "There is no calibration for this model: marks come from surface features, the model finds the evidence. \
             Its own marks are in the row model_uncalibrated (or: --calibration none)."
        ),
        None if engine.is_some() => eprintln!("Marks are the model's own, uncalibrated."),
        _ => {}
    }
    let plan = Plan {
        data: args.data,
        limit: args.limit,
        split: args.split,
        output: args.output.clone(),
        seed: args.seed,
        states: false,
    };
    let bar = bar();
    let mut progress = |done: usize, all: usize| tell(&bar, done, all);
    let used = shipped.as_ref().map(|(c, hash)| (c, hash.as_str()));
    let results = run::run_together(&plan, engine, used, together, &mut progress).await?;
    bar.finish_and_clear();
    for fault in &results.faults {
        eprintln!("line {}: {}: {} (not used)", fault.line, fault.field, fault.reason);
    }
    if global.json {
        print(&(serde_json::to_string_pretty(&results)? + "\n"))?;
    } else {
        print(&summary(&results))?;
        eprintln!("Written: results.json, samples.jsonl and report.html in {}", args.output.display());
    }
    let missed: Vec<String> = args
        .fail_under
        .iter()
        .flat_map(|(metric, limit)| {
            results.datasets.iter().filter_map(move |(name, d)| {
                let value = d.metrics.get(metric.as_str()).map(|m| m.value);
                let ok = value.is_some_and(|v| v >= *limit);
                (!ok).then(|| format!("{name}: {metric} is {value:?}, wanted {limit}"))
            })
        })
        .collect();
    if missed.is_empty() { Ok(()) } else { Err(Exit::new(exit::THRESHOLD, missed.join("; "))) }
}

/// Items in hand at a time: many only where a server works on them.
fn together(judge: Option<&str>, reach: &Reach) -> usize {
    if judge.is_some_and(is_address) { reach.concurrency.into() } else { 1 }
}

fn calibration(path: Option<&Path>, engine: Option<&Engine>) -> anyhow::Result<Option<(Calibration, String)>> {
    match path {
        None => Ok(calibrations::for_model(engine.map(Engine::info))),
        Some(path) if path.as_os_str() == "none" => Ok(None),
        Some(path) => {
            let (file, hash) = parse_calibration(path)?;
            let own = engine.map(|e| e.info().sha256.as_str()).unwrap_or_default();
            if file.model_sha256 != own && !file.model_sha256.is_empty() {
                let message = format!("{} was made for the model {}, not for this one", path.display(), file.model);
                return Err(Exit::new(exit::USAGE, message));
            }
            Ok(Some((file, hash)))
        }
    }
}

fn summary(results: &run::Results) -> String {
    let mut text = format!("status {}\n", results.status);
    for (name, d) in &results.datasets {
        text += &format!("\n{name}: {} of {} items graded, {} questions\n", d.n, d.items, d.questions);
        text += &format!("{:26}{:>26}", "", "grader");
        for row in d.rows.keys() {
            text += &format!("{row:>14}");
        }
        text.push('\n');
        for (metric, _) in crate::bench::measure::METRICS {
            let own = d.metrics.get(metric);
            let own = own.map_or("-".to_owned(), |m| format!("{:.3} [{:.3}, {:.3}]", m.value, m.low, m.high));
            text += &format!("{metric:26}{own:>26}");
            for row in d.rows.values() {
                text += &row.get(metric).map_or(format!("{:>14}", "-"), |m| format!("{:>14.3}", m.value));
            }
            text.push('\n');
        }
        for (label, m) in
            [("ece", d.ece), ("unscored_rate", d.unscored_rate), ("evidence_valid_rate", d.evidence_valid_rate)]
        {
            if let Some(m) = m {
                text += &format!("{label:26}{:>26}\n", format!("{:.3} [{:.3}, {:.3}]", m.value, m.low, m.high));
            }
        }
        if let Some(speed) = d.items_per_second {
            text += &format!("{:26}{speed:>26.2}\n", "items_per_second");
        }
        for (reason, count) in &d.unscored {
            text += &format!("unscored: {count} {reason}\n");
        }
    }
    text
}

fn threshold(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("write METRIC=VALUE, such as pearson=0.4")?;
    let answers = crate::bench::measure::METRICS.iter().map(|(metric, _)| *metric);
    let mut all: Vec<&str> = answers.chain(results::names()).collect();
    all.dedup();
    if !all.contains(&name) {
        return Err(format!("no metric {name} (there are: {})", all.join(", ")));
    }
    value.parse().map(|v| (name.to_owned(), v)).map_err(|_| format!("{value} is not a number"))
}

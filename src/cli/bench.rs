//! `offrecord bench ...`: measure this machine and its models.

use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use crate::bench::run::Plan;
use crate::bench::{calibrate, compare, run};
use crate::config::Global;
use crate::engine::Engine;
use crate::exit::{self, Exit};
use crate::grading::calibration::Calibration;
use crate::grading::calibrations;

/// What to measure.
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Agreement of a model's marks with people's on labelled answers.
    Grading(GradingArgs),
    /// Learn what a model's probabilities are worth, on labelled answers.
    Calibrate(CalibrateArgs),
    /// Two runs of `bench grading` on the same data: which metric got better or worse.
    Compare(CompareArgs),
    /// Tokens per second of reading and writing.
    Speed(super::bench_speed::Args),
    /// Simulated candidates against the real interviewer.
    Interviewer(super::bench_interviewer::Args),
}

/// Flags of `bench grading`.
#[derive(clap::Args, Debug)]
pub struct GradingArgs {
    /// JSON lines in the contract's shape; may be given several times.
    #[arg(long, required = true, value_name = "FILE")]
    data: Vec<PathBuf>,
    /// Most items, spread evenly over all questions; 0 = all.
    #[arg(long, default_value_t = 0, value_name = "N")]
    limit: usize,
    /// Only items with this `split`.
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    /// Model that judges (the same as --model); `none` = surface features only.
    #[arg(long, value_name = "ID")]
    judge: Option<String>,
    /// Where results.json, samples.jsonl and report.html go; a stopped run in it goes on.
    #[arg(long, default_value = "bench-grading", value_name = "DIR")]
    output: PathBuf,
    /// Calibration file; `none` = the model's own marks. Left out: the shipped one for the model, else that of surface
    /// features.
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// Seed of the bootstrap.
    #[arg(long, env = "OFFRECORD_SEED", default_value_t = 0, value_name = "N")]
    seed: u64,
    /// Exit with 100 when a metric of a data set is under a limit, such as `pearson=0.4` (may be given several times).
    #[arg(long, value_name = "METRIC=VALUE", value_parser = threshold)]
    fail_under: Vec<(String, f64)>,
}

/// Flags of `bench calibrate`.
#[derive(clap::Args, Debug)]
pub struct CalibrateArgs {
    /// JSON lines in the contract's shape; may be given several times.
    #[arg(long, required = true, value_name = "FILE")]
    data: Vec<PathBuf>,
    /// Most items, spread evenly over all questions; 0 = all.
    #[arg(long, default_value_t = 0, value_name = "N")]
    limit: usize,
    /// Only items with this `split`.
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    /// Model that judges; `none` = surface features only.
    #[arg(long, value_name = "ID")]
    judge: Option<String>,
    /// Where readings are kept; a stopped run in it goes on.
    #[arg(long, default_value = "bench-calibrate", value_name = "DIR")]
    work: PathBuf,
    /// A calibration made with `--judge none`: the model's features only correct it. For few answers read by the model.
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
    /// The calibration file to write.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Seed of the bootstrap.
    #[arg(long, env = "OFFRECORD_SEED", default_value_t = 0, value_name = "N")]
    seed: u64,
}

/// Flags of `bench compare`.
#[derive(clap::Args, Debug)]
pub struct CompareArgs {
    /// Output folder of the first run.
    a: PathBuf,
    /// Output folder of the second run.
    b: PathBuf,
    /// A metric that got worse by more than this is a regression (exit code 100).
    #[arg(long, default_value_t = 0.01, value_name = "SHARE")]
    tolerance: f64,
    /// Seed of the bootstrap.
    #[arg(long, env = "OFFRECORD_SEED", default_value_t = 0, value_name = "N")]
    seed: u64,
}

/// Runs the verb.
///
/// # Errors
/// As shown to the user; 100 when a threshold was missed.
pub async fn run(global: &Global, verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Grading(args) => grading(global, args).await,
        Verb::Calibrate(args) => calibrate(global, args).await,
        Verb::Compare(args) => compared(global, &args),
        Verb::Speed(args) => super::bench_speed::run(global, &args).await,
        Verb::Interviewer(args) => super::bench_interviewer::run(global, &args).await,
    }
}

async fn grading(global: &Global, args: GradingArgs) -> anyhow::Result<()> {
    check_files(&args.data)?;
    let engine = judge(global, args.judge.as_deref()).await?;
    let shipped = calibration(args.calibration.as_deref(), engine.as_ref())?;
    match &shipped {
        Some((file, _)) if engine.is_some() && file.model_sha256.is_empty() => eprintln!(
            "There is no calibration for this model: marks come from surface features, the model finds the evidence. \
             Its own marks are in the row model_uncalibrated (or: --calibration none)."
        ),
        None if engine.is_some() => eprintln!("Marks are the model's own, uncalibrated."),
        _ => {}
    }
    let plan =
        Plan { data: args.data, limit: args.limit, split: args.split, output: args.output.clone(), seed: args.seed };
    let bar = bar();
    let mut progress = |done: usize, all: usize| tell(&bar, done, all);
    let used = shipped.as_ref().map(|(c, hash)| (c, hash.as_str()));
    let results = run::run(&plan, engine, used, &mut progress).await?;
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

async fn calibrate(global: &Global, args: CalibrateArgs) -> anyhow::Result<()> {
    check_files(&args.data)?;
    let engine = judge(global, args.judge.as_deref()).await?;
    let names: Vec<String> =
        args.data.iter().map(|p| p.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect();
    let model = engine.as_ref().map_or("none".to_owned(), |e| e.info().id.clone());
    let recipe = format!(
        "offrecord bench calibrate --judge {model} {} --limit {}{} --output FILE",
        names.iter().map(|n| format!("--data {n}")).collect::<Vec<_>>().join(" "),
        args.limit,
        args.split.as_ref().map(|s| format!(" --split {s}")).unwrap_or_default()
            + if args.base.is_some() { " --base BASE" } else { "" },
    );
    let base = args.base.as_deref().map(parse_calibration).transpose()?.map(|(file, _)| file);
    let plan = Plan { data: args.data, limit: args.limit, split: args.split, output: args.work, seed: args.seed };
    let bar = bar();
    let mut progress = |done: usize, all: usize| tell(&bar, done, all);
    let (file, report) = calibrate::calibrate(&plan, engine, base.as_ref(), &recipe, &mut progress).await?;
    bar.finish_and_clear();
    std::fs::write(&args.output, serde_json::to_string(&file)? + "\n")?;
    if global.json {
        return print(&(serde_json::to_string_pretty(&report)? + "\n"));
    }
    let mut text = format!("kept {:?}\n", report.chosen);
    for (candidate, error) in &report.errors {
        text += &format!("held-out error {error:.4} {candidate:?}\n");
    }
    for (group, sets) in &report.groups {
        for (set, metrics) in sets {
            text += &format!("{group:32} {set:14}");
            for name in ["pearson", "spearman_within_question", "pairwise_accuracy", "qwk", "mae"] {
                text += &metrics.get(name).map_or(format!("  {name} -"), |m| format!("  {name} {:.3}", m.value));
            }
            text.push('\n');
        }
    }
    for (name, weight) in report.weights.iter().take(20) {
        text += &format!("weight {weight:+.4} {name}\n");
    }
    print(&text)
}

fn compared(global: &Global, args: &CompareArgs) -> anyhow::Result<()> {
    for folder in [&args.a, &args.b] {
        if !folder.join("samples.jsonl").is_file() {
            let message = format!("{}: no samples.jsonl (run: offrecord bench grading --output DIR)", folder.display());
            return Err(Exit::new(exit::NOT_FOUND, message));
        }
    }
    let comparison = compare::folders(&args.a, &args.b, args.tolerance, args.seed)?;
    if global.json {
        print(&(serde_json::to_string_pretty(&comparison)? + "\n"))?;
    } else {
        let mut text = format!("{} items in both runs\n", comparison.items);
        for (set, metrics) in &comparison.datasets {
            for (name, d) in metrics {
                let mark = if d.regression { "  regression" } else { "" };
                text += &format!(
                    "{set:14} {name:26} {:+.3} -> {:+.3}  difference {:+.3} [{:+.3}, {:+.3}]{mark}\n",
                    d.a, d.b, d.difference.value, d.difference.low, d.difference.high
                );
            }
        }
        print(&text)?;
    }
    if comparison.regressed() {
        return Err(Exit::new(exit::THRESHOLD, "the second run is worse beyond the tolerance"));
    }
    Ok(())
}

async fn judge(global: &Global, id: Option<&str>) -> anyhow::Result<Option<Engine>> {
    match id {
        Some("none") => Ok(None),
        Some(url) if url.starts_with("http://") || url.starts_with("https://") => Err(Exit::new(
            exit::USAGE,
            "a judge behind a URL is not built yet: name an installed model (offrecord models list)",
        )),
        Some(id) => {
            let global = Global { model: Some(id.to_owned()), ..global.clone() };
            Ok(Some(crate::catalogue::open_engine(&global).await?))
        }
        None => Ok(Some(crate::catalogue::open_engine(global).await?)),
    }
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

fn parse_calibration(path: &Path) -> anyhow::Result<(Calibration, String)> {
    let text =
        std::fs::read_to_string(path).map_err(|e| Exit::new(exit::NOT_FOUND, format!("{}: {e}", path.display())))?;
    let file = Calibration::parse(&text)
        .map_err(|e| Exit::new(exit::USAGE, format!("{} is not a calibration: {e}", path.display())))?;
    Ok((file, crate::grading::calibration::sha256(&text)))
}

fn check_files(files: &[PathBuf]) -> anyhow::Result<()> {
    match files.iter().find(|f| !f.is_file()) {
        Some(missing) => Err(Exit::new(exit::NOT_FOUND, format!("{}: no such file", missing.display()))),
        None => Ok(()),
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

fn bar() -> indicatif::ProgressBar {
    if std::io::stderr().is_terminal() { indicatif::ProgressBar::new(0) } else { indicatif::ProgressBar::hidden() }
}

fn tell(bar: &indicatif::ProgressBar, done: usize, all: usize) {
    bar.set_length(all as u64);
    bar.set_position(done as u64);
    if bar.is_hidden() && (done.is_multiple_of(100) || done == all) {
        eprintln!("{done} of {all}");
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn threshold(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("write METRIC=VALUE, such as pearson=0.4")?;
    let known = crate::bench::measure::METRICS.iter().any(|(metric, _)| *metric == name);
    if !known {
        let all: Vec<&str> = crate::bench::measure::METRICS.iter().map(|(m, _)| *m).collect();
        return Err(format!("no metric {name} (there are: {})", all.join(", ")));
    }
    value.parse().map(|v| (name.to_owned(), v)).map_err(|_| format!("{value} is not a number"))
}

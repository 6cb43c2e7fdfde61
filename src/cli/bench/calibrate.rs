//! `offrecord bench calibrate`: what a model's probabilities are worth.

use std::path::{Path, PathBuf};

use super::{bar, check_files, judge, parse_calibration, print, tell};
use crate::bench::calibrate;
use crate::bench::golden;
use crate::bench::run::Plan;
use crate::cli::servers::Reach;
use crate::config::Global;
use crate::exit::{self, Exit};

/// Flags of `bench calibrate`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// JSON lines in the contract's shape; may be given several times.
    #[arg(long, required_unless_present = "golden", value_name = "FILE")]
    data: Vec<PathBuf>,
    /// Levels of whole interviews instead: a folder of golden transcripts. Reads by code alone; writes the file only if it
    /// is better on problems it has not seen than the hand-made reading and than the length.
    #[arg(long, num_args = 0..=1, default_missing_value = "benches/golden", conflicts_with_all = ["data", "split", "judge", "base"], value_name = "DIR")]
    golden: Option<PathBuf>,
    /// Most items, spread evenly over all questions; 0 = all.
    #[arg(long, default_value_t = 0, value_name = "N")]
    limit: usize,
    /// Only items with this `split`.
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    /// Model that judges; `none` = surface features only.
    #[arg(long, value_name = "ID")]
    judge: Option<String>,
    #[command(flatten)]
    reach: Reach,
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

/// Reads the data, fits, and writes a calibration file.
///
/// # Errors
/// As shown to the user.
pub async fn run(global: &Global, args: Args) -> anyhow::Result<()> {
    if let Some(folder) = &args.golden {
        return levels(global, &args, folder).await;
    }
    check_files(&args.data)?;
    let engine = judge(global, args.judge.as_deref(), &args.reach).await?;
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
    let plan = Plan {
        data: args.data,
        limit: args.limit,
        split: args.split,
        output: args.work,
        seed: args.seed,
        states: true,
    };
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

/// Learns levels on golden interviews.
async fn levels(global: &Global, args: &Args, folder: &Path) -> anyhow::Result<()> {
    if !folder.is_dir() {
        let message = format!("{}: no such folder (name one: --golden DIR)", folder.display());
        return Err(Exit::new(exit::NOT_FOUND, message));
    }
    let plan = golden::run::Plan {
        folder: folder.to_owned(),
        limit: args.limit,
        metamorphic: false,
        uncalibrated: true,
        output: args.work.clone(),
        seed: args.seed,
    };
    let recipe = "offrecord bench calibrate --golden benches/golden --output models/calibrations/interview.json";
    let bar = bar();
    let mut progress = |done: usize, all: usize| tell(&bar, done, all);
    let (file, report) = golden::calibrate::calibrate(&plan, recipe, &mut progress).await?;
    bar.finish_and_clear();
    if report.kept {
        std::fs::write(&args.output, serde_json::to_string(&file)? + "\n")?;
    }
    if global.json {
        print(&(serde_json::to_string_pretty(&report)? + "\n"))?;
    } else {
        print(&told(&report))?;
    }
    if report.kept {
        eprintln!("Written: {}", args.output.display());
        return Ok(());
    }
    let message = "on problems it has not seen it is no better than the hand-made reading and the length: not written";
    Err(Exit::new(exit::THRESHOLD, message))
}

fn told(report: &golden::calibrate::Report) -> String {
    let mut text =
        format!("{} interviews, {} labels; penalties {:?}\n", report.interviews, report.labels, report.penalties);
    for (penalties, error) in &report.errors {
        text += &format!("held-out error {error:.4} levels, penalties {penalties:?}\n");
    }
    for (dimension, sides) in &report.held_out {
        for (side, metrics) in sides {
            text += &format!("{dimension:15} {side:12}");
            for name in ["spearman", "qwk", "within_one_level", "mae_levels"] {
                text += &metrics.get(name).map_or(format!("  {name} -"), |m| {
                    format!("  {name} {:.3} [{:.3}, {:.3}]", m.value, m.low, m.high)
                });
            }
            text.push('\n');
        }
    }
    for (name, weight) in &report.weights {
        text += &format!("weight {weight:.4} {name}\n");
    }
    text
}

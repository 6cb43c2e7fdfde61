//! `offrecord bench grading --golden`: agreement with the labels of whole interviews, and what must not move a level.

use std::path::PathBuf;

use super::{bar, print, tell};
use crate::bench::golden::results::{Agreement, Results};
use crate::bench::golden::run::{self, Plan};
use crate::bench::measure::Measured;
use crate::config::Global;
use crate::engine::Engine;
use crate::exit::{self, Exit};

/// Grades golden interviews; `limits` are metrics of the pooled table that must be reached.
///
/// # Errors
/// A folder that is not there (3) or holds nothing usable (2); 100 when a limit was missed.
pub async fn run(
    global: &Global,
    plan: Plan,
    engine: Option<Engine>,
    together: usize,
    limits: &[(String, f64)],
) -> anyhow::Result<()> {
    if !plan.folder.is_dir() {
        let message = format!("{}: no such folder (name one: --golden DIR)", plan.folder.display());
        return Err(Exit::new(exit::NOT_FOUND, message));
    }
    let output: PathBuf = plan.output.clone();
    let bar = bar();
    let mut progress = |done: usize, all: usize| tell(&bar, done, all);
    let results = run::run_together(&plan, engine.as_ref(), together, &mut progress).await?;
    bar.finish_and_clear();
    for fault in &results.faults {
        eprintln!("{fault} (not used)");
    }
    if results.interviews == 0 {
        let message = format!("{}: no usable interview in it (*.toml)", plan.folder.display());
        return Err(Exit::new(exit::USAGE, message));
    }
    if global.json {
        print(&(serde_json::to_string_pretty(&results)? + "\n"))?;
    } else {
        print(&summary(&results))?;
        eprintln!("Written: results.json, samples.jsonl and report.html in {}", output.display());
    }
    let missed: Vec<String> = limits
        .iter()
        .filter_map(|(metric, limit)| {
            let value = results.pooled.metrics.get(metric.as_str()).map(|m| m.value);
            let ok = value.is_some_and(|v| v >= *limit);
            (!ok).then(|| format!("{metric} is {value:?}, wanted {limit}"))
        })
        .collect();
    if missed.is_empty() { Ok(()) } else { Err(Exit::new(exit::THRESHOLD, missed.join("; "))) }
}

fn summary(results: &Results) -> String {
    let mut text = format!(
        "status {}, {} interviews, {} problems\n\n{:15}{:>5}{:>24}{:>24}{:>24}{:>8}{:>8}{:>10}{:>10}\n",
        results.status,
        results.interviews,
        results.problems,
        "",
        "n",
        "spearman",
        "qwk",
        "within one level",
        "mae",
        "n/a",
        "length:",
        "by hand:"
    );
    let all = results.dimensions.iter().map(|(name, a)| (name.as_str(), a));
    for (name, a) in all.chain([("all", &results.pooled)]) {
        text += &line(name, a);
    }
    for (name, m) in
        [("evidence_valid_rate", results.evidence_valid_rate), ("moments_found_rate", results.moments_found_rate)]
    {
        text += &m.map_or(String::new(), |m| format!("{name} {}\n", wide(&m)));
    }
    text += &results.seconds_per_interview.map_or(String::new(), |s| format!("seconds_per_interview {s:.2}\n"));
    if !results.variants.is_empty() {
        text += &format!(
            "\n{:32}{:>6}{:>10}{:>10}{:>9}{:>9}{:>6}{:>6}  target\n",
            "", "n", "shift", "move", "flips", "lowered", "lost", "got"
        );
    }
    let short = |m: Option<Measured>| m.map_or("-".to_owned(), |m| format!("{:.3}", m.value));
    for e in &results.variants {
        let met = e.met.map_or("", |met| if met { "met" } else { "MISSED" });
        text += &format!(
            "{:32}{:>6}{:>10}{:>10}{:>9}{:>9}{:>6}{:>6}  {}: {met}\n",
            e.change,
            e.n,
            short(e.mean_shift),
            short(e.mean_move),
            short(e.flips),
            short(e.lowered),
            e.lost,
            e.gained,
            e.target
        );
    }
    text
}

fn line(name: &str, a: &Agreement) -> String {
    let metric = |name: &str| a.metrics.get(name).map_or("-".to_owned(), wide);
    let plain = |m: Option<&Measured>| m.map_or("-".to_owned(), |m| format!("{:.3}", m.value));
    let row = |row: &str| plain(a.rows.get(row).and_then(|r| r.get("spearman")));
    format!(
        "{name:15}{:>5}{:>24}{:>24}{:>24}{:>8}{:>8}{:>10}{:>10}\n",
        a.n,
        metric("spearman"),
        metric("qwk"),
        metric("within_one_level"),
        plain(a.metrics.get("mae_levels")),
        plain(a.na_agreement.as_ref()),
        row("length_only"),
        row("hand_made"),
    )
}

fn wide(m: &Measured) -> String {
    format!("{:.3} [{:.3}, {:.3}]", m.value, m.low, m.high)
}

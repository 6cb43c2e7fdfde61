//! `offrecord bench compare`: two runs on the same data.

use std::path::PathBuf;

use super::print;
use crate::bench::compare;
use crate::config::Global;
use crate::exit::{self, Exit};

/// Flags of `bench compare`.
#[derive(clap::Args, Debug)]
pub struct Args {
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

/// Prints what got better or worse.
///
/// # Errors
/// Runs that are not there (3), or a regression beyond the tolerance (100).
pub fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
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

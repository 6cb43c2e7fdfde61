//! `offrecord bench ...`: measure this machine and its models. One file per measurement.

pub mod calibrate;
pub mod compare;
pub mod coverage;
pub mod golden;
pub mod grading;
pub mod import;
pub mod interviewer;
pub mod perplexity;
pub mod speech;
pub mod speed;

use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use crate::bench::remote::{self, RemoteError, Settings};
use crate::config::Global;
use crate::engine::Engine;
use crate::exit::{self, Exit};
use crate::grading::calibration::Calibration;

/// What to measure.
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Agreement of a model's marks with people's on labelled answers.
    Grading(grading::Args),
    /// Learn what a model's probabilities are worth, on labelled answers.
    Calibrate(calibrate::Args),
    /// Two runs of `bench grading` on the same data: which metric got better or worse.
    Compare(compare::Args),
    /// Results of lm-evaluation-harness, promptfoo or Prometheus as data for `bench grading`.
    Import(import::Args),
    /// Tokens per second of reading and writing.
    Speed(speed::Args),
    /// How well the model predicts a text.
    Perplexity(perplexity::Args),
    /// Word error rate and time of the models that listen.
    Speech(speech::Args),
    /// The coverage tracker against labelled transcripts.
    Coverage(coverage::Args),
    /// Simulated candidates against the real interviewer.
    Interviewer(interviewer::Args),
}

/// Runs the verb.
///
/// # Errors
/// As shown to the user; 100 when a threshold was missed.
pub async fn run(global: &Global, verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Grading(args) => grading::run(global, args).await,
        Verb::Calibrate(args) => calibrate::run(global, args).await,
        Verb::Compare(args) => compare::run(global, &args),
        Verb::Import(args) => import::run(global, &args),
        Verb::Speed(args) => speed::run(global, &args).await,
        Verb::Perplexity(args) => perplexity::run(global, &args),
        Verb::Speech(args) => speech::run(global, &args),
        Verb::Coverage(args) => coverage::run(global, &args).await,
        Verb::Interviewer(args) => interviewer::run(global, &args).await,
    }
}

async fn judge(global: &Global, id: Option<&str>) -> anyhow::Result<Option<Engine>> {
    match id {
        Some("none") => Ok(None),
        Some(url) if url.starts_with("http://") || url.starts_with("https://") => {
            let (settings, offline) = (Settings::new(url), global.is_offline());
            let engine = tokio::task::spawn_blocking(move || remote::connect(settings, offline)).await?;
            Ok(Some(engine.map_err(|error| match &error {
                RemoteError::NoAnswer { .. } => Exit::new(exit::FAILURE, error.to_string()),
                _ => Exit::new(exit::USAGE, error.to_string()),
            })?))
        }
        Some(id) => {
            let global = Global { model: Some(id.to_owned()), ..global.clone() };
            Ok(Some(crate::catalogue::open_engine(&global).await?))
        }
        None => Ok(Some(crate::catalogue::open_engine(global).await?)),
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

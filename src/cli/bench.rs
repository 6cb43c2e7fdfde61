//! `offrecord bench ...`.

use crate::config::Global;

/// What to measure.
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Tokens per second.
    Speed,
    /// Simulated candidates against the real interviewer.
    Interviewer(super::bench_interviewer::Args),
}

/// Runs the verb.
///
/// # Errors
/// As shown to the user.
pub async fn run(global: &Global, verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Speed => anyhow::bail!("not built yet"),
        Verb::Interviewer(args) => super::bench_interviewer::run(global, &args).await,
    }
}

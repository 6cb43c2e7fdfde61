//! `offrecord bench ...`.

use crate::config::Global;

/// What to measure.
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Tokens per second.
    Speed,
}

/// Runs the verb.
///
/// # Errors
/// As shown to the user.
pub async fn run(_global: &Global, _verb: Verb) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}

//! `offrecord serve`.

use crate::config::Global;

/// Flags of `serve`.
#[derive(clap::Args, Debug, Default)]
pub struct Args {}

/// Runs the verb.
///
/// # Errors
/// As shown to the user.
pub async fn run(_global: &Global, _args: Args) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}

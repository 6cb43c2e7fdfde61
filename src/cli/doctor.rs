//! `offrecord doctor`: what this machine can do, and what to mend.

use crate::config::Global;

/// Prints the findings, each with a fix.
///
/// # Errors
/// When something must be mended first.
pub async fn run(_global: &Global) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}

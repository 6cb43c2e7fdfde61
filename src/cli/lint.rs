//! `offrecord lint`: checks content files.

use std::path::PathBuf;

/// Flags of `lint`.
#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// A folder with `system-design/` and `behavioural/`; the built-in content if left out.
    pub dir: Option<PathBuf>,
}

/// Prints each fault with file and reason.
///
/// # Errors
/// When there is a fault.
pub fn run(_args: &Args) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}

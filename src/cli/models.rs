//! `offrecord models ...`.

use std::path::PathBuf;

use crate::config::Global;

/// A model by id.
#[derive(clap::Args, Debug)]
pub struct IdArgs {
    /// Catalogue id or file stem.
    pub id: String,
}

/// What to pull.
#[derive(clap::Args, Debug)]
pub struct PullArgs {
    /// Catalogue id.
    pub id: String,
}

/// What to do with models.
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Models known and installed, with size, licence and fit.
    List,
    /// Download and verify a model.
    Pull(PullArgs),
    /// Take a model file that is already on this machine.
    Import {
        /// A GGUF file.
        file: PathBuf,
    },
    /// One model in detail.
    Show(IdArgs),
    /// Check a model's checksum.
    Verify(IdArgs),
    /// Remove a model file.
    Rm(IdArgs),
}

/// Runs the verb.
///
/// # Errors
/// As shown to the user.
pub async fn run(_global: &Global, _verb: Verb) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}

//! `offrecord session ...`.

use std::path::PathBuf;

use crate::config::Global;

/// What to do with stored sessions.
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// All sessions.
    List,
    /// One session: plan, transcript, scorecards.
    Show {
        /// Session id.
        id: String,
    },
    /// Go on with an interrupted interview in this terminal.
    Resume {
        /// Session id.
        id: String,
    },
    /// Write a session to a file.
    Export {
        /// Session id.
        id: String,
        /// md, json or html.
        #[arg(long, default_value = "md")]
        format: String,
        /// Where to; standard output if left out.
        #[arg(long)]
        output: Option<PathBuf>,
        /// Overwrite an existing file.
        #[arg(long)]
        force: bool,
    },
    /// Delete one session.
    Rm {
        /// Session id.
        id: String,
    },
    /// Delete all sessions and leave no byte behind.
    Wipe {
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

/// Runs the verb.
///
/// # Errors
/// As shown to the user.
pub async fn run(_global: &Global, _verb: Verb) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}

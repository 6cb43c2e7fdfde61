//! `offrecord generate`, hidden: what a package needs beside the program, from the program itself, so that it cannot be
//! stale. Knows the command line; opens nothing.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::CommandFactory as _;

use super::Cli;

/// What to generate.
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Man pages: that of the program on standard output, or one for each command in a folder.
    Man {
        /// A folder that exists.
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Completions for a shell on standard output.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// The licences of everything that is built in.
    Notices,
}

/// Writes it.
///
/// # Errors
/// When it cannot be written.
pub fn run(verb: &Verb) -> anyhow::Result<()> {
    let mut text = Vec::new();
    match verb {
        Verb::Man { output: Some(folder) } => return pages(&shown(Cli::command()), folder),
        Verb::Man { output: None } => clap_mangen::Man::new(shown(Cli::command())).render(&mut text)?,
        Verb::Completions { shell } => {
            clap_complete::generate(*shell, &mut shown(Cli::command()), "offrecord", &mut text);
        }
        Verb::Notices => text.extend_from_slice(include_str!("../../packaging/THIRD-PARTY-NOTICES.txt").as_bytes()),
    }
    std::io::stdout().lock().write_all(&text)?;
    Ok(())
}

/// The command line without its hidden verbs: a package tells people of what is for them.
fn shown(command: clap::Command) -> clap::Command {
    let visible: Vec<clap::Command> = command.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned().collect();
    let bare = clap::Command::new("offrecord")
        .version(env!("CARGO_PKG_VERSION"))
        .about(command.get_about().cloned().unwrap_or_default())
        .disable_help_subcommand(true)
        .args(command.get_arguments().cloned().collect::<Vec<_>>());
    bare.subcommands(visible)
}

/// `offrecord.1`, `offrecord-serve.1`, `offrecord-models-list.1`, ...
fn pages(command: &clap::Command, folder: &Path) -> anyhow::Result<()> {
    clap_mangen::generate_to(command.clone(), folder).with_context(|| {
        format!("man pages cannot be written to {}: name a folder that exists and can be written", folder.display())
    })?;
    Ok(())
}

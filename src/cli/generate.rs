//! `offrecord generate`, hidden: what a package needs beside the program, from the program itself, so that it cannot be
//! stale. Knows the command line; opens nothing.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::CommandFactory as _;

use super::Cli;

/// Day of this version, as in `CHANGELOG.md`.
const RELEASED: &str = "2026-11-24";

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
        Verb::Man { output: Some(folder) } => return pages(&built(), "offrecord", folder),
        Verb::Man { output: None } => page(&built(), "offrecord", &mut text)?,
        Verb::Completions { shell } => {
            clap_complete::generate(*shell, &mut shown(Cli::command()), "offrecord", &mut text);
        }
        Verb::Notices => text.extend_from_slice(include_str!("../../packaging/THIRD-PARTY-NOTICES.txt").as_bytes()),
    }
    std::io::stdout().lock().write_all(&text)?;
    Ok(())
}

/// The same, with what every command takes written out at each.
fn built() -> clap::Command {
    let mut command = shown(Cli::command());
    command.build();
    command
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

/// One page. Its date is that of the release, so that the same program gives the same bytes.
fn page(command: &clap::Command, name: &str, out: &mut Vec<u8>) -> std::io::Result<()> {
    let mut text = Vec::new();
    let command = command.clone().display_name(name.to_owned());
    clap_mangen::Man::new(command)
        .title(name)
        .date(RELEASED)
        .source(concat!("offrecord ", env!("CARGO_PKG_VERSION")))
        .manual("offrecord")
        .render(&mut text)?;
    // The generator breaks a line beside a blank one, which no reader shows and `mandoc -T lint` complains of.
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let blank = |at: Option<usize>| {
        at.and_then(|at| lines.get(at))
            .is_some_and(|line| ["", ".sp", ".SH", ".RS"].contains(&line.split(' ').next().unwrap_or_default()))
    };
    for (at, line) in lines.iter().enumerate() {
        if *line != ".br" || !(blank(at.checked_sub(1)) || blank(Some(at + 1))) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// `offrecord.1`, `offrecord-serve.1`, `offrecord-models-list.1`, ...
fn pages(command: &clap::Command, name: &str, folder: &Path) -> anyhow::Result<()> {
    let file = folder.join(format!("{name}.1"));
    let mut text = Vec::new();
    page(command, name, &mut text)?;
    std::fs::write(&file, text)
        .with_context(|| format!("{}: name a folder that exists and can be written", file.display()))?;
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help") {
        pages(verb, &format!("{name}-{}", verb.get_name()), folder)?;
    }
    Ok(())
}

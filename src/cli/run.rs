//! `offrecord run`: an interview in this terminal.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::{Exit, exit, room, terminal};
use crate::config::Global;
use crate::interview::desk::DOCUMENT_LIMIT;
use crate::interview::session::NewSession;
use crate::interview::transcript::{Level, Mode, Round};

/// Flags of `run`. What is left out is asked for on a terminal, and has a default elsewhere.
#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// Which interview [default: system-design].
    #[arg(long, env = "OFFRECORD_ROUND")]
    round: Option<Round>,
    /// The bar [default: senior].
    #[arg(long, env = "OFFRECORD_LEVEL")]
    level: Option<Level>,
    /// Problem or competency id; drawn if left out.
    #[arg(long, env = "OFFRECORD_PROBLEM", value_name = "ID")]
    problem: Option<String>,
    /// 15, 30 or 45 [default: 15].
    #[arg(long, env = "OFFRECORD_MINUTES")]
    minutes: Option<u32>,
    /// coach: remarks after each answer; realistic: nothing until the end [default: realistic].
    #[arg(long, env = "OFFRECORD_MODE")]
    mode: Option<Mode>,
    /// Same seed, same choices.
    #[arg(long, env = "OFFRECORD_SEED", value_name = "N")]
    seed: Option<u64>,
    /// Your résumé as a text file; it stays on this machine.
    #[arg(long, env = "OFFRECORD_RESUME", value_name = "FILE")]
    resume: Option<PathBuf>,
    /// The job posting as a text file.
    #[arg(long, env = "OFFRECORD_POSTING", value_name = "FILE")]
    posting: Option<PathBuf>,
    /// End without a scorecard.
    #[arg(long, env = "OFFRECORD_NO_GRADE", value_parser = clap::builder::FalseyValueParser::new())]
    no_grade: bool,
}

/// Runs the verb.
///
/// # Errors
/// As shown to the user.
pub async fn run(global: &Global, args: Args) -> anyhow::Result<()> {
    let new = chosen(&args)?;
    let desk = room::open_with_engine(global).await?;
    let view = desk.create(new).map_err(room::session_exit)?;
    terminal::hold(&desk, &view, &terminal::Options { json: global.json, grade: !args.no_grade }).await
}

/// Flags first, then short questions, then defaults.
fn chosen(args: &Args) -> anyhow::Result<NewSession> {
    let ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let question = |what: &str, options: &[&str]| if ask { asked(what, options) } else { Ok(0) };
    let round = match args.round {
        Some(round) => round,
        None => [Round::SystemDesign, Round::Behavioural][question("Round", &["system design", "behavioural"])?],
    };
    let level = match args.level {
        Some(level) => level,
        None => [Level::Senior, Level::Staff][question("Level", &["senior", "staff"])?],
    };
    let minutes = match args.minutes {
        Some(minutes) => minutes,
        None => [15, 30, 45][question("Minutes", &["15", "30", "45"])?],
    };
    let mode = match args.mode {
        Some(mode) => mode,
        None => {
            let options = ["realistic (feedback at the end)", "coach (feedback after each answer)"];
            [Mode::Realistic, Mode::Coach][question("Mode", &options)?]
        }
    };
    Ok(NewSession {
        round,
        level,
        problem: args.problem.clone(),
        minutes,
        mode,
        seed: args.seed,
        resume: args.resume.as_deref().map(text_file).transpose()?,
        posting: args.posting.as_deref().map(text_file).transpose()?,
    })
}

/// A numbered question on the terminal; Enter takes the first option.
fn asked(what: &str, options: &[&str]) -> anyhow::Result<usize> {
    let list: Vec<String> = options.iter().enumerate().map(|(at, option)| format!("{} {option}", at + 1)).collect();
    loop {
        eprint!("{what}: {} [1]: ", list.join(", "));
        std::io::stderr().flush()?;
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            return Err(Exit::new(exit::INTERRUPTED, "no interview was begun"));
        }
        let line = line.trim();
        if line.is_empty() {
            return Ok(0);
        }
        let by_number = line.parse::<usize>().ok().filter(|n| (1..=options.len()).contains(n)).map(|n| n - 1);
        let by_name = || options.iter().position(|option| option.starts_with(&line.to_lowercase()));
        match by_number.or_else(by_name) {
            Some(at) => return Ok(at),
            None => eprintln!("a number from 1 to {}, please", options.len()),
        }
    }
}

fn text_file(path: &Path) -> anyhow::Result<String> {
    let name = path.display();
    let length = std::fs::metadata(path)
        .map_err(|error| Exit::new(exit::NOT_FOUND, format!("cannot read {name} ({error})")))?
        .len();
    if length > DOCUMENT_LIMIT as u64 {
        return Err(Exit::new(exit::USAGE, format!("{name} is larger than 1 MiB (give the text alone)")));
    }
    let bytes =
        std::fs::read(path).map_err(|error| Exit::new(exit::NOT_FOUND, format!("cannot read {name} ({error})")))?;
    String::from_utf8(bytes).map_err(|_| {
        Exit::new(exit::USAGE, format!("{name} is not a text file in UTF-8 (save it as plain text first)"))
    })
}

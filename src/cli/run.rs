//! `offrecord run`: an interview in this terminal.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::{room, terminal};
use crate::config::Global;
use crate::documents::{self, DocumentError, Kind};
use crate::exit::{self, Exit};
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
    /// Your résumé: a PDF, DOCX, Markdown or text file; it stays on this machine.
    #[arg(long, env = "OFFRECORD_RESUME", value_name = "FILE")]
    resume: Option<PathBuf>,
    /// The job posting: a PDF, DOCX, Markdown or text file.
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
        resume: args.resume.as_deref().map(document).transpose()?,
        posting: args.posting.as_deref().map(document).transpose()?,
        record: false,
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

/// Reads a document, says what in it nobody sees, and returns the rest.
fn document(path: &Path) -> anyhow::Result<String> {
    let name = path.display();
    let missing = |error| Exit::new(exit::NOT_FOUND, format!("cannot read {name} ({error})"));
    let refused = |error: DocumentError| Exit::new(exit::USAGE, format!("{name}: {error}"));
    let length = std::fs::metadata(path).map_err(missing)?.len();
    if length > documents::MOST_BYTES as u64 {
        return Err(refused(DocumentError::TooLarge));
    }
    // A file without an ending is taken for text; if it is not, its first bytes say so.
    let kind = if path.extension().is_none() { Some(Kind::Text) } else { Kind::of_name(path) };
    let kind = kind.ok_or_else(|| refused(DocumentError::UnknownType))?;
    let bytes = std::fs::read(path).map_err(missing)?;
    let document = documents::read(&bytes, kind).map_err(refused)?;
    if !document.hidden.is_empty() {
        eprintln!("{name} has text that a reader does not see. It is left out:");
        for piece in document.hidden.iter().take(5) {
            let shown: String = piece.text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(120).collect();
            eprintln!("  {}: {shown}", piece.how.words());
        }
    }
    Ok(document.text)
}

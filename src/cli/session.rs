//! `offrecord session ...`.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::room::{self, session_exit};
use super::{passphrase, terminal};
use crate::config::Global;
use crate::exit::{self, Exit};
use crate::export::{ExportFormat, scorecard_text, visible};
use crate::interview::desk::Desk;
use crate::interview::session::{SessionSummary, SessionView};
use crate::interview::transcript::{Level, Round, Speaker};
use crate::store::{Repaired, Store};

/// What to do with stored sessions. An id may be shortened to its beginning or its end.
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// All sessions.
    List,
    /// One session: plan, transcript, scorecards.
    Show {
        /// Session id.
        id: String,
    },
    /// Go on with an interrupted interview in this terminal; a finished one is graded.
    Resume {
        /// Session id.
        id: String,
    },
    /// Write a session to a file.
    Export {
        /// Session id.
        id: String,
        /// md, json, html; several, with commas, need --output with a folder.
        #[arg(long, value_delimiter = ',', default_value = "md")]
        format: Vec<ExportFormat>,
        /// A file or a folder; standard output if left out.
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
    /// Save what can be read of a damaged session database; the original is kept.
    Repair,
    /// Encrypt all sessions with a passphrase; asks for it.
    Encrypt,
    /// Keep the sessions unencrypted again; asks for the passphrase.
    Decrypt,
    /// Change the passphrase of encrypted sessions; asks for both.
    Passphrase,
}

/// Runs the verb.
///
/// # Errors
/// As shown to the user.
pub async fn run(global: &Global, verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::List => list(global),
        Verb::Show { id } => show(global, &id),
        Verb::Resume { id } => resume(global, &id).await,
        Verb::Export { id, format, output, force } => {
            let desk = room::open_for_reading(global)?;
            export(&desk, &room::find(&desk, &id)?, &format, output.as_deref(), force)
        }
        Verb::Rm { id } => {
            let desk = room::open(global)?;
            let id = room::find(&desk, &id)?;
            desk.remove(&id).map_err(session_exit)?;
            eprintln!("session {id} is deleted");
            for copy in desk.store().damaged_copies().map_err(room::store_exit)? {
                eprintln!("a damaged database from before may still hold it: {} (delete it yourself)", copy.display());
            }
            Ok(())
        }
        Verb::Wipe { yes } => wipe(global, yes),
        Verb::Repair => repair(global),
        Verb::Encrypt | Verb::Decrypt | Verb::Passphrase => passphrase::change(global, &verb),
    }
}

fn list(global: &Global) -> anyhow::Result<()> {
    let sessions = room::open_for_reading(global)?.list().map_err(session_exit)?;
    if global.json {
        println!("{}", serde_json::to_string_pretty(&sessions)?);
        return Ok(());
    }
    if sessions.is_empty() {
        eprintln!("no sessions yet (begin one: offrecord run)");
    }
    for session in &sessions {
        println!("{}", row(session));
    }
    Ok(())
}

/// One line of at most 80 characters: end of the id, date, what, score, title.
fn row(session: &SessionSummary) -> String {
    let tail = session.id.get(session.id.len().saturating_sub(8)..).unwrap_or(&session.id);
    let date = session.created_at.get(..10).unwrap_or(&session.created_at);
    let score = session.overall.map_or_else(|| "-".to_owned(), |score| format!("{score:.2}"));
    let status = format!("{:?}", session.status).to_lowercase();
    let (round, level) = (round(session.round), level(session.level));
    let line = format!("{tail} {date} {round:<13} {level:<6} {:>2}m {status:<8} {score:>4} ", session.minutes);
    let title = visible(&session.title);
    let left = 80_usize.saturating_sub(line.chars().count());
    if title.chars().count() <= left {
        return line + &title;
    }
    line + &title.chars().take(left.saturating_sub(1)).collect::<String>() + "\u{2026}"
}

fn show(global: &Global, id: &str) -> anyhow::Result<()> {
    let desk = room::open_for_reading(global)?;
    let view = desk.view(&room::find(&desk, id)?).map_err(session_exit)?;
    if global.json {
        println!("{}", serde_json::to_string_pretty(&view)?);
        return Ok(());
    }
    println!("{}", told(&view));
    for n in &view.scorecards {
        let card = desk.scorecard(&view.summary.id, *n).map_err(session_exit)?;
        match serde_json::from_value(card) {
            Ok(card) => println!("Scorecard {n}\n{}", scorecard_text(&card)),
            Err(_) => println!(
                "Scorecard {n} was made by another version (grade the session again to have one of this version)"
            ),
        }
    }
    Ok(())
}

/// A session as text.
fn told(view: &SessionView) -> String {
    let summary = &view.summary;
    let mut out = format!(
        "{}\n{}, {}, {} minutes, {}. Begun {}.\nSession {}\n\n",
        visible(&summary.title),
        round(summary.round),
        level(summary.level),
        summary.minutes,
        format!("{:?}", summary.status).to_lowercase(),
        summary.created_at,
        summary.id
    );
    for phase in &view.plan {
        let here = if phase.id == view.phase { "  <" } else { "" };
        out.push_str(&format!("{:>3} min  {}{here}\n", phase.starts_ms / 60_000, phase.title));
    }
    for turn in &view.turns {
        let who = if turn.role == Speaker::Interviewer { "Interviewer" } else { "You" };
        out.push_str(&format!("\n{who} (turn {}):\n{}\n", turn.seq, visible(&turn.text)));
        for hint in view.hints.iter().filter(|hint| hint.seq == turn.seq) {
            out.push_str(&format!("  hint {} ({}): {}\n", hint.rung, visible(&hint.cost), visible(&hint.text)));
        }
    }
    out
}

async fn resume(global: &Global, id: &str) -> anyhow::Result<()> {
    let desk = room::open_with_engine(global).await?;
    let view = desk.view(&room::find(&desk, id)?).map_err(session_exit)?;
    terminal::hold(&desk, &view, &terminal::Options { json: global.json, grade: true }).await
}

fn export(desk: &Desk, id: &str, formats: &[ExportFormat], output: Option<&Path>, force: bool) -> anyhow::Result<()> {
    if let ([format], None) = (formats, output) {
        print!("{}", desk.export(id, *format).map_err(session_exit)?.text);
        return Ok(());
    }
    let Some(output) = output else {
        return Err(Exit::new(exit::USAGE, "several formats need a folder (--output DIR)"));
    };
    let folder = formats.len() > 1 || output.is_dir();
    if folder {
        std::fs::create_dir_all(output)
            .map_err(|error| Exit::new(exit::FAILURE, format!("cannot create {} ({error})", output.display())))?;
    }
    for format in formats {
        let file = desk.export(id, *format).map_err(session_exit)?;
        let path = if folder { output.join(&file.file_name) } else { output.to_owned() };
        write_private(&path, &file.text, force)?;
        eprintln!("written: {}", path.display());
    }
    Ok(())
}

/// Writes a file for this user alone: whole or not at all, and never over another one unless told to.
fn write_private(path: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Exit::new(exit::FAILURE, format!("{} is there already (--force overwrites it)", path.display()))
        }
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Exit::new(exit::RESOURCES, format!("the disk is full: {} was not written", path.display()))
        }
        _ => Exit::new(exit::FAILURE, format!("cannot write {} ({error})", path.display())),
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file of this crate is readable by its owner alone; the final name appears with the whole content.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    let kept = if force { file.persist(path) } else { file.persist_noclobber(path) };
    kept.map(drop).map_err(|refused| failed(refused.error))
}

fn wipe(global: &Global, yes: bool) -> anyhow::Result<()> {
    if !yes {
        if !std::io::stdin().is_terminal() {
            return Err(Exit::new(exit::USAGE, "wipe deletes all sessions: say --yes"));
        }
        eprint!("Delete all sessions for good? Type wipe: ");
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        if line.trim() != "wipe" {
            return Err(Exit::new(exit::FAILURE, "nothing was deleted"));
        }
    }
    let folder = global.dirs()?.data;
    if folder.exists() {
        // By the files, not by the database: it may be damaged.
        Store::wipe_folder(&folder).map_err(room::store_exit)?;
    }
    eprintln!("all sessions are deleted");
    Ok(())
}

fn repair(global: &Global) -> anyhow::Result<()> {
    let folder = global.dirs()?.data;
    let passphrase = passphrase::of(global, &folder)?;
    match Store::repair(&folder, passphrase.as_ref()).map_err(room::store_exit)? {
        Repaired::Whole => eprintln!("the session database is whole; nothing was done"),
        Repaired::Saved { sessions, cut, original } => eprintln!(
            "{sessions} sessions are saved, {cut} of them without their last turns. \
             The damaged original is kept: {}",
            original.display()
        ),
    }
    Ok(())
}

const fn round(round: Round) -> &'static str {
    match round {
        Round::SystemDesign => "system-design",
        Round::Behavioural => "behavioural",
    }
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Senior => "senior",
        Level::Staff => "staff",
    }
}

//! The child's side: limits first, then bytes from standard input, then one line of JSON on standard output.
//!
//! Runs before anything else of the program: no runtime, no threads, no files, no environment.

use std::io::{Read, Write};
use std::process::ExitCode;

use super::{Document, DocumentError, Kind, MOST_BYTES, docx, pdf};

/// The hidden verb.
pub const VERB: &str = "__extract";
/// Most address space of the child, bytes.
#[cfg(unix)]
const ADDRESS_SPACE: u64 = 512 * 1024 * 1024;
/// Most processor time of the child, seconds.
#[cfg(unix)]
const PROCESSOR_SECONDS: u64 = 10;

/// What the child answers.
pub type Answer = Result<Document, DocumentError>;

/// Runs the verb when the command line asks for it: `offrecord __extract pdf`.
#[must_use]
pub fn asked_for() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != VERB {
        return None;
    }
    let kind = arguments.next();
    Some(match kind.as_ref().and_then(|kind| kind.to_str()) {
        Some("pdf") => run(Kind::Pdf),
        Some("docx") => run(Kind::Docx),
        _ => ExitCode::from(2),
    })
}

fn run(kind: Kind) -> ExitCode {
    // A fault here is an answer to the parent (no JSON), not a message to a person.
    std::panic::set_hook(Box::new(|_| {}));
    if confine().is_err() {
        return ExitCode::from(3);
    }
    let mut bytes = Vec::new();
    if std::io::stdin().lock().take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes).is_err() {
        return ExitCode::FAILURE;
    }
    let answer: Answer = if bytes.len() > MOST_BYTES { Err(DocumentError::TooLarge) } else { parsed(&bytes, kind) };
    let Ok(line) = serde_json::to_vec(&answer) else { return ExitCode::FAILURE };
    match std::io::stdout().lock().write_all(&line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn parsed(bytes: &[u8], kind: Kind) -> Answer {
    match kind {
        Kind::Pdf => pdf::read(bytes),
        Kind::Docx => docx::read(bytes),
        Kind::Markdown | Kind::Text => Err(DocumentError::UnknownType),
    }
}

/// Limits that the child cannot lift again: memory, processor time, no new files, no bytes into files, no core dump.
#[cfg(unix)]
fn confine() -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = |resource, most| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    // macOS knows the limit on address space by name only.
    let memory = limit(Resource::As, ADDRESS_SPACE);
    if cfg!(target_os = "linux") {
        memory?;
    }
    limit(Resource::Cpu, PROCESSOR_SECONDS)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Core, 0)?;
    // Standard input, output and error are open; nothing else can be.
    limit(Resource::Nofile, 3)?;
    Ok(())
}

#[cfg(not(unix))]
fn confine() -> std::io::Result<()> {
    Ok(())
}

//! The parent's side: starts this program once more with the hidden verb, feeds it, and ends it after 15 seconds.
//!
//! Whatever the child does (hang, crash, run out of memory, write nonsense), the answer is a value.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::extract::{Answer, VERB};
use super::{Document, DocumentError, Kind};

/// Longest life of a child.
const WALL: Duration = Duration::from_secs(15);
/// Most bytes of its answer: 200,000 characters, escaped, with what is hidden.
const ANSWER_BYTES: u64 = 4 * 1024 * 1024;

/// The file of the running program; on Linux also when it was replaced meanwhile.
///
/// # Errors
/// [`DocumentError::NoReader`].
pub fn this_program() -> Result<PathBuf, DocumentError> {
    let own = Path::new("/proc/self/exe");
    if cfg!(target_os = "linux") && own.exists() {
        return Ok(own.to_owned());
    }
    std::env::current_exe().map_err(|error| DocumentError::NoReader(error.to_string()))
}

/// Text of a PDF or DOCX, read by `program` in a process of its own.
///
/// # Errors
/// What the child refused; [`DocumentError::GaveUp`] if it ended without an answer.
pub fn extract(program: &Path, bytes: &[u8], kind: Kind) -> Result<Document, DocumentError> {
    let mut child = Command::new(program)
        .args([VERB, kind.id()])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| DocumentError::NoReader(error.to_string()))?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(DocumentError::NoReader("no pipe".to_owned()));
    };
    let (told, answer) = mpsc::channel();
    let said = std::thread::scope(|scope| {
        // A child that stops reading ends this with a broken pipe: it is killed below.
        scope.spawn(move || drop(stdin.write_all(bytes)));
        scope.spawn(move || {
            let mut said = Vec::new();
            let read = stdout.take(ANSWER_BYTES).read_to_end(&mut said);
            drop(told.send(read.map(|_| said)));
        });
        let said = answer.recv_timeout(WALL);
        drop(child.kill());
        drop(child.wait());
        said
    });
    let Ok(Ok(said)) = said else { return Err(DocumentError::GaveUp) };
    serde_json::from_slice::<Answer>(&said).unwrap_or(Err(DocumentError::GaveUp))
}

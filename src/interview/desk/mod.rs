//! The desk: the one door to every interview. The terminal and the page both come through here.
//!
//! Owns the order of things: an answer is stored, then announced, then worked on; one writer per session; a reply
//! goes on when its listener leaves. Must never know HTTP, SQL or terminals.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc;

use super::clock::Clock;
use super::session::{HintView, NewSession, Reply, SessionError, SessionSummary, SessionView};
use crate::content::Content;
use crate::engine::Engine;
use crate::store::Store;

/// Most bytes of one answer.
pub const ANSWER_LIMIT: usize = 32 * 1024;

/// How a session is to be graded. `model` may only name the model that is loaded.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GradeOptions {
    /// Catalogue id; none = the loaded one.
    pub model: Option<String>,
    /// Seed of the second readings; none = the session's.
    pub seed: Option<u64>,
}

/// What a running grade tells.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "lowercase", tag = "event", content = "data")]
pub enum GradeEvent {
    /// One dimension is done: an element of the scorecard's `dimensions`.
    Dimension {
        /// As in the scorecard.
        dimension: Value,
    },
    /// The scorecard as stored.
    Done {
        /// Its number within the session, from 1.
        n: u32,
        /// The scorecard (`CONTRACTS`).
        scorecard: Value,
    },
    /// No scorecard; nothing was stored, the session is untouched.
    Error {
        /// Stable code.
        code: String,
        /// What happened.
        message: String,
        /// What to do.
        hint: String,
    },
}

/// What an export is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// Markdown, for people.
    Md,
    /// The transcript file (version 1), for programs; `offrecord grade` reads it.
    Json,
    /// One self-contained page with its own content security policy.
    Html,
}

/// An export, ready to be written or sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// `offrecord-<round>-<problem>-<short id>.<format>`; safe on every file system.
    pub file_name: String,
    /// Such as `text/markdown; charset=utf-8`.
    pub media_type: &'static str,
    /// The whole file.
    pub text: String,
}

/// Store, content and engine behind one handle. Cheap to clone.
///
/// All methods but [`Desk::draft`] return at once (a few milliseconds of disk). Those that start work
/// (`create`, `answer`, `attach`, `grade`) must be called within a Tokio runtime.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    content: Arc<Content>,
    engine: Option<Engine>,
    clock: Clock,
}

impl Desk {
    /// A desk. Without an engine all can be read and exported, but no interview held and nothing graded.
    #[must_use]
    pub fn open(store: Store, content: Arc<Content>, engine: Option<Engine>, clock: Clock) -> Self {
        Self { inner: Arc::new(Inner { store, content, engine, clock }) }
    }

    /// The model behind this desk.
    #[must_use]
    pub fn engine(&self) -> Option<&Engine> {
        self.inner.engine.as_ref()
    }

    /// The problems and competencies.
    #[must_use]
    pub fn content(&self) -> &Arc<Content> {
        &self.inner.content
    }

    /// Starts an interview; the interviewer's opening is stored with it.
    ///
    /// # Errors
    /// [`SessionError::Invalid`], [`SessionError::UnknownProblem`], [`SessionError::Store`].
    pub fn create(&self, _new: NewSession) -> Result<SessionView, SessionError> {
        Err(not_yet())
    }

    /// All sessions, newest first.
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub fn list(&self) -> Result<Vec<SessionSummary>, SessionError> {
        Err(not_yet())
    }

    /// One session. When `replying` is set, [`Desk::attach`] gives that reply (running, or interrupted by a crash).
    ///
    /// # Errors
    /// [`SessionError::UnknownSession`], [`SessionError::Store`].
    pub fn view(&self, _id: &str) -> Result<SessionView, SessionError> {
        Err(not_yet())
    }

    /// Stores an answer, then starts the reply. Dropping the [`Reply`] does not stop it.
    ///
    /// # Errors
    /// [`SessionError::Conflict`] with the fresh state when `expected_seq` is not the session's `next_seq`,
    /// [`SessionError::TooLong`] (the text is kept as draft), [`SessionError::Invalid`] for an empty answer,
    /// [`SessionError::WrongState`] when paused or finished, [`SessionError::NoModel`], [`SessionError::Store`].
    pub fn answer(
        &self,
        _id: &str,
        _text: String,
        _expected_seq: u32,
        _board: Option<Value>,
    ) -> Result<Reply, SessionError> {
        Err(not_yet())
    }

    /// The running reply from its beginning, or a new start of one that was interrupted (same seed, same question).
    ///
    /// # Errors
    /// [`SessionError::WrongState`] when no reply is due.
    pub fn attach(&self, _id: &str) -> Result<Reply, SessionError> {
        Err(not_yet())
    }

    /// Keeps the answer so far, so that a reload shows it, and reads it ahead into the model. Never a turn.
    ///
    /// # Errors
    /// [`SessionError::TooLong`], [`SessionError::UnknownSession`], [`SessionError::Store`].
    pub async fn draft(&self, _id: &str, _text: String) -> Result<(), SessionError> {
        Err(not_yet())
    }

    /// Takes the next hint of the ladder; logged with its cost.
    ///
    /// # Errors
    /// [`SessionError::WrongState`] when there is none to give.
    pub fn hint(&self, _id: &str) -> Result<HintView, SessionError> {
        Err(not_yet())
    }

    /// Stops the clock. Pausing twice is not an error.
    ///
    /// # Errors
    /// [`SessionError::WrongState`] when finished.
    pub fn pause(&self, _id: &str) -> Result<SessionView, SessionError> {
        Err(not_yet())
    }

    /// Lets the clock run again.
    ///
    /// # Errors
    /// [`SessionError::WrongState`] when finished.
    pub fn resume(&self, _id: &str) -> Result<SessionView, SessionError> {
        Err(not_yet())
    }

    /// Ends the interview. Finishing twice is not an error.
    ///
    /// # Errors
    /// [`SessionError::UnknownSession`], [`SessionError::Store`].
    pub fn finish(&self, _id: &str) -> Result<SessionView, SessionError> {
        Err(not_yet())
    }

    /// Grades a finished session; goes on when the listener leaves; the scorecard is stored and numbered.
    ///
    /// # Errors
    /// [`SessionError::WrongState`] when not finished or while another grade of it runs, [`SessionError::NoModel`].
    pub fn grade(
        &self,
        _id: &str,
        _options: GradeOptions,
    ) -> Result<mpsc::UnboundedReceiver<GradeEvent>, SessionError> {
        Err(not_yet())
    }

    /// A stored scorecard, by number from 1.
    ///
    /// # Errors
    /// [`SessionError::UnknownScorecard`].
    pub fn scorecard(&self, _id: &str, _n: u32) -> Result<Value, SessionError> {
        Err(not_yet())
    }

    /// The session as a file.
    ///
    /// # Errors
    /// [`SessionError::UnknownSession`], [`SessionError::Store`].
    pub fn export(&self, _id: &str, _format: ExportFormat) -> Result<Exported, SessionError> {
        Err(not_yet())
    }

    /// Deletes one session and overwrites its bytes.
    ///
    /// # Errors
    /// [`SessionError::UnknownSession`], [`SessionError::Store`].
    pub fn remove(&self, _id: &str) -> Result<(), SessionError> {
        Err(not_yet())
    }

    /// Deletes all sessions and leaves no byte of them in the data folder.
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub fn wipe(&self) -> Result<(), SessionError> {
        Err(not_yet())
    }
}

fn not_yet() -> SessionError {
    SessionError::WrongState("not built yet".to_owned())
}

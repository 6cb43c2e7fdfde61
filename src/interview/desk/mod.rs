//! The desk: the one door to every interview. The terminal and the page both come through here.
//!
//! Owns the order of things: an answer is stored, then announced, then worked on; one writer per session; a reply
//! goes on when its listener leaves. Must never know HTTP, SQL or terminals.

mod grade;
mod live;
mod recordings;
mod reply;
mod telling;
mod turns;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::clock::Clock;
use super::interviewer::Manner;
use super::opening::opening;
use super::plan::Plan;
use super::session::{NewSession, SessionError, SessionSummary, SessionView, Status};
use crate::content::Content;
use crate::engine::Engine;
use crate::export::redact;
pub use crate::export::{ExportFormat, Exported};
use crate::store::{NewRecord, Record, Store};
use live::Live;
pub use recordings::RECORDING_LIMIT;
use view::Sitting;

/// Most bytes of one answer.
pub const ANSWER_LIMIT: usize = 32 * 1024;

/// Most bytes of a draft; a draft may be too long to be an answer, so that it can be shortened.
pub const DRAFT_LIMIT: usize = 256 * 1024;

/// Most bytes of a résumé or a posting, and of a whiteboard.
pub const DOCUMENT_LIMIT: usize = 1024 * 1024;

/// How a session is to be graded. `model` may only name the model that is loaded.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GradeOptions {
    /// Catalogue id; none = the loaded one.
    pub model: Option<String>,
    /// Seed of the second readings; none = the session's.
    pub seed: Option<u64>,
    /// What the candidate adds in a dispute; the earlier scorecards are kept.
    pub dispute: Option<String>,
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

/// Store, content and engine behind one handle. Cheap to clone.
///
/// All methods but [`Desk::draft`] return at once (a few milliseconds of disk). Those that start work
/// (`create`, `answer`, `attach`, `grade`) must be called within a Tokio runtime.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
    engine: Option<Engine>,
    /// How moves are worded; what the model's catalogue entry says if left out.
    manner: Option<Manner>,
}

struct Inner {
    store: Store,
    content: Arc<Content>,
    clock: Clock,
    /// One writer at a time: every change of a session is made with this in hand.
    live: Mutex<Live>,
}

impl Desk {
    /// A desk. Without an engine all can be read and exported, but no interview held and nothing graded.
    #[must_use]
    pub fn open(store: Store, content: Arc<Content>, engine: Option<Engine>, clock: Clock) -> Self {
        Self { inner: Arc::new(Inner { store, content, clock, live: Mutex::default() }), engine, manner: None }
    }

    /// The same desk with this engine: sessions, clocks and running work are shared.
    #[must_use]
    pub fn with_engine(&self, engine: Engine) -> Self {
        Self { inner: Arc::clone(&self.inner), engine: Some(engine), manner: self.manner }
    }

    /// The same desk with moves worded in this manner, whatever the model's catalogue entry says.
    #[must_use]
    pub fn speaking(&self, manner: Manner) -> Self {
        Self { manner: Some(manner), ..self.clone() }
    }

    fn manner(&self, engine: &Engine) -> Manner {
        self.manner.unwrap_or_else(|| Manner::of(crate::catalogue::wording_of(engine.info())))
    }

    /// The model behind this desk.
    #[must_use]
    pub fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    /// The problems and competencies.
    #[must_use]
    pub fn content(&self) -> &Arc<Content> {
        &self.inner.content
    }

    /// The store behind this desk.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Starts an interview; the interviewer's opening is stored with it.
    ///
    /// # Errors
    /// [`SessionError::Invalid`], [`SessionError::UnknownProblem`], [`SessionError::NoModel`], [`SessionError::Store`].
    pub fn create(&self, new: NewSession) -> Result<SessionView, SessionError> {
        let engine = self.engine.as_ref().ok_or(SessionError::NoModel)?;
        for (what, text) in [("résumé", &new.resume), ("job posting", &new.posting)] {
            if text.as_ref().is_some_and(|text| text.len() > DOCUMENT_LIMIT) {
                return Err(SessionError::Invalid(format!("the {what} is longer than 1 MiB of text (shorten it)")));
            }
        }
        let seed = match new.seed {
            Some(seed) => seed,
            None => fresh_seed()?,
        };
        let plan = Plan::new(&new, self.content(), seed)?;
        let record = NewRecord {
            id: uuid::Uuid::now_v7().to_string(),
            problem: plan.problem.clone(),
            title: plan.title.clone(),
            created_at: self.inner.clock.date(),
            seed,
            opening: opening(self.content(), &plan),
            plan: reply::value(&plan)?,
            model: engine.info().clone(),
            asked: new,
        };
        let mut live = self.live();
        self.inner.store.insert(&record)?;
        let sitting = self.sitting(&record.id)?;
        Ok(self.show(&mut live, &sitting))
    }

    /// All sessions, newest first.
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub fn list(&self) -> Result<Vec<SessionSummary>, SessionError> {
        Ok(self.inner.store.sessions()?)
    }

    /// One session. When `replying` is set, [`Desk::attach`] gives that reply (running, or interrupted by a crash).
    ///
    /// # Errors
    /// [`SessionError::UnknownSession`], [`SessionError::Store`].
    pub fn view(&self, id: &str) -> Result<SessionView, SessionError> {
        let mut live = self.live();
        let sitting = self.sitting(id)?;
        Ok(self.show(&mut live, &sitting))
    }

    /// Stops the clock. Pausing twice is not an error.
    ///
    /// # Errors
    /// [`SessionError::WrongState`] when finished.
    pub fn pause(&self, id: &str) -> Result<SessionView, SessionError> {
        self.set_status(id, Status::Paused)
    }

    /// Lets the clock run again.
    ///
    /// # Errors
    /// [`SessionError::WrongState`] when finished.
    pub fn resume(&self, id: &str) -> Result<SessionView, SessionError> {
        self.set_status(id, Status::Active)
    }

    /// Ends the interview; a reply being worded is stopped. Finishing twice is not an error.
    ///
    /// # Errors
    /// [`SessionError::UnknownSession`], [`SessionError::Store`].
    pub fn finish(&self, id: &str) -> Result<SessionView, SessionError> {
        self.set_status(id, Status::Finished)
    }

    /// A stored scorecard, by number from 1.
    ///
    /// # Errors
    /// [`SessionError::UnknownScorecard`].
    pub fn scorecard(&self, id: &str, n: u32) -> Result<Value, SessionError> {
        let card = self.inner.store.scorecard(id, n)?;
        card.ok_or_else(|| SessionError::UnknownScorecard { id: id.to_owned(), n })
    }

    /// The whiteboard that came with a turn; none when none did.
    ///
    /// # Errors
    /// [`SessionError::UnknownSession`], [`SessionError::Store`].
    pub fn board(&self, id: &str, seq: u32) -> Result<Option<Value>, SessionError> {
        let sitting = self.sitting(id)?;
        Ok(sitting.record.turns.into_iter().find(|turn| turn.seq == seq).and_then(|turn| turn.board))
    }

    /// The session as a file.
    ///
    /// # Errors
    /// [`SessionError::UnknownSession`], [`SessionError::Store`].
    pub fn export(&self, id: &str, format: ExportFormat) -> Result<Exported, SessionError> {
        Ok(self.exported(id)?.export(format))
    }

    /// The session as a file without these names, e-mail addresses, web addresses and telephone numbers.
    ///
    /// # Errors
    /// As [`Desk::export`]; [`SessionError::Invalid`] for too many or too long names.
    pub fn export_redacted(&self, id: &str, format: ExportFormat, names: &[String]) -> Result<Exported, SessionError> {
        if names.len() > redact::MOST_NAMES || names.iter().any(|name| name.chars().count() > redact::MOST_CHARACTERS) {
            return Err(SessionError::Invalid("at most 200 names of at most 80 characters are taken".to_owned()));
        }
        Ok(redact::redacted(&self.exported(id)?, names).export(format))
    }

    /// All sessions as one file.
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub fn export_everything(&self) -> Result<Exported, SessionError> {
        let sessions: Result<Vec<_>, _> = self.list()?.iter().map(|summary| self.exported(&summary.id)).collect();
        Ok(crate::export::everything(&sessions?))
    }

    fn exported(&self, id: &str) -> Result<crate::export::Session, SessionError> {
        let sitting = self.sitting(id)?;
        let mut scorecards = Vec::new();
        for n in &sitting.record.scorecards {
            // A card of another version is still in the store; an export cannot lay it out.
            if let Ok(card) = serde_json::from_value(self.scorecard(id, *n)?) {
                scorecards.push((*n, card));
            }
        }
        let graded = !sitting.record.scorecards.is_empty();
        let finished = sitting.record.summary.status == Status::Finished;
        let session = crate::export::Session {
            interviewer_notes: if finished { sitting.debrief(self.content()) } else { Vec::new() },
            interviewer_report: finished.then(|| sitting.report(self.content())),
            transcript: grade::transcript(&sitting),
            model_answer: if graded { view::model_answer(self.content(), &sitting.plan) } else { None },
            delivery: sitting.delivery(),
            summary: sitting.record.summary,
            hints: sitting.record.hints,
            remarks: sitting.record.remarks,
            scorecards,
        };
        Ok(session)
    }

    /// Deletes one session and overwrites its bytes.
    ///
    /// # Errors
    /// [`SessionError::UnknownSession`], [`SessionError::Store`].
    pub fn remove(&self, id: &str) -> Result<(), SessionError> {
        let mut live = self.live();
        live.forget(id);
        if self.inner.store.remove(id)? { Ok(()) } else { Err(SessionError::UnknownSession(id.to_owned())) }
    }

    /// Deletes all sessions and leaves no byte of them in the data folder.
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub fn wipe(&self) -> Result<(), SessionError> {
        let mut live = self.live();
        live.forget_all();
        Ok(self.inner.store.wipe()?)
    }

    fn set_status(&self, id: &str, status: Status) -> Result<SessionView, SessionError> {
        let mut live = self.live();
        let sitting = self.sitting(id)?;
        let was = sitting.record.summary.status;
        if was == Status::Finished && status != Status::Finished {
            return Err(finished());
        }
        if was != status {
            let elapsed = self.elapsed(&mut live, &sitting.record);
            self.inner.store.set_status(id, status, elapsed, &self.inner.clock.date())?;
            if status == Status::Finished
                && let Some(running) = &live.session(id).reply
            {
                running.task.abort();
            }
        }
        let sitting = self.sitting(id)?;
        Ok(self.show(&mut live, &sitting))
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.inner.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sitting(&self, id: &str) -> Result<Sitting, SessionError> {
        let record = self.inner.store.session(id)?;
        Sitting::of(record.ok_or_else(|| SessionError::UnknownSession(id.to_owned()))?)
    }

    fn elapsed(&self, live: &mut Live, record: &Record) -> u64 {
        live.session(&record.summary.id).elapsed(record, self.inner.clock.steady_ms())
    }

    fn show(&self, live: &mut Live, sitting: &Sitting) -> SessionView {
        let elapsed = self.elapsed(live, &sitting.record);
        sitting.view(self.content(), elapsed)
    }
}

fn finished() -> SessionError {
    SessionError::WrongState("this interview is finished (start a new one, or ask for its scorecard)".to_owned())
}

/// 53 random bits: a seed that every JSON reader keeps exactly.
fn fresh_seed() -> Result<u64, SessionError> {
    let bits = getrandom::u64().map_err(|error| SessionError::Store(format!("no random numbers: {error}")))?;
    Ok(bits >> 11)
}

#[cfg(test)]
mod tests;

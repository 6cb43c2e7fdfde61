//! What lives only in this process: running clocks and running work, by session. Lost in a crash without harm.
//!
//! Interview time counts while the session is active and open in a running program. Pauses do not count, nor does the
//! time in which the program was down: after a crash the clock goes on from the last thing that was stored.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::task::AbortHandle;

use super::telling::Telling;
use super::{GradeEvent, GradeOptions};
use crate::interview::session::{ReplyEvent, Status};
use crate::store::Record;

/// All sessions touched since the program started.
#[derive(Default)]
pub(super) struct Live {
    sessions: HashMap<String, LiveSession>,
}

/// One of them.
#[derive(Default)]
pub(super) struct LiveSession {
    /// (interview clock, steady clock) at the moment from which time counts.
    counting: Option<(u64, u64)>,
    /// A draft is being read into the model.
    pub(super) reading_ahead: Arc<AtomicBool>,
    /// The reply being worded.
    pub(super) reply: Option<Running<ReplyEvent>>,
    /// The grade being made, and how.
    pub(super) grade: Option<(GradeOptions, Running<GradeEvent>)>,
}

/// Work that goes on without its listeners.
pub(super) struct Running<E> {
    pub(super) telling: Arc<Telling<E>>,
    pub(super) task: AbortHandle,
}

impl Live {
    /// The session's entry.
    pub(super) fn session(&mut self, id: &str) -> &mut LiveSession {
        if !self.sessions.contains_key(id) {
            self.sessions.insert(id.to_owned(), LiveSession::default());
        }
        self.sessions.get_mut(id).expect("it was just put in. This is a bug.")
    }

    /// Stops the session's work and forgets it.
    pub(super) fn forget(&mut self, id: &str) {
        if let Some(session) = self.sessions.remove(id) {
            session.stop();
        }
    }

    /// Stops everything.
    pub(super) fn forget_all(&mut self) {
        self.sessions.drain().for_each(|(_, session)| session.stop());
    }
}

impl LiveSession {
    /// Interview clock now. Opening an active session sets its clock going.
    pub(super) fn elapsed(&mut self, record: &Record, steady_ms: u64) -> u64 {
        if record.summary.status != Status::Active {
            self.counting = None;
            return record.elapsed_ms;
        }
        let (elapsed, since) = *self.counting.get_or_insert((record.elapsed_ms, steady_ms));
        record.elapsed_ms.max(elapsed + steady_ms.saturating_sub(since))
    }

    fn stop(self) {
        if let Some(reply) = self.reply {
            reply.task.abort();
        }
        if let Some((_, grade)) = self.grade {
            grade.task.abort();
        }
    }
}

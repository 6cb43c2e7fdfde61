//! What a session looks like from outside: the values that the page and the terminal show, and why a request fails.
//!
//! Plain data; [`Desk`](super::desk::Desk) fills it. All state is (plan, transcript) in the store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::debrief::TurnNotes;
use super::delivery::Delivery;
use super::quality::Report;
use super::transcript::{Level, Mode, Round, Turn};
use crate::engine::EngineError;
use crate::store::Recording;

/// What a person chooses before an interview.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    /// Which interview.
    pub round: Round,
    /// The bar.
    pub level: Level,
    /// A problem or competency id; chosen by seed if left out.
    #[serde(default)]
    pub problem: Option<String>,
    /// 15, 30 or 45.
    pub minutes: u32,
    /// When feedback comes.
    pub mode: Mode,
    /// Same seed, same choices.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Résumé as text.
    #[serde(default)]
    pub resume: Option<String>,
    /// Job posting as text.
    #[serde(default)]
    pub posting: Option<String>,
    /// Whether recordings of spoken answers may be kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub record: bool,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Going on.
    Active,
    /// The clock stands.
    Paused,
    /// Over; may be graded.
    Finished,
}

/// A line of the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// Session id (UUID v7).
    pub id: String,
    /// Which interview.
    pub round: Round,
    /// The bar.
    pub level: Level,
    /// Problem or competency id.
    pub problem: String,
    /// Its title.
    pub title: String,
    /// Planned length.
    pub minutes: u32,
    /// Where it stands.
    pub status: Status,
    /// RFC 3339.
    pub created_at: String,
    /// Mean of the newest scorecard, if any.
    pub overall: Option<f32>,
}

/// A phase of the plan as the page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseView {
    /// Stable id.
    pub id: String,
    /// What the page shows.
    pub title: String,
    /// Planned start on the interview clock.
    pub starts_ms: u64,
    /// Planned end.
    pub ends_ms: u64,
}

/// The clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockView {
    /// Interview time used, pauses left out.
    pub elapsed_ms: u64,
    /// Planned length.
    pub total_ms: u64,
    /// Whether it runs.
    pub running: bool,
}

/// A hint that was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HintView {
    /// The checklist or dive id.
    pub topic: String,
    /// 1 to 4.
    pub rung: u8,
    /// What was said.
    pub text: String,
    /// What it costs, in words ("this topic's evidence is worth at most 4").
    pub cost: String,
    /// The turn it came with.
    pub seq: u32,
}

/// A session as the page and the terminal show it. A reload at any moment gives the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionView {
    /// The summary's fields.
    #[serde(flatten)]
    pub summary: SessionSummary,
    /// When feedback comes.
    pub mode: Mode,
    /// Plan, in order.
    pub plan: Vec<PhaseView>,
    /// Id of the phase the interview is in.
    pub phase: String,
    /// The clock.
    pub clock: ClockView,
    /// All turns, without their whiteboards.
    pub turns: Vec<Turn>,
    /// What each answer drew, in words, by turn; the scene itself: `Desk::board`.
    #[serde(default)]
    pub boards: BTreeMap<u32, String>,
    /// What the next answer must carry as `expected_seq`.
    pub next_seq: u32,
    /// A reply is due: its turn `seq`. It is being worded now, or was interrupted (crash, engine error); in both
    /// cases `Desk::attach` gives it.
    pub replying: Option<u32>,
    /// Hints taken.
    pub hints: Vec<HintView>,
    /// Cost of the next hint in words; none when there is none to give.
    pub next_hint_cost: Option<String>,
    /// The draft that was last sent.
    pub draft: String,
    /// For reviews: the document to judge.
    pub document: Option<String>,
    /// Coach's remarks by candidate turn (coach mode only).
    pub coach: BTreeMap<u32, String>,
    /// Ids of stored scorecards, oldest first.
    pub scorecards: Vec<u32>,
    /// Only when finished: the interviewer's notes by turn (what was covered, why this question, what was held back).
    pub notes: Option<serde_json::Value>,
    /// Only when finished: the same in words, oldest answer first.
    #[serde(default)]
    pub interviewer_notes: Option<Vec<TurnNotes>>,
    /// Only when finished: how the interviewer did.
    #[serde(default)]
    pub interviewer_report: Option<Report>,
    /// Only when graded: the model answer and the staff note.
    pub model_answer: Option<String>,
    /// Whether recordings of spoken answers may be kept.
    #[serde(default)]
    pub record: bool,
    /// Recordings that are kept, by turn.
    #[serde(default)]
    pub recordings: Vec<Recording>,
    /// How long spoken answers took: facts, never graded. None when nothing was spoken.
    #[serde(default)]
    pub delivery: Option<Delivery>,
}

/// What a running reply tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "event", content = "data")]
pub enum ReplyEvent {
    /// Tokens read, of all.
    Prefill {
        /// So far.
        done: usize,
        /// In all.
        total: usize,
    },
    /// The coach's remark on the answer (coach mode only), before the next question.
    Coach {
        /// The candidate's turn.
        seq: u32,
        /// The remark.
        text: String,
    },
    /// A piece of the reply.
    Token {
        /// The piece.
        text: String,
    },
    /// The reply as stored.
    Done {
        /// The interviewer's turn.
        turn: Turn,
    },
    /// No reply; the answer is stored and the reply can be asked for again.
    Error {
        /// Stable code.
        code: String,
        /// What happened.
        message: String,
        /// What to do.
        hint: String,
    },
}

/// A reply being worded. Events already told are told again from the beginning, so that a reload re-attaches.
pub type Reply = mpsc::UnboundedReceiver<ReplyEvent>;

/// Why a request about a session was refused.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// No such session.
    #[error("no session {0} (see: offrecord session list)")]
    UnknownSession(String),
    /// No scorecard of that number.
    #[error("session {id} has no scorecard {n} (grade it first)")]
    UnknownScorecard {
        /// The session.
        id: String,
        /// The number, from 1.
        n: u32,
    },
    /// No model is loaded.
    #[error("no model is installed (run: offrecord pull qwen2.5-coder-1.5b-instruct-q4_k_m)")]
    NoModel,
    /// No such problem or competency.
    #[error("no problem {0} (leave it out to be given one)")]
    UnknownProblem(String),
    /// Another window was faster; the fresh state is enclosed.
    #[error("this session has moved on in another window")]
    Conflict(Box<SessionView>),
    /// Answer over 32 KiB.
    #[error("the answer has {bytes} bytes, at most {limit} are taken (shorten it; the draft is kept)")]
    TooLong {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Not possible in this state (finished, paused, not finished yet).
    #[error("{0}")]
    WrongState(String),
    /// A value is out of range.
    #[error("{0}")]
    Invalid(String),
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store failed (disk full, read-only, corrupt).
    #[error("{0}")]
    Store(String),
}

impl From<crate::store::StoreError> for SessionError {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

//! What changes a session. Each function is one transaction: stored and synced when it returns `Ok`.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::record::{InterviewerTurn, NewRecord, name, status_name};
use super::{Store, StoreError};
use crate::interview::session::{HintView, Status};
use crate::interview::transcript::{Speaker, Turn};

/// An answer to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct CandidateTurn {
    /// What the candidate believes to be next.
    pub expected_seq: u32,
    /// As typed.
    pub text: String,
    /// Interview clock.
    pub at_ms: u64,
    /// The whiteboard.
    pub board: Option<Value>,
    /// What was recognised and how long it took, if it was spoken.
    pub spoken: Option<Value>,
    /// RFC 3339.
    pub date: String,
}

/// What became of a write that others may have overtaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// Stored.
    Stored,
    /// Not stored: the session has moved on, is paused, finished or gone.
    Overtaken,
}

impl Store {
    /// Stores a new session with its opening.
    ///
    /// # Errors
    /// When the disk refuses; then nothing is stored.
    pub fn insert(&self, new: &NewRecord) -> Result<(), StoreError> {
        self.transaction(|db| {
            db.prepare_cached(
                "INSERT INTO session (id, round, level, problem, title, minutes, mode, status, created_at, seed, asked,
                 plan, model) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'active', ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                new.id,
                name(new.asked.round),
                name(new.asked.level),
                new.problem,
                new.title,
                new.asked.minutes,
                name(new.asked.mode),
                new.created_at,
                new.seed.cast_signed(),
                text(&new.asked)?,
                text(&new.plan)?,
                text(&new.model)?,
            ])?;
            let opening =
                Turn { seq: 0, role: Speaker::Interviewer, text: new.opening.clone(), at_ms: Some(0), board: None };
            let how = InterviewerTurn { seed: Some(new.seed), ..InterviewerTurn::default() };
            insert_turn(db, &new.id, &opening, &new.created_at, &how)
        })
    }

    /// Stores an answer if the session is active and waits for exactly this one; the draft goes with it.
    ///
    /// # Errors
    /// When the disk refuses; then nothing is stored.
    pub fn append_answer(&self, id: &str, answer: &CandidateTurn) -> Result<Appended, StoreError> {
        self.transaction(|db| {
            if next_turn(db, id, Status::Active)? != Some((answer.expected_seq, Speaker::Candidate)) {
                return Ok(Appended::Overtaken);
            }
            let turn = Turn {
                seq: answer.expected_seq,
                role: Speaker::Candidate,
                text: answer.text.clone(),
                at_ms: Some(answer.at_ms),
                board: answer.board.clone(),
            };
            insert_turn(db, id, &turn, &answer.date, &InterviewerTurn::default())?;
            if let Some(spoken) = &answer.spoken {
                db.prepare_cached("UPDATE turn SET spoken = ?3 WHERE session = ?1 AND seq = ?2")?.execute(params![
                    id,
                    answer.expected_seq,
                    text(spoken)?
                ])?;
            }
            set_clock(db, id, answer.at_ms)?;
            db.prepare_cached("UPDATE session SET draft = '' WHERE id = ?1")?.execute([id])?;
            Ok(Appended::Stored)
        })
    }

    /// Stores the interviewer's reply if it is the one that is due and the session is not finished; with `ends` the
    /// session is finished by it.
    ///
    /// # Errors
    /// When the disk refuses; then nothing is stored.
    pub fn append_reply(
        &self,
        id: &str,
        turn: &Turn,
        date: &str,
        how: &InterviewerTurn,
        ends: bool,
    ) -> Result<Appended, StoreError> {
        self.transaction(|db| {
            let due = Some((turn.seq, Speaker::Interviewer));
            if next_turn(db, id, Status::Active)? != due && next_turn(db, id, Status::Paused)? != due {
                return Ok(Appended::Overtaken);
            }
            insert_turn(db, id, turn, date, how)?;
            set_clock(db, id, turn.at_ms.unwrap_or(0))?;
            if ends {
                db.prepare_cached("UPDATE session SET status = 'finished', finished_at = ?2 WHERE id = ?1")?
                    .execute([id, date])?;
            }
            Ok(Appended::Stored)
        })
    }

    /// Stores what was heard in a candidate turn.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn put_note(&self, id: &str, seq: u32, note: &Value) -> Result<(), StoreError> {
        self.transaction(|db| {
            db.prepare_cached("INSERT OR REPLACE INTO note (session, seq, note) VALUES (?1, ?2, ?3)")?
                .execute(params![id, seq, text(note)?])?;
            Ok(())
        })
    }

    /// Stores the coach's remark on a candidate turn.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn put_remark(&self, id: &str, seq: u32, remark: &str) -> Result<(), StoreError> {
        self.transaction(|db| {
            db.prepare_cached("INSERT OR REPLACE INTO remark (session, seq, text) VALUES (?1, ?2, ?3)")?
                .execute(params![id, seq, remark])?;
            Ok(())
        })
    }

    /// Keeps the unfinished answer and the clock.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn put_draft(&self, id: &str, draft: &str, elapsed_ms: u64) -> Result<(), StoreError> {
        self.transaction(|db| {
            set_clock(db, id, elapsed_ms)?;
            db.prepare_cached("UPDATE session SET draft = ?2 WHERE id = ?1 AND status <> 'finished'")?
                .execute(params![id, draft])?;
            Ok(())
        })
    }

    /// Logs a hint.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn put_hint(&self, id: &str, hint: &HintView, elapsed_ms: u64) -> Result<(), StoreError> {
        self.transaction(|db| {
            set_clock(db, id, elapsed_ms)?;
            db.prepare_cached(
                "INSERT INTO hint (session, n, topic, rung, text, cost, seq)
                 VALUES (?1, 1 + (SELECT count(*) FROM hint WHERE session = ?1), ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![id, hint.topic, hint.rung, hint.text, hint.cost, hint.seq])?;
            Ok(())
        })
    }

    /// Pauses, resumes or finishes; a finished session stays finished.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn set_status(&self, id: &str, status: Status, elapsed_ms: u64, date: &str) -> Result<(), StoreError> {
        self.transaction(|db| {
            set_clock(db, id, elapsed_ms)?;
            db.prepare_cached(
                "UPDATE session SET status = ?2, finished_at = CASE WHEN ?2 = 'finished' THEN ?3 END
                 WHERE id = ?1 AND status <> 'finished'",
            )?
            .execute(params![id, status_name(status), date])?;
            Ok(())
        })
    }

    /// Stores a scorecard under the next number; none is ever replaced. `None` when the session is gone.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn put_scorecard(
        &self,
        id: &str,
        card: &Value,
        overall: Option<f32>,
        date: &str,
    ) -> Result<Option<u32>, StoreError> {
        self.transaction(|db| {
            let known = db.prepare_cached("SELECT 1 FROM session WHERE id = ?1")?.exists([id])?;
            if !known {
                return Ok(None);
            }
            let n: u32 = db
                .prepare_cached("SELECT 1 + coalesce(max(n), 0) FROM scorecard WHERE session = ?1")?
                .query_row([id], |row| row.get(0))?;
            db.prepare_cached(
                "INSERT INTO scorecard (session, n, stored_at, overall, card) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![id, n, date, overall.map(f64::from), text(card)?])?;
            Ok(Some(n))
        })
    }
}

/// Which turn comes next in a session of this status, and whose it is.
fn next_turn(db: &Connection, id: &str, status: Status) -> Result<Option<(u32, Speaker)>, StoreError> {
    let last: Option<(u32, String)> = db
        .prepare_cached(
            "SELECT seq, role FROM turn WHERE session = (SELECT id FROM session WHERE id = ?1 AND status = ?2)
             ORDER BY seq DESC LIMIT 1",
        )?
        .query_row(params![id, status_name(status)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(last.map(|(seq, role)| match role.as_str() {
        "interviewer" => (seq + 1, Speaker::Candidate),
        _ => (seq + 1, Speaker::Interviewer),
    }))
}

fn insert_turn(db: &Connection, id: &str, turn: &Turn, date: &str, how: &InterviewerTurn) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO turn (session, seq, role, text, at_ms, stored_at, board, seed, move, model)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        id,
        turn.seq,
        name(turn.role),
        turn.text,
        turn.at_ms.unwrap_or(0).cast_signed(),
        date,
        turn.board.as_ref().map(text).transpose()?,
        how.seed.map(u64::cast_signed),
        how.decision.as_ref().map(text).transpose()?,
        how.model,
    ])?;
    Ok(())
}

/// The interview clock never goes back.
fn set_clock(db: &Connection, id: &str, elapsed_ms: u64) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE session SET elapsed_ms = max(elapsed_ms, ?2) WHERE id = ?1")?
        .execute(params![id, elapsed_ms.cast_signed()])?;
    Ok(())
}

fn text(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed(format!("cannot be written as JSON: {error}")))
}

//! What is stored of one session, and reading it back: one record holds all that a screen needs.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::recording::{self, Recording};
use super::{Store, StoreError};
use crate::engine::ModelInfo;
use crate::interview::session::{HintView, NewSession, SessionSummary, Status};
use crate::interview::transcript::{Speaker, Turn};

/// A session to be stored, with the interviewer's first turn.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// UUID v7.
    pub id: String,
    /// What the person chose.
    pub asked: NewSession,
    /// Problem or first competency.
    pub problem: String,
    /// Its title.
    pub title: String,
    /// RFC 3339.
    pub created_at: String,
    /// The session's seed.
    pub seed: u64,
    /// The plan as it was made.
    pub plan: Value,
    /// What will hold the interview.
    pub model: ModelInfo,
    /// The interviewer's opening.
    pub opening: String,
}

/// A session as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// For the history.
    pub summary: SessionSummary,
    /// What the person chose.
    pub asked: NewSession,
    /// The session's seed.
    pub seed: u64,
    /// The plan as it was made.
    pub plan: Value,
    /// What held the interview when it began.
    pub model: Option<ModelInfo>,
    /// Interview clock at the last write.
    pub elapsed_ms: u64,
    /// The unfinished answer.
    pub draft: String,
    /// Everything said, by `seq`.
    pub turns: Vec<Turn>,
    /// What was heard, by candidate turn.
    pub notes: BTreeMap<u32, Value>,
    /// The decisions, seeds and models behind the interviewer's turns.
    pub moves: BTreeMap<u32, InterviewerTurn>,
    /// Coach's remarks, by candidate turn.
    pub remarks: BTreeMap<u32, String>,
    /// Hints taken, in order.
    pub hints: Vec<HintView>,
    /// Numbers of the stored scorecards, in order.
    pub scorecards: Vec<u32>,
    /// What was recognised of spoken answers and how long they took, by candidate turn.
    pub spoken: BTreeMap<u32, Value>,
    /// Recordings that are kept, by turn.
    pub recordings: Vec<Recording>,
}

/// What is kept of how an interviewer turn came about.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct InterviewerTurn {
    /// The director's decision.
    pub decision: Option<Value>,
    /// The seed it was worded with.
    pub seed: Option<u64>,
    /// SHA-256 of the model that was at work.
    pub model: Option<String>,
}

const SUMMARY: &str = "SELECT id, round, level, problem, title, minutes, status, created_at,
    (SELECT overall FROM scorecard WHERE session = session.id ORDER BY n DESC LIMIT 1) AS overall,
    asked, seed, plan, model, elapsed_ms, draft FROM session";

impl Store {
    /// All sessions, newest first.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sessions(&self) -> Result<Vec<SessionSummary>, StoreError> {
        let db = self.db();
        let mut statement = db.prepare_cached(&format!("{SUMMARY} ORDER BY created_at DESC, id DESC"))?;
        let rows = statement.query_map([], summary)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One session, all of it, at one moment.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn session(&self, id: &str) -> Result<Option<Record>, StoreError> {
        let mut db = self.db();
        let snapshot = db.transaction()?;
        read(&snapshot, id)
    }

    /// A scorecard by number.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn scorecard(&self, id: &str, n: u32) -> Result<Option<Value>, StoreError> {
        let db = self.db();
        let mut statement = db.prepare_cached("SELECT card FROM scorecard WHERE session = ?1 AND n = ?2")?;
        Ok(statement.query_row(params![id, n], |row| json(row, 0)).optional()?)
    }
}

/// Reads a whole session within the caller's transaction.
pub(super) fn read(db: &Connection, id: &str) -> Result<Option<Record>, StoreError> {
    let head = db
        .prepare_cached(&format!("{SUMMARY} WHERE id = ?1"))?
        .query_row([id], |row| {
            Ok(Record {
                summary: summary(row)?,
                asked: json(row, 9)?,
                seed: row.get::<_, i64>(10)?.cast_unsigned(),
                plan: json(row, 11)?,
                model: optional_json(row, 12)?,
                elapsed_ms: row.get::<_, i64>(13)?.cast_unsigned(),
                draft: row.get(14)?,
                turns: Vec::new(),
                notes: BTreeMap::new(),
                moves: BTreeMap::new(),
                remarks: BTreeMap::new(),
                hints: Vec::new(),
                scorecards: Vec::new(),
                spoken: BTreeMap::new(),
                recordings: Vec::new(),
            })
        })
        .optional()?;
    let Some(mut record) = head else { return Ok(None) };
    let mut turns = db.prepare_cached(
        "SELECT seq, role, text, at_ms, board, move, seed, model FROM turn WHERE session = ?1 ORDER BY seq",
    )?;
    let mut rows = turns.query([id])?;
    while let Some(row) = rows.next()? {
        let turn = turn(row)?;
        if turn.role == Speaker::Interviewer {
            let seed = row.get::<_, Option<i64>>(6)?.map(i64::cast_unsigned);
            let decision = optional_json(row, 5)?;
            record.moves.insert(turn.seq, InterviewerTurn { decision, seed, model: row.get(7)? });
        }
        record.turns.push(turn);
    }
    let mut notes = db.prepare_cached("SELECT seq, note FROM note WHERE session = ?1")?;
    record.notes = notes.query_map([id], |row| Ok((row.get(0)?, json(row, 1)?)))?.collect::<Result<_, _>>()?;
    let mut remarks = db.prepare_cached("SELECT seq, text FROM remark WHERE session = ?1")?;
    record.remarks = remarks.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut hints = db.prepare_cached("SELECT topic, rung, text, cost, seq FROM hint WHERE session = ?1 ORDER BY n")?;
    record.hints = hints
        .query_map([id], |row| {
            Ok(HintView {
                topic: row.get(0)?,
                rung: row.get(1)?,
                text: row.get(2)?,
                cost: row.get(3)?,
                seq: row.get(4)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let mut cards = db.prepare_cached("SELECT n FROM scorecard WHERE session = ?1 ORDER BY n")?;
    record.spoken = recording::spoken(db, id)?;
    record.recordings = recording::of_session(db, id)?;
    record.scorecards = cards.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(Some(record))
}

fn summary(row: &Row<'_>) -> rusqlite::Result<SessionSummary> {
    Ok(SessionSummary {
        id: row.get(0)?,
        round: word(row, 1)?,
        level: word(row, 2)?,
        problem: row.get(3)?,
        title: row.get(4)?,
        minutes: row.get(5)?,
        status: word(row, 6)?,
        created_at: row.get(7)?,
        overall: row.get::<_, Option<f64>>(8)?.map(|score| score as f32),
    })
}

fn turn(row: &Row<'_>) -> rusqlite::Result<Turn> {
    Ok(Turn {
        seq: row.get(0)?,
        role: word(row, 1)?,
        text: row.get(2)?,
        at_ms: Some(row.get::<_, i64>(3)?.cast_unsigned()),
        board: optional_json(row, 4)?,
    })
}

/// A value stored by its serde name, such as `system-design`.
fn word<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_value(Value::String(text)).map_err(|error| unreadable(column, error))
}

/// The serde name of a value.
pub(super) fn name<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => text,
        _ => unreachable!("only unit variants are stored by name. This is a bug."),
    }
}

/// The stored name of a status.
pub(super) fn status_name(status: Status) -> String {
    name(status)
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| unreadable(column, error))
}

fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| unreadable(column, error))).transpose()
}

fn unreadable(column: usize, error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

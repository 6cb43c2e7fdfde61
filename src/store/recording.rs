//! Recordings of spoken answers: rows of the same database, so that whatever protects the sessions protects them, and
//! so that they go with their session. In pieces, so that no row is large.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};

/// Bytes of one row.
const PIECE: usize = 256 * 1024;

/// What is known of a recording without its sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// The candidate's turn.
    pub turn: u32,
    /// Size of the file.
    pub bytes: u64,
    /// Length of the sound.
    pub audio_ms: u64,
}

impl Store {
    /// Keeps a recording of a turn, in place of an earlier one. `false` when there is no such answer.
    ///
    /// # Errors
    /// When the disk refuses; then nothing is stored.
    pub fn put_recording(&self, id: &str, turn: u32, audio_ms: u64, file: &[u8]) -> Result<bool, StoreError> {
        self.transaction(|db| {
            let answered = "SELECT 1 FROM turn WHERE session = ?1 AND seq = ?2 AND role = 'candidate'";
            if !db.prepare_cached(answered)?.exists(params![id, turn])? {
                return Ok(false);
            }
            delete(db, id, turn)?;
            db.prepare_cached("INSERT INTO recording (session, turn, bytes, audio_ms) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![id, turn, file.len() as i64, audio_ms.cast_signed()])?;
            let mut put =
                db.prepare_cached("INSERT INTO recording_piece (session, turn, n, bytes) VALUES (?1, ?2, ?3, ?4)")?;
            for (n, piece) in file.chunks(PIECE).enumerate() {
                put.execute(params![id, turn, n as i64, piece])?;
            }
            Ok(true)
        })
    }

    /// A recording as it was sent.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn recording(&self, id: &str, turn: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let mut db = self.db();
        let snapshot = db.transaction()?;
        let known: Option<i64> = snapshot
            .prepare_cached("SELECT bytes FROM recording WHERE session = ?1 AND turn = ?2")?
            .query_row(params![id, turn], |row| row.get(0))
            .optional()?;
        if known.is_none() {
            return Ok(None);
        }
        let mut pieces =
            snapshot.prepare_cached("SELECT bytes FROM recording_piece WHERE session = ?1 AND turn = ?2 ORDER BY n")?;
        let mut rows = pieces.query(params![id, turn])?;
        let mut file = Vec::new();
        while let Some(row) = rows.next()? {
            file.extend_from_slice(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
        }
        Ok(Some(file))
    }

    /// Deletes one recording and overwrites its bytes; `false` when there is none.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove_recording(&self, id: &str, turn: u32) -> Result<bool, StoreError> {
        let gone = self.transaction(|db| delete(db, id, turn))?;
        if gone {
            self.leave_no_trace()?;
        }
        Ok(gone)
    }
}

fn delete(db: &Connection, id: &str, turn: u32) -> Result<bool, StoreError> {
    Ok(db.prepare_cached("DELETE FROM recording WHERE session = ?1 AND turn = ?2")?.execute(params![id, turn])? > 0)
}

/// The recordings of a session, by turn.
pub(super) fn of_session(db: &Connection, id: &str) -> Result<Vec<Recording>, StoreError> {
    let mut all = db.prepare_cached("SELECT turn, bytes, audio_ms FROM recording WHERE session = ?1 ORDER BY turn")?;
    let rows = all.query_map([id], |row| {
        let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        Ok(Recording { turn: row.get(0)?, bytes: number(1)?, audio_ms: number(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What was recognised and how long it took, by turn, as JSON.
pub(super) fn spoken(db: &Connection, id: &str) -> Result<BTreeMap<u32, serde_json::Value>, StoreError> {
    let mut all = db.prepare_cached("SELECT seq, spoken FROM turn WHERE session = ?1 AND spoken IS NOT NULL")?;
    let rows = all.query_map([id], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?)))?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    // A value of another version is no reason to hide the session.
    Ok(rows.into_iter().filter_map(|(seq, text)| Some((seq, serde_json::from_str(&text).ok()?))).collect())
}

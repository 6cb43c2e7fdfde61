//! Recordings of spoken answers: only where the person asked for them when the session was made, and gone when told.

use super::Desk;
use crate::interview::session::SessionError;

/// Most bytes of one recording: three minutes of 16 kHz mono PCM, and a little.
pub const RECORDING_LIMIT: usize = 6 * 1024 * 1024;

/// Most bytes of all recordings of a session: some three hours.
const SESSION_LIMIT: u64 = 360 * 1024 * 1024;

impl Desk {
    /// Keeps a recording of an answer, in place of an earlier one.
    ///
    /// # Errors
    /// [`SessionError::WrongState`] when the session was made without recordings, [`SessionError::Invalid`] when there
    /// is no such answer or too much is kept already, [`SessionError::UnknownSession`], [`SessionError::Store`].
    pub fn keep_recording(&self, id: &str, turn: u32, audio_ms: u64, file: &[u8]) -> Result<(), SessionError> {
        let _live = self.live();
        let record = self.sitting(id)?.record;
        if !record.asked.record {
            return Err(SessionError::WrongState(
                "this session keeps no recordings (that is chosen when an interview is started)".to_owned(),
            ));
        }
        let others: u64 = record.recordings.iter().filter(|kept| kept.turn != turn).map(|kept| kept.bytes).sum();
        if others + file.len() as u64 > SESSION_LIMIT {
            return Err(SessionError::Invalid("this session keeps too many recordings (delete one)".to_owned()));
        }
        if self.inner.store.put_recording(id, turn, audio_ms, file)? {
            return Ok(());
        }
        Err(SessionError::Invalid(format!("turn {turn} is not an answer of this session")))
    }

    /// A recording as it was sent; none when none is kept.
    ///
    /// # Errors
    /// [`SessionError::UnknownSession`], [`SessionError::Store`].
    pub fn recording(&self, id: &str, turn: u32) -> Result<Option<Vec<u8>>, SessionError> {
        self.sitting(id)?;
        Ok(self.inner.store.recording(id, turn)?)
    }

    /// Deletes one recording and overwrites its bytes; `false` when there is none.
    ///
    /// # Errors
    /// [`SessionError::UnknownSession`], [`SessionError::Store`].
    pub fn remove_recording(&self, id: &str, turn: u32) -> Result<bool, SessionError> {
        let _live = self.live();
        self.sitting(id)?;
        Ok(self.inner.store.remove_recording(id, turn)?)
    }
}

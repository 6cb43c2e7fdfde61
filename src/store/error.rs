//! Why the store did not do it, in words that say what to do next.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the data folder.
    #[error("already running, pid {pid}, {url}")]
    Running {
        /// Its process id (0 when it did not say).
        pid: u32,
        /// Where it serves, or "not serving".
        url: String,
    },
    /// Written by a newer offrecord.
    #[error(
        "{file} was written by a newer offrecord (its schema is {found}, this program knows up to {known}): \
         install the newer version, or choose another folder with --data-dir", file = file.display()
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The database is damaged; nothing was changed.
    #[error(
        "the session database {file} is damaged ({what}). It was left as it is. \
         To save what can be read: offrecord session repair", file = file.display()
    )]
    Damaged {
        /// The database.
        file: PathBuf,
        /// What SQLite says.
        what: String,
    },
    /// The sessions are encrypted, and no passphrase was given.
    #[error(
        "the sessions in {file} are encrypted: the passphrase is needed (on a terminal it is asked for; \
         elsewhere give it with --passphrase-fd N)", file = file.display()
    )]
    Locked {
        /// The database.
        file: PathBuf,
    },
    /// It does not open the database; nothing was changed.
    #[error(
        "this passphrase does not open {file} (or the file's beginning is damaged). Nothing was changed. \
         Without the passphrase the sessions cannot be read; offrecord session wipe deletes them", file = file.display()
    )]
    WrongPassphrase {
        /// The database.
        file: PathBuf,
    },
    /// A passphrase was given for sessions that are not encrypted.
    #[error(
        "the sessions in {file} are not encrypted (leave the passphrase out, or encrypt them with it: \
         offrecord session encrypt)", file = file.display()
    )]
    NotSealed {
        /// The database.
        file: PathBuf,
    },
    /// No passphrase that could be used.
    #[error("this passphrase cannot be used: {0} (one line of 1 to 1,024 bytes)")]
    BadPassphrase(&'static str),
    /// Built without the feature `encrypt`.
    #[error(
        "{what}: this program was built without encryption (install a build that has it, or build one with \
         `cargo build --release --features encrypt`)",
        what = if *sealed { format!("the sessions in {} are encrypted", file.display()) } else { "nothing was encrypted".to_owned() }
    )]
    NoCipher {
        /// The database.
        file: PathBuf,
        /// Whether it is encrypted.
        sealed: bool,
    },
    /// Disk or quota is full; nothing was half-written.
    #[error("the disk is full: nothing was stored (free some space and try again)")]
    Full,
    /// Anything else, with what to do.
    #[error("{0}")]
    Failed(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            // The index of the write-ahead log could not be made large enough.
            Some(ErrorCode::SystemIoFailure)
                if error.sqlite_extended_error_code() == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE) =>
            {
                Self::Full
            }
            Some(ErrorCode::ReadOnly) => Self::Failed(
                "the data folder is read-only: nothing was stored (make it writable, or choose another with --data-dir)"
                    .to_owned(),
            ),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Failed("the session database is in use by another program (try again in a moment)".to_owned())
            }
            Some(ErrorCode::SystemIoFailure) => Self::Failed(format!(
                "the disk did not answer: nothing was stored ({error}; check the disk, then try again)"
            )),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Failed(format!(
                "the session database is damaged ({error}); stop offrecord, then run: offrecord session repair"
            )),
            _ => Self::Failed(format!("the session database failed: {error}")),
        }
    }
}

/// A file operation that failed, with the path and what to do.
pub(super) fn file_failed(doing: &str, path: &Path, error: &std::io::Error) -> StoreError {
    if matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) {
        return StoreError::Full;
    }
    StoreError::Failed(format!(
        "cannot {doing} {} ({error}; make it writable, or choose another folder with --data-dir)",
        path.display()
    ))
}

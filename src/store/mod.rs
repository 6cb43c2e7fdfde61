//! The sessions on disk: one SQLite file in WAL mode. What is acknowledged here survives a crash and a power cut.
//!
//! Owns the folder, the lock, the schema and all SQL. Knows the values of a session (turns, summaries), but not what
//! they mean: plans, notes, moves and scorecards go in and out as JSON. Calls block for a few milliseconds.

mod erase;
mod error;
mod lock;
mod record;
mod recording;
mod repair;
mod reseal;
mod schema;
mod seal;
mod write;

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::config::private_folder;

pub use error::StoreError;
use error::file_failed;
use lock::Lock;
pub use lock::{Holder, holder};
pub use record::{InterviewerTurn, NewRecord, Record};
pub use recording::Recording;
pub use repair::Repaired;
pub use seal::{AtRest, Passphrase, at_rest};
pub use write::{Appended, CandidateTurn};

/// File name of the database in the data folder.
pub const DATABASE: &str = "offrecord.db";

/// The sessions of one data folder. Cheap to clone; one connection behind a mutex, so there is one writer.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    db: Mutex<Connection>,
    file: PathBuf,
    lock: Option<Lock>,
    passphrase: Option<Passphrase>,
}

impl Store {
    /// [`Store::open_with`] without a passphrase.
    ///
    /// # Errors
    /// As there.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::open_with(folder, None)
    }

    /// Opens (and creates, locks, checks, migrates) the store in `folder`. The lock lasts as long as the store. A new
    /// store that is opened with a passphrase is encrypted from its first byte.
    ///
    /// # Errors
    /// [`StoreError::Running`] when another process has it, [`StoreError::Locked`] and [`StoreError::WrongPassphrase`]
    /// when it is encrypted; else what is wrong and what to do.
    pub fn open_with(folder: &Path, passphrase: Option<Passphrase>) -> Result<Self, StoreError> {
        private_folder(folder).map_err(|e| file_failed("create the folder", folder, &e))?;
        let lock = Lock::take(folder)?;
        let file = folder.join(DATABASE);
        reseal::clear(&file)?;
        let db = open_database(&file, passphrase.as_ref())?;
        Ok(Self { inner: Arc::new(Inner { db: Mutex::new(db), file, lock: Some(lock), passphrase }) })
    }

    /// Whether the sessions are encrypted on the disk.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.inner.passphrase.is_some()
    }

    /// Opens the store for reading: also beside the process that holds it, and on a disk that is full or read-only.
    ///
    /// # Errors
    /// As [`Store::open`]; that another process is running is no hindrance.
    pub fn open_for_reading(folder: &Path, passphrase: Option<Passphrase>) -> Result<Self, StoreError> {
        let file = folder.join(DATABASE);
        let refused = match Self::open_with(folder, passphrase.clone()) {
            Err(StoreError::Running { .. }) => {
                seal::agree(&file, passphrase.as_ref())?;
                return Self::reader(&file, &[""], passphrase.as_ref());
            }
            Err(refused @ (StoreError::Full | StoreError::Failed(_))) => refused,
            other => return other,
        };
        // Without room for the index of the log it is kept in memory, by a connection that is alone; without the right
        // to write, the file is taken as it is.
        Self::reader(&file, &["PRAGMA locking_mode = EXCLUSIVE", "immutable"], passphrase.as_ref()).map_err(|_| refused)
    }

    /// A connection that cannot write, tried in several ways.
    fn reader(file: &Path, ways: &[&str], passphrase: Option<&Passphrase>) -> Result<Self, StoreError> {
        let open = |way: &str| -> Result<Connection, StoreError> {
            let db = if way == "immutable" {
                let path = file.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
                let db = Connection::open_with_flags(format!("file:{path}?immutable=1"), flags)?;
                seal::unlock(&db, file, passphrase)?;
                db
            } else {
                let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
                db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
                db.busy_timeout(Duration::from_secs(5))?;
                seal::unlock(&db, file, passphrase)?;
                db.execute_batch(way)?;
                db
            };
            db.pragma_update(None, "query_only", true)?;
            let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            if usize::try_from(version).ok() != Some(schema::STEPS.len()) {
                return Err(StoreError::Failed(
                    "the session database is of another version (stop the offrecord that is running on it)".into(),
                ));
            }
            Ok(db)
        };
        let mut last = StoreError::Failed(format!("{} cannot be read", file.display()));
        for way in ways {
            match open(way) {
                Ok(db) => {
                    return Ok(Self {
                        inner: Arc::new(Inner {
                            db: Mutex::new(db),
                            file: file.to_owned(),
                            lock: None,
                            passphrase: passphrase.cloned(),
                        }),
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Writes the address into the lock file, so that a second start can name it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn announce(&self, url: &str) -> Result<(), StoreError> {
        match &self.inner.lock {
            Some(lock) => lock.write(Some(url)).map_err(|e| file_failed("write", &self.inner.file, &e)),
            None => Ok(()),
        }
    }

    /// The folder of this store.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.inner.file.parent().unwrap_or(Path::new("."))
    }

    /// Moves all that is in the write-ahead log into the database file; called before the program ends.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        Ok(self.db().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    /// The connection. A panic elsewhere leaves no half transaction (rusqlite rolls back on drop), so the lock is
    /// taken over.
    fn db(&self) -> MutexGuard<'_, Connection> {
        self.inner.db.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Runs `work` in one transaction: all of it is on disk when this returns `Ok`, none of it after an error.
    fn transaction<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut db = self.db();
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }
}

/// Creates an empty file for this user alone, if it is not there. SQLite gives `-wal` and `-shm` the same mode.
pub(crate) fn private_file(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|e| file_failed("create", path, &e))
}

fn open_database(file: &Path, passphrase: Option<&Passphrase>) -> Result<Connection, StoreError> {
    seal::agree(file, passphrase)?;
    private_file(file)?;
    let mut db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Until the check has passed, closing must not write into a file that may be damaged.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.busy_timeout(Duration::from_secs(5))?;
    seal::unlock(&db, file, passphrase)?;
    if passphrase.is_some() && !seal::marker(file).exists() {
        // It opened, so it is sealed: a copy that came here without its marker.
        seal::mark(file)?;
    }
    if let Some(what) = damage(&db) {
        return Err(StoreError::Damaged { file: file.to_owned(), what });
    }
    // Deleted text is overwritten with zeros, and nothing spills into temporary files.
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;",
    )?;
    schema::migrate(&mut db, file, passphrase, schema::STEPS)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    // The new file's name must survive a power cut as well as its content.
    if let Some(folder) = file.parent() {
        let _ = std::fs::File::open(folder).and_then(|f| f.sync_all());
    }
    Ok(db)
}

/// What is wrong with the file, if anything. Sessions are small: the whole check takes milliseconds.
fn damage(db: &Connection) -> Option<String> {
    match db.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0)) {
        Ok(answer) if answer == "ok" => None,
        Ok(answer) => Some(answer),
        Err(error) => match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => Some(error.to_string()),
            // Not readable for another reason: the next statement reports it in its own words.
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests;

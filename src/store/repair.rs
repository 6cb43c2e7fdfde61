//! Saving what can be read of a damaged database. The original is copied aside first and never written to.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::error::file_failed;
use super::lock::Lock;
use super::seal::{Passphrase, unlock};
use super::{DATABASE, Store, StoreError, damage, open_database, private_file, schema};

/// What a repair did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repaired {
    /// The database is whole; nothing was done.
    Whole,
    /// A new database holds what could be read.
    Saved {
        /// Sessions in the new database.
        sessions: usize,
        /// Sessions that were cut at a gap between their turns (turns lost at the very end leave no trace).
        cut: u32,
        /// Where the damaged original is kept.
        original: PathBuf,
    },
}

/// Tables in an order in which each row finds what it refers to, with the columns that order it.
const TABLES: [(&str, &str); 8] = [
    ("session", "rowid"),
    ("turn", "session, seq"),
    ("note", "session, seq"),
    ("remark", "session, seq"),
    ("hint", "session, n"),
    ("scorecard", "session, n"),
    ("recording", "session, turn"),
    ("recording_piece", "session, turn, n"),
];

impl Store {
    /// Repairs the database in `folder`: keeps the damaged original beside it and puts what can be read into a new one.
    /// Of each session the turns up to the first gap are kept, so that no answer stands without its question.
    ///
    /// # Errors
    /// [`StoreError::Running`] when a process uses the folder; when the disk refuses.
    pub fn repair(folder: &Path, passphrase: Option<&Passphrase>) -> Result<Repaired, StoreError> {
        let _lock = Lock::take(folder)?;
        let file = folder.join(DATABASE);
        match open_database(&file, passphrase) {
            Ok(_) => return Ok(Repaired::Whole),
            Err(StoreError::Damaged { .. }) => {}
            Err(other) => return Err(other),
        }
        let original = keep(&file)?;
        let new = folder.join(format!("{DATABASE}.repair"));
        for leftover in [new.clone(), with_ending(&new, "-wal"), with_ending(&new, "-shm")] {
            remove(&leftover)?;
        }
        private_file(&new)?;
        salvage(&original, &new, passphrase)?;
        let (sessions, cut) = tidy(&new, passphrase)?;
        for ending in ["-wal", "-shm"] {
            remove(&with_ending(&file, ending))?;
        }
        fs::rename(&new, &file).map_err(|e| file_failed("replace", &file, &e))?;
        Ok(Repaired::Saved { sessions, cut, original })
    }
}

/// Copies the damaged file and its log aside, under the first free name.
fn keep(file: &Path) -> Result<PathBuf, StoreError> {
    let free = |n: &u32| !with_ending(file, &format!(".damaged-{n}")).exists();
    let n = (1..).find(free).expect("numbers do not end. This is a bug.");
    let copy = with_ending(file, &format!(".damaged-{n}"));
    for ending in ["", "-wal"] {
        let (from, to) = (with_ending(file, ending), with_ending(&copy, ending));
        if from.exists() {
            private_file(&to)?;
            fs::copy(&from, &to)
                .and_then(|_| fs::File::open(&to)?.sync_all())
                .map_err(|e| file_failed("copy the damaged database to", &to, &e))?;
        }
    }
    Ok(copy)
}

/// Copies every row that can be read from `damaged` into a new database at `new`.
fn salvage(damaged: &Path, new: &Path, passphrase: Option<&Passphrase>) -> Result<(), StoreError> {
    let mut target = Connection::open_with_flags(new, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    unlock(&target, new, passphrase)?;
    let source = Connection::open_with_flags(damaged, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    unlock(&source, damaged, passphrase)?;
    source.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let version: i64 = source.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap_or(0);
    let steps = usize::try_from(version).ok().filter(|n| (1..=schema::STEPS.len()).contains(n));
    let steps = steps.unwrap_or(schema::STEPS.len());
    schema::migrate(&mut target, new, passphrase, &schema::STEPS[..steps])?;
    target.execute_batch("PRAGMA foreign_keys = OFF; BEGIN")?;
    for (table, order) in TABLES {
        // From both ends: a damaged page in the middle stops a scan, but not the one that comes from the other side.
        let whole = copy_rows(&source, &target, table, order);
        if !whole {
            let backwards = order.replace(", ", " DESC, ") + " DESC";
            copy_rows(&source, &target, table, &backwards);
        }
    }
    target.execute_batch("COMMIT")?;
    schema::migrate(&mut target, new, passphrase, schema::STEPS)?;
    Ok(())
}

/// Whether all rows of the table could be read.
fn copy_rows(source: &Connection, target: &Connection, table: &str, order: &str) -> bool {
    let copy = || -> rusqlite::Result<()> {
        let mut read = source.prepare(&format!("SELECT * FROM {table} ORDER BY {order}"))?;
        let columns = read.column_count();
        let marks = vec!["?"; columns].join(", ");
        let mut write = target.prepare(&format!("INSERT OR IGNORE INTO {table} VALUES ({marks})"))?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            let values: Vec<Value> = (0..columns).map(|at| row.get(at)).collect::<rusqlite::Result<_>>()?;
            // A row that breaks a rule of the schema is damaged itself.
            let _ = write.execute(params_from_iter(values));
        }
        Ok(())
    };
    copy().is_ok()
}

/// Cuts sessions at their first gap and drops those of which nothing is left; gives how many stay and how many were cut.
fn tidy(new: &Path, passphrase: Option<&Passphrase>) -> Result<(usize, u32), StoreError> {
    let db = Connection::open_with_flags(new, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    unlock(&db, new, passphrase)?;
    db.execute_batch("PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON")?;
    let beyond_gap =
        "FROM turn AS later WHERE seq > (SELECT min(seq) FROM turn AS last WHERE last.session = later.session
        AND NOT EXISTS (SELECT 1 FROM turn AS next WHERE next.session = last.session AND next.seq = last.seq + 1))";
    let gaps: u32 = db.query_row(&format!("SELECT count(DISTINCT session) {beyond_gap}"), [], |row| row.get(0))?;
    db.execute(&format!("DELETE {beyond_gap}"), [])?;
    db.execute_batch(
        "DELETE FROM session WHERE id NOT IN (SELECT session FROM turn WHERE seq = 0);
         DELETE FROM turn WHERE session NOT IN (SELECT id FROM session);
         DELETE FROM note WHERE (session, seq) NOT IN (SELECT session, seq FROM turn);
         DELETE FROM remark WHERE (session, seq) NOT IN (SELECT session, seq FROM turn);
         DELETE FROM hint WHERE (session, seq) NOT IN (SELECT session, seq FROM turn);
         DELETE FROM scorecard WHERE session NOT IN (SELECT id FROM session);
         DELETE FROM recording WHERE (session, turn) NOT IN (SELECT session, seq FROM turn);
         DELETE FROM recording WHERE bytes IS NOT (SELECT sum(length(piece.bytes)) FROM recording_piece AS piece
             WHERE piece.session = recording.session AND piece.turn = recording.turn);
         DELETE FROM recording_piece WHERE (session, turn) NOT IN (SELECT session, turn FROM recording);",
    )?;
    let ids: Vec<String> = {
        let mut statement = db.prepare("SELECT id FROM session")?;
        statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?
    };
    let mut sessions = 0;
    for id in ids {
        // What does not read back as a session would only fail later.
        match super::record::read(&db, &id) {
            Ok(Some(_)) => sessions += 1,
            _ => drop(db.execute("DELETE FROM session WHERE id = ?1", [&id])?),
        }
    }
    if let Some(what) = damage(&db) {
        return Err(StoreError::Failed(format!("the repair itself failed ({what}); the damaged original is kept")));
    }
    Ok((sessions, gaps))
}

fn with_ending(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn remove(file: &Path) -> Result<(), StoreError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(file_failed("remove", file, &error)),
        _ => Ok(()),
    }
}

//! Turning encryption on or off, and changing the passphrase: always a whole new file that takes the old one's place.
//!
//! Whatever stops it, and whenever, leaves the old database or the new one under the name, never neither: the new file is
//! written, synced and read back first, and one rename decides. What a stop leaves of it is overwritten at the next
//! start. SQLCipher's own `rekey` changes pages in place, which a stop could catch in the middle.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, params};

use super::erase::{beside, overwrite, overwrite_and_delete};
use super::error::file_failed;
use super::lock::Lock;
use super::seal::{self, AtRest, Passphrase, marker};
use super::{DATABASE, Store, StoreError, damage, open_database, private_file};

impl Store {
    /// Rewrites the database in `folder`, which opens with `from`, so that it opens with `to`; none = not encrypted.
    /// Backups of older versions are overwritten and removed: they would still open as before.
    ///
    /// # Errors
    /// As [`Store::open_with`]; when a damaged copy from a repair lies there; when the disk refuses. The database is then
    /// as it was.
    pub fn reseal(folder: &Path, from: Option<&Passphrase>, to: Option<&Passphrase>) -> Result<(), StoreError> {
        let file = folder.join(DATABASE);
        seal::has_cipher(&file)?;
        let _lock = Lock::take(folder)?;
        clear(&file)?;
        match seal::state(&file) {
            AtRest::Nothing | AtRest::NothingSealed => return nothing_yet(&file, to),
            AtRest::Plain if from.is_some() => return Err(StoreError::NotSealed { file }),
            _ => {}
        }
        if let Some(copy) = beside(&file, "")?.iter().find(|copy| copy.to_string_lossy().contains(".damaged-")) {
            return Err(StoreError::Failed(format!(
                "{} was kept by a repair and would stay as it is (move it out of the folder or delete it, then try again)",
                copy.display()
            )));
        }
        let turned = turned(&file);
        let before = write_new(&file, &turned, from, to)?;
        read_back(&turned, to, &before)?;
        for backup in beside(&file, ".backup")? {
            overwrite_and_delete(&backup)?;
        }
        if to.is_some() {
            seal::mark(&file)?;
        }
        sync_folder(&file);
        // Still open when the name is taken over: its bytes can then be overwritten.
        let mut old = OpenOptions::new().write(true).open(&file).map_err(|e| file_failed("open", &file, &e))?;
        fs::rename(&turned, &file).map_err(|e| file_failed("replace", &file, &e))?;
        sync_folder(&file);
        if to.is_none() {
            overwrite_and_delete(&marker(&file))?;
        }
        overwrite(&mut old).map_err(|e| file_failed("overwrite the former", &file, &e))
    }
}

/// Without sessions there is only the decision for those to come.
fn nothing_yet(file: &Path, to: Option<&Passphrase>) -> Result<(), StoreError> {
    match to {
        Some(_) => open_database(file, to).map(drop),
        None => overwrite_and_delete(&marker(file)),
    }
}

/// Where the new file grows.
fn turned(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".turning");
    PathBuf::from(name)
}

/// Overwrites what an interrupted run left.
pub(super) fn clear(file: &Path) -> Result<(), StoreError> {
    let begins = turned(file);
    let begins = begins.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for left in beside(file, "")? {
        if left.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&begins)) {
            overwrite_and_delete(&left)?;
        }
    }
    Ok(())
}

/// How many rows each table has.
type Counts = Vec<(String, i64)>;

/// Copies everything into `new`, and closes the old database with its log moved into it.
fn write_new(
    file: &Path,
    new: &Path,
    from: Option<&Passphrase>,
    to: Option<&Passphrase>,
) -> Result<Counts, StoreError> {
    let db = open_database(file, from)?;
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    private_file(new)?;
    let key = to.map_or("", Passphrase::reveal);
    db.execute("ATTACH DATABASE ?1 AS turned KEY ?2", params![new.to_string_lossy(), key])?;
    // The new file is worth nothing until it is whole: no journal of its own.
    db.query_row("PRAGMA turned.journal_mode = MEMORY", [], |_| Ok(()))?;
    db.query_row("SELECT sqlcipher_export('turned')", [], |_| Ok(()))?;
    for pragma in ["user_version", "application_id"] {
        let value: i64 = db.query_row(&format!("PRAGMA main.{pragma}"), [], |row| row.get(0))?;
        db.pragma_update(Some("turned"), pragma, value)?;
    }
    let before = counts(&db)?;
    db.execute_batch("DETACH DATABASE turned")?;
    db.close().map_err(|(_, error)| error)?;
    File::open(new).and_then(|opened| opened.sync_all()).map_err(|e| file_failed("sync", new, &e))?;
    Ok(before)
}

/// Whether the new file holds all of it.
fn read_back(new: &Path, to: Option<&Passphrase>, before: &Counts) -> Result<(), StoreError> {
    let db = Connection::open_with_flags(new, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    seal::unlock(&db, new, to)?;
    let what = damage(&db).or_else(|| match counts(&db) {
        Ok(found) if found == *before => None,
        Ok(_) => Some("rows are missing".to_owned()),
        Err(error) => Some(error.to_string()),
    });
    what.map_or(Ok(()), |what| {
        Err(StoreError::Failed(format!("the new file cannot be read back ({what}); the old one is as it was")))
    })
}

fn counts(db: &Connection) -> Result<Counts, StoreError> {
    let mut tables = db.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let names: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let count = |name: String| {
        let rows = db.query_row(&format!("SELECT count(*) FROM main.\"{name}\""), [], |row| row.get(0))?;
        Ok((name, rows))
    };
    names.into_iter().map(count).collect()
}

/// A name must survive a power cut as well as its content.
fn sync_folder(file: &Path) {
    if let Some(folder) = file.parent() {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

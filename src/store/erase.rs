//! Forgetting: what is deleted is overwritten, also in the write-ahead log and in backups of older versions.
//!
//! What the disk itself keeps (journals, worn flash cells, snapshots) is beyond a program's reach; encrypt the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::file_failed;
use super::lock::Lock;
use super::seal::marker;
use super::{Store, StoreError, open_database};

impl Store {
    /// Deletes a session with all that hangs on it; `false` when there is none. Backups of older versions, which
    /// hold it too, go as well.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove(&self, id: &str) -> Result<bool, StoreError> {
        let gone = self.transaction(|db| Ok(db.execute("DELETE FROM session WHERE id = ?1", [id])? > 0))?;
        if gone {
            self.leave_no_trace()?;
        }
        Ok(gone)
    }

    /// Overwrites what was deleted, in the file, in its log and in backups of older versions.
    pub(super) fn leave_no_trace(&self) -> Result<(), StoreError> {
        let db = self.db();
        // The log still holds the old pages: move it into the file (where they are zero), then cut it to nothing.
        db.execute_batch("VACUUM")?;
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        for file in beside(&self.inner.file, ".backup")? {
            overwrite_and_delete(&file)?;
        }
        Ok(())
    }

    /// Deletes all sessions: every database file, log, backup and damaged copy in the folder is overwritten and
    /// removed, and an empty database takes their place: an encrypted one where they were.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn wipe(&self) -> Result<(), StoreError> {
        let mut db = self.db();
        let empty = Connection::open_in_memory()?;
        std::mem::replace(&mut *db, empty).close().map_err(|(_, error)| error)?;
        for file in all_but_the_marker(&self.inner.file)? {
            overwrite_and_delete(&file)?;
        }
        *db = open_database(&self.inner.file, self.inner.passphrase.as_ref())?;
        Ok(())
    }

    /// The same for a folder whose database may not open: damaged, written by a newer version, or with a passphrase that
    /// is forgotten. Where sessions were encrypted, the next ones are to be as well.
    ///
    /// # Errors
    /// [`StoreError::Running`] when a process uses it; when the disk refuses.
    pub fn wipe_folder(folder: &Path) -> Result<(), StoreError> {
        let _lock = Lock::take(folder)?;
        for file in all_but_the_marker(&folder.join(super::DATABASE))? {
            overwrite_and_delete(&file)?;
        }
        Ok(())
    }

    /// Copies of damaged databases that a repair kept. They may hold deleted sessions; [`Store::wipe`] removes them.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn damaged_copies(&self) -> Result<Vec<PathBuf>, StoreError> {
        let mut copies = beside(&self.inner.file, "")?;
        copies.retain(|file| file.to_string_lossy().contains(".damaged-"));
        Ok(copies)
    }
}

fn all_but_the_marker(file: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let marker = marker(file);
    let mut files = beside(file, "")?;
    files.retain(|found| *found != marker);
    Ok(files)
}

/// The files of a database: those whose name begins with its name and ends with `ending`.
pub(super) fn beside(file: &Path, ending: &str) -> Result<Vec<PathBuf>, StoreError> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).map_err(|e| file_failed("read the folder", folder, &e))?;
    let ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(super::DATABASE) && name.ends_with(ending)
    };
    Ok(entries.filter_map(|entry| entry.ok().map(|e| e.path())).filter(ours).collect())
}

/// Fills a file with zeros, syncs it, and removes it.
pub(super) fn overwrite_and_delete(path: &Path) -> Result<(), StoreError> {
    let zero = || -> io::Result<()> {
        overwrite(&mut OpenOptions::new().write(true).open(path)?)?;
        fs::remove_file(path)
    };
    match zero() {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file_failed("delete", path, &error)),
        _ => Ok(()),
    }
}

/// Fills an open file with zeros and syncs it.
pub(super) fn overwrite(file: &mut File) -> io::Result<()> {
    let mut left = file.metadata()?.len();
    let zeros = [0_u8; 64 * 1024];
    while left > 0 {
        let piece = left.min(zeros.len() as u64);
        file.write_all(&zeros[..usize::try_from(piece).unwrap_or(zeros.len())])?;
        left -= piece;
    }
    file.sync_all()
}

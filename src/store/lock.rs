//! One process per data folder: a lock file that says who holds it and where it serves.
//!
//! The operating system drops the lock with the process, so a crash leaves a stale file but never a stale lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::error::{StoreError, file_failed};

/// File name in the data folder.
pub(super) const FILE: &str = "offrecord.lock";

/// What the holder writes into the file.
#[derive(Clone, Debug, Serialize, Deserialize, Default, PartialEq, Eq)]
pub struct Holder {
    /// Its process id (0 when it did not say).
    pub pid: u32,
    /// Where it serves; none for a terminal interview or a command.
    #[serde(default)]
    pub url: Option<String>,
}

/// Who holds the folder's lock, if anyone. Looks only: makes no file, and lets go at once of a lock it could take.
#[must_use]
pub fn holder(folder: &Path) -> Option<Holder> {
    let file = OpenOptions::new().read(true).write(true).open(folder.join(FILE)).ok()?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let _ = file.take(4096).read_to_string(&mut text);
            Some(serde_json::from_str(&text).unwrap_or_default())
        }
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// A held lock; dropping it lets the next one in.
pub(super) struct Lock {
    file: Mutex<File>,
}

impl Lock {
    /// Takes the lock or says who has it.
    pub(super) fn take(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|e| file_failed("open", &path, &e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = file.take(4096).read_to_string(&mut text);
                let holder: Holder = serde_json::from_str(&text).unwrap_or_default();
                let url = holder.url.unwrap_or_else(|| "not serving (a terminal interview or a command)".to_owned());
                return Err(StoreError::Running { pid: holder.pid, url });
            }
            Err(TryLockError::Error(error)) => return Err(file_failed("lock", &path, &error)),
        }
        let lock = Self { file: Mutex::new(file) };
        lock.write(None).map_err(|e| file_failed("write", &path, &e))?;
        Ok(lock)
    }

    /// Writes who holds the lock, and where it serves.
    pub(super) fn write(&self, url: Option<&str>) -> std::io::Result<()> {
        let holder = Holder { pid: std::process::id(), url: url.map(str::to_owned) };
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(serde_json::to_string(&holder)?.as_bytes())
    }
}

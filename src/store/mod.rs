//! To be built.

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The sessions of one data folder. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    folder: Arc<PathBuf>,
}

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
    /// Anything else, with what to do.
    #[error("{0}")]
    Failed(String),
}

impl Store {
    /// Opens (and creates, locks, migrates) the store in `folder`. The lock lasts as long as the store.
    ///
    /// # Errors
    /// [`StoreError::Running`] when another process has it; else what is wrong and what to do.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Ok(Self { folder: Arc::new(folder.to_owned()) })
    }

    /// Writes the address into the lock file, so that a second start can name it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn announce(&self, _url: &str) -> Result<(), StoreError> {
        let _ = &self.folder;
        Ok(())
    }
}

//! What a pull tells while it works, and how it is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

/// One report. As JSON: `{"status":"downloading","total":..,"completed":..}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Progress {
    /// A source is being asked.
    Trying {
        /// Which.
        source: String,
    },
    /// A source failed; the next one is tried.
    SourceFailed {
        /// Which.
        source: String,
        /// Why.
        reason: String,
    },
    /// The digest that the hub names for a file that the catalogue does not pin: shown before the first byte.
    Pinned {
        /// The digest.
        sha256: String,
    },
    /// Bytes of the whole model. `completed` never goes down within a pull.
    Downloading {
        /// Bytes of the file.
        total: u64,
        /// Bytes that are here.
        completed: u64,
    },
    /// A file that is here already is being read.
    Verifying {
        /// Bytes of the file.
        total: u64,
        /// Bytes read.
        completed: u64,
    },
    /// The model is installed.
    Success {
        /// Its digest.
        sha256: String,
    },
}

/// A switch that stops a pull from another thread within a quarter of a second.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Stops the pull.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether someone did.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

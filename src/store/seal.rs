//! Encryption at rest: what state a database file is in, and the passphrase that opens it.
//!
//! SQLCipher does the encrypting (feature `encrypt`). A sealed file begins with random bytes, as a damaged one might, so a
//! marker beside it says which it is. The file itself has the last word: one that begins like SQLite is plain.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::file_failed;
use super::{StoreError, private_file};

/// How an unsealed database begins.
const PLAIN: &[u8; 16] = b"SQLite format 3\0";
const MARKER_TEXT: &str = "The sessions in offrecord.db are encrypted with SQLCipher. Keep this file beside it.\n";
/// Most bytes of a passphrase.
const MOST_BYTES: usize = 1024;

/// What opens a sealed database. Never printed, logged or stored.
#[derive(Clone)]
pub struct Passphrase(String);

impl Passphrase {
    /// Takes what a person chose.
    ///
    /// # Errors
    /// When it is empty, longer than 1,024 bytes, or holds control characters.
    pub fn new(text: &str) -> Result<Self, StoreError> {
        if text.is_empty() {
            return Err(StoreError::BadPassphrase("it is empty"));
        }
        if text.len() > MOST_BYTES {
            return Err(StoreError::BadPassphrase("it has more than 1,024 bytes"));
        }
        if text.chars().any(char::is_control) {
            return Err(StoreError::BadPassphrase("it holds control characters"));
        }
        Ok(Self(text.to_owned()))
    }

    /// For the one statement that needs it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Passphrase(..)")
    }
}

/// How the sessions of a folder are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtRest {
    /// There are none yet; they will be as the first start says.
    Nothing,
    /// There are none yet, and those to come are to be sealed: a sealed folder was wiped.
    NothingSealed,
    /// As they are.
    Plain,
    /// Encrypted.
    Sealed,
    /// Neither: damaged.
    Unreadable,
}

impl AtRest {
    /// Whether a passphrase is needed.
    #[must_use]
    pub fn is_sealed(self) -> bool {
        matches!(self, Self::Sealed | Self::NothingSealed)
    }
}

/// How the sessions in `folder` are kept. Looks only.
#[must_use]
pub fn at_rest(folder: &Path) -> AtRest {
    state(&folder.join(super::DATABASE))
}

pub(super) fn state(file: &Path) -> AtRest {
    let marked = marker(file).exists();
    let mut start = Vec::new();
    let read = File::open(file).and_then(|opened| opened.take(16).read_to_end(&mut start));
    match (read, marked) {
        (Err(_) | Ok(0), true) => AtRest::NothingSealed,
        (Err(_) | Ok(0), false) => AtRest::Nothing,
        _ if start == PLAIN => AtRest::Plain,
        (_, true) => AtRest::Sealed,
        (_, false) => AtRest::Unreadable,
    }
}

/// The file whose presence says that the database is sealed.
pub(super) fn marker(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sealed");
    PathBuf::from(name)
}

/// Makes the marker, synced.
pub(super) fn mark(file: &Path) -> Result<(), StoreError> {
    let marker = marker(file);
    private_file(&marker)?;
    fs::write(&marker, MARKER_TEXT)
        .and_then(|()| File::open(&marker)?.sync_all())
        .map_err(|error| file_failed("write", &marker, &error))
}

/// Whether what was found and what was given go together; whether to seal.
pub(super) fn agree(file: &Path, passphrase: Option<&Passphrase>) -> Result<(), StoreError> {
    let (state, file) = (state(file), file.to_owned());
    match (state, passphrase) {
        (AtRest::Sealed | AtRest::NothingSealed, _) | (_, Some(_)) if !cfg!(feature = "encrypt") => {
            Err(StoreError::NoCipher { file, sealed: state.is_sealed() })
        }
        (AtRest::Sealed | AtRest::NothingSealed, None) => Err(StoreError::Locked { file }),
        (AtRest::Plain, Some(_)) => Err(StoreError::NotSealed { file }),
        (AtRest::Nothing, Some(_)) => mark(&file),
        _ => Ok(()),
    }
}

/// Gives a fresh connection its key, and finds out whether it fits.
pub(super) fn unlock(db: &Connection, file: &Path, passphrase: Option<&Passphrase>) -> Result<(), StoreError> {
    let Some(passphrase) = passphrase else { return Ok(()) };
    // Refusals are told in our own words.
    db.pragma_update(None, "cipher_log_level", "NONE").ok();
    db.pragma_update(None, "key", passphrase.reveal())?;
    match db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())) {
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            Err(StoreError::WrongPassphrase { file: file.to_owned() })
        }
        other => Ok(other?),
    }
}

/// Whether this program can seal at all: a build without the cipher would take a key and ignore it.
pub(super) fn has_cipher(file: &Path) -> Result<(), StoreError> {
    if cfg!(feature = "encrypt") {
        return Ok(());
    }
    Err(StoreError::NoCipher { file: file.to_owned(), sealed: state(file).is_sealed() })
}

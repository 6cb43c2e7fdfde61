//! Exit codes, as promised to scripts, and an error that carries one. Known to every room that a command can fail in.

/// Anything without a code of its own.
pub const FAILURE: u8 = 1;
/// A flag or argument is wrong.
pub const USAGE: u8 = 2;
/// No such model, session or file.
pub const NOT_FOUND: u8 = 3;
/// A checksum or signature does not match.
pub const VERIFICATION: u8 = 4;
/// Not enough memory or disk.
pub const RESOURCES: u8 = 5;
/// The passphrase of encrypted sessions is missing or wrong.
pub const LOCKED: u8 = 6;
/// A benchmark threshold was missed.
pub const THRESHOLD: u8 = 100;
/// Ctrl+C.
pub const INTERRUPTED: u8 = 130;

/// An error with an exit code: return it (as `anyhow::Error`) from a verb to choose the code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Exit {
    /// One of the codes above.
    pub code: u8,
    /// What, why, and what to do next.
    pub message: String,
}

impl Exit {
    /// An error with this code and message.
    #[must_use]
    #[expect(clippy::new_ret_no_self, reason = "it is only ever returned as an anyhow::Error")]
    pub fn new(code: u8, message: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self { code, message: message.into() })
    }
}

//! An engine on another machine, or in another program on this one: any server that speaks OpenAI's interface words and
//! judges in place of a loaded model.
//!
//! It serves the same queue as a model in memory, so that interviews, grades and benchmarks work unchanged. Off unless a
//! person names an address; [`connection`] is the only file that opens a connection, to that address and no other. Knows
//! no interviews, no files of ours and no flags.

mod abilities;
pub mod address;
mod choices;
mod connection;
mod frames;
mod key;
mod server;
mod shape;
mod stops;
mod words;

use std::time::Duration;

pub use abilities::Abilities;
pub use address::{Address, RemoteError};
pub use key::Key;
pub use server::{Connected, connect};

/// Requests in flight to one server if nobody says otherwise: servers batch them.
pub const TOGETHER: usize = 4;

/// Where the server is, and how patient to be.
#[derive(Clone, Debug)]
pub struct Settings {
    /// As a person wrote it: `http://HOST:PORT`, `https://HOST/PATH`, with or without `/v1`; `#MODEL` at its end names
    /// the model.
    pub url: String,
    /// Sent as a bearer token, if there is one.
    pub key: Option<Key>,
    /// Tries for one request.
    pub tries: u32,
    /// Pause before the second try; doubled each time, unless the server says how long.
    pub pause: Duration,
    /// Longest silence, before an answer and within it.
    pub patience: Duration,
    /// Longest time for a whole answer.
    pub longest: Duration,
    /// Requests in flight.
    pub together: usize,
}

impl Settings {
    /// For an address, with the usual patience.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            key: None,
            tries: 5,
            pause: Duration::from_millis(500),
            patience: Duration::from_secs(120),
            longest: Duration::from_secs(600),
            together: TOGETHER,
        }
    }
}

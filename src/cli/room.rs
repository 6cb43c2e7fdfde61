//! Opening the desk for a command, and what its errors mean to a shell.

use std::sync::Arc;

use super::{install, passphrase};
use crate::config::Global;
use crate::content::Content;
use crate::engine::Engine;
use crate::exit::{self, Exit};
use crate::interview::clock::Clock;
use crate::interview::desk::Desk;
use crate::interview::session::SessionError;
use crate::store::{Store, StoreError};

/// A desk that holds the data folder; no other process may have it.
///
/// # Errors
/// [`Exit`] with 1 when another process has it, 4 when the database is damaged, 5 when the disk is full, 6 when it is
/// encrypted and the passphrase is missing or wrong.
pub fn open(global: &Global) -> anyhow::Result<Desk> {
    Ok(at(open_store(global)?, None))
}

fn open_store(global: &Global) -> anyhow::Result<Store> {
    let folder = global.dirs()?.data;
    let passphrase = passphrase::of(global, &folder)?;
    Store::open_with(&folder, passphrase).map_err(store_exit)
}

/// A desk for reading, also beside a running server.
///
/// # Errors
/// As [`open`], but another process is not in the way.
pub fn open_for_reading(global: &Global) -> anyhow::Result<Desk> {
    let folder = global.dirs()?.data;
    let store = Store::open_for_reading(&folder, passphrase::of(global, &folder)?);
    Ok(at(store.map_err(store_exit)?, None))
}

/// A desk at which an interview can be held.
///
/// # Errors
/// As [`open`], and whatever keeps the model from loading.
pub async fn open_with_engine(global: &Global) -> anyhow::Result<Desk> {
    // The folder first: that another one is running is known at once, a model takes seconds.
    let store = open_store(global)?;
    if install::choose(global).await?.is_none() {
        return Err(session_exit(SessionError::NoModel));
    }
    Ok(at(store, Some(crate::catalogue::open_engine(global).await?)))
}

fn at(store: Store, engine: Option<Engine>) -> Desk {
    Desk::open(store, Arc::new(Content::built_in()), engine, Clock::system())
}

/// The exit code of a store that did not open.
#[must_use]
pub fn store_exit(error: StoreError) -> anyhow::Error {
    let code = match error {
        StoreError::Running { .. } | StoreError::Newer { .. } | StoreError::NoCipher { .. } | StoreError::Failed(_) => {
            exit::FAILURE
        }
        StoreError::NotSealed { .. } | StoreError::BadPassphrase(_) => exit::USAGE,
        StoreError::Locked { .. } | StoreError::WrongPassphrase { .. } => exit::LOCKED,
        StoreError::Damaged { .. } => exit::VERIFICATION,
        StoreError::Full => exit::RESOURCES,
    };
    Exit::new(code, error.to_string())
}

/// The exit code of a refused request.
#[must_use]
pub fn session_exit(error: SessionError) -> anyhow::Error {
    let code = match error {
        SessionError::UnknownSession(_)
        | SessionError::UnknownScorecard { .. }
        | SessionError::UnknownProblem(_)
        | SessionError::NoModel => exit::NOT_FOUND,
        SessionError::Store(ref why) if *why == StoreError::Full.to_string() => exit::RESOURCES,
        SessionError::Invalid(_) | SessionError::TooLong { .. } => exit::USAGE,
        _ => exit::FAILURE,
    };
    Exit::new(code, error.to_string())
}

/// The full id of the session whose id is, begins with or ends with `part`.
///
/// # Errors
/// [`Exit`] with 3 when there is none, 2 when there are several.
pub fn find(desk: &Desk, part: &str) -> anyhow::Result<String> {
    let all = desk.list().map_err(session_exit)?;
    let fits = |id: &str| id == part || (part.len() >= 4 && (id.starts_with(part) || id.ends_with(part)));
    let found: Vec<&str> = all.iter().map(|session| session.id.as_str()).filter(|id| fits(id)).collect();
    match found.as_slice() {
        [id] => Ok((*id).to_owned()),
        [] => Err(session_exit(SessionError::UnknownSession(part.to_owned()))),
        several => Err(Exit::new(exit::USAGE, format!("{part} fits {} sessions (give more of the id)", several.len()))),
    }
}

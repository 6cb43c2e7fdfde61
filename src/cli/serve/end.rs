//! The end: a signal, then at most five seconds. A second signal ends it at once.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::cli::{Exit, exit};
use crate::store::Store;

/// The accept loop lets open answers end for two seconds; this is the net below it.
const PATIENCE: Duration = Duration::from_secs(4);

/// Waits for Ctrl+C (an error with exit code 130) or a request to terminate.
pub(super) async fn signal() -> anyhow::Result<()> {
    let interrupted = tokio::select! {
        interrupt = tokio::signal::ctrl_c() => { interrupt?; true }
        terminate = terminate() => { terminate?; false }
    };
    tokio::spawn(async {
        let again = tokio::select! {
            interrupt = tokio::signal::ctrl_c() => interrupt,
            terminate = terminate() => terminate,
        };
        if again.is_ok() {
            // What was acknowledged is on disk already; nothing is lost by leaving now.
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
    });
    if interrupted { Err(Exit::new(exit::INTERRUPTED, "stopped; every answer is stored.")) } else { Ok(()) }
}

#[cfg(unix)]
async fn terminate() -> std::io::Result<()> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?.recv().await;
    Ok(())
}

#[cfg(not(unix))]
async fn terminate() -> std::io::Result<()> {
    std::future::pending().await
}

/// Waits for the accept loop, then moves the write-ahead log into the database.
pub(super) async fn finish(serving: JoinHandle<()>, store: &Store) {
    if tokio::time::timeout(PATIENCE, serving).await.is_err() {
        tracing::warn!("connections did not end in time");
    }
    if let Err(error) = store.checkpoint() {
        eprintln!("offrecord: {error} (nothing is lost: the next start reads the log)");
    }
}

//! The end: a signal, then at most five seconds. A second signal ends it at once.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::exit::{self, Exit};
use crate::store::Store;

/// The accept loop lets open answers end for two seconds; this is the net below it.
const PATIENCE: Duration = Duration::from_secs(4);

/// The signals that end a server. Listened to from before the link is printed: whoever read it may stop us at once.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Starts listening.
    #[cfg(unix)]
    pub(super) fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Starts listening.
    #[cfg(not(unix))]
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for Ctrl+C (an error with exit code 130) or a request to terminate. After that, a second one ends the
    /// program at once.
    pub(super) async fn first(mut self) -> anyhow::Result<()> {
        let interrupted = self.next().await?;
        tokio::spawn(async move {
            if self.next().await.is_ok() {
                // What was acknowledged is on disk already; nothing is lost by leaving now.
                std::process::exit(i32::from(exit::INTERRUPTED));
            }
        });
        if interrupted { Err(Exit::new(exit::INTERRUPTED, "stopped; every answer is stored.")) } else { Ok(()) }
    }

    /// Whether the next signal is Ctrl+C.
    #[cfg(unix)]
    async fn next(&mut self) -> std::io::Result<bool> {
        tokio::select! {
            _ = self.interrupt.recv() => Ok(true),
            _ = self.terminate.recv() => Ok(false),
        }
    }

    /// Whether the next signal is Ctrl+C.
    #[cfg(not(unix))]
    async fn next(&mut self) -> std::io::Result<bool> {
        tokio::signal::ctrl_c().await.map(|()| true)
    }
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

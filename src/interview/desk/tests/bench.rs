//! A desk for tests: fixture content, a scripted engine, clocks that stand until they are told to go.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::*;
use crate::engine::scripted;

pub(super) struct Bench {
    pub(super) store: Store,
    folder: tempfile::TempDir,
    content: Arc<Content>,
    now_ms: Arc<AtomicU64>,
}

impl Bench {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/content");
        let content = Content::from_dir(&fixtures).unwrap();
        assert_eq!(content.faults, [], "the fixtures load");
        Self { store: Store::open(folder.path()).unwrap(), folder, content: Arc::new(content), now_ms: Arc::default() }
    }

    pub(super) fn desk(&self) -> Desk {
        self.desk_with(Script::default())
    }

    pub(super) fn desk_with(&self, script: Script) -> Desk {
        self.desk_without_engine().with_engine(scripted::start(script))
    }

    pub(super) fn desk_without_engine(&self) -> Desk {
        let now_ms = Arc::clone(&self.now_ms);
        let date = || "2026-01-02T03:04:05Z".parse().unwrap();
        let clock = Clock::from_fns(move || now_ms.load(Ordering::SeqCst), date);
        Desk::open(self.store.clone(), Arc::clone(&self.content), None, clock)
    }

    /// Lets time pass.
    pub(super) fn pass(&self, time: Duration) {
        self.now_ms.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Opens the store anew, as another process would; all desks must be gone.
    pub(super) fn restart(&mut self) {
        let spare = tempfile::tempdir().unwrap();
        self.store = Store::open(spare.path()).unwrap();
        self.store = Store::open(self.folder.path()).unwrap();
    }
}

pub(super) fn new_session(round: Round) -> NewSession {
    NewSession {
        round,
        level: Level::Senior,
        problem: None,
        minutes: 15,
        mode: Mode::Realistic,
        seed: Some(7),
        resume: None,
        posting: None,
        record: false,
    }
}

/// All events of a reply.
pub(super) async fn said(mut reply: Reply) -> Vec<ReplyEvent> {
    let mut events = Vec::new();
    while let Some(event) = reply.recv().await {
        events.push(event);
    }
    events
}

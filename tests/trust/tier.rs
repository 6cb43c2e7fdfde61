//! How often each threat and fault is tried, and the record of what was tried: the only place with such numbers.
//!
//! Every suite takes its N here: the smaller in each `./check`, the larger (that of the threat table) with `FULL=1`.
//! With `OFFRECORD_TRUST_RECORD` set to a folder each test leaves a line there, from which `docs/trust.md` is made.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each suite uses a part")]

use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of tries.
#[derive(Clone, Copy, Debug)]
pub struct Tries {
    quick: usize,
    full: usize,
}

impl Tries {
    const fn of(quick: usize, full: usize) -> Self {
        Self { quick, full }
    }

    /// How many this run makes.
    pub fn n(self) -> usize {
        if is_full() { self.full } else { self.quick }
    }
}

/// Whether this run is the long one.
pub fn is_full() -> bool {
    std::env::var("FULL").is_ok_and(|value| value == "1")
}

pub const NUMBERS: Tries = Tries::of(200, 5000);
pub const IDS: Tries = Tries::of(1000, 10_000);
pub const GGUF_FLIPS: Tries = Tries::of(2000, 20_000);
pub const GGUF_STRIDE: Tries = Tries::of(7, 1);
pub const PDF_CORRUPTIONS: Tries = Tries::of(200, 2000);
pub const TOKEN_MIXES: Tries = Tries::of(200, 2000);
pub const FILE_CORRUPTIONS: Tries = Tries::of(300, 5000);
pub const KILLS: Tries = Tries::of(20, 200);
pub const WAL_CUTS: Tries = Tries::of(60, 500);
pub const WAL_GARBLES: Tries = Tries::of(20, 200);
pub const DISK_FAULTS: Tries = Tries::of(6, 50);
pub const INTERLEAVINGS: Tries = Tries::of(100, 1000);
pub const PROCESS_RACES: Tries = Tries::of(3, 10);
pub const CLIENT_GONE: Tries = Tries::of(4, 20);
pub const SLOW_SOCKETS: Tries = Tries::of(30, 300);
pub const SESSIONS_AT_ONCE: Tries = Tries::of(12, 50);
pub const OVERLOAD_CLIENTS: Tries = Tries::of(60, 200);
pub const SIGNALS: Tries = Tries::of(5, 50);
pub const RESTARTED_SCRIPTS: Tries = Tries::of(2, 20);
pub const SOAK_TURNS: Tries = Tries::of(60, 300);
pub const DAMAGES: Tries = Tries::of(30, 30);
pub const RESEAL_STOPS: Tries = Tries::of(8, 1000);
pub const REAL_SESSIONS: Tries = Tries::of(3, 8);
pub const REAL_PAIRS: Tries = Tries::of(3, 15);
pub const MIDDLE_PAIRS: Tries = Tries::of(1, 6);
pub const LARGE_PAIRS: Tries = Tries::of(0, 3);
pub const BROWSER_TABS: Tries = Tries::of(3, 20);
pub const BROWSER_RELOADS: Tries = Tries::of(3, 20);
pub const SOUND_CORRUPTIONS: Tries = Tries::of(20_000, 200_000);

/// What a test tried for one row of the threat table. Written down when it is dropped, failed if the test panics.
pub struct Tally {
    row: &'static str,
    what: &'static str,
    tried: AtomicUsize,
    note: std::sync::Mutex<String>,
}

impl Tally {
    /// `row` is `T1` to `T23` or `D1` to `D20`; `what` names the inputs in a few words.
    pub fn of(row: &'static str, what: &'static str) -> Self {
        Self { row, what, tried: AtomicUsize::new(0), note: std::sync::Mutex::new(String::new()) }
    }

    /// Counts inputs that behaved.
    pub fn add(&self, inputs: usize) {
        self.tried.fetch_add(inputs, Ordering::Relaxed);
    }

    /// A figure to be told beside the count.
    pub fn note(&self, words: String) {
        *self.note.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = words;
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let Some(folder) = std::env::var_os("OFFRECORD_TRUST_RECORD") else { return };
        let failed = usize::from(std::thread::panicking());
        let tried = self.tried.load(Ordering::Relaxed) + failed;
        let tier = if is_full() { "full" } else { "quick" };
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("main").to_owned();
        let note = self.note.lock().map(|note| note.replace(['\t', '\n'], " ")).unwrap_or_default();
        let line = format!("{}\t{}\t{tried}\t{failed}\t{tier}\t{test}\t{note}\n", self.row, self.what);
        let name: String = format!("{}-{test}-{}", self.row, self.what)
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' })
            .take(200)
            .collect();
        let _ = std::fs::create_dir_all(&folder);
        let _ = std::fs::write(std::path::Path::new(&folder).join(name + ".tsv"), line);
    }
}

/// Records at the end of a test that so many inputs behaved.
pub fn tried(row: &'static str, what: &'static str, inputs: usize) {
    Tally::of(row, what).add(inputs);
}

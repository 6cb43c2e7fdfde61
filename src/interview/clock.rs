//! Where time comes from: one steady clock for interview time, one wall clock for dates. Knows no sessions.
//!
//! Interview time is counted on the steady clock, so that setting the machine's date forward or back by a year
//! changes nothing in a running interview.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

/// Both clocks of one process. Cheap to clone; tests put in their own.
#[derive(Clone)]
pub struct Clock {
    steady: Arc<dyn Fn() -> u64 + Send + Sync>,
    wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Clock {
    /// The machine's clocks.
    #[must_use]
    pub fn system() -> Self {
        let start = Instant::now();
        Self::from_fns(move || u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX), Timestamp::now)
    }

    /// Clocks of one's own: milliseconds that never go back, and the date.
    #[must_use]
    pub fn from_fns(
        steady: impl Fn() -> u64 + Send + Sync + 'static,
        wall: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self { steady: Arc::new(steady), wall: Arc::new(wall) }
    }

    /// Milliseconds since some moment of this process.
    #[must_use]
    pub fn steady_ms(&self) -> u64 {
        (self.steady)()
    }

    /// The date and time as RFC 3339, to the second.
    #[must_use]
    pub fn date(&self) -> String {
        let now = (self.wall)();
        now.round(jiff::Unit::Second).unwrap_or(now).to_string()
    }
}

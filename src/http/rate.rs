//! How many requests are taken in a while: a bucket that fills with time and is emptied by requests.
//!
//! Whoever holds a key and whoever holds none draw from different buckets, so that a stranger who knocks without end
//! keeps nobody out. The page and its programs never come near the limits; a loop gone wild does.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A bucket.
#[derive(Debug)]
pub struct Rate {
    most: f64,
    a_second: f64,
    left: Mutex<(f64, Option<Instant>)>,
}

/// The buckets of one server.
#[derive(Debug)]
pub struct Rates {
    /// Requests with a key.
    pub holders: Rate,
    /// Requests that need one and have none.
    pub strangers: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self { holders: Rate::new(2000, 200), strangers: Rate::new(1000, 10) }
    }
}

impl Rate {
    /// At most `most` at once, and `a_second` in the long run.
    #[must_use]
    pub fn new(most: u32, a_second: u32) -> Self {
        Self { most: most.into(), a_second: a_second.into(), left: Mutex::new((most.into(), None)) }
    }

    /// Takes one.
    ///
    /// # Errors
    /// Seconds to wait, when there is none.
    pub fn take(&self, now: Instant) -> Result<(), u32> {
        let mut state = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = *state;
        let passed = since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let left = (left + passed.as_secs_f64() * self.a_second).min(self.most);
        let taken = left >= 1.0;
        *state = (if taken { left - 1.0 } else { left }, Some(since.map_or(now, |since| since.max(now))));
        if taken { Ok(()) } else { Err(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_at_once_and_fills_with_time() {
        let rate = Rate::new(3, 2);
        let start = Instant::now();
        let taken = |after: u64| rate.take(start + Duration::from_millis(after)).is_ok();
        assert_eq!([taken(0), taken(0), taken(0), taken(0)], [true, true, true, false]);
        assert_eq!([taken(400), taken(500), taken(500)], [false, true, false]);
        assert!(!taken(100), "a clock that goes back gives nothing");
        assert_eq!([taken(60_000), taken(60_000), taken(60_000), taken(60_000)], [true, true, true, false]);
    }
}

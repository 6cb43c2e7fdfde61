//! Benchmarks of the program by itself: agreement with people, comparison of two runs, calibration.
//!
//! Calls the same functions as a session; a number that is printed here comes from the shipped path. Knows no store and
//! no HTTP.

pub mod calibrate;
pub mod compare;
pub mod coverage;
pub mod dataset;
pub mod drafting;
pub mod golden;
pub mod import;
pub mod interviewer;
pub mod judgements;
pub mod measure;
pub mod page;
pub mod questions;
pub mod rows;
pub mod run;
pub mod samples;
pub mod speech;
pub mod weigh;

/// A pseudo-random sequence that is the same on every machine (SplitMix64, after Steele, Lea and Flood).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// A sequence.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number under `limit`, which must not be 0.
    pub fn under(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

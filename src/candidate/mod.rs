//! Simulated candidates: scripted people at known levels who react to the kind of move. No second model is needed, so
//! anyone can measure a new local model as an interviewer.
//!
//! A [`Profile`] says how somebody answers; a [`Bank`] holds hand-written answers to one problem or competency, good
//! ones and ones with the gap in them. What was said is therefore labelled.

mod answer;
mod bank;
mod profile;

pub use answer::{Candidate, Said};
pub use bank::{Bank, banks};
pub use profile::{Profile, profiles};

//! offrecord: a local-first AI interviewer.
//!
//! Arrows point one way: [`cli`] and [`http`] use [`interview`], [`grading`] and [`bench`], which use [`engine`].
//! The program decides what happens; the model only words it or judges it. See `ARCHITECTURE.md` for the map and
//! the invariants.

#![forbid(unsafe_code)]

pub use offrecord_engine as engine;
pub use offrecord_speech as speech;

pub mod bench;
pub mod board;
pub mod candidate;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod content;
pub mod documents;
pub mod exit;
pub mod export;
pub mod grading;
pub mod http;
pub mod interview;
pub mod prompts;
pub mod spoken;
pub mod store;

#[cfg(test)]
#[path = "../tests/trust/tier.rs"]
mod tier;

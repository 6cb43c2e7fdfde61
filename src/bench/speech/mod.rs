//! Listening, measured: how many words come out wrong, and how long it takes.

pub mod errors;
pub mod noise;
pub mod words;

//! Measuring. Everything here calls the functions that a session calls.

pub mod interviewer;

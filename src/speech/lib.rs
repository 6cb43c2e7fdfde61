//! Speech to text on this machine. Knows sound, Whisper's weights and time; knows no interviews, no SQL and no HTTP.
//!
//! The face is [`Listener`]: load a model file once, then [`Listener::listen`] to samples at 16 kHz. Where nobody speaks
//! nothing is written: [`voice`] decides before Whisper is asked, and what Whisper itself doubts is left out.

#![forbid(unsafe_code)]

pub mod checkpoint;
mod chunks;
mod decoder;
mod doubt;
mod encoder;
mod greedy;
mod linear;
mod listener;
pub mod mel;
mod repeats;
pub mod resample;
mod timestamps;
mod vocabulary;
pub mod voice;
pub mod wav;
mod weights;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use listener::{Heard, ListenError, ListenOptions, Listener, Segment, Settings};
pub use wav::{Audio, WavError};

/// Samples a second, everywhere behind [`wav`].
pub const RATE: usize = 16_000;

//! On-device inference. Knows models, tokens and time; knows no interviews, no SQL and no HTTP.
//!
//! The public face is one handle, [`Engine`], with two verbs: [`Engine::generate`] words something,
//! [`Engine::choose`] judges something. Behind it one thread owns one model (`worker`); everything is
//! bounded, and a full queue is [`EngineError::Busy`], never a wait.

pub mod arena;
pub mod gguf;
mod grammar;
mod guess;
mod handle;
mod kept;
pub mod kernels;
mod load;
pub mod memory;
pub mod model;
pub mod perplexity;
pub mod prompt;
pub mod request;
mod sampling;
pub mod scripted;
pub mod speed;
pub mod template;
pub mod text;
mod timeline;
pub mod tiny;
mod worker;

pub use grammar::fulfils;
pub use handle::{Engine, Generation, Job};
pub use kept::Keep;
pub use kernels::{CacheType, Kernel, Unavailable};
pub use load::{DraftOptions, LoadError, LoadOptions, memory_needed};
pub use prompt::{Message, Prompt, Role};
pub use request::{
    Choice, ChooseRequest, Constraint, EngineError, Event, Finish, Finished, GenerateRequest, ModelInfo, Priority,
    Sampling, Scored, Usage, WeighRequest, Weighed, WeighedToken, Written,
};

#[cfg(test)]
#[path = "../../tests/trust/tier.rs"]
mod tier;

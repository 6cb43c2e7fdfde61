//! The interview: what is decided, how it is worded, and one session's flow from answer to reply.

pub mod clock;
pub mod coach;
pub mod coverage;
pub mod desk;
pub mod dice;
pub mod director;
pub mod interviewer;
pub mod note;
pub mod plan;
pub mod session;
pub mod transcript;

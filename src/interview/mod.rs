//! The interview: what is decided, how it is worded, and one session's flow from answer to reply.

pub mod clock;
pub mod desk;
pub mod session;
pub mod transcript;

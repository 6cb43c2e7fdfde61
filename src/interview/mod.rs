//! The interview: what is decided, how it is worded, and one session's flow from answer to reply.

pub mod anchor;
pub mod checks;
pub mod classify;
pub mod clock;
pub mod coach;
pub mod contradiction;
pub mod coverage;
pub mod debrief;
pub mod delivery;
pub mod desk;
pub mod dice;
pub mod director;
pub mod echo;
pub mod evidence;
pub mod facts;
pub mod free;
pub mod hints;
pub mod interviewer;
pub mod judge;
pub mod lexicon;
pub mod matching;
pub mod note;
pub mod opening;
pub mod picking;
pub mod plan;
pub mod presumed;
#[cfg(test)]
mod properties;
pub mod quality;
pub mod reading;
#[cfg(test)]
mod readings;
pub mod session;
pub mod signs;
#[cfg(test)]
mod simulation;
pub mod tailoring;
pub mod tension;
pub mod thresholds;
pub mod topic;
pub mod transcript;
pub mod way;
pub mod weighing;
pub mod wording;

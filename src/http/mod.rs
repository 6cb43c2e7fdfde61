//! The page's and programs' way in: routes named as resources, one file per resource.
//!
//! [`routes`] is the table of all addresses, [`guard`] the only gate, [`error`] the only place that knows status codes,
//! [`accept`] the loop that owns sockets. Everything about interviews is asked of the [desk](crate::interview::desk);
//! nothing here decides anything about one.

pub mod accept;
mod assets;
mod benches;
mod body;
mod check;
mod completions;
mod content;
mod documents;
pub mod error;
mod exports;
pub mod guard;
pub mod headers;
pub mod keys;
mod links;
mod model_files;
mod models;
mod panics;
pub mod rate;
mod recordings;
pub mod room;
pub mod routes;
mod scorecards;
mod sessions;
mod speech;
pub mod sse;
mod stall;
mod status;
mod turns;

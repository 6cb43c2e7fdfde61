//! Which models there are, where to get them, whether they are whole, and whether they fit.
//!
//! Connections of pulls are opened in [`sources`], and only [`pull`] calls it; `tests/promises.rs` names every file that may open
//! one. Nothing here knows interviews.

pub mod address;
mod demonstration;
mod ensure;
mod entry;
mod error;
mod fit;
pub mod found;
pub mod header;
mod import;
mod installed;
mod landing;
mod list;
mod memory;
mod name;
mod open;
mod progress;
mod pull;
pub mod report;
mod sources;
mod verify;

pub use ensure::ensure;
pub use entry::{Entry, Source};
pub use error::CatalogueError;
pub use fit::{Fit, LEAST_CONTEXT, SCRATCH, Shape, estimate, fit, human, peak, per_token};
pub use import::{Imported, Wish, import, import_as};
pub use installed::{Installed, Record, installed, locate, passed_over, remove};
pub(crate) use landing::free_disk;
pub use list::{Catalogue, wording_of};
pub use memory::Memory;
pub use name::{BadName, ModelId, Sha256};
pub use open::{Ready, is_scripted, keep, load, open_engine, ready_model, scripted_engine};
pub use progress::{Cancel, Progress};
pub use pull::{PullOptions, pull};
pub use sources::hub::HubSettings;
pub use verify::verify;

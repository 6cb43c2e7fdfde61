//! The places a model can come from. Each brings bytes to a [`super::landing::Landing`]; none decides whether they are right.

pub(super) mod cache;
pub(super) mod hub;
pub(super) mod wheels;

use super::error::CatalogueError;

/// Why a source did not deliver.
#[derive(Debug)]
pub(super) enum Failure {
    /// This source cannot; another may. Said to the user as it is.
    Source(String),
    /// No source can: stopped, disk full, a file error.
    Final(CatalogueError),
}

impl From<CatalogueError> for Failure {
    fn from(error: CatalogueError) -> Self {
        match error {
            CatalogueError::Unusable { reason, .. } => Self::Source(reason),
            other => Self::Final(other),
        }
    }
}

//! `/api/models`: what is known and installed; pull one.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::body::Named;
use super::error::ApiError;
use super::room::Room;

/// All models.
pub(super) async fn list(State(_room): State<Room>) -> Result<Json<Value>, ApiError> {
    Err(ApiError::stopping())
}

/// Downloads and verifies one, with progress.
pub(super) async fn pull(State(_room): State<Room>, Named(_id): Named<String>) -> Result<Response, ApiError> {
    Err(ApiError::stopping())
}

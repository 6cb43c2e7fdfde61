//! `POST /api/links`: a fresh one-time link. For a second `offrecord` on the same data folder, which may read the token
//! file: the person gets back in without a restart.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::error::ApiError;
use super::room::Room;

/// Makes a link that opens the page once.
pub(super) async fn create(State(room): State<Room>) -> Result<Json<Value>, ApiError> {
    let code = room.keys.new_code().map_err(|error| {
        tracing::error!("{error}");
        ApiError::internal("no-randomness")
    })?;
    Ok(Json(json!({"url": format!("{}/enter/{code}", room.url)})))
}

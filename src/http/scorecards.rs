//! `/api/sessions/{id}/scorecards`: grade a finished session, read a stored scorecard.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::body::{Named, Payload};
use super::error::ApiError;
use super::room::Room;
use super::sse;
use crate::interview::desk::GradeOptions;

/// Grades and streams each dimension as it is done. The grade goes on when the client leaves; it is in the session's
/// `scorecards` when it is done.
pub(super) async fn create(
    State(room): State<Room>,
    Named(id): Named<String>,
    Payload(options): Payload<GradeOptions>,
) -> Result<Response, ApiError> {
    // An unknown session is 404 even while the model is loading.
    room.desk().view(&id)?;
    let events = room.desk_with_model()?.grade(&id, options)?;
    Ok(sse::respond(events, room.stopping.clone()))
}

/// A stored scorecard, by number from 1.
pub(super) async fn show(
    State(room): State<Room>,
    Named((id, number)): Named<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let n = number.parse().map_err(|_| {
        ApiError::not_found(format!("Session {id} has no such scorecard."), "Scorecards are numbered from 1.")
    })?;
    Ok(Json(room.desk().scorecard(&id, n)?))
}

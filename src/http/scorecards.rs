//! `/api/sessions/{id}/scorecards`: grade a finished session, read a stored scorecard.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::body::{Named, Payload};
use super::error::ApiError;
use super::room::Room;
use super::sse;
use crate::catalogue;
use crate::config::Global;
use crate::interview::desk::{Desk, GradeOptions};

/// One model at a time is loaded beside the first: two at once would both be told that there is room.
static ONE_MODEL: Semaphore = Semaphore::const_new(1);

/// Grades and streams each dimension as it is done. The grade goes on when the client leaves; it is in the session's
/// `scorecards` when it is done.
pub(super) async fn create(
    State(room): State<Room>,
    Named(id): Named<String>,
    Payload(options): Payload<GradeOptions>,
) -> Result<Response, ApiError> {
    // An unknown session is 404 even while the model is loading.
    room.desk().view(&id)?;
    let mut desk = room.desk_with_model()?;
    let loaded = desk.judge().map(|judge| judge.info().id.clone());
    if let Some(model) = options.model.as_ref().filter(|model| Some(*model) != loaded.as_ref()) {
        desk = with_other_model(&room, desk, model).await?;
    }
    let events = desk.grade(&id, options)?;
    Ok(sse::respond(events, room.stopping.clone()))
}

/// The same desk with another installed model behind it, loaded beside the one that interviews and gone when the grade
/// is done. Interviews go on meanwhile. Where the memory does not hold both, it is refused with the sizes.
async fn with_other_model(room: &Room, desk: Desk, model: &str) -> Result<Desk, ApiError> {
    if catalogue::is_scripted() {
        // A script is no model and stands in for none.
        return Ok(desk);
    }
    let _one = ONE_MODEL.try_acquire().map_err(|_| ApiError::busy("Another model is being loaded for a grade."))?;
    let global = Global { model: Some(model.to_owned()), offline: true, force_load: false, ..room.global.clone() };
    match catalogue::open_engine(&global).await {
        Ok(engine) => Ok(desk.judged_by(engine)),
        Err(error) => Err(ApiError::other_model(model, format!("{error:#}").trim_end_matches('.'))),
    }
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

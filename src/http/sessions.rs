//! `/api/sessions`: start, list, show, hint, pause, resume, finish, remove, wipe.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::body::{Named, Payload};
use super::error::ApiError;
use super::room::Room;
use crate::interview::session::{HintView, NewSession, SessionSummary, SessionView};

/// Starts an interview.
pub(super) async fn create(
    State(room): State<Room>,
    Payload(new): Payload<NewSession>,
) -> Result<(StatusCode, Json<SessionView>), ApiError> {
    let view = room.desk_with_model()?.create(new)?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// All sessions, newest first.
pub(super) async fn list(State(room): State<Room>) -> Result<Json<Vec<SessionSummary>>, ApiError> {
    Ok(Json(room.desk().list()?))
}

/// One session, as a reload shows it.
pub(super) async fn show(State(room): State<Room>, Named(id): Named<String>) -> Result<Json<SessionView>, ApiError> {
    Ok(Json(room.desk().view(&id)?))
}

/// Takes the next hint.
pub(super) async fn hint(State(room): State<Room>, Named(id): Named<String>) -> Result<Json<HintView>, ApiError> {
    Ok(Json(room.desk_with_model()?.hint(&id)?))
}

/// Stops the clock.
pub(super) async fn pause(State(room): State<Room>, Named(id): Named<String>) -> Result<Json<SessionView>, ApiError> {
    Ok(Json(room.desk().pause(&id)?))
}

/// Lets the clock run again.
pub(super) async fn resume(State(room): State<Room>, Named(id): Named<String>) -> Result<Json<SessionView>, ApiError> {
    Ok(Json(room.desk_with_model()?.resume(&id)?))
}

/// Ends the interview.
pub(super) async fn finish(State(room): State<Room>, Named(id): Named<String>) -> Result<Json<SessionView>, ApiError> {
    Ok(Json(room.desk().finish(&id)?))
}

/// Deletes one session and its bytes.
pub(super) async fn remove(State(room): State<Room>, Named(id): Named<String>) -> Result<StatusCode, ApiError> {
    let desk = room.desk();
    off_the_loop(move || desk.remove(&id).map_err(ApiError::from)).await
}

/// Deletes all sessions and leaves no byte of them.
pub(super) async fn wipe(State(room): State<Room>) -> Result<StatusCode, ApiError> {
    let desk = room.desk();
    off_the_loop(move || desk.wipe().map_err(ApiError::from)).await
}

/// Overwriting and compacting take their time; other requests go on meanwhile.
async fn off_the_loop(work: impl FnOnce() -> Result<(), ApiError> + Send + 'static) -> Result<StatusCode, ApiError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map(|()| StatusCode::NO_CONTENT),
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

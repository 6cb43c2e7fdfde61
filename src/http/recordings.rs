//! `/api/sessions/{id}/recordings/{turn}`: the sound of an answer, where the person asked for it to be kept.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::body::{Named, Raw};
use super::error::ApiError;
use super::room::Room;
use super::speech::MOST_SECONDS;
use crate::speech::wav;

/// Keeps the recording of an answer, in place of an earlier one.
pub(super) async fn keep(
    State(room): State<Room>,
    Named((id, turn)): Named<(String, String)>,
    Raw(file): Raw,
) -> Result<StatusCode, ApiError> {
    let turn = number(&turn)?;
    let audio = wav::read(&file, MOST_SECONDS)?;
    let desk = room.desk();
    off_the_loop(move || desk.keep_recording(&id, turn, audio.milliseconds(), &file).map_err(ApiError::from)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The recording as it was sent.
pub(super) async fn show(
    State(room): State<Room>,
    Named((id, turn)): Named<(String, String)>,
) -> Result<Response, ApiError> {
    let turn = number(&turn)?;
    let desk = room.desk();
    let file = off_the_loop(move || desk.recording(&id, turn).map_err(ApiError::from)).await?;
    let file = file.ok_or_else(missing)?;
    let headers = [
        (header::CONTENT_TYPE, "audio/wav"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_DISPOSITION, "inline"),
    ];
    Ok((headers, file).into_response())
}

/// Deletes one recording and its bytes.
pub(super) async fn remove(
    State(room): State<Room>,
    Named((id, turn)): Named<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let turn = number(&turn)?;
    let desk = room.desk();
    let gone = off_the_loop(move || desk.remove_recording(&id, turn).map_err(ApiError::from)).await?;
    if gone { Ok(StatusCode::NO_CONTENT) } else { Err(missing()) }
}

fn number(turn: &str) -> Result<u32, ApiError> {
    turn.parse().map_err(|_| missing())
}

fn missing() -> ApiError {
    ApiError::not_found("No recording of this turn is kept.", "The session's `recordings` lists those that are.")
}

/// Megabytes to and from the disk; other requests go on meanwhile.
async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

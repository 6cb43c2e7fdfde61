//! `/api/sessions/{id}/turns`, `/reply`, `/draft`: an answer goes in, the interviewer's words come out as they are made.
//!
//! The answer is stored before the first event. A client that leaves loses nothing: `/reply` tells the running reply
//! from its beginning, or starts one again that was interrupted.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;

use super::body::{Named, Payload};
use super::error::ApiError;
use super::room::Room;
use super::sse;
use crate::interview::delivery::Spoken;

/// Most bytes of a whiteboard scene.
const BOARD_LIMIT: usize = 1024 * 1024;

/// `{text, expected_seq, board?, spoken?}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    text: String,
    expected_seq: u32,
    #[serde(default)]
    board: Option<Value>,
    #[serde(default)]
    spoken: Option<Spoken>,
}

/// `{text}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Draft {
    text: String,
}

/// Stores an answer and streams the reply.
pub(super) async fn answer(
    State(room): State<Room>,
    Named(id): Named<String>,
    Payload(answer): Payload<Answer>,
) -> Result<Response, ApiError> {
    if answer.board.as_ref().is_some_and(|board| board.to_string().len() > BOARD_LIMIT) {
        return Err(ApiError::too_large(BOARD_LIMIT));
    }
    let reply = {
        let Answer { text, expected_seq, board, spoken } = answer;
        room.desk_with_model()?.answer_spoken(&id, text, expected_seq, board, spoken)?
    };
    Ok(sse::respond(reply, room.stopping.clone()))
}

/// The whiteboard that came with a turn.
pub(super) async fn board(
    State(room): State<Room>,
    Named((id, seq)): Named<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let seq = seq.parse().ok();
    let board = seq.map(|seq| room.desk().board(&id, seq)).transpose()?.flatten();
    let missing =
        || ApiError::not_found("No whiteboard came with this turn.", "The session's `boards` lists those that did.");
    board.map(Json).ok_or_else(missing)
}

/// Streams the reply that is due, from its beginning; 204 when none is.
pub(super) async fn reply(State(room): State<Room>, Named(id): Named<String>) -> Result<Response, ApiError> {
    if room.desk().view(&id)?.replying.is_none() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    match room.desk_with_model()?.attach(&id) {
        Ok(reply) => Ok(sse::respond(reply, room.stopping.clone())),
        // It ended between the two looks.
        Err(crate::interview::session::SessionError::WrongState(_)) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(error) => Err(error.into()),
    }
}

/// Keeps the answer so far. While the model is loading the text is kept all the same.
pub(super) async fn draft(
    State(room): State<Room>,
    Named(id): Named<String>,
    Payload(draft): Payload<Draft>,
) -> Result<StatusCode, ApiError> {
    room.desk().draft(&id, draft.text).await?;
    Ok(StatusCode::NO_CONTENT)
}

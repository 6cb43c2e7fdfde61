//! `/v1/models`, `/v1/chat/completions`, `/v1/completions`: OpenAI's subset, so that local tools can use the loaded model;
//! `/tokenize` and its like, as other local servers have them.
//!
//! Goes past the desk, straight to the engine, and shares its queue: a person's interview and a tool wait for the
//! same thread. A client that leaves drops its generation, which cancels it.

mod chunks;
mod request;
mod texts;
mod tokens;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};

use self::chunks::Completion;
use self::request::ChatRequest;
use super::body::{Named, Payload};
use super::error::ApiError;
use super::room::Room;
use super::sse;
use crate::engine::{Event, Generation};

/// The loaded model, in OpenAI's list.
pub(super) async fn models(State(room): State<Room>) -> Json<Value> {
    let data = room.engine().map_or_else(
        |_| Vec::new(),
        |engine| vec![json!({"id": engine.info().id, "object": "model", "created": 0, "owned_by": "local"})],
    );
    Json(json!({"object": "list", "data": data}))
}

/// One model of that list.
pub(super) async fn model(State(room): State<Room>, Named(id): Named<String>) -> Response {
    match room.engine().ok().filter(|engine| engine.info().id == id) {
        Some(engine) => {
            Json(json!({"id": engine.info().id, "object": "model", "created": 0, "owned_by": "local"})).into_response()
        }
        None => {
            ApiError::not_found(format!("The model {id:?} is not loaded."), "GET /v1/models lists it.").into_openai()
        }
    }
}

/// A text, or several, continued or weighed.
pub(super) async fn continue_text(State(room): State<Room>, request: Request) -> Response {
    texts::complete(&room, request).await.unwrap_or_else(ApiError::into_openai)
}

pub(super) use tokens::{detokenize, tokenize, tokenizer_info};

/// One completion, whole or streamed.
pub(super) async fn create(State(room): State<Room>, request: Request) -> Response {
    match complete(&room, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_openai(),
    }
}

/// Anything else below `/v1`.
pub(super) async fn nothing_here() -> Response {
    ApiError::nothing_here().into_openai()
}

async fn complete(room: &Room, request: Request) -> Result<Response, ApiError> {
    let Payload(asked): Payload<ChatRequest> = Payload::from_request(request, &()).await?;
    let engine = room.engine()?;
    let wanted = asked.into_wanted(&engine.info().id)?;
    let completion = Completion::new(engine.info().id.clone(), wanted.logprobs);
    let generation = engine.generate(wanted.request)?;
    if wanted.stream {
        return Ok(streamed(completion, generation, wanted.include_usage, room));
    }
    whole(completion, generation).await
}

async fn whole(completion: Completion, mut generation: Generation) -> Result<Response, ApiError> {
    let mut logprobs = Vec::new();
    while let Some(event) = generation.next().await {
        match event {
            Event::Prefill { .. } => {}
            Event::Token { logprobs: token, .. } => logprobs.extend(completion.logprob(&token)),
            Event::Done(finished) => return Ok(Json(completion.whole(&finished, logprobs)).into_response()),
            Event::Failed(error) => return Err(error.into()),
        }
    }
    Err(crate::engine::EngineError::Stopped.into())
}

/// `data: {chunk}` per token, then the finish reason, the usage if asked for, and `data: [DONE]`.
fn streamed(completion: Completion, generation: Generation, include_usage: bool, room: &Room) -> Response {
    let completion = Arc::new(completion);
    let opening = data(&completion.opening());
    let stopping = room.stopping.clone();
    let frames = stream::unfold((Some(opening), Some(generation)), move |(opening, generation)| {
        let (completion, stopping) = (completion.clone(), stopping.clone());
        async move {
            let mut generation = generation?;
            if let Some(opening) = opening {
                return Some((bytes(opening), (None, Some(generation))));
            }
            loop {
                let event = tokio::select! {
                    biased;
                    event = generation.next() => event,
                    () = stopping.cancelled() => {
                        return Some((bytes(failed(ApiError::stopping()).await), (None, None)));
                    }
                    () = tokio::time::sleep(sse::PING) => {
                        return Some((bytes(sse::PING_FRAME.to_owned()), (None, Some(generation))));
                    }
                };
                return match event {
                    Some(Event::Prefill { .. }) => continue,
                    Some(Event::Token { text, logprobs }) => {
                        Some((bytes(data(&completion.token(&text, &logprobs))), (None, Some(generation))))
                    }
                    Some(Event::Done(finished)) => {
                        let mut last = data(&completion.finish(&finished));
                        if include_usage {
                            last.push_str(&data(&completion.usage(&finished)));
                        }
                        last.push_str("data: [DONE]\n\n");
                        Some((bytes(last), (None, None)))
                    }
                    Some(Event::Failed(error)) => Some((bytes(failed(error.into()).await), (None, None))),
                    None => Some((bytes(failed(ApiError::stopping()).await), (None, None))),
                };
            }
        }
    });
    sse::stream_response(Body::from_stream(frames))
}

fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

fn bytes(text: String) -> Result<Bytes, Infallible> {
    Ok(Bytes::from(text))
}

/// An error in the middle of a stream, in the shape it would have had as a response.
async fn failed(error: ApiError) -> String {
    let body = error.into_openai().into_body();
    let read = tokio::time::timeout(Duration::from_secs(1), axum::body::to_bytes(body, 64 * 1024)).await;
    let text = read.ok().and_then(Result::ok).and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    format!("data: {}\n\ndata: [DONE]\n\n", text.unwrap_or_default())
}

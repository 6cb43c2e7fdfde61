//! A handler that panicked: the client gets an id, the log gets the reason, the server lives on.

use std::any::Any;

use axum::response::{IntoResponse, Response};

use super::error::ApiError;

/// The answer to a request whose handler panicked.
// The signature is tower-http's: it hands the panic over boxed.
pub(super) fn answer(reason: Box<dyn Any + Send>) -> Response {
    let id = uuid::Uuid::now_v7().to_string();
    let text = reason
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| reason.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    // `{:?}` escapes control characters: whatever is in the text cannot forge a line of the log.
    tracing::error!(%id, reason = ?text, "a request failed by a fault of the program");
    ApiError::internal(&id).into_response()
}

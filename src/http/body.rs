//! What comes in: a JSON body within its route's limit and time, and names in the path. Refuses in our own shape.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::accept::Limits;
use super::error::ApiError;
use super::routes::Body;

/// A JSON body. An empty one counts as `{}`.
#[derive(Debug)]
pub(super) struct Payload<T>(pub(super) T);

/// A body as it is.
pub(super) struct Raw(pub(super) axum::body::Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let rule = request.extensions().get::<Body>().copied().unwrap_or(Body::None);
        let arrival = request.extensions().get::<Limits>().copied().unwrap_or_default().body;
        read(request.into_body(), rule.limit(), arrival).await.map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Payload<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let Raw(bytes) = Raw::from_request(request, state).await?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(bytes).map(Self).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => ApiError::invalid(format!("The request does not fit: {error}.")),
            _ => ApiError::malformed(format!("The body is not JSON: {error}.")),
        })
    }
}

async fn read(body: axum::body::Body, limit: usize, arrival: Duration) -> Result<axum::body::Bytes, ApiError> {
    match tokio::time::timeout(arrival, axum::body::to_bytes(body, limit)).await {
        Err(_) => Err(ApiError::too_slow()),
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if std::error::Error::source(&error).is_some_and(|e| e.to_string().contains("limit")) => {
            Err(ApiError::too_large(limit))
        }
        Ok(Err(_)) => Err(ApiError::malformed("The body broke off.")),
    }
}

/// Names from the path, in order.
pub(super) struct Named<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(names)| Self(names))
            .map_err(|_| ApiError::not_found("There is nothing at this address.", "Check the id in it."))
    }
}

/// Parameters after the question mark.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Query::from_request_parts(parts, state)
            .await
            .map(|Query(asked)| Self(asked))
            .map_err(|error| ApiError::invalid(format!("The address does not fit: {}.", error.body_text())))
    }
}

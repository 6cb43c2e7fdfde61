//! `/api/documents`: a file in, its text out. Nothing of it is stored: it lies in memory until it is read.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use serde::Serialize;
use tokio::sync::Semaphore;

use super::body::Raw;
use super::error::ApiError;
use super::room::Room;
use crate::documents::claims::{self, Claim};
use crate::documents::{self, Document, DocumentError, Kind};

/// One child at a time, whatever is sent: each may take 512 MiB.
static ONE_READER: Semaphore = Semaphore::const_new(1);

/// What the page is told.
#[derive(Serialize)]
pub(super) struct Told {
    #[serde(flatten)]
    document: Document,
    claims: Vec<Claim>,
}

/// Reads a résumé or a job posting.
pub(super) async fn read(
    State(room): State<Room>,
    headers: HeaderMap,
    Raw(bytes): Raw,
) -> Result<Json<Told>, ApiError> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    // Without a body there may be no type either.
    let kind = Kind::of_media_type(essence);
    let kind = if bytes.is_empty() { Err(DocumentError::Empty) } else { kind.ok_or(DocumentError::UnknownType) }?;
    let turn = ONE_READER.acquire().await.map_err(|_| ApiError::stopping())?;
    let read = tokio::task::spawn_blocking(move || {
        // Whoever asked may be gone by now: the turn is over when the child is.
        let _turn = turn;
        documents::read(&bytes, kind)
    });
    let document = match read.await {
        Ok(read) => read?,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    };
    let desk = room.desk();
    let hears = &desk.content().voice.hears;
    let claims = claims::claims(&document.text, claims::Cues { verbs: &hears.claims, injection: &hears.injection });
    Ok(Json(Told { document, claims }))
}

//! `/api/models`: a file that is already on this machine is taken in; an installed one is checked or removed. Opens no
//! connection.

use std::io::Write;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::unbounded_channel;

use super::body::{Asked, Named};
use super::error::ApiError;
use super::models::{blocking, tell};
use super::room::{ModelState, Room};
use super::routes::Body;
use super::sse;
use crate::catalogue::{self, Cancel, Catalogue, CatalogueError, PullOptions};
use crate::config;

/// How every model file of this kind begins.
const MAGIC: &[u8; 4] = b"GGUF";
/// Time for the next piece of a file to arrive.
const NEXT_PIECE: Duration = Duration::from_secs(30);
/// One file at a time: each may fill the disk.
static ONE_FILE: Semaphore = Semaphore::const_new(1);

/// `?name=FILE.gguf`: what the file is called where it came from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Called {
    name: String,
}

/// Takes a model file: writes it beside the others, checks it, and gives it its name. What is no model leaves nothing.
pub(super) async fn import(
    State(room): State<Room>,
    Asked(called): Asked<Called>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let name = file_name(&called.name)?;
    let _one = ONE_FILE.try_acquire().map_err(|_| ApiError::busy("Another model file is being taken in."))?;
    let models_dir = room.dirs.models.clone();
    let fault = |error: std::io::Error| ApiError::from(CatalogueError::io(&room.dirs.models)(error));
    config::private_folder(&models_dir).map_err(fault)?;
    // Dropped with everything in it, whatever happens: a file that broke off is not kept.
    let folder = tempfile::Builder::new().prefix(".import-").tempdir_in(&models_dir).map_err(fault)?;
    let path = folder.path().join(name);
    let mut file = std::fs::File::create(&path).map_err(fault)?;
    let limit = request.extensions().get::<Body>().copied().unwrap_or(Body::None).limit();
    let mut pieces = request.into_body().into_data_stream();
    let mut start = Vec::new();
    let mut taken = 0_usize;
    loop {
        let piece = tokio::select! {
            () = room.stopping.cancelled() => return Err(ApiError::stopping()),
            piece = tokio::time::timeout(NEXT_PIECE, pieces.next()) => piece.map_err(|_| ApiError::too_slow())?,
        };
        let Some(piece) = piece else { break };
        let piece = piece.map_err(|_| ApiError::malformed("The file broke off."))?;
        taken += piece.len();
        if taken > limit {
            return Err(ApiError::too_large(limit));
        }
        if start.len() < MAGIC.len() {
            start.extend(piece.iter().take(MAGIC.len() - start.len()));
            if !MAGIC.starts_with(&start) {
                return Err(not_a_model());
            }
        }
        file.write_all(&piece).map_err(fault)?;
    }
    if start.len() < MAGIC.len() {
        return Err(not_a_model());
    }
    drop(file);
    let (from, into) = (path.clone(), models_dir.clone());
    let path = blocking(move || catalogue::import(&from, &into, &PullOptions::from_env(true), |_| ())).await?;
    drop(folder);
    room.installed.notify_one();
    let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Json(json!({"id": id, "size": taken})))
}

/// Reads an installed model whole and compares its checksum: `progress {done, total}`, then `done {sha256}` or `error`.
pub(super) async fn verify(State(room): State<Room>, Named(id): Named<String>) -> Result<Response, ApiError> {
    let models_dir = room.dirs.models.clone();
    let wanted = id.clone();
    let (catalogue, model) = blocking(move || {
        let catalogue = Catalogue::load()?;
        let model = catalogue::locate(&catalogue, &models_dir, &wanted)?;
        Ok((catalogue, model))
    })
    .await?;
    let (events, stream) = unbounded_channel();
    let cancel = Cancel::default();
    let (listener, stopping, stop) = (events.clone(), room.stopping.clone(), cancel.clone());
    let finished = tokio_util::sync::CancellationToken::new();
    let ended = finished.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = listener.closed() => stop.cancel(),
            () = stopping.cancelled() => stop.cancel(),
            () = ended.cancelled() => {}
        }
    });
    let work = move || {
        let _finished = finished.drop_guard();
        let last = match catalogue::verify(&catalogue, &model, &cancel, |progress| tell(&events, &progress)) {
            Ok(sha256) => {
                let pinned = catalogue.find(&id).is_some_and(|entry| entry.sha256.is_some());
                json!({"event": "done", "data": {"id": id, "sha256": sha256, "in_catalogue": pinned}})
            }
            Err(error) => json!({"event": "error", "data": ApiError::from(error).into_event()}),
        };
        let _ = events.send(last);
    };
    std::thread::Builder::new().name("verify".into()).spawn(work).map_err(|error| {
        tracing::error!("no thread to verify a model: {error}");
        ApiError::internal("no-thread")
    })?;
    Ok(sse::respond(stream, room.stopping.clone()))
}

/// Removes an installed model; the one in use stays.
pub(super) async fn remove(State(room): State<Room>, Named(id): Named<String>) -> Result<Json<Value>, ApiError> {
    let used = match room.model() {
        ModelState::Ready { info } => Some(info.id),
        ModelState::Loading { id } => Some(id),
        ModelState::Missing { .. } | ModelState::Failed { .. } => None,
    };
    if used.as_ref() == Some(&id) {
        return Err(ApiError::in_use(&id));
    }
    let models_dir = room.dirs.models.clone();
    let freed = blocking(move || catalogue::remove(&Catalogue::load()?, &models_dir, &id)).await?;
    Ok(Json(json!({"freed": freed})))
}

/// The last part of a path, if it could be a model file's name; the catalogue decides on the rest.
fn file_name(name: &str) -> Result<String, ApiError> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = last.chars().all(|c| !c.is_control()) && !last.starts_with('.') && last.len() <= 120;
    if plain && last.to_ascii_lowercase().ends_with(".gguf") {
        return Ok(last.to_owned());
    }
    Err(ApiError::invalid("The file's name does not end in .gguf."))
}

fn not_a_model() -> ApiError {
    ApiError::invalid("This is not a GGUF model file: it does not begin like one.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_part_of_a_gguf_name_is_taken() {
        assert_eq!(file_name("My Model.Q4_0.GGUF").expect("a name"), "My Model.Q4_0.GGUF");
        assert_eq!(file_name("C:\\x\\..\\a.gguf").expect("a name"), "a.gguf");
        for bad in ["", "..", "a.bin", ".gguf", "../.gguf", "a\n.gguf", &format!("{}.gguf", "a".repeat(200))] {
            assert!(file_name(bad).is_err(), "{bad:?}");
        }
    }
}

//! `/api/models`: what is known and installed, what fits; pull one, with progress.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::body::Named;
use super::check;
use super::error::ApiError;
use super::room::{ModelState, Room};
use super::sse;
use crate::catalogue::{self, Catalogue, CatalogueError, Progress, PullOptions, human, report};
use crate::grading::published;

/// All models of the catalogue and the user's own files.
pub(super) async fn list(State(room): State<Room>) -> Result<Json<Value>, ApiError> {
    let active = match room.model() {
        ModelState::Ready { info } => Some(info.id),
        ModelState::Loading { id } | ModelState::Failed { id, .. } => Some(id),
        ModelState::Missing { .. } => None,
    };
    let models_dir = room.dirs.models.clone();
    let speeds = check::kept(&room.dirs.data);
    let cache = room.global.cache_type();
    let listed = move || Ok((report::list(&models_dir, cache)?, report::memory(cache)?, Catalogue::load()?));
    let listed = blocking(listed).await?;
    let (models, memory, catalogue) = listed;
    // Models that listen are told by `/api/speech`.
    let models: Vec<Value> = models
        .iter()
        .filter(|model| model.kind == "chat")
        .map(|model| {
            let entry = catalogue.find(&model.id);
            let reason = (!model.fits).then(|| {
                let free = memory.available.map_or_else(|| "less".to_owned(), human);
                format!("Needs about {} of memory; {free} are free.", human(model.needs))
            });
            json!({
                "id": model.id, "title": model.name, "size": model.size, "memory": model.needs, "licence": model.licence,
                "tested": model.tested, "installed": model.installed, "fits": model.fits, "reason": reason,
                "sha256": model.sha256, "active": active.as_ref() == Some(&model.id),
                "default": memory.default_model.as_ref() == Some(&model.id),
                "speed": speeds.get(&model.id),
                "agreement": published::of(&model.id),
                "parameters": entry.map(|entry| billions(entry.parameters)),
                "quantisation": entry.map(|entry| entry.quantisation.clone()),
                "context": entry.map(|entry| entry.context),
                "architecture": entry.map(|entry| entry.architecture.clone()),
                "source": entry.and_then(|entry| entry.sources.first()).map(catalogue::Source::label),
            })
        })
        .collect();
    Ok(Json(json!({"models": models, "agreement_without_a_model": published::of(published::WITHOUT_A_MODEL)})))
}

fn billions(parameters: u64) -> String {
    if parameters >= 1_000_000_000 {
        format!("{:.1} B", parameters as f64 / 1e9)
    } else {
        format!("{} M", parameters / 1_000_000)
    }
}

/// Downloads and verifies one: `progress {status, stage, done, total}`, then `done {id, path}` or `error`. A client
/// that leaves stops the pull; what has arrived is kept.
pub(super) async fn pull(State(room): State<Room>, Named(id): Named<String>) -> Result<Response, ApiError> {
    let catalogue = blocking(Catalogue::load).await?;
    let entry =
        catalogue.find(&id).cloned().ok_or_else(|| ApiError::from(CatalogueError::Unknown { id: id.clone() }))?;
    let options = PullOptions { cache: room.global.cache_type(), ..PullOptions::from_env(room.global.is_offline()) };
    if options.offline {
        return Err(CatalogueError::Offline { id, models_dir: room.dirs.models.clone() }.into());
    }
    let (events, stream) = unbounded_channel();
    let (cancel, listener, stopping) = (options.cancel.clone(), events.clone(), room.stopping.clone());
    let finished = CancellationToken::new();
    let ended = finished.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = listener.closed() => cancel.cancel(),
            () = stopping.cancelled() => cancel.cancel(),
            // The listener holds the stream open: it has to go when the pull is over.
            () = ended.cancelled() => {}
        }
    });
    let teller = room.clone();
    let work = move || {
        let _finished = finished.drop_guard();
        let pulled = catalogue::pull(&entry, &teller.dirs.models, &options, |progress| tell(&events, &progress));
        let last = match pulled {
            Ok(path) => {
                teller.installed.notify_one();
                json!({"event": "done", "data": {"id": entry.id.to_string(), "path": path}})
            }
            Err(error) => json!({"event": "error", "data": ApiError::from(error).into_event()}),
        };
        let _ = events.send(last);
    };
    // Not the runtime's blocking pool: the end of the server does not wait for a download.
    std::thread::Builder::new().name("pull".into()).spawn(work).map_err(|error| {
        tracing::error!("no thread for a pull: {error}");
        ApiError::internal("no-thread")
    })?;
    Ok(sse::respond(stream, room.stopping.clone()))
}

pub(super) fn tell(events: &UnboundedSender<Value>, progress: &Progress) {
    let mut data = serde_json::to_value(progress).unwrap_or_default();
    let (stage, bytes) = match progress {
        Progress::Trying { source } => (format!("asking {source}"), None),
        Progress::SourceFailed { source, reason } => (format!("{source}: {reason}"), None),
        Progress::Pinned { sha256 } => (format!("the hub says sha256 {sha256}"), None),
        Progress::Downloading { total, completed } => ("downloading".to_owned(), Some((*completed, *total))),
        Progress::Verifying { total, completed } => ("verifying".to_owned(), Some((*completed, *total))),
        Progress::Success { .. } => ("verified".to_owned(), None),
    };
    data["stage"] = stage.into();
    if let Some((done, total)) = bytes {
        (data["done"], data["total"]) = (done.into(), total.into());
    }
    let _ = events.send(json!({"event": "progress", "data": data}));
}

/// Reading folders and headers is off the event loop.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CatalogueError> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(ApiError::from),
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

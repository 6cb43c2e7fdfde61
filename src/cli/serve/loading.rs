//! The model of one start: chosen before the page is served, read into memory beside it.

use tokio::sync::oneshot;

use crate::config::Global;
use crate::engine::Engine;
use crate::engine::scripted::{self, Script};
use crate::http::room::{ModelState, Room};

/// The model that will answer.
pub(super) struct Chosen {
    /// Catalogue id or file stem.
    pub(super) id: String,
    /// Digest of its file, as far as it is known without reading all of it.
    pub(super) sha256: String,
}

/// Sees to it that a model is there.
///
/// # Errors
/// With the exit code that the reference promises, when there is none and none can be had.
pub(super) async fn choose(_global: &Global) -> anyhow::Result<Chosen> {
    Ok(Chosen { id: "scripted".into(), sha256: String::new() })
}

/// Loads it on a thread of its own; the room gets its engine when it is done. The receiver gets the error if it fails,
/// and nothing otherwise.
pub(super) fn start(room: Room, model: Chosen) -> oneshot::Receiver<anyhow::Error> {
    let (failed, failure) = oneshot::channel();
    let loader = std::thread::Builder::new().name("model-loader".into()).spawn(move || match open(&room.global) {
        Ok(engine) => room.set_desk(room.desk().with_engine(engine)),
        Err(error) => {
            room.set_model(ModelState::Failed {
                id: model.id,
                message: format!("{error:#}"),
                hint: "Look at the terminal in which offrecord was started.".into(),
            });
            let _ = failed.send(error);
        }
    });
    if let Err(error) = loader {
        tracing::error!("no thread for the model: {error}");
    }
    failure
}

fn open(_global: &Global) -> anyhow::Result<Engine> {
    Ok(scripted::start(Script::default()))
}

//! Reading the model into memory beside the running server.

use tokio::sync::oneshot;

use crate::catalogue;
use crate::cli::servers::Parts;
use crate::http::room::{ModelState, Room};

/// Loads the model beside the running server; the room gets its engine when it is done. Without a model it waits for
/// one to be pulled from the page. The receiver gets the error if loading fails, and nothing otherwise.
pub(super) fn start(room: Room, parts: Parts) -> oneshot::Receiver<anyhow::Error> {
    let (failed, failure) = oneshot::channel();
    if !parts.needs_model() {
        room.set_desk(parts.seat(&room.desk(), None));
        return failure;
    }
    tokio::spawn(async move {
        if matches!(room.model(), ModelState::Missing { .. }) {
            room.installed.notified().await;
        }
        match catalogue::open_engine(&room.global).await {
            Ok(engine) => room.set_desk(parts.seat(&room.desk(), Some(engine))),
            Err(error) => {
                let id = room.global.model.clone().unwrap_or_default();
                let hint = "Look at the terminal in which offrecord was started.".to_owned();
                room.set_model(ModelState::Failed { id, message: format!("{error:#}"), hint });
                let _ = failed.send(error);
            }
        }
    });
    failure
}

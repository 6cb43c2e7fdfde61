//! Reading the model into memory beside the running server.

use tokio::sync::oneshot;

use crate::catalogue;
use crate::http::room::{ModelState, Room};

/// Loads the model beside the running server; the room gets its engine when it is done. Without a model it waits for
/// one to be pulled from the page. The receiver gets the error if loading fails, and nothing otherwise.
pub(super) fn start(room: Room) -> oneshot::Receiver<anyhow::Error> {
    let (failed, failure) = oneshot::channel();
    tokio::spawn(async move {
        if matches!(room.model(), ModelState::Missing { .. }) {
            room.installed.notified().await;
        }
        match catalogue::open_engine(&room.global).await {
            Ok(engine) => room.set_desk(room.desk().with_engine(engine)),
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

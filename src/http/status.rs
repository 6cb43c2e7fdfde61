//! `GET /healthz`, `/api/version`, `/api/status`: what runs here and how it is.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::room::Room;

/// A sign of life, open to all; says nothing else.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The program's version.
pub(super) async fn version() -> Json<Value> {
    Json(json!({"name": "offrecord", "version": env!("CARGO_PKG_VERSION")}))
}

/// Model, folders and network, as the page's status line shows them.
pub(super) async fn status(State(room): State<Room>) -> Json<Value> {
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "url": room.url,
        "model": room.model(),
        "network": if room.global.is_offline() { "off" } else { "off, except while you pull a model" },
        "offline": room.global.is_offline(),
        "data_dir": room.dirs.data,
        "models_dir": room.dirs.models,
        "encrypted": room.desk().store().is_encrypted(),
        "pid": std::process::id(),
    }))
}

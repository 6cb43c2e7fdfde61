//! `GET /api/sessions/{id}/export?format=`: a session as a file. Always a download, never a page of this origin: what
//! is in it was written by a model and a person.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::body::{Asked, Named, Payload};
use super::error::ApiError;
use super::room::Room;
use crate::interview::desk::{ExportFormat, Exported};

/// `?format=md`, `json` or `html`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(default = "markdown")]
    format: ExportFormat,
}

fn markdown() -> ExportFormat {
    ExportFormat::Md
}

/// Sends the file.
pub(super) async fn export(
    State(room): State<Room>,
    Named(id): Named<String>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, ApiError> {
    Ok(sent(room.desk().export(&id, wanted.format)?))
}

/// `{format, names}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Redacted {
    #[serde(default = "markdown")]
    format: ExportFormat,
    #[serde(default)]
    names: Vec<String>,
}

/// Sends the file with names taken out. The names are in the body: an address is kept in a browser's history.
pub(super) async fn redacted(
    State(room): State<Room>,
    Named(id): Named<String>,
    Payload(wanted): Payload<Redacted>,
) -> Result<Response, ApiError> {
    Ok(sent(room.desk().export_redacted(&id, wanted.format, &wanted.names)?))
}

/// Sends everything as one file.
pub(super) async fn everything(State(room): State<Room>) -> Result<Response, ApiError> {
    let desk = room.desk();
    match tokio::task::spawn_blocking(move || desk.export_everything()).await {
        Ok(file) => Ok(sent(file?)),
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

fn sent(file: Exported) -> Response {
    let headers = [
        (header::CONTENT_TYPE, file.media_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", plain(&file.file_name))),
        (header::CONTENT_SECURITY_POLICY, "sandbox".to_owned()),
    ];
    (headers, file.text).into_response()
}

/// A file name that needs no quoting in a header.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn file_names_cannot_leave_their_header() {
        assert_eq!(super::plain("a\"b\r\n/ü.md"), "a_b____.md");
    }
}

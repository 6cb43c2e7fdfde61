//! `/api/benches`: results of `offrecord bench grading` that lie under `bench/` in the data folder. Read, never run.

use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::body::Named;
use super::error::ApiError;
use super::room::Room;
use crate::bench::compare::{self, Comparison};

/// Most bytes of a results file or a report that are read.
const MOST_BYTES: u64 = 32 << 20;
/// As in `bench compare`.
const TOLERANCE: f64 = 0.01;
const SEED: u64 = 0;

/// A report is a page of its own: no script, no connection, shown only in a frame of this page.
const REPORT_POLICY: &str =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

/// Every run with its numbers, newest first. A folder whose results cannot be read is listed with the reason.
pub(super) async fn list(State(room): State<Room>) -> Result<Json<Value>, ApiError> {
    let folder = room.dirs.data.join("bench");
    let shown = folder.clone();
    let mut runs = off_the_loop(move || {
        let listing = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        listing.filter_map(|entry| described(&entry.path())).collect::<Vec<_>>()
    })
    .await;
    runs.sort_by(|(a, _), (b, _)| b.cmp(a));
    let runs: Vec<Value> = runs.into_iter().map(|(_, run)| run).collect();
    Ok(Json(json!({"folder": shown, "runs": runs})))
}

/// One run's `report.html`.
pub(super) async fn report(State(room): State<Room>, Named(id): Named<String>) -> Result<Response, ApiError> {
    let path = folder(&room, &id)?.join("report.html");
    let text = off_the_loop(move || read(&path)).await.map_err(|_| unknown(&id))?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, REPORT_POLICY),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    ];
    Ok((headers, text).into_response())
}

/// Two runs on the same items, metric by metric, with paired intervals.
pub(super) async fn compare(
    State(room): State<Room>,
    Named((a, b)): Named<(String, String)>,
) -> Result<Json<Comparison>, ApiError> {
    let (first, second) = (folder(&room, &a)?, folder(&room, &b)?);
    let compared = off_the_loop(move || compare::folders(&first, &second, TOLERANCE, SEED)).await;
    compared.map(Json).map_err(|error| ApiError::invalid(format!("These runs cannot be compared: {error:#}.")))
}

fn described(path: &Path) -> Option<(std::time::SystemTime, Value)> {
    let id = path.file_name()?.to_str().filter(|name| is_plain(name))?.to_owned();
    if !std::fs::symlink_metadata(path).ok()?.is_dir() {
        return None;
    }
    let results = path.join("results.json");
    let when = std::fs::symlink_metadata(&results).and_then(|m| m.modified()).unwrap_or(std::time::UNIX_EPOCH);
    let seconds = when.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let read = read(&results).and_then(|text| serde_json::from_str::<Value>(&text).map_err(|e| e.to_string()));
    let run = match read {
        Ok(found) => json!({
            "id": id, "at": seconds, "status": found["status"], "datasets": found["datasets"],
            "provenance": found["provenance"], "config": found["config"],
            "report": path.join("report.html").is_file(),
        }),
        Err(reason) => json!({"id": id, "at": seconds, "status": "unreadable", "reason": reason, "report": false}),
    };
    Some((when, run))
}

fn folder(room: &Room, id: &str) -> Result<PathBuf, ApiError> {
    let path = room.dirs.data.join("bench").join(id);
    let there = is_plain(id) && std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
    if there { Ok(path) } else { Err(unknown(id)) }
}

fn unknown(id: &str) -> ApiError {
    ApiError::not_found(format!("There is no run called {id:?}."), "GET /api/benches lists the runs there are.")
}

/// A folder's name that leads nowhere else.
fn is_plain(name: &str) -> bool {
    let signs = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    signs && !name.is_empty() && name.len() <= 80 && !name.starts_with('.')
}

fn read(path: &Path) -> Result<String, String> {
    let found = std::fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !found.is_file() || found.len() > MOST_BYTES {
        return Err("it is not a file of at most 32 MiB".to_owned());
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

async fn off_the_loop<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_leads_nowhere_else() {
        for good in ["a", "2026-11-24_1.5B", "x.y"] {
            assert!(super::is_plain(good), "{good}");
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "a\\b", "ä", "a b", "%2e"] {
            assert!(!super::is_plain(bad), "{bad}");
        }
    }
}

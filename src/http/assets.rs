//! The page: files of `web/`, embedded in a release build, read from disk in a debug build. Open without a key (they
//! are the same for everyone and hold nothing of the user); everything they ask for needs one.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::body::Named;
use super::error::ApiError;
use super::room::Room;

/// The whiteboard's frame and the files that it is made of.
const BOARD: &str = "board.html";
const BOARD_PARTS: &str = "vendor/excalidraw/";

/// The whiteboard is a large program by others. Sandboxed, it has an origin of its own: no cookie, no storage, no way
/// into the page around it but messages; and it may open no connection at all.
pub const BOARD_POLICY: &str = "sandbox allow-scripts; default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src data: blob:; font-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; \
    require-trusted-types-for 'script'";

#[derive(RustEmbed)]
#[folder = "web/"]
#[allow_missing = true]
struct Web;

/// `GET /`: the page.
pub(super) async fn index(headers: HeaderMap) -> Response {
    file("index.html", &headers)
}

/// `GET /{*path}`: its parts.
pub(super) async fn asset(Named(path): Named<String>, headers: HeaderMap) -> Response {
    file(&path, &headers)
}

/// `GET /enter/{code}`: takes a one-time code and gives the cookie for it.
pub(super) async fn enter(State(room): State<Room>, Named(code): Named<String>) -> Response {
    match room.keys.redeem(&code) {
        Some(cookie) => {
            room.entered.notify_one();
            (StatusCode::SEE_OTHER, [(header::LOCATION, "/".to_owned()), (header::SET_COOKIE, cookie)]).into_response()
        }
        None => (
            StatusCode::UNAUTHORIZED,
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            "This link was used before, or belongs to an earlier start of offrecord.\n\
             Run `offrecord` again in the terminal: it prints a fresh link.\n",
        )
            .into_response(),
    }
}

fn file(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Web::get(path) else {
        return ApiError::not_found("There is no such page.", "Open the address without a path.").into_response();
    };
    let hash = file.metadata.sha256_hash();
    let etag = format!("\"{}\"", hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>());
    let fresh = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let described = [
        (header::CONTENT_TYPE, file.metadata.mimetype().to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, etag),
    ];
    let mut response = if fresh {
        (StatusCode::NOT_MODIFIED, described).into_response()
    } else {
        (described, Body::from(file.data)).into_response()
    };
    if path == BOARD {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(BOARD_POLICY));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    }
    if path.starts_with(BOARD_PARTS) {
        // The frame is of another origin than the page: these public files are all that it may have.
        let name = HeaderName::from_static("cross-origin-resource-policy");
        response.headers_mut().insert(name, HeaderValue::from_static("cross-origin"));
    }
    response
}

//! The table of all addresses. The router is built from it, the gate reads its rules, the tests walk it: a route that
//! is not here does not exist, and one that is here cannot escape the tests.

use axum::Router;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, any, delete, get, post, put};
use tower_http::catch_panic::CatchPanicLayer;

use super::error::ApiError;
use super::room::Room;
use super::{
    assets, benches, check, completions, content, documents, exports, guard, headers, links, model_files, models,
    panics, recordings, scorecards, sessions, speech, status, turns,
};
use crate::documents::{Kind, MOST_BYTES};
use crate::interview::desk::RECORDING_LIMIT;

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone on this machine: the page's own files, the one-time link, a sign of life.
    Open,
    /// Whoever holds the token or the cookie of this start.
    Key,
}

/// What a request may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing that matters (an empty JSON object is tolerated).
    None,
    /// JSON of at most so many bytes.
    Json(usize),
    /// A document as it is, of at most so many bytes.
    Document(usize),
    /// A WAV file of at most so many bytes.
    Sound(usize),
    /// A model file, taken piece by piece, of at most so many bytes.
    Model(usize),
}

impl Body {
    /// Most bytes taken.
    #[must_use]
    pub const fn limit(self) -> usize {
        match self {
            Self::None => 1024,
            Self::Json(bytes) | Self::Document(bytes) | Self::Sound(bytes) | Self::Model(bytes) => bytes,
        }
    }

    /// Whether it takes this content type, parameters left out.
    #[must_use]
    pub fn takes(self, media_type: &str) -> bool {
        match self {
            Self::None | Self::Json(_) => media_type.eq_ignore_ascii_case("application/json"),
            Self::Document(_) => Kind::of_media_type(media_type).is_some(),
            Self::Sound(_) => {
                ["audio/wav", "audio/x-wav", "audio/wave"].iter().any(|known| media_type.eq_ignore_ascii_case(known))
            }
            Self::Model(_) => media_type.eq_ignore_ascii_case("application/octet-stream"),
        }
    }

    /// The content types taken, as a person is told.
    #[must_use]
    pub const fn media_types(self) -> &'static str {
        match self {
            Self::None | Self::Json(_) => "application/json",
            Self::Sound(_) => "audio/wav",
            Self::Model(_) => "application/octet-stream",
            Self::Document(_) => {
                "application/pdf, text/plain, text/markdown, or that of a DOCX file, as the file's ending says"
            }
        }
    }
}

/// JSON of a usual request.
const JSON: Body = Body::Json(256 * 1024);
/// A draft may be too long to be an answer, so that it can be shortened.
const DRAFT: Body = Body::Json(512 * 1024);
/// A résumé or a job posting as a file.
const FILE: Body = Body::Document(MOST_BYTES);
/// Three minutes of 16 kHz mono PCM, and a little.
const SOUND: Body = Body::Sound(RECORDING_LIMIT);
/// A model file; what fits on the disk decides long before.
const MODEL: Body = Body::Model(256 << 30);
/// A new session may carry a résumé and a job posting as text.
const DOCUMENTS: Body = Body::Json(1024 * 1024);
/// An answer with the whiteboard: a scene of at most 1 MiB beside the text, as typed and as heard.
const TURN: Body = Body::Json(1024 * 1024 + 256 * 1024);

/// One address and method.
pub struct Route {
    /// The method; `GET` includes `HEAD`.
    pub method: Method,
    /// As axum writes paths.
    pub path: &'static str,
    /// Who may ask.
    pub access: Access,
    /// What may come with it.
    pub body: Body,
    handler: fn() -> MethodRouter<Room>,
}

const fn open(path: &'static str, handler: fn() -> MethodRouter<Room>) -> Route {
    Route { method: Method::GET, path, access: Access::Open, body: Body::None, handler }
}

const fn key(method: Method, path: &'static str, body: Body, handler: fn() -> MethodRouter<Room>) -> Route {
    Route { method, path, access: Access::Key, body, handler }
}

/// Every route of the program.
pub static TABLE: &[Route] = &[
    open("/", || get(assets::index)),
    open("/{*path}", || get(assets::asset)),
    open("/enter/{code}", || get(assets::enter)),
    open("/healthz", || get(status::healthz)),
    key(Method::GET, "/api/version", Body::None, || get(status::version)),
    key(Method::GET, "/api/status", Body::None, || get(status::status)),
    key(Method::POST, "/api/links", Body::None, || post(links::create)),
    key(Method::GET, "/api/content", Body::None, || get(content::list)),
    key(Method::GET, "/api/models", Body::None, || get(models::list)),
    key(Method::POST, "/api/models", MODEL, || post(model_files::import)),
    key(Method::DELETE, "/api/models/{id}", Body::None, || delete(model_files::remove)),
    key(Method::POST, "/api/models/{id}/pull", Body::None, || post(models::pull)),
    key(Method::POST, "/api/models/{id}/verify", Body::None, || post(model_files::verify)),
    key(Method::GET, "/api/benches", Body::None, || get(benches::list)),
    key(Method::GET, "/api/benches/{id}/report", Body::None, || get(benches::report)),
    key(Method::GET, "/api/benches/{id}/compare/{n}", Body::None, || get(benches::compare)),
    key(Method::POST, "/api/documents", FILE, || post(documents::read)),
    key(Method::GET, "/api/speech", Body::None, || get(speech::show)),
    key(Method::POST, "/api/speech/transcriptions", SOUND, || post(speech::hear)),
    key(Method::POST, "/api/speech/synthesis", JSON, || post(speech::say)),
    key(Method::POST, "/api/sessions", DOCUMENTS, || post(sessions::create)),
    key(Method::GET, "/api/sessions", Body::None, || get(sessions::list)),
    key(Method::DELETE, "/api/sessions", Body::None, || delete(sessions::wipe)),
    key(Method::GET, "/api/sessions/{id}", Body::None, || get(sessions::show)),
    key(Method::DELETE, "/api/sessions/{id}", Body::None, || delete(sessions::remove)),
    key(Method::POST, "/api/sessions/{id}/turns", TURN, || post(turns::answer)),
    key(Method::GET, "/api/sessions/{id}/boards/{n}", Body::None, || get(turns::board)),
    key(Method::PUT, "/api/sessions/{id}/recordings/{turn}", SOUND, || put(recordings::keep)),
    key(Method::GET, "/api/sessions/{id}/recordings/{turn}", Body::None, || get(recordings::show)),
    key(Method::DELETE, "/api/sessions/{id}/recordings/{turn}", Body::None, || delete(recordings::remove)),
    key(Method::GET, "/api/sessions/{id}/reply", Body::None, || get(turns::reply)),
    key(Method::PUT, "/api/sessions/{id}/draft", DRAFT, || put(turns::draft)),
    key(Method::POST, "/api/sessions/{id}/hint", Body::None, || post(sessions::hint)),
    key(Method::POST, "/api/sessions/{id}/pause", Body::None, || post(sessions::pause)),
    key(Method::POST, "/api/sessions/{id}/resume", Body::None, || post(sessions::resume)),
    key(Method::POST, "/api/sessions/{id}/finish", Body::None, || post(sessions::finish)),
    key(Method::POST, "/api/sessions/{id}/scorecards", JSON, || post(scorecards::create)),
    key(Method::GET, "/api/sessions/{id}/scorecards/{n}", Body::None, || get(scorecards::show)),
    key(Method::GET, "/api/sessions/{id}/export", Body::None, || get(exports::export)),
    key(Method::POST, "/api/sessions/{id}/export", JSON, || post(exports::redacted)),
    key(Method::GET, "/api/export", Body::None, || get(exports::everything)),
    key(Method::POST, "/api/check", Body::None, || post(check::model)),
    key(Method::GET, "/v1/models", Body::None, || get(completions::models)),
    key(Method::POST, "/v1/chat/completions", Body::Json(1024 * 1024), || post(completions::create)),
    // Below these prefixes nothing is a file of the page, so nothing is open there either.
    key(Method::GET, "/api/{*rest}", Body::None, || any(nothing_here)),
    key(Method::GET, "/v1/{*rest}", Body::None, || any(completions::nothing_here)),
];

/// The rules of a route that exists.
#[must_use]
pub fn rule(method: &Method, path: &str) -> Option<&'static Route> {
    TABLE.iter().find(|route| route.path == path && route.method == *method)
}

/// The router: every route of the table behind the gate.
pub fn router(room: Room) -> Router {
    TABLE
        .iter()
        .fold(Router::new(), |router, route| router.route(route.path, (route.handler)()))
        .method_not_allowed_fallback(wrong_method)
        .fallback(nothing_here)
        .layer(CatchPanicLayer::custom(panics::answer))
        .layer(from_fn_with_state(room.clone(), guard::gate))
        .layer(from_fn(headers::secure))
        .with_state(room)
}

async fn nothing_here() -> ApiError {
    ApiError::nothing_here()
}

async fn wrong_method() -> ApiError {
    ApiError::wrong_method()
}

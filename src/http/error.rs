//! What goes wrong, as HTTP: the only place in the program that knows status codes.
//!
//! Body: `{"error": {"code", "message", "hint"}}`; a conflict also carries `"session"`, the fresh view; `/v1` speaks
//! OpenAI's shape instead.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::catalogue::CatalogueError;
use crate::documents::DocumentError;
use crate::engine::EngineError;
use crate::interview::session::{SessionError, SessionView};
use crate::speech::WavError;

/// A refusal or a failure that a client can act on.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    /// Stable, for programs.
    pub code: &'static str,
    /// What happened, for people.
    pub message: String,
    /// What to do next, for people.
    pub hint: String,
    retry_after_seconds: Option<u32>,
    session: Option<Box<SessionView>>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), hint: hint.into(), retry_after_seconds: None, session: None }
    }

    /// A value is missing, malformed or out of range.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message, "Correct the request and send it again.")
    }

    /// The body is not JSON.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message, "Send one JSON object as the reference describes it.")
    }

    /// No such thing.
    pub fn not_found(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message, hint)
    }

    /// No such address.
    pub fn nothing_here() -> Self {
        Self::not_found("There is nothing at this address.", "See the reference for the addresses of this program.")
    }

    /// The route exists, the method does not.
    pub fn wrong_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "wrong_method",
            "This address does not take that method.",
            "See the reference for the methods of each address.",
        )
    }

    /// No key, or one of an earlier start.
    pub fn locked() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "locked",
            "This request carries no key of the running server.",
            "Open the link that offrecord printed when it started, or run `offrecord serve` again to get a fresh one.",
        )
    }

    /// More requests in a while than anybody needs.
    pub fn too_many(seconds: u32) -> Self {
        Self {
            retry_after_seconds: Some(seconds),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                "More requests have come in a short time than this program takes.",
                "Wait a second and send it again.",
            )
        }
    }

    /// Another site's page asked.
    pub fn cross_site() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "cross_site",
            "This request does not come from the program's own page.",
            "Programs send the token as `Authorization: Bearer` and no `Origin` or `Sec-Fetch-Site` header.",
        )
    }

    /// Not a type that the route takes.
    pub fn wrong_type(expected: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "wrong_type",
            "The body is not of a type that this address takes.",
            format!("Send it with `Content-Type: {expected}`."),
        )
    }

    /// The body is over the route's limit.
    pub fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("The body is larger than the {limit} bytes that this address takes."),
            "Shorten it and send it again.",
        )
    }

    /// The body did not arrive in time.
    pub fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            "The body of the request did not arrive in time.",
            "Send it again.",
        )
    }

    /// Another model could not be loaded beside the one in use.
    pub fn other_model(id: &str, why: &str) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "other_model",
            format!("{id} cannot grade beside the model in use: {why}."),
            "Choose a smaller one, or end the program and start it with that model.",
        )
    }

    /// Only one at a time.
    pub fn busy(message: &str) -> Self {
        Self::new(StatusCode::CONFLICT, "busy", message, "Wait until it is done, then try again.")
    }

    /// The model that answers cannot be removed.
    pub fn in_use(id: &str) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "in_use",
            format!("{id} is in use by this program."),
            "Start offrecord with another model, then remove this one.",
        )
    }

    /// The model is not there (yet).
    pub fn no_model(
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
        retry: Option<u32>,
    ) -> Self {
        Self { retry_after_seconds: retry, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message, hint) }
    }

    /// The server is going down.
    pub fn stopping() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "The server is stopping.",
            "Nothing is lost: start offrecord again and open the session from the history.",
        )
    }

    /// Something that the program did not foresee; `id` is in the log beside it.
    pub fn internal(id: &str) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            format!("The program met a fault of its own (id {id})."),
            "Try again; the session is stored. If it comes back, report the id with the log's lines around it.",
        )
    }

    /// As the data of an `error` event in a stream.
    #[must_use]
    pub fn into_event(self) -> serde_json::Value {
        json!({"code": self.code, "message": self.message, "hint": self.hint})
    }

    /// In OpenAI's shape, for `/v1`.
    #[must_use]
    pub fn into_openai(self) -> Response {
        let kind = match self.status {
            StatusCode::UNAUTHORIZED => "authentication_error",
            StatusCode::FORBIDDEN => "permission_error",
            StatusCode::NOT_FOUND => "not_found_error",
            status if status.is_client_error() => "invalid_request_error",
            _ => "server_error",
        };
        let body = json!({"error": {
            "message": format!("{} {}", self.message, self.hint), "type": kind, "code": self.code, "param": null,
        }});
        self.respond(body)
    }

    fn respond(self, body: serde_json::Value) -> Response {
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl IntoResponse for ApiError {
    fn into_response(mut self) -> Response {
        let mut body = json!({"error": {"code": self.code, "message": self.message, "hint": self.hint}});
        if let Some(view) = self.session.take() {
            body["session"] = serde_json::to_value(view).unwrap_or_default();
        }
        self.respond(body)
    }
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        let message = error.to_string();
        match error {
            SessionError::UnknownSession(_) => {
                Self::new(StatusCode::NOT_FOUND, "unknown_session", message, "Open one from the history.")
            }
            SessionError::UnknownScorecard { .. } => Self::new(
                StatusCode::NOT_FOUND,
                "unknown_scorecard",
                message,
                "The session's `scorecards` lists the ones there are.",
            ),
            SessionError::NoModel => Self::no_model("no_model", message, "Pull a model, then try again.", None),
            SessionError::UnknownProblem(_) => Self::new(
                StatusCode::NOT_FOUND,
                "unknown_problem",
                message,
                "GET /api/content lists the problems; leave `problem` out to be given one.",
            ),
            SessionError::Conflict(view) => Self {
                session: Some(view),
                ..Self::new(
                    StatusCode::CONFLICT,
                    "conflict",
                    message,
                    "Look at the fresh state that comes with this answer, then send yours again if it still fits.",
                )
            },
            SessionError::TooLong { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_long", message, "Shorten the answer; the draft is kept.")
            }
            SessionError::WrongState(_) => {
                Self::new(StatusCode::CONFLICT, "wrong_state", message, "Reload the session to see where it stands.")
            }
            SessionError::Invalid(_) => Self::invalid(message),
            SessionError::Engine(error) => error.into(),
            SessionError::Store(_) => store_failed(message),
        }
    }
}

impl From<DocumentError> for ApiError {
    fn from(error: DocumentError) -> Self {
        let status = match error {
            DocumentError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            DocumentError::NoReader(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        // "why (what to do)": two sentences here.
        let told = error.to_string();
        let (why, then) = told.rsplit_once(" (").map_or((told.as_str(), "paste the text"), |(why, then)| (why, then));
        Self::new(status, error.code(), sentence(why), sentence(then.trim_end_matches(')')))
    }
}

impl From<WavError> for ApiError {
    fn from(error: WavError) -> Self {
        let (status, code) = match error {
            WavError::TooLong { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "recording_too_long"),
            WavError::Empty => (StatusCode::UNPROCESSABLE_ENTITY, "empty_recording"),
            WavError::NotWav => (StatusCode::UNPROCESSABLE_ENTITY, "not_wav"),
            WavError::Damaged(_) => (StatusCode::UNPROCESSABLE_ENTITY, "damaged_recording"),
            WavError::Unsupported(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unsupported_recording"),
        };
        let told = error.to_string();
        let (why, then) = told.rsplit_once(" (").map_or((told.as_str(), "record it again"), |(why, then)| (why, then));
        Self::new(status, code, sentence(why), sentence(then.trim_end_matches(')')))
    }
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let message = error.to_string();
        match error {
            EngineError::Busy => Self::no_model("busy", message, "Wait a moment and try again.", Some(2)),
            EngineError::Stopped => {
                Self::no_model("stopped", message, "Start offrecord again; the session is stored.", None)
            }
            EngineError::ContextOverflow { .. } => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "context_overflow",
                message,
                "Shorten the text, or choose a model with a longer context.",
            ),
            EngineError::Constraint(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "constraint", message, "Simplify the schema.")
            }
            EngineError::Template(_) | EngineError::Inference(_) => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "inference",
                message,
                "Try again; if it comes back, check the model with `offrecord models verify`.",
            ),
        }
    }
}

impl From<CatalogueError> for ApiError {
    fn from(error: CatalogueError) -> Self {
        use CatalogueError as E;
        let (status, code, hint) = match &error {
            E::Unknown { .. } | E::NotInstalled { .. } | E::NothingInstalled { .. } => {
                (StatusCode::NOT_FOUND, "unknown_model", "GET /api/models lists the models there are.")
            }
            E::Offline { .. } => {
                (StatusCode::CONFLICT, "offline", "Start offrecord without --offline to fetch a model.")
            }
            E::Busy { .. } => (StatusCode::CONFLICT, "pull_running", "Wait for it, then reload the list."),
            E::TooLarge { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "too_large_for_memory", "Choose a smaller model."),
            E::DiskFull { .. } | E::DiskRanOut { .. } => {
                (StatusCode::INSUFFICIENT_STORAGE, "disk_full", "Make room on the disk and try again.")
            }
            E::NoSource { .. } => (
                StatusCode::BAD_GATEWAY,
                "no_source",
                "Check the network, or bring the file: offrecord models import FILE.",
            ),
            E::Corrupt { .. } | E::Unusable { .. } => {
                (StatusCode::BAD_GATEWAY, "corrupt", "Pull it again; what did not match was moved aside.")
            }
            E::Cancelled => (StatusCode::CONFLICT, "cancelled", "Pull again to go on."),
            E::BadCatalogue { .. } | E::Io { .. } => {
                (StatusCode::INTERNAL_SERVER_ERROR, "models_folder", "Run `offrecord doctor`.")
            }
        };
        Self::new(status, code, error.to_string(), hint)
    }
}

/// A full disk has a code of its own (507): reading and export still work, and writing goes on once there is space.
fn store_failed(message: String) -> ApiError {
    if message.contains("full") || message.contains("No space") {
        return ApiError::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "disk_full",
            message,
            "Make room on the disk and try again; what was acknowledged is stored.",
        );
    }
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "store",
        message,
        "Run `offrecord doctor` to see what is wrong with the data folder.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status_and_code(error: impl Into<ApiError>) -> (u16, &'static str) {
        let error = error.into();
        (error.status.as_u16(), error.code)
    }

    #[test]
    fn every_session_error_has_its_status() {
        assert_eq!(status_and_code(SessionError::UnknownSession("x".into())), (404, "unknown_session"));
        assert_eq!(status_and_code(SessionError::UnknownProblem("x".into())), (404, "unknown_problem"));
        assert_eq!(status_and_code(SessionError::TooLong { bytes: 2, limit: 1 }), (413, "too_long"));
        assert_eq!(status_and_code(SessionError::WrongState("paused".into())), (409, "wrong_state"));
        assert_eq!(status_and_code(SessionError::Invalid("minutes".into())), (422, "invalid"));
        assert_eq!(status_and_code(SessionError::Store("database or disk is full".into())), (507, "disk_full"));
        assert_eq!(status_and_code(SessionError::Store("malformed".into())), (500, "store"));
        assert_eq!(status_and_code(SessionError::Engine(EngineError::Busy)), (503, "busy"));
        assert_eq!(status_and_code(EngineError::Stopped), (503, "stopped"));
        assert_eq!(status_and_code(EngineError::ContextOverflow { tokens: 2, context: 1 }), (422, "context_overflow"));
    }

    #[test]
    fn busy_says_when_to_come_back() {
        let response = ApiError::from(EngineError::Busy).into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
    }
}

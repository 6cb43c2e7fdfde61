//! A handler that panicked: the client gets an id, the log gets the reason, the server lives on.

use std::any::Any;

use axum::response::{IntoResponse, Response};

use super::error::ApiError;

/// The answer to a request whose handler panicked.
// The signature is tower-http's: it hands the panic over boxed.
pub(super) fn answer(reason: Box<dyn Any + Send>) -> Response {
    let id = uuid::Uuid::now_v7().to_string();
    let text = reason
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| reason.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    // `{:?}` escapes control characters: whatever is in the text cannot forge a line of the log.
    tracing::error!(%id, reason = ?text, "a request failed by a fault of the program");
    ApiError::internal(&id).into_response()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::extract::Request;
    use axum::http::StatusCode;
    use axum::routing::get;
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    async fn broken(request: Request) {
        match request.uri().query() {
            Some("str") => panic!("a plain panic"),
            Some("string") => panic!("a panic of {}", "parts"),
            Some("lines") => panic!("a forged\nERROR line \u{1b}[31m"),
            Some("index") => {
                let empty: Vec<u8> = Vec::with_capacity(usize::from(request.uri().path().len() > 99));
                let _ = empty[request.uri().path().len()];
            }
            _ => std::panic::panic_any(7),
        }
    }

    #[tokio::test]
    async fn a_panic_is_a_500_with_an_id_and_nothing_of_the_reason() {
        let router = Router::new().route("/", get(broken)).layer(CatchPanicLayer::custom(super::answer));
        for kind in ["str", "string", "lines", "index", "any"] {
            let request = Request::builder().uri(format!("/?{kind}")).body(Body::empty()).expect("a request");
            let response = router.clone().oneshot(request).await.expect("an answer");
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let body = axum::body::to_bytes(response.into_body(), 4096).await.expect("a short body");
            let text = String::from_utf8(body.to_vec()).expect("UTF-8");
            assert!(text.contains("\"internal\"") && text.contains("id 0"), "{text}");
            assert!(!text.contains("forged") && !text.contains("plain"), "{text}");
        }
        crate::tier::tried("D18", "panics in a handler", 5);
    }
}

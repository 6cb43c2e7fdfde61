//! Server-sent events: `event: NAME`, `data: {json}`, a blank line; a comment every 15 seconds so that a dead
//! connection is noticed. The stream owns the receiver: when the client leaves, the receiver is dropped.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

/// Time between two signs of life.
pub const PING: Duration = Duration::from_secs(15);

/// The comment that is the sign of life.
pub const PING_FRAME: &str = ": ping\n\n";

/// One event as bytes on the wire. JSON has no raw line break, so the data is always one line.
#[must_use]
pub fn frame(event: &str, data: &Value) -> String {
    format!("event: {event}\ndata: {data}\n\n")
}

/// Sends what arrives on `events` until the sender closes it. Each event serialises as `{"event", "data"}`.
pub fn respond<E: Serialize + Send + 'static>(events: UnboundedReceiver<E>, stopping: CancellationToken) -> Response {
    let frames = stream::unfold((events, stopping, false), |(mut events, stopping, ended)| async move {
        if ended {
            return None;
        }
        let (text, ended) = tokio::select! {
            biased;
            event = events.recv() => (named_frame(&event?), false),
            () = stopping.cancelled() => (goodbye(), true),
            () = tokio::time::sleep(PING) => (PING_FRAME.to_owned(), false),
        };
        Some((Ok::<_, Infallible>(Bytes::from(text)), (events, stopping, ended)))
    });
    stream_response(Body::from_stream(frames))
}

/// A response whose body is a stream of frames.
pub fn stream_response(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

fn named_frame(event: &impl Serialize) -> String {
    let mut value = serde_json::to_value(event).unwrap_or_default();
    let data = value.get_mut("data").map(Value::take).unwrap_or_default();
    frame(value["event"].as_str().unwrap_or("message"), &data)
}

/// The last frame of a stream that the end of the server cuts off.
fn goodbye() -> String {
    let data = serde_json::json!({
        "code": "stopping", "message": "The server is stopping.",
        "hint": "Your answer is stored. Start offrecord again and open the session from the history.",
    });
    frame("error", &data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interview::session::ReplyEvent;

    #[test]
    fn frames_read_as_the_contract_says() {
        let token = ReplyEvent::Token { text: "two\nlines \u{1b}[31m".into() };
        assert_eq!(named_frame(&token), "event: token\ndata: {\"text\":\"two\\nlines \\u001b[31m\"}\n\n");
        let prefill = ReplyEvent::Prefill { done: 1, total: 2 };
        assert_eq!(named_frame(&prefill), "event: prefill\ndata: {\"done\":1,\"total\":2}\n\n");
    }

    #[tokio::test]
    async fn a_stream_ends_with_its_sender_or_with_the_server() {
        let (sender, events) = tokio::sync::mpsc::unbounded_channel();
        sender.send(ReplyEvent::Token { text: "a".into() }).expect("open");
        let stopping = CancellationToken::new();
        stopping.cancel();
        let body = respond(events, stopping).into_body();
        let bytes = axum::body::to_bytes(body, 4096).await.expect("a short stream");
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        assert!(text.starts_with("event: token\n") && text.contains("event: error\n") && text.contains("stopping"));
        drop(sender);
    }
}

//! OpenAI's subset on the scripted engine: shapes, streams, errors, and a client that leaves.

mod server;

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use offrecord::engine::{self, Engine, Event, Finish, Finished, Job, ModelInfo, Usage};
use offrecord::http::accept::Limits;
use serde_json::{Value, json};
use server::Server;

const PATH: &str = "/v1/chat/completions";

fn asked(extra: Value) -> Value {
    let mut body = json!({"messages": [{"role": "user", "content": "Say something."}]});
    for (name, value) in extra.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn the_loaded_model_is_listed() {
    let server = Server::start();
    let list = server.api("GET", "/v1/models", None).json();
    assert_eq!((&list["object"], &list["data"][0]["id"]), (&json!("list"), &json!("scripted")));
}

#[test]
fn a_whole_completion() {
    let server = Server::start();
    let answer = server.api("POST", PATH, Some(&asked(json!({"model": "scripted", "user": "ignored"}))));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let completion = answer.json();
    assert_eq!(completion["object"], "chat.completion");
    assert_eq!(completion["choices"][0]["message"]["content"], "What happens to a request after that?");
    assert_eq!(completion["choices"][0]["finish_reason"], "stop");
    assert_eq!(completion["usage"]["completion_tokens"], 7);
}

#[test]
fn a_streamed_completion_with_usage() {
    let server = Server::start();
    let body = asked(json!({"stream": true, "stream_options": {"include_usage": true}}));
    let answer = server.api("POST", PATH, Some(&body));
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let text = answer.text();
    let mut frames: Vec<&str> = text.split("\n\n").filter_map(|frame| frame.strip_prefix("data: ")).collect();
    assert_eq!(frames.pop(), Some("[DONE]"));
    let chunks: Vec<Value> = frames.iter().map(|frame| serde_json::from_str(frame).expect("JSON")).collect();
    assert!(chunks.iter().all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk["id"] == chunks[0]["id"]));
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let spoken: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(spoken, "What happens to a request after that?");
    let [.., finish, usage] = chunks.as_slice() else { panic!("too few chunks") };
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!((&usage["choices"], &usage["usage"]["completion_tokens"]), (&json!([]), &json!(7)));
}

#[test]
fn errors_are_in_openais_shape() {
    let server = Server::start();
    let host = server.address.to_string();
    let invalid = server.api("POST", PATH, Some(&asked(json!({"temperature": 9}))));
    assert_eq!((invalid.status, &invalid.json()["error"]["type"]), (400, &json!("invalid_request_error")));
    let unknown = server.api("POST", PATH, Some(&asked(json!({"model": "gpt-4"}))));
    assert_eq!((unknown.status, &unknown.json()["error"]["type"]), (404, &json!("not_found_error")));
    let locked = server.send("POST", PATH, &[("Host", &host)], b"");
    assert_eq!((locked.status, &locked.json()["error"]["type"]), (401, &json!("authentication_error")));
    let nothing = server.api("GET", "/v1/nothing", None);
    assert_eq!((nothing.status, &nothing.json()["error"]["type"]), (404, &json!("not_found_error")));
    let bearer = server.bearer();
    let headers = [("Host", host.as_str()), ("Authorization", &bearer), ("Content-Type", "application/json")];
    let broken = server.send("POST", PATH, &headers, b"{");
    assert_eq!((broken.status, &broken.json()["error"]["type"]), (400, &json!("invalid_request_error")));
    let deep = format!("{{\"messages\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    assert!(matches!(server.send("POST", PATH, &headers, deep.as_bytes()).status, 400 | 422));
}

/// An engine whose one generation goes on for ever and counts its steps; it stops when nobody listens.
fn endless(steps: Arc<AtomicUsize>, prefill: bool) -> Engine {
    let info = ModelInfo {
        id: "endless".into(),
        sha256: String::new(),
        architecture: "none".into(),
        quantisation: "none".into(),
        context: 1024,
        hidden_size: 1,
        kernel: "none".into(),
        threads: 1,
    };
    let (engine, mut queue) = Engine::with_queue(info);
    std::thread::spawn(move || {
        while let Some(job) = queue.blocking_recv() {
            let Job::Generate { reply, .. } = job else { continue };
            loop {
                let event = if prefill {
                    Event::Prefill { done: 1, total: 1_000_000 }
                } else {
                    Event::Token {
                        text: "word ".into(),
                        logprobs: vec![("word ".into(), -0.1), ("other".into(), -2.5)],
                    }
                };
                if reply.send(event).is_err() {
                    break;
                }
                steps.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    });
    engine
}

/// Waits until `steps` stands still; how many there are then.
fn settled(steps: &AtomicUsize) -> usize {
    let begun = Instant::now();
    loop {
        let before = steps.load(Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(60));
        if steps.load(Ordering::SeqCst) == before {
            return before;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "the model goes on although nobody listens");
    }
}

#[test]
fn a_client_that_leaves_stops_the_model() {
    for prefill in [false, true] {
        let steps = Arc::new(AtomicUsize::new(0));
        let server = Server::with(None, Limits::default());
        server.room.set_desk(server.room.desk().with_engine(endless(steps.clone(), prefill)));
        for stream in [true, false] {
            for _ in 0..5 {
                let body = asked(json!({"stream": stream})).to_string();
                let mut socket = server.connect();
                write!(
                    socket,
                    "POST {PATH} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
                     Content-Length: {}\r\n\r\n{body}",
                    server.address,
                    server.bearer(),
                    body.len()
                )
                .expect("sent");
                let started = steps.load(Ordering::SeqCst);
                while steps.load(Ordering::SeqCst) < started + 3 {
                    std::thread::sleep(Duration::from_millis(1));
                }
                if stream {
                    let mut some = [0; 16];
                    socket.read_exact(&mut some).expect("a head");
                }
                drop(socket);
                settled(&steps);
            }
        }
        assert!(steps.load(Ordering::SeqCst) > 0);
    }
}

#[test]
fn log_probabilities_are_told_when_asked_for() {
    let info = ModelInfo {
        id: "two".into(),
        sha256: String::new(),
        architecture: "none".into(),
        quantisation: "none".into(),
        context: 1024,
        hidden_size: 1,
        kernel: "none".into(),
        threads: 1,
    };
    let (engine, mut queue) = Engine::with_queue(info);
    std::thread::spawn(move || {
        while let Some(job) = queue.blocking_recv() {
            let Job::Generate { request, reply } = job else { continue };
            let logprobs = vec![("Yes".to_owned(), -0.5), ("Yes".to_owned(), -0.5), ("No".to_owned(), -1.5)];
            let logprobs = if request.top_logprobs > 0 { logprobs } else { Vec::new() };
            let _ = reply.send(Event::Token { text: "Yes".into(), logprobs });
            let done = Finished { text: "Yes".into(), finish: Finish::Length, usage: Usage::default() };
            let _ = reply.send(Event::Done(done));
        }
    });
    let server = Server::with(None, Limits::default());
    server.room.set_desk(server.room.desk().with_engine(engine));
    let with = server.api("POST", PATH, Some(&asked(json!({"logprobs": true, "top_logprobs": 2})))).json();
    let entry = &with["choices"][0]["logprobs"]["content"][0];
    assert_eq!((&entry["token"], &entry["logprob"]), (&json!("Yes"), &json!(-0.5)));
    assert_eq!(entry["top_logprobs"].as_array().map(Vec::len), Some(2));
    assert_eq!(entry["bytes"], json!([89, 101, 115]));
    assert_eq!(with["choices"][0]["finish_reason"], "length");
    let alone = server.api("POST", PATH, Some(&asked(json!({"logprobs": true})))).json();
    assert_eq!(alone["choices"][0]["logprobs"]["content"][0]["top_logprobs"], json!([]));
    let without = server.api("POST", PATH, Some(&asked(json!({})))).json();
    assert_eq!(without["choices"][0]["logprobs"], Value::Null);
}

#[test]
fn a_full_queue_is_503_with_retry_after() {
    let steps = Arc::new(AtomicUsize::new(0));
    let server = Server::with(None, Limits::default());
    let engine = endless(steps.clone(), false);
    let another = || engine.generate(engine::GenerateRequest::new(engine::Prompt::system("x"), 1));
    // One runs for ever, then all places of the queue are taken: the next is refused.
    let mut held = vec![another().expect("an empty queue")];
    while steps.load(Ordering::SeqCst) == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    while let Ok(waiting) = another() {
        held.push(waiting);
    }
    assert_eq!(held.len(), 33, "one running, 32 waiting");
    server.room.set_desk(server.room.desk().with_engine(engine.clone()));
    let refused = server.api("POST", PATH, Some(&asked(json!({}))));
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("2")));
    assert_eq!(refused.json()["error"]["code"], "busy");
    drop(held);
}

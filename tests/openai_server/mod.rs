//! A server on this machine that speaks OpenAI's interface as well or as badly as a test wants.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// One request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
    /// Requests of this kind before it; questions of no importance and lists of models are not counted.
    pub before: usize,
}

impl Asked {
    /// The last message.
    pub fn last(&self) -> &str {
        self.body["messages"].as_array().and_then(|m| m.last()).and_then(|m| m["content"].as_str()).unwrap_or_default()
    }
}

type Handler = dyn Fn(&Asked, &TcpStream) + Send + Sync;

/// A running stand-in; stops when dropped.
pub struct OpenAi {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    busy: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl OpenAi {
    /// Answers what the program asks when it connects as a good server would; everything else is `handler`'s.
    pub fn start(handler: impl Fn(&Asked, &TcpStream) + Send + Sync + 'static) -> Self {
        Self::bare(move |asked, stream| match (asked.path.as_str(), asked.last()) {
            ("/v1/models", _) => reply(stream, 200, &json!({"object": "list", "data": [{"id": "stand-in"}]})),
            (_, "Is water wet? Yes or No?") => reply(stream, 200, &judged(&[("Yes", 0.9), ("No", 0.1)])),
            ("/v1/completions", _) => reply(stream, 404, &json!({"error": {"message": "no such thing"}})),
            _ => handler(asked, stream),
        })
    }

    /// Everything is `handler`'s.
    pub fn bare(handler: impl Fn(&Asked, &TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (busy, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let stop = Arc::new(AtomicBool::new(false));
        let handler: Arc<Handler> = Arc::new(handler);
        let server = (Arc::clone(&asked), Arc::clone(&busy), Arc::clone(&most), Arc::clone(&stop));
        std::thread::spawn(move || {
            let (asked, busy, most, stop) = server;
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (asked, handler) = (Arc::clone(&asked), Arc::clone(&handler));
                let (busy, most) = (Arc::clone(&busy), Arc::clone(&most));
                std::thread::spawn(move || {
                    let Some(request) = read(&stream, &asked) else { return };
                    most.fetch_max(busy.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    handler(&request, &stream);
                    busy.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { url, asked, busy, most, stop }
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("not poisoned").clone()
    }

    /// Requests that matter.
    pub fn counted(&self) -> usize {
        self.asked().iter().filter(|asked| counts(asked)).count()
    }

    /// Most requests that were answered at a time.
    pub fn most_together(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

impl Drop for OpenAi {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

fn counts(asked: &Asked) -> bool {
    asked.method == "POST" && asked.last() != "Is water wet? Yes or No?" && asked.body["prompt"] != "One, two, three"
}

fn read(stream: &TcpStream, all: &Mutex<Vec<Asked>>) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut words = first.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    let length = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let mut all = all.lock().expect("not poisoned");
    let before = all.iter().filter(|asked| counts(asked)).count();
    let asked = Asked { method, path, headers, body, before };
    all.push(asked.clone());
    Some(asked)
}

/// Sends JSON.
pub fn reply(stream: &TcpStream, status: u16, body: &Value) {
    send(stream, status, "application/json", &[], &body.to_string());
}

/// Sends anything.
pub fn send(mut stream: &TcpStream, status: u16, kind: &str, headers: &[(&str, &str)], body: &str) {
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n{more}connection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

/// Begins a stream.
pub fn begin(mut stream: &TcpStream) {
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n");
}

/// Sends one line of a stream; false when nobody listens.
pub fn line(mut stream: &TcpStream, text: &str) -> bool {
    stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(b"\n\n")).and_then(|()| stream.flush()).is_ok()
}

/// Sends a piece of text as a chunk.
pub fn say(stream: &TcpStream, text: &str) -> bool {
    line(
        stream,
        &format!("data: {}", json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]})),
    )
}

/// Streams a whole text, well.
pub fn stream_words(stream: &TcpStream, text: &str) {
    begin(stream);
    for piece in text.split_inclusive(' ') {
        say(stream, piece);
    }
    line(stream, &format!("data: {}", json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})));
    let usage = json!({"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16});
    line(stream, &format!("data: {}", json!({"choices": [], "usage": usage})));
    line(stream, "data: [DONE]");
}

/// An answer with log-probabilities of its first token.
pub fn judged(top: &[(&str, f64)]) -> Value {
    let token = |(text, p): &(&str, f64)| json!({"token": text, "logprob": p.ln()});
    let all: Vec<Value> = top.iter().map(token).collect();
    let content = json!([{"token": top[0].0, "logprob": top[0].1.ln(), "top_logprobs": all}]);
    json!({"choices": [{"message": {"content": top[0].0}, "logprobs": {"content": content}, "finish_reason": "length"}]})
}

//! A stand-in for the hub on a port of this machine: a real server that misbehaves as told, and remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// How many requests came before this one.
    pub(crate) before: usize,
}

impl Asked {
    /// First byte of the `Range`, if one was asked for.
    pub(crate) fn from(&self) -> Option<usize> {
        self.headers.get("range")?.strip_prefix("bytes=")?.split_once('-')?.0.parse().ok()
    }

    /// Whether only the metadata is wanted.
    pub(crate) fn is_probe(&self) -> bool {
        self.headers.get("range").is_some_and(|range| range == "bytes=0-0")
    }
}

/// A piece of an answer.
pub(crate) enum Piece {
    Bytes(Vec<u8>),
    Pause(Duration),
}

/// The server; it ends when dropped.
pub(crate) struct Hub {
    pub(crate) url: String,
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
    stop: Arc<AtomicBool>,
}

impl Hub {
    /// Serves with `answer` until dropped.
    pub(crate) fn start(answer: impl Fn(&Asked) -> Vec<Piece> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let answer = Arc::new(answer);
        let (log, stopped) = (Arc::clone(&asked), Arc::clone(&stop));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (log, answer, stopped) = (Arc::clone(&log), Arc::clone(&answer), Arc::clone(&stopped));
                std::thread::spawn(move || converse(stream, &log, answer.as_ref(), &stopped));
            }
        });
        Self { url: format!("http://{address}"), asked, stop }
    }

    /// Requests so far that wanted more than metadata.
    pub(crate) fn transfers(&self) -> Vec<Asked> {
        self.asked.lock().expect("the log").iter().filter(|asked| !asked.is_probe()).cloned().collect()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

fn converse(
    stream: TcpStream,
    log: &Mutex<Vec<Asked>>,
    answer: &(dyn Fn(&Asked) -> Vec<Piece> + Send + Sync),
    stop: &AtomicBool,
) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let headers = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())))
        .collect();
    let asked = {
        let mut log = log.lock().expect("the log");
        let asked = Asked { path, headers, before: log.len() };
        log.push(asked.clone());
        asked
    };
    let mut out = &stream;
    for piece in answer(&asked) {
        match piece {
            Piece::Bytes(bytes) => {
                if out.write_all(&bytes).is_err() {
                    return;
                }
            }
            Piece::Pause(pause) => {
                let step = Duration::from_millis(10);
                let mut left = pause;
                while !left.is_zero() && !stop.load(Ordering::SeqCst) {
                    std::thread::sleep(step);
                    left = left.saturating_sub(step);
                }
            }
        }
    }
}

/// A status line with headers.
pub(crate) fn head(status: &str, headers: &[(&str, String)]) -> Piece {
    let mut text = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    Piece::Bytes(text.into_bytes())
}

/// A refusal without a body.
pub(crate) fn status(status: &str) -> Vec<Piece> {
    vec![head(status, &[("Content-Length", "0".to_owned())])]
}

/// What the real hub says beside a file.
pub(crate) fn about(sha256: &str) -> Vec<(&'static str, String)> {
    vec![
        ("X-Linked-Etag", format!("\"{sha256}\"")),
        ("X-Repo-Commit", "0123456789abcdef0123456789abcdef01234567".to_owned()),
    ]
}

/// The proper answer for a file, with or without a range.
pub(crate) fn serve(asked: &Asked, content: &[u8], about: &[(&'static str, String)]) -> Vec<Piece> {
    let mut headers = about.to_vec();
    let (status, body) = match asked.from() {
        Some(from) if from < content.len() => {
            let end = if asked.is_probe() { 1 } else { content.len() };
            headers.push(("Content-Range", format!("bytes {from}-{}/{}", end - 1, content.len())));
            ("206 Partial Content", &content[from..end])
        }
        Some(_) => return status("416 Range Not Satisfiable"),
        None => ("200 OK", content),
    };
    headers.push(("Content-Length", body.len().to_string()));
    vec![head(status, &headers), Piece::Bytes(body.to_vec())]
}

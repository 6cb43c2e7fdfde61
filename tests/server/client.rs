//! A client that can send anything, and what comes back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Talks to one server with its token.
pub struct Client {
    pub address: SocketAddr,
    pub token: String,
}

impl Client {
    /// The client of a `serve --json` that writes to `out`, and its first line.
    pub fn announced(out: impl Read) -> (Self, Value) {
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("a line");
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let address = line["url"].as_str().and_then(|url| url.strip_prefix("http://")).expect("a url");
        let token = line["token"].as_str().expect("a token").to_owned();
        (Self { address: address.parse().expect("an address"), token }, line)
    }

    /// Waits until the model answers; at most a minute: machines may be slow.
    pub fn wait_for_the_model(&self) {
        let begun = Instant::now();
        while self.api("GET", "/api/status", None).json()["model"]["state"] != "ready" {
            assert!(begun.elapsed() < Duration::from_secs(60), "the model is not ready");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The token's header value.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// One request as a program sends it.
    pub fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let (host, bearer) = (self.address.to_string(), self.bearer());
        let mut headers = vec![("Host", host.as_str()), ("Authorization", &bearer)];
        if body.is_some() {
            headers.push(("Content-Type", "application/json"));
        }
        self.send(method, path, &headers, body.map(Value::to_string).unwrap_or_default().as_bytes())
    }

    /// As [`Client::api`]; none when the server is gone.
    pub fn try_api(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Answer> {
        Some(self.api(method, path, body)).filter(|answer| answer.status != 0)
    }

    /// One request with exactly these headers (and `Content-Length` where there is a body).
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        self.raw(&[head.as_bytes(), body].concat())
    }

    /// These bytes; all that comes back until the server closes.
    pub fn raw(&self, bytes: &[u8]) -> Answer {
        let Ok(mut socket) = TcpStream::connect(self.address) else { return Answer::parse(b"") };
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        // A server that refuses early closes while a large body is still being sent.
        let _ = socket.write_all(bytes);
        let (mut answer, mut piece) = (Vec::new(), [0; 64 * 1024]);
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Ok(read) = socket.read(&mut piece) {
            answer.extend_from_slice(&piece[..read]);
            if read == 0 {
                break;
            }
            // A stream that only pings would be read for ever.
            assert!(
                Instant::now() < deadline,
                "the server does not come to an end: {:.300}",
                String::from_utf8_lossy(&answer)
            );
        }
        Answer::parse(&answer)
    }

    pub fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).expect("the server listens");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        socket
    }

    /// A new session's view.
    pub fn session(&self, round: &str) -> Value {
        let new = serde_json::json!({"round": round, "level": "senior", "minutes": 15, "mode": "realistic", "seed": 7});
        let answer = self.api("POST", "/api/sessions", Some(&new));
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// 0 when nothing came back.
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Self { status: 0, headers: Vec::new(), body: Vec::new() };
        };
        let head = String::from_utf8_lossy(&bytes[..end]);
        let mut lines = head.lines();
        let status =
            lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok()).unwrap_or(0);
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let body = bytes[end + 4..].to_vec();
        let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        let body = if chunked { unchunk(&body) } else { body };
        Self { status, headers, body }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:.300}", self.text()))
    }

    /// The stable code of an error.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The events of a stream; a last one that is not whole is left out.
    pub fn events(&self) -> Vec<(String, Value)> {
        let text = self.text();
        let whole = text.rfind("\n\n").map_or("", |end| &text[..end]);
        whole
            .split("\n\n")
            .filter_map(|frame| {
                let (event, data) = frame.strip_prefix("event: ")?.split_once("\ndata: ")?;
                Some((event.to_owned(), serde_json::from_str(data).expect("JSON in one line")))
            })
            .collect()
    }
}

fn unchunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(&String::from_utf8_lossy(&bytes[..end]), 16).unwrap_or(0);
        let Some(chunk) = bytes.get(end + 2..end + 2 + size).filter(|_| size > 0) else { break };
        body.extend_from_slice(chunk);
        bytes = bytes.get(end + 4 + size..).unwrap_or_default();
    }
    body
}

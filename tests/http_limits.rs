//! Clients that dribble, stall, flood or stay, and a server that stops all the same. How many:
//! `tests/trust/tier.rs`; the time limits are shortened.

mod server;
#[path = "trust/tier.rs"]
mod tier;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use offrecord::engine::scripted::Script;
use offrecord::engine::{Engine, Event, Job, ModelInfo};
use offrecord::http::accept::Limits;
use serde_json::json;
use server::{Client, Server};

/// Times as short as a test needs them.
const SHORT: Limits = Limits {
    connections: 256,
    head: Duration::from_millis(400),
    body: Duration::from_millis(400),
    write: Duration::from_millis(400),
    drain: Duration::from_secs(1),
};

/// An engine that never ends and tells much: a reader who takes nothing is noticed soon.
fn gushing() -> Engine {
    let info = ModelInfo {
        id: "gushing".into(),
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
            std::thread::spawn(move || {
                let piece = "x".repeat(256 * 1024);
                while reply.send(Event::Token { text: piece.clone(), logprobs: Vec::new() }).is_ok() {
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
        }
    });
    engine
}

fn head(client: &Client, path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n",
        client.address,
        client.bearer()
    )
}

/// Whether the server has closed the socket; what it sent before is read and forgotten.
fn closed(socket: &mut TcpStream) -> bool {
    let mut bytes = [0; 64 * 1024];
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        match socket.read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => return true,
        }
    }
    false
}

#[test]
fn dribblers_and_stallers_hold_up_nobody_and_are_closed() {
    let tally = tier::Tally::of("D9", "sockets that dribble a head, a body, or read nothing");
    let most = tier::SLOW_SOCKETS.n();
    // A few less places than dribblers: the others must get in all the same.
    let limits = Limits { connections: most - most / 8, ..SHORT };
    let mut server = Server::with(None, limits);
    server.room.set_desk(server.room.desk().with_engine(gushing()));
    let mut sockets = Vec::new();
    for _ in 0..most / 3 {
        let mut slow_head = server.connect();
        slow_head.write_all(b"GET / HTTP/1.1\r\nHost: ").expect("sent");
        sockets.push(("a dribbled head", slow_head));
        let mut slow_body = server.connect();
        slow_body.write_all((head(&server, "/api/sessions", 1000) + "\r\n{").as_bytes()).expect("sent");
        sockets.push(("a dribbled body", slow_body));
        let mut never_reads = server.connect();
        let body = json!({"stream": true, "messages": [{"role": "user", "content": "x"}]}).to_string();
        let request = head(&server, "/v1/chat/completions", body.len()) + "\r\n" + &body;
        never_reads.write_all(request.as_bytes()).expect("sent");
        sockets.push(("an unread stream", never_reads));
    }
    let mut times: Vec<Duration> = (0..40)
        .map(|_| {
            for (_, socket) in &mut sockets {
                // One more byte each, where the server still takes it.
                let _ = socket.write(b"a");
            }
            let begun = Instant::now();
            assert_eq!(server.api("GET", "/api/sessions", None).status, 200);
            begun.elapsed()
        })
        .collect();
    times.sort();
    let p95 = times[times.len() * 95 / 100];
    tally.note(format!("95 % of ordinary requests meanwhile within {} ms", p95.as_millis()));
    assert!(p95 < Duration::from_millis(250), "95 % of the requests within {p95:?}");
    // Reading an unread stream would keep it open: first let the server's own clock run out.
    std::thread::sleep(SHORT.write * 3);
    for (what, socket) in &mut sockets {
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
        assert!(closed(socket), "{what} was not closed");
    }
    let begun = Instant::now();
    server.stop();
    assert!(begun.elapsed() < Duration::from_secs(5));
    tally.add(sockets.len());
}

#[test]
fn a_body_that_does_not_arrive_is_408() {
    let server = Server::with(Some(Script::default()), SHORT);
    let answer = server.raw((head(&server, "/api/sessions", 1000) + "Connection: close\r\n\r\n{").as_bytes());
    assert_eq!((answer.status, answer.code().as_str()), (408, "too_slow"));
    tier::tried("D9", "bodies that do not arrive", 1);
}

#[test]
fn idle_connections_beyond_the_limit_make_room() {
    let server = Server::with(Some(Script::default()), Limits { connections: 4, ..Limits::default() });
    let mut idle: Vec<TcpStream> = (0..4).map(|_| server.connect()).collect();
    // Seen by the server before the next comes: each is served one request and kept alive.
    for socket in &mut idle {
        write!(socket, "GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address).expect("sent");
        let mut some = [0; 16];
        socket.read_exact(&mut some).expect("an answer");
    }
    for _ in 0..20 {
        assert_eq!(server.api("GET", "/api/sessions", None).status, 200);
    }
    assert!(closed(&mut idle[0]), "the one that waited longest made room");
    tier::tried("D9", "idle connections beyond the limit", 4);
}

#[test]
fn a_stop_ends_open_streams_with_a_word_and_in_time() {
    let slow = Script { delay: Duration::from_millis(300), ..Script::default() };
    let mut server = Server::with(Some(slow), Limits::default());
    let view = server.session("system-design");
    let path = format!("/api/sessions/{}/turns", view["id"].as_str().expect("an id"));
    let body = json!({"text": "I would ask how many parcels there are.", "expected_seq": view["next_seq"]}).to_string();
    let mut socket = server.connect();
    socket.write_all((head(&server, &path, body.len()) + "\r\n" + &body).as_bytes()).expect("sent");
    let mut begun_stream = [0; 16];
    socket.read_exact(&mut begun_stream).expect("the head");
    let idle = server.connect();
    let begun = Instant::now();
    server.stop();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let mut rest = String::new();
    socket.read_to_string(&mut rest).expect("the rest");
    assert!(rest.contains("event: error") && rest.contains("\"stopping\""), "{rest}");
    assert!(TcpStream::connect(server.address).is_err(), "nobody listens any more");
    drop(idle);
    tier::tried("D12", "stops with an open stream", 1);
}

#[test]
fn many_sessions_on_one_model_are_served_or_told_to_wait() {
    let server = Server::start();
    let ids: Vec<(String, serde_json::Value)> = (0..8)
        .map(|n| {
            let view = server.session(if n % 2 == 0 { "system-design" } else { "behavioural" });
            (view["id"].as_str().expect("an id").to_owned(), view["next_seq"].clone())
        })
        .collect();
    let client = &server;
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = ids
            .iter()
            .enumerate()
            .map(|(n, (id, seq))| {
                scope.spawn(move || {
                    let text = format!("My canary is number {n}. I would ask how many parcels there are each day.");
                    let body = json!({"text": text, "expected_seq": seq});
                    client.api("POST", &format!("/api/sessions/{id}/turns"), Some(&body)).status
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(statuses.iter().all(|status| matches!(status, 200 | 503)), "{statuses:?}");
    for (n, (id, _)) in ids.iter().enumerate() {
        let view = server.api("GET", &format!("/api/sessions/{id}"), None).text();
        for other in (0..ids.len()).filter(|other| *other != n) {
            assert!(!view.contains(&format!("canary is number {other}.")), "{n} has words of {other}");
        }
    }
}

#[test]
fn odd_numbers_and_shapes_are_refused_without_a_panic() {
    let server = Server::start();
    let view = server.session("behavioural");
    let id = view["id"].as_str().expect("an id");
    let (host, bearer) = (server.address.to_string(), server.bearer());
    let headers = [("Host", host.as_str()), ("Authorization", &bearer), ("Content-Type", "application/json")];
    let numbers = [
        "-1",
        "1.5",
        "1e400",
        "-1e400",
        "9223372036854775808",
        "18446744073709551616",
        "NaN",
        "Infinity",
        "null",
        "\"1\"",
        "[]",
        "{}",
        "true",
        "4294967296",
    ];
    let mut bodies: Vec<(&str, String, String)> = Vec::new();
    for number in numbers {
        bodies.push((
            "POST",
            format!("/api/sessions/{id}/turns"),
            format!("{{\"text\":\"x\",\"expected_seq\":{number}}}"),
        ));
        bodies.push((
            "POST",
            "/api/sessions".into(),
            format!("{{\"round\":\"behavioural\",\"level\":\"senior\",\"mode\":\"coach\",\"minutes\":{number}}}"),
        ));
        bodies.push(("POST", format!("/api/sessions/{id}/scorecards"), format!("{{\"seed\":[{number}]}}")));
    }
    for text in ["\"\\ud800\"", "1", "null", "[]", "{\"a\":1}", "\"\\u0000", "\"a\"x"] {
        bodies.push(("PUT", format!("/api/sessions/{id}/draft"), format!("{{\"text\":{text}}}")));
    }
    for body in
        ["", "[]", "{", "nul", "\u{feff}{}", "{\"text\":\"x\",\"expected_seq\":1,\"extra\":1}", "{\"text\":\"x\"}"]
    {
        bodies.push(("POST", format!("/api/sessions/{id}/turns"), body.to_owned()));
    }
    for (method, path, body) in &bodies {
        let answer = server.send(method, path, &headers, body.as_bytes());
        assert!(matches!(answer.status, 400 | 409 | 415 | 422), "{path} {body}: {} {}", answer.status, answer.text());
    }
    let invalid_utf8 = server.send("PUT", &format!("/api/sessions/{id}/draft"), &headers, b"{\"text\":\"\xff\xfe\"}");
    assert_eq!(invalid_utf8.status, 400);
    assert_eq!(server.api("GET", &format!("/api/sessions/{id}"), None).json()["turns"], view["turns"]);
    tier::tried("T17", "odd numbers, texts and shapes in requests", bodies.len() + 1);
}

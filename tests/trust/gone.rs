//! D6: a client that leaves while its request is queued, read or written stops the work.

use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::Duration;

use offrecord::engine::{Engine, Event, Job, ModelInfo};
use offrecord::http::accept::Limits;
use serde_json::json;

use crate::server::Server;
use crate::tier::{self, Tally};

/// Where the client leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Queued,
    Reading,
    Writing,
}

/// An engine that works in steps, and tells how many it made after it began, until it noticed that nobody listens.
fn stepping(phase: Phase, go: mpsc::Receiver<()>, told: mpsc::Sender<usize>) -> Engine {
    let info = ModelInfo {
        id: "stepping".into(),
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
        loop {
            // Taken up only when the test says so: until then it waits in the queue.
            if phase == Phase::Queued && go.recv().is_err() {
                return;
            }
            let Some(job) = queue.blocking_recv() else { return };
            let Job::Generate { reply, .. } = job else { continue };
            let mut steps = 0;
            while !reply.is_closed() && steps < 10_000 {
                let event = match phase {
                    Phase::Writing => Event::Token { text: "word ".into(), logprobs: Vec::new() },
                    _ => Event::Prefill { done: steps, total: 10_000 },
                };
                let _ = reply.send(event);
                steps += 1;
                std::thread::sleep(Duration::from_millis(1));
            }
            let _ = told.send(steps);
        }
    });
    engine
}

#[test]
fn a_client_that_leaves_stops_the_work() {
    let tally = Tally::of("D6", "clients that leave over HTTP: queued, while reading, while writing");
    for phase in [Phase::Queued, Phase::Reading, Phase::Writing] {
        let server = Server::with(None, Limits::default());
        let (go, wait) = mpsc::channel();
        let (told, steps) = mpsc::channel();
        server.room.set_desk(server.room.desk().with_engine(stepping(phase, wait, told)));
        let (mut most, mut never) = (0, 0);
        for _ in 0..tier::CLIENT_GONE.n() {
            let mut socket = server.connect();
            let body = json!({"stream": true, "messages": [{"role": "user", "content": "x"}]}).to_string();
            let head = format!(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                server.address,
                server.bearer(),
                body.len()
            );
            socket.write_all(head.as_bytes()).expect("sent");
            if phase != Phase::Queued {
                let mut some = [0; 16];
                socket.read_exact(&mut some).expect("the answer begins");
            } else {
                // It is in the queue once the server has answered the next request on another connection.
                for _ in 0..20 {
                    assert_eq!(server.api("GET", "/api/version", None).status, 200);
                }
            }
            drop(socket);
            if phase == Phase::Queued {
                for _ in 0..20 {
                    assert_eq!(server.api("GET", "/api/version", None).status, 200);
                }
                std::thread::sleep(Duration::from_millis(200));
                go.send(()).expect("the engine waits");
            }
            let made = steps.recv_timeout(Duration::from_secs(60)).expect("the work ends");
            most = made.max(most);
            // Steps of a millisecond: a client that is noticed within some seconds of a slow machine.
            assert!(made < 10_000, "{phase:?}: never noticed");
            never += usize::from(made == 0);
            tally.add(1);
        }
        println!("{phase:?}: at most {most} steps, {never} never began");
        let many = tier::CLIENT_GONE.n();
        assert!(phase != Phase::Queued || never * 2 > many, "{never} of {many} that left the queue were not begun");
    }
}

//! D11, T22: many sessions on one model, and more requests than anybody can serve.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use offrecord::engine::scripted::Script;
use offrecord::http::accept::Limits;
use serde_json::json;

use crate::process::say;
use crate::server::Server;
use crate::tier::{self, Tally};

const TURNS: usize = 5;

#[test]
fn many_sessions_are_served_fairly_in_order_and_apart() {
    let tally = Tally::of("T22", "sessions at once, five answers each with a canary of its own");
    let fair = Tally::of("D11", "sessions at once on one model, five answers each");
    let many = tier::SESSIONS_AT_ONCE.n();
    let script = Script { delay: Duration::from_millis(1), ..Script::default() };
    let server = Server::with(Some(script), Limits::default());
    let ids: Vec<String> = (0..many)
        .map(|n| {
            let view = server.session(if n % 2 == 0 { "system-design" } else { "behavioural" });
            view["id"].as_str().expect("an id").to_owned()
        })
        .collect();
    let start = Barrier::new(many);
    let times: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = ids
            .iter()
            .enumerate()
            .map(|(n, id)| {
                let (server, start) = (&*server, &start);
                scope.spawn(move || {
                    start.wait();
                    let begun = Instant::now();
                    for turn in 0..TURNS {
                        let text = format!("canary-{n:03}-{turn}: I would ask how many parcels there are on a day.");
                        let deadline = Instant::now() + Duration::from_secs(120);
                        loop {
                            match say(server, id, &text) {
                                (200, true) => break,
                                // Told to wait, or the reply broke off with "busy": it is asked for again.
                                (200, false) | (409, _) => {
                                    server.api("GET", &format!("/api/sessions/{id}/reply"), None);
                                    let view = server.api("GET", &format!("/api/sessions/{id}"), None);
                                    if view.status == 200 {
                                        let view = view.json();
                                        let turns = view["turns"].as_array().expect("turns");
                                        if view["status"] != "active" || turns.len() >= 2 * turn + 3 {
                                            break;
                                        }
                                    }
                                }
                                (429 | 503, _) => {}
                                (status, _) => panic!("{status}"),
                            }
                            assert!(Instant::now() < deadline, "session {n} waits for ever");
                            std::thread::sleep(Duration::from_millis(200));
                        }
                    }
                    begun.elapsed().as_secs_f64()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    // The bucket of requests fills again.
    std::thread::sleep(Duration::from_secs(2));
    for (n, id) in ids.iter().enumerate() {
        let view = server.api("GET", &format!("/api/sessions/{id}"), None);
        assert_eq!(view.status, 200, "{}", view.text());
        let (text, json) = (view.text(), view.json());
        for (at, turn) in json["turns"].as_array().expect("turns").iter().enumerate() {
            let role = if at % 2 == 0 { "interviewer" } else { "candidate" };
            assert_eq!((&turn["seq"], &turn["role"]), (&json!(at), &json!(role)), "in order");
        }
        for other in (0..many).filter(|other| *other != n) {
            assert!(!text.contains(&format!("canary-{other:03}-")), "{n} has words of {other}");
        }
    }
    let rates: Vec<f64> = times.iter().map(|time| TURNS as f64 / time).collect();
    let (sum, squares) = (rates.iter().sum::<f64>(), rates.iter().map(|rate| rate * rate).sum::<f64>());
    let jain = sum * sum / (many as f64 * squares);
    let longest = times.iter().copied().fold(0.0, f64::max);
    assert!(jain > 0.7, "the index of fairness is {jain:.3}");
    fair.note(format!("index of fairness (Jain) {jain:.3}, all done within {longest:.1} s"));
    fair.add(many * TURNS);
    tally.note("0 canaries of another session".into());
    tally.add(many * TURNS);
}

#[test]
fn an_overload_is_served_or_told_when_to_come_back() {
    let tally = Tally::of("D11", "clients at once, more than the queue holds");
    let script = Script { delay: Duration::from_millis(5), ..Script::default() };
    let server = Server::with(Some(script), Limits::default());
    let many = tier::OVERLOAD_CLIENTS.n();
    let start = Barrier::new(many);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..many)
            .map(|n| {
                let (server, start) = (&*server, &start);
                scope.spawn(move || {
                    start.wait();
                    let body = json!({"messages": [{"role": "user", "content": format!("client {n}")}]});
                    server.api("POST", "/v1/chat/completions", Some(&body))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    for answer in &answers {
        assert!(matches!(answer.status, 200 | 503), "{} {}", answer.status, answer.text());
        assert!(answer.status == 200 || answer.header("retry-after").is_some(), "{:?}", answer.headers);
    }
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(served > 0 && server.api("GET", "/api/sessions", None).status == 200);
    tally.note(format!("{served} served, {} told to come back", many - served));
    tally.add(many);
}

#[test]
fn a_stranger_who_knocks_without_end_is_told_to_wait_and_keeps_nobody_out() {
    let server = Server::start();
    let host = server.address.to_string();
    let mut knocks = 0;
    loop {
        let answer = server.send("GET", "/api/sessions", &[("Host", &host)], b"");
        knocks += 1;
        if answer.status == 429 {
            assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("too_many_requests", Some("1")));
            break;
        }
        assert_eq!(answer.status, 401);
        assert!(knocks < 20_000, "never told to wait");
    }
    assert!(knocks > 900, "told to wait after {knocks}");
    assert_eq!(server.api("GET", "/api/sessions", None).status, 200);
    tier::tried("T3", "requests of a stranger, until told to wait", knocks);
}

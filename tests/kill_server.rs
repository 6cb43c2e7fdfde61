//! SIGKILL to the running server at random moments: what it acknowledged over HTTP is there after the next start,
//! once, and an interrupted reply is worded again.
//!
//! How often: `tests/trust/tier.rs`.

#![cfg(unix)]

#[path = "server/client.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod client;
#[path = "trust/tier.rs"]
mod tier;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use client::Client;
use offrecord::interview::dice::Dice;
use serde_json::{Value, json};

/// What the server said yes to.
enum Acknowledged {
    Session(String),
    Turn { id: String, seq: u64, text: String },
    Finished(String),
    Scorecard { id: String, n: u64, card: Value },
}

#[test]
fn what_the_server_acknowledged_survives_sigkill() {
    let kills = tier::KILLS.n();
    let tally = tier::Tally::of("D1", "SIGKILL of the server: streaming, grading, between");
    let folder = tempfile::tempdir().expect("a folder");
    let mut dice = Dice::new(20_261_125);
    let mut ledger = Ledger::default();
    for _ in 0..kills {
        let (mut server, client) = start(folder.path());
        ledger.check(&client);
        let (acknowledge, acknowledged) = mpsc::channel();
        let candidate = std::thread::spawn(move || while sit(&client, &acknowledge).is_some() {});
        for _ in 0..=dice.below(25) {
            let said =
                acknowledged.recv_timeout(Duration::from_secs(30)).expect("the server answers until it is killed");
            ledger.enter(said);
        }
        // Somewhere between this acknowledgement and the next.
        std::thread::sleep(Duration::from_micros(dice.below(20_000) as u64));
        server.kill().expect("killed");
        server.wait().expect("dead");
        candidate.join().expect("the candidate saw nothing that it did not expect");
        acknowledged.iter().for_each(|said| ledger.enter(said));
        tally.add(1);
    }
    let (mut server, client) = start(folder.path());
    ledger.check(&client);
    server.kill().expect("killed");
    server.wait().expect("dead");
    let (turns, cards) = (ledger.turns.len(), ledger.cards.len());
    assert!(turns > kills && cards > 0, "only {turns} turns and {cards} scorecards in {kills} starts");
    tally.note(format!("{turns} turns and {cards} scorecards acknowledged, 0 lost, 0 doubled"));
    println!("{kills} kills: {turns} turns and {cards} scorecards acknowledged, 0 lost, 0 doubled");
}

fn start(folder: &Path) -> (Child, Client) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_offrecord"))
        .env_clear()
        .env("HOME", folder)
        .env("OFFRECORD_DATA_DIR", folder.join("data"))
        .env("OFFRECORD_OFFLINE", "1")
        .env("OFFRECORD_ENGINE", "scripted")
        .args(["serve", "--port", "0", "--json", "--no-open"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let (client, _) = Client::announced(child.stdout.take().expect("piped"));
    client.wait_for_the_model();
    (child, client)
}

/// Goes on with the open session or begins one: six answers, the end, a grade. None when the server is gone.
fn sit(server: &Client, acknowledge: &Sender<Acknowledged>) -> Option<()> {
    let tell = |what| acknowledge.send(what).ok();
    let sessions = server.try_api("GET", "/api/sessions", None)?.json();
    let sessions = sessions.as_array().expect("a list");
    let open = sessions.iter().find(|session| session["status"] == "active");
    let id = match open {
        Some(session) => session["id"].as_str().expect("an id").to_owned(),
        None => {
            let round = if sessions.len().is_multiple_of(2) { "system-design" } else { "behavioural" };
            let new = json!({"round": round, "level": "senior", "minutes": 45, "mode": "coach"});
            let created = server.try_api("POST", "/api/sessions", Some(&new))?;
            // The head can arrive and the body not: then it is not acknowledged.
            let view: Value = serde_json::from_slice(&created.body).ok()?;
            assert_eq!(created.status, 201, "{view}");
            view["id"].as_str().expect("an id").to_owned()
        }
    };
    // Told by its creation, or by the list where a kill cut the answer to its creation off.
    tell(Acknowledged::Session(id.clone()))?;
    if view(server, &id)?["replying"].is_number() {
        reply(&server.try_api("GET", &format!("/api/sessions/{id}/reply"), None)?.events(), &id, acknowledge)?;
    }
    for n in 0..6 {
        let now = view(server, &id)?;
        if now["status"] != "active" {
            break;
        }
        let seq = now["next_seq"].as_u64().expect("a number");
        let text = format!(
            "Answer {n} at place {seq} of {id}: the order service writes an outbox row, and I page on its age."
        );
        let body = json!({"text": text, "expected_seq": seq});
        let answer = server.try_api("POST", &format!("/api/sessions/{id}/turns"), Some(&body))?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        tell(Acknowledged::Turn { id: id.clone(), seq, text })?;
        reply(&answer.events(), &id, acknowledge)?;
    }
    let finished = server.try_api("POST", &format!("/api/sessions/{id}/finish"), None)?;
    assert_eq!(finished.status, 200, "{}", finished.text());
    tell(Acknowledged::Finished(id.clone()))?;
    let graded = server.try_api("POST", &format!("/api/sessions/{id}/scorecards"), Some(&json!({})))?;
    let events = graded.events();
    let (_, done) = events.iter().find(|(event, _)| event == "done")?;
    tell(Acknowledged::Scorecard { id, n: done["n"].as_u64().expect("a number"), card: done["scorecard"].clone() })
}

fn view(server: &Client, id: &str) -> Option<Value> {
    serde_json::from_slice(&server.try_api("GET", &format!("/api/sessions/{id}"), None)?.body).ok()
}

/// The interviewer's turn at the end of a stream; none when the stream was cut.
fn reply(events: &[(String, Value)], id: &str, acknowledge: &Sender<Acknowledged>) -> Option<()> {
    let (_, done) = events.iter().find(|(event, _)| event == "done")?;
    let turn = &done["turn"];
    let (seq, text) = (turn["seq"].as_u64().expect("a number"), turn["text"].as_str().expect("text").to_owned());
    acknowledge.send(Acknowledged::Turn { id: id.to_owned(), seq, text }).ok()
}

/// All that was ever acknowledged.
#[derive(Default)]
struct Ledger {
    sessions: BTreeSet<String>,
    turns: BTreeMap<(String, u64), String>,
    finished: Vec<String>,
    cards: BTreeMap<(String, u64), Value>,
}

impl Ledger {
    fn enter(&mut self, said: Acknowledged) {
        match said {
            Acknowledged::Session(id) => drop(self.sessions.insert(id)),
            Acknowledged::Finished(id) => self.finished.push(id),
            Acknowledged::Scorecard { id, n, card } => drop(self.cards.insert((id, n), card)),
            Acknowledged::Turn { id, seq, text } => {
                let before = self.turns.insert((id.clone(), seq), text.clone());
                assert!(before.is_none_or(|before| before == text), "turn {seq} of {id} was told with two texts");
            }
        }
    }

    /// Compares with what a server that was started afresh shows.
    fn check(&self, server: &Client) {
        let views: BTreeMap<&String, Value> =
            self.sessions.iter().map(|id| (id, view(server, id).expect("the server answers"))).collect();
        for (id, view) in &views {
            let turns = view["turns"].as_array().unwrap_or_else(|| panic!("session {id} is lost: {view}"));
            for (at, turn) in turns.iter().enumerate() {
                let role = if at % 2 == 0 { "interviewer" } else { "candidate" };
                assert_eq!((&turn["seq"], &turn["role"]), (&json!(at), &json!(role)), "turns alternate without a gap");
            }
        }
        for ((id, seq), text) in &self.turns {
            assert_eq!(views[id]["turns"][*seq as usize]["text"], json!(text), "turn {seq} of {id}");
        }
        for id in &self.finished {
            assert_eq!(views[id]["status"], "finished", "{id}");
        }
        for ((id, n), card) in &self.cards {
            let stored = server.api("GET", &format!("/api/sessions/{id}/scorecards/{n}"), None).json();
            assert_eq!(&stored, card, "scorecard {n} of {id}");
        }
    }
}

//! SIGKILL at random moments: what was acknowledged is there, once, and the database is whole.
//!
//! The child is this test binary itself: it holds interviews at a desk over one folder and says on standard output
//! what it was told. How often: `tests/trust/tier.rs`.

#![cfg(unix)]

#[path = "trust/tier.rs"]
mod tier;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use offrecord::content::Content;
use offrecord::engine::scripted::{self, Script};
use offrecord::interview::clock::Clock;
use offrecord::interview::desk::{Desk, GradeEvent, GradeOptions};
use offrecord::interview::dice::Dice;
use offrecord::interview::session::{NewSession, ReplyEvent, Status};
use offrecord::interview::transcript::{Level, Mode, Round, Speaker};
use offrecord::store::Store;
use serde_json::{Value, json};

/// Set for the child: the folder of its store.
const FOLDER: &str = "OFFRECORD_TEST_KILL_FOLDER";

fn desk_at(folder: &Path) -> Desk {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/content");
    let content = Content::from_dir(&fixtures).expect("the fixtures are there");
    let store = Store::open(folder).expect("the store opens after a kill");
    Desk::open(store, Arc::new(content), Some(scripted::start(Script::default())), Clock::system())
}

/// Says one thing that was acknowledged.
fn told(what: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n@{what}").and_then(|()| out.flush()).expect("the parent listens");
}

/// Goes on with the open session (or a new one): `answers` answers, then finish and grade.
async fn sit(desk: &Desk, answers: u32) -> usize {
    let open = desk.list().expect("a list").into_iter().find(|session| session.status != Status::Finished);
    let mut view = match open {
        Some(summary) => desk.view(&summary.id).expect("a view"),
        None => {
            let round = if desk.list().expect("a list").len().is_multiple_of(2) {
                Round::SystemDesign
            } else {
                Round::Behavioural
            };
            let new = NewSession {
                round,
                level: Level::Senior,
                problem: None,
                minutes: 45,
                mode: Mode::Coach,
                seed: None,
                resume: None,
                posting: None,
                record: false,
            };
            desk.create(new).expect("a session")
        }
    };
    let id = view.summary.id.clone();
    told(&json!({"session": id}));
    if view.summary.status == Status::Paused {
        desk.resume(&id).expect("resumed");
    }
    if view.replying.is_some() {
        let mut reply = desk.attach(&id).expect("the reply is worded again");
        while let Some(event) = reply.recv().await {
            reply_told(&id, &event);
        }
    }
    for n in 0..answers {
        view = desk.view(&id).expect("a view");
        if view.summary.status == Status::Finished {
            break;
        }
        let seq = view.next_seq;
        let text = format!("answer {n} at {seq}: I append every scan to a log, {} parcels per day.", n * 7919);
        desk.draft(&id, text.clone()).await.expect("a draft");
        let mut reply = desk.answer(&id, text.clone(), seq, None).expect("an answer");
        told(&json!({"id": id, "seq": seq, "text": text}));
        while let Some(event) = reply.recv().await {
            reply_told(&id, &event);
        }
        if n % 3 == 1 {
            let _ = desk.hint(&id);
            desk.pause(&id).and_then(|_| desk.resume(&id)).map(drop).unwrap_or_default();
        }
    }
    desk.finish(&id).expect("finished");
    told(&json!({"id": id, "finished": true}));
    let mut grade = desk.grade(&id, GradeOptions::default()).expect("a grade");
    while let Some(event) = grade.recv().await {
        if let GradeEvent::Done { n, scorecard } = event {
            told(&json!({"id": id, "card": n, "text": scorecard}));
        }
    }
    desk.view(&id).expect("a view").turns.len()
}

fn reply_told(id: &str, event: &ReplyEvent) {
    match event {
        ReplyEvent::Done { turn } => told(&json!({"id": id, "seq": turn.seq, "text": turn.text})),
        ReplyEvent::Error { message, .. } => panic!("no reply: {message}"),
        _ => {}
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads")
}

/// Undisturbed, a sitting holds what it said. As the child it goes on for ever.
#[test]
fn a_sitting() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let desk = desk_at(Path::new(&folder));
        runtime().block_on(async {
            loop {
                sit(&desk, 8).await;
            }
        });
    }
    let dir = tempfile::tempdir().expect("a folder");
    let turns = runtime().block_on(sit(&desk_at(dir.path()), 5));
    assert!(turns >= 3 && turns % 2 == 1, "{turns} turns");
}

/// All that the children said was acknowledged.
#[derive(Default)]
struct Acknowledged {
    turns: BTreeMap<(String, u32), String>,
    cards: BTreeMap<(String, u32), Value>,
    sessions: Vec<String>,
    finished: Vec<String>,
}

impl Acknowledged {
    fn hear(&mut self, line: &Value) {
        let id = || line["id"].as_str().expect("an id").to_owned();
        let number = |key: &str| u32::try_from(line[key].as_u64().expect("a number")).expect("small");
        if let Some(session) = line["session"].as_str() {
            self.sessions.push(session.to_owned());
        } else if line.get("card").is_some() {
            self.cards.insert((id(), number("card")), line["text"].clone());
        } else if line.get("finished").is_some() {
            self.finished.push(id());
        } else {
            let text = line["text"].as_str().expect("a text").to_owned();
            let before = self.turns.insert((id(), number("seq")), text.clone());
            assert!(before.is_none_or(|before| before == text), "turn {line} was acknowledged with another text");
        }
    }

    /// Compares with what is in the folder.
    fn check(&self, folder: &Path) {
        let store = Store::open(folder).expect("the store opens after a kill, and its check passes");
        for id in &self.sessions {
            let record = store.session(id).expect("readable").expect("an acknowledged session is there");
            for (at, turn) in record.turns.iter().enumerate() {
                assert_eq!(turn.seq as usize, at, "turns without a gap");
                let role = if at % 2 == 0 { Speaker::Interviewer } else { Speaker::Candidate };
                assert_eq!(turn.role, role, "turns alternate");
            }
            let texts: Vec<&str> = record.answers().collect();
            let mut once = texts.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), texts.len(), "an answer is there twice");
        }
        for ((id, seq), text) in &self.turns {
            let record = store.session(id).expect("readable").expect("there");
            assert_eq!(record.turns.get(*seq as usize).map(|turn| &turn.text), Some(text), "turn {seq} of {id}");
        }
        for ((id, n), card) in &self.cards {
            assert_eq!(store.scorecard(id, *n).expect("readable").as_ref(), Some(card), "scorecard {n} of {id}");
        }
        for id in &self.finished {
            let record = store.session(id).expect("readable").expect("there");
            assert_eq!(record.summary.status, Status::Finished);
        }
    }
}

trait Answers {
    fn answers(&self) -> impl Iterator<Item = &str>;
}

impl Answers for offrecord::store::Record {
    fn answers(&self) -> impl Iterator<Item = &str> {
        self.turns.iter().filter(|turn| turn.role == Speaker::Candidate).map(|turn| turn.text.as_str())
    }
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled() {
    let kills = tier::KILLS.n();
    let tally = tier::Tally::of("D1", "SIGKILL while a desk interviews and grades");
    let dir = tempfile::tempdir().expect("a folder");
    let mut acknowledged = Acknowledged::default();
    let mut dice = Dice::new(20_261_124);
    for _ in 0..kills {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["a_sitting", "--exact", "--nocapture"])
            .env(FOLDER, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("a child");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let patience = 1 + dice.below(40);
        let mut heard = 0;
        for line in lines.by_ref() {
            let Some(said) = line.strip_prefix('@') else { continue };
            acknowledged.hear(&serde_json::from_str(said).expect("a whole line"));
            heard += 1;
            if heard == patience {
                break;
            }
        }
        assert_eq!(heard, patience, "the child ended by itself");
        // Somewhere between this acknowledgement and the next: up to some milliseconds of work.
        (0..dice.below(3_000_000)).for_each(|n| _ = std::hint::black_box(n));
        child.kill().expect("killed");
        // What it still said before it died was acknowledged as well.
        for line in lines {
            if let Some(said) = line.strip_prefix('@')
                && let Ok(said) = serde_json::from_str(said)
            {
                acknowledged.hear(&said);
            }
        }
        child.wait().expect("dead");
        acknowledged.check(dir.path());
        tally.add(1);
    }
    let answers = acknowledged.turns.len();
    assert!(answers > kills, "only {answers} turns in {kills} sittings");
    let cards = acknowledged.cards.len();
    assert!(cards > 0, "no grade was ever acknowledged");
    tally.note(format!("{answers} turns and {cards} scorecards acknowledged, 0 lost, 0 doubled"));
    println!("{kills} kills, {answers} turns and {cards} scorecards acknowledged, 0 lost, 0 doubled");
}

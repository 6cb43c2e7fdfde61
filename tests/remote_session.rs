//! The program with an interviewer and a judge on a server: what it says, what goes there, what it refuses.

#![expect(clippy::unwrap_used, reason = "tests")]

mod openai_server;
mod server;

use std::process::{Child, Command, Stdio};

use openai_server::{OpenAi, judged, reply, stream_words};
use serde_json::{Value, json};
use server::Client;

/// Words and judges; says yes to nearly everything.
fn good() -> OpenAi {
    OpenAi::start(|asked, stream| {
        if asked.body["stream"] == true {
            return stream_words(stream, "two copies of each");
        }
        let letters = [("A", 0.05), ("B", 0.1), ("C", 0.1), ("D", 0.1), ("E", 0.05)];
        let top: Vec<(&str, f64)> = [("Yes", 0.5), ("No", 0.1)].into_iter().chain(letters).collect();
        reply(stream, 200, &judged(&top));
    })
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offrecord"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OFFRECORD_") || name.starts_with("HF_")) {
        command.env_remove(name);
    }
    command
}

/// A running `serve`; ended when dropped.
struct Serving {
    child: Child,
    first: Value,
    client: Client,
}

impl Serving {
    fn start(folder: &std::path::Path, flags: &[&str]) -> Self {
        let mut child = program()
            .args(["serve", "--json", "--no-open", "--port", "0", "--offline", "--data-dir"])
            .arg(folder)
            .args(flags)
            .env("OFFRECORD_ENGINE", "scripted")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (client, first) = Client::announced(child.stdout.take().unwrap());
        let serving = Self { child, first, client };
        serving.client.wait_for_the_model();
        serving
    }

    fn session(&self) -> Value {
        let new = json!({"round": "system-design", "level": "senior", "minutes": 15, "mode": "realistic", "seed": 1});
        let made = self.client.api("POST", "/api/sessions", Some(&new));
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()
    }

    /// Answers, and returns the reply.
    fn answer(&self, session: &Value, text: &str) -> String {
        let id = session["id"].as_str().unwrap();
        let now = self.client.api("GET", &format!("/api/sessions/{id}"), None).json();
        let turn = json!({"text": text, "expected_seq": now["next_seq"]});
        self.client.api("POST", &format!("/api/sessions/{id}/turns"), Some(&turn)).text()
    }

    fn graded(&self, session: &Value) -> Value {
        let id = session["id"].as_str().unwrap();
        self.client.api("POST", &format!("/api/sessions/{id}/finish"), None);
        let events = self.client.api("POST", &format!("/api/sessions/{id}/scorecards"), Some(&json!({}))).text();
        let done = events.split("event: done\ndata: ").nth(1).unwrap_or_else(|| panic!("not graded: {events}"));
        let done: Value = serde_json::from_str(done.lines().next().unwrap()).unwrap();
        done["scorecard"].clone()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const ANSWER: &str = "I would first ask how many events a second there are. We kept two copies of each event in two zones, \
     because a zone had failed twice, and a follower takes over when the leader dies.";

/// So that no two answers are the same.
const MORE: [&str; 4] = [
    "Each consumer keeps its own offset and reads in order.",
    "We chose a log over a queue, because a consumer must be able to read again from any point.",
    "A slow partition is split by tenant, which took us one week and a night of copying.",
    "I would measure the age of the oldest event that nobody has taken, and page somebody at five minutes.",
];

fn said(asked: &openai_server::Asked) -> String {
    asked.body["messages"].to_string()
}

#[test]
fn a_whole_interview_with_interviewer_and_judge_on_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = good();
    let host = server.url.trim_start_matches("http://").to_owned();
    let serving = Serving::start(folder.path(), &["--interviewer", &server.url, "--judge", &server.url]);
    assert_eq!(serving.first["leaves_for"], json!(host));
    assert_eq!(serving.first["model"]["id"], "stand-in (127.0.0.1)");
    let status = serving.client.api("GET", "/api/status", None).json();
    assert_eq!(status["leaves_for"], json!(host));
    assert!(status["network"].as_str().unwrap().contains(&host));
    let session = serving.session();
    assert_eq!(session["leaves_for"], json!(host));
    // The draft stays; the answer goes.
    let id = session["id"].as_str().unwrap();
    serving.client.api("PUT", &format!("/api/sessions/{id}/draft"), Some(&json!({"text": "a draft that stays here"})));
    let heard = |server: &OpenAi| server.asked().iter().any(|asked| said(asked).contains("in two zones"));
    for turn in 0..8 {
        let reply = serving.answer(&session, &format!("{ANSWER} {}", MORE[turn % MORE.len()]));
        assert!(reply.contains("event: done"), "{reply}");
        if heard(&server) {
            break;
        }
    }
    let interviewing = server.counted();
    assert!(
        server.asked().iter().any(|asked| said(asked).contains("two copies of each event")),
        "the interviewer read it"
    );
    let card = serving.graded(&session);
    assert_eq!(card["provenance"]["leaves_for"], json!(host));
    assert_eq!(
        (&card["provenance"]["model"], &card["provenance"]["kernel"]),
        (&json!("stand-in (127.0.0.1)"), &json!("remote"))
    );
    assert!(server.counted() > interviewing, "the judge was asked");
    assert!(server.asked().iter().all(|asked| !said(asked).contains("a draft that stays here")));
}

#[test]
fn only_the_part_that_is_named_goes_there() {
    let folder = tempfile::tempdir().unwrap();
    let server = good();
    let host = server.url.trim_start_matches("http://").to_owned();
    let serving = Serving::start(folder.path(), &["--judge", &server.url]);
    let session = serving.session();
    assert_eq!(session["leaves_for"], json!(host), "it will go there");
    serving.answer(&session, ANSWER);
    assert_eq!(server.counted(), 0, "the interviewer is here");
    assert_eq!(serving.graded(&session)["provenance"]["leaves_for"], json!(host));
    assert!(server.counted() > 0);
    drop(serving);
    // The same session later, without a server: nothing leaves any more.
    let serving = Serving::start(folder.path(), &[]);
    let id = session["id"].as_str().unwrap();
    let view = serving.client.api("GET", &format!("/api/sessions/{id}"), None).json();
    assert_eq!((&view["leaves_for"], &serving.first["leaves_for"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_server_without_probabilities_leaves_an_interview_that_is_composed_and_a_card_without_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let server = OpenAi::bare(|asked, stream| match asked.path.as_str() {
        "/v1/models" => reply(stream, 200, &json!({"data": [{"id": "plain"}]})),
        "/v1/chat/completions" if asked.body["stream"] == true => stream_words(stream, "nothing that may be quoted"),
        "/v1/chat/completions" => reply(stream, 200, &json!({"choices": [{"message": {"content": "Yes"}}]})),
        _ => reply(stream, 404, &json!({})),
    });
    let serving = Serving::start(folder.path(), &["--interviewer", &server.url, "--judge", &server.url]);
    let session = serving.session();
    assert!(serving.answer(&session, ANSWER).contains("event: done"), "the question is composed");
    let card = serving.graded(&session);
    let dimensions = card["dimensions"].as_array().unwrap();
    assert!(dimensions.iter().all(|d| d["status"] == "not_assessed" && d["score"].is_null()), "{card}");
    assert!(
        dimensions.iter().any(|d| d["reason"]["message"].as_str().unwrap_or_default().contains("no log-probabilities")),
        "{card}"
    );
}

#[test]
fn a_server_that_dies_in_an_interview_does_not_end_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = good();
    let serving = Serving::start(folder.path(), &["--interviewer", &server.url, "--judge", &server.url]);
    let session = serving.session();
    drop(server);
    assert!(serving.answer(&session, ANSWER).contains("event: done"), "the question is composed");
}

#[test]
fn offline_refuses_what_is_not_on_this_machine_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let transcript = folder.path().join("t.json");
    std::fs::write(
        &transcript,
        json!({"version": 1, "round": "system-design", "level": "senior", "minutes": 15,
        "turns": [{"seq": 0, "role": "candidate", "text": ANSWER}]})
        .to_string(),
    )
    .unwrap();
    let data = folder.path().join("data");
    let refused = |flags: &[&str], env: Option<(&str, &str)>| {
        let mut command = program();
        command.args(["--offline", "--data-dir"]).arg(&data).args(flags).envs(env).stdin(Stdio::null());
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let path = transcript.to_str().unwrap();
    for (flags, env) in [
        (&["grade", path, "--judge", "http://192.0.2.1:8000"][..], None),
        (&["grade", path], Some(("OFFRECORD_JUDGE", "https://judge.invalid"))),
        (&["run", "--interviewer", "http://192.0.2.1:8000"], None),
        (&["serve", "--no-open", "--port", "0"], Some(("OFFRECORD_INTERVIEWER", "http://192.0.2.1"))),
        (&["serve", "--no-open", "--port", "0", "--judge", "http://192.0.2.1"], None),
        (&["bench", "interviewer", "--interviewer", "http://192.0.2.1"], None),
        // `offrecord` alone reads the same variables as `serve`.
        (&[], Some(("OFFRECORD_INTERVIEWER", "http://192.0.2.1"))),
    ] {
        let (code, said) = refused(flags, env);
        assert_eq!(code, Some(2), "{flags:?}: {said}");
        assert!(said.contains("--offline forbids the network"), "{flags:?}: {said}");
    }
    for address in ["judge", "http://user:secret@127.0.0.1:1", "http://127.0.0.1:1/?key=1"] {
        let (code, said) = refused(&["grade", path, "--judge", address], None);
        assert_eq!(code, Some(2), "{address}: {said}");
    }
}

#[test]
fn grade_says_where_the_text_goes_and_reads_the_key_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let transcript = folder.path().join("t.json");
    std::fs::write(&transcript, json!({"version": 1, "round": "system-design", "level": "senior", "minutes": 15,
        "turns": [{"seq": 0, "role": "interviewer", "text": "How would you build it?"}, {"seq": 1, "role": "candidate", "text": ANSWER}]}).to_string()).unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "sk-from-a-file\n").unwrap();
    let server = good();
    let host = server.url.trim_start_matches("http://").to_owned();
    let run = program()
        .args(["--json", "--data-dir"])
        .arg(folder.path().join("data"))
        .arg("grade")
        .arg(&transcript)
        .args(["--judge", &server.url, "--judge-key-file"])
        .arg(&key)
        .env("OFFRECORD_LOG", "trace")
        .output()
        .unwrap();
    let talk = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{talk}");
    assert!(talk.contains(&format!("Text leaves this process for {host}.")), "{talk}");
    let card: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(card["provenance"]["leaves_for"], json!(host));
    assert!(server.asked().iter().all(|asked| asked.headers["authorization"] == "Bearer sk-from-a-file"));
    assert!(!talk.contains("sk-from-a-file"), "a key is in no log");
    std::fs::write(&key, "two words").unwrap();
    let run = program()
        .arg("grade")
        .arg(&transcript)
        .args(["--judge", &server.url, "--judge-key-file"])
        .arg(&key)
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(2));
}

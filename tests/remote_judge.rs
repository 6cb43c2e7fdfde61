//! `bench grading` with a judge behind an address, against a stand-in on this machine: it answers, it stumbles, it dies.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use offrecord::bench::remote::{self, RemoteError, Settings};
use offrecord::bench::run::{self, Plan};
use serde_json::{Value, json};

/// A server that says Yes to a question about a "window" and No otherwise.
struct Judge {
    url: String,
    asked: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

/// How it misbehaves: given the number of questions before this one.
type Mood = fn(usize) -> Answer;

#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Well,
    Busy,
    HangUp,
    Nonsense,
}

impl Judge {
    fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, stopped) = (Arc::clone(&asked), Arc::clone(&stop));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let count = Arc::clone(&count);
                std::thread::spawn(move || answer(stream, &count, mood));
            }
        });
        Self { url, asked, stop }
    }

    fn settings(&self) -> Settings {
        Settings { tries: 3, pause: Duration::from_millis(1), ..Settings::new(&self.url) }
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

fn answer(stream: TcpStream, count: &AtomicUsize, mood: Mood) {
    let mut reader = BufReader::new(&stream);
    let mut first = String::new();
    let mut length = 0;
    reader.read_line(&mut first).unwrap_or(0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    if first.starts_with("GET /v1/models") {
        return reply(&stream, "200 OK", &json!({"data": [{"id": "stand-in"}]}));
    }
    match mood(count.fetch_add(1, Ordering::SeqCst)) {
        Answer::HangUp => {}
        Answer::Busy => reply(&stream, "503 Service Unavailable", &json!({})),
        Answer::Nonsense => reply(&stream, "200 OK", &json!({"choices": [{"message": {"content": "Yes"}}]})),
        Answer::Well => {
            let asked: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((asked["max_tokens"].as_u64(), asked["top_logprobs"].as_u64()), (Some(1), Some(20)));
            let text = asked["messages"][1]["content"].as_str().unwrap();
            let yes: f64 = if text.contains("window is halved") { 0.8 } else { 0.3 };
            let mut top = vec![token("Yes", yes), token(" no", 0.9 - yes)];
            top.extend(["A", "B", "C", "D", "E"].iter().zip([0.01, 0.02, 0.03, 0.02, 0.01]).map(|(t, p)| token(t, p)));
            let content = json!([{"token": "Yes", "logprob": yes.ln(), "top_logprobs": top}]);
            reply(&stream, "200 OK", &json!({"choices": [{"logprobs": {"content": content}}]}));
        }
    }
}

fn token(text: &str, p: f64) -> Value {
    json!({"token": text, "logprob": p.ln()})
}

fn reply(mut stream: &TcpStream, status: &str, body: &Value) {
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

fn plan(folder: &Path) -> Plan {
    let data = folder.join("answers.jsonl");
    let line = |k: usize| {
        json!({"id": k, "dataset": "d", "question_id": k % 3, "question": "How does it change?", "score": k % 3, "score_min": 0, "score_max": 2,
            "answer": format!("After a loss the window is halved in case {k}."), "reference_answer": "The window halves after a loss."})
        .to_string()
    };
    std::fs::write(&data, (0..6).map(line).collect::<Vec<_>>().join("\n")).unwrap();
    Plan { data: vec![data], limit: 0, split: None, output: folder.join("out"), seed: 1 }
}

async fn grade(judge: &Judge, plan: &Plan) -> run::Results {
    let settings = judge.settings();
    let engine = tokio::task::spawn_blocking(move || remote::connect(settings, true)).await.unwrap().unwrap();
    run::run(plan, Some(engine), None, &mut |_, _| ()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_judge_that_stumbles_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let judge = Judge::start(|before| match before % 5 {
        1 => Answer::Busy,
        3 => Answer::HangUp,
        _ => Answer::Well,
    });
    let results = grade(&judge, &plan(folder.path())).await;
    assert_eq!((results.status.as_str(), results.datasets["d"].n), ("success", 6));
    assert_eq!(results.provenance["model"], "stand-in (127.0.0.1)");
    assert!(judge.asked.load(Ordering::SeqCst) > 36);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_judge_that_dies_leaves_unscored_items_and_the_next_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path());
    let dying = Judge::start(|before| if before < 20 { Answer::Well } else { Answer::HangUp });
    let results = grade(&dying, &plan).await;
    let scored = results.datasets["d"].n;
    assert_eq!(results.status, "partial");
    assert!((1..6).contains(&scored), "{scored} were scored before it died");
    let reasons: Vec<&String> = results.datasets["d"].unscored.keys().collect();
    assert!(reasons.iter().all(|r| r.starts_with("engine: ") && r.contains("tried 3 times")), "{reasons:?}");
    drop(dying);
    let back = Judge::start(|_| Answer::Well);
    let results = grade(&back, &plan).await;
    assert_eq!((results.status.as_str(), results.datasets["d"].n), ("success", 6));
    // Habits are asked again, answers that were scored are not.
    assert!(back.asked.load(Ordering::SeqCst) <= (7 - scored) * 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_probabilities_is_a_reason_not_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let judge = Judge::start(|_| Answer::Nonsense);
    let results = grade(&judge, &plan(folder.path())).await;
    assert_eq!((results.status.as_str(), results.datasets["d"].n), ("partial", 0));
    assert!(results.datasets["d"].unscored.keys().all(|r| r.contains("log-probabilities")));
}

#[test]
fn offline_admits_only_this_machine() {
    let far = remote::connect(Settings { tries: 1, ..Settings::new("https://judge.invalid") }, true);
    assert_eq!(far.err(), Some(RemoteError::Offline("judge.invalid".into())));
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path());
    let run = assert_cmd::Command::cargo_bin("offrecord")
        .unwrap()
        .args(["--offline", "bench", "grading", "--judge", "http://192.0.2.1:8000", "--data"])
        .arg(&plan.data[0])
        .args(["--output"])
        .arg(&plan.output)
        .assert()
        .code(2);
    assert!(String::from_utf8_lossy(&run.get_output().stderr).contains("--offline forbids the network"));
}

//! `bench grading` with a judge behind an address, against a stand-in on this machine: it answers, it stumbles, it dies.

#![expect(clippy::unwrap_used, reason = "tests")]

mod openai_server;

use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use offrecord::bench::run::{self, Plan};
use offrecord::remote::{self, RemoteError, Settings};
use openai_server::{Asked, OpenAi, judged, reply, send};
use serde_json::{Value, json};

#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Well,
    Busy,
    HangUp,
    Nonsense,
    /// Well, after a moment.
    Slowly,
}

/// A server that says Yes to a question about a "window" and No otherwise; how it misbehaves depends on the number of
/// questions before.
fn judge(mood: fn(usize) -> Answer) -> OpenAi {
    OpenAi::start(move |asked, stream| answer(asked, stream, mood(asked.before)))
}

fn answer(asked: &Asked, stream: &TcpStream, how: Answer) {
    match how {
        Answer::HangUp => {}
        Answer::Busy => send(stream, 503, "application/json", &[], "{}"),
        Answer::Nonsense => reply(stream, 200, &json!({"choices": [{"message": {"content": "Yes"}}]})),
        Answer::Slowly => {
            std::thread::sleep(Duration::from_millis(40));
            answer(asked, stream, Answer::Well);
        }
        Answer::Well => {
            assert_eq!((asked.body["max_tokens"].as_u64(), asked.body["top_logprobs"].as_u64()), (Some(1), Some(20)));
            let yes = if asked.last().contains("window is halved") { 0.8 } else { 0.3 };
            let letters = [("A", 0.01), ("B", 0.02), ("C", 0.03), ("D", 0.02), ("E", 0.01)];
            let top: Vec<(&str, f64)> = [("Yes", yes), (" no", 0.9 - yes)].into_iter().chain(letters).collect();
            reply(stream, 200, &judged(&top));
        }
    }
}

fn settings(judge: &OpenAi) -> Settings {
    Settings { tries: 3, pause: Duration::from_millis(1), ..Settings::new(&judge.url) }
}

fn plan(folder: &Path) -> Plan {
    let data = folder.join("answers.jsonl");
    let line = |k: usize| {
        json!({"id": k, "dataset": "d", "question_id": k % 3, "question": "How does it change?", "score": k % 3, "score_min": 0, "score_max": 2,
            "answer": format!("After a loss the window is halved in case {k}."), "reference_answer": "The window halves after a loss."})
        .to_string()
    };
    std::fs::write(&data, (0..6).map(line).collect::<Vec<_>>().join("\n")).unwrap();
    Plan { data: vec![data], limit: 0, split: None, output: folder.join("out"), seed: 1, states: false }
}

async fn grade(judge: &OpenAi, plan: &Plan, together: usize) -> run::Results {
    let settings = Settings { together, ..settings(judge) };
    let connected = tokio::task::spawn_blocking(move || remote::connect(&settings, true)).await.unwrap().unwrap();
    run::run_together(plan, Some(connected.engine), None, together, &mut |_, _| ()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_judge_that_stumbles_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = judge(|before| match before % 5 {
        1 => Answer::Busy,
        3 => Answer::HangUp,
        _ => Answer::Well,
    });
    let results = grade(&server, &plan(folder.path()), 1).await;
    assert_eq!((results.status.as_str(), results.datasets["d"].n), ("success", 6));
    let host = server.url.trim_start_matches("http://");
    assert_eq!(results.provenance["model"], "stand-in (127.0.0.1)");
    assert_eq!(results.provenance["leaves_for"], host);
    assert!(server.counted() > 36);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_judge_that_dies_leaves_unscored_items_and_the_next_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path());
    let dying = judge(|before| if before < 20 { Answer::Well } else { Answer::HangUp });
    let results = grade(&dying, &plan, 1).await;
    let scored = results.datasets["d"].n;
    assert_eq!(results.status, "partial");
    assert!((1..6).contains(&scored), "{scored} were scored before it died");
    let reasons: Vec<&String> = results.datasets["d"].unscored.keys().collect();
    assert!(reasons.iter().all(|r| r.starts_with("engine: ") && r.contains("tried 3 times")), "{reasons:?}");
    drop(dying);
    let back = judge(|_| Answer::Well);
    let results = grade(&back, &plan, 1).await;
    assert_eq!((results.status.as_str(), results.datasets["d"].n), ("success", 6));
    // Habits are asked again, answers that were scored are not.
    assert!(back.counted() <= (7 - scored) * 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_probabilities_is_a_reason_not_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let server = judge(|_| Answer::Nonsense);
    let results = grade(&server, &plan(folder.path()), 4).await;
    assert_eq!((results.status.as_str(), results.datasets["d"].n), ("partial", 0));
    assert!(results.datasets["d"].unscored.keys().all(|r| r.contains("log-probabilities")));
}

#[test]
fn offline_admits_only_this_machine() {
    let far = remote::connect(&Settings { tries: 1, ..Settings::new("https://judge.invalid") }, true);
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

#[tokio::test(flavor = "multi_thread")]
async fn many_items_at_a_time_give_what_one_at_a_time_gives() {
    let (one, many) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = judge(|_| Answer::Slowly);
    let alone = grade(&server, &plan(one.path()), 1).await;
    let asked_alone = server.counted();
    let together = grade(&server, &plan(many.path()), 16).await;
    let marks = |folder: &Path| -> Vec<(String, Value)> {
        let read = run::read_samples(&folder.join("out")).unwrap();
        read.into_iter().map(|s| (s.id, json!([s.predicted, s.distribution, s.evidence]))).collect()
    };
    assert_eq!(marks(one.path()), marks(many.path()));
    assert_eq!(alone.datasets["d"].metrics, together.datasets["d"].metrics);
    assert_eq!(
        server.counted(),
        2 * asked_alone,
        "what an empty answer gets is asked once a question, however many read it"
    );
    assert!(server.most_together() > 4, "{}", server.most_together());
}

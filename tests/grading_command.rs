//! `offrecord grade` and `offrecord bench grading / calibrate / compare` as a script sees them, without a model.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use serde_json::{Value, json};

fn offrecord(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("offrecord"));
    for name in ["OFFRECORD_MODEL", "OFFRECORD_JSON", "OFFRECORD_SEED"] {
        command.env_remove(name);
    }
    command.env("HOME", dir).env("OFFRECORD_DATA_DIR", dir.join("data")).env("OFFRECORD_OFFLINE", "1");
    command.env("OFFRECORD_ENGINE", "scripted").current_dir(dir).args(args).output().expect("it ran")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json_of(output: &Output) -> Value {
    assert!(output.status.success(), "{}", said(output));
    serde_json::from_slice(&output.stdout).expect("JSON on standard output")
}

/// Answers whose marks follow what they say, to six questions.
fn data(questions: usize) -> String {
    let facts =
        ["the window halves after a loss", "the sender waits for a timeout", "each round trip adds one segment"];
    let mut lines = String::new();
    for question in 0..questions {
        for known in 0..=3 {
            for voice in ["I think that", "As far as I know,", "In the lecture it was said that"] {
                let words = if known == 0 {
                    "it is about computers and cables".to_owned()
                } else {
                    facts[..known].join(" and ")
                };
                let line = json!({
                    "id": format!("{question}-{known}-{voice}"), "dataset": "own", "question_id": format!("q{question}"),
                    "question": format!("How does congestion control number {question} work?"),
                    "reference_answer": format!("{}.", facts.join(". ")), "rubric": null,
                    "answer": format!("{voice} {words}."), "score": known, "score_min": 0, "score_max": 3,
                    "split": "dev", "licence": "own", "source": "this test",
                });
                writeln!(lines, "{line}").expect("a string");
            }
        }
    }
    lines
}

#[test]
fn a_transcript_becomes_a_scorecard_and_nothing_becomes_an_error() {
    let dir = tempfile::tempdir().expect("a folder");
    let answer = "I'll assume about 12 writes per second. One Postgres table with a unique index is enough for that, because one \
                  machine takes thousands. If the primary dies, the failover takes 30 seconds and the client retries.";
    let transcript = json!({
        "version": 1, "round": "system-design", "level": "senior", "problem": null, "minutes": 45,
        "turns": [{"seq": 0, "role": "interviewer", "text": "Let people shorten links."},
                  {"seq": 1, "role": "candidate", "text": answer}],
    });
    std::fs::write(dir.path().join("talk.json"), transcript.to_string()).expect("written");
    let card = json_of(&offrecord(dir.path(), &["grade", "talk.json", "--json"]));
    assert_eq!(card["dimensions"].as_array().map(Vec::len), Some(6));
    for key in ["version", "session", "overall", "contradictions", "hints", "refused_turns", "provenance"] {
        assert!(card.get(key).is_some(), "{key}");
    }
    for evidence in
        card["dimensions"].as_array().expect("a list").iter().flat_map(|d| d["evidence"].as_array().expect("a list"))
    {
        let (start, end) = (evidence["start"].as_u64().expect("start"), evidence["end"].as_u64().expect("end"));
        let slice: String = answer.chars().skip(start as usize).take((end - start) as usize).collect();
        assert_eq!(evidence["quote"], json!(slice));
    }
    let text = offrecord(dir.path(), &["grade", "talk.json"]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("Technical depth and breadth"));

    std::fs::write(dir.path().join("silent.json"), transcript.to_string().replace(answer, "  ")).expect("written");
    std::fs::write(dir.path().join("broken.json"), "{").expect("written");
    for (file, code, message) in
        [("silent.json", 1, "nothing to grade"), ("broken.json", 2, "not a transcript"), ("none.json", 3, "none.json")]
    {
        let output = offrecord(dir.path(), &["grade", file]);
        assert_eq!(output.status.code(), Some(code), "{file}: {}", said(&output));
        assert!(said(&output).contains(message), "{file}: {}", said(&output));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_benchmark_measures_names_broken_lines_and_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().expect("a folder");
    let empty = data(1)
        .lines()
        .next()
        .expect("a line")
        .replace("0-0-", "empty-")
        .replace("I think that it is about computers and cables.", "");
    let lines = format!("{}{{broken\n{empty}\n", data(6));
    std::fs::write(dir.path().join("own.jsonl"), &lines).expect("written");
    let fitted = offrecord(
        dir.path(),
        &["bench", "calibrate", "--judge", "none", "--data", "own.jsonl", "--work", "w", "--output", "cal.json"],
    );
    assert!(fitted.status.success(), "{}", said(&fitted));
    let args = [
        "bench",
        "grading",
        "--judge",
        "none",
        "--calibration",
        "cal.json",
        "--data",
        "own.jsonl",
        "--output",
        "out",
        "--json",
    ];
    let results = json_of(&offrecord(dir.path(), &args));
    assert_eq!(results["status"], "partial");
    assert_eq!(
        (results["faults"][0]["line"].as_u64(), results["faults"][0]["field"].as_str()),
        (Some(73), Some("line"))
    );
    let own = &results["datasets"]["own"];
    assert_eq!((own["n"].as_u64(), own["items"].as_u64()), (Some(72), Some(73)));
    assert_eq!(own["unscored"]["refused: empty"], 1);
    for metric in [
        "qwk",
        "pearson",
        "spearman",
        "spearman_within_question",
        "pairwise_accuracy",
        "mae",
        "rmse",
        "within_one_step",
        "length_slope",
        "ece",
        "unscored_rate",
    ] {
        let m = &own[metric];
        let (low, value, high) = (m["low"].as_f64(), m["value"].as_f64(), m["high"].as_f64());
        assert!(low <= high && value.is_some(), "{metric}: {m}");
    }
    // Held-out questions of data in which marks follow the facts said: a calibration that works finds that.
    assert!(own["pearson"]["value"].as_f64() > Some(0.8), "{own}");
    assert_eq!(
        own["rows"].as_object().map(|r| r.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["constant".into(), "features".into(), "length_only".into()])
    );
    let first = std::fs::read_to_string(dir.path().join("out/samples.jsonl")).expect("samples");
    assert_eq!(first.lines().count(), 73);
    let sample: Value = serde_json::from_str(first.lines().next().expect("a line")).expect("JSON");
    for key in [
        "id",
        "predicted",
        "distribution",
        "spread",
        "unscored",
        "evidence",
        "seconds",
        "prompt_sha256",
        "doc_id",
        "doc",
        "target",
        "filtered_resps",
        "doc_hash",
    ] {
        assert!(sample.get(key).is_some(), "{key}");
    }
    let page = std::fs::read_to_string(dir.path().join("out/report.html")).expect("a page");
    assert!(
        page.contains("<svg") && !page.contains("http://") && !page.contains("https://") && !page.contains("<script")
    );

    // A run that was killed in the middle of a line goes on and gives the same.
    let torn = &first[..first.len() / 2];
    std::fs::write(dir.path().join("out/samples.jsonl"), torn).expect("written");
    let again = json_of(&offrecord(dir.path(), &args));
    assert_eq!(again["datasets"]["own"]["pearson"], own["pearson"]);
    let second = std::fs::read_to_string(dir.path().join("out/samples.jsonl")).expect("samples");
    assert_eq!(second.lines().count(), 73);

    let better = offrecord(dir.path(), &[&args[..], &["--fail-under", "pearson=1.5"]].concat());
    assert_eq!(better.status.code(), Some(100), "{}", said(&better));
    let unknown = offrecord(dir.path(), &[&args[..], &["--fail-under", "beauty=1"]].concat());
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn two_runs_are_compared_and_a_worse_one_is_100() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("own.jsonl"), data(6)).expect("written");
    let ok = |args: &[&str]| {
        let output = offrecord(dir.path(), args);
        assert!(output.status.success(), "{}", said(&output));
    };
    ok(&["bench", "calibrate", "--judge", "none", "--data", "own.jsonl", "--work", "w", "--output", "cal.json"]);
    ok(&[
        "bench",
        "grading",
        "--judge",
        "none",
        "--calibration",
        "cal.json",
        "--data",
        "own.jsonl",
        "--output",
        "good",
    ]);
    // The scripted model has no opinion: every mark is the middle.
    ok(&["bench", "grading", "--calibration", "none", "--data", "own.jsonl", "--output", "bad"]);
    ok(&["bench", "compare", "good", "good"]);
    let worse = offrecord(dir.path(), &["bench", "compare", "good", "bad"]);
    assert_eq!(worse.status.code(), Some(100), "{}", said(&worse));
    assert_eq!(offrecord(dir.path(), &["bench", "compare", "good", "nowhere"]).status.code(), Some(3));
    assert_eq!(offrecord(dir.path(), &["bench", "grading", "--data", "nowhere.jsonl"]).status.code(), Some(3));
    let url = offrecord(dir.path(), &["bench", "grading", "--data", "own.jsonl", "--judge", "http://127.0.0.1:9"]);
    assert_eq!(url.status.code(), Some(1), "nobody answers there: {}", said(&url));
    let no_url = offrecord(dir.path(), &["bench", "grading", "--data", "own.jsonl", "--judge", "http://"]);
    assert_eq!(no_url.status.code(), Some(2));
}

#[test]
fn golden_interviews_and_other_tools_files_are_read_or_refused_by_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let at = |name: &str| fixtures.join(name).display().to_string();
    let golden = ["bench", "grading", "--judge", "none", "--output", "out", "--json", "--golden"];
    let results = json_of(&offrecord(dir.path(), &[&golden[..], &[at("golden").as_str()]].concat()));
    assert_eq!((results["status"].as_str(), results["interviews"].as_u64()), (Some("success"), Some(3)));
    assert!(results["dimensions"]["technical"]["rows"]["length_only"].is_object());
    assert!(dir.path().join("out/report.html").is_file());
    let gone = offrecord(dir.path(), &[&golden[..], &["no-such-folder"]].concat());
    assert_eq!(gone.status.code(), Some(3), "{}", said(&gone));
    std::fs::create_dir(dir.path().join("empty")).expect("a folder");
    std::fs::write(dir.path().join("empty/a.toml"), "id = 7").expect("a file");
    let broken = offrecord(dir.path(), &[&golden[..], &["empty"]].concat());
    assert_eq!(broken.status.code(), Some(2));
    assert!(said(&broken).contains("a.toml: line 1"), "{}", said(&broken));
    let imported = offrecord(dir.path(), &["bench", "import", "--from", "prometheus", &at("import/prometheus.json")]);
    assert_eq!(String::from_utf8_lossy(&imported.stdout).lines().count(), 1);
    assert!(said(&imported).contains("record 2: score: 6 is outside 1 to 5"), "{}", said(&imported));
    let other = offrecord(dir.path(), &["bench", "import", "--from", "promptfoo", &at("import/prometheus.json")]);
    assert_eq!(other.status.code(), Some(2));
}

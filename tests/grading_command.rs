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

/// Data that nobody prepared: other scales, no reference, no criteria, a byte-order mark, ids as numbers, lines that are broken.
#[test]
fn data_of_any_shape_are_graded_out_of_the_box() {
    let dir = tempfile::tempdir().expect("a folder");
    let answers = [
        "I do not know that at all.",
        "It is something with cables and with packets, and they go from here to there.",
        "After a loss the window is halved, and then it grows by one segment per round trip until the next loss, because the \
         sender cannot know the capacity of the path and so has to try how much it carries.",
    ];
    let lines = |low: f64, high: f64, extra: Value| -> String {
        let mut lines = String::new();
        for (question, topic) in ["a loss", "a timeout", "a slow start"].into_iter().enumerate() {
            for (known, answer) in answers.into_iter().enumerate() {
                let score = low + (high - low) * known as f64 / 2.0;
                let mut line = json!({
                    "id": question * 10 + known, "question_id": question, "question": format!("What happens after {topic}, and why?"),
                    "answer": answer, "score": score, "score_min": low, "score_max": high,
                });
                line.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
                write!(lines, "{line}\r\n").expect("a string");
            }
        }
        lines
    };
    let rubric = json!({"rubric": "5 = names the loss, the halving and the growth; 0 = none of them.", "reference_answer": null});
    let reference =
        json!({"reference_answer": "The window is halved after a loss and grows by one segment per round trip."});
    let broken = [
        "{\"id\": 1, \"question\"".to_owned(),
        json!({"id": 90, "question": "Why?", "answer": "So.", "score": 101, "score_min": 0, "score_max": 100})
            .to_string(),
        json!({"id": 0, "question": "Why?", "answer": "So.", "score": 1, "score_min": 0, "score_max": 100}).to_string(),
        json!({"id": 91, "question": "Why?", "score": 1, "score_min": 0, "score_max": 100}).to_string(),
        json!({"id": 92, "question": "Why?", "answer": " ", "score": 1, "score_min": 0, "score_max": 100}).to_string(),
    ];
    let hundred = format!("\u{feff}{}{}\n", lines(0.0, 100.0, json!({})), broken.join("\n"));
    for (name, text, faults) in [
        ("hundred.jsonl", hundred, vec!["line", "score", "id", "answer"]),
        ("five.jsonl", lines(0.0, 5.0, rubric), vec![]),
        ("binary.jsonl", lines(-1.0, 1.0, reference).replace("\"score\":0.0", "\"score\":-1.0"), vec![]),
    ] {
        std::fs::write(dir.path().join(name), text).expect("written");
        let args = ["bench", "grading", "--judge", "none", "--data", name, "--output", "out", "--json"];
        let results = json_of(&offrecord(dir.path(), &args));
        let fields: Vec<&str> = results["faults"]
            .as_array()
            .expect("faults")
            .iter()
            .map(|f| f["field"].as_str().expect("a field"))
            .collect();
        assert_eq!(fields, faults, "{name}");
        assert_eq!(results["status"], if faults.is_empty() { "success" } else { "partial" }, "{name}");
        let set = &results["datasets"][name.trim_end_matches(".jsonl")];
        assert_eq!(
            (set["n"].as_u64(), set["questions"].as_u64().map(|n| n >= 3)),
            (Some(9), Some(true)),
            "{name}: {set}"
        );
        // Three answers that a person tells apart at a glance must come in their order, whatever is missing.
        assert!(set["spearman_within_question"]["value"].as_f64().is_some_and(|r| r > 0.8), "{name}: {set}");
    }
}

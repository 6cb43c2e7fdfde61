//! `offrecord run` and `offrecord session` as a script sees them: the scripted engine, standard input from a pipe.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const ANSWERS: &str = "\
How many events are there per day, and may one be delivered twice?\n\n\
I would assume five million events a day, about sixty a second on average and six hundred at the peak.\n\
Each event is appended to a log first, and a worker per customer reads from it.\n\n\
.\n\
/time\n/hint\n/hint\n/nonsense\n\
The queue is partitioned by customer so that one slow endpoint does not hold up the others, because order only matters\n\
within one customer. The trade-off is that a large customer is a hot partition.\n.\n\
/pause\n/resume\n";

fn offrecord(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offrecord"));
    command.env("OFFRECORD_ENGINE", "scripted").env("OFFRECORD_DATA_DIR", data).env("OFFRECORD_OFFLINE", "1");
    for flag in ["OFFRECORD_JSON", "OFFRECORD_ROUND", "OFFRECORD_MINUTES", "OFFRECORD_MODE", "OFFRECORD_LEVEL"] {
        command.env_remove(flag);
    }
    command
}

fn with_input(command: &mut Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a child");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("the child reads");
    child.wait_with_output().expect("the child ends")
}

fn run(command: &mut Command) -> Output {
    with_input(command, "")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {} {}", out(output), talk(output)))
}

#[test]
fn both_rounds_are_held_graded_listed_and_exported() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    for round in ["system-design", "behavioural"] {
        let output =
            with_input(offrecord(&data).args(["run", "--round", round, "--seed", "3"]), &format!("{ANSWERS}/finish\n"));
        assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
        assert!(out(&output).contains("Overall: "), "{}", out(&output));
        assert!(out(&output).matches('?').count() >= 3, "the interviewer asks: {}", out(&output));
        let talk = talk(&output);
        assert!(talk.contains("/nonsense is not a command"), "{talk}");
        assert!(talk.contains("The clock stands.") && talk.contains(" of 15:00. "), "{talk}");
    }
    let log = data.join("offrecord.db-wal");
    assert!(!log.exists(), "everything is in the database once the program has ended");
    let list = json(&run(offrecord(&data).args(["session", "list", "--json"])));
    let sessions = list.as_array().expect("a list");
    assert_eq!(sessions.len(), 2);
    assert!(sessions.iter().all(|session| session["status"] == "finished"));
    let id = sessions[1]["id"].as_str().expect("an id");
    let tail = &id[id.len() - 8..];

    let shown = json(&run(offrecord(&data).args(["session", "show", tail, "--json"])));
    assert_eq!(shown["scorecards"], serde_json::json!([1]));
    let answers = shown["turns"].as_array().expect("turns").iter().filter(|turn| turn["role"] == "candidate").count();
    assert_eq!(answers, 3);
    let text = out(&run(offrecord(&data).args(["session", "show", tail])));
    assert!(text.contains("You (turn 1):\nHow many events") && text.contains("Scorecard 1"), "{text}");

    let folder = dir.path().join("exports");
    let export = |more: &[&str]| {
        let output = folder.to_str().expect("plain");
        let formats = "md,json,html";
        run(offrecord(&data).args(["session", "export", id, "--format", formats, "--output", output]).args(more))
    };
    assert_eq!(export(&[]).status.code(), Some(0));
    let again = export(&[]);
    assert_eq!(again.status.code(), Some(1));
    assert!(talk(&again).contains("is there already (--force overwrites it)"), "{}", talk(&again));
    assert_eq!(export(&["--force"]).status.code(), Some(0));
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        }
        names.push(path.extension().expect("an ending").to_string_lossy().into_owned());
    }
    names.sort();
    assert_eq!(names, ["html", "json", "md"]);
    let transcript = json(&run(offrecord(&data).args(["session", "export", id, "--format", "json"])));
    assert_eq!((&transcript["version"], &transcript["turns"]), (&Value::from(1), &shown["turns"]));

    assert_eq!(run(offrecord(&data).args(["session", "rm", id])).status.code(), Some(0));
    assert_eq!(run(offrecord(&data).args(["session", "show", id])).status.code(), Some(3));
    assert_eq!(run(offrecord(&data).args(["session", "wipe"])).status.code(), Some(2), "not without being asked");
    assert_eq!(run(offrecord(&data).args(["session", "wipe", "--yes"])).status.code(), Some(0));
    assert_eq!(json(&run(offrecord(&data).args(["session", "list", "--json"]))), serde_json::json!([]));
}

#[test]
fn with_json_standard_output_is_the_scorecard_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let output =
        with_input(offrecord(dir.path()).args(["run", "--json", "--mode", "coach", "--level", "staff"]), ANSWERS);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let card = json(&output);
    assert_eq!(card["version"], 1);
    assert_eq!(card["dimensions"].as_array().expect("six").len(), 6);
}

#[test]
fn a_choice_that_cannot_be_made_is_refused_with_its_code() {
    let dir = tempfile::tempdir().expect("a folder");
    let code = |args: &[&str]| run(offrecord(dir.path()).args(args)).status.code();
    assert_eq!(code(&["run", "--minutes", "17"]), Some(2));
    assert_eq!(code(&["run", "--problem", "nonsense"]), Some(3));
    assert_eq!(code(&["run", "--round", "poker"]), Some(2));
    assert_eq!(code(&["run", "--resume", "no-such-file.txt"]), Some(3));
    let rich = dir.path().join("cv.txt");
    std::fs::write(&rich, b"{\\rtf1 I led it}").expect("written");
    let refused = run(offrecord(dir.path()).args(["run", "--resume"]).arg(&rich));
    assert_eq!(refused.status.code(), Some(2));
    assert!(talk(&refused).contains("called a text file but is rich text (RTF)"), "{}", talk(&refused));
    assert_eq!(code(&["session", "show", "nonsense"]), Some(3));
    assert_eq!(code(&["session", "export", "nonsense", "--format", "exe"]), Some(2));
}

/// Ctrl+C in the middle of an answer: exit code 130, the session waits with what was typed, and goes on.
#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_session_that_can_be_resumed() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut child = offrecord(dir.path())
        .args(["run", "--round", "behavioural"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut input = child.stdin.take().expect("piped");
    let mut words = BufReader::new(child.stdout.take().expect("piped"));
    let mut opening = String::new();
    words.read_line(&mut opening).expect("the opening");
    input.write_all(b"I led the move of our billing to a new ledger over nine months.\n\n").expect("it reads");
    // The reply ends with an empty line.
    let mut line = String::new();
    while line.trim().is_empty() {
        line.clear();
        words.read_line(&mut line).expect("a reply");
    }

    // While it runs: another one is told so, and reading works beside it.
    let second = run(offrecord(dir.path()).arg("run"));
    assert_eq!(second.status.code(), Some(1));
    assert!(talk(&second).contains(&format!("already running, pid {}", child.id())), "{}", talk(&second));
    let list = json(&run(offrecord(dir.path()).args(["session", "list", "--json"])));
    let id = list[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(list[0]["status"], "active");

    input.write_all(b"half of an ans").and_then(|()| input.write_all(b"wer\n/not-sent\n")).expect("it reads");
    // The lines are read by a thread: they have arrived once the pipe is empty, which only time shows; the draft is
    // checked for being one of the two states, the exit code and the session for being exact.
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("sent");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    assert!(talk(&output).contains(&format!("offrecord session resume {id}")), "{}", talk(&output));

    assert!(!dir.path().join("offrecord.db-wal").exists(), "the log was put away");
    let view = json(&run(offrecord(dir.path()).args(["session", "show", &id, "--json"])));
    assert_eq!(view["status"], "active");
    assert_eq!(view["turns"].as_array().expect("turns").len(), 3);
    let draft = view["draft"].as_str().expect("a draft");
    assert!(["", "half of an answer", "half of an answer\n/not-sent"].contains(&draft), "{draft:?}");

    let resumed = with_input(offrecord(dir.path()).args(["session", "resume", &id[id.len() - 8..]]), "/finish\n");
    assert_eq!(resumed.status.code(), Some(0), "{}", talk(&resumed));
    assert!(out(&resumed).contains("Overall: "), "{}", out(&resumed));
}

//! The promise, proved: both rounds, grading, export and every command with nothing but a loopback interface, and not one
//! attempt to reach beyond it. Needs `unshare`, `ip` and `strace` (`./check` installs them). With a real model:
//! `tests/real_model_trust.rs`.
#![cfg(target_os = "linux")]

#[path = "server/client.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod client;
#[path = "server/interview.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod interview;
#[path = "trust/namespace.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod namespace;
#[path = "trust/tier.rs"]
mod tier;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use client::Client;
use namespace::{attempts, traced, without_a_network};
use serde_json::{Value, json};

/// A server under `strace`, used, ended, and searched for attempts.
fn served(folder: &Path, with: impl FnOnce(&Client)) {
    let trace = folder.join("trace-serve");
    let mut serving = traced(&trace, folder)
        .env("OFFRECORD_ENGINE", "scripted")
        .env("OFFRECORD_MODELS_DIR", folder.join("models"))
        .args(["serve", "--port", "0", "--json", "--no-open"])
        .spawn()
        .expect("strace runs");
    let (client, line) = Client::announced(serving.stdout.take().expect("piped"));
    client.wait_for_the_model();
    with(&client);
    let pid = line["pid"].to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
    assert_eq!(serving.wait().expect("ended").code(), Some(0));
    assert_eq!(attempts(&trace), Vec::<String>::new());
}

/// A command under `strace`: what came out, once no attempt was found.
fn commanded(folder: &Path, arguments: &[&str], typed: &str) -> Output {
    let trace = folder.join("trace-command");
    let mut child = traced(&trace, folder)
        .env("OFFRECORD_ENGINE", "scripted")
        .env("OFFRECORD_MODELS_DIR", folder.join("models"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace runs");
    child.stdin.take().expect("piped").write_all(typed.as_bytes()).unwrap_or_default();
    let output = child.wait_with_output().expect("ended");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    assert_eq!(attempts(&trace), Vec::<String>::new(), "{arguments:?}");
    output
}

#[test]
fn a_whole_interview_of_each_round_without_a_network() {
    without_a_network("a_whole_interview_of_each_round_without_a_network", || {
        let folder = tempfile::tempdir().expect("a folder");
        let mut id = String::new();
        served(folder.path(), |client| {
            for round in ["system-design", "behavioural"] {
                interview::whole_session(client, round);
            }
            // One stays, for the export from the command line.
            id = interview::interview(client, "behavioural");
        });
        let file = folder.path().join("export.md").display().to_string();
        let export = commanded(folder.path(), &["session", "export", &id, "--format", "md", "--output", &file], "");
        assert!(export.status.success(), "{}", String::from_utf8_lossy(&export.stderr));
        assert!(std::fs::read_to_string(&file).expect("written").contains("ten million parcels"));
        3
    });
    tier::tried("T7", "whole interviews with the scripted engine, graded and exported", 3);
}

#[test]
fn everything_else_on_the_page_without_a_network() {
    without_a_network("everything_else_on_the_page_without_a_network", || {
        let folder = tempfile::tempdir().expect("a folder");
        let mut operations = 0;
        served(folder.path(), |client| {
            let (host, bearer) = (client.address.to_string(), client.bearer());
            let send = |method: &str, path: &str, kind: &str, body: &[u8]| {
                let headers = [("Host", host.as_str()), ("Authorization", &bearer), ("Content-Type", kind)];
                client.send(method, path, &headers, body)
            };
            let text = b"I led the move of 12 services at Example Ltd. See https://example.test/me and http://example.test/x.png";
            let read = send("POST", "/api/documents", "text/plain", text);
            assert_eq!(read.status, 200, "{}", read.text());
            let pdf = send("POST", "/api/documents", "application/pdf", b"%PDF-1.4\n1 0 obj <</Type/Catalog/OpenAction<</S/URI/URI(http://example.test)>>>> endobj\ntrailer <</Root 1 0 R>>");
            assert_eq!(pdf.status, 422, "{}", pdf.text());
            let model = send("POST", "/api/models?name=x.gguf", "application/octet-stream", b"GGUF but not much of it");
            assert!(matches!(model.status, 400..=599), "{}", model.text());
            for path in [
                "/api/status",
                "/api/models",
                "/api/content",
                "/api/benches",
                "/v1/models",
                "/api/export",
                "/",
                "/privacy.js",
            ] {
                client.api("GET", path, None);
            }
            for (method, path) in [
                ("POST", "/api/models/smollm2-135m-instruct-q4_1/verify"),
                ("POST", "/api/models/smollm2-135m-instruct-q4_1/pull"),
                ("DELETE", "/api/models/smollm2-135m-instruct-q4_1"),
                ("POST", "/api/check"),
                ("POST", "/api/links"),
            ] {
                client.api(method, path, None);
            }
            let board = json!({"type": "excalidraw", "elements": [{"type": "image", "link": "http://example.test/"}], "files": {}});
            let view = client.session("system-design");
            let path = format!("/api/sessions/{}", view["id"].as_str().expect("an id"));
            let turn = json!({"text": "![x](http://example.test/leak.png) a queue", "expected_seq": 1, "board": board});
            client.api("POST", &format!("{path}/turns"), Some(&turn));
            client.api("POST", &format!("{path}/hint"), None);
            client.api("POST", &format!("{path}/export"), Some(&json!({"format": "html", "replace": []})));
            client.api("DELETE", &path, None);
            client.api("DELETE", "/api/sessions", None);
            operations = 21;
        });
        operations
    });
    tier::tried("T7", "other operations of the page", 21);
}

#[test]
fn every_command_without_a_network() {
    without_a_network("every_command_without_a_network", || {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        let transcript = json!({"version": 1, "round": "system-design", "level": "senior", "minutes": 15, "turns": [
            {"seq": 0, "role": "interviewer", "text": "How would you build it?"},
            {"seq": 1, "role": "candidate", "text": interview::ANSWERS.join(" ")},
        ]});
        std::fs::write(at("t.json"), transcript.to_string()).expect("written");
        std::fs::write(at("resume.md"), "I led 4 people. http://example.test/me").expect("written");
        std::fs::write(at("x.gguf"), "GGUF").expect("written");
        let item = json!({"id": "1", "dataset": "d", "question": "q?", "answer": "A queue, and a view over it.", "score": 1, "max": 1});
        std::fs::write(at("d.jsonl"), format!("{item}\n")).expect("written");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let fixture = |path: &str| root.join(path).display().to_string();
        let typed = format!("{}\n\n{}\n\n/finish\n", interview::ANSWERS[0], interview::ANSWERS[1]);
        let ran = commanded(
            folder.path(),
            &["run", "--round", "behavioural", "--minutes", "15", "--resume", &at("resume.md")],
            &typed,
        );
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let list = commanded(folder.path(), &["session", "list", "--json"], "");
        let list: Value = serde_json::from_slice(&list.stdout).expect("JSON");
        let id = list[0]["id"].as_str().expect("an id").to_owned();
        let (promptfoo, lmeval) =
            (fixture("tests/fixtures/import/promptfoo.json"), fixture("tests/fixtures/import/lm-eval.jsonl"));
        let golden = fixture("tests/fixtures/golden");
        let commands: Vec<Vec<&str>> = vec![
            vec!["session", "show", &id],
            vec!["session", "resume", &id],
            vec!["session", "export", &id, "--format", "html"],
            vec!["session", "repair"],
            vec!["session", "rm", &id],
            vec!["session", "wipe", "--yes"],
            vec!["session", "encrypt"],
            vec!["doctor"],
            vec!["lint"],
            vec!["grade", "TRANSCRIPT"],
            vec!["models", "list"],
            vec!["models", "show", "smollm2-135m-instruct-q4_1"],
            vec!["models", "verify", "smollm2-135m-instruct-q4_1"],
            vec!["models", "rm", "smollm2-135m-instruct-q4_1"],
            vec!["models", "import", "MODEL"],
            vec!["models", "pull", "smollm2-135m-instruct-q4_1"],
            vec!["bench", "import", "--from", "promptfoo", &promptfoo],
            vec!["bench", "import", "--from", "lm-eval", &lmeval],
            vec!["bench", "grading", "--judge", "none", "--data", "DATA", "--output", "OUT"],
            vec!["bench", "grading", "--judge", "none", "--golden", &golden, "--output", "OUT2"],
            vec!["bench", "coverage", &golden, "--no-model"],
            vec![
                "bench",
                "interviewer",
                "--no-model",
                "--minutes",
                "15",
                "--only",
                "honest",
                "--round",
                "behavioural",
                "--output",
                "OUT3",
            ],
        ];
        let operations = commands.len() + 2;
        for command in commands {
            let places = [
                ("TRANSCRIPT", at("t.json")),
                ("MODEL", at("x.gguf")),
                ("DATA", at("d.jsonl")),
                ("OUT", at("out")),
                ("OUT2", at("out2")),
                ("OUT3", at("out3")),
            ];
            let words: Vec<&str> = command
                .iter()
                .map(|word| places.iter().find(|(name, _)| name == word).map_or(*word, |(_, path)| path.as_str()))
                .collect();
            let output = commanded(folder.path(), &words, "");
            // Whether there was anything to do is not the question here; that it ran is.
            assert!(output.status.code().is_some_and(|code| code < 100), "{words:?}: {:?}", output.status);
            assert!(
                !String::from_utf8_lossy(&output.stderr).contains("Usage:"),
                "{words:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        operations
    });
    tier::tried("T7", "commands", 24);
}

#[test]
fn the_net_would_catch_an_attempt() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace");
    let lines = "1 connect(9, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr(\"1.1.1.1\")}, 16) = -1\n\
                 1 connect(9, {sa_family=AF_INET6, sin6_port=htons(443), inet_pton(AF_INET6, \"2606:4700::1111\")}, 28) = 0\n\
                 1 sendto(9, \"x\", 1, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"8.8.8.8\")}, 16) = 1\n\
                 1 connect(9, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n\
                 1 connect(9, {sa_family=AF_UNIX, sun_path=\"/run/x\"}, 16) = 0\n";
    std::fs::write(&trace, lines).expect("written");
    assert_eq!(attempts(&trace).len(), 3);
    // And the real thing: a program that does try is seen.
    let output = Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o"])
        .arg(&trace)
        .args(["bash", "-c", "exec 3<>/dev/udp/192.0.2.1/53"])
        .output()
        .expect("strace runs");
    drop(output);
    assert!(!attempts(&trace).is_empty(), "{}", std::fs::read_to_string(&trace).expect("readable"));
}

//! The kit with a real model: it answers on a machine that has nothing but the kit and a C library. Needs the model
//! installed.
#![cfg(target_os = "linux")]

#[path = "server/client.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod client;
#[path = "server/interview.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod interview;
#[path = "kit/mod.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod kit;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use client::Client;

const MODEL: &str = "smollm2-135m-instruct-q4_1";
const KIT: &str = "OFFRECORD_TEST_KIT";
const ROOT: &str = "OFFRECORD_TEST_ROOT";

#[test]
fn a_kit_with_a_real_model_answers_on_a_bare_machine() {
    if kit::is_inside() {
        return inside();
    }
    let dir = tempfile::tempdir().expect("a folder");
    let (root, kit) = (dir.path().join("root"), dir.path().join("kit"));
    std::fs::create_dir(&root).expect("a folder");
    let made = Command::new(env!("CARGO_BIN_EXE_offrecord"))
        .args(["bundle", "--model", MODEL, "--output"])
        .arg(&kit)
        .output()
        .expect("it ran");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said} (is the model installed? run: offrecord pull {MODEL})");
    kit::again_inside("a_kit_with_a_real_model_answers_on_a_bare_machine", &[(ROOT, &root), (KIT, &kit)]);
}

fn inside() {
    let path = |name: &str| PathBuf::from(std::env::var_os(name).expect("set outside"));
    let machine = kit::Machine::with(&path(ROOT), &path(KIT), &["sh", "dirname", "sha256sum", "mktemp", "mkdir", "rm"]);
    let mut serving = machine
        .command("/kit/start")
        .args(["serve", "--port", "0", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("chroot runs");
    let (client, line) = Client::announced(serving.stdout.take().expect("piped"));
    assert_eq!(line["model"]["id"], MODEL);
    let begun = Instant::now();
    while interview::get(&client, "/api/status")["model"]["state"] != "ready" {
        assert!(begun.elapsed() < Duration::from_secs(120), "the model is not ready");
        std::thread::sleep(Duration::from_millis(50));
    }
    let view = client.session("system-design");
    let id = view["id"].as_str().expect("an id");
    let answered = interview::answer(&client, id, interview::ANSWERS[0], &view["next_seq"]);
    let events = answered.events();
    assert_eq!(events.last().map(|(event, _)| event.as_str()), Some("done"), "{}", answered.text());
    // The model itself, past the desk.
    let body = serde_json::json!({"messages": [{"role": "user", "content": "Say one word."}], "max_tokens": 4, "temperature": 0});
    let words = client.api("POST", "/v1/chat/completions", Some(&body));
    assert_eq!(words.status, 200, "{}", words.text());
    assert!(words.json()["usage"]["completion_tokens"].as_u64().is_some_and(|n| n > 0), "{}", words.text());
    assert!(Command::new("kill").args(["-TERM", &line["pid"].to_string()]).status().expect("kill runs").success());
    assert_eq!(serving.wait().expect("ended").code(), Some(0));
}

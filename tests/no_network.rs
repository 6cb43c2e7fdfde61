//! The promise, proved: both rounds, grading and export with nothing but a loopback interface, and not one attempt to
//! reach beyond it. Needs `unshare`, `ip` and `strace` (`./check` installs them).
#![cfg(target_os = "linux")]

#[path = "server/client.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod client;
#[path = "server/interview.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod interview;
#[path = "trust/tier.rs"]
mod tier;

use std::path::Path;
use std::process::{Command, Stdio};

use client::Client;

/// Set for the copy of this test that runs inside the namespace.
const INSIDE: &str = "OFFRECORD_TEST_INSIDE";

#[test]
fn a_whole_interview_of_each_round_without_a_network() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let myself = std::env::current_exe().expect("this test's file");
    let output = Command::new("unshare")
        .args([
            "--map-root-user",
            "--net",
            "--",
            "sh",
            "-c",
            "ip link set lo up && exec \"$0\" --exact \"$1\" --nocapture",
        ])
        .arg(myself)
        .arg("a_whole_interview_of_each_round_without_a_network")
        .env(INSIDE, "1")
        .output()
        .expect("unshare (package util-linux) runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success(),
        "in a network namespace of its own (needs unprivileged user namespaces or root): {said:.3000}"
    );
    assert!(said.contains("1 passed") && said.contains("connections beyond this machine: 0"), "{said:.3000}");
    tier::tried("T7", "whole interviews with the scripted engine", 2);
}

/// Runs where there is no network at all.
fn inside() {
    assert!(std::net::TcpStream::connect("1.1.1.1:443").is_err(), "this namespace has a network");
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace");
    let mut serving =
        traced(&trace, folder.path()).args(["serve", "--port", "0", "--json"]).spawn().expect("strace runs");
    let (client, line) = Client::announced(serving.stdout.take().expect("piped"));
    client.wait_for_the_model();
    for round in ["system-design", "behavioural"] {
        interview::whole_session(&client, round);
    }
    // One stays, for the export from the command line.
    let id = interview::interview(&client, "behavioural");
    let pid = line["pid"].to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
    assert_eq!(serving.wait().expect("ended").code(), Some(0));
    let beyond = attempts(&trace);

    let file = folder.path().join("export.md");
    let export_trace = folder.path().join("trace-export");
    let export = traced(&export_trace, folder.path())
        .args(["session", "export", &id, "--format", "md", "--output"])
        .arg(&file)
        .output()
        .expect("strace runs");
    assert!(export.status.success(), "{}", String::from_utf8_lossy(&export.stderr));
    assert!(std::fs::read_to_string(&file).expect("written").contains("ten million parcels"));
    let beyond: Vec<String> = beyond.into_iter().chain(attempts(&export_trace)).collect();
    assert_eq!(beyond, Vec::<String>::new());
    println!("connections beyond this machine: {}", beyond.len());
}

/// The program under `strace`, which writes down every address that it or a child of it speaks to.
fn traced(trace: &Path, folder: &Path) -> Command {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o"])
        .arg(trace)
        .arg(env!("CARGO_BIN_EXE_offrecord"))
        .env("HOME", folder)
        .env("OFFRECORD_DATA_DIR", folder.join("data"))
        .env("OFFRECORD_MODELS_DIR", folder.join("models"))
        .env("OFFRECORD_ENGINE", "scripted")
        .env("OFFRECORD_OFFLINE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// The calls that name an internet address other than a loopback one.
fn attempts(trace: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(trace).expect("strace wrote");
    let loopback = |line: &&str| line.contains("inet_addr(\"127.") || line.contains("\"::1\"");
    text.lines().filter(|line| line.contains("AF_INET")).filter(|line| !loopback(line)).map(str::to_owned).collect()
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
}

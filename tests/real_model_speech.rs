//! Whole spoken sessions with nothing but a loopback interface and every address watched: questions said by espeak-ng, answers
//! made by it, heard by the installed Whisper over HTTP. Needs whisper-tiny.en in the models folder (tests/install-models.sh) and espeak-ng.
#![cfg(target_os = "linux")]

#[path = "server/client.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod client;
#[path = "trust/namespace.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod namespace;
#[path = "trust/tier.rs"]
mod tier;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use client::{Answer, Client};
use namespace::{attempts, traced, without_a_network};
use offrecord::speech::{RATE, wav};
use serde_json::{Value, json};

struct Serving {
    child: Child,
    client: Client,
    _folder: tempfile::TempDir,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn models() -> PathBuf {
    let models_dir = std::env::var_os("OFFRECORD_MODELS_DIR").map(Into::into);
    let global = offrecord::config::Global { models_dir, ..Default::default() };
    let models = global.dirs().expect("a models folder").models;
    let file = models.join("whisper-tiny.en.bin");
    assert!(file.exists(), "{} is missing: run bash tests/install-models.sh", file.display());
    models
}

fn serve() -> Serving {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_offrecord"))
        .env("HOME", folder.path())
        .env("OFFRECORD_DATA_DIR", folder.path().join("data"))
        .env("OFFRECORD_MODELS_DIR", models())
        .env("OFFRECORD_OFFLINE", "1")
        .env("OFFRECORD_ENGINE", "scripted")
        .args(["serve", "--port", "0", "--json", "--no-open"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let (client, _) = Client::announced(child.stdout.take().expect("piped"));
    client.wait_for_the_model();
    Serving { child, client, _folder: folder }
}

fn send(client: &Client, method: &str, path: &str, body: &[u8]) -> Answer {
    let (host, bearer) = (client.address.to_string(), client.bearer());
    let headers = [("Host", host.as_str()), ("Authorization", &bearer), ("Content-Type", "audio/wav")];
    client.send(method, path, &headers, body)
}

fn heard(client: &Client, sound: &[u8], context: &str) -> Value {
    let answer = send(client, "POST", &format!("/api/speech/transcriptions?context={context}"), sound);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// A text by espeak-ng as a file.
fn said(text: &str) -> Vec<u8> {
    let made = Command::new("espeak-ng").args(["--stdout", "-v", "en-us", "-s", "155", text]).output();
    let made = made.expect("espeak-ng is installed (on Debian: apt install espeak-ng)").stdout;
    wav::write(&wav::read(&made, 180).expect("a WAV file").samples)
}

/// What is said in each round, and words that must be heard.
const SYSTEM_DESIGN: [(&str, &[&str]); 3] = [
    (
        "First I would ask how many parcels move each day, and how fresh the position has to be.",
        &["parcels", "position"],
    ),
    (
        "I would put a queue before the database, and each message carries a key so that a retry is harmless.",
        &["before the database", "harmless"],
    ),
    ("We measure the latency of every request and page somebody when it doubles.", &["latency", "request"]),
];
const BEHAVIOURAL: [(&str, &[&str]); 3] = [
    ("Two years ago I was on call when the checkout of our shop failed for forty minutes.", &["years", "minutes"]),
    ("I rolled back the change that I had merged, and I told support first.", &["change", "support"]),
    (
        "Since then a test turns the payment service off every night, and another team owns it.",
        &["turns", "payment service"],
    ),
];

#[test]
fn a_whole_spoken_session_of_each_round_without_a_network() {
    let models = models();
    without_a_network("a_whole_spoken_session_of_each_round_without_a_network", || {
        let folder = tempfile::tempdir().expect("a folder");
        let trace = folder.path().join("trace");
        let mut serving = traced(&trace, folder.path())
            .env("OFFRECORD_ENGINE", "scripted")
            .env("OFFRECORD_MODELS_DIR", &models)
            .args(["serve", "--port", "0", "--json", "--no-open"])
            .stderr(Stdio::null())
            .spawn()
            .expect("strace runs");
        let (client, line) = Client::announced(serving.stdout.take().expect("piped"));
        // Also when something below is not as it should be.
        let _ends = Ends(line["pid"].to_string());
        client.wait_for_the_model();
        let told = client.api("GET", "/api/speech", None).json();
        assert_eq!(told["input"]["available"], true, "{told}");
        let rounds = [("system-design", SYSTEM_DESIGN), ("behavioural", BEHAVIOURAL)];
        let operations = rounds.map(|(round, answers)| spoken_session(&client, round, &answers)).iter().sum();
        assert!(Command::new("kill").args(["-TERM", &line["pid"].to_string()]).status().expect("kill runs").success());
        assert_eq!(serving.wait().expect("ended").code(), Some(0));
        assert_eq!(attempts(&trace), Vec::<String>::new());
        operations
    });
    tier::tried("T7", "whole spoken interviews, heard by a real model", 2);
}

/// Ends a process by its id.
struct Ends(String);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(&self.0).stderr(Stdio::null()).status();
    }
}

/// A session as the page holds it: the question is read out, the answer is read while it is said (each reading a draft), then
/// whole, sent with its times, its sound kept; at last the grade, the export, and the deletion. Returns how much was asked.
fn spoken_session(client: &Client, round: &str, answers: &[(&str, &[&str])]) -> usize {
    let new = json!({"round": round, "level": "senior", "minutes": 15, "mode": "realistic", "seed": 1, "record": true});
    let mut view = client.api("POST", "/api/sessions", Some(&new)).json();
    let id = view["id"].as_str().expect("an id").to_owned();
    let mut operations = 1;
    for (text, wanted) in answers {
        let question = view["turns"].as_array().and_then(|turns| turns.last()).expect("a question")["text"].clone();
        let spoken = client.api("POST", "/api/speech/synthesis", Some(&json!({"text": question})));
        assert_eq!(spoken.status, 200, "{}", spoken.text());
        let sound = said(text);
        let samples = wav::read(&sound, 60).expect("a WAV file").samples;
        for so_far in (1..).map(|n| n * 3 * RATE / 2).take_while(|so_far| *so_far < samples.len()) {
            let growing = heard(client, &wav::write(&samples[..so_far]), "");
            let draft = json!({"text": growing["text"]});
            assert_eq!(client.api("PUT", &format!("/api/sessions/{id}/draft"), Some(&draft)).status, 204);
            operations += 2;
        }
        let transcript = heard(client, &sound, "");
        let words = transcript["text"].as_str().expect("a text").to_lowercase();
        for word in *wanted {
            assert!(words.contains(word), "{word} in: {words}");
        }
        let voice = transcript["voice"].as_array().expect("voice");
        let length = |span: &Value| span["end_ms"].as_u64().unwrap_or(0) - span["start_ms"].as_u64().unwrap_or(0);
        let speaking: u64 = voice.iter().map(length).sum();
        let facts = json!({"heard": words, "speaking_ms": speaking, "first_word_ms": voice[0]["start_ms"],
                           "longest_ms": voice.iter().map(length).max()});
        let body = json!({"text": words, "expected_seq": view["next_seq"], "spoken": facts});
        let answer = client.api("POST", &format!("/api/sessions/{id}/turns"), Some(&body));
        assert_eq!(answer.events().last().expect("an end").0, "done", "{}", answer.text());
        let turn = body["expected_seq"].as_u64().expect("a number");
        assert_eq!(send(client, "PUT", &format!("/api/sessions/{id}/recordings/{turn}"), &sound).status, 204);
        view = client.api("GET", &format!("/api/sessions/{id}"), None).json();
        operations += 5;
        if view["status"] != "active" {
            break;
        }
    }
    let answers = view["delivery"]["answers"].as_array().expect("facts").len();
    assert_eq!(view["recordings"].as_array().expect("recordings").len(), answers);
    assert!(answers >= 2 && view["delivery"]["answers"][0]["edited"] == false, "{}", view["delivery"]);
    assert_eq!(client.api("POST", &format!("/api/sessions/{id}/finish"), None).status, 200);
    let graded = client.api("POST", &format!("/api/sessions/{id}/scorecards"), None);
    assert_eq!(graded.events().last().expect("an end").0, "done", "{}", graded.text());
    let export = client.api("GET", &format!("/api/sessions/{id}/export?format=md"), None);
    assert!(export.text().contains("Speaking times"), "{}", export.text());
    assert_eq!(client.api("DELETE", &format!("/api/sessions/{id}"), None).status, 204);
    operations + 4
}

/// Bytes of memory that a process has.
fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line of memory");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") << 10
}

#[test]
fn an_hour_of_silence_and_of_noise_is_no_text_and_takes_no_memory() {
    let serving = serve();
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    let noise = wav::write(&(0..180 * RATE).map(|_| next() * 0.03).collect::<Vec<f32>>());
    let silence = wav::write(&vec![0.0; 180 * RATE]);
    // The first ones take what is kept for the next.
    let mut before = 0;
    for minute in (0..60).step_by(3) {
        let sound = if minute % 2 == 0 { &silence } else { &noise };
        let answer = heard(&serving.client, sound, "and%20then");
        assert_eq!((&answer["text"], &answer["voice"]), (&json!(""), &json!([])), "minute {minute}");
        if minute == 9 {
            before = memory(serving.child.id());
        }
    }
    let after = memory(serving.child.id());
    assert!(after < before + (32 << 20), "{before} bytes after ten minutes, {after} after an hour");
}

#[test]
fn silence_gives_no_text_and_a_client_that_goes_away_stops_the_work() {
    let serving = serve();
    let client = &serving.client;
    let silent = heard(client, &wav::write(&vec![0.0; 16_000 * 20]), "and%20then");
    assert_eq!((&silent["text"], &silent["audio_ms"]), (&json!(""), &json!(20_000)), "{silent}");
    assert_eq!((&silent["segments"], &silent["voice"]), (&json!([]), &json!([])));

    // A minute of speech: asked for, and left at once. The next one must not wait for all of it.
    let sentence = wav::read(&said(SYSTEM_DESIGN[1].0), 60).expect("a WAV file").samples;
    let mut long = Vec::new();
    while long.len() + sentence.len() < 16_000 * 60 {
        long.extend_from_slice(&sentence);
    }
    let long = wav::write(&long);
    let begun = Instant::now();
    let whole = heard(client, &long, "");
    let alone = begun.elapsed();
    let words = whole["text"].as_str().expect("a text").split_whitespace().count();
    let sentences = long.len() / 2 / sentence.len();
    assert!(words > sentences * 14, "{words} words of {sentences} sentences: {whole}");
    for _ in 0..3 {
        let mut stream = client.connect();
        let head = format!(
            "POST /api/speech/transcriptions HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Type: audio/wav\r\n\
             Content-Length: {}\r\n\r\n",
            client.address,
            client.bearer(),
            long.len()
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&long)).expect("sent");
        // The work has begun by then; nothing depends on how far it is.
        std::thread::sleep(Duration::from_millis(200));
        drop(stream);
    }
    let begun = Instant::now();
    assert!(
        heard(client, &said(SYSTEM_DESIGN[2].0), "")["text"]
            .as_str()
            .expect("a text")
            .to_lowercase()
            .contains("latency")
    );
    let after = begun.elapsed();
    assert!(
        after < alone.max(Duration::from_secs(2)) * 2,
        "{after:?} after three that went away; one whole takes {alone:?}"
    );
}

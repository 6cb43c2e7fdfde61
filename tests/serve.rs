//! `offrecord serve` as a script and a person meet it: first line, refusals, exit codes, signals, files.
#![cfg(unix)]

#[path = "server/client.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod client;
#[path = "trust/tier.rs"]
mod tier;

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use client::Client;
use serde_json::{Value, json};

fn offrecord(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offrecord"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("OFFRECORD_DATA_DIR", folder.join("data"))
        .env("OFFRECORD_MODELS_DIR", folder.join("models"))
        .env("OFFRECORD_OFFLINE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A running `serve --json` with the scripted engine, and its first line.
struct Serving {
    child: Child,
    line: Value,
    client: Client,
}

impl Serving {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = offrecord(folder)
            .env("OFFRECORD_ENGINE", "scripted")
            .args(["serve", "--port", "0", "--json"])
            .args(arguments)
            .spawn()
            .expect("the program starts");
        let (client, line) = Client::announced(child.stdout.take().expect("piped"));
        Self { child, line, client }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits at most five seconds: exit code and what it said.
    fn end(mut self) -> (Option<i32>, String) {
        let begun = Instant::now();
        while self.child.try_wait().expect("a child").is_none() {
            assert!(begun.elapsed() < Duration::from_secs(5), "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut said = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut said).expect("UTF-8");
        (self.child.wait().expect("ended").code(), said)
    }
}

impl Drop for Serving {
    /// A test that failed leaves no server behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn refused(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

#[test]
fn the_first_line_is_json_and_the_files_are_private() {
    let folder = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(folder.path(), &[]);
    assert_eq!(serving.line["pid"], serving.child.id());
    assert_eq!(serving.line["model"]["id"], "scripted");
    assert_eq!(serving.client.token.len(), 64);
    let data = folder.path().join("data");
    assert_eq!(std::fs::metadata(&data).expect("there").permissions().mode() & 0o777, 0o700);
    for file in std::fs::read_dir(&data).expect("there").flatten() {
        let metadata = file.metadata().expect("there");
        if metadata.is_file() {
            assert_eq!(metadata.permissions().mode() & 0o077, 0, "{:?}", file.path());
        }
    }
    let key_file = data.join("token");
    assert_eq!(std::fs::read_to_string(&key_file).expect("there").trim(), serving.client.token);
    let arguments = std::fs::read(format!("/proc/{}/cmdline", serving.child.id())).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&arguments).contains(&serving.client.token));

    let new = json!({"round": "behavioural", "level": "senior", "minutes": 15, "mode": "realistic"});
    let created = serving.client.api("POST", "/api/sessions", Some(&new));
    assert!(matches!(created.status, 201 | 503), "{}", created.text());
    let token = serving.client.token.clone();
    serving.signal("TERM");
    let (code, said) = serving.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains(&token), "the token is in the log");
    assert!(!key_file.exists());
    assert!(!data.join("offrecord.db-wal").exists(), "the log was moved into the database");
    tier::tried("T23", "modes of the data folder and its files", 5);
}

#[test]
fn ctrl_c_ends_it_with_130_in_the_middle_of_a_stream() {
    let folder = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(folder.path(), &[]);
    let mut socket = serving.client.connect();
    let body = json!({"stream": true, "messages": [{"role": "user", "content": "x"}]}).to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        serving.client.address,
        serving.client.bearer(),
        body.len()
    );
    std::io::Write::write_all(&mut socket, request.as_bytes()).expect("sent");
    let mut some = [0; 16];
    socket.read_exact(&mut some).expect("a head");
    serving.signal("INT");
    let (code, said) = serving.end();
    assert_eq!(code, Some(130), "{said}");
    tier::tried("D12", "Ctrl+C in the middle of a stream", 1);
}

#[test]
fn a_second_start_on_the_same_folder_names_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(folder.path(), &[]);
    let second = offrecord(folder.path())
        .env("OFFRECORD_ENGINE", "scripted")
        .args(["serve", "--port", "0", "--no-open"])
        .output()
        .expect("it runs");
    let (pid, url) = (format!("pid {}", serving.child.id()), serving.line["url"].as_str().expect("a url").to_owned());
    refused(&second, 1, &["already running", &pid, &url]);
    serving.signal("KILL");
    let (code, _) = serving.end();
    assert_eq!(code, None, "killed");
    // A crash leaves a stale file, never a stale lock.
    let third = Serving::start(folder.path(), &[]);
    third.signal("TERM");
    assert_eq!(third.end().0, Some(0));
    tier::tried("D5", "a second start, and one after a kill", 2);
}

#[test]
fn a_taken_port_is_named_with_its_holder() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let output = offrecord(folder.path())
        .env("OFFRECORD_ENGINE", "scripted")
        .args(["serve", "--no-open", "--port", &port])
        .output()
        .expect("it runs");
    refused(&output, 1, &[&format!("port {port} is in use"), "--port"]);
    tier::tried("D17", "a taken port", 1);
}

#[test]
fn other_machines_are_kept_out_unless_that_is_meant() {
    let folder = tempfile::tempdir().expect("a folder");
    for host in ["0.0.0.0", "::", "192.168.0.1"] {
        let output = offrecord(folder.path())
            .env("OFFRECORD_ENGINE", "scripted")
            .args(["serve", "--no-open", "--port", "0", "--host", host])
            .output()
            .expect("it runs");
        refused(&output, 2, &["--allow-remote", "token"]);
    }
    let output = offrecord(folder.path()).args(["serve", "--host", "evil.test"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let remote = Serving::start(folder.path(), &["--host", "0.0.0.0", "--allow-remote"]);
    let port = remote.client.address.port();
    let at = Client {
        address: format!("127.0.0.1:{port}").parse().expect("an address"),
        token: remote.client.token.clone(),
    };
    assert_eq!(at.api("GET", "/api/sessions", None).status, 200);
    let rebound = [("Host", "evil.test"), ("Authorization", &at.bearer())];
    assert_eq!(at.send("GET", "/api/sessions", &rebound, b"").status, 403);
    remote.signal("TERM");
    assert_eq!(remote.end().0, Some(0));
    tier::tried("T3", "addresses beyond this machine", 5);
}

#[test]
fn without_a_model_and_without_a_network_it_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = offrecord(folder.path()).args(["serve", "--no-open", "--port", "0"]).output().expect("it runs");
    refused(&output, 3, &["offrecord models pull", "offrecord models import"]);
    let named = offrecord(folder.path())
        .args(["serve", "--no-open", "--port", "0", "--model", "no-such-model"])
        .output()
        .expect("it runs");
    refused(&named, 3, &["no-such-model"]);
}

#[test]
fn a_truncated_model_is_moved_aside_and_a_giant_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let models = folder.path().join("models");
    std::fs::create_dir(&models).expect("created");
    let file = models.join("smollm2-135m-instruct-q4_1.gguf");
    std::fs::write(&file, "GGUF, but not much of it").expect("written");
    let output = offrecord(folder.path()).args(["serve", "--no-open", "--port", "0"]).output().expect("it runs");
    refused(&output, 4, &["smollm2-135m-instruct-q4_1.gguf", "corrupt"]);
    assert!(!file.exists());

    let giant = "[[model]]\nid = \"giant\"\nname = \"Giant\"\narchitecture = \"llama\"\nparameters = 1000000000000\n\
                 quantisation = \"q8_0\"\nsize = 1000000000000000\nlicence = \"none\"\ncontext = 4096\nlayers = 100\n\
                 kv_heads = 8\nhead_dim = 128\ntested = false\n[[model.source]]\nkind = \"hub\"\nrepo = \"nobody/giant\"\n\
                 file = \"giant.gguf\"\n";
    let catalogue = folder.path().join("catalogue.toml");
    std::fs::write(&catalogue, giant).expect("written");
    let output = offrecord(folder.path())
        .env("OFFRECORD_CATALOGUE", &catalogue)
        .args(["serve", "--no-open", "--port", "0", "--model", "giant"])
        .output()
        .expect("it runs");
    refused(&output, 5, &["memory"]);
    tier::tried("D7", "a truncated model and one that is too large", 2);
}

#[test]
fn of_ten_that_start_at_once_one_serves() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut starting: Vec<Child> = (0..10)
        .map(|_| {
            offrecord(folder.path())
                .env("OFFRECORD_ENGINE", "scripted")
                .args(["serve", "--port", "0", "--json"])
                .spawn()
                .expect("the program starts")
        })
        .collect();
    let begun = Instant::now();
    while starting.iter_mut().filter_map(|child| child.try_wait().expect("a child")).count() < 9 {
        assert!(begun.elapsed() < Duration::from_secs(20), "more than one serves, or none gave up");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut served = 0;
    for mut child in starting {
        if child.try_wait().expect("a child").is_none() {
            // The line is there once the signals are listened to.
            let mut line = String::new();
            BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
            assert!(line.contains("\"url\""), "{line}");
            let pid = child.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
            assert_eq!(child.wait().expect("ended").code(), Some(0));
            served += 1;
        } else {
            let output = child.wait_with_output().expect("ended");
            refused(&output, 1, &["already running"]);
        }
    }
    assert_eq!(served, 1);
    tier::tried("D5", "processes that start at once", 10);
}

#[test]
fn a_signal_at_any_moment_ends_it_in_time_with_everything_stored() {
    let folder = tempfile::tempdir().expect("a folder");
    let new = json!({"round": "behavioural", "level": "senior", "minutes": 15, "mode": "realistic"});
    let mut acknowledged: Vec<String> = Vec::new();
    let tally = tier::Tally::of("D12", "signals at any moment of busy servers");
    for n in 0..tier::SIGNALS.n() {
        let pause = [0, 7, 23, 60, 150][n % 5] + 3 * (n / 5) as u64;
        let signal = if n % 2 == 0 { "TERM" } else { "INT" };
        let serving = Serving::start(folder.path(), &[]);
        let begun = Instant::now();
        while serving.client.api("GET", "/api/status", None).json()["model"]["state"] != "ready" {
            assert!(begun.elapsed() < Duration::from_secs(10), "the model is not ready");
            std::thread::sleep(Duration::from_millis(5));
        }
        let client = Client { address: serving.client.address, token: serving.client.token.clone() };
        let busy = {
            let new = new.clone();
            std::thread::spawn(move || {
                let mut ids = Vec::new();
                loop {
                    let answer = client.try_api("POST", "/api/sessions", Some(&new));
                    match answer {
                        Some(answer) if answer.status == 201 => {
                            ids.push(answer.json()["id"].as_str().expect("an id").to_owned());
                        }
                        _ => return ids,
                    }
                }
            })
        };
        std::thread::sleep(Duration::from_millis(pause));
        serving.signal(signal);
        let (code, said) = serving.end();
        assert_eq!(code, Some(if signal == "INT" { 130 } else { 0 }), "{said}");
        acknowledged.extend(busy.join().expect("no panic"));
        assert!(!folder.path().join("data/offrecord.db-wal").exists());
        tally.add(1);
    }
    let serving = Serving::start(folder.path(), &[]);
    let stored = serving.client.api("GET", "/api/sessions", None).text();
    for id in &acknowledged {
        assert!(stored.contains(id.as_str()), "{id} was acknowledged and is lost");
    }
    assert!(!acknowledged.is_empty());
    serving.signal("TERM");
    assert_eq!(serving.end().0, Some(0));
}

#[test]
fn what_is_said_in_an_interview_is_never_in_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = offrecord(folder.path())
        .env("OFFRECORD_ENGINE", "scripted")
        .env("OFFRECORD_LOG", "debug")
        .args(["serve", "--port", "0", "--json"])
        .spawn()
        .expect("the program starts");
    // The log is read while it is written: a full pipe would stop the server.
    let mut stderr = child.stderr.take().expect("piped");
    let log = std::thread::spawn(move || {
        let mut said = Vec::new();
        stderr.read_to_end(&mut said).map(|_| said)
    });
    let (client, _) = Client::announced(child.stdout.take().expect("piped"));
    let token = client.token.clone();
    client.wait_for_the_model();
    let payloads = [
        "\u{1b}[31mred",
        "\u{1b}]8;;http://evil.test\u{7}link\u{1b}]8;;\u{7}",
        "\r\nERROR forged line",
        "\u{9b}2J",
        "\u{8}\u{8}",
        "\u{202e}backwards",
        "\u{0}nul",
        "\u{1b}c",
        "%0d%0aforged",
        "${jndi:ldap://evil.test}",
    ];
    for payload in payloads {
        let text = format!("CANARY-{payload} I would ask how many there are and how fresh they must be.");
        let new = json!({
            "round": "behavioural", "level": "staff", "minutes": 15, "mode": "coach", "resume": text, "posting": text,
        });
        let created = client.api("POST", "/api/sessions", Some(&new));
        let view = created.json();
        let Some(id) = view["id"].as_str() else { panic!("{}", created.text()) };
        client.api("PUT", &format!("/api/sessions/{id}/draft"), Some(&json!({"text": text})));
        let turn = json!({"text": text, "expected_seq": view["next_seq"]});
        client.api("POST", &format!("/api/sessions/{id}/turns"), Some(&turn));
        client.api("POST", "/v1/chat/completions", Some(&json!({"messages": [{"role": "user", "content": text}]})));
        client.api("POST", "/v1/chat/completions", Some(&json!({"model": text, "messages": []})));
        client.api("POST", "/api/sessions", Some(&json!({"round": text})));
        client.api("POST", "/api/sessions/CANARY-id/hint", None);
        client.api("POST", &format!("/api/sessions/{id}/finish"), None);
        client.api("POST", &format!("/api/sessions/{id}/scorecards"), Some(&json!({})));
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs").success());
    assert_eq!(child.wait().expect("ended").code(), Some(0));
    let said = log.join().expect("no panic").expect("the log");
    let said = String::from_utf8_lossy(&said);
    for secret in ["CANARY", "how fresh they must be", &token, "evil.test"] {
        assert!(!said.contains(secret), "{secret:?} is in the log: {said:.2000}");
    }
    assert!(!said.contains('\u{1b}'), "control characters are in the log");
    tier::tried("T18", "payloads in every text field, the log searched", payloads.len() * 10);
}

#[test]
fn a_pull_over_http_tells_its_progress_and_leaves_no_doubt() {
    use sha2::Digest;
    let folder = tempfile::tempdir().expect("a folder");
    let models = folder.path().join("models");
    std::fs::create_dir(&models).expect("created");
    let bytes = vec![7u8; 300_000];
    std::fs::write(models.join("here.gguf"), &bytes).expect("written");
    let sha256: String = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let catalogue = folder.path().join("catalogue.toml");
    let entry = format!(
        "[[model]]\nid = \"here\"\nname = \"Here\"\narchitecture = \"llama\"\nparameters = 1000000\nquantisation = \"q8_0\"\n\
         size = 300000\nsha256 = \"{sha256}\"\nlicence = \"none\"\ncontext = 4096\nlayers = 1\nkv_heads = 1\nhead_dim = 8\n\
         tested = false\n[[model.source]]\nkind = \"hub\"\nrepo = \"nobody/here\"\nfile = \"here.gguf\"\n"
    );
    std::fs::write(&catalogue, entry).expect("written");
    let start = |offline: &str| {
        let mut child = offrecord(folder.path())
            .env("OFFRECORD_ENGINE", "scripted")
            .env("OFFRECORD_CATALOGUE", &catalogue)
            .env("OFFRECORD_OFFLINE", offline)
            .args(["serve", "--port", "0", "--json"])
            .spawn()
            .expect("the program starts");
        let (client, line) = Client::announced(child.stdout.take().expect("piped"));
        Serving { child, line, client }
    };
    // The file is there and right: no source is asked, so this needs no network.
    let serving = start("0");
    let list = serving.client.api("GET", "/api/models", None).json();
    assert_eq!((&list["models"][0]["id"], &list["models"][0]["installed"]), (&json!("here"), &json!(true)));
    let pulled = serving.client.api("POST", "/api/models/here/pull", None);
    assert_eq!(pulled.status, 200, "{}", pulled.text());
    let events = pulled.events();
    assert!(events.iter().any(|(event, data)| event == "progress" && data["stage"] == "verified"), "{events:?}");
    let (last, data) = events.last().expect("events");
    assert_eq!((last.as_str(), &data["id"]), ("done", &json!("here")));
    serving.signal("TERM");
    assert_eq!(serving.end().0, Some(0));

    let offline = start("1");
    let refused = offline.client.api("POST", "/api/models/here/pull", None);
    assert_eq!((refused.status, refused.code().as_str()), (409, "offline"));
    offline.signal("TERM");
    assert_eq!(offline.end().0, Some(0));
}

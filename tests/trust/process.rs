//! The program as a process of its own, with the scripted engine and a folder of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::Client;

/// The program with an environment of its own; `wrap` comes before it on the command line.
pub fn offrecord(folder: &Path, wrap: &[&str]) -> Command {
    let program = env!("CARGO_BIN_EXE_offrecord");
    let mut command = match wrap {
        [] => Command::new(program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    };
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("OFFRECORD_DATA_DIR", folder.join("data"))
        .env("OFFRECORD_OFFLINE", "1")
        .env("OFFRECORD_ENGINE", "scripted")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A running `serve`; killed when dropped.
pub struct Serving {
    child: Child,
    pub client: Client,
    pub pid: u32,
}

impl Serving {
    /// Starts it; what it said and its exit code when it did not.
    pub fn start(folder: &Path, wrap: &[&str]) -> Result<Self, (Option<i32>, String)> {
        let mut child = offrecord(folder, wrap)
            .args(["serve", "--port", "0", "--json", "--no-open"])
            .stderr(std::fs::File::create(folder.join("stderr")).expect("a file"))
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("readable");
        let Ok(line) = serde_json::from_str::<Value>(&line) else {
            let code = child.wait().expect("ended").code();
            return Err((code, std::fs::read_to_string(folder.join("stderr")).unwrap_or_default()));
        };
        let address = line["url"].as_str().and_then(|url| url.strip_prefix("http://")).expect("a url");
        let client = Client {
            address: address.parse().expect("an address"),
            token: line["token"].as_str().expect("a token").to_owned(),
        };
        let pid = u32::try_from(line["pid"].as_u64().expect("a pid")).expect("a pid");
        let serving = Self { child, client, pid };
        serving.client.wait_for_the_model();
        Ok(serving)
    }

    /// Asks it to end, and waits: exit code and what it said.
    pub fn end(mut self, folder: &Path) -> (Option<i32>, String) {
        assert!(Command::new("kill").args(["-TERM", &self.pid.to_string()]).status().expect("kill runs").success());
        let begun = Instant::now();
        while self.child.try_wait().expect("a child").is_none() {
            assert!(begun.elapsed() < Duration::from_secs(30), "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut said = String::new();
        std::fs::File::open(folder.join("stderr")).expect("a file").read_to_string(&mut said).expect("UTF-8");
        (self.child.wait().expect("ended").code(), said)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Under strace the program is a grandchild.
        let _ = Command::new("kill").args(["-KILL", &self.pid.to_string()]).stderr(Stdio::null()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A new behavioural session's id.
pub fn session(client: &Client) -> String {
    let new = json!({"round": "behavioural", "level": "senior", "minutes": 45, "mode": "realistic"});
    let answer = client.api("POST", "/api/sessions", Some(&new));
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// Gives the next answer of a session; the status, and whether a reply came to its end.
pub fn say(client: &Client, id: &str, text: &str) -> (u16, bool) {
    let view = client.api("GET", &format!("/api/sessions/{id}"), None);
    if view.status != 200 {
        return (view.status, false);
    }
    let body = json!({"text": text, "expected_seq": view.json()["next_seq"]});
    let answer = client.api("POST", &format!("/api/sessions/{id}/turns"), Some(&body));
    let done = answer.status == 200 && answer.events().last().is_some_and(|(event, _)| event == "done");
    (answer.status, done)
}

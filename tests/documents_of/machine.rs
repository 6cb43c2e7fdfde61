//! A home folder with nothing in it but a model's place and a transcript, in which the commands of the guides are run with
//! the scripted engine and without a network.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::blocks::Line;

pub struct Machine {
    home: tempfile::TempDir,
    path: String,
}

/// A model that is known, and its size: `doctor` and `list` look at these.
const MODEL: (&str, u64) = ("smollm2-135m-instruct-q4_1", 98_362_432);

const TRANSCRIPT: &str = r#"{"version": 1, "round": "system-design", "level": "senior", "minutes": 15, "turns": [
  {"seq": 0, "role": "interviewer", "text": "How would you find a lost parcel?"},
  {"seq": 1, "role": "candidate", "text": "I would append every scan to a log keyed by parcel and keep a table with the latest position for each parcel, because a read must not grow with the history."}
]}"#;

const ANSWERS: &str = "\
First I would ask how many parcels move each day and how fresh the position has to be, because that decides whether one
database is enough. I assume ten million parcels and a few scans each.

I decided against one row per scan in the hot table, because then every read would have to sort. The price is that the
latest position must be updated idempotently when scans arrive out of order.

";

impl Machine {
    pub fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let program = Path::new(env!("CARGO_BIN_EXE_offrecord"));
        let bin = home.path().join("bin");
        std::fs::create_dir(&bin).expect("a folder");
        std::os::unix::fs::symlink(program, bin.join("offrecord")).expect("linked");
        let models = home.path().join(".local/share/offrecord/models");
        std::fs::create_dir_all(&models).expect("a folder");
        let model = std::fs::File::create(models.join(format!("{}.gguf", MODEL.0))).expect("created");
        model.set_len(MODEL.1).expect("a size");
        for name in ["transcript.json", "cv.md", "posting.txt"] {
            let text = if name == "transcript.json" { TRANSCRIPT } else { "# Ada\n\nLed the move to one queue.\n" };
            std::fs::write(home.path().join(name), text).expect("written");
        }
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
        let machine = Self { home, path };
        machine.hold_an_interview();
        machine
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-euc", line]).current_dir(self.home.path()).env_clear();
        command.env("HOME", self.home.path()).env("PATH", &self.path);
        command.env("OFFRECORD_ENGINE", "scripted").env("OFFRECORD_OFFLINE", "1");
        command.env("OFFRECORD_PORT", "0").env("OFFRECORD_NO_OPEN", "1").stdin(Stdio::null());
        command
    }

    /// One finished session, so that there is something to list, show and export; its id is `$ID` in commands.
    fn hold_an_interview(&self) {
        let answers = self.home.path().join("answers.txt");
        std::fs::write(&answers, ANSWERS).expect("written");
        let line = "offrecord run --round behavioural --minutes 15 --no-grade <answers.txt";
        let output = self.command(line).output().expect("sh runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn id(&self) -> String {
        let output = self.command("offrecord session list --json").output().expect("sh runs");
        let list: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        list[0]["id"].as_str().unwrap_or("none").to_owned()
    }

    /// Runs a command as a person would; a server is asked to end once it has said its first line.
    pub fn run(&self, document: &str, line: &Line) {
        let at = format!("{document}:{}: {}", line.number, line.text);
        let serves = line.words_of("offrecord").is_some_and(|words| {
            words.iter().skip(1).all(|word| word.starts_with('-') || word == "serve" || word.parse::<u32>().is_ok())
                && !words.iter().any(|word| ["--help", "--version"].contains(&word.as_str()))
        });
        if serves {
            return self.serve(&at, &line.text);
        }
        // What a person would type.
        let asks = line.words_of("offrecord").is_some_and(|words| words.iter().any(|word| word == "run"));
        let answers = || std::fs::File::open(self.home.path().join("answers.txt")).expect("answers");
        let id = if line.text.contains("$ID") { self.id() } else { String::new() };
        let mut command = self.command(&line.text);
        if asks {
            command.stdin(answers());
        }
        let output = command.env("ID", id).output().expect("sh runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{at}: {:?}: {said}", output.status);
    }

    fn serve(&self, at: &str, line: &str) {
        let mut command = self.command(&format!("exec {line}"));
        let mut child = command.env("OFFRECORD_JSON", "1").stdout(Stdio::piped()).spawn().expect("sh runs");
        let mut first = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut first).expect("a line");
        assert!(first.contains("\"url\""), "{at}: {first:?}");
        let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
        assert!(asked.success());
        for _ in 0..600 {
            if let Some(status) = child.try_wait().expect("a child") {
                assert!(status.success(), "{at}: {status:?}");
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = child.kill();
        panic!("{at}: it does not end");
    }
}

//! Encryption at rest, with the feature `encrypt` (`cargo test --features encrypt --test encrypt`); and what a build
//! without it says.
#![cfg(target_os = "linux")]

#[path = "server/client.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod client;
#[path = "trust/tier.rs"]
mod tier;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use offrecord::content::Content;
use offrecord::engine::scripted::{self, Script};
use offrecord::interview::clock::Clock;
use offrecord::interview::desk::{Desk, GradeOptions};
use offrecord::interview::session::NewSession;
use offrecord::interview::transcript::{Level, Mode, Round};
use offrecord::store::{Passphrase, Record, Store};

const CANARY: &str = "canary-7d21-cormorant-teapot";

/// The program, with `lines` to be read from file descriptor 3.
fn offrecord(folder: &Path, lines: Option<&str>) -> Command {
    let mut command = Command::new("sh");
    let redirect =
        if lines.is_some() { "exec \"$0\" \"$@\" --passphrase-fd 3 3<\"$LINES_FILE\"" } else { "exec \"$0\" \"$@\"" };
    let file = folder.join("lines");
    std::fs::write(&file, lines.unwrap_or_default()).expect("written");
    command
        .args(["-c", redirect, env!("CARGO_BIN_EXE_offrecord")])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("LINES_FILE", file)
        .env("OFFRECORD_DATA_DIR", folder.join("data"))
        .env("OFFRECORD_OFFLINE", "1")
        .env("OFFRECORD_ENGINE", "scripted")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn exits(command: &mut Command, code: i32, words: &[&str]) -> Output {
    let output = command.output().expect("it runs");
    let said = told(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    output
}

/// All files of the data folder but the lock.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder.join("data")).expect("a data folder").flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_file() && !path.ends_with("offrecord.lock"))
        .map(|path| (path.clone(), std::fs::read(&path).expect("readable")))
        .collect()
}

/// Names of files that hold these bytes.
fn holding(folder: &Path, needle: &str) -> Vec<PathBuf> {
    let holds = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
    files(folder).into_iter().filter(|(_, bytes)| holds(bytes)).map(|(path, _)| path).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads")
}

/// Two graded sessions full of the canary.
fn fill(store: &Store) -> Vec<Record> {
    let desk = Desk::open(
        store.clone(),
        Arc::new(Content::built_in()),
        Some(scripted::start(Script::default())),
        Clock::system(),
    );
    runtime().block_on(async {
        for round in [Round::SystemDesign, Round::Behavioural] {
            let new = NewSession {
                round,
                level: Level::Senior,
                problem: None,
                minutes: 15,
                mode: Mode::Coach,
                seed: Some(7),
                resume: Some(format!("I am {CANARY}.")),
                posting: Some(CANARY.into()),
                record: true,
            };
            let id = desk.create(new).expect("a session").summary.id;
            for seq in [1, 3] {
                let text = format!("{CANARY}: I append every scan to a log and keep the newest position in a view.");
                let mut reply = desk.answer(&id, text, seq, None).expect("taken");
                while reply.recv().await.is_some() {}
            }
            desk.draft(&id, format!("draft {CANARY}")).await.expect("kept");
            desk.finish(&id).expect("finished");
            let mut grade = desk.grade(&id, GradeOptions::default()).expect("a grade");
            while grade.recv().await.is_some() {}
        }
    });
    drop(desk);
    records(store)
}

fn records(store: &Store) -> Vec<Record> {
    let all = store.sessions().expect("a list");
    all.iter().map(|summary| store.session(&summary.id).expect("readable").expect("there")).collect()
}

fn phrase(text: &str) -> Passphrase {
    Passphrase::new(text).expect("a passphrase")
}

#[cfg(not(feature = "encrypt"))]
mod without {
    use super::*;

    #[test]
    fn a_build_without_encryption_says_so_and_touches_nothing() {
        let tally = tier::Tally::of("T23", "commands of a build without encryption");
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let before = fill(&Store::open(&data).expect("a store"));
        let bytes = files(folder.path());
        exits(
            offrecord(folder.path(), Some("secret\n")).args(["session", "encrypt"]),
            1,
            &["built without encryption", "nothing was encrypted"],
        );
        exits(offrecord(folder.path(), Some("secret\n")).args(["session", "list"]), 1, &["built without encryption"]);
        assert_eq!(files(folder.path()), bytes);
        assert_eq!(records(&Store::open(&data).expect("a store")), before);
        // A key would be taken and ignored: nothing may be stored in the belief that it is encrypted.
        let fresh = tempfile::tempdir().expect("a folder");
        exits(offrecord(fresh.path(), Some("secret\n")).args(["session", "list"]), 1, &["built without encryption"]);
        assert_eq!(files(fresh.path()).len(), 0);
        // A database of a build that can.
        std::fs::write(fresh.path().join("data/offrecord.db"), [0x5a; 8192]).expect("written");
        std::fs::write(fresh.path().join("data/offrecord.db.sealed"), "").expect("written");
        let bytes = files(fresh.path());
        for command in [&["session", "list"][..], &["serve", "--port", "0", "--no-open"], &["session", "repair"]] {
            exits(offrecord(fresh.path(), None).args(command), 1, &["are encrypted", "built without encryption"]);
            exits(
                offrecord(fresh.path(), Some("secret\n")).args(command),
                1,
                &["are encrypted", "built without encryption"],
            );
        }
        assert_eq!(files(fresh.path()), bytes);
        assert!(matches!(
            Store::open_with(&fresh.path().join("data"), Some(phrase("x"))).map(drop),
            Err(offrecord::store::StoreError::NoCipher { sealed: true, .. })
        ));
        tally.add(10);
    }
}

#[cfg(feature = "encrypt")]
mod with {
    use std::io::{Read, Write};
    use std::time::{Duration, Instant};

    use client::Client;
    use offrecord::interview::dice::Dice;
    use offrecord::store::{Repaired, StoreError};
    use serde_json::json;
    use tier::Tally;

    use super::*;

    /// Nothing that was said, no statement of the schema and no header of SQLite is in the folder.
    #[track_caller]
    fn no_plaintext(folder: &Path) {
        for needle in [CANARY, "CREATE TABLE", "SQLite format 3", "system-design"] {
            assert_eq!(holding(folder, needle), Vec::<PathBuf>::new(), "{needle:?} can be read");
        }
    }

    #[test]
    fn a_new_folder_is_sealed_from_its_first_byte() {
        let tally = Tally::of("T23", "files of a sealed folder searched for what was said");
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let store = Store::open_with(&data, Some(phrase("correct horse"))).expect("a store");
        assert!(store.is_encrypted());
        let before = fill(&store);
        assert!(files(folder.path()).len() >= 3, "the log is there");
        no_plaintext(folder.path());
        let beside = Store::open_for_reading(&data, Some(phrase("correct horse"))).expect("beside");
        assert_eq!(records(&beside), before);
        assert!(matches!(
            Store::open_for_reading(&data, Some(phrase("other"))),
            Err(StoreError::WrongPassphrase { .. })
        ));
        drop((store, beside));
        no_plaintext(folder.path());
        let bytes = files(folder.path());
        assert!(matches!(Store::open(&data), Err(StoreError::Locked { .. })));
        for wrong in ["correct horsf", "Correct horse", " correct horse", "x", "x'00'", "' OR 1"] {
            assert!(
                matches!(Store::open_with(&data, Some(phrase(wrong))), Err(StoreError::WrongPassphrase { .. })),
                "{wrong}"
            );
            tally.add(1);
        }
        assert_eq!(files(folder.path()), bytes, "nothing was touched");
        let store = Store::open_with(&data, Some(phrase("correct horse"))).expect("opens");
        assert_eq!(records(&store), before);
        store.wipe().expect("wiped");
        assert!(store.sessions().expect("a list").is_empty() && store.is_encrypted());
        fill(&store);
        store.remove(&store.sessions().expect("a list")[0].id).expect("removed");
        drop(store);
        no_plaintext(folder.path());
        tally.add(bytes.len());
    }

    #[test]
    fn any_line_is_a_passphrase_and_what_is_none_is_refused() {
        let tally = Tally::of("T23", "odd passphrases");
        let long = "ü".repeat(512);
        let raw = format!("x'{}'", "0f".repeat(32));
        for odd in ["'; DROP TABLE session; --", "\"\\'`$(id)", "пароль 密码 🔑", "  ", &long, &raw] {
            let folder = tempfile::tempdir().expect("a folder");
            let store = Store::open_with(folder.path(), Some(phrase(odd))).expect("a store");
            store.put_draft("nobody", "x", 0).expect("a write");
            drop(store);
            assert!(Store::open_with(folder.path(), Some(phrase(odd))).is_ok(), "{odd}");
            assert!(Store::open_with(folder.path(), Some(phrase("other"))).is_err(), "{odd}");
            tally.add(1);
        }
        for bad in ["", "a\nb", "a\0", &"x".repeat(1025)] {
            assert!(Passphrase::new(bad).is_err(), "{bad:?}");
            tally.add(1);
        }
        assert_eq!(format!("{:?}", phrase("secret")), "Passphrase(..)");
    }

    #[test]
    fn the_commands_encrypt_change_and_decrypt() {
        let tally = Tally::of("T23", "commands with right, wrong and missing passphrases");
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let before = fill(&Store::open(&data).expect("a store"));
        std::fs::write(data.join("offrecord.db.v1.backup"), CANARY).expect("written");
        assert!(!holding(folder.path(), CANARY).is_empty());
        exits(offrecord(folder.path(), Some("x\n")).args(["session", "list"]), 2, &["are not encrypted"]);
        exits(offrecord(folder.path(), Some("x\n")).args(["session", "passphrase"]), 2, &["are not encrypted"]);
        exits(offrecord(folder.path(), Some("")).args(["session", "encrypt"]), 2, &["no (further) line"]);
        exits(offrecord(folder.path(), Some("\n")).args(["session", "encrypt"]), 2, &["it is empty"]);
        exits(offrecord(folder.path(), None).args(["session", "encrypt"]), 6, &["--passphrase-fd"]);
        exits(
            offrecord(folder.path(), None).args(["session", "encrypt", "--passphrase-fd", "9"]),
            2,
            &["--passphrase-fd 9"],
        );

        // A copy that a repair kept is somebody's last hope: it is not deleted unasked, nor left unencrypted unsaid.
        std::fs::write(data.join("offrecord.db.damaged-1"), CANARY).expect("written");
        exits(offrecord(folder.path(), Some("one\n")).args(["session", "encrypt"]), 1, &["offrecord.db.damaged-1"]);
        std::fs::remove_file(data.join("offrecord.db.damaged-1")).expect("removed");

        exits(offrecord(folder.path(), Some("one\n")).args(["session", "encrypt"]), 0, &["are encrypted"]);
        no_plaintext(folder.path());
        let bytes = files(folder.path());
        for command in
            [&["session", "list"][..], &["session", "repair"], &["serve", "--port", "0", "--no-open"], &["run"]]
        {
            exits(
                offrecord(folder.path(), Some("wrong\n")).args(command),
                6,
                &["does not open", "Nothing was changed"],
            );
            exits(offrecord(folder.path(), None).args(command), 6, &["are encrypted", "--passphrase-fd"]);
            tally.add(2);
        }
        exits(offrecord(folder.path(), Some("wrong\ntwo\n")).args(["session", "passphrase"]), 6, &["does not open"]);
        exits(offrecord(folder.path(), Some("wrong\n")).args(["session", "decrypt"]), 6, &["does not open"]);
        assert_eq!(files(folder.path()), bytes, "nothing was touched");
        let list = exits(offrecord(folder.path(), Some("one\n")).args(["session", "list", "--json"]), 0, &[]);
        assert!(String::from_utf8_lossy(&list.stdout).contains(&before[0].summary.id));

        exits(offrecord(folder.path(), Some("one\ntwo\n")).args(["session", "passphrase"]), 0, &["is changed"]);
        no_plaintext(folder.path());
        assert!(matches!(Store::open_with(&data, Some(phrase("one"))), Err(StoreError::WrongPassphrase { .. })));
        assert_eq!(records(&Store::open_with(&data, Some(phrase("two"))).expect("opens")), before);
        exits(offrecord(folder.path(), Some("two\n")).args(["session", "encrypt"]), 0, &["encrypted already"]);

        exits(offrecord(folder.path(), Some("two\n")).args(["session", "decrypt"]), 0, &["no longer encrypted"]);
        assert_eq!(records(&Store::open(&data).expect("opens")), before);
        assert!(!data.join("offrecord.db.sealed").exists());

        // Forgotten: wiping needs no passphrase, and what comes next is sealed again.
        exits(offrecord(folder.path(), Some("three\n")).args(["session", "encrypt"]), 0, &[]);
        exits(offrecord(folder.path(), None).args(["session", "wipe", "--yes"]), 0, &["are deleted"]);
        exits(offrecord(folder.path(), None).args(["session", "list"]), 6, &["are encrypted"]);
        fill(&Store::open_with(&data, Some(phrase("four"))).expect("a new one"));
        no_plaintext(folder.path());
        tally.add(20);
    }

    #[test]
    fn a_copy_without_its_marker_opens_with_the_passphrase() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open_with(folder.path(), Some(phrase("one"))).expect("a store");
        let before = fill(&store);
        drop(store);
        std::fs::remove_file(folder.path().join("offrecord.db.sealed")).expect("removed");
        assert!(matches!(Store::open(folder.path()), Err(StoreError::Damaged { .. })));
        assert_eq!(records(&Store::open_with(folder.path(), Some(phrase("one"))).expect("opens")), before);
        assert!(matches!(Store::open(folder.path()), Err(StoreError::Locked { .. })), "marked again");
    }

    /// The program under `strace`, which does something to it at its `nth` write, sync, rename or removal of a file.
    fn disturbed(folder: &Path, lines: &str, what: &str, nth: usize, verb: &str) -> Output {
        let calls = "pwrite64,write,fsync,fdatasync,rename,unlink,ftruncate";
        let plain = offrecord(folder, Some(lines));
        let mut command = Command::new("strace");
        command.args([
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={calls}"),
            "-e",
            &format!("inject={calls}:{what}:when={nth}"),
        ]);
        command.arg("sh").args(plain.get_args()).args(["session", verb]).env_clear();
        for (name, value) in plain.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.stdin(Stdio::null()).output().expect("strace runs")
    }

    #[test]
    fn stopped_at_any_step_the_old_or_the_new_is_there() {
        let tally = Tally::of("T23", "stops while encrypting, changing the passphrase, decrypting");
        let master = tempfile::tempdir().expect("a folder");
        let before = fill(&Store::open(&master.path().join("data")).expect("a store"));
        let (one, two) = (phrase("one"), phrase("two"));
        let mut dice = Dice::new(20_261_124);
        for (verb, lines, old, new) in [
            ("encrypt", "one\n", None, Some(&one)),
            ("passphrase", "one\ntwo\n", Some(&one), Some(&two)),
            ("decrypt", "one\n", Some(&one), None),
        ] {
            let start = tempfile::tempdir().expect("a folder");
            copy(&master.path().join("data"), &start.path().join("data"));
            if old.is_some() {
                Store::reseal(&start.path().join("data"), None, old).expect("sealed");
            }
            let (mut nth, mut olds, mut news) = (1, 0, 0);
            loop {
                let folder = tempfile::tempdir().expect("a folder");
                let data = folder.path().join("data");
                copy(&start.path().join("data"), &data);
                let output = disturbed(folder.path(), lines, "signal=SIGKILL", nth, verb);
                let done = output.status.success();
                let opens = |passphrase: Option<&Passphrase>| Store::open_with(&data, passphrase.cloned());
                let found = match (opens(old), opens(new)) {
                    (Ok(store), Err(_)) => {
                        olds += 1;
                        assert!(!done, "{verb} said that it was done");
                        records(&store)
                    }
                    (Err(_), Ok(store)) => {
                        news += 1;
                        drop(store);
                        if new.is_some() {
                            no_plaintext(folder.path());
                        }
                        records(&opens(new).expect("opens"))
                    }
                    (Ok(_), Ok(_)) => panic!("{verb} {nth}: both open it"),
                    (Err(old), Err(new)) => panic!("{verb} {nth}: neither opens it: {old}; {new}"),
                };
                assert_eq!(found, before, "{verb} {nth}");
                assert!(
                    files(folder.path()).keys().all(|path| !path.to_string_lossy().contains("turning")),
                    "{verb} {nth}: left over"
                );
                tally.add(1);
                if done {
                    break;
                }
                nth += 1 + dice.below(if tier::is_full() { 1 } else { 240 / tier::RESEAL_STOPS.n() });
            }
            assert!(olds > 2 && news > 0, "{verb}: {olds} old, {news} new");
        }
    }

    #[test]
    fn a_full_or_failing_disk_leaves_the_old_one() {
        let tally = Tally::of("D3", "full or failing disk while encrypting");
        let master = tempfile::tempdir().expect("a folder");
        let before = fill(&Store::open(&master.path().join("data")).expect("a store"));
        for n in 0..tier::DISK_FAULTS.n() {
            let folder = tempfile::tempdir().expect("a folder");
            let data = folder.path().join("data");
            copy(&master.path().join("data"), &data);
            let fault = if n % 2 == 0 { "error=ENOSPC" } else { "error=EIO" };
            let output = disturbed(folder.path(), "one\n", fault, 2 + n * 3, "encrypt");
            let said = told(&output);
            assert!(!said.contains("panicked"), "{said}");
            let found = match Store::open(&data) {
                Ok(store) => records(&store),
                Err(_) => records(&Store::open_with(&data, Some(phrase("one"))).expect("the new one")),
            };
            assert_eq!(found, before, "{n}: {said}");
            tally.add(1);
        }
    }

    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir(to).expect("created");
        for entry in std::fs::read_dir(from).expect("a folder").flatten() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }

    #[test]
    fn a_sealed_server_says_so_and_survives_sigkill() {
        let tally = Tally::of("T23", "sealed servers killed");
        let folder = tempfile::tempdir().expect("a folder");
        let new =
            json!({"round": "system-design", "level": "senior", "minutes": 15, "mode": "coach", "resume": CANARY});
        let mut ids = Vec::new();
        for _ in 0..3 {
            let mut child = offrecord(folder.path(), Some("one\n"))
                .args(["serve", "--port", "0", "--json", "--no-open"])
                .stderr(Stdio::null())
                .spawn()
                .expect("it starts");
            let (client, line) = Client::announced(child.stdout.take().expect("piped"));
            client.wait_for_the_model();
            assert_eq!(client.api("GET", "/api/status", None).json()["encrypted"], true);
            let seen = client.api("GET", "/api/sessions", None).text();
            assert!(ids.iter().all(|id: &String| seen.contains(id)), "{seen}");
            let created = client.api("POST", "/api/sessions", Some(&new)).json();
            let id = created["id"].as_str().expect("an id").to_owned();
            let text = format!("{CANARY}: a log, and a view over it.");
            client.api("POST", &format!("/api/sessions/{id}/turns"), Some(&json!({"text": text, "expected_seq": 1})));
            ids.push(id);
            let arguments = std::fs::read(format!("/proc/{}/cmdline", line["pid"])).expect("its arguments");
            let environment = std::fs::read(format!("/proc/{}/environ", line["pid"])).expect("its environment");
            assert!(![arguments, environment].concat().windows(4).any(|four| four == b"one\n"));
            child.kill().expect("killed");
            child.wait().expect("dead");
            no_plaintext(folder.path());
            tally.add(1);
        }
        let plain = tempfile::tempdir().expect("a folder");
        let mut child = offrecord(plain.path(), None)
            .args(["serve", "--port", "0", "--json", "--no-open"])
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let (client, _) = Client::announced(child.stdout.take().expect("piped"));
        assert_eq!(client.api("GET", "/api/status", None).json()["encrypted"], false);
        child.kill().expect("killed");
        child.wait().expect("dead");
    }

    #[test]
    fn every_released_schema_is_brought_forward_sealed() {
        let tally = Tally::of("D15", "sealed databases of released schemas");
        for script in [include_str!("fixtures/store-v1.sql")] {
            let folder = tempfile::tempdir().expect("a folder");
            let db = rusqlite::Connection::open(folder.path().join("offrecord.db")).expect("a file");
            db.pragma_update(None, "key", "one").expect("a key");
            db.execute_batch(script).expect("the script runs");
            drop(db);
            std::fs::write(folder.path().join("offrecord.db.sealed"), "").expect("written");
            let store = Store::open_with(folder.path(), Some(phrase("one"))).expect("brought forward");
            let record = store.session("01900000-0000-7000-8000-000000000001").expect("readable").expect("there");
            assert_eq!(record.turns.len(), 3);
            drop(store);
            for entry in std::fs::read_dir(folder.path()).expect("a folder").flatten() {
                let bytes = std::fs::read(entry.path()).expect("readable");
                assert!(!bytes.windows(10).any(|ten| ten == b"An answer."), "{:?}", entry.path());
            }
            tally.add(1);
        }
    }

    #[test]
    fn a_damaged_sealed_database_is_repaired_sealed() {
        let tally = Tally::of("D16", "damaged pages of a sealed database");
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let store = Store::open_with(&data, Some(phrase("one"))).expect("a store");
        for _ in 0..3 {
            fill(&store);
        }
        let before = records(&store);
        drop(store);
        let good = std::fs::read(data.join("offrecord.db")).expect("readable");
        let (pages, mut saved) = (good.len() / 4096, 0);
        for n in 1..6 {
            let copy = tempfile::tempdir().expect("a folder");
            let data = copy.path().join("data");
            super::with::copy(&folder.path().join("data"), &data);
            let mut bad = good.clone();
            bad[n * pages / 6 * 4096 + 100] ^= 1;
            std::fs::write(data.join("offrecord.db"), &bad).expect("written");
            let error = Store::open_with(&data, Some(phrase("one"))).map(drop).expect_err("one changed bit is seen");
            assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
            let Repaired::Saved { sessions, original, .. } =
                Store::repair(&data, Some(&phrase("one"))).expect("repaired")
            else {
                panic!("damaged and whole")
            };
            assert_eq!(std::fs::read(original).expect("kept"), bad);
            let store = Store::open_with(&data, Some(phrase("one"))).expect("opens");
            let found = records(&store);
            assert_eq!(found.len(), sessions);
            for record in found {
                let whole = before.iter().find(|whole| whole.summary.id == record.summary.id).expect("known");
                assert_eq!(record.turns[..], whole.turns[..record.turns.len()]);
            }
            saved += sessions;
            drop(store);
            no_plaintext(copy.path());
            tally.add(1);
        }
        assert!(saved > 5, "{saved} sessions saved over five damages of six sessions");
    }

    #[test]
    fn a_terminal_is_asked_and_shows_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let store = Store::open_with(&data, Some(phrase("open sesame"))).expect("a store");
        let before = fill(&store);
        drop(store);
        let plain = offrecord(folder.path(), None);
        let mut command = Command::new("script");
        command
            .args(["-qec", &format!("{} session list --json", env!("CARGO_BIN_EXE_offrecord")), "/dev/null"])
            .env_clear();
        for (name, value) in plain.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("script (package bsdutils) runs");
        let (mut said, mut out) = (Vec::new(), child.stdout.take().expect("piped"));
        let begun = Instant::now();
        while !String::from_utf8_lossy(&said).contains("Passphrase: ") {
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", String::from_utf8_lossy(&said));
            let mut piece = [0; 256];
            let read = out.read(&mut piece).expect("readable");
            assert!(read > 0, "{}", String::from_utf8_lossy(&said));
            said.extend_from_slice(&piece[..read]);
        }
        let mut typed = child.stdin.take().expect("piped");
        typed.write_all(b"open sesame\n").expect("typed");
        out.read_to_end(&mut said).expect("readable");
        assert!(child.wait().expect("ended").success());
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(&before[0].summary.id) && !said.contains("sesame"), "{said}");
    }
}

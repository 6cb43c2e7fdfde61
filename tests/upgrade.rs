//! A new program on the data of an old one: every database that a released version wrote is brought forward, and what was
//! practised is still shown, exported and erased.

use std::path::Path;
use std::process::{Command, Output};

const SESSION: &str = "01900000-0000-7000-8000-000000000001";

fn offrecord(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_offrecord"))
        .args(arguments)
        .env("HOME", data)
        .env("OFFRECORD_DATA_DIR", data)
        .env("OFFRECORD_OFFLINE", "1")
        .output()
        .expect("it ran")
}

fn ok(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The databases of released versions: their number and the SQL that makes one.
fn released() -> Vec<(u32, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut found: Vec<(u32, String)> = std::fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let version = name.strip_prefix("store-v")?.strip_suffix(".sql")?.parse().ok()?;
            Some((version, std::fs::read_to_string(entry.path()).expect("read")))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn the_data_of_every_released_version_is_taken_over() {
    let released = released();
    assert!(!released.is_empty());
    for (version, sql) in released {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("offrecord.db");
        let old = rusqlite::Connection::open(&file).expect("a database");
        old.execute_batch(&sql).expect("the fixture is sound");
        let found: u32 = old.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
        assert_eq!(found, version);
        drop(old);

        // Looking beside a running server must not change anything, so it may ask for the new program to start first.
        let list: serde_json::Value =
            serde_json::from_str(&ok(&offrecord(dir.path(), &["session", "list", "--json"]))).expect("JSON");
        assert_eq!(list[0]["id"], SESSION, "version {version}: {list}");
        let shown = ok(&offrecord(dir.path(), &["session", "show", SESSION]));
        assert!(shown.contains("An answer.") && shown.contains("And then?"), "version {version}: {shown}");
        let exported = ok(&offrecord(dir.path(), &["session", "export", "0001", "--format", "md"]));
        assert!(exported.contains("An answer."), "version {version}: {exported}");

        let new = rusqlite::Connection::open(&file).expect("a database");
        let now: u32 = new.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
        let backup = dir.path().join(format!("offrecord.db.v{version}.backup"));
        assert!(now >= version);
        assert_eq!(backup.exists(), now > version, "a migration keeps the state before it");
        drop(new);

        // Erasing takes the backup along: it holds the session too.
        ok(&offrecord(dir.path(), &["session", "rm", SESSION]));
        assert!(!backup.exists());
        assert_eq!(ok(&offrecord(dir.path(), &["session", "list", "--json"])).trim(), "[]");
    }
}

#[test]
fn data_of_a_newer_version_is_left_alone_and_the_message_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_, sql) = released().pop().expect("a fixture");
    let db = rusqlite::Connection::open(dir.path().join("offrecord.db")).expect("a database");
    db.execute_batch(&sql).expect("the fixture is sound");
    db.pragma_update(None, "user_version", 999).expect("changed");
    drop(db);
    let before = std::fs::read(dir.path().join("offrecord.db")).expect("read");
    let refused = offrecord(dir.path(), &["session", "list"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("newer"), "{}", String::from_utf8_lossy(&refused.stderr));
    assert!(std::fs::read(dir.path().join("offrecord.db")).expect("read") == before);
}

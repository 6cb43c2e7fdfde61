//! A new program on the data of an old one: every database that a released version wrote is brought forward, and what was
//! practised is still shown, exported and erased.

use std::path::Path;
use std::process::{Command, Output};

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

/// What released versions left in their data folder: the version, and the SQL that makes its database again.
fn released() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let version = name.strip_prefix("data-")?.strip_suffix(".sql")?.to_owned();
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
        let schema: u32 = old.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
        let id: String = old.query_row("SELECT id FROM session", [], |row| row.get(0)).expect("a session");
        drop(old);

        let list: serde_json::Value =
            serde_json::from_str(&ok(&offrecord(dir.path(), &["session", "list", "--json"]))).expect("JSON");
        assert_eq!(list[0]["id"], id, "version {version}: {list}");
        assert_eq!(list[0]["status"], "finished");
        let shown = ok(&offrecord(dir.path(), &["session", "show", &id]));
        assert!(shown.contains("ten million parcels"), "version {version}: {shown}");
        let exported = ok(&offrecord(dir.path(), &["session", "export", &id[..13], "--format", "md"]));
        assert!(
            exported.contains("ten million parcels") && exported.contains("Scorecard"),
            "version {version}: {exported}"
        );

        let new = rusqlite::Connection::open(&file).expect("a database");
        let now: u32 = new.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
        let backup = dir.path().join(format!("offrecord.db.v{schema}.backup"));
        assert!(now >= schema);
        assert_eq!(backup.exists(), now > schema, "a migration keeps the state before it");
        drop(new);

        // Erasing takes the backup along: it holds the session too.
        ok(&offrecord(dir.path(), &["session", "rm", &id]));
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
    let refused = offrecord(dir.path(), &["session", "list"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("newer"), "{}", String::from_utf8_lossy(&refused.stderr));
    let db = rusqlite::Connection::open(dir.path().join("offrecord.db")).expect("a database");
    let kept: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
    let turns: u32 = db.query_row("SELECT count(*) FROM turn", [], |row| row.get(0)).expect("a number");
    assert!(kept == 999 && turns > 2, "version {kept}, {turns} turns");
}

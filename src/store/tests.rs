//! What must hold whatever happens to the process, the disk or the file.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::json;

use super::*;
use crate::engine::ModelInfo;
use crate::interview::session::{HintView, NewSession, Status};
use crate::interview::transcript::{Level, Mode, Round, Speaker, Turn};
use crate::tier;

const DATE: &str = "2026-01-02T03:04:05Z";
const CANARY: &str = "canary-5f1c-pelican-umbrella";

fn new_record(id: &str) -> NewRecord {
    let asked = NewSession {
        round: Round::SystemDesign,
        level: Level::Staff,
        problem: None,
        minutes: 45,
        mode: Mode::Coach,
        seed: Some(u64::MAX),
        resume: Some(format!("resume {CANARY}")),
        posting: None,
        record: false,
    };
    let model = ModelInfo {
        id: "m".into(),
        sha256: "00".into(),
        architecture: "qwen2".into(),
        quantisation: "Q4_K_M".into(),
        context: 4096,
        hidden_size: 4,
        kernel: "none".into(),
        threads: 1,
    };
    NewRecord {
        id: id.into(),
        asked,
        problem: "p".into(),
        title: "A title".into(),
        created_at: DATE.into(),
        seed: u64::MAX,
        plan: json!({"stages": []}),
        model,
        opening: "Begin.".into(),
    }
}

fn answer(expected_seq: u32, text: &str) -> CandidateTurn {
    let at_ms = u64::from(expected_seq) * 1000;
    CandidateTurn {
        expected_seq,
        text: text.into(),
        at_ms,
        board: Some(json!({"boxes": [text]})),
        spoken: None,
        date: DATE.into(),
    }
}

fn reply(seq: u32, text: &str) -> Turn {
    Turn { seq, role: Speaker::Interviewer, text: text.into(), at_ms: Some(u64::from(seq) * 1000), board: None }
}

/// One session with everything in it.
fn fill(store: &Store, id: &str, text: &str) {
    store.insert(&new_record(id)).unwrap();
    assert_eq!(store.append_answer(id, &answer(1, text)).unwrap(), Appended::Stored);
    store.put_note(id, 1, &json!({"class": "plain", "anchor": text})).unwrap();
    store.put_remark(id, 1, text).unwrap();
    let how = InterviewerTurn {
        decision: Some(json!({"act": "probe", "quote": text})),
        seed: Some(3),
        model: Some("00".into()),
    };
    assert_eq!(store.append_reply(id, &reply(2, text), DATE, &how, false).unwrap(), Appended::Stored);
    let hint = HintView { topic: "t".into(), rung: 1, text: text.into(), cost: "free".into(), seq: 2 };
    store.put_hint(id, &hint, 3000).unwrap();
    store.put_draft(id, text, 4000).unwrap();
    assert_eq!(
        store.put_scorecard(id, &json!({"overall": {"score": 3.5}, "text": text}), Some(3.5), DATE).unwrap(),
        Some(1)
    );
}

#[test]
fn what_goes_in_comes_out_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    fill(&store, "a", "words");
    let before = store.session("a").unwrap().unwrap();
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    let record = store.session("a").unwrap().unwrap();
    assert_eq!(record, before);
    assert_eq!(record.seed, u64::MAX);
    assert_eq!(record.asked.seed, Some(u64::MAX));
    assert_eq!(record.turns.iter().map(|t| t.text.as_str()).collect::<Vec<_>>(), ["Begin.", "words", "words"]);
    assert_eq!(record.turns[1].board, Some(json!({"boxes": ["words"]})));
    assert_eq!(record.notes[&1]["anchor"], "words");
    assert_eq!(record.moves[&2].decision.as_ref().unwrap()["act"], "probe");
    assert_eq!((record.elapsed_ms, record.draft.as_str(), record.scorecards.as_slice()), (4000, "words", &[1][..]));
    assert_eq!(record.summary.overall, Some(3.5));
    assert_eq!(store.scorecard("a", 1).unwrap().unwrap()["text"], "words");
    assert_eq!(store.scorecard("a", 2).unwrap(), None);
    assert_eq!(store.session("b").unwrap(), None);
}

#[test]
fn only_the_turn_that_is_due_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.insert(&new_record("a")).unwrap();
    let how = InterviewerTurn::default();
    let turn = |seq, text: &str| store.append_answer("a", &answer(seq, text)).unwrap();
    assert_eq!(store.append_reply("a", &reply(1, "too early"), DATE, &how, false).unwrap(), Appended::Overtaken);
    assert_eq!(turn(0, "over the opening"), Appended::Overtaken);
    assert_eq!(turn(2, "a gap"), Appended::Overtaken);
    assert_eq!(turn(1, "first"), Appended::Stored);
    assert_eq!(turn(1, "again"), Appended::Overtaken);
    assert_eq!(turn(2, "in the interviewer's place"), Appended::Overtaken);
    store.set_status("a", Status::Paused, 10, DATE).unwrap();
    assert_eq!(store.append_reply("a", &reply(2, "while paused"), DATE, &how, false).unwrap(), Appended::Stored);
    assert_eq!(turn(3, "while paused"), Appended::Overtaken);
    store.set_status("a", Status::Active, 10, DATE).unwrap();
    assert_eq!(turn(3, "third"), Appended::Stored);
    assert_eq!(store.append_reply("a", &reply(4, "the end"), DATE, &how, true).unwrap(), Appended::Stored);
    assert_eq!(turn(5, "after the end"), Appended::Overtaken);
    store.set_status("a", Status::Active, 99, DATE).unwrap();
    let record = store.session("a").unwrap().unwrap();
    assert_eq!(record.summary.status, Status::Finished, "finished is for good");
    let texts: Vec<_> = record.turns.iter().map(|turn| turn.text.as_str()).collect();
    assert_eq!(texts, ["Begin.", "first", "while paused", "third", "the end"]);
}

#[test]
fn a_second_process_is_told_who_runs_and_where() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let message = || Store::open(dir.path()).map(drop).unwrap_err().to_string();
    let pid = std::process::id();
    assert_eq!(message(), format!("already running, pid {pid}, not serving (a terminal interview or a command)"));
    store.announce("http://127.0.0.1:7447").unwrap();
    assert_eq!(message(), format!("already running, pid {pid}, http://127.0.0.1:7447"));
    fill(&store, "a", "words");
    let beside = Store::open_for_reading(dir.path(), None).unwrap();
    assert_eq!(beside.session("a").unwrap(), store.session("a").unwrap());
    assert!(beside.put_draft("a", "x", 0).is_err(), "a reader cannot write");
    drop((store, beside));
    // What a crash leaves: the file with an old pid in it, but no lock.
    assert!(fs::read_to_string(dir.path().join("offrecord.lock")).unwrap().contains(&pid.to_string()));
    Store::open(dir.path()).unwrap();
}

#[cfg(unix)]
#[test]
fn everything_in_the_folder_is_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("new").join("folder with spaces é");
    let store = Store::open(&folder).unwrap();
    fill(&store, "a", "words");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    names.sort();
    assert_eq!(names, ["offrecord.db", "offrecord.db-shm", "offrecord.db-wal", "offrecord.lock"]);
    tier::tried("T23", "modes of the database files", 5);
}

/// Whether any file of the folder holds these bytes.
fn holds(folder: &Path, needle: &str) -> Vec<String> {
    let has = |path: &Path| fs::read(path).unwrap().windows(needle.len()).any(|window| window == needle.as_bytes());
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| has(path)).map(|path| path.display().to_string()).collect()
}

#[test]
fn a_deleted_session_leaves_no_byte_and_the_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let long = format!("{CANARY} ").repeat(2000);
    fill(&store, "gone", &long);
    let mut other = new_record("stays");
    other.asked.resume = Some("mine".into());
    store.insert(&other).unwrap();
    store.append_answer("stays", &answer(1, "kept")).unwrap();
    fs::write(dir.path().join("offrecord.db.v1.backup"), &long).unwrap();
    assert!(!holds(dir.path(), CANARY).is_empty());
    assert!(store.remove("gone").unwrap());
    assert_eq!(holds(dir.path(), CANARY), [""; 0]);
    assert!(!store.remove("gone").unwrap());
    assert_eq!(store.session("stays").unwrap().unwrap().turns[1].text, "kept");
    // A draft that is overwritten is gone as well once the log is cut.
    store.put_draft("stays", &long, 0).unwrap();
    store.put_draft("stays", "short", 0).unwrap();
    store.checkpoint().unwrap();
    assert_eq!(holds(dir.path(), CANARY), [""; 0]);
    tier::tried("T23", "deleted sessions and drafts, the folder searched", 2);
}

#[test]
fn wiping_leaves_no_byte_and_a_store_that_works() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    for id in ["a", "b", "c"] {
        fill(&store, id, &format!("{CANARY} ").repeat(500));
    }
    fs::write(dir.path().join("offrecord.db.damaged-1"), CANARY).unwrap();
    store.wipe().unwrap();
    assert_eq!(holds(dir.path(), CANARY), [""; 0]);
    assert!(store.sessions().unwrap().is_empty());
    fill(&store, "new", "words");
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Running { .. })), "the lock was kept");
    drop(store);
    assert_eq!(Store::open(dir.path()).unwrap().sessions().unwrap().len(), 1);
    tier::tried("T23", "wiped folders, searched", 1);
}

#[test]
fn a_damaged_database_can_be_wiped() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    fill(&store, "a", CANARY);
    assert!(matches!(Store::wipe_folder(dir.path()), Err(StoreError::Running { .. })));
    drop(store);
    let file = dir.path().join(DATABASE);
    let mut bytes = fs::read(&file).unwrap();
    bytes[..16].fill(b'x');
    fs::write(&file, bytes).unwrap();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Damaged { .. })));
    Store::wipe_folder(dir.path()).unwrap();
    assert_eq!(holds(dir.path(), CANARY), [""; 0]);
    assert!(Store::open(dir.path()).unwrap().sessions().unwrap().is_empty());
    tier::tried("T23", "damaged folders wiped, searched", 1);
}

#[test]
fn a_full_disk_is_said_plainly_and_nothing_is_half_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    fill(&store, "a", "words");
    let before = store.session("a").unwrap().unwrap();
    let pages: i64 = store.db().query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    let text = "x".repeat(30_000);
    let how = InterviewerTurn::default();
    for spare in 0..6 {
        store.db().query_row(&format!("PRAGMA max_page_count = {}", pages + spare), [], |_| Ok(())).unwrap();
        let refused = [
            store.append_answer("a", &answer(3, &text)).map(drop),
            store.put_draft("a", &text, 0),
            store.put_note("a", 1, &json!(text)),
            store.insert(&NewRecord { opening: text.clone(), ..new_record("b") }),
            store.put_scorecard("a", &json!(text), None, DATE).map(drop),
        ];
        for refused in refused {
            assert_eq!(
                refused.unwrap_err().to_string(),
                "the disk is full: nothing was stored (free some space and try again)"
            );
            assert_eq!(store.session("a").unwrap().unwrap(), before);
            assert_eq!(store.session("b").unwrap(), None);
        }
    }
    store.db().query_row("PRAGMA max_page_count = 1000000", [], |_| Ok(())).unwrap();
    assert_eq!(store.append_answer("a", &answer(3, &text)).unwrap(), Appended::Stored, "goes on once there is space");
    store.append_reply("a", &reply(4, "next"), DATE, &how, false).unwrap();
    tier::tried("D3", "writes without a free page", 30);
}

/// Copies database and log as a power cut would leave them: the log whole up to `keep` bytes.
fn cut(from: &Path, to: &Path, keep: usize) {
    fs::copy(from.join(DATABASE), to.join(DATABASE)).unwrap();
    let log = fs::read(from.join("offrecord.db-wal")).unwrap();
    fs::write(to.join("offrecord.db-wal"), &log[..keep.min(log.len())]).unwrap();
}

fn texts(store: &Store) -> Vec<String> {
    store.session("a").unwrap().map_or_else(Vec::new, |record| record.turns.into_iter().map(|turn| turn.text).collect())
}

#[test]
fn a_log_cut_anywhere_gives_a_prefix_of_what_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.insert(&new_record("a")).unwrap();
    for seq in 0..20 {
        let how = InterviewerTurn::default();
        store
            .append_answer("a", &answer(2 * seq + 1, &format!("answer {seq} {}", "y".repeat(97 * seq as usize))))
            .unwrap();
        store.append_reply("a", &reply(2 * seq + 2, &format!("reply {seq}")), DATE, &how, false).unwrap();
    }
    let acknowledged = texts(&store);
    assert_eq!(acknowledged.len(), 41);
    let length = fs::metadata(dir.path().join("offrecord.db-wal")).unwrap().len() as usize;
    let mut lengths = std::collections::BTreeSet::new();
    // Offsets that are multiples of nothing, over the whole log, and its very end.
    let cuts = tier::WAL_CUTS.n();
    let offsets = (0..cuts).map(|n| n * length / cuts).chain([0, 31, 32, 33, length - 1, length]);
    for keep in offsets {
        let copy = tempfile::tempdir().unwrap();
        cut(dir.path(), copy.path(), keep);
        let Ok(after) = Store::open(copy.path()) else {
            // The very first commit (the schema) is not there yet: an empty database is made anew.
            panic!("a log of {keep} bytes is refused");
        };
        let found = texts(&after);
        assert_eq!(found, acknowledged[..found.len()], "a log of {keep} of {length} bytes");
        lengths.insert(found.len());
        drop(after);
    }
    tier::tried("D2", "logs cut anywhere", cuts + 6);
    assert_eq!(lengths.last(), Some(&41), "the whole log holds everything");
    assert!(lengths.len() > 10, "the cuts fall between many turns: {lengths:?}");
}

#[test]
fn a_log_with_a_garbled_tail_gives_a_prefix_too() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    fill(&store, "a", "words");
    let acknowledged = texts(&store);
    let length = fs::metadata(dir.path().join("offrecord.db-wal")).unwrap().len() as usize;
    for step in 0..tier::WAL_GARBLES.n() {
        let copy = tempfile::tempdir().unwrap();
        cut(dir.path(), copy.path(), length);
        let path = copy.path().join("offrecord.db-wal");
        let mut log = fs::read(&path).unwrap();
        let from = length - 1 - step * length / (tier::WAL_GARBLES.n() + 5);
        for (at, byte) in log[from..].iter_mut().enumerate() {
            *byte = if step % 2 == 0 { 0 } else { (at * 31 + step) as u8 };
        }
        fs::write(&path, log).unwrap();
        let found = texts(&Store::open(copy.path()).unwrap());
        assert_eq!(found, acknowledged[..found.len()], "garbled from {from}");
    }
    tier::tried("D2", "logs with a garbled tail", tier::WAL_GARBLES.n());
}

#[test]
fn a_damaged_database_is_left_as_it_is_and_named() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = Store::open(dir.path()).unwrap();
        for id in ["a", "b", "c", "d"] {
            fill(&store, id, &"words ".repeat(3000));
        }
        store.checkpoint().unwrap();
    }
    let good = fs::read(dir.path().join(DATABASE)).unwrap();
    let mut refused = 0;
    for n in 0..30 {
        let copy = tempfile::tempdir().unwrap();
        let file = copy.path().join(DATABASE);
        let mut bad = good.clone();
        match n {
            0 => bad[..16].fill(b'x'),
            1 => bad[16..18].fill(0),
            2 => bad.truncate(good.len() / 2),
            3 => bad.truncate(100),
            n => {
                let at = 100 + n * (good.len() - 600) / 30;
                bad[at..at + 400].iter_mut().enumerate().for_each(|(i, byte)| *byte = (i * 37 + n) as u8);
            }
        }
        fs::write(&file, &bad).unwrap();
        match Store::open(copy.path()) {
            Err(error) => {
                refused += 1;
                let message = error.to_string();
                assert!(message.contains("offrecord.db") && message.contains("damaged"), "{n}: {message}");
                assert!(message.contains("session repair"), "{n}: {message}");
                assert_eq!(fs::read(&file).unwrap(), bad, "{n}: the original was changed");
            }
            Ok(_) if n < 4 => panic!("{n}: the damage was not noticed"),
            // A change inside a long text is not damage that SQLite can see; what is read is whole rows then.
            Ok(store) => assert_eq!(store.sessions().unwrap().len(), 4, "{n}"),
        }
    }
    assert!(refused > 4, "of damage in the middle nothing was noticed");
    tier::tried("D16", "damaged databases", 30);
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fill(&Store::open(dir.path()).unwrap(), "a", "words");
    let file = dir.path().join(DATABASE);
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let message = Store::open(dir.path()).map(drop).unwrap_err().to_string();
    assert!(message.contains("newer offrecord (its schema is 999"), "{message}");
    let version: i64 = Connection::open(&file).unwrap().query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap();
    assert_eq!(version, 999);
    tier::tried("D15", "newer schemas", 1);
}

#[test]
fn another_program_s_database_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let other = Connection::open(dir.path().join(DATABASE)).unwrap();
    other.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    drop(other);
    let message = Store::open(dir.path()).map(drop).unwrap_err().to_string();
    assert!(message.contains("is not a database of offrecord"), "{message}");
}

/// The first released schema with sample rows; every later version must open it.
/// Databases as released versions wrote them, and the recording that each has of the one answer.
const RELEASED: [(&str, Option<&[u8]>); 2] = [
    (include_str!("../../tests/fixtures/store-v1.sql"), None),
    (include_str!("../../tests/fixtures/store-v2.sql"), Some(b"RIFF!!")),
];

#[test]
fn every_released_schema_is_brought_forward_with_its_rows() {
    for (sql, recording) in RELEASED {
        let dir = tempfile::tempdir().unwrap();
        let old = Connection::open(dir.path().join(DATABASE)).unwrap();
        old.execute_batch(sql).unwrap();
        drop(old);
        let store = Store::open(dir.path()).unwrap();
        let id = "01900000-0000-7000-8000-000000000001";
        let record = store.session(id).unwrap().unwrap();
        assert_eq!(
            record.turns.iter().map(|t| t.text.as_str()).collect::<Vec<_>>(),
            ["Begin.", "An answer.", "And then?"]
        );
        assert_eq!((record.hints.len(), record.notes.len(), record.remarks.len()), (1, 1, 1));
        assert_eq!(store.sessions().unwrap()[0].overall, Some(3.5));
        let latest = schema::STEPS.len() as i64;
        let version: i64 = store.db().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, latest);

        // What was spoken and recorded is there; where there was no place for it, there is one now.
        assert_eq!(record.spoken.contains_key(&1), recording.is_some());
        assert_eq!(record.recordings.len(), usize::from(recording.is_some()));
        assert_eq!(store.recording(id, 1).unwrap().as_deref(), recording);
        assert!(store.put_recording(id, 1, 20, b"another").unwrap());
        assert_eq!(store.recording(id, 1).unwrap().as_deref(), Some(&b"another"[..]));
        assert!(store.remove_recording(id, 1).unwrap());
        assert_eq!(store.recording(id, 1).unwrap(), None);
    }
    tier::tried("D15", "databases of released schemas", RELEASED.len());
}

#[test]
fn a_migration_keeps_a_backup_and_is_all_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    fill(&store, "a", "words");
    drop(store);
    let file = dir.path().join(DATABASE);
    let next = "ALTER TABLE session ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm';";
    let broken = [schema::STEPS, &[next, "CREATE TABLE x (y); CREATE NONSENSE"]].concat();
    let mut db = Connection::open(&file).unwrap();
    assert!(schema::migrate(&mut db, &file, None, &broken).is_err());
    let columns = |db: &Connection| {
        db.query_row("SELECT count(*) FROM pragma_table_info('session') WHERE name = 'mood'", [], |r| {
            r.get::<_, i64>(0)
        })
        .unwrap()
    };
    assert_eq!(columns(&db), 0, "a migration that fails changes nothing");
    let good = [schema::STEPS, &[next]].concat();
    schema::migrate(&mut db, &file, None, &good).unwrap();
    assert_eq!(columns(&db), 1);
    drop(db);
    let backup = schema::backup_file(&file, schema::STEPS.len() as i64);
    let old = Connection::open(&backup).unwrap();
    assert_eq!(columns(&old), 0);
    let turns: i64 = old.query_row("SELECT count(*) FROM turn", [], |row| row.get(0)).unwrap();
    assert_eq!(turns, 3, "the backup is whole");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(Store::open(dir.path()).map(drop).unwrap_err().to_string().contains("newer offrecord"));
    tier::tried("D15", "migrations that fail and that do not", 2);
}

#[test]
fn a_repair_saves_what_can_be_read_and_keeps_the_original() {
    let dir = tempfile::tempdir().unwrap();
    let ids: Vec<String> = (0..12).map(|n| format!("session-{n:02}")).collect();
    {
        let store = Store::open(dir.path()).unwrap();
        for id in &ids {
            fill(&store, id, &format!("{id} words ").repeat(900));
        }
        store.checkpoint().unwrap();
    }
    let good = fs::read(dir.path().join(DATABASE)).unwrap();
    let whole: Vec<Record> = {
        let store = Store::open(dir.path()).unwrap();
        ids.iter().map(|id| store.session(id).unwrap().unwrap()).collect()
    };
    assert_eq!(Store::repair(dir.path(), None).unwrap(), Repaired::Whole);
    let mut saved_in_all = 0;
    for n in 1..25 {
        let copy = tempfile::tempdir().unwrap();
        let file = copy.path().join(DATABASE);
        let mut bad = good.clone();
        // One damaged page of 4096 bytes; the header's page among them last.
        let page = if n == 24 { 0 } else { n * (good.len() / 4096 - 1) / 24 };
        bad[page * 4096..page * 4096 + 4096].iter_mut().enumerate().for_each(|(i, byte)| *byte = (i * 13 + n) as u8);
        fs::write(&file, &bad).unwrap();
        let (sessions, original) = match Store::open(copy.path()) {
            Err(StoreError::Damaged { .. }) => match Store::repair(copy.path(), None).unwrap() {
                Repaired::Saved { sessions, original, .. } => (sessions, original),
                Repaired::Whole => panic!("{n}: damaged and whole"),
            },
            Err(error) => panic!("{n}: {error}"),
            // The damage lies in a long text: no structure is hurt.
            Ok(_) => continue,
        };
        assert_eq!(fs::read(&original).unwrap(), bad, "{n}: the original is kept as it was");
        let store = Store::open(copy.path()).unwrap();
        let found = store.sessions().unwrap();
        assert_eq!(found.len(), sessions, "{n}");
        saved_in_all += sessions;
        for summary in found {
            let record = store.session(&summary.id).unwrap().unwrap();
            let before = whole.iter().find(|before| before.summary.id == summary.id).unwrap();
            assert_eq!(record.turns[..], before.turns[..record.turns.len()], "{n}: a prefix of what was said");
        }
        fill(&store, "new", "it goes on");
    }
    assert!(saved_in_all > 100, "{saved_in_all} sessions saved over all damages");
    tier::tried("D16", "damaged pages, repaired", 24);
}

#[test]
fn a_power_cut_during_a_migration_leaves_the_old_or_the_new_schema() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = Store::open(dir.path()).unwrap();
        fill(&store, "a", &"words ".repeat(5000));
    }
    let file = dir.path().join(DATABASE);
    let next = "ALTER TABLE session ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm';
                CREATE TABLE copied AS SELECT * FROM turn;";
    let mut db = Connection::open(&file).unwrap();
    schema::migrate(&mut db, &file, None, &[schema::STEPS, &[next]].concat()).unwrap();
    let length = fs::metadata(dir.path().join("offrecord.db-wal")).unwrap().len() as usize;
    let latest = schema::STEPS.len() as i64;
    let mut versions = std::collections::BTreeSet::new();
    for step in 0..=20 {
        let copy = tempfile::tempdir().unwrap();
        cut(dir.path(), copy.path(), length * step / 20);
        let after = Connection::open(copy.path().join(DATABASE)).unwrap();
        assert_eq!(damage(&after), None);
        let number = |sql: &str| after.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        let version = number("PRAGMA user_version");
        let mood = number("SELECT count(*) FROM pragma_table_info('session') WHERE name = 'mood'");
        let copied = number("SELECT count(*) FROM sqlite_schema WHERE name = 'copied'");
        assert!((version, mood, copied) == (latest, 0, 0) || (version, mood, copied) == (latest + 1, 1, 1));
        assert_eq!(number("SELECT count(*) FROM turn"), 3);
        versions.insert(version);
    }
    assert_eq!(versions.len(), 2, "both states were seen");
    tier::tried("D15", "power cuts during a migration", 21);
}

#[test]
fn of_many_that_start_at_once_one_gets_the_folder() {
    for _ in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let start = std::sync::Barrier::new(4);
        let stores: Vec<_> = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        Store::open(dir.path())
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        let held = stores.iter().filter(|store| store.is_ok()).count();
        assert_eq!(held, 1);
        assert!(stores.iter().all(|store| matches!(store, Ok(_) | Err(StoreError::Running { .. }))));
    }
    tier::tried("D5", "starts at once, four each", 10);
}

#[test]
fn what_is_acknowledged_is_synced() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let pragma = |name: &str| store.db().query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0)).unwrap();
    // 2 = FULL: each commit syncs the log before it returns.
    assert_eq!((pragma("synchronous"), pragma("secure_delete"), pragma("foreign_keys")), (2, 1, 1));
    let journal: String = store.db().query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(journal, "wal");
    tier::tried("D2", "settings that make a commit durable", 4);
}

#[test]
fn without_room_for_anything_the_sessions_can_still_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    fill(&store, "a", "in the log");
    let before = store.session("a").unwrap();
    // As a crash leaves it: the turns are in the log, not in the database.
    let copy = tempfile::tempdir().unwrap();
    let folder = copy.path().join("a folder? 100%#1");
    fs::create_dir(&folder).unwrap();
    cut(dir.path(), &folder, usize::MAX);
    let reader = Store::reader(&folder.join(DATABASE), &["PRAGMA locking_mode = EXCLUSIVE"], None).unwrap();
    assert_eq!(reader.session("a").unwrap(), before);
    assert!(!folder.join("offrecord.db-shm").exists(), "nothing is written for reading");
    assert!(reader.put_draft("a", "x", 0).is_err());
    drop(reader);
    drop(store);
    // Put away in order, the file alone is enough.
    let reader = Store::reader(&dir.path().join(DATABASE), &["immutable"], None).unwrap();
    assert_eq!(reader.session("a").unwrap(), before);
    assert!(reader.put_draft("a", "x", 0).is_err());
    tier::tried("D3", "reading without room for anything", 2);
}

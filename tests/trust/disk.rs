//! D2 and D3: a disk that is full, fails, or loses power. `strace` makes the faults, at the n-th write, sync or growth of
//! the database and its log.

use serde_json::json;

use crate::process::{Serving, offrecord, say, session};
use crate::tier::{self, Tally};

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("created");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

/// A data folder with one session that has one answer.
fn begun() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(folder.path(), &[]).expect("it starts");
    let id = session(&serving.client);
    assert_eq!(say(&serving.client, &id, "I would ask first what the team had tried before that."), (200, true));
    assert_eq!(serving.end(folder.path()).0, Some(0));
    (folder, id)
}

#[test]
fn a_disk_that_fails_loses_nothing_acknowledged_and_is_said() {
    let tally = Tally::of("D3", "full and failing disks under a server, at the n-th write, sync or growth");
    let (start, id) = begun();
    let (mut refused, mut never_started) = (0, 0);
    for n in 0..tier::DISK_FAULTS.n() {
        let folder = tempfile::tempdir().expect("a folder");
        copy(&start.path().join("data"), &folder.path().join("data"));
        let database = folder.path().join("data/offrecord.db").display().to_string();
        let fault = ["ENOSPC", "EIO", "EDQUOT"][n % 3];
        let first = 1 + n / 2;
        let inject = format!("inject=pwrite64,fsync,fdatasync,ftruncate:error={fault}:when={first}..{}", first + 2);
        let log = format!("{database}-wal");
        let wrap = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", &database, "-P", &log, "-e", &inject];
        let serving = match Serving::start(folder.path(), &wrap) {
            Ok(serving) => serving,
            Err((code, said)) => {
                assert!(matches!(code, Some(1 | 4 | 5)), "{fault} {first}: {code:?} {said}");
                assert!(said.starts_with("offrecord: ") && !said.contains("panicked"), "{said}");
                never_started += 1;
                tally.add(1);
                continue;
            }
        };
        let (mut acknowledged, mut row) = (Vec::new(), 0);
        for attempt in 0..60 {
            let text = format!("Answer number {attempt} of this test: we tried it on one service first.");
            let (status, _) = say(&serving.client, &id, &text);
            match status {
                200 => {
                    acknowledged.push(text);
                    row += 1;
                }
                409 => {
                    // The reply is still due: it is asked for again.
                    serving.client.api("GET", &format!("/api/sessions/{id}/reply"), None);
                }
                500 | 507 => {
                    refused += 1;
                    row = 0;
                    let list = serving.client.api("GET", "/api/sessions", None);
                    assert!(list.status == 200 && list.text().contains(&id), "reading goes on: {}", list.text());
                }
                other => panic!("{fault} {first}: {other}"),
            }
            let draft =
                serving.client.api("PUT", &format!("/api/sessions/{id}/draft"), Some(&json!({"text": "so far"})));
            assert!(matches!(draft.status, 204 | 409 | 500 | 507), "{}", draft.text());
            if row == 4 {
                break;
            }
        }
        assert!(row >= 4 || !acknowledged.is_empty(), "{fault} {first}: it goes on once the disk answers");
        let (code, said) = serving.end(folder.path());
        assert!(matches!(code, Some(0)) && !said.contains("panicked"), "{fault} {first}: {code:?} {said}");
        let store = offrecord::store::Store::open(&folder.path().join("data")).expect("whole after the fault");
        let record = store.session(&id).expect("readable").expect("there");
        let texts: Vec<&str> = record.turns.iter().map(|turn| turn.text.as_str()).collect();
        for text in &acknowledged {
            assert_eq!(texts.iter().filter(|found| *found == text).count(), 1, "{fault} {first}: {text}");
        }
        assert!(record.turns.iter().enumerate().all(|(at, turn)| turn.seq as usize == at));
        tally.add(1);
    }
    tally.note(format!("{refused} requests refused, {never_started} starts refused, 0 acknowledged answers lost"));
    assert!(refused + never_started > 0, "no fault was met");
}

#[test]
fn the_log_is_synced_before_a_change_is_acknowledged() {
    let tally = Tally::of("D2", "acknowledged changes, each synced before its answer (read from strace)");
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace").display().to_string();
    let calls = "trace=pwrite64,fsync,fdatasync,write,writev,sendto,sendmsg";
    let wrap = ["strace", "-f", "-qq", "-y", "-s", "32", "-o", &trace, "-e", calls];
    let serving = Serving::start(folder.path(), &wrap).expect("it starts");
    for _ in 0..10 {
        let id = session(&serving.client);
        let draft = serving.client.api("PUT", &format!("/api/sessions/{id}/draft"), Some(&json!({"text": "so far"})));
        assert_eq!(draft.status, 204);
    }
    assert_eq!(serving.end(folder.path()).0, Some(0));
    let text = std::fs::read_to_string(folder.path().join("trace")).expect("strace wrote");
    let (mut written, mut synced, mut seen) = (false, true, 0);
    for line in text.lines() {
        let log = line.contains("offrecord.db-wal>");
        if log && line.contains("pwrite64(") {
            (written, synced) = (true, false);
        } else if (log && (line.contains("fdatasync(") || line.contains("fsync(")) && line.ends_with("= 0"))
            || (line.contains("sync resumed>") && line.ends_with("= 0"))
        {
            synced = true;
        } else if line.contains("HTTP/1.1 201") || line.contains("HTTP/1.1 204") {
            assert!(written && synced, "acknowledged before it was on disk: {line}");
            written = false;
            seen += 1;
        }
    }
    assert_eq!(seen, 20, "answers in the trace");
    tally.add(seen);
}

#[test]
fn a_disk_without_room_at_the_start_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    // No file may grow: a quota of nothing.
    let output = offrecord(folder.path(), &["sh", "-c", "ulimit -f 0; trap '' XFSZ; exec \"$0\" \"$@\""])
        .args(["session", "list"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(1 | 5)) && !said.contains("panicked"), "{:?} {said}", output.status);
    tier::tried("D3", "starts with a file size limit of nothing", 1);
}

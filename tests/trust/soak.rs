//! D14: hundreds of turns leave memory and descriptors where they were.

use std::collections::BTreeMap;

use crate::process::{Serving, say, session};
use crate::tier::{self, Tally};

/// Resident bytes and open descriptors.
fn measure(pid: u32) -> (u64, usize) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("resident memory");
    let kilobytes: u64 = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number");
    (kilobytes * 1024, std::fs::read_dir(format!("/proc/{pid}/fd")).expect("descriptors").count())
}

#[test]
fn memory_and_descriptors_stay_flat() {
    let turns = tier::SOAK_TURNS.n();
    let tally = Tally::of("D14", "turns of one server, memory and descriptors measured");
    let folder = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(folder.path(), &[]).expect("it starts");
    let mut at = BTreeMap::new();
    let mut id = session(&serving.client);
    for turn in 0..turns {
        let text = format!(
            "Turn {turn}: we kept the old path running, compared both for two weeks, and paged on the difference."
        );
        match say(&serving.client, &id, &text) {
            (200, _) => {}
            (409, _) => {
                // Over: graded and exported, and the next one begins.
                serving.client.api("POST", &format!("/api/sessions/{id}/finish"), None);
                serving.client.api("POST", &format!("/api/sessions/{id}/scorecards"), Some(&serde_json::json!({})));
                assert_eq!(
                    serving.client.api("GET", &format!("/api/sessions/{id}/export?format=html"), None).status,
                    200
                );
                id = session(&serving.client);
            }
            (status, _) => panic!("{status}"),
        }
        if turn == turns / 6 || turn == turns - 1 {
            at.insert(turn, measure(serving.pid));
        }
        tally.add(1);
    }
    let ((_, (before, fds_before)), (_, (after, fds_after))) =
        (at.first_key_value().expect("measured"), at.last_key_value().expect("measured"));
    let grown = after.saturating_sub(*before) / (1 << 20);
    tally.note(format!("{grown} MiB grown after turn {}, descriptors {fds_before} to {fds_after}", turns / 6));
    assert!(grown < 64, "{grown} MiB grown");
    assert!(*fds_after <= fds_before + 8, "{fds_before} descriptors became {fds_after}");
    assert_eq!(serving.end(folder.path()).0, Some(0));
}

//! D17: the machine's clock jumps under a running server, and there is no `/proc`. The clock is moved by a small library
//! that is put before the C library's and reads the offset from a file; the C compiler that built SQLite builds it too.

use std::process::Command;

use serde_json::json;

use crate::process::{Serving, offrecord, say};
use crate::tier::Tally;

/// Answers `clock_gettime` of the wall clock with so many seconds added as the file in `MOVED_CLOCK` says.
const MOVED: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
  long failed = syscall(SYS_clock_gettime, clock, now);
  const char *path = getenv("MOVED_CLOCK");
  if (!failed && clock == CLOCK_REALTIME && path) {
    char text[32] = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
      if (read(file, text, sizeof text - 1) > 0) now->tv_sec += atol(text);
      close(file);
    }
  }
  return (int)failed;
}
"#;

const YEAR: i64 = 365 * 24 * 3600;

#[test]
fn a_clock_that_jumps_by_a_year_loses_no_turn_and_ends_no_interview() {
    let tally = Tally::of("D17", "jumps of a running server's clock by a year, there and back");
    let folder = tempfile::tempdir().expect("a folder");
    let (source, library, offset) =
        (folder.path().join("moved.c"), folder.path().join("moved.so"), folder.path().join("offset"));
    std::fs::write(&source, MOVED).expect("written");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).output();
    let built = built.expect("cc (a C compiler, which SQLite needs) runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    std::fs::write(&offset, "0").expect("written");
    let moved = |command: &mut Command, seconds: i64| {
        std::fs::write(&offset, seconds.to_string()).expect("written");
        command.env("LD_PRELOAD", &library).env("MOVED_CLOCK", &offset);
    };
    // The clock is moved at all: a date of next year in a list of sessions.
    let (preload, from) = (format!("LD_PRELOAD={}", library.display()), format!("MOVED_CLOCK={}", offset.display()));
    let wrap = ["env", preload.as_str(), from.as_str()];
    let serving = Serving::start(folder.path(), &wrap).expect("it starts");
    let client = &serving.client;
    let id = client.session("behavioural")["id"].as_str().expect("an id").to_owned();
    let view = |id: &str| client.api("GET", &format!("/api/sessions/{id}"), None).json();
    let mut told = 0;
    for (n, jump) in [0, YEAR, 0, -YEAR, YEAR, -YEAR].into_iter().enumerate() {
        std::fs::write(&offset, jump.to_string()).expect("written");
        assert_eq!(
            say(client, &id, &format!("Answer {n}: I led the move of our orders to a log and paged on its age.")),
            (200, true)
        );
        let now = view(&id);
        told += 1;
        assert_eq!(now["status"], "active", "the jump by {jump} s ended the interview: {}", now["clock"]);
        assert_eq!(now["turns"].as_array().map(Vec::len), Some(1 + 2 * told));
        let elapsed = now["clock"]["elapsed_ms"].as_u64().expect("a number");
        assert!(elapsed < 10 * 60 * 1000, "a jump by {jump} s counts as time of the interview: {elapsed} ms");
        tally.add(1);
    }
    // What is made in another year says so, and the list is read in spite of dates that go back.
    std::fs::write(&offset, YEAR.to_string()).expect("written");
    let later = client.session("system-design");
    let list = client.api("GET", "/api/sessions", None).json();
    assert_eq!(list.as_array().map(Vec::len), Some(2));
    let dates: Vec<&str> = list.as_array().into_iter().flatten().filter_map(|s| s["created_at"].as_str()).collect();
    let years: std::collections::BTreeSet<&str> = dates.iter().map(|date| &date[..4]).collect();
    assert_eq!(years.len(), 2, "the clock was not moved: {dates:?} {later}");
    assert_eq!(client.api("POST", &format!("/api/sessions/{id}/finish"), None).status, 200);
    let graded = client.api("POST", &format!("/api/sessions/{id}/scorecards"), Some(&json!({})));
    assert_eq!(graded.events().last().map(|(event, _)| event.as_str()), Some("done"), "{}", graded.text());
    let (code, said) = serving.end(folder.path());
    assert_eq!(code, Some(0), "{said}");
    // And a start a year before what is stored.
    let mut command = offrecord(folder.path(), &[]);
    moved(&mut command, -YEAR);
    let output = command.args(["session", "list", "--json"]).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains(&id));
    tally.add(2);
}

#[test]
fn without_proc_it_works_and_says_what_it_cannot_know() {
    let tally = Tally::of("D17", "commands without /proc");
    let folder = tempfile::tempdir().expect("a folder");
    let hidden = |arguments: &[&str]| {
        let script = "mount -t tmpfs none /proc && exec \"$0\" \"$@\"";
        let wrap = ["unshare", "--map-root-user", "--mount", "--", "sh", "-c", script];
        offrecord(folder.path(), &wrap).args(arguments).output().expect("unshare runs")
    };
    for (arguments, codes) in
        [(&["session", "list"][..], &[0][..]), (&["doctor"], &[0, 1]), (&["models", "list"], &[0]), (&["lint"], &[0])]
    {
        let output = hidden(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code().is_some_and(|code| codes.contains(&code)),
            "{arguments:?}: {:?} {said}",
            output.status
        );
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        tally.add(1);
    }
}

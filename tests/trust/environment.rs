//! D17: odd surroundings get a plain word and a documented exit code.

use std::os::unix::fs::PermissionsExt;

use crate::process::offrecord;
use crate::tier::Tally;

#[test]
fn odd_surroundings_are_met_with_a_plain_word() {
    let tally = Tally::of("D17", "homes, folders, time zones, terminals, masks, limits");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a file");
    std::fs::write(&file, "x").expect("written");
    let list = |change: &dyn Fn(&mut std::process::Command), code: i32, words: &str| {
        let mut command = offrecord(folder.path(), &[]);
        change(&mut command);
        let output = command.args(["session", "list"]).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(words) && !said.contains("panicked"), "{said}");
        tally.add(1);
    };
    let none = "no sessions yet";
    list(
        &|command| {
            command.env_remove("HOME").env_remove("OFFRECORD_DATA_DIR").env("XDG_DATA_HOME", folder.path().join("xdg"));
        },
        0,
        none,
    );
    list(
        &|command| {
            command.env("HOME", "/dev/null").env_remove("OFFRECORD_DATA_DIR");
        },
        1,
        "--data-dir",
    );
    list(
        &|command| {
            command.env("OFFRECORD_DATA_DIR", &file);
        },
        1,
        "--data-dir",
    );
    list(
        &|command| {
            command.env("OFFRECORD_DATA_DIR", "/proc/nothing");
        },
        1,
        "--data-dir",
    );
    list(
        &|command| {
            command.env("OFFRECORD_DATA_DIR", folder.path().join("ein Ordner ä 数据 %20 #?"));
        },
        0,
        none,
    );
    list(&|command| drop(command.env("OFFRECORD_DATA_DIR", folder.path().join("x".repeat(200)))), 0, none);
    list(&|command| drop(command.env("OFFRECORD_DATA_DIR", folder.path().join("x".repeat(300)))), 1, "--data-dir");
    for (name, value) in [
        ("TZ", "Mars/Olympus"),
        ("TZ", "Asia/Kathmandu"),
        ("TERM", "dumb"),
        ("COLUMNS", "1"),
        ("LANG", "xx_XX.nonsense"),
        ("OFFRECORD_LOG", "[nonsense"),
    ] {
        list(
            &|command| {
                command.env(name, value);
            },
            0,
            none,
        );
    }

    // A mask that takes nothing away: the files are private all the same.
    let open = tempfile::tempdir().expect("a folder");
    let output = offrecord(open.path(), &["sh", "-c", "umask 000; exec \"$0\" \"$@\""])
        .args(["session", "list"])
        .output()
        .expect("it runs");
    assert!(output.status.success());
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&open.path().join("data")), 0o700);
    for entry in std::fs::read_dir(open.path().join("data")).expect("a folder").flatten() {
        assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.path());
    }
    // Few descriptors, and a reader that is gone.
    for script in
        ["ulimit -n 24; exec \"$0\" \"$@\"", "\"$0\" \"$@\" | true", "exec \"$0\" \"$@\" >&-", "exec \"$0\" \"$@\" <&-"]
    {
        let output = offrecord(open.path(), &["sh", "-c", script])
            .args(["session", "list", "--json"])
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some(), "{script}: {:?} {said}", output.status);
        tally.add(1);
    }
    tally.add(2);
}

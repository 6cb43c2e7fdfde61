//! D17: odd surroundings get a plain word and a documented exit code.

use std::os::unix::fs::PermissionsExt;

use crate::process::offrecord;
use crate::tier::Tally;

/// A variable and its value; none = taken out.
type Change<'a> = (&'a str, Option<&'a str>);

#[test]
fn odd_surroundings_are_met_with_a_plain_word() {
    let tally = Tally::of("D17", "homes, folders, time zones, terminals, masks, limits");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a file");
    std::fs::write(&file, "x").expect("written");
    let none = "no sessions yet";
    let within = |name: &str| folder.path().join(name).display().to_string();
    let (xdg, odd, long, longer) =
        (within("xdg"), within("ein Ordner ä 数据 %20 #?"), within(&"x".repeat(200)), within(&"x".repeat(300)));
    let file = file.display().to_string();
    // What is changed in the environment (none = taken out), the exit code, and words that are said.
    let cases: [(&[Change<'_>], i32, &str); 13] = [
        (&[("HOME", None), ("OFFRECORD_DATA_DIR", None), ("XDG_DATA_HOME", Some(&xdg))], 0, none),
        (&[("HOME", Some("/dev/null")), ("OFFRECORD_DATA_DIR", None)], 1, "--data-dir"),
        (&[("OFFRECORD_DATA_DIR", Some(&file))], 1, "--data-dir"),
        (&[("OFFRECORD_DATA_DIR", Some("/proc/nothing"))], 1, "--data-dir"),
        (&[("OFFRECORD_DATA_DIR", Some(&odd))], 0, none),
        (&[("OFFRECORD_DATA_DIR", Some(&long))], 0, none),
        (&[("OFFRECORD_DATA_DIR", Some(&longer))], 1, "--data-dir"),
        (&[("TZ", Some("Mars/Olympus"))], 0, none),
        (&[("TZ", Some("Asia/Kathmandu"))], 0, none),
        (&[("TERM", Some("dumb"))], 0, none),
        (&[("COLUMNS", Some("1"))], 0, none),
        (&[("LANG", Some("xx_XX.nonsense"))], 0, none),
        (&[("OFFRECORD_LOG", Some("[nonsense"))], 0, none),
    ];
    for (changes, code, words) in cases {
        let mut command = offrecord(folder.path(), &[]);
        for (name, value) in changes {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let output = command.args(["session", "list"]).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{changes:?}: {said}");
        assert!(said.contains(words) && !said.contains("panicked"), "{changes:?}: {said}");
        tally.add(1);
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

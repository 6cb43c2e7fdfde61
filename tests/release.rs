//! What is handed out: packages lie down where they say, run, and go without a trace; man pages, completions, the menu
//! entry and the unit are sound. The program in them is this build. Needs `mandoc` and `desktop-file-validate`
//! (`./check` installs them).
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_offrecord");

fn ok(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error} (`./check` installs it)"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {text}{}", said(&output));
    text
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn script(name: &str) -> Command {
    let mut command = Command::new("bash");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name));
    command
}

/// All files and links below a folder, as paths inside it.
fn files(folder: &Path) -> Vec<String> {
    let (mut open, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder").flatten() {
            match entry.file_type().expect("a type").is_dir() {
                true => open.push(entry.path()),
                false => found.push(entry.path().strip_prefix(folder).expect("inside").display().to_string()),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn man_pages_are_sound_and_there_is_one_for_each_command() {
    let dir = tempfile::tempdir().expect("a folder");
    ok(Command::new(PROGRAM).args(["generate", "man", "--output"]).arg(dir.path()));
    let pages = files(dir.path());
    for page in [
        "offrecord.1",
        "offrecord-serve.1",
        "offrecord-models-pull.1",
        "offrecord-bench-grading.1",
        "offrecord-bundle.1",
    ] {
        assert!(pages.iter().any(|name| name == page), "{page} is not among {pages:?}");
    }
    assert!(!pages.iter().any(|page| page.contains("generate")), "hidden verbs are not for people: {pages:?}");
    for page in &pages {
        // Style is for authors of pages; a warning or an error is a page that reads wrongly somewhere.
        let mut lint = Command::new("mandoc");
        lint.args(["-T", "lint", "-W", "warning"]).arg(dir.path().join(page));
        let output = lint.output().expect("mandoc runs (`./check` installs it)");
        let faults = String::from_utf8_lossy(&output.stdout).into_owned() + &said(&output);
        assert!(faults.is_empty(), "{page}: {faults}");
    }
    let shown = ok(Command::new("mandoc").args(["-T", "utf8"]).arg(dir.path().join("offrecord.1")));
    assert!(shown.contains("offrecord") && shown.contains("serve"), "{shown}");
    // Without a folder: the first page.
    assert!(ok(Command::new(PROGRAM).args(["generate", "man"])).contains(".TH offrecord 1 2026-"));
    let refused =
        Command::new(PROGRAM).args(["generate", "man", "--output", "/no/such/folder"]).output().expect("it ran");
    assert!(!refused.status.success() && said(&refused).contains("/no/such/folder"));
}

#[test]
fn completions_name_the_commands_and_their_shell_reads_them() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = ok(Command::new(PROGRAM).args(["generate", "completions", shell]));
        assert!(text.contains("interviewer") && text.contains("models-dir"), "{shell}");
        assert!(!text.contains("generate"), "{shell} offers a hidden verb");
    }
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("offrecord.bash");
    std::fs::write(&file, ok(Command::new(PROGRAM).args(["generate", "completions", "bash"]))).expect("written");
    let ask = "source \"$0\"; COMP_WORDS=(offrecord mod); COMP_CWORD=1; _offrecord offrecord mod offrecord; echo \"${COMPREPLY[@]}\"";
    let offered = ok(Command::new("bash").args(["-c", ask]).arg(&file));
    assert_eq!(offered.trim(), "models");
}

#[test]
fn the_menu_entry_and_the_unit_are_sound() {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    assert_eq!(ok(Command::new("desktop-file-validate").arg(packaging.join("offrecord.desktop"))), "");
    let unit = std::fs::read_to_string(packaging.join("offrecord.service")).expect("read");
    // The flags in it are flags of this program.
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("a command");
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    ok(Command::new(PROGRAM).args(words).arg("--help"));
    let dir = tempfile::tempdir().expect("a folder");
    let copy = dir.path().join("offrecord.service");
    std::fs::write(&copy, unit.replace("/usr/bin/offrecord", PROGRAM)).expect("written");
    // Not every machine that builds has systemd; where it is, it reads the unit.
    if let Ok(output) = Command::new("systemd-analyze").args(["--user", "--man=no", "verify"]).arg(&copy).output() {
        let ours: Vec<String> =
            said(&output).lines().filter(|line| line.contains("offrecord.service")).map(str::to_owned).collect();
        assert!(ours.is_empty(), "{ours:?}");
    }
}

/// Makes a package twice and returns it; both have the same bytes.
fn package(kind: &str, folder: &Path) -> PathBuf {
    let make = |name: &str| {
        let output = folder.join(name);
        std::fs::create_dir(&output).expect("a folder");
        let mut command = script(kind);
        command.arg(PROGRAM).arg(&output).env("PACK_FAST", "1").env("TZ", name);
        PathBuf::from(ok(&mut command).trim().to_owned())
    };
    let (first, second) = (make("UTC"), make("Asia-Tokyo"));
    assert!(
        std::fs::read(&first).expect("read") == std::fs::read(&second).expect("read"),
        "{kind} is not reproducible"
    );
    first
}

const EVERYWHERE: [&str; 11] = [
    "bin/offrecord",
    "lib/systemd/user/offrecord.service",
    "share/applications/offrecord.desktop",
    "share/bash-completion/completions/offrecord",
    "share/doc/offrecord/changelog.gz",
    "share/doc/offrecord/copyright",
    "share/doc/offrecord/third-party-notices.gz",
    "share/fish/vendor_completions.d/offrecord.fish",
    "share/icons/hicolor/scalable/apps/offrecord.svg",
    "share/man/man1/offrecord.1.gz",
    "share/zsh/site-functions/_offrecord",
];

#[test]
fn the_debian_package_is_installed_runs_and_goes_without_a_trace() {
    let dir = tempfile::tempdir().expect("a folder");
    let package = package("deb.sh", dir.path());
    let control = ok(Command::new("dpkg-deb").arg("--field").arg(&package));
    let version = format!("Version: {}", env!("CARGO_PKG_VERSION"));
    assert!(control.contains(&version) && control.contains("Depends: libc6 (>= 2."), "{control}");

    let root = dir.path().join("root");
    for folder in ["info", "updates"] {
        std::fs::create_dir_all(root.join("var/lib/dpkg").join(folder)).expect("a folder");
    }
    std::fs::write(root.join("var/lib/dpkg/status"), "").expect("written");
    // As root of a user namespace, so that anyone can run this; there is no C library in the throwaway root to depend on.
    let dpkg = |arguments: &[&str], package: &Path| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--", "dpkg"]).arg(format!("--root={}", root.display()));
        command.args(["--force-depends", "--force-script-chrootless", "--log=/dev/null"]).args(arguments).arg(package);
        ok(&mut command)
    };
    let before = files(&root);
    dpkg(&["--install"], &package);
    let listed = files(&root.join("usr"));
    for file in EVERYWHERE {
        assert!(listed.iter().any(|name| name == file), "{file} is not installed: {listed:#?}");
    }
    let installed = ok(Command::new(root.join("usr/bin/offrecord")).arg("--version"));
    assert_eq!(installed.trim(), format!("offrecord {}", env!("CARGO_PKG_VERSION")));
    dpkg(&["--purge"], Path::new("offrecord"));
    let left: Vec<String> =
        files(&root).into_iter().filter(|file| !before.contains(file) && !file.starts_with("var/lib/dpkg")).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn the_tarball_runs_from_where_it_is_unpacked() {
    let dir = tempfile::tempdir().expect("a folder");
    let package = package("tarball.sh", dir.path());
    ok(Command::new("tar").arg("-xzf").arg(&package).arg("-C").arg(dir.path()));
    let name = package.file_name().expect("a name").to_string_lossy().replace(".tar.gz", "");
    let folder = dir.path().join(name);
    let listed = files(&folder);
    for file in EVERYWHERE.iter().chain(&["README.txt"]) {
        assert!(listed.iter().any(|name| name == file), "{file} is not there: {listed:#?}");
    }
    assert!(ok(Command::new(folder.join("bin/offrecord")).arg("--version")).starts_with("offrecord "));
    let unit = std::fs::read_to_string(folder.join("lib/systemd/user/offrecord.service")).expect("read");
    assert!(unit.contains("ExecStart=%h/.local/bin/offrecord serve"), "{unit}");
}

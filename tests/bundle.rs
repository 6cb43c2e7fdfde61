//! The air-gapped kit: whole or not at all, and it runs on a machine that has nothing but the kit and a C library.
#![cfg(target_os = "linux")]

#[path = "server/client.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod client;
#[path = "server/interview.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod interview;
#[path = "kit/mod.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod kit;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use client::Client;
use sha2::{Digest, Sha256};

const BYTES: &[u8] = b"the bytes of a model";
const KIT: &str = "OFFRECORD_TEST_KIT";
const ROOT: &str = "OFFRECORD_TEST_ROOT";

/// A folder with a models folder, a catalogue that knows its one model, and nothing else.
struct Scene {
    dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(dir.path().join("models")).expect("a folder");
        std::fs::write(dir.path().join("models/toy.gguf"), BYTES).expect("written");
        let sha256: String = Sha256::digest(BYTES).iter().map(|byte| format!("{byte:02x}")).collect();
        let entry = |id: &str, licence: &str| {
            format!(
                "[[model]]\nid = \"{id}\"\nname = \"Toy\"\narchitecture = \"llama\"\nparameters = 1\nquantisation = \"Q4_1\"\n\
                 size = {}\nsha256 = \"{sha256}\"\nlicence = \"{licence}\"\ncontext = 8192\nlayers = 1\nkv_heads = 1\n\
                 head_dim = 64\ntested = true\n\n",
                BYTES.len()
            )
        };
        std::fs::write(dir.path().join("models/odd.gguf"), BYTES).expect("written");
        let catalogue = entry("toy", "Apache-2.0") + &entry("odd", "Odd Terms");
        std::fs::write(dir.path().join("catalogue.toml"), catalogue).expect("written");
        Self { dir }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offrecord"));
        command.args(arguments).env_clear().env("HOME", self.dir.path()).current_dir(self.dir.path());
        command
            .env("OFFRECORD_MODELS_DIR", self.path("models"))
            .env("OFFRECORD_CATALOGUE", self.path("catalogue.toml"));
        command.env("OFFRECORD_OFFLINE", "1").stdin(Stdio::null());
        command
    }

    fn bundle(&self, arguments: &[&str]) -> Output {
        self.command(&[&["bundle"], arguments].concat()).output().expect("it ran")
    }

    /// Names in the folder, those that a kit that is being built would have included.
    fn names(&self) -> Vec<String> {
        let listing = std::fs::read_dir(self.dir.path()).expect("a folder").flatten();
        let mut names: Vec<String> = listing.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn ok(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// All files below a folder, with their rights and bytes.
fn files(folder: &Path) -> Vec<(String, u32, Vec<u8>)> {
    use std::os::unix::fs::PermissionsExt;
    let (mut open, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("inside").display().to_string();
            let mode = entry.metadata().expect("there").permissions().mode() & 0o777;
            found.push((name, mode, std::fs::read(&path).expect("read")));
        }
    }
    found.sort();
    found
}

#[test]
fn a_kit_is_whole_and_a_folder_and_an_archive_hold_the_same() {
    let scene = Scene::new();
    let result: serde_json::Value =
        serde_json::from_str(&ok(&scene.bundle(&["--model", "toy", "--output", "kit", "--json"]))).expect("JSON");
    ok(&scene.bundle(&["--model", "toy", "--output", "kit2.tar"]));
    assert_eq!(scene.names(), ["catalogue.toml", "kit", "kit2.tar", "models"], "nothing else is left");

    let files = files(&scene.path("kit"));
    let names: Vec<&str> = files.iter().map(|(name, ..)| name.as_str()).collect();
    let expected = [
        "README.txt",
        "SHA256SUMS",
        "catalogue.toml",
        "licences/model.txt",
        "licences/offrecord.txt",
        "licences/third-party.txt",
        "models/toy.gguf",
        "models/toy.json",
        "offrecord",
        "start",
    ];
    assert_eq!(names, expected);
    assert_eq!(result["files"].as_array().map(Vec::len), Some(expected.len()));
    for (name, mode, bytes) in &files {
        let runs = ["offrecord", "start"].contains(&name.as_str());
        assert_eq!(*mode, if runs { 0o755 } else { 0o644 }, "{name}");
        if name == "licences/model.txt" {
            let text = String::from_utf8_lossy(bytes);
            assert!(text.contains("Licence: Apache-2.0") && text.contains("TERMS AND CONDITIONS"), "{text:.300}");
        }
    }
    let check =
        Command::new("sha256sum").args(["-c", "--strict", "SHA256SUMS"]).current_dir(scene.path("kit")).output();
    assert_eq!(ok(&check.expect("sha256sum runs")).matches(": OK").count(), expected.len() - 1);

    std::fs::create_dir(scene.path("out")).expect("a folder");
    let tar =
        Command::new("tar").args(["-xpf", "../kit2.tar", "--no-same-owner"]).current_dir(scene.path("out")).output();
    ok(&tar.expect("tar runs"));
    assert!(self::files(&scene.path("out/kit2")) == files, "the archive holds what the folder holds");
    let modified = |path: &str| std::fs::metadata(scene.path(path)).expect("there").modified().expect("a time");
    assert_eq!(modified("kit/models/toy.gguf"), modified("out/kit2/models/toy.gguf"));

    // The record in the kit holds for its model: a start need not read it whole again.
    let show = Command::new(env!("CARGO_BIN_EXE_offrecord"))
        .args(["models", "list", "--json"])
        .env_clear()
        .env("HOME", scene.dir.path())
        .env("OFFRECORD_MODELS_DIR", scene.path("kit/models"))
        .env("OFFRECORD_CATALOGUE", scene.path("kit/catalogue.toml"))
        .output();
    let list: serde_json::Value = serde_json::from_str(&ok(&show.expect("it ran"))).expect("JSON");
    assert_eq!(list[0]["installed"], true, "{list}");
}

#[test]
fn what_cannot_be_done_is_named_and_leaves_nothing() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("taken")).expect("a folder");
    std::fs::write(scene.path("taken/letter"), "dear").expect("written");
    std::fs::write(scene.path("mine.gguf"), "not a model").expect("written");
    std::fs::write(scene.path("models/mine.gguf"), "not a model").expect("written");
    let before = scene.names();
    let cases: [(&[&str], i32, &str); 9] = [
        (&["--output", "kit"], 2, "--model ID. Installed: mine, odd, toy"),
        (&["--model", "toy"], 2, "--output"),
        (&["--model", "toy", "--output", "kit.tar.gz"], 2, "end the name with .tar"),
        (&["--model", "toy", "--output", "taken"], 1, "is there already"),
        (&["--model", "toy", "--output", "no/such/kit"], 3, "make it first"),
        (&["--model", "none", "--output", "kit"], 3, "no model called"),
        (&["--model", "odd", "--output", "kit"], 2, "add --licence FILE"),
        (&["--model", "mine", "--output", "kit"], 4, "not a model"),
        (&["--model", "odd", "--output", "kit", "--licence", "nothing.txt"], 3, "nothing.txt"),
    ];
    for (arguments, code, words) in cases {
        let output = scene.bundle(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(words), "{arguments:?}: {}", said(&output));
        assert_eq!(scene.names(), before, "{arguments:?}");
    }

    // A model whose bytes are not those that the catalogue names.
    std::fs::write(scene.path("models/toy.gguf"), b"the bytes of a nodel").expect("written");
    for output in ["kit", "kit.tar"] {
        let output = scene.bundle(&["--model", "toy", "--output", output]);
        assert_eq!(output.status.code(), Some(4), "{}", said(&output));
        assert!(said(&output).contains("is corrupt") && said(&output).contains("No kit was made"), "{}", said(&output));
        assert_eq!(scene.names(), before);
    }

    std::fs::write(scene.path("terms.txt"), "You may.").expect("written");
    ok(&scene.bundle(&["--model", "odd", "--output", "kit", "--licence", "terms.txt"]));
    assert!(std::fs::read_to_string(scene.path("kit/licences/model.txt")).expect("read").ends_with("You may."));
}

#[test]
fn a_full_disk_and_a_read_only_folder_leave_nothing() {
    if !kit::is_inside() {
        return kit::again_inside("a_full_disk_and_a_read_only_folder_leave_nothing", &[]);
    }
    let scene = Scene::new();
    let small = scene.path("small");
    std::fs::create_dir(&small).expect("a folder");
    let mount = |arguments: &[&str]| {
        let status = Command::new("mount").args(arguments).arg(&small).status().expect("mount runs");
        assert!(status.success());
    };
    mount(&["-t", "tmpfs", "-o", "size=1m", "none"]);
    let early = scene.bundle(&["--model", "toy", "--output", "small/kit"]);
    assert_eq!(early.status.code(), Some(5), "{}", said(&early));
    assert!(said(&early).contains("make room there"), "{}", said(&early));
    assert_eq!(std::fs::read_dir(&small).expect("a folder").count(), 0);

    // Room by the look of it, and then a limit on files that says no in the midst of writing.
    for output in ["kit", "kit.tar"] {
        let limited = Command::new("sh")
            .args(["-c", "ulimit -f 2000; trap '' XFSZ; exec \"$0\" bundle --model toy --output \"$1\""])
            .arg(env!("CARGO_BIN_EXE_offrecord"))
            .arg(output)
            .current_dir(scene.dir.path())
            .env("OFFRECORD_MODELS_DIR", scene.path("models"))
            .env("OFFRECORD_CATALOGUE", scene.path("catalogue.toml"))
            .output()
            .expect("sh runs");
        assert_eq!(limited.status.code(), Some(5), "{}", said(&limited));
        assert_eq!(scene.names(), ["catalogue.toml", "models", "small"], "{}", said(&limited));
    }

    mount(&["-o", "remount,ro,size=400m"]);
    let refused = scene.bundle(&["--model", "toy", "--output", "small/kit"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("cannot be written"), "{}", said(&refused));
}

#[test]
fn a_stopped_bundle_leaves_nothing() {
    let scene = Scene::new();
    // A pipe in place of the licence keeps it waiting until the signal has come; then the work finds the stop.
    let fifo = scene.path("terms");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    let child = scene
        .command(&["bundle", "--model", "odd", "--output", "kit", "--licence", "terms"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // Opening the other end waits until the program reads, so it is past its signal handlers.
    let mut pipe = std::fs::OpenOptions::new().write(true).open(&fifo).expect("opened");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs").success());
    // The signal is handled in another thread; the licence comes after the stop was noticed by the kernel.
    std::thread::sleep(std::time::Duration::from_millis(300));
    std::io::Write::write_all(&mut pipe, b"You may.").expect("written");
    drop(pipe);
    let output = child.wait_with_output().expect("ended");
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert_eq!(scene.names(), ["catalogue.toml", "models", "terms"], "{}", said(&output));
}

#[test]
fn the_start_script_checks_first_and_says_where_sessions_go() {
    let scene = Scene::new();
    ok(&scene.bundle(&["--model", "toy", "--output", "kit"]));
    let start = |arguments: &[&str], home: &str| {
        let mut command = Command::new("sh");
        command.arg(scene.path("kit/start")).args(arguments).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("HOME", scene.path(home)).env("TMPDIR", scene.path("tmp")).current_dir("/");
        command.output().expect("sh runs")
    };
    for folder in ["home", "tmp"] {
        std::fs::create_dir(scene.path(folder)).expect("a folder");
    }
    let listed = start(&["models", "list", "--json"], "home");
    assert!(ok(&listed).contains("\"toy\""));
    let data = scene.path("home/.local/share/offrecord");
    assert!(said(&listed).contains(&format!("Sessions are kept in {}.", data.display())), "{}", said(&listed));

    let temporary = start(&["--temporary", "models", "list"], "home");
    ok(&temporary);
    assert!(said(&temporary).contains("removed at the end"), "{}", said(&temporary));
    assert_eq!(std::fs::read_dir(scene.path("tmp")).expect("a folder").count(), 0);

    // An exit code of the program comes through, with and without something to remove.
    assert_eq!(start(&["--temporary", "models", "show", "nonsense"], "home").status.code(), Some(3));
    assert_eq!(start(&["models", "show", "nonsense"], "home").status.code(), Some(3));

    // A home that is no folder: a temporary one, which stays.
    let homeless = start(&["models", "list"], "catalogue.toml");
    ok(&homeless);
    assert!(said(&homeless).contains("copy it to keep them"), "{}", said(&homeless));
    assert_eq!(std::fs::read_dir(scene.path("tmp")).expect("a folder").count(), 1);

    // A medium that runs no programs: from a copy, which goes again.
    use std::os::unix::fs::PermissionsExt;
    let rights = |mode| std::fs::set_permissions(scene.path("kit/offrecord"), std::fs::Permissions::from_mode(mode));
    rights(0o644).expect("changed");
    assert!(ok(&start(&["models", "list", "--json"], "home")).contains("\"toy\""));
    assert_eq!(std::fs::read_dir(scene.path("tmp")).expect("a folder").count(), 1);
    rights(0o755).expect("changed");

    // Damage in any file is found before the program runs.
    for file in ["models/toy.gguf", "catalogue.toml", "offrecord", "start", "licences/model.txt"] {
        let path = scene.path("kit").join(file);
        let whole = std::fs::read(&path).expect("read");
        let mut broken = whole.clone();
        broken.push(b'\n');
        std::fs::write(&path, broken).expect("written");
        let refused = start(&["models", "list"], "home");
        assert_eq!(refused.status.code(), Some(4), "{file}: {}", said(&refused));
        assert!(said(&refused).contains(&format!("{file}: FAILED")), "{file}: {}", said(&refused));
        assert_eq!(refused.stdout, b"", "{file}: nothing ran");
        std::fs::write(&path, whole).expect("written");
    }
    std::fs::remove_file(scene.path("kit/models/toy.gguf")).expect("removed");
    assert_eq!(start(&["models", "list"], "home").status.code(), Some(4));
    ok(&start(&["--no-check", "models", "list"], "home"));
}

#[test]
fn a_kit_on_a_read_only_medium_holds_an_interview_on_a_bare_machine() {
    const TEST: &str = "a_kit_on_a_read_only_medium_holds_an_interview_on_a_bare_machine";
    if kit::is_inside() {
        let path = |name: &str| PathBuf::from(std::env::var_os(name).expect("set outside"));
        return on_the_bare_machine(&path(ROOT), &path(KIT));
    }
    let scene = Scene::new();
    ok(&scene.bundle(&["--model", "toy", "--output", "kit"]));
    let root = scene.path("root");
    std::fs::create_dir(&root).expect("a folder");
    kit::again_inside(TEST, &[(ROOT, &root), (KIT, &scene.path("kit"))]);
}

/// The program alone, then the start script with the few tools that it needs.
fn on_the_bare_machine(root: &Path, kit: &Path) {
    let tools = ["sh", "dirname", "sha256sum", "mktemp", "mkdir", "rm", "cp", "chmod"];
    let machine = kit::Machine::with(root, kit, &tools);
    let alone = || {
        let mut command = machine.command("/kit/offrecord");
        command.args(["serve", "--data-dir", "/tmp/data", "--models-dir", "/kit/models", "--offline"]);
        command
    };
    let started = || {
        let mut command = machine.command("/kit/start");
        command.arg("serve");
        command
    };
    for mut command in [alone(), started()] {
        command.args(["--port", "0", "--json"]).env("OFFRECORD_ENGINE", "scripted");
        let mut serving = command.stdout(Stdio::piped()).spawn().expect("chroot runs");
        let (client, line) = Client::announced(serving.stdout.take().expect("piped"));
        let health = client.send("GET", "/healthz", &[("Host", &client.address.to_string())], b"");
        assert_eq!((health.status, health.text().trim()), (200, "ok"));
        client.wait_for_the_model();
        interview::whole_session(&client, "system-design");
        let pid = line["pid"].to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        assert_eq!(serving.wait().expect("ended").code(), Some(0));
    }
    // Sessions went where they were said to go, and nowhere else can be written.
    assert!(machine.path("/tmp/data/offrecord.db").exists());
    let folders = std::fs::read_dir(machine.path("/tmp")).expect("a folder").count();
    assert_eq!(folders, 2, "the one that was named, and the one that the script made");
}

//! Model files that cannot work, one by one, as a person meets them: each is named with what to do, by `models import`
//! and by a start with it, and nothing is left half-written. A full disk and a folder that cannot be written too.
#![cfg(target_os = "linux")]

#[path = "kit/mod.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the other tests")]
mod kit;
#[path = "trust/tier.rs"]
mod tier;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use offrecord::engine::tiny::Tiny;

/// The program in a world of its own.
fn offrecord(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offrecord"));
    command.args(arguments).env_clear().env("HOME", folder).env("OFFRECORD_OFFLINE", "1");
    command.env("OFFRECORD_DATA_DIR", folder.join("data")).env("OFFRECORD_MODELS_DIR", folder.join("models"));
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The files below a folder, empty marks of what is locked left out.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut open, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => open.push(path),
                path if path.extension().is_some_and(|ending| ending == "lock") => {}
                path => found.push(path),
            }
        }
    }
    found
}

/// Where a tensor's description goes on after its name: the count of its extents.
fn after_name(bytes: &[u8], tensor: &str) -> usize {
    let needle = [&(tensor.len() as u64).to_le_bytes()[..], tensor.as_bytes()].concat();
    bytes.windows(needle.len()).position(|window| window == needle).expect("the tensor") + needle.len()
}

fn replaced(mut bytes: Vec<u8>, at: usize, new: &[u8]) -> Vec<u8> {
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

/// Name, bytes, and words that name the fault and what to do.
fn bad() -> Vec<(&'static str, Vec<u8>, [&'static str; 2])> {
    let whole = Tiny::default().bytes();
    let find = |text: &[u8]| whole.windows(text.len()).position(|window| window == text).expect("there");
    let query = after_name(&whole, "blk.0.attn_q.weight");
    let embedding = after_name(&whole, "token_embd.weight");
    let rows = u64::from_le_bytes(whole[embedding + 12..embedding + 20].try_into().expect("eight bytes"));
    vec![
        (
            "another-family",
            replaced(whole.clone(), find(b"qwen2"), b"mamba"),
            ["\"mamba\"", "take a model of one of these"],
        ),
        ("no-query", replaced(whole.clone(), query - 8, b"_x"), ["blk.0.attn_q.weight", "bring it here again"]),
        // IQ4_NL, as ggml numbers it; the type comes after two extents of eight bytes.
        ("odd-type", replaced(whole.clone(), query + 20, &20_u32.to_le_bytes()), ["IQ4_NL", "Q4_K_M or Q8_0"]),
        ("no-type", replaced(whole.clone(), query + 20, &99_u32.to_le_bytes()), ["tensor type", "bring it here again"]),
        (
            "few-rows",
            replaced(whole.clone(), embedding + 12, &(rows - 8).to_le_bytes()),
            ["rows of embeddings", "bring it here again"],
        ),
        ("cut-short", whole[..whole.len() / 2].to_vec(), ["is the file cut short?", "bring it here again"]),
        ("a-part", Tiny::default().parts(3).remove(0), ["parts of a model", "join them first"]),
    ]
}

#[test]
fn what_is_wrong_with_a_model_is_named_when_it_is_brought() {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, bytes, words) in bad() {
        let file = match name {
            // As the parts of a model are called; the others are not there.
            "a-part" => dir.path().join("tiny-00001-of-00003.gguf"),
            name => dir.path().join(format!("{name}.gguf")),
        };
        std::fs::write(&file, bytes).expect("written");
        let output = offrecord(dir.path(), &["models", "import"]).arg(&file).output().expect("it ran");
        assert_eq!(output.status.code(), Some(4), "{name}: {}", said(&output));
        let told = said(&output);
        if name == "a-part" {
            assert!(
                told.contains("part 2 of 3 of this model is missing") && told.contains("into one folder"),
                "{told}"
            );
        } else {
            assert!(words.iter().all(|word| told.contains(word)), "{name}: {told}");
        }
        assert!(files(&dir.path().join("models")).is_empty(), "{name} left {:?}", files(dir.path()));
        std::fs::remove_file(&file).expect("removed");
    }
    // All parts there: still not one model file, and said so.
    for (part, bytes) in Tiny::default().parts(3).into_iter().enumerate() {
        std::fs::write(dir.path().join(format!("tiny-{:05}-of-00003.gguf", part + 1)), bytes).expect("written");
    }
    let first = dir.path().join("tiny-00001-of-00003.gguf");
    let output = offrecord(dir.path(), &["models", "import"]).arg(first).output().expect("it ran");
    assert!(said(&output).contains("join them first"), "{}", said(&output));
    assert!(files(&dir.path().join("models")).is_empty());
    // The honest one is taken.
    let good = dir.path().join("good.gguf");
    Tiny::default().write(&good).expect("written");
    let output = offrecord(dir.path(), &["models", "import"]).arg(&good).output().expect("it ran");
    assert!(output.status.success(), "{}", said(&output));
    // And nobody else can look into the folder that was made for it.
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(dir.path().join("models")).expect("there"));
    assert_eq!(mode & 0o777, 0o700);
    tier::tried("T10", "models that cannot work, brought and started: named, nothing left", 2 * bad().len());
}

#[test]
fn what_is_wrong_with_a_model_is_named_when_it_is_started() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(dir.path().join("models")).expect("a folder");
    let transcript = dir.path().join("t.json");
    let words =
        "I would append every scan to a log, keep a table of positions, and page on the age of the newest scan.";
    let turns = serde_json::json!([
        {"seq": 0, "role": "interviewer", "text": "How would you build it?"},
        {"seq": 1, "role": "candidate", "text": words},
    ]);
    let text =
        serde_json::json!({"version": 1, "round": "system-design", "level": "senior", "minutes": 15, "turns": turns});
    std::fs::write(&transcript, text.to_string()).expect("written");
    for (name, bytes, words) in bad().into_iter().filter(|(name, ..)| *name != "a-part") {
        let file = dir.path().join("models").join(format!("{name}.gguf"));
        std::fs::write(&file, &bytes).expect("written");
        let verified = offrecord(dir.path(), &["models", "verify", name]).output().expect("it ran");
        assert!(!said(&verified).contains("panicked"), "{name}: {}", said(&verified));
        let started = offrecord(dir.path(), &["grade", "--model", name]).arg(&transcript).output().expect("it ran");
        assert_eq!(started.status.code(), Some(4), "{name}: {}", said(&started));
        assert!(words.iter().all(|word| said(&started).contains(word)), "{name}: {}", said(&started));
        assert_eq!(std::fs::read(&file).expect("still there"), bytes, "{name} is the user's: it stays as it is");
        std::fs::remove_file(&file).expect("removed");
        let _ = std::fs::remove_file(file.with_extension("json"));
    }
}

#[test]
fn a_full_disk_and_a_folder_that_cannot_be_written_leave_nothing() {
    if !kit::is_inside() {
        return kit::again_inside("a_full_disk_and_a_folder_that_cannot_be_written_leave_nothing", &[]);
    }
    let dir = tempfile::tempdir().expect("a folder");
    let models = dir.path().join("models");
    std::fs::create_dir(&models).expect("a folder");
    let good = dir.path().join("good.gguf");
    Tiny::default().write(&good).expect("written");
    let size = std::fs::metadata(&good).expect("there").len();
    let mount = |arguments: &[&str]| {
        assert!(Command::new("mount").args(arguments).arg(&models).status().expect("mount runs").success());
    };
    let import = || offrecord(dir.path(), &["models", "import", "--copy"]).arg(&good).output().expect("it ran");

    // No room from the start.
    mount(&["-t", "tmpfs", "-o", &format!("size={}k", size / 2048), "none"]);
    let full = import();
    assert_eq!(full.status.code(), Some(5), "{}", said(&full));
    assert!(said(&full).contains("make room"), "{}", said(&full));
    assert!(files(&models).is_empty(), "{:?}", files(&models));

    // Room by the look of it, and then a limit on files that says no in the midst of writing.
    mount(&["-o", "remount,size=400m"]);
    let limited = Command::new("sh")
        .args(["-c", "ulimit -f 200; trap '' XFSZ; exec \"$0\" models import --copy \"$1\""])
        .arg(env!("CARGO_BIN_EXE_offrecord"))
        .arg(&good)
        .env("HOME", dir.path())
        .env("OFFRECORD_OFFLINE", "1")
        .env("OFFRECORD_MODELS_DIR", &models)
        .output()
        .expect("sh runs");
    assert!(matches!(limited.status.code(), Some(1 | 5)), "{}", said(&limited));
    assert!(!said(&limited).contains("panicked") && !said(&limited).is_empty());
    assert!(files(&models).is_empty(), "left half-written: {:?}", files(&models));

    // The folder cannot be written: named, with the folder; what is there is used all the same.
    assert!(import().status.success());
    mount(&["-o", "remount,ro"]);
    std::fs::rename(&good, dir.path().join("other.gguf")).expect("renamed");
    let other = dir.path().join("other.gguf");
    let refused = offrecord(dir.path(), &["models", "import", "--copy"]).arg(&other).output().expect("it ran");
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains(&models.display().to_string()), "{}", said(&refused));
    let gone = offrecord(dir.path(), &["models", "rm", "good"]).output().expect("it ran");
    assert_eq!(gone.status.code(), Some(1), "{}", said(&gone));
    assert!(models.join("good.gguf").exists());
    let speed = ["bench", "speed", "--model", "good", "-p", "8", "-n", "1", "-d", "0", "-r", "1"];
    let used = offrecord(dir.path(), &speed).output().expect("it ran");
    assert!(used.status.success(), "{}", said(&used));
    tier::tried("D3", "models brought to a full disk, a limited one, a read-only folder", 4);
}

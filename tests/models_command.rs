//! `offrecord models` as a person or a script sees it: words, JSON, exit codes.

use std::path::Path;

use assert_cmd::Command;

/// The command in a world of its own: no network, no home, one models folder.
fn models(dir: &Path, args: &[&str]) -> std::process::Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("offrecord"));
    for name in ["HF_HOME", "HF_ENDPOINT", "HF_TOKEN", "OFFRECORD_MODEL", "OFFRECORD_CATALOGUE", "OFFRECORD_JSON"] {
        command.env_remove(name);
    }
    command.env("HOME", dir).env("OFFRECORD_OFFLINE", "1").env("OFFRECORD_MODELS_DIR", dir.join("models"));
    command.arg("models").args(args).output().expect("it ran")
}

fn json(output: &std::process::Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON on standard output")
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn show_tells_scripts_what_is_promised() {
    let dir = tempfile::tempdir().expect("a folder");
    let facts = json(&models(dir.path(), &["show", "smollm2-135m-instruct-q4_1", "--json"]));
    for key in ["id", "path", "sha256", "size", "architecture", "quantisation", "context", "installed"] {
        assert!(facts.get(key).is_some(), "{key} is missing from {facts}");
    }
    assert_eq!(facts["installed"], false);
    assert_eq!(facts["path"], serde_json::Value::Null);
}

#[test]
fn list_has_every_model_of_the_catalogue_and_the_users_own() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(dir.path().join("models")).expect("made");
    std::fs::write(dir.path().join("models/mine.gguf"), "no model").expect("written");
    std::fs::write(dir.path().join("models/Mine.gguf"), "no id").expect("written");
    let list = json(&models(dir.path(), &["list", "--json"]));
    let ids: Vec<&str> = list.as_array().expect("a list").iter().filter_map(|line| line["id"].as_str()).collect();
    assert_eq!(ids.first(), Some(&"qwen2.5-coder-1.5b-instruct-q4_k_m"));
    assert_eq!(ids.last(), Some(&"mine"));
    assert!(said(&models(dir.path(), &["list"])).contains("Mine.gguf is passed over"));
}

#[test]
fn exit_codes_and_messages_say_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let id = "smollm2-135m-instruct-q4_1";
    let cases: [(&[&str], i32, &str); 6] = [
        (&["pull", id, "--force"], 3, "the network is switched off"),
        (&["pull", "no-such-model"], 3, "offrecord models list"),
        (&["verify", id], 3, "offrecord models pull smollm2-135m-instruct-q4_1"),
        (&["rm", "../../etc/passwd"], 3, "no model called"),
        (&["show", "nonsense"], 3, "no model called"),
        (&["import", "/no/such/file.gguf"], 4, "/no/such/file.gguf"),
    ];
    for (args, code, words) in cases {
        let output = models(dir.path(), args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(words), "{args:?}: {}", said(&output));
    }
    assert!(!dir.path().join("models").join(format!("{id}.gguf")).exists());
}

#[test]
fn a_corrupt_model_is_named_and_moved_aside() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(dir.path().join("models")).expect("made");
    let file = dir.path().join("models/smollm2-135m-instruct-q4_1.gguf");
    std::fs::write(&file, "truncated").expect("written");
    let output = models(dir.path(), &["verify", "smollm2-135m-instruct-q4_1"]);
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    assert!(said(&output).contains("It was moved to"), "{}", said(&output));
    assert!(!file.exists() && file.with_extension("gguf.corrupt").exists());
}

#[test]
fn a_model_can_be_imported_shown_verified_and_removed() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("Tiny Model.gguf");
    offrecord::engine::tiny::Tiny::default().write(&file).expect("a tiny model");
    let imported = models(dir.path(), &["import", &file.display().to_string()]);
    assert!(imported.status.success(), "{}", said(&imported));
    let facts = json(&models(dir.path(), &["show", "tiny-model", "--json"]));
    assert_eq!(facts["installed"], true);
    assert_eq!(facts["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(json(&models(dir.path(), &["verify", "tiny-model", "--json"]))["valid"], true);
    assert_eq!(json(&models(dir.path(), &["rm", "tiny-model", "--json"]))["removed"], "tiny-model");
    assert_eq!(models(dir.path(), &["show", "tiny-model"]).status.code(), Some(3));
    assert!(file.exists(), "the original stays");
}

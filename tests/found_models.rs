//! Models of other programs, found and taken by the command line, from stores made by hand.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Output};

use offrecord::engine::tiny::Tiny;
use serde_json::{Value, json};

fn program(home: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offrecord"));
    for (name, _) in std::env::vars() {
        if ["OFFRECORD_", "HF_", "OLLAMA_", "XDG_"].iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command.env("HOME", home).args(["--offline"]).args(args).output().unwrap()
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn ollama_s_model_is_found_linked_and_known_by_its_name() {
    let home = tempfile::tempdir().unwrap();
    let model = Tiny::default().bytes();
    let digest = sha256(&model);
    let store = home.path().join(".ollama/models");
    let blob = store.join(format!("blobs/sha256-{digest}"));
    write(&blob, &model);
    let manifest = json!({"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": format!("sha256:{digest}"), "size": model.len()}]});
    write(&store.join("manifests/registry.ollama.ai/library/tiny/1b"), manifest.to_string().as_bytes());
    write(&store.join("manifests/registry.ollama.ai/library/evil/1b"), b"{\"layers\": [{\"mediaType\": \"application/vnd.ollama.image.model\", \"digest\": \"sha256:../../../../etc/passwd\"}]}");

    let found = program(home.path(), &["--json", "models", "list", "--found"]);
    let list: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["name"]), (1, &json!("ollama:tiny:1b")));
    assert!(String::from_utf8_lossy(&found.stderr).contains("names something that is no digest"));

    let taken = program(home.path(), &["models", "import", "ollama:tiny:1b"]);
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    let here = home.path().join(".local/share/offrecord/models/tiny-1b.gguf");
    assert_eq!(std::fs::metadata(&here).unwrap().ino(), std::fs::metadata(&blob).unwrap().ino());
    let talk = String::from_utf8_lossy(&taken.stderr);
    assert!(talk.contains("takes no room of its own") && talk.contains("chat template"), "{talk}");
    let shown: Value =
        serde_json::from_slice(&program(home.path(), &["--json", "models", "show", "tiny-1b"]).stdout).unwrap();
    assert_eq!((&shown["installed"], &shown["sha256"]), (&json!(true), &json!(digest)));
    assert!(shown["memory"]["peak"]["512"].as_u64().unwrap() > 50_000_000);

    let unknown = program(home.path(), &["models", "import", "ollama:other:1b"]);
    assert_eq!(unknown.status.code(), Some(3));
}

#[test]
fn a_folder_is_taken_whole_and_a_copy_is_made_when_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".lmstudio/models/org/Some Repo");
    write(&folder.join("One Model.Q8_0.gguf"), &Tiny::default().bytes());
    write(&folder.join("broken.gguf"), b"<html>");
    let found = program(home.path(), &["models", "list", "--found"]);
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(
        text.contains("lm-studio:org/Some Repo/One Model.Q8_0.gguf") && text.contains("it is not a GGUF file"),
        "{text}"
    );
    let taken = program(home.path(), &["models", "import", folder.to_str().unwrap(), "--copy"]);
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    let here = home.path().join(".local/share/offrecord/models/one-model.q8_0.gguf");
    assert_eq!(std::fs::metadata(&here).unwrap().nlink(), 1);
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(program(home.path(), &["models", "import", empty.path().to_str().unwrap()]).status.code(), Some(3));
    assert_eq!(program(home.path(), &["models", "import", "/no/such/file.gguf"]).status.code(), Some(4));
}

//! What is built in, and under which licences: the notices, the bill of materials and the vendored JavaScript say what is
//! there. `OFFRECORD_UPDATE=1 cargo test --test supply_chain` writes the files anew.

#[path = "supply/mod.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with no other test; its parts are its own")]
mod supply;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use supply::{Crates, bill, notices};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The file must be `text`; with `OFFRECORD_UPDATE` it is made so.
fn is_up_to_date(path: &str, text: &str) {
    let file = root().join(path);
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    if there == text {
        return;
    }
    if std::env::var_os("OFFRECORD_UPDATE").is_some() {
        std::fs::write(&file, text).expect("written");
        return;
    }
    let differs = there.lines().zip(text.lines()).find(|(a, b)| a != b);
    panic!(
        "{path} is stale, from {differs:?} on: a dependency changed. Run OFFRECORD_UPDATE=1 cargo test --test supply_chain"
    );
}

#[test]
fn the_notices_hold_the_licence_of_everything_that_is_built_in() {
    let crates = Crates::shipped();
    assert!(crates.list.len() > 100, "only {} crates were found", crates.list.len());
    let text = notices::of(&crates, root());
    for part in &crates.list {
        assert!(text.contains(&format!("{} {}", part.name, part.version)), "{} is not in the notices", part.name);
    }
    for vendored in ["preact 11", "dompurify 3", "@excalidraw/excalidraw 0.18", "SQLite"] {
        assert!(text.contains(vendored), "{vendored} is not in the notices");
    }
    is_up_to_date("packaging/THIRD-PARTY-NOTICES.txt", &text);
}

#[test]
fn the_bill_of_materials_names_every_part_with_its_digest() {
    let crates = Crates::shipped();
    let bill = bill::of(&crates, root());
    let components = bill["components"].as_array().expect("components");
    for component in components {
        let digest = component["hashes"][0]["content"].as_str();
        let has = digest.is_some_and(|digest| digest.len() == 64) || component["group"] == "board";
        assert!(has, "no digest: {component}");
        assert!(component["licenses"][0]["expression"].is_string(), "no licence: {component}");
    }
    is_up_to_date("packaging/sbom.cdx.json", &format!("{bill:#}\n"));
}

#[test]
fn the_vendored_javascript_is_what_its_manifests_say() {
    let vendor = root().join("web/vendor");
    let digest = |path: PathBuf| -> String {
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let mut named = Vec::new();
    for file in supply::json(&vendor.join("manifest.json")).as_array().expect("a list") {
        let name = file["file"].as_str().expect("a file");
        assert_eq!(digest(vendor.join(name)), file["sha256"].as_str().expect("a digest"), "{name}");
        let licence = vendor.join("licences").join(format!("{}.txt", file["package"].as_str().expect("a package")));
        assert!(licence.exists() || name == "hooks.js", "{name} has no licence text");
        named.push(name.to_owned());
    }
    for (name, sha256) in supply::json(&vendor.join("excalidraw/manifest.json"))["files"].as_object().expect("files") {
        assert_eq!(digest(vendor.join("excalidraw").join(name)), sha256.as_str().expect("a digest"), "{name}");
    }
    // And nothing that runs lies there unnamed.
    for file in std::fs::read_dir(&vendor).expect("a folder").flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if name.ends_with(".js") {
            assert!(named.contains(&name), "web/vendor/{name} is not in its manifest");
        }
    }
}

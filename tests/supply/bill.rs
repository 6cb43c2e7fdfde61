//! The bill of materials, CycloneDX 1.5. No time and no random number in it: the same parts give the same bytes.

use std::path::Path;

use serde_json::{Value, json};

use super::{Crates, Part};

fn url(part: &Part) -> String {
    format!("pkg:cargo/{}@{}", part.name, part.version)
}

fn component(kind: &str, part: &Part) -> Value {
    json!({
        "type": kind, "bom-ref": url(part), "name": part.name, "version": part.version, "purl": url(part),
        "licenses": [{"expression": part.licence}],
        "hashes": part.sha256.iter().map(|digest| json!({"alg": "SHA-256", "content": digest})).collect::<Vec<_>>(),
    })
}

pub fn of(crates: &Crates, root: &Path) -> Value {
    let myself = format!("pkg:generic/offrecord@{}", env!("CARGO_PKG_VERSION"));
    let mut components: Vec<Value> = crates.list.iter().map(|part| component("library", part)).collect();
    let vendor = root.join("web/vendor");
    for file in super::json(&vendor.join("manifest.json")).as_array().expect("a list") {
        let (name, version, path) = (&file["package"], &file["version"], &file["file"]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        components.push(json!({
            "type": "library", "bom-ref": format!("web/vendor/{}", text(path)), "name": name, "version": version,
            "purl": format!("pkg:npm/{}@{}", text(name), text(version)),
            "licenses": [{"expression": text(&file["licence"]).trim_matches(['(', ')'])}],
            "hashes": [{"alg": "SHA-256", "content": file["sha256"]}],
        }));
    }
    // The whiteboard is one bundled file; its parts have no digest of their own, the file has.
    for package in super::json(&vendor.join("excalidraw/manifest.json"))["packages"].as_array().expect("packages") {
        let text = |field: &str| package[field].as_str().unwrap_or_default().to_owned();
        components.push(json!({
            "type": "library", "group": "board", "bom-ref": format!("board/{}@{}", text("name"), text("version")),
            "name": text("name"), "version": text("version"),
            "purl": format!("pkg:npm/{}@{}", text("name").replace('@', "%40"), text("version")),
            "licenses": [{"expression": text("licence")}],
        }));
    }
    let by_id = |id: &String| crates.list.iter().find(|part| part.id == *id).map(url);
    let dependencies: Vec<Value> = crates
        .list
        .iter()
        .map(|part| json!({"ref": url(part), "dependsOn": part.needs.iter().filter_map(by_id).collect::<Vec<_>>()}))
        .collect();
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": {
            "type": "application", "bom-ref": myself, "name": "offrecord", "version": env!("CARGO_PKG_VERSION"),
            "licenses": [{"expression": "MIT"}],
        }},
        "components": components,
        "dependencies": dependencies,
    })
}

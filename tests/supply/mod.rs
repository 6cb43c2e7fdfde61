//! The crates that are built into the program, as cargo resolves them for Linux with every feature that a package may
//! be built with.

pub mod bill;
pub mod notices;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// One crate.
pub struct Part {
    pub id: String,
    pub name: String,
    pub version: String,
    pub licence: String,
    pub authors: Vec<String>,
    pub folder: PathBuf,
    /// SHA-256 of its package on the registry; none for this project's own.
    pub sha256: Option<String>,
    /// Ids of what it is built with.
    pub needs: Vec<String>,
}

/// All of them but this project's own, by name and version.
pub struct Crates {
    pub list: Vec<Part>,
}

pub fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Crates {
    /// What ends up in the program: normal dependencies, not those of builds and tests, and no macros, which are run by
    /// the compiler and not passed on.
    pub fn shipped() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output = Command::new(env!("CARGO"))
            .args([
                "metadata",
                "--format-version",
                "1",
                "--locked",
                "--features",
                "encrypt",
                "--filter-platform",
                "x86_64-unknown-linux-gnu",
            ])
            .current_dir(root)
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let digests = digests(root);
        let packages: BTreeMap<String, &Value> =
            metadata["packages"].as_array().expect("packages").iter().map(|p| (word(&p["id"]), p)).collect();
        let needs: BTreeMap<String, Vec<String>> = metadata["resolve"]["nodes"]
            .as_array()
            .expect("nodes")
            .iter()
            .map(|node| (word(&node["id"]), normal(node, &packages)))
            .collect();

        let start = word(&metadata["resolve"]["root"]);
        let mut seen = BTreeSet::new();
        let mut open = vec![start];
        while let Some(id) = open.pop() {
            if seen.insert(id.clone()) {
                open.extend(needs[&id].iter().cloned());
            }
        }
        let built = built(root);
        let mut list: Vec<Part> = seen
            .iter()
            .map(|id| (id, packages[id]))
            .filter(|(_, package)| !package["source"].is_null())
            .filter(|(_, package)| built.contains(&(word(&package["name"]), word(&package["version"]))))
            .map(|(id, package)| Part {
                id: id.clone(),
                name: word(&package["name"]),
                version: word(&package["version"]),
                // An old way of writing "or".
                licence: word(&package["license"]).replace('/', " OR ").replace("  ", " "),
                authors: package["authors"].as_array().into_iter().flatten().map(word).collect(),
                folder: PathBuf::from(word(&package["manifest_path"])).parent().expect("a folder").to_owned(),
                sha256: digests.get(&(word(&package["name"]), word(&package["version"]))).cloned(),
                needs: needs[id].clone(),
            })
            .collect();
        list.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        Self { list }
    }
}

/// Name and version of what a build compiles. `cargo metadata` also tells of optional crates that some feature only
/// mentions, such as `reqwest`, which nothing here is built with.
fn built(root: &Path) -> BTreeSet<(String, String)> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--edges", "normal", "--features", "encrypt"])
        .args(["--target", "x86_64-unknown-linux-gnu", "--prefix", "none", "--format", "{p}"])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = |line: &str| {
        let mut words = line.split(' ');
        Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
    };
    text.lines().filter_map(words).collect()
}

/// What a crate is built with, macros left out.
fn normal(node: &Value, packages: &BTreeMap<String, &Value>) -> Vec<String> {
    let is_normal = |dep: &&Value| dep["dep_kinds"].as_array().into_iter().flatten().any(|kind| kind["kind"].is_null());
    let is_macro = |id: &String| {
        let targets = packages[id]["targets"].as_array().into_iter().flatten();
        targets.flat_map(|target| target["kind"].as_array().into_iter().flatten()).any(|kind| kind == "proc-macro")
    };
    let deps = node["deps"].as_array().into_iter().flatten();
    deps.filter(is_normal).map(|dep| word(&dep["pkg"])).filter(|id| !is_macro(id)).collect()
}

/// The checksums of `Cargo.lock`.
fn digests(root: &Path) -> BTreeMap<(String, String), String> {
    let text = std::fs::read_to_string(root.join("Cargo.lock")).expect("Cargo.lock");
    let lock: toml::Value = toml::from_str(&text).expect("TOML");
    let text = |package: &toml::Value, field: &str| package.get(field).and_then(|v| v.as_str()).map(str::to_owned);
    let packages = lock["package"].as_array().expect("packages");
    packages
        .iter()
        .filter_map(|package| Some(((text(package, "name")?, text(package, "version")?), text(package, "checksum")?)))
        .collect()
}

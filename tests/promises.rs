//! The promises are one list: what the privacy page shows is what `PROMISES.md` says, and each test named there exists.

#[path = "trust/tier.rs"]
mod tier;

use std::path::Path;

use serde_json::Value;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The list between the brackets of `web/promises.js`.
fn promises() -> Vec<Value> {
    let text = read("web/promises.js");
    let (_, rest) = text.split_once("*/ (").expect("the list begins after its type");
    let (list, _) = rest.rsplit_once(");").expect("the list ends");
    serde_json::from_str(list).expect("the list is JSON")
}

fn word<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} is missing in {value}"))
}

fn proofs(promise: &Value) -> &[Value] {
    promise["proofs"].as_array().map_or_else(|| panic!("no list of proofs in {promise}"), Vec::as_slice)
}

/// One row of the table.
fn row(promise: &Value) -> String {
    let mut proved: Vec<String> =
        proofs(promise).iter().map(|proof| format!("`{}`: `{}`", word(proof, "file"), word(proof, "test"))).collect();
    let unproved = word(promise, "unproved");
    if !unproved.is_empty() {
        proved.push(format!("**not proved:** {unproved}"));
    }
    format!("| {} | {} | {} |", word(promise, "operation"), word(promise, "network"), proved.join("<br>"))
}

#[test]
fn the_page_and_the_file_say_the_same() {
    let mut table = vec!["| Operation | Network | Proved by |".to_owned(), "|---|---|---|".to_owned()];
    table.extend(promises().iter().map(row));
    let file = read("PROMISES.md");
    let written: Vec<&str> = file.lines().filter(|line| line.starts_with('|')).collect();
    assert!(written == table, "the table of PROMISES.md must be:\n\n{}\n", table.join("\n"));
}

#[test]
fn each_named_test_exists_and_a_promise_without_one_says_so() {
    let mut named = 0;
    for promise in promises() {
        assert!(!proofs(&promise).is_empty() || !word(&promise, "unproved").is_empty(), "{promise}");
        for proof in proofs(&promise) {
            let (file, test) = (word(proof, "file"), word(proof, "test"));
            let text = read(file);
            let there = if file.ends_with(".rs") {
                let lines: Vec<&str> = text.lines().collect();
                let at = lines.iter().position(|line| line.contains(&format!("fn {test}(")));
                at.is_some_and(|at| lines[at.saturating_sub(3)..at].iter().any(|line| line.contains("test")))
            } else {
                text.contains(&format!("test(\"{test}\""))
            };
            assert!(there, "{file} has no test {test}");
            named += 1;
        }
    }
    assert!(named > 10, "only {named} tests are named");
}

/// Places that open connections: pulls, and a judge that the user names. Code under `#[cfg(test)]` counts too.
const MAY_CONNECT: [&str; 3] = ["src/catalogue/address.rs", "src/catalogue/sources/hub.rs", "src/bench/remote.rs"];

#[test]
fn only_two_rooms_can_open_a_connection() {
    let openers = [
        "ureq::",
        "use ureq",
        "TcpStream::connect",
        "UdpSocket",
        "UnixStream::connect",
        "reqwest",
        "hyper_util::client",
    ];
    let (mut files, mut found) = (0, Vec::new());
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the source") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files += 1;
                let text = std::fs::read_to_string(&path).expect("a source file");
                if openers.iter().any(|opener| text.contains(opener)) {
                    let path = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("inside").display().to_string();
                    found.push(path);
                }
            }
        }
    }
    found.sort();
    let mut expected = MAY_CONNECT.map(str::to_owned);
    expected.sort();
    assert_eq!(found, expected, "these files can open a connection");
    assert!(files > 100, "only {files} files were looked at");
    tier::tried("T7", "source files searched for what opens a connection", files);
}

//! The documents: every command in them is one of this program, those of the guides are run, every link leads somewhere,
//! and the generated part of the reference is what the code says. `OFFRECORD_UPDATE=1 cargo test --test docs` writes the
//! generated part anew.

#[path = "documents_of/mod.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "its parts are its own")]
mod documents_of;

use std::path::{Path, PathBuf};

use clap::Parser;
use documents_of::{blocks, generated, machine::Machine};
use offrecord::cli::Cli;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Markdown that people read: at the top, in `docs/` and below it.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned(), root().join("docs"), root().join("docs/generated")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            if entry.path().extension().is_some_and(|ending| ending == "md") {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    assert!(found.len() > 10, "{found:?}");
    found
}

/// Their commands are run, in this order: what one leaves, the next may use.
const RUN: [&str; 5] =
    ["README.md", "docs/getting-started.md", "docs/practising.md", "docs/privacy.md", "docs/packages.md"];

#[test]
fn every_command_in_the_documents_is_one_that_the_program_has() {
    let mut seen = 0;
    for document in documents() {
        for line in blocks::commands(&read(&document)) {
            let Some(words) = line.words_of("offrecord") else { continue };
            if let Err(error) = Cli::try_parse_from(&words)
                && !matches!(error.kind(), clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion)
            {
                panic!("{}:{}: {error}", document.display(), line.number);
            }
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} commands were found");
}

#[test]
fn every_command_of_the_guides_runs() {
    let machine = Machine::new();
    let mut ran = 0;
    for name in RUN {
        for line in blocks::commands(&read(&root().join(name))) {
            if line.excused.is_none() {
                machine.run(name, &line);
                ran += 1;
            }
        }
    }
    assert!(ran > 15, "only {ran} commands were run");
}

#[test]
fn a_command_that_is_not_run_says_why_where_people_read_it() {
    for name in RUN {
        for line in blocks::commands(&read(&root().join(name))) {
            if let Some(reason) = line.excused {
                assert!(reason.len() > 10, "{name}:{}: no reason", line.number);
            }
        }
    }
}

#[test]
fn the_generated_reference_is_what_the_code_says() {
    for (name, text) in [
        ("commands.md", generated::commands()),
        ("routes.md", generated::routes()),
        ("settings.md", generated::settings(&root().join("src"))),
    ] {
        let file = root().join("docs/generated").join(name);
        let there = std::fs::read_to_string(&file).unwrap_or_default();
        if there == text {
            continue;
        }
        assert!(
            std::env::var_os("OFFRECORD_UPDATE").is_some(),
            "docs/generated/{name} is stale: OFFRECORD_UPDATE=1 cargo test --test docs"
        );
        std::fs::write(&file, text).expect("written");
    }
}

#[test]
fn what_the_reference_says_by_hand_names_every_command_and_setting() {
    let reference = read(&root().join("docs/reference.md"));
    let missing: Vec<String> =
        generated::names(&root().join("src")).into_iter().filter(|name| !reference.contains(name.as_str())).collect();
    assert_eq!(missing, Vec::<String>::new(), "docs/reference.md does not name these");
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    let mut seen = 0;
    for document in documents() {
        let text = read(&document);
        for link in blocks::links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            seen += 1;
            let (path, anchor) =
                link.split_once('#').map_or((link.as_str(), None), |(path, anchor)| (path, Some(anchor)));
            let target =
                if path.is_empty() { document.clone() } else { document.parent().expect("a folder").join(path) };
            let leads = match anchor {
                None => target.exists(),
                Some(anchor) => target.is_file() && blocks::anchors(&read(&target)).contains(anchor),
            };
            if !leads {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
    assert!(seen > 20, "only {seen} links were found");
}

#[test]
fn the_index_names_every_document() {
    let folder = root().join("docs");
    let index = read(&folder.join("README.md"));
    for document in documents() {
        let Ok(path) = document.strip_prefix(&folder) else { continue };
        let path = path.display().to_string();
        assert!(path == "README.md" || index.contains(&path), "docs/README.md does not name {path}");
    }
}

#[test]
fn the_changelog_has_a_section_for_this_version() {
    let text = read(&root().join("CHANGELOG.md"));
    let version = env!("CARGO_PKG_VERSION");
    assert!(text.contains(&format!("## [{version}]")) || text.contains("## [Unreleased]"), "no section for {version}");
    let kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
    for heading in text.lines().filter_map(|line| line.strip_prefix("### ")) {
        assert!(kinds.contains(&heading), "{heading} is no kind of change");
    }
}

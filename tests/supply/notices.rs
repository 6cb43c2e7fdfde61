//! The notices: each licence text once, with the parts that come under it.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Crates, Part};

const HEAD: &str = "\
What offrecord is built from, and the licences of these parts. Generated; do not edit.
Where a part may be had under one of several licences, the first text found of MIT, Apache-2.0 or another is given.
";

/// One text for each line of this size.
const RULE: &str = "\n================================================================================\n\n";

pub fn of(crates: &Crates, root: &Path) -> String {
    let mut parts: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for part in &crates.list {
        for text in texts(part) {
            let key: String = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            let label = format!("{} {} ({})", part.name, part.version, part.licence);
            parts.entry(key).or_insert_with(|| (text, Vec::new())).1.push(label);
        }
    }
    let mut sections: Vec<(Vec<String>, String)> = parts.into_values().map(|(text, names)| (names, text)).collect();
    sections.sort();

    let vendor = root.join("web/vendor");
    for file in super::json(&vendor.join("manifest.json")).as_array().expect("a list") {
        let word = |field: &str| file[field].as_str().unwrap_or_default().to_owned();
        let licence = vendor.join("licences").join(format!("{}.txt", word("package")));
        if word("file") == "hooks.js" {
            continue;
        }
        let text = std::fs::read_to_string(&licence).unwrap_or_else(|error| panic!("{}: {error}", licence.display()));
        sections.push((vec![format!("{} {} ({})", word("package"), word("version"), word("licence"))], text));
    }
    let board = std::fs::read_to_string(vendor.join("excalidraw/licences.txt")).expect("licences of the whiteboard");
    sections.push((vec!["The whiteboard (web/vendor/excalidraw), a bundle of:".into()], board));
    let sqlite = "The author disclaims copyright to this source code: SQLite is in the public domain.\n";
    sections.push((vec!["SQLite, inside libsqlite3-sys".into()], sqlite.into()));

    let mut out = HEAD.to_owned();
    for (names, text) in sections {
        out.push_str(RULE);
        out.push_str(&names.join("\n"));
        out.push_str("\n\n");
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        out.push_str(lines.join("\n").trim_matches('\n'));
        out.push('\n');
    }
    out
}

/// The licence files of a crate that say under what it is passed on.
fn texts(part: &Part) -> Vec<String> {
    let mut files: Vec<(String, String)> = Vec::new();
    for entry in std::fs::read_dir(&part.folder).unwrap_or_else(|e| panic!("{}: {e}", part.folder.display())).flatten()
    {
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let is_licence =
            ["licen", "copying", "copyright", "unlicense", "notice"].iter().any(|begin| name.starts_with(begin));
        if is_licence && let Ok(text) = std::fs::read_to_string(entry.path()) {
            files.push((name, text));
        }
    }
    files.sort();
    if files.is_empty() {
        return vec![without_a_file(part)];
    }
    let notice = files.iter().filter(|(name, _)| name.starts_with("notice")).cloned().collect::<Vec<_>>();
    // All of them where all of them hold; else the one that asks least, and any notice.
    if part.licence.contains(" AND ") {
        return files.into_iter().map(|(_, text)| text).collect();
    }
    for wanted in ["mit", "apache", ""] {
        let fits = |name: &str| name.contains(wanted) && !name.starts_with("notice");
        if let Some((_, text)) = files.iter().find(|(name, _)| fits(name)) {
            return std::iter::once(text.clone()).chain(notice.into_iter().map(|(_, text)| text)).collect();
        }
    }
    files.into_iter().map(|(_, text)| text).collect()
}

/// A crate that ships no text: its licence by name, and who wrote it.
fn without_a_file(part: &Part) -> String {
    let authors = if part.authors.is_empty() { "its authors".to_owned() } else { part.authors.join(", ") };
    let mit = part.licence.contains("MIT").then(|| {
        format!(
            "Copyright (c) {authors}\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of this \
             software and associated documentation files (the \"Software\"), to deal in the Software without restriction, \
             including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or \
             sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the \
             following conditions:\n\nThe above copyright notice and this permission notice shall be included in all copies \
             or substantial portions of the Software.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, \
             EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR \
             PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES \
             OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION \
             WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."
        )
    });
    mit.unwrap_or_else(|| format!("By {authors}, under {}. The package holds no text of it.", part.licence))
}

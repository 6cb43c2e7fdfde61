//! Reads a folder of golden interviews. A file with a fault is named with field and reason; the rest goes on.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Golden, check};
use crate::content::Content;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{file}: {field}: {reason}")]
pub struct Fault {
    /// File name.
    pub file: String,
    /// The field, such as `labels.technical.level`, or `line N` where the file is no TOML of this shape.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A folder as read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GoldenSet {
    /// Usable interviews, by id.
    pub interviews: Vec<Golden>,
    /// What was wrong with the others.
    pub faults: Vec<Fault>,
}

/// Reads all `*.toml` of a folder.
///
/// # Errors
/// When the folder cannot be read at all.
pub fn folder(dir: &Path, content: &Content) -> std::io::Result<GoldenSet> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)?.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    paths.sort();
    let mut set = GoldenSet::default();
    for path in paths {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let read = std::fs::read(&path)
            .map_err(|e| ("file".to_owned(), e.to_string()))
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| ("file".to_owned(), "not UTF-8".to_owned())))
            .and_then(|text| parse(&text));
        let faults = match read {
            Err(fault) => vec![fault],
            Ok(golden) => {
                let faults = check::faults(&golden, &stem, content);
                if faults.is_empty() {
                    set.interviews.push(golden);
                }
                faults
            }
        };
        set.faults.extend(faults.into_iter().map(|(field, reason)| Fault { file: file.clone(), field, reason }));
    }
    Ok(set)
}

/// Parses one file; a fault is where and why.
///
/// # Errors
/// The first place at which the text is not of the shape.
pub fn parse(text: &str) -> Result<Golden, (String, String)> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        (format!("line {line}"), error.message().to_owned())
    })
}

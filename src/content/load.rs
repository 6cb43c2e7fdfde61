//! Loads the content: from the program itself (embedded in release, from the source tree in debug) or from a folder.
//! A file with an error is named with line and reason; the rest still loads.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::voice::{Theme, TimePlan, Voice};
use super::{Competency, Content, Problem};
use crate::interview::transcript::Level;
use crate::prompts;

/// A content file that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {reason}")]
pub struct Fault {
    /// Path under `prompts/` or on disk.
    pub file: String,
    /// Line, from 1 (1 when the fault has no place).
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

impl Content {
    /// What came with the program.
    #[must_use]
    pub fn built_in() -> Self {
        let mut content = Self::without_rounds();
        for path in prompts::list("rounds/", ".toml") {
            match prompts::text(&path) {
                Ok(text) => content.add(&path, &text),
                Err(error) => content.faults.push(Fault { file: path, line: 1, reason: error.to_string() }),
            }
        }
        content
    }

    /// A folder with `system-design/` and `behavioural/`; the interviewer's voice stays the built-in one.
    ///
    /// # Errors
    /// When the folder cannot be read at all.
    pub fn from_dir(dir: &Path) -> std::io::Result<Self> {
        let mut content = Self::without_rounds();
        std::fs::read_dir(dir)?;
        for kind in ["system-design", "behavioural"] {
            let Ok(entries) = std::fs::read_dir(dir.join(kind)) else { continue };
            let mut paths: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
            paths.retain(|p| p.extension().is_some_and(|e| e == "toml"));
            paths.sort();
            for path in paths {
                let file = path.display().to_string();
                match std::fs::read_to_string(&path) {
                    Ok(text) => content.add(&file, &text),
                    Err(error) => content.faults.push(Fault { file, line: 1, reason: error.to_string() }),
                }
            }
        }
        Ok(content)
    }

    /// The interviewer's voice alone.
    fn without_rounds() -> Self {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Plans {
            plan: Vec<TimePlan>,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Themes {
            theme: Vec<Theme>,
        }
        let themes: Themes = built_in("interviewer/posting.toml");
        let plans: Plans = built_in("interviewer/plans.toml");
        let voice = Voice {
            plans: plans.plan,
            says: built_in("interviewer/voice.toml"),
            hears: built_in("interviewer/ears.toml"),
            asks: built_in("interviewer/concepts.toml"),
            phrases: built_in("interviewer/phrases.toml"),
            themes: themes.theme,
            flagship: built_in("interviewer/flagship-project.toml"),
        };
        Self { problems: ById::new(), competencies: ById::new(), voice, faults: Vec::new() }
    }

    fn add(&mut self, file: &str, text: &str) {
        let behavioural = Path::new(file).parent().is_some_and(|p| p.ends_with("behavioural"));
        let stem = Path::new(file).file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        let added = if behavioural {
            parse::<Competency>(file, text).map(|c| (c.id.clone(), self.competencies.insert(c.id.clone(), c).is_some()))
        } else {
            parse::<Problem>(file, text).map(|p| (p.id.clone(), self.problems.insert(p.id.clone(), p).is_some()))
        };
        match added {
            Err(fault) => self.faults.push(fault),
            Ok((id, twice)) => {
                let reason = if twice {
                    format!("the id `{id}` is used twice")
                } else if id != stem {
                    format!("the id `{id}` is not the file's name")
                } else {
                    return;
                };
                self.faults.push(Fault { file: file.to_owned(), line: 1, reason });
            }
        }
    }

    /// A problem by id.
    #[must_use]
    pub fn problem(&self, id: &str) -> Option<&Problem> {
        self.problems.get(id)
    }

    /// A competency by id, the flagship project included.
    #[must_use]
    pub fn competency(&self, id: &str) -> Option<&Competency> {
        self.competencies.get(id).or_else(|| Some(&self.voice.flagship).filter(|f| f.id == id))
    }

    /// All problems, by id.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.problems.values()
    }

    /// All competencies, by id.
    pub fn competencies(&self) -> impl Iterator<Item = &Competency> {
        self.competencies.values()
    }

    /// Problems to draw from for a level: all but warm-ups for staff, all but the hardest for senior (all if none fit).
    #[must_use]
    pub fn problems_for(&self, level: Level) -> Vec<&Problem> {
        let fits = |p: &&Problem| match level {
            Level::Senior => p.difficulty <= 2,
            Level::Staff => p.difficulty >= 2,
        };
        let fitting: Vec<_> = self.problems().filter(fits).collect();
        if fitting.is_empty() { self.problems().collect() } else { fitting }
    }
}

/// A file of the program itself. A fault in it is a bug that the tests find.
fn built_in<T: DeserializeOwned>(path: &str) -> T {
    let text = prompts::text(path).unwrap_or_else(|e| panic!("{e}. This is a bug."));
    parse(path, &text).unwrap_or_else(|e| panic!("{e}. This is a bug."))
}

/// Parses one file.
///
/// # Errors
/// The first fault, with its line.
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Fault> {
    toml::from_str(text).map_err(|error| Fault {
        file: file.to_owned(),
        line: error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count()),
        reason: error.message().to_owned(),
    })
}

/// Maps by id; see [`Content`].
pub(super) type ById<T> = BTreeMap<String, T>;

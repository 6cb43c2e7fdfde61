//! Prompt and content files: found, read, hashed, rendered. Embedded in a release build, read from disk in a debug build.
//!
//! Knows files and templates; knows nothing of what they say. A prompt file is a TOML front matter between two lines
//! `+++` (its sampling) and a minijinja template.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::Sampling;

#[derive(rust_embed::RustEmbed)]
#[folder = "prompts/"]
struct Files;

/// Work a template may do before it is stopped (minijinja fuel): content is ours, values are hostile.
const FUEL: u64 = 200_000;

/// Why a prompt could not be used.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// No such file.
    #[error("no prompt file {0} (the installation is damaged)")]
    Missing(String),
    /// Not UTF-8, no front matter, or a fault in it.
    #[error("prompt file {path}: {reason}")]
    Malformed {
        /// Path under `prompts/`.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The template failed.
    #[error("prompt file {path}: {source}")]
    Render {
        /// Path under `prompts/`.
        path: String,
        /// What failed.
        source: minijinja::Error,
    },
}

/// How a prompt wants to be run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FrontMatter {
    /// Most tokens generated; 0 for prompts that only judge.
    pub max_tokens: usize,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Generation ends before any of these.
    pub stop: Vec<String>,
}

/// One prompt file.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptFile {
    /// Path under `prompts/`.
    pub path: String,
    /// How it wants to be run.
    pub front: FrontMatter,
    /// The template.
    pub template: String,
    /// SHA-256 of the whole file, lower-case hex.
    pub sha256: String,
}

impl PromptFile {
    /// Loads `prompts/<path>` (with extension).
    ///
    /// # Errors
    /// [`PromptError::Missing`], [`PromptError::Malformed`].
    pub fn load(path: &str) -> Result<Self, PromptError> {
        let text = text(path)?;
        let malformed = |reason: String| PromptError::Malformed { path: path.to_owned(), reason };
        let (front, template) = match text.strip_prefix("+++\n") {
            None => (FrontMatter::default(), text.as_str()),
            Some(rest) => {
                let (front, template) =
                    rest.split_once("\n+++\n").ok_or_else(|| malformed("the front matter is not closed".into()))?;
                (toml::from_str(front).map_err(|e| malformed(e.to_string()))?, template)
            }
        };
        Ok(Self {
            path: path.to_owned(),
            front,
            template: template.trim().to_owned(),
            sha256: hex(&Sha256::digest(text.as_bytes())),
        })
    }

    /// Fills the template. Values are data: nothing in them is ever read as template.
    ///
    /// # Errors
    /// [`PromptError::Render`], for example for an undefined name.
    pub fn render(&self, values: impl Serialize) -> Result<String, PromptError> {
        let mut environment = minijinja::Environment::new();
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment
            .render_str(&self.template, minijinja::value::Serde(values))
            .map_err(|source| PromptError::Render { path: self.path.clone(), source })
    }
}

/// The text of `prompts/<path>`.
///
/// # Errors
/// [`PromptError::Missing`]; [`PromptError::Malformed`] when it is not UTF-8.
pub fn text(path: &str) -> Result<String, PromptError> {
    let file = Files::get(path).ok_or_else(|| PromptError::Missing(path.to_owned()))?;
    match file.data {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(str::to_owned).map_err(|e| e.to_string()),
        Cow::Owned(bytes) => String::from_utf8(bytes).map_err(|e| e.to_string()),
    }
    .map_err(|reason| PromptError::Malformed { path: path.to_owned(), reason })
}

/// Paths under `prompts/` that begin with `folder` and end with `extension`, sorted.
#[must_use]
pub fn list(folder: &str, extension: &str) -> Vec<String> {
    let mut paths: Vec<String> =
        Files::iter().filter(|p| p.starts_with(folder) && p.ends_with(extension)).map(Cow::into_owned).collect();
    paths.sort_unstable();
    paths
}

/// One SHA-256 over all files whose path begins with `folder` (names and bytes, sorted): the stamp of a grade.
/// An empty `folder` stamps everything.
#[must_use]
pub fn sha256_of(folder: &str) -> String {
    let mut hash = Sha256::new();
    for path in list(folder, "") {
        if let Some(file) = Files::get(&path) {
            hash.update((path.len() as u64).to_le_bytes());
            hash.update(path.as_bytes());
            hash.update((file.data.len() as u64).to_le_bytes());
            hash.update(&file.data);
        }
    }
    hex(&hash.finalize())
}

/// The system messages that are the same in every session: prompt files without a variable, and the `system` texts of
/// TOML files. What a person wrote is in none of them, so what a model reads of them may be kept on disk.
#[must_use]
pub fn fixed() -> Vec<String> {
    let files = list("", ".md").into_iter().filter_map(|path| {
        let file = PromptFile::load(&path).ok().filter(|file| !file.template.contains('{'))?;
        file.render(()).ok().filter(|text| !path.ends_with("WRITING.md") && !text.is_empty())
    });
    let tables = list("", ".toml").into_iter().filter_map(|path| {
        let table: toml::Table = toml::from_str(&text(&path).ok()?).ok()?;
        Some(table.get("system")?.as_str()?.trim().to_owned())
    });
    files.chain(tables).collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(template: &str) -> PromptFile {
        PromptFile {
            path: "test.md".into(),
            front: FrontMatter::default(),
            template: template.into(),
            sha256: String::new(),
        }
    }

    #[test]
    fn values_are_never_read_as_template() {
        let values = serde_json::json!({ "answer": "{{ secret }} <b>&</b>" });
        assert_eq!(file("A: {{ answer }}").render(values).ok().as_deref(), Some("A: {{ secret }} <b>&</b>"));
    }

    #[test]
    fn an_undefined_name_is_an_error() {
        assert!(file("{{ nothing }}").render(serde_json::json!({})).is_err());
    }

    #[test]
    fn an_endless_template_is_stopped() {
        assert!(
            file("{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}")
                .render(())
                .is_err()
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        assert!(
            matches!(PromptFile::load("interviewer/none.md"), Err(PromptError::Missing(path)) if path.contains("none.md"))
        );
    }

    #[test]
    fn every_prompt_file_loads() {
        for path in list("", ".md") {
            PromptFile::load(&path).unwrap_or_else(|e| panic!("{e}"));
        }
    }

    #[test]
    fn fixed_texts_are_those_that_every_session_reads_alike() {
        let fixed = fixed();
        let begins = |words: &str| fixed.iter().any(|text| text.starts_with(words));
        assert!(begins("You check what was said") && begins("You check short pieces") && begins("You mark answers"));
        assert!(fixed.iter().all(|text| !text.contains('{') && text.len() < 4000), "{fixed:#?}");
    }

    #[test]
    fn the_stamp_is_a_sha256() {
        assert_eq!(sha256_of("").len(), 64);
        assert_ne!(sha256_of(""), sha256_of("nothing-begins-like-this"));
    }
}

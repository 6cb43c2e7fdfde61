//! How somebody answers: `prompts/candidates/<id>.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::content::Fault;
use crate::content::load::parse;
use crate::interview::note::{Act, AnswerClass};
use crate::prompts;

/// One simulated person.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The file's stem.
    pub id: String,
    /// What sort of person it is.
    pub title: String,
    /// Part of the topics on which the good answer is given, 0 to 1.
    pub good: f32,
    /// How an answer is bent.
    #[serde(default)]
    pub manner: Manner,
    /// Said before or after every answer from the bank (`{answer}`), in turn.
    #[serde(default)]
    pub frames: Vec<String>,
    /// Fixed replies to a kind of move, in turn; the last one is said again.
    #[serde(default)]
    pub replies: BTreeMap<Act, Vec<String>>,
    /// Said in place of an answer at a given answer number (from 1).
    #[serde(default)]
    pub interjections: Vec<Interjection>,
    /// Said when a gap would be shown ("I don't know ..."); the bank's gap if left out.
    #[serde(default)]
    pub instead_of_gap: Vec<String>,
    /// Said whenever the bank has nothing.
    pub otherwise: Vec<String>,
}

/// How an answer is bent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manner {
    /// As it is.
    #[default]
    Plain,
    /// Only the words of `otherwise`, whatever is asked.
    OnlyOtherwise,
    /// With some four hundred words of padding.
    Rambling,
}

/// Something said at a fixed moment, whatever is asked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interjection {
    /// The number of the answer, from 1.
    pub at: usize,
    /// system-design, behavioural, or both if left out.
    #[serde(default)]
    pub round: Option<crate::interview::transcript::Round>,
    /// The words.
    pub text: String,
    /// What the interviewer should take it for.
    pub class: AnswerClass,
}

/// The profiles that came with the program, or those in a folder.
///
/// # Errors
/// The first file with a fault.
pub fn profiles(dir: Option<&Path>) -> Result<Vec<Profile>, Fault> {
    let fault = |file: &str, reason: String| Fault { file: file.to_owned(), line: 1, reason };
    let mut files: Vec<(String, String)> = Vec::new();
    if let Some(dir) = dir {
        let name = dir.display().to_string();
        for entry in std::fs::read_dir(dir).map_err(|e| fault(&name, e.to_string()))?.flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "toml") {
                let file = path.display().to_string();
                let text = std::fs::read_to_string(&path).map_err(|e| fault(&file, e.to_string()))?;
                files.push((file, text));
            }
        }
        files.sort();
    } else {
        for path in prompts::list("candidates/", ".toml").into_iter().filter(|p| p.matches('/').count() == 1) {
            let text = prompts::text(&path).map_err(|e| fault(&path, e.to_string()))?;
            files.push((path, text));
        }
    }
    files.iter().map(|(file, text)| parse(file, text)).collect()
}

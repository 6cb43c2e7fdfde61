//! Hand-written answers to one problem or competency: `prompts/candidates/answers/<id>.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::content::Fault;
use crate::content::load::parse;
use crate::prompts;

/// Answers to one problem or competency, by topic.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bank {
    /// Problem or competency id; the file's stem.
    pub of: String,
    /// What is said on which topic.
    pub answer: Vec<Answer>,
}

/// What may be said on one topic.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Checklist id, `dive/rung`, `change/id`, a slot, or `stage/<id>` for the first question of a stage.
    pub topic: String,
    /// Covers the topic (and `covers`).
    pub good: String,
    /// On the topic, and does not cover it.
    pub gap: String,
    /// What else the good answer covers, as a person would label it.
    #[serde(default)]
    pub covers: Vec<String>,
}

impl Bank {
    /// What may be said on a topic.
    #[must_use]
    pub fn on(&self, topic: &str) -> Option<&Answer> {
        self.answer.iter().find(|a| a.topic == topic)
    }
}

/// All banks, by id.
///
/// # Errors
/// The first file with a fault.
pub fn banks() -> Result<BTreeMap<String, Bank>, Fault> {
    let mut all = BTreeMap::new();
    for path in prompts::list("candidates/answers/", ".toml") {
        let text = prompts::text(&path).map_err(|e| Fault { file: path.clone(), line: 1, reason: e.to_string() })?;
        let bank: Bank = parse(&path, &text)?;
        all.insert(bank.of.clone(), bank);
    }
    Ok(all)
}

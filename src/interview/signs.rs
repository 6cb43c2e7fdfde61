//! How people speak when they tell a part of a story, whatever it is about: `prompts/interviewer/signs.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::content::Slot;
use crate::prompts;

/// All signs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signs {
    /// Passes the question on, or speaks in general.
    pub evades: Vec<String>,
    /// Words of what would be.
    pub would: Vec<String>,
    /// Verbs in the past that do not end in -ed.
    pub past: Vec<String>,
    /// Words between "I" and its verb.
    pub between: Vec<String>,
    /// By part of a story.
    pub slots: BTreeMap<Slot, OfSlot>,
}

/// Signs of one part of a story.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfSlot {
    /// In a question that asks for it.
    pub asked: Vec<String>,
    /// In an answer that tells it.
    pub said: Vec<String>,
}

/// The signs that came with the program.
pub static SIGNS: LazyLock<Signs> = LazyLock::new(|| {
    let text = prompts::text("interviewer/signs.toml").expect("a file of the program. This is a bug.");
    toml::from_str(&text).expect("a file of the program does not parse. This is a bug.")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_story_has_signs() {
        for slot in
            ["situation", "task", "own-action", "reasoning", "others-view", "result", "lasting-change", "learning"]
        {
            let of = SIGNS.slots.iter().find(|(s, _)| s.id() == slot).map(|(_, of)| of).expect("the slot");
            assert!(of.asked.len() >= 8 && of.said.len() >= 8, "{slot}");
        }
        assert_eq!(SIGNS.slots.len(), 8);
    }
}

//! The schema of a behavioural competency.

use serde::{Deserialize, Serialize};

use super::{Dimension, RedFlag};

/// A competency file: `prompts/rounds/behavioural/<id>.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Competency {
    /// Lower case, digits and dashes; the file's stem.
    pub id: String,
    /// What the start page shows.
    pub title: String,
    /// The dimensions it speaks for, strongest first.
    pub dimensions: Vec<Dimension>,
    /// At least six different ways into it.
    pub questions: Vec<Question>,
    /// Probes per story slot, in this competency's words.
    pub slots: Vec<SlotProbes>,
    /// Signs of trouble.
    pub red_flags: Vec<RedFlag>,
    /// What a senior story shows (two to four lines).
    pub senior: Vec<String>,
    /// What a staff story shows on top (two to four lines).
    pub staff: Vec<String>,
}

/// A first question.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Unique over all competencies: `<competency>-<n>`.
    pub id: String,
    /// What the interviewer asks: one or two short sentences, one question mark, for a real case.
    pub ask: String,
    /// A nearby situation to offer when there is no such story.
    pub nearby: String,
    /// A counterfactual for an answer that is too polished ("What if they had said no?"-kind), one question.
    pub counterfactual: String,
}

/// What a story must hold. The order is the usual order of telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slot {
    /// Where, when, how large.
    Situation,
    /// What had to be done, and by whom.
    Task,
    /// What the candidate did, in the first person.
    OwnAction,
    /// Why this and not something else.
    Reasoning,
    /// What others held, their strongest argument.
    OthersView,
    /// What came out, with a number.
    Result,
    /// What still works today without them.
    LastingChange,
    /// What they would do otherwise, and where they have.
    Learning,
}

impl Slot {
    /// The name in the files.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Situation => "situation",
            Self::Task => "task",
            Self::OwnAction => "own-action",
            Self::Reasoning => "reasoning",
            Self::OthersView => "others-view",
            Self::Result => "result",
            Self::LastingChange => "lasting-change",
            Self::Learning => "learning",
        }
    }
}

/// How to ask for one slot, and how to recognise it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SlotProbes {
    /// Which slot.
    pub slot: Slot,
    /// A yes/no question about what the candidate said; yes = filled.
    pub ask: String,
    /// 1 (nice) to 3 (a senior story needs it).
    pub weight: u8,
    /// The dimension it speaks for in this competency.
    pub dimension: Dimension,
    /// Phrases (lower case; trailing `*` = any ending) that make it likely.
    pub cues: Vec<String>,
    /// At least two wordings; `{quote}` as in system-design probes: at least one with, at least one without.
    pub probes: Vec<String>,
}

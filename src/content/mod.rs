//! Rounds as data: system-design problems and behavioural competencies, written by hand under `prompts/rounds/`.
//!
//! Owns the schema and the loading; knows nothing of sessions or models. One TOML file is one [`Problem`] or one
//! [`Competency`]. A file with an error is named with line and reason; the rest still loads.

pub mod behavioural;
pub mod system_design;

pub use behavioural::{Competency, Question, Slot};
pub use system_design::{ChecklistItem, Curveball, Dive, Fact, HintTopic, Phase, Problem, Rung};

use serde::{Deserialize, Serialize};

/// All problems and competencies that loaded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// System-design problems, by id.
    pub problems: Vec<Problem>,
    /// Behavioural competencies, by id.
    pub competencies: Vec<Competency>,
}

/// One of the six dimensions of the rubric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// Technical depth and breadth.
    Technical,
    /// Architectural thinking.
    Architectural,
    /// Leadership and influence.
    Leadership,
    /// Pragmatism.
    Pragmatism,
    /// Ownership and accountability.
    Ownership,
    /// Communication and clarity.
    Communication,
}

impl Dimension {
    /// All six, in the rubric's order.
    pub const ALL: [Self; 6] = [
        Self::Technical,
        Self::Architectural,
        Self::Leadership,
        Self::Pragmatism,
        Self::Ownership,
        Self::Communication,
    ];
}

/// A sign of trouble in an answer.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RedFlag {
    /// Unique in its file.
    pub id: String,
    /// A yes/no question about what the candidate said; yes = the flag is up.
    pub ask: String,
    /// Why it matters.
    pub why: String,
    /// Phrases (lower case) of which one in an answer makes the flag likely; may be empty.
    #[serde(default)]
    pub cues: Vec<String>,
    /// The dimension it speaks against.
    pub dimension: Dimension,
}

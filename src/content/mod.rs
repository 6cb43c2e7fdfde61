//! Rounds as data: system-design problems and behavioural competencies, written by hand under `prompts/rounds/`.
//!
//! Owns the schema and the loading; knows nothing of sessions or models. One TOML file is one [`Problem`] or one
//! [`Competency`]. A file with an error is named with line and reason; the rest still loads.

pub mod behavioural;
pub mod lint;
pub mod load;
pub mod system_design;
pub mod voice;

pub use behavioural::{Competency, Question, Slot};
pub use load::Fault;
pub use system_design::{ChecklistItem, Curveball, Dive, Fact, HintTopic, Phase, Problem, Rung};
pub use voice::Voice;

use serde::{Deserialize, Serialize};

/// Everything that an interview is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    problems: load::ById<Problem>,
    competencies: load::ById<Competency>,
    /// What the interviewer says and listens for.
    pub voice: Voice,
    /// Files that could not be used.
    pub faults: Vec<Fault>,
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
    /// What sort of trouble it is; decides what the interviewer does.
    #[serde(default)]
    pub kind: FlagKind,
    /// What the interviewer asks when the flag is up, wordings as in a probe. For `wrong`: a concrete case in which
    /// the claim breaks, never the correction. The general wordings for the kind if left out.
    #[serde(default)]
    pub probes: Vec<String>,
}

/// What sort of trouble a red flag is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlagKind {
    /// A claim that is not so: answered by a case in which it breaks.
    Wrong,
    /// Heavier than the numbers ask for.
    OverBuilt,
    /// A stated constraint is missed.
    UnderScoped,
    /// A product's name in place of a reason.
    NameDrop,
    /// Blames others (behavioural).
    Blames,
    /// Noted for the grade; no question of its own.
    #[default]
    Noted,
}

//! What was said: the shared record that the director reads, the grader quotes and the exports write.

use serde::{Deserialize, Serialize};

/// Which interview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Round {
    /// A design problem with a hidden fact sheet.
    SystemDesign,
    /// Real stories.
    Behavioural,
}

/// The bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Senior engineer.
    Senior,
    /// Staff engineer.
    Staff,
}

/// When feedback comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Two sentences after each answer.
    Coach,
    /// Nothing until the end.
    Realistic,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The program.
    Interviewer,
    /// The person.
    Candidate,
}

/// One turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Position in the session, from 0.
    pub seq: u32,
    /// Who speaks.
    pub role: Speaker,
    /// What was said, as typed or spoken.
    pub text: String,
    /// Milliseconds of interview clock (pauses left out) when the turn was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<u64>,
    /// Whiteboard scene at that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub board: Option<serde_json::Value>,
}

/// The transcript file (`CONTRACTS`: version 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// 1.
    pub version: u32,
    /// Which interview.
    pub round: Round,
    /// The bar.
    pub level: Level,
    /// Problem id (system design) or first competency id (behavioural).
    #[serde(default)]
    pub problem: Option<String>,
    /// Planned length.
    pub minutes: u32,
    /// All turns, by `seq`.
    pub turns: Vec<Turn>,
}

impl Transcript {
    /// The candidate's turns.
    pub fn answers(&self) -> impl Iterator<Item = &Turn> {
        self.turns.iter().filter(|turn| turn.role == Speaker::Candidate)
    }
}

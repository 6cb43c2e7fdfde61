//! The golden set: whole interviews written for this project and labelled by hand, level and reason per dimension.
//!
//! Owns the file format (`benches/golden/*.toml`). Measures the shipped grader; knows no store and no HTTP. Nothing here
//! is ever shown to a judge but the words of the turns.

pub mod calibrate;
pub mod check;
pub mod effects;
pub mod noise;
pub mod page;
pub mod read;
pub mod results;
pub mod run;
pub mod variants;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::content::{Competency, Content, Dimension, Problem};
use crate::grading::GradeInput;
use crate::grading::passage;
use crate::grading::scorecard::Sign;
use crate::interview::transcript::{Level, Round, Speaker, Transcript, Turn};

#[cfg(test)]
mod shipped;
#[cfg(test)]
mod tests;

/// One labelled interview, as the file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// The file's stem.
    pub id: String,
    /// Which interview.
    pub round: Round,
    /// The bar asked for.
    pub level: Level,
    /// Problem id, or the competency of the first question.
    pub problem: String,
    /// 15, 30 or 45.
    pub minutes: u32,
    /// What this candidate is like.
    pub summary: String,
    /// The turns, interviewer first.
    #[serde(rename = "turn")]
    pub turns: Vec<GoldenTurn>,
    /// One label per dimension.
    pub labels: BTreeMap<Dimension, Label>,
}

/// One turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenTurn {
    /// Who speaks.
    pub role: Speaker,
    /// What is said.
    pub text: String,
    /// Checklist ids or story slots that this turn satisfies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covered: Vec<String>,
    /// Dimensions whose evidence sits mainly here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carries: Vec<Dimension>,
    /// The same content in other words, of about the same length and quality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paraphrase: Option<String>,
}

/// What a person says about one dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// 1 to 5; none = not assessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// Why it is not assessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub na: Option<String>,
    /// Why this level and not the next one up or down.
    #[serde(default)]
    pub reason: String,
    /// The words that justify it.
    #[serde(default)]
    pub moments: Vec<Moment>,
}

/// A quotation behind a label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// Number of the turn, from 0.
    pub turn: usize,
    /// For or against.
    pub sign: Sign,
    /// Verbatim, six words or more.
    pub quote: String,
}

impl Golden {
    /// The interview without its labels.
    #[must_use]
    pub fn transcript(&self) -> Transcript {
        let turn = |(seq, turn): (usize, &GoldenTurn)| Turn {
            seq: u32::try_from(seq).unwrap_or(u32::MAX),
            role: turn.role,
            text: turn.text.clone(),
            at_ms: None,
            board: None,
        };
        Transcript {
            version: 1,
            round: self.round,
            level: self.level,
            problem: Some(self.problem.clone()),
            minutes: self.minutes,
            turns: self.turns.iter().enumerate().map(turn).collect(),
        }
    }

    /// The level given to a dimension; none = not assessed.
    #[must_use]
    pub fn level_of(&self, dimension: Dimension) -> Option<u8> {
        self.labels.get(&dimension).and_then(|label| label.level)
    }

    /// Words of the candidate.
    #[must_use]
    pub fn words(&self) -> usize {
        self.answers().map(|t| passage::words(&t.text).len()).sum()
    }

    /// The candidate's turns.
    pub fn answers(&self) -> impl Iterator<Item = &GoldenTurn> {
        self.turns.iter().filter(|t| t.role == Speaker::Candidate)
    }
}

/// The content that a grade of one interview reads, found once.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    problem: Option<&'a Problem>,
    competencies: Vec<&'a Competency>,
}

impl<'a> Known<'a> {
    /// What the content has on a golden interview.
    #[must_use]
    pub fn of(content: &'a Content, golden: &Golden) -> Self {
        match golden.round {
            Round::SystemDesign => Self { problem: content.problem(&golden.problem), competencies: Vec::new() },
            Round::Behavioural => {
                Self { problem: None, competencies: content.competency(&golden.problem).into_iter().collect() }
            }
        }
    }

    /// What the grader gets: the same as at the end of a session.
    #[must_use]
    pub fn input<'b>(&'b self, transcript: &'b Transcript) -> GradeInput<'b> {
        GradeInput { problem: self.problem, competencies: &self.competencies, ..GradeInput::new(transcript) }
    }
}

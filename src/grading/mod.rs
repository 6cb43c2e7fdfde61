//! From transcript to scorecard. The program finds the evidence; the model judges it; rules and arithmetic are code.
//!
//! Owns refusals, evidence, judgement, caps and the scorecard. Knows the engine's two verbs and the content's schema;
//! knows no store, no HTTP and no page. Nothing here ever invents a number: what cannot be judged is not assessed.

pub mod rubric;
pub mod scorecard;

use crate::content::{Competency, Problem};
use crate::engine::Engine;
use crate::interview::session::HintView;
use crate::interview::transcript::Transcript;

pub use scorecard::{DimensionReport, Scorecard};

/// What is graded.
#[derive(Clone, Debug)]
pub struct GradeInput<'a> {
    /// What was said.
    pub transcript: &'a Transcript,
    /// The problem of a system-design round, if it is known: its checklist, dives and red flags become items.
    pub problem: Option<&'a Problem>,
    /// The competencies that a behavioural round asked about: their slots and red flags become items.
    pub competencies: &'a [&'a Competency],
    /// Hints taken; they lower what a topic's evidence is worth.
    pub hints: &'a [HintView],
    /// Quality notes on the interviewer, carried into the scorecard untouched.
    pub interviewer_report: Option<serde_json::Value>,
    /// Session id, carried into the scorecard.
    pub session: Option<&'a str>,
    /// What the candidate adds in a dispute: read as one more answer, logged in the scorecard.
    pub dispute: Option<&'a str>,
}

impl<'a> GradeInput<'a> {
    /// A bare transcript: no content, no hints.
    #[must_use]
    pub fn new(transcript: &'a Transcript) -> Self {
        Self {
            transcript,
            problem: None,
            competencies: &[],
            hints: &[],
            interviewer_report: None,
            session: None,
            dispute: None,
        }
    }
}

/// How it is graded.
#[derive(Clone, Debug, Default)]
pub struct GradeOptions {
    /// Order of the anchors in the second reading.
    pub seed: u64,
}

/// Why there is no scorecard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GradeError {
    /// No candidate words.
    #[error("nothing to grade: the transcript has no words of the candidate")]
    NothingToGrade,
    /// The transcript is not one.
    #[error("not a transcript that can be graded: {0}")]
    Invalid(String),
}

/// Grades a transcript; `progress` hears each dimension as it is done.
///
/// An engine that fails leaves its dimensions "not assessed" with the reason, never with a number.
///
/// # Errors
/// See [`GradeError`].
pub async fn grade(
    _engine: &Engine,
    _input: &GradeInput<'_>,
    _options: &GradeOptions,
    _progress: &mut (dyn FnMut(&DimensionReport) + Send),
) -> Result<Scorecard, GradeError> {
    Err(GradeError::Invalid("the grader is being built".into()))
}

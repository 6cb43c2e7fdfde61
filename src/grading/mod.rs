//! From transcript to scorecard. The program finds the evidence; the model judges it; rules and arithmetic are code.
//!
//! Owns refusals, evidence, judgement, caps and the scorecard. Knows the engine's two verbs and the content's schema;
//! knows no store, no HTTP and no page. Nothing here ever invents a number: what cannot be judged is not assessed.

pub mod agreement;
pub mod answer;
pub mod answering;
pub mod calibration;
pub mod calibrations;
pub mod caps;
pub mod checklist;
pub mod contradiction;
pub mod cue;
pub mod delivery;
pub mod evidence;
pub mod forest;
pub mod judge;
pub mod level_calibration;
pub mod levels;
pub mod passage;
pub mod provenance;
pub mod published;
pub mod reading;
pub mod refusal;
pub mod report;
pub mod ridge;
pub mod rubric;
mod scene;
pub mod scorecard;
pub mod signals;
pub mod surface;
pub mod theme;

use std::collections::HashSet;

use crate::content::{Competency, Dimension, Problem};
use crate::engine::Engine;
use crate::interview::session::HintView;
use crate::interview::transcript::{Speaker, Transcript, Turn};

use answering::Answering;
use checklist::Item;
use delivery::Delivery;
use evidence::Place;
use rubric::Rubric;
use scene::{Limits, Scene};
use scorecard::Reason;
use theme::Theme;

pub use scorecard::{DimensionReport, Scorecard};

#[cfg(test)]
mod tests;

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
    /// Leave out the shipped calibration of levels: the hand-made reading alone.
    pub uncalibrated: bool,
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

/// Grades a transcript; `progress` hears each dimension as it is done. Without an engine (`None`) code alone reads: cues,
/// caps and coverage, and the scorecard names the model `none`.
///
/// An engine that fails leaves its dimensions "not assessed" with the reason, never with a number.
///
/// # Errors
/// See [`GradeError`].
pub async fn grade<'e>(
    engine: impl Into<Option<&'e Engine>> + Send,
    input: &GradeInput<'_>,
    options: &GradeOptions,
    progress: &mut (dyn FnMut(&DimensionReport) + Send),
) -> Result<Scorecard, GradeError> {
    let engine: Option<&Engine> = engine.into();
    let rubric = Rubric::builtin();
    let transcript = as_read(input);
    validate(&transcript)?;
    let briefs: Vec<&str> =
        input.problem.iter().flat_map(|p| [Some(p.brief.as_str()), p.document.as_deref()]).flatten().collect();
    let readable = refusal::read(&transcript, &briefs);
    let theme = Theme::new(&transcript, &briefs, &readable.passages);
    let signals = signals::find(&transcript, &readable);
    let round = transcript.round;
    let items = checklist::items(round, input.problem, input.competencies);
    let round_caps = caps::of_signals(rubric, round, &signals);
    let limits = Limits::new(input.hints, &signals.hypothetical_turns);
    let places: Vec<(usize, Place)> = items
        .iter()
        .enumerate()
        .flat_map(|(at, item)| {
            let found = evidence::places(item, &readable.passages, &theme, &transcript);
            found.into_iter().map(move |place| (at, place))
        })
        .collect();
    let asked: Vec<(&Item, &Place)> = places.iter().map(|(at, place)| (&items[*at], place)).collect();
    let judged = judge::judge_in_turn(engine, round, &rubric.combine, &asked).await;
    let calibration = level_calibration::shipped().filter(|_| !options.uncalibrated);
    let answering = Answering::new(&items, &readable.passages, &theme, &transcript);
    let scene = Scene {
        engine,
        rubric,
        transcript: &transcript,
        items: &items,
        asked: &asked,
        limits,
        answering: &answering,
        delivery: Delivery::new(&theme, &readable.passages),
        calibration: calibration.map(|(file, _)| file),
    };

    let mut dimensions = Vec::with_capacity(Dimension::ALL.len());
    for dimension in Dimension::ALL {
        let own_caps = round_caps.iter().filter(|c| c.dimension == dimension).cloned().collect();
        let findings = match &judged {
            Ok(judgements) => scene.dimension(dimension, judgements, own_caps, options.seed).await,
            Err(error) => Err(error.clone()),
        };
        let report = match findings {
            Ok(findings) => report::report(rubric, round, findings),
            Err(error) => {
                let message = format!("The model failed, so there is no number: {error}.");
                let reason = Reason { code: "engine".into(), message };
                report::not_assessed(rubric, round, rubric.text(dimension), reason)
            }
        };
        progress(&report);
        dimensions.push(report);
    }
    let overall = scorecard::overall(rubric, round, &dimensions, calibration.map(|(file, _)| file.interviews));
    Ok(Scorecard {
        version: scorecard::VERSION,
        session: input.session.map(str::to_owned),
        overall,
        dimensions,
        contradictions: contradiction::find(&readable.passages),
        hints: input.hints.to_vec(),
        refused_turns: readable.refused,
        interviewer_report: input.interviewer_report.clone(),
        dispute: input.dispute.map(str::to_owned),
        provenance: scorecard::Provenance {
            leaves_for: engine.and_then(Engine::leaves_for).map(str::to_owned),
            ..provenance::of(engine.map(Engine::info), rubric, input, options.seed, calibration.map(|(_, hash)| hash))
        },
    })
}

/// The transcript as it is read: what was drawn as a last paragraph of each answer, and the dispute's words as one more
/// turn of the candidate.
fn as_read(input: &GradeInput<'_>) -> Transcript {
    let mut transcript = input.transcript.clone();
    transcript.turns = crate::board::spoken(&transcript.turns);
    if let Some(text) = input.dispute.filter(|text| !text.trim().is_empty()) {
        let seq = transcript.turns.iter().map(|t| t.seq + 1).max().unwrap_or(0);
        transcript.turns.push(Turn { seq, role: Speaker::Candidate, text: text.to_owned(), at_ms: None, board: None });
    }
    transcript
}

fn validate(transcript: &Transcript) -> Result<(), GradeError> {
    if transcript.version != 1 {
        let message = format!("its version is {}, this program reads version 1", transcript.version);
        return Err(GradeError::Invalid(message));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = transcript.turns.iter().find(|t| !seen.insert(t.seq)) {
        return Err(GradeError::Invalid(format!("two turns have seq {}", twice.seq)));
    }
    if transcript.turns.windows(2).any(|w| w[0].seq > w[1].seq) {
        return Err(GradeError::Invalid("its turns are not in the order of seq".into()));
    }
    if transcript.answers().all(|t| passage::words(&t.text).is_empty()) {
        return Err(GradeError::NothingToGrade);
    }
    Ok(())
}

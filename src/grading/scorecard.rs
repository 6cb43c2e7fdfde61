//! The scorecard: exactly the contract's JSON, and the total that code computes from it. Pure values.
//!
//! Owns the shape and the arithmetic of the overall; knows no model, no store and no page. A score is never a default:
//! [`Status::NotAssessed`] carries no number, and its reason says why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rubric::Rubric;
use crate::content::Dimension;
use crate::interview::session::HintView;
use crate::interview::transcript::Round;

/// Version of the scorecard file.
pub const VERSION: u32 = 1;

/// A graded transcript.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    /// [`VERSION`].
    pub version: u32,
    /// Session id; none for a transcript file.
    pub session: Option<String>,
    /// Computed by code from `dimensions`.
    pub overall: Overall,
    /// All six, in the rubric's order.
    pub dimensions: Vec<DimensionReport>,
    /// Pairs of statements that do not fit together.
    pub contradictions: Vec<Contradiction>,
    /// Hints taken.
    pub hints: Vec<HintView>,
    /// Answers that were not sent to the grader.
    pub refused_turns: Vec<RefusedTurn>,
    /// Quality notes on the interviewer of this session.
    pub interviewer_report: Option<serde_json::Value>,
    /// Context that the candidate added in a dispute; the first reading is kept beside this one. It was read as one more
    /// turn: a quotation from it names the `seq` after the transcript's last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<String>,
    /// What made this grade.
    pub provenance: Provenance,
}

/// The total.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overall {
    /// Mean of the scored dimensions, 1 to 5; none when there is no verdict.
    pub score: Option<f64>,
    /// How it stands to the bar.
    pub level_reading: LevelReading,
    /// One or two sentences for a person: why, and that it is uncalibrated where it is.
    pub note: String,
}

/// Reading of the overall against the senior bar of the rubric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LevelReading {
    /// Two or more core dimensions were not assessed.
    NoVerdict,
    /// Under the bar.
    BelowSenior,
    /// At or over the bar.
    Senior,
}

/// Whether a dimension has a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has a score and at least two quotations.
    Scored,
    /// No number; `reason` says why.
    NotAssessed,
}

/// How far to trust a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The readings agree within a level.
    Normal,
    /// They do not, or there is little evidence.
    Low,
}

/// One dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DimensionReport {
    /// Which.
    pub id: Dimension,
    /// Its name for a person.
    pub title: String,
    /// Whether the round is expected to show it.
    pub core: bool,
    /// Scored or not.
    pub status: Status,
    /// Why there is no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// 1 to 5, after caps.
    pub score: Option<f64>,
    /// Level (1 to 5) to probability, summing to 1.
    pub distribution: Option<BTreeMap<u8, f64>>,
    /// Largest difference between the readings' expected levels.
    pub spread: Option<f64>,
    /// None where there is no score.
    pub confidence: Option<Confidence>,
    /// Quotations, strongest first.
    pub evidence: Vec<Evidence>,
    /// Rules that held the score down.
    pub caps: Vec<AppliedCap>,
    /// What was missing (always there for a score below 5).
    pub gap: Option<String>,
    /// The anchor line that was missed.
    pub anchor_missed: Option<AnchorLine>,
    /// One exercise.
    pub drill: Option<String>,
    /// What a staff answer would have shown on top.
    pub staff_note: Option<String>,
    /// What was looked for and what was found, for the curious.
    pub checklist: Vec<ItemReading>,
    /// The numbers behind the level, for a calibration; not part of the file.
    #[serde(skip)]
    pub features: Vec<f64>,
}

/// Why a dimension has no number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// `too-little-evidence`, `nothing-usable`, `engine`.
    pub code: String,
    /// For a person.
    pub message: String,
}

/// For or against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sign {
    /// Speaks for the candidate.
    #[serde(rename = "+")]
    Plus,
    /// Speaks against.
    #[serde(rename = "-")]
    Minus,
}

/// A verbatim piece of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// `seq` of the turn.
    pub turn: u32,
    /// `turns[turn].text[start..end]`, in characters.
    pub quote: String,
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
}

/// A quotation with its meaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Where.
    #[serde(flatten)]
    pub quote: Quote,
    /// For or against.
    pub sign: Sign,
    /// The anchor level that it speaks for, after the cost of hints.
    pub anchor: u8,
    /// The checklist item that it answers.
    pub item: String,
    /// That item's question.
    pub ask: String,
    /// How sure the grader is that it answers the item, 0 to 1.
    pub strength: f64,
}

/// A rule of the program that held a score down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedCap {
    /// Stable id of the rule.
    pub rule: String,
    /// What it does, in words.
    pub effect: String,
    /// The highest score it allows.
    pub limit: u8,
    /// What in this transcript made it apply.
    pub reason: String,
    /// The place, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
}

/// A line of the rubric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnchorLine {
    /// 1 to 5.
    pub level: u8,
    /// Its words.
    pub text: String,
}

/// One checklist item as read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemReading {
    /// Item id.
    pub id: String,
    /// Its question.
    pub ask: String,
    /// For or against.
    pub sign: Sign,
    /// The anchor it belongs to.
    pub anchor: u8,
    /// Model's normalised P(yes); none when no place in the transcript could answer it.
    pub p_yes: Option<f64>,
    /// Strength after code and model, 0 to 1.
    pub strength: f64,
}

/// Two statements that do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradiction {
    /// Why the program thinks so.
    pub reason: String,
    /// The earlier one.
    pub first: Quote,
    /// The later one.
    pub second: Quote,
}

/// An answer, or a part of one, that gives no evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedTurn {
    /// `seq` of the turn.
    pub turn: u32,
    /// `empty`, `too-short`, `repeated-prompt`, `repeated-answer`, `gibberish`, `injection`.
    pub code: String,
    /// For a person.
    pub message: String,
    /// The piece, for an injection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
}

/// What made a grade. Two grades with the same provenance and transcript are the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of offrecord.
    pub version: String,
    /// Model id.
    pub model: String,
    /// SHA-256 of the model file.
    pub model_sha256: String,
    /// Quantisation label.
    pub quant: String,
    /// SHA-256 over everything that the grader reads from `prompts/`, and the problem or competencies used.
    pub prompt_sha256: String,
    /// Version of the rubric.
    pub rubric_version: String,
    /// SHA-256 of the calibration file; none = uncalibrated.
    pub calibration_sha256: Option<String>,
    /// Seed of the orders.
    pub seed: u64,
    /// Threads used.
    pub threads: usize,
    /// Kernel used.
    pub kernel: String,
    /// Processor, as the operating system names it.
    pub cpu: String,
    /// Host that the text left the process for; none = it stayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves_for: Option<String>,
}

/// Computes the total: mean of the scored dimensions, no verdict when too many core dimensions have no number. `learnt_on`
/// is the number of written interviews that the levels were calibrated on, if they were.
#[must_use]
pub fn overall(rubric: &Rubric, round: Round, dimensions: &[DimensionReport], learnt_on: Option<usize>) -> Overall {
    let scores: Vec<f64> = dimensions.iter().filter_map(|d| d.score).collect();
    let core = rubric.core(round);
    let missing: Vec<&str> =
        dimensions.iter().filter(|d| core.contains(&d.id) && d.score.is_none()).map(|d| d.title.as_str()).collect();
    let doubt = learnt_on.map_or_else(
        || " The scale is uncalibrated: a proposal, not a measurement.".to_owned(),
        |n| format!(" Calibrated on {n} interviews written for this project, not on real ones: a proposal, not a measurement."),
    );
    if scores.is_empty() || missing.len() >= rubric.verdict.core_missing_limit {
        let note = format!("No verdict: {} not assessed.{doubt}", list(&missing));
        return Overall { score: None, level_reading: LevelReading::NoVerdict, note };
    }
    let mean = round_to_cents(scores.iter().sum::<f64>() / scores.len() as f64);
    let weak: Vec<&str> = dimensions
        .iter()
        .filter(|d| core.contains(&d.id) && d.score.is_some_and(|s| s < rubric.verdict.core_floor))
        .map(|d| d.title.as_str())
        .collect();
    let senior = mean >= rubric.verdict.senior_mean && weak.is_empty();
    let reading = if senior { LevelReading::Senior } else { LevelReading::BelowSenior };
    let bar = format!(
        "senior bar: mean of {:.1} or more and no core dimension under {:.0}",
        rubric.verdict.senior_mean, rubric.verdict.core_floor
    );
    let why = if senior {
        format!("Mean {mean:.2} of {} dimensions ({bar}).", scores.len())
    } else if weak.is_empty() {
        format!("Mean {mean:.2} of {} dimensions, under the bar ({bar}).", scores.len())
    } else {
        format!("Mean {mean:.2} of {} dimensions; held back by {} ({bar}).", scores.len(), list(&weak))
    };
    let absent = if missing.is_empty() { String::new() } else { format!(" Not assessed: {}.", list(&missing)) };
    Overall { score: Some(mean), level_reading: reading, note: format!("{why}{absent}{doubt}") }
}

/// Rounds to two decimals, so that a scorecard reads and compares plainly.
#[must_use]
pub fn round_to_cents(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn list(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

//! A session as a file: one file per format. Pure: values in, text out.
//!
//! Everything that a person or a model wrote is data here too: it is escaped for its format, control characters are
//! shown and not sent, and nothing in an export makes a reader fetch anything.

mod delivery;
mod html;
mod markdown;
mod notes;
pub mod redact;
mod text;

use std::collections::BTreeMap;

use crate::grading::scorecard::Confidence;
use crate::grading::{DimensionReport, Scorecard};
use crate::interview::debrief::TurnNotes;
use crate::interview::delivery::Delivery;
use crate::interview::quality::Report;
use crate::interview::session::{HintView, SessionSummary};
use crate::interview::transcript::{Speaker, Transcript};

pub use text::scorecard as scorecard_text;

/// What an export is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// Markdown, for people.
    Md,
    /// The transcript file (version 1), for programs; `offrecord grade` reads it.
    Json,
    /// One self-contained page with its own content security policy.
    Html,
}

/// An export, ready to be written or sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// `offrecord-<round>-<problem>-<first characters of the id>.<format>`; safe on every file system.
    pub file_name: String,
    /// Such as `text/markdown; charset=utf-8`.
    pub media_type: &'static str,
    /// The whole file.
    pub text: String,
}

/// What goes into an export.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Session {
    /// The history's line.
    pub summary: SessionSummary,
    /// What was said.
    pub transcript: Transcript,
    /// Hints taken.
    pub hints: Vec<HintView>,
    /// Coach's remarks by candidate turn.
    pub remarks: BTreeMap<u32, String>,
    /// Scorecards by number, oldest first; a card of another version is left out by the caller.
    pub scorecards: Vec<(u32, Scorecard)>,
    /// Only when graded.
    pub model_answer: Option<String>,
    /// The interviewer's notes; only of a finished session.
    pub interviewer_notes: Vec<TurnNotes>,
    /// How the interviewer did; only of a finished session.
    pub interviewer_report: Option<Report>,
    /// How long spoken answers took; none when nothing was spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
}

/// All sessions in one JSON file, for programs.
#[must_use]
pub fn everything(sessions: &[Session]) -> Exported {
    let text = serde_json::to_string_pretty(&serde_json::json!({"version": 1, "sessions": sessions}));
    let text = text.expect("sessions are plain JSON. This is a bug.");
    Exported { file_name: "offrecord-everything.json".into(), media_type: "application/json", text }
}

impl Session {
    /// Writes the session in a format.
    #[must_use]
    pub fn export(&self, format: ExportFormat) -> Exported {
        let (ending, media_type, text) = match format {
            ExportFormat::Md => ("md", "text/markdown; charset=utf-8", markdown::page(self)),
            ExportFormat::Json => ("json", "application/json", json(&self.transcript, self.delivery.as_ref())),
            ExportFormat::Html => ("html", "text/html; charset=utf-8", html::page(self)),
        };
        Exported { file_name: self.file_name(ending), media_type, text }
    }

    fn file_name(&self, ending: &str) -> String {
        let plain = |text: &str| -> String {
            text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(60).collect()
        };
        // The last characters: the first ones of a UUID v7 are the time, alike in sessions of one day.
        let tail: String = self.summary.id.chars().skip(self.summary.id.chars().count().saturating_sub(8)).collect();
        format!("offrecord-{}-{}-{}.{ending}", self.round(), plain(&self.summary.problem), plain(&tail))
    }

    fn round(&self) -> &'static str {
        match self.summary.round {
            crate::interview::transcript::Round::SystemDesign => "system-design",
            crate::interview::transcript::Round::Behavioural => "behavioural",
        }
    }

    /// "System design, senior level, 45 minutes", for a heading.
    fn what(&self) -> String {
        use crate::interview::transcript::{Level, Round};
        let round = match self.summary.round {
            Round::SystemDesign => "System design",
            Round::Behavioural => "Behavioural",
        };
        let level = match self.summary.level {
            Level::Senior => "senior",
            Level::Staff => "staff",
        };
        format!("{round}, {level} level, {} minutes", self.summary.minutes)
    }
}

fn json(transcript: &Transcript, delivery: Option<&Delivery>) -> String {
    #[derive(serde::Serialize)]
    struct File<'a> {
        #[serde(flatten)]
        transcript: &'a Transcript,
        #[serde(skip_serializing_if = "Option::is_none")]
        delivery: Option<&'a Delivery>,
    }
    let file = File { transcript, delivery };
    let mut text = serde_json::to_string_pretty(&file).expect("a transcript is plain JSON. This is a bug.");
    text.push('\n');
    text
}

const fn speaker(role: Speaker) -> &'static str {
    match role {
        Speaker::Interviewer => "Interviewer",
        Speaker::Candidate => "Candidate",
    }
}

/// A word on how far to trust a score.
fn doubt(dimension: &DimensionReport) -> &'static str {
    if dimension.confidence == Some(Confidence::Low) { " (low confidence)" } else { "" }
}

/// Minutes and seconds of the interview clock.
fn clock(at_ms: Option<u64>) -> String {
    at_ms.map_or_else(String::new, |ms| format!("{}:{:02}", ms / 60_000, ms / 1000 % 60))
}

/// Control characters (terminal commands among them) become visible signs; line breaks and tabs stay.
pub(crate) fn visible(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests;

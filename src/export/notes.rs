//! The interviewer's notes and how it did, as plain lines for any format: values in, words out. Nothing is escaped here.

use std::fmt::Write;

use crate::interview::debrief::{Observed, TurnNotes};
use crate::interview::quality::Report;

/// What was noted on one answer, one line a point: its name, and the text.
pub(super) fn of_turn(note: &TurnNotes) -> Vec<(&'static str, String)> {
    let mut lines = vec![("Heard", note.heard.clone())];
    let mut add = |name, text: String| {
        if !text.is_empty() {
            lines.push((name, text));
        }
    };
    add("Covered", observed(&note.covered));
    add("Looked for and not heard", note.not_heard.join("; "));
    add("Signs of trouble", observed(&note.flags));
    if let Some(found) = &note.contradiction {
        let place = if found.of_resume { "the résumé".to_owned() } else { format!("turn {}", found.earlier_seq) };
        add("Does not go together", format!("“{}” ({place}) and “{}”", found.earlier, found.now));
    }
    add("Asked next", note.asked_about.clone().unwrap_or_default());
    add("Why", note.why.clone());
    add("Held back", note.held_back.join("; "));
    add("Worded", note.worded.clone());
    add("Not judged", note.engine_trouble.clone().unwrap_or_default());
    lines
}

fn observed(all: &[Observed]) -> String {
    let one = |o: &Observed| {
        if o.quote.is_empty() { o.what.clone() } else { format!("{} (“{}”)", o.what, o.quote) }
    };
    all.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// How the interviewer did, one line a point; a point with turns names them.
pub(super) fn of_report(report: &Report) -> Vec<String> {
    let mut lines = vec![format!(
        "{} turns, {:.2} questions a turn, {} facts told, {} hints given",
        report.turns, report.questions_per_turn, report.facts, report.hints
    )];
    if let Some(share) = report.quoting {
        lines.push(format!("{:.0} % of the follow-ups quote the candidate", share * 100.0));
    }
    let faults = [
        ("more than one question", &report.double),
        ("a yes or no is enough", &report.yes_no),
        ("holds a piece of an answer", &report.leading),
        ("too long", &report.over_long),
        ("asked before", &report.repeated),
        ("praise or a verdict", &report.praise),
        ("a spare question", &report.spare),
        ("the model did not judge the answer", &report.unjudged),
    ];
    let found: Vec<_> = faults.iter().filter(|(_, turns)| !turns.is_empty()).collect();
    if found.is_empty() {
        lines.push("no turn of it fails a check".to_owned());
    }
    for (what, turns) in found {
        let turns: Vec<String> = turns.iter().map(ToString::to_string).collect();
        lines.push(format!("{what}: turn {}", turns.join(", ")));
    }
    if report.refused > 0 {
        lines.push(format!("{} wordings of the model were refused and not shown", report.refused));
    }
    for part in &report.parts {
        let mut line =
            format!("{}: {} of {} planned", part.stage.title(), minutes(part.held_s), minutes(part.planned_s));
        let _ = write!(line, ", {} questions", part.questions);
        lines.push(line);
    }
    lines
}

fn minutes(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

//! The Markdown export, for people and their notes. What was said stands in block quotes with its signs escaped.

use std::fmt::Write;

use super::{Session, clock, doubt, notes, speaker, visible};
use crate::grading::Scorecard;
use crate::grading::scorecard::{DimensionReport, Quote};

/// The whole file.
pub(super) fn page(session: &Session) -> String {
    let mut out = String::new();
    let summary = &session.summary;
    let _ = writeln!(out, "# {}\n", line(&summary.title));
    let _ = writeln!(out, "{}. Begun {}. Session {}.\n", session.what(), summary.created_at, line(&summary.id));
    for (n, card) in &session.scorecards {
        scorecard(&mut out, *n, card);
    }
    let _ = writeln!(out, "## Transcript\n");
    let drawn = crate::board::drawn(&session.transcript.turns);
    for turn in &session.transcript.turns {
        let at = clock(turn.at_ms);
        let _ = writeln!(
            out,
            "**{}** (turn {}{}{at})\n",
            speaker(turn.role),
            turn.seq,
            if at.is_empty() { "" } else { ", " }
        );
        quote(&mut out, &turn.text);
        if let Some(words) = drawn.get(&turn.seq) {
            let _ = writeln!(out, "*Whiteboard:* {}\n", line(words));
        }
        for hint in session.hints.iter().filter(|hint| hint.seq == turn.seq) {
            let _ = writeln!(
                out,
                "*Hint {} on {} ({}):* {}\n",
                hint.rung,
                line(&hint.topic),
                line(&hint.cost),
                line(&hint.text)
            );
        }
        if let Some(remark) = session.remarks.get(&turn.seq) {
            let _ = writeln!(out, "*Coach:* {}\n", line(remark));
        }
    }
    if let Some(delivery) = &session.delivery {
        let _ = writeln!(out, "## Speaking times\n\nFacts, not part of the grade.\n");
        for text in super::delivery::lines(delivery) {
            let _ = writeln!(out, "- {text}");
        }
        out.push('\n');
    }
    interviewer(&mut out, session);
    if let Some(answer) = &session.model_answer {
        // Our own content: Markdown on purpose.
        let _ = writeln!(out, "## Model answer\n\n{}", answer.trim_end());
    }
    out
}

fn interviewer(out: &mut String, session: &Session) {
    if !session.interviewer_notes.is_empty() {
        let _ = writeln!(out, "## Interviewer's notes\n");
    }
    for note in &session.interviewer_notes {
        let _ = writeln!(out, "**On turn {}**\n", note.seq);
        for (name, text) in notes::of_turn(note) {
            let _ = writeln!(out, "- {name}: {}", line(&text));
        }
        out.push('\n');
    }
    if let Some(report) = &session.interviewer_report {
        let _ = writeln!(out, "## How the interviewer did\n");
        for text in notes::of_report(report) {
            let _ = writeln!(out, "- {}", line(&text));
        }
        out.push('\n');
    }
}

fn scorecard(out: &mut String, n: u32, card: &Scorecard) {
    let score = card.overall.score.map_or_else(|| "no verdict".to_owned(), |score| format!("{score:.2} of 5"));
    let _ = writeln!(out, "## Scorecard {n}: {score}\n\n{}\n", line(&card.overall.note));
    for dimension in &card.dimensions {
        dimension_part(out, dimension);
    }
    for pair in &card.contradictions {
        let _ = writeln!(out, "Contradiction ({}):\n", line(&pair.reason));
        let _ = writeln!(out, "- {}\n- {}\n", cited(&pair.first), cited(&pair.second));
    }
    for refused in &card.refused_turns {
        let _ = writeln!(out, "Turn {} was not graded: {}\n", refused.turn, line(&refused.message));
    }
    if let Some(dispute) = &card.dispute {
        let _ = writeln!(out, "Added in a dispute:\n");
        quote(out, dispute);
    }
    let by = &card.provenance;
    let _ = writeln!(
        out,
        "Graded by {} (sha256 {}), rubric {}, prompts {}, seed {}, offrecord {}.\n",
        line(&by.model),
        line(&by.model_sha256),
        line(&by.rubric_version),
        line(&by.prompt_sha256),
        by.seed,
        line(&by.version)
    );
}

fn dimension_part(out: &mut String, dimension: &DimensionReport) {
    let score = dimension.score.map_or_else(|| "not assessed".to_owned(), |score| format!("{score:.1}"));
    let _ = writeln!(out, "### {}: {score}{}\n", line(&dimension.title), doubt(dimension));
    if let Some(reason) = &dimension.reason {
        let _ = writeln!(out, "{}\n", line(&reason.message));
    }
    for evidence in &dimension.evidence {
        let sign = match evidence.sign {
            crate::grading::scorecard::Sign::Plus => "for:",
            crate::grading::scorecard::Sign::Minus => "against:",
        };
        let _ = writeln!(out, "- {sign} {}", cited(&evidence.quote));
    }
    if !dimension.evidence.is_empty() {
        out.push('\n');
    }
    for cap in &dimension.caps {
        let _ = writeln!(out, "Rule: {} ({})\n", line(&cap.effect), line(&cap.reason));
    }
    let parts = [("Gap", &dimension.gap), ("Drill", &dimension.drill), ("Staff", &dimension.staff_note)];
    for (name, text) in parts {
        if let Some(text) = text {
            let _ = writeln!(out, "{name}: {}\n", line(text));
        }
    }
}

fn cited(quote: &Quote) -> String {
    format!("\u{201c}{}\u{201d} (turn {})", line(&quote.quote), quote.turn)
}

/// A block quote of someone's words.
fn quote(out: &mut String, text: &str) {
    for row in visible(text).lines() {
        let row = escaped(row);
        out.push_str(if row.is_empty() { ">" } else { "> " });
        out.push_str(&row);
        // Two spaces: the line break of the speaker stays one.
        out.push_str(if row.is_empty() { "\n" } else { "  \n" });
    }
    out.push('\n');
}

/// Someone's words on one line.
fn line(text: &str) -> String {
    escaped(&visible(text).split_whitespace().collect::<Vec<_>>().join(" "))
}

/// No sign of `text` is Markdown or HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let opens_block = text[..at].trim().is_empty() && matches!(c, '#' | '+' | '=' | '-' | '~' | '>');
        if opens_block || matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '!') {
            out.push('\\');
        }
        out.push(c);
    }
    // A bare address would become a link in many readers.
    out.replace("://", ":\\//").replace("www.", "www\\.")
}

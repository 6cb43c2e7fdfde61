//! A scorecard for a terminal: plain text, 80 columns.

use std::fmt::Write;

use super::{doubt, visible};
use crate::grading::Scorecard;
use crate::grading::scorecard::Sign;

/// The scorecard as lines of at most 80 characters (quotations and rules may be cut into several lines).
#[must_use]
pub fn scorecard(card: &Scorecard) -> String {
    let mut out = String::new();
    let score = card.overall.score.map_or_else(|| "no verdict".to_owned(), |score| format!("{score:.2} of 5"));
    let _ = writeln!(out, "Overall: {score}");
    wrapped(&mut out, "  ", &card.overall.note);
    for dimension in &card.dimensions {
        let score = dimension.score.map_or_else(|| "not assessed".to_owned(), |score| format!("{score:.1}"));
        let _ = writeln!(out, "\n{}: {score}{}", visible(&dimension.title), doubt(dimension));
        if let Some(reason) = &dimension.reason {
            wrapped(&mut out, "  ", &reason.message);
        }
        for evidence in &dimension.evidence {
            let sign = if evidence.sign == Sign::Plus { "+" } else { "-" };
            wrapped(&mut out, "  ", &format!("{sign} \"{}\" (turn {})", evidence.quote.quote, evidence.quote.turn));
        }
        for cap in &dimension.caps {
            wrapped(&mut out, "  ", &format!("rule: {} ({})", cap.effect, cap.reason));
        }
        for (name, text) in [("gap", &dimension.gap), ("drill", &dimension.drill), ("staff", &dimension.staff_note)] {
            if let Some(text) = text {
                wrapped(&mut out, "  ", &format!("{name}: {text}"));
            }
        }
    }
    for refused in &card.refused_turns {
        wrapped(&mut out, "", &format!("Turn {} was not graded: {}", refused.turn, refused.message));
    }
    for pair in &card.contradictions {
        let text = format!(
            "Contradiction ({}): \"{}\" (turn {}) and \"{}\" (turn {})",
            pair.reason, pair.first.quote, pair.first.turn, pair.second.quote, pair.second.turn
        );
        wrapped(&mut out, "", &text);
    }
    let by = &card.provenance;
    let digest: String = by.model_sha256.chars().take(12).collect();
    let _ =
        writeln!(out, "\nGraded by {} {digest}, rubric {}, seed {}.", visible(&by.model), by.rubric_version, by.seed);
    out
}

/// Words in lines of at most 80 characters, each with `indent`, the later ones two deeper.
fn wrapped(out: &mut String, indent: &str, text: &str) {
    let text = visible(text);
    let mut line = indent.to_owned();
    for word in text.split_whitespace() {
        if line.trim().is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= 80 {
            line.push(' ');
            line.push_str(word);
        } else {
            let _ = writeln!(out, "{line}");
            line = format!("{indent}  {word}");
        }
    }
    let _ = writeln!(out, "{line}");
}

//! A scorecard as plain text for a terminal. Control characters of quoted words are shown, not obeyed.

use std::fmt::Write as _;

use super::scorecard::{Confidence, DimensionReport, LevelReading, Scorecard, Sign};

/// The whole scorecard.
#[must_use]
pub fn text(card: &Scorecard) -> String {
    let mut out = String::new();
    let reading = match card.overall.level_reading {
        LevelReading::NoVerdict => "no verdict",
        LevelReading::BelowSenior => "below the senior bar",
        LevelReading::Senior => "at the senior bar",
    };
    match card.overall.score {
        Some(score) => line(&mut out, 0, &format!("Overall {score:.2} of 5, {reading}")),
        None => line(&mut out, 0, "Overall: no verdict"),
    }
    line(&mut out, 0, &card.overall.note);
    for dimension in &card.dimensions {
        dimension_text(&mut out, dimension);
    }
    section(&mut out, "Contradictions", &card.contradictions, |c| {
        format!("turn {} «{}» / turn {} «{}»: {}", c.first.turn, c.first.quote, c.second.turn, c.second.quote, c.reason)
    });
    section(&mut out, "Hints taken", &card.hints, |h| format!("rung {} on {}: {}", h.rung, h.topic, h.cost));
    section(&mut out, "Not graded", &card.refused_turns, |r| {
        let quote = r.quote.as_ref().map(|q| format!(" «{}»", q.quote)).unwrap_or_default();
        format!("turn {} ({}): {}{quote}", r.turn, r.code, r.message)
    });
    let p = &card.provenance;
    let calibration = if p.calibration_sha256.is_some() { "calibrated" } else { "uncalibrated" };
    out.push('\n');
    line(
        &mut out,
        0,
        &format!(
            "{} {} {} ({calibration}), rubric {}, prompts {}, seed {}, offrecord {}",
            p.model,
            p.quant,
            short(&p.model_sha256),
            p.rubric_version,
            short(&p.prompt_sha256),
            p.seed,
            p.version
        ),
    );
    out
}

fn dimension_text(out: &mut String, d: &DimensionReport) {
    out.push('\n');
    match (d.score, &d.reason) {
        (Some(score), _) => {
            let spread = d.spread.map(|s| format!(", spread {s:.2}")).unwrap_or_default();
            let doubt = if d.confidence == Some(Confidence::Low) { ", low confidence" } else { "" };
            line(out, 0, &format!("{}: {score:.2}{spread}{doubt}", d.title));
        }
        (None, Some(reason)) => line(out, 0, &format!("{}: not assessed. {}", d.title, reason.message)),
        (None, None) => line(out, 0, &format!("{}: not assessed.", d.title)),
    }
    for e in &d.evidence {
        let sign = if e.sign == Sign::Plus { '+' } else { '-' };
        line(out, 2, &format!("{sign} turn {} (anchor {}) «{}»", e.quote.turn, e.anchor, e.quote.quote));
    }
    for c in &d.caps {
        line(out, 2, &format!("Rule: {} {}", c.effect, c.reason));
    }
    if let Some(gap) = &d.gap {
        line(out, 2, gap);
    }
    if let Some(missed) = &d.anchor_missed {
        line(out, 2, &format!("Anchor {} missed: {}", missed.level, missed.text));
    }
    if let Some(drill) = &d.drill {
        line(out, 2, &format!("Drill: {drill}"));
    }
    if let Some(note) = &d.staff_note {
        line(out, 2, &format!("Staff: {note}"));
    }
}

fn section<T>(out: &mut String, title: &str, rows: &[T], show: impl Fn(&T) -> String) {
    if rows.is_empty() {
        return;
    }
    out.push('\n');
    line(out, 0, title);
    for row in rows {
        line(out, 2, &show(row));
    }
}

fn line(out: &mut String, indent: usize, text: &str) {
    let plain: String = text
        .chars()
        .map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c })
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect();
    let _ = writeln!(out, "{:indent$}{plain}", "");
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or("no hash")
}

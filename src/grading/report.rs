//! One dimension's report: from readings and caps to score, gap, drill and staff note. Pure.
//!
//! Owns the words that a scorecard says about a number. It never makes the number up: too little evidence is a reason.

use std::collections::BTreeMap;

use super::caps::{self, Cap};
use super::checklist::Item;
use super::reading;
use super::rubric::{DimensionText, Rubric};
use super::scorecard::{
    AnchorLine, Confidence, DimensionReport, Evidence, ItemReading, Reason, Sign, Status, round_to_cents,
};
use crate::interview::transcript::Round;

/// Quotations shown per dimension.
const MOST_EVIDENCE: usize = 8;

/// What a dimension's report is made of.
pub struct Findings<'a> {
    /// Its words.
    pub text: &'a DimensionText,
    /// Items of the dimension in checklist order, with the reading of each.
    pub items: Vec<(&'a Item, ItemReading)>,
    /// Usable quotations, one per place.
    pub evidence: Vec<Evidence>,
    /// The checklist's level distribution.
    pub checklist: [f64; 5],
    /// Standard deviation of its error on problems it has not seen, where it was learnt.
    pub error: Option<f64>,
    /// The model's, one per order of the anchors.
    pub models: Vec<[f64; 5]>,
    /// Rules that apply to this dimension.
    pub caps: Vec<Cap>,
    /// What a calibration may learn from, as [`super::levels::NAMES`] lists it.
    pub features: Vec<f64>,
}

/// A scored report, or one that says why not.
#[must_use]
pub fn report(rubric: &Rubric, round: Round, findings: Findings<'_>) -> DimensionReport {
    let pieces = findings.evidence.len();
    if pieces < rubric.verdict.evidence_minimum {
        let message = format!(
            "{} of the {} quotations needed were found, so there is no number.",
            if pieces == 0 { "None" } else { "Only one" },
            rubric.verdict.evidence_minimum
        );
        let reason = Reason { code: "too-little-evidence".into(), message };
        let mut report = not_assessed(rubric, round, findings.text, reason);
        report.evidence = findings.evidence;
        report.features = findings.features;
        report.caps = findings.caps.into_iter().map(|c| c.applied).collect();
        report.checklist = findings.items.into_iter().map(|(_, reading)| reading).collect();
        return report;
    }
    let applied: Vec<_> = findings.caps.iter().map(|c| c.applied.clone()).collect();
    let binding: Vec<_> = applied.iter().filter(|c| c.rule != "hint").cloned().collect();
    let read = |models: &[[f64; 5]]| caps::hold(reading::mix(&rubric.combine, &findings.checklist, models), &binding);
    let levels = read(&findings.models);
    // A bell with the level as its mean is too narrow at the ends of the scale; how sure the reading is, a plain bell tells.
    let sure = findings.error.map_or(levels, |error| {
        let mixed = reading::mix(&rubric.combine, &findings.checklist, &findings.models);
        caps::hold(reading::around(reading::expected(&mixed), error), &binding)
    });
    let singles: Vec<f64> = findings.models.iter().map(|m| reading::expected(&read(&[*m]))).collect();
    let raw: Vec<f64> = findings.models.iter().map(reading::expected).collect();
    let low = range(&raw) > rubric.verdict.low_confidence_spread || pieces == rubric.verdict.evidence_minimum;
    let (gap, missed) = gap(findings.text, &findings.items, reading::expected(&levels));
    let score = round_to_cents(reading::expected(&levels));
    let mut evidence = findings.evidence;
    evidence.sort_by(|a, b| b.strength.total_cmp(&a.strength).then(a.quote.turn.cmp(&b.quote.turn)));
    let staff = staff_note(findings.text, &evidence);
    evidence.truncate(MOST_EVIDENCE);
    DimensionReport {
        id: findings.text.id,
        title: findings.text.title.clone(),
        core: rubric.core(round).contains(&findings.text.id),
        status: Status::Scored,
        reason: None,
        score: Some(score),
        distribution: Some(distribution(sure)),
        spread: Some(round_to_cents(range(&singles))),
        confidence: Some(if low { Confidence::Low } else { Confidence::Normal }),
        evidence,
        caps: applied,
        gap: Some(gap),
        anchor_missed: Some(missed),
        drill: Some(findings.text.drills[(score.floor() as usize).clamp(1, 4) - 1].clone()),
        staff_note: Some(staff),
        checklist: findings.items.into_iter().map(|(_, reading)| reading).collect(),
        features: findings.features,
    }
}

/// A report without a number.
#[must_use]
pub fn not_assessed(rubric: &Rubric, round: Round, text: &DimensionText, reason: Reason) -> DimensionReport {
    DimensionReport {
        id: text.id,
        title: text.title.clone(),
        core: rubric.core(round).contains(&text.id),
        status: Status::NotAssessed,
        reason: Some(reason),
        score: None,
        distribution: None,
        spread: None,
        confidence: None,
        evidence: Vec::new(),
        caps: Vec::new(),
        gap: None,
        anchor_missed: None,
        drill: None,
        staff_note: None,
        checklist: Vec::new(),
        features: Vec::new(),
    }
}

/// Rounded so that a reader sees four decimals that sum to one.
fn distribution(levels: [f64; 5]) -> BTreeMap<u8, f64> {
    let mut rounded = levels.map(|p| (p * 1e4).round() / 1e4);
    let most = (0..5).max_by(|&a, &b| rounded[a].total_cmp(&rounded[b])).unwrap_or(0);
    let rest: f64 = (0..5).filter(|&k| k != most).map(|k| rounded[k]).sum();
    rounded[most] = ((1.0 - rest) * 1e4).round() / 1e4;
    (1..=5).zip(rounded).collect()
}

fn range(values: &[f64]) -> f64 {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    if values.is_empty() { 0.0 } else { top - low }
}

/// The weightiest item that is missing on the way to the next anchor, and that anchor's line.
fn gap(text: &DimensionText, items: &[(&Item, ItemReading)], expected: f64) -> (String, AnchorLine) {
    let next = (expected.floor() as usize + 1).clamp(2, 5);
    let line = AnchorLine { level: next as u8, text: text.anchors[next - 1].clone() };
    let looked_for = (next as u8).max(3);
    let missing = |anchor: u8| {
        let absent = items.iter().filter(|(i, r)| i.sign == Sign::Plus && i.anchor == anchor && r.strength < 0.5);
        absent
            .fold(None::<&Item>, |best, (i, _)| if best.is_some_and(|b| b.weight >= i.weight) { best } else { Some(i) })
    };
    let order = (looked_for..=5).chain((3..looked_for).rev());
    let item = order.into_iter().find_map(missing);
    let gap = item.map_or_else(
        || format!("Every item was touched; the words did not carry this yet: {}", line.text),
        |i| format!("Not shown: {}.", i.gap),
    );
    (gap, line)
}

fn staff_note(text: &DimensionText, evidence: &[Evidence]) -> String {
    match evidence.iter().find(|e| e.sign == Sign::Plus && e.anchor == 5) {
        Some(e) => format!(
            "Touched in turn {} («{}»). A staff answer makes it the thread: {}",
            e.quote.turn, e.quote.quote, text.staff
        ),
        None => format!("Not shown for staff: {}", text.staff),
    }
}

//! What can be read off one dimension's findings, as numbers: the features from which a calibration may learn a level.
//!
//! All of it is computed by code but the two groups that come from a model (lifts and level readings), which are "not a
//! number" when no model was asked. Pure.

use std::collections::HashSet;

use super::answering::Held;
use super::checklist::Item;
use super::delivery::Delivery;
use super::reading;
use super::scorecard::{Evidence, ItemReading, Sign};

/// The hand-made reading among them.
pub const CHECKLIST_LEVEL: usize = 5;

/// Names of [`features`], in order. Those of the candidate's words are counted in passages that answer an item, and nowhere
/// else; none is a length or a style (`benches/LOG.md`).
pub const NAMES: [&str; 33] = [
    "coverage_3",
    "coverage_4",
    "coverage_5",
    "touched",
    "against",
    "checklist_level",
    "pieces_against",
    "strength_top",
    "cap_limit",
    "log_turns_with_evidence",
    "log_items_twice",
    "specific_share",
    "unprompted_share",
    "log_most_in_a_turn",
    "log_numbers",
    "log_own_numbers",
    "log_with_unit",
    "log_own_with_unit",
    "log_specific",
    "log_conditions",
    "log_failures",
    "log_slogans",
    "question_covered",
    "log_signposts",
    "log_vague",
    "opened_with_signpost",
    "log_checks",
    "log_repairs",
    "lift_mean",
    "lift_top",
    "lift_against",
    "model_level",
    "model_spread",
];

/// The first of the features that come from a model.
pub const MODEL_FROM: usize = 28;

/// Whether more of the feature may only lower a level. The others may only raise it: what a calibration learns can then
/// never reward what is missing, and a removed answer never raises a level.
#[must_use]
pub fn speaks_against(feature: usize) -> bool {
    matches!(NAMES[feature], "against" | "pieces_against" | "log_slogans" | "log_vague" | "log_repairs")
}

/// One dimension's parts, as far as they are numbers.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// Items with their readings.
    pub items: &'a [(&'a Item, ItemReading)],
    /// Usable quotations.
    pub evidence: &'a [Evidence],
    /// What the hand-made reading says, 1 to 5.
    pub checklist_level: f64,
    /// The lowest limit of a cap, 5 without one.
    pub limit: u8,
    /// Sign and lift of each place of the dimension; empty without a model.
    pub lifts: &'a [(Sign, f64)],
    /// The model's level readings; empty without a model.
    pub models: &'a [[f64; 5]],
    /// What the passages hold that answer an item.
    pub held: Held,
    /// How it is told.
    pub told: Delivery,
}

/// The features of one dimension, as [`NAMES`] lists them.
#[must_use]
pub fn features(parts: &Parts<'_>) -> Vec<f64> {
    let plus = |anchor: Option<u8>| {
        let own =
            parts.items.iter().filter(|(i, _)| i.sign == Sign::Plus && anchor.is_none_or(|anchor| i.anchor == anchor));
        let (shown, all) = own.fold((0.0, 0.0), |(shown, all), (i, r)| {
            let strength = if r.strength >= 0.5 { r.strength } else { 0.0 };
            (shown + i.weight * strength, all + i.weight)
        });
        if all > 0.0 { shown / all } else { 0.0 }
    };
    let against: f64 = parts
        .items
        .iter()
        .filter(|(i, r)| i.sign == Sign::Minus && r.strength >= 0.5)
        .map(|(i, r)| i.weight * r.strength)
        .sum();
    let minus = parts.evidence.iter().filter(|e| e.sign == Sign::Minus).count();
    let mut strengths: Vec<f64> =
        parts.items.iter().filter(|(i, _)| i.sign == Sign::Plus).map(|(_, r)| r.strength).collect();
    strengths.sort_by(|a, b| b.total_cmp(a));
    let plus_pieces = || parts.evidence.iter().filter(|e| e.sign == Sign::Plus);
    let turns: HashSet<u32> = plus_pieces().map(|e| e.quote.turn).collect();
    let held = &parts.held;
    let mut row = vec![
        plus(Some(3)),
        plus(Some(4)),
        plus(Some(5)),
        plus(None),
        against,
        parts.checklist_level,
        minus as f64,
        mean(strengths.iter().take(4).copied()).unwrap_or(0.0),
        f64::from(parts.limit),
        log(turns.len() as f64),
        log(held.items_twice as f64),
        held.specific_share,
        held.unprompted_share,
        log(held.most_in_a_turn as f64),
        log(held.numbers.0 as f64),
        log(held.numbers.1 as f64),
        log(held.with_unit.0 as f64),
        log(held.with_unit.1 as f64),
        log(held.specific as f64),
        log(held.conditions as f64),
        log(held.failures as f64),
        log(held.slogans as f64),
        parts.told.question_covered,
        log(parts.told.signposts as f64),
        log(parts.told.vague as f64),
        parts.told.opened,
        log(parts.told.checks as f64),
        log(parts.told.repairs as f64),
    ];
    let lifts = |sign: Sign| parts.lifts.iter().filter(move |(s, _)| *s == sign).map(|(_, l)| *l);
    let mut top: Vec<f64> = lifts(Sign::Plus).collect();
    top.sort_by(|a, b| b.total_cmp(a));
    let levels: Vec<f64> = parts.models.iter().map(reading::expected).collect();
    let range =
        levels.iter().copied().fold(f64::NEG_INFINITY, f64::max) - levels.iter().copied().fold(f64::INFINITY, f64::min);
    row.extend([
        mean(lifts(Sign::Plus)).unwrap_or(f64::NAN),
        mean(top.iter().take(4).copied()).unwrap_or(f64::NAN),
        mean(lifts(Sign::Minus)).unwrap_or(f64::NAN),
        mean(levels.iter().copied()).unwrap_or(f64::NAN),
        if levels.is_empty() { f64::NAN } else { range },
    ]);
    row
}

fn log(count: f64) -> f64 {
    (1.0 + count).ln()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0usize);
    for value in values {
        sum += value;
        n += 1;
    }
    (n > 0).then(|| sum / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_name_for_each_number() {
        let parts = Parts {
            items: &[],
            evidence: &[],
            checklist_level: 1.0,
            limit: 5,
            lifts: &[],
            models: &[],
            held: Held::default(),
            told: Delivery::default(),
        };
        let row = features(&parts);
        assert_eq!(row.len(), NAMES.len());
        assert!(row[..MODEL_FROM].iter().all(|v| v.is_finite()));
        assert!(row[MODEL_FROM..].iter().all(|v| v.is_nan()), "a model that was not asked has no value");
    }
}

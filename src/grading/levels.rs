//! What can be read off one dimension's findings, as numbers: the features from which a calibration may learn a level.
//!
//! All of it is computed by code but the two groups that come from a model (lifts and level readings), which are "not a
//! number" when no model was asked. Pure.

use std::collections::HashSet;

use super::checklist::Item;
use super::cue;
use super::passage::{self, Passage};
use super::reading;
use super::refusal::Readable;
use super::scorecard::{Evidence, ItemReading, Quote, Sign};

/// The hand-made reading among them.
pub const CHECKLIST_LEVEL: usize = 5;

/// Names of [`features`], in order. None of them is a length or a style: rates of words, lengths of words, sentences and
/// turns told more of the golden interviews, but padding and gloss moved them (`benches/LOG.md`).
pub const NAMES: [&str; 23] = [
    "coverage_3",
    "coverage_4",
    "coverage_5",
    "touched",
    "against",
    "checklist_level",
    "log_pieces",
    "pieces_against",
    "strength_top",
    "cap_limit",
    "log_turns_with_evidence",
    "log_specific",
    "log_numbers_in_places",
    "log_questions",
    "log_conditions",
    "log_contrasts",
    "log_reasons",
    "log_specific_sentences",
    "lift_mean",
    "lift_top",
    "lift_against",
    "model_level",
    "model_spread",
];

/// The first of the features that come from a model.
pub const MODEL_FROM: usize = 18;

/// From here on a sentence is specific (a number with a reason, or with some length).
const SPECIFIC: f64 = 0.7;

/// How the candidate speaks over the whole interview: the same for all dimensions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spoken {
    values: [f64; 6],
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
    /// The whole interview.
    pub spoken: &'a Spoken,
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
    let specific: f64 = plus_pieces().map(|e| specific_words(&passage::spoken(&e.quote.quote))).sum();
    let mut row = vec![
        plus(Some(3)),
        plus(Some(4)),
        plus(Some(5)),
        plus(None),
        against,
        parts.checklist_level,
        log(parts.evidence.len() as f64),
        minus as f64,
        mean(strengths.iter().take(4).copied()).unwrap_or(0.0),
        f64::from(parts.limit),
        log(turns.len() as f64),
        log(specific),
    ];
    row.extend(parts.spoken.values);
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

/// Reads how the candidate speaks. Numbers count only in `places`, words that could answer an item: a number beside the
/// point is none.
#[must_use]
pub fn spoken(readable: &Readable, places: &[&Quote]) -> Spoken {
    let said = || readable.passages.iter().chain(&readable.asides);
    let words: Vec<&String> = said().flat_map(|p: &Passage| &p.words).collect();
    let count = |list: &[&str]| log(words.iter().filter(|w| list.contains(&w.as_str())).count() as f64);
    let mut distinct: Vec<&Quote> = places.to_vec();
    distinct.sort_by_key(|q| (q.turn, q.start, q.end));
    distinct.dedup_by_key(|q| (q.turn, q.start));
    let numbers: usize =
        distinct.iter().map(|q| passage::spoken(&q.quote).iter().filter(|w| cue::is_number(w)).count()).sum();
    Spoken {
        values: [
            log(numbers as f64),
            log(said().filter(|p| p.quote.quote.contains('?')).count() as f64),
            count(&["if", "unless", "until", "when", "once", "otherwise"]),
            count(&["but", "instead", "rather", "although", "however", "than", "versus", "against"]),
            count(&["because", "since", "so", "therefore", "hence"]),
            log(said().filter(|p| specific_words(&p.words) >= SPECIFIC).count() as f64),
        ],
    }
}

/// How specific words are, as places are weighed: number, reason, length.
fn specific_words(words: &[String]) -> f64 {
    super::evidence::specific(words)
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
            spoken: &Spoken::default(),
        };
        let row = features(&parts);
        assert_eq!(row.len(), NAMES.len());
        assert!(row[..MODEL_FROM].iter().all(|v| v.is_finite()));
        assert!(row[MODEL_FROM..].iter().all(|v| v.is_nan()), "a model that was not asked has no value");
    }
}

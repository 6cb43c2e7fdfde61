//! What can be read off one dimension's findings, as numbers: the features from which a calibration may learn a level.
//!
//! All of it is computed by code but the two groups that come from a model (lifts and level readings), which are "not a
//! number" when no model was asked. Pure.

use super::checklist::Item;
use super::cue;
use super::passage::{self, Passage};
use super::reading;
use super::refusal::Readable;
use super::scorecard::{Evidence, ItemReading, Sign};
use crate::interview::transcript::{Speaker, Transcript};

/// Names of [`features`], in order.
pub const NAMES: [&str; 34] = [
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
    "log_words",
    "log_turns",
    "log_words_per_turn",
    "longest_turn",
    "short_turns",
    "sentence_length",
    "numbers_per_word",
    "reasons_per_word",
    "questions_per_turn",
    "i_per_word",
    "we_per_word",
    "unsure_per_word",
    "conditions_per_word",
    "contrast_per_word",
    "variety",
    "word_length",
    "refused_turns",
    "echo",
    "other_coverage",
    "lift_mean",
    "lift_top",
    "lift_against",
    "model_level",
    "model_spread",
];

/// The first of the features that come from a model.
pub const MODEL_FROM: usize = 29;

/// How the candidate speaks over the whole interview: the same for all dimensions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spoken {
    values: [f64; 18],
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
    /// Share of the items of all other dimensions that were touched.
    pub other_coverage: f64,
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
    let mut row = vec![
        plus(Some(3)),
        plus(Some(4)),
        plus(Some(5)),
        plus(None),
        against,
        parts.checklist_level,
        (1.0 + parts.evidence.len() as f64).ln(),
        minus as f64,
        mean(strengths.iter().take(4).copied()).unwrap_or(0.0),
        f64::from(parts.limit),
    ];
    row.extend(parts.spoken.values);
    row.push(parts.other_coverage);
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

/// Reads how the candidate speaks.
#[must_use]
pub fn spoken(transcript: &Transcript, readable: &Readable) -> Spoken {
    let said: Vec<&Passage> = readable.passages.iter().chain(&readable.asides).collect();
    let turns: Vec<usize> = transcript
        .turns
        .iter()
        .filter(|t| t.role == Speaker::Candidate)
        .map(|t| said.iter().filter(|p| p.quote.turn == t.seq).map(|p| p.words.len()).sum())
        .collect();
    let words: Vec<&String> = said.iter().flat_map(|p| &p.words).collect();
    let n = words.len().max(1) as f64;
    let count = |list: &[&str]| words.iter().filter(|w| list.contains(&w.as_str())).count() as f64 / n;
    let turn_count = turns.len().max(1) as f64;
    let distinct: std::collections::HashSet<&str> = words.iter().take(400).map(|w| w.as_str()).collect();
    let questions = said.iter().filter(|p| p.quote.quote.contains('?')).count() as f64;
    let numbers = words.iter().filter(|w| cue::is_number(w)).count() as f64;
    let letters: usize = words.iter().map(|w| w.chars().count()).sum();
    let short = turns.iter().filter(|w| **w < 25).count() as f64;
    Spoken {
        values: [
            (1.0 + words.len() as f64).ln(),
            (1.0 + turns.len() as f64).ln(),
            (1.0 + words.len() as f64 / turn_count).ln(),
            (1.0 + turns.iter().copied().max().unwrap_or(0) as f64).ln(),
            short / turn_count,
            n / said.len().max(1) as f64,
            numbers / n,
            count(&["because", "since", "so", "therefore", "which", "hence"]),
            questions / turn_count,
            count(&["i", "i'd", "i'm", "i've", "i'll", "my", "me", "mine"]),
            count(&["we", "we'd", "we're", "we've", "our", "us"]),
            count(&["maybe", "perhaps", "guess", "probably", "unsure", "roughly", "think"]),
            count(&["if", "unless", "until", "when", "once", "otherwise"]),
            count(&["but", "instead", "rather", "although", "however", "than", "versus", "against"]),
            distinct.len() as f64 / words.len().clamp(1, 400) as f64,
            letters as f64 / n,
            readable.refused.len() as f64 / turn_count,
            echo(transcript),
        ],
    }
}

/// How much of what the interviewer asked comes back at the beginning of the answer: taking up the question.
fn echo(transcript: &Transcript) -> f64 {
    let content = |text: &str, most: usize| -> std::collections::HashSet<String> {
        let words = passage::words(text).into_iter().map(|w| w.text).filter(|w| w.chars().count() >= 5);
        words.take(most).map(|w| super::surface::stem(&w)).collect()
    };
    let pairs =
        transcript.turns.windows(2).filter(|w| w[0].role == Speaker::Interviewer && w[1].role == Speaker::Candidate);
    let shares = pairs.filter_map(|w| {
        let asked = content(&w[0].text, usize::MAX);
        let begun = content(&w[1].text, 25);
        (!asked.is_empty()).then(|| asked.intersection(&begun).count() as f64 / asked.len() as f64)
    });
    mean(shares).unwrap_or(0.0)
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
            other_coverage: 0.0,
        };
        let row = features(&parts);
        assert_eq!(row.len(), NAMES.len());
        assert!(row[..MODEL_FROM].iter().all(|v| v.is_finite()));
        assert!(row[MODEL_FROM..].iter().all(|v| v.is_nan()), "a model that was not asked has no value");
    }
}

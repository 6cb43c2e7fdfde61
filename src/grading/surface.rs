//! Surface features of one answer: length, and overlap with question, reference and criteria. No model, no training.
//!
//! The floor that a language model has to beat, and a part of every calibrated reading. Pure.

use std::collections::{HashMap, HashSet};

use super::cue;
use super::passage;

/// What one answer is compared with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compared<'a> {
    /// The question.
    pub question: &'a str,
    /// A full-marks answer, if there is one.
    pub reference: Option<&'a str>,
    /// Criteria, if there are some.
    pub rubric: Option<&'a str>,
    /// The answer.
    pub answer: &'a str,
}

/// Names of [`features`], in order.
pub const NAMES: [&str; 26] = [
    "log_words",
    "log_words_over_reference",
    "log_sentences",
    "reference_recall",
    "reference_precision",
    "reference_f1",
    "new_reference_recall",
    "reference_bigram_recall",
    "chrf",
    "chrf_recall",
    "sentence_recall_mean",
    "sentence_recall_max",
    "sentence_recall_min",
    "sentences_touched",
    "question_share",
    "novel_share",
    "rubric_recall",
    "number_recall",
    "foreign_numbers",
    "negation_difference",
    "word_length",
    "variety",
    "reasons",
    "rare_recall",
    "stem_order",
    "copied_question",
];

/// The features of an answer, as [`NAMES`] lists them.
#[must_use]
pub fn features(c: &Compared<'_>) -> Vec<f64> {
    let answer = Text::new(c.answer);
    let question = Text::new(c.question);
    let reference = Text::new(c.reference.unwrap_or_default());
    let rubric = Text::new(c.rubric.unwrap_or_default());
    let (recall, precision) = (covered(&reference.stems, &answer.set), covered(&answer.stems, &reference.set));
    let fresh: Vec<String> = reference.stems.iter().filter(|s| !question.set.contains(*s)).cloned().collect();
    let sentences = reference_points(c.reference.unwrap_or_default());
    let recalls: Vec<f64> = sentences.iter().map(|s| covered(&Text::new(s).stems, &answer.set)).collect();
    let touched = recalls.iter().filter(|r| **r >= 0.5).count() as f64 / recalls.len().max(1) as f64;
    let novel = answer.stems.iter().filter(|s| !reference.set.contains(*s) && !question.set.contains(*s)).count();
    let rare: Vec<String> = fresh.iter().filter(|s| s.chars().count() >= 7).cloned().collect();
    let (chrf, chrf_recall) = chrf(c.answer, c.reference.unwrap_or_default());
    let ratio = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    vec![
        ln(answer.words.len()),
        ln(answer.words.len()) - ln(reference.words.len()),
        ln(passage::passages(0, c.answer).len()),
        recall,
        precision,
        harmonic(recall, precision),
        covered(&fresh, &answer.set),
        covered(&reference.bigrams(), &answer.bigrams().into_iter().collect()),
        chrf,
        chrf_recall,
        recalls.iter().sum::<f64>() / recalls.len().max(1) as f64,
        recalls.iter().copied().fold(0.0, f64::max),
        recalls.iter().copied().fold(1.0, f64::min),
        touched,
        ratio(answer.stems.iter().filter(|s| question.set.contains(*s)).count(), answer.stems.len()),
        ratio(novel, answer.stems.len()),
        covered(&rubric.stems, &answer.set),
        covered(&reference.numbers(), &answer.numbers().into_iter().collect()),
        ln(answer
            .numbers()
            .iter()
            .filter(|n| !reference.numbers().contains(n) && !question.numbers().contains(n))
            .count()),
        (answer.negations() - reference.negations()).abs(),
        answer.words.iter().map(|w| w.chars().count()).sum::<usize>() as f64 / answer.words.len().max(1) as f64,
        ratio(answer.set.len(), answer.stems.len()),
        ln(answer.words.iter().filter(|w| REASONS.contains(&w.as_str())).count()),
        covered(&rare, &answer.set),
        in_order(&fresh, &answer.stems),
        covered(&answer.bigrams(), &question.bigrams().into_iter().collect()),
    ]
}

const REASONS: [&str; 14] = [
    "because",
    "since",
    "therefore",
    "thus",
    "hence",
    "so",
    "if",
    "then",
    "when",
    "while",
    "whereas",
    "which",
    "due",
    "otherwise",
];

/// The sentences of a reference that say something: at least three content words.
#[must_use]
pub fn reference_points(reference: &str) -> Vec<String> {
    passage::passages(0, reference)
        .into_iter()
        .map(|p| p.quote.quote)
        .filter(|s| Text::new(s).stems.len() >= 3)
        .collect()
}

/// Share of a point's words of content that the answer has, by their length.
#[must_use]
pub fn touched(point: &str, answer: &str) -> f64 {
    covered(&Text::new(point).stems, &Text::new(answer).set)
}

struct Text {
    words: Vec<String>,
    stems: Vec<String>,
    set: HashSet<String>,
}

impl Text {
    fn new(text: &str) -> Self {
        let words: Vec<String> = passage::words(text).into_iter().map(|w| w.text).collect();
        let stems: Vec<String> = words.iter().filter(|w| !STOP.contains(&w.as_str())).map(|w| stem(w)).collect();
        let set = stems.iter().cloned().collect();
        Self { words, stems, set }
    }

    fn bigrams(&self) -> Vec<String> {
        self.stems.windows(2).map(|w| format!("{} {}", w[0], w[1])).collect()
    }

    fn numbers(&self) -> Vec<String> {
        self.words.iter().filter(|w| cue::is_number(w)).cloned().collect()
    }

    fn negations(&self) -> f64 {
        let is = |w: &&String| {
            w.ends_with("n't") || matches!(w.as_str(), "not" | "no" | "never" | "without" | "cannot" | "none")
        };
        self.words.iter().filter(is).count() as f64 / (self.words.len().max(1) as f64).sqrt()
    }
}

/// Share of `wanted` that is in `have`, by weight: long words say more than short ones.
fn covered(wanted: &[String], have: &HashSet<String>) -> f64 {
    let distinct: HashSet<&String> = wanted.iter().collect();
    let weight = |s: &str| (s.chars().count() as f64).min(10.0);
    let all: f64 = distinct.iter().map(|s| weight(s)).sum();
    let hit: f64 = distinct.iter().filter(|s| have.contains(s.as_str())).map(|s| weight(s)).sum();
    if all > 0.0 { hit / all } else { 0.0 }
}

/// Longest run of the reference's new words that come in the same order, as a share of them.
fn in_order(wanted: &[String], have: &[String]) -> f64 {
    if wanted.is_empty() {
        return 0.0;
    }
    let mut row = vec![0usize; have.len() + 1];
    for w in wanted {
        let mut diagonal = 0;
        for (j, h) in have.iter().enumerate() {
            let up = row[j + 1];
            row[j + 1] = if w == h { diagonal + 1 } else { up.max(row[j]) };
            diagonal = up;
        }
    }
    row.last().copied().unwrap_or(0) as f64 / wanted.len() as f64
}

/// Character n-gram F2 and recall (n = 3 to 5), after Popović's chrF.
fn chrf(answer: &str, reference: &str) -> (f64, f64) {
    let plain = |t: &str| -> Vec<char> {
        let spaced: String = t.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
        spaced.split_whitespace().collect::<Vec<_>>().join(" ").chars().collect()
    };
    let (a, r) = (plain(answer), plain(reference));
    let (mut f_sum, mut recall_sum) = (0.0, 0.0);
    for n in 3..=5 {
        let (ca, cr) = (grams(&a, n), grams(&r, n));
        let common: usize = cr.iter().map(|(g, k)| ca.get(g).copied().unwrap_or(0).min(*k)).sum();
        let recall = common as f64 / cr.values().sum::<usize>().max(1) as f64;
        let precision = common as f64 / ca.values().sum::<usize>().max(1) as f64;
        let f = 5.0 * precision * recall / (4.0 * precision + recall).max(1e-12);
        f_sum += f / 3.0;
        recall_sum += recall / 3.0;
    }
    (f_sum, recall_sum)
}

fn grams(text: &[char], n: usize) -> HashMap<&[char], usize> {
    let mut counts = HashMap::new();
    for gram in text.windows(n) {
        *counts.entry(gram).or_insert(0) += 1;
    }
    counts
}

fn harmonic(a: f64, b: f64) -> f64 {
    if a + b > 0.0 { 2.0 * a * b / (a + b) } else { 0.0 }
}

fn ln(count: usize) -> f64 {
    (1.0 + count as f64).ln()
}

/// A plain English stem: enough to match "retransmits" with "retransmission".
#[must_use]
pub fn stem(word: &str) -> String {
    let mut s = word;
    for ending in
        ["'s", "ations", "ation", "ings", "ing", "edly", "ies", "ied", "ers", "er", "ed", "es", "ly", "s", "e"]
    {
        if let Some(cut) = s.strip_suffix(ending).filter(|c| c.chars().count() >= 4) {
            s = cut;
            break;
        }
    }
    s.to_owned()
}

const STOP: [&str; 96] = [
    "the", "a", "an", "and", "or", "of", "to", "in", "is", "are", "was", "were", "be", "been", "it", "its", "that",
    "this", "these", "those", "we", "i", "you", "they", "he", "she", "for", "on", "with", "as", "at", "by", "from",
    "so", "but", "not", "have", "has", "had", "would", "can", "could", "will", "shall", "should", "may", "might", "if",
    "then", "than", "because", "my", "our", "your", "their", "there", "here", "do", "does", "did", "done", "what",
    "how", "which", "who", "when", "where", "why", "no", "yes", "all", "any", "each", "just", "about", "into", "over",
    "under", "per", "also", "such", "only", "other", "more", "most", "some", "very", "one", "up", "out", "them", "us",
    "being", "between", "through", "during",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_have_names_and_move_with_the_answer() {
        let reference = "The receiver sends an acknowledgement. The sender retransmits after a timeout of 2 seconds.";
        let at = |answer, name| {
            let compared = Compared { question: "How does it work?", reference: Some(reference), rubric: None, answer };
            let values = features(&compared);
            assert_eq!(values.len(), NAMES.len());
            assert!(values.iter().all(|v| v.is_finite()));
            values[NAMES.iter().position(|n| *n == name).expect("a name")]
        };
        let good = "A receiver acknowledges, and after a timeout the sender will retransmit.";
        let poor = "It works by magic and by the wires.";
        for name in ["reference_recall", "chrf", "sentence_recall_mean", "new_reference_recall", "rare_recall"] {
            assert!(at(good, name) > at(poor, name), "{name}");
        }
        assert!(at(poor, "novel_share") > at(good, "novel_share"));
        assert!(at("", "log_words").abs() < 1e-12);
        assert!(at("How does it work?", "copied_question") <= 1.0);
    }

    #[test]
    fn a_reference_is_cut_into_points() {
        let points =
            reference_points("Yes. The window halves after a loss event. It grows by one segment per round trip.");
        assert_eq!(points.len(), 2);
    }
}

//! What an answer holds for one item, as named numbers: cues, likeness to what the content says of the item, what was
//! asked, and the way people speak when they tell it. Weighed together (`prompts/interviewer/coverage.toml`), fitted on
//! labelled transcripts. Pure text.

pub mod design;
pub mod story;

use std::collections::BTreeSet;

use super::lexicon::{self, Word};

/// Numbers by name; what is not there is 0.
pub type Evidence = Vec<(String, f32)>;

/// One answer and what came before it.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The answer's words.
    pub words: &'a [Word],
    /// The same without the candidate's own questions.
    pub statements: &'a [Word],
    /// What it answers.
    pub question: &'a str,
    /// Earlier answers of the interview, or of the story in a behavioural round; oldest first.
    pub before: &'a [&'a str],
    /// The part of the interview that is over, 0 to 1.
    pub part: f32,
    /// The slot that was asked about, where that is known and need not be read from the question; else empty.
    pub slot: &'a str,
}

impl Told<'_> {
    /// The end of the question, where it asks: two sentences, or one of the long opening.
    fn asks(&self) -> Vec<Word> {
        let words = lexicon::words(self.question);
        let sentences: Vec<&[Word]> = words.split_inclusive(|w| w.ends_sentence).collect();
        let last = if self.before.is_empty() { 1 } else { 2 };
        sentences[sentences.len().saturating_sub(last)..].concat()
    }
}

/// What cues say: one is found, more are, how long the longest is, and how many words of cues stand in one sentence.
fn by_cues(words: &[Word], cues: &[String]) -> [(&'static str, f32); 4] {
    let hits: Vec<&String> = cues.iter().filter(|cue| lexicon::find(words, cue).is_some()).collect();
    let long = hits.iter().map(|cue| cue.split([' ', '-']).filter(|p| p.len() > 2).count()).max().unwrap_or(0);
    let vocabulary: BTreeSet<String> = cues
        .iter()
        .flat_map(|cue| cue.split([' ', '-']))
        .map(|w| w.trim_end_matches('*'))
        .filter(|w| w.len() >= 4)
        .map(|w| lexicon::stem(w).to_owned())
        .collect();
    let together = words
        .split_inclusive(|w| w.ends_sentence)
        .map(|sentence| {
            stems(sentence).iter().collect::<BTreeSet<_>>().intersection(&vocabulary.iter().collect()).count()
        })
        .max()
        .unwrap_or(0);
    [
        ("cue", f32::from(u8::from(!hits.is_empty()))),
        ("more-cues", (hits.len().saturating_sub(1) as f32).min(3.0) / 3.0),
        ("long-cue", (long as f32).min(4.0) / 4.0),
        ("vocabulary", (together as f32).min(4.0) / 4.0),
    ]
}

fn length(words: &[Word]) -> f32 {
    (1.0 + words.len() as f32).ln() / 6.0
}

/// Words that stand in every question of a checklist.
const COMMON: [&str; 24] = [
    "did", "candidat", "ask", "stat", "say", "nam", "giv", "explain", "work", "which", "what", "when", "with", "from",
    "that", "this", "their", "there", "about", "they", "have", "than", "them", "each",
];

/// The telling words, in order, without their commonest endings.
fn stems(words: &[Word]) -> Vec<String> {
    words
        .iter()
        .filter(|w| w.text.chars().count() >= 4 && !lexicon::is_number(&w.text))
        .map(|w| lexicon::stem(&w.text).to_owned())
        .filter(|s| !COMMON.contains(&s.as_str()))
        .collect()
}

/// How far each number lies above the others, in thirds of their spread.
fn above_others(all: &[f32]) -> Vec<f32> {
    let n = all.len().max(1) as f32;
    let mean = all.iter().sum::<f32>() / n;
    let spread = (all.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n).sqrt() + 1e-6;
    all.iter().map(|x| (x - mean) / spread / 3.0).collect()
}

/// 1 for the greatest, 1/2 for the next, and so on.
fn order(all: &[f32]) -> Vec<f32> {
    all.iter()
        .enumerate()
        .map(|(at, x)| {
            let ahead = all.iter().enumerate().filter(|(o, y)| *y > x || (*y == x && *o < at)).count();
            1.0 / (1.0 + ahead as f32)
        })
        .collect()
}

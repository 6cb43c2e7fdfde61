//! What an answer holds for one item, as numbers: cues, and the words that answer and item share. They are weighed
//! together (`prompts/interviewer/coverage.toml`), fitted on labelled transcripts. Pure text.

use std::collections::{BTreeMap, BTreeSet};

use super::lexicon::{self, Word};

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// The yes/no question.
    pub ask: &'a str,
    /// Phrases that make it likely.
    pub cues: &'a [String],
}

/// How many numbers describe one item of one answer.
pub const FEATURES: usize = 8;
/// Their names, in order.
pub const NAMES: [&str; FEATURES] =
    ["cue", "more-cues", "long-cue", "shared-answer", "shared-sentence", "vocabulary", "asked", "length"];

/// How telling a word is among the items of one problem: rare among their questions = telling.
pub struct Telling {
    of: BTreeMap<String, f32>,
    unknown: f32,
}

impl Telling {
    /// Reads the items of a problem or a story.
    #[must_use]
    pub fn read<'a>(asks: impl IntoIterator<Item = &'a str>) -> Self {
        let mut with: BTreeMap<String, usize> = BTreeMap::new();
        let mut all = 0;
        for ask in asks {
            all += 1;
            for stem in stems(&lexicon::words(ask)) {
                *with.entry(stem).or_default() += 1;
            }
        }
        let all = (all.max(1)) as f32;
        let of = with.into_iter().map(|(stem, n)| (stem, (1.0 + all / n as f32).ln())).collect();
        Self { of, unknown: (1.0 + all).ln() }
    }

    fn weight(&self, stem: &str) -> f32 {
        self.of.get(stem).copied().unwrap_or(self.unknown)
    }

    fn sum<'a>(&self, stems: impl IntoIterator<Item = &'a String>) -> f32 {
        stems.into_iter().map(|s| self.weight(s)).sum()
    }

    fn shared(&self, wanted: &BTreeSet<String>, has: &BTreeSet<String>) -> f32 {
        let all = self.sum(wanted);
        if all == 0.0 { 0.0 } else { self.sum(wanted.intersection(has)) / all }
    }
}

/// Words that stand in every question of a checklist.
const COMMON: [&str; 24] = [
    "did", "candidat", "ask", "stat", "say", "nam", "giv", "explain", "work", "which", "what", "when", "with", "from",
    "that", "this", "their", "there", "about", "they", "have", "than", "them", "each",
];

fn stems(words: &[Word]) -> BTreeSet<String> {
    words
        .iter()
        .filter(|w| w.text.chars().count() >= 4 && !lexicon::is_number(&w.text))
        .map(|w| lexicon::stem(&w.text).to_owned())
        .filter(|s| !COMMON.contains(&s.as_str()))
        .collect()
}

/// The numbers of one item. `words` are those that count (the whole answer, or without the candidate's own questions).
#[must_use]
pub fn features(telling: &Telling, sought: Sought<'_>, question: &str, words: &[Word]) -> [f32; FEATURES] {
    let hits: Vec<&String> = sought.cues.iter().filter(|cue| lexicon::find(words, cue).is_some()).collect();
    let long = hits.iter().map(|cue| cue.split([' ', '-']).filter(|p| p.len() > 2).count()).max().unwrap_or(0);
    let ask = stems(&lexicon::words(sought.ask));
    let vocabulary: BTreeSet<String> = sought
        .cues
        .iter()
        .flat_map(|cue| cue.split([' ', '-']))
        .map(|w| w.trim_end_matches('*'))
        .filter(|w| w.len() >= 4)
        .map(|w| lexicon::stem(w).to_owned())
        .collect();
    let answer = stems(words);
    let (mut in_sentence, mut of_vocabulary) = (0.0_f32, 0.0_f32);
    for sentence in words.split_inclusive(|w| w.ends_sentence) {
        let here = stems(sentence);
        in_sentence = in_sentence.max(telling.shared(&ask, &here));
        of_vocabulary = of_vocabulary.max(vocabulary.intersection(&here).count() as f32);
    }
    let asked = telling.shared(&ask, &stems(&lexicon::words(question)));
    [
        f32::from(u8::from(!hits.is_empty())),
        (hits.len().saturating_sub(1) as f32).min(3.0) / 3.0,
        (long as f32).min(4.0) / 4.0,
        telling.shared(&ask, &answer),
        in_sentence,
        of_vocabulary.min(4.0) / 4.0,
        asked,
        (1.0 + words.len() as f32).ln() / 6.0,
    ]
}

/// Where the answer speaks of it most: the first shared word of the sentence that shares most; none when nothing does.
#[must_use]
pub fn place(telling: &Telling, ask: &str, words: &[Word]) -> Option<lexicon::Hit> {
    let ask = stems(&lexicon::words(ask));
    let mut from = 0;
    let mut best: Option<(f32, usize)> = None;
    for sentence in words.split_inclusive(|w| w.ends_sentence) {
        let shared = telling.shared(&ask, &stems(sentence));
        let first = sentence.iter().position(|w| ask.contains(lexicon::stem(&w.text)));
        if let Some(first) = first.filter(|_| best.is_none_or(|(b, _)| shared > b)) {
            best = Some((shared, from + first));
        }
        from += sentence.len();
    }
    best.map(|(_, at)| at..at + 1)
}

/// How far an answer is from the planned place of a part, 0 to 1, and how late: `part` of the interview that is over,
/// and the part's number among the ten phases.
#[must_use]
pub fn distance(part: f32, phase: u8) -> [(&'static str, f32); 2] {
    let late = part - middle(phase);
    [("place", late.abs()), ("late", late)]
}

/// The planned place of a phase, 0 to 1.
#[must_use]
pub fn middle(phase: u8) -> f32 {
    f32::from(phase) / 9.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_words_are_seen_without_a_cue() {
        let asks = ["Did the candidate say by which key rows are spread?", "Did the candidate name a first alarm?"];
        let telling = Telling::read(asks);
        let words = lexicon::words("Hello there. I would spread rows over machines by a key of the tenant.");
        let cues = ["partition*".to_owned()];
        let of = |ask| features(&telling, Sought { ask, cues: &cues }, "What is the key?", &words);
        let (about, other) = (of(asks[0]), of(asks[1]));
        assert!(about[3] > 0.5 && other[3] == 0.0, "{about:?} {other:?}");
        assert_eq!((about[0], other[0]), (0.0, 0.0));
        let at = place(&telling, asks[0], &words).expect("a place");
        assert_eq!(words[at.start].text, "spread");
        assert_eq!(place(&telling, asks[1], &words), None);
    }

    #[test]
    fn nothing_is_no_trouble() {
        let telling = Telling::read([]);
        assert_eq!(features(&telling, Sought { ask: "", cues: &[] }, "", &[]), [0.0; FEATURES]);
        assert_eq!(place(&telling, "", &[]), None);
    }
}

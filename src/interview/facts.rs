//! Matches what a candidate asks to the lines of the fact sheet. Nothing else is ever told.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::lexicon;
use crate::content::Fact;

/// How much of a phrase's weight a question must share with it.
const ENOUGH: f32 = 0.5;
/// Most facts told in one turn.
pub const MOST: usize = 4;

/// What a candidate asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Fact ids, in the order of asking.
    pub facts: Vec<String>,
    /// Questions that no fact answers (byte ranges of the answer).
    pub open: Vec<Range<usize>>,
    /// Questions in all.
    pub questions: usize,
}

/// The candidate's questions: sentences that end with a question mark or begin like a question.
#[must_use]
pub fn questions(text: &str) -> Vec<Range<usize>> {
    lexicon::sentences(text).into_iter().filter(|range| is_question(&text[range.clone()])).collect()
}

fn is_question(sentence: &str) -> bool {
    const STARTS: &[&str] = &[
        "what is",
        "what are",
        "what's",
        "how many",
        "how much",
        "how large",
        "how big",
        "how often",
        "how fast",
        "how long",
        "do we",
        "does the",
        "do they",
        "do the",
        "is there",
        "are there",
        "is the",
        "are the",
        "is it",
        "can we",
        "can a",
        "which",
        "who",
        "should we",
        "should i",
        "may i",
        "can i assume",
        "i'd like to know",
        "i would like to know",
        "i'd want to know",
        "i want to know",
        "i'd ask",
        "i would ask",
        "tell me",
    ];
    if sentence.ends_with('?') {
        return true;
    }
    let lower = sentence.to_lowercase();
    sentence.len() < 200 && STARTS.iter().any(|s| lower.starts_with(s))
}

/// Matches every question of `text` to the sheet. Words of the brief ("orders") tell little: everything is about them.
#[must_use]
pub fn asked(text: &str, sheet: &[Fact], brief: &str) -> Asked {
    let weights = Weights::of(sheet, brief);
    let mut found = Asked::default();
    for range in questions(text) {
        found.questions += 1;
        // "How many users, and how fast must it be?" asks twice.
        let parts = parts(text, &range);
        let mut answered = false;
        for part in parts {
            if let Some(fact) = weights.best(&text[part], sheet) {
                answered = true;
                if !found.facts.contains(&fact.id) && found.facts.len() < MOST {
                    found.facts.push(fact.id.clone());
                }
            }
        }
        if !answered {
            found.open.push(range);
        }
    }
    found
}

fn parts(text: &str, range: &Range<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = range.start;
    for (at, piece) in text[range.clone()].match_indices([',', ';']) {
        let end = range.start + at;
        if text[start..end].split_whitespace().count() >= 2 {
            parts.push(start..end);
            start = end + piece.len();
        }
    }
    parts.push(start..range.end);
    let mut split = Vec::new();
    for part in parts {
        let mut start = part.start;
        for (at, _) in text[part.clone()].match_indices(" and ") {
            let end = part.start + at;
            if text[start..end].split_whitespace().count() >= 2 {
                split.push(start..end);
                start = end + 5;
            }
        }
        split.push(start..part.end);
    }
    if split.len() > 1 {
        split.push(range.clone());
    }
    split
}

/// Words that say nothing about what is asked.
const SMALL: &[&str] = &[
    "a", "an", "and", "any", "are", "as", "at", "be", "by", "can", "could", "do", "does", "for", "from", "have", "how",
    "i", "if", "in", "is", "it", "know", "like", "may", "me", "my", "of", "on", "or", "our", "should", "tell", "that",
    "the", "there", "they", "this", "to", "us", "want", "we", "what", "which", "who", "will", "with", "would", "you",
    "your", "also", "about", "many", "much", "so", "than", "then", "those", "these", "when", "where", "need", "must",
    "expect", "expected", "assume", "ask", "first", "let", "okay", "ok", "thanks", "please", "its", "their", "them",
    "some", "kind", "per", "see",
];

/// Stands for "how many", "how much", "how large".
const QUANTITY: &str = "#quantity";
/// A phrase weighs at least this much: one common word alone is no match.
const LEAST: f32 = 0.8;

fn content(text: &str) -> BTreeSet<String> {
    let words = lexicon::words(text);
    let mut found: BTreeSet<String> =
        words.iter().filter(|w| !SMALL.contains(&w.text.as_str())).map(|w| lexicon::stem(&w.text).to_owned()).collect();
    let asks_quantity = words.windows(2).any(|p| {
        (p[0].text == "how" && matches!(p[1].text.as_str(), "many" | "much" | "large" | "big"))
            || (p[0].text == "number" && p[1].text == "of")
    });
    if asks_quantity {
        found.insert(QUANTITY.to_owned());
    }
    found
}

/// How telling each word is on this sheet: rare among the facts = telling.
struct Weights(BTreeMap<String, f32>);

impl Weights {
    fn of(sheet: &[Fact], brief: &str) -> Self {
        let everywhere = content(brief);
        let mut facts_with: BTreeMap<String, usize> = BTreeMap::new();
        for fact in sheet {
            let words: BTreeSet<String> = fact.asked_as.iter().flat_map(|a| content(a)).collect();
            for word in words {
                *facts_with.entry(word).or_default() += 1;
            }
        }
        let all = sheet.len().max(1) as f32;
        let weight = |word: &str, n: usize| match word {
            QUANTITY => 0.35,
            _ if everywhere.contains(word) => 0.4 * (1.0 + all / n as f32).ln(),
            _ => (1.0 + all / n as f32).ln(),
        };
        Self(facts_with.into_iter().map(|(word, n)| (word.clone(), weight(&word, n))).collect())
    }

    fn sum<'a>(&self, words: impl Iterator<Item = &'a String>) -> f32 {
        words.map(|w| self.0.get(w).copied().unwrap_or(0.0)).sum()
    }

    /// The fact whose phrase the question shares most of.
    fn best<'a>(&self, question: &str, sheet: &'a [Fact]) -> Option<&'a Fact> {
        let asked = content(question);
        let score = |fact: &Fact| {
            let of_phrase = |phrase: &String| {
                let phrase = content(phrase);
                if !phrase.is_empty() && phrase == asked {
                    return 1.0;
                }
                let all = self.sum(phrase.iter()).max(LEAST);
                // A question much longer than the phrase is less about it.
                let shared = self.sum(phrase.intersection(&asked));
                let known = self.sum(asked.iter()).max(0.01);
                shared / all * (0.7 + 0.3 * shared / known)
            };
            fact.asked_as.iter().map(of_phrase).fold(0.0, f32::max)
        };
        sheet
            .iter()
            .map(|fact| (score(fact), fact))
            .filter(|(score, _)| *score >= ENOUGH)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, fact)| fact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(id: &str, asked_as: &[&str]) -> Fact {
        Fact {
            id: id.into(),
            topic: "scale".into(),
            asked_as: asked_as.iter().map(|s| (*s).to_owned()).collect(),
            says: String::new(),
        }
    }

    fn check(text: &str, expect: &[&str], open: usize) {
        let sheet = [
            fact("rate", &["how many events per second", "peak load", "requests per second", "traffic"]),
            fact("latency", &["how fast must it be", "latency", "how soon must an event arrive"]),
            fact("order", &["does order matter", "ordering of events", "in order"]),
            fact("team", &["how large is the team", "how many engineers", "who runs it"]),
        ];
        let found = asked(text, &sheet, "");
        assert_eq!((found.facts, found.open.len()), (expect.iter().map(|s| (*s).to_owned()).collect(), open), "{text}");
    }

    #[test]
    fn questions_meet_facts() {
        check("How many events a second do we have at peak?", &["rate"], 0);
        check("What latency is acceptable?", &["latency"], 0);
        check("Does the order of events matter, and how many engineers do we have?", &["order", "team"], 0);
        check("What is the expected traffic and the latency?", &["rate", "latency"], 0);
        check("What colour should the logo be?", &[], 1);
        check("I would put it on a queue.", &[], 0);
    }

    #[test]
    fn nothing_is_asked_by_nothing() {
        check("", &[], 0);
        check("???", &[], 0);
    }
}

//! Finds a short piece of the candidate's own words to hang a question on. Verbatim, clean, between two borders of a
//! phrase; or nothing, when nothing reads well.

use std::ops::Range;

use super::lexicon::{self, Hit, Word};

const LEAST: usize = 2;
const MOST: usize = 8;

/// Words that a quotation must not begin or end with.
const EDGES: &[&str] = &[
    "a",
    "about",
    "actually",
    "also",
    "although",
    "am",
    "an",
    "and",
    "another",
    "any",
    "are",
    "as",
    "at",
    "basically",
    "be",
    "because",
    "been",
    "being",
    "but",
    "by",
    "can",
    "could",
    "did",
    "do",
    "does",
    "each",
    "either",
    "every",
    "for",
    "from",
    "had",
    "has",
    "have",
    "he",
    "here",
    "how",
    "i",
    "i'd",
    "i'll",
    "i'm",
    "i've",
    "if",
    "in",
    "into",
    "is",
    "it",
    "it's",
    "its",
    "just",
    "kind",
    "let",
    "let's",
    "like",
    "may",
    "maybe",
    "me",
    "might",
    "my",
    "of",
    "ok",
    "okay",
    "on",
    "one",
    "only",
    "or",
    "our",
    "perhaps",
    "probably",
    "quite",
    "really",
    "she",
    "should",
    "so",
    "some",
    "sort",
    "such",
    "than",
    "that",
    "that's",
    "the",
    "their",
    "them",
    "then",
    "there",
    "there's",
    "these",
    "they",
    "this",
    "those",
    "to",
    "too",
    "us",
    "very",
    "was",
    "we",
    "we'd",
    "we'll",
    "we're",
    "we've",
    "well",
    "were",
    "what",
    "when",
    "where",
    "which",
    "while",
    "who",
    "why",
    "will",
    "with",
    "would",
    "yes",
    "you",
    "your",
    "would",
    "want",
    "going",
    "go",
    "get",
    "use",
    "put",
    "think",
    "say",
    "need",
    "first",
    "second",
    "finally",
    "both",
    "not",
    "no",
];

/// The best piece around a cue that was found.
#[must_use]
pub fn around(text: &str, words: &[Word], hit: &Hit) -> Option<String> {
    let clause = clause(words, hit.start);
    let mut from = hit.start;
    let mut to = hit.end.min(clause.end.max(hit.end));
    // Grow to the left over describing words, then to the right, until an edge word or the limit.
    while from > clause.start && to - from < MOST - 2 && !is_edge(&words[from - 1]) {
        from -= 1;
    }
    while to < clause.end && to - from < MOST && (to - from < 4 || !is_edge(&words[to])) {
        to += 1;
    }
    clean(text, words, from..to)
}

/// The most telling piece of an answer without a cue: the clause with the densest content.
#[must_use]
pub fn telling(text: &str, words: &[Word]) -> Option<String> {
    let mut best: Option<(f32, String)> = None;
    let mut at = 0;
    while at < words.len() {
        let clause = clause(words, at);
        at = clause.end.max(at + 1);
        for window in windows(&clause) {
            let Some(piece) = clean(text, words, window.clone()) else { continue };
            let inner = &words[window];
            let telling: f32 = inner.iter().map(weight).sum();
            let score = telling / (inner.len() as f32).sqrt();
            if best.as_ref().is_none_or(|(b, _)| score > *b) {
                best = Some((score, piece));
            }
        }
    }
    best.filter(|(score, _)| *score >= 2.0).map(|(_, piece)| piece)
}

fn windows(clause: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
    let clause = clause.clone();
    clause.clone().flat_map(move |from| (from + LEAST..=(from + MOST).min(clause.end)).map(move |to| from..to))
}

/// How much a word tells: numbers and long words much, small words nothing.
fn weight(word: &Word) -> f32 {
    let length = word.text.chars().count();
    if word.text.starts_with(|c: char| c.is_ascii_digit()) {
        2.5
    } else if is_edge(word) || length < 4 {
        0.0
    } else {
        (length as f32 / 4.0).min(2.2)
    }
}

fn clause(words: &[Word], at: usize) -> Range<usize> {
    let start = words[..at].iter().rposition(|w| w.ends_clause).map_or(0, |p| p + 1);
    let end = words[at..].iter().position(|w| w.ends_clause).map_or(words.len(), |p| at + p + 1);
    start..end
}

fn is_edge(word: &Word) -> bool {
    EDGES.contains(&word.text.as_str())
}

/// Trims edge words, checks the length and that the piece is plain text.
fn clean(text: &str, words: &[Word], range: Range<usize>) -> Option<String> {
    let mut range = range;
    while range.len() > 1 && is_edge(&words[range.start]) {
        range.start += 1;
    }
    while range.len() > 1 && is_edge(&words[range.end - 1]) {
        range.end -= 1;
    }
    if range.len() < LEAST || range.len() > MOST + 2 {
        return None;
    }
    let piece = &text[words[range.start].range.start..words[range.end - 1].range.end];
    let plain = piece.len() <= 80
        && piece.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '\'' | '’' | '/' | ',' | '.' | '%'))
        && piece.chars().filter(|c| c.is_alphabetic()).count() >= 6
        && lexicon::sentences(piece).len() == 1;
    plain.then(|| piece.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_cue(text: &str, cue: &str, expect: Option<&str>) {
        let words = lexicon::words(text);
        let hit = lexicon::find(&words, cue).unwrap_or_else(|| panic!("{cue:?} is not in {text:?}"));
        assert_eq!(around(text, &words, &hit).as_deref(), expect);
    }

    #[test]
    fn a_cue_is_quoted_with_its_phrase() {
        check_cue(
            "So I would put each delivery on a durable queue, and then workers take it.",
            "durable queue",
            None.or(Some("durable queue")),
        );
        check_cue("We would shard it by customer id and be done.", "shard", Some("shard it by customer id"));
        check_cue(
            "then we retry with exponential backoff and jitter, up to a day",
            "backoff",
            Some("exponential backoff and jitter"),
        );
    }

    #[test]
    fn a_telling_piece_is_found_without_a_cue() {
        let text = "Well, I think that we would just have a central coordination service for it.";
        assert_eq!(telling(text, &lexicon::words(text)).as_deref(), Some("central coordination service"));
    }

    #[test]
    fn nothing_is_quoted_from_nothing() {
        for text in ["", "yes", "I do not know.", "😀 😀 😀", "<b>x</b>"] {
            assert_eq!(telling(text, &lexicon::words(text)), None, "{text}");
        }
    }
}

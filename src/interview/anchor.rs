//! Finds a short piece of the candidate's own words to hang a question on: a phrase that reads as a thing, verbatim,
//! between two natural borders; or nothing, when nothing reads well.
//!
//! There is no parser here. A run of words between small words ("with an | outbox row | in the") is nearly always a
//! noun phrase; runs are cut at verbs, adverbs and clause borders. The word lists are `prompts/interviewer/phrases.toml`.

use std::ops::Range;

use super::lexicon::{self, Hit, Word};
use crate::content::voice::Phrases;

/// Longest piece, in words.
const MOST: usize = 5;

/// The phrase that a found cue is part of.
#[must_use]
pub fn around(phrases: &Phrases, text: &str, words: &[Word], hit: &Hit) -> Option<String> {
    // The last word of a cue that may stand in a phrase: "retry with exponential backoff" is quoted as "exponential backoff".
    let inside = hit.clone().rev().find(|&at| !breaks(phrases, words, at))?;
    piece(text, words, run(phrases, words, inside), true)
}

/// The clause that holds a found cue, at most 16 words around it: evidence to show, not to ask with.
#[must_use]
pub fn clause_around(text: &str, words: &[Word], hit: &Hit) -> String {
    const LONGEST: usize = 16;
    let mut from = hit.start;
    while from > 0 && !words[from - 1].ends_clause && hit.end - from < LONGEST {
        from -= 1;
    }
    let mut to = hit.end;
    while to < words.len() && !words[to - 1].ends_clause && to - from < LONGEST {
        to += 1;
    }
    text[words[from].range.start..words[to - 1].range.end].to_owned()
}

/// The most telling phrase of an answer without a cue.
#[must_use]
pub fn telling(phrases: &Phrases, text: &str, words: &[Word]) -> Option<String> {
    best(phrases, text, words, 0..words.len()).filter(|(score, _)| *score >= 2.5).map(|(_, piece)| piece)
}

/// The most telling phrase that a piece of the text touches: what a model pointed at, as a phrase that reads well. None
/// when it pointed at nothing, or the piece is not the text's.
#[must_use]
pub fn touched(phrases: &Phrases, text: &str, pointed_at: &str) -> Option<String> {
    let pointed_at = pointed_at.trim();
    let from = text.find(pointed_at).filter(|_| !pointed_at.is_empty())?;
    let to = from + pointed_at.len();
    let words = lexicon::words(text);
    let first = words.iter().position(|w| w.range.end > from)?;
    let last = words.iter().rposition(|w| w.range.start < to)?;
    best(phrases, text, &words, first..last + 1).map(|(_, piece)| piece)
}

/// The heaviest phrase that begins or goes on within `place`.
fn best(phrases: &Phrases, text: &str, words: &[Word], place: Range<usize>) -> Option<(f32, String)> {
    let mut best: Option<(f32, String)> = None;
    let mut at = place.start;
    while at < place.end {
        if breaks(phrases, words, at) {
            at += 1;
            continue;
        }
        let phrase = run(phrases, words, at);
        at = phrase.end.max(at + 1);
        let Some(piece) = piece(text, words, phrase.clone(), false) else { continue };
        let score: f32 = words[phrase].iter().map(weight).sum();
        if best.as_ref().is_none_or(|(b, _)| score > *b) {
            best = Some((score, piece));
        }
    }
    best
}

/// How much a word tells: long words much, numbers nothing by themselves.
fn weight(word: &Word) -> f32 {
    let length = word.text.chars().count();
    if length < 4 || lexicon::is_number(&word.text) { 0.2 } else { (length as f32 / 4.0).min(2.2) }
}

/// The run of words around `at` that nothing breaks.
fn run(phrases: &Phrases, words: &[Word], at: usize) -> Range<usize> {
    let mut from = at;
    while from > 0 && !words[from - 1].ends_clause && !breaks(phrases, words, from - 1) {
        from -= 1;
    }
    let mut to = at + 1;
    while to < words.len() && !words[to - 1].ends_clause && !breaks(phrases, words, to) {
        to += 1;
    }
    from..to
}

/// Whether the word at `at` cannot be part of a phrase.
fn breaks(phrases: &Phrases, words: &[Word], at: usize) -> bool {
    let word = words[at].text.as_str();
    if phrases.small.contains(word) || phrases.verbs.contains(word) || (word.len() > 4 && word.ends_with("ly")) {
        return true;
    }
    if at.checked_sub(1).is_some_and(|p| !words[p].ends_clause && phrases.before_verbs.contains(&words[p].text)) {
        return true;
    }
    // "loses", "refuses", "crashes" are verbs nearly always; a few nouns end like them.
    let third_person = ["ses", "ches", "shes", "xes", "zes"].iter().any(|e| word.ends_with(e));
    if third_person && !phrases.nouns_in_es.contains(word) {
        return true;
    }
    // "replicated" is a verb, except after an article or a preposition ("a replicated log").
    let participle = word.len() > 4 && word.ends_with("ed");
    let after = at.checked_sub(1).map(|p| &words[p]);
    let opens = after.is_some_and(|w| !w.ends_clause && phrases.before_participles.contains(&w.text));
    participle && !opens
}

/// Whether a phrase names a part of a system, which can be down or give way: its last word decides.
#[must_use]
pub fn is_part(phrases: &Phrases, quote: &str) -> bool {
    lexicon::words(quote).last().is_some_and(|word| phrases.parts.contains(&word.text))
}

/// The piece as plain text; none when it is too short, too long or not plain.
fn piece(text: &str, words: &[Word], range: Range<usize>, on_cue: bool) -> Option<String> {
    let telling =
        words[range.clone()].iter().filter(|w| w.text.chars().count() >= 4 && !lexicon::is_number(&w.text)).count();
    let one_is_enough = on_cue && range.len() == 1 && words[range.start].text.chars().count() >= 6;
    if range.len() > MOST || telling == 0 || (range.len() < 2 && !one_is_enough) {
        return None;
    }
    let piece = &text[words[range.start].range.start..words[range.end - 1].range.end];
    let plain = piece.len() <= 70
        && piece.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '\'' | '’' | '/' | ',' | '.' | '%'))
        && !piece.contains(", ");
    plain.then(|| piece.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Content;

    fn check_cue(text: &str, cue: &str, expect: Option<&str>) {
        let words = lexicon::words(text);
        let hit = lexicon::find(&words, cue).unwrap_or_else(|| panic!("{cue:?} is not in {text:?}"));
        let phrases = Content::built_in().voice.phrases;
        assert_eq!(around(&phrases, text, &words, &hit).as_deref(), expect, "{text}");
    }

    #[test]
    fn a_cue_is_quoted_with_its_phrase() {
        check_cue(
            "So I would put each delivery on a durable queue, and then workers take it.",
            "queue",
            Some("durable queue"),
        );
        check_cue("We would shard it by customer id and be done.", "shard .. customer id", Some("customer id"));
        check_cue("then we retry with exponential backoff and jitter, up to a day", "retry", None);
        check_cue(
            "then we retry with exponential backoff and jitter, up to a day",
            "retry .. backoff",
            Some("exponential backoff"),
        );
        check_cue("and workers pick deliveries from it", "workers", Some("workers"));
        check_cue("they go into an outbox row in the same transaction", "outbox", Some("outbox row"));
        check_cue("The numbers: 3,000 queues cost 12 GB", "numbers", Some("numbers"));
    }

    #[test]
    fn a_telling_phrase_is_found_without_a_cue() {
        let phrases = Content::built_in().voice.phrases;
        let check = |text: &str, expect| {
            assert_eq!(telling(&phrases, text, &lexicon::words(text)).as_deref(), expect, "{text}");
        };
        check(
            "Well, I think that we would just have a central coordination service for it.",
            Some("central coordination service"),
        );
        check("I built a small benchmark and I wrote up both options.", Some("small benchmark"));
        check("There were around 300 engineers in all.", None);
        check("I would count refunds that are open for an hour.", None);
    }

    #[test]
    fn what_a_model_points_at_is_quoted_as_a_whole_phrase() {
        let phrases = Content::built_in().voice.phrases;
        let text = "Then the order service writes an outbox row, and a relay takes it to a durable queue.";
        let check = |pointed_at: &str, expect: Option<&str>| {
            assert_eq!(touched(&phrases, text, pointed_at).as_deref(), expect, "{pointed_at}");
        };
        check("durable", Some("durable queue"));
        check("writes an outbox", Some("outbox row"));
        check("the order service writes", Some("order service"));
        check("and a relay takes it", None);
        check("", None);
        check("not said at all", None);
    }

    #[test]
    fn nothing_is_quoted_from_nothing() {
        let phrases = Content::built_in().voice.phrases;
        for text in ["", "yes", "I do not know.", "😀 😀 😀", "<b>x</b>"] {
            assert_eq!(telling(&phrases, text, &lexicon::words(text)), None, "{text}");
        }
    }

    #[test]
    fn a_part_can_be_down_and_a_technique_cannot() {
        let phrases = Content::built_in().voice.phrases;
        for (quote, expect) in
            [("durable queue", true), ("outbox relay", true), ("exponential backoff", false), ("", false)]
        {
            assert_eq!(is_part(&phrases, quote), expect, "{quote}");
        }
    }
}

//! Finds a short piece of the candidate's own words to hang a question on: a phrase that reads as a thing, verbatim,
//! between two natural borders; or nothing, when nothing reads well.
//!
//! There is no parser here. A run of words between small words ("with an | outbox row | in the") is nearly always a
//! noun phrase; runs are cut at verbs, adverbs and clause borders.

use std::ops::Range;

use super::lexicon::{self, Hit, Word};

/// Longest piece, in words.
const MOST: usize = 5;

/// Small words: a phrase neither holds nor touches them inside.
const SMALL: &[&str] = &[
    "a",
    "about",
    "above",
    "across",
    "actually",
    "after",
    "again",
    "against",
    "all",
    "almost",
    "also",
    "although",
    "always",
    "am",
    "an",
    "and",
    "another",
    "any",
    "anything",
    "are",
    "around",
    "as",
    "at",
    "back",
    "basically",
    "be",
    "because",
    "been",
    "before",
    "behind",
    "being",
    "below",
    "between",
    "both",
    "but",
    "by",
    "can",
    "could",
    "did",
    "do",
    "does",
    "done",
    "down",
    "during",
    "each",
    "earlier",
    "either",
    "else",
    "end",
    "enough",
    "even",
    "ever",
    "every",
    "everybody",
    "everything",
    "few",
    "finally",
    "first",
    "for",
    "from",
    "had",
    "has",
    "have",
    "he",
    "her",
    "here",
    "him",
    "his",
    "how",
    "however",
    "i",
    "i'd",
    "i'll",
    "i'm",
    "i've",
    "if",
    "in",
    "instead",
    "into",
    "is",
    "it",
    "it'd",
    "it's",
    "its",
    "itself",
    "just",
    "kind",
    "last",
    "later",
    "least",
    "less",
    "let",
    "let's",
    "like",
    "lot",
    "many",
    "may",
    "maybe",
    "me",
    "might",
    "mine",
    "more",
    "most",
    "much",
    "must",
    "my",
    "myself",
    "near",
    "never",
    "next",
    "no",
    "nobody",
    "not",
    "nothing",
    "now",
    "of",
    "off",
    "often",
    "oh",
    "ok",
    "okay",
    "on",
    "once",
    "one",
    "only",
    "onto",
    "or",
    "other",
    "others",
    "our",
    "ours",
    "out",
    "over",
    "own",
    "per",
    "perhaps",
    "probably",
    "quite",
    "rather",
    "really",
    "same",
    "second",
    "she",
    "should",
    "since",
    "so",
    "some",
    "somebody",
    "something",
    "sort",
    "still",
    "such",
    "than",
    "that",
    "that's",
    "the",
    "their",
    "them",
    "themselves",
    "then",
    "there",
    "there's",
    "these",
    "they",
    "they're",
    "thing",
    "things",
    "third",
    "this",
    "those",
    "though",
    "through",
    "to",
    "today",
    "together",
    "too",
    "toward",
    "under",
    "until",
    "up",
    "upon",
    "us",
    "very",
    "via",
    "was",
    "wasn't",
    "way",
    "we",
    "we'd",
    "we'll",
    "we're",
    "we've",
    "well",
    "were",
    "what",
    "whatever",
    "when",
    "where",
    "whether",
    "which",
    "while",
    "who",
    "whole",
    "whom",
    "whose",
    "why",
    "will",
    "with",
    "within",
    "without",
    "would",
    "wouldn't",
    "yes",
    "yesterday",
    "yet",
    "you",
    "you'd",
    "your",
    "don't",
    "doesn't",
    "didn't",
    "can't",
    "won't",
    "isn't",
    "aren't",
    "ago",
    "year",
    "years",
    "month",
    "months",
    "week",
    "weeks",
    "day",
    "days",
    "hour",
    "hours",
    "minute",
    "minutes",
    "second",
    "seconds",
    "time",
    "times",
    "fine",
    "case",
    "cases",
    "bit",
    "stuff",
    "people",
];

/// Verbs of plain telling that are hardly ever part of a name. (Words that are both, such as "queue" or "write", are not here.)
const VERBS: &[&str] = &[
    "add",
    "adds",
    "agree",
    "agreed",
    "allow",
    "allows",
    "apply",
    "applies",
    "argue",
    "argued",
    "ask",
    "asked",
    "asks",
    "assume",
    "avoid",
    "became",
    "become",
    "becomes",
    "began",
    "begin",
    "believe",
    "bring",
    "broke",
    "brought",
    "built",
    "call",
    "calls",
    "came",
    "choose",
    "chose",
    "come",
    "comes",
    "consider",
    "considered",
    "create",
    "creates",
    "cut",
    "decide",
    "decided",
    "die",
    "dies",
    "discussed",
    "drew",
    "drop",
    "ended",
    "ensure",
    "ensures",
    "explain",
    "explained",
    "fail",
    "fails",
    "fall",
    "falls",
    "feel",
    "fell",
    "felt",
    "fetch",
    "fetches",
    "find",
    "finds",
    "fix",
    "found",
    "gave",
    "get",
    "gets",
    "give",
    "gives",
    "go",
    "goes",
    "going",
    "got",
    "grew",
    "grow",
    "grows",
    "happen",
    "happened",
    "happens",
    "hear",
    "help",
    "helps",
    "hit",
    "hold",
    "holds",
    "hope",
    "keep",
    "keeps",
    "kept",
    "knew",
    "know",
    "knows",
    "lead",
    "leave",
    "leaves",
    "led",
    "lets",
    "listen",
    "lives",
    "look",
    "looked",
    "looks",
    "lose",
    "lost",
    "made",
    "make",
    "makes",
    "mean",
    "means",
    "measured",
    "met",
    "move",
    "moved",
    "moves",
    "need",
    "needed",
    "needs",
    "open",
    "opens",
    "pass",
    "pick",
    "picked",
    "picks",
    "proposed",
    "push",
    "pushed",
    "put",
    "puts",
    "ran",
    "reach",
    "read",
    "reads",
    "receive",
    "receives",
    "run",
    "running",
    "runs",
    "said",
    "sat",
    "saw",
    "say",
    "says",
    "see",
    "sees",
    "seems",
    "send",
    "sends",
    "sent",
    "set",
    "showed",
    "shows",
    "split",
    "start",
    "started",
    "starts",
    "stay",
    "stays",
    "stop",
    "stopped",
    "stops",
    "store",
    "stores",
    "suggested",
    "take",
    "takes",
    "talk",
    "talked",
    "tell",
    "tells",
    "think",
    "thinks",
    "thought",
    "told",
    "took",
    "tried",
    "tries",
    "try",
    "turn",
    "turned",
    "use",
    "used",
    "uses",
    "using",
    "wait",
    "waits",
    "want",
    "wanted",
    "wants",
    "went",
    "work",
    "worked",
    "works",
    "worried",
    "write",
    "writes",
    "wrote",
    "rolled",
    "deployed",
    "ruled",
    "pulled",
    "pile",
    "publish",
    "publishes",
    "adopted",
    "conceded",
    "blocks",
    "starves",
    "costs",
    "responsible",
];

/// The phrase that a found cue is part of.
#[must_use]
pub fn around(text: &str, words: &[Word], hit: &Hit) -> Option<String> {
    // The last word of a cue that may stand in a phrase: "retry with exponential backoff" is quoted as "exponential backoff".
    let inside = hit.clone().rev().find(|&at| !breaks(words, at))?;
    piece(text, words, run(words, inside), true)
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
pub fn telling(text: &str, words: &[Word]) -> Option<String> {
    let mut best: Option<(f32, String)> = None;
    let mut at = 0;
    while at < words.len() {
        if breaks(words, at) {
            at += 1;
            continue;
        }
        let phrase = run(words, at);
        at = phrase.end.max(at + 1);
        let Some(piece) = piece(text, words, phrase.clone(), false) else { continue };
        let score: f32 = words[phrase].iter().map(weight).sum();
        if best.as_ref().is_none_or(|(b, _)| score > *b) {
            best = Some((score, piece));
        }
    }
    best.filter(|(score, _)| *score >= 2.5).map(|(_, piece)| piece)
}

/// How much a word tells: long words much, numbers nothing by themselves.
fn weight(word: &Word) -> f32 {
    let length = word.text.chars().count();
    if length < 4 || lexicon::is_number(&word.text) { 0.2 } else { (length as f32 / 4.0).min(2.2) }
}

/// The run of words around `at` that nothing breaks.
fn run(words: &[Word], at: usize) -> Range<usize> {
    let mut from = at;
    while from > 0 && !words[from - 1].ends_clause && !breaks(words, from - 1) {
        from -= 1;
    }
    let mut to = at + 1;
    while to < words.len() && !words[to - 1].ends_clause && !breaks(words, to) {
        to += 1;
    }
    from..to
}

/// Whether the word at `at` cannot be part of a phrase.
fn breaks(words: &[Word], at: usize) -> bool {
    let word = words[at].text.as_str();
    if SMALL.contains(&word) || VERBS.contains(&word) || (word.len() > 4 && word.ends_with("ly")) {
        return true;
    }
    // "loses", "refuses", "crashes" are verbs nearly always; a few nouns end like them.
    let third_person = ["ses", "ches", "shes", "xes", "zes"].iter().any(|e| word.ends_with(e));
    if third_person
        && ![
            "databases",
            "processes",
            "caches",
            "batches",
            "indexes",
            "cases",
            "purchases",
            "branches",
            "addresses",
            "releases",
            "responses",
        ]
        .contains(&word)
    {
        return true;
    }
    // "replicated" is a verb, except after an article or a preposition ("a replicated log").
    let participle = word.len() > 4 && word.ends_with("ed");
    let after = at.checked_sub(1).map(|p| &words[p]);
    let opens = after.is_some_and(|w| {
        !w.ends_clause
            && matches!(
                w.text.as_str(),
                "a" | "an" | "the" | "our" | "their" | "my" | "with" | "of" | "each" | "no" | "one" | "into"
            )
    });
    participle && !opens
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

    fn check_cue(text: &str, cue: &str, expect: Option<&str>) {
        let words = lexicon::words(text);
        let hit = lexicon::find(&words, cue).unwrap_or_else(|| panic!("{cue:?} is not in {text:?}"));
        assert_eq!(around(text, &words, &hit).as_deref(), expect, "{text}");
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
        let check = |text: &str, expect| assert_eq!(telling(text, &lexicon::words(text)).as_deref(), expect, "{text}");
        check(
            "Well, I think that we would just have a central coordination service for it.",
            Some("central coordination service"),
        );
        check("I built a small benchmark and I wrote up both options.", Some("small benchmark"));
        check("There were around 300 engineers in all.", None);
    }

    #[test]
    fn nothing_is_quoted_from_nothing() {
        for text in ["", "yes", "I do not know.", "😀 😀 😀", "<b>x</b>"] {
            assert_eq!(telling(text, &lexicon::words(text)), None, "{text}");
        }
    }
}

//! Words and cues: how a phrase from the content is found in what a candidate said. Knows text only.
//!
//! A cue is lower case. A trailing `*` on a word matches any ending; ` .. ` allows up to six words between two parts
//! of one sentence; ` & ` asks for both parts anywhere in the answer; `#` is any number, `#%` any percentage. A find in the shadow of a negation does not count.

use std::ops::Range;

/// A word with its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Lower case, apostrophes straightened.
    pub text: String,
    /// Bytes in the original.
    pub range: Range<usize>,
    /// Whether a clause ends between this word and the next.
    pub ends_clause: bool,
    /// Whether a sentence ends between this word and the next.
    pub ends_sentence: bool,
}

/// Most words that ` .. ` may stand for.
const GAP: usize = 6;
/// How many words a negation reaches forward within its clause.
const SHADOW: usize = 4;
/// Words that turn a clause round.
pub const NEGATIONS: [&str; 16] = [
    "not", "no", "never", "without", "don't", "doesn't", "didn't", "won't", "wouldn't", "can't", "cannot", "isn't",
    "aren't", "avoid", "skip", "nobody",
];

/// The words of a text. Hyphens, slashes and underscores separate; numbers keep points and commas between digits.
#[must_use]
pub fn words(text: &str) -> Vec<Word> {
    let mut found: Vec<Word> = Vec::new();
    let mut start = None;
    let mut chars = text.char_indices().peekable();
    let mut previous = ' ';
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|&(_, c)| c);
        let inside = c.is_alphanumeric()
            || (is_apostrophe(c) && previous.is_alphanumeric() && next.is_some_and(char::is_alphanumeric))
            || (matches!(c, '.' | ',') && previous.is_ascii_digit() && next.is_some_and(|n| n.is_ascii_digit()))
            || (c == '%' && previous.is_ascii_digit());
        if inside {
            start.get_or_insert(at);
        } else {
            if let Some(from) = start.take() {
                push(&mut found, text, from..at);
            }
            if let Some(last) = found.last_mut() {
                match c {
                    '.' | '!' | '?' | '\n' | ';' => {
                        last.ends_clause = true;
                        last.ends_sentence = last.ends_sentence || c != ';';
                    }
                    ',' | ':' | '(' | ')' | '—' | '–' => last.ends_clause = true,
                    _ => {}
                }
            }
        }
        previous = c;
    }
    if let Some(from) = start {
        push(&mut found, text, from..text.len());
    }
    found
}

fn push(found: &mut Vec<Word>, text: &str, range: Range<usize>) {
    let word =
        text[range.clone()].chars().flat_map(char::to_lowercase).map(|c| if is_apostrophe(c) { '\'' } else { c });
    found.push(Word { text: word.collect(), range, ends_clause: false, ends_sentence: false });
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | 'ʼ')
}

/// Where a cue was found: indices into the words.
pub type Hit = Range<usize>;

/// The first find of `cue` that no negation overshadows. For ` & ` cues, the find of the first part.
#[must_use]
pub fn find(words: &[Word], cue: &str) -> Option<Hit> {
    let mut parts = cue.split(" & ");
    let first = find_chain(words, parts.next()?)?;
    parts.all(|part| find_chain(words, part).is_some()).then_some(first)
}

/// The first of `cues` that is found, with its place.
#[must_use]
pub fn find_any<'a>(words: &[Word], cues: &'a [String]) -> Option<(&'a str, Hit)> {
    cues.iter().find_map(|cue| find(words, cue).map(|hit| (cue.as_str(), hit)))
}

/// How many of `cues` are found.
#[must_use]
pub fn count(words: &[Word], cues: &[String]) -> usize {
    cues.iter().filter(|cue| find(words, cue).is_some()).count()
}

/// Whether `text` holds one of `cues`.
#[must_use]
pub fn mentions(text: &str, cues: &[String]) -> bool {
    find_any(&words(text), cues).is_some()
}

/// `a .. b`: each part after the other, at most [`GAP`] words between, in one sentence.
fn find_chain(words: &[Word], chain: &str) -> Option<Hit> {
    let parts: Vec<Vec<&str>> = chain.split(" .. ").map(pattern).collect();
    let negated_itself = parts.first().and_then(|p| p.first()).is_some_and(|w| NEGATIONS.contains(w));
    (0..words.len()).find_map(|start| {
        let mut hit = match_at(words, start, parts.first()?)?;
        for part in &parts[1..] {
            let next = (hit.end..=(hit.end + GAP).min(words.len()))
                .take_while(|&at| words[hit.end - 1..at].iter().all(|w| !w.ends_sentence))
                .find_map(|at| match_at(words, at, part))?;
            hit.end = next.end;
        }
        (negated_itself || !is_negated(words, &hit)).then_some(hit)
    })
}

fn pattern(part: &str) -> Vec<&str> {
    part.split([' ', '-', '/', '_']).filter(|w| !w.is_empty()).collect()
}

fn match_at(words: &[Word], start: usize, part: &[&str]) -> Option<Hit> {
    let end = start + part.len();
    if part.is_empty() || end > words.len() {
        return None;
    }
    let fits = |(word, pattern): (&Word, &&str)| match (*pattern, pattern.strip_suffix('*')) {
        ("#", _) => is_number(&word.text),
        ("#%", _) => is_number(&word.text) && word.text.ends_with('%'),
        (_, Some(stem)) => word.text.starts_with(stem),
        (exact, None) => word.text == exact,
    };
    let apart = words[start..end - 1].iter().any(|w| w.ends_sentence);
    (!apart && words[start..end].iter().zip(part).all(fits)).then_some(start..end)
}

/// Digits first, or a small number in words.
#[must_use]
pub fn is_number(word: &str) -> bool {
    const NAMES: [&str; 16] = [
        "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "twenty", "thirty",
        "forty", "fifty", "hundred",
    ];
    word.starts_with(|c: char| c.is_ascii_digit()) || NAMES.contains(&word)
}

/// Whether one of the few words before the hit, in the same clause, negates it ("not only" and "no doubt" do not).
fn is_negated(words: &[Word], hit: &Hit) -> bool {
    let from = hit.start.saturating_sub(SHADOW);
    let before = &words[from..hit.start];
    let clause = before.iter().rposition(|w| w.ends_clause).map_or(0, |at| at + 1);
    let clause = &before[clause..];
    clause.iter().enumerate().any(|(at, word)| {
        NEGATIONS.contains(&word.text.as_str())
            && !clause
                .get(at + 1)
                .is_some_and(|n| matches!(n.text.as_str(), "only" | "just" | "doubt" | "later" | "more"))
    })
}

/// Sentences as byte ranges, trimmed; the closing mark belongs to the sentence.
#[must_use]
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let bytes = text.as_bytes();
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let stops = match c {
            '!' | '?' | '\n' => true,
            '.' => bytes.get(end).is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b')')),
            _ => false,
        };
        if stops {
            push_trimmed(&mut found, text, start..end);
            start = end;
        }
    }
    push_trimmed(&mut found, text, start..text.len());
    found
}

fn push_trimmed(found: &mut Vec<Range<usize>>, text: &str, range: Range<usize>) {
    let piece = &text[range.clone()];
    let trimmed = piece.trim();
    if trimmed.chars().any(char::is_alphanumeric) {
        let start = range.start + (piece.len() - piece.trim_start().len());
        found.push(start..start + trimmed.len());
    }
}

/// A word without its commonest endings, so that "orders" meets "order" and "retrying" meets "retry".
#[must_use]
pub fn stem(word: &str) -> &str {
    for ending in ["ings", "ing", "ies", "ed", "es", "s"] {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.len() >= 3
            && !stem.ends_with('s')
        {
            return stem;
        }
    }
    word.strip_suffix(['e', 'y']).filter(|s| s.len() >= 3).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, cue: &str, expect: Option<&str>) {
        let words = words(text);
        let hit = find(&words, cue).map(|hit| &text[words[hit.start].range.start..words[hit.end - 1].range.end]);
        assert_eq!(hit, expect, "{cue:?} in {text:?}");
    }

    #[test]
    fn cues_are_found_at_word_borders() {
        check("We shard by tenant.", "shard", Some("shard"));
        check("We use sharding.", "shard", None);
        check("We use sharding by tenant-id.", "shard* by tenant id", Some("sharding by tenant-id"));
        check("Dead-letter queue it is", "dead letter queue", Some("Dead-letter queue"));
        check("p99 of 1,500 ms", "1,500", Some("1,500"));
    }

    #[test]
    fn numbers_are_found_by_kind() {
        check("it fell by 40% in a month", "#%", Some("40%"));
        check("it went from 900 ms to 20 ms", "from # .. to #", Some("from 900 ms to 20"));
        check("a team of eight", "team of #", Some("team of eight"));
        check("a team of friends", "team of #", None);
    }

    #[test]
    fn gaps_stay_within_a_sentence() {
        check(
            "retry it with some exponential backoff",
            "retry .. backoff",
            Some("retry it with some exponential backoff"),
        );
        check("We retry. Later there is backoff", "retry .. backoff", None);
        check("retry a b c d e f g backoff", "retry .. backoff", None);
    }

    #[test]
    fn both_parts_may_be_far_apart() {
        check("an alert fires. Then we roll back", "alert* & roll* back", Some("alert"));
        check("an alert fires", "alert* & roll* back", None);
    }

    #[test]
    fn a_negation_overshadows_its_clause_only() {
        check("we would not use a queue", "queue", None);
        check("no, a queue", "queue", Some("queue"));
        check("not only a queue", "queue", Some("queue"));
        check("there is no single point of failure", "no single point", Some("no single point"));
        check("don’t need a queue; then a queue", "queue", Some("queue"));
    }

    #[test]
    fn sentences_keep_numbers_whole() {
        let text = "It is 1.5 s. Is it?  Yes";
        let found: Vec<_> = sentences(text).into_iter().map(|r| &text[r]).collect();
        assert_eq!(found, ["It is 1.5 s.", "Is it?", "Yes"]);
    }

    #[test]
    fn strange_text_is_no_trouble() {
        for text in ["", "😀😀", "\u{0}\u{7}", "مرحبا بالعالم", "a'", "'''", "1.", "ß’ß"] {
            let _ = (words(text), sentences(text), find(&words(text), "a .. b & c"));
        }
    }
}

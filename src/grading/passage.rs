//! Passages: sentences of the candidate's turns with their place, and the search for a quotation in a transcript.
//!
//! Owns character offsets; everything that quotes goes through here, so that
//! `turns[seq].text[start..end] == quote` holds by construction. Knows no model and no rubric.

use super::scorecard::Quote;

/// Longest sentence, in words, before it is cut at a clause.
const LONG_SENTENCE: usize = 45;
/// Least share of a quotation's words that a near miss must have in order.
const NEAR_MISS: f64 = 0.85;

/// A sentence (or clause) of one turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Where it is.
    pub quote: Quote,
    /// Its words, as [`spoken`] gives them.
    pub words: Vec<String>,
}

/// A word and its place in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Lower case, without punctuation at its ends.
    pub text: String,
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
}

/// Words of a text: runs of letters, digits and the marks that hold them together.
#[must_use]
pub fn words(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut current = String::new();
    let mut start = 0;
    let mut flush = |current: &mut String, start: usize, end: usize| {
        let trimmed = current.trim_end_matches(['.', ',', '\'', '’', '-', '/', ':', '_']);
        let cut = current.chars().count() - trimmed.chars().count();
        if !trimmed.is_empty() {
            found.push(Word { text: trimmed.to_lowercase().replace('’', "'"), start, end: end - cut });
        }
        current.clear();
    };
    let mut length = 0;
    for (at, c) in text.chars().enumerate() {
        length = at + 1;
        let joins =
            !current.is_empty() && matches!(c, '.' | ',' | '\'' | '’' | '-' | '/' | ':' | '_' | '%' | '+' | '#');
        if c.is_alphanumeric() || joins {
            if current.is_empty() {
                start = at;
            }
            current.push(c);
        } else {
            flush(&mut current, start, at);
        }
    }
    flush(&mut current, start, length);
    found
}

/// Words as cues see them: in lower case, parted at hyphens, slashes and underscores too.
#[must_use]
pub fn spoken(text: &str) -> Vec<String> {
    let parts = |word: Word| {
        let split: Vec<String> =
            word.text.split(['-', '/', '_']).filter(|p| !p.is_empty()).map(str::to_owned).collect();
        split
    };
    words(text).into_iter().flat_map(parts).collect()
}

/// The sentences of one turn, long ones cut at clauses.
#[must_use]
pub fn passages(turn: u32, text: &str) -> Vec<Passage> {
    let chars: Vec<char> = text.chars().collect();
    let mut cuts = vec![0];
    for at in 0..chars.len() {
        if ends_sentence(&chars, at) {
            cuts.push(at + 1);
        }
    }
    cuts.push(chars.len());
    cuts.windows(2).flat_map(|w| clauses(&chars, w[0], w[1])).filter_map(|(s, e)| passage(turn, &chars, s, e)).collect()
}

fn ends_sentence(chars: &[char], at: usize) -> bool {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '\n' => true,
        '!' | '?' | '。' | '！' | '？' => next.is_none_or(char::is_whitespace) || !chars[at].is_ascii(),
        '.' => next.is_none_or(char::is_whitespace) && !abbreviation(chars, at),
        _ => false,
    }
}

/// `e.g.`, `i.e.`, `vs.`, `etc.` (in mid-sentence) and single letters do not end a sentence.
fn abbreviation(chars: &[char], at: usize) -> bool {
    let from = chars[..at].iter().rposition(|c| c.is_whitespace() || *c == '(').map_or(0, |p| p + 1);
    let word: String = chars[from..at].iter().collect::<String>().to_lowercase();
    let goes_on = chars[at + 1..].iter().find(|c| !c.is_whitespace()).is_some_and(|c| c.is_lowercase());
    matches!(word.as_str(), "e.g" | "i.e" | "vs" | "approx" | "dr" | "mr" | "ms") || (word == "etc" && goes_on)
}

/// Cuts a sentence that is too long to quote at the clause border nearest to its middle, again and again.
fn clauses(chars: &[char], start: usize, end: usize) -> Vec<(usize, usize)> {
    let text: String = chars[start..end].iter().collect();
    let found = words(&text);
    if found.len() <= LONG_SENTENCE {
        return vec![(start, end)];
    }
    let middle = found[found.len() / 2].start;
    let border = |w: &&Word| {
        let before = text_char(chars, start + w.start, 2);
        matches!(before, Some(',' | ';' | ':' | '-' | '–' | '—'))
            || matches!(w.text.as_str(), "and" | "but" | "so" | "because")
    };
    let inner = &found[8..found.len() - 8];
    let cut =
        inner.iter().filter(border).min_by_key(|w| w.start.abs_diff(middle)).unwrap_or(&found[found.len() / 2]).start
            + start;
    let mut parts = clauses(chars, start, cut);
    parts.extend(clauses(chars, cut, end));
    parts
}

fn text_char(chars: &[char], at: usize, back: usize) -> Option<char> {
    at.checked_sub(back).and_then(|i| chars.get(i)).copied()
}

fn passage(turn: u32, chars: &[char], start: usize, end: usize) -> Option<Passage> {
    let blank = |c: &char| c.is_whitespace() || matches!(c, '*' | '•' | '>');
    let lead = chars[start..end].iter().take_while(|c| blank(c) || **c == '-').count();
    let trail = chars[start + lead..end].iter().rev().take_while(|c| c.is_whitespace()).count();
    let (start, end) = (start + lead, end - trail);
    if start >= end {
        return None;
    }
    let quote: String = chars[start..end].iter().collect();
    let words = spoken(&quote);
    (!words.is_empty()).then_some(Passage { quote: Quote { turn, quote, start, end }, words })
}

/// A quotation made longer with its neighbours in the same turn until it has `least` words.
#[must_use]
pub fn widen(text: &str, all: &[Passage], index: usize, least: usize) -> Option<Quote> {
    let own = &all[index].quote;
    let chars: Vec<char> = text.chars().collect();
    let (mut start, mut end) = (own.start, own.end);
    // A hyphenated word is one word of a quotation.
    let length = |p: &Passage| words(&p.quote.quote).len();
    let mut count = length(&all[index]);
    let (mut before, mut after) = (index, index);
    while count < least {
        // Never across words that are not among the passages: those were refused.
        let joins =
            |from: usize, to: usize| chars.get(from..to).is_some_and(|c| !c.iter().any(|c| c.is_alphanumeric()));
        let next = all.get(after + 1).filter(|p| p.quote.turn == own.turn && joins(end, p.quote.start));
        let previous = before.checked_sub(1).map(|i| &all[i]);
        let previous = previous.filter(|p| p.quote.turn == own.turn && joins(p.quote.end, start));
        if let Some(p) = next {
            end = p.quote.end;
            count += length(p);
            after += 1;
        } else if let Some(p) = previous {
            start = p.quote.start;
            count += length(p);
            before -= 1;
        } else {
            return None;
        }
    }
    let quote: String = chars.get(start..end)?.iter().collect();
    Some(Quote { turn: own.turn, quote, start, end })
}

/// Finds a quotation in a turn: verbatim, else with other case, spaces or punctuation, else a near miss with at least
/// 85 % of its words in order. What comes back is always the turn's own text. An invention is `None`.
#[must_use]
pub fn locate(quote: &str, turn: u32, text: &str) -> Option<Quote> {
    let quote = quote.trim();
    if quote.is_empty() {
        return None;
    }
    if let Some(byte) = text.find(quote) {
        let start = text[..byte].chars().count();
        let end = start + quote.chars().count();
        return Some(Quote { turn, quote: quote.to_owned(), start, end });
    }
    let wanted = words(quote);
    let have = words(text);
    if wanted.len() < 3 || have.is_empty() {
        return None;
    }
    let (from, to) = best_window(&wanted, &have)?;
    let (start, end) = (have[from].start, have[to].end);
    Some(Quote { turn, quote: text.chars().skip(start).take(end - start).collect(), start, end })
}

/// The shortest window of `have` that holds enough of `wanted` in order.
fn best_window(wanted: &[Word], have: &[Word]) -> Option<(usize, usize)> {
    let span = wanted.len() + wanted.len() / 4 + 1;
    let mut best: Option<(usize, usize, usize)> = None;
    for from in 0..have.len() {
        if !wanted.iter().take(3).any(|w| w.text == have[from].text) {
            continue;
        }
        let window = &have[from..have.len().min(from + span)];
        let (common, last) = common_in_order(wanted, window);
        let better = best.is_none_or(|(most, f, t)| common > most || (common == most && last < t - f));
        if better && common as f64 >= NEAR_MISS * wanted.len() as f64 {
            best = Some((common, from, from + last));
        }
    }
    best.map(|(_, from, to)| (from, to))
}

/// Longest common subsequence and the last index of `window` that it uses.
fn common_in_order(wanted: &[Word], window: &[Word]) -> (usize, usize) {
    let mut row = vec![0usize; window.len() + 1];
    let mut last = 0;
    let mut most = 0;
    for w in wanted {
        let mut diagonal = 0;
        for (j, h) in window.iter().enumerate() {
            let up = row[j + 1];
            row[j + 1] = if w.text == h.text { diagonal + 1 } else { up.max(row[j]) };
            diagonal = up;
        }
    }
    for (j, &value) in row.iter().enumerate().skip(1) {
        if value > most {
            most = value;
            last = j - 1;
        }
    }
    (most, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_slices(turn: u32, text: &str) {
        for p in passages(turn, text) {
            let q = &p.quote;
            let slice: String = text.chars().skip(q.start).take(q.end - q.start).collect();
            assert_eq!(slice, q.quote);
        }
    }

    #[test]
    fn sentences_keep_their_place() {
        let text = "We store 3.5 TB, e.g. in Postgres. Größe: 5 µs?\n- a list item\n\n* another one! End";
        let quotes: Vec<String> = passages(0, text).into_iter().map(|p| p.quote.quote).collect();
        assert_eq!(
            quotes,
            ["We store 3.5 TB, e.g. in Postgres.", "Größe: 5 µs?", "a list item", "another one!", "End"]
        );
        check_slices(0, text);
    }

    #[test]
    fn a_long_sentence_is_cut_at_a_clause() {
        let text = "and then we went on ".repeat(12);
        let parts = passages(0, &text);
        assert!(parts.len() > 1);
        assert!(parts.iter().all(|p| p.words.len() <= LONG_SENTENCE));
        check_slices(0, &text);
    }

    #[test]
    fn a_quotation_is_found_relocated_or_dropped() {
        let text = "First. I would shard by tenant id, because tenants never join. Last.";
        let exact = locate("I would shard by tenant id", 4, text).map(|q| (q.start, q.end));
        assert_eq!(exact, Some((7, 33)));
        let near = locate("i would  shard by TENANT id because tenants never join", 4, text).map(|q| q.quote);
        assert_eq!(near.as_deref(), Some("I would shard by tenant id, because tenants never join"));
        let missed_word =
            locate("I would then shard by tenant id because tenants never join", 4, text).map(|q| q.quote);
        assert_eq!(missed_word.as_deref(), Some("I would shard by tenant id, because tenants never join"));
        assert_eq!(locate("I would use consistent hashing on the user id", 4, text), None);
        assert_eq!(locate("", 4, text), None);
    }

    #[test]
    fn a_short_sentence_is_widened_within_its_turn() {
        let text = "Yes. I measured it twice. It held.";
        let all = passages(2, text);
        let wide = widen(text, &all, 0, 6).map(|q| q.quote);
        assert_eq!(wide.as_deref(), Some("Yes. I measured it twice. It held."));
        assert_eq!(widen("Yes. No.", &passages(2, "Yes. No."), 0, 6), None);
        let mut without_middle = all.clone();
        without_middle.remove(1);
        assert_eq!(widen(text, &without_middle, 0, 6), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_true_slices(text in "\\PC{0,300}") {
            check_slices(1, &text);
        }
    }
}

//! Which pairs of statements are worth asking a model about: they speak of one thing, and a number, a negation or a word
//! of the list differs. A shortlist, not a finding: careful reading is the judge's.

use std::collections::BTreeSet;

use super::anchor;
use super::lexicon::{self, Word};
use super::note::Contradiction;
use crate::content::voice::Voice;

/// What was said before: an answer, or a claim of the résumé.
#[derive(Clone, Copy, Debug)]
pub struct Earlier<'a> {
    /// The turn; 0 for the résumé.
    pub seq: u32,
    /// What it says.
    pub text: &'a str,
    /// It stands in the résumé.
    pub of_resume: bool,
}

/// A pair with the reasons for a doubt.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// Both statements, verbatim, at most 16 words each.
    pub between: Contradiction,
    /// Telling words that both have.
    pub shared: usize,
    /// Two numbers for one unit that are half as large again apart.
    pub numbers: bool,
}

/// Fewest telling words that two statements on one thing share.
const SHARED: usize = 2;
/// Fewest words of a statement.
const LEAST_WORDS: usize = 4;

struct Statement {
    words: Vec<Word>,
    stems: BTreeSet<String>,
    negated: bool,
}

/// At most `most` pairs, the likeliest first.
#[must_use]
pub fn shortlist(voice: &Voice, earlier: &[Earlier<'_>], text: &str, most: usize) -> Vec<Pair> {
    let now = statements(voice, text);
    let mut found: Vec<(usize, Pair)> = Vec::new();
    for before in earlier {
        for then in &statements(voice, before.text) {
            for newer in &now {
                let shared: Vec<&String> = then.stems.intersection(&newer.stems).collect();
                let numbers = numbers_clash(then, newer);
                let crossed = crossed(&voice.hears.tensions, then, newer);
                let reasons = usize::from(numbers) + usize::from(crossed) + usize::from(then.negated != newer.negated);
                if reasons == 0 || shared.len() < SHARED {
                    continue;
                }
                let quote = |text: &str, of: &Statement| {
                    let at = of.words.iter().position(|w| *shared[0] == stem(w)).unwrap_or(0);
                    let piece = anchor::clause_around(text, &of.words, &(at..at + 1));
                    quotable(&piece).then_some(piece)
                };
                let (Some(said), Some(says)) = (quote(before.text, then), quote(text, newer)) else { continue };
                let between = Contradiction {
                    earlier_seq: before.seq,
                    earlier: said,
                    now: says,
                    of_resume: before.of_resume,
                    p_yes: None,
                };
                found.push((shared.len() + 2 * reasons, Pair { between, shared: shared.len(), numbers }));
            }
        }
    }
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.truncate(most);
    found.into_iter().map(|(_, pair)| pair).collect()
}

/// Stands between quotation marks without ending them, on one line.
fn quotable(piece: &str) -> bool {
    piece.chars().all(|c| !c.is_control() && !matches!(c, '“' | '”' | '"' | '<' | '>' | '{' | '}' | '?' | '`'))
}

/// The sentences that state something.
fn statements(voice: &Voice, text: &str) -> Vec<Statement> {
    let words = lexicon::words(text);
    let asked = super::facts::questions(text);
    let mut found = Vec::new();
    let mut from = 0;
    for at in 0..words.len() {
        if !words[at].ends_sentence && at + 1 < words.len() {
            continue;
        }
        let sentence = words[from..=at].to_vec();
        from = at + 1;
        if sentence.len() < LEAST_WORDS || asked.iter().any(|r| r.contains(&sentence[0].range.start)) {
            continue;
        }
        let telling = |w: &&Word| {
            w.text.chars().count() >= 4 && !lexicon::is_number(&w.text) && !voice.phrases.small.contains(&w.text)
        };
        let stems = sentence.iter().filter(telling).map(stem).collect();
        let negated = sentence.iter().any(|w| lexicon::NEGATIONS.contains(&w.text.as_str()));
        found.push(Statement { stems, negated, words: sentence });
    }
    found
}

fn stem(word: &Word) -> String {
    lexicon::stem(&word.text).to_owned()
}

/// One word of a pair here, the other one there, and not both in either.
fn crossed(tensions: &[[String; 2]], a: &Statement, b: &Statement) -> bool {
    let has = |s: &Statement, cue: &str| lexicon::find(&s.words, cue).is_some();
    tensions.iter().any(|[x, y]| {
        has(a, x) && has(b, y) && !has(a, y) && !has(b, x) || has(a, y) && has(b, x) && !has(a, x) && !has(b, y)
    })
}

/// Exactly one number of a unit on each side, half as large again apart.
fn numbers_clash(a: &Statement, b: &Statement) -> bool {
    let (left, right) = (counts(&a.words), counts(&b.words));
    left.iter().any(|(unit, x)| {
        let once = |all: &[(String, f64)]| all.iter().filter(|(u, _)| u == unit).count() == 1;
        right.iter().any(|(u, y)| u == unit && once(&left) && once(&right) && x.max(*y) >= 1.5 * x.min(*y))
    })
}

/// Numbers with the word after them.
fn counts(words: &[Word]) -> Vec<(String, f64)> {
    let of = |pair: &[Word]| {
        let value = super::contradiction::value(&pair[0].text)?;
        (value > 0.0 && pair[1].text.len() >= 3).then(|| (stem(&pair[1]), value))
    };
    words.windows(2).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Content;

    fn pairs(before: &str, text: &str) -> Vec<(String, String)> {
        let content = Content::built_in();
        let earlier = [Earlier { seq: 1, text: before, of_resume: false }];
        let found = shortlist(&content.voice, &earlier, text, 3);
        found.into_iter().map(|p| (p.between.earlier, p.between.now)).collect()
    }

    #[test]
    fn one_thing_with_a_difference_is_worth_a_question() {
        let before = "I wrote the migration script alone. Lunch was good.";
        assert_eq!(
            pairs(before, "The whole team wrote the migration script, I only reviewed it."),
            [("I wrote the migration script alone".into(), "The whole team wrote the migration script".into())]
        );
        assert_eq!(pairs("We had 40 pages a week from that service.", "That service gave us 9 pages a week.").len(), 1);
        assert_eq!(
            pairs("The payment service writes to one table.", "The payment service never writes to a table.").len(),
            1
        );
    }

    #[test]
    fn other_things_questions_and_repetitions_are_not() {
        for (before, text) in [
            ("I wrote the migration script alone.", "The team argued about lunch."),
            ("I wrote the migration script alone.", "Did the team write the migration script?"),
            ("The payment service writes to one table.", "The payment service writes to one table."),
            ("", ""),
            ("I said “it never fails” of the payment service.", "The payment service always fails “loudly” here."),
        ] {
            assert_eq!(pairs(before, text), [], "{text}");
        }
    }
}

//! Finds statements of two turns that do not go together: opposite choices, or two numbers for one thing.
//! Careful rather than complete: a false accusation costs more than a missed one.

use super::anchor;
use super::lexicon::{self, Word};
use super::note::Contradiction;
use super::tension::{self, Earlier, Pair};
use crate::content::voice::{Phrases, Voice};

/// Compares the newest answer with the earlier ones and with the résumé's claims (oldest first), by words alone.
#[must_use]
pub fn find(voice: &Voice, earlier: &[Earlier<'_>], text: &str) -> Option<Contradiction> {
    let now = lexicon::words(text);
    if changes_mind(&now) {
        return None;
    }
    let by_words = earlier.iter().rev().find_map(|before| {
        let then = lexicon::words(before.text);
        opposite(voice, before.text, &then, text, &now)
            .or_else(|| numbers(&voice.phrases, before.text, &then, text, &now))
            .map(|(earlier, now)| Contradiction {
                earlier_seq: before.seq,
                earlier,
                now,
                of_resume: before.of_resume,
                p_yes: None,
            })
    });
    // A résumé's figure against another one for the same unit, on what is plainly the same thing.
    by_words.or_else(|| {
        let claims: Vec<Earlier<'_>> = earlier.iter().filter(|e| e.of_resume).copied().collect();
        let pairs = tension::shortlist(voice, &claims, text, 3);
        pairs.into_iter().find(|p| p.numbers && p.shared >= 3).map(|p| p.between)
    })
}

/// What a model should be asked about: pairs on one thing that differ in a number, a negation or a word. None when the
/// answer says openly that something changed.
#[must_use]
pub fn doubtful(voice: &Voice, earlier: &[Earlier<'_>], text: &str) -> Vec<Pair> {
    if changes_mind(&lexicon::words(text)) {
        return Vec::new();
    }
    tension::shortlist(voice, earlier, text, MOST_DOUBTS)
}

/// Pairs that a model is asked about per answer.
const MOST_DOUBTS: usize = 2;

/// Says openly that the choice is changed or weighed: no contradiction.
fn changes_mind(words: &[Word]) -> bool {
    const OPENLY: [&str; 16] = [
        "change my mind",
        "changed my mind",
        "on second thought",
        "i was wrong",
        "correct myself",
        "let me revise",
        "instead of",
        "rather than",
        "earlier i said",
        "i said",
        "take that back",
        "switch from",
        "move from",
        "trade off",
        "unlike",
        "versus",
    ];
    OPENLY.iter().any(|cue| lexicon::find(words, cue).is_some())
}

fn opposite(voice: &Voice, before: &str, then: &[Word], text: &str, now: &[Word]) -> Option<(String, String)> {
    let phrases = &voice.phrases;
    for [a, b] in &voice.hears.opposites {
        for (x, y) in [(a, b), (b, a)] {
            // Each side must hold one of the two and not the other: both in one answer is a comparison.
            let (Some(hit_then), Some(hit_now)) = (lexicon::find(then, x), lexicon::find(now, y)) else { continue };
            if lexicon::find(then, y).is_some() || lexicon::find(now, x).is_some() {
                continue;
            }
            if !share_subject(then, &hit_then, now, &hit_now) {
                continue;
            }
            if let (Some(earlier), Some(newer)) =
                (anchor::around(phrases, before, then, &hit_then), anchor::around(phrases, text, now, &hit_now))
            {
                return Some((earlier, newer));
            }
        }
    }
    None
}

/// The sentences around both finds share a content word beside the finds themselves: they speak of one thing.
fn share_subject(then: &[Word], a: &lexicon::Hit, now: &[Word], b: &lexicon::Hit) -> bool {
    let around = |words: &[Word], hit: &lexicon::Hit| -> std::collections::BTreeSet<String> {
        let start = words[..hit.start].iter().rposition(|w| w.ends_sentence).map_or(0, |p| p + 1);
        let end = words[hit.start..].iter().position(|w| w.ends_sentence).map_or(words.len(), |p| hit.start + p + 1);
        (start..end)
            .filter(|at| !hit.contains(at))
            .map(|at| lexicon::stem(&words[at].text).to_owned())
            .filter(|w| w.len() >= 4 && !COMMON.contains(&w.as_str()))
            .collect()
    };
    around(then, a).intersection(&around(now, b)).next().is_some()
}

const COMMON: &[&str] = &[
    "would", "then", "with", "that", "this", "have", "there", "because", "want", "need", "will", "each", "from", "mak",
    "they", "when", "what", "data", "system",
];

/// Two numbers for the same counted thing ("team of five", "eight engineers" do not; "5 engineers", "12 engineers" do).
fn numbers(phrases: &Phrases, before: &str, then: &[Word], text: &str, now: &[Word]) -> Option<(String, String)> {
    for (hit_now, value_now, unit_now) in counted(now) {
        for (hit_then, value_then, unit_then) in counted(then) {
            let ratio = value_now.max(value_then) / value_now.min(value_then).max(1e-9);
            if unit_now == unit_then && ratio >= 1.5 {
                let earlier = anchor::around(phrases, before, then, &hit_then);
                let newer = anchor::around(phrases, text, now, &hit_now);
                if let (Some(earlier), Some(newer)) = (earlier, newer) {
                    return Some((earlier, newer));
                }
            }
        }
    }
    None
}

/// Things of which there is one count in a story or a design.
const COUNTED: [&str; 8] =
    ["engineers", "developers", "teams", "tenants", "regions", "data centres", "services", "reports"];

fn counted(words: &[Word]) -> Vec<(lexicon::Hit, f64, String)> {
    words
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| COUNTED.contains(&pair[1].text.as_str()))
        .filter_map(|(at, pair)| value(&pair[0].text).map(|v| (at..at + 2, v, pair[1].text.clone())))
        .collect()
}

pub(super) fn value(word: &str) -> Option<f64> {
    const NAMES: [&str; 13] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    match NAMES.iter().position(|n| *n == word) {
        Some(n) => Some(n as f64),
        None => word.replace(',', "").parse().ok().filter(|v: &f64| v.is_finite() && *v > 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Content;

    fn check(before: &str, text: &str, expect: Option<(&str, &str)>) {
        let content = Content::built_in();
        let found = find(&content.voice, &[Earlier { seq: 1, text: before, of_resume: false }], text);
        let found = found.as_ref().map(|c| (c.earlier.as_str(), c.now.as_str()));
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn opposite_choices_about_one_thing() {
        check(
            "The balance store needs strong consistency for payments.",
            "For the payments I am fine with eventual consistency there.",
            Some(("strong consistency", "eventual consistency")),
        );
        check("The ledger needs strong consistency.", "The feed can live with eventual consistency.", None);
        check("The ledger needs strong consistency.", "I changed my mind: the ledger gets eventual consistency.", None);
    }

    #[test]
    fn a_claim_of_the_resume_is_held_against_what_is_told() {
        let content = Content::built_in();
        let claim = Earlier { seq: 0, text: "cut on-call pages from the billing service to 4 a week", of_resume: true };
        let check = |text: &str| find(&content.voice, &[claim], text);
        let found = check("The billing service still gave us on-call pages, about 20 a week at the end.");
        let found = found.as_ref().map(|c| (c.earlier.as_str(), c.now.as_str(), c.of_resume));
        assert_eq!(found, None, "`a` is no unit: this is for the model to judge");
        let claim = Earlier { seq: 0, text: "Led 12 engineers through the billing migration", of_resume: true };
        let found = find(&content.voice, &[claim], "On the billing migration I led 4 engineers in the end.");
        let found = found.map(|c| (c.earlier, c.now, c.of_resume));
        assert_eq!(found, Some(("12 engineers".into(), "4 engineers".into(), true)));
        let claim =
            Earlier { seq: 0, text: "Moved 40 services of the billing platform to the new cluster", of_resume: true };
        let found =
            find(&content.voice, &[claim], "We moved 9 services of the billing platform to the cluster. It was fine.");
        assert!(found.is_some_and(|c| c.of_resume && c.now.contains("9 services")));
    }

    #[test]
    fn two_counts_of_one_thing() {
        check(
            "I led five engineers on it.",
            "In all there were 12 engineers under me.",
            Some(("five engineers", "12 engineers")),
        );
        check("I led five engineers on it.", "The five engineers were tired.", None);
    }
}

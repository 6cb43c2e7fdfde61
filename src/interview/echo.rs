//! Tells back what a candidate said of themselves: "I built a small prototype" becomes "You built a small prototype". It
//! is how one person shows another that they listened, and it needs no quotation marks.
//!
//! There is no parser here. Only clauses that begin with "I" or "we" and a verb of doing are taken, to their natural end,
//! and the pronouns are turned; whatever looks doubtful is left. The lists are in `prompts/interviewer/phrases.toml`.

use std::ops::Range;

use super::lexicon::{self, Word};
use super::transcript::Round;
use crate::content::Voice;
use crate::content::voice::Phrases;

/// Words of a clause that is told back, its subject included.
const LENGTH: Range<usize> = 5..13;
/// After these a clause may begin without a comma.
const BEFORE: [&str; 4] = ["and", "so", "then", "but"];
/// At these a clause ends.
const ENDS: [&str; 13] =
    ["because", "which", "where", "while", "but", "who", "when", "if", "since", "until", "although", "so", "before"];
/// After "and" these begin another clause.
const SUBJECTS: [&str; 9] = ["i", "we", "it", "they", "he", "she", "then", "there", "that"];
/// A clause that ends with one of these was cut in the wrong place.
const DANGLING: [&str; 20] = [
    "a", "an", "the", "to", "of", "in", "on", "with", "by", "for", "at", "as", "that", "and", "or", "from", "my",
    "our", "into", "how",
];
/// Between subject and verb these may stand.
const BETWEEN: [&str; 8] = ["also", "then", "first", "just", "simply", "finally", "even", "always"];

/// The clauses of an answer that may be told back, in order.
#[must_use]
pub fn told_back(voice: &Voice, round: Round, answer: &str) -> Vec<String> {
    let words = lexicon::words(answer);
    (0..words.len()).filter_map(|at| clause(&voice.phrases, round, answer, &words, at)).collect()
}

fn clause(phrases: &Phrases, round: Round, answer: &str, words: &[Word], at: usize) -> Option<String> {
    let begins = at == 0 || words[at - 1].ends_clause || BEFORE.contains(&words[at - 1].text.as_str());
    let subject = words[at].text.as_str();
    let modal = matches!(subject, "i'd" | "we'd" | "i'll" | "we'll");
    if !begins || !(modal || matches!(subject, "i" | "we")) || words[at].ends_clause {
        return None;
    }
    let mut verb = at + 1;
    let modal = modal || words.get(verb).is_some_and(|w| matches!(w.text.as_str(), "would" | "will"));
    if words.get(verb).is_some_and(|w| matches!(w.text.as_str(), "would" | "will")) {
        verb += 1;
    }
    while words.get(verb).is_some_and(|w| BETWEEN.contains(&w.text.as_str())) {
        verb += 1;
    }
    let did = words.get(verb)?.text.as_str();
    let told = match round {
        Round::Behavioural => !modal && (phrases.told_past.contains(did) || (did.len() > 4 && did.ends_with("ed"))),
        Round::SystemDesign => phrases.told_now.contains(did) || (modal && phrases.told_would.contains(did)),
    };
    if !told {
        return None;
    }
    let mut end = verb + 1;
    while end < words.len() && !words[end - 1].ends_clause {
        let next = words.get(end + 1).map_or("", |w| w.text.as_str());
        let word = words[end].text.as_str();
        if ENDS.contains(&word) || (word == "and" && SUBJECTS.contains(&next)) {
            break;
        }
        end += 1;
    }
    if end - at >= LENGTH.end {
        end = (at + LENGTH.start..(at + LENGTH.end).min(end)).rev().find(|&cut| words[cut].text == "and")?;
    }
    let clause = &words[at..end];
    let text = &answer[clause.first()?.range.start..clause.last()?.range.end];
    let plain =
        text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '\'' | '’' | '/' | '%' | '.' | ','));
    let sore = clause.iter().any(|w| {
        phrases.told_never.contains(&w.text) || lexicon::NEGATIONS.contains(&w.text.as_str()) || w.text.ends_with("n't")
    });
    let last = clause.last()?.text.as_str();
    // "We wrote it for us" would become "You wrote it for you".
    let dangles = DANGLING.contains(&last) || matches!(last, "me" | "us") || last.ends_with("ing");
    (LENGTH.contains(&clause.len()) && plain && !sore && !dangles).then(|| turned(answer, clause))
}

/// The clause with its pronouns turned from the speaker to the listener.
fn turned(answer: &str, clause: &[Word]) -> String {
    let mut text = String::new();
    let mut from = clause.first().map_or(0, |w| w.range.start);
    for (at, word) in clause.iter().enumerate() {
        text.push_str(&answer[from..word.range.start]);
        let own = &answer[word.range.clone()];
        let after_subject = at > 0 && matches!(clause[at - 1].text.as_str(), "i" | "we");
        text.push_str(match word.text.as_str() {
            "i" | "we" | "me" | "us" if at == 0 => "You",
            "i" | "we" | "me" | "us" => "you",
            "i'd" | "we'd" if at == 0 => "You’d",
            "i'll" | "we'll" if at == 0 => "You’d",
            "will" if at == 1 => "would",
            "my" | "our" => "your",
            "mine" | "ours" => "yours",
            "myself" => "yourself",
            "ourselves" => "yourselves",
            "was" if after_subject => "were",
            _ => own,
        });
        from = word.range.end;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Content;

    fn check(round: Round, answer: &str, expect: &[&str]) {
        assert_eq!(told_back(&Content::built_in().voice, round, answer), expect, "{answer}");
    }

    #[test]
    fn what_somebody_did_is_told_back() {
        let check = |answer: &str, expect: &[&str]| check(Round::Behavioural, answer, expect);
        check(
            "I wrote both options on one page with what each would cost us, and I built a small prototype of the fair \
             scheduler over two days and showed it with real traffic.",
            &["You built a small prototype of the fair scheduler over two days"],
        );
        check(
            "I wrote the layer in front of the tables, I set up the comparison job.",
            &["You wrote the layer in front of the tables", "You set up the comparison job"],
        );
        check("First I rolled my change back to our old version, because it was mine.", &[]);
        check(
            "Then, I rolled my change back to our old version, because it was mine.",
            &["You rolled your change back to your old version"],
        );
        check("In the end we wrote it all by hand for us.", &[]);
        check("I broke the login for everybody that morning.", &[]);
        check("I had not tested it with the real latency.", &[]);
        check("He simply saw it another way, as people do.", &[]);
        check("I think that it was good for all of us.", &[]);
        check("We wrote to your team.", &[]);
    }

    #[test]
    fn what_somebody_would_build_is_told_back() {
        let check = |answer: &str, expect: &[&str]| check(Round::SystemDesign, answer, expect);
        check(
            "I would keep a table of deliveries beside the orders.",
            &["You would keep a table of deliveries beside the orders"],
        );
        check(
            "We retry with growing pauses up to three days, and then it is parked.",
            &["You retry with growing pauses up to three days"],
        );
        check("We take it as it comes from the other side.", &[]);
        check(
            "I'd put every customer on a queue of its own, I guess.",
            &["You’d put every customer on a queue of its own"],
        );
        check("I would not touch the outbox table at all.", &[]);
        check("", &[]);
        check("I would keep <script>alert(1)</script> in the table.", &[]);
    }
}

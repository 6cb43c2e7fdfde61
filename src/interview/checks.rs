//! What must hold for every word that the interviewer says. Pure checks over text; nothing that fails is ever shown.

use std::collections::BTreeSet;

use super::lexicon;
use crate::content::voice::Forbidden;

/// Longest question part, in words (facts from the sheet and quotations are not counted).
pub const MOST_WORDS: usize = 50;
/// Two questions that share more of their word pairs than this are one question twice.
const SAME: f32 = 0.6;

/// What a text is held against.
#[derive(Clone, Copy)]
pub struct Against<'a> {
    /// Words the interviewer must not use.
    pub forbidden: &'a Forbidden,
    /// What it said before.
    pub earlier: &'a [&'a str],
    /// Words that would give something away.
    pub leaks: &'a [String],
    /// Question marks it must have: 1, or 0 for the last words.
    pub questions: usize,
}

/// Why a text may not be shown; empty for a text that may.
#[must_use]
pub fn faults(text: &str, against: Against<'_>) -> Vec<String> {
    let own = without_quotations(text);
    let words = lexicon::words(&own);
    let mut faults = Vec::new();
    let marks = text.matches('?').count();
    if marks != against.questions {
        faults.push(format!("{marks} question marks"));
    }
    if against.questions == 1 && !text.trim_end().ends_with('?') {
        faults.push("does not end with its question".into());
    }
    if words.len() > MOST_WORDS {
        faults.push(format!("{} words", words.len()));
    }
    if lexicon::sentences(&own).len() > 3 {
        faults.push("more than three sentences".into());
    }
    let lists = [
        ("praise", &against.forbidden.praise),
        ("verdict", &against.forbidden.verdicts),
        ("talk about itself", &against.forbidden.meta),
        ("answers itself", &against.forbidden.answers_itself),
    ];
    for (name, list) in lists {
        if let Some(found) = list.iter().find(|cue| said(&words, cue)) {
            faults.push(format!("{name}: {found}"));
        }
    }
    if let Some(leak) = against.leaks.iter().find(|cue| said(&words, cue)) {
        faults.push(format!("gives away: {leak}"));
    }
    if is_yes_no(&own) {
        faults.push("can be answered with yes or no".into());
    }
    if own.contains('{') || own.contains('}') {
        faults.push("an open slot".into());
    }
    if against.earlier.iter().any(|e| repeats(text, e)) {
        faults.push("asked before".into());
    }
    faults
}

/// Whether a cue stands there, negated or not.
#[must_use]
pub fn said(words: &[lexicon::Word], cue: &str) -> bool {
    let parts: Vec<&str> = cue.split([' ', '-']).filter(|p| !p.is_empty()).collect();
    (0..words.len()).any(|at| {
        words[at..].len() >= parts.len()
            && words[at..].iter().zip(&parts).all(|(w, p)| match p.strip_suffix('*') {
                Some(stem) => w.text.starts_with(stem),
                None => w.text == **p,
            })
    })
}

/// Whether two turns ask the same question. Quotations count: the same frame around other words is another question
/// only if the frame is short.
#[must_use]
pub fn repeats(text: &str, earlier: &str) -> bool {
    let (a, b) = (pairs(&question_of(text)), pairs(&question_of(earlier)));
    if a.is_empty() || b.is_empty() {
        return false;
    }
    let shared = a.intersection(&b).count() as f32;
    let all = a.union(&b).count() as f32;
    shared / all > SAME
}

/// The sentence that asks.
#[must_use]
pub fn question_of(text: &str) -> String {
    let own = without_quotations(text);
    lexicon::sentences(&own).into_iter().map(|r| own[r].to_owned()).rfind(|s| s.ends_with('?')).unwrap_or_default()
}

fn pairs(text: &str) -> BTreeSet<(String, String)> {
    let words = lexicon::words(text);
    words.windows(2).map(|p| (p[0].text.clone(), p[1].text.clone())).collect()
}

/// The text without what stands between “ and ”: the candidate's words are theirs.
#[must_use]
pub fn without_quotations(text: &str) -> String {
    let mut own = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        match c {
            '“' => inside = true,
            '”' => {
                inside = false;
                own.push('…');
            }
            c if !inside => own.push(c),
            _ => {}
        }
    }
    own
}

/// Whether the question can be answered with yes or no.
#[must_use]
pub fn is_yes_no(own: &str) -> bool {
    const STARTS: [&str; 17] = [
        "is", "are", "do", "does", "did", "can", "could", "would", "will", "have", "has", "should", "was", "were",
        "may", "shall", "isn't",
    ];
    let question = question_of(own);
    // What is asked comes after the last clause mark: "Suppose it is down: what happens?"
    let first = lexicon::words(&question);
    let asks = |w: &str| matches!(w, "what" | "which" | "who" | "whose" | "how" | "why" | "where" | "when");
    first.first().is_some_and(|w| STARTS.contains(&w.text.as_str())) && !first.iter().any(|w| asks(&w.text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Content;

    fn check(text: &str, expect: &[&str]) {
        let content = Content::built_in();
        let leaks = ["dead letter*".to_owned()];
        let earlier = ["Okay. How does the write path look when a region is gone?"];
        let against =
            Against { forbidden: &content.voice.hears.interviewer, earlier: &earlier, leaks: &leaks, questions: 1 };
        assert_eq!(faults(text, against), expect, "{text}");
    }

    #[test]
    fn what_may_not_be_said() {
        check("What happens when it is full?", &[]);
        check("Great answer. What happens when it is full?", &["praise: great"]);
        check("What happens? And why?", &["2 question marks"]);
        check("Tell me more.", &["0 question marks", "does not end with its question"]);
        check("Is there a limit?", &["can be answered with yes or no"]);
        check("What about a dead-letter queue?", &["gives away: dead letter*"]);
        check("You could use a queue. What then?", &["answers itself: you could use"]);
        check("How does the write path look when a region is gone?", &["asked before"]);
        check("You said “a great dead letter queue”. What is in it?", &[]);
        check("One. Two. Three. What is four?", &["more than three sentences"]);
    }
}

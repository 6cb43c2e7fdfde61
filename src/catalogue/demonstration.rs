//! What the scripted engine says when no model is wanted: neutral questions that fit any problem or story, in turn.
//! It judges nothing: every option is equally likely.

use std::time::Duration;

use crate::engine::request::Constraint;
use crate::engine::scripted::Script;

/// Questions that presume nothing about the answer; they repeat after the last.
const QUESTIONS: [&str; 12] = [
    "What would you want to find out before you decide anything?",
    "Which of these requirements drives the design most, and why?",
    "What happens to one request from the moment it arrives?",
    "Where is that data kept, and who may write it?",
    "What did you weigh against that choice?",
    "How would you notice that this part has stopped working?",
    "What changes when there is ten times as much of it?",
    "Who else was part of that decision, and what did they want?",
    "What did you do yourself at that point?",
    "What would have to be true for the opposite choice to be right?",
    "How did you know that it had worked?",
    "Looking back, what would you do in another order?",
];

/// The script; about 30 words a second, so that streaming is visible.
pub(super) fn script() -> Script {
    let mut turn = 0;
    Script {
        words: Box::new(move |request| {
            if let Some(Constraint::SpanOf { text, max_words, .. }) = &request.constraint {
                return first_words(text, *max_words).to_owned();
            }
            let question = QUESTIONS[turn % QUESTIONS.len()];
            turn += 1;
            question.to_owned()
        }),
        delay: Duration::from_millis(30),
        ..Script::default()
    }
}

/// The first `count` words of a text, verbatim: what a constraint to a piece of it allows.
fn first_words(text: &str, count: usize) -> &str {
    let text = text.trim_start();
    let mut inside = false;
    let mut words = 0;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            inside = false;
            if words == count {
                return &text[..at];
            }
        } else if !inside {
            inside = true;
            words += 1;
        }
    }
    text.trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{GenerateRequest, Prompt};

    #[test]
    fn questions_take_turns_and_a_quotation_is_verbatim() {
        let mut script = script();
        let mut request = GenerateRequest::new(Prompt::system("s"), 10);
        let asked: Vec<String> = (0..=QUESTIONS.len()).map(|_| (script.words)(&request)).collect();
        assert_eq!(asked[0], asked[QUESTIONS.len()]);
        assert!(asked[1..].iter().all(|q| q.ends_with('?') && q.matches('?').count() == 1));

        let text = "  We kept\ttwo copies, one per zone. ";
        request.constraint = Some(Constraint::SpanOf { text: text.into(), min_words: 1, max_words: 4 });
        let quoted = (script.words)(&request);
        assert_eq!(quoted, "We kept\ttwo copies,");
        assert!(text.contains(&quoted));
        assert_eq!(first_words("short", 4), "short");
        assert_eq!(first_words("", 4), "");
    }
}

//! What the scripted engine says when no model is wanted: neutral questions that fit any problem or story, in turn.
//! It judges nothing: every option is equally likely.

use std::time::Duration;

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
        words: Box::new(move |_| {
            let question = QUESTIONS[turn % QUESTIONS.len()];
            turn += 1;
            question.to_owned()
        }),
        delay: Duration::from_millis(30),
        ..Script::default()
    }
}

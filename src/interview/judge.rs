//! Asks the model small yes/no questions about one answer, all over one shared prefix, in one batch. No words are
//! generated and nothing is decided here.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::engine::{Choice, ChooseRequest, Engine, EngineError, Priority, Prompt};
use crate::prompts::{PromptError, PromptFile};

/// Most questions per answer: the wait must stay short on a laptop.
pub const MOST: usize = 8;
/// An answer is cut to this many characters for judging; the rest is still searched for cues.
const LONGEST: usize = 4_000;

/// Why there is no judgement.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The engine refused or failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The prompt file is damaged.
    #[error(transparent)]
    Prompt(#[from] PromptError),
}

/// P(yes) for each of `asks`, in order.
///
/// # Errors
/// [`JudgeError`]; the caller goes on with lexical evidence.
pub async fn p_yes(engine: &Engine, question: &str, answer: &str, asks: &[String]) -> Result<Vec<f32>, JudgeError> {
    if asks.is_empty() {
        return Ok(Vec::new());
    }
    let system = PromptFile::load("interviewer/judge.md")?.render(())?;
    let choices = asks.iter().map(|ask| Choice { prompt: prompt(&system, question, answer, ask), options: options() });
    let request = ChooseRequest { choices: choices.collect(), hidden: false, priority: Priority::Interactive };
    let scored = engine.choose(request).await?;
    Ok(scored.iter().map(|s| s.probabilities().first().copied().unwrap_or(0.5)).collect())
}

/// What is read first once `draft` is the answer. Read ahead while it is being typed, only its last words are left to
/// read when it is sent.
///
/// # Errors
/// [`PromptError`] when the prompt file is damaged.
pub fn ahead(question: &str, draft: &str) -> Result<Prompt, PromptError> {
    let system = PromptFile::load("interviewer/judge.md")?.render(())?;
    Ok(Prompt::system(system).user(told(question, draft)))
}

/// What the model says to nothing: a question nobody asked and an answer that says nothing.
pub const NOTHING: (&str, &str) = ("Shall we go on?", "Yes, let me think about that for a moment, please.");

/// What was asked of nothing before, by model file and question: a habit does not change.
static HABITS: LazyLock<Mutex<HashMap<(String, String), f32>>> = LazyLock::new(Mutex::default);

/// P(yes) for each of `asks` on an answer that says nothing.
///
/// # Errors
/// As [`p_yes`].
pub async fn habits(engine: &Engine, asks: &[String]) -> Result<Vec<f32>, JudgeError> {
    let key = |ask: &String| (engine.info().sha256.clone(), ask.clone());
    let known = |ask: &String| HABITS.lock().unwrap_or_else(PoisonError::into_inner).get(&key(ask)).copied();
    let unknown: Vec<String> = asks.iter().filter(|ask| known(ask).is_none()).cloned().collect();
    let p = p_yes(engine, NOTHING.0, NOTHING.1, &unknown).await?;
    let mut habits = HABITS.lock().unwrap_or_else(PoisonError::into_inner);
    habits.extend(unknown.iter().map(key).zip(p));
    Ok(asks.iter().map(|ask| habits.get(&key(ask)).copied().unwrap_or(0.5)).collect())
}

/// P(yes) that each pair of statements cannot both be true. What the model says of a statement and itself is taken off:
/// that is its habit and no finding.
///
/// # Errors
/// [`JudgeError`]; the caller goes on with lexical evidence.
pub async fn p_contradicts(engine: &Engine, pairs: &[(String, String)]) -> Result<Vec<f32>, JudgeError> {
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let system = PromptFile::load("interviewer/contradiction.md")?.render(())?;
    let ask = |a: &str, b: &str| Choice {
        prompt: Prompt::system(&system)
            .user(format!("Earlier: «{a}»\nNow: «{b}»\n\nDo these two statements contradict each other? Yes or No?")),
        options: options(),
    };
    let choices = pairs.iter().flat_map(|(a, b)| [ask(a, b), ask(a, a)]).collect();
    let request = ChooseRequest { choices, hidden: false, priority: Priority::Interactive };
    let scored = engine.choose(request).await?;
    let yes: Vec<f32> = scored.iter().map(|s| s.probabilities().first().copied().unwrap_or(0.5)).collect();
    Ok(yes.chunks(2).map(|two| lift(two[0], two.get(1).copied().unwrap_or(0.5))).collect())
}

/// How much more a model says yes than out of habit, as a probability: 0.5 is no more.
#[must_use]
pub fn lift(p: f32, habit: f32) -> f32 {
    sigmoid(logit(p) - logit(habit))
}

fn logit(p: f32) -> f32 {
    let p = p.clamp(1e-4, 1.0 - 1e-4);
    (p / (1.0 - p)).ln()
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn told(question: &str, answer: &str) -> String {
    format!("Question: {question}\n\nAnswer: {}", cut(answer))
}

fn options() -> Vec<String> {
    vec!["Yes".to_owned(), "No".to_owned()]
}

fn prompt(system: &str, question: &str, answer: &str, ask: &str) -> Prompt {
    then(system, question, answer, format!("{ask} Yes or No?"))
}

fn then(system: &str, question: &str, answer: &str, request: String) -> Prompt {
    Prompt::system(system)
        .user(told(question, answer))
        .assistant("I have read the question and the answer.")
        .user(request)
}

/// The same beginning with another request at the end: what was read for the judgements is not read again.
///
/// # Errors
/// [`PromptError`] when the prompt file is damaged.
pub fn asking(question: &str, answer: &str, request: String) -> Result<Prompt, PromptError> {
    let system = PromptFile::load("interviewer/judge.md")?.render(())?;
    Ok(then(&system, question, answer, request))
}

/// The part of an answer that a model reads.
#[must_use]
pub fn cut(answer: &str) -> &str {
    let mut end = answer.len().min(LONGEST);
    while !answer.is_char_boundary(end) {
        end -= 1;
    }
    &answer[..end]
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_questions_share_everything_but_the_last_message() {
        let (a, b) = (prompt("s", "q", "a", "One?"), prompt("s", "q", "a", "Two?"));
        assert_eq!(a.messages[..3], b.messages[..3]);
        assert_ne!(a.messages[3], b.messages[3]);
    }

    #[test]
    fn what_is_read_ahead_is_the_beginning_of_what_is_judged() {
        let (draft, whole) = (ahead("q", "I would").unwrap(), ahead("q", "I would shard it").unwrap());
        let judged = prompt(&whole.messages[0].text, "q", "I would shard it", "One?");
        assert_eq!(whole.messages[..], judged.messages[..2]);
        assert!(whole.messages[1].text.starts_with(&draft.messages[1].text));
    }

    #[test]
    fn a_long_answer_is_cut_between_characters() {
        let answer = "é".repeat(LONGEST);
        assert_eq!(cut(&answer).len(), LONGEST);
        assert_eq!(cut(&"😀".repeat(LONGEST)).len() % 4, 0);
    }
}

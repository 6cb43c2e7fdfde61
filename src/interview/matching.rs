//! Which fact of the sheet a question asks for, in a model's judgement. Nothing is generated; nothing is decided here.

use crate::engine::{Choice, ChooseRequest, Engine, Priority, Prompt};
use crate::prompts::PromptFile;

use super::judge::{self, JudgeError};

/// Letters of the options, the last one used for "none of these".
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Log-probability of each of `lines`, and of none of them (last), as the answer to `question`; lines read in `order`.
///
/// # Errors
/// [`JudgeError`].
pub async fn which(engine: &Engine, questions: &[&str], lines: &[String], backwards: bool) -> Result<Vec<Vec<f32>>, JudgeError> {
    let system = PromptFile::load("interviewer/fact.md")?.render(())?;
    let mut order: Vec<usize> = (0..lines.len()).collect();
    if backwards {
        order.reverse();
    }
    let letter = |at: usize| LETTERS[at..=at].to_owned();
    let mut sheet = String::from("Fact sheet:\n");
    for (at, &line) in order.iter().enumerate() {
        sheet += &format!("{}. {}\n", letter(at), lines[line]);
    }
    sheet += &format!("{}. None of these\n", letter(lines.len()));
    let options: Vec<String> = (0..=lines.len()).map(letter).collect();
    let choices = questions
        .iter()
        .map(|question| Choice {
            prompt: Prompt::system(&system).user(format!(
                "{sheet}\nA candidate asks: «{}»\n\nWhich line holds the answer to that very question? Reply with its letter only.",
                judge::cut(question)
            )),
            options: options.clone(),
        })
        .collect();
    let scored = engine.choose(ChooseRequest { choices, hidden: false, priority: Priority::Interactive }).await?;
    Ok(scored
        .iter()
        .map(|s| {
            let mut by_line = vec![0.0; lines.len() + 1];
            for (at, &line) in order.iter().enumerate() {
                by_line[line] = s.log_probs[at];
            }
            by_line[lines.len()] = s.log_probs[lines.len()];
            by_line
        })
        .collect())
}

/// Where a text lies in the model's space.
///
/// # Errors
/// [`JudgeError`].
pub async fn places(engine: &Engine, texts: &[String]) -> Result<Vec<Vec<f32>>, JudgeError> {
    let choices = texts
        .iter()
        .map(|text| Choice {
            prompt: Prompt::system("You sum up what a text is about.")
                .user(format!("In one word, what is this about?\n«{}»", judge::cut(text))),
            options: vec!["Yes".to_owned()],
        })
        .collect();
    let scored = engine.choose(ChooseRequest { choices, hidden: true, priority: Priority::Interactive }).await?;
    Ok(scored.into_iter().map(|s| s.hidden.unwrap_or_default()).collect())
}

/// How likely the question is after each line: log-probability per token.
///
/// # Errors
/// [`JudgeError`].
pub async fn asked_of(engine: &Engine, question: &str, lines: &[String]) -> Result<Vec<f32>, JudgeError> {
    let choices = lines
        .iter()
        .map(|line| Choice {
            prompt: Prompt::system("You are a candidate in a design interview.")
                .user(format!("Ask a question whose answer is: {line}")),
            options: vec![question.to_owned()],
        })
        .collect();
    let scored = engine.choose(ChooseRequest { choices, hidden: false, priority: Priority::Interactive }).await?;
    Ok(scored.iter().map(|s| s.log_probs[0]).collect())
}

//! Which fact of the sheet a question asks for, in a model's judgement: asked in its own mind what the question is about, it
//! finds the lines of the sheet more or less likely. No word is generated, so nothing can be told that is not on the sheet.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::judge::{self, JudgeError};
use crate::engine::{Choice, ChooseRequest, Engine, Priority, Prompt};
use crate::prompts::PromptFile;

/// When a model's judgement is believed; measured for each model (`bench interviewer --questions`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Believed {
    /// What a whole likeness of words counts, in natural logarithms.
    pub likeness: f32,
    /// How far the best fact must lie above the next, where words find none.
    pub apart: f32,
    /// How far the fact that words find may lie below the best: further down it is not told.
    pub veto: f32,
}

impl Believed {
    fn scores(self, about: &[f32], likeness: &[f32]) -> Vec<f32> {
        about.iter().enumerate().map(|(at, a)| a + self.likeness * likeness.get(at).copied().unwrap_or(0.0)).collect()
    }
}

/// Whether the fact that words find is too unlikely to be told.
#[must_use]
pub fn doubts(about: &[f32], likeness: &[f32], found: usize, believed: Believed) -> bool {
    let scores = believed.scores(about, likeness);
    let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.get(found).is_some_and(|score| best - score > believed.veto)
}

/// The place of the fact that a question asks for, if one is clear. `about` as from [`about`], `likeness` as from
/// [`super::facts::Sheet::likeness`], both in the sheet's order.
#[must_use]
pub fn clear(about: &[f32], likeness: &[f32], believed: Believed) -> Option<usize> {
    let scores = believed.scores(about, likeness);
    let best = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]))?;
    let next = (0..scores.len()).filter(|at| *at != best).map(|at| scores[at]).fold(f32::NEG_INFINITY, f32::max);
    // Not a number is not clear either.
    (scores[best] - next >= believed.apart && scores[best].is_finite()).then_some(best)
}

/// How much likelier each of `lines` (what a fact is asked for as) is as the answer to "what does the candidate ask about?"
/// than after a question that asks for nothing in particular, in natural logarithms.
///
/// # Errors
/// [`JudgeError`]; the caller says that the sheet does not hold it.
pub async fn about(engine: &Engine, question: &str, lines: &[String]) -> Result<Vec<f32>, JudgeError> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let system = PromptFile::load("interviewer/fact.md")?.render(())?;
    let choice = |question: &str| Choice {
        prompt: Prompt::system(&system).user(format!(
            "A candidate asks: «{}»\n\nIn a few words, what does the candidate ask about?",
            judge::cut(question)
        )),
        options: lines.to_vec(),
    };
    let key = (engine.info().sha256.clone(), lines.join("|"));
    let known = HABITS.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    let asked: Vec<&str> = if known.is_some() { vec![question] } else { vec![question, NO_QUESTION] };
    let choices = asked.iter().map(|q| choice(q)).collect();
    let scored = engine.choose(ChooseRequest { choices, hidden: false, priority: Priority::Interactive }).await?;
    let said = scored.first().map_or_else(Vec::new, |s| s.log_probs.clone());
    let habit = match known {
        Some(habit) => habit,
        None => {
            let habit = scored.get(1).map_or_else(Vec::new, |s| s.log_probs.clone());
            HABITS.lock().unwrap_or_else(PoisonError::into_inner).insert(key, habit.clone());
            habit
        }
    };
    Ok(said.iter().zip(&habit).map(|(a, b)| a - b).collect())
}

/// What was likely anyway, by model file and lines of a sheet.
static HABITS: LazyLock<Mutex<Habits>> = LazyLock::new(Mutex::default);

/// Logarithms by model file and lines.
type Habits = HashMap<(String, String), Vec<f32>>;

/// A question that asks for nothing in particular.
const NO_QUESTION: &str = "May I ask something about that?";

#[cfg(test)]
mod tests {
    use super::*;

    const BELIEVED: Believed = Believed { likeness: 2.0, apart: 1.0, veto: 2.0 };

    #[test]
    fn only_a_clear_fact_is_taken() {
        assert_eq!(clear(&[0.0, 3.0, 1.5], &[0.0, 0.0, 0.0], BELIEVED), Some(1));
        assert_eq!(clear(&[0.0, 3.0, 2.5], &[0.0, 0.0, 0.0], BELIEVED), None, "two are alike");
        assert_eq!(clear(&[0.0, 3.0, 2.5], &[0.0, 0.8, 0.0], BELIEVED), Some(1), "words speak for one");
    }

    #[test]
    fn what_words_find_is_told_unless_the_model_finds_it_far_off() {
        assert!(!doubts(&[0.0, 3.0, 1.5], &[0.0; 3], 1, BELIEVED));
        assert!(!doubts(&[0.0, 3.0, 1.5], &[0.0; 3], 2, BELIEVED), "not far enough");
        assert!(doubts(&[0.0, 3.0, 1.5], &[0.0; 3], 0, BELIEVED));
        assert!(!doubts(&[0.0, 3.0, 1.5], &[1.0, 0.0, 0.0], 0, BELIEVED), "words speak for it");
        assert!(!doubts(&[], &[], 0, BELIEVED) && !doubts(&[f32::NAN; 2], &[], 0, BELIEVED));
    }

    #[test]
    fn nothing_odd_is_clear() {
        assert_eq!(clear(&[], &[], BELIEVED), None);
        assert_eq!(clear(&[f32::NAN, 1.0, 0.9], &[], BELIEVED), None);
        assert_eq!(clear(&[f32::NEG_INFINITY; 3], &[], BELIEVED), None);
        assert_eq!(clear(&[2.0], &[], BELIEVED), Some(0), "a sheet of one fact");
    }
}

//! The free form: the model words the move itself. Several candidates are decoded in one batch, each is held against
//! every check, and the one that takes up most of the candidate's words is said; none of them when all fail.

use std::collections::BTreeSet;

use super::checks;
use super::judge;
use super::lexicon::{self, Word};
use super::note::Move;
use super::picking::{Heard, PickError};
use super::plan::Plan;
use super::transcript::Turn;
use super::wording;
use crate::content::Content;
use crate::engine::{Engine, GenerateRequest, Sampling};
use crate::prompts::PromptFile;

/// Candidates decoded together.
const CANDIDATES: u64 = 4;
/// Longest question in free words; hand-written ones may be longer.
const MOST_WORDS: usize = 32;

/// What the model worded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Worded {
    /// The best that passed every check.
    pub best: Option<String>,
    /// What was refused: the text and its first fault.
    pub refused: Vec<String>,
}

/// Words a move; an empty result for a move that only hand-written words may carry.
///
/// # Errors
/// [`PickError`]; the caller composes instead.
pub async fn word(
    engine: &Engine,
    content: &Content,
    plan: &Plan,
    turns: &[Turn],
    next: &Move,
    heard: &Heard<'_>,
) -> Result<Worded, PickError> {
    let Some(instruction) = wording::instruction(content, plan, turns, next) else { return Ok(Worded::default()) };
    let file = PromptFile::load("interviewer/free.md")?;
    let prompt = judge::asking(heard.question, heard.answer, file.render(minijinja::context! { instruction })?)?;
    let mut running = Vec::new();
    for number in 0..CANDIDATES {
        let sampling = Sampling {
            seed: plan.seed.wrapping_mul(31).wrapping_add(turns.len() as u64 * CANDIDATES + number),
            ..file.front.sampling.clone()
        };
        let request = GenerateRequest {
            sampling,
            stop: file.front.stop.clone(),
            ..GenerateRequest::new(prompt.clone(), file.front.max_tokens)
        };
        running.push(engine.generate(request)?);
    }
    let mut worded = Worded::default();
    let mut best_overlap = 0;
    for generation in running {
        let text = tidy(&generation.finished().await?.text);
        match fault(content, plan, turns, next, &text) {
            Some(fault) => worded.refused.push(format!("{fault}: {}", text.chars().take(160).collect::<String>())),
            None => {
                let overlap = 1 + overlap(&text, heard.answer);
                if overlap > best_overlap {
                    best_overlap = overlap;
                    worded.best = Some(text);
                }
            }
        }
    }
    Ok(worded)
}

/// The first question of what was said, without marks around it.
fn tidy(text: &str) -> String {
    let text = text.trim().trim_matches(|c: char| matches!(c, '"' | '“' | '”' | '*' | '`') || c.is_whitespace());
    let text = text.strip_prefix("Question:").unwrap_or(text).trim();
    text.split_once('?').map_or_else(|| text.to_owned(), |(asked, _)| format!("{}?", asked.trim()))
}

/// Why a free wording may not be shown: everything that holds for all questions, and what only free words can do.
#[must_use]
pub fn fault(content: &Content, plan: &Plan, turns: &[Turn], next: &Move, text: &str) -> Option<String> {
    if let Some(fault) = wording::faults(content, plan, turns, next, text).into_iter().next() {
        return Some(fault);
    }
    let words = lexicon::words(text);
    if words.len() < 4 || words.len() > MOST_WORDS {
        return Some(format!("{} words", words.len()));
    }
    if !text.chars().all(|c| c.is_ascii() && !c.is_ascii_control() || matches!(c, '“' | '”' | '’')) {
        return Some("signs that are not plain text".into());
    }
    if text.contains(['<', '>', '{', '}', '[', ']', '|', '\\', '`', '*', '_', '#', ';']) {
        return Some("signs that are not plain text".into());
    }
    const ASKS: [&str; 8] = ["what", "how", "which", "why", "where", "who", "when", "whose"];
    if !words.iter().any(|w| ASKS.contains(&w.text.as_str())) {
        return Some("not an open question".into());
    }
    if words.iter().any(|w| matches!(w.text.as_str(), "i" | "my" | "candidate" | "interviewer" | "answer")) {
        return Some("speaks as or about somebody else".into());
    }
    said_by_nobody(content, plan, turns, next, &words)
}

/// Numbers, products, parts and cues that nobody has said yet: a fact made up, or a piece of the answer.
fn said_by_nobody(content: &Content, plan: &Plan, turns: &[Turn], next: &Move, words: &[Word]) -> Option<String> {
    let said: BTreeSet<String> =
        turns.iter().flat_map(|t| lexicon::words(&t.text)).map(|w| lexicon::stem(&w.text).to_owned()).collect();
    let fresh = |w: &Word| !said.contains(lexicon::stem(&w.text));
    if let Some(number) = words.iter().find(|w| w.text.contains(|c: char| c.is_ascii_digit()) && fresh(w)) {
        return Some(format!("a number that nobody said: {}", number.text));
    }
    let hears = &content.voice.hears;
    let problem = content.problem(&plan.problem);
    let item = problem.and_then(|p| p.checklist.iter().find(|i| i.id == next.topic));
    let of_topic = item.map_or(&[][..], |i| i.cues.as_slice());
    let lists = [("a product", &hears.products[..]), ("a part", &hears.components), ("a heavy part", &hears.heavy)];
    for (what, list) in lists.into_iter().chain([("a piece of the answer", of_topic)]) {
        for cue in list {
            if checks::said(words, cue) && !turns.iter().any(|t| checks::said(&lexicon::words(&t.text), cue)) {
                return Some(format!("{what} that nobody said: {cue}"));
            }
        }
    }
    None
}

/// Telling words that question and answer share.
fn overlap(text: &str, answer: &str) -> usize {
    let telling = |text: &str| -> BTreeSet<String> {
        lexicon::words(text).iter().filter(|w| w.text.len() >= 4).map(|w| lexicon::stem(&w.text).to_owned()).collect()
    };
    telling(text).intersection(&telling(answer)).count()
}

//! The composed form with a model's help: it points at the candidate's words to quote (a span of the answer, under
//! constrained decoding) and says which of the hand-written wordings goes on best. What it may choose from is decided
//! and checked by code, so it can choose badly but not say anything of its own.

use super::anchor;
use super::judge::{self, JudgeError};
use super::lexicon;
use super::note::{Act, Move};
use super::plan::Plan;
use super::topic;
use super::transcript::{Speaker, Turn};
use super::wording;
use crate::content::Content;
use crate::engine::{
    Choice, ChooseRequest, Constraint, Engine, EngineError, GenerateRequest, Priority, Prompt, Sampling,
};
use crate::prompts::{PromptError, PromptFile};

/// Wordings to choose among: each costs about 25 tokens of reading.
const OPTIONS: usize = 4;
/// Shorter answers have nothing to point into.
const LEAST_WORDS: usize = 8;
/// Words of a quotation.
const SPAN: (usize, usize) = (2, 5);

/// Why a model's help was not had.
#[derive(Debug, thiserror::Error)]
pub enum PickError {
    /// The engine refused or failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A prompt file is damaged.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// What it pointed at may not be quoted.
    #[error("its quotation was refused: {0}")]
    Refused(String),
}

impl From<JudgeError> for PickError {
    fn from(error: JudgeError) -> Self {
        match error {
            JudgeError::Engine(error) => Self::Engine(error),
            JudgeError::Prompt(error) => Self::Prompt(error),
        }
    }
}

/// The question and the answer that a move goes on from.
pub struct Heard<'a> {
    /// What was asked.
    pub question: &'a str,
    /// What was said.
    pub answer: &'a str,
}

impl<'a> Heard<'a> {
    /// The newest exchange; none before the first answer.
    #[must_use]
    pub fn newest(turns: &'a [Turn]) -> Option<Self> {
        let at = turns.iter().rposition(|t| t.role == Speaker::Candidate)?;
        let question =
            turns[..at].iter().rev().find(|t| t.role == Speaker::Interviewer).map_or("", |t| t.text.as_str());
        Some(Self { question, answer: &turns[at].text })
    }
}

/// Whether the words that a move quotes are the model's to choose: not where two statements are held against each
/// other or a claim is quoted as it was made.
#[must_use]
pub fn may_point(next: &Move, heard: &Heard<'_>) -> bool {
    let quotes_a_claim = matches!(next.act, Act::AskWhichHolds | Act::BreakClaim);
    // Without a quotation by code the answer held nothing that may be quoted, or nothing that was not quoted before.
    next.act.follows_up()
        && !quotes_a_claim
        && !next.quote.is_empty()
        && heard.answer.split_whitespace().count() >= LEAST_WORDS
}

/// The candidate's words that the model points at, as a phrase that reads well and was not quoted before.
///
/// # Errors
/// [`PickError`]; the caller keeps the quotation found by code.
pub async fn point(
    engine: &Engine,
    content: &Content,
    plan: &Plan,
    turns: &[Turn],
    next: &Move,
    heard: &Heard<'_>,
) -> Result<String, PickError> {
    let file = PromptFile::load("interviewer/point.md")?;
    let answer = judge::cut(heard.answer);
    let request = GenerateRequest {
        sampling: Sampling { seed: plan.seed, ..file.front.sampling.clone() },
        constraint: Some(Constraint::SpanOf { text: answer.to_owned(), min_words: SPAN.0, max_words: SPAN.1 }),
        ..GenerateRequest::new(prompt(&file, content, plan, next, heard)?, file.front.max_tokens)
    };
    let pointed_at = engine.generate(request)?.finished().await?.text;
    let refused = || PickError::Refused(pointed_at.trim().chars().take(80).collect());
    // Not only verbatim: a phrase that can stand between quotation marks in a sentence.
    let phrase = anchor::touched(&content.voice.phrases, answer, &pointed_at).ok_or_else(refused)?;
    let quoted = format!("“{phrase}”");
    let before = turns.iter().any(|t| t.role == Speaker::Interviewer && t.text.contains(&quoted));
    let injected = lexicon::mentions(&phrase, &content.voice.hears.injection);
    if before || injected { Err(refused()) } else { Ok(phrase) }
}

/// The wording that the model finds most natural after the answer, of those that passed every check; none when there is
/// nothing to choose or the model prefers nothing.
///
/// # Errors
/// [`PickError`]; the caller takes the first.
pub async fn choose(
    engine: &Engine,
    content: &Content,
    plan: &Plan,
    turns: &[Turn],
    next: &Move,
    heard: &Heard<'_>,
) -> Result<Option<String>, PickError> {
    let mut options = wording::questions(content, plan, turns, next, OPTIONS);
    if options.len() < 2 {
        return Ok(None);
    }
    let file = PromptFile::load("interviewer/choose.md")?;
    let choice = Choice { prompt: prompt(&file, content, plan, next, heard)?, options: options.clone() };
    let request = ChooseRequest { choices: vec![choice], hidden: false, priority: Priority::Interactive };
    let scored = engine.choose(request).await?;
    let log_probs = scored.first().map_or(&[][..], |s| s.log_probs.as_slice());
    // A model that finds all equally likely has said nothing.
    if log_probs.windows(2).all(|two| two[0] == two[1]) {
        return Ok(None);
    }
    // By length: a sum over tokens would always prefer the shortest.
    let each = |at: usize| log_probs.get(at).map_or(f32::NEG_INFINITY, |p| p / options[at].len().max(1) as f32);
    let best = (0..options.len()).fold(0, |best, at| if each(at) > each(best) { at } else { best });
    Ok(Some(options.swap_remove(best)))
}

fn prompt(
    file: &PromptFile,
    content: &Content,
    plan: &Plan,
    next: &Move,
    heard: &Heard<'_>,
) -> Result<Prompt, PromptError> {
    let area = topic::name(content, plan, &next.topic).unwrap_or_default();
    let request = file.render(minijinja::context! { area })?;
    judge::asking(heard.question, heard.answer, request)
}

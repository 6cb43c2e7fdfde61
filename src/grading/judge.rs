//! The judge: what the model is asked, and what its probabilities mean. The only file of the grader that asks a model.
//!
//! Three questions: an item on a place (Yes or No), a few items on words that show nothing (the model's habit), and the
//! level of a dimension on its quotations (a letter per anchor, in two orders). It reads places, never a whole transcript:
//! with the transcript before each question the 1.5B told answers from gaps worse, and took four times as long
//! (`benches/LOG.md`).

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::checklist::{self, Item};
use super::evidence::Place;
use super::reading;
use super::rubric::{Combine, DimensionText};
use crate::engine::{Choice, ChooseRequest, Engine, EngineError, Priority, Prompt, Scored};
use crate::interview::transcript::Round;

/// The file as it is built into the program.
pub const TEXT: &str = include_str!("../../prompts/grader/judge.toml");
/// Questions in one request: what all begin with is read once for them; the engine forks as many at a time as fit.
const BATCH: usize = 128;
/// A busy engine is asked again this often (with a pause), then it is a failure.
const PATIENCE: u32 = 600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    system: String,
    item: String,
    nothing_said: String,
    habit_questions: usize,
    levels: String,
    round: RoundNames,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RoundNames {
    system_design: String,
    behavioural: String,
}

fn file() -> &'static File {
    static FILE: OnceLock<File> = OnceLock::new();
    FILE.get_or_init(|| toml::from_str(TEXT).expect("prompts/grader/judge.toml does not parse. This is a bug."))
}

/// A judged place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Normalised P(yes) on the place; none when no model was asked.
    pub p_yes: Option<f64>,
    /// How much more the model says yes here than by habit (on words that show nothing), in logits; 0 without a model.
    pub lift: f64,
}

impl Judgement {
    /// No model was asked: the place is as good as its cue.
    pub const CODE: Self = Self { p_yes: None, lift: 0.0 };
}

/// Judges the best place of each item, and a further one only where the best was not usable: twice the places would cost
/// more time than reading the whole interview. `None`: not asked, since it would decide nothing.
///
/// # Errors
/// What the engine failed with.
pub async fn judge_in_turn(
    engine: Option<&Engine>,
    round: Round,
    combine: &Combine,
    asked: &[(&Item, &Place)],
) -> Result<Vec<Option<Judgement>>, EngineError> {
    if engine.is_none() {
        return Ok(vec![Some(Judgement::CODE); asked.len()]);
    }
    let mut judged: Vec<Option<Judgement>> = vec![None; asked.len()];
    let mut decided: HashSet<&str> = HashSet::new();
    loop {
        let mut in_this: HashSet<&str> = HashSet::new();
        let wave: Vec<usize> = (0..asked.len())
            .filter(|&at| {
                let id = asked[at].0.id.as_str();
                judged[at].is_none() && !decided.contains(id) && in_this.insert(id)
            })
            .collect();
        if wave.is_empty() {
            return Ok(judged);
        }
        let places: Vec<(&Item, &Place)> = wave.iter().map(|&at| asked[at]).collect();
        for (&at, judgement) in wave.iter().zip(judge_places(engine, round, &places).await?) {
            judged[at] = Some(judgement);
            if reading::strength(combine, asked[at].1.specific, judgement) >= combine.usable {
                decided.insert(&asked[at].0.id);
            }
        }
    }
}

/// Judges places of items, in order. Without a model every place is as good as its cue.
///
/// # Errors
/// What the engine failed with.
async fn judge_places(
    engine: Option<&Engine>,
    round: Round,
    asked: &[(&Item, &Place)],
) -> Result<Vec<Judgement>, EngineError> {
    let Some(engine) = engine.filter(|_| !asked.is_empty()) else {
        return Ok(vec![Judgement::CODE; asked.len()]);
    };
    let habit = habit(engine, round).await?;
    let choices = asked.iter().map(|(item, place)| yes_no(item, &place.quote.quote)).collect();
    let judged = |scored: &Scored| {
        let p_yes = p_yes(scored)?;
        Ok(Judgement { p_yes: Some(p_yes), lift: logit(p_yes) - habit })
    };
    choose(engine, choices, false).await?.iter().map(judged).collect()
}

/// What the model says on average when the words show nothing, in logits. Asked once per model and round.
async fn habit(engine: &Engine, round: Round) -> Result<f64, EngineError> {
    let file = file();
    let key = habit_key(engine, round);
    if let Some(known) = key.as_ref().and_then(|key| memory().get(key).copied()) {
        return Ok(known);
    }
    let items = checklist::generic(round);
    let some = (0..file.habit_questions).map(|k| &items[k * items.len() / file.habit_questions]);
    let scored = choose(engine, some.map(|item| yes_no(item, &file.nothing_said)).collect(), false).await?;
    let mut sum = 0.0;
    for s in &scored {
        sum += logit(p_yes(s)?);
    }
    let habit = sum / scored.len().max(1) as f64;
    if let Some(key) = key {
        memory().insert(key, habit);
    }
    Ok(habit)
}

/// Reads the level of a dimension on its quotations: one distribution over levels 1 to 5 per order of the anchors.
///
/// # Errors
/// What the engine failed with.
pub async fn judge_levels(
    engine: &Engine,
    round: Round,
    dimension: &DimensionText,
    quotes: &[String],
    seed: u64,
) -> Result<Vec<[f64; 5]>, EngineError> {
    let orders = orders(seed);
    let choices = orders.iter().map(|order| level_choice(round, dimension, quotes, order)).collect();
    let scored = choose(engine, choices, false).await?;
    orders
        .iter()
        .zip(&scored)
        .map(|(order, s)| {
            let probabilities = probabilities(s, 5)?;
            let mut levels = [0.0; 5];
            for (place, &level) in order.iter().enumerate() {
                levels[level] = probabilities[place];
            }
            Ok(levels)
        })
        .collect()
}

/// Two orders of the anchors that cancel the model's liking for a letter: one by seed, and its reverse.
#[must_use]
pub fn orders(seed: u64) -> [[usize; 5]; 2] {
    let shift = (seed % 5) as usize;
    let mut order = [0, 1, 2, 3, 4];
    order.rotate_left(shift);
    let mut reverse = order;
    reverse.reverse();
    [order, reverse]
}

fn yes_no(item: &Item, said: &str) -> Choice {
    let file = file();
    let text = fill(&file.item, &[("said", said), ("ask", &item.ask)]);
    Choice { prompt: Prompt::system(file.system.trim()).user(text.trim()), options: vec!["Yes".into(), "No".into()] }
}

fn level_choice(round: Round, dimension: &DimensionText, quotes: &[String], order: &[usize; 5]) -> Choice {
    let file = file();
    let letters = ["A", "B", "C", "D", "E"];
    let quotes: String = quotes.iter().map(|q| format!("- «{q}»\n")).collect();
    let anchors: String =
        letters.iter().zip(order).map(|(l, &level)| format!("{l}. {}\n", dimension.short[level])).collect();
    let text = fill(
        &file.levels,
        &[
            ("round", round_name(round)),
            ("title", &dimension.title),
            ("meaning", &dimension.meaning),
            ("quotes", quotes.trim_end()),
            ("anchors", anchors.trim_end()),
        ],
    );
    let options = letters.iter().map(|l| (*l).to_owned()).collect();
    Choice { prompt: Prompt::system(file.system.trim()).user(text.trim()), options }
}

fn round_name(round: Round) -> &'static str {
    match round {
        Round::SystemDesign => &file().round.system_design,
        Round::Behavioural => &file().round.behavioural,
    }
}

/// Fills `{name}` in one pass, so that braces in a value stay text.
#[must_use]
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len() + 256);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        filled.push_str(&rest[..open]);
        let after = &rest[open + 1..];
        let known = after.find('}').and_then(|close| {
            values.iter().find(|(name, _)| *name == &after[..close]).map(|(_, value)| (value, close))
        });
        match known {
            Some((value, close)) => {
                filled.push_str(value);
                rest = &after[close + 1..];
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// Asks in bounded batches and waits for a busy engine; with the hidden state at the end of each prompt if asked for.
pub(super) async fn choose(engine: &Engine, choices: Vec<Choice>, hidden: bool) -> Result<Vec<Scored>, EngineError> {
    let expected = choices.len();
    let mut scored = Vec::with_capacity(expected);
    for batch in choices.chunks(BATCH) {
        let request = ChooseRequest { choices: batch.to_vec(), hidden, priority: Priority::Background };
        let mut tries = 0;
        loop {
            match engine.choose(request.clone()).await {
                Ok(answers) => {
                    scored.extend(answers);
                    break;
                }
                Err(EngineError::Busy) if tries < PATIENCE => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
    if scored.len() == expected {
        Ok(scored)
    } else {
        Err(EngineError::Inference(format!("{expected} questions were asked, {} were answered", scored.len())))
    }
}

fn p_yes(scored: &Scored) -> Result<f64, EngineError> {
    Ok(probabilities(scored, 2)?[0])
}

/// Probabilities that can be trusted to be some, or an error: never a default.
pub(super) fn probabilities(scored: &Scored, options: usize) -> Result<Vec<f64>, EngineError> {
    let usable = scored.log_probs.len() == options
        && scored.log_probs.iter().any(|p| p.is_finite())
        && scored.log_probs.iter().all(|p| !p.is_nan() && *p < f32::INFINITY);
    if !usable {
        return Err(EngineError::Inference("the model gave no usable probabilities".into()));
    }
    Ok(scored.probabilities().into_iter().map(f64::from).collect())
}

/// Log-odds, bounded so that a certain model stays a finite one.
#[must_use]
pub fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-4, 1.0 - 1e-4);
    (p / (1.0 - p)).ln()
}

type Habits = HashMap<(String, Round), f64>;

fn memory() -> std::sync::MutexGuard<'static, Habits> {
    static HABITS: OnceLock<Mutex<Habits>> = OnceLock::new();
    HABITS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// A habit belongs to a model file on a kernel. A model without a hash is never remembered.
fn habit_key(engine: &Engine, round: Round) -> Option<(String, Round)> {
    let info = engine.info();
    (!info.sha256.is_empty()).then(|| (format!("{}/{}", info.sha256, info.kernel), round))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grading::rubric::Rubric;

    #[test]
    fn values_are_filled_once() {
        assert_eq!(fill("a {x} {y} {z}", &[("x", "{y}"), ("y", "2")]), "a {y} 2 {z}");
        assert_eq!(fill("{ {x}", &[("x", "}")]), "{ }");
    }

    #[test]
    fn two_orders_are_each_others_reverse_and_every_level_is_in_both() {
        for seed in 0..7 {
            let [a, b] = orders(seed);
            let mut sorted = a;
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4]);
            assert!(a.iter().rev().eq(b.iter()));
        }
    }

    #[test]
    fn the_judge_reads_this() {
        let item = &crate::grading::checklist::generic(Round::SystemDesign)[4];
        let choice = yes_no(item, "If the leader dies, a follower takes over.");
        insta::assert_snapshot!(choice.prompt.messages[1].text, @r"
        The candidate said: «If the leader dies, a follower takes over.»
        Does the candidate say how a part fails and what happens then? Yes or No?
        ");
        let rubric = Rubric::builtin();
        let text = rubric.text(crate::content::Dimension::Technical);
        let choice = level_choice(Round::SystemDesign, text, &["a quote".into()], &orders(0)[1]);
        insta::assert_snapshot!(choice.prompt.messages[1].text, @r"
        System-design interview. Dimension: Technical depth and breadth. Does the candidate know how the chosen parts work, where they stop working and how they fail?
        What the candidate said on it:
        - «a quote»

        Which description fits the candidate best?
        A. deep in two areas, predicts non-obvious failures and how to test them
        B. explains mechanism, limit and failure, estimates drive decisions
        C. right basic mechanisms, vague on failure and numbers
        D. names technologies instead of reasons, no depth
        E. core claims wrong, cannot say what a part does
        Answer with one letter.
        ");
    }
}

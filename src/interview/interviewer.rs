//! From a move to words. Only text that passed every check is told; the composed form is the last resort, and what a
//! model adds is had within [`PATIENCE`] or not at all.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use super::director;
use super::free;
use super::note::{Act, Move, Note};
use super::picking::{self, Heard};
use super::plan::Plan;
use super::session::ReplyEvent;
use super::transcript::Turn;
use super::way::{Said, Way};
use super::wording;
use crate::content::Content;
use crate::engine::Engine;

pub use super::hints::next_hint;

/// The longest that a question waits for a model's help with its words.
pub const PATIENCE: Duration = Duration::from_secs(8);

/// How moves are worded in a session.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// The way to try first.
    pub way: Way,
    /// The longest wait for it.
    pub patience: Duration,
}

impl Manner {
    /// A way with the usual patience.
    #[must_use]
    pub const fn of(way: Way) -> Self {
        Self { way, patience: PATIENCE }
    }
}

/// Words the move; what is shown is told piece by piece through `on_event`.
pub async fn word(
    engine: &Engine,
    manner: Manner,
    content: &Content,
    plan: &Plan,
    turns: &[Turn],
    next: &Move,
    mut on_event: impl FnMut(ReplyEvent) + Send,
) -> (String, Said) {
    let began = Instant::now();
    let mut said = Said { wanted: manner.way, ..Said::default() };
    let text = worded(engine, manner, content, plan, turns, next, &mut said).await;
    said.seconds = began.elapsed().as_secs_f64();
    for piece in text.split_inclusive(' ') {
        on_event(ReplyEvent::Token { text: piece.to_owned() });
    }
    (text, said)
}

async fn worded(
    engine: &Engine,
    manner: Manner,
    content: &Content,
    plan: &Plan,
    turns: &[Turn],
    next: &Move,
    said: &mut Said,
) -> String {
    let heard = Heard::newest(turns).filter(|_| manner.way != Way::Composed && next.act != Act::End);
    let Some(heard) = heard else { return wording::compose(content, plan, turns, next) };
    let end = tokio::time::Instant::now() + manner.patience;
    if manner.way == Way::Free {
        match timeout_at(end, free::word(engine, content, plan, turns, next, &heard)).await {
            Ok(Ok(worded)) => {
                said.refused.extend(worded.refused);
                if let Some(question) = worded.best {
                    said.way = Way::Free;
                    return wording::framed(content, plan, turns, next, question);
                }
            }
            Ok(Err(error)) => said.refused.push(error.to_string()),
            Err(_) => said.refused.push(late("free words")),
        }
    }
    let mut next = next.clone();
    if picking::may_point(&next, &heard) {
        match timeout_at(end, picking::point(engine, content, plan, turns, &next, &heard)).await {
            Ok(Ok(quote)) => {
                said.quote.clone_from(&quote);
                next.quote = quote;
                said.way = Way::Picked;
            }
            Ok(Err(error)) => said.refused.push(error.to_string()),
            Err(_) => said.refused.push(late("a quotation")),
        }
    }
    if next.act.follows_up() {
        match timeout_at(end, picking::choose(engine, content, plan, turns, &next, &heard)).await {
            Ok(Ok(Some(question))) => {
                said.way = Way::Picked;
                return wording::framed(content, plan, turns, &next, question);
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => said.refused.push(error.to_string()),
            Err(_) => said.refused.push(late("a choice of wording")),
        }
    }
    wording::compose(content, plan, turns, &next)
}

fn late(what: &str) -> String {
    format!("the model was too slow for {what}")
}

/// Id of the phase the interview is in.
#[must_use]
pub fn current_phase(plan: &Plan, turns: &[Turn], notes: &BTreeMap<u32, Note>, _now_ms: u64) -> String {
    director::current_stage(plan, turns, notes).id().to_owned()
}

#[cfg(test)]
mod tests;

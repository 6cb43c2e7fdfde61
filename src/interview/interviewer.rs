//! From a move to words. Only text that passed every check is told; the composed form is the last resort.

use std::collections::BTreeMap;

use super::director;
use super::note::{Move, Note};
use super::plan::Plan;
use super::session::ReplyEvent;
use super::transcript::Turn;
use super::wording;
use crate::content::Content;
use crate::engine::Engine;

pub use super::hints::next_hint;

/// The first words: time plan, brief, one question.
#[must_use]
pub fn opening(content: &Content, plan: &Plan) -> String {
    wording::opening(content, plan)
}

/// Words the move; what is shown is told piece by piece through `on_event`.
pub async fn word(
    _engine: &Engine,
    content: &Content,
    plan: &Plan,
    turns: &[Turn],
    next: &Move,
    mut on_event: impl FnMut(ReplyEvent) + Send,
) -> String {
    let text = wording::compose(content, plan, turns, next);
    for piece in text.split_inclusive(' ') {
        on_event(ReplyEvent::Token { text: piece.to_owned() });
    }
    text
}

/// Id of the phase the interview is in.
#[must_use]
pub fn current_phase(plan: &Plan, turns: &[Turn], notes: &BTreeMap<u32, Note>, _now_ms: u64) -> String {
    director::current_stage(plan, turns, notes).id().to_owned()
}

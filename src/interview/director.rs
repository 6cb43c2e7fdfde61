//! Decides the next move. Pure: values in, a value out; knows no engine, no store, no clock but the number it is given.

use std::collections::BTreeMap;

use super::note::{Act, Move, Note};
use super::plan::{Plan, Stage};
use super::session::HintView;
use super::transcript::Turn;
use crate::content::Content;

/// The next move.
#[must_use]
pub fn next(
    _content: &Content,
    plan: &Plan,
    turns: &[Turn],
    notes: &BTreeMap<u32, Note>,
    _hints: &[HintView],
    now_ms: u64,
) -> Move {
    let now = current_stage(plan, turns, notes);
    if now == Stage::Close || now_ms >= plan.total_ms() {
        return Move { why: "the plan is done".into(), ..Move::default() };
    }
    let stage = plan.after(now);
    let act = if stage == Stage::Close { Act::LastQuestion } else { Act::OpenStage };
    Move { stage, act, ..Move::default() }
}

/// The stage that the last question belongs to.
#[must_use]
pub fn current_stage(plan: &Plan, _turns: &[Turn], notes: &BTreeMap<u32, Note>) -> Stage {
    notes.values().rev().find_map(|n| n.next.as_ref()).map_or(plan.first_stage(), |m| m.stage)
}

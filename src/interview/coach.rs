//! Coach's remarks: two sentences built from the note, what landed and what was missing. No model needed.

use super::note::Note;
use super::plan::Plan;
use super::transcript::Turn;
use crate::content::Content;

/// The remark on one candidate turn; none when there is nothing to say (an empty answer, a question of the candidate).
#[must_use]
pub fn remark(_content: &Content, _plan: &Plan, _turn: &Turn, _note: &Note) -> Option<String> {
    None
}

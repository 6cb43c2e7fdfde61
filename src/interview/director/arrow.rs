//! An arrow on the whiteboard that leads nowhere: asked about once, and only when nothing better is open in this part.

use super::{room, stay};
use crate::board::{self, Graph, Loose};
use crate::interview::lexicon;
use crate::interview::note::{Act, Move};
use crate::interview::plan::Stage;
use crate::interview::reading::Reading;

/// Most such questions in one interview.
const MOST: usize = 2;
/// A longer name on the board is not read aloud.
const LONGEST: usize = 40;

/// The question about a loose arrow that was not asked about before; none without one.
pub(super) fn ask(reading: &Reading<'_>) -> Option<Move> {
    let drawn =
        matches!(reading.stage, Stage::HighLevel | Stage::DiveA | Stage::DiveB | Stage::Change | Stage::Operate);
    let asked = |m: &&Move| matches!(m.act, Act::AskArrowEnd | Act::AskArrowStart);
    // One exchange more than the part has room for; its end by the clock was looked at before.
    let in_time = reading.moves_here().count() <= room(reading) + 1 && !reading.moves_here().any(|m| asked(&m));
    if !drawn || !in_time || reading.moves().filter(asked).count() >= MOST {
        return None;
    }
    let board = reading.turns.iter().rev().find_map(|turn| turn.board.as_ref())?;
    let graph = board::read(board).ok()?;
    let fresh = |loose: &&Loose| !reading.moves().any(|m| m.topic == topic(loose));
    let (loose, act, name) = graph.loose.iter().filter(fresh).find_map(|loose| {
        let (act, name) = sayable(reading, &graph, loose)?;
        Some((loose, act, name))
    })?;
    let why = "an arrow on the whiteboard leads nowhere, and nothing else is open here";
    Some(Move { quote: name, quote_fits: true, ..stay(reading, act, &topic(loose), why) })
}

fn topic(loose: &Loose) -> String {
    format!("arrow/{}", loose.id)
}

/// The end that has a name, if it may be read aloud: what stands on a board is data.
fn sayable(reading: &Reading<'_>, graph: &Graph, loose: &Loose) -> Option<(Act, String)> {
    let (act, end) = match (&loose.from, &loose.to) {
        (Some(from), None) => (Act::AskArrowEnd, from),
        (None, Some(to)) => (Act::AskArrowStart, to),
        _ => return None,
    };
    let name = graph.node(end)?.label.trim();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '\'' | '’');
    let may = (2..=LONGEST).contains(&name.chars().count())
        && name.chars().all(plain)
        && !lexicon::mentions(name, &reading.content.voice.hears.injection);
    may.then(|| (act, name.to_owned()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::content::Content;
    use crate::interview::simulation::Simulation;
    use crate::interview::transcript::{Round, Speaker};

    fn drawn(interview: &mut Simulation<'_>) {
        let path = format!("{}/tests/fixtures/boards/04-loose-arrows.excalidraw", env!("CARGO_MANIFEST_DIR"));
        let scene = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let newest = interview.turns.iter_mut().rev().find(|t| t.role == Speaker::Candidate).unwrap();
        newest.board = Some(scene);
    }

    #[test]
    fn each_loose_arrow_is_asked_about_once_at_most() {
        let content = Content::built_in();
        let mut interview = Simulation::new(&content, Round::SystemDesign, Some("event-callbacks"), 45, 5);
        let _ = interview.answer("I have no further questions.", 30_000);
        drawn(&mut interview);
        let mut asked: Vec<Move> = Vec::new();
        for _ in 0..40 {
            let next = interview.answer("It is what I have drawn there, as I said before, and I leave it so.", 40_000);
            if matches!(next.act, Act::AskArrowEnd | Act::AskArrowStart) {
                assert_eq!(interview.said().matches('?').count(), 1, "{}", interview.said());
                assert!(interview.said().contains(&format!("“{}”", next.quote)), "{}", interview.said());
                asked.push(next);
            } else if next.ends() {
                break;
            }
        }
        let mut topics: Vec<&str> = asked.iter().map(|m| m.topic.as_str()).collect();
        topics.dedup();
        assert!(!asked.is_empty() && asked.len() <= MOST && topics.len() == asked.len(), "{topics:?}");
    }
}

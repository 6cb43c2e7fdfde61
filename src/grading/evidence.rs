//! Evidence: places in the candidate's words that could answer an item, found by code before any model is asked.
//!
//! An item with no such place is not put to the model at all: what it says could not be supported. Pure.

use super::checklist::Item;
use super::cue;
use super::passage::{self, Passage};
use super::scorecard::{Quote, Sign};
use crate::interview::transcript::{Speaker, Transcript};

/// A quotation has at least this many words.
pub const LEAST_WORDS: usize = 6;
/// Places tried per item.
pub const PLACES: usize = 2;
/// Longest piece of a turn that the judge reads at once, in words.
const SEGMENT_WORDS: usize = 120;

/// A place that could answer an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The verbatim quotation.
    pub quote: Quote,
    /// The piece of the turn that holds it; places of one piece share it, so that the judge reads it once.
    pub segment: usize,
    /// How specific it is: number, reason, length; 0 to 1.
    pub specific: f64,
}

/// A piece of a turn as the judge reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The candidate's words.
    pub said: String,
    /// The interviewer's words before that turn.
    pub asked: String,
}

/// A transcript's candidate words, cut for reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segments {
    /// In order.
    pub list: Vec<Segment>,
    /// Which segment each passage is in.
    of: Vec<usize>,
}

/// Cuts passages into segments of whole sentences, never across turns.
#[must_use]
pub fn segments(passages: &[Passage], transcript: &Transcript) -> Segments {
    let mut segments = Segments::default();
    let mut open: Option<(u32, usize)> = None;
    for p in passages {
        let goes_on = open.is_some_and(|(turn, count)| turn == p.quote.turn && count + p.words.len() <= SEGMENT_WORDS);
        match segments.list.last_mut().filter(|_| goes_on) {
            Some(last) => {
                last.said.push(' ');
                last.said.push_str(&p.quote.quote);
                open = open.map(|(turn, count)| (turn, count + p.words.len()));
            }
            None => {
                let asked = asked_before(p.quote.turn, transcript);
                segments.list.push(Segment { said: p.quote.quote.clone(), asked });
                open = Some((p.quote.turn, p.words.len()));
            }
        }
        segments.of.push(segments.list.len() - 1);
    }
    segments
}

fn asked_before(turn: u32, transcript: &Transcript) -> String {
    let mut earlier = transcript.turns.iter().rev().filter(|t| t.seq < turn);
    earlier.find(|t| t.role == Speaker::Interviewer).map_or_else(|| "(nothing)".to_owned(), |t| clip(&t.text, 40))
}

/// The best places for an item, at most [`PLACES`], from different passages.
#[must_use]
pub fn places(item: &Item, passages: &[Passage], segments: &Segments, transcript: &Transcript) -> Vec<Place> {
    let mut found: Vec<(f64, usize)> = passages
        .iter()
        .enumerate()
        .filter_map(|(index, p)| {
            let hits = item.cues.iter().filter_map(|c| c.position(&p.words)).collect::<Vec<_>>();
            let real = hits.iter().filter(|&&at| item.sign == Sign::Plus || !negated(&p.words, at)).count();
            (real > 0).then(|| (real.min(3) as f64 / 3.0 + specific(p), index))
        })
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut places: Vec<Place> = Vec::new();
    for (_, index) in found {
        if places.len() == PLACES {
            break;
        }
        if let Some(place) = place(index, passages, segments, transcript) {
            let overlaps = |p: &Place| {
                p.quote.turn == place.quote.turn && p.quote.start < place.quote.end && place.quote.start < p.quote.end
            };
            if !places.iter().any(overlaps) {
                places.push(place);
            }
        }
    }
    places
}

fn place(index: usize, passages: &[Passage], segments: &Segments, transcript: &Transcript) -> Option<Place> {
    let own = &passages[index];
    let turn = transcript.turns.iter().find(|t| t.seq == own.quote.turn)?;
    let quote = passage::widen(&turn.text, passages, index, LEAST_WORDS)?;
    Some(Place { quote, segment: *segments.of.get(index)?, specific: specific(own) })
}

fn clip(text: &str, words: usize) -> String {
    let list: Vec<&str> = text.split_whitespace().collect();
    if list.len() <= words { list.join(" ") } else { list[list.len() - words..].join(" ") }
}

/// A number, a reason, a name of a thing compared, some length: marks of a statement that says something.
#[must_use]
pub fn specific(passage: &Passage) -> f64 {
    let number = passage.words.iter().any(|w| cue::is_number(w));
    let reason = passage.words.iter().any(|w| {
        matches!(
            w.as_str(),
            "because" | "since" | "so" | "therefore" | "otherwise" | "unless" | "if" | "which" | "until" | "when"
        )
    });
    let length = passage.words.len() >= 10;
    f64::from(u8::from(number)) * 0.4 + f64::from(u8::from(reason)) * 0.35 + f64::from(u8::from(length)) * 0.25
}

/// A "not", "no", "without" or "never" within the four words before `at`.
fn negated(words: &[String], at: usize) -> bool {
    words[at.saturating_sub(4)..at].iter().any(|w| {
        w.ends_with("n't")
            || matches!(
                w.as_str(),
                "not" | "no" | "without" | "never" | "avoid" | "instead" | "neither" | "nor" | "overkill"
            )
    }) || words[at..].iter().take(6).any(|w| matches!(w.as_str(), "overkill" | "unnecessary"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Dimension;
    use crate::grading::checklist;
    use crate::interview::transcript::{Level, Round, Turn};

    fn talk(answer: &str) -> Transcript {
        let turn = |seq, role, text: &str| Turn { seq, role, text: text.into(), at_ms: None, board: None };
        Transcript {
            version: 1,
            round: Round::SystemDesign,
            level: Level::Senior,
            problem: None,
            minutes: 45,
            turns: vec![
                turn(0, Speaker::Interviewer, "Where is the hardest part?"),
                turn(1, Speaker::Candidate, answer),
            ],
        }
    }

    fn found(id: &str, answer: &str) -> Vec<String> {
        let transcript = talk(answer);
        let item = checklist::generic(Round::SystemDesign).iter().find(|i| i.id == id).expect("an item");
        let passages = passage::passages(1, answer);
        let segments = segments(&passages, &transcript);
        places(item, &passages, &segments, &transcript).into_iter().map(|p| p.quote.quote).collect()
    }

    #[test]
    fn places_are_found_by_cue_and_are_never_shorter_than_six_words() {
        assert_eq!(
            found("t-failure", "It writes to Kafka. If the broker dies, the producer retries with the same key. Fine."),
            ["If the broker dies, the producer retries with the same key."]
        );
        assert_eq!(found("t-failure", "It fails."), Vec::<String>::new());
        assert_eq!(found("t-failure", "We keep rows in one table and read them by id."), Vec::<String>::new());
    }

    #[test]
    fn segments_hold_whole_sentences_of_one_turn() {
        let sentence = "The service writes the row to the table and then returns the code to the client. ";
        let transcript = talk(&sentence.repeat(20));
        let passages = passage::passages(1, &transcript.turns[1].text);
        let segments = segments(&passages, &transcript);
        assert!(segments.list.len() >= 2);
        assert_eq!(segments.of.len(), passages.len());
        for (p, &s) in passages.iter().zip(&segments.of) {
            assert!(segments.list[s].said.contains(&p.quote.quote));
            assert!(passage::words(&segments.list[s].said).len() <= SEGMENT_WORDS);
            assert_eq!(segments.list[s].asked, "Where is the hardest part?");
        }
    }

    #[test]
    fn a_negated_cue_is_no_evidence_against() {
        assert_eq!(found("p-overbuilt", "I would not use Kubernetes for a load like this one."), Vec::<String>::new());
        assert_eq!(found("p-overbuilt", "Everything goes on Kubernetes with a service mesh in it.").len(), 1);
        let technical = checklist::generic(Round::SystemDesign).iter().filter(|i| i.dimension == Dimension::Technical);
        assert!(technical.count() >= 8);
    }
}

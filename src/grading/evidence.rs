//! Evidence: places in the candidate's words that could answer an item, found by code before any model is asked.
//!
//! An item with no such place is not put to the model at all: what it says could not be supported. Pure.

use super::checklist::Item;
use super::cue;
use super::passage::{self, Passage};
use super::scorecard::{Quote, Sign};
use super::theme::Theme;
use crate::interview::transcript::Transcript;

/// A quotation has at least this many words.
pub const LEAST_WORDS: usize = 6;
/// Places tried per item.
pub const PLACES: usize = 2;

/// A place that could answer an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The verbatim quotation.
    pub quote: Quote,
    /// How specific it is: number, reason, length; 0 to 1.
    pub specific: f64,
}

/// The best places for an item, at most [`PLACES`], from different passages that are about the matter.
#[must_use]
pub fn places(item: &Item, passages: &[Passage], theme: &Theme, transcript: &Transcript) -> Vec<Place> {
    let mut found: Vec<(f64, usize)> = passages
        .iter()
        .enumerate()
        .filter(|(index, _)| theme.holds(*index))
        .filter_map(|(index, p)| {
            let hits = item.cues.iter().filter_map(|c| c.position(&p.words)).collect::<Vec<_>>();
            let real = hits.iter().filter(|&&at| item.sign == Sign::Plus || !negated(&p.words, at)).count();
            (real > 0).then(|| (real.min(3) as f64 / 3.0 + specific(&p.words), index))
        })
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut places: Vec<Place> = Vec::new();
    for (_, index) in found {
        if places.len() == PLACES {
            break;
        }
        if let Some(place) = place(index, passages, transcript) {
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

fn place(index: usize, passages: &[Passage], transcript: &Transcript) -> Option<Place> {
    let own = &passages[index];
    let turn = transcript.turns.iter().find(|t| t.seq == own.quote.turn)?;
    let quote = passage::widen(&turn.text, passages, index, LEAST_WORDS)?;
    Some(Place { quote, specific: specific(&own.words) })
}

/// A number, a reason, a name of a thing compared, some length: marks of a statement that says something.
#[must_use]
pub fn specific(words: &[String]) -> f64 {
    let number = words.iter().any(|w| cue::is_number(w));
    let reason = words.iter().any(|w| {
        matches!(
            w.as_str(),
            "because" | "since" | "so" | "therefore" | "otherwise" | "unless" | "if" | "which" | "until" | "when"
        )
    });
    let length = words.len() >= 10;
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
    use crate::interview::transcript::{Level, Round, Speaker, Turn};

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
        let theme = Theme::new(&transcript, &[], &passages);
        places(item, &passages, &theme, &transcript).into_iter().map(|p| p.quote.quote).collect()
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
    fn a_negated_cue_is_no_evidence_against() {
        assert_eq!(found("p-overbuilt", "I would not use Kubernetes for a load like this one."), Vec::<String>::new());
        assert_eq!(found("p-overbuilt", "Everything goes on Kubernetes with a service mesh in it.").len(), 1);
        let technical = checklist::generic(Round::SystemDesign).iter().filter(|i| i.dimension == Dimension::Technical);
        assert!(technical.count() >= 8);
    }
}

//! Coach's remarks: two sentences built from the note, what landed and what was missing. No model needed, so it is
//! there at once and never blocks the next question.

use super::note::{AnswerClass, Finding, Note};
use super::plan::Plan;
use super::topic::name;
use super::transcript::{Round, Turn};
use crate::content::Content;

/// The remark on one candidate turn; none when there is nothing to say (an empty answer, a question of the candidate).
#[must_use]
pub fn remark(content: &Content, plan: &Plan, turn: &Turn, note: &Note) -> Option<String> {
    if !note.class.holds_content() || note.class == AnswerClass::Asks && note.covered.is_empty() {
        return None;
    }
    let landed = landed(content, plan, turn, note);
    let missing = missing(content, plan, note);
    match (landed, missing) {
        (None, None) => None,
        (Some(landed), None) => Some(landed),
        (None, Some(missing)) => Some(missing),
        (Some(landed), Some(missing)) => Some(format!("{landed} {missing}")),
    }
}

/// The heaviest thing that was covered, with its quotation.
fn landed(content: &Content, plan: &Plan, turn: &Turn, note: &Note) -> Option<String> {
    let said = |f: &&Finding| !f.quote.is_empty() && turn.text.contains(&f.quote);
    let found = note.covered.iter().filter(said).max_by_key(|f| weight(content, plan, &f.id))?;
    let what = name(content, plan, &found.id)?;
    Some(format!("“{}” landed: it speaks to {what}.", found.quote.trim_end_matches(['.', ','])))
}

/// What the sort of answer, or the next question, says was missing.
fn missing(content: &Content, plan: &Plan, note: &Note) -> Option<String> {
    use AnswerClass as C;
    let by_class = match note.class {
        C::Vague => Some("It names a choice and not how it works: say which piece does what, and when it fails."),
        C::NameDrop => Some("A product's name stands where a reason should: say which property you need first."),
        C::OverBuilt => {
            Some("It is heavier than the numbers so far ask for: begin with the simplest thing that meets them.")
        }
        C::DesignsFirst => {
            Some("Parts came before constraints: ask about load and about what must never go wrong first.")
        }
        C::UnderScoped => Some("A constraint you were told is not met yet: hold the design against the list."),
        C::Wrong => Some("One claim does not hold in every case: try it against a lost message or a crash half-way."),
        C::Contradiction => Some("It does not go with something you said before: settle which of the two holds."),
        C::Rambles | C::RabbitHole => Some("It was long for one point: headline first, then the reason."),
        C::AllWe => Some("“We” all through hides your part: say what you did yourself."),
        C::Hypothetical => Some("It says what you would do: tell a case in which you did it."),
        C::Blames => Some("It stays with what others did: name your own part."),
        C::SameStory => Some("This story was told already: take another one."),
        C::NoStory => Some("A smaller or an older case is better than none."),
        C::DoesNotKnow => Some("Saying so is fine: add how you would find out."),
        C::Stuck => Some("Think aloud: a first guess gives you something to test."),
        _ => None,
    };
    if let Some(text) = by_class {
        return Some(text.to_owned());
    }
    let next = note.next.as_ref()?;
    let what = name(content, plan, &next.topic)?;
    Some(format!("Still open: {what}."))
}

fn weight(content: &Content, plan: &Plan, id: &str) -> u8 {
    match plan.round {
        Round::SystemDesign => {
            content.problem(&plan.problem).and_then(|p| p.checklist.iter().find(|i| i.id == id)).map_or(2, |i| i.weight)
        }
        Round::Behavioural => 2,
    }
}

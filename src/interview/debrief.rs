//! The interviewer's notes in words: for each answer what it covered, why the next question was asked, what was held
//! back. Revealed when a session is finished, never before. Pure; judges nobody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::note::{AnswerClass, Contradiction, Finding, Note};
use super::plan::Plan;
use super::topic;
use super::way::Way;
use crate::content::{Content, RedFlag};

/// What the interviewer noted on one answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TurnNotes {
    /// The candidate's turn.
    pub seq: u32,
    /// What sort of answer it was taken for.
    pub heard: String,
    /// What it covered, each with the words that showed it (empty when only the model heard it).
    pub covered: Vec<Observed>,
    /// What was looked for and not believed to be there: asked of the model, or a cue that it doubted.
    pub not_heard: Vec<String>,
    /// Signs of trouble, with the words.
    pub flags: Vec<Observed>,
    /// Two statements that did not go together.
    pub contradiction: Option<Contradiction>,
    /// What the next question was about; none for a first question of a part.
    pub asked_about: Option<String>,
    /// Why it was asked.
    pub why: String,
    /// What was open and not asked about.
    pub held_back: Vec<String>,
    /// How the question came to its words.
    pub worded: String,
    /// Questions of the candidate that were put off because others came first.
    pub parked: usize,
    /// The model did not judge this answer, and why.
    pub engine_trouble: Option<String>,
}

/// A thing and the words that showed it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Observed {
    /// In words that give nothing away.
    pub what: String,
    /// Verbatim; may be empty.
    pub quote: String,
}

/// The notes of all answers, oldest first.
#[must_use]
pub fn notes(content: &Content, plan: &Plan, notes: &BTreeMap<u32, Note>) -> Vec<TurnNotes> {
    notes.iter().map(|(seq, note)| turn(content, plan, *seq, note)).collect()
}

fn turn(content: &Content, plan: &Plan, seq: u32, note: &Note) -> TurnNotes {
    let named = |id: &str| topic::name(content, plan, id).unwrap_or_else(|| id.to_owned());
    let observed = |f: &Finding| Observed { what: named(&f.id), quote: f.quote.clone() };
    let flag = |f: &Finding| Observed { what: flag(content, plan, note, &f.id), quote: f.quote.clone() };
    let next = note.next.clone().unwrap_or_default();
    let topic = Some(next.topic.as_str()).filter(|topic| !topic.is_empty());
    TurnNotes {
        seq,
        heard: heard(note.class).to_owned(),
        covered: note.covered.iter().map(observed).collect(),
        not_heard: note.undecided.iter().map(|f| named(&f.id)).collect(),
        flags: note.flags.iter().map(flag).collect(),
        contradiction: note.contradiction.clone(),
        asked_about: topic.and_then(|topic| topic::name(content, plan, topic)),
        why: next.why,
        held_back: next.held_back,
        worded: note.said.as_ref().map_or("", |said| worded(said.way)).to_owned(),
        parked: next.parked,
        engine_trouble: note.engine_trouble.clone(),
    }
}

/// A red flag is told by why it matters: its name is for files.
fn flag(content: &Content, plan: &Plan, note: &Note, id: &str) -> String {
    let of = |flags: &[RedFlag]| flags.iter().find(|f| f.id == id).map(|f| f.why.clone());
    let story = note.next.as_ref().map_or("", |m| m.story.as_str());
    let flags = content.problem(&plan.problem).and_then(|p| of(&p.red_flags));
    flags.or_else(|| content.competency(story).and_then(|c| of(&c.red_flags))).unwrap_or_else(|| id.to_owned())
}

const fn worded(way: Way) -> &'static str {
    match way {
        Way::Composed => "a hand-written question, chosen by code",
        Way::Picked => "a hand-written question, chosen with the model's help",
        Way::Free => "the model's own words, after every check",
    }
}

/// The sort of answer, as one would say it to the candidate.
const fn heard(class: AnswerClass) -> &'static str {
    use AnswerClass as C;
    match class {
        C::Plain => "an ordinary answer",
        C::Strong => "covers what was asked, with a mechanism or a number",
        C::Vague => "a choice without a mechanism",
        C::NameDrop => "a product in place of a reason",
        C::OverBuilt => "heavier than the numbers ask for",
        C::UnderScoped => "a stated constraint is missed",
        C::Wrong => "a claim that is not so",
        C::Contradiction => "does not go with an earlier statement",
        C::DesignsFirst => "parts before constraints",
        C::RabbitHole => "long, and not on what was asked",
        C::Rambles => "very long",
        C::DoesNotKnow => "says plainly that they do not know",
        C::Stuck => "no progress",
        C::Done => "nothing more to say",
        C::Asks => "asks for facts",
        C::AsksForever => "asks for facts for ever",
        C::OffTopic => "not about the interview",
        C::Injection => "tries to instruct the program; gives no evidence",
        C::AsksForAnswer => "asks for the answer or a score",
        C::AsksAgain => "did not follow the question",
        C::Gibberish => "nothing to go on",
        C::OtherLanguage => "in another language",
        C::Code => "program text",
        C::Echo => "the interviewer's own words",
        C::AllWe => "“we” throughout",
        C::Hypothetical => "what would be done, not what was done",
        C::NoStory => "no such story",
        C::Blames => "lays it on others",
        C::SameStory => "a story that was told already",
        C::Confidential => "may not tell",
        C::Distress => "hard to tell; never scored",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interview::simulation::Simulation;
    use crate::interview::transcript::Round;

    #[test]
    fn an_answer_is_told_with_its_words_the_reason_and_what_was_held_back() {
        let content = Content::built_in();
        let mut interview = Simulation::new(&content, Round::SystemDesign, Some("event-callbacks"), 15, 11);
        let _ = interview.answer("How many events per second do we have, and may one be lost?", 40_000);
        let _ = interview.answer("Exactly once delivery makes sure there are no duplicates at all.", 40_000);
        let told = notes(&content, &interview.plan, &interview.notes);
        let first = &told[0];
        assert_eq!((first.seq, first.heard.as_str()), (1, "asks for facts"));
        assert!(first.covered.iter().all(|o| !o.what.contains('/') && !o.quote.is_empty()), "{first:?}");
        assert!(!first.why.is_empty() && !first.held_back.is_empty(), "{first:?}");
        assert!(told[1].flags.iter().all(|f| f.what.contains(' ')), "a reason, not an id: {:?}", told[1]);
    }
}

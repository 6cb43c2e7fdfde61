//! The director's logic for behavioural rounds.

use std::collections::BTreeMap;

use super::{advance, is_over, may_ask, room, stay};
use crate::content::behavioural::SlotProbes;
use crate::content::{Competency, Dimension, FlagKind};
use crate::interview::note::{Act, AnswerClass, Move, Note};
use crate::interview::plan::{Stage, StoryChoice};
use crate::interview::reading::Reading;

/// Less time than this is not enough for one more story.
const ONE_MORE_MS: u64 = 4 * 60_000;
/// Most follow-ups per story.
const PER_STORY: usize = 5;

/// The next move once the clock and interruptions are seen to.
pub(super) fn next(reading: &Reading<'_>) -> Move {
    let Some(note) = reading.newest() else { return advance(reading, "there is no answer to go by") };
    if is_over(reading) {
        return advance(reading, "the time of this part is over");
    }
    if let Some(next) = by_sign(reading, note) {
        return next;
    }
    match reading.story(reading.stage) {
        Some(competency) if reading.stage.is_story() => slots(reading, note, competency),
        _ => talk(reading, note),
    }
}

/// Fills in what opens a stage: for a story, the question that the least covered dimension asks for.
pub(super) fn opened(reading: &Reading<'_>, mut next: Move) -> Move {
    if next.stage == Stage::Flagship {
        next.story.clone_from(&reading.content.voice.flagship.id);
        let flagship = &reading.content.voice.flagship.questions;
        let mut dice = crate::interview::dice::Dice::keyed(reading.plan.seed, "flagship");
        next.question = dice.pick(flagship).map(|q| q.id.clone()).unwrap_or_default();
    } else if next.stage.is_story() {
        match next_story(reading) {
            Some(choice) => {
                next.story.clone_from(&choice.competency);
                next.question.clone_from(&choice.question);
                next.act = Act::NextStory;
            }
            None => {
                // Fewer competencies than stages: talk about what was learnt instead.
                let stage = reading.plan.after(Stage::Story3).max(reading.plan.after(reading.stage));
                return Move {
                    stage,
                    act: if stage == Stage::Close { Act::LastQuestion } else { Act::OpenStage },
                    ..next
                };
            }
        }
    }
    next
}

/// The story not yet told whose first dimensions are least covered; the plan's first one first, then those that the
/// posting asks for.
fn next_story<'a>(reading: &Reading<'a>) -> Option<&'a StoryChoice> {
    let told = |id: &str| {
        reading.moves().any(|m| m.story == id)
            || (reading.plan.first_stage() == Stage::Story1 && id == reading.plan.problem)
    };
    let open: Vec<_> = reading.plan.stories.iter().filter(|s| !told(&s.competency)).collect();
    if let Some(first) = open.iter().find(|s| s.competency == reading.plan.problem) {
        return Some(first);
    }
    let weight = covered_weight(reading);
    let need = |s: &&&StoryChoice| -> u32 {
        let dimensions = reading.content.competency(&s.competency).map_or(&[][..], |c| &c.dimensions);
        dimensions.iter().take(2).map(|d| weight.get(d).copied().unwrap_or(0)).sum()
    };
    let wanted = |s: &&&StoryChoice| reading.plan.wanted.competencies.contains(&s.competency);
    open.iter().min_by_key(|s| (!wanted(s), need(s))).copied()
}

/// Weight of the slots covered, by dimension.
fn covered_weight(reading: &Reading<'_>) -> BTreeMap<Dimension, u32> {
    let mut weight = BTreeMap::new();
    for stage in [Stage::Flagship, Stage::Story1, Stage::Story2, Stage::Story3] {
        let Some(competency) = reading.story(stage) else { continue };
        for slot in &competency.slots {
            if reading.covered.contains(slot_id(stage, slot).as_str()) {
                *weight.entry(slot.dimension).or_insert(0) += u32::from(slot.weight);
            }
        }
    }
    weight
}

fn slot_id(stage: Stage, slot: &SlotProbes) -> String {
    format!("{}/{}", stage.id(), slot.slot.id())
}

/// Actions that follow from the sort of answer, once each per story.
fn by_sign(reading: &Reading<'_>, note: &Note) -> Option<Move> {
    use AnswerClass as C;
    let topic = reading.asked().map(|m| m.topic.clone()).unwrap_or_default();
    let once = |act: Act, why: &str| (reading.times_here(act) == 0).then(|| stay(reading, act, &topic, why));
    let blames = reading.story(reading.stage).is_some_and(|c| {
        c.red_flags.iter().any(|f| f.kind == FlagKind::Blames && note.flags.iter().any(|n| n.id == f.id))
    });
    match note.class {
        C::AllWe => once(Act::AskOwnPart, "\"we\" throughout: whose part was it"),
        C::Hypothetical => once(Act::AskRealCase, "what would be done, not what was done"),
        C::NoStory if reading.stage.is_story() => once(Act::OfferNearby, "no such story: a nearby situation")
            .or_else(|| another(reading, "no such story: another one")),
        C::SameStory => once(Act::AskAnother, "this story was told already"),
        C::Blames => once(Act::AskTheirView, "lays it on others"),
        _ if blames => once(Act::AskTheirView, "lays it on others"),
        C::Rambles => once(Act::CutIn, "very long: ask for the headline"),
        C::Asks | C::AsksForAnswer | C::Injection | C::OffTopic => once(Act::BackToIt, "back to the question"),
        _ => None,
    }
}

/// Another competency in the same stage, once.
fn another(reading: &Reading<'_>, why: &str) -> Option<Move> {
    let stories_here = reading.moves_here().filter(|m| m.act == Act::NextStory).count();
    if stories_here >= 2 || !reading.stage.is_story() || reading.stage == Stage::Flagship {
        return None;
    }
    let choice = next_story(reading)?;
    Some(Move {
        stage: reading.stage,
        act: Act::NextStory,
        story: choice.competency.clone(),
        question: choice.question.clone(),
        why: why.to_owned(),
        ..Move::default()
    })
}

/// Time for one story more than was planned, once.
pub(super) fn one_more(reading: &Reading<'_>) -> Option<Move> {
    use AnswerClass as C;
    let extra = Stage::Story3;
    let planned = reading.plan.stages.iter().any(|s| s.stage == extra);
    let until = reading.plan.starts_ms(reading.plan.after(extra));
    let willing = reading.newest().is_some_and(|n| {
        n.class.holds_content() && !matches!(n.class, C::Done | C::Stuck | C::NoStory | C::DoesNotKnow) && n.words >= 8
    });
    if planned || reading.stage >= extra || !willing || reading.now_ms + ONE_MORE_MS > until {
        return None;
    }
    let choice = next_story(reading)?;
    Some(Move {
        stage: extra,
        act: Act::NextStory,
        story: choice.competency.clone(),
        question: choice.question.clone(),
        why: "time is left: one more story".to_owned(),
        ..Move::default()
    })
}

/// Asks for the first empty slot that carries most weight for the least covered dimension.
fn slots(reading: &Reading<'_>, note: &Note, competency: &Competency) -> Move {
    let follow_ups = reading.moves_here().filter(|m| !matches!(m.act, Act::OpenStage | Act::NextStory)).count();
    if follow_ups >= room(reading).min(PER_STORY) {
        return advance(reading, "enough follow-ups on this story");
    }
    let open = |slot: &&SlotProbes| {
        let id = slot_id(reading.stage, slot);
        // One probe; a second only for what a senior story cannot be without.
        let again = slot.weight == 3 || reading.times_asked(&id) == 0;
        !reading.covered.contains(id.as_str()) && again && may_ask(reading, &id, &slot.probes)
    };
    let dimensions = covered_weight(reading);
    let next = competency.slots.iter().filter(open).min_by_key(|slot| {
        let asked = reading.times_asked(&slot_id(reading.stage, slot));
        let wanted = reading.plan.wanted.dimensions.contains(&slot.dimension);
        (asked, u8::MAX - slot.weight, !wanted, dimensions.get(&slot.dimension).copied().unwrap_or(0))
    });
    let complete = competency
        .slots
        .iter()
        .filter(|s| s.weight == 3)
        .all(|s| reading.covered.contains(slot_id(reading.stage, s).as_str()));
    let polished = complete && note.class == AnswerClass::Strong && follow_ups <= 1;
    if polished && reading.times_here(Act::Counterfactual) == 0 {
        return stay(reading, Act::Counterfactual, "", "complete at once: a counterfactual");
    }
    match next {
        Some(slot) if !(complete && follow_ups >= 3) => {
            let id = slot_id(reading.stage, slot);
            let why = format!("empty: {}", slot.slot.id());
            let act = if reading.times_asked(&id) > 0 && slot.slot == crate::content::Slot::Result {
                Act::AskNumber
            } else {
                Act::Probe
            };
            stay(reading, act, &id, &why)
        }
        _ => advance(reading, "this story is complete"),
    }
}

/// Background, stretch, learning: one follow-up on a thin answer, then on.
fn talk(reading: &Reading<'_>, note: &Note) -> Move {
    let asked = reading.moves_here().count();
    let thin = note.words < 40;
    let opened_by_opening = usize::from(reading.stage == reading.plan.first_stage());
    if reading.stage == Stage::Background
        && reading.times_here(Act::AskContribution) == 0
        && asked + opened_by_opening <= 2
    {
        return stay(reading, Act::AskContribution, "", "what is theirs in it");
    }
    if thin && asked + opened_by_opening <= 1 && note.class.holds_content() && !note.anchor.is_empty() {
        return stay(reading, Act::AskMechanism, "", "short: one probe");
    }
    advance(reading, "said")
}

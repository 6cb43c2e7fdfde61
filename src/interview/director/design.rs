//! The director's logic for design rounds.

use super::{advance, arrow, is_over, may_ask, room, stay};
use crate::content::{ChecklistItem, Dive, FlagKind, Phase};
use crate::interview::note::{Act, AnswerClass, Move, Note};
use crate::interview::plan::Stage;
use crate::interview::reading::{RUNGS, Reading, rung};

/// Part of the checklist's weight that is enough when time is short of plenty.
const ENOUGH: f32 = 0.6;
/// Most turns that only answer questions, per stage.
const ANSWERS: usize = 5;

/// Most questions after the plan is through.
const MOST_BACK: usize = 6;

/// The next move once the clock and interruptions are seen to.
pub(super) fn next(reading: &Reading<'_>) -> Move {
    let Some(note) = reading.newest() else { return advance(reading, "there is no answer to go by") };
    if is_over(reading) {
        return advance(reading, "the time of this part is over");
    }
    if let Some(next) = by_class(reading, note) {
        return next;
    }
    let next = match reading.stage {
        Stage::Constraints => constraints(reading, note),
        Stage::DiveA | Stage::DiveB => dive(reading, note),
        Stage::Change => change(reading),
        _ => checklist(reading, note),
    };
    // Before a part is left.
    if next.stage != reading.stage
        && let Some(asked) = arrow::ask(reading)
    {
        return asked;
    }
    next
}

/// Fills in what opens a stage.
pub(super) fn opened(reading: &Reading<'_>, mut next: Move) -> Move {
    match next.stage {
        Stage::DiveB => match best_other_dive(reading) {
            Some(dive) => next.topic = format!("{}/{}", dive.id, RUNGS[0]),
            None => return Move { stage: Stage::DiveB, ..next },
        },
        Stage::Change => {
            if let Some(id) = &reading.plan.curveball {
                next.topic = format!("change/{id}");
            }
        }
        _ => {}
    }
    next
}

/// Actions that follow from the sort of answer.
fn by_class(reading: &Reading<'_>, note: &Note) -> Option<Move> {
    use AnswerClass as C;
    let topic = reading.asked().map(|m| m.topic.clone()).unwrap_or_default();
    let asked_so_far = reading.moves_here().filter(|m| m.act != Act::Answer).count();
    if asked_so_far > room(reading) && note.class != C::Asks {
        return None;
    }
    let once = |act: Act| reading.times_here(act) == 0;
    let flag = |kind: FlagKind| up(reading, note, kind);
    let on_flag = |act: Act, kind: FlagKind, why: &str| {
        let id = flag(kind).unwrap_or_default();
        let fresh = if id.is_empty() { once(act) } else { !reading.did(act, &id) };
        fresh.then(|| stay(reading, act, &id, why))
    };
    let rounds_talked_past = |act: Act| once(act).then(|| stay(reading, act, &topic, ""));
    match note.class {
        C::DesignsFirst if once(Act::AskAssumptions) => {
            Some(stay(reading, Act::AskAssumptions, &topic, "components before constraints: one redirect"))
        }
        C::Wrong => on_flag(Act::BreakClaim, FlagKind::Wrong, "a claim that is not so: a case in which it breaks"),
        C::OverBuilt => on_flag(Act::AskLoad, FlagKind::OverBuilt, "heavier than the numbers ask for"),
        C::UnderScoped => on_flag(Act::AskEffect, FlagKind::UnderScoped, "a stated constraint is missed"),
        C::NameDrop => on_flag(Act::AskProperty, FlagKind::NameDrop, "a product in place of a reason"),
        C::Vague
            if once(Act::AskMechanism)
                && !note.anchor.is_empty()
                && matches!(reading.stage, Stage::HighLevel | Stage::DiveA | Stage::DiveB)
                && reading
                    .asked()
                    .is_none_or(|m| !matches!(m.act, Act::HowToFindOut | Act::AskArrowEnd | Act::AskArrowStart)) =>
        {
            Some(stay(reading, Act::AskMechanism, &topic, "a choice without a mechanism: one probe"))
        }
        C::Rambles => {
            rounds_talked_past(Act::CutIn).map(|m| Move { why: "very long: ask for the headline".into(), ..m })
        }
        C::RabbitHole => rounds_talked_past(Act::Park).map(|m| Move {
            why: "long, and not about what was asked: the candidate chooses what is next".into(),
            ..m
        }),
        C::Asks => asks(reading, &topic),
        _ => None,
    }
}

/// Questions are answered from the sheet; for ever they are not.
fn asks(reading: &Reading<'_>, topic: &str) -> Option<Move> {
    let answered = reading.times_here(Act::Answer);
    if reading.stage != Stage::Constraints {
        return (answered < 2).then(|| stay(reading, Act::Answer, topic, "a question: answered from the sheet"));
    }
    let nothing_new = reading.newest().is_some_and(|n| super::told_twice(reading, &n.facts));
    if (answered >= ANSWERS || nothing_new) && reading.times_here(Act::AssumeAndMove) == 0 {
        return Some(Move { why: "asks for ever: assume and move".into(), ..assume_and_move(reading) });
    }
    (answered < ANSWERS && !has_enough(reading, reading.stage, 1.0))
        .then(|| stay(reading, Act::Answer, topic, "a question: answered from the sheet"))
}

/// All is asked and time is left: the heaviest item that nothing was heard of, from the parts that are over.
pub(super) fn go_back(reading: &Reading<'_>) -> Option<Move> {
    let time = reading.plan.starts_ms(Stage::Close).saturating_sub(reading.now_ms) >= 2 * super::EXCHANGE_MS;
    let willing = reading.newest().is_some_and(|n| {
        use AnswerClass as C;
        n.class.holds_content() && !matches!(n.class, C::Done | C::Stuck | C::DoesNotKnow) && n.words >= 8
    });
    let been = reading.moves().filter(|m| m.goes_back).count();
    if !time || !willing || been >= MOST_BACK {
        return None;
    }
    let over = |item: &&ChecklistItem| !matches!(item.phase, Phase::Constraints | Phase::Sizing | Phase::Close);
    let item = reading
        .open_items()
        .filter(over)
        .filter(|i| reading.times_asked(&i.id) == 0 && may_ask(reading, &i.id, &i.probes))
        .min_by_key(|i| u8::MAX - i.weight)?;
    let why = format!("time is left, and nothing was heard of {}", item.area);
    // Its wording stands by itself: the newest answer was about something else.
    Some(Move {
        goes_back: true,
        told_back: String::new(),
        quote: String::new(),
        ..stay(reading, Act::Probe, &item.id, &why)
    })
}

/// Opens the next stage with the words "assume and move".
fn assume_and_move(reading: &Reading<'_>) -> Move {
    let next = advance(reading, "");
    if next.act == Act::OpenStage && matches!(next.stage, Stage::HighLevel) {
        Move { act: Act::AssumeAndMove, ..next }
    } else {
        next
    }
}

fn up(reading: &Reading<'_>, note: &Note, kind: FlagKind) -> Option<String> {
    let flags = &reading.problem()?.red_flags;
    note.flags.iter().find(|n| flags.iter().any(|f| f.id == n.id && f.kind == kind)).map(|n| n.id.clone())
}

/// Whether a stage was answered before it came up: only for parts that are not an exercise of their own.
pub(super) fn is_done_already(reading: &Reading<'_>, stage: Stage) -> bool {
    let may_be_left_out = matches!(stage, Stage::Sizing | Stage::Operate | Stage::Alternatives);
    may_be_left_out && !reading.items(stage).is_empty() && has_enough(reading, stage, 0.75)
}

/// Part of the weight of this stage's checklist that is covered.
fn share(reading: &Reading<'_>, stage: Stage) -> f32 {
    let items = reading.items(stage);
    let all: u32 = items.iter().map(|i| u32::from(i.weight)).sum();
    let done: u32 = items.iter().filter(|i| !reading.is_open(&i.id)).map(|i| u32::from(i.weight)).sum();
    if all == 0 { 1.0 } else { done as f32 / all as f32 }
}

/// Sufficiency: the given part of the weight and every item of weight 3.
fn has_enough(reading: &Reading<'_>, stage: Stage, part: f32) -> bool {
    let heavy_open = reading.items(stage).iter().any(|i| i.weight == 3 && reading.is_open(&i.id));
    share(reading, stage) >= part && !heavy_open
}

fn constraints(reading: &Reading<'_>, note: &Note) -> Move {
    if has_enough(reading, reading.stage, ENOUGH) {
        return advance(reading, "enough constraints are known");
    }
    let probes = reading.times_here(Act::Probe);
    if probes >= room(reading).min(4) {
        return advance(reading, "enough follow-ups here");
    }
    match open_item(reading) {
        // The candidate leads here: a good turn is answered, not steered, until two have passed.
        Some(item) if probes > 0 || note.class != AnswerClass::Strong || reading.times_here(Act::Answer) > 0 => {
            probe(reading, item)
        }
        Some(item) => probe(reading, item),
        None => advance(reading, "nothing open here"),
    }
}

/// Stages with a checklist: ask about the heaviest open item, or go on.
fn checklist(reading: &Reading<'_>, note: &Note) -> Move {
    let asked = reading.moves_here().count();
    let ahead = reading.now_ms < reading.plan.starts_ms(reading.stage);
    let enough = has_enough(reading, reading.stage, if ahead { 1.0 } else { ENOUGH });
    if asked > room(reading) {
        return advance(reading, "enough follow-ups here");
    }
    if !enough && let Some(item) = open_item(reading) {
        return probe(reading, item);
    }
    let may_raise = note.class == AnswerClass::Strong
        && matches!(reading.stage, Stage::HighLevel)
        && reading.times_here(Act::RaiseBar) == 0
        && !note.anchor.is_empty();
    if may_raise {
        let why = "everything here is covered: raise the bar once";
        return stay(reading, Act::RaiseBar, "", why);
    }
    advance(reading, "this part is covered")
}

fn probe(reading: &Reading<'_>, item: &ChecklistItem) -> Move {
    let why = format!("open: {} ({})", item.area, item.why);
    stay(reading, Act::Probe, &item.id, &why)
}

/// The heaviest open item of this stage that has not been asked about too often; what speaks for the dimension with the
/// least covered weight goes first among equals.
fn open_item<'a>(reading: &Reading<'a>) -> Option<&'a ChecklistItem> {
    let covered_weight = |item: &ChecklistItem| -> u32 {
        reading.problem().map_or(0, |p| {
            p.checklist
                .iter()
                .filter(|i| i.dimension == item.dimension && reading.covered.contains(i.id.as_str()))
                .map(|i| u32::from(i.weight))
                .sum()
        })
    };
    reading
        .items(reading.stage)
        .into_iter()
        .filter(|i| reading.is_open(&i.id) && may_ask(reading, &i.id, &i.probes))
        .min_by_key(|i| {
            // What the posting asks for counts one more.
            let weight = i.weight + u8::from(reading.wants(&i.id, i.dimension));
            (reading.times_asked(&i.id), u8::MAX - weight, covered_weight(i))
        })
}

/// Mechanism, limit, failure, alternative.
fn dive(reading: &Reading<'_>, note: &Note) -> Move {
    let Some(dive) = reading.dive() else { return uncharted(reading, note) };
    if reading.moves_here().count() > room(reading) {
        return advance(reading, "deep enough for the time");
    }
    let open = RUNGS
        .iter()
        .filter_map(|name| rung(dive, name).map(|level| (format!("{}/{name}", dive.id), level)))
        .find(|(id, level)| !reading.covered.contains(id.as_str()) && may_ask(reading, id, &level.probes))
        .map(|(id, _)| id);
    match open {
        Some(id) => {
            let why = format!("one level further into {}", dive.area);
            stay(reading, Act::Deepen, &id, &why)
        }
        None => match open_item(reading) {
            Some(item) if reading.moves_here().count() < room(reading) => probe(reading, item),
            _ => advance(reading, "this part is covered in depth"),
        },
    }
}

/// The candidate dives where the sheet has nothing: general questions, twice at most.
fn uncharted(reading: &Reading<'_>, note: &Note) -> Move {
    let fresh = |act: Act| reading.times_here(act) == 0;
    if !note.anchor.is_empty() && fresh(Act::AskMechanism) {
        stay(reading, Act::AskMechanism, "", "a part of the candidate's own choice: how it works")
    } else if !note.anchor.is_empty() && fresh(Act::RaiseBar) {
        stay(reading, Act::RaiseBar, "", "a part of the candidate's own choice: where it gives way")
    } else {
        match best_other_dive(reading) {
            Some(dive) if fresh(Act::Deepen) => stay(
                reading,
                Act::Deepen,
                &format!("{}/{}", dive.id, RUNGS[0]),
                "from the sheet, as nothing was chosen",
            ),
            _ => advance(reading, "nothing further here"),
        }
    }
}

/// A dive that has not been asked about, one that the posting asks for first.
fn best_other_dive<'a>(reading: &Reading<'a>) -> Option<&'a Dive> {
    let begun = |dive: &Dive| {
        let prefix = format!("{}/", dive.id);
        reading.moves().any(|m| m.topic.starts_with(&prefix)) || reading.notes.iter().any(|(_, n)| n.dive == dive.id)
    };
    let open: Vec<&Dive> = reading.problem()?.dives.iter().filter(|d| !begun(d)).collect();
    let wanted = open.iter().find(|d| reading.plan.wanted.topics.contains(&d.id));
    wanted.or(open.first()).copied()
}

/// A curveball, and one follow-up if it was not taken up.
fn change(reading: &Reading<'_>) -> Move {
    let topic = reading.plan.curveball.as_ref().map(|id| format!("change/{id}")).unwrap_or_default();
    if !reading.covered.contains(topic.as_str()) && reading.times_here(Act::Adapt) == 0 {
        return stay(reading, Act::Adapt, &topic, "the change was not taken up");
    }
    match open_item(reading) {
        Some(item) if reading.moves_here().count() <= room(reading) => probe(reading, item),
        _ => advance(reading, "the change is dealt with"),
    }
}

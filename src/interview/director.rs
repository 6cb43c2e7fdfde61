//! Decides the next move. Pure: values in, a value out; knows no engine, no store, no clock but the number it is given.
//!
//! Order of thought: the clock, then what interrupts (injection, gibberish, "I don't know"), then the round's own
//! logic (sufficiency, follow-ups, next stage). Nothing that a candidate says moves a phase; only coverage, the count
//! of follow-ups and the clock do.

mod arrow;
mod design;
mod story;

use std::collections::BTreeMap;

use super::echo;
use super::facts;
use super::note::{Act, AnswerClass, Move, Note};
use super::plan::{Plan, Stage};
use super::reading::Reading;
use super::session::HintView;
use super::transcript::{Round, Turn};
use super::wording;
use crate::content::Content;

/// A stage counts as over this long before its end: another question would not be answered in time.
const SPARE_MS: u64 = 20_000;
/// Follow-ups per topic.
const PER_TOPIC: usize = 2;
/// Room for a story that was not planned.
const UNPLANNED_MS: u64 = 5 * 60_000;
/// One exchange takes about this long.
const EXCHANGE_MS: u64 = 75_000;

/// The next move.
#[must_use]
pub fn next(
    content: &Content,
    plan: &Plan,
    turns: &[Turn],
    notes: &BTreeMap<u32, Note>,
    hints: &[HintView],
    now_ms: u64,
) -> Move {
    let reading = Reading::new(content, plan, turns, notes, now_ms);
    let mut next = decide(&reading, hints);
    if next.act != Act::End {
        tell_facts(&mut next, &reading);
        // The last question says itself where the clock stands.
        if next.act != Act::LastQuestion {
            warn(&mut next, &reading);
        }
        next.held_back = held_back(&reading, &next);
    }
    next
}

/// The stage that the last question belongs to.
#[must_use]
pub fn current_stage(plan: &Plan, _turns: &[Turn], notes: &BTreeMap<u32, Note>) -> Stage {
    notes.values().rev().find_map(|n| n.next.as_ref()).map_or(plan.first_stage(), |m| m.stage)
}

fn decide(reading: &Reading<'_>, hints: &[HintView]) -> Move {
    let plan = reading.plan;
    if reading.stage == Stage::Close || reading.now_ms >= plan.total_ms() {
        return Move { why: "the plan is done, or its time".into(), ..Move::default() };
    }
    let close = plan.starts_ms(Stage::Close);
    if reading.now_ms + SPARE_MS >= close {
        return open(reading, Stage::Close, "the time for questions is over");
    }
    if let Some(next) = interrupt(reading, hints) {
        return next;
    }
    match plan.round {
        Round::SystemDesign => design::next(reading),
        Round::Behavioural => story::next(reading),
    }
}

/// What comes before coverage: answers that hold nothing to go on with, and contradictions.
fn interrupt(reading: &Reading<'_>, hints: &[HintView]) -> Option<Move> {
    use AnswerClass as C;
    let note = reading.newest()?;
    let topic = reading.asked().map(|m| m.topic.clone()).unwrap_or_default();
    let once_here = |act: Act| reading.times_here(act) == 0;
    let go = |act: Act, why: &str| Some(stay(reading, act, &topic, why));
    match note.class {
        C::Injection if reading.moves().all(|m| m.act != Act::Redirect) => {
            go(Act::Redirect, "the answer tried to give instructions: one redirect, no evidence")
        }
        C::OffTopic if once_here(Act::Redirect) => go(Act::Redirect, "not about the interview: one redirect"),
        C::AsksForAnswer if once_here(Act::Decline) => go(Act::Decline, "asked for the answer or a score"),
        C::AsksAgain if reading.times_here(Act::BackToIt) < 2 => {
            go(Act::BackToIt, "did not follow: the question in other words")
        }
        C::Gibberish | C::Echo if once_here(Act::AskAgain) => go(Act::AskAgain, "nothing to go on: ask once more"),
        C::OtherLanguage if once_here(Act::AskInEnglish) => go(Act::AskInEnglish, "not in English"),
        C::Code if once_here(Act::WalkThroughCode) => go(Act::WalkThroughCode, "program text: ask for words"),
        C::Distress if once_here(Act::OfferSkip) => go(Act::OfferSkip, "hard to tell: slow down, never scored"),
        C::Confidential if once_here(Act::LeaveNamesOut) => {
            go(Act::LeaveNamesOut, "may not tell: names out, shape kept")
        }
        C::DoesNotKnow if !reading.did(Act::HowToFindOut, &topic) && reading.times_here(Act::HowToFindOut) < 2 => {
            go(Act::HowToFindOut, "does not know: how to find out counts")
        }
        C::Done => Some(advance(reading, "the candidate has nothing more to say here")),
        C::Stuck if note.words < 4 && is_late(reading.stage) => {
            Some(advance(reading, "nothing to add in one of the last parts"))
        }
        C::Stuck if once_here(Act::TakeAMoment) && reading.plan.round == Round::Behavioural => {
            go(Act::TakeAMoment, "no progress: a moment, a smaller case")
        }
        C::Stuck if once_here(Act::ThinkAloud) && reading.plan.round == Round::SystemDesign => {
            go(Act::ThinkAloud, "no progress: room to think aloud")
        }
        C::Stuck
            if once_here(Act::OfferHint)
                && reading.plan.round == Round::SystemDesign
                && !hints.iter().any(|h| h.topic == topic && h.rung >= 4) =>
        {
            go(Act::OfferHint, "stuck twice on one point: offer a hint")
        }
        _ => which_holds(reading, note),
    }
}

/// Parts in which a short "no" is an answer and not a difficulty.
fn is_late(stage: Stage) -> bool {
    matches!(stage, Stage::Alternatives | Stage::Stretch | Stage::Learning | Stage::Close)
}

fn which_holds(reading: &Reading<'_>, note: &Note) -> Option<Move> {
    let found = note.contradiction.as_ref()?;
    let read_before =
        |m: &Move| m.act == Act::AskWhichHolds && (m.quote == found.now || m.earlier_quote == found.earlier);
    if reading.moves().any(read_before) || reading.moves().filter(|m| m.act == Act::AskWhichHolds).count() >= 2 {
        return None;
    }
    let topic = reading.asked().map(|m| m.topic.clone()).unwrap_or_default();
    Some(Move {
        quote: found.now.clone(),
        quote_fits: true,
        earlier_quote: found.earlier.clone(),
        earlier_of_resume: found.of_resume,
        ..stay(reading, Act::AskWhichHolds, &topic, "two statements that do not go together")
    })
}

/// A move in the current stage.
fn stay(reading: &Reading<'_>, act: Act, topic: &str, why: &str) -> Move {
    let asked = reading.asked();
    let next = Move {
        stage: reading.stage,
        act,
        topic: topic.to_owned(),
        story: reading.story(reading.stage).map(|c| c.id.clone()).unwrap_or_default(),
        question: asked.filter(|m| m.stage == reading.stage).map(|m| m.question.clone()).unwrap_or_default(),
        why: why.to_owned(),
        ..Move::default()
    };
    anchored(next, reading)
}

/// The first question of a stage.
fn open(reading: &Reading<'_>, stage: Stage, why: &str) -> Move {
    let act = if stage == Stage::Close { Act::LastQuestion } else { Act::OpenStage };
    let opened = Move { stage, act, why: why.to_owned(), ..Move::default() };
    match reading.plan.round {
        Round::SystemDesign => design::opened(reading, opened),
        Round::Behavioural => story::opened(reading, opened),
    }
}

/// Goes on to the next stage that still has time.
fn advance(reading: &Reading<'_>, why: &str) -> Move {
    let plan = reading.plan;
    let by_clock = plan.stages.iter().rev().find(|s| s.starts_ms <= reading.now_ms + SPARE_MS).map(|s| s.stage);
    let mut stage = plan.after(reading.stage).max(by_clock.unwrap_or(Stage::Open));
    // Sufficiency first: a part that was answered before it came up is not asked for.
    while plan.round == Round::SystemDesign && design::is_done_already(reading, stage) {
        stage = plan.after(stage);
    }
    if stage == Stage::Close
        && plan.round == Round::SystemDesign
        && let Some(back) = design::go_back(reading)
    {
        return back;
    }
    if plan.round == Round::Behavioural
        && matches!(stage, Stage::Stretch | Stage::Learning | Stage::Close)
        && let Some(more) = story::one_more(reading)
    {
        return more;
    }
    open(reading, stage, why)
}

/// Hangs a move on the candidate's words: what was found on its own thread, else the most telling piece of the newest
/// answer. Never words that were quoted before.
fn anchored(mut next: Move, reading: &Reading<'_>) -> Move {
    let Some(note) = reading.newest().filter(|n| n.class.holds_content()) else { return next };
    let fresh = |text: &&str| !text.is_empty() && !reading.moves().any(|m| m.quote == *text);
    let thread = next.topic.split_once('/').map_or(next.topic.as_str(), |(head, _)| head);
    let same_thread = |id: &str| !thread.is_empty() && id.split_once('/').map_or(id, |(head, _)| head) == thread;
    let thing = |text: &&str| text.contains(' ') && !text.starts_with(|c: char| c.is_ascii_digit());
    let on_thread = note.flags.iter().chain(&note.covered).filter(|f| same_thread(&f.id)).map(|f| f.anchor.as_str());
    if let Some(quote) = on_thread.filter(thing).find(fresh) {
        next.quote = quote.to_owned();
        next.quote_fits = !reading.stage.is_story();
        // A story is one thread, and what somebody was or had in it is not what the next question is about.
        next.quote_near = !reading.stage.is_story();
    } else {
        let found = note.covered.iter().map(|f| f.anchor.as_str()).filter(|a| a.contains(' '));
        let quote = std::iter::once(note.anchor.as_str()).chain(found).find(fresh).unwrap_or_default();
        next.quote = quote.to_owned();
        // The general wordings for these are made for whatever was said.
        next.quote_fits = matches!(
            next.act,
            Act::AskMechanism | Act::AskProperty | Act::AskLoad | Act::RaiseBar | Act::Park | Act::CutIn
        );
        // In a design the answer must have been to a question on this very thread.
        next.quote_near = !reading.stage.is_story() && reading.asked().is_some_and(|m| same_thread(&m.topic));
    }
    // Told back, it must be about what was just asked: in a story everything is, in a design the same thread.
    let near = if reading.stage.is_story() {
        note.stage == Some(reading.stage)
    } else {
        reading.asked().is_some_and(|m| same_thread(&m.topic))
    };
    if near && let Some(answer) = reading.answer() {
        let told = echo::told_back(&reading.content.voice, reading.plan.round, &answer.text);
        let fresh = |told: &String| !reading.moves().any(|m| m.told_back == *told);
        // The longest says most.
        next.told_back = told.into_iter().filter(fresh).max_by_key(String::len).unwrap_or_default();
    }
    next
}

/// Whether a topic may be asked about once more: at most [`PER_TOPIC`] times, and never in words that were used.
fn may_ask(reading: &Reading<'_>, topic: &str, probes: &[String]) -> bool {
    let plain = probes.iter().filter(|p| !wording::hangs(p)).count();
    reading.times_asked(topic) < plain.min(PER_TOPIC)
}

/// Whether the stage's time is over.
fn is_over(reading: &Reading<'_>) -> bool {
    reading.now_ms + SPARE_MS >= reading.plan.ends_ms(reading.stage)
}

/// Follow-ups that the stage has room for, whatever the clock says.
fn room(reading: &Reading<'_>) -> usize {
    let planned = reading.plan.stages.iter().find(|s| s.stage == reading.stage);
    let budget = planned.map_or(UNPLANNED_MS, |s| s.ends_ms - s.starts_ms);
    ((budget / EXCHANGE_MS) as usize).clamp(1, 6)
}

/// Facts to tell before the question: those asked for now and those put off before, a few at a time; none is dropped.
fn tell_facts(next: &mut Move, reading: &Reading<'_>) {
    let Some(note) = reading.newest() else { return };
    if reading.plan.round != Round::SystemDesign {
        return;
    }
    let told = |id: &String| reading.moves().any(|m| m.facts.contains(id));
    let asked_now = if note.class.holds_content() { note.facts.as_slice() } else { &[] };
    let before = reading.notes.iter().filter(|(_, n)| n.next.is_some() && n.class.holds_content());
    let mut pool: Vec<String> = Vec::new();
    for id in before.flat_map(|(_, n)| &n.facts).filter(|id| !told(id)) {
        if !pool.contains(id) {
            pool.push(id.clone());
        }
    }
    next.of_earlier = !pool.is_empty();
    for id in asked_now.iter().filter(|id| !told(id)) {
        if !pool.contains(id) {
            pool.push(id.clone());
        }
    }
    // What was told is told again only when nothing else was asked for.
    if note.class == AnswerClass::Asks && pool.is_empty() && !told_twice(reading, asked_now) {
        pool = asked_now.to_vec();
        next.told_before = !pool.is_empty();
    }
    next.parked = pool.len().saturating_sub(facts::MOST);
    pool.truncate(facts::MOST);
    next.facts = pool;
    next.not_on_sheet = note.not_on_sheet && note.class == AnswerClass::Asks;
}

/// Whether all of these were told and told again: a third time helps nobody.
fn told_twice(reading: &Reading<'_>, ids: &[String]) -> bool {
    !ids.is_empty() && ids.iter().all(|id| reading.moves().filter(|m| m.facts.contains(id)).count() >= 2)
}

/// About ten and three minutes before the end, once each.
fn warn(next: &mut Move, reading: &Reading<'_>) {
    let left = reading.plan.total_ms().saturating_sub(reading.now_ms);
    let told = |minutes: u32| reading.moves().any(|m| m.minutes_left != 0 && m.minutes_left <= minutes);
    // As many as there are: after a long answer it may be two.
    let minutes = u32::try_from((left + 30_000) / 60_000).unwrap_or(0).max(1);
    if left <= 3 * 60_000 && !told(3) {
        next.minutes_left = minutes.min(3);
    } else if reading.plan.minutes >= 30 && left <= 10 * 60_000 && left > 7 * 60_000 && !told(10) {
        next.minutes_left = minutes;
    }
}

/// Open items that were not asked about, for the notes.
fn held_back(reading: &Reading<'_>, next: &Move) -> Vec<String> {
    let mut held: Vec<&str> = match reading.plan.round {
        Round::SystemDesign => {
            let here = reading.items(reading.stage);
            reading.open_items().filter(|i| here.iter().any(|h| h.id == i.id)).map(|i| i.area.as_str()).collect()
        }
        Round::Behavioural => Vec::new(),
    };
    held.dedup();
    held.retain(|area| *area != next.topic);
    held.into_iter().map(str::to_owned).collect()
}

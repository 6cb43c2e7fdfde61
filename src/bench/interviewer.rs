//! Simulated candidates against the real interviewer: what it hears, what it says, whether it keeps time.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;

use crate::candidate::{Bank, Candidate, Profile, Said};
use crate::content::Content;
use crate::engine::Engine;
use crate::interview::interviewer::Manner;
use crate::interview::note::{Act, AnswerClass, Move, Note};
use crate::interview::opening::opening;
use crate::interview::plan::Plan;
use crate::interview::session::{NewSession, SessionError};
use crate::interview::transcript::{Level, Mode, Round, Speaker, Turn};
use crate::interview::way::{Said as How, Way};
use crate::interview::{checks, coverage, director, interviewer, lexicon, wording};

/// More answers than this are a stall.
const STALL: usize = 90;
/// A speaker's pace, in milliseconds a word, and the time to think.
const WORD_MS: u64 = 400;
const THINK_MS: u64 = 15_000;

/// One simulated interview.
#[derive(Clone, Debug, Serialize)]
pub struct Held {
    /// Who.
    pub candidate: String,
    /// Which interview.
    pub round: Round,
    /// Problem or first competency.
    pub problem: String,
    /// Planned length.
    pub minutes: u32,
    /// Its seed.
    pub seed: u64,
    /// What was said.
    pub turns: Vec<Turn>,
    /// What was found.
    pub notes: BTreeMap<u32, Note>,
    /// The figures.
    pub figures: Figures,
    /// Follow-ups in all ways, if asked for.
    pub beside: Vec<Beside>,
}

/// One follow-up, worded in every way.
#[derive(Clone, Debug, Serialize)]
pub struct Beside {
    /// Who.
    pub candidate: String,
    /// Problem or first competency.
    pub problem: String,
    /// What was asked and said before.
    pub heard: [String; 2],
    /// The move and its topic.
    pub act: Act,
    /// What it is about.
    pub topic: String,
    /// The words, and how they came about, by the way that was wanted.
    pub ways: BTreeMap<Way, (String, How)>,
}

/// Counts; sums of counts over interviews are counts again.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Interviews.
    pub interviews: usize,
    /// Answers given.
    pub answers: usize,
    /// Interviewer turns that must ask (all but the last words).
    pub questions: usize,
    /// Of those, with exactly one question mark.
    pub one_question: usize,
    /// Turns with praise, a verdict or talk about itself.
    pub praise: usize,
    /// Turns that say a word of an answer before the candidate has.
    pub leaks: usize,
    /// Turns that ask what was asked before.
    pub repeats: usize,
    /// Turns worded by a spare question.
    pub spares: usize,
    /// Questions that take up the candidate's words, quoted or told back.
    pub quoting: usize,
    /// Words said by the interviewer, facts included.
    pub words: usize,
    /// Longest turn, in words.
    pub longest: usize,
    /// Interviews that ended.
    pub ended: usize,
    /// Interviews in which something was asked after the planned end.
    pub overran: usize,
    /// Labelled gaps seen as open.
    pub gaps_found: usize,
    /// Labelled gaps taken for covered.
    pub gaps_missed: usize,
    /// Labelled covered topics taken for open.
    pub false_gaps: usize,
    /// Labelled covered topics seen as covered.
    pub covered_found: usize,
    /// Answers of a labelled class taken for it.
    pub classes_found: usize,
    /// Answers of a labelled class taken for another.
    pub classes_missed: usize,
    /// Injections that gave evidence or moved a stage outside the clock.
    pub injected: usize,
    /// Hints offered.
    pub hints_offered: usize,
    /// Turns in which the model did not judge.
    pub engine_trouble: usize,
    /// Follow-ups by the way in which they came to their words.
    pub ways: BTreeMap<Way, usize>,
    /// Follow-ups in which the wanted way gave nothing.
    pub fell_back: usize,
    /// Quotations that the model pointed at and that were taken.
    pub pointed: usize,
    /// What a model worded or pointed at and a check refused; it was not shown.
    pub refused: usize,
    /// Shown questions that fail a check: must be none.
    pub shown_faults: usize,
    /// Seconds of wording, summed.
    pub wording_seconds: f64,
    /// Seconds from answer to reply, summed.
    pub seconds: f64,
    /// What was missed, for reading: `(topic or class, answer)`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub misses: Vec<(String, String)>,
}

/// What to hold.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// How moves are worded.
    pub manner: Manner,
    /// Who.
    pub profile: &'a Profile,
    /// Which interview.
    pub round: Round,
    /// Problem or first competency.
    pub problem: &'a str,
    /// Planned length.
    pub minutes: u32,
    /// Seed of plan and candidate.
    pub seed: u64,
    /// Word every follow-up in every way.
    pub beside: bool,
}

/// Holds one interview. `engine` none: by code alone.
///
/// # Errors
/// As [`Plan::new`].
pub async fn hold(
    engine: Option<&Engine>,
    content: &Content,
    banks: &BTreeMap<String, Bank>,
    case: Case<'_>,
) -> Result<Held, SessionError> {
    let mut plan = Plan::new(&new_session(case), content, case.seed)?;
    // Stories that nobody has written answers for are not told.
    plan.stories.retain(|s| banks.contains_key(&s.competency));
    let mut candidate = Candidate::new(case.profile, banks, case.seed);
    let mut room = Room { content, plan, turns: Vec::new(), notes: BTreeMap::new(), now_ms: 0 };
    let mut figures = Figures { interviews: 1, ..Figures::default() };
    let opening = opening(content, &room.plan);
    room.say(Speaker::Interviewer, opening);
    let mut asked = Move { stage: room.plan.first_stage(), act: Act::OpenStage, ..Move::default() };
    let mut labels: Vec<String> = Vec::new();
    let mut beside = Vec::new();
    for _ in 0..STALL {
        let said = candidate.answer(&room.plan, &asked);
        room.now_ms += THINK_MS + WORD_MS * said.text.split_whitespace().count() as u64;
        room.say(Speaker::Candidate, said.text.clone());
        let began = Instant::now();
        let note = match engine {
            Some(engine) => coverage::listen(engine, content, &room.plan, &room.turns, &room.notes, room.now_ms).await,
            None => coverage::listen_by_code(content, &room.plan, &room.turns, &room.notes, room.now_ms),
        };
        let seq = room.turns.last().map_or(0, |t| t.seq);
        room.notes.insert(seq, note.clone());
        let next = director::next(content, &room.plan, &room.turns, &room.notes, &[], room.now_ms);
        let (words, how) = match engine {
            Some(engine) => {
                interviewer::word(engine, case.manner, content, &room.plan, &room.turns, &next, |_| {}).await
            }
            None => (wording::compose(content, &room.plan, &room.turns, &next), How::default()),
        };
        figures.seconds += began.elapsed().as_secs_f64();
        if let Some(engine) = engine.filter(|_| case.beside && next.act.follows_up()) {
            let mut ways = BTreeMap::from([(case.manner.way, (words.clone(), how.clone()))]);
            let others = [Way::Composed, Way::Picked, Way::Free].into_iter().filter(|way| *way != case.manner.way);
            for way in others {
                let manner = Manner { way, ..case.manner };
                let worded = interviewer::word(engine, manner, content, &room.plan, &room.turns, &next, |_| {}).await;
                ways.insert(way, worded);
            }
            let asked = room.turns.iter().rev().nth(1).map_or(String::new(), |t| t.text.clone());
            beside.push(Beside {
                candidate: case.profile.id.clone(),
                problem: case.problem.to_owned(),
                heard: [asked, said.text.clone()],
                act: next.act,
                topic: next.topic.clone(),
                ways,
            });
        }
        figures.hear_wording(&next, &how);
        figures.answers += 1;
        hear(&mut figures, &room, &said, &note, &mut labels);
        judge_words(&mut figures, &room, &next, &words);
        figures.engine_trouble += usize::from(note.engine_trouble.is_some());
        if note.class == AnswerClass::Injection && (!note.covered.is_empty() || jumped(&room, &asked, &next)) {
            figures.injected += 1;
        }
        room.notes.insert(seq, Note { said: Some(how), ..note.followed_by(next.clone()) });
        room.say(Speaker::Interviewer, words);
        if next.ends() {
            figures.ended = 1;
            break;
        }
        asked = next;
    }
    Ok(Held {
        candidate: case.profile.id.clone(),
        round: case.round,
        problem: room.plan.problem.clone(),
        minutes: case.minutes,
        seed: case.seed,
        turns: room.turns,
        notes: room.notes,
        figures,
        beside,
    })
}

fn new_session(case: Case<'_>) -> NewSession {
    NewSession {
        round: case.round,
        level: Level::Senior,
        problem: Some(case.problem.to_owned()),
        minutes: case.minutes,
        mode: Mode::Realistic,
        seed: Some(case.seed),
        resume: None,
        posting: None,
        record: false,
    }
}

struct Room<'a> {
    content: &'a Content,
    plan: Plan,
    turns: Vec<Turn>,
    notes: BTreeMap<u32, Note>,
    now_ms: u64,
}

impl Room<'_> {
    fn say(&mut self, role: Speaker, text: String) {
        let seq = self.turns.len() as u32;
        self.turns.push(Turn { seq, role, text, at_ms: Some(self.now_ms), board: None });
    }
}

/// Compares what was heard with the labels. A topic that an earlier answer covered is covered.
fn hear(figures: &mut Figures, room: &Room<'_>, said: &Said, note: &Note, labels: &mut Vec<String>) {
    let heard = |topic: &str| room.notes.values().chain([note]).any(|n| n.covered.iter().any(|f| f.id == topic));
    if let Some(topic) = &said.topic {
        let truth = said.covers_topic || labels.contains(topic);
        match (truth, heard(topic)) {
            (false, false) => figures.gaps_found += 1,
            (false, true) => {
                figures.gaps_missed += 1;
                figures.misses.push((format!("gap taken for covered: {topic}"), said.text.clone()));
            }
            (true, true) => figures.covered_found += 1,
            (true, false) => {
                figures.false_gaps += 1;
                figures.misses.push((format!("covered taken for gap: {topic}"), said.text.clone()));
            }
        }
        if said.covers_topic {
            labels.push(topic.clone());
        }
    }
    labels.extend(said.covers.iter().cloned());
    if let Some(class) = said.class {
        if note.class == class {
            figures.classes_found += 1;
        } else {
            figures.classes_missed += 1;
            figures.misses.push((format!("{class:?} taken for {:?}", note.class), said.text.clone()));
        }
    }
}

/// A stage change that neither the clock nor the count of follow-ups explains cannot be told apart here; what an
/// injection must never do is to move on at once from a stage that has time left and was just entered.
fn jumped(room: &Room<'_>, asked: &Move, next: &Move) -> bool {
    let moves_here = room.notes.values().filter(|n| n.next.as_ref().is_some_and(|m| m.stage == asked.stage)).count();
    next.stage > asked.stage && moves_here <= 1 && room.now_ms + 20_000 < room.plan.ends_ms(asked.stage)
}

fn judge_words(figures: &mut Figures, room: &Room<'_>, next: &Move, words: &str) {
    let count = lexicon::words(words).len();
    figures.words += count;
    figures.longest = figures.longest.max(count);
    if next.act == Act::OfferHint {
        figures.hints_offered += 1;
    }
    if next.ends() {
        return;
    }
    figures.questions += 1;
    figures.one_question += usize::from(words.matches('?').count() == 1);
    figures.overran += usize::from(room.now_ms >= room.plan.total_ms());
    figures.quoting += usize::from(next.takes_up(words));
    let own_words = wording::without_what_comes_before(room.content, &room.plan, &room.turns, next, words);
    let own_faults = wording::faults(room.content, &room.plan, &room.turns, next, own_words);
    if !own_faults.is_empty() && !matches!(next.act, Act::OpenStage | Act::AssumeAndMove | Act::NextStory) {
        figures.shown_faults += 1;
        figures.misses.push((format!("shown: {}", own_faults.join(", ")), words.to_owned()));
    }
    let question = checks::question_of(words);
    figures.spares += usize::from(room.content.voice.says.spare.contains(&question));
    let earlier: Vec<&str> =
        room.turns.iter().filter(|t| t.role == Speaker::Interviewer).map(|t| t.text.as_str()).collect();
    figures.repeats += usize::from(earlier.iter().any(|e| checks::repeats(words, e)));
    let own = lexicon::words(&checks::without_quotations(words));
    let forbidden = &room.content.voice.hears.interviewer;
    let lists = [&forbidden.praise, &forbidden.verdicts, &forbidden.meta];
    let says = |cue: &String| checks::said(&own, cue);
    if lists.iter().any(|list| list.iter().any(says)) && next.facts.is_empty() {
        figures.praise += 1;
        figures.misses.push(("praise or verdict".into(), words.to_owned()));
    }
    if let Some(item) =
        room.content.problem(&room.plan.problem).and_then(|p| p.checklist.iter().find(|i| i.id == next.topic))
    {
        let said_before = |cue: &String| room.turns.iter().any(|t| checks::said(&lexicon::words(&t.text), cue));
        if next.facts.is_empty() && item.leaks.iter().any(|leak| says(leak) && !said_before(leak)) {
            figures.leaks += 1;
            figures.misses.push(("leak".into(), words.to_owned()));
        }
    }
}

impl Figures {
    fn hear_wording(&mut self, next: &Move, how: &How) {
        self.wording_seconds += how.seconds;
        self.refused += how.refused.len();
        self.misses.extend(how.refused.iter().map(|why| ("refused wording".to_owned(), why.clone())));
        if next.act.follows_up() {
            *self.ways.entry(how.way).or_default() += 1;
            self.fell_back += usize::from(how.way < how.wanted);
            self.pointed += usize::from(!how.quote.is_empty());
        }
    }

    /// Adds another interview's counts.
    pub fn add(&mut self, other: &Self) {
        self.interviews += other.interviews;
        self.answers += other.answers;
        self.questions += other.questions;
        self.one_question += other.one_question;
        self.praise += other.praise;
        self.leaks += other.leaks;
        self.repeats += other.repeats;
        self.spares += other.spares;
        self.quoting += other.quoting;
        self.words += other.words;
        self.longest = self.longest.max(other.longest);
        self.ended += other.ended;
        self.overran += other.overran;
        self.gaps_found += other.gaps_found;
        self.gaps_missed += other.gaps_missed;
        self.false_gaps += other.false_gaps;
        self.covered_found += other.covered_found;
        self.classes_found += other.classes_found;
        self.classes_missed += other.classes_missed;
        self.injected += other.injected;
        self.hints_offered += other.hints_offered;
        self.engine_trouble += other.engine_trouble;
        self.seconds += other.seconds;
        for (way, n) in &other.ways {
            *self.ways.entry(*way).or_default() += n;
        }
        self.fell_back += other.fell_back;
        self.pointed += other.pointed;
        self.refused += other.refused;
        self.shown_faults += other.shown_faults;
        self.wording_seconds += other.wording_seconds;
        self.misses.extend(other.misses.iter().cloned());
    }

    /// Of the labelled gaps, the part that was seen; none without labels.
    #[must_use]
    pub fn gap_recall(&self) -> Option<f64> {
        share(self.gaps_found, self.gaps_found + self.gaps_missed)
    }

    /// Of what was seen as a gap, the part that was one.
    #[must_use]
    pub fn gap_precision(&self) -> Option<f64> {
        share(self.gaps_found, self.gaps_found + self.false_gaps)
    }

    /// Of the answers of a labelled class, the part taken for it.
    #[must_use]
    pub fn class_recall(&self) -> Option<f64> {
        share(self.classes_found, self.classes_found + self.classes_missed)
    }

    /// What the published targets miss, one line each; empty when all are met.
    #[must_use]
    pub fn missed_targets(&self) -> Vec<String> {
        let mut missed = Vec::new();
        let mut need = |holds: bool, what: String| {
            if !holds {
                missed.push(what);
            }
        };
        let recall = self.gap_recall().unwrap_or(1.0);
        let precision = self.gap_precision().unwrap_or(1.0);
        need(recall >= 0.85, format!("gap recall {recall:.3}, at least 0.85"));
        need(precision >= 0.80, format!("gap precision {precision:.3}, at least 0.80"));
        let one = share(self.one_question, self.questions).unwrap_or(1.0);
        need(one >= 0.99, format!("one question in {one:.3} of the turns, at least 0.99"));
        need(self.praise == 0, format!("{} turns with praise or a verdict", self.praise));
        need(self.shown_faults == 0, format!("{} shown turns fail a check", self.shown_faults));
        need(self.leaks == 0, format!("{} leaks", self.leaks));
        need(self.repeats == 0, format!("{} repeated questions", self.repeats));
        need(self.ended == self.interviews, format!("{} of {} interviews ended", self.ended, self.interviews));
        need(self.overran == 0, format!("{} questions after the end", self.overran));
        need(self.injected == 0, format!("{} injections had an effect", self.injected));
        missed
    }
}

fn share(part: usize, all: usize) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

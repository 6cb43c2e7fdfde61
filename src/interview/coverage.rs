//! Listens to the newest answer: what it covers. Lexical evidence first, the model's P(yes) as a second opinion. What can be
//! covered is in [`targets`], what sort of answer it is in [`class`]. Never decides what is asked next.

mod class;
mod targets;

use std::collections::BTreeMap;
use std::time::Instant;

use self::targets::{Target, targets};
use super::evidence::{self, Evidence, Told};
use super::judge::JudgeError;
use super::lexicon::{self, Word};
use super::note::{AnswerClass, Contradiction, Finding, Note};
use super::plan::{Plan, Stage};
use super::reading::Reading;
use super::tension::Earlier;
use super::thresholds::{self, Coverage, Thresholds};
use super::transcript::{Round, Turn};
use super::{anchor, classify, contradiction, facts, judge, matching, weighing};
use crate::content::voice::Phrases;
use crate::content::{Content, Phase};
use crate::engine::Engine;

/// Without a cue an item is only believed to be covered by an answer of this many words.
pub const LONG_ENOUGH: usize = 15;

/// Judges the newest answer. Engine trouble leaves lexical evidence only and is said in the note; it never blocks.
pub async fn listen(
    engine: &Engine,
    content: &Content,
    plan: &Plan,
    turns: &[Turn],
    notes: &BTreeMap<u32, Note>,
    now_ms: u64,
) -> Note {
    let thresholds = thresholds::of(engine.info());
    listen_with(engine, &thresholds, content, plan, turns, notes, now_ms).await
}

/// The same with these thresholds in place of the model's own.
pub async fn listen_with(
    engine: &Engine,
    thresholds: &Thresholds,
    content: &Content,
    plan: &Plan,
    turns: &[Turn],
    notes: &BTreeMap<u32, Note>,
    now_ms: u64,
) -> Note {
    let began = Instant::now();
    let reading = Reading::new(content, plan, turns, notes, now_ms);
    let mut heard = hear(&reading);
    if heard.note.class == AnswerClass::Plain || heard.note.class == AnswerClass::Asks {
        let judged = tokio::join!(
            judge_coverage(engine, thresholds, &reading, &heard),
            judge_contradictions(engine, thresholds, &reading, &heard.note),
            judge_facts(engine, thresholds, &reading, &heard),
        );
        match judged.0 {
            Ok(judged) => second_opinion(&mut heard.note, thresholds, &reading, &judged),
            Err(error) => heard.note.engine_trouble = Some(error.to_string()),
        }
        match judged.1 {
            Ok(found) => heard.note.contradiction = heard.note.contradiction.or(found),
            Err(error) => heard.note.engine_trouble = Some(error.to_string()),
        }
        match judged.2 {
            Ok(judged) => by_meaning(&mut heard.note, judged),
            Err(error) => heard.note.engine_trouble = Some(error.to_string()),
        }
    }
    class::settle(&mut heard.note, &reading);
    heard.note.seconds = began.elapsed().as_secs_f64();
    heard.note
}

async fn judge_coverage(
    engine: &Engine,
    thresholds: &Thresholds,
    reading: &Reading<'_>,
    heard: &Heard,
) -> Result<Vec<Judged>, JudgeError> {
    if thresholds.coverage.is_none() {
        return Ok(Vec::new());
    }
    // Where other evidence is weighed, a model is only asked when its judgement was found to add to it.
    let weighs = thresholds.weighs(reading.plan.round).is_some();
    let asked = |t: &&Target| t.in_play && (t.evidence.is_empty() || weighs);
    let targets: Vec<_> = heard.targets.iter().filter(asked).take(judge::MOST).cloned().collect();
    let questions: Vec<String> = targets.iter().map(|t| t.ask.clone()).collect();
    let answer = reading.answer().map_or("", |t| t.text.as_str());
    let p = judge::p_yes(engine, reading.question(), answer, &questions).await?;
    // Its habit is only needed where it is weighed.
    let habits = if weighs { judge::habits(engine, &questions).await? } else { vec![0.5; p.len()] };
    let judged = targets.into_iter().zip(p).zip(habits);
    Ok(judged.map(|((target, p), habit)| Judged { target, p, habit }).collect())
}

/// What a model makes of the candidate's questions.
#[derive(Default)]
struct Meant {
    /// Facts that it finds clear where words found none.
    matched: Vec<Finding>,
    /// Facts that words found and that it finds far off.
    doubted: Vec<String>,
    /// Questions without a fact.
    open: usize,
}

async fn judge_facts(
    engine: &Engine,
    thresholds: &Thresholds,
    reading: &Reading<'_>,
    heard: &Heard,
) -> Result<Meant, JudgeError> {
    let mut meant = Meant { open: heard.open.len(), ..Meant::default() };
    let (Some(believed), Some(problem)) = (thresholds.fact, reading.problem()) else { return Ok(meant) };
    let lines: Vec<String> = problem.facts.iter().map(facts::line).collect();
    let sheet = facts::Sheet::read(&problem.facts, &problem.brief, &reading.content.voice.asks);
    let open = heard.open.iter().map(|question| (question, None));
    let likely = heard.likely.iter().map(|(question, id)| (question, Some(id)));
    for (question, found) in open.chain(likely).take(MOST_JUDGED) {
        let about = matching::about(engine, question, &lines).await?;
        let likeness = sheet.likeness(question);
        let Some(id) = found else {
            if let Some(at) = matching::clear(&about, &likeness, believed) {
                let id = problem.facts[at].id.clone();
                meant.matched.push(Finding { id, quote: question.clone(), ..Finding::default() });
                meant.open -= 1;
            }
            continue;
        };
        let at = problem.facts.iter().position(|f| f.id == *id);
        if at.is_some_and(|at| matching::doubts(&about, &likeness, at, believed)) {
            meant.doubted.push(id.clone());
            meant.open += 1;
        }
    }
    Ok(meant)
}

/// Facts that a model finds far off are not told, those that it finds clear are.
fn by_meaning(note: &mut Note, meant: Meant) {
    note.not_on_sheet = meant.open > 0;
    note.facts.retain(|id| !meant.doubted.contains(id));
    for fact in meant.matched {
        if !note.facts.contains(&fact.id) {
            note.facts.push(fact.id.clone());
            note.matched.push(fact);
        }
    }
}

/// Questions of one answer that a model is asked about: each takes it a tenth of a second (135M) to a second (1.5B).
const MOST_JUDGED: usize = 2;

/// The likeliest contradiction by meaning, when words alone found none.
async fn judge_contradictions(
    engine: &Engine,
    thresholds: &Thresholds,
    reading: &Reading<'_>,
    note: &Note,
) -> Result<Option<Contradiction>, JudgeError> {
    let Some(least) = thresholds.contradiction.filter(|_| note.contradiction.is_none()) else { return Ok(None) };
    let answer = reading.answer().map_or("", |t| t.text.as_str());
    let pairs = contradiction::doubtful(&reading.content.voice, &earlier(reading), answer);
    let asks: Vec<(String, String)> =
        pairs.iter().map(|p| (p.between.earlier.clone(), p.between.now.clone())).collect();
    let p = judge::p_contradicts(engine, &asks).await?;
    let judged = pairs.into_iter().zip(p).filter(|(_, p)| *p >= least);
    let likeliest = judged.max_by(|a, b| a.1.total_cmp(&b.1));
    Ok(likeliest.map(|(pair, p)| Contradiction { p_yes: Some(p), ..pair.between }))
}

/// The same without a model: lexical evidence only.
#[must_use]
pub fn listen_by_code(
    content: &Content,
    plan: &Plan,
    turns: &[Turn],
    notes: &BTreeMap<u32, Note>,
    now_ms: u64,
) -> Note {
    let reading = Reading::new(content, plan, turns, notes, now_ms);
    let mut note = hear(&reading).note;
    class::settle(&mut note, &reading);
    note
}

/// One item of a problem's checklist or slot of a story, looked for in one answer, whatever the stage. For measuring; an
/// interview looks at what is open.
#[derive(Clone, Debug)]
pub struct Looked {
    /// Item or slot id.
    pub id: String,
    /// The yes/no question.
    pub ask: String,
    /// What cues found.
    pub found: Option<Finding>,
    /// The evidence as numbers.
    pub evidence: Evidence,
}

/// Looks for everything that a problem or competency asks for. `before` are the earlier answers, `part` is the part of
/// the interview that is over.
#[must_use]
pub fn look(content: &Content, of: &str, question: &str, text: &str, before: &[&str], part: f32) -> Vec<Looked> {
    let words = lexicon::words(text);
    let statements = statements(text, &words);
    let told = Told { words: &words, statements: &statements, question, before, part, slot: "" };
    let look = |id: &str, ask: &str, cues: &[String], asked_counts: bool, evidence: Evidence| Looked {
        id: id.to_owned(),
        ask: ask.to_owned(),
        found: find(&content.voice.phrases, text, if asked_counts { &words } else { &statements }, id, cues),
        evidence,
    };
    match (content.problem(of), content.competency(of)) {
        (Some(p), _) => {
            let asked_counts = |phase| matches!(phase, Phase::Constraints | Phase::Sizing);
            let all = evidence::design::Listening::to(p).evidence(told);
            p.checklist.iter().zip(all).map(|(i, e)| look(&i.id, &i.ask, &i.cues, asked_counts(i.phase), e)).collect()
        }
        (None, Some(c)) => {
            let all = evidence::story::evidence(&c.slots, told);
            c.slots.iter().zip(all).map(|(s, e)| look(s.slot.id(), &s.ask, &s.cues, false, e)).collect()
        }
        (None, None) => Vec::new(),
    }
}

struct Heard {
    note: Note,
    targets: Vec<Target>,
    /// Questions that no fact answers, as they were asked.
    open: Vec<String>,
    /// Questions that words find a fact for, though not in the sheet's own words, with the fact's id.
    likely: Vec<(String, String)>,
}

/// Evidence by code.
fn hear(reading: &Reading<'_>) -> Heard {
    let text = reading.answer().map_or("", |t| t.text.as_str());
    let words = lexicon::words(text);
    let hears = &reading.content.voice.hears;
    let class = classify::by_code(hears, reading.plan.round, text, &words, reading.question());
    let mut note =
        Note { stage: Some(reading.stage), words: words.len(), class: class.unwrap_or_default(), ..Note::default() };
    if class.is_some_and(|c| !c.holds_content()) {
        return Heard { note, targets: Vec::new(), open: Vec::new(), likely: Vec::new() };
    }
    let (mut open, mut likely) = (Vec::new(), Vec::new());
    note.anchor = anchor::telling(&reading.content.voice.phrases, text, &words).unwrap_or_default();
    if let Some(problem) = reading.problem() {
        let collects = matches!(reading.stage, Stage::Open | Stage::Constraints | Stage::Sizing);
        let text = facts::addressed(text, collects);
        let places = if collects { facts::wishes(text) } else { facts::questions(text) };
        let outside = words.len().saturating_sub(words_in(text, &places));
        let sheet = facts::Sheet::read(&problem.facts, &problem.brief, &reading.content.voice.asks);
        let asked = sheet.asked_in(text, places);
        note.not_on_sheet = !asked.open.is_empty();
        open = asked.open.iter().map(|range| text[range.clone()].trim().to_owned()).collect();
        likely = asked.likely.iter().map(|(range, id)| (text[range.clone()].trim().to_owned(), id.clone())).collect();
        if asked.questions > 0 && outside < 30 && note.class == AnswerClass::Plain {
            note.class = AnswerClass::Asks;
        }
        note.facts = asked.facts;
        note.dive = targets::dive(reading, &words);
    }
    let statements = statements(text, &words);
    let phrases = &reading.content.voice.phrases;
    let mut targets = targets(reading, &note.dive);
    let listening = reading.problem().map(evidence::design::Listening::to);
    let mut evidence = evidence_of(reading, listening.as_ref(), &words, &statements);
    let weights = weighing::BY_CODE.of(reading.plan.round);
    for target in &mut targets {
        let from = if target.asked_counts { &words } else { &statements };
        let by_cue = find(phrases, text, from, &target.id, &target.cues);
        let Some(numbers) = evidence.remove(&target.id) else {
            note.covered.extend(by_cue);
            continue;
        };
        target.evidence = numbers;
        // A few words without a cue are no evidence, whatever was asked.
        let too_short = by_cue.is_none() && words.len() < LONG_ENOUGH;
        let weighed = if too_short { 0.0 } else { weights.probability(&target.evidence) };
        let by_words = || by_words(phrases, text, from, listening.as_ref(), target);
        let found = Finding { weighed: Some(weighed), ..by_cue.unwrap_or_else(by_words) };
        if so_far(reading, &target.id, weighed) >= weights.threshold {
            note.covered.push(found);
        } else {
            if weighed >= LEANS {
                note.leaning.insert(target.id.clone(), weighed);
            }
            if found.cue.is_some() {
                note.undecided.push(found);
            }
        }
    }
    for flag in class::flags(reading) {
        if let Some(mut found) = find(phrases, text, &statements, &flag.id, &flag.cues) {
            found.anchor = flag_words(text, &statements, &found);
            note.flags.push(found);
        }
    }
    note.contradiction = contradiction::find(&reading.content.voice, &earlier(reading), text);
    Heard { note, targets, open, likely }
}

/// Less is nothing.
const LEANS: f32 = 0.03;

/// The probability that an item is covered by now: what was half said before adds up.
fn so_far(reading: &Reading<'_>, id: &str, now: f32) -> f32 {
    let open: f32 = reading.notes.iter().filter_map(|(_, n)| n.leaning.get(id)).map(|p| 1.0 - p).product();
    1.0 - open * (1.0 - now)
}

/// The evidence for everything that is weighed, by target.
fn evidence_of(
    reading: &Reading<'_>,
    listening: Option<&evidence::design::Listening<'_>>,
    words: &[Word],
    statements: &[Word],
) -> BTreeMap<String, Evidence> {
    let newest = reading.answer().map_or(0, |t| t.seq);
    let told_in = |stage: Option<Stage>| -> Vec<&str> {
        let seqs = reading.notes.iter().filter(|(_, n)| stage.is_none_or(|s| n.stage == Some(s))).map(|(seq, _)| *seq);
        let seqs: Vec<u32> = seqs.filter(|seq| *seq < newest).collect();
        reading.turns.iter().filter(|t| seqs.contains(&t.seq)).map(|t| t.text.as_str()).collect()
    };
    let part = (reading.now_ms as f32 / reading.plan.total_ms().max(1) as f32).min(1.0);
    let question = reading.question();
    match (listening, reading.problem(), reading.story(reading.stage)) {
        (Some(listening), Some(problem), _) => {
            let before = told_in(None);
            let all = listening.evidence(Told { words, statements, question, before: &before, part, slot: "" });
            problem.checklist.iter().map(|i| i.id.clone()).zip(all).collect()
        }
        (_, _, Some(story)) if reading.plan.round == Round::Behavioural => {
            let before = told_in(Some(reading.stage));
            let stage = reading.stage.id();
            let slot = reading.asked().and_then(|m| m.topic.split_once('/')).filter(|(of, _)| *of == stage);
            let slot = slot.map_or("", |(_, slot)| slot);
            let told = Told { words, statements, question, before: &before, part, slot };
            let all = evidence::story::evidence(&story.slots, told);
            story.slots.iter().map(|s| format!("{stage}/{}", s.slot.id())).zip(all).collect()
        }
        _ => BTreeMap::new(),
    }
}

fn words_in(text: &str, ranges: &[std::ops::Range<usize>]) -> usize {
    ranges.iter().map(|r| text[r.clone()].split_whitespace().count()).sum()
}

/// The words outside the candidate's own questions.
fn statements(text: &str, words: &[Word]) -> Vec<Word> {
    let asked: Vec<_> = facts::questions(text).into_iter().filter(|r| text[r.clone()].ends_with('?')).collect();
    words.iter().filter(|w| !asked.iter().any(|r| r.contains(&w.range.start))).cloned().collect()
}

fn find(phrases: &Phrases, text: &str, words: &[Word], id: &str, cues: &[String]) -> Option<Finding> {
    let (cue, hit) = lexicon::find_any(words, cues)?;
    Some(Finding {
        id: id.to_owned(),
        quote: anchor::clause_around(text, words, &hit),
        anchor: anchor::around(phrases, text, words, &hit).unwrap_or_default(),
        cue: Some(cue.to_owned()),
        ..Finding::default()
    })
}

/// A find without a cue: where the answer is most like the item.
fn by_words(
    phrases: &Phrases,
    text: &str,
    words: &[Word],
    listening: Option<&evidence::design::Listening<'_>>,
    target: &Target,
) -> Finding {
    let hit = listening.and_then(|l| l.place(&target.id, words));
    Finding {
        id: target.id.clone(),
        quote: hit.as_ref().map(|hit| anchor::clause_around(text, words, hit)).unwrap_or_default(),
        anchor: hit.and_then(|hit| anchor::around(phrases, text, words, &hit)).unwrap_or_default(),
        ..Finding::default()
    }
}

/// A claim is quoted as it was made, from the first to the last word of its cue.
fn flag_words(text: &str, words: &[Word], found: &Finding) -> String {
    let hit = found.cue.as_deref().and_then(|cue| lexicon::find(words, cue));
    let claim = hit.map(|hit| &text[words[hit.start].range.start..words[hit.end - 1].range.end]);
    let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '\'' | '’');
    claim.filter(|c| c.chars().all(plain) && c.contains(' ')).unwrap_or(&found.anchor).to_owned()
}

/// Earlier answers that held content, and what the résumé claims.
fn earlier<'a>(reading: &Reading<'a>) -> Vec<Earlier<'a>> {
    let usable = |seq: u32| reading.notes.iter().any(|(s, n)| *s == seq && n.class.holds_content());
    let newest = reading.answer().map_or(0, |t| t.seq);
    let claims = reading.plan.claims.iter().map(|c| Earlier { seq: 0, text: &c.text, of_resume: true });
    let answers = reading.turns.iter().filter(|t| t.seq < newest && usable(t.seq));
    claims.chain(answers.map(|t| Earlier { seq: t.seq, text: &t.text, of_resume: false })).collect()
}

/// Brings the model's judgements in. Where evidence is weighed, the model's judgement is one more piece of it; elsewhere
/// the model may veto a cue, or be believed without one when it is very sure.
fn second_opinion(note: &mut Note, thresholds: &Thresholds, reading: &Reading<'_>, judged: &[Judged]) {
    let Some(Coverage { veto, trust }) = thresholds.coverage else { return };
    for Judged { target, p, habit } in judged {
        let take = |list: &mut Vec<Finding>| list.iter().position(|f| f.id == target.id).map(|at| list.remove(at));
        let heard = take(&mut note.covered);
        let was_covered = heard.is_some();
        let mut found = heard.or_else(|| take(&mut note.undecided)).unwrap_or_default();
        found.id.clone_from(&target.id);
        found.p_yes = Some(*p);
        let may_trust = note.words >= LONG_ENOUGH && note.class == AnswerClass::Plain;
        let weights = thresholds.weighs(reading.plan.round).filter(|_| !target.evidence.is_empty());
        let covered = match weights {
            Some(weights) => {
                let lift = ("lift".to_owned(), judge::lift(*p, *habit) - 0.5);
                let weighed = weights.probability(target.evidence.iter().chain([&lift]));
                found.weighed = Some(weighed);
                let covered = so_far(reading, &target.id, weighed) >= weights.threshold;
                note.leaning.remove(&target.id);
                if !covered && weighed >= LEANS {
                    note.leaning.insert(target.id.clone(), weighed);
                }
                covered
            }
            None if was_covered => *p >= veto,
            None => *p >= trust && may_trust,
        };
        if covered { note.covered.push(found) } else { note.undecided.push(found) }
    }
}

/// What the model said of a target: P(yes), and its P(yes) for an answer that says nothing.
struct Judged {
    target: Target,
    p: f32,
    habit: f32,
}

#[cfg(test)]
mod tests;

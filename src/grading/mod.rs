//! From transcript to scorecard. The program finds the evidence; the model judges it; rules and arithmetic are code.
//!
//! Owns refusals, evidence, judgement, caps and the scorecard. Knows the engine's two verbs and the content's schema;
//! knows no store, no HTTP and no page. Nothing here ever invents a number: what cannot be judged is not assessed.

pub mod agreement;
pub mod answer;
pub mod calibration;
pub mod calibrations;
pub mod caps;
pub mod checklist;
pub mod contradiction;
pub mod cue;
pub mod evidence;
pub mod forest;
pub mod judge;
pub mod passage;
pub mod provenance;
pub mod reading;
pub mod refusal;
pub mod report;
pub mod ridge;
pub mod rubric;
pub mod scorecard;
pub mod signals;
pub mod surface;

use std::collections::{HashMap, HashSet};

use crate::content::{Competency, Dimension, Problem};
use crate::engine::{Engine, EngineError};
use crate::interview::session::HintView;
use crate::interview::transcript::{Speaker, Transcript, Turn};

use caps::Cap;
use checklist::Item;
use evidence::Place;
use judge::Judgement;
use reading::Reading;
use rubric::Rubric;
use scorecard::{AppliedCap, Evidence, ItemReading, Reason, Sign};

pub use scorecard::{DimensionReport, Scorecard};

#[cfg(test)]
mod tests;

/// What is graded.
#[derive(Clone, Debug)]
pub struct GradeInput<'a> {
    /// What was said.
    pub transcript: &'a Transcript,
    /// The problem of a system-design round, if it is known: its checklist, dives and red flags become items.
    pub problem: Option<&'a Problem>,
    /// The competencies that a behavioural round asked about: their slots and red flags become items.
    pub competencies: &'a [&'a Competency],
    /// Hints taken; they lower what a topic's evidence is worth.
    pub hints: &'a [HintView],
    /// Quality notes on the interviewer, carried into the scorecard untouched.
    pub interviewer_report: Option<serde_json::Value>,
    /// Session id, carried into the scorecard.
    pub session: Option<&'a str>,
    /// What the candidate adds in a dispute: read as one more answer, logged in the scorecard.
    pub dispute: Option<&'a str>,
}

impl<'a> GradeInput<'a> {
    /// A bare transcript: no content, no hints.
    #[must_use]
    pub fn new(transcript: &'a Transcript) -> Self {
        Self {
            transcript,
            problem: None,
            competencies: &[],
            hints: &[],
            interviewer_report: None,
            session: None,
            dispute: None,
        }
    }
}

/// How it is graded.
#[derive(Clone, Debug, Default)]
pub struct GradeOptions {
    /// Order of the anchors in the second reading.
    pub seed: u64,
}

/// Why there is no scorecard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GradeError {
    /// No candidate words.
    #[error("nothing to grade: the transcript has no words of the candidate")]
    NothingToGrade,
    /// The transcript is not one.
    #[error("not a transcript that can be graded: {0}")]
    Invalid(String),
}

/// Grades a transcript; `progress` hears each dimension as it is done.
///
/// An engine that fails leaves its dimensions "not assessed" with the reason, never with a number.
///
/// # Errors
/// See [`GradeError`].
pub async fn grade(
    engine: &Engine,
    input: &GradeInput<'_>,
    options: &GradeOptions,
    progress: &mut (dyn FnMut(&DimensionReport) + Send),
) -> Result<Scorecard, GradeError> {
    let rubric = Rubric::builtin();
    let transcript = as_read(input);
    validate(&transcript)?;
    let briefs: Vec<&str> =
        input.problem.iter().flat_map(|p| [Some(p.brief.as_str()), p.document.as_deref()]).flatten().collect();
    let readable = refusal::read(&transcript, &briefs);
    let signals = signals::find(&transcript, &readable);
    let round = transcript.round;
    let items = checklist::items(round, input.problem, input.competencies);
    let round_caps = caps::of_signals(rubric, round, &signals);
    let limits = Limits::new(input.hints, &signals.hypothetical_turns);
    let segments = evidence::segments(&readable.passages, &transcript);
    let places: Vec<(usize, Place)> = items
        .iter()
        .enumerate()
        .flat_map(|(at, item)| {
            let found = evidence::places(item, &readable.passages, &segments, &transcript);
            found.into_iter().map(move |place| (at, place))
        })
        .collect();
    let asked: Vec<(&Item, &Place)> = places.iter().map(|(at, place)| (&items[*at], place)).collect();
    let judged = judge::judge_places(engine, round, &segments.list, &asked).await;
    let scene = Scene { engine, rubric, transcript: &transcript, items: &items, asked: &asked, limits };

    let mut dimensions = Vec::with_capacity(Dimension::ALL.len());
    for dimension in Dimension::ALL {
        let own_caps = round_caps.iter().filter(|c| c.dimension == dimension).cloned().collect();
        let findings = match &judged {
            Ok(judgements) => scene.dimension(dimension, judgements, own_caps, options.seed).await,
            Err(error) => Err(error.clone()),
        };
        let report = match findings {
            Ok(findings) => report::report(rubric, round, findings),
            Err(error) => {
                let message = format!("The model failed, so there is no number: {error}.");
                let reason = Reason { code: "engine".into(), message };
                report::not_assessed(rubric, round, rubric.text(dimension), reason)
            }
        };
        progress(&report);
        dimensions.push(report);
    }
    let overall = scorecard::overall(rubric, round, &dimensions, false);
    Ok(Scorecard {
        version: scorecard::VERSION,
        session: input.session.map(str::to_owned),
        overall,
        dimensions,
        contradictions: contradiction::find(&readable.passages),
        hints: input.hints.to_vec(),
        refused_turns: readable.refused,
        interviewer_report: input.interviewer_report.clone(),
        dispute: input.dispute.map(str::to_owned),
        provenance: provenance::of(engine.info(), rubric, input, options.seed),
    })
}

/// The transcript as it is read: what was drawn as a last paragraph of each answer, and the dispute's words as one more
/// turn of the candidate.
fn as_read(input: &GradeInput<'_>) -> Transcript {
    let mut transcript = input.transcript.clone();
    transcript.turns = crate::board::spoken(&transcript.turns);
    if let Some(text) = input.dispute.filter(|text| !text.trim().is_empty()) {
        let seq = transcript.turns.iter().map(|t| t.seq + 1).max().unwrap_or(0);
        transcript.turns.push(Turn { seq, role: Speaker::Candidate, text: text.to_owned(), at_ms: None, board: None });
    }
    transcript
}

fn validate(transcript: &Transcript) -> Result<(), GradeError> {
    if transcript.version != 1 {
        let message = format!("its version is {}, this program reads version 1", transcript.version);
        return Err(GradeError::Invalid(message));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = transcript.turns.iter().find(|t| !seen.insert(t.seq)) {
        return Err(GradeError::Invalid(format!("two turns have seq {}", twice.seq)));
    }
    if transcript.turns.windows(2).any(|w| w[0].seq > w[1].seq) {
        return Err(GradeError::Invalid("its turns are not in the order of seq".into()));
    }
    if transcript.answers().all(|t| passage::words(&t.text).is_empty()) {
        return Err(GradeError::NothingToGrade);
    }
    Ok(())
}

/// What evidence is worth at most: by topic after hints, by turn after a hypothetical answer.
struct Limits {
    topics: HashMap<String, (u8, u8)>,
    hypothetical: HashSet<u32>,
}

impl Limits {
    fn new(hints: &[HintView], hypothetical: &[u32]) -> Self {
        let mut topics: HashMap<String, (u8, u8)> = HashMap::new();
        for hint in hints {
            let worth = caps::worth_after_hint(hint.rung);
            let entry = topics.entry(hint.topic.clone()).or_insert((worth, hint.rung));
            if worth < entry.0 {
                *entry = (worth, hint.rung);
            }
        }
        Self { topics, hypothetical: hypothetical.iter().copied().collect() }
    }

    /// The anchor that evidence for `item` in `turn` speaks for.
    fn anchor(&self, item: &Item, turn: u32) -> u8 {
        if item.sign == Sign::Minus {
            return item.anchor;
        }
        let topic = item.topic.as_ref().and_then(|t| self.topics.get(t)).map_or(5, |(worth, _)| *worth);
        let real = if self.hypothetical.contains(&turn) { 2 } else { 5 };
        item.anchor.min(topic).min(real)
    }

    /// The scorecard's lines on what was lowered in a dimension.
    fn caps(&self, rubric: &Rubric, items: &[&Item], dimension: Dimension) -> Vec<Cap> {
        let line = |rule: &str, limit, reason| {
            let effect = rubric.effect(rule);
            Cap { dimension, applied: AppliedCap { rule: rule.into(), effect, limit, reason, quote: None } }
        };
        let mut hinted: Vec<(&String, u8, u8)> = self
            .topics
            .iter()
            .filter(|(topic, (worth, _))| *worth < 5 && items.iter().any(|i| i.topic.as_ref() == Some(topic)))
            .map(|(topic, (worth, rung))| (topic, *worth, *rung))
            .collect();
        hinted.sort();
        hinted
            .into_iter()
            .map(|(topic, worth, rung)| {
                line(
                    "hint",
                    worth,
                    format!("A hint of rung {rung} on \"{topic}\": its evidence is worth at most {worth}."),
                )
            })
            .collect()
    }
}

/// All that the dimensions of one grade share.
struct Scene<'a> {
    engine: &'a Engine,
    rubric: &'a Rubric,
    transcript: &'a Transcript,
    items: &'a [Item],
    asked: &'a [(&'a Item, &'a Place)],
    limits: Limits,
}

impl<'a> Scene<'a> {
    async fn dimension(
        &self,
        dimension: Dimension,
        judgements: &[Judgement],
        mut caps: Vec<Cap>,
        seed: u64,
    ) -> Result<report::Findings<'a>, EngineError> {
        let items: Vec<&Item> = self.items.iter().filter(|i| i.dimension == dimension).collect();
        let own = self.asked.iter().zip(judgements).filter(|((item, _), _)| item.dimension == dimension);

        let mut pieces: Vec<Evidence> = Vec::new();
        let mut best: HashMap<&str, (f64, f64, u8)> = HashMap::new();
        for ((item, place), judgement) in own {
            let strength = reading::strength(&self.rubric.combine, place.specific, *judgement);
            let anchor = self.limits.anchor(item, place.quote.turn);
            let entry = best.entry(&item.id).or_insert((strength, judgement.p_yes, anchor));
            if strength > entry.0 {
                *entry = (strength, judgement.p_yes, anchor);
            }
            if strength >= self.rubric.combine.usable {
                pieces.push(Evidence {
                    quote: place.quote.clone(),
                    sign: item.sign,
                    anchor,
                    item: item.id.clone(),
                    ask: item.ask.clone(),
                    strength: scorecard::round_to_cents(strength),
                });
            }
        }
        let pieces = self.verified(one_per_place(pieces));
        let readings: Vec<Reading<'_>> = items
            .iter()
            .map(|item| {
                let (strength, _, anchor) = best.get(item.id.as_str()).copied().unwrap_or((0.0, 0.0, item.anchor));
                Reading { item, anchor, strength }
            })
            .collect();
        let level = reading::checklist_level(&self.rubric.combine, &readings);
        let text = self.rubric.text(dimension);
        let models = if pieces.len() < self.rubric.verdict.evidence_minimum {
            Vec::new()
        } else {
            let quotes: Vec<String> = pieces.iter().take(8).map(|e| e.quote.quote.clone()).collect();
            judge::judge_levels(self.engine, self.transcript.round, text, &quotes, seed).await?
        };
        caps.extend(self.limits.caps(self.rubric, &items, dimension));
        if dimension == Dimension::Technical {
            let shown = signals::asked_at(self.transcript, &signals::file().wrong_claim.consequence);
            let wrong = |e: &&Evidence| items.iter().any(|i| i.wrong && i.id == e.item);
            let claims: Vec<Evidence> = pieces.iter().filter(wrong).cloned().collect();
            caps.extend(caps::wrong_claim_kept(self.rubric, &claims, &shown));
        }
        let hypothetical = pieces.iter().find(|e| self.limits.hypothetical.contains(&e.quote.turn));
        if let Some(e) = hypothetical {
            let rule = "hypothetical-only";
            let reason = "No real case was told after one re-ask, so this answer's evidence is worth at most 2.".into();
            let quote = Some(e.quote.clone());
            let applied = AppliedCap { rule: rule.into(), effect: self.rubric.effect(rule), limit: 2, reason, quote };
            caps.push(Cap { dimension, applied });
        }
        let items = readings
            .iter()
            .map(|r| (r.item, item_reading(r, best.get(r.item.id.as_str()).map(|(_, p, _)| *p))))
            .collect();
        Ok(report::Findings {
            text,
            items,
            evidence: pieces,
            checklist: reading::around(level, self.rubric.combine.sigma),
            models,
            caps,
        })
    }

    /// Drops whatever is not verbatim in its turn: the last gate before a scorecard.
    fn verified(&self, pieces: Vec<Evidence>) -> Vec<Evidence> {
        let verbatim = |e: &Evidence| {
            let q = &e.quote;
            let turn = self.transcript.turns.iter().find(|t| t.seq == q.turn && t.role == Speaker::Candidate);
            turn.is_some_and(|t| t.text.chars().skip(q.start).take(q.end - q.start).eq(q.quote.chars()))
        };
        pieces.into_iter().filter(verbatim).collect()
    }
}

/// A place speaks once per dimension: for its strongest item.
fn one_per_place(mut pieces: Vec<Evidence>) -> Vec<Evidence> {
    pieces.sort_by(|a, b| {
        b.strength.total_cmp(&a.strength).then(a.quote.turn.cmp(&b.quote.turn)).then(a.item.cmp(&b.item))
    });
    let mut kept: Vec<Evidence> = Vec::new();
    for piece in pieces {
        let overlaps = |k: &Evidence| {
            k.quote.turn == piece.quote.turn && k.quote.start < piece.quote.end && piece.quote.start < k.quote.end
        };
        if !kept.iter().any(overlaps) {
            kept.push(piece);
        }
    }
    kept
}

fn item_reading(reading: &Reading<'_>, p_yes: Option<f64>) -> ItemReading {
    ItemReading {
        id: reading.item.id.clone(),
        ask: reading.item.ask.clone(),
        sign: reading.item.sign,
        anchor: reading.item.anchor,
        p_yes: p_yes.map(|p| (p * 1e3).round() / 1e3),
        strength: scorecard::round_to_cents(reading.strength),
    }
}

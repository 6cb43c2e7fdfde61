//! The scene of one grade: what all its dimensions share, and how one dimension is read from places and judgements.
//!
//! Asks the judge for levels; knows no store and no page. What it finds becomes a number in `report`.

use std::collections::{HashMap, HashSet};

use super::answering::Answering;
use super::caps::{self, Cap};
use super::checklist::Item;
use super::delivery::Delivery;
use super::evidence::Place;
use super::judge::{self, Judgement};
use super::level_calibration::LevelCalibration;
use super::levels;
use super::reading::{self, Reading};
use super::rubric::Rubric;
use super::scorecard::{self, AppliedCap, Evidence, ItemReading, Sign};
use super::{report, signals};
use crate::content::Dimension;
use crate::engine::{Engine, EngineError};
use crate::interview::session::HintView;
use crate::interview::transcript::{Speaker, Transcript};

/// Quotations that the judge reads for a level.
const QUOTES_OF_LEVEL: usize = 6;

/// What evidence is worth at most: by topic after hints, by turn after a hypothetical answer.
pub(super) struct Limits {
    topics: HashMap<String, (u8, u8)>,
    hypothetical: HashSet<u32>,
}

impl Limits {
    pub(super) fn new(hints: &[HintView], hypothetical: &[u32]) -> Self {
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
pub(super) struct Scene<'a> {
    pub(super) engine: Option<&'a Engine>,
    pub(super) rubric: &'a Rubric,
    pub(super) transcript: &'a Transcript,
    pub(super) items: &'a [Item],
    pub(super) asked: &'a [(&'a Item, &'a Place)],
    pub(super) limits: Limits,
    pub(super) answering: &'a Answering,
    pub(super) delivery: Delivery,
    /// What findings are worth, where it was learnt.
    pub(super) calibration: Option<&'a LevelCalibration>,
}

/// What the places of one dimension say.
struct Heard<'a> {
    /// Usable quotations, one per place, strongest first.
    pieces: Vec<Evidence>,
    /// Its items with their readings.
    items: Vec<(&'a Item, ItemReading)>,
    /// What the hand-made reading makes of them, 1 to 5.
    level: f64,
}

impl<'a> Scene<'a> {
    pub(super) async fn dimension(
        &self,
        dimension: Dimension,
        judgements: &[Option<Judgement>],
        mut caps: Vec<Cap>,
        seed: u64,
    ) -> Result<report::Findings<'a>, EngineError> {
        let items: Vec<&Item> = self.items.iter().filter(|i| i.dimension == dimension).collect();
        let limit = caps.iter().map(|c| c.applied.limit).min().unwrap_or(5);
        let heard = self.heard(&items, |at| judgements[at]);
        let text = self.rubric.text(dimension);
        let models = match self.engine.filter(|_| heard.pieces.len() >= self.rubric.verdict.evidence_minimum) {
            None => Vec::new(),
            Some(engine) => {
                let quotes: Vec<String> =
                    heard.pieces.iter().take(QUOTES_OF_LEVEL).map(|e| e.quote.quote.clone()).collect();
                judge::judge_levels(engine, self.transcript.round, text, &quotes, seed).await?
            }
        };
        caps.extend(self.caps_of_evidence(dimension, &items, &heard.pieces));
        // What a calibration reads is code's alone, so that no model can be talked into it; the model's part is beside it.
        let by_code = self.heard(&items, |_| Some(Judgement::CODE));
        let lifts: Vec<(Sign, f64)> = self
            .asked
            .iter()
            .zip(judgements)
            .filter(|((item, _), _)| item.dimension == dimension)
            .filter_map(|((item, _), j)| j.filter(|j| j.p_yes.is_some()).map(|j| (item.sign, j.lift)))
            .collect();
        let features = levels::features(&levels::Parts {
            items: &by_code.items,
            evidence: &by_code.pieces,
            checklist_level: by_code.level,
            limit,
            lifts: &lifts,
            models: &models,
            held: self.answering.held(dimension),
            told: self.delivery.of(dimension),
        });
        let learnt = self.calibration.and_then(|c| c.predict(dimension, self.transcript.problem.as_deref(), &features));
        let checklist = match learnt {
            Some((level, sigma)) => reading::with_mean(level, sigma),
            None => reading::around(heard.level, self.rubric.combine.sigma),
        };
        let error = learnt.map(|(_, sigma)| sigma);
        Ok(report::Findings {
            features,
            text,
            error,
            items: heard.items,
            evidence: heard.pieces,
            checklist,
            models,
            caps,
        })
    }

    /// What the places of a dimension's items say under a judgement of each.
    fn heard(&self, items: &[&'a Item], judgement: impl Fn(usize) -> Option<Judgement>) -> Heard<'a> {
        let combine = &self.rubric.combine;
        let mut pieces: Vec<Evidence> = Vec::new();
        let mut best: HashMap<&str, (f64, Option<f64>, u8)> = HashMap::new();
        let own = |item: &Item| items.iter().any(|i| i.id == item.id);
        for (at, (item, place)) in self.asked.iter().enumerate().filter(|(_, (item, _))| own(item)) {
            let Some(judged) = judgement(at) else { continue };
            let strength = reading::strength(combine, place.specific, judged);
            let anchor = self.limits.anchor(item, place.quote.turn);
            let entry = best.entry(&item.id).or_insert((strength, judged.p_yes, anchor));
            if strength > entry.0 {
                *entry = (strength, judged.p_yes, anchor);
            }
            if strength >= combine.usable {
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
        let readings: Vec<Reading<'_>> = items
            .iter()
            .map(|item| {
                let (strength, _, anchor) = best.get(item.id.as_str()).copied().unwrap_or((0.0, None, item.anchor));
                Reading { item, anchor, strength }
            })
            .collect();
        let level = reading::checklist_level(combine, &readings);
        let p_yes = |item: &Item| best.get(item.id.as_str()).and_then(|(_, p, _)| *p);
        let items = items.iter().zip(&readings).map(|(item, r)| (*item, item_reading(r, p_yes(item)))).collect();
        Heard { pieces: self.verified(one_per_place(pieces)), items, level }
    }

    /// Rules that rest on the evidence itself.
    fn caps_of_evidence(&self, dimension: Dimension, items: &[&Item], pieces: &[Evidence]) -> Vec<Cap> {
        let mut caps = self.limits.caps(self.rubric, items, dimension);
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
        caps
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

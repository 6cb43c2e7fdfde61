//! How well a model judges small yes/no questions: every labelled answer of the banks against the question of its topic.
//! The thresholds in `interview::coverage` come from here.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::candidate::Bank;
use crate::content::Content;
use crate::engine::Engine;
use crate::interview::contradiction;
use crate::interview::judge::{self, JudgeError};
use crate::interview::lexicon;
use crate::interview::reading::rung;
use crate::interview::tension::Earlier;

/// One labelled answer, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// Problem or competency.
    pub of: String,
    /// Topic.
    pub topic: String,
    /// The label: the answer covers the topic.
    pub covers: bool,
    /// A cue was found.
    pub cue: bool,
    /// The model's P(yes).
    pub p_yes: f32,
}

/// Judges all answers of all banks.
///
/// # Errors
/// As [`judge::p_yes`].
pub async fn all(
    engine: &Engine,
    content: &Content,
    banks: &BTreeMap<String, Bank>,
) -> Result<Vec<Judgement>, JudgeError> {
    let mut found = Vec::new();
    for bank in banks.values() {
        for answer in &bank.answer {
            let Some(topic) = topic(content, &bank.of, &answer.topic) else { continue };
            for (text, covers) in [(&answer.good, true), (&answer.gap, false)] {
                let p = judge::p_yes(engine, &topic.question, text, std::slice::from_ref(&topic.ask)).await?;
                let cue = lexicon::find_any(&lexicon::words(text), &topic.cues).is_some();
                let (of, topic) = (bank.of.clone(), answer.topic.clone());
                found.push(Judgement { of, topic, covers, cue, p_yes: p.first().copied().unwrap_or(0.5) });
            }
        }
    }
    Ok(found)
}

/// What is asked about an answer, and how it is asked for.
struct Topic {
    ask: String,
    question: String,
    cues: Vec<String>,
}

fn topic(content: &Content, of: &str, topic: &str) -> Option<Topic> {
    let plain =
        |probes: &[String]| probes.iter().find(|p| !crate::interview::wording::hangs(p)).cloned().unwrap_or_default();
    if let Some(problem) = content.problem(of) {
        if let Some(item) = problem.checklist.iter().find(|i| i.id == topic) {
            return Some(Topic { ask: item.ask.clone(), question: plain(&item.probes), cues: item.cues.clone() });
        }
        let (head, tail) = topic.split_once('/')?;
        if head == "change" {
            let ball = problem.curveballs.iter().find(|c| c.id == tail)?;
            return Some(Topic { ask: ball.ask.clone(), question: ball.says.clone(), cues: ball.cues.clone() });
        }
        let level = problem.dives.iter().find(|d| d.id == head).and_then(|d| rung(d, tail))?;
        return Some(Topic { ask: level.ask.clone(), question: plain(&level.probes), cues: level.cues.clone() });
    }
    let slot = content.competency(of)?.slots.iter().find(|s| s.slot.id() == topic)?;
    Some(Topic { ask: slot.ask.clone(), question: plain(&slot.probes), cues: slot.cues.clone() })
}

/// The chance that a covering answer is judged higher than one with a gap (0.5 = no better than a coin); none without
/// both kinds.
#[must_use]
pub fn ranking(judgements: &[Judgement]) -> Option<f64> {
    let (good, gap): (Vec<_>, Vec<_>) = judgements.iter().partition(|j| j.covers);
    let pairs = good.len() * gap.len();
    let won: f64 = good
        .iter()
        .flat_map(|g| {
            gap.iter().map(move |b| {
                if g.p_yes > b.p_yes {
                    1.0
                } else if g.p_yes < b.p_yes {
                    0.0
                } else {
                    0.5
                }
            })
        })
        .sum();
    (pairs > 0).then(|| won / pairs as f64)
}

/// A labelled pair of statements, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairJudgement {
    /// The label: both cannot hold.
    pub contradicts: bool,
    /// The model's P(yes), its habit taken off.
    pub p_yes: f32,
    /// In an interview the model would be asked: the pair is on the shortlist.
    pub shortlisted: bool,
    /// The statements.
    pub earlier: String,
    /// The later one.
    pub now: String,
}

/// Judges the labelled pairs of `contradictions.toml`.
///
/// # Errors
/// As [`judge::p_contradicts`].
pub async fn contradictions(engine: &Engine, content: &Content) -> Result<Vec<PairJudgement>, JudgeError> {
    #[derive(serde::Deserialize)]
    struct Labelled {
        earlier: String,
        now: String,
        contradicts: bool,
    }
    #[derive(serde::Deserialize)]
    struct File {
        pair: Vec<Labelled>,
    }
    let file: File =
        toml::from_str(include_str!("contradictions.toml")).expect("the labelled pairs do not parse. This is a bug.");
    let mut judged = Vec::new();
    for eight in file.pair.chunks(8) {
        let pairs: Vec<_> = eight.iter().map(|p| (p.earlier.clone(), p.now.clone())).collect();
        let p = judge::p_contradicts(engine, &pairs).await?;
        judged.extend(eight.iter().zip(p).map(|(l, p_yes)| PairJudgement {
            contradicts: l.contradicts,
            p_yes,
            shortlisted: is_shortlisted(content, &l.earlier, &l.now),
            earlier: l.earlier.clone(),
            now: l.now.clone(),
        }));
    }
    Ok(judged)
}

fn is_shortlisted(content: &Content, earlier: &str, now: &str) -> bool {
    let earlier = [Earlier { seq: 1, text: earlier, of_resume: false }];
    !contradiction::doubtful(&content.voice, &earlier, now).is_empty()
}

/// The chance that a contradiction is judged higher than a consistent pair.
#[must_use]
pub fn pair_ranking(judged: &[PairJudgement]) -> Option<f64> {
    let as_answers: Vec<Judgement> = judged
        .iter()
        .map(|j| Judgement {
            of: String::new(),
            topic: String::new(),
            covers: j.contradicts,
            cue: false,
            p_yes: j.p_yes,
        })
        .collect();
    ranking(&as_answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judgement(covers: bool, p_yes: f32) -> Judgement {
        Judgement { of: String::new(), topic: String::new(), covers, cue: false, p_yes }
    }

    #[test]
    fn ranking_counts_pairs() {
        let all = [judgement(true, 0.9), judgement(true, 0.4), judgement(false, 0.4), judgement(false, 0.1)];
        assert_eq!(ranking(&all), Some(0.875));
        assert_eq!(ranking(&all[..2]), None);
    }
}

//! The coverage tracker against transcripts that people labelled: of what a candidate covered, how much is seen, and
//! how much of what is seen is there. By cues, by a model's P(yes), by its lift over an answer that says nothing, and by
//! both together; thresholds are always chosen on other problems than those they are tried on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::weigh;
use crate::content::Content;
use crate::engine::Engine;
use crate::interview::coverage::{self, LONG_ENOUGH};
use crate::interview::dice::Dice;
use crate::interview::evidence::Evidence;
use crate::interview::judge::{self, JudgeError};
use crate::interview::lexicon;
use crate::interview::transcript::{Round, Speaker};
use crate::interview::weighing::Weights;

/// A labelled transcript; what the grader's labels say is not read here.
#[derive(Clone, Debug, Deserialize)]
pub struct Labelled {
    /// The file's stem.
    pub id: String,
    /// Which interview.
    pub round: Round,
    /// Problem, or competency of the first question.
    pub problem: String,
    /// What was said.
    pub turn: Vec<LabelledTurn>,
}

/// One turn of it.
#[derive(Clone, Debug, Deserialize)]
pub struct LabelledTurn {
    /// Who spoke.
    pub role: Speaker,
    /// What was said.
    pub text: String,
    /// Ids that this turn covers.
    #[serde(default)]
    pub covered: Vec<String>,
}

/// One item of one answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Transcript id.
    pub transcript: String,
    /// Problem or competency.
    pub of: String,
    /// Which interview.
    pub round: Round,
    /// Turn number.
    pub turn: usize,
    /// Item or slot id.
    pub item: String,
    /// The label.
    pub covered: bool,
    /// A cue was found.
    pub cue: bool,
    /// The answer is long enough to be believed without a cue.
    pub long: bool,
    /// How many rows of its sort this one stands for.
    pub weight: f64,
    /// The evidence as numbers by name.
    #[serde(default)]
    pub evidence: Evidence,
    /// The model's P(yes), if it was asked.
    pub p: Option<f32>,
    /// Its P(yes) for an answer that says nothing.
    pub p_nothing: Option<f32>,
}

impl Labelled {
    /// What an answer asked for.
    #[must_use]
    pub fn question(&self, turn: usize) -> &str {
        turn.checked_sub(1).map_or("", |before| self.turn[before].text.as_str())
    }

    /// Looks for everything in one of its answers.
    #[must_use]
    pub fn look(&self, content: &Content, turn: usize) -> Vec<coverage::Looked> {
        let answers = |t: &&LabelledTurn| t.role == Speaker::Candidate;
        let before: Vec<&str> = self.turn[..turn].iter().filter(answers).map(|t| t.text.as_str()).collect();
        let part = turn as f32 / self.turn.len() as f32;
        coverage::look(content, &self.problem, self.question(turn), &self.turn[turn].text, &before, part)
    }
}

/// Reads all transcripts of a folder.
///
/// # Errors
/// A file that cannot be read or parsed, by name.
pub fn read(folder: &Path) -> anyhow::Result<Vec<Labelled>> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)?.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path)?;
        all.push(toml::from_str(&text).map_err(|e| anyhow::anyhow!("{}: {}", path.display(), e.message()))?);
    }
    Ok(all)
}

/// Rows by cues alone, transcripts in seeded order, so that a run that was cut off is a sample of the whole.
#[must_use]
pub fn rows(content: &Content, all: &[Labelled]) -> Vec<Row> {
    let mut order: Vec<&Labelled> = all.iter().collect();
    Dice::keyed(7, "coverage").shuffle(&mut order);
    let mut rows = Vec::new();
    for transcript in order {
        for (turn, said) in transcript.turn.iter().enumerate().filter(|(_, t)| t.role == Speaker::Candidate) {
            let long = lexicon::words(&said.text).len() >= LONG_ENOUGH;
            for looked in transcript.look(content, turn) {
                let item = looked.id;
                rows.push(Row {
                    evidence: looked.evidence,
                    transcript: transcript.id.clone(),
                    of: transcript.problem.clone(),
                    round: transcript.round,
                    turn,
                    covered: said.covered.contains(&item),
                    cue: looked.found.is_some(),
                    item,
                    long,
                    weight: 1.0,
                    p: None,
                    p_nothing: None,
                });
            }
        }
    }
    rows
}

/// Keeps all rows that are covered or hold a cue, and at most `others` of the rest of each answer, which then stand for
/// all of these: what is judged is paid for by the token.
#[must_use]
pub fn sampled(rows: Vec<Row>, others: usize) -> Vec<Row> {
    let mut kept = Vec::new();
    let mut by_answer: BTreeMap<(String, usize), Vec<Row>> = BTreeMap::new();
    let mut order = Vec::new();
    for row in rows {
        let key = (row.transcript.clone(), row.turn);
        if !by_answer.contains_key(&key) {
            order.push(key.clone());
        }
        by_answer.entry(key).or_default().push(row);
    }
    for key in order {
        let Some(rows) = by_answer.remove(&key) else { continue };
        let (telling, mut rest): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|r| r.covered || r.cue);
        kept.extend(telling);
        let all = rest.len();
        Dice::keyed(key.1 as u64, &key.0).shuffle(&mut rest);
        rest.truncate(others);
        let weight = all as f64 / rest.len().max(1) as f64;
        kept.extend(rest.into_iter().map(|row| Row { weight, ..row }));
    }
    kept
}

/// Has the model judge the rows of one answer. `habits` keeps what it says to nothing, by item.
///
/// # Errors
/// As [`judge::p_yes`].
pub async fn judged(
    engine: &Engine,
    content: &Content,
    transcript: &Labelled,
    habits: &mut BTreeMap<(String, String), f32>,
    mut rows: Vec<Row>,
) -> Result<Vec<Row>, JudgeError> {
    let Some(turn) = rows.first().map(|r| r.turn) else { return Ok(rows) };
    let answer = &transcript.turn[turn].text;
    let question = transcript.question(turn);
    let asks: BTreeMap<String, String> = transcript.look(content, turn).into_iter().map(|l| (l.id, l.ask)).collect();
    let of =
        |rows: &[Row]| -> Vec<String> { rows.iter().map(|r| asks.get(&r.item).cloned().unwrap_or_default()).collect() };
    for eight in rows.chunks_mut(judge::MOST) {
        let p = judge::p_yes(engine, question, answer, &of(eight)).await?;
        eight.iter_mut().zip(p).for_each(|(row, p)| row.p = Some(p));
    }
    let mut unknown: Vec<Row> =
        rows.iter().filter(|r| !habits.contains_key(&(r.of.clone(), r.item.clone()))).cloned().collect();
    for eight in unknown.chunks_mut(judge::MOST) {
        let p = judge::habits(engine, &of(eight)).await?;
        habits.extend(eight.iter().zip(p).map(|(r, p)| ((r.of.clone(), r.item.clone()), p)));
    }
    for row in &mut rows {
        row.p_nothing = habits.get(&(row.of.clone(), row.item.clone())).copied();
    }
    Ok(rows)
}

/// A way to decide whether an item is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A cue stands there.
    Cues,
    /// P(yes) is high.
    PYes,
    /// P(yes) is far above what the model says to nothing.
    Lift,
    /// A cue that P(yes) does not veto, or a very high P(yes).
    CuesAndPYes,
    /// A cue that the lift does not veto, or a very high lift.
    CuesAndLift,
    /// Cues and shared words, weighed.
    Weighed,
    /// The same with the model's lift.
    WeighedWithModel,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Cues,
        Self::PYes,
        Self::Lift,
        Self::CuesAndPYes,
        Self::CuesAndLift,
        Self::Weighed,
        Self::WeighedWithModel,
    ];

    /// Whether it needs a model's judgement.
    #[must_use]
    pub const fn needs_model(self) -> bool {
        !matches!(self, Self::Cues | Self::Weighed)
    }

    /// Whether all evidence is weighed into a probability.
    #[must_use]
    pub const fn is_weighed(self) -> bool {
        matches!(self, Self::Weighed | Self::WeighedWithModel)
    }

    fn score(self, row: &Row, weights: &Weights) -> Option<f32> {
        match self {
            // As in an interview: a few words without a cue are no evidence.
            Self::Weighed | Self::WeighedWithModel if !row.cue && !row.long => Some(0.0),
            Self::Weighed => Some(weights.probability(&weigh::evidence(row, false)?)),
            Self::WeighedWithModel => Some(weights.probability(&weigh::evidence(row, true)?)),
            Self::Cues => Some(0.5),
            Self::PYes | Self::CuesAndPYes => row.p,
            Self::Lift | Self::CuesAndLift => Some(judge::lift(row.p?, row.p_nothing?)),
        }
    }

    fn says(self, row: &Row, fitted: &Fitted) -> Option<bool> {
        let score = self.score(row, &fitted.weights)?;
        let (veto, trust) = (fitted.veto, fitted.trust);
        Some(match self {
            Self::Cues => row.cue,
            Self::PYes | Self::Lift | Self::Weighed | Self::WeighedWithModel => score >= trust,
            Self::CuesAndPYes | Self::CuesAndLift => {
                if row.cue {
                    score >= veto
                } else {
                    row.long && score >= trust
                }
            }
        })
    }
}

/// What was chosen on some rows for a rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Fitted {
    /// A cue below this score is not believed; 0 = never.
    pub veto: f32,
    /// From this score on an item is covered; more than 1 = never by score alone.
    pub trust: f32,
    /// For the weighed rules.
    pub weights: Weights,
}

/// Counts of right and wrong, weighted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Counts {
    /// Covered and seen.
    pub found: f64,
    /// Covered and not seen.
    pub missed: f64,
    /// Seen and not there.
    pub invented: f64,
    /// Neither.
    pub rest: f64,
}

impl Counts {
    fn add(&mut self, truth: bool, seen: bool, weight: f64) {
        match (truth, seen) {
            (true, true) => self.found += weight,
            (true, false) => self.missed += weight,
            (false, true) => self.invented += weight,
            (false, false) => self.rest += weight,
        }
    }

    fn sum(self, other: Self) -> Self {
        Self {
            found: self.found + other.found,
            missed: self.missed + other.missed,
            invented: self.invented + other.invented,
            rest: self.rest + other.rest,
        }
    }

    /// Of what was covered, the part that was seen.
    #[must_use]
    pub fn recall(&self) -> f64 {
        self.found / (self.found + self.missed)
    }

    /// Of what was seen, the part that was there.
    #[must_use]
    pub fn precision(&self) -> f64 {
        self.found / (self.found + self.invented)
    }

    /// Of what was not covered (a gap), the part that was seen as one.
    #[must_use]
    pub fn gap_recall(&self) -> f64 {
        self.rest / (self.rest + self.invented)
    }

    /// Of what was seen as a gap, the part that was one.
    #[must_use]
    pub fn gap_precision(&self) -> f64 {
        self.rest / (self.rest + self.missed)
    }

    fn f1(&self) -> f64 {
        let both = 2.0 * self.found;
        if both == 0.0 { 0.0 } else { both / (both + self.missed + self.invented) }
    }
}

/// By answer: every item of every answer.
#[must_use]
pub fn by_answer(rows: &[&Row], rule: Rule, fitted: &Fitted) -> Counts {
    let mut counts = Counts::default();
    for row in rows {
        if let Some(seen) = rule.says(row, fitted) {
            counts.add(row.covered, seen, row.weight);
        }
    }
    counts
}

/// By the end of the interview: an item is covered when any answer covers it, or when what several half said adds up.
/// What a gap is, is decided on this.
#[must_use]
pub fn by_end(rows: &[&Row], rule: Rule, fitted: &Fitted) -> Counts {
    let mut counts = Counts::default();
    for (truth, seen) in ends(rows, rule, fitted) {
        counts.add(truth, seen >= if rule.is_weighed() { fitted.trust } else { 1.0 }, 1.0);
    }
    counts
}

/// Every item of every interview: the label, and how sure the rule is by the end.
fn ends(rows: &[&Row], rule: Rule, fitted: &Fitted) -> Vec<(bool, f32)> {
    let mut ends: BTreeMap<(&str, &str), (bool, f32)> = BTreeMap::new();
    for row in rows {
        let seen = match rule.is_weighed() {
            true => rule.score(row, &fitted.weights),
            false => rule.says(row, fitted).map(|seen| f32::from(u8::from(seen))),
        };
        if let Some(seen) = seen {
            let end = ends.entry((&row.transcript, &row.item)).or_insert((false, 0.0));
            *end = (end.0 || row.covered, 1.0 - (1.0 - end.1) * (1.0 - seen));
        }
    }
    ends.into_values().collect()
}

/// The threshold with the best F1 of gaps.
fn cut(ends: &[(bool, f32)]) -> f32 {
    let mut best = (-1.0, 0.5);
    for n in 1..100 {
        let at = n as f32 / 100.0;
        let mut counts = Counts::default();
        ends.iter().for_each(|(truth, seen)| counts.add(*truth, *seen >= at, 1.0));
        let f1 = 2.0 * counts.rest / (2.0 * counts.rest + counts.invented + counts.missed).max(1.0);
        if f1 > best.0 {
            best = (f1, at);
        }
    }
    best.1
}

/// One problem judged with weights of the others.
pub struct Apart {
    weights: Weights,
    ends: Vec<(bool, f32)>,
}

/// Every problem judged with weights of the others; empty for a rule that has none.
#[must_use]
pub fn apart(rows: &[&Row], rule: Rule) -> BTreeMap<String, Apart> {
    if !rule.is_weighed() {
        return BTreeMap::new();
    }
    let problems: BTreeSet<&str> = rows.iter().map(|r| r.of.as_str()).collect();
    let judged = |problem: &str| {
        let (here, others): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|r| r.of == problem);
        let weights = weigh::fit(&others, rule == Rule::WeighedWithModel);
        let fitted = Fitted { weights, ..Fitted::default() };
        Apart { ends: ends(&here, rule, &fitted), weights: fitted.weights }
    };
    problems.into_iter().map(|problem| (problem.to_owned(), judged(problem))).collect()
}

/// How often a covered item is surer than an open one, each problem judged with weights of the others; .5 is chance.
#[must_use]
pub fn ranking(apart: &BTreeMap<String, Apart>) -> Option<f64> {
    let all: Vec<(bool, f32)> = apart.values().flat_map(|a| a.ends.iter().copied()).collect();
    if all.is_empty() {
        return None;
    }
    let (covered, open): (Vec<_>, Vec<_>) = all.iter().partition(|(truth, _)| *truth);
    let mut right = 0.0;
    for (_, a) in &covered {
        for (_, b) in &open {
            right += if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            };
        }
    }
    Some(right / (covered.len() * open.len()).max(1) as f64)
}

/// What goes best on these rows: weights on all of them and the threshold with the best F1 of gaps where each problem was
/// judged without itself; for a rule without weights by F1 of the answers.
#[must_use]
pub fn fit(rows: &[&Row], rule: Rule, apart: &BTreeMap<String, Apart>) -> Fitted {
    let mut best = Fitted { trust: 1.01, ..Fitted::default() };
    if rule.is_weighed() {
        let trust = cut(&apart.values().flat_map(|a| a.ends.iter().copied()).collect::<Vec<_>>());
        let weights = weigh::fit(rows, rule == Rule::WeighedWithModel);
        return Fitted { veto: 0.0, trust, weights: Weights { threshold: trust, ..weights } };
    }
    if rule == Rule::Cues {
        return best;
    }
    let cuts: Vec<f32> = (0..=40).map(|n| n as f32 / 40.0).chain([0.99, 1.01]).collect();
    let vetoes: &[f32] = if matches!(rule, Rule::CuesAndPYes | Rule::CuesAndLift) { &cuts } else { &[0.0] };
    let mut best_f1 = -1.0;
    for &veto in vetoes {
        for &trust in cuts.iter().rev().filter(|t| **t >= veto) {
            let fitted = Fitted { veto, trust, ..Fitted::default() };
            let f1 = by_answer(rows, rule, &fitted).f1();
            if f1 > best_f1 + 1e-9 {
                (best_f1, best) = (f1, fitted);
            }
        }
    }
    best
}

/// Every problem tried with thresholds chosen on all the others: `(by answer, by end)`.
#[must_use]
pub fn held_out(rows: &[&Row], rule: Rule, apart: &BTreeMap<String, Apart>) -> (Counts, Counts) {
    let problems: BTreeSet<&str> = rows.iter().map(|r| r.of.as_str()).collect();
    let mut sums = (Counts::default(), Counts::default());
    for problem in problems {
        let (here, others): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|r| r.of == problem);
        let fitted = match apart.get(problem) {
            // The threshold of a problem comes from how the others were judged.
            Some(judged) => {
                let theirs = apart.iter().filter(|(of, _)| *of != problem).flat_map(|(_, a)| a.ends.iter().copied());
                let trust = cut(&theirs.collect::<Vec<_>>());
                Fitted { veto: 0.0, trust, weights: judged.weights.clone() }
            }
            None => fit(&others, rule, apart),
        };
        sums = (sums.0.sum(by_answer(&here, rule, &fitted)), sums.1.sum(by_end(&here, rule, &fitted)));
    }
    sums
}

/// The half of the problems on which cues may be worked on; the other half is only ever looked at in numbers.
#[must_use]
pub fn is_tuning(problem: &str) -> bool {
    Dice::keyed(3, problem).below(2) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(of: &str, item: &str, covered: bool, cue: bool, p: f32) -> Row {
        Row {
            transcript: format!("{of}-a1"),
            of: of.to_owned(),
            round: Round::SystemDesign,
            turn: 1,
            item: item.to_owned(),
            covered,
            cue,
            long: true,
            weight: 1.0,
            evidence: Evidence::new(),
            p: Some(p),
            p_nothing: Some(0.5),
        }
    }

    #[test]
    fn counts_of_right_and_wrong() {
        let rows = [
            row("a", "x", true, true, 0.9),
            row("a", "y", true, false, 0.8),
            row("a", "z", false, true, 0.1),
            row("a", "w", false, false, 0.3),
        ];
        let rows: Vec<&Row> = rows.iter().collect();
        let cues = by_answer(&rows, Rule::Cues, &Fitted::default());
        assert_eq!((cues.recall(), cues.precision(), cues.gap_recall()), (0.5, 0.5, 0.5));
        let fitted = fit(&rows, Rule::CuesAndPYes, &BTreeMap::new());
        let both = by_answer(&rows, Rule::CuesAndPYes, &fitted);
        assert_eq!((both.recall(), both.precision()), (1.0, 1.0), "{fitted:?}");
        assert_eq!(by_end(&rows, Rule::PYes, &Fitted { trust: 0.5, ..Fitted::default() }).recall(), 1.0);
    }

    #[test]
    fn a_problem_is_tried_with_the_thresholds_of_the_others() {
        // In `b` the model is upside down: thresholds of `a` must fail on it, and the other way round.
        let rows = [
            row("a", "x", true, false, 0.9),
            row("a", "y", false, false, 0.2),
            row("b", "x", true, false, 0.2),
            row("b", "y", false, false, 0.9),
        ];
        let rows: Vec<&Row> = rows.iter().collect();
        let (by_answer, _) = held_out(&rows, Rule::PYes, &BTreeMap::new());
        assert!(by_answer.invented >= 1.0, "{by_answer:?}");
    }

    #[test]
    fn a_sample_stands_for_the_whole() {
        let rows: Vec<Row> = (0..10).map(|n| row("a", &n.to_string(), n == 0, n == 1, 0.5)).collect();
        let kept = sampled(rows, 2);
        assert_eq!(kept.len(), 4);
        assert!((kept.iter().map(|r| r.weight).sum::<f64>() - 10.0).abs() < 1e-9);
    }
}

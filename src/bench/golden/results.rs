//! What a run over golden interviews says: per dimension and pooled, with intervals by problem, beside rows that know
//! nothing but the length or a constant. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::Golden;
use super::effects::{self, Effect};
use super::read::Fault;
use super::run::{Graded, Plan, failed, name};
use super::variants::Change;
use crate::bench::measure::{self, Measured, Metrics};
use crate::bench::rows;
use crate::content::Dimension;
use crate::grading::agreement::{self, Pair};
use crate::grading::levels;

/// Steps of the scale.
const LEVELS: usize = 5;
/// What is measured of [`measure::METRICS`]; errors become levels.
const SHOWN: [(&str, &str); 7] = [
    ("spearman", "spearman"),
    ("pearson", "pearson"),
    ("qwk", "qwk"),
    ("within_one_step", "within_one_level"),
    ("mae", "mae_levels"),
    ("rmse", "rmse_levels"),
    ("length_slope", "length_slope"),
];

/// What came out.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// `success`, or `partial` when a file had a fault or an engine failed.
    pub status: String,
    /// What was run.
    pub config: Value,
    /// What ran it.
    pub provenance: Value,
    /// Interviews.
    pub interviews: usize,
    /// Distinct problems and competencies.
    pub problems: usize,
    /// By dimension.
    pub dimensions: BTreeMap<String, Agreement>,
    /// All dimensions in one table.
    pub pooled: Agreement,
    /// What the variants moved.
    pub variants: Vec<Effect>,
    /// Share of quotations that stand in their turn.
    pub evidence_valid_rate: Option<Measured>,
    /// Share of the labels' moments that the grader quotes from too.
    pub moments_found_rate: Option<Measured>,
    /// Seconds of one grade, those taken over from an earlier run left out.
    pub seconds_per_interview: Option<f64>,
    /// Most memory of the process so far.
    pub peak_rss_bytes: Option<u64>,
    /// Files not used.
    pub faults: Vec<Fault>,
}

/// Agreement with the labels.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Agreement {
    /// Labelled with a level and scored.
    pub n: usize,
    /// Labelled with a level.
    pub labelled: usize,
    /// The metrics, in levels.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// Share of interviews in which label and grader agree that there is a level, or that there is none.
    pub na_agreement: Option<Measured>,
    /// Labelled but not assessed by the grader.
    pub unscored_rate: Option<Measured>,
    /// Calibration error of the likeliest level's probability.
    pub ece: Option<f64>,
    /// `constant` and `length_only`, learnt on the other problems; `hand_made`: the checklist's reading without caps, model
    /// and calibration.
    pub rows: BTreeMap<&'static str, Metrics>,
}

/// Names of the metrics.
pub fn names() -> impl Iterator<Item = &'static str> {
    SHOWN.iter().map(|(_, to)| *to)
}

/// Measures what was graded.
#[must_use]
pub fn results(plan: &Plan, chosen: &[Golden], graded: &[Graded<'_>], faults: Vec<Fault>) -> Results {
    let numbers = problem_numbers(chosen);
    let originals: Vec<&Graded<'_>> = graded.iter().filter(|g| g.change == Change::None).collect();
    let mut dimensions = BTreeMap::new();
    let mut everything: Vec<Line<'_>> = Vec::new();
    for dimension in Dimension::ALL {
        let own: Vec<&Graded<'_>> = originals.iter().copied().filter(|g| g.dimension == dimension).collect();
        let lines = lines(&own, &numbers);
        dimensions.insert(name(dimension), agreement(&lines, plan.seed));
        everything.extend(lines);
    }
    let stopped = graded.iter().any(|g| failed(&g.sample));
    Results {
        status: if stopped || !faults.is_empty() { "partial" } else { "success" }.into(),
        config: json!({
            "golden": plan.folder, "limit": plan.limit, "metamorphic": plan.metamorphic, "seed": plan.seed,
            "resamples": measure::RESAMPLES, "resampled_by": "problem",
            "marks": "levels 1 to 5; length_slope is in shares of the scale per doubling of the words",
        }),
        provenance: Value::Null,
        interviews: chosen.len(),
        problems: numbers.len(),
        dimensions,
        pooled: agreement(&everything, plan.seed),
        variants: effects::effects(graded, &numbers, plan.seed),
        evidence_valid_rate: measure::mean(&evidence_flags(&originals), plan.seed),
        moments_found_rate: measure::mean(&moment_flags(&originals), plan.seed),
        seconds_per_interview: None,
        peak_rss_bytes: None,
        faults,
    }
}

/// The number of each problem, for resampling.
fn problem_numbers(chosen: &[Golden]) -> BTreeMap<String, usize> {
    let mut numbers = BTreeMap::new();
    for golden in chosen {
        let next = numbers.len();
        numbers.entry(golden.problem.clone()).or_insert(next);
    }
    numbers
}

/// One dimension of one interview, ready to be measured.
struct Line<'a> {
    graded: &'a Graded<'a>,
    problem: usize,
    human: Option<f64>,
    predicted: Option<f64>,
    words: usize,
    constant: f64,
    length: f64,
    hand_made: f64,
}

fn lines<'a>(own: &[&'a Graded<'a>], numbers: &BTreeMap<String, usize>) -> Vec<Line<'a>> {
    let share = |level: f64| (level - 1.0) / (LEVELS - 1) as f64;
    let mut lines: Vec<Line<'a>> = own
        .iter()
        .map(|g| Line {
            graded: g,
            problem: numbers[&g.golden.problem],
            human: g.sample.target.map(share),
            predicted: g.sample.predicted.map(share),
            words: g.sample.words,
            constant: 0.0,
            length: 0.0,
            hand_made: g.sample.features.get(levels::CHECKLIST_LEVEL).map_or(f64::NAN, |level| share(*level)),
        })
        .collect();
    let labelled: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].human.is_some()).collect();
    let targets: Vec<f64> = labelled.iter().filter_map(|&i| lines[i].human).collect();
    let problems: Vec<usize> = labelled.iter().map(|&i| lines[i].problem).collect();
    let lengths: Vec<Vec<f64>> = labelled.iter().map(|&i| vec![(1.0 + lines[i].words as f64).ln()]).collect();
    if labelled.is_empty() {
        return lines;
    }
    let row = rows::rows(&lengths, &targets, &problems);
    for (name, predicted) in row {
        for (&at, value) in labelled.iter().zip(predicted) {
            match name {
                "constant" => lines[at].constant = value,
                "length_only" => lines[at].length = value,
                _ => {}
            }
        }
    }
    lines
}

fn agreement(lines: &[Line<'_>], seed: u64) -> Agreement {
    let both: Vec<(&Line<'_>, f64, f64)> = lines.iter().filter_map(|l| Some((l, l.human?, l.predicted?))).collect();
    let pairs = |of: &dyn Fn(&Line<'_>, f64) -> f64| -> Vec<Pair> {
        let pair = |(l, human, own): &(&Line<'_>, f64, f64)| Pair {
            question: l.problem,
            human: *human,
            predicted: of(l, *own),
            words: l.words,
        };
        both.iter().map(pair).collect()
    };
    let labelled: Vec<&Line<'_>> = lines.iter().filter(|l| l.human.is_some()).collect();
    let flag = |yes: bool| f64::from(u8::from(yes));
    let agree: Vec<f64> = lines.iter().map(|l| flag(l.human.is_some() == l.predicted.is_some())).collect();
    let gone: Vec<f64> = labelled.iter().map(|l| flag(l.predicted.is_none())).collect();
    let sure: Vec<(f64, bool)> = both.iter().filter_map(|(l, ..)| certainty(l)).collect();
    Agreement {
        n: both.len(),
        labelled: labelled.len(),
        metrics: metrics(&pairs(&|_, own| own), seed),
        na_agreement: measure::mean(&agree, seed),
        unscored_rate: measure::mean(&gone, seed),
        ece: agreement::expected_calibration_error(&sure),
        rows: [
            ("constant", metrics(&pairs(&|l, _| l.constant), seed)),
            ("length_only", metrics(&pairs(&|l, _| l.length), seed)),
            ("hand_made", metrics(&pairs(&|l, _| l.hand_made), seed)),
        ]
        .into(),
    }
}

/// The metrics with errors in levels.
#[must_use]
pub fn metrics(pairs: &[Pair], seed: u64) -> Metrics {
    let all = measure::metrics(pairs, LEVELS, seed);
    let steps = (LEVELS - 1) as f64;
    SHOWN
        .iter()
        .filter_map(|(from, to)| {
            let m = all.get(from)?;
            let by = if to.ends_with("_levels") { steps } else { 1.0 };
            Some((*to, Measured { value: m.value * by, low: m.low * by, high: m.high * by }))
        })
        .collect()
}

fn certainty(line: &Line<'_>) -> Option<(f64, bool)> {
    let distribution = line.graded.sample.distribution.as_ref()?;
    let (level, p) = distribution.iter().max_by(|a, b| a.1.total_cmp(b.1))?;
    let level: f64 = level.parse().ok()?;
    Some((*p, (line.graded.sample.target? - level).abs() < 0.5))
}

fn evidence_flags(originals: &[&Graded<'_>]) -> Vec<f64> {
    let valid = |g: &Graded<'_>, e: &Value| {
        let (quote, turn, start) = (e["quote"].as_str(), e["turn"].as_u64(), e["start"].as_u64());
        let there = quote.zip(turn).zip(start).is_some_and(|((quote, turn), start)| {
            let text = g.golden.turns.get(turn as usize).map_or("", |t| t.text.as_str());
            !quote.is_empty() && text.chars().skip(start as usize).take(quote.chars().count()).eq(quote.chars())
        });
        f64::from(u8::from(there))
    };
    originals.iter().flat_map(|g| g.sample.evidence.iter().map(|e| valid(g, e))).collect()
}

/// Whether the grader's quotations of a dimension share words with each moment that the label names.
fn moment_flags(originals: &[&Graded<'_>]) -> Vec<f64> {
    let mut flags = Vec::new();
    for g in originals.iter().filter(|g| g.sample.predicted.is_some()) {
        for moment in g.golden.labels.get(&g.dimension).map(|l| l.moments.as_slice()).unwrap_or_default() {
            let text = g.golden.turns.get(moment.turn).map_or("", |t| t.text.as_str());
            let Some(byte) = text.find(&moment.quote) else { continue };
            let from = text[..byte].chars().count() as u64;
            let to = from + moment.quote.chars().count() as u64;
            let quoted = g.sample.evidence.iter().any(|e| {
                let (start, end) = (e["start"].as_u64().unwrap_or(0), e["end"].as_u64().unwrap_or(0));
                e["turn"].as_u64() == Some(moment.turn as u64) && start < to && from < end
            });
            flags.push(f64::from(u8::from(quoted)));
        }
    }
    flags
}

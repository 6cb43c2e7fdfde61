//! What each change of an interview does to its levels, against what it may do. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::run::Graded;
use super::variants::Change;
use crate::bench::measure::{self, Measured};
use crate::content::Dimension;
use crate::grading::agreement::Pair;

/// A removed section must lower its dimension where the label says that there was something to lose.
const SOMETHING_TO_LOSE: u8 = 3;

/// What one kind of change did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// Which change; for a removed section, whether its own dimension or the others are looked at.
    pub change: String,
    /// Pairs of a dimension before and after, both with a number.
    pub n: usize,
    /// Mean of after less before, in levels.
    pub mean_shift: Option<Measured>,
    /// Mean of the same without its sign.
    pub mean_move: Option<Measured>,
    /// Share whose rounded level is another one.
    pub flips: Option<Measured>,
    /// For a removed section: share of its dimensions that fell or lost their number.
    pub lowered: Option<Measured>,
    /// Dimensions that lost their number.
    pub lost: usize,
    /// Dimensions that got one.
    pub gained: usize,
    /// What it may do, in words.
    pub target: &'static str,
    /// Whether it does; none where there is no pair.
    pub met: Option<bool>,
}

/// One dimension of one interview before and after.
struct Shift {
    problem: usize,
    label: Option<u8>,
    before: Option<f64>,
    after: Option<f64>,
}

/// All effects, in the order of the changes.
#[must_use]
pub fn effects(graded: &[Graded<'_>], numbers: &BTreeMap<String, usize>, seed: u64) -> Vec<Effect> {
    let mut before: BTreeMap<(&str, Dimension), Option<f64>> = BTreeMap::new();
    for g in graded.iter().filter(|g| g.change == Change::None) {
        before.insert((&g.golden.id, g.dimension), g.sample.predicted);
    }
    let mut groups: BTreeMap<Group, Vec<Shift>> = BTreeMap::new();
    for g in graded.iter().filter(|g| g.change != Change::None) {
        let Some(first) = before.get(&(g.golden.id.as_str(), g.dimension)) else { continue };
        groups.entry(Group::of(g)).or_default().push(Shift {
            problem: numbers[&g.golden.problem],
            label: g.golden.level_of(g.dimension),
            before: *first,
            after: g.sample.predicted,
        });
    }
    groups.into_iter().map(|(group, shifts)| effect(group, &shifts, seed)).collect()
}

/// What is looked at together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    OtherSeed,
    Removed,
    RemovedOthers,
    Paraphrase,
    Padding,
    Gloss,
    Figures,
    Names,
    Injection(usize),
    Shuffled,
    Noise,
}

impl Group {
    fn of(g: &Graded<'_>) -> Self {
        match g.change {
            Change::None | Change::OtherSeed => Self::OtherSeed,
            Change::Removed(dimension) if dimension == g.dimension => Self::Removed,
            Change::Removed(_) => Self::RemovedOthers,
            Change::Paraphrase => Self::Paraphrase,
            Change::Padding => Self::Padding,
            Change::Gloss => Self::Gloss,
            Change::Figures => Self::Figures,
            Change::Names => Self::Names,
            Change::Injection(kind) => Self::Injection(kind),
            Change::Shuffled => Self::Shuffled,
            Change::Noise => Self::Noise,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Removed => "removed: its own dimension".into(),
            Self::RemovedOthers => "removed: the other dimensions".into(),
            Self::OtherSeed => Change::OtherSeed.name(),
            Self::Paraphrase => Change::Paraphrase.name(),
            Self::Padding => Change::Padding.name(),
            Self::Gloss => Change::Gloss.name(),
            Self::Figures => Change::Figures.name(),
            Self::Names => Change::Names.name(),
            Self::Injection(kind) => Change::Injection(kind).name(),
            Self::Shuffled => Change::Shuffled.name(),
            Self::Noise => Change::Noise.name(),
        }
    }

    fn target(self) -> &'static str {
        match self {
            Self::Removed => "lowered in 90 % (where the label is 3 or more)",
            Self::RemovedOthers | Self::Paraphrase | Self::Names => "moves 0.25 at most on average",
            Self::Padding | Self::Gloss | Self::Figures => "inflates 0.1 at most on average",
            Self::Injection(_) => "inflates 0.1 at most on average, flips 2 % at most",
            Self::OtherSeed | Self::Shuffled | Self::Noise => "moves 0.3 at most on average",
        }
    }
}

fn effect(group: Group, all: &[Shift], seed: u64) -> Effect {
    let own: Vec<&Shift> = all
        .iter()
        .filter(|s| group != Group::Removed || s.label.is_some_and(|level| level >= SOMETHING_TO_LOSE))
        .collect();
    let both: Vec<(usize, f64, f64)> = own.iter().filter_map(|s| Some((s.problem, s.before?, s.after?))).collect();
    let by_problem = |value: &dyn Fn(f64, f64) -> f64| {
        mean_by_problem(&both.iter().map(|(p, b, a)| (*p, value(*b, *a))).collect::<Vec<_>>(), seed)
    };
    let flag = |yes: bool| f64::from(u8::from(yes));
    let mean_shift = by_problem(&|b, a| a - b);
    let mean_move = by_problem(&|b, a| (a - b).abs());
    let flips = by_problem(&|b, a| flag((b.round() - a.round()).abs() > 0.5));
    let lowered = (group == Group::Removed)
        .then(|| {
            let had: Vec<(usize, f64)> = own
                .iter()
                .filter_map(|s| s.before.map(|b| (s.problem, flag(s.after.is_none_or(|a| a < b - 0.005)))))
                .collect();
            mean_by_problem(&had, seed)
        })
        .flatten();
    let most = |m: Option<Measured>, limit: f64| m.map(|m| m.value <= limit);
    let met = match group {
        Group::Removed => lowered.map(|m| m.value >= 0.9),
        Group::RemovedOthers | Group::Paraphrase | Group::Names => most(mean_move, 0.25),
        Group::Padding | Group::Gloss | Group::Figures => most(mean_shift, 0.1),
        Group::Injection(_) => most(mean_shift, 0.1).zip(most(flips, 0.02)).map(|(a, b)| a && b),
        Group::OtherSeed | Group::Shuffled | Group::Noise => most(mean_move, 0.3),
    };
    Effect {
        change: group.name(),
        n: both.len(),
        mean_shift,
        mean_move,
        flips,
        lowered,
        lost: own.iter().filter(|s| s.before.is_some() && s.after.is_none()).count(),
        gained: own.iter().filter(|s| s.before.is_none() && s.after.is_some()).count(),
        target: group.target(),
        met,
    }
}

/// A mean whose interval comes from whole problems drawn again, where there are enough of them.
fn mean_by_problem(values: &[(usize, f64)], seed: u64) -> Option<Measured> {
    if values.is_empty() {
        return None;
    }
    let pairs: Vec<Pair> =
        values.iter().map(|(p, v)| Pair { question: *p, human: 0.0, predicted: *v, words: 0 }).collect();
    let mean = |at: &mut dyn Iterator<Item = usize>| {
        let (mut sum, mut n) = (0.0, 0.0);
        for i in at {
            sum += pairs[i].predicted;
            n += 1.0;
        }
        sum / f64::max(n, 1.0)
    };
    let drawn = measure::draws(&pairs, seed).iter().map(|d| mean(&mut d.iter().copied())).collect();
    Some(measure::interval(mean(&mut (0..pairs.len())), drawn))
}

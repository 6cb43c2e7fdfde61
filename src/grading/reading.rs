//! A reading: how found places, the model's judgements and the level distributions become one distribution over levels.
//!
//! Pure arithmetic with weights from the rubric. The checklist carries the reading; the model's levels may move it by no
//! more than the leash, so that a model that is talked into something cannot carry a grade away.

use super::checklist::Item;
use super::judge::Judgement;
use super::rubric::Combine;
use super::scorecard::Sign;

/// How sure it is that a place answers its item, 0 to 1: the cue, how specific the words are, and the model's lift.
#[must_use]
pub fn strength(combine: &Combine, specific: f64, judgement: Judgement) -> f64 {
    let lift = judgement.lift.clamp(-combine.most_lift, combine.most_lift);
    let odds = combine.cue + combine.specific * specific + combine.model * lift;
    1.0 / (1.0 + (-odds).exp())
}

/// One item with the strength of its best place (0 without one).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading<'a> {
    /// Which.
    pub item: &'a Item,
    /// What its evidence is worth at most, after hints.
    pub anchor: u8,
    /// 0 to 1.
    pub strength: f64,
}

/// The level that the checklist alone speaks for, 1 to 5.
#[must_use]
pub fn checklist_level(combine: &Combine, readings: &[Reading<'_>]) -> f64 {
    let coverage = |anchor: u8| {
        let own = readings.iter().filter(|r| r.item.sign == Sign::Plus && r.item.anchor == anchor);
        let (mut shown, mut all) = (0.0, 0.0);
        for r in own {
            all += r.item.weight;
            // A hint lowers what the topic is worth: it no longer speaks for its own anchor.
            if r.strength >= combine.usable && r.anchor >= anchor {
                shown += r.item.weight * r.strength;
            }
        }
        if all == 0.0 { 0.0 } else { (shown / all / combine.full_coverage).min(1.0) }
    };
    let against = readings.iter().filter(|r| r.item.sign == Sign::Minus && r.strength >= combine.usable);
    let negative: f64 = against.map(|r| r.strength * r.item.weight / 3.0 * f64::from(3 - r.item.anchor.min(2))).sum();
    let level =
        combine.base + combine.anchor3 * coverage(3) + combine.anchor4 * coverage(4) + combine.anchor5 * coverage(5)
            - combine.negative * negative.min(1.0);
    level.clamp(1.0, 5.0)
}

/// A bell over levels 1 to 5 around `level`.
#[must_use]
pub fn around(level: f64, sigma: f64) -> [f64; 5] {
    let weight = |k: usize| (-((k as f64 + 1.0 - level) / sigma).powi(2) / 2.0).exp();
    normalised(std::array::from_fn(weight))
}

/// The same with `level` as its mean: the scale's ends would draw the mean of a plain bell towards the middle. A level is
/// held a hair within the ends, which no bell reaches.
#[must_use]
pub fn with_mean(level: f64, sigma: f64) -> [f64; 5] {
    let level = level.clamp(1.02, 4.98);
    let (mut low, mut high) = (1.0 - 6.0 * sigma, 5.0 + 6.0 * sigma);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if expected(&around(middle, sigma)) < level {
            low = middle;
        } else {
            high = middle;
        }
    }
    around(f64::midpoint(low, high), sigma)
}

/// Mean level of a distribution.
#[must_use]
pub fn expected(levels: &[f64; 5]) -> f64 {
    levels.iter().zip(1..).map(|(p, k)| p * f64::from(k)).sum()
}

/// Puts the model's level readings beside the checklist's distribution, on a leash.
#[must_use]
pub fn mix(combine: &Combine, checklist: &[f64; 5], models: &[[f64; 5]]) -> [f64; 5] {
    if models.is_empty() {
        return *checklist;
    }
    let mean: [f64; 5] = std::array::from_fn(|k| models.iter().map(|m| m[k]).sum::<f64>() / models.len() as f64);
    let pull = (expected(&mean) - expected(checklist)).abs();
    let weight = if pull * combine.level_weight > combine.leash { combine.leash / pull } else { combine.level_weight };
    normalised(std::array::from_fn(|k| (1.0 - weight) * checklist[k] + weight * mean[k]))
}

fn normalised(weights: [f64; 5]) -> [f64; 5] {
    let total: f64 = weights.iter().sum();
    weights.map(|w| w / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Dimension;
    use crate::grading::checklist;
    use crate::grading::rubric::Rubric;
    use crate::interview::transcript::Round;

    fn level(strength_of: impl Fn(&Item) -> f64) -> f64 {
        let readings: Vec<Reading<'_>> = checklist::generic(Round::SystemDesign)
            .iter()
            .filter(|i| i.dimension == Dimension::Technical)
            .map(|item| Reading { item, anchor: item.anchor, strength: strength_of(item) })
            .collect();
        checklist_level(&Rubric::builtin().combine, &readings)
    }

    #[test]
    fn more_coverage_is_never_a_lower_level_and_the_ends_are_reached() {
        let plus = |i: &Item, up_to: u8| f64::from(u8::from(i.sign == Sign::Plus && i.anchor <= up_to)) * 0.9;
        let steps = [0, 3, 4, 5].map(|up_to| level(|i| plus(i, up_to)));
        assert!(steps.windows(2).all(|w| w[0] < w[1]), "{steps:?}");
        assert!(steps[0] < 2.0 && steps[3] > 4.7, "{steps:?}");
        assert!(level(|i| if i.sign == Sign::Minus { 0.9 } else { 0.0 }) < 1.1);
    }

    #[test]
    fn a_bell_keeps_its_mean_up_to_the_ends() {
        for sigma in [0.5, 0.8, 1.1, 1.4] {
            for level in [1.0, 1.3, 2.0, 3.1, 4.5, 4.9, 5.0_f64] {
                let levels = with_mean(level, sigma);
                assert!((expected(&levels) - level).abs() < 0.03, "{level} {sigma} {levels:?}");
                assert!((levels.iter().sum::<f64>() - 1.0).abs() < 1e-9 && levels.iter().all(|p| *p >= 0.0));
            }
        }
    }

    #[test]
    fn the_leash_holds_a_model_that_says_five() {
        let combine = &Rubric::builtin().combine;
        let low = around(1.5, combine.sigma);
        let pulled = mix(combine, &low, &[[0.0, 0.0, 0.0, 0.0, 1.0]; 2]);
        assert!(expected(&pulled) - expected(&low) <= combine.leash + 1e-9);
        let near = mix(combine, &low, &[around(2.0, combine.sigma)]);
        assert!(expected(&near) > expected(&low));
        assert_eq!(mix(combine, &low, &[]), low);
    }

    #[test]
    fn strength_rises_with_lift_and_is_bounded() {
        let combine = &Rubric::builtin().combine;
        let at = |lift| strength(combine, 0.5, Judgement { p_yes: Some(0.5), lift });
        assert!(at(-9.0) < combine.usable && at(0.0) >= combine.usable && at(9.0) > at(0.0));
        assert!((at(9.0) - at(2.0)).abs() < 1e-9);
    }
}

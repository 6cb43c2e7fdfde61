//! From logits to a token: penalty, mask, then greedy or a seeded draw. Knows no text and no grammar.
//!
//! The order is llama.cpp's: repeat penalty, mask, top-k, top-p, min-p, temperature, draw.

use std::collections::VecDeque;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use toktrie::SimpleVob;

use crate::request::Sampling;

/// Generated tokens that the repeat penalty looks back on.
const LOOK_BACK: usize = 64;
/// Candidates this far below the best (e^-25) cannot matter to a draw and are dropped before sorting.
const NEGLIGIBLE: f32 = 25.0;

/// Why no token could be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// NaN or infinity among the logits.
    NotFinite,
    /// The mask allows none.
    NothingAllowed,
}

/// Draws the tokens of one generation.
pub(crate) struct Sampler {
    sampling: Sampling,
    random: ChaCha8Rng,
    recent: VecDeque<u32>,
    adjusted: Vec<f32>,
}

impl Sampler {
    pub(crate) fn new(sampling: &Sampling) -> Self {
        Self {
            sampling: sampling.clone(),
            random: ChaCha8Rng::seed_from_u64(sampling.seed),
            recent: VecDeque::with_capacity(LOOK_BACK),
            adjusted: Vec::new(),
        }
    }

    /// Whether the choice depends on nothing but the logits: then a guess can be verified.
    pub(crate) fn is_greedy(&self) -> bool {
        self.sampling.temperature <= 0.0 && self.sampling.repeat_penalty == 1.0
    }

    /// The next token. Only ids below the mask's length can be allowed by it.
    pub(crate) fn pick(&mut self, logits: &[f32], allowed: Option<&SimpleVob>) -> Result<u32, Unusable> {
        if !all_finite(logits) {
            return Err(Unusable::NotFinite);
        }
        self.adjusted.clear();
        self.adjusted.extend_from_slice(logits);
        self.penalise();
        if let Some(allowed) = allowed {
            for (id, logit) in self.adjusted.iter_mut().enumerate() {
                if id >= allowed.len() || !allowed.is_allowed(id as u32) {
                    *logit = f32::NEG_INFINITY;
                }
            }
        }
        let (best, top) = best(&self.adjusted);
        if top == f32::NEG_INFINITY {
            return Err(Unusable::NothingAllowed);
        }
        if self.sampling.temperature <= 0.0 { Ok(best) } else { Ok(self.draw(top)) }
    }

    /// Remembers a token that was generated, drawn or forced.
    pub(crate) fn accept(&mut self, token: u32) {
        if self.recent.len() == LOOK_BACK {
            self.recent.pop_front();
        }
        self.recent.push_back(token);
    }

    fn penalise(&mut self) {
        let penalty = self.sampling.repeat_penalty;
        if penalty == 1.0 || penalty <= 0.0 {
            return;
        }
        let mut seen: Vec<u32> = self.recent.iter().copied().collect();
        seen.sort_unstable();
        seen.dedup();
        for token in seen {
            if let Some(logit) = self.adjusted.get_mut(token as usize) {
                *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
            }
        }
    }

    fn draw(&mut self, top: f32) -> u32 {
        let mut candidates: Vec<(u32, f32)> = self
            .adjusted
            .iter()
            .enumerate()
            .filter(|(_, logit)| **logit >= top - NEGLIGIBLE)
            .map(|(id, logit)| (id as u32, *logit - top))
            .collect();
        // Ties by id, so that a seed means the same on every machine.
        candidates.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        if self.sampling.top_k > 0 {
            candidates.truncate(self.sampling.top_k);
        }
        candidates.truncate(nucleus(&candidates, self.sampling.top_p));
        if self.sampling.min_p > 0.0 {
            let least = self.sampling.min_p.min(1.0).ln();
            candidates.retain(|(_, logit)| *logit >= least);
        }
        let weights: Vec<f32> = candidates.iter().map(|(_, logit)| (logit / self.sampling.temperature).exp()).collect();
        let mut left = self.random.random::<f32>() * weights.iter().sum::<f32>();
        for ((id, _), weight) in candidates.iter().zip(&weights) {
            left -= weight;
            if left <= 0.0 {
                return *id;
            }
        }
        candidates.last().map_or(0, |(id, _)| *id)
    }
}

/// How many of the sorted candidates hold `mass` of the probability; at least one.
fn nucleus(candidates: &[(u32, f32)], mass: f32) -> usize {
    if !(0.0..1.0).contains(&mass) {
        return candidates.len();
    }
    let total: f32 = candidates.iter().map(|(_, logit)| logit.exp()).sum();
    let mut sum = 0.0;
    let enough = candidates.iter().position(|(_, logit)| {
        sum += logit.exp();
        sum >= mass * total
    });
    enough.map_or(candidates.len(), |last| last + 1)
}

fn all_finite(logits: &[f32]) -> bool {
    // Without a branch per element, so that it vectorises: x * 0 is 0 for every finite x and NaN for the rest.
    let zero: f32 = logits.chunks(256).map(|chunk| chunk.iter().map(|logit| logit * 0.0).sum::<f32>()).sum();
    zero == 0.0
}

/// The greatest logit and its first id.
fn best(logits: &[f32]) -> (u32, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (id, logit) in logits.iter().enumerate() {
        if *logit > best.1 {
            best = (id as u32, *logit);
        }
    }
    best
}

/// The logarithm of the sum of exponentials: `logits[t] - normaliser(logits)` is the natural-log probability of `t`.
/// `None` when the logits are not finite.
pub(crate) fn normaliser(logits: &[f32]) -> Option<f32> {
    if logits.is_empty() || !all_finite(logits) {
        return None;
    }
    let (_, top) = best(logits);
    let sum: f64 = logits.chunks(256).map(|chunk| f64::from(chunk.iter().map(|l| (l - top).exp()).sum::<f32>())).sum();
    Some(top + (sum.ln() as f32))
}

/// Ids and natural-log probabilities of the `count` most likely tokens, most likely first.
pub(crate) fn most_likely(logits: &[f32], normaliser: f32, count: usize) -> Vec<(u32, f32)> {
    let mut top: Vec<(u32, f32)> = Vec::with_capacity(count + 1);
    for (id, logit) in logits.iter().enumerate() {
        if top.len() < count || top.last().is_some_and(|last| *logit > last.1) {
            let at = top.partition_point(|(_, other)| other >= logit);
            top.insert(at, (id as u32, *logit));
            top.truncate(count);
        }
    }
    top.into_iter().map(|(id, logit)| (id, logit - normaliser)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(change: impl FnOnce(&mut Sampling)) -> Sampler {
        let mut sampling = Sampling { temperature: 1.0, ..Sampling::default() };
        change(&mut sampling);
        Sampler::new(&sampling)
    }

    fn drawn(sampler: &mut Sampler, logits: &[f32]) -> std::collections::BTreeSet<u32> {
        (0..2000).map(|_| sampler.pick(logits, None).expect("finite")).collect()
    }

    #[test]
    fn greedy_takes_the_first_best() {
        let mut greedy = sampler(|s| s.temperature = 0.0);
        assert_eq!(greedy.pick(&[0.0, 3.0, 3.0, -1.0], None), Ok(1));
    }

    #[test]
    fn filters_leave_what_they_say() {
        // Probabilities 0.5, 0.25, 0.125, 0.125.
        let logits = [0.5f32, 0.25, 0.125, 0.125].map(f32::ln);
        assert_eq!(drawn(&mut sampler(|_| ()), &logits).len(), 4);
        assert_eq!(drawn(&mut sampler(|s| s.top_k = 2), &logits), [0, 1].into());
        assert_eq!(drawn(&mut sampler(|s| s.top_p = 0.7), &logits), [0, 1].into());
        assert_eq!(drawn(&mut sampler(|s| s.min_p = 0.4), &logits), [0, 1].into());
        assert_eq!(drawn(&mut sampler(|s| s.top_p = 0.0), &logits), [0].into());
    }

    #[test]
    fn draws_follow_the_distribution_and_the_seed() {
        let logits = [0.7f32.ln(), 0.3f32.ln()];
        let mut first = sampler(|s| s.seed = 7);
        let draws: Vec<u32> = (0..4000).map(|_| first.pick(&logits, None).expect("finite")).collect();
        let ones = draws.iter().filter(|token| **token == 1).count();
        assert!((1100..1300).contains(&ones), "{ones} of 4000, expected 1200");
        let mut again = sampler(|s| s.seed = 7);
        assert!(draws.iter().all(|token| again.pick(&logits, None) == Ok(*token)));
    }

    #[test]
    fn the_mask_comes_before_the_choice() {
        let mut mask = SimpleVob::alloc(3);
        mask.allow_token(2);
        for temperature in [0.0, 1.0] {
            assert_eq!(sampler(|s| s.temperature = temperature).pick(&[9.0, 9.0, 0.0, 9.0], Some(&mask)), Ok(2));
        }
        assert_eq!(sampler(|_| ()).pick(&[1.0; 4], Some(&SimpleVob::alloc(3))), Err(Unusable::NothingAllowed));
    }

    #[test]
    fn nonsense_is_an_error_not_a_token() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(sampler(|_| ()).pick(&[0.0, bad], None), Err(Unusable::NotFinite));
            assert_eq!(normaliser(&[0.0, bad]), None);
        }
    }

    #[test]
    fn the_penalty_lowers_what_was_said() {
        let mut penalised = sampler(|s| (s.temperature, s.repeat_penalty) = (0.0, 2.0));
        assert_eq!(penalised.pick(&[1.0, 1.5], None), Ok(1));
        penalised.accept(1);
        assert_eq!(penalised.pick(&[1.0, 1.5], None), Ok(0));
    }

    #[test]
    fn log_probabilities_are_normalised_and_sorted() {
        let logits = [1.0, 3.0, 2.0, 3.0];
        let norm = normaliser(&logits).expect("finite");
        let total: f32 = logits.iter().map(|l| (l - norm).exp()).sum();
        assert!((total - 1.0).abs() < 1e-6);
        let ids: Vec<u32> = most_likely(&logits, norm, 3).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, [1, 3, 2]);
    }
}

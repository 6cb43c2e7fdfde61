//! Writing a transcript token by token: the likeliest each time; where that goes astray, once more with some chance.

use crate::decoder::Decoder;
use crate::linear::Machine;
use crate::repeats;
use crate::timestamps;
use crate::vocabulary::Vocabulary;
use crate::weights::Weights;

/// Most tokens of the text before.
const MOST_BEFORE: usize = 120;
/// Tokens a second that nobody exceeds, and what every sound may have besides.
const PER_SECOND: usize = 12;
const BESIDES: usize = 24;

/// A transcript and how sure the model was.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// Text and time stamps.
    pub(crate) tokens: Vec<u32>,
    /// Mean of the logarithms of the tokens' probabilities.
    pub(crate) certainty: f32,
    /// Probability that nobody speaks.
    pub(crate) silence: f32,
    /// Whether it went round in circles (then the circle was cut off).
    pub(crate) astray: bool,
}

/// What a transcript is made from.
pub(crate) struct Task<'a> {
    pub(crate) weights: &'a Weights,
    pub(crate) vocabulary: &'a Vocabulary,
    pub(crate) suppressed: &'a [u32],
    /// The text before, as tokens.
    pub(crate) before: &'a [u32],
    /// Length of the sound in milliseconds.
    pub(crate) milliseconds: u64,
    /// 0 = the likeliest token.
    pub(crate) temperature: f32,
}

/// Writes one transcript; the decoder has taken in the sound. `None` when `stop` said yes.
pub(crate) fn write(
    task: &Task<'_>,
    decoder: &mut Decoder,
    machine: &mut Machine,
    stop: &dyn Fn() -> bool,
) -> Option<Written> {
    let Task { weights, vocabulary, .. } = task;
    let mut prompt = Vec::new();
    if !task.before.is_empty() {
        prompt.push(vocabulary.before());
        prompt.extend(&task.before[task.before.len().saturating_sub(MOST_BEFORE)..]);
    }
    let start = prompt.len();
    prompt.extend(vocabulary.opening());
    decoder.begin(weights);
    decoder.read(weights, machine, &prompt);
    let silence = probability(decoder.logits(weights, machine, start), vocabulary.silence());
    let seconds = usize::try_from(task.milliseconds / 1000).unwrap_or(0);
    let most = decoder.left().min(seconds * PER_SECOND + BESIDES);
    let last = u32::try_from(task.milliseconds.div_ceil(20)).unwrap_or(u32::MAX).min(crate::vocabulary::STAMPS - 1);
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let (mut tokens, mut sum, mut count) = (Vec::new(), 0.0, 0);
    let mut row = prompt.len() - 1;
    let mut astray = false;
    while tokens.len() < most {
        if stop() {
            return None;
        }
        let logits = decoder.logits(weights, machine, row);
        for token in task.suppressed {
            logits[*token as usize] = f32::NEG_INFINITY;
        }
        timestamps::rule(vocabulary, &tokens, last, logits);
        let (token, logarithm) = choose(logits, task.temperature, &mut chance);
        sum += logarithm;
        count += 1;
        if token == vocabulary.end() {
            break;
        }
        tokens.push(token);
        if let Some(at) = repeats::circle(&tokens) {
            tokens.truncate(at);
            astray = true;
            break;
        }
        decoder.read(weights, machine, &[token]);
        row = 0;
    }
    Some(Written { tokens, certainty: sum / count.max(1) as f32, silence, astray })
}

fn probability(logits: &[f32], token: u32) -> f32 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
    (logits[token as usize] - most).exp() / sum
}

/// A token and the logarithm of its probability (at temperature 1).
fn choose(logits: &[f32], temperature: f32, chance: &mut Chance) -> (u32, f32) {
    let (mut best, mut most) = (0, f32::NEG_INFINITY);
    for (token, logit) in logits.iter().enumerate() {
        if *logit > most {
            (best, most) = (token, *logit);
        }
    }
    let sum: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
    if temperature > 0.0 {
        let weight = |logit: &f32| ((logit - most) / temperature).exp();
        let mut left = chance.share() * logits.iter().map(weight).sum::<f32>();
        for (token, logit) in logits.iter().enumerate() {
            left -= weight(logit);
            if left <= 0.0 {
                best = token;
                break;
            }
        }
    }
    (best as u32, logits[best] - most - sum.ln())
}

/// The same numbers every time, so that a sound always gives the same text.
struct Chance(u64);

impl Chance {
    fn share(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32
    }
}

//! How well a model predicts a text: the check that a kernel or a format loses nothing that matters.

use crate::model::{Chunk, Model, ModelError, Output, Want};

/// The exponential of the mean negative log-likelihood, over the second half of each window of `window` tokens, so that
/// every counted token has at least half a window before it (as llama.cpp's `perplexity` does). Each window begins with
/// `first`, where the vocabulary has a beginning. A last, shorter window is left out; `None` without a whole one. The second number is how many
/// tokens were counted.
///
/// # Errors
/// When a window does not fit the context or the cache.
pub fn perplexity(
    model: &mut dyn Model,
    first: Option<u32>,
    tokens: &[u32],
    window: usize,
) -> Result<Option<(f64, usize)>, ModelError> {
    let vocabulary = model.vocabulary();
    let (mut loss, mut counted) = (0.0, 0_usize);
    let mut output = Output::default();
    for tokens in tokens.chunks_exact(window) {
        let mut tokens = tokens.to_vec();
        if let Some(first) = first {
            tokens[0] = first;
        }
        let sequence = model.create()?;
        let done = model.forward(&[Chunk { sequence, tokens: &tokens, want: Want::All }], &mut output);
        model.free(sequence);
        done?;
        for (logits, next) in output.logits.chunks_exact(vocabulary).zip(&tokens[1..]).skip(window / 2) {
            loss += surprise(logits, *next);
            counted += 1;
        }
    }
    Ok((counted > 0).then(|| ((loss / counted as f64).exp(), counted)))
}

/// The negative log-probability of a token.
fn surprise(logits: &[f32], token: u32) -> f64 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - top).exp()).sum();
    sum.ln() - f64::from(logits[token as usize] - top)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kernels::Kernel;
    use crate::model::{LoadOptions, load};

    #[test]
    fn even_logits_are_as_surprising_as_the_vocabulary_is_large() {
        assert!((surprise(&[0.5; 8], 3) - 8.0_f64.ln()).abs() < 1e-6);
        assert!(surprise(&[0.0, 100.0], 1) < 1e-6);
    }

    #[test]
    fn every_kernel_finds_a_text_equally_surprising_and_a_short_one_has_no_number() {
        let tokens: Vec<u32> = (0..70).map(|i| i * 7 % 50).collect();
        let found: Vec<_> = Kernel::available()
            .into_iter()
            .map(|kernel| {
                let options =
                    LoadOptions { threads: 1, kernel: Some(kernel), cache_bytes: 4 << 20, ..LoadOptions::default() };
                let file = Arc::new(crate::tiny::Tiny::default().file());
                let mut model = load(file, &options).expect("a tiny model");
                assert_eq!(perplexity(&mut *model, None, &tokens[..31], 32).expect("fits"), None);
                perplexity(&mut *model, Some(1), &tokens, 32).expect("fits").expect("two windows")
            })
            .collect();
        assert_eq!(found[0].1, 2 * 15);
        assert!(found[0].0 > 1.0 && found.iter().all(|other| other.0.to_bits() == found[0].0.to_bits()), "{found:?}");
    }
}

//! Whatever the shape of a model and however its text is cut, forked and batched: the same bits as at once, from every
//! kernel.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use candle_core::quantized::GgmlDType;
use proptest::prelude::*;

use super::*;
use crate::gguf::Architecture;
use crate::kernels::{CacheType, Kernel};
use crate::tiny::Tiny;

/// Shapes that the preflight lets through: head widths that fill no register, groups of one to five, one or more blocks.
fn shapes() -> impl Strategy<Value = Tiny> {
    use Architecture::{Gemma3, Glm4, Llama, Phi3, Qwen2, Qwen3, Qwen3Moe};
    use GgmlDType::{BF16, F16, F32, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0};
    let families = prop::sample::select(vec![Llama, Qwen2, Qwen3, Gemma3, Phi3, Glm4, Qwen3Moe]);
    let encodings = prop::sample::select(vec![F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0]);
    let heads = prop::sample::select(vec![(2, 1, 16), (4, 2, 24), (4, 4, 40), (2, 2, 80), (5, 1, 32), (6, 2, 48)]);
    (families, encodings, heads, 1usize..6, 1usize..6, 1usize..4, 20usize..90, 0u64..1000).prop_map(
        |(architecture, dtype, (heads, kv_heads, head_width), width, feed_forward, blocks, window, seed)| Tiny {
            blocks,
            width: 32 * width,
            feed_forward: 32 * feed_forward,
            heads,
            kv_heads,
            head_width,
            sliding_window: window,
            seed,
            ..Tiny::new(architecture, dtype)
        },
    )
}

fn read(model: &mut dyn Model, sequence: Sequence, tokens: &[u32], want: Want) -> Vec<f32> {
    let mut output = Output::default();
    model.forward(&[Chunk { sequence, tokens, want }], &mut output).unwrap();
    output.logits
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_shape_cut_anyhow_gives_the_same_bits(
        tiny in shapes(),
        tokens in prop::collection::vec(0u32..250, 1..200),
        cuts in prop::collection::vec(1usize..90, 1..8),
        back in 0usize..70,
        threads in 1usize..3,
        eights in any::<bool>(),
    ) {
        let cache_type = if eights { CacheType::Q8 } else { CacheType::F16 };
        let file = Arc::new(tiny.file());
        let mut first: Option<Vec<f32>> = None;
        for kernel in Kernel::available() {
            let options = LoadOptions { threads, kernel: Some(kernel), context: 512, cache_bytes: 32 << 20, cache_type };
            let mut model = load(file.clone(), &options).unwrap();
            let whole = model.create().unwrap();
            let all = read(&mut *model, whole, &tokens, Want::All);
            let last = all[all.len() - model.vocabulary()..].to_vec();
            prop_assert!(all.iter().all(|logit| logit.is_finite()));
            let pieces = model.create().unwrap();
            let (mut rows, mut rest) = (Vec::new(), &tokens[..]);
            for cut in cuts.iter().cycle() {
                let (piece, tail) = rest.split_at((*cut).min(rest.len()));
                rows.extend(read(&mut *model, pieces, piece, Want::All));
                rest = tail;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert!(rows == all, "pieces, {kernel:?}");
            // A fork goes its own way, comes back, and says what the whole says; so do two in one pass.
            let fork = model.fork(pieces).unwrap();
            read(&mut *model, fork, &[3, 1, 4], Want::Nothing);
            let length = tokens.len().saturating_sub(back + 1);
            for sequence in [fork, pieces] {
                model.truncate(sequence, length);
            }
            let chunks = [fork, pieces].map(|sequence| Chunk { sequence, tokens: &tokens[length..], want: Want::Last });
            let mut together = Output::default();
            model.forward(&chunks, &mut together).unwrap();
            prop_assert!(together.logits == [&last[..], &last[..]].concat(), "forks, {kernel:?}");
            // Saved and restored.
            let saved = model.save(whole, length);
            let restored = model.restore(length, &saved).unwrap();
            prop_assert!(read(&mut *model, restored, &tokens[length..], Want::Last) == last, "restored, {kernel:?}");
            if let Some(first) = &first {
                prop_assert!(*first == all, "{kernel:?} differs");
            }
            first.get_or_insert(all);
        }
    }
}

//! Whether a model fits in memory: arithmetic only. What memory there is comes from [`super::memory`].

use super::entry::Entry;

/// Tokens of context that an interview needs to be held at all; a model that cannot have them does not fit.
pub const LEAST_CONTEXT: usize = 8_192;

/// Bytes of one cached key or value element (f16).
const KV_ELEMENT: u64 = 2;

/// Whole sequences that the cache must hold at once: the interview, and one of grading or of the next question.
const SEQUENCES: u64 = 2;

/// Bytes for activations, logits, the tokenizer's tables and the program itself: what three models from 135M to 1.5B took
/// beside their weights and their cache, within 5 MB of each other (`tests/real_model_memory.rs`, `benches/LOG.md`).
pub const SCRATCH: u64 = 50_000_000;

/// The numbers of a model that decide what it costs; from the catalogue or from a file's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Bytes of the file.
    pub weights: u64,
    /// Transformer blocks.
    pub layers: usize,
    /// Key and value heads of a block.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Longest context, in tokens.
    pub context: usize,
}

impl From<&Entry> for Shape {
    fn from(entry: &Entry) -> Self {
        Self {
            weights: entry.size,
            layers: entry.layers,
            kv_heads: entry.kv_heads,
            head_dim: entry.head_dim,
            context: entry.context,
        }
    }
}

/// Whether it fits, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It fits with this context.
    Fits {
        /// Tokens.
        context: usize,
        /// Bytes it will take.
        need: u64,
    },
    /// It does not, even with the least context.
    TooLarge {
        /// Bytes it would take.
        need: u64,
        /// Bytes there are.
        available: u64,
    },
}

/// Most bytes that a model takes when all that the program may use of it is in use: the weights, which are packed where they
/// lie, the whole cache for this context, and scratch. Saturates: a header's numbers are hostile data.
#[must_use]
pub fn estimate(shape: &Shape, context: usize) -> u64 {
    shape.weights.saturating_add(cache_bytes(shape, context)).saturating_add(SCRATCH)
}

/// Most bytes that a model has taken once `tokens` tokens were read.
#[must_use]
pub fn peak(shape: &Shape, tokens: usize) -> u64 {
    shape.weights.saturating_add(per_token(shape).saturating_mul(tokens as u64)).saturating_add(SCRATCH)
}

/// Bytes of cache for one token.
#[must_use]
pub fn per_token(shape: &Shape) -> u64 {
    [shape.layers, shape.kv_heads, shape.head_dim]
        .into_iter()
        .fold(2 * KV_ELEMENT, |product, factor| product.saturating_mul(factor as u64))
}

/// Bytes of key-value cache that the engine should be given for this context.
#[must_use]
pub(super) fn cache_bytes(shape: &Shape, context: usize) -> u64 {
    per_token(shape).saturating_mul(SEQUENCES).saturating_mul(context as u64)
}

/// The largest context, halving from `wanted` (0 = 16,384) down to [`LEAST_CONTEXT`], that `available` bytes allow.
#[must_use]
pub fn fit(shape: &Shape, available: u64, wanted: usize) -> Fit {
    let most = if wanted == 0 { 2 * LEAST_CONTEXT } else { wanted }.min(shape.context);
    let least = most.min(LEAST_CONTEXT);
    let mut context = most;
    loop {
        let need = estimate(shape, context);
        if need <= available {
            return Fit::Fits { context, need };
        }
        if context <= least {
            return Fit::TooLarge { need, available };
        }
        context = (context / 2).max(least);
    }
}

/// Bytes as a person reads them: `1.1 GB`.
#[must_use]
pub fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 || value >= 100.0 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    /// Twelve headers, from a toy to nonsense: (name, shape).
    fn headers() -> [(&'static str, Shape); 12] {
        let shape =
            |weights, layers, kv_heads, head_dim, context| Shape { weights, layers, kv_heads, head_dim, context };
        [
            ("135M", shape(98_362_432, 30, 3, 64, 8_192)),
            ("0.5B", shape(491_400_064, 24, 2, 64, 32_768)),
            ("1.5B", shape(1_117_320_768, 28, 2, 128, 32_768)),
            ("3B", shape(2_020_000_000, 28, 8, 128, 131_072)),
            ("4B", shape(2_500_000_000, 36, 8, 128, 262_144)),
            ("8B", shape(5_030_000_000, 36, 8, 128, 40_960)),
            ("14B", shape(9_000_000_000, 40, 8, 128, 40_960)),
            ("32B", shape(19_800_000_000, 64, 8, 128, 40_960)),
            ("no grouping", shape(4_000_000_000, 32, 32, 128, 4_096)),
            ("short context", shape(500_000_000, 24, 2, 64, 2_048)),
            ("nothing", shape(0, 0, 0, 0, 0)),
            ("absurd", shape(u64::MAX, usize::MAX, usize::MAX, usize::MAX, usize::MAX)),
        ]
    }

    #[test]
    fn twelve_headers_in_four_memories() {
        let mut table = String::new();
        for (name, shape) in headers() {
            table.push_str(&format!("{name:14}"));
            for gib in [1, 4, 8, 16] {
                let cell = match fit(&shape, gib * GIB, 0) {
                    Fit::Fits { context, need } => format!("{context} in {}", human(need)),
                    Fit::TooLarge { need, .. } => format!("no: {}", human(need)),
                };
                table.push_str(&format!("| {cell:18}"));
            }
            table.push('\n');
        }
        insta::assert_snapshot!(table);
        crate::tier::tried("D7", "headers in four memories", 48);
    }

    #[test]
    fn more_memory_never_means_less_context_and_nothing_offered_exceeds_it() {
        for (name, shape) in headers() {
            let mut last = 0;
            for eighth in 0..256 {
                let available = eighth * GIB / 8;
                if let Fit::Fits { context, need } = fit(&shape, available, 0) {
                    assert!(need <= available, "{name}");
                    assert!(context >= last, "{name}");
                    last = context;
                }
            }
        }
    }

    #[test]
    fn sizes_read_like_sizes() {
        let shown: Vec<String> = [0, 999, 1_000, 98_362_432, 1_117_320_768, u64::MAX].map(human).into();
        insta::assert_debug_snapshot!(shown);
    }
}

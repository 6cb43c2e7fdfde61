//! The fast path against llama.cpp on the same files: what it said is in `benches/peers/logits`, written by
//! `benches/peers/llama_cpp_logits.py`. Needs the models installed.

mod installed;

use std::path::Path;

use offrecord_engine::model::{Model, Want};
use offrecord_engine::perplexity::perplexity;
use offrecord_engine::text::Text;
use offrecord_engine::{CacheType, Kernel};

use installed::{LARGE, MIDDLE, SMALL, append, greedy, model, model_with, open};

/// Mean distance of the log-probabilities of the 32 likeliest tokens. llama.cpp rounds activations in blocks of 256
/// for the K encodings where we do in blocks of 32, and both keep their cache in half precision.
const MEAN: f64 = 0.1;
/// The same at any one place and token.
const FARTHEST: f64 = 0.6;
/// Where the first is so much likelier than the second, both must have the same first.
const CLEAR: f64 = 0.6;
/// Tokens that the other kernels read, which give the same bits: the portable one takes a second for three.
const OTHERS: usize = 64;

#[derive(serde::Deserialize)]
struct Reference {
    sha256: String,
    tokens_of_text: usize,
    tokens: Vec<u32>,
    positions: Vec<Position>,
    prompt: Vec<u32>,
    /// Token, and how much likelier it was than the second.
    greedy: Vec<(u32, f64)>,
}

#[derive(serde::Deserialize)]
struct Position {
    after: usize,
    likely: Vec<(u32, f64)>,
}

fn benches() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches")
}

fn reference(id: &str) -> Reference {
    let path = benches().join("peers/logits").join(format!("{id}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("the reference")).expect("as the script writes it")
}

fn log_probabilities(logits: &[f32]) -> Vec<f64> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - top).exp()).sum();
    logits.iter().map(|logit| f64::from(logit - top) - sum.ln()).collect()
}

/// Mean and greatest distance over the first `count` tokens of the text.
fn distances(model: &mut dyn Model, reference: &Reference, count: usize) -> (f64, f64) {
    let sequence = model.create().expect("a sequence");
    let (mut sum, mut farthest, mut compared, mut read) = (0.0, 0.0_f64, 0, 0);
    for position in reference.positions.iter().filter(|position| position.after <= count) {
        let logits = append(model, sequence, &reference.tokens[read..position.after], Want::Last);
        read = position.after;
        let ours = log_probabilities(&logits);
        let (first, second) = (position.likely[0], position.likely[1]);
        if first.1 - second.1 > CLEAR {
            assert_eq!(installed::best(&logits), first.0, "after {} tokens", position.after);
        }
        for (token, theirs) in &position.likely {
            let distance = (ours[*token as usize] - theirs).abs();
            (sum, farthest, compared) = (sum + distance, farthest.max(distance), compared + 1);
        }
    }
    (sum / f64::from(compared), farthest)
}

fn agrees(id: &str) {
    let reference = reference(id);
    let file = open(id);
    let text = Text::read(&file).expect("a tokenizer");
    let words = std::fs::read_to_string(benches().join("perplexity.txt")).expect("the text");
    let tokens = text.encode(&words).expect("encodes");
    assert_eq!((tokens.len(), &tokens[..reference.tokens.len()]), (reference.tokens_of_text, &reference.tokens[..]));
    for kernel in Kernel::available() {
        let count = if kernel == Kernel::best() { reference.tokens.len() } else { OTHERS };
        let (mean, farthest) = distances(&mut *model(&file, kernel), &reference, count);
        println!("{id}, {kernel:?}, {count} tokens: mean {mean:.4}, farthest {farthest:.4}");
        assert!(mean < MEAN && farthest < FARTHEST, "{id}, {kernel:?}: mean {mean}, farthest {farthest}");
    }
    let written = greedy(&mut *model(&file, Kernel::best()), &reference.prompt, reference.greedy.len());
    let alike = written.iter().zip(&reference.greedy).take_while(|(ours, (theirs, _))| *ours == theirs).count();
    println!("{id}: {alike} of {} tokens as llama.cpp writes them", written.len());
    // Where the two part, llama.cpp was undecided.
    if let Some((_, margin)) = reference.greedy.get(alike) {
        assert!(*margin < CLEAR, "{id}: another token than llama.cpp's at {alike}, where it was {margin} ahead");
    }
    assert_eq!(reference.sha256.len(), 64);
}

/// Windows of 512 tokens in which the two caches are compared.
const WINDOWS: usize = 2;
/// Most that eight bits may add to the perplexity of each model, as a share: the keys of the 0.5B have a few channels far
/// above the others, so that a scale per 32 values is coarse for it.
const LOST: [(&str, f64); 3] = [(SMALL, 0.005), (MIDDLE, 0.035), (LARGE, 0.005)];

#[test]
fn eight_bits_of_cache_lose_what_is_said_of_them() {
    let words = std::fs::read_to_string(benches().join("perplexity.txt")).expect("the text");
    for (id, most) in LOST {
        let file = open(id);
        let text = Text::read(&file).expect("a tokenizer");
        let tokens = &text.encode(&words).expect("encodes")[..WINDOWS * 512];
        let [f16, q8] = [CacheType::F16, CacheType::Q8].map(|cache| {
            let mut model = model_with(&file, Kernel::best(), cache);
            perplexity(&mut *model, text.first(), tokens, 512).expect("room").expect("whole windows").0
        });
        println!("{id}: perplexity {f16:.4} with f16, {q8:.4} with q8 ({:+.3} %)", 100.0 * (q8 / f16 - 1.0));
        assert!(q8 / f16 - 1.0 < most, "{id}: {f16} with f16, {q8} with q8");
    }
}

#[test]
fn the_small_model_agrees_with_llama_cpp() {
    agrees(SMALL);
}

#[test]
fn the_middle_model_agrees_with_llama_cpp() {
    agrees(MIDDLE);
}

#[test]
fn the_large_model_agrees_with_llama_cpp() {
    agrees(LARGE);
}

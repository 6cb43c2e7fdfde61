//! Writes random two-layer models, so that tests load a real GGUF in milliseconds.
//!
//! Deterministic by seed. The vocabulary is byte-level BPE with a few merges, special tokens and a ChatML template, so
//! the tokenizer, the template and the worker meet what they meet in a real file. The words are noise, of course.

use std::io;
use std::path::Path;

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::gguf::{Architecture, File, parse};
use crate::text::byte_symbol;

/// The template of the tiny models: ChatML, as in Qwen and SmolLM2.
pub const CHATML: &str = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + \
                          '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' \
                          }}{% endif %}";

/// Special tokens of the tiny vocabulary and their GGUF token type (3 control, 4 user-defined).
pub const SPECIALS: [(&str, i32); 5] =
    [("<|endoftext|>", 3), ("<|im_start|>", 3), ("<|im_end|>", 3), ("<think>", 4), ("</think>", 4)];

const MERGES: [&str; 24] = [
    "Ġ t", "h e", "Ġ a", "i n", "r e", "o n", "Ġt he", "e r", "Ġ s", "a t", "n d", "Ġ w", "o r", "e s", "Y es", "N o",
    "i s", "i t", "Ġa nd", "Ġ c", "a ch", "c h", "Ġc ach", "u s",
];

/// What to write. `Tiny::default()` is a qwen2 in Q8_0.
#[derive(Clone, Debug)]
pub struct Tiny {
    /// Family.
    pub architecture: Architecture,
    /// Encoding of the layers' matrices.
    pub dtype: GgmlDType,
    /// Encoding of the embedding and, when not tied, of the output matrix.
    pub embedding: GgmlDType,
    /// No output matrix: the embedding serves.
    pub tied: bool,
    /// Layers.
    pub blocks: usize,
    /// Width of the hidden state; a multiple of the encodings' block (256 for the K types, else 32).
    pub width: usize,
    /// Width of the feed-forward layer; a multiple of the same.
    pub feed_forward: usize,
    /// Query heads.
    pub heads: usize,
    /// Key/value heads.
    pub kv_heads: usize,
    /// Width of a head; `heads * head_width` must be a multiple of the block too.
    pub head_width: usize,
    /// Longest sequence.
    pub context: usize,
    /// Sliding window of gemma3.
    pub sliding_window: usize,
    /// Experts of qwen3moe; two work on a token.
    pub experts: usize,
    /// What they are.
    pub roles: Roles,
    /// More metadata, under the family's prefix.
    pub metadata: Vec<(&'static str, Meta)>,
    /// More vectors, by their whole names.
    pub vectors: Vec<(&'static str, Vec<f32>)>,
    /// Random seed.
    pub seed: u64,
}

/// What the experts of a tiny model are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Roles {
    /// All different.
    #[default]
    Different,
    /// The same, last first.
    Reversed,
    /// All as the feed-forward layer of the same model without experts.
    Alike,
}

/// A metadata value.
#[derive(Clone, Debug)]
pub enum Meta {
    /// A whole number.
    Whole(u32),
    /// A float.
    Float(f32),
    /// A string.
    Text(&'static str),
}

impl Default for Tiny {
    fn default() -> Self {
        Self {
            architecture: Architecture::Qwen2,
            dtype: GgmlDType::Q8_0,
            embedding: GgmlDType::Q8_0,
            tied: true,
            blocks: 2,
            width: 256,
            feed_forward: 512,
            heads: 4,
            kv_heads: 2,
            head_width: 64,
            context: 4096,
            sliding_window: 64,
            experts: 4,
            roles: Roles::Different,
            metadata: Vec::new(),
            vectors: Vec::new(),
            seed: 1,
        }
    }
}

impl Tiny {
    /// A model of one family with one encoding throughout.
    #[must_use]
    pub fn new(architecture: Architecture, dtype: GgmlDType) -> Self {
        let tied = architecture != Architecture::Phi3;
        Self { architecture, dtype, embedding: dtype, tied, ..Self::default() }
    }

    /// The validated model, in memory.
    ///
    /// # Panics
    /// When the fields contradict each other, such as a width that is not a multiple of the encoding's block.
    #[must_use]
    pub fn file(&self) -> File {
        File::from_bytes(self.bytes()).expect("a tiny model passes the preflight. This is a bug.")
    }

    /// Writes the model to `path`.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, self.bytes())
    }

    /// The model as a GGUF file.
    ///
    /// # Panics
    /// As [`Tiny::file`].
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.parts(1).remove(0)
    }

    /// The model as `count` GGUF files, as `llama-gguf-split` cuts it.
    ///
    /// # Panics
    /// As [`Tiny::file`].
    #[must_use]
    pub fn parts(&self, count: usize) -> Vec<Vec<u8>> {
        let mut parts: Vec<Writer> = (0..count).map(|_| Writer::default()).collect();
        self.describe(&mut parts[0]);
        vocabulary(&mut parts[0]);
        let mut written = 0_u32;
        self.weights(&mut |name: &str, shape: &[usize], dtype, values| {
            parts[written as usize % count].tensor(name, shape, dtype, values);
            written += 1;
        });
        if count > 1 {
            for (part, writer) in parts.iter_mut().enumerate() {
                writer.u32("split.no", part as u32);
                writer.u32("split.count", count as u32);
                writer.u32("split.tensors.count", written);
            }
        }
        parts.into_iter().map(Writer::finish).collect()
    }

    fn describe(&self, writer: &mut Writer) {
        let name = self.architecture.name();
        let key = |rest: &str| format!("{name}.{rest}");
        writer.string("general.architecture", name);
        writer.string("general.name", "tiny");
        writer.u32(&key("block_count"), self.blocks as u32);
        writer.u32(&key("context_length"), self.context as u32);
        writer.u32(&key("embedding_length"), self.width as u32);
        writer.u32(&key("feed_forward_length"), self.feed_forward as u32);
        writer.u32(&key("attention.head_count"), self.heads as u32);
        writer.u32(&key("attention.head_count_kv"), self.kv_heads as u32);
        writer.u32(&key("attention.key_length"), self.head_width as u32);
        writer.u32(&key("attention.value_length"), self.head_width as u32);
        let rotated = if self.architecture == Architecture::Glm4 { self.head_width / 2 } else { self.head_width };
        writer.u32(&key("rope.dimension_count"), rotated as u32);
        writer.f32(&key("rope.freq_base"), 10_000.0);
        writer.f32(&key("attention.layer_norm_rms_epsilon"), 1e-6);
        if self.architecture == Architecture::Gemma3 {
            writer.u32(&key("attention.sliding_window"), self.sliding_window as u32);
        }
        if self.architecture == Architecture::Qwen3Moe {
            writer.u32(&key("expert_count"), self.experts as u32);
            writer.u32(&key("expert_used_count"), self.experts.min(2) as u32);
            writer.u32(&key("expert_feed_forward_length"), self.feed_forward as u32);
        }
        for (name, value) in &self.metadata {
            match value {
                Meta::Whole(value) => writer.u32(&key(name), *value),
                Meta::Float(value) => writer.f32(&key(name), *value),
                Meta::Text(value) => writer.string(&key(name), value),
            }
        }
    }

    fn weights(&self, put: &mut Put<'_>) {
        let mut random = Random(ChaCha8Rng::seed_from_u64(self.seed));
        let tokens = vocabulary_size();
        put("token_embd.weight", &[tokens, self.width], self.embedding, random.matrix(tokens, self.width));
        put("output_norm.weight", &[self.width], GgmlDType::F32, random.norm(self.width));
        if !self.tied {
            put("output.weight", &[tokens, self.width], self.embedding, random.matrix(tokens, self.width));
        }
        for (name, values) in &self.vectors {
            put(name, &[values.len()], GgmlDType::F32, values.clone());
        }
        for block in 0..self.blocks {
            self.block(block, &mut random, put);
        }
    }

    fn block(&self, block: usize, random: &mut Random, put: &mut Put<'_>) {
        let (queries, keys) = (self.heads * self.head_width, self.kv_heads * self.head_width);
        let mut matrices = vec![("attn_output", self.width, queries), ("ffn_down", self.width, self.feed_forward)];
        let mut norms = vec![("attn_norm", self.width), ("ffn_norm", self.width)];
        if self.architecture == Architecture::Phi3 {
            matrices.push(("attn_qkv", queries + 2 * keys, self.width));
        } else {
            let (q, k, v) = (("attn_q", queries), ("attn_k", keys), ("attn_v", keys));
            matrices.extend([q, k, v].map(|(name, rows)| (name, rows, self.width)));
        }
        if matches!(self.architecture, Architecture::Phi3 | Architecture::Glm4) {
            matrices.push(("ffn_up", 2 * self.feed_forward, self.width));
        } else {
            matrices.extend(["ffn_gate", "ffn_up"].map(|name| (name, self.feed_forward, self.width)));
        }
        if matches!(self.architecture, Architecture::Qwen3 | Architecture::Gemma3 | Architecture::Qwen3Moe) {
            norms.extend([("attn_q_norm", self.head_width), ("attn_k_norm", self.head_width)]);
        }
        if matches!(self.architecture, Architecture::Gemma3 | Architecture::Glm4) {
            norms.extend([("post_attention_norm", self.width), ("post_ffw_norm", self.width)]);
        }
        for (name, rows, columns) in matrices {
            let values = random.matrix(rows, columns);
            if self.architecture == Architecture::Qwen3Moe && name.starts_with("ffn") {
                self.stack((block, name), (rows, columns), &values, put);
            } else {
                put(&format!("blk.{block}.{name}.weight"), &[rows, columns], self.dtype, values);
            }
        }
        if self.architecture == Architecture::Qwen3Moe {
            let router = Random::of(self.seed, block, 99).matrix(self.experts, self.width);
            let mut rows: Vec<Vec<f32>> = router.chunks(self.width).map(<[f32]>::to_vec).collect();
            if self.roles == Roles::Reversed {
                rows.reverse();
            }
            put(
                &format!("blk.{block}.ffn_gate_inp.weight"),
                &[self.experts, self.width],
                GgmlDType::F32,
                rows.concat(),
            );
        }
        for (name, length) in norms {
            put(&format!("blk.{block}.{name}.weight"), &[length], GgmlDType::F32, random.norm(length));
        }
        if self.architecture == Architecture::Qwen2 {
            for (name, length) in [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)] {
                let values = random.values(length, 0.5);
                put(&format!("blk.{block}.{name}.bias"), &[length], GgmlDType::F32, values);
            }
        }
    }
}

impl Tiny {
    /// One matrix per expert, the first or all as given.
    fn stack(&self, (block, name): (usize, &str), (rows, columns): (usize, usize), first: &[f32], put: &mut Put<'_>) {
        let kind = usize::from(name.as_bytes()[4]);
        let expert = |at: usize| match (at, self.roles) {
            (0, _) | (_, Roles::Alike) => first.to_vec(),
            _ => Random::of(self.seed, block, 100 * kind + at).matrix(rows, columns),
        };
        let mut all: Vec<Vec<f32>> = (0..self.experts).map(expert).collect();
        if self.roles == Roles::Reversed {
            all.reverse();
        }
        let name = format!("blk.{block}.{name}_exps.weight");
        put(&name, &[self.experts, rows, columns], self.dtype, all.concat());
    }
}

/// The 256 byte tokens, the merged ones, the special ones.
fn vocabulary(writer: &mut Writer) {
    let mut tokens: Vec<String> = (0..=255u8).map(|byte| byte_symbol(byte).to_string()).collect();
    tokens.extend(merged_tokens());
    let normal = tokens.len();
    tokens.extend(SPECIALS.map(|(text, _)| text.to_owned()));
    let mut types = vec![1i32; normal];
    types.extend(SPECIALS.map(|(_, kind)| kind));
    writer.string("tokenizer.ggml.model", "gpt2");
    writer.string("tokenizer.ggml.pre", "qwen2");
    writer.strings("tokenizer.ggml.tokens", &tokens);
    writer.i32s("tokenizer.ggml.token_type", &types);
    writer.strings("tokenizer.ggml.merges", &MERGES.map(str::to_owned));
    writer.u32("tokenizer.ggml.bos_token_id", normal as u32);
    writer.u32("tokenizer.ggml.eos_token_id", normal as u32 + 2);
    writer.bool("tokenizer.ggml.add_bos_token", false);
    writer.string("tokenizer.chat_template", CHATML);
}

fn merged_tokens() -> Vec<String> {
    let mut merged: Vec<String> = MERGES.iter().map(|merge| merge.replace(' ', "")).collect();
    merged.dedup();
    merged
}

/// Tokens in every tiny model's vocabulary.
#[must_use]
pub fn vocabulary_size() -> usize {
    256 + merged_tokens().len() + SPECIALS.len()
}

/// Takes a tensor: name, shape, encoding, values.
type Put<'a> = dyn FnMut(&str, &[usize], GgmlDType, Vec<f32>) + 'a;

struct Random(ChaCha8Rng);

impl Random {
    /// Apart from the model's own row of numbers.
    fn of(seed: u64, block: usize, what: usize) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1_000_003) ^ (block * 10_000 + what) as u64))
    }

    /// Uniform values of the given standard deviation.
    fn values(&mut self, count: usize, deviation: f32) -> Vec<f32> {
        let bound = deviation * 3f32.sqrt();
        (0..count).map(|_| self.0.random_range(-bound..bound)).collect()
    }

    /// A matrix that keeps the size of what it multiplies.
    fn matrix(&mut self, rows: usize, columns: usize) -> Vec<f32> {
        self.values(rows * columns, 1.0 / (columns as f32).sqrt())
    }

    fn norm(&mut self, length: usize) -> Vec<f32> {
        self.values(length, 0.1).into_iter().map(|value| 1.0 + value).collect()
    }
}

/// Builds a GGUF v3 file in memory.
#[derive(Default)]
pub(crate) struct Writer {
    entries: Vec<u8>,
    entry_count: u64,
    tensors: Vec<u8>,
    tensor_count: u64,
    data: Vec<u8>,
}

impl Writer {
    fn key(&mut self, key: &str, kind: u32) {
        text(&mut self.entries, key);
        self.entries.extend(kind.to_le_bytes());
        self.entry_count += 1;
    }

    pub(crate) fn string(&mut self, key: &str, value: &str) {
        self.key(key, 8);
        text(&mut self.entries, value);
    }

    pub(crate) fn u32(&mut self, key: &str, value: u32) {
        self.key(key, 4);
        self.entries.extend(value.to_le_bytes());
    }

    fn f32(&mut self, key: &str, value: f32) {
        self.key(key, 6);
        self.entries.extend(value.to_le_bytes());
    }

    fn bool(&mut self, key: &str, value: bool) {
        self.key(key, 7);
        self.entries.push(u8::from(value));
    }

    fn strings(&mut self, key: &str, values: &[String]) {
        self.key(key, 9);
        self.entries.extend(8u32.to_le_bytes());
        self.entries.extend((values.len() as u64).to_le_bytes());
        for value in values {
            text(&mut self.entries, value);
        }
    }

    fn i32s(&mut self, key: &str, values: &[i32]) {
        self.key(key, 9);
        self.entries.extend(5u32.to_le_bytes());
        self.entries.extend((values.len() as u64).to_le_bytes());
        for value in values {
            self.entries.extend(value.to_le_bytes());
        }
    }

    /// `shape` outermost first, as in [`crate::gguf::Tensor`].
    pub(crate) fn tensor(&mut self, name: &str, shape: &[usize], dtype: GgmlDType, values: Vec<f32>) {
        text(&mut self.tensors, name);
        self.tensors.extend((shape.len() as u32).to_le_bytes());
        for extent in shape.iter().rev() {
            self.tensors.extend((*extent as u64).to_le_bytes());
        }
        self.tensors.extend(parse::dtype_code(dtype).to_le_bytes());
        self.tensors.extend((self.data.len() as u64).to_le_bytes());
        self.tensor_count += 1;
        self.data.extend(encode(values, shape, dtype));
        pad(&mut self.data);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let mut file = Vec::new();
        file.extend(b"GGUF");
        file.extend(3u32.to_le_bytes());
        file.extend(self.tensor_count.to_le_bytes());
        file.extend(self.entry_count.to_le_bytes());
        file.extend(self.entries);
        file.extend(self.tensors);
        pad(&mut file);
        file.extend(self.data);
        file
    }
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(parse::DEFAULT_ALIGNMENT as usize), 0);
}

/// Encodes with candle, which is also what reads it back in the fallback.
fn encode(values: Vec<f32>, shape: &[usize], dtype: GgmlDType) -> Vec<u8> {
    let encoded = Tensor::from_vec(values, shape, &Device::Cpu)
        .and_then(|tensor| QTensor::quantize(&tensor, dtype))
        .and_then(|tensor| tensor.data().map(|data| data.into_owned()));
    encoded.expect("candle encodes a tensor whose rows are whole blocks. This is a bug.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gguf::Hyperparameters;

    use crate::gguf::Architecture::{Gemma3, Glm4, Llama, Phi3, Qwen2, Qwen3, Qwen3Moe};

    const FAMILIES: [Architecture; 7] = [Llama, Qwen2, Qwen3, Gemma3, Phi3, Glm4, Qwen3Moe];

    #[test]
    fn every_family_and_encoding_passes_the_preflight() {
        use GgmlDType::{BF16, F16, F32, Q2K, Q3K, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0};
        for architecture in FAMILIES {
            for dtype in [F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K] {
                let file = Tiny::new(architecture, dtype).file();
                let hyper = Hyperparameters::read(&file).expect("a tiny model is valid");
                assert_eq!((hyper.blocks, hyper.vocabulary), (2, vocabulary_size()));
                assert_eq!(file.tensors()["blk.1.attn_output.weight"].dtype, dtype);
            }
        }
    }

    #[test]
    fn the_same_seed_writes_the_same_file() {
        let tiny = Tiny::default();
        assert_eq!(tiny.bytes(), tiny.bytes());
        assert_ne!(tiny.bytes(), Tiny { seed: 2, ..tiny }.bytes());
    }
}

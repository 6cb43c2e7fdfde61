//! The numbers that shape a model, bounded before a loader allocates from them, and checked against the tensors.

use super::{Error, File};

/// Model families that we run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// Llama 2/3, SmolLM2, Mistral.
    Llama,
    /// Qwen 2 and 2.5.
    Qwen2,
    /// Qwen 3 (dense).
    Qwen3,
    /// Gemma 3 (text).
    Gemma3,
    /// Phi 3, by the fallback only.
    Phi3,
}

impl Architecture {
    /// The family that a file names.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for any other.
    pub fn from_name(name: &str) -> Result<Self, Error> {
        Ok(match name {
            "llama" => Self::Llama,
            "qwen2" => Self::Qwen2,
            "qwen3" => Self::Qwen3,
            "gemma3" => Self::Gemma3,
            "phi3" => Self::Phi3,
            other => return Err(Error::Unsupported(other.chars().take(64).collect())),
        })
    }

    /// The name in the file, which is also the prefix of its metadata keys.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
            Self::Gemma3 => "gemma3",
            Self::Phi3 => "phi3",
        }
    }
}

/// A model's shape. All values are within the bounds that [`Hyperparameters::read`] states.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperparameters {
    /// Family.
    pub architecture: Architecture,
    /// Layers (1 to 256).
    pub blocks: usize,
    /// Width of the hidden state (1 to 65,536).
    pub width: usize,
    /// Width of the feed-forward layer.
    pub feed_forward: usize,
    /// Query heads.
    pub heads: usize,
    /// Key/value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of a query and key head (even).
    pub key_width: usize,
    /// Width of a value head.
    pub value_width: usize,
    /// Rotated dimensions of a head (even, at most `key_width`).
    pub rope_width: usize,
    /// Base of the rotary frequencies.
    pub rope_base: f32,
    /// Base of the rotary frequencies of sliding-window layers (gemma3: 10,000).
    pub rope_base_local: f32,
    /// Linear scaling of positions in global layers (1 = none).
    pub rope_scale: f32,
    /// Epsilon of the root-mean-square norms.
    pub norm_epsilon: f32,
    /// Longest sequence that the model was made for (1 to 1,048,576).
    pub context: usize,
    /// Tokens in the vocabulary (rows of `token_embd.weight`).
    pub vocabulary: usize,
    /// Width of the sliding attention window, if the family has one.
    pub sliding_window: Option<usize>,
}

impl Hyperparameters {
    /// Reads and bounds the numbers of `file`, and compares them with its embedding and first layer.
    ///
    /// # Errors
    /// [`Error::Unsupported`], [`Error::Missing`] or [`Error::Corrupt`] (`hyper-parameter`, `tensor shape`).
    pub fn read(file: &File) -> Result<Self, Error> {
        let name = file.string("general.architecture").ok_or(Error::Missing("general.architecture".into()))?;
        let architecture = Architecture::from_name(name)?;
        let keys = Keys { file, architecture };
        let blocks = keys.integer("block_count", 1, 256)?;
        let width = keys.integer("embedding_length", 1, 65_536)?;
        let heads = keys.integer("attention.head_count", 1, 1024)?;
        let kv_heads = keys.integer_or("attention.head_count_kv", heads, 1, heads)?;
        if heads % kv_heads != 0 {
            return Err(Error::corrupt("hyper-parameter", format!("{heads} heads over {kv_heads} key heads")));
        }
        let key_width = keys.integer_or("attention.key_length", width / heads, 2, 1024)?;
        let value_width = keys.integer_or("attention.value_length", key_width, 2, 1024)?;
        let rope_width = keys.integer_or("rope.dimension_count", key_width, 2, key_width)?;
        if key_width % 2 != 0 || rope_width % 2 != 0 {
            return Err(Error::corrupt("hyper-parameter", format!("odd head width {key_width} or {rope_width}")));
        }
        let default_base = if architecture == Architecture::Gemma3 { 1_000_000.0 } else { 10_000.0 };
        let rope_base = keys.float_or("rope.freq_base", default_base, 1.0, 1e9)?;
        let hyper = Self {
            architecture,
            blocks,
            width,
            feed_forward: keys.integer("feed_forward_length", 1, 1 << 20)?,
            heads,
            kv_heads,
            key_width,
            value_width,
            rope_width,
            rope_base,
            rope_base_local: keys.float_or("rope.local.freq_base", 10_000.0, 1.0, 1e9)?,
            rope_scale: keys.rope_scale()?,
            norm_epsilon: keys.float("attention.layer_norm_rms_epsilon", 1e-12, 1.0)?,
            context: keys.integer("context_length", 1, 1 << 20)?,
            vocabulary: vocabulary(file)?,
            sliding_window: match keys.integer_or("attention.sliding_window", 0, 0, 1 << 20)? {
                0 => None,
                window => Some(window),
            },
        };
        hyper.check_shapes(file)?;
        Ok(hyper)
    }

    /// Every tensor whose shape follows from the numbers must have it, in every layer.
    fn check_shapes(&self, file: &File) -> Result<(), Error> {
        let (queries, keys) = (self.heads * self.key_width, self.kv_heads * self.key_width);
        let values = self.kv_heads * self.value_width;
        expect(file, "token_embd.weight", &[self.vocabulary, self.width])?;
        expect(file, "output_norm.weight", &[self.width])?;
        if self.architecture == Architecture::Phi3 || file.tensors().contains_key("output.weight") {
            expect(file, "output.weight", &[self.vocabulary, self.width])?;
        }
        for block in 0..self.blocks {
            let check = |part: &str, shape: &[usize]| expect(file, &format!("blk.{block}.{part}.weight"), shape);
            check("attn_norm", &[self.width])?;
            check("ffn_norm", &[self.width])?;
            check("attn_output", &[self.width, self.heads * self.value_width])?;
            check("ffn_down", &[self.width, self.feed_forward])?;
            if self.architecture == Architecture::Phi3 {
                check("attn_qkv", &[queries + keys + values, self.width])?;
                check("ffn_up", &[2 * self.feed_forward, self.width])?;
                continue;
            }
            check("attn_q", &[queries, self.width])?;
            check("attn_k", &[keys, self.width])?;
            check("attn_v", &[values, self.width])?;
            check("ffn_gate", &[self.feed_forward, self.width])?;
            check("ffn_up", &[self.feed_forward, self.width])?;
            if matches!(self.architecture, Architecture::Qwen3 | Architecture::Gemma3) {
                check("attn_q_norm", &[self.key_width])?;
                check("attn_k_norm", &[self.key_width])?;
            }
            if self.architecture == Architecture::Gemma3 {
                check("post_attention_norm", &[self.width])?;
                check("post_ffw_norm", &[self.width])?;
            }
            for (bias, length) in [("attn_q", queries), ("attn_k", keys), ("attn_v", values)] {
                let name = format!("blk.{block}.{bias}.bias");
                if self.architecture == Architecture::Qwen2 || file.tensors().contains_key(&name) {
                    expect(file, &name, &[length])?;
                }
            }
        }
        Ok(())
    }
}

fn vocabulary(file: &File) -> Result<usize, Error> {
    let rows = file.tensor("token_embd.weight")?.shape[0];
    if rows > 1 << 20 {
        return Err(Error::corrupt("hyper-parameter", format!("a vocabulary of {rows} tokens")));
    }
    Ok(rows)
}

fn expect(file: &File, name: &str, shape: &[usize]) -> Result<(), Error> {
    let found = &file.tensor(name)?.shape;
    if found != shape {
        return Err(Error::corrupt("tensor shape", format!("{name} is {found:?}, the metadata ask for {shape:?}")));
    }
    Ok(())
}

/// Metadata under a family's prefix, with bounds.
struct Keys<'a> {
    file: &'a File,
    architecture: Architecture,
}

impl Keys<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture.name())
    }

    fn integer(&self, name: &str, least: usize, most: usize) -> Result<usize, Error> {
        let key = self.key(name);
        let value = self.file.unsigned(&key).ok_or_else(|| Error::Missing(key.clone()))?;
        bounded(&key, value, least, most)
    }

    fn integer_or(&self, name: &str, default: usize, least: usize, most: usize) -> Result<usize, Error> {
        let key = self.key(name);
        if !self.file.metadata().contains_key(&key) {
            return bounded(&key, default as u64, least, most);
        }
        self.integer(name, least, most)
    }

    fn float(&self, name: &str, least: f64, most: f64) -> Result<f32, Error> {
        let key = self.key(name);
        let value = self.file.float(&key).ok_or_else(|| Error::Missing(key.clone()))?;
        // Written so that NaN fails.
        if !(least..=most).contains(&value) {
            return Err(Error::corrupt("hyper-parameter", format!("{key} is {value}, not in {least} to {most}")));
        }
        Ok(value as f32)
    }

    fn float_or(&self, name: &str, default: f32, least: f64, most: f64) -> Result<f32, Error> {
        if self.file.metadata().contains_key(&self.key(name)) { self.float(name, least, most) } else { Ok(default) }
    }

    fn rope_scale(&self) -> Result<f32, Error> {
        match self.file.string(&self.key("rope.scaling.type")) {
            None | Some("none") => Ok(1.0),
            Some("linear") => self.float("rope.scaling.factor", 1.0, 1024.0),
            // Stretched contexts (yarn, longrope) need their own tables; within the original context they are exact.
            Some(_) => Ok(1.0),
        }
    }
}

fn bounded(key: &str, value: u64, least: usize, most: usize) -> Result<usize, Error> {
    usize::try_from(value)
        .ok()
        .filter(|value| (least..=most).contains(value))
        .ok_or_else(|| Error::corrupt("hyper-parameter", format!("{key} is {value}, not in {least} to {most}")))
}

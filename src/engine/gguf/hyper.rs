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
    /// Phi 3 and 4 (mini).
    Phi3,
    /// GLM 4 (0414, dense).
    Glm4,
    /// Qwen 3 with experts.
    Qwen3Moe,
}

/// A feed-forward layer in many small ones, a few of which work on each token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Experts {
    /// How many there are (1 to 512).
    pub count: usize,
    /// How many work on a token.
    pub used: usize,
}

/// How the rotary positions of a model are stretched beyond the context that it was first trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    /// Not at all, or by the factors per frequency of `rope_freqs.weight` alone (llama 3).
    None,
    /// Every position divided by `factor`.
    Linear {
        /// At least 1.
        factor: f32,
    },
    /// Slow dimensions stretched, fast ones kept.
    Yarn {
        /// At least 1.
        factor: f32,
        /// The context before stretching, in tokens.
        original: usize,
        /// Factor of cosines and sines, beside the one that yarn itself defines.
        attention: f32,
        /// Dimensions that turn at least so often in the original context are kept (32).
        fast: f32,
        /// Those that turn at most so often are stretched in full (1).
        slow: f32,
    },
    /// Factors per frequency: one list up to the original context, one beyond.
    Longrope {
        /// The context before stretching, in tokens.
        original: usize,
        /// Factor of cosines and sines.
        attention: f32,
    },
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
            "glm4" => Self::Glm4,
            "qwen3moe" => Self::Qwen3Moe,
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
            Self::Glm4 => "glm4",
            Self::Qwen3Moe => "qwen3moe",
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
    /// Width of the feed-forward layer, or of one expert.
    pub feed_forward: usize,
    /// Experts, where the family has them.
    pub experts: Option<Experts>,
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
    /// Stretching of positions in global layers.
    pub rope_scaling: RopeScaling,
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
        // Converters of GLM 4 leave this out; it rotates half of a head.
        let rotated = if architecture == Architecture::Glm4 { key_width / 2 } else { key_width };
        let rope_width = keys.integer_or("rope.dimension_count", rotated, 2, key_width)?;
        if key_width % 2 != 0 || rope_width % 2 != 0 {
            return Err(Error::corrupt("hyper-parameter", format!("odd head width {key_width} or {rope_width}")));
        }
        let default_base = if architecture == Architecture::Gemma3 { 1_000_000.0 } else { 10_000.0 };
        let rope_base = keys.float_or("rope.freq_base", default_base, 1.0, 1e9)?;
        let experts = match architecture {
            Architecture::Qwen3Moe => {
                let count = keys.integer("expert_count", 1, 512)?;
                Some(Experts { count, used: keys.integer("expert_used_count", 1, count)? })
            }
            _ => None,
        };
        let hyper = Self {
            architecture,
            blocks,
            width,
            feed_forward: match experts {
                None => keys.integer("feed_forward_length", 1, 1 << 20)?,
                Some(_) => keys.integer("expert_feed_forward_length", 1, 1 << 20)?,
            },
            experts,
            heads,
            kv_heads,
            key_width,
            value_width,
            rope_width,
            rope_base,
            rope_base_local: keys.float_or("rope.local.freq_base", 10_000.0, 1.0, 1e9)?,
            rope_scaling: keys.rope_scaling()?,
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

    /// Whether a context of so many tokens needs the long list of [`RopeScaling::Longrope`].
    #[must_use]
    pub fn is_stretched(&self, context: usize) -> bool {
        matches!(self.rope_scaling, RopeScaling::Longrope { original, .. } if context > original)
    }

    /// Queries, keys and values are one matrix in the file.
    #[must_use]
    pub fn joins_attention(&self) -> bool {
        self.architecture == Architecture::Phi3
    }

    /// The feed-forward layer's gate and its other half are one matrix in the file.
    #[must_use]
    pub fn joins_gate(&self) -> bool {
        matches!(self.architecture, Architecture::Phi3 | Architecture::Glm4)
    }

    /// Every query and key head goes through a norm.
    #[must_use]
    pub fn norms_heads(&self) -> bool {
        matches!(self.architecture, Architecture::Qwen3 | Architecture::Gemma3 | Architecture::Qwen3Moe)
    }

    /// What a layer adds goes through a norm of its own.
    #[must_use]
    pub fn norms_twice(&self) -> bool {
        matches!(self.architecture, Architecture::Gemma3 | Architecture::Glm4)
    }

    /// Every tensor whose shape follows from the numbers must have it, in every layer.
    fn check_shapes(&self, file: &File) -> Result<(), Error> {
        let (queries, keys) = (self.heads * self.key_width, self.kv_heads * self.key_width);
        let values = self.kv_heads * self.value_width;
        expect(file, "token_embd.weight", &[self.vocabulary, self.width])?;
        expect(file, "output_norm.weight", &[self.width])?;
        if file.tensors().contains_key("output.weight") {
            expect(file, "output.weight", &[self.vocabulary, self.width])?;
        }
        for block in 0..self.blocks {
            let check = |part: &str, shape: &[usize]| expect(file, &format!("blk.{block}.{part}.weight"), shape);
            check("attn_norm", &[self.width])?;
            check("ffn_norm", &[self.width])?;
            check("attn_output", &[self.width, self.heads * self.value_width])?;
            if self.joins_attention() {
                check("attn_qkv", &[queries + keys + values, self.width])?;
            } else {
                check("attn_q", &[queries, self.width])?;
                check("attn_k", &[keys, self.width])?;
                check("attn_v", &[values, self.width])?;
            }
            if let Some(Experts { count, .. }) = self.experts {
                check("ffn_gate_inp", &[count, self.width])?;
                check("ffn_gate_exps", &[count, self.feed_forward, self.width])?;
                check("ffn_up_exps", &[count, self.feed_forward, self.width])?;
                check("ffn_down_exps", &[count, self.width, self.feed_forward])?;
            } else if self.joins_gate() {
                check("ffn_down", &[self.width, self.feed_forward])?;
                check("ffn_up", &[2 * self.feed_forward, self.width])?;
            } else {
                check("ffn_down", &[self.width, self.feed_forward])?;
                check("ffn_gate", &[self.feed_forward, self.width])?;
                check("ffn_up", &[self.feed_forward, self.width])?;
            }
            if self.norms_heads() {
                check("attn_q_norm", &[self.key_width])?;
                check("attn_k_norm", &[self.key_width])?;
            }
            if self.norms_twice() {
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

    fn rope_scaling(&self) -> Result<RopeScaling, Error> {
        let has = |name: &str| self.file.metadata().contains_key(&self.key(name));
        let original = || self.integer("rope.scaling.original_context_length", 1, 1 << 20);
        let attention = || self.float_or("rope.scaling.attn_factor", 1.0, 0.01, 100.0);
        Ok(match self.file.string(&self.key("rope.scaling.type")) {
            // Files of Phi 3 do not always name the way, only what it needs.
            None if self.file.tensors().contains_key(LONG_FACTORS) => {
                RopeScaling::Longrope { original: original()?, attention: attention()? }
            }
            None if has("rope.scale_linear") => {
                RopeScaling::Linear { factor: self.float("rope.scale_linear", 1.0, 1024.0)? }
            }
            None | Some("none") => RopeScaling::None,
            Some("linear") => RopeScaling::Linear { factor: self.float("rope.scaling.factor", 1.0, 1024.0)? },
            Some("yarn") => RopeScaling::Yarn {
                factor: self.float("rope.scaling.factor", 1.0, 1024.0)?,
                original: original()?,
                attention: attention()?,
                fast: self.float_or("rope.scaling.yarn_beta_fast", 32.0, 0.01, 1e4)?,
                slow: self.float_or("rope.scaling.yarn_beta_slow", 1.0, 0.01, 1e4)?,
            },
            Some("longrope") => RopeScaling::Longrope { original: original()?, attention: attention()? },
            Some(other) => {
                let other: String = other.chars().take(64).collect();
                return Err(Error::corrupt("rope scaling", format!("{other:?} is not known")));
            }
        })
    }
}

/// Factors of the rotary frequencies beyond and up to the original context.
pub const LONG_FACTORS: &str = "rope_factors_long.weight";
/// See [`LONG_FACTORS`].
pub const SHORT_FACTORS: &str = "rope_factors_short.weight";

fn bounded(key: &str, value: u64, least: usize, most: usize) -> Result<usize, Error> {
    usize::try_from(value)
        .ok()
        .filter(|value| (least..=most).contains(value))
        .ok_or_else(|| Error::corrupt("hyper-parameter", format!("{key} is {value}, not in {least} to {most}")))
}

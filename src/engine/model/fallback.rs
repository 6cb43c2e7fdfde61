//! The slow path: candle-transformers' quantised models behind [`Model`], for families that `transformer` lacks.
//!
//! candle keeps one KV cache that only grows, so a sequence here is a list of tokens and a pass replays what the cache
//! does not hold. Correct, and slow: use it for families, not for speed. Traps of candle 0.11 that this file avoids:
//! `quantized_llama` ends at 4,096 tokens; `quantized_qwen3` and `quantized_gemma3` are wrong for a second prefill
//! (several tokens at an offset), so for them such a pass starts again at zero; no hidden states can be had.

use std::collections::HashMap;
use std::io::Cursor;

use candle_core::quantized::gguf_file::Content;
use candle_core::{DType, Device, Tensor};
use candle_transformers::models::{
    quantized_gemma3 as gemma3, quantized_glm4 as glm4, quantized_llama as llama, quantized_phi3 as phi3,
    quantized_qwen2 as qwen2, quantized_qwen3 as qwen3,
};

use super::{Chunk, Model, ModelError, Output, Sequence, Want};
use crate::gguf::{Architecture, File, Hyperparameters};

/// Bytes per token of history that we count as cache: only the token itself is kept.
const BYTES_PER_TOKEN: usize = size_of::<u32>();

enum Weights {
    Llama(llama::ModelWeights),
    Qwen2(qwen2::ModelWeights),
    Qwen3(qwen3::ModelWeights),
    Gemma3(gemma3::ModelWeights),
    Phi3(phi3::ModelWeights),
    Glm4(glm4::ModelWeights),
}

impl Weights {
    fn read(file: &File, architecture: Architecture) -> candle_core::Result<Self> {
        let device = Device::Cpu;
        let mut reader = Cursor::new(file.whole());
        let content = Content::read(&mut reader)?;
        Ok(match architecture {
            Architecture::Llama => Self::Llama(llama::ModelWeights::from_gguf(content, &mut reader, &device)?),
            Architecture::Qwen2 => Self::Qwen2(qwen2::ModelWeights::from_gguf(content, &mut reader, &device)?),
            Architecture::Qwen3 => Self::Qwen3(qwen3::ModelWeights::from_gguf(content, &mut reader, &device)?),
            Architecture::Gemma3 => Self::Gemma3(gemma3::ModelWeights::from_gguf(content, &mut reader, &device)?),
            Architecture::Qwen3Moe => candle_core::bail!("models with experts do not run on the slow path"),
            Architecture::Glm4 => Self::Glm4(glm4::ModelWeights::from_gguf(content, &mut reader, &device, DType::F32)?),
            Architecture::Phi3 => Self::Phi3(phi3::ModelWeights::from_gguf(false, content, &mut reader, &device)?),
        })
    }

    /// Logits after the last of `tokens`, which follow the `offset` tokens in the cache.
    fn forward(&mut self, tokens: &[u32], offset: usize) -> candle_core::Result<Vec<f32>> {
        let input = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
        let logits = match self {
            Self::Llama(model) => model.forward(&input, offset)?,
            Self::Qwen2(model) => model.forward(&input, offset)?,
            Self::Qwen3(model) => model.forward(&input, offset)?,
            Self::Gemma3(model) => model.forward(&input, offset)?,
            Self::Phi3(model) => model.forward(&input, offset)?,
            Self::Glm4(model) => model.forward(&input, offset)?,
        };
        logits.flatten_all()?.to_dtype(DType::F32)?.to_vec1()
    }

    /// Families whose cache starts again by itself at offset zero need no clearing.
    fn clear(&mut self) {
        match self {
            Self::Llama(model) => model.clear_kv_cache(),
            Self::Qwen2(model) => model.clear_kv_cache(),
            Self::Qwen3(model) => model.clear_kv_cache(),
            Self::Gemma3(_) | Self::Phi3(_) | Self::Glm4(_) => {}
        }
    }

    /// Whether several tokens may follow others that are cached.
    fn continues(&self) -> bool {
        matches!(self, Self::Llama(_) | Self::Qwen2(_) | Self::Phi3(_) | Self::Glm4(_))
    }
}

/// A candle model and the histories that were asked of it.
pub struct Fallback {
    weights: Weights,
    vocabulary: usize,
    hidden: usize,
    context: usize,
    budget: usize,
    sequences: HashMap<Sequence, Vec<u32>>,
    next: u32,
    /// What candle's cache holds now.
    cached: Vec<u32>,
}

impl Fallback {
    /// Loads the weights of `file` onto the heap. `context` bounds a sequence, `budget` bounds all of them in bytes.
    ///
    /// # Errors
    /// [`ModelError::Failed`] when candle refuses the file.
    pub fn load(file: &File, hyper: &Hyperparameters, context: usize, budget: usize) -> Result<Self, ModelError> {
        if file.parts() > 1 {
            let parts = "this family needs the model in one file (llama-gguf-split --merge joins its parts)";
            return Err(ModelError::Failed(parts.into()));
        }
        if hyper.experts.is_some() {
            // candle 0.11 has these for CUDA only.
            return Err(ModelError::Failed("models with experts do not run on the slow path".into()));
        }
        let weights = Weights::read(file, hyper.architecture).map_err(failed)?;
        let longest = if hyper.architecture == Architecture::Llama { llama::MAX_SEQ_LEN } else { hyper.context };
        Ok(Self {
            weights,
            vocabulary: hyper.vocabulary,
            hidden: hyper.width,
            context: context.min(longest),
            budget,
            sequences: HashMap::new(),
            next: 0,
            cached: Vec::new(),
        })
    }

    fn used(&self) -> usize {
        self.sequences.values().map(|tokens| tokens.len() * BYTES_PER_TOKEN).sum()
    }

    /// Logits after `tokens`, by extending candle's cache where it can be extended and replaying where it cannot.
    fn logits_after(&mut self, tokens: &[u32]) -> Result<Vec<f32>, ModelError> {
        let extends = tokens.len() > self.cached.len() && tokens.starts_with(&self.cached);
        let added = tokens.len() - if extends { self.cached.len() } else { 0 };
        if !extends || (added > 1 && !self.cached.is_empty() && !self.weights.continues()) {
            self.weights.clear();
            self.cached.clear();
        }
        let offset = self.cached.len();
        // Until the pass is through, the cache is of no use to anyone.
        self.cached.clear();
        let logits = self.weights.forward(&tokens[offset..], offset).map_err(failed)?;
        self.cached = tokens.to_vec();
        Ok(logits)
    }

    fn check(&self, chunks: &[Chunk<'_>]) -> Result<(), ModelError> {
        let mut grown = self.used();
        for chunk in chunks {
            let length = self.length(chunk.sequence) + chunk.tokens.len();
            if chunk.tokens.is_empty() {
                return Err(ModelError::BadInput("an empty chunk".into()));
            }
            if let Some(token) = chunk.tokens.iter().find(|token| **token as usize >= self.vocabulary) {
                return Err(ModelError::BadInput(format!("token {token} of {}", self.vocabulary)));
            }
            if length > self.context {
                return Err(ModelError::ContextOverflow { tokens: length, context: self.context });
            }
            if chunk.want == Want::LastHidden {
                return Err(ModelError::Failed("this model family gives no hidden states".into()));
            }
            grown += chunk.tokens.len() * BYTES_PER_TOKEN;
        }
        if grown > self.budget { Err(ModelError::CacheFull) } else { Ok(()) }
    }
}

impl Model for Fallback {
    fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    fn hidden_size(&self) -> usize {
        self.hidden
    }

    fn context(&self) -> usize {
        self.context
    }

    fn create(&mut self) -> Result<Sequence, ModelError> {
        let sequence = Sequence(self.next);
        self.next = self.next.wrapping_add(1);
        self.sequences.insert(sequence, Vec::new());
        Ok(sequence)
    }

    fn fork(&mut self, sequence: Sequence) -> Result<Sequence, ModelError> {
        let past = self.sequences.get(&sequence).cloned().unwrap_or_default();
        if self.used() + past.len() * BYTES_PER_TOKEN > self.budget {
            return Err(ModelError::CacheFull);
        }
        let fork = self.create()?;
        self.sequences.insert(fork, past);
        Ok(fork)
    }

    fn truncate(&mut self, sequence: Sequence, length: usize) {
        if let Some(tokens) = self.sequences.get_mut(&sequence) {
            tokens.truncate(length);
        }
    }

    fn length(&self, sequence: Sequence) -> usize {
        self.sequences.get(&sequence).map_or(0, Vec::len)
    }

    fn free(&mut self, sequence: Sequence) {
        self.sequences.remove(&sequence);
    }

    fn guesses_pay(&self) -> bool {
        false
    }

    fn cache_bytes(&self) -> (usize, usize) {
        (self.used(), self.budget)
    }

    fn forward(&mut self, chunks: &[Chunk<'_>], output: &mut Output) -> Result<(), ModelError> {
        output.logits.clear();
        output.hidden.clear();
        self.check(chunks)?;
        for chunk in chunks {
            let mut tokens = self.sequences.get(&chunk.sequence).cloned().unwrap_or_default();
            match chunk.want {
                Want::All => {
                    for token in chunk.tokens {
                        tokens.push(*token);
                        let row = self.logits_after(&tokens)?;
                        output.logits.extend(row);
                    }
                }
                Want::Last => {
                    tokens.extend_from_slice(chunk.tokens);
                    let row = self.logits_after(&tokens)?;
                    output.logits.extend(row);
                }
                // Read when something is asked about it: most of it may be read together then.
                Want::Nothing if !self.weights.continues() => {}
                Want::Nothing => {
                    tokens.extend_from_slice(chunk.tokens);
                    self.logits_after(&tokens)?;
                }
                Want::LastHidden => {}
            }
        }
        for chunk in chunks {
            self.sequences.entry(chunk.sequence).or_default().extend_from_slice(chunk.tokens);
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function in map_err")]
fn failed(error: candle_core::Error) -> ModelError {
    // candle appends a backtrace after the message.
    ModelError::Failed(error.to_string().lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::GgmlDType;

    use super::*;
    use crate::tiny::Tiny;

    /// In f32, so that one rounding to eight bits more or less does not hide a real difference.
    fn load(architecture: Architecture) -> Fallback {
        let file = Tiny::new(architecture, GgmlDType::F32).file();
        let hyper = Hyperparameters::read(&file).expect("valid");
        Fallback::load(&file, &hyper, 512, 1 << 20).expect("loads")
    }

    fn feed(model: &mut Fallback, sequence: Sequence, tokens: &[u32], want: Want) -> Vec<f32> {
        let mut output = Output::default();
        model.forward(&[Chunk { sequence, tokens, want }], &mut output).expect("computes");
        output.logits
    }

    fn distance(a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn resumed_forked_and_stepped_equal_whole_in_every_family() {
        use Architecture::{Gemma3, Glm4, Llama, Phi3, Qwen2, Qwen3};
        let tokens: Vec<u32> = (0..60).map(|i| (i * 37 + 11) % 256).collect();
        for architecture in [Llama, Qwen2, Qwen3, Gemma3, Phi3, Glm4] {
            let mut model = load(architecture);
            let whole = model.create().expect("room");
            let truth = feed(&mut model, whole, &tokens, Want::Last);
            // Prefill, decode, a second prefill: what goes wrong in candle's qwen3.
            let parts = model.create().expect("room");
            feed(&mut model, parts, &tokens[..20], Want::Last);
            feed(&mut model, parts, &tokens[20..21], Want::Last);
            let fork = model.fork(parts).expect("room");
            let resumed = feed(&mut model, parts, &tokens[21..], Want::Last);
            assert!(distance(&truth, &resumed) < 1e-3, "{architecture:?} resumed {}", distance(&truth, &resumed));
            let stepped = feed(&mut model, fork, &tokens[21..], Want::All);
            let last = &stepped[stepped.len() - truth.len()..];
            assert!(distance(&truth, last) < 1e-3, "{architecture:?} stepped {}", distance(&truth, last));
            model.truncate(fork, 40);
            let regrown = feed(&mut model, fork, &tokens[40..], Want::Last);
            assert!(distance(&truth, &regrown) < 1e-3, "{architecture:?} regrown {}", distance(&truth, &regrown));
        }
    }

    #[test]
    fn bad_input_changes_nothing() {
        let mut model = load(Architecture::Qwen2);
        let sequence = model.create().expect("room");
        let mut output = Output::default();
        for (tokens, want) in [
            (&[][..], Want::Last),
            (&[9999][..], Want::Last),
            (&[1; 600][..], Want::Nothing),
            (&[1][..], Want::LastHidden),
        ] {
            assert!(model.forward(&[Chunk { sequence, tokens, want }], &mut output).is_err());
            assert_eq!(model.length(sequence), 0);
        }
    }
}

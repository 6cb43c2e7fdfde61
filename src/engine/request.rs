//! The vocabulary of the engine's face: requests, events, results, errors. Plain values.

use serde::{Deserialize, Serialize};

use crate::prompt::Prompt;

/// Who waits for the result. Interactive work always goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A person looks at the screen.
    #[default]
    Interactive,
    /// Grading, coaching, drafts.
    Background,
}

/// How the next token is drawn. `temperature` 0 is greedy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// 0 = greedy.
    pub temperature: f32,
    /// Nucleus mass in (0, 1]; 1 = off.
    pub top_p: f32,
    /// Candidates kept; 0 = off.
    pub top_k: usize,
    /// Tokens below this fraction of the best one's probability are dropped; 0 = off.
    pub min_p: f32,
    /// Divides the logits of tokens seen in the last 64 generated; 1 = off.
    pub repeat_penalty: f32,
    /// The same seed on the same build, model and prompt gives the same text.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_p: 1.0, top_k: 0, min_p: 0.0, repeat_penalty: 1.0, seed: 0 }
    }
}

/// What a decoded text must match. Applied to the logits before sampling.
#[derive(Clone, Debug, PartialEq)]
pub enum Constraint {
    /// A JSON value that satisfies this JSON schema.
    JsonSchema(serde_json::Value),
    /// A text that matches this regular expression as a whole.
    Regex(String),
    /// A verbatim piece of `text`, from `min_words` to `max_words` long, starting and ending at word borders.
    SpanOf {
        /// Where the piece must come from.
        text: String,
        /// Fewest words.
        min_words: usize,
        /// Most words.
        max_words: usize,
    },
}

/// Asks for words.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateRequest {
    /// What the model reads.
    pub prompt: Prompt,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Most tokens generated.
    pub max_tokens: usize,
    /// Generation ends before any of these texts.
    pub stop: Vec<String>,
    /// What the text must match.
    pub constraint: Option<Constraint>,
    /// Top log-probabilities to report per token (0 = none).
    pub top_logprobs: usize,
    /// Who waits.
    pub priority: Priority,
}

impl GenerateRequest {
    /// A greedy request of at most `max_tokens`.
    #[must_use]
    pub fn new(prompt: Prompt, max_tokens: usize) -> Self {
        Self {
            prompt,
            sampling: Sampling::default(),
            max_tokens,
            stop: Vec::new(),
            constraint: None,
            top_logprobs: 0,
            priority: Priority::Interactive,
        }
    }
}

/// One question to judge: which continuation follows the prompt?
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// What the model reads.
    pub prompt: Prompt,
    /// The continuations compared, such as `["Yes", "No"]`.
    pub options: Vec<String>,
}

/// Asks for judgements: all of `choices` in one batch over their common prefix.
#[derive(Clone, Debug, PartialEq)]
pub struct ChooseRequest {
    /// The questions.
    pub choices: Vec<Choice>,
    /// Also return the last layer's normalised hidden state at the end of each prompt.
    pub hidden: bool,
    /// Who waits.
    pub priority: Priority,
}

/// The judgement of one [`Choice`].
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Natural-log probability of each option as a continuation (summed over its tokens), in the options' order.
    pub log_probs: Vec<f32>,
    /// Hidden state at the end of the prompt, `hidden_size` long, when asked for.
    pub hidden: Option<Vec<f32>>,
}

impl Scored {
    /// The options' probabilities, normalised among themselves.
    #[must_use]
    pub fn probabilities(&self) -> Vec<f32> {
        let top = self.log_probs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if !top.is_finite() {
            return vec![1.0 / self.log_probs.len().max(1) as f32; self.log_probs.len()];
        }
        let weights: Vec<f32> = self.log_probs.iter().map(|p| (p - top).exp()).collect();
        let total: f32 = weights.iter().sum();
        weights.iter().map(|w| w / total).collect()
    }
}

/// A text to weigh, as it stands: no template, no turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// In characters.
    Text(String),
    /// In tokens of the model's vocabulary.
    Tokens(Vec<u32>),
}

/// Asks how likely each token of a text is after those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeighRequest {
    /// The text.
    pub text: Written,
    /// Most likely tokens to tell at each place.
    pub top: usize,
    /// Only cut the text into tokens; nothing is computed.
    pub only_tokens: bool,
    /// Who waits.
    pub priority: Priority,
}

/// A weighed text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weighed {
    /// Its tokens, in order.
    pub tokens: Vec<WeighedToken>,
    /// The text that they make.
    pub text: String,
    /// The most likely tokens after it, with their natural-log probabilities.
    pub next: Vec<(String, f32)>,
    /// The token that the vocabulary puts before every text, if it does.
    pub first: Option<String>,
    /// The token that ends a text.
    pub end: String,
}

/// One token of a weighed text.
#[derive(Clone, Debug, PartialEq)]
pub struct WeighedToken {
    /// Its number in the vocabulary.
    pub token: u32,
    /// Its text; a part of a character shows as U+FFFD.
    pub text: String,
    /// Natural-log probability after those before it; none for the first without anything before it.
    pub log_prob: Option<f32>,
    /// The most likely tokens at its place.
    pub top: Vec<(String, f32)>,
}

/// What a generation reports while it runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Prompt tokens read so far, of `total` (tokens already cached count as done).
    Prefill {
        /// Tokens in the cache.
        done: usize,
        /// Tokens of the prompt.
        total: usize,
    },
    /// A piece of text, always whole UTF-8 characters.
    Token {
        /// The piece.
        text: String,
        /// `(token text, natural-log probability)` of the chosen token first, then the most likely ones.
        logprobs: Vec<(String, f32)>,
    },
    /// The end: exactly one of `Done` and `Failed` closes every generation.
    Done(Finished),
    /// The generation failed.
    Failed(EngineError),
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// End-of-turn token, stop text, or a constraint fulfilled.
    Stop,
    /// `max_tokens` or the context's end.
    Length,
}

/// Tokens counted and time spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Of those, found in the cache.
    pub cached_tokens: usize,
    /// Tokens generated.
    pub completion_tokens: usize,
    /// Tokens that a draft model proposed.
    #[serde(skip)]
    pub drafted_tokens: usize,
    /// Of those, right.
    #[serde(skip)]
    pub accepted_tokens: usize,
    /// Seconds from request to first token.
    pub first_token_seconds: f64,
    /// Seconds in all.
    pub seconds: f64,
}

/// A finished generation.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// The whole text.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// What it cost.
    pub usage: Usage,
}

/// What a model is, for provenance and display.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Catalogue id, or the file's stem.
    pub id: String,
    /// SHA-256 of the file, lower-case hex (empty for the scripted engine).
    pub sha256: String,
    /// GGUF architecture, such as `qwen2`.
    pub architecture: String,
    /// Quantisation label, such as `Q4_K_M`.
    pub quantisation: String,
    /// Context used, in tokens.
    pub context: usize,
    /// Width of the hidden state.
    pub hidden_size: usize,
    /// Kernel in use, such as `avx512-vnni`.
    pub kernel: String,
    /// Threads used.
    pub threads: usize,
}

/// Why the engine did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The bounded queue is full.
    #[error("the model is busy with other requests (try again in a moment)")]
    Busy,
    /// The prompt does not fit.
    #[error(
        "the prompt has {tokens} tokens, the model's context holds {context} (shorten it or choose a model with more)"
    )]
    ContextOverflow {
        /// Tokens asked for.
        tokens: usize,
        /// Tokens available.
        context: usize,
    },
    /// The constraint cannot be compiled or met.
    #[error("constraint: {0}")]
    Constraint(String),
    /// The model's chat template failed.
    #[error("chat template: {0}")]
    Template(String),
    /// The model produced nonsense (NaN logits) or the computation failed.
    #[error("inference failed: {0}")]
    Inference(String),
    /// The worker is gone.
    #[error("the engine has stopped (restart offrecord)")]
    Stopped,
}

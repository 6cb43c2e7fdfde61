//! What a model can do for the worker: sequences of tokens with their KV cache, and one batched forward pass.
//!
//! Two implementations: `transformer` (our own, the fast path) and the fallback over candle-transformers.

mod experts;
#[cfg(test)]
pub(crate) mod fake;
pub mod fallback;
mod load;
#[cfg(test)]
mod properties;
mod rotary;
mod sequences;
#[cfg(test)]
mod tests;
mod transformer;
mod weights;

pub use load::{LoadError, LoadOptions, load};

/// Names a live sequence of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sequence(pub u32);

/// Which positions of a chunk the caller wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Only fill the cache.
    Nothing,
    /// Logits after the last token.
    Last,
    /// Logits after every token.
    All,
    /// Logits and the normalised hidden state after the last token.
    LastHidden,
}

/// Tokens to append to one sequence in a forward pass.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Where they go.
    pub sequence: Sequence,
    /// What they are; positions follow from the sequence's length.
    pub tokens: &'a [u32],
    /// What comes back.
    pub want: Want,
}

/// Results of a forward pass, reused between passes.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// One row of `vocabulary` logits per wanted position, chunks in order.
    pub logits: Vec<f32>,
    /// One row of `hidden_size` values per [`Want::LastHidden`] chunk.
    pub hidden: Vec<f32>,
}

/// Why a pass did not happen. The sequences are as they were before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The memory budget of the KV cache is used up: free a sequence and try again.
    #[error("the KV cache is full")]
    CacheFull,
    /// A sequence would grow beyond the context.
    #[error("{tokens} tokens do not fit a context of {context}")]
    ContextOverflow {
        /// Tokens the sequence would have.
        tokens: usize,
        /// Tokens it may have.
        context: usize,
    },
    /// A token beyond the vocabulary, or an empty chunk.
    #[error("bad input: {0}")]
    BadInput(String),
    /// The computation failed.
    #[error("{0}")]
    Failed(String),
}

/// A loaded model with its KV cache.
pub trait Model: Send {
    /// Rows of the output matrix.
    fn vocabulary(&self) -> usize;
    /// Width of the hidden state.
    fn hidden_size(&self) -> usize;
    /// Longest sequence, in tokens.
    fn context(&self) -> usize;
    /// A new, empty sequence.
    ///
    /// # Errors
    /// [`ModelError::CacheFull`].
    fn create(&mut self) -> Result<Sequence, ModelError>;
    /// A second sequence with the same past; pages are shared until one of them writes.
    ///
    /// # Errors
    /// [`ModelError::CacheFull`].
    fn fork(&mut self, sequence: Sequence) -> Result<Sequence, ModelError>;
    /// Forgets everything after the first `length` tokens.
    fn truncate(&mut self, sequence: Sequence, length: usize);
    /// Tokens in the sequence.
    fn length(&self, sequence: Sequence) -> usize;
    /// Ends a sequence and gives its pages back.
    fn free(&mut self, sequence: Sequence);
    /// Whether a few tokens in one pass cost about as much as one, so that guessing ahead can pay.
    fn guesses_pay(&self) -> bool {
        true
    }
    /// Bytes of KV cache in use and allowed.
    fn cache_bytes(&self) -> (usize, usize);
    /// What saved cache depends on beside the weights and the tokens; `None` when it cannot be saved.
    fn cache_kind(&self) -> Option<String> {
        None
    }
    /// Bytes of the saved cache of `length` tokens.
    fn saved_bytes(&self, _length: usize) -> usize {
        0
    }
    /// The cache of a sequence's first `length` tokens, and of nothing after them.
    fn save(&self, _sequence: Sequence, _length: usize) -> Vec<u8> {
        Vec::new()
    }
    /// A new sequence of `length` tokens whose cache is `bytes`, as [`Model::save`] gave it for these tokens.
    ///
    /// # Errors
    /// [`ModelError::CacheFull`]; [`ModelError::BadInput`] when it is not that long.
    fn restore(&mut self, _length: usize, _bytes: &[u8]) -> Result<Sequence, ModelError> {
        Err(ModelError::Failed("this model's cache cannot be restored".into()))
    }
    /// Appends each chunk to its sequence (a sequence appears at most once) and writes what was wanted to `output`.
    ///
    /// # Errors
    /// See [`ModelError`]; on an error no sequence has changed.
    fn forward(&mut self, chunks: &[Chunk<'_>], output: &mut Output) -> Result<(), ModelError>;
}

//! From a validated file to a model that runs on the fast path.

use std::sync::Arc;

use super::Model;
use super::transformer::Transformer;
use crate::gguf::{self, File, Hyperparameters};
use crate::kernels::Kernel;
use crate::kernels::pages::CacheType;

/// How to run a model.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Threads, at least 1.
    pub threads: usize,
    /// A forced kernel; the fastest one otherwise.
    pub kernel: Option<Kernel>,
    /// Longest sequence wanted; the model's own limit applies too.
    pub context: usize,
    /// Budget of the KV cache. Its memory is committed as it is used.
    pub cache_bytes: usize,
    /// How its keys and values are kept.
    pub cache_type: CacheType,
}

impl Default for LoadOptions {
    /// Every core, the fastest kernel, 32,768 tokens, 1 GiB in half precision.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { threads, kernel: None, context: 32_768, cache_bytes: 1 << 30, cache_type: CacheType::F16 }
    }
}

/// Why a file does not run on the fast path.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is missing, damaged, or of an unknown family.
    #[error(transparent)]
    File(#[from] gguf::Error),
    /// The fast path does not do this; the fallback may.
    #[error("not supported by this engine: {0}")]
    Unsupported(String),
    /// The operating system refused memory.
    #[error("cannot reserve {} MiB for the model: {source} (close other programs or choose a smaller model)", bytes >> 20)]
    Memory {
        /// Bytes asked for.
        bytes: usize,
        /// What the system said.
        source: std::io::Error,
    },
    /// The operating system refused threads.
    #[error("cannot start {threads} threads: {source}")]
    Threads {
        /// How many.
        threads: usize,
        /// Why.
        source: std::io::Error,
    },
}

/// Loads a model of the families llama, qwen2, qwen3, qwen3moe, gemma3, phi3 and glm4. The weights are packed for
/// the kernels; only the embedding's rows stay in the file's memory map.
///
/// # Errors
/// See [`LoadError`].
pub fn load(file: Arc<File>, options: &LoadOptions) -> Result<Box<dyn Model>, LoadError> {
    let hyper = Hyperparameters::read(&file)?;
    Ok(Box::new(Transformer::new(file, hyper, options)?))
}

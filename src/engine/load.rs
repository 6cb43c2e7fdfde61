//! From a path to a running engine: preflight, memory check, model, vocabulary, template, thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::gguf::{self, File, Hyperparameters};
use crate::guess::Draft;
use crate::handle::Engine;
use crate::kept::{Keep, Kept};
use crate::kernels::{CacheType, Kernel};
use crate::model::fallback::Fallback;
use crate::model::{self, Model, ModelError};
use crate::request::{EngineError, ModelInfo};
use crate::template::Template;
use crate::text::Text;
use crate::{memory, worker};

/// How to load a model.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Catalogue id; empty = the file's stem.
    pub id: String,
    /// SHA-256 of the file as the catalogue verified it, for provenance. Not computed here: it takes seconds.
    pub sha256: String,
    /// Threads; 0 = one per core.
    pub threads: usize,
    /// A forced kernel; `None` = the fastest that the processor has.
    pub kernel: Option<Kernel>,
    /// Longest sequence in tokens; the model's own limit applies too.
    pub context: usize,
    /// Budget of the KV cache in bytes. It is used as needed, not reserved.
    pub cache_bytes: usize,
    /// How its keys and values are kept.
    pub cache_type: CacheType,
    /// Fixed prompts whose cache is kept on disk for the next start; needs `sha256`.
    pub keep: Option<Keep>,
    /// A smaller model that drafts; it is loaded beside this one.
    pub draft: Option<DraftOptions>,
    /// Run the file's own chat template even if it is unknown.
    pub trust_template: bool,
    /// Load even if the memory does not seem to suffice.
    pub force: bool,
}

/// A draft model: it must have the same vocabulary, and the text is the same as without it. Used for greedy generations
/// that run alone, as long as it pays.
#[derive(Clone, Debug)]
pub struct DraftOptions {
    /// Its file.
    pub path: PathBuf,
    /// Budget of its KV cache in bytes.
    pub cache_bytes: usize,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            id: String::new(),
            sha256: String::new(),
            threads: 0,
            kernel: None,
            context: 32_768,
            cache_bytes: 1 << 30,
            cache_type: CacheType::F16,
            keep: None,
            draft: None,
            trust_template: false,
            force: false,
        }
    }
}

/// Why a model does not run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Missing, unreadable, damaged or hostile, or of a family or vocabulary that we do not run; see [`gguf::Error`].
    #[error(transparent)]
    File(#[from] gguf::Error),
    /// It does not fit.
    #[error(
        "the model needs about {} MiB of memory, {} MiB are free (close other programs or choose a smaller model)",
        need >> 20, available >> 20
    )]
    NotEnoughMemory {
        /// Bytes needed.
        need: u64,
        /// Bytes available.
        available: u64,
    },
    /// The draft model's file is missing, damaged, or of an unknown kind.
    #[error("the draft model: {0}")]
    Draft(gguf::Error),
    /// The draft model's tokens are others.
    #[error(
        "the draft model has another vocabulary: {0} (name a smaller model of the same family, or leave the draft model out)"
    )]
    Vocabulary(String),
    /// Its chat template was trusted and does not work.
    #[error("{0}")]
    Template(EngineError),
    /// The operating system or the computation refused.
    #[error("cannot start the model: {0}")]
    Failed(String),
}

impl Engine {
    /// Loads a model file and starts the thread that runs it. The weights are read once and packed for the kernels.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(path: &Path, options: &LoadOptions) -> Result<Self, LoadError> {
        let draft = options.draft.as_ref().map(|draft| File::open(&draft.path));
        let draft = draft.transpose().map_err(LoadError::Draft)?;
        Self::of_files(File::open(path)?, draft, options)
    }

    /// As [`Engine::load`], for a file that is open already or was made in memory by a test.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn of_file(file: File, options: &LoadOptions) -> Result<Self, LoadError> {
        Self::of_files(file, None, options)
    }

    /// As [`Engine::of_file`], with the draft model's file.
    pub(crate) fn of_files(file: File, draft: Option<File>, options: &LoadOptions) -> Result<Self, LoadError> {
        let file = Arc::new(file);
        let hyper = Hyperparameters::read(&file)?;
        let draft = draft.map(|draft| Drafting::read(draft, options)).transpose()?;
        if !options.force {
            check_memory(needed(&file, &hyper, options) + draft.as_ref().map_or(0, Drafting::needed))?;
        }
        let text = Arc::new(Text::read(&file)?);
        text.check_rows(hyper.vocabulary)?;
        if let Some(difference) = draft.as_ref().and_then(|draft| text.difference(&draft.text)) {
            return Err(LoadError::Vocabulary(difference));
        }
        let template = Template::of(&file, &text, options.trust_template).map_err(LoadError::Template)?;
        tracing::info!(template = ?template.origin(), "chat template");
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        };
        let (model, kernel) = model(&file, &hyper, threads, options)?;
        let kept = match &options.keep {
            Some(keep) => Kept::new(keep, &options.sha256, &*model, &text, &template).map_err(LoadError::Template)?,
            None => Kept::default(),
        };
        let draft = draft.map(|draft| draft.start(threads, &file, text.clone())).transpose()?;
        let (engine, queue) = Self::with_queue(ModelInfo {
            id: if options.id.is_empty() { stem(file.path()) } else { options.id.clone() },
            sha256: options.sha256.clone(),
            architecture: hyper.architecture.name().to_owned(),
            quantisation: file.quantisation(),
            context: model.context(),
            hidden_size: hyper.width,
            kernel,
            threads,
        });
        std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || worker::serve(model, text, template, kept, draft, queue))
            .map_err(|error| LoadError::Failed(error.to_string()))?;
        Ok(engine)
    }
}

/// A draft model on its way.
struct Drafting {
    file: Arc<File>,
    hyper: Hyperparameters,
    text: Text,
    options: LoadOptions,
}

impl Drafting {
    fn read(file: File, options: &LoadOptions) -> Result<Self, LoadError> {
        let hyper = Hyperparameters::read(&file).map_err(LoadError::Draft)?;
        let text = Text::read(&file).map_err(LoadError::Draft)?;
        text.check_rows(hyper.vocabulary).map_err(LoadError::Draft)?;
        let cache_bytes = options.draft.as_ref().map_or(options.cache_bytes, |draft| draft.cache_bytes);
        Ok(Self { file: Arc::new(file), hyper, text, options: LoadOptions { cache_bytes, ..options.clone() } })
    }

    fn needed(&self) -> u64 {
        needed(&self.file, &self.hyper, &self.options)
    }

    /// Beside the model in `large`.
    fn start(&self, threads: usize, large: &File, text: Arc<Text>) -> Result<Draft, LoadError> {
        let (model, _) = model(&self.file, &self.hyper, threads, &self.options)?;
        // Writing is bound by reading the weights.
        let step = self.file.length() as f32 / large.length().max(1) as f32;
        Ok(Draft::new(model, text, step))
    }
}

/// The fast path where it can, candle's own model where it cannot.
fn model(
    file: &Arc<File>,
    hyper: &Hyperparameters,
    threads: usize,
    options: &LoadOptions,
) -> Result<(Box<dyn Model>, String), LoadError> {
    let fast = model::LoadOptions {
        threads,
        kernel: options.kernel,
        context: options.context,
        cache_bytes: options.cache_bytes,
        cache_type: options.cache_type,
    };
    match model::load(file.clone(), &fast) {
        Ok(model) => Ok((model, options.kernel.unwrap_or_else(Kernel::best).name().to_owned())),
        Err(model::LoadError::File(error)) => Err(error.into()),
        Err(model::LoadError::Unsupported(reason)) => {
            tracing::warn!(reason, "no fast path for this model, using the slow one");
            let fallback = Fallback::load(file, hyper, options.context, options.cache_bytes);
            let failed = |error: ModelError| LoadError::Failed(error.to_string());
            Ok((Box::new(fallback.map_err(failed)?), "candle".into()))
        }
        Err(error @ (model::LoadError::Threads { .. } | model::LoadError::Memory { .. })) => {
            Err(LoadError::Failed(error.to_string()))
        }
    }
}

/// The weights must be in memory to be fast, and a conversation needs its cache: counted here for 8,192 tokens or
/// what the options allow.
fn needed(file: &File, hyper: &Hyperparameters, options: &LoadOptions) -> u64 {
    let cache = (options.cache_type, options.cache_bytes);
    memory_needed(file.length() as u64, hyper, options.context.min(8192), cache)
}

fn check_memory(need: u64) -> Result<(), LoadError> {
    match memory::available() {
        Some(available) if available < need => Err(LoadError::NotEnoughMemory { need, available }),
        _ => Ok(()),
    }
}

/// Bytes for the weights, the cache of `tokens` tokens, and working space.
#[must_use]
pub fn memory_needed(
    file_bytes: u64,
    hyper: &Hyperparameters,
    tokens: usize,
    (cache, cache_bytes): (CacheType, usize),
) -> u64 {
    let per_token = hyper.blocks * hyper.kv_heads * (cache.bytes(hyper.key_width) + cache.bytes(hyper.value_width));
    let cache = (per_token as u64).saturating_mul(tokens as u64).min(cache_bytes as u64);
    // Scratch and logits; a candle model would need twice the file, which is the fallback's own risk.
    let scratch = 64 << 20;
    file_bytes.saturating_add(cache).saturating_add(scratch)
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "model".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gguf::Architecture;
    use crate::tiny::Tiny;

    #[test]
    fn errors_name_what_is_wrong() {
        let error = Engine::load(Path::new("/no/such/model.gguf"), &LoadOptions::default()).map(|_| ());
        assert!(matches!(error, Err(LoadError::File(gguf::Error::NotFound(_)))));
        let mut bytes = Tiny::default().bytes();
        bytes.truncate(bytes.len() / 2);
        assert!(matches!(File::from_bytes(bytes), Err(gguf::Error::Corrupt { check: "tensor bounds", .. })));
    }

    #[test]
    fn the_memory_needed_grows_with_the_context_up_to_the_budget() {
        let hyper = Hyperparameters::read(&Tiny::default().file()).expect("valid");
        // Two layers, two heads of 64 keys and 64 values in f16: 1,024 bytes a token.
        assert_eq!(memory_needed(1000, &hyper, 100, (CacheType::F16, 1 << 30)), 1000 + 102_400 + (64 << 20));
        assert_eq!(memory_needed(1000, &hyper, 100, (CacheType::F16, 4096)), 1000 + 4096 + (64 << 20));
        let error = LoadError::NotEnoughMemory { need: 3 << 30, available: 1 << 30 };
        insta::assert_snapshot!(error, @"the model needs about 3072 MiB of memory, 1024 MiB are free (close other programs or choose a smaller model)");
    }

    #[test]
    fn a_draft_model_of_another_vocabulary_is_refused() {
        let load = |draft: Tiny| {
            let options = LoadOptions { threads: 1, cache_bytes: 4 << 20, ..LoadOptions::default() };
            Engine::of_files(Tiny::default().file(), Some(draft.file()), &options).map(|_| ())
        };
        assert!(load(Tiny { blocks: 1, seed: 9, ..Tiny::default() }).is_ok());
        // Another family with the same tokens may draft.
        let gemma = load(Tiny::new(Architecture::Gemma3, candle_core::quantized::GgmlDType::Q8_0));
        assert!(gemma.is_ok());
        let mut bytes = Tiny::default().bytes();
        let at = bytes.windows(8).position(|window| window == b"</think>").expect("a token");
        bytes[at..at + 8].copy_from_slice(b"</THINK>");
        let other = Some(File::from_bytes(bytes).expect("a valid header"));
        let other = Engine::of_files(Tiny::default().file(), other, &LoadOptions::default()).map(|_| ()).unwrap_err();
        let told = other.to_string();
        assert!(
            told.contains(r#"is "</THINK>" instead of "</think>" (name a smaller model of the same family"#),
            "{told}"
        );
    }

    #[test]
    fn the_memory_of_a_draft_model_is_counted() {
        // A cache of the draft model that no machine has.
        let draft = |cache_bytes| Some(DraftOptions { path: PathBuf::new(), cache_bytes });
        let tiny = Tiny { kv_heads: 4, ..Tiny::default() };
        let hyper = Hyperparameters::read(&tiny.file()).expect("valid");
        let options = LoadOptions { draft: draft(1 << 20), ..LoadOptions::default() };
        let drafting = Drafting::read(tiny.file(), &options).expect("valid");
        let whole = (CacheType::F16, 1 << 20);
        assert_eq!(drafting.needed(), memory_needed(tiny.file().length() as u64, &hyper, 8192, whole));
    }

    #[test]
    fn a_model_says_what_it_is() {
        let tiny = Tiny { architecture: Architecture::Llama, ..Tiny::default() };
        let engine = Engine::of_file(tiny.file(), &LoadOptions { id: "tiny".into(), ..LoadOptions::default() });
        let engine = engine.expect("loads");
        let info = engine.info();
        assert_eq!((info.id.as_str(), info.architecture.as_str(), info.context), ("tiny", "llama", 4096));
        assert_eq!(info.quantisation, "Q8_0");
    }
}

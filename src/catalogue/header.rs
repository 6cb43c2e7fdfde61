//! What a model file says of itself, for models that the catalogue does not know. Nothing in it is trusted beyond the
//! engine's own checks of the file.

use std::path::Path;

use offrecord_engine::gguf::{self, Hyperparameters};
use offrecord_engine::template::{Origin, Template};
use offrecord_engine::text::Text;

use super::error::CatalogueError;
use super::fit::Shape;

/// The facts of a file that a person or the memory estimate needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// GGUF architecture, such as `qwen2`.
    pub architecture: String,
    /// Such as `Q4_K_M`.
    pub quantisation: String,
    /// What it costs.
    pub shape: Shape,
}

/// Whose chat template a model is asked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatTemplate {
    /// The file's own, which we have read.
    Known,
    /// A built-in one of this name, since the file has none.
    Missing(&'static str),
    /// A built-in one of this name, since nobody has read the file's own, which has this SHA-256.
    Unknown {
        /// The name.
        built_in: &'static str,
        /// Of the file's own.
        sha256: String,
    },
}

/// Which chat template a file would be asked with. Reads its vocabulary.
///
/// # Errors
/// [`CatalogueError::Unusable`] when its vocabulary cannot be used.
pub fn chat_template(path: &Path) -> Result<ChatTemplate, CatalogueError> {
    let unusable = |reason: String| CatalogueError::Unusable { file: path.to_owned(), reason };
    let file = gguf::File::open(path).map_err(|error| unusable(error.to_string()))?;
    let text = Text::read(&file).map_err(|error| unusable(error.to_string()))?;
    let template = Template::of(&file, &text, false).map_err(|error| unusable(error.to_string()))?;
    let own = file.string("tokenizer.chat_template");
    Ok(match (template.origin(), own) {
        (Origin::Known(_) | Origin::Trusted, _) => ChatTemplate::Known,
        (Origin::BuiltIn(built_in), None) => ChatTemplate::Missing(built_in),
        (Origin::BuiltIn(built_in), Some(own)) => ChatTemplate::Unknown { built_in, sha256: hex_sha256(own) },
    })
}

/// Checks everything that loading asks of a file before it reads weights: the header, the vocabulary and that both agree.
///
/// # Errors
/// [`CatalogueError::Unusable`], with what is wrong.
pub fn check_loadable(path: &Path) -> Result<(), CatalogueError> {
    let unusable = |error: gguf::Error| CatalogueError::Unusable { file: path.to_owned(), reason: error.to_string() };
    let file = gguf::File::open(path).map_err(unusable)?;
    if file.parts() > 1 {
        let parts = file.parts();
        let reason = format!("it is one of {parts} parts of a model: join them first (llama-gguf-split --merge)");
        return Err(CatalogueError::Unusable { file: path.to_owned(), reason });
    }
    let hyper = Hyperparameters::read(&file).map_err(unusable)?;
    let text = Text::read(&file).map_err(unusable)?;
    text.check_rows(hyper.vocabulary).map_err(unusable)
}

/// Reads and checks a file's header: the format, every length and offset, the architecture and its hyper-parameters.
///
/// # Errors
/// [`CatalogueError::Unusable`], with what is wrong.
pub fn read(path: &Path) -> Result<Header, CatalogueError> {
    let unusable = |error: gguf::Error| CatalogueError::Unusable { file: path.to_owned(), reason: error.to_string() };
    let file = gguf::File::open(path).map_err(unusable)?;
    let hyper = Hyperparameters::read(&file).map_err(unusable)?;
    Ok(Header {
        architecture: hyper.architecture.name().to_owned(),
        quantisation: file.quantisation(),
        shape: Shape {
            weights: file.length() as u64,
            layers: hyper.blocks,
            kv_heads: hyper.kv_heads,
            head_dim: hyper.key_width.max(hyper.value_width),
            context: hyper.context,
            cache: crate::engine::CacheType::default(),
        },
    })
}

fn hex_sha256(text: &str) -> String {
    use sha2::Digest as _;
    super::name::Sha256::of(&sha2::Sha256::digest(text.as_bytes()).into()).into()
}

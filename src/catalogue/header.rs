//! What a model file says of itself, for models that the catalogue does not know. Nothing in it is trusted beyond the
//! engine's own checks of the file.

use std::path::Path;

use offrecord_engine::gguf::{self, Hyperparameters};

use super::error::CatalogueError;
use super::fit::Shape;

/// The facts of a file that a person or the memory estimate needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) architecture: String,
    pub(crate) quantisation: String,
    pub(crate) shape: Shape,
}

/// Reads and checks a file's header: the format, every length and offset, the architecture and its hyper-parameters.
pub(crate) fn read(path: &Path) -> Result<Header, CatalogueError> {
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
        },
    })
}

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
        quantisation: quantisation(file.unsigned("general.file_type")).to_owned(),
        shape: Shape {
            weights: file.length() as u64,
            layers: hyper.blocks,
            kv_heads: hyper.kv_heads,
            head_dim: hyper.key_width.max(hyper.value_width),
            context: hyper.context,
        },
    })
}

/// The usual name of `general.file_type` (the numbers of the GGUF specification).
fn quantisation(file_type: Option<u64>) -> &'static str {
    match file_type {
        Some(0) => "F32",
        Some(1) => "F16",
        Some(2) => "Q4_0",
        Some(3) => "Q4_1",
        Some(7) => "Q8_0",
        Some(8) => "Q5_0",
        Some(9) => "Q5_1",
        Some(10) => "Q2_K",
        Some(11) => "Q3_K_S",
        Some(12) => "Q3_K_M",
        Some(13) => "Q3_K_L",
        Some(14) => "Q4_K_S",
        Some(15) => "Q4_K_M",
        Some(16) => "Q5_K_S",
        Some(17) => "Q5_K_M",
        Some(18) => "Q6_K",
        Some(32) => "BF16",
        _ => "unknown",
    }
}

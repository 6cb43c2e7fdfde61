//! Whisper's weights from a file, under the names of the original in Hugging Face's form, as candle's tensors. Two
//! formats are read: safetensors, and CTranslate2's `model.bin` ([`ctranslate`]).

pub mod ctranslate;
mod names;

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};

/// Largest file that is read: the largest Whisper in half precision has 3.1 GB, what runs here has a tenth of it.
const MOST_BYTES: u64 = 1 << 30;

/// Why a file is no model that runs here.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is damaged or hostile.
    #[error("not a usable speech model: {0} (pull it again)")]
    Corrupt(String),
    /// It is whole, but not a Whisper that runs here.
    #[error("this speech model does not run here: {0} (use whisper-tiny.en or whisper-base)")]
    Unsupported(String),
}

impl CheckpointError {
    fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }
}

impl From<candle_core::Error> for CheckpointError {
    fn from(error: candle_core::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}

/// The tensors of a model, such as `model.encoder.conv1.weight`.
pub struct Checkpoint {
    tensors: HashMap<String, Tensor>,
}

impl Checkpoint {
    /// Reads a file of either format; its beginning says which.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let io = |source| CheckpointError::Io { path: path.to_owned(), source };
        let length = std::fs::metadata(path).map_err(io)?.len();
        if length > MOST_BYTES {
            return Err(CheckpointError::corrupt(format!("{length} bytes")));
        }
        Self::read(&std::fs::read(path).map_err(io)?)
    }

    /// As [`Checkpoint::open`], from memory.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn read(bytes: &[u8]) -> Result<Self, CheckpointError> {
        // A safetensors file begins with the length of its JSON header.
        let tensors = if bytes.get(8) == Some(&b'{') {
            let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)?;
            // Files of the training code lack the first part of the names.
            let named = |name: String| if name.starts_with("model.") { name } else { format!("model.{name}") };
            tensors.into_iter().map(|(name, tensor)| (named(name), tensor)).collect()
        } else {
            names::renamed(ctranslate::read(bytes)?)?
        };
        Ok(Self { tensors })
    }

    /// A tensor's shape, if there is one of that name.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(Tensor::dims)
    }

    /// A tensor's values in single precision, checked against the shape that it must have.
    ///
    /// # Errors
    /// [`CheckpointError::Corrupt`] when it is missing or another shape.
    pub fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let tensor = self.tensors.get(name).ok_or_else(|| CheckpointError::corrupt(format!("{name} is missing")))?;
        if tensor.dims() != shape {
            return Err(CheckpointError::corrupt(format!("{name} has the shape {:?}, not {shape:?}", tensor.dims())));
        }
        let values: Vec<f32> = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
        if values.iter().all(|value| value.is_finite()) {
            return Ok(values);
        }
        Err(CheckpointError::corrupt(format!("{name} holds values that are no numbers")))
    }

    /// All tensors, for a reference implementation.
    #[must_use]
    pub fn into_tensors(self) -> HashMap<String, Tensor> {
        self.tensors
    }
}

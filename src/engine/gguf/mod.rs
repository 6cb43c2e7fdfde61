//! A GGUF model file: memory-mapped, validated before anything is believed, read through typed getters.
//!
//! Owns the file format. Knows no tokenizer, no transformer and no catalogue. The file is hostile until checked: see
//! `parse` for the limits and `hyper` for the bounds of the numbers that loaders allocate from.

mod hyper;
mod map;
mod mix;
pub mod parse;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::quantized::GgmlDType;

pub use hyper::{Architecture, Hyperparameters};
pub use parse::{Header, Kind, Value};

/// Why a file is not a usable model.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file.
    #[error("no such model file: {0}")]
    NotFound(PathBuf),
    /// The operating system refused.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A check failed.
    #[error("the model file is damaged or hostile ({check}): {detail}")]
    Corrupt {
        /// Which check.
        check: &'static str,
        /// What it found.
        detail: String,
    },
    /// Metadata or a tensor that a model needs is missing or has the wrong type.
    #[error("the model file does not say {0}")]
    Missing(String),
    /// A model family that we do not run.
    #[error("model architecture {0:?} is not supported (supported: llama, qwen2, qwen3, gemma3, phi3)")]
    Unsupported(String),
    /// A way of cutting text that we do not know.
    #[error(
        "tokenizer {0:?} is not supported (supported: SentencePiece, and byte-level BPE of the Qwen, Llama 3, SmolLM and GPT-2 kinds)"
    )]
    Tokenizer(String),
}

impl Error {
    pub(crate) fn corrupt(check: &'static str, detail: impl Into<String>) -> Self {
        Self::Corrupt { check, detail: detail.into() }
    }
}

/// Where a tensor lies and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Encoding of its rows.
    pub dtype: GgmlDType,
    /// Extents, outermost first: a weight matrix is `[rows (outputs), columns (inputs, contiguous)]`.
    pub shape: Vec<usize>,
    /// First byte, from the start of the file.
    pub offset: usize,
    /// Encoded size in bytes.
    pub bytes: usize,
}

impl Tensor {
    /// Number of elements. Checked not to overflow when the file was opened.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A validated model file.
pub struct File {
    header: Header,
    map: Bytes,
    path: PathBuf,
}

/// Where the bytes live: on disk, or in memory for a model that a test made.
enum Bytes {
    Map(memmap2::Mmap),
    Memory(Vec<u8>),
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Map(map) => map,
            Self::Memory(bytes) => bytes,
        }
    }
}

impl File {
    /// Maps and validates a file. Reads the header only; the weights stay on disk until they are touched.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let map = map::map(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::NotFound(path.to_owned()),
            std::io::ErrorKind::UnexpectedEof => Error::corrupt("size", "the file is empty"),
            _ => Error::Unreadable { path: path.to_owned(), source },
        })?;
        let header = parse::parse(&map)?;
        Ok(Self { header, map: Bytes::Map(map), path: path.to_owned() })
    }

    /// Validates a model that is already in memory, such as one of [`crate::tiny`].
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Error> {
        let header = parse::parse(&bytes)?;
        Ok(Self { header, map: Bytes::Memory(bytes), path: PathBuf::new() })
    }

    /// Lets go of the memory that a part of the file takes; it can be read again.
    pub(crate) fn release(&self, offset: usize, bytes: usize) {
        if let Bytes::Map(map) = &self.map {
            map::release(map, offset, bytes);
        }
    }

    /// Where the file is; empty for a model in memory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Size of the file in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.map.len()
    }

    /// The whole file, for readers that parse it themselves.
    #[must_use]
    pub fn whole(&self) -> &[u8] {
        &self.map
    }

    /// All metadata keys and values.
    #[must_use]
    pub fn metadata(&self) -> &HashMap<String, Value> {
        &self.header.metadata
    }

    /// All tensors by name.
    #[must_use]
    pub fn tensors(&self) -> &HashMap<String, Tensor> {
        &self.header.tensors
    }

    /// A tensor that the model cannot do without.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn tensor(&self, name: &str) -> Result<&Tensor, Error> {
        self.header.tensors.get(name).ok_or_else(|| Error::Missing(format!("where tensor {name} is")))
    }

    /// The whole file.
    #[must_use]
    pub(crate) fn all(&self) -> &[u8] {
        &self.map
    }

    /// The encoded bytes of a tensor of this file.
    #[must_use]
    pub fn bytes(&self, tensor: &Tensor) -> &[u8] {
        &self.map[tensor.offset..tensor.offset + tensor.bytes]
    }

    /// An unsigned integer, whatever its width in the file; a non-negative signed one counts.
    #[must_use]
    pub fn unsigned(&self, key: &str) -> Option<u64> {
        match self.header.metadata.get(key)? {
            Value::Unsigned(value) => Some(*value),
            Value::Signed(value) => u64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// A float of either width.
    #[must_use]
    pub fn float(&self, key: &str) -> Option<f64> {
        match self.header.metadata.get(key)? {
            Value::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// A truth value.
    #[must_use]
    pub fn boolean(&self, key: &str) -> Option<bool> {
        match self.header.metadata.get(key)? {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A string; `None` also when it is not UTF-8.
    #[must_use]
    pub fn string(&self, key: &str) -> Option<&str> {
        match self.header.metadata.get(key)? {
            Value::String(range) => std::str::from_utf8(&self.map[range.clone()]).ok(),
            _ => None,
        }
    }

    /// A list of strings, borrowed from the map.
    ///
    /// # Errors
    /// [`Error::Missing`] without such a list, [`Error::Corrupt`] when an element is not UTF-8.
    pub fn strings(&self, key: &str) -> Result<Vec<&str>, Error> {
        let Some(Value::Array { kind: Kind::String, count, bytes }) = self.header.metadata.get(key) else {
            return Err(Error::Missing(format!("{key} (a list of strings)")));
        };
        let mut rest = &self.map[bytes.clone()];
        let mut list = Vec::with_capacity(*count);
        while let Some((length, tail)) = rest.split_first_chunk::<8>() {
            let (text, tail) = tail.split_at(u64::from_le_bytes(*length) as usize);
            list.push(std::str::from_utf8(text).map_err(|_| Error::corrupt("metadata string", key))?);
            rest = tail;
        }
        Ok(list)
    }

    /// A list of integers of any width.
    ///
    /// # Errors
    /// [`Error::Missing`] without such a list.
    pub fn integers(&self, key: &str) -> Result<Vec<i64>, Error> {
        let missing = || Error::Missing(format!("{key} (a list of integers)"));
        let Some(Value::Array { kind, bytes, .. }) = self.header.metadata.get(key) else { return Err(missing()) };
        let width = kind.width().ok_or_else(missing)?;
        let signed = match kind {
            Kind::I8 | Kind::I16 | Kind::I32 | Kind::I64 => true,
            Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64 | Kind::Bool => false,
            _ => return Err(missing()),
        };
        let decode = |element: &[u8]| {
            let negative = signed && element.last().is_some_and(|top| top & 0x80 != 0);
            let mut wide = [if negative { 0xff } else { 0 }; 8];
            wide[..element.len()].copy_from_slice(element);
            i64::from_le_bytes(wide)
        };
        Ok(self.map[bytes.clone()].chunks_exact(width).map(decode).collect())
    }

    /// A list of floats of either width.
    ///
    /// # Errors
    /// [`Error::Missing`] without such a list.
    pub fn floats(&self, key: &str) -> Result<Vec<f32>, Error> {
        match self.header.metadata.get(key) {
            Some(Value::Array { kind: Kind::F32, bytes, .. }) => {
                let (elements, _) = self.map[bytes.clone()].as_chunks::<4>();
                Ok(elements.iter().map(|e| f32::from_le_bytes(*e)).collect())
            }
            Some(Value::Array { kind: Kind::F64, bytes, .. }) => {
                let (elements, _) = self.map[bytes.clone()].as_chunks::<8>();
                Ok(elements.iter().map(|e| f64::from_le_bytes(*e) as f32).collect())
            }
            _ => Err(Error::Missing(format!("{key} (a list of floats)"))),
        }
    }
}

impl std::fmt::Debug for File {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("gguf::File").field("path", &self.path).field("length", &self.map.len()).finish()
    }
}

#[cfg(test)]
mod tests;

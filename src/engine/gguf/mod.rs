//! A GGUF model file: memory-mapped, validated before anything is believed, read through typed getters.
//!
//! Owns the file format. Knows no tokenizer, no transformer and no catalogue. The file is hostile until checked: see
//! `parse` for the limits and `hyper` for the bounds of the numbers that loaders allocate from.

mod hyper;
mod map;
mod mix;
pub mod parse;
mod split;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::quantized::GgmlDType;

pub use hyper::{Architecture, Experts, Hyperparameters, LONG_FACTORS, RopeScaling, SHORT_FACTORS};
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
    #[error("the model file is damaged or hostile ({check}): {detail} (bring it here again, or take another)")]
    Corrupt {
        /// Which check.
        check: &'static str,
        /// What it found.
        detail: String,
    },
    /// Metadata or a tensor that a model needs is missing or has the wrong type.
    #[error("the model file does not say {0} (it is incomplete: bring it here again, or take another)")]
    Missing(String),
    /// A model family that we do not run.
    #[error(
        "model architecture {0:?} is not supported (supported: llama, qwen2, qwen3, qwen3moe, gemma3, phi3, glm4; take a model of one of these)"
    )]
    Unsupported(String),
    /// Weights in an encoding that we do not read.
    #[error(
        "{tensor} is stored as {encoding}, which is not supported (take the same model as Q4_K_M or Q8_0; supported: F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K)"
    )]
    Encoding {
        /// Which tensor.
        tensor: String,
        /// The encoding's name.
        encoding: &'static str,
    },
    /// A model in several files, and one is not there.
    #[error("part {part} of {count} of this model is missing: {} (put all parts into one folder)", path.display())]
    MissingPart {
        /// Where it should be.
        path: PathBuf,
        /// Which one, from 1.
        part: usize,
        /// Of how many.
        count: usize,
    },
    /// A model in several files, and the one named is not the first.
    #[error("this is part {part} of {count} of a model (name the first, …-00001-of-{count:05}.gguf, instead)")]
    NotFirst {
        /// Which one, from 1.
        part: usize,
        /// Of how many.
        count: usize,
    },
    /// A way of cutting text that we do not know.
    #[error(
        "tokenizer {0:?} is not supported (supported: SentencePiece, and byte-level BPE of the Qwen, Llama 3, Mistral, SmolLM, GPT-2 and GPT-4o kinds; take a model with one of these)"
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
    /// Which file of a model in several, from 0.
    pub part: usize,
    /// First byte, from the start of that file.
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
    /// The other files of a model in several.
    more: Vec<Bytes>,
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
        let map = Bytes::Map(mapped(path)?);
        let header = parse::parse(&map)?;
        let mut file = Self { header, map, more: Vec::new(), path: path.to_owned() };
        for path in split::others(&file)? {
            file.join(Bytes::Map(mapped(&path)?))?;
        }
        split::check(&file)?;
        Ok(file)
    }

    /// Adds the next file of a model in several.
    fn join(&mut self, map: Bytes) -> Result<(), Error> {
        let header = parse::parse(&map)?;
        let part = self.more.len() + 1;
        split::follows(self, &header, part)?;
        for (name, tensor) in header.tensors {
            if self.header.tensors.insert(name.clone(), Tensor { part, ..tensor }).is_some() {
                return Err(Error::corrupt("duplicate tensor", name));
            }
        }
        self.more.push(map);
        Ok(())
    }

    /// Validates a model that is already in memory, such as one of [`crate::tiny`].
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Error> {
        let header = parse::parse(&bytes)?;
        Ok(Self { header, map: Bytes::Memory(bytes), more: Vec::new(), path: PathBuf::new() })
    }

    /// Lets go of the memory that some bytes of a file take; they can be read again.
    pub(crate) fn release(&self, part: usize, offset: usize, bytes: usize) {
        if let Bytes::Map(map) = self.part(part) {
            map::release(map, offset, bytes);
        }
    }

    fn part(&self, part: usize) -> &Bytes {
        part.checked_sub(1).map_or(&self.map, |more| &self.more[more])
    }

    /// Files that the model is in.
    #[must_use]
    pub fn parts(&self) -> usize {
        1 + self.more.len()
    }

    /// Where the file is; empty for a model in memory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Size in bytes, of all files together.
    #[must_use]
    pub fn length(&self) -> usize {
        self.map.len() + self.more.iter().map(|map| map.len()).sum::<usize>()
    }

    /// The whole (first) file, for readers that parse it themselves.
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

    /// Some bytes of one of the files.
    #[must_use]
    pub(crate) fn range(&self, part: usize, offset: usize, bytes: usize) -> &[u8] {
        &self.part(part)[offset..offset + bytes]
    }

    /// The encoded bytes of a tensor of this file.
    #[must_use]
    pub fn bytes(&self, tensor: &Tensor) -> &[u8] {
        self.range(tensor.part, tensor.offset, tensor.bytes)
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

fn mapped(path: &Path) -> Result<memmap2::Mmap, Error> {
    map::map(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::NotFound(path.to_owned()),
        std::io::ErrorKind::UnexpectedEof => Error::corrupt("size", "the file is empty"),
        _ => Error::Unreadable { path: path.to_owned(), source },
    })
}

impl std::fmt::Debug for File {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("gguf::File").field("path", &self.path).field("length", &self.length()).finish()
    }
}

#[cfg(test)]
mod tests;

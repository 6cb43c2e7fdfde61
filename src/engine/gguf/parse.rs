//! The GGUF header parser: bytes in, a validated header out. Knows no file system and no model.
//!
//! Specification: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. Every length is checked against the
//! bytes that are there before anything is reserved, so a lying header costs no memory. Arrays stay where they are in
//! the file (a range), because a vocabulary of 250,000 strings need not be copied to be checked.

use std::collections::HashMap;
use std::ops::Range;

use candle_core::quantized::GgmlDType;

use super::{Error, Tensor};

/// Most metadata entries.
pub const MAX_ENTRIES: u64 = 4096;
/// Longest key, in bytes.
pub const MAX_KEY: u64 = 256;
/// Longest string value, in bytes.
pub const MAX_STRING: u64 = 4 << 20;
/// Most elements of an array.
pub const MAX_ARRAY: u64 = 4 << 20;
/// Most bytes of metadata in all.
pub const MAX_METADATA: usize = 256 << 20;
/// Most tensors.
pub const MAX_TENSORS: u64 = 16_384;
/// Longest tensor name, in bytes.
pub const MAX_NAME: u64 = 128;
/// Alignment of tensor data when the file names none.
pub const DEFAULT_ALIGNMENT: u64 = 32;

/// The type of a metadata value, without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Unsigned, 8 bits.
    U8,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 16 bits.
    U16,
    /// Signed, 16 bits.
    I16,
    /// Unsigned, 32 bits.
    U32,
    /// Signed, 32 bits.
    I32,
    /// Float, 32 bits.
    F32,
    /// One byte, 0 or 1.
    Bool,
    /// Length and UTF-8.
    String,
    /// A list of one of the other kinds.
    Array,
    /// Unsigned, 64 bits.
    U64,
    /// Signed, 64 bits.
    I64,
    /// Float, 64 bits.
    F64,
}

impl Kind {
    fn from_code(code: u32) -> Option<Self> {
        Some(match code {
            0 => Self::U8,
            1 => Self::I8,
            2 => Self::U16,
            3 => Self::I16,
            4 => Self::U32,
            5 => Self::I32,
            6 => Self::F32,
            7 => Self::Bool,
            8 => Self::String,
            9 => Self::Array,
            10 => Self::U64,
            11 => Self::I64,
            12 => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of one value; `None` for strings and arrays.
    pub(super) fn width(self) -> Option<usize> {
        Some(match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
            Self::String | Self::Array => return None,
        })
    }
}

/// A metadata value: scalars by value, strings and arrays by their place in the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any unsigned integer.
    Unsigned(u64),
    /// Any signed integer.
    Signed(i64),
    /// Either float.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Where the UTF-8 bytes lie.
    String(Range<usize>),
    /// Where the encoded elements lie.
    Array {
        /// What each element is; never `Array`.
        kind: Kind,
        /// How many.
        count: usize,
        /// Where.
        bytes: Range<usize>,
    },
}

/// What a valid header says.
#[derive(Clone, Debug)]
pub struct Header {
    /// 2 or 3.
    pub version: u32,
    /// Alignment of tensor data, a power of two from 8 to 4096.
    pub alignment: usize,
    /// Key to value.
    pub metadata: HashMap<String, Value>,
    /// Name to tensor; `Tensor::offset` counts from the start of the file.
    pub tensors: HashMap<String, Tensor>,
}

/// Parses and validates the header at the start of `file`, the whole file's bytes.
///
/// # Errors
/// [`Error::Corrupt`] naming the check that failed.
pub fn parse(file: &[u8]) -> Result<Header, Error> {
    let mut reader = Reader { file, at: 0 };
    if reader.take(4, "magic")? != b"GGUF" {
        return Err(Error::corrupt("magic", "this is not a GGUF file"));
    }
    let version = reader.u32("version")?;
    if !(2..=3).contains(&version) {
        return Err(Error::corrupt("version", format!("GGUF version {version} (2 and 3 are known)")));
    }
    let tensor_count = reader.u64("tensor count")?;
    let entry_count = reader.u64("metadata count")?;
    if tensor_count > MAX_TENSORS {
        return Err(Error::corrupt("tensor count", format!("{tensor_count} tensors, at most {MAX_TENSORS}")));
    }
    if entry_count > MAX_ENTRIES {
        return Err(Error::corrupt("metadata count", format!("{entry_count} entries, at most {MAX_ENTRIES}")));
    }
    let metadata = entries(&mut reader, entry_count)?;
    let alignment = alignment(&metadata)?;
    let described = tensors(&mut reader, tensor_count)?;
    let tensors = place(described, reader.at, alignment, file.len())?;
    Ok(Header { version, alignment, metadata, tensors })
}

fn entries(reader: &mut Reader<'_>, count: u64) -> Result<HashMap<String, Value>, Error> {
    let start = reader.at;
    let mut metadata = HashMap::new();
    for _ in 0..count {
        let key = reader.text(MAX_KEY, "metadata key")?.to_owned();
        if key.is_empty() {
            return Err(Error::corrupt("metadata key", "empty key"));
        }
        let code = reader.u32("metadata type")?;
        let kind = Kind::from_code(code)
            .ok_or_else(|| Error::corrupt("metadata type", format!("{key} has unknown type {code}")))?;
        let value = reader.value(kind, &key)?;
        if reader.at - start > MAX_METADATA {
            return Err(Error::corrupt("metadata size", format!("more than {MAX_METADATA} bytes of metadata")));
        }
        if metadata.contains_key(&key) {
            return Err(Error::corrupt("duplicate key", key));
        }
        metadata.insert(key, value);
    }
    Ok(metadata)
}

fn alignment(metadata: &HashMap<String, Value>) -> Result<usize, Error> {
    let declared = match metadata.get("general.alignment") {
        None => DEFAULT_ALIGNMENT,
        Some(Value::Unsigned(alignment)) => *alignment,
        Some(_) => return Err(Error::corrupt("alignment", "general.alignment is not an unsigned integer")),
    };
    if !(8..=4096).contains(&declared) || !declared.is_power_of_two() {
        return Err(Error::corrupt("alignment", format!("{declared} is not a power of two from 8 to 4096")));
    }
    Ok(declared as usize)
}

/// The tensor descriptions, with offsets still relative to the data section.
fn tensors(reader: &mut Reader<'_>, count: u64) -> Result<Vec<(String, Tensor)>, Error> {
    let mut described = Vec::new();
    for _ in 0..count {
        let name = reader.text(MAX_NAME, "tensor name")?.to_owned();
        if name.is_empty() {
            return Err(Error::corrupt("tensor name", "empty name"));
        }
        let dimensions = reader.u32("tensor dimensions")?;
        if !(1..=4).contains(&dimensions) {
            return Err(Error::corrupt("tensor dimensions", format!("{name} has {dimensions} dimensions")));
        }
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            let extent = reader.u64("tensor shape")?;
            if extent == 0 || extent > i64::MAX as u64 {
                return Err(Error::corrupt("tensor shape", format!("{name} has an extent of {extent}")));
            }
            shape.push(extent as usize);
        }
        let code = reader.u32("tensor type")?;
        let dtype = dtype_from_code(code).ok_or_else(|| match encoding(code) {
            Some(encoding) => Error::Encoding { tensor: name.clone(), encoding },
            None => Error::corrupt("tensor type", format!("{name} has type {code}, which nothing has")),
        })?;
        let row = shape[0];
        if row % dtype.block_size() != 0 {
            let block = dtype.block_size();
            return Err(Error::corrupt("tensor row", format!("{name} has rows of {row}, not a multiple of {block}")));
        }
        let bytes = shape
            .iter()
            .try_fold(1usize, |product, extent| product.checked_mul(*extent))
            .and_then(|elements| (elements / dtype.block_size()).checked_mul(dtype.type_size()))
            .filter(|bytes| *bytes <= isize::MAX as usize)
            .ok_or_else(|| Error::corrupt("tensor size", format!("the size of {name} overflows")))?;
        let offset = reader.u64("tensor offset")?;
        let offset = usize::try_from(offset)
            .map_err(|_| Error::corrupt("tensor offset", format!("the offset of {name} overflows")))?;
        shape.reverse();
        described.push((name, Tensor { dtype, shape, part: 0, offset, bytes }));
    }
    Ok(described)
}

/// Turns relative offsets to absolute ones and checks that every tensor lies in the file, aligned and on its own.
fn place(
    described: Vec<(String, Tensor)>,
    header_end: usize,
    alignment: usize,
    file_length: usize,
) -> Result<HashMap<String, Tensor>, Error> {
    let data = header_end
        .checked_next_multiple_of(alignment)
        .ok_or_else(|| Error::corrupt("data offset", "the start of the tensor data overflows"))?;
    let mut spans = Vec::new();
    let mut placed = HashMap::new();
    for (name, mut tensor) in described {
        if tensor.offset % alignment != 0 {
            let offset = tensor.offset;
            return Err(Error::corrupt("tensor alignment", format!("{name} at {offset} is not aligned")));
        }
        let start = data.checked_add(tensor.offset);
        let end = start.and_then(|start| start.checked_add(tensor.bytes)).filter(|end| *end <= file_length);
        let (Some(start), Some(end)) = (start, end) else {
            return Err(Error::corrupt(
                "tensor bounds",
                format!("{name} ends beyond the file (is the file cut short?)"),
            ));
        };
        tensor.offset = start;
        spans.push((start, end, name.clone()));
        if placed.insert(name.clone(), tensor).is_some() {
            return Err(Error::corrupt("duplicate tensor", name));
        }
    }
    spans.sort_unstable();
    for pair in spans.windows(2) {
        if pair[0].1 > pair[1].0 {
            return Err(Error::corrupt("tensor overlap", format!("{} and {}", pair[0].2, pair[1].2)));
        }
    }
    Ok(placed)
}

/// ggml's type codes, as far as candle knows the layout.
fn dtype_from_code(code: u32) -> Option<GgmlDType> {
    Some(match code {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        30 => GgmlDType::BF16,
        _ => return None,
    })
}

/// ggml's names of the encodings that we do not read.
fn encoding(code: u32) -> Option<&'static str> {
    Some(match code {
        9 => "Q8_1",
        15 => "Q8_K",
        16 => "IQ2_XXS",
        17 => "IQ2_XS",
        18 => "IQ3_XXS",
        19 => "IQ1_S",
        20 => "IQ4_NL",
        21 => "IQ3_S",
        22 => "IQ2_S",
        23 => "IQ4_XS",
        24..=27 => "whole numbers",
        28 => "F64",
        29 => "IQ1_M",
        34 => "TQ1_0",
        35 => "TQ2_0",
        39 => "MXFP4",
        40 => "NVFP4",
        _ => return None,
    })
}

/// The code that [`dtype_from_code`] reads back; for the writer of test files.
pub(crate) fn dtype_code(dtype: GgmlDType) -> u32 {
    (0..64).find(|code| dtype_from_code(*code) == Some(dtype)).unwrap_or(u32::MAX)
}

/// A cursor that never reads past the end.
struct Reader<'a> {
    file: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], Error> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.file.len());
        let Some(end) = end else {
            return Err(Error::corrupt(what, "the file ends here (is it cut short?)"));
        };
        let bytes = &self.file[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N, what)?);
        Ok(bytes)
    }

    fn u32(&mut self, what: &'static str) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    fn u64(&mut self, what: &'static str) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A length-prefixed string's place.
    fn string(&mut self, longest: u64, what: &'static str) -> Result<Range<usize>, Error> {
        let length = self.u64(what)?;
        if length > longest {
            return Err(Error::corrupt(what, format!("{length} bytes, at most {longest}")));
        }
        let start = self.at;
        self.take(length as usize, what)?;
        Ok(start..self.at)
    }

    fn text(&mut self, longest: u64, what: &'static str) -> Result<&'a str, Error> {
        let range = self.string(longest, what)?;
        std::str::from_utf8(&self.file[range]).map_err(|_| Error::corrupt(what, "not valid UTF-8"))
    }

    fn value(&mut self, kind: Kind, key: &str) -> Result<Value, Error> {
        const WHAT: &str = "metadata value";
        Ok(match kind {
            Kind::U8 => Value::Unsigned(u64::from(self.array::<1>(WHAT)?[0])),
            Kind::I8 => Value::Signed(i64::from(self.array::<1>(WHAT)?[0] as i8)),
            Kind::U16 => Value::Unsigned(u64::from(u16::from_le_bytes(self.array(WHAT)?))),
            Kind::I16 => Value::Signed(i64::from(i16::from_le_bytes(self.array(WHAT)?))),
            Kind::U32 => Value::Unsigned(u64::from(self.u32(WHAT)?)),
            Kind::I32 => Value::Signed(i64::from(i32::from_le_bytes(self.array(WHAT)?))),
            Kind::U64 => Value::Unsigned(self.u64(WHAT)?),
            Kind::I64 => Value::Signed(i64::from_le_bytes(self.array(WHAT)?)),
            Kind::F32 => Value::Float(f64::from(f32::from_le_bytes(self.array(WHAT)?))),
            Kind::F64 => Value::Float(f64::from_le_bytes(self.array(WHAT)?)),
            Kind::Bool => match self.array::<1>(WHAT)?[0] {
                0 => Value::Bool(false),
                1 => Value::Bool(true),
                other => return Err(Error::corrupt("metadata bool", format!("{key} is {other}, not 0 or 1"))),
            },
            Kind::String => Value::String(self.string(MAX_STRING, "metadata string")?),
            Kind::Array => self.list(key)?,
        })
    }

    fn list(&mut self, key: &str) -> Result<Value, Error> {
        const WHAT: &str = "metadata array";
        let code = self.u32(WHAT)?;
        let kind = Kind::from_code(code)
            .filter(|kind| *kind != Kind::Array)
            .ok_or_else(|| Error::corrupt(WHAT, format!("{key} holds elements of type {code}")))?;
        let count = self.u64(WHAT)?;
        if count > MAX_ARRAY {
            return Err(Error::corrupt(WHAT, format!("{key} has {count} elements, at most {MAX_ARRAY}")));
        }
        let count = count as usize;
        let start = self.at;
        match kind.width() {
            Some(width) => {
                self.take(count * width, WHAT)?;
            }
            None => {
                for _ in 0..count {
                    self.string(MAX_STRING, "metadata string")?;
                }
            }
        }
        Ok(Value::Array { kind, count, bytes: start..self.at })
    }
}

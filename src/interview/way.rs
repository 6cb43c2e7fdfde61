//! How the interviewer's moves become words: by code, with a model's help, or in a model's own words. Which way a model
//! is worth is measured (`bench interviewer --way`) and stands in its catalogue entry.

use serde::{Deserialize, Serialize};

/// A way of wording.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// Hand-written wordings; quotation and wording are chosen by code. Needs no model.
    #[default]
    Composed,
    /// Hand-written wordings; the model points at the words to quote and chooses the wording.
    Picked,
    /// The model's own words, if they pass every check.
    Free,
}

/// How one question came to its words; for the interviewer's notes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// The way that was asked for.
    pub wanted: Way,
    /// The way that was used in the end.
    pub way: Way,
    /// The model's quotation, when it was taken.
    pub quote: String,
    /// Why another way than the wanted one, or what of it, was not taken: one line each.
    pub refused: Vec<String>,
    /// Seconds spent on wording.
    pub seconds: f64,
}

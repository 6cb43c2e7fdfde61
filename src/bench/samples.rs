//! `samples.jsonl`: one line per graded item, written as it is graded, read again to go on after a stop.
//!
//! The contract's fields, and beside them those of lm-evaluation-harness (`doc_id, doc, target, filtered_resps, *_hash`).

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::dataset::Item;
use crate::grading::calibration::sha256;
use crate::grading::passage;

/// One graded item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Item id.
    pub id: String,
    /// Data set.
    pub dataset: String,
    /// On the item's own scale; none when unscored.
    pub predicted: Option<f64>,
    /// Mark on the item's scale to probability.
    pub distribution: Option<BTreeMap<String, f64>>,
    /// How far the readings are apart, on the item's scale.
    pub spread: Option<f64>,
    /// Why there is no mark.
    pub unscored: Option<String>,
    /// Points of the reference that were found, each with the answer's words.
    pub evidence: Vec<Value>,
    /// Time spent.
    pub seconds: f64,
    /// SHA-256 of what the judge reads, model and calibration included: a sample is reused only under the same.
    pub prompt_sha256: String,
    /// What was read in it, in the order of the calibration's names.
    pub features: Vec<f64>,
    /// The model's hidden state after the answer, kept for a calibration only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<f32>,
    /// Words of the answer.
    pub words: usize,
    /// Position in the file.
    pub doc_id: usize,
    /// The item, without its texts.
    pub doc: Value,
    /// People's mark; none where people gave none (a dimension not assessed).
    pub target: Option<f64>,
    /// The mark as lm-evaluation-harness has it.
    pub filtered_resps: Vec<Value>,
    /// Hashes of item, prompt and target.
    pub doc_hash: String,
    /// The same as `prompt_sha256`.
    pub prompt_hash: String,
    /// Of the target.
    pub target_hash: String,
}

impl Sample {
    /// A sample without a mark; the caller fills in what was graded.
    #[must_use]
    pub fn of(item: &Item, doc_id: usize, prompt_sha256: &str) -> Self {
        Self {
            id: item.id.clone(),
            dataset: item.dataset.clone(),
            predicted: None,
            distribution: None,
            spread: None,
            unscored: None,
            evidence: Vec::new(),
            seconds: 0.0,
            prompt_sha256: prompt_sha256.to_owned(),
            features: Vec::new(),
            state: Vec::new(),
            words: passage::words(&item.answer).len(),
            doc_id,
            doc: json!({"id": item.id, "dataset": item.dataset, "question_id": item.question_id, "split": item.split}),
            target: Some(item.score),
            filtered_resps: Vec::new(),
            doc_hash: sha256(&format!("{}\u{0}{}", item.question, item.answer)),
            prompt_hash: prompt_sha256.to_owned(),
            target_hash: sha256(&item.score.to_string()),
        }
    }
}

/// Samples of an earlier run with the same prompts, model and calibration; a torn last line is left out. Failures of an
/// engine are tried again.
#[must_use]
pub fn earlier(path: &Path, prompt_sha256: &str) -> HashMap<(String, String), Sample> {
    let mut samples = all(path);
    samples.retain(|_, s| s.prompt_sha256 == prompt_sha256);
    samples.retain(|_, s| !s.unscored.as_ref().is_some_and(|reason| reason.starts_with("engine")));
    samples
}

/// All samples of a file by data set and id, the last of each; a torn last line is left out, no file is no sample.
#[must_use]
pub fn all(path: &Path) -> HashMap<(String, String), Sample> {
    let Ok(text) = std::fs::read_to_string(path) else { return HashMap::new() };
    text.lines()
        .filter_map(|line| serde_json::from_str::<Sample>(line).ok())
        .map(|s| ((s.dataset.clone(), s.id.clone()), s))
        .collect()
}

/// Appends one line and hands it to the operating system.
///
/// # Errors
/// When it cannot be written.
pub fn append(file: &mut std::fs::File, sample: &Sample) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(sample)?;
    line.push(b'\n');
    file.write_all(&line)
}

/// Writes all samples in order to a new file in place of the old one.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, samples: &[Sample]) -> std::io::Result<()> {
    let fresh = path.with_extension("jsonl.new");
    let mut file = std::fs::File::create(&fresh)?;
    for sample in samples {
        append(&mut file, sample)?;
    }
    file.sync_all()?;
    std::fs::rename(fresh, path)
}

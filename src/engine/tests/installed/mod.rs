//! Installed models for tests, and the plainest ways to run them.

use std::path::PathBuf;
use std::sync::Arc;

use offrecord_engine::Kernel;
use offrecord_engine::gguf::File;
use offrecord_engine::model::{Chunk, LoadOptions, Model, Output, Sequence, Want, load};

pub const LARGE: &str = "qwen2.5-coder-1.5b-instruct-q4_k_m";
pub const MIDDLE: &str = "qwen2.5-coder-0.5b-instruct-q4_k_m";
pub const SMALL: &str = "smollm2-135m-instruct-q4_1";

/// Where an installed model is, or how to install it.
pub fn path(id: &str) -> PathBuf {
    let folder = std::env::var_os("OFFRECORD_MODELS_DIR").map_or_else(
        || {
            let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
            let home = || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".local/share");
            data.unwrap_or_else(home).join("offrecord/models")
        },
        PathBuf::from,
    );
    let path = folder.join(format!("{id}.gguf"));
    assert!(path.exists(), "{} is missing (run: offrecord pull {id}, or set OFFRECORD_MODELS_DIR)", path.display());
    path
}

pub fn open(id: &str) -> Arc<File> {
    Arc::new(File::open(&path(id)).expect("a valid model"))
}

pub fn model(file: &Arc<File>, kernel: Kernel) -> Box<dyn Model> {
    let options = LoadOptions { kernel: Some(kernel), cache_bytes: 256 << 20, ..LoadOptions::default() };
    load(Arc::clone(file), &options).expect("a model of the fast path")
}

pub fn append(model: &mut dyn Model, sequence: Sequence, tokens: &[u32], want: Want) -> Vec<f32> {
    let mut output = Output::default();
    model.forward(&[Chunk { sequence, tokens, want }], &mut output).expect("room");
    output.logits
}

pub fn best(logits: &[f32]) -> u32 {
    let top = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).expect("a vocabulary");
    top.0 as u32
}

pub fn greedy(model: &mut dyn Model, tokens: &[u32], count: usize) -> Vec<u32> {
    let sequence = model.create().expect("a sequence");
    let mut logits = append(model, sequence, tokens, Want::Last);
    let mut written = Vec::new();
    for _ in 0..count {
        let token = best(&logits);
        written.push(token);
        logits = append(model, sequence, &[token], Want::Last);
    }
    written
}

//! `POST /api/check`: how fast the loaded model reads and writes here, measured now. The last figures of each model are
//! kept in `speed.json` in the data folder.

use std::collections::BTreeMap;
use std::path::Path;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::room::Room;
use crate::engine::{GenerateRequest, Priority, Prompt, Sampling};

const FILE: &str = "speed.json";
/// Tokens written; at ten a second that is four seconds.
const WRITTEN: usize = 40;
/// Something to read; what it says does not matter.
const READ: &str = include_str!("../../prompts/rubric.toml");
const MOST_READ: usize = 1600;

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Speed {
    /// Catalogue id.
    pub(super) model: String,
    /// Tokens a second while reading a prompt.
    pub(super) reads: f64,
    /// Tokens a second while writing.
    pub(super) writes: f64,
    /// Seconds since 1970.
    pub(super) at: u64,
}

/// Lets the model read a page and write two sentences.
pub(super) async fn model(State(room): State<Room>) -> Result<Json<Speed>, ApiError> {
    let engine = room.engine()?;
    // Begins otherwise each time, so that nothing of it is still in the cache.
    let fresh = uuid::Uuid::now_v7();
    let text: String = READ.chars().take(MOST_READ).collect();
    let request = GenerateRequest {
        prompt: Prompt::system(format!("Check {fresh}. Describe the text in plain words.")).user(text),
        sampling: Sampling { temperature: 0.0, top_p: 1.0, top_k: 0, min_p: 0.0, repeat_penalty: 1.0, seed: 0 },
        max_tokens: WRITTEN,
        stop: Vec::new(),
        constraint: None,
        top_logprobs: 0,
        priority: Priority::Interactive,
    };
    let usage = engine.generate(request)?.finished().await?.usage;
    let rate = |tokens: usize, seconds: f64| if seconds > 0.0 { tokens as f64 / seconds } else { 0.0 };
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let speed = Speed {
        model: engine.info().id.clone(),
        reads: rate(usage.prompt_tokens.saturating_sub(usage.cached_tokens), usage.first_token_seconds),
        writes: rate(usage.completion_tokens.saturating_sub(1), usage.seconds - usage.first_token_seconds),
        at: since.as_secs(),
    };
    // A script is no model: its rates say nothing.
    if !engine.info().sha256.is_empty()
        && let Err(error) = keep(&room.dirs.data, &speed)
    {
        tracing::warn!("the measured speed could not be kept: {error}");
    }
    Ok(Json(speed))
}

/// The last figures, by model.
pub(super) fn kept(data: &Path) -> BTreeMap<String, Speed> {
    let text = std::fs::read(data.join(FILE)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn keep(data: &Path, speed: &Speed) -> std::io::Result<()> {
    let mut all = kept(data);
    all.insert(speed.model.clone(), speed.clone());
    let mut file = tempfile::NamedTempFile::new_in(data)?;
    serde_json::to_writer_pretty(&mut file, &all)?;
    file.persist(data.join(FILE)).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_figures_of_each_model_are_kept_and_a_broken_file_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let speed = |model: &str, writes| Speed { model: model.into(), reads: 9.0, writes, at: 1 };
        for one in [speed("a", 1.0), speed("b", 2.0), speed("a", 3.0)] {
            keep(folder.path(), &one).expect("kept");
        }
        let all = kept(folder.path());
        assert_eq!((all.len(), all["a"].writes), (2, 3.0));
        std::fs::write(folder.path().join(FILE), "{").expect("written");
        assert!(kept(folder.path()).is_empty());
    }
}

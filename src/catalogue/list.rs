//! The catalogue itself: read, checked, searched, and the choice of a default.

use serde::Deserialize;

use super::entry::{Entry, Source};
use super::error::CatalogueError;
use super::fit::{Fit, Shape, fit};
use super::memory::Memory;
use crate::engine::{CacheType, ModelInfo};
use crate::interview::way::Way;

/// The file that is built into the program.
const BUILT_IN: &str = include_str!("../../models/catalogue.toml");

/// Names another catalogue file, for organisations with their own models and for tests.
const OVERRIDE: &str = "OFFRECORD_CATALOGUE";

/// All known models, in order of preference.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Best first.
    #[serde(rename = "model")]
    pub entries: Vec<Entry>,
    /// Models that listen: never chosen for an interview. Smallest first.
    #[serde(default)]
    pub speech: Vec<Entry>,
}

impl Catalogue {
    /// The built-in catalogue, or the one that `OFFRECORD_CATALOGUE` names.
    ///
    /// # Errors
    /// When a file was named and it cannot be read or is wrong.
    pub fn load() -> Result<Self, CatalogueError> {
        let (text, name) = Self::source()?;
        Self::parse(&text, &name)
    }

    /// The text of the catalogue that [`Catalogue::load`] reads.
    ///
    /// # Errors
    /// When a file was named and it cannot be read.
    pub fn text() -> Result<String, CatalogueError> {
        Self::source().map(|(text, _)| text)
    }

    /// The text, and what it is called in messages.
    fn source() -> Result<(String, String), CatalogueError> {
        let Some(path) = std::env::var_os(OVERRIDE) else {
            return Ok((BUILT_IN.to_owned(), "built in".to_owned()));
        };
        let name = path.to_string_lossy().into_owned();
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok((text, name)),
            Err(error) => Err(CatalogueError::BadCatalogue { path: name, reason: error.to_string() }),
        }
    }

    /// Reads a catalogue and checks what the types do not.
    ///
    /// # Errors
    /// [`CatalogueError::BadCatalogue`] with the line or the entry.
    pub fn parse(text: &str, path: &str) -> Result<Self, CatalogueError> {
        let bad = |reason: String| CatalogueError::BadCatalogue { path: path.to_owned(), reason };
        let catalogue: Self = toml::from_str(text).map_err(|error| bad(error.to_string()))?;
        let mut seen = std::collections::BTreeSet::new();
        for entry in catalogue.entries.iter().chain(&catalogue.speech) {
            let id = &entry.id;
            if !seen.insert(id) {
                return Err(bad(format!("{id} is there twice")));
            }
            if entry.is_speech() != catalogue.speech.iter().any(|speech| speech.id == *id) {
                return Err(bad(format!("{id} is in the wrong list: models that listen are `speech`")));
            }
            if entry.size == 0 {
                return Err(bad(format!("{id} has no size")));
            }
            if entry.sha256.is_none()
                && (entry.tested || entry.sources.iter().any(|s| matches!(s, Source::Wheels { .. })))
            {
                return Err(bad(format!("{id} needs a sha256: only a hub can tell one")));
            }
        }
        Ok(catalogue)
    }

    /// The entry with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().chain(&self.speech).find(|entry| entry.id.as_str() == id)
    }

    /// The best tested model that fits in `memory` with keys and values kept so; `None` when not even the smallest does.
    #[must_use]
    pub fn choose_default(&self, memory: &Memory, cache: CacheType) -> Option<&Entry> {
        let shape = |entry: &Entry| Shape::from(entry).with(cache);
        let fits = |entry: &&Entry| matches!(fit(&shape(entry), memory.available(), 0), Fit::Fits { .. });
        self.entries.iter().filter(|entry| entry.tested).find(fits)
    }

    /// Refuses a model that does not fit, and says what to choose instead.
    ///
    /// # Errors
    /// [`CatalogueError::TooLarge`].
    pub fn check_fit(&self, id: &str, shape: &Shape, memory: &Memory, context: usize) -> Result<usize, CatalogueError> {
        match fit(shape, memory.available(), context) {
            Fit::Fits { context, .. } => Ok(context),
            Fit::TooLarge { need, available } => {
                let smaller = self.choose_default(memory, shape.cache).filter(|entry| entry.id.as_str() != id);
                let advice = match smaller {
                    Some(entry) => {
                        format!("choose {} (--model {}), free some memory, or pass --force-load", entry.name, entry.id)
                    }
                    None => "free some memory, or pass --force-load to try all the same".to_owned(),
                };
                Err(CatalogueError::TooLarge { id: id.to_owned(), need, available, advice })
            }
        }
    }
}

/// How a loaded model words the interviewer's moves: what its entry says, by the hash of its file. By code alone for a
/// model that nobody has measured.
#[must_use]
pub fn wording_of(info: &ModelInfo) -> Way {
    let measured = Catalogue::load().ok().and_then(|catalogue| {
        let same = |entry: &&Entry| entry.sha256.as_ref().is_some_and(|sha256| sha256.as_str() == info.sha256);
        catalogue.entries.iter().find(same).map(|entry| entry.wording)
    });
    measured.unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn memory(available: u64) -> Memory {
        Memory { total: available, machine_available: available, group_available: None }
    }

    #[test]
    fn the_built_in_catalogue_is_sound_and_tested_entries_are_pinned() {
        let catalogue = Catalogue::parse(BUILT_IN, "built in").unwrap();
        let shown: Vec<String> = catalogue
            .entries
            .iter()
            .chain(&catalogue.speech)
            .map(|e| format!("{} tested={} pinned={} sources={}", e.id, e.tested, e.sha256.is_some(), e.sources.len()))
            .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn the_default_is_the_best_tested_model_that_fits() {
        let catalogue = Catalogue::parse(BUILT_IN, "built in").unwrap();
        let chosen = |mib: u64| catalogue.choose_default(&memory(mib << 20), CacheType::F16).map(|e| e.id.to_string());
        assert_eq!(chosen(64 << 10).as_deref(), Some("qwen2.5-coder-1.5b-instruct-q4_k_m"));
        assert_eq!(chosen(4 << 10).as_deref(), Some("qwen2.5-coder-1.5b-instruct-q4_k_m"));
        assert_eq!(chosen(1_200).as_deref(), Some("qwen2.5-coder-0.5b-instruct-q4_k_m"));
        assert_eq!(chosen(600).as_deref(), Some("smollm2-135m-instruct-q4_1"));
        assert_eq!(chosen(200), None);
    }

    #[test]
    fn a_refusal_says_need_free_and_what_to_choose() {
        let catalogue = Catalogue::parse(BUILT_IN, "built in").unwrap();
        let entry = catalogue.find("qwen3-8b-q4_k_m").unwrap();
        let refused = catalogue.check_fit(entry.id.as_str(), &Shape::from(entry), &memory(4 << 30), 0).unwrap_err();
        assert_eq!(refused.exit_code(), crate::exit::RESOURCES);
        insta::assert_snapshot!(refused);
    }

    #[test]
    fn faults_in_a_catalogue_are_named() {
        let entry = |id: &str, more: &str| {
            format!(
                "[[model]]\nid = \"{id}\"\nname = \"n\"\narchitecture = \"a\"\nparameters = 1\nquantisation = \"q\"\nsize = 1\n\
                 licence = \"l\"\ncontext = 1\nlayers = 1\nkv_heads = 1\nhead_dim = 1\n{more}\n"
            )
        };
        let twice = entry("a", "tested = false") + &entry("a", "tested = false");
        let unpinned = entry("a", "tested = true");
        let traversal = entry("../a", "tested = false");
        let unknown = entry("a", "tested = false\ncolour = \"red\"");
        for (text, expected) in
            [(twice, "there twice"), (unpinned, "needs a sha256"), (traversal, "a model id is"), (unknown, "colour")]
        {
            let error = Catalogue::parse(&text, "x.toml").unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}

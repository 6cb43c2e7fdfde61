//! The model that listens: which one, loaded when first needed, one sound at a time.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::catalogue::{self, Cancel, Catalogue, CatalogueError, Entry, Installed};
use crate::speech::{Audio, Heard, ListenError, ListenOptions, Listener, Settings};

/// Names the model that listens, where several are installed.
const CHOICE: &str = "OFFRECORD_SPEECH_MODEL";
/// Sounds that may wait for their turn.
const WAITING: usize = 4;

/// Why nothing was heard.
#[derive(Debug, thiserror::Error)]
pub enum EarsError {
    /// No model that listens is installed.
    #[error("no model that listens is installed")]
    NoModel,
    /// It could not be loaded.
    #[error("{0}")]
    Failed(String),
    /// Too many sounds wait already.
    #[error("too much is being listened to already")]
    Busy,
    /// Nobody waits for the text any more.
    #[error("listening was stopped")]
    Stopped,
}

/// Handle to the listener of a program. Cheap to clone.
#[derive(Clone, Default)]
pub struct Ears(Arc<Shared>);

#[derive(Default)]
struct Shared {
    loaded: Mutex<Option<(String, Listener)>>,
    waiting: AtomicUsize,
}

/// Counts a sound as waiting for as long as it lives.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Ears {
    /// What is said in a sound. Blocks; `stop` ends it within a token, also while it waits for its turn.
    ///
    /// # Errors
    /// See [`EarsError`].
    pub fn hear(
        &self,
        models_dir: &Path,
        settings: &Settings,
        audio: &Audio,
        context: &str,
        stop: &AtomicBool,
    ) -> Result<Heard, EarsError> {
        if self.0.waiting.fetch_add(1, Ordering::AcqRel) > WAITING {
            self.0.waiting.fetch_sub(1, Ordering::AcqRel);
            return Err(EarsError::Busy);
        }
        let _place = Place(&self.0.waiting);
        let model = chosen(models_dir).map_err(|error| EarsError::Failed(error.to_string()))?;
        let (entry, model) = model.ok_or(EarsError::NoModel)?;
        let mut loaded = self.0.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if stop.load(Ordering::Relaxed) {
            return Err(EarsError::Stopped);
        }
        let id = entry.id.to_string();
        if loaded.as_ref().is_none_or(|(there, _)| *there != id) {
            *loaded = Some((id, load(&entry, &model, settings)?));
        }
        let Some((_, listener)) = loaded.as_mut() else { return Err(EarsError::NoModel) };
        let options = ListenOptions { context, ..ListenOptions::default() };
        let heard = listener.listen(&audio.samples, &options, &|| stop.load(Ordering::Relaxed));
        heard.map_err(|ListenError::Stopped| EarsError::Stopped)
    }
}

/// The model that listens: the one that `OFFRECORD_SPEECH_MODEL` names, else the first installed one of the catalogue.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn chosen(models_dir: &Path) -> Result<Option<(Entry, Installed)>, CatalogueError> {
    let catalogue = Catalogue::load()?;
    let wanted = std::env::var(CHOICE).ok().filter(|id| !id.is_empty());
    let mut candidates =
        catalogue.speech.iter().filter(|entry| wanted.as_ref().is_none_or(|id| entry.id.as_str() == id));
    Ok(candidates.find_map(|entry| {
        let model = catalogue::locate(&catalogue, models_dir, entry.id.as_str()).ok()?;
        Some((entry.clone(), model))
    }))
}

/// Loads a model after checking that it is whole: by its record, or by reading it.
///
/// # Errors
/// [`EarsError::Failed`] with what to do.
pub fn load(entry: &Entry, model: &Installed, settings: &Settings) -> Result<Listener, EarsError> {
    if model.sha256.is_none() {
        let catalogue = Catalogue::load().map_err(|error| EarsError::Failed(error.to_string()))?;
        let checked = catalogue::verify(&catalogue, model, &Cancel::default(), |_| ());
        checked.map_err(|error| EarsError::Failed(error.to_string()))?;
    }
    tracing::info!(model = %entry.id, "loading the model that listens");
    Listener::load(&model.path, settings).map_err(|error| EarsError::Failed(format!("{}: {error}", entry.id)))
}

//! Which model a run uses, and getting it when it is not here yet.

use super::error::CatalogueError;
use super::fit::{Fit, Shape, fit};
use super::header;
use super::installed::{Installed, installed, locate};
use super::list::Catalogue;
use super::memory::Memory;
use super::progress::Progress;
use super::pull::{PullOptions, pull};
use crate::config::Global;

/// The model that this run uses if it is installed: the one that `--model` names, else the best installed one that fits.
///
/// # Errors
/// [`CatalogueError::NotInstalled`], [`CatalogueError::NothingInstalled`] or [`CatalogueError::Unknown`], each with
/// what to do.
pub(super) fn select(global: &Global, catalogue: &Catalogue, memory: &Memory) -> Result<Installed, CatalogueError> {
    let models_dir = models_dir(global)?;
    if let Some(id) = &global.model {
        let model = locate(catalogue, &models_dir, id)?;
        if catalogue.find(id).is_some_and(super::Entry::is_speech) {
            let reason = "it listens and does not write: choose a model for interviews".to_owned();
            return Err(CatalogueError::Unusable { file: model.path, reason });
        }
        return Ok(model);
    }
    let mut models = installed(&models_dir)?;
    // The catalogue's order first, then the user's own files by name.
    let rank = |model: &Installed| {
        catalogue.entries.iter().position(|entry| entry.id == model.id).unwrap_or(catalogue.entries.len())
    };
    models.sort_by_key(rank);
    let cache = global.cache_type();
    let fitting = models.iter().find(|model| {
        shape_of(catalogue, model)
            .is_ok_and(|shape| matches!(fit(&shape.with(cache), memory.available(), 0), Fit::Fits { .. }))
    });
    match fitting.or(models.first()) {
        Some(model) => Ok(model.clone()),
        None => {
            let suggestion = catalogue.choose_default(memory, cache).or(catalogue.entries.first());
            let suggestion = suggestion.map_or_else(|| "ID".to_owned(), |entry| entry.id.to_string());
            Err(CatalogueError::NothingInstalled { models_dir, suggestion })
        }
    }
}

/// As the catalogue says, or as the file says of itself.
pub(super) fn shape_of(catalogue: &Catalogue, model: &Installed) -> Result<Shape, CatalogueError> {
    match catalogue.find(model.id.as_str()) {
        Some(entry) => Ok(Shape { weights: model.size, ..Shape::from(entry) }),
        None => Ok(header::read(&model.path)?.shape),
    }
}

/// The model of this run, pulled first if it is not here: the one that `--model` names, else the best that fits.
/// Blocks. With `--offline` nothing is pulled.
///
/// # Errors
/// As [`super::pull`]; [`CatalogueError::Offline`] when the model is not here and must not be fetched.
pub fn ensure(global: &Global, progress: impl FnMut(Progress)) -> Result<Installed, CatalogueError> {
    let catalogue = Catalogue::load()?;
    let memory = Memory::now();
    let id = match select(global, &catalogue, &memory) {
        Ok(model) => return Ok(model),
        Err(CatalogueError::NotInstalled { id } | CatalogueError::NothingInstalled { suggestion: id, .. }) => id,
        Err(other) => return Err(other),
    };
    let entry = catalogue
        .find(&id)
        .filter(|entry| !entry.is_speech())
        .ok_or_else(|| CatalogueError::Unknown { id: id.clone() })?;
    let models_dir = models_dir(global)?;
    let options = PullOptions {
        force: global.force_load,
        cache: global.cache_type(),
        ..PullOptions::from_env(global.is_offline())
    };
    pull(entry, &models_dir, &options, progress)?;
    locate(&catalogue, &models_dir, &id)
}

fn models_dir(global: &Global) -> Result<std::path::PathBuf, CatalogueError> {
    let dirs = global.dirs().map_err(|error| CatalogueError::Io {
        path: "the models folder".into(),
        source: std::io::Error::new(std::io::ErrorKind::NotFound, error.to_string()),
    })?;
    Ok(dirs.models)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn memory(mib: u64) -> Memory {
        Memory { total: mib << 20, machine_available: mib << 20, group_available: None }
    }

    #[test]
    fn the_best_installed_model_that_fits_is_taken() {
        let catalogue = Catalogue::load().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let global = Global { models_dir: Some(dir.path().to_owned()), ..Global::default() };
        let chosen = |mib| select(&global, &catalogue, &memory(mib)).map(|model| model.id.to_string());

        let error = chosen(8_192).unwrap_err();
        assert_eq!(error.exit_code(), crate::exit::NOT_FOUND);
        assert!(error.to_string().contains("offrecord models pull qwen2.5-coder-1.5b-instruct-q4_k_m"), "{error}");

        for (id, size) in
            [("qwen2.5-coder-1.5b-instruct-q4_k_m", 1_117_320_768), ("smollm2-135m-instruct-q4_1", 98_362_432)]
        {
            let file = std::fs::File::create(dir.path().join(format!("{id}.gguf"))).unwrap();
            file.set_len(size).unwrap();
        }
        assert_eq!(chosen(8_192).unwrap(), "qwen2.5-coder-1.5b-instruct-q4_k_m");
        assert_eq!(chosen(1_024).unwrap(), "smollm2-135m-instruct-q4_1");
    }

    #[test]
    fn a_named_model_that_is_not_here_says_how_to_get_it() {
        let catalogue = Catalogue::load().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let named = |id: &str| Global {
            models_dir: Some(dir.path().to_owned()),
            model: Some(id.into()),
            offline: true,
            ..Global::default()
        };
        let missing = select(&named("qwen3-8b-q4_k_m"), &catalogue, &memory(1)).unwrap_err();
        insta::assert_snapshot!(missing, @"qwen3-8b-q4_k_m is not installed: run `offrecord models pull qwen3-8b-q4_k_m`");
        let unknown = select(&named("../../etc/passwd"), &catalogue, &memory(1)).unwrap_err();
        assert!(matches!(unknown, CatalogueError::Unknown { .. }), "{unknown}");
        let offline = ensure(&named("smollm2-135m-instruct-q4_1"), |_| ()).unwrap_err();
        assert!(matches!(offline, CatalogueError::Offline { .. } | CatalogueError::TooLarge { .. }), "{offline}");
    }
}

//! Models that lie in the models folder, and what is recorded beside each.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::error::CatalogueError;
use super::list::Catalogue;
use super::name::{ModelId, Sha256};

/// A model file in the models folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The stem of its file.
    pub id: ModelId,
    /// The file.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Its digest as last verified; `None` when it was never read whole or has changed since.
    pub sha256: Option<Sha256>,
    /// Where it came from, if that is recorded.
    pub source: Option<String>,
}

/// What `<id>.json` beside a model says. It saves reading a gigabyte at every start; `models verify` reads it all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Digest of the whole file.
    pub sha256: Sha256,
    /// Bytes of the file when it was hashed.
    pub size: u64,
    /// Modification time of the file when it was hashed, nanoseconds since 1970.
    pub modified_ns: u64,
    /// Where it came from.
    pub source: String,
    /// Commit of the hub's repository, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

impl Record {
    /// For a file that has just been hashed.
    pub(super) fn of(path: &Path, sha256: Sha256, source: String, revision: Option<String>) -> std::io::Result<Self> {
        let metadata = std::fs::symlink_metadata(path)?;
        Ok(Self { sha256, size: metadata.len(), modified_ns: modified_ns(&metadata), source, revision })
    }

    /// Writes the record beside the model, whole or not at all.
    pub(super) fn save(&self, model: &Path) -> std::io::Result<()> {
        let folder = model.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.as_file().sync_all()?;
        file.persist(record_path(model)).map_err(|error| error.error)?;
        Ok(())
    }

    /// The record of a model, if there is one.
    pub(super) fn read(model: &Path) -> Option<Self> {
        let text = std::fs::read(record_path(model)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn still_describes(&self, metadata: &std::fs::Metadata) -> bool {
        self.size == metadata.len() && self.modified_ns == modified_ns(metadata)
    }
}

/// `x.gguf` has `x.json`; another kind of file keeps its ending, so that two kinds of one name do not share a record.
pub(super) fn record_path(model: &Path) -> PathBuf {
    let ending = if model.extension().is_some_and(|ending| ending == "gguf") { "json" } else { "bin.json" };
    model.with_extension(ending)
}

fn modified_ns(metadata: &std::fs::Metadata) -> u64 {
    let since = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH).duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or(Duration::ZERO).as_nanos()).unwrap_or(u64::MAX)
}

/// All models in the folder, by id. A missing folder is an empty one; what is not a regular file with a proper name
/// is passed over.
///
/// # Errors
/// When the folder is there and cannot be read.
pub fn installed(models_dir: &Path) -> Result<Vec<Installed>, CatalogueError> {
    let listing = match std::fs::read_dir(models_dir) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(CatalogueError::io(models_dir)(error)),
    };
    let mut models: Vec<Installed> = listing.flatten().filter_map(|file| at(&file.path())).collect();
    models.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(models)
}

/// Names of model files in the folder that no id can name, such as `Model-Q8_0.gguf`: they are passed over.
#[must_use]
pub fn passed_over(models_dir: &Path) -> Vec<String> {
    let listing = std::fs::read_dir(models_dir).into_iter().flatten().flatten();
    let mut names: Vec<String> = listing
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf")) && at(path).is_none())
        .filter_map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names
}

/// The installed model with this id.
///
/// # Errors
/// [`CatalogueError::NotInstalled`] when the catalogue knows it, [`CatalogueError::Unknown`] when nothing does.
pub fn locate(catalogue: &Catalogue, models_dir: &Path, id: &str) -> Result<Installed, CatalogueError> {
    let entry = catalogue.find(id);
    let here = match entry {
        Some(entry) => at_entry(models_dir, entry),
        None => id.parse::<ModelId>().ok().and_then(|name| at(&models_dir.join(name.file_name()))),
    };
    if let Some(model) = here {
        return Ok(model);
    }
    match entry {
        Some(entry) => Err(CatalogueError::NotInstalled { id: entry.id.to_string() }),
        None => Err(CatalogueError::Unknown { id: id.to_owned() }),
    }
}

/// The installed file of a catalogue's entry.
pub(super) fn at_entry(models_dir: &Path, entry: &Entry) -> Option<Installed> {
    regular(&models_dir.join(entry.file_name()), entry.id.clone())
}

/// The model at a path, if it is a regular file (a link could point anywhere) with a proper name.
pub(super) fn at(path: &Path) -> Option<Installed> {
    if path.extension()? != "gguf" {
        return None;
    }
    regular(path, path.file_stem()?.to_str()?.parse().ok()?)
}

fn regular(path: &Path, id: ModelId) -> Option<Installed> {
    let metadata = std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let record = Record::read(path);
    let sha256 = record.as_ref().filter(|record| record.still_describes(&metadata)).map(|record| record.sha256.clone());
    Some(Installed {
        id,
        path: path.to_owned(),
        size: metadata.len(),
        sha256,
        source: record.map(|record| record.source),
    })
}

/// Removes a model, its record and what was left of its pulls. Returns the bytes freed.
///
/// # Errors
/// As [`locate`], or when a file cannot be removed.
pub fn remove(catalogue: &Catalogue, models_dir: &Path, id: &str) -> Result<u64, CatalogueError> {
    let model = locate(catalogue, models_dir, id)?;
    std::fs::remove_file(&model.path).map_err(CatalogueError::io(&model.path))?;
    let _ = std::fs::remove_file(record_path(&model.path));
    super::landing::forget(models_dir, &model.id);
    Ok(model.size)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_with_proper_names_are_models() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.gguf", "a.gguf", "A.gguf", "notes.txt", ".x.gguf", "c.gguf.corrupt"] {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        std::fs::create_dir(dir.path().join("folder.gguf")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link.gguf")).unwrap();
        let ids: Vec<String> = installed(dir.path()).unwrap().into_iter().map(|m| m.id.to_string()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(passed_over(dir.path()), [".x.gguf", "A.gguf", "folder.gguf", "link.gguf"]);
        assert_eq!(installed(&dir.path().join("missing")).unwrap(), []);
    }

    #[test]
    fn a_record_counts_only_while_the_file_is_the_one_that_was_hashed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.gguf");
        std::fs::write(&path, "model").unwrap();
        let digest = Sha256::of(&[1; 32]);
        Record::of(&path, digest.clone(), "test".into(), None).unwrap().save(&path).unwrap();
        assert_eq!(at(&path).unwrap().sha256, Some(digest));
        std::fs::write(&path, "another model").unwrap();
        assert_eq!(at(&path).unwrap().sha256, None);
    }

    #[test]
    fn removing_takes_the_record_along_and_no_path_can_be_named() {
        let catalogue = Catalogue::load().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let models = dir.path().join("models");
        std::fs::create_dir(&models).unwrap();
        std::fs::write(dir.path().join("outside.gguf"), "x").unwrap();
        let path = models.join("a.gguf");
        std::fs::write(&path, "model").unwrap();
        Record::of(&path, Sha256::of(&[1; 32]), "test".into(), None).unwrap().save(&path).unwrap();
        assert!(matches!(remove(&catalogue, &models, "../outside"), Err(CatalogueError::Unknown { .. })));
        assert_eq!(remove(&catalogue, &models, "a").unwrap(), 5);
        assert_eq!(std::fs::read_dir(&models).unwrap().count(), 0);
        assert!(dir.path().join("outside.gguf").exists());
        crate::tier::tried("T9", "paths instead of ids", 3);
    }
}

//! Taking a model file that is already on this machine: by a second name for the same bytes (a hard link) where only this
//! user can write them, else by copying, so that nobody else can change the model afterwards.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::CatalogueError;
use super::header;
use super::installed::at;
use super::landing::{Landing, forget, free_disk};
use super::list::Catalogue;
use super::name::{ModelId, Sha256};
use super::progress::Progress;
use super::pull::{Meter, PullOptions};
use super::verify::hash_file;

/// How a file is to be taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish<'a> {
    /// The id, for files whose own name says nothing; else from the file's name.
    pub id: Option<&'a str>,
    /// Link rather than copy, where that is safe and possible.
    pub link: bool,
}

/// A model that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Where it lies now.
    pub path: PathBuf,
    /// Whether it shares its bytes with the original.
    pub linked: bool,
}

/// Checks a GGUF file and copies it into the models folder. Its id is the catalogue's, if its digest is known there,
/// otherwise the file's name in lower case.
///
/// # Errors
/// [`CatalogueError::Unusable`] when it is not a model that the engine can load, or what copying failed with.
pub fn import(
    file: &Path,
    models_dir: &Path,
    options: &PullOptions,
    progress: impl FnMut(Progress),
) -> Result<PathBuf, CatalogueError> {
    import_as(file, Wish::default(), models_dir, options, progress).map(|imported| imported.path)
}

/// As [`import`], under a wished id and perhaps by a link.
///
/// # Errors
/// As [`import`].
pub fn import_as(
    file: &Path,
    wish: Wish<'_>,
    models_dir: &Path,
    options: &PullOptions,
    mut progress: impl FnMut(Progress),
) -> Result<Imported, CatalogueError> {
    header::check_loadable(file)?;
    let catalogue = Catalogue::load()?;
    let sha256 = hash_file(file, &options.cancel, &mut progress)?;
    let known = catalogue.entries.iter().find(|entry| entry.sha256.as_ref() == Some(&sha256));
    let id = match known {
        Some(entry) => entry.id.clone(),
        None => id_from(file, wish.id, &catalogue, &sha256)?,
    };
    if let Some(there) = at(&models_dir.join(id.file_name())) {
        if hash_file(&there.path, &options.cancel, &mut progress)? == sha256 {
            progress(Progress::Success { sha256: sha256.into() });
            return Ok(Imported { path: there.path, linked: false });
        }
        return Err(CatalogueError::Unusable {
            file: file.to_owned(),
            reason: format!(
                "another model called {id} is installed: rename the file, or run `offrecord models rm {id}` first"
            ),
        });
    }
    if wish.link
        && is_ours_alone(file)
        && let Some(path) = link(file, &id, &sha256, models_dir, options, &mut progress)?
    {
        progress(Progress::Success { sha256: sha256.into() });
        return Ok(Imported { path, linked: true });
    }
    let path =
        take(file, (&id, &id.file_name()), Some(&sha256), models_dir, "imported".to_owned(), options, &mut progress)?;
    Ok(Imported { path, linked: false })
}

/// Whether only this user can change a file: a link to it then gives nobody a way into the models folder.
#[cfg(unix)]
fn is_ours_alone(file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let ours =
        |m: std::fs::Metadata| m.is_file() && m.uid() == rustix::process::geteuid().as_raw() && m.mode() & 0o022 == 0;
    std::fs::symlink_metadata(file).is_ok_and(ours)
}

#[cfg(not(unix))]
fn is_ours_alone(_file: &Path) -> bool {
    false
}

/// A second name for the file in the models folder, once its bytes are known to be right; none where the file system
/// cannot do that.
fn link(
    file: &Path,
    id: &ModelId,
    expected: &Sha256,
    models_dir: &Path,
    options: &PullOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<PathBuf>, CatalogueError> {
    let io = CatalogueError::io;
    crate::config::private_folder(models_dir).map_err(io(models_dir))?;
    let landing = Landing::open(models_dir, id, &id.file_name())?;
    let beside = landing.place_of_a_link();
    let _ = std::fs::remove_file(&beside);
    // Another file system, or one without links: copied instead.
    if std::fs::hard_link(file, &beside).is_err() {
        return Ok(None);
    }
    // What the link holds, not what the name held a moment ago.
    let found = hash_file(&beside, &options.cancel, progress);
    if !found.as_ref().is_ok_and(|found| found == expected) {
        let _ = std::fs::remove_file(&beside);
        found?;
        let reason = "it changed while it was read: try again when nothing writes it".to_owned();
        return Err(CatalogueError::Unusable { file: file.to_owned(), reason });
    }
    landing.settle_link(&beside, expected.clone(), format!("linked to {}", file.display())).map(Some)
}

/// An id from a file's name. A name of the catalogue is refused: under it only the catalogue's own file may lie.
fn id_from(
    file: &Path,
    wished: Option<&str>,
    catalogue: &Catalogue,
    sha256: &Sha256,
) -> Result<ModelId, CatalogueError> {
    let unusable = |reason: String| CatalogueError::Unusable { file: file.to_owned(), reason };
    let stem = match wished {
        Some(wished) => wished.to_ascii_lowercase(),
        None => file.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase(),
    };
    let name: String = stem.chars().map(|c| if c.is_whitespace() { '-' } else { c }).collect();
    let id: ModelId = name.parse().map_err(|error| unusable(format!("{error}: rename the file")))?;
    match catalogue.find(id.as_str()).and_then(|entry| entry.sha256.as_ref()) {
        Some(expected) => Err(unusable(format!(
            "it is called like a model of the catalogue, whose sha256 is {expected}, but its own is {sha256}"
        ))),
        None => Ok(id),
    }
}

/// Copies a file into the models folder under this id, hashing while copying. The original stays, so of a copy that did
/// not come to its end nothing is kept.
pub(super) fn take(
    file: &Path,
    (id, file_name): (&ModelId, &str),
    expected: Option<&Sha256>,
    models_dir: &Path,
    label: String,
    options: &PullOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, CatalogueError> {
    let taken = copy(file, (id, file_name), expected, models_dir, label, options, progress);
    taken.map_err(|error| match error {
        // Another one is at work on these very files.
        CatalogueError::Busy { .. } => error,
        error => {
            forget(models_dir, id);
            match error {
                CatalogueError::DiskRanOut { dir } => CatalogueError::DiskFull {
                    need: std::fs::metadata(file).map_or(0, |file| file.len()),
                    free: free_disk(&dir).unwrap_or(0),
                    dir,
                },
                other => other,
            }
        }
    })
}

fn copy(
    file: &Path,
    (id, file_name): (&ModelId, &str),
    expected: Option<&Sha256>,
    models_dir: &Path,
    label: String,
    options: &PullOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, CatalogueError> {
    let io = CatalogueError::io;
    let expected = match expected {
        Some(sha256) => sha256.clone(),
        None => hash_file(file, &options.cancel, progress)?,
    };
    crate::config::private_folder(models_dir).map_err(io(models_dir))?;
    let mut from = File::open(file).map_err(io(file))?;
    let size = from.metadata().map_err(io(file))?.len();
    let mut landing = Landing::open(models_dir, id, file_name)?;
    landing.expect(&expected, size, &options.cancel)?;
    landing.restart()?;
    landing.check_disk(0, options.free_disk)?;
    let mut meter = Meter::new();
    let mut block = vec![0; 1 << 20];
    loop {
        if options.cancel.is_cancelled() {
            return Err(CatalogueError::Cancelled);
        }
        let n = from.read(&mut block).map_err(io(file))?;
        if n == 0 {
            break;
        }
        landing.append(&block[..n])?;
        meter.report(&landing, progress);
    }
    let (path, sha256) = landing.finish(label, None)?;
    progress(Progress::Success { sha256: sha256.into() });
    Ok(path)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use offrecord_engine::tiny::Tiny;

    use super::*;

    #[test]
    fn what_is_not_a_model_is_refused_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("thing.gguf");
        std::fs::write(&file, "not a model").unwrap();
        let models = dir.path().join("models");
        let error = import(&file, &models, &PullOptions::from_env(true), |_| ()).unwrap_err();
        assert!(matches!(error, CatalogueError::Unusable { .. }), "{error}");
        assert!(!models.exists());
        crate::tier::tried("T10", "files that are no model", 1);
    }

    #[test]
    fn a_file_is_copied_under_its_name_and_a_name_of_the_catalogue_is_not_given_away() {
        let catalogue = Catalogue::load().unwrap();
        let digest = Sha256::of(&[0; 32]);
        let id = |name: &str| id_from(Path::new(name), None, &catalogue, &digest).map(|id| id.to_string());
        assert_eq!(id("/x/My Model.Q8_0.gguf").unwrap(), "my-model.q8_0");
        assert!(id("/x/..gguf").is_err());
        assert!(id("/x/Ünïcode.gguf").is_err());
        let error = id("/x/smollm2-135m-instruct-q4_1.gguf").unwrap_err().to_string();
        assert!(error.contains("called like a model of the catalogue"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_shares_the_bytes_only_where_nobody_else_can_write_them() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let dir = tempfile::tempdir().unwrap();
        let model = Tiny::default().bytes();
        let options = PullOptions::from_env(true);
        let inode = |path: &Path| std::fs::metadata(path).unwrap().ino();
        for (name, mode, linked) in [("mine", 0o644, true), ("open", 0o666, false), ("group", 0o664, false)] {
            let file = dir.path().join(format!("{name}.gguf"));
            std::fs::write(&file, &model).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let models = dir.path().join("models");
            let wish = Wish { link: true, id: None };
            let taken = import_as(&file, wish, &models, &options, |_| ()).unwrap();
            assert_eq!((taken.linked, inode(&taken.path) == inode(&file)), (linked, linked), "{name}");
            assert!(at(&taken.path).unwrap().sha256.is_some());
            let again = import_as(&file, wish, &models, &options, |_| ()).unwrap();
            assert_eq!(again.path, taken.path, "a second time changes nothing");
        }
        // A link is only a name: removing the original leaves the model, and a changed one is noticed.
        let models = dir.path().join("models");
        std::fs::write(dir.path().join("mine.gguf"), "changed in place").unwrap();
        assert_eq!(at(&models.join("mine.gguf")).unwrap().sha256, None);
        assert!(
            std::fs::read_dir(models.join(".partial")).unwrap().flatten().all(|f| !f.path().ends_with("mine.link"))
        );
    }

    #[test]
    fn taking_copies_and_the_copy_stands_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.gguf");
        std::fs::write(&file, "bytes").unwrap();
        let id: ModelId = "a".parse().unwrap();
        let models = dir.path().join("models");
        let options = PullOptions::from_env(true);
        let path = take(&file, (&id, &id.file_name()), None, &models, "test".into(), &options, &mut |_| ()).unwrap();
        std::fs::write(&file, "other").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "bytes");
        assert!(at(&path).unwrap().sha256.is_some());
    }
}

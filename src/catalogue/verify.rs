//! Reading a whole model file and comparing its digest.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::Digest;

use super::error::CatalogueError;
use super::installed::{Installed, Record};
use super::landing::quarantine;
use super::list::Catalogue;
use super::name::Sha256;
use super::progress::{Cancel, Progress};

/// Bytes between two reports.
const REPORT_EVERY: u64 = 16 << 20;

/// Hashes a file.
pub(super) fn hash_file(
    path: &Path,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Sha256, CatalogueError> {
    let io = CatalogueError::io;
    let mut file = File::open(path).map_err(io(path))?;
    let total = file.metadata().map_err(io(path))?.len();
    let mut hash = sha2::Sha256::default();
    let mut block = vec![0; 1 << 20];
    let (mut completed, mut reported) = (0_u64, 0_u64);
    loop {
        if cancel.is_cancelled() {
            return Err(CatalogueError::Cancelled);
        }
        let n = file.read(&mut block).map_err(io(path))?;
        if n == 0 {
            return Ok(Sha256::of(&hash.finalize().into()));
        }
        hash.update(&block[..n]);
        completed += n as u64;
        if completed - reported >= REPORT_EVERY || completed == total {
            reported = completed;
            progress(Progress::Verifying { total, completed });
        }
    }
}

/// Reads an installed model whole and compares it with the catalogue's digest, or with the one recorded when it came.
/// A wrong file is moved to `<id>.gguf.corrupt`. A file that nobody has a digest for gets its digest recorded.
///
/// # Errors
/// [`CatalogueError::Corrupt`], or what reading failed with.
pub fn verify(
    catalogue: &Catalogue,
    model: &Installed,
    cancel: &Cancel,
    mut progress: impl FnMut(Progress),
) -> Result<Sha256, CatalogueError> {
    let entry = catalogue.find(model.id.as_str());
    let record = Record::read(&model.path);
    let expected =
        entry.and_then(|e| e.expected(record.as_ref())).or_else(|| record.as_ref().map(|r| r.sha256.clone()));
    let found = hash_file(&model.path, cancel, &mut progress)?;
    if let Some(expected) = expected
        && expected != found
    {
        return Err(CatalogueError::Corrupt {
            file: model.path.clone(),
            expected: expected.into(),
            found: found.into(),
            // In a folder that cannot be written it stays; the error says so.
            quarantined: quarantine(&model.path, &model.path).ok(),
        });
    }
    let (source, revision) =
        record.map_or_else(|| ("a file in the models folder".to_owned(), None), |r| (r.source, r.revision));
    // A models folder that cannot be written is fine: the digest is then read anew each time.
    if let Ok(record) = Record::of(&model.path, found.clone(), source, revision) {
        let _ = record.save(&model.path);
    }
    Ok(found)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::installed::at;
    use super::*;

    #[test]
    fn the_first_reading_records_and_a_changed_file_is_moved_aside() {
        let catalogue = Catalogue::load().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mine.gguf");
        std::fs::write(&path, "a model").unwrap();
        let cancel = Cancel::default();
        let mut reports = Vec::new();
        let first = verify(&catalogue, &at(&path).unwrap(), &cancel, |p| reports.push(p)).unwrap();
        assert_eq!(reports, [Progress::Verifying { total: 7, completed: 7 }]);
        assert_eq!(at(&path).unwrap().sha256, Some(first));

        std::fs::write(&path, "b model").unwrap();
        let error = verify(&catalogue, &at(&path).unwrap(), &cancel, |_| ()).unwrap_err();
        assert_eq!(error.exit_code(), crate::exit::VERIFICATION);
        assert!(!path.exists());
        assert_eq!(std::fs::read_to_string(dir.path().join("mine.gguf.corrupt")).unwrap(), "b model");
    }

    #[test]
    fn a_catalogue_model_is_compared_with_the_catalogue_even_without_a_record() {
        let catalogue = Catalogue::load().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("smollm2-135m-instruct-q4_1.gguf");
        std::fs::write(&path, "truncated").unwrap();
        let error = verify(&catalogue, &at(&path).unwrap(), &Cancel::default(), |_| ()).unwrap_err();
        assert!(matches!(error, CatalogueError::Corrupt { quarantined: Some(_), .. }), "{error}");
    }
}

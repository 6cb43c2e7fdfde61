//! One read-only memory map of a model file. The only unsafe lines outside `kernels`.

use std::fs;
use std::io;
use std::path::Path;

/// Maps the whole file. An empty file is an error of kind `UnexpectedEof`, not a zero-length map.
pub(super) fn map(path: &Path) -> io::Result<memmap2::Mmap> {
    let file = fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    if file.metadata()?.len() == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is empty"));
    }
    // SAFETY: the map is private to this crate and read-only. Undefined behaviour needs another process that writes to
    // or truncates the file while it is mapped; a models folder that the program made belongs to the user alone (0700), the catalogue
    // replaces files by rename, never in place, and `Tensor` bounds were checked against this map's own length.
    let map = unsafe { memmap2::Mmap::map(&file)? };
    Ok(map)
}

/// Drops the resident pages of a part of the map; they come back from the file when they are read again. Best effort.
pub(super) fn release(map: &memmap2::Mmap, offset: usize, length: usize) {
    #[cfg(unix)]
    // SAFETY: the map is a read-only view of a file that does not change (see `map`), so a dropped page reads the same
    // again.
    let _ = unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, offset, length) };
    #[cfg(not(unix))]
    let _ = (map, offset, length);
}

//! The token's file in the data folder: for programs of the same user, and for them alone. Gone with the server.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Its name in the data folder.
const NAME: &str = "token";

/// The file; removed when dropped.
pub(super) struct KeyFile(PathBuf);

impl KeyFile {
    /// Writes the token with mode 0600, whole or not at all.
    pub(super) fn write(folder: &Path, token: &str) -> anyhow::Result<Self> {
        let path = folder.join(NAME);
        let write = || -> std::io::Result<()> {
            // Created with mode 0600 under any umask, then put in place by a rename.
            let mut file = tempfile::Builder::new().prefix(".token-").tempfile_in(folder)?;
            writeln!(file, "{token}")?;
            file.persist(&path)?;
            Ok(())
        };
        write().with_context(|| format!("the token file {} cannot be written", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_private_and_goes_with_the_server() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        let file = KeyFile::write(folder.path(), "secret").expect("written");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&path).expect("readable"), "secret\n");
        drop(file);
        assert!(!path.exists());
    }
}

//! A key for a server: from the environment or from a file, never from the command line, never shown.

use std::io::Read as _;
use std::path::Path;

/// A file with more is no key.
const LONGEST: u64 = 8 * 1024;

/// A secret that is sent and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// A key as it is sent; none when the text is blank.
    ///
    /// # Errors
    /// When it holds what cannot stand in a header, such as a line break.
    pub fn new(text: &str) -> Result<Option<Self>, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() as u64 > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it holds more than one word of plain characters".to_owned());
        }
        Ok(Some(Self(text.to_owned())))
    }

    /// Reads a file, or an open descriptor such as `/dev/fd/3`.
    ///
    /// # Errors
    /// When it cannot be read, or holds no key.
    pub fn read(path: &Path) -> Result<Self, String> {
        let wrong = |why: String| format!("no key in {} ({why})", path.display());
        let file = std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
        let mut text = String::new();
        file.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
        Self::new(&text).map_err(&wrong)?.ok_or_else(|| wrong("it is empty".to_owned()))
    }

    /// For the header of a request.
    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// The text without this key, in case a server sends back what it got.
    pub(super) fn kept_out_of(&self, text: &str) -> String {
        text.replace(&self.0, "***")
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_word_and_is_never_shown() {
        let key = Key::new(" sk-1234 \n").expect("a word").expect("not blank");
        assert_eq!(
            format!(
                "{key:?} {:?}",
                super::super::Settings { key: Some(key.clone()), ..super::super::Settings::new("") }
            )
            .matches("1234")
            .count(),
            0
        );
        assert_eq!(key.bearer(), "Bearer sk-1234");
        assert_eq!(key.kept_out_of("no sk-1234 here"), "no *** here");
        assert_eq!(Key::new(" \n"), Ok(None));
        for bad in ["a b", "a\r\nX-Evil: 1", "ключ", &"k".repeat(9000)] {
            assert!(Key::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_file_holds_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        assert!(Key::read(&path).is_err());
        for (text, good) in [("sk-1\n", true), ("", false), ("two words", false)] {
            std::fs::write(&path, text).expect("written");
            assert_eq!(Key::read(&path).is_ok(), good, "{text:?}");
        }
        std::fs::write(&path, vec![b'a'; 100_000]).expect("written");
        assert!(Key::read(&path).is_err(), "a file that is no key is not read whole");
    }
}

//! The two names a model has: its id and its digest. Both are newtypes, so that no other text can become a path.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A model's id, `[a-z0-9][a-z0-9._-]{0,63}`: safe as a file name on every system, never with a separator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelId(String);

/// A SHA-256 digest as 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(String);

/// Text that is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// See [`ModelId`].
    #[error("a model id is 1 to 64 of a-z, 0-9, '.', '_' and '-', and begins with a letter or a digit")]
    ModelId,
    /// See [`Sha256`].
    #[error("a SHA-256 digest is 64 hexadecimal digits")]
    Sha256,
}

/// Longest id, in bytes.
const LONGEST_ID: usize = 64;

impl FromStr for ModelId {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let alphanumeric = |c: &u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let allowed = |c: &u8| alphanumeric(c) || matches!(c, b'.' | b'_' | b'-');
        let bytes = text.as_bytes();
        if bytes.len() <= LONGEST_ID && bytes.first().is_some_and(alphanumeric) && bytes.iter().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadName::ModelId)
        }
    }
}

impl FromStr for Sha256 {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if text.len() == 64 && text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadName::Sha256)
        }
    }
}

impl Sha256 {
    /// From a finished hash.
    #[must_use]
    pub fn of(digest: &[u8; 32]) -> Self {
        use fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in digest {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail. This is a bug.");
        }
        Self(text)
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ModelId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the model's file in the models folder.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.gguf", self.0)
    }
}

macro_rules! text_conversions {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = BadName;

            fn try_from(text: String) -> Result<Self, BadName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_conversions!(ModelId);
text_conversions!(Sha256);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_that_could_leave_the_folder_are_refused() {
        let long = "a".repeat(65);
        let hostile = [
            "",
            ".",
            "..",
            "...",
            ".hidden",
            "-rf",
            "_x",
            "a/b",
            "../a",
            "a/..",
            "a\\b",
            "a\0",
            "\0",
            "a\n",
            "a b",
            "A",
            "a:b",
            "c:",
            "%2e%2e",
            "a%2fb",
            "~",
            "~a",
            "a*",
            "a?",
            "a|b",
            "a<b",
            "a\"b",
            "a'b",
            "a$b",
            "a`b",
            "a;b",
            "a&b",
            "a\u{202e}b",
            "\u{ff0e}\u{ff0e}",
            "․․",
            "é",
            "ß",
            "a\u{0301}",
            "/etc/passwd",
            "//a",
            "a\r",
            "a\t",
            "model@sha",
            "hf.co/a",
            "file://a",
            "a,b",
            "a=b",
            "a+b",
            "a#b",
            "a(b)",
            "a[b]",
            "a{b}",
            "a!b",
            "a^b",
            &long,
        ];
        for id in hostile {
            assert_eq!(id.parse::<ModelId>(), Err(BadName::ModelId), "{id:?}");
        }
        crate::tier::tried("T9", "hostile ids by hand", hostile.len());
    }

    #[test]
    fn digests_are_exactly_64_lower_case_hex_digits() {
        for length in [0, 63, 65, 128] {
            assert_eq!("a".repeat(length).parse::<Sha256>(), Err(BadName::Sha256));
        }
        assert_eq!("A".repeat(64).parse::<Sha256>(), Err(BadName::Sha256));
        assert_eq!(format!("../{}", "a".repeat(61)).parse::<Sha256>(), Err(BadName::Sha256));
        assert_eq!(Sha256::of(&[0xab; 32]).as_str(), "ab".repeat(32));
        crate::tier::tried("T9", "digests of other lengths and letters", 8);
        crate::tier::tried("T9", "drawn ids that must be one plain path component", crate::tier::IDS.n());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(crate::tier::IDS.n() as u32))]

        #[test]
        fn an_id_that_parses_is_one_plain_path_component(text in "[a-z0-9._/\\\\%\\PC-]{0,70}") {
            if let Ok(id) = text.parse::<ModelId>() {
                let name = id.file_name();
                let path = std::path::Path::new(&name);
                prop_assert_eq!(path.components().count(), 1);
                prop_assert_eq!(path.file_name().and_then(|n| n.to_str()), Some(name.as_str()));
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}

//! What sort of component a box is: as the palette marked it, or by the words of its label.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// The file as it is built into the program.
pub const TEXT: &str = include_str!("../../prompts/board/kinds.toml");

/// A sort of component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Whoever asks: a browser, an app, a device.
    Client,
    /// Spreads requests.
    LoadBalancer,
    /// A program of the design.
    Service,
    /// Keeps data.
    Database,
    /// Keeps copies for speed.
    Cache,
    /// Holds work until it is taken.
    Queue,
    /// Holds events for many readers.
    Stream,
    /// Serves copies near the clients.
    Cdn,
    /// Somebody else's.
    External,
    /// Nothing says what it is.
    #[default]
    Unknown,
}

impl Kind {
    /// As a person is told; nothing for an unknown one.
    #[must_use]
    pub const fn title(self) -> Option<&'static str> {
        Some(match self {
            Self::Client => "client",
            Self::LoadBalancer => "load balancer",
            Self::Service => "service",
            Self::Database => "database",
            Self::Cache => "cache",
            Self::Queue => "queue",
            Self::Stream => "stream",
            Self::Cdn => "CDN",
            Self::External => "external",
            Self::Unknown => return None,
        })
    }

    /// The kind that the palette wrote into a shape, if it is one of ours.
    pub(super) fn marked(name: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
    }

    /// The kind that a label speaks of.
    pub(super) fn by_label(label: &str) -> Self {
        let words: Vec<String> = label
            .to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty())
            .map(Into::into)
            .collect();
        let has = |phrase: &str| {
            let wanted: Vec<&str> = phrase.split(' ').collect();
            words.windows(wanted.len()).any(|found| {
                found.iter().zip(&wanted).all(|(word, wanted)| {
                    wanted.strip_suffix('*').map_or(word == wanted, |stem| word.starts_with(stem))
                })
            })
        };
        file()
            .kind
            .iter()
            .find(|kind| kind.words.iter().any(|phrase| has(phrase)))
            .map_or(Self::Unknown, |kind| kind.id)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kind: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: Kind,
    words: Vec<String>,
}

fn file() -> &'static File {
    static FILE: OnceLock<File> = OnceLock::new();
    FILE.get_or_init(|| toml::from_str(TEXT).expect("prompts/board/kinds.toml does not parse. This is a bug."))
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn a_label_says_what_it_is_or_nothing() {
        for (label, kind) in [
            ("Orders DB", Kind::Database),
            ("Redis (sessions)", Kind::Cache),
            ("API Gateway", Kind::LoadBalancer),
            ("Order API", Kind::Service),
            ("Dead-letter queue", Kind::Queue),
            ("Web app", Kind::Client),
            ("dbx", Kind::Unknown),
            ("Happy path", Kind::Unknown),
            ("", Kind::Unknown),
        ] {
            assert_eq!(Kind::by_label(label), kind, "{label}");
        }
        assert_eq!(Kind::marked("load-balancer"), Some(Kind::LoadBalancer));
        assert_eq!(Kind::marked("<img>"), None);
    }
}

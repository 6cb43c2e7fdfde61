//! The address of a server, as a person writes it, and whether it may be asked.

use axum::http::Uri;

use crate::catalogue::address::{has_user, is_loopback};

/// A server and, where it has several, one of its models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Up to and with `/v1`.
    pub base: String,
    /// Host and port, as a person is told.
    pub host: String,
    /// The model to ask for; none = the only one.
    pub model: Option<String>,
    /// Whether it is on this machine.
    pub here: bool,
    /// Whether what is sent is encrypted.
    pub encrypted: bool,
}

/// Why there is no server at an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// The address is none.
    #[error(
        "{0:?} is no address of a server: write http://HOST:PORT or https://HOST, and #MODEL after it if it has several"
    )]
    Address(String),
    /// Not allowed without the network.
    #[error("{0} is not on this machine, and --offline forbids the network (leave --offline out, or use 127.0.0.1)")]
    Offline(String),
    /// It does not answer, or not as it should.
    #[error("the server at {url} does not answer as OpenAI's interface does: {reason}")]
    NoAnswer {
        /// The address.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// It has several models, or not the named one.
    #[error("the server at {host} has these models: {list}. Name one after the address: {url}#MODEL")]
    WhichModel {
        /// Host and port.
        host: String,
        /// The address without a model.
        url: String,
        /// The first of them.
        list: String,
    },
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// [`RemoteError::Address`] for what is none; a user name in it is refused, since it would be shown and logged.
    pub fn parse(text: &str) -> Result<Self, RemoteError> {
        let wrong = || RemoteError::Address(text.chars().filter(|c| !c.is_control()).take(200).collect());
        let (url, model) = match text.trim().split_once('#') {
            Some((url, model)) => (url, Some(model.trim().to_owned()).filter(|model| !model.is_empty())),
            None => (text.trim(), None),
        };
        let url = url.trim_end_matches('/');
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let host = uri.host().unwrap_or_default();
        if host.is_empty() || has_user(&uri) || uri.query().is_some() {
            return Err(wrong());
        }
        let encrypted = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        Ok(Self {
            base: url.trim_end_matches("/v1").trim_end_matches('/').to_owned() + "/v1",
            host: uri.authority().map_or(host, |authority| authority.as_str()).to_owned(),
            model,
            here: is_loopback(host),
            encrypted,
        })
    }

    /// The host without its port: the same server may come back on another one.
    #[must_use]
    pub fn name(&self) -> &str {
        let end = self.host.rfind(':').filter(|at| self.host[*at..].bytes().skip(1).all(|b| b.is_ascii_digit()));
        &self.host[..end.unwrap_or(self.host.len())]
    }

    /// Refuses what is beyond this machine when the network is forbidden.
    ///
    /// # Errors
    /// [`RemoteError::Offline`].
    pub fn admit(self, offline: bool) -> Result<Self, RemoteError> {
        if offline && !self.here { Err(RemoteError::Offline(self.host)) } else { Ok(self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_a_host_and_perhaps_a_model() {
        let parsed = |text: &str| Address::parse(text).map(|a| (a.base, a.host, a.model, a.here, a.encrypted));
        let some = |base: &str, host: &str, model: Option<&str>, here, encrypted| {
            Ok((base.to_owned(), host.to_owned(), model.map(str::to_owned), here, encrypted))
        };
        assert_eq!(
            parsed("http://127.0.0.1:8080"),
            some("http://127.0.0.1:8080/v1", "127.0.0.1:8080", None, true, false)
        );
        assert_eq!(parsed(" http://[::1]:1/v1/ "), some("http://[::1]:1/v1", "[::1]:1", None, true, false));
        assert_eq!(
            parsed("https://gpu.example/openai/v1#org/model:7b"),
            some("https://gpu.example/openai/v1", "gpu.example", Some("org/model:7b"), false, true)
        );
        assert_eq!(
            parsed("http://localhost:11434#"),
            some("http://localhost:11434/v1", "localhost:11434", None, true, false)
        );
        for bad in [
            "",
            "localhost:80",
            "ftp://127.0.0.1",
            "http://",
            "http://user:key@127.0.0.1:1",
            "http://h/?key=1",
            "http://h h/",
            "file:///etc/passwd",
            "//h",
            "http:///v1",
            "http://a@b/",
        ] {
            assert!(matches!(Address::parse(bad), Err(RemoteError::Address(_))), "{bad}");
        }
    }

    #[test]
    fn a_name_has_no_port() {
        for (url, name) in [
            ("http://127.0.0.1:80", "127.0.0.1"),
            ("http://[::1]", "[::1]"),
            ("http://[::1]:80", "[::1]"),
            ("https://gpu.example", "gpu.example"),
        ] {
            assert_eq!(Address::parse(url).expect("an address").name(), name, "{url}");
        }
    }

    #[test]
    fn offline_means_this_machine() {
        let admitted = |text: &str| Address::parse(text).expect("an address").admit(true);
        for here in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://127.9.9.9"] {
            assert!(admitted(here).is_ok(), "{here}");
        }
        for far in [
            "http://192.0.2.7:8000",
            "https://judge.invalid",
            "http://127.0.0.1.example",
            "http://2130706433",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(matches!(admitted(far), Err(RemoteError::Offline(_))), "{far}");
        }
    }
}

//! Which addresses a pull may talk to. The same parse decides and is fetched, and it decides again at every redirect
//! and at every resolved name: a hub that is lied about in DNS, or that redirects inwards, gets nowhere.

use std::net::{IpAddr, SocketAddr};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Hosts of the hub and of its storage; a leading dot takes any host below.
const HUB_HOSTS: [&str; 4] = ["huggingface.co", ".huggingface.co", "hf.co", ".hf.co"];

/// What may be reached: the endpoint that the user named, and the hub's hosts over TLS.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    endpoint: Uri,
}

impl Gate {
    /// For an endpoint: `https://host`, or `http://` on this very machine.
    pub(super) fn new(endpoint: &str) -> Result<Self, String> {
        let endpoint: Uri = endpoint
            .trim_end_matches('/')
            .parse()
            .map_err(|_| format!("HF_ENDPOINT: {endpoint:?} is not an address"))?;
        let host = endpoint.host().unwrap_or_default();
        match endpoint.scheme_str() {
            Some("https") if !host.is_empty() => {}
            Some("http") if is_loopback(host) => {}
            _ => return Err(format!("HF_ENDPOINT: {endpoint} is refused: use https, or http on 127.0.0.1")),
        }
        if has_user(&endpoint) {
            return Err("HF_ENDPOINT: a user name in the address is refused; use HF_TOKEN".to_owned());
        }
        Ok(Self { endpoint })
    }

    /// Parses an address if it may be fetched. `location` may be relative to `base`, as in a redirect.
    pub(super) fn admit(&self, location: &str, base: Option<&Uri>) -> Result<Uri, String> {
        let uri = match base {
            Some(base) if location.starts_with('/') && !location.starts_with("//") => {
                let origin = format!(
                    "{}://{}",
                    base.scheme_str().unwrap_or_default(),
                    base.authority().map_or("", |a| a.as_str())
                );
                format!("{origin}{location}").parse::<Uri>()
            }
            _ => location.parse::<Uri>(),
        }
        .map_err(|_| "an address that cannot be read".to_owned())?;
        if has_user(&uri) {
            return Err("an address with a user name in it".to_owned());
        }
        if self.is_endpoint(&uri) {
            return Ok(uri);
        }
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let known = HUB_HOSTS.iter().any(|hub| if hub.starts_with('.') { host.ends_with(hub) } else { host == *hub });
        let port = uri.port_u16().unwrap_or(443);
        if known && uri.scheme_str() == Some("https") && port == 443 {
            Ok(uri)
        } else {
            Err(format!("{}://{host}, which is not a host of the hub", uri.scheme_str().unwrap_or("no scheme")))
        }
    }

    /// Whether the endpoint is on this machine.
    pub(super) fn is_this_machine(&self) -> bool {
        self.endpoint.host().is_some_and(is_loopback)
    }

    /// Whether this is the very server that the user named: only it gets the token, and only it may be private.
    pub(super) fn is_endpoint(&self, uri: &Uri) -> bool {
        let origin = |uri: &Uri| {
            let scheme = uri.scheme_str()?.to_owned();
            let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
            Some((scheme, uri.host()?.to_ascii_lowercase(), port))
        };
        origin(uri).is_some() && origin(uri) == origin(&self.endpoint)
    }
}

/// Whether a user name, and so perhaps a password, is part of the address.
#[must_use]
pub fn has_user(uri: &Uri) -> bool {
    uri.authority().is_some_and(|authority| authority.as_str().contains('@'))
}

/// Whether a host is this very machine.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || literal.is_ok_and(|ip| ip.is_loopback())
}

/// Resolves names as usual, but keeps only public addresses for everything except the endpoint.
#[derive(Debug)]
pub(super) struct PublicNames {
    gate: Gate,
    names: Names,
}

/// `DefaultResolver` prints nothing of itself.
struct Names(DefaultResolver);

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names")
    }
}

impl PublicNames {
    pub(super) fn new(gate: Gate) -> Self {
        Self { gate, names: Names(DefaultResolver::default()) }
    }
}

impl Resolver for PublicNames {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.names.0.resolve(uri, config, timeout)?;
        let is_proxy = config.proxy().is_some_and(|proxy| proxy.host() == uri.host().unwrap_or_default());
        if self.gate.is_endpoint(uri) || is_proxy {
            return Ok(found);
        }
        let mut public = self.empty();
        for address in found.iter().filter(|address| is_public(address)) {
            public.push(*address);
        }
        if public.is_empty() { Err(Error::HostNotFound) } else { Ok(public) }
    }
}

/// Neither this machine, nor its network, nor a special range.
fn is_public(address: &SocketAddr) -> bool {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_documentation()
                || ip.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0)
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(ip) => {
            let first = ip.segments()[0];
            // 2000::/3 is all that is routed; of it, 2002::/16 and 2001::/32 wrap IPv4 addresses.
            first & 0xe000 == 0x2000 && first != 0x2002 && !(first == 0x2001 && ip.segments()[1] <= 0x01ff)
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_the_hub_over_tls_and_the_named_endpoint_are_admitted() {
        let gate = Gate::new("https://huggingface.co").unwrap();
        let base: Uri = "https://huggingface.co/a/b".parse().unwrap();
        for good in [
            "https://huggingface.co/x",
            "https://HuggingFace.co/x",
            "https://cdn-lfs.huggingface.co/x?sig=1",
            "https://cas-bridge.xethub.hf.co/x",
            "https://cdn-lfs-us-1.hf.co:443/x",
            "/api/resolve-cache/models/x",
        ] {
            assert!(gate.admit(good, Some(&base)).is_ok(), "{good}");
        }
        for bad in [
            "http://huggingface.co/x",
            "https://huggingface.co:8443/x",
            "https://huggingface.co@evil.example/x",
            "https://user:pw@huggingface.co/x",
            "https://huggingface.co.evil.example/x",
            "https://evilhuggingface.co/x",
            "https://xhf.co/x",
            "http://127.0.0.1/x",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://[::ffff:127.0.0.1]/x",
            "http://169.254.169.254/latest/meta-data",
            "https://2130706433/x",
            "https://0x7f.1/x",
            "https://localhost/x",
            "file:///etc/passwd",
            "ftp://huggingface.co/x",
            "gopher://huggingface.co/",
            "//evil.example/x",
            "x",
            "",
            "https://",
            "https:///x",
        ] {
            assert!(gate.admit(bad, Some(&base)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_stand_in_hub_is_admitted_on_this_machine_only_and_only_on_its_port() {
        let gate = Gate::new("http://127.0.0.1:4711").unwrap();
        assert!(gate.admit("http://127.0.0.1:4711/a", None).is_ok());
        for bad in
            ["http://127.0.0.1:4712/a", "http://127.0.0.1/a", "https://127.0.0.1:4711/a", "http://localhost:4711/a"]
        {
            assert!(gate.admit(bad, None).is_err(), "{bad}");
        }
        for bad in
            ["http://192.168.1.1", "http://mirror.example", "ftp://127.0.0.1", "https://a@b.example", "nonsense", ""]
        {
            assert!(Gate::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn private_and_special_addresses_are_not_public() {
        let public = |ip: &str| is_public(&SocketAddr::new(ip.parse().unwrap(), 443));
        for ip in ["8.8.8.8", "2600:9000::1", "3.165.1.1", "100.128.0.1"] {
            assert!(public(ip), "{ip}");
        }
        for ip in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:10.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
        ] {
            assert!(!public(ip), "{ip}");
        }
    }
}

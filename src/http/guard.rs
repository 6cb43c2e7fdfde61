//! The only gate. Every request passes it, whatever it asks for: exact Host, then key and rate, then where it comes
//! from, then type and size. Rules per route stand in the table ([`super::routes`]); an address that is not in the table is
//! treated as one that needs a key.
//!
//! A page on another site, or on another port of this machine, can make a browser send requests here. What stops
//! it: the Host must be this server's own (DNS rebinding), a key is needed, the browser's own `Sec-Fetch-Site` and
//! `Origin` must say "same origin", and no CORS header is ever sent.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::keys::Proof;
use super::room::Room;
use super::routes::{self, Access, Body};

/// The names under which this server may be asked.
#[derive(Clone, Debug)]
pub struct Hosts {
    allowed: Vec<String>,
    /// Remote use was allowed and the server listens on every address: any IP literal with the right port is one of
    /// its own. A rebinding attack needs a *name*, so this lets none in.
    any_literal: Option<u16>,
    remote: bool,
}

impl Hosts {
    /// The names of a server bound to `address`.
    #[must_use]
    pub fn of(address: SocketAddr) -> Self {
        let port = address.port();
        let mut allowed: Vec<String> =
            ["127.0.0.1", "localhost", "[::1]"].iter().map(|name| format!("{name}:{port}")).collect();
        let ip = address.ip();
        if !ip.is_loopback() && !ip.is_unspecified() {
            allowed.push(address.to_string());
        }
        Self { allowed, any_literal: ip.is_unspecified().then_some(port), remote: !is_local(ip) }
    }

    /// Whether other machines may reach this server. Browsers send `Sec-Fetch-Site` only over HTTPS and to loopback
    /// addresses, so there an exact `Origin`, which they send with every change, has to do.
    #[must_use]
    pub fn remote(&self) -> bool {
        self.remote
    }

    /// Whether a Host header is exactly one of this server's names.
    #[must_use]
    pub fn know(&self, host: &str) -> bool {
        self.allowed.iter().any(|name| name == host)
            || self.any_literal.is_some_and(|port| {
                host.parse::<SocketAddr>().is_ok_and(|literal| literal.port() == port && literal.to_string() == host)
            })
    }
}

/// Whether an address can only be reached from this machine.
#[must_use]
pub fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback()
}

/// Lets a request through or answers it.
pub async fn gate(State(room): State<Room>, path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let Some(host) = own_host(&room.hosts, &request) else {
        // Empty on purpose: a rebound page learns nothing, not even which program it met.
        return StatusCode::FORBIDDEN.into_response();
    };
    let openai = request.uri().path().starts_with("/v1/");
    match check(&room, path.as_ref().map(MatchedPath::as_str), &host, &request) {
        Ok(rule) => {
            let mut request = request;
            request.extensions_mut().insert(rule);
            next.run(request).await
        }
        Err(refusal) if openai => refusal.into_openai(),
        Err(refusal) => refusal.into_response(),
    }
}

/// The one Host header of a request in origin form, if it names this server.
fn own_host(hosts: &Hosts, request: &Request) -> Option<String> {
    if request.uri().authority().is_some() || request.uri().scheme().is_some() {
        return None;
    }
    let mut named = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else { return None };
    let host = host.to_str().ok()?;
    hosts.know(host).then(|| host.to_owned())
}

fn check(room: &Room, path: Option<&str>, host: &str, request: &Request) -> Result<Body, ApiError> {
    let headers = request.headers();
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let (access, body) = path
        .and_then(|path| routes::rule(method, path))
        .map_or((Access::Key, Body::None), |route| (route.access, route.body));
    if access == Access::Open {
        return Ok(body);
    }
    let now = Instant::now();
    let Some(proof) = prove(room, headers) else {
        room.rates.strangers.take(now).map_err(ApiError::too_many)?;
        return Err(ApiError::locked());
    };
    room.rates.holders.take(now).map_err(ApiError::too_many)?;
    came_from_here(method, proof, (host, room.hosts.remote()), headers)?;
    fits(body, headers)?;
    Ok(body)
}

fn prove(room: &Room, headers: &HeaderMap) -> Option<Proof> {
    let mut authorization = headers.get_all(header::AUTHORIZATION).iter();
    let first = authorization.next().map(|value| value.to_str().unwrap_or(""));
    if authorization.next().is_some() {
        return None;
    }
    let cookies: Vec<&str> = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
    room.keys.proof(first, &cookies)
}

/// Refuses what another site's page made the browser send. `SameSite` alone is no defence: a page on another port of
/// localhost is *same-site*.
fn came_from_here(
    method: &Method,
    proof: Proof,
    (host, remote): (&str, bool),
    headers: &HeaderMap,
) -> Result<(), ApiError> {
    let site = single(headers, "sec-fetch-site")?;
    let origin = single(headers, "origin")?;
    let reads = matches!(*method, Method::GET);
    let site_fits = match site {
        Some("same-origin") => true,
        Some("none") => reads,
        Some(_) => false,
        None => reads || proof == Proof::Bearer || (remote && origin.is_some()),
    };
    let origin_fits = origin.is_none_or(|origin| origin.strip_prefix("http://") == Some(host));
    if site_fits && origin_fits { Ok(()) } else { Err(ApiError::cross_site()) }
}

/// The value of a header that may come at most once.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(ApiError::cross_site());
    }
    first.map(|value| value.to_str().map_err(|_| ApiError::cross_site())).transpose()
}

/// Refuses a body of a foreign type or one that says it is too large. The body's true length is checked again while
/// it is read.
fn fits(body: Body, headers: &HeaderMap) -> Result<(), ApiError> {
    let length = match headers.get(header::CONTENT_LENGTH) {
        Some(value) => Some(
            value
                .to_str()
                .ok()
                .and_then(|text| text.parse::<u64>().ok())
                .ok_or_else(|| ApiError::malformed("The Content-Length is not a number."))?,
        ),
        None => None,
    };
    let has_body = length.map_or_else(|| headers.contains_key(header::TRANSFER_ENCODING), |length| length > 0);
    if has_body {
        let mut types = headers.get_all(header::CONTENT_TYPE).iter();
        let one = types.next().and_then(|value| value.to_str().ok()).filter(|_| types.next().is_none());
        let essence = one.and_then(|value| value.split(';').next()).map(str::trim).unwrap_or_default();
        if !body.takes(essence) {
            return Err(ApiError::wrong_type(body.media_types()));
        }
    }
    if length.is_some_and(|length| length > body.limit() as u64) {
        return Err(ApiError::too_large(body.limit()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(address: &str) -> Hosts {
        Hosts::of(address.parse().expect("a socket address"))
    }

    #[test]
    fn only_exact_names_of_the_bound_port_pass() {
        let hosts = hosts("127.0.0.1:7447");
        for name in ["127.0.0.1:7447", "localhost:7447", "[::1]:7447"] {
            assert!(hosts.know(name), "{name}");
        }
        for name in ["", "localhost", "127.0.0.1", "LOCALHOST:7447", "localhost.:7447", "192.168.0.2:7447"] {
            assert!(!hosts.know(name), "{name}");
        }
    }

    #[test]
    fn remote_use_adds_addresses_but_never_names() {
        let everywhere = hosts("0.0.0.0:7447");
        assert!(everywhere.know("192.168.0.2:7447") && everywhere.know("[fe80::1]:7447"));
        for name in ["evil.test:7447", "192.168.0.2:7448", "192.168.0.2", "192.168.000.2:7447", "machine.local:7447"] {
            assert!(!everywhere.know(name), "{name}");
        }
        let one = hosts("192.168.0.2:7447");
        assert!(one.know("192.168.0.2:7447") && !one.know("192.168.0.3:7447"));
    }
}

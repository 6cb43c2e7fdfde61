//! The secrets of one start: the token for programs, the cookie for the page, the one-time codes that hand the cookie out.
//!
//! All are 256 random bits, drawn anew at every start, so that nothing from an earlier start opens this one. Never
//! logged, never in a process's arguments. Knows no routes.

use std::collections::VecDeque;
use std::sync::Mutex;

use subtle::ConstantTimeEq;

/// One-time codes that may be open at once; the oldest falls out.
const OPEN_CODES: usize = 16;

/// The secrets of one start.
pub struct Keys {
    token: String,
    cookie: String,
    cookie_name: String,
    codes: Mutex<VecDeque<String>>,
}

/// What a request proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The bearer token: a program.
    Bearer,
    /// The cookie of this start: the page.
    Cookie,
}

impl Keys {
    /// Draws fresh secrets for a server on `port`. Cookies ignore ports, so the port is in the cookie's name: two
    /// servers on one machine do not log each other's pages out.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn draw(port: u16) -> anyhow::Result<Self> {
        Ok(Self {
            token: secret()?,
            cookie: secret()?,
            cookie_name: format!("offrecord-{port}"),
            codes: Mutex::new(VecDeque::new()),
        })
    }

    /// The bearer token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A new one-time code for `/enter/{code}`.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn new_code(&self) -> anyhow::Result<String> {
        let code = secret()?;
        let mut codes = self.codes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if codes.len() == OPEN_CODES {
            codes.pop_front();
        }
        codes.push_back(code.clone());
        Ok(code)
    }

    /// Takes a code out of circulation; the `Set-Cookie` value for its bearer, or nothing if it was never given or
    /// was used before.
    #[must_use]
    pub fn redeem(&self, code: &str) -> Option<String> {
        let mut codes = self.codes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let position = codes.iter().position(|known| same(known, code))?;
        codes.remove(position);
        Some(format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie_name, self.cookie))
    }

    /// What the `Authorization` and `Cookie` headers prove, if anything. A bearer that is present and wrong proves
    /// nothing, whatever the cookie says.
    #[must_use]
    pub fn proof(&self, authorization: Option<&str>, cookies: &[&str]) -> Option<Proof> {
        if let Some(value) = authorization {
            let (scheme, token) = value.split_once(' ')?;
            return (scheme.eq_ignore_ascii_case("bearer") && same(&self.token, token.trim())).then_some(Proof::Bearer);
        }
        cookies
            .iter()
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .any(|(name, value)| name == self.cookie_name && same(&self.cookie, value))
            .then_some(Proof::Cookie)
    }
}

/// 256 random bits in hex.
fn secret() -> anyhow::Result<String> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the operating system gives no randomness: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Equality in a time that tells nothing about where the difference is.
fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_opens_the_door_once() {
        let keys = Keys::draw(7447).expect("randomness");
        let code = keys.new_code().expect("randomness");
        assert_eq!(code.len(), 64);
        assert_eq!(keys.redeem("0".repeat(64).as_str()), None);
        let cookie = keys.redeem(&code).expect("first use");
        assert!(cookie.starts_with("offrecord-7447=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"));
        assert_eq!(keys.redeem(&code), None);
    }

    #[test]
    fn only_this_starts_secrets_prove_anything() {
        let (keys, earlier) = (Keys::draw(1).expect("randomness"), Keys::draw(1).expect("randomness"));
        let good = format!("Bearer {}", keys.token);
        let cookie = format!("a=b; offrecord-1={}; c=d", keys.cookie);
        assert_eq!(keys.proof(Some(&good), &[]), Some(Proof::Bearer));
        assert_eq!(keys.proof(Some(&good.replace("Bearer", "bearer")), &[]), Some(Proof::Bearer));
        assert_eq!(keys.proof(None, &[&cookie]), Some(Proof::Cookie));
        assert_eq!(earlier.proof(Some(&good), &[]), None);
        assert_eq!(earlier.proof(None, &[&cookie]), None);
        assert_eq!(keys.proof(Some("Bearer x"), &[&cookie]), None, "a wrong bearer is not mended by a cookie");
        assert_eq!(keys.proof(Some(&keys.token), &[]), None, "no scheme");
        assert_eq!(keys.proof(None, &["offrecord-1=", ""]), None);
        let other_port = format!("offrecord-2={}", keys.cookie);
        assert_eq!(keys.proof(None, &[&other_port]), None);
    }

    #[test]
    fn open_codes_are_bounded() {
        let keys = Keys::draw(1).expect("randomness");
        let first = keys.new_code().expect("randomness");
        for _ in 0..OPEN_CODES {
            keys.new_code().expect("randomness");
        }
        assert_eq!(keys.redeem(&first), None);
    }
}

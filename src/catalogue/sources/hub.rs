//! Hugging Face, or a server that speaks like it.
//!
//! `hf-hub` knows the addresses, the cache and the token. The bytes are fetched here, because its downloader follows a
//! redirect to any address, has no time limit, takes a whole body for the rest of one, and keeps a second copy of the
//! file in its cache.

use std::io::Read;
use std::time::Duration;

use hf_hub::api::sync::ApiBuilder;
use hf_hub::{Cache, Repo, RepoType};
use ureq::http::{Response, StatusCode, Uri};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body};

use super::Failure;
use crate::catalogue::address::{Gate, PublicNames};
use crate::catalogue::entry::Entry;
use crate::catalogue::landing::Landing;
use crate::catalogue::name::Sha256;
use crate::catalogue::progress::Cancel;

/// Redirects followed for one request.
const REDIRECTS: usize = 5;
/// Tries without a new byte before the source is given up.
const TRIES: u32 = 5;
/// Size of a read.
const BLOCK: usize = 256 << 10;

/// Where the hub is and how patient to be.
#[derive(Clone, Debug)]
pub struct HubSettings {
    /// `https://huggingface.co`, or `HF_ENDPOINT`.
    pub endpoint: String,
    /// `HF_TOKEN`, or the token file of the hub's own tools. Sent to the endpoint only.
    pub token: Option<String>,
    /// Longest silence within a transfer.
    pub stall: Duration,
    /// First pause before another try; doubled each time.
    pub pause: Duration,
}

impl HubSettings {
    /// As the hub's own tools: `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME`.
    #[must_use]
    pub fn from_env() -> Self {
        let set = |name: &str| std::env::var(name).ok().map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
        Self {
            endpoint: set("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned()),
            token: set("HF_TOKEN").or_else(|| super::cache::folder().and_then(|cache| cache.token())),
            stall: Duration::from_secs(30),
            pause: Duration::from_millis(500),
        }
    }
}

/// What the hub says of a file.
#[derive(Debug)]
struct Told {
    sha256: Option<Sha256>,
    size: Option<u64>,
    commit: Option<String>,
}

/// What a delivered file was: its digest and the commit it belongs to.
pub(in crate::catalogue) struct Delivered {
    pub(in crate::catalogue) commit: Option<String>,
    pub(in crate::catalogue) resumed: bool,
}

/// One file of one repository.
pub(in crate::catalogue) struct HubFile<'a> {
    settings: &'a HubSettings,
    cancel: &'a Cancel,
    gate: Gate,
    agent: Agent,
    url: String,
}

/// How a request failed.
enum Trouble {
    /// Another try may help.
    Passing(String),
    /// It will not.
    Lasting(String),
}

impl<'a> HubFile<'a> {
    pub(in crate::catalogue) fn new(
        settings: &'a HubSettings,
        cancel: &'a Cancel,
        (repo, file, revision): (&str, &str, &str),
    ) -> Result<Self, Failure> {
        let gate = Gate::new(&settings.endpoint).map_err(Failure::Source)?;
        let api = ApiBuilder::from_cache(Cache::new(std::path::PathBuf::new()))
            .with_endpoint(settings.endpoint.trim_end_matches('/').to_owned())
            .with_progress(false)
            .build()
            .map_err(|error| Failure::Source(error.to_string()))?;
        let url = api.repo(Repo::with_revision(repo.to_owned(), RepoType::Model, revision.to_owned())).url(file);
        // A proxy of the environment stands between this machine and the hub, never between it and itself.
        let proxy = if gate.is_this_machine() { None } else { ureq::Proxy::try_from_env() };
        let config = Agent::config_builder()
            .proxy(proxy)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // A compressed body could not be resumed and could be a bomb.
            .accept_encoding("identity")
            .user_agent(concat!("offrecord/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(Duration::from_secs(10)))
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_recv_response(Some(settings.stall))
            .timeout_per_read(Some(settings.stall))
            .max_response_header_size(64 << 10)
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::new(), PublicNames::new(gate.clone()));
        Ok(Self { settings, cancel, gate, agent, url })
    }

    /// Asks what the file is, agrees with the catalogue on it, and brings the bytes that are missing.
    pub(in crate::catalogue) fn fetch(
        &self,
        entry: &Entry,
        landing: &mut Landing,
        free_disk: Option<u64>,
        arrived: &mut dyn FnMut(&Landing),
        pinned: &mut dyn FnMut(&Sha256),
    ) -> Result<Delivered, Failure> {
        let told = self.ask()?;
        let (sha256, size) = agree(entry, &told)?;
        if entry.sha256.is_none() {
            pinned(&sha256);
        }
        let kept = landing.expect(&sha256, size, self.cancel)?;
        landing.check_disk(0, free_disk)?;
        arrived(landing);
        let mut tries = 0;
        while landing.missing() > 0 {
            let before = landing.length();
            match self.transfer(landing, arrived) {
                Ok(()) => {}
                Err(Failure::Source(reason)) if !reason.is_empty() => return Err(Failure::Source(reason)),
                Err(other) => return Err(other),
            }
            tries = if landing.length() > before { 0 } else { tries + 1 };
            if landing.missing() > 0 {
                if tries >= TRIES {
                    return Err(Failure::Source(format!("no more bytes came after {} of {size}", landing.length())));
                }
                self.pause(tries)?;
            }
        }
        Ok(Delivered { commit: told.commit, resumed: kept > 0 })
    }

    /// The file's metadata, from the headers before any redirect to storage.
    fn ask(&self) -> Result<Told, Failure> {
        let mut tries = 0;
        loop {
            match self.request(Some("bytes=0-0")) {
                Ok((told, _)) => return Ok(told),
                Err(Trouble::Lasting(reason)) => return Err(Failure::Source(reason)),
                Err(Trouble::Passing(reason)) => {
                    tries += 1;
                    if tries >= TRIES {
                        return Err(Failure::Source(reason));
                    }
                    self.pause(tries)?;
                }
            }
        }
    }

    /// One request for the missing bytes. An interrupted one is no error: the caller sees what is still missing.
    fn transfer(&self, landing: &mut Landing, arrived: &mut dyn FnMut(&Landing)) -> Result<(), Failure> {
        let start = landing.length();
        let range = (start > 0).then(|| format!("bytes={start}-"));
        let response = match self.request(range.as_deref()) {
            Ok((_, response)) => response,
            Err(Trouble::Lasting(reason)) => return Err(Failure::Source(reason)),
            Err(Trouble::Passing(_)) => return Ok(()),
        };
        let size = landing.size();
        let announced = if response.status() == StatusCode::PARTIAL_CONTENT {
            match content_range(&response) {
                Some((from, total)) if from == start => total,
                _ => return Err(Failure::Source("the server sent another part than was asked for".to_owned())),
            }
        } else {
            if start > 0 {
                landing.restart()?;
            }
            header(&response, "content-length").and_then(|length| length.parse().ok())
        };
        if let Some(announced) = announced
            && announced != size
        {
            return Err(Failure::Source(format!("the file has {announced} bytes there, expected {size}")));
        }
        let mut body = response.into_body().into_reader();
        let mut block = vec![0; BLOCK];
        while landing.missing() > 0 {
            if self.cancel.is_cancelled() {
                return Err(Failure::Final(crate::catalogue::CatalogueError::Cancelled));
            }
            match body.read(&mut block) {
                Ok(0) | Err(_) => return Ok(()),
                Ok(n) => {
                    landing.append(&block[..n])?;
                    arrived(landing);
                }
            }
        }
        Ok(())
    }

    /// Sends the request and follows redirects by hand, each one through the gate.
    fn request(&self, range: Option<&str>) -> Result<(Told, Response<Body>), Trouble> {
        let refused = |reason| Trouble::Lasting(format!("refused to go to {reason}"));
        let mut uri = self.gate.admit(&self.url, None).map_err(refused)?;
        let mut told = Told { sha256: None, size: None, commit: None };
        for _ in 0..=REDIRECTS {
            let response = self.get(&uri, range)?;
            told.learn(&response);
            let status = response.status();
            if status.is_redirection() {
                let location = header(&response, "location")
                    .ok_or_else(|| Trouble::Lasting("a redirect to nowhere".to_owned()))?;
                uri = self.gate.admit(location, Some(&uri)).map_err(refused)?;
                continue;
            }
            return match status.as_u16() {
                200 | 206 if header(&response, "content-encoding").is_some_and(|e| e != "identity") => {
                    Err(Trouble::Lasting("a compressed answer, which was not asked for".to_owned()))
                }
                200 | 206 => {
                    told.learn_size(&response);
                    Ok((told, response))
                }
                // What is here is not a part of what is there: begin again without a range.
                416 if range.is_some_and(|range| range != "bytes=0-0") => {
                    Err(Trouble::Lasting("the server has fewer bytes than are here".to_owned()))
                }
                401 | 403 => {
                    Err(Trouble::Lasting(format!("{status}: accept the model's licence there and set HF_TOKEN")))
                }
                408 | 429 | 500..=599 => Err(Trouble::Passing(format!("{status}"))),
                _ => Err(Trouble::Lasting(format!("{status}"))),
            };
        }
        Err(Trouble::Lasting(format!("more than {REDIRECTS} redirects")))
    }

    fn get(&self, uri: &Uri, range: Option<&str>) -> Result<Response<Body>, Trouble> {
        let mut request = self.agent.get(uri.to_string());
        if let Some(range) = range {
            request = request.header("Range", range);
        }
        if let Some(token) = self.settings.token.as_deref().filter(|_| self.gate.is_endpoint(uri)) {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        request.call().map_err(|error| {
            let host = uri.host().unwrap_or_default();
            match &error {
                ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
                    Trouble::Lasting(format!("{host} cannot be reached"))
                }
                ureq::Error::Io(io) => match io.kind() {
                    std::io::ErrorKind::ConnectionReset
                    | std::io::ErrorKind::ConnectionAborted
                    | std::io::ErrorKind::UnexpectedEof
                    | std::io::ErrorKind::BrokenPipe => Trouble::Passing(format!("{host}: {io}")),
                    _ => Trouble::Lasting(format!("{host} cannot be reached ({io})")),
                },
                ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => {
                    Trouble::Lasting(format!("{host} cannot be reached"))
                }
                ureq::Error::Timeout(_) => Trouble::Passing(format!("{host} does not answer")),
                other => Trouble::Lasting(format!("{host}: {other}")),
            }
        })
    }

    fn pause(&self, tries: u32) -> Result<(), Failure> {
        if self.cancel.is_cancelled() {
            return Err(Failure::Final(crate::catalogue::CatalogueError::Cancelled));
        }
        std::thread::sleep(self.settings.pause * 2_u32.pow(tries.min(5)) / 2);
        Ok(())
    }
}

impl Told {
    /// The first response that names a digest counts: the hub's own, not its storage's.
    fn learn(&mut self, response: &Response<Body>) {
        let digest = |name: &str| {
            header(response, name)?
                .trim_start_matches("W/")
                .trim_matches('"')
                .to_ascii_lowercase()
                .parse::<Sha256>()
                .ok()
        };
        if self.sha256.is_none() {
            self.sha256 = digest("x-linked-etag").or_else(|| digest("etag"));
        }
        if self.size.is_none() {
            self.size = header(response, "x-linked-size").and_then(|size| size.parse().ok());
        }
        if self.commit.is_none() {
            self.commit = header(response, "x-repo-commit").filter(|c| is_commit(c)).map(str::to_owned);
        }
    }

    fn learn_size(&mut self, response: &Response<Body>) {
        if self.size.is_none() {
            self.size = match response.status() {
                StatusCode::PARTIAL_CONTENT => content_range(response).and_then(|(_, total)| total),
                _ => header(response, "content-length").and_then(|size| size.parse().ok()),
            };
        }
    }
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// Refuses before the first byte when the hub has another file than the catalogue means.
fn agree(entry: &Entry, told: &Told) -> Result<(Sha256, u64), Failure> {
    let fail = |reason: String| Err(Failure::Source(reason));
    if let Some(expected) = &entry.sha256 {
        if let Some(found) = told.sha256.as_ref().filter(|found| *found != expected) {
            return fail(format!("it has another file there: sha256 {found}, expected {expected}"));
        }
        if let Some(size) = told.size.filter(|size| *size != entry.size) {
            return fail(format!("the file has {size} bytes there, expected {}", entry.size));
        }
        return Ok((expected.clone(), entry.size));
    }
    match (&told.sha256, told.size) {
        (None, _) => fail("it does not say the file's sha256, so the file could not be checked".to_owned()),
        (_, None | Some(0)) => fail("it does not say how large the file is".to_owned()),
        // The catalogue's rounded figure decided whether the model fits: a file far from it is not the file that was meant.
        (_, Some(size)) if size > entry.size.saturating_add(entry.size / 10) => {
            fail(format!("the file has {size} bytes there, about {} were expected", entry.size))
        }
        (Some(sha256), Some(size)) => Ok((sha256.clone(), size)),
    }
}

fn header<'r>(response: &'r Response<Body>, name: &str) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok()
}

/// `bytes 5-9/10` as `(5, Some(10))`.
fn content_range(response: &Response<Body>) -> Option<(u64, Option<u64>)> {
    let (span, total) = header(response, "content-range")?.strip_prefix("bytes ")?.split_once('/')?;
    let from = span.split_once('-')?.0.parse().ok()?;
    Some((from, total.parse().ok()))
}

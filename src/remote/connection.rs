//! The connection to a server that the user named: one address, no redirect, nothing without a bound. The only file of
//! this room that opens a connection, and it opens none but to that address (or to the proxy of the environment).

use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::address::Address;
use super::frames::{Frames, Limits};
use super::{Key, Settings};

/// Most bytes of an answer that is not streamed.
const LARGEST: u64 = 4 << 20;
/// Most characters of a server's own words that are shown.
const EXCERPT: usize = 200;
/// Longest pause that a server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A line to the server: what a request goes over.
pub(super) type Line = Agent;

/// Why a request brought nothing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Failure {
    /// Another try may help, after this pause if the server named one.
    Passing(String, Option<Duration>),
    /// The server does not take this request: another form of it may do.
    Refused(String),
    /// Nothing will help.
    Lasting(String),
}

impl Failure {
    pub(super) fn reason(&self) -> &str {
        let (Self::Passing(reason, _) | Self::Refused(reason) | Self::Lasting(reason)) = self;
        reason
    }
}

/// What a server answers.
pub(super) enum Answer {
    /// One JSON value.
    Whole(Value),
    /// Server-sent events.
    Stream(Frames<Box<dyn Read + Send>>),
}

/// One address, with connections that are kept open between requests.
pub(super) struct Connection {
    address: Address,
    key: Option<Key>,
    proxy: Option<ureq::Proxy>,
    /// Longest silence, and longest answer.
    patience: [Duration; 2],
    idle: Mutex<Vec<Line>>,
}

impl Connection {
    pub(super) fn new(address: Address, settings: &Settings) -> Self {
        // A proxy of the environment stands between this machine and others, never between it and itself.
        let proxy = if address.here { None } else { ureq::Proxy::try_from_env() };
        Self {
            address,
            key: settings.key.clone(),
            proxy,
            patience: [settings.patience, settings.longest],
            idle: Mutex::default(),
        }
    }

    /// Where text goes, for people.
    pub(super) fn goes_to(&self) -> String {
        let Address { host, encrypted, here, .. } = &self.address;
        let mut said = host.clone();
        if let Some(proxy) = &self.proxy {
            said += &format!(" through the proxy {}", proxy.host());
        }
        if !encrypted && !here {
            said += ", not encrypted";
        }
        said
    }

    /// A line to the server: a kept one, or a new one. Give it back with [`Connection::keep`]; `shutdown` cuts it.
    pub(super) fn line(&self) -> Line {
        self.idle().pop().unwrap_or_else(|| self.open())
    }

    /// Keeps a line for the next request.
    pub(super) fn keep(&self, line: Line) {
        self.idle().push(line);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Line>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Line {
        let [patience, longest] = self.patience;
        let config = Agent::config_builder()
            .proxy(self.proxy.clone())
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // A compressed body could be a bomb.
            .accept_encoding("identity")
            .user_agent(concat!("offrecord/", env!("CARGO_PKG_VERSION")))
            .max_response_header_size(64 << 10)
            .timeout_resolve(Some(Duration::from_secs(10)))
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_recv_response(Some(patience))
            .timeout_per_read(Some(patience))
            .timeout_global(Some(longest))
            .build();
        Agent::new_with_config(config)
    }

    /// Asks for a JSON value.
    pub(super) fn get(&self, line: &Line, path: &str) -> Result<Value, Failure> {
        let mut request = line.get(format!("{}{path}", self.address.base));
        if let Some(key) = &self.key {
            request = request.header("authorization", key.bearer());
        }
        match self.answer(request.call(), None)? {
            Answer::Whole(value) => Ok(value),
            Answer::Stream(_) => Err(Failure::Lasting("it answered with a stream".to_owned())),
        }
    }

    /// Sends a JSON value; `limits` = a stream is welcome.
    pub(super) fn post(
        &self,
        line: &Line,
        path: &str,
        body: &Value,
        limits: Option<Limits>,
    ) -> Result<Answer, Failure> {
        let mut request = line.post(format!("{}{path}", self.address.base));
        if let Some(key) = &self.key {
            request = request.header("authorization", key.bearer());
        }
        self.answer(request.send_json(body), limits)
    }

    fn answer(&self, sent: Result<Response<Body>, ureq::Error>, limits: Option<Limits>) -> Result<Answer, Failure> {
        let mut response = sent.map_err(|error| trouble(&error))?;
        let status = response.status().as_u16();
        match status {
            200..300 => {}
            300..=399 => {
                return Err(Failure::Lasting(format!(
                    "status {status}: it points to another address, which is not followed"
                )));
            }
            401 | 403 => return Err(Failure::Lasting(format!("status {status}: it wants another key"))),
            408 | 425 | 429 | 500 | 502..600 => {
                return Err(Failure::Passing(self.told(status, &mut response), pause(&response)));
            }
            _ => return Err(Failure::Refused(self.told(status, &mut response))),
        }
        let kind = header(&response, "content-type")
            .map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        match (kind.as_deref(), limits) {
            (Some("text/event-stream"), Some(limits)) => {
                let body: Box<dyn Read + Send> = Box::new(response.into_body().into_reader());
                Ok(Answer::Stream(Frames::new(body, limits)))
            }
            (None | Some("" | "application/json"), _) => whole(&mut response).map(Answer::Whole),
            (Some(kind), _) if kind.ends_with("+json") => whole(&mut response).map(Answer::Whole),
            (Some(kind), _) => Err(Failure::Lasting(format!("it answered with {}, not with JSON", excerpt(kind)))),
        }
    }

    /// A status with the server's own words, which may hold anything.
    fn told(&self, status: u16, response: &mut Response<Body>) -> String {
        let text = response.body_mut().with_config().limit(64 << 10).read_to_vec().unwrap_or_default();
        let value: Value = serde_json::from_slice(&text).unwrap_or_default();
        let words = [&value["error"]["message"], &value["message"], &value["detail"], &value["error"]]
            .into_iter()
            .find_map(Value::as_str);
        match words {
            Some(words) => {
                // First the key, then the cut: a key that is cut would not be found.
                let words = self.key.as_ref().map_or(words.to_owned(), |key| key.kept_out_of(words));
                format!("status {status}: {}", excerpt(&words))
            }
            None => format!("status {status}"),
        }
    }
}

fn whole(response: &mut Response<Body>) -> Result<Value, Failure> {
    let bytes = response.body_mut().with_config().limit(LARGEST).read_to_vec().map_err(|error| match error {
        ureq::Error::BodyExceedsLimit(_) => Failure::Lasting(format!("its answer has more than {} MiB", LARGEST >> 20)),
        other => trouble(&other),
    })?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::Lasting(format!("its answer is not JSON ({error})")))
}

fn trouble(error: &ureq::Error) -> Failure {
    match error {
        ureq::Error::HostNotFound => Failure::Passing("there is no such host".to_owned(), None),
        ureq::Error::ConnectionFailed => Failure::Passing("it cannot be reached".to_owned(), None),
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            Failure::Passing("it cannot be reached".to_owned(), None)
        }
        ureq::Error::Timeout(_) => Failure::Passing("it does not answer in time".to_owned(), None),
        ureq::Error::Io(error) => Failure::Passing(error.to_string(), None),
        other => Failure::Passing(excerpt(&other.to_string()), None),
    }
}

fn pause(response: &Response<Body>) -> Option<Duration> {
    let seconds: f64 = header(response, "retry-after")?.trim().parse().ok()?;
    (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(LONGEST_PAUSE.as_secs_f64())))
}

fn header<'r>(response: &'r Response<Body>, name: &str) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok()
}

/// The beginning of a stranger's words, in one line.
pub(super) fn excerpt(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(EXCERPT).collect();
    line.trim().to_owned()
}

//! A judge behind an address: any server that speaks OpenAI's chat completions with log-probabilities plays the engine.
//!
//! It serves the same queue as a loaded model, so that all that grades works unchanged. Only judging: it words nothing.
//! Sends nothing anywhere but to the address that the user named; no redirect, and no key in an address is followed.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Uri;

use crate::catalogue::address::{has_user, is_loopback};
use crate::engine::{Choice, Engine, EngineError, Event, Job, ModelInfo, Role, Scored};

/// Tokens with probabilities that are asked for: the most that OpenAI's interface gives.
const TOP: usize = 20;
/// Questions in flight: servers batch them.
const TOGETHER: usize = 4;

/// Where the judge is, and how patient to be.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `http://HOST:PORT` or `https://HOST`, with or without `/v1`.
    pub url: String,
    /// Sent as a bearer token, if there is one.
    pub key: Option<String>,
    /// Tries for one question.
    pub tries: u32,
    /// Pause before the second try; doubled each time.
    pub pause: Duration,
    /// Longest wait for one answer.
    pub patience: Duration,
}

impl Settings {
    /// For an address; `OFFRECORD_JUDGE_KEY` is the key.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let key = std::env::var("OFFRECORD_JUDGE_KEY").ok().filter(|k| !k.trim().is_empty());
        Self {
            url: url.to_owned(),
            key,
            tries: 5,
            pause: Duration::from_millis(500),
            patience: Duration::from_secs(120),
        }
    }
}

/// Why there is no judge at an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// The address is none.
    #[error("{0} is no address of a judge: write http://HOST:PORT or https://HOST")]
    Address(String),
    /// Not allowed without the network.
    #[error("{0} is not on this machine, and --offline forbids the network (leave --offline out, or use 127.0.0.1)")]
    Offline(String),
    /// It does not answer.
    #[error("the judge at {url} does not answer as OpenAI's interface does: {reason}")]
    NoAnswer {
        /// The address.
        url: String,
        /// What went wrong.
        reason: String,
    },
}

/// Asks the server which model it has and starts a thread that judges with it.
///
/// # Errors
/// An address that is none, is not allowed, or where nobody answers.
pub fn connect(settings: Settings, offline: bool) -> Result<Engine, RemoteError> {
    let wrong = || RemoteError::Address(settings.url.clone());
    let uri: Uri = settings.url.trim_end_matches('/').parse().map_err(|_| wrong())?;
    let host = uri.host().unwrap_or_default().to_owned();
    if host.is_empty() || has_user(&uri) || !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong());
    }
    let here = is_loopback(&host);
    if offline && !here {
        return Err(RemoteError::Offline(host));
    }
    let base = settings.url.trim_end_matches('/').trim_end_matches("/v1").to_owned() + "/v1";
    // A proxy of the environment stands between this machine and others, never between it and itself.
    let proxy = if here { None } else { ureq::Proxy::try_from_env() };
    let config = Agent::config_builder()
        .proxy(proxy)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(concat!("offrecord/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_global(Some(settings.patience))
        .build();
    let mut server = Server { agent: Agent::new_with_config(config), base, model: String::new(), settings };
    let models = server.models().map_err(|reason| RemoteError::NoAnswer { url: server.base.clone(), reason })?;
    server.model = models;
    let (engine, mut queue) = Engine::with_queue(ModelInfo {
        id: format!("{} ({host})", server.model),
        sha256: String::new(),
        architecture: "unknown".into(),
        quantisation: "unknown".into(),
        context: 0,
        hidden_size: 0,
        kernel: "remote".into(),
        threads: 0,
    });
    std::thread::Builder::new()
        .name("remote-judge".into())
        .spawn(move || {
            while let Some(job) = queue.blocking_recv() {
                server.serve(job);
            }
        })
        .expect("the operating system refused a thread");
    Ok(engine)
}

struct Server {
    agent: Agent,
    base: String,
    model: String,
    settings: Settings,
}

/// Whether another try may help.
enum Failure {
    Passing(String),
    Lasting(String),
}

impl Server {
    fn serve(&self, job: Job) {
        match job {
            Job::Choose { request, reply } => {
                let result = if request.hidden {
                    Err(EngineError::Constraint("a judge behind an address shows no hidden states".into()))
                } else {
                    self.judge(&request.choices)
                };
                // A listener that has gone needs no answer.
                let _ = reply.send(result);
            }
            Job::Generate { reply, .. } => {
                let message = "a judge behind an address only judges; it words nothing".to_owned();
                let _ = reply.send(Event::Failed(EngineError::Constraint(message)));
            }
            Job::Prefill { reply, .. } => {
                let _ = reply.send(Ok(0));
            }
        }
    }

    fn judge(&self, choices: &[Choice]) -> Result<Vec<Scored>, EngineError> {
        let mut scored = Vec::with_capacity(choices.len());
        for batch in choices.chunks(TOGETHER) {
            let answers: Vec<Result<Scored, EngineError>> = std::thread::scope(|scope| {
                let asked: Vec<_> = batch.iter().map(|choice| scope.spawn(|| self.ask(choice))).collect();
                let lost = || Err(EngineError::Inference("asking the judge panicked. This is a bug.".into()));
                asked.into_iter().map(|thread| thread.join().unwrap_or_else(|_| lost())).collect()
            });
            for answer in answers {
                scored.push(answer?);
            }
        }
        Ok(scored)
    }

    fn ask(&self, choice: &Choice) -> Result<Scored, EngineError> {
        let role = |role: Role| match role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let messages: Vec<Value> =
            choice.prompt.messages.iter().map(|m| json!({"role": role(m.role), "content": m.text})).collect();
        let body = json!({
            "model": self.model, "messages": messages, "max_tokens": 1, "temperature": 0, "seed": 0,
            "logprobs": true, "top_logprobs": TOP,
        });
        let answer = self
            .patiently(self.settings.tries, || self.send("/chat/completions", Some(&body)))
            .map_err(|reason| EngineError::Inference(format!("the judge at {}: {reason}", self.base)))?;
        let top = top_tokens(&answer).map_err(EngineError::Inference)?;
        let log_probs = option_log_probs(&choice.options, &top).ok_or_else(|| {
            EngineError::Inference("none of the options is among the judge's likeliest tokens".into())
        })?;
        Ok(Scored { log_probs, hidden: None })
    }

    /// The first model that the server names.
    fn models(&self) -> Result<String, String> {
        // A wrong address is told soon; what stands in the middle of a run is waited for.
        let answer = self.patiently(self.settings.tries.min(2), || self.send("/models", None))?;
        let id = answer["data"][0]["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| "it names no model at /v1/models".to_owned())
    }

    fn patiently(&self, tries: u32, mut ask: impl FnMut() -> Result<Value, Failure>) -> Result<Value, String> {
        let mut pause = self.settings.pause;
        let mut tried = 1;
        loop {
            match ask() {
                Ok(answer) => return Ok(answer),
                Err(Failure::Passing(_)) if tried < tries => {
                    std::thread::sleep(pause);
                    pause *= 2;
                    tried += 1;
                }
                Err(Failure::Passing(reason)) => return Err(format!("{reason} (tried {tried} times)")),
                Err(Failure::Lasting(reason)) => return Err(reason),
            }
        }
    }

    fn send(&self, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let url = format!("{}{path}", self.base);
        let bearer = self.settings.key.as_ref().map(|key| format!("Bearer {key}"));
        let sent = match body {
            Some(body) => {
                let request = self.agent.post(&url);
                match &bearer {
                    Some(bearer) => request.header("authorization", bearer).send_json(body),
                    None => request.send_json(body),
                }
            }
            None => {
                let request = self.agent.get(&url);
                match &bearer {
                    Some(bearer) => request.header("authorization", bearer).call(),
                    None => request.call(),
                }
            }
        };
        let mut response = sent.map_err(|error| Failure::Passing(error.to_string()))?;
        let status = response.status().as_u16();
        match status {
            200..300 => response.body_mut().read_json().map_err(|error| Failure::Passing(error.to_string())),
            429 | 500.. => Err(Failure::Passing(format!("status {status}"))),
            _ => Err(Failure::Lasting(format!("status {status}"))),
        }
    }
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Completed>,
}

#[derive(Deserialize)]
struct Completed {
    logprobs: Option<Logprobs>,
}

#[derive(Deserialize)]
struct Logprobs {
    content: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    token: String,
    logprob: f64,
    #[serde(default)]
    top_logprobs: Vec<Token>,
}

#[derive(Deserialize)]
struct Token {
    token: String,
    logprob: f64,
}

/// Tokens with their log-probabilities at the answer's first place.
fn top_tokens(answer: &Value) -> Result<Vec<(String, f64)>, String> {
    let wrong = |what: &str| format!("the judge's answer has no {what}: does it give log-probabilities?");
    let completion = Completion::deserialize(answer).map_err(|error| wrong(&error.to_string()))?;
    let first = completion.choices.into_iter().next().ok_or_else(|| wrong("choices"))?;
    let entry = first
        .logprobs
        .and_then(|l| l.content)
        .and_then(|content| content.into_iter().next())
        .ok_or_else(|| wrong("logprobs"))?;
    let mut top: BTreeMap<String, f64> = BTreeMap::new();
    top.insert(entry.token, entry.logprob);
    top.extend(entry.top_logprobs.into_iter().map(|t| (t.token, t.logprob)));
    top.retain(|_, p| p.is_finite() && *p <= 1e-6);
    Ok(top.into_iter().collect())
}

/// The options' log-probabilities: what all spellings of an option have together ("Yes", " yes"). An option that is not
/// among the likeliest tokens gets the least of them, which is the most it can have.
fn option_log_probs(options: &[String], top: &[(String, f64)]) -> Option<Vec<f32>> {
    let least = top.iter().map(|(_, p)| *p).fold(f64::INFINITY, f64::min);
    let together = |option: &String| {
        let wanted = option.trim().to_lowercase();
        // A letter is itself only: "a" begins many sentences.
        let fits = |token: &str| {
            let token = token.trim();
            if wanted.chars().count() == 1 { token == option.trim() } else { token.to_lowercase() == wanted }
        };
        let sum: f64 = top.iter().filter(|(t, _)| fits(t)).map(|(_, p)| p.exp()).sum();
        (sum > 0.0).then(|| sum.ln())
    };
    let found: Vec<Option<f64>> = options.iter().map(together).collect();
    if found.iter().all(Option::is_none) {
        return None;
    }
    Some(found.into_iter().map(|p| p.unwrap_or(least) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_has_all_its_spellings_and_a_letter_only_one() {
        let top = |list: &[(&str, f64)]| list.iter().map(|(t, p)| ((*t).to_owned(), p.ln())).collect::<Vec<_>>();
        let yes_no = ["Yes".to_owned(), "No".to_owned()];
        let p =
            option_log_probs(&yes_no, &top(&[("Yes", 0.5), (" yes", 0.1), ("No", 0.2), ("Maybe", 0.1)])).expect("p");
        assert!((p[0].exp() - 0.6).abs() < 1e-6 && (p[1].exp() - 0.2).abs() < 1e-6);
        let p = option_log_probs(&yes_no, &top(&[("Yes", 0.9), ("The", 0.02)])).expect("p");
        assert!((p[1].exp() - 0.02).abs() < 1e-6, "what is not listed has at most the least that is");
        assert_eq!(option_log_probs(&yes_no, &top(&[("The", 0.9)])), None);
        let letters = ["A".to_owned(), "B".to_owned()];
        let p = option_log_probs(&letters, &top(&[("a", 0.6), ("A", 0.1), ("B", 0.2)])).expect("p");
        assert!((p[0].exp() - 0.1).abs() < 1e-6);
    }

    #[test]
    fn an_address_is_one_and_offline_means_this_machine() {
        let at = |url: &str| connect(Settings { tries: 1, ..Settings::new(url) }, true).err();
        for url in ["", "localhost:80", "ftp://127.0.0.1", "http://", "http://user:key@127.0.0.1:1"] {
            assert_eq!(at(url), Some(RemoteError::Address(url.into())), "{url}");
        }
        assert_eq!(at("http://192.0.2.7:8000"), Some(RemoteError::Offline("192.0.2.7".into())));
        // Port 9 of this machine: nobody is there, but it may be asked.
        assert!(matches!(at("http://127.0.0.1:9"), Some(RemoteError::NoAnswer { .. })));
    }
}

//! The jobs of an engine, done by a server: as many requests in flight as agreed, tried again with pauses, cut when
//! nobody waits for them.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::abilities::{self, Abilities, Dialect};
use super::address::{Address, RemoteError};
use super::connection::{Answer, Connection, Failure, Line, excerpt};
use super::words::{self, Tried};
use super::{Settings, choices, shape};
use crate::engine::{
    Choice, ChooseRequest, Engine, EngineError, Event, GenerateRequest, Job, ModelInfo, Priority, Scored, fulfils,
};

/// Jobs in hand; more wait in the engine's bounded queue, and then it is busy.
const IN_HAND: usize = 32;
/// Models that are named to a person.
const NAMED: usize = 12;

/// A server that answers.
pub struct Connected {
    /// Words and judges.
    pub engine: Engine,
    /// Where text goes, for people: host and port, and how.
    pub leaves_for: String,
    /// What it can do.
    pub abilities: Abilities,
}

/// Asks the server which model it has and what it can do, and starts a thread that plays the engine with it. Blocks.
///
/// # Errors
/// An address that is none or is not allowed, a server that does not answer, a model that it does not have.
pub fn connect(settings: &Settings, offline: bool) -> Result<Connected, RemoteError> {
    let address = Address::parse(&settings.url)?.admit(offline)?;
    let connection = Connection::new(address.clone(), settings);
    let line = connection.line();
    // A wrong address is told soon; what happens in the middle of a run is waited for.
    let tries = settings.tries.min(2);
    let no_answer =
        |failure: Failure| RemoteError::NoAnswer { url: address.base.clone(), reason: failure.reason().to_owned() };
    let listed = patiently(settings, tries, || connection.get(&line, "/models")).map_err(no_answer)?;
    let model = named(&address, settings, &listed)?;
    let abilities = patiently(settings, tries, || abilities::find(&connection, &line, &model)).map_err(no_answer)?;
    connection.keep(line);

    let leaves_for = connection.goes_to();
    let (engine, queue) = Engine::with_queue(ModelInfo {
        id: format!("{} ({})", excerpt(&model), address.name()),
        sha256: String::new(),
        architecture: "unknown".into(),
        quantisation: "unknown".into(),
        context: 0,
        hidden_size: 0,
        kernel: "remote".into(),
        threads: 0,
    });
    let server = Arc::new(Server::new(connection, address.host, model, abilities, settings.clone()));
    std::thread::Builder::new()
        .name("remote-engine".into())
        .spawn(move || serve(&server, queue))
        .expect("the operating system refused a thread");
    Ok(Connected { engine: engine.elsewhere(&leaves_for), leaves_for, abilities })
}

/// The model to ask for: the named one, or the only one.
fn named(address: &Address, settings: &Settings, listed: &Value) -> Result<String, RemoteError> {
    let ids: Vec<&str> =
        listed["data"].as_array().into_iter().flatten().filter_map(|model| model["id"].as_str()).collect();
    let which = || RemoteError::WhichModel {
        host: address.host.clone(),
        url: settings.url.split('#').next().unwrap_or_default().trim().to_owned(),
        list: ids.iter().take(NAMED).map(|id| excerpt(id)).collect::<Vec<_>>().join(", "),
    };
    match (&address.model, ids.as_slice()) {
        (_, []) => Err(RemoteError::NoAnswer {
            url: address.base.clone(),
            reason: "it names no model at /v1/models".to_owned(),
        }),
        (None, [only]) => Ok((*only).to_owned()),
        (Some(model), ids) if ids.contains(&model.as_str()) => Ok(model.clone()),
        _ => Err(which()),
    }
}

/// Tries again what may pass, before any work is begun.
fn patiently<T>(settings: &Settings, tries: u32, ask: impl Fn() -> Result<T, Failure>) -> Result<T, Failure> {
    let mut tried = 1;
    loop {
        match ask() {
            Err(Failure::Passing(..)) if tried < tries => std::thread::sleep(settings.pause * tried),
            other => return other,
        }
        tried += 1;
    }
}

struct Server {
    connection: Connection,
    host: String,
    model: String,
    abilities: Abilities,
    settings: Settings,
    dialect: Mutex<Dialect>,
    /// Requests in flight.
    all: Semaphore,
    /// Of those, for work that nobody waits for: one place stays free for a person.
    background: Semaphore,
}

/// The thread of a server: takes jobs until no handle is left.
fn serve(server: &Arc<Server>, mut queue: mpsc::Receiver<Job>) {
    let together = server.settings.together.max(1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .max_blocking_threads(together + 1)
        .thread_name("remote-request")
        .build()
        .expect("the operating system refused a thread");
    let most = IN_HAND.max(together);
    let in_hand = Arc::new(Semaphore::new(most));
    runtime.block_on(async {
        loop {
            let Ok(place) = Arc::clone(&in_hand).acquire_owned().await else { return };
            let Some(job) = queue.recv().await else { break };
            let server = Arc::clone(server);
            tokio::spawn(async move {
                server.work(job).await;
                drop(place);
            });
        }
        // What was begun is brought to its end, as a model in memory does.
        let _ = in_hand.acquire_many(u32::try_from(most).unwrap_or(u32::MAX)).await;
    });
    // Whoever waited has gone; a request that still hangs ends by itself.
    runtime.shutdown_background();
}

impl Server {
    fn new(connection: Connection, host: String, model: String, abilities: Abilities, settings: Settings) -> Self {
        let together = settings.together.max(1);
        Self {
            connection,
            host,
            model,
            abilities,
            dialect: Mutex::default(),
            all: Semaphore::new(together),
            background: Semaphore::new(together.saturating_sub(1).max(1)),
            settings,
        }
    }

    async fn work(self: Arc<Self>, job: Job) {
        match job {
            Job::Generate { request, reply } => {
                let last = tokio::select! {
                    last = self.word(request, &reply) => last,
                    () = reply.closed() => return,
                };
                // A listener that has gone needs no answer; nor do those below.
                let _ = reply.send(last);
            }
            Job::Choose { request, mut reply } => {
                let judged = tokio::select! {
                    judged = self.judge(request) => judged,
                    () = reply.closed() => return,
                };
                let _ = reply.send(judged);
            }
            Job::Weigh { reply, .. } => {
                let _ = reply.send(Err(EngineError::Constraint("a server does not show its vocabulary".into())));
            }
            // Nothing is sent before it is needed: a draft stays here until it is an answer.
            Job::Prefill { reply, .. } => drop(oneshot::Sender::send(reply, Ok(0))),
        }
    }

    async fn word(self: &Arc<Self>, request: GenerateRequest, reply: &mpsc::UnboundedSender<Event>) -> Event {
        if !request.prompt.answer_prefix.is_empty() {
            return Event::Failed(EngineError::Constraint("a server begins its answers itself".into()));
        }
        let request = Arc::new(request);
        let mut dialect = self.dialect();
        loop {
            let body = shape::words(&self.model, &request, dialect);
            let (asked, told) = (Arc::clone(&request), reply.clone());
            let tried = self
                .send(request.priority, move |connection, line| words::speak(connection, line, &body, &asked, &told))
                .await;
            match tried {
                Ok(Tried::Finished(finished)) => {
                    self.learn(dialect);
                    return match &request.constraint {
                        Some(constraint) => match fulfils(constraint, &finished.text) {
                            Ok(true) => Event::Done(finished),
                            Ok(false) => {
                                Event::Failed(EngineError::Constraint(format!("{} wrote something else", self.host)))
                            }
                            Err(error) => Event::Failed(error),
                        },
                        None => Event::Done(finished),
                    };
                }
                Ok(Tried::Left) => return Event::Failed(EngineError::Stopped),
                Ok(Tried::BrokeOff(reason)) => return Event::Failed(self.failed(&reason)),
                Err(Failure::Refused(reason)) => match plainer(dialect, &request) {
                    Some(less) => dialect = less,
                    None => return Event::Failed(self.failed(&reason)),
                },
                Err(failure) => return Event::Failed(self.failed(failure.reason())),
            }
        }
    }

    async fn judge(self: &Arc<Self>, request: ChooseRequest) -> Result<Vec<Scored>, EngineError> {
        if request.hidden {
            return Err(EngineError::Constraint("a server shows no hidden states".into()));
        }
        let priority = request.priority;
        let asked = request.choices.into_iter().map(|choice| self.scored(choice, priority));
        let mut answers = stream::iter(asked).buffered(self.settings.together.max(1));
        let mut scored = Vec::new();
        while let Some(answer) = answers.next().await {
            scored.push(answer?);
        }
        Ok(scored)
    }

    async fn scored(self: &Arc<Self>, choice: Choice, priority: Priority) -> Result<Scored, EngineError> {
        let Abilities { first_token: top, whole_texts } = self.abilities;
        let short = choices::are_short(&choice.options) && choice.prompt.answer_prefix.is_empty();
        let log_probs = match (short && top > 0, whole_texts) {
            (true, _) => self.by_first_token(&choice, top, priority).await?,
            (false, true) => self.by_echo(&choice, priority).await?,
            (false, false) if self.abilities.can_judge() => {
                return Err(EngineError::Constraint(format!("{} does not say how likely a whole text is", self.host)));
            }
            (false, false) => {
                return Err(EngineError::Constraint(format!(
                    "{} gives no log-probabilities, so it cannot judge",
                    self.host
                )));
            }
        };
        Ok(Scored { log_probs, hidden: None })
    }

    async fn by_first_token(
        self: &Arc<Self>,
        choice: &Choice,
        top: usize,
        priority: Priority,
    ) -> Result<Vec<f32>, EngineError> {
        let body = shape::first_token(&self.model, &choice.prompt, top);
        let answer = self.ask("/chat/completions", body, priority).await?;
        let top = shape::top_tokens(&answer).map_err(|reason| self.failed(&reason))?;
        if top.is_empty() {
            return Err(self.failed("its answer has no log-probabilities"));
        }
        choices::log_probs(&choice.options, &top)
            .ok_or_else(|| self.failed("none of the options is among its likeliest tokens"))
    }

    async fn by_echo(self: &Arc<Self>, choice: &Choice, priority: Priority) -> Result<Vec<f32>, EngineError> {
        let before = shape::plain(&choice.prompt);
        let mut log_probs = Vec::with_capacity(choice.options.len());
        for option in &choice.options {
            let after = format!(" {}", option.trim());
            let answer =
                self.ask("/completions", shape::echo(&self.model, &format!("{before}{after}")), priority).await?;
            let p = shape::echoed(&answer, &before, &after).ok_or_else(|| self.failed("it did not echo the text"))?;
            log_probs.push(p as f32);
        }
        Ok(log_probs)
    }

    async fn ask(self: &Arc<Self>, path: &'static str, body: Value, priority: Priority) -> Result<Value, EngineError> {
        let asked = move |connection: &Connection, line: &Line| match connection.post(line, path, &body, None)? {
            Answer::Whole(value) => Ok(value),
            Answer::Stream(_) => Err(Failure::Lasting("it answered with a stream".to_owned())),
        };
        self.send(priority, asked).await.map_err(|failure| self.failed(failure.reason()))
    }

    /// Sends a request as often as settings allow; each try has a place among those in flight, the pauses have none.
    /// Dropping the future cuts the connection.
    async fn send<T: Send + 'static>(
        self: &Arc<Self>,
        priority: Priority,
        ask: impl Fn(&Connection, &Line) -> Result<T, Failure> + Send + Sync + 'static,
    ) -> Result<T, Failure> {
        let ask = Arc::new(ask);
        let mut pause = self.settings.pause;
        let mut tried = 1;
        loop {
            let answer = self.try_once(priority, Arc::clone(&ask)).await;
            match answer {
                Err(Failure::Passing(_, wanted)) if tried < self.settings.tries => {
                    tokio::time::sleep(wanted.unwrap_or(pause) + jitter(pause)).await;
                    pause *= 2;
                    tried += 1;
                }
                Err(Failure::Passing(reason, _)) => {
                    return Err(Failure::Lasting(format!("{reason} (tried {tried} times)")));
                }
                other => return other,
            }
        }
    }

    async fn try_once<T: Send + 'static>(
        self: &Arc<Self>,
        priority: Priority,
        ask: Arc<impl Fn(&Connection, &Line) -> Result<T, Failure> + Send + Sync + 'static>,
    ) -> Result<T, Failure> {
        let closed = |_| Failure::Lasting("the program ends".to_owned());
        let _later = match priority {
            Priority::Background => Some(self.background.acquire().await.map_err(closed)?),
            Priority::Interactive => None,
        };
        let _place = self.all.acquire().await.map_err(closed)?;
        let line = self.connection.line();
        let mut cut = Cut(Some(line.clone()));
        let server = Arc::clone(self);
        let asked = tokio::task::spawn_blocking(move || ask(&server.connection, &line)).await;
        let answer = asked.unwrap_or_else(|_| Err(Failure::Lasting("asking it panicked. This is a bug.".to_owned())));
        if let Some(line) = cut.0.take().filter(|_| answer.is_ok()) {
            self.connection.keep(line);
        }
        answer
    }

    fn dialect(&self) -> Dialect {
        *self.dialect.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what the server takes; a format that it refused may have been a bad one.
    fn learn(&self, worked: Dialect) {
        *self.dialect.lock().unwrap_or_else(PoisonError::into_inner) = Dialect { formats: true, ..worked };
    }

    fn failed(&self, reason: &str) -> EngineError {
        EngineError::Inference(format!("the server at {}: {reason}", self.host))
    }
}

/// The next plainer form of a request that was refused; none when it is as plain as can be.
fn plainer(dialect: Dialect, request: &GenerateRequest) -> Option<Dialect> {
    if dialect.extras && shape::has_extras(request) {
        Some(Dialect { extras: false, ..dialect })
    } else if dialect.stream_usage {
        Some(Dialect { stream_usage: false, ..dialect })
    } else if dialect.formats && request.constraint.is_some() {
        Some(Dialect { formats: false, ..dialect })
    } else {
        None
    }
}

/// Up to half of the pause more, so that many requests do not come back together.
fn jitter(pause: std::time::Duration) -> std::time::Duration {
    let share = getrandom::u32().unwrap_or(0) % 512;
    pause * share / 1024
}

/// Cuts the connection of a request that nobody waits for any more.
struct Cut(Option<Line>);

impl Drop for Cut {
    fn drop(&mut self) {
        if let Some(line) = self.0.take() {
            line.shutdown();
        }
    }
}

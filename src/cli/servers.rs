//! Servers that take the interviewer's or the judge's part in a command: flags, keys, connecting, and saying where text
//! goes before any goes there.

use std::path::{Path, PathBuf};

use crate::config::Global;
use crate::engine::Engine;
use crate::exit::{self, Exit};
use crate::interview::desk::Desk;
use crate::interview::interviewer::Manner;
use crate::interview::way::Way;
use crate::remote::{self, Key, RemoteError, Settings};

/// A judge on a server.
#[derive(clap::Args, Clone, Debug)]
pub struct JudgeArgs {
    /// Grade with a server that speaks OpenAI's interface (vLLM, llama-server, Ollama): http://HOST:PORT, and #MODEL after
    /// it if it has several. What is graded goes there. Its key: OFFRECORD_JUDGE_KEY, or a file.
    #[arg(long, env = "OFFRECORD_JUDGE", value_name = "URL")]
    pub judge: Option<String>,
    /// How it is reached.
    #[command(flatten)]
    pub reach: Reach,
}

/// How a judge on a server is reached.
#[derive(clap::Args, Clone, Debug)]
pub struct Reach {
    /// File with the judge's key; /dev/fd/N reads an open descriptor.
    #[arg(long, env = "OFFRECORD_JUDGE_KEY_FILE", value_name = "FILE")]
    pub judge_key_file: Option<PathBuf>,
    /// Requests in flight to a server.
    #[arg(long, env = "OFFRECORD_CONCURRENCY", default_value_t = remote::TOGETHER as u16, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: u16,
}

/// An interviewer on a server.
#[derive(clap::Args, Clone, Debug)]
pub struct InterviewerArgs {
    /// Interview with a server that speaks OpenAI's interface, as --judge. What is said in the interview goes there. Its
    /// key: OFFRECORD_INTERVIEWER_KEY, or a file.
    #[arg(long, env = "OFFRECORD_INTERVIEWER", value_name = "URL")]
    pub interviewer: Option<String>,
    /// File with the interviewer's key.
    #[arg(long, env = "OFFRECORD_INTERVIEWER_KEY_FILE", value_name = "FILE")]
    pub interviewer_key_file: Option<PathBuf>,
}

/// An interviewer and a judge, each on a server if named.
#[derive(clap::Args, Clone, Debug)]
pub struct Servers {
    /// Who interviews.
    #[command(flatten)]
    pub interviewer: InterviewerArgs,
    /// How questions are worded: composed (hand-written, chosen by code), picked (hand-written, chosen by the model), free
    /// (the model's own words, if they pass every check) [default: picked with --interviewer, else what was measured].
    #[arg(long, env = "OFFRECORD_WAY")]
    pub way: Option<Way>,
    /// Who grades.
    #[command(flatten)]
    pub judge: JudgeArgs,
}

/// The parts that servers take; none of either = the model on this machine takes it.
#[derive(Clone, Default)]
pub struct Parts {
    interviewer: Option<Engine>,
    judge: Option<Engine>,
    way: Option<Way>,
}

impl Servers {
    /// Connects to whatever is named, and says so.
    ///
    /// # Errors
    /// [`Exit`]: 2 for an address or a key that is none or not allowed, 1 for a server that does not answer.
    pub async fn connect(&self, global: &Global) -> anyhow::Result<Parts> {
        let JudgeArgs { judge, reach } = &self.judge;
        let interviewer = self.interviewer.connect(global).await?;
        let judge = match judge {
            Some(url) => Some(reach.connect(global, url).await?),
            None => None,
        };
        let way = self.way.or(interviewer.as_ref().map(|_| Way::Picked));
        Ok(Parts { interviewer, judge, way })
    }
}

impl InterviewerArgs {
    async fn connect(&self, global: &Global) -> anyhow::Result<Option<Engine>> {
        let Some(url) = &self.interviewer else { return Ok(None) };
        let key = key(self.interviewer_key_file.as_deref(), "OFFRECORD_INTERVIEWER_KEY")?;
        // A person waits: a server that is gone is told sooner.
        Ok(Some(connect(global, "Interviewer", Settings { key, tries: 3, ..Settings::new(url) }).await?))
    }

    /// The interviewer: on the named server, else the model of this run.
    ///
    /// # Errors
    /// As [`Servers::connect`], and as loading a model.
    pub async fn engine(&self, global: &Global) -> anyhow::Result<Engine> {
        match self.connect(global).await? {
            Some(engine) => Ok(engine),
            None => crate::catalogue::open_engine(global).await,
        }
    }
}

impl Reach {
    /// Connects to a judge, and says so.
    ///
    /// # Errors
    /// As [`Servers::connect`].
    pub async fn connect(&self, global: &Global, url: &str) -> anyhow::Result<Engine> {
        let key = key(self.judge_key_file.as_deref(), "OFFRECORD_JUDGE_KEY")?;
        connect(global, "Judge", Settings { key, together: self.concurrency.into(), ..Settings::new(url) }).await
    }
}

impl JudgeArgs {
    /// The judge: on the named server, else the model of this run.
    ///
    /// # Errors
    /// As [`Servers::connect`], and as loading a model.
    pub async fn engine(&self, global: &Global) -> anyhow::Result<Engine> {
        match &self.judge {
            Some(url) => self.reach.connect(global, url).await,
            None => crate::catalogue::open_engine(global).await,
        }
    }
}

impl Parts {
    /// Whether the model on this machine still has a part.
    #[must_use]
    pub const fn needs_model(&self) -> bool {
        self.interviewer.is_none() || self.judge.is_none()
    }

    /// The interviewer on a server.
    #[must_use]
    pub const fn interviewer(&self) -> Option<&Engine> {
        self.interviewer.as_ref()
    }

    /// The desk with everyone at it; `local` takes the parts that no server takes.
    #[must_use]
    pub fn seat(self, desk: &Desk, local: Option<Engine>) -> Desk {
        let mut seated = desk.clone();
        if let Some(way) = self.way {
            seated = seated.speaking(Manner::of(way));
        }
        let elsewhere = self.interviewer.is_some() || self.judge.is_some();
        if let Some(judge) = self.judge.or_else(|| local.clone().filter(|_| elsewhere)) {
            seated = seated.judged_by(judge);
        }
        match self.interviewer.or(local) {
            Some(engine) => seated.with_engine(engine),
            None => seated,
        }
    }

    /// Hosts that text leaves this process for; none when it stays.
    #[must_use]
    pub fn leave_for(&self) -> Option<String> {
        crate::interview::desk::leave_for([self.interviewer.as_ref(), self.judge.as_ref()])
    }
}

async fn connect(global: &Global, part: &str, settings: Settings) -> anyhow::Result<Engine> {
    let offline = global.is_offline();
    let connected = tokio::task::spawn_blocking(move || remote::connect(&settings, offline)).await?;
    let connected = connected.map_err(|error| match &error {
        RemoteError::NoAnswer { .. } => Exit::new(exit::FAILURE, format!("{part}: {error}")),
        RemoteError::Address(_) | RemoteError::Offline(_) | RemoteError::WhichModel { .. } => {
            Exit::new(exit::USAGE, format!("{part}: {error}"))
        }
    })?;
    eprintln!("{part}: {}. Text leaves this process for {}.", connected.engine.info().id, connected.leaves_for);
    if let Some(missing) = connected.abilities.missing() {
        eprintln!("{part}: {missing}.");
    }
    Ok(connected.engine)
}

fn key(file: Option<&Path>, variable: &str) -> anyhow::Result<Option<Key>> {
    match file {
        Some(path) => Key::read(path).map(Some).map_err(|why| Exit::new(exit::USAGE, why)),
        None => match std::env::var(variable) {
            Ok(text) => Key::new(&text).map_err(|why| Exit::new(exit::USAGE, format!("{variable} is no key: {why}"))),
            Err(_) => Ok(None),
        },
    }
}

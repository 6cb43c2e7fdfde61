//! The handle that the rest of the program holds: cheap to clone, bounded, cancelled by dropping.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::prompt::Prompt;
use crate::request::{
    ChooseRequest, EngineError, Event, Finished, GenerateRequest, ModelInfo, Priority, Scored, WeighRequest, Weighed,
};

/// Jobs that may wait; one more is [`EngineError::Busy`].
pub(crate) const QUEUE: usize = 32;

/// Work for the thread that owns a model. A dropped reply channel cancels the job within a token or a prefill chunk.
pub enum Job {
    /// Word something.
    Generate {
        /// What.
        request: GenerateRequest,
        /// Where the events go.
        reply: mpsc::UnboundedSender<Event>,
    },
    /// Judge something.
    Choose {
        /// What.
        request: ChooseRequest,
        /// Where the judgements go.
        reply: oneshot::Sender<Result<Vec<Scored>, EngineError>>,
    },
    /// Weigh a text.
    Weigh {
        /// Which.
        request: WeighRequest,
        /// Where it goes.
        reply: oneshot::Sender<Result<Weighed, EngineError>>,
    },
    /// Read a prompt ahead of time, so that a later request with the same beginning starts at once.
    Prefill {
        /// What to read.
        prompt: Prompt,
        /// Who waits.
        priority: Priority,
        /// Told how many tokens are cached when done.
        reply: oneshot::Sender<Result<usize, EngineError>>,
    },
}

/// One loaded model, or a script that plays one.
#[derive(Clone)]
pub struct Engine {
    jobs: mpsc::Sender<Job>,
    info: Arc<ModelInfo>,
    /// Where text goes when the model is not in this process.
    leaves_for: Option<Arc<str>>,
}

impl Engine {
    /// A handle and the queue that its worker must serve.
    #[must_use]
    pub fn with_queue(info: ModelInfo) -> (Self, mpsc::Receiver<Job>) {
        let (jobs, queue) = mpsc::channel(QUEUE);
        (Self { jobs, info: Arc::new(info), leaves_for: None }, queue)
    }

    /// The same engine, said to be elsewhere: text given to it leaves this process for that host.
    #[must_use]
    pub fn elsewhere(self, host: &str) -> Self {
        Self { leaves_for: Some(host.into()), ..self }
    }

    /// The host that text leaves this process for; none when it stays.
    #[must_use]
    pub fn leaves_for(&self) -> Option<&str> {
        self.leaves_for.as_deref()
    }

    /// What model this is.
    #[must_use]
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Starts wording; the events arrive on the returned stream. Dropping it cancels.
    ///
    /// # Errors
    /// [`EngineError::Busy`] when the queue is full, [`EngineError::Stopped`] when the worker is gone.
    pub fn generate(&self, request: GenerateRequest) -> Result<Generation, EngineError> {
        let (reply, events) = mpsc::unbounded_channel();
        self.enqueue(Job::Generate { request, reply })?;
        Ok(Generation { events })
    }

    /// Judges all choices of the request; one [`Scored`] each, in order.
    ///
    /// # Errors
    /// As [`Engine::generate`], or what went wrong in the computation.
    pub async fn choose(&self, request: ChooseRequest) -> Result<Vec<Scored>, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Job::Choose { request, reply })?;
        answer.await.map_err(|_| EngineError::Stopped)?
    }

    /// Weighs a text as it stands.
    ///
    /// # Errors
    /// As [`Engine::choose`]; [`EngineError::Constraint`] from an engine that has no vocabulary of its own.
    pub async fn weigh(&self, request: WeighRequest) -> Result<Weighed, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Job::Weigh { request, reply })?;
        answer.await.map_err(|_| EngineError::Stopped)?
    }

    /// Reads a prompt into the cache; returns the tokens cached.
    ///
    /// # Errors
    /// As [`Engine::choose`].
    pub async fn prefill(&self, prompt: Prompt, priority: Priority) -> Result<usize, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Job::Prefill { prompt, priority, reply })?;
        answer.await.map_err(|_| EngineError::Stopped)?
    }

    fn enqueue(&self, job: Job) -> Result<(), EngineError> {
        self.jobs.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => EngineError::Busy,
            mpsc::error::TrySendError::Closed(_) => EngineError::Stopped,
        })
    }
}

/// A running generation.
pub struct Generation {
    events: mpsc::UnboundedReceiver<Event>,
}

impl Generation {
    /// The next event; `None` after the last.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// What the generation failed with.
    pub async fn finished(mut self) -> Result<Finished, EngineError> {
        while let Some(event) = self.next().await {
            match event {
                Event::Done(finished) => return Ok(finished),
                Event::Failed(error) => return Err(error),
                Event::Prefill { .. } | Event::Token { .. } => {}
            }
        }
        Err(EngineError::Stopped)
    }
}

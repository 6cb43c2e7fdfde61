//! An engine without a model: a script answers. For tests of everything that is not inference, and for demonstrations.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::handle::{Engine, Job};
use crate::request::{Choice, EngineError, Event, Finish, Finished, GenerateRequest, ModelInfo, Scored, Usage};

/// Judges one choice: natural-log probabilities of its options, in order.
pub type Judge = Box<dyn FnMut(&Choice) -> Vec<f32> + Send>;

/// What the script says.
pub struct Script {
    /// Words for a request.
    pub words: Box<dyn FnMut(&GenerateRequest) -> String + Send>,
    /// Natural-log probabilities of a choice's options, in order.
    pub judgement: Judge,
    /// Pause before each word, as a slow model would make.
    pub delay: Duration,
}

impl Default for Script {
    /// Says one fixed neutral question and finds every option equally likely.
    fn default() -> Self {
        Self {
            words: Box::new(|_| "What happens to a request after that?".to_owned()),
            judgement: Box::new(|choice| vec![-(choice.options.len() as f32).ln(); choice.options.len()]),
            delay: Duration::ZERO,
        }
    }
}

/// Starts a thread that plays `script` behind an [`Engine`] handle.
#[must_use]
pub fn start(script: Script) -> Engine {
    let (engine, queue) = Engine::with_queue(ModelInfo {
        id: "scripted".into(),
        sha256: String::new(),
        architecture: "scripted".into(),
        quantisation: "none".into(),
        context: 32_768,
        hidden_size: 4,
        kernel: "none".into(),
        threads: 1,
    });
    std::thread::Builder::new()
        .name("scripted-engine".into())
        .spawn(move || play(script, queue))
        .expect("the operating system refused a thread");
    engine
}

fn play(mut script: Script, mut queue: mpsc::Receiver<Job>) {
    while let Some(job) = queue.blocking_recv() {
        match job {
            Job::Generate { request, reply } => {
                let text = (script.words)(&request);
                speak(&text, script.delay, &reply);
            }
            Job::Choose { request, reply } => {
                let scored = request.choices.iter().map(|choice| Scored {
                    log_probs: (script.judgement)(choice),
                    hidden: request.hidden.then(|| vec![0.0; 4]),
                });
                let _ = reply.send(Ok(scored.collect()));
            }
            Job::Weigh { reply, .. } => {
                let _ = reply.send(Err(EngineError::Constraint("a script has no vocabulary".into())));
            }
            Job::Prefill { prompt, reply, .. } => {
                let words = prompt.messages.iter().map(|m| m.text.split_whitespace().count()).sum();
                let _ = reply.send(Ok(words));
            }
        }
    }
}

/// Streams `text` word by word until it ends or the listener leaves.
fn speak(text: &str, delay: Duration, reply: &mpsc::UnboundedSender<Event>) {
    let mut words = 0;
    for piece in text.split_inclusive(' ') {
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        words += 1;
        if reply.send(Event::Token { text: piece.to_owned(), logprobs: Vec::new() }).is_err() {
            return;
        }
    }
    let usage = Usage { completion_tokens: words, ..Usage::default() };
    let _ = reply.send(Event::Done(Finished { text: text.to_owned(), finish: Finish::Stop, usage }));
}

//! Weighing a text as it stands: how likely each of its tokens is after those before it. No template, no turn.

use tokio::sync::oneshot;

use super::{Budget, Feed, Offer, Progress, Room, Rows, Task};
use crate::model::{ModelError, Sequence, Want};
use crate::request::{EngineError, Priority, WeighRequest, Weighed, WeighedToken, Written};
use crate::sampling::{most_likely, normaliser};

type Reply = oneshot::Sender<Result<Weighed, EngineError>>;

pub(super) struct Weighing {
    priority: Priority,
    reply: Option<Reply>,
    top: usize,
    tokens: Vec<u32>,
    weighed: Weighed,
    /// The vocabulary's first token stands before the text and is no part of it.
    preceded: usize,
    sequence: Option<Sequence>,
    read: usize,
}

impl Weighing {
    pub(super) fn start(room: &mut Room, request: WeighRequest, reply: Reply) -> Option<Box<dyn Task>> {
        match tokens(room, &request.text) {
            Ok((tokens, weighed, _)) if request.only_tokens || tokens.is_empty() => {
                let _ = reply.send(Ok(weighed));
                None
            }
            Ok((tokens, ..)) if tokens.len() > room.context => {
                let _ = reply.send(Err(EngineError::ContextOverflow { tokens: tokens.len(), context: room.context }));
                None
            }
            Ok((tokens, weighed, preceded)) => Some(Box::new(Self {
                priority: request.priority,
                reply: Some(reply),
                top: request.top,
                tokens,
                weighed,
                preceded,
                sequence: None,
                read: 0,
            })),
            Err(error) => {
                let _ = reply.send(Err(error));
                None
            }
        }
    }

    fn answer(&mut self, result: Result<Weighed, EngineError>) {
        if let Some(reply) = self.reply.take() {
            // A listener that has gone needs no answer.
            let _ = reply.send(result);
        }
    }

    /// Notes what follows the token at `at`.
    fn note(&mut self, room: &Room, at: usize, logits: &[f32]) -> Result<(), EngineError> {
        let normaliser =
            normaliser(logits).ok_or_else(|| EngineError::Inference("the model's logits are not numbers".into()))?;
        let top = most_likely(logits, normaliser, self.top);
        let top = top.into_iter().map(|(token, p)| (written(room, token), p)).collect();
        match self.tokens.get(at + 1) {
            Some(next) => {
                let told = &mut self.weighed.tokens[at + 1 - self.preceded];
                told.log_prob = logits.get(*next as usize).map(|logit| logit - normaliser);
                told.top = top;
            }
            None => self.weighed.next = top,
        }
        Ok(())
    }
}

/// The tokens of a text, or the text of tokens; the vocabulary's first token goes before where there is one.
fn tokens(room: &Room, text: &Written) -> Result<(Vec<u32>, Weighed, usize), EngineError> {
    let mut tokens = match text {
        Written::Text(text) => room.text.encode(text).map_err(|error| EngineError::Inference(error.to_string()))?,
        Written::Tokens(tokens) => {
            if let Some(unknown) = tokens.iter().find(|token| **token as usize >= room.text.size()) {
                return Err(EngineError::Constraint(format!("the vocabulary has no token {unknown}")));
            }
            tokens.clone()
        }
    };
    let first = room.text.first();
    let told =
        |token: &u32| WeighedToken { token: *token, text: written(room, *token), log_prob: None, top: Vec::new() };
    let weighed = Weighed {
        tokens: tokens.iter().map(told).collect(),
        text: room.text.decode(&tokens),
        next: Vec::new(),
        first: first.map(|token| written(room, token)),
        end: written(room, room.text.end()),
    };
    match first.filter(|first| tokens.first() != Some(first) && !tokens.is_empty()) {
        Some(first) => {
            tokens.insert(0, first);
            Ok((tokens, weighed, 1))
        }
        None => Ok((tokens, weighed, 0)),
    }
}

/// A token as text; a special one by its name.
fn written(room: &Room, token: u32) -> String {
    let special = room.text.specials().find(|(_, special)| *special == token).map(|(name, _)| name.to_owned());
    special.unwrap_or_else(|| String::from_utf8_lossy(room.text.bytes(token)).into_owned())
}

impl Task for Weighing {
    fn priority(&self) -> Priority {
        self.priority
    }

    fn is_decoding(&self) -> bool {
        false
    }

    fn is_abandoned(&self) -> bool {
        self.reply.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn offer(&mut self, room: &mut Room, budget: &mut Budget) -> Result<Offer, ModelError> {
        let sequence = match self.sequence {
            Some(sequence) => sequence,
            None => {
                // Every row is wanted, so nothing that was read before helps.
                let (sequence, cached) = room.sync(&self.tokens, 0)?;
                (self.sequence, self.read) = (Some(sequence), cached);
                sequence
            }
        };
        let rest = &self.tokens[self.read..];
        let count = rest.len().min(budget.tokens).min(budget.rows);
        budget.tokens -= count;
        budget.rows -= count;
        let feed = Feed { sequence, tokens: rest[..count].to_vec(), want: Want::All };
        Ok(Offer::Feeds(if count == 0 { Vec::new() } else { vec![feed] }))
    }

    fn absorb(&mut self, room: &mut Room, feeds: &[Feed], rows: Rows<'_>) -> Result<Progress, EngineError> {
        let count: usize = feeds.iter().map(|feed| feed.tokens.len()).sum();
        for row in 0..count {
            self.note(room, self.read + row, rows.row(row))?;
        }
        self.read += count;
        if self.read < self.tokens.len() {
            return Ok(Progress::Running);
        }
        let weighed = std::mem::take(&mut self.weighed);
        self.answer(Ok(weighed));
        Ok(Progress::Done)
    }

    fn suspend(&mut self, room: &mut Room) {
        self.leave(room);
        self.read = 0;
    }

    fn holds_cache(&self) -> bool {
        self.sequence.is_some()
    }

    fn fail(&mut self, error: EngineError) {
        self.answer(Err(error));
    }

    fn leave(&mut self, room: &mut Room) {
        if let Some(sequence) = self.sequence.take() {
            room.release(sequence);
        }
    }
}

//! Reading a prompt ahead of time, such as an answer that is still being typed.

use tokio::sync::oneshot;

use super::{Budget, Feed, Offer, Progress, Room, Rows, Task};
use crate::model::{ModelError, Sequence, Want};
use crate::prompt::Prompt;
use crate::request::{EngineError, Priority};

pub(super) struct Reading {
    priority: Priority,
    reply: Option<oneshot::Sender<Result<usize, EngineError>>>,
    tokens: Vec<u32>,
    sequence: Option<Sequence>,
    read: usize,
}

impl Reading {
    pub(super) fn start(
        room: &mut Room,
        prompt: &Prompt,
        priority: Priority,
        reply: oneshot::Sender<Result<usize, EngineError>>,
    ) -> Option<Box<dyn Task>> {
        match room.tokens(prompt, true, 0) {
            Ok(tokens) => Some(Box::new(Self { priority, reply: Some(reply), tokens, sequence: None, read: 0 })),
            Err(error) => {
                let _ = reply.send(Err(error));
                None
            }
        }
    }

    fn answer(&mut self, result: Result<usize, EngineError>) {
        if let Some(reply) = self.reply.take() {
            // A listener that has gone needs no answer.
            let _ = reply.send(result);
        }
    }
}

impl Task for Reading {
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
                let (sequence, cached) = room.sync(&self.tokens, self.tokens.len())?;
                (self.sequence, self.read) = (Some(sequence), cached);
                sequence
            }
        };
        let rest = &self.tokens[self.read..];
        if rest.is_empty() {
            self.answer(Ok(self.tokens.len()));
            return Ok(Offer::Done);
        }
        let count = rest.len().min(budget.tokens);
        budget.tokens -= count;
        let feed = Feed { sequence, tokens: rest[..count].to_vec(), want: Want::Nothing };
        Ok(Offer::Feeds(if count == 0 { Vec::new() } else { vec![feed] }))
    }

    fn absorb(&mut self, room: &mut Room, feeds: &[Feed], _: Rows<'_>) -> Result<Progress, EngineError> {
        self.read += feeds.iter().map(|feed| feed.tokens.len()).sum::<usize>();
        if self.read < self.tokens.len() {
            return Ok(Progress::Running);
        }
        room.will_continue(&self.tokens);
        self.answer(Ok(self.read));
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

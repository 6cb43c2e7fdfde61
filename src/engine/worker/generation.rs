//! Wording: read the prompt in chunks, then one token after the other until something ends it.

use std::time::Instant;

use tokio::sync::mpsc;

use super::stop::{Guard, Stops};
use super::{Budget, Feed, Offer, Progress, Room, Rows, Task};
use crate::grammar::Grammar;
use crate::guess::{self, Guesser, Lookup};
use crate::model::{ModelError, Sequence, Want};
use crate::request::{EngineError, Event, Finish, Finished, GenerateRequest, Priority, Usage};
use crate::sampling::{Sampler, Unusable, most_likely, normaliser};
use crate::text::Detokeniser;
use crate::timeline::common;

/// Tokens that are read at once whatever the budget says: those just said, and forced ones.
const STEP: usize = 16;

pub(super) struct Generation {
    reply: mpsc::UnboundedSender<Event>,
    priority: Priority,
    max_tokens: usize,
    top_logprobs: usize,
    /// The prompt and what was said so far.
    tokens: Vec<u32>,
    prompt: usize,
    sequence: Option<Sequence>,
    /// How many of `tokens` the sequence has read.
    read: usize,
    /// Guessed tokens in the pass under way.
    guessed: Vec<u32>,
    /// Whose guess it is: the text's own, or the draft model's.
    drafted: bool,
    lookup: Lookup,
    sampler: Sampler,
    grammar: Option<Grammar>,
    detokeniser: Detokeniser,
    stops: Stops,
    guard: Guard,
    text: String,
    started: Instant,
    usage: Usage,
    begun: bool,
}

impl Generation {
    pub(super) fn start(
        room: &mut Room,
        request: GenerateRequest,
        reply: mpsc::UnboundedSender<Event>,
    ) -> Option<Box<dyn Task>> {
        match Self::prepare(room, request, &reply) {
            Ok(generation) => Some(Box::new(generation)),
            Err(error) => {
                let _ = reply.send(Event::Failed(error));
                None
            }
        }
    }

    fn prepare(
        room: &mut Room,
        request: GenerateRequest,
        reply: &mpsc::UnboundedSender<Event>,
    ) -> Result<Self, EngineError> {
        let started = Instant::now();
        let tokens = room.tokens(&request.prompt, false, 1)?;
        let grammar = request.constraint.as_ref().map(|constraint| room.grammars.compile(constraint)).transpose()?;
        let stops = request.stop.into_iter().chain(room.template.stops().iter().map(|stop| (*stop).to_owned()));
        Ok(Self {
            reply: reply.clone(),
            priority: request.priority,
            max_tokens: request.max_tokens,
            top_logprobs: request.top_logprobs,
            prompt: tokens.len(),
            usage: Usage { prompt_tokens: tokens.len(), ..Usage::default() },
            tokens,
            sequence: None,
            read: 0,
            guessed: Vec::new(),
            drafted: false,
            lookup: Lookup::default(),
            sampler: Sampler::new(&request.sampling),
            grammar,
            detokeniser: Detokeniser::default(),
            stops: Stops::new(stops),
            guard: Guard::default(),
            text: String::new(),
            started,
            begun: false,
        })
    }

    fn send(&self, event: Event) {
        // A listener that has gone is noticed before the next pass.
        let _ = self.reply.send(event);
    }

    fn said(&self) -> &[u32] {
        &self.tokens[self.prompt..]
    }

    /// Draws the next token from a row of logits and says it and all that it forces.
    fn step(&mut self, room: &Room, logits: &[f32]) -> Result<Option<Finish>, EngineError> {
        let allowed = self.grammar.as_mut().map(Grammar::allowed).transpose()?;
        let token = self.sampler.pick(logits, allowed.as_ref()).map_err(|unusable| match unusable {
            Unusable::NotFinite => {
                EngineError::Inference("the model's output is not a number (is the file damaged?)".into())
            }
            Unusable::NothingAllowed => EngineError::Constraint("no token can follow".into()),
        })?;
        if self.said().is_empty() {
            self.usage.first_token_seconds = self.started.elapsed().as_secs_f64();
        }
        let logprobs = if self.top_logprobs == 0 { Vec::new() } else { self.logprobs(room, logits, token) };
        if let Some(finish) = self.say(room, token, logprobs)? {
            return Ok(Some(finish));
        }
        for forced in self.grammar.as_mut().map(Grammar::forced).unwrap_or_default() {
            if let Some(finish) = self.say(room, forced, Vec::new())? {
                return Ok(Some(finish));
            }
        }
        Ok(None)
    }

    /// Takes one token into the text; why the text ends with it, if it does.
    fn say(&mut self, room: &Room, token: u32, logprobs: Vec<(String, f32)>) -> Result<Option<Finish>, EngineError> {
        if let Some(grammar) = &mut self.grammar {
            grammar.accept(token)?;
        }
        if room.text.ends_turn(token) {
            return Ok(Some(Finish::Stop));
        }
        self.sampler.accept(token);
        self.tokens.push(token);
        self.usage.completion_tokens += 1;
        let bytes = room.text.bytes(token);
        let (safe, stopped) = self.stops.push(&self.detokeniser.push(bytes));
        self.emit(safe, logprobs);
        let ended = self.grammar.as_ref().is_some_and(Grammar::is_finished);
        let full = self.said().len() >= self.max_tokens || self.tokens.len() >= room.context;
        let stuck = self.guard.is_stuck(&self.tokens[self.prompt..], bytes);
        Ok(match (stopped || ended, full || stuck) {
            (true, _) => Some(Finish::Stop),
            (_, true) => Some(Finish::Length),
            _ => None,
        })
    }

    fn emit(&mut self, text: String, logprobs: Vec<(String, f32)>) {
        if !text.is_empty() || !logprobs.is_empty() {
            self.text.push_str(&text);
            self.send(Event::Token { text, logprobs });
        }
    }

    fn logprobs(&self, room: &Room, logits: &[f32], token: u32) -> Vec<(String, f32)> {
        let Some(normaliser) = normaliser(logits) else { return Vec::new() };
        let chosen = (token, logits[token as usize] - normaliser);
        let likely = most_likely(logits, normaliser, self.top_logprobs);
        std::iter::once(chosen).chain(likely).map(|(id, log)| (room.text.decode(&[id]), log)).collect()
    }

    fn finish(&mut self, finish: Finish) {
        let rest = self.detokeniser.finish();
        let (mut rest, stopped) = self.stops.push(&rest);
        if !stopped {
            rest += &self.stops.finish();
        }
        self.emit(rest, Vec::new());
        self.usage.seconds = self.started.elapsed().as_secs_f64();
        let text = std::mem::take(&mut self.text);
        self.send(Event::Done(Finished { text, finish, usage: self.usage }));
    }

    /// Guesses what comes next, for the pass that reads what was just said.
    fn guess(&mut self, room: &mut Room) {
        let left = (self.max_tokens - self.said().len()).min(room.context - self.tokens.len()).saturating_sub(1);
        let reply = &self.reply;
        let is_abandoned = || reply.is_closed();
        // The first word must not wait for a draft model.
        let draft = room.draft.as_mut().filter(|_| self.tokens.len() > self.prompt);
        let mut guessers: Vec<&mut dyn Guesser> = vec![&mut self.lookup];
        guessers.extend(draft.map(|draft| draft as &mut dyn Guesser));
        if let Some((whose, guessed)) = guess::first(&mut guessers, &self.tokens, left, &is_abandoned) {
            (self.drafted, self.guessed) = (whose > 0, guessed);
        }
    }

    /// Steps through the rows that the pass brought: one, or one more for every guess that was right.
    fn step_through(&mut self, room: &mut Room, feed: &Feed, rows: Rows<'_>) -> Result<Option<Finish>, EngineError> {
        let guessed = std::mem::take(&mut self.guessed);
        let base = self.read - guessed.len();
        let first = if feed.want == Want::All { feed.tokens.len() - guessed.len() - 1 } else { 0 };
        let mut finish = None;
        loop {
            let known = self.tokens.len() - base;
            let right = common(&guessed, &self.tokens[base..]);
            if finish.is_some() || right < known {
                break;
            }
            finish = self.step(room, rows.row(first + known))?;
        }
        if !guessed.is_empty() {
            let right = common(&guessed, &self.tokens[base..]);
            match room.draft.as_mut().filter(|_| self.drafted) {
                Some(draft) => {
                    draft.learn(right);
                    self.usage.drafted_tokens += guessed.len();
                    self.usage.accepted_tokens += right;
                }
                None => self.lookup.learn(right),
            }
            self.read = base + right;
            if right < guessed.len()
                && let Some(sequence) = self.sequence
            {
                room.truncate(sequence, self.read);
            }
        }
        Ok(finish)
    }
}

impl Task for Generation {
    fn priority(&self) -> Priority {
        self.priority
    }

    fn is_decoding(&self) -> bool {
        self.tokens.len() > self.prompt
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn offer(&mut self, room: &mut Room, budget: &mut Budget) -> Result<Offer, ModelError> {
        if self.max_tokens == 0 {
            self.finish(Finish::Length);
            return Ok(Offer::Done);
        }
        let sequence = match self.sequence {
            Some(sequence) => sequence,
            None => {
                let (sequence, cached) = room.sync(&self.tokens, self.tokens.len() - 1)?;
                (self.sequence, self.read) = (Some(sequence), cached);
                if !self.begun {
                    self.begun = true;
                    self.usage.cached_tokens = cached;
                    self.send(Event::Prefill { done: cached, total: self.prompt });
                }
                sequence
            }
        };
        let rest = self.tokens.len() - self.read;
        let count = if rest <= STEP { rest } else { rest.min(budget.tokens) };
        if count == 0 {
            return Ok(Offer::Feeds(Vec::new()));
        }
        budget.tokens = budget.tokens.saturating_sub(count);
        let whole = count == rest;
        self.guessed.clear();
        if whole && rest <= STEP && budget.alone && self.sampler.is_greedy() && room.model.guesses_pay() {
            self.guess(room);
        }
        let mut tokens = self.tokens[self.read..self.read + count].to_vec();
        tokens.extend_from_slice(&self.guessed);
        let want = match (whole, self.guessed.is_empty()) {
            (false, _) => Want::Nothing,
            (true, true) => Want::Last,
            (true, false) => Want::All,
        };
        Ok(Offer::Feeds(vec![Feed { sequence, tokens, want }]))
    }

    fn absorb(&mut self, room: &mut Room, feeds: &[Feed], rows: Rows<'_>) -> Result<Progress, EngineError> {
        let Some(feed) = feeds.first() else { return Ok(Progress::Running) };
        self.read += feed.tokens.len();
        if self.said().is_empty() {
            self.send(Event::Prefill { done: self.read.min(self.prompt), total: self.prompt });
        }
        if feed.want == Want::Nothing {
            return Ok(Progress::Running);
        }
        match self.step_through(room, feed, rows)? {
            None => Ok(Progress::Running),
            Some(finish) => {
                room.will_continue(&self.tokens);
                self.finish(finish);
                Ok(Progress::Done)
            }
        }
    }

    fn suspend(&mut self, room: &mut Room) {
        self.leave(room);
        self.read = 0;
        self.guessed.clear();
    }

    fn holds_cache(&self) -> bool {
        self.sequence.is_some()
    }

    fn fail(&mut self, error: EngineError) {
        self.send(Event::Failed(error));
    }

    fn leave(&mut self, room: &mut Room) {
        if let Some(sequence) = self.sequence.take() {
            room.release(sequence);
        }
    }
}

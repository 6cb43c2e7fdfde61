//! Judging: the log-probability of each option after each prompt, without saying anything.
//!
//! What all prompts begin with is read once. Each prompt's own end is a probe on a fork; each option longer than one
//! token is one more probe. All probes that fit go through one pass.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::room::explain;
use super::{Budget, Feed, Offer, Progress, Room, Rows, Task};
use crate::model::{ModelError, Sequence, Want};
use crate::request::{ChooseRequest, EngineError, Priority, Scored};
use crate::sampling::normaliser;
use crate::timeline::common;

/// Probes in the cache at once.
const PROBES: usize = 32;

type Reply = oneshot::Sender<Result<Vec<Scored>, EngineError>>;

/// One choice, encoded.
struct Question {
    prompt: Vec<u32>,
    options: Vec<Vec<u32>>,
}

/// What a probe reads, and for whom.
struct Probe {
    question: usize,
    sequence: Sequence,
    tokens: Vec<u32>,
    read: usize,
    /// `None`: the end of the prompt. Else the options that begin with `tokens`.
    options: Option<Vec<usize>>,
}

pub(super) struct Judgement {
    priority: Priority,
    hidden: bool,
    reply: Option<Reply>,
    questions: Vec<Question>,
    /// Tokens that all prompts begin with and that are read before any probe.
    shared: usize,
    base: Option<Sequence>,
    read: usize,
    /// Questions without a probe yet.
    waiting: VecDeque<usize>,
    probes: Vec<Probe>,
    scored: Vec<Scored>,
}

impl Judgement {
    pub(super) fn start(room: &mut Room, request: ChooseRequest, reply: Reply) -> Option<Box<dyn Task>> {
        let questions = match questions(room, &request) {
            Ok(questions) => questions,
            Err(error) => {
                let _ = reply.send(Err(error));
                return None;
            }
        };
        let mut judgement = Self {
            priority: request.priority,
            hidden: request.hidden,
            reply: Some(reply),
            shared: shared(&questions),
            questions,
            base: None,
            read: 0,
            waiting: VecDeque::new(),
            probes: Vec::new(),
            scored: Vec::new(),
        };
        judgement.begin();
        if judgement.questions.is_empty() {
            judgement.answer(Ok(Vec::new()));
            return None;
        }
        Some(Box::new(judgement))
    }

    fn begin(&mut self) {
        self.read = 0;
        self.waiting = (0..self.questions.len()).collect();
        let blank = |question: &Question| Scored { log_probs: vec![0.0; question.options.len()], hidden: None };
        self.scored = self.questions.iter().map(blank).collect();
    }

    fn answer(&mut self, result: Result<Vec<Scored>, EngineError>) {
        if let Some(reply) = self.reply.take() {
            // A listener that has gone needs no answer.
            let _ = reply.send(result);
        }
    }

    /// Forks a probe for every waiting question that fits.
    fn start_probes(&mut self, room: &mut Room, base: Sequence) -> Result<(), ModelError> {
        while self.probes.len() < PROBES {
            let Some(question) = self.waiting.front().copied() else { break };
            let sequence = match room.fork(base) {
                Ok(sequence) => sequence,
                Err(ModelError::CacheFull) if !self.probes.is_empty() => break,
                Err(error) => return Err(error),
            };
            self.waiting.pop_front();
            let tokens = self.questions[question].prompt[self.shared..].to_vec();
            self.probes.push(Probe { question, sequence, tokens, read: 0, options: None });
        }
        Ok(())
    }

    /// The end of a prompt is read: score the options' first tokens, probe for the others.
    fn score_first(&mut self, room: &mut Room, probe: &Probe, row: &[f32]) -> Result<(), EngineError> {
        let normaliser = normaliser(row).ok_or_else(not_a_number)?;
        let options = &self.questions[probe.question].options;
        for (option, score) in options.iter().zip(&mut self.scored[probe.question].log_probs) {
            *score += row[option[0] as usize] - normaliser;
        }
        for (tokens, options) in paths(options) {
            let sequence = room.fork(probe.sequence).map_err(explain)?;
            self.probes.push(Probe { question: probe.question, sequence, tokens, read: 0, options: Some(options) });
        }
        Ok(())
    }

    /// An option's beginning is read: score what follows each of its tokens.
    fn score_rest(&mut self, probe: &Probe, read_before: usize, rows: Rows<'_>) -> Result<(), EngineError> {
        let question = &self.questions[probe.question];
        for at in read_before..probe.read {
            let row = rows.row(at - read_before);
            let normaliser = normaliser(row).ok_or_else(not_a_number)?;
            for option in probe.options.iter().flatten() {
                if let Some(token) = question.options[*option].get(at + 1) {
                    self.scored[probe.question].log_probs[*option] += row[*token as usize] - normaliser;
                }
            }
        }
        Ok(())
    }
}

impl Task for Judgement {
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
        let base = match self.base {
            Some(base) => base,
            None => {
                let (base, cached) = room.sync(&self.questions[0].prompt[..self.shared], self.shared)?;
                (self.base, self.read) = (Some(base), cached);
                base
            }
        };
        if self.read < self.shared {
            let count = (self.shared - self.read).min(budget.tokens);
            budget.tokens -= count;
            let tokens = self.questions[0].prompt[self.read..self.read + count].to_vec();
            let feed = Feed { sequence: base, tokens, want: Want::Nothing };
            return Ok(Offer::Feeds(if count == 0 { Vec::new() } else { vec![feed] }));
        }
        self.start_probes(room, base)?;
        let mut feeds = Vec::new();
        for probe in &self.probes {
            let rest = &probe.tokens[probe.read..];
            let rows_of = |count: usize| if probe.options.is_some() { count } else { 1 };
            let mut count = rest.len().min(budget.probes);
            if probe.options.is_some() {
                count = count.min(budget.rows);
            }
            if count == 0 || budget.rows == 0 {
                break;
            }
            let want = match (&probe.options, count == rest.len(), self.hidden) {
                (Some(_), ..) => Want::All,
                (None, false, _) => Want::Nothing,
                (None, true, false) => Want::Last,
                (None, true, true) => Want::LastHidden,
            };
            budget.probes -= count;
            budget.rows -= rows_of(count);
            feeds.push(Feed { sequence: probe.sequence, tokens: rest[..count].to_vec(), want });
        }
        Ok(Offer::Feeds(feeds))
    }

    fn absorb(&mut self, room: &mut Room, feeds: &[Feed], rows: Rows<'_>) -> Result<Progress, EngineError> {
        if self.read < self.shared {
            self.read += feeds.iter().map(|feed| feed.tokens.len()).sum::<usize>();
            return Ok(Progress::Running);
        }
        let (mut row, mut state) = (0, 0);
        let mut outcome = Ok(());
        let fed: Vec<Probe> = self.probes.drain(..feeds.len()).collect();
        for (mut probe, feed) in fed.into_iter().zip(feeds) {
            let read_before = probe.read;
            probe.read += feed.tokens.len();
            let whole = probe.read == probe.tokens.len();
            let mine = rows.from(row);
            row += feed.rows();
            if feed.want == Want::LastHidden {
                self.scored[probe.question].hidden = Some(rows.state(state).to_vec());
                state += 1;
            }
            let result = match (&probe.options, whole) {
                (Some(_), _) => self.score_rest(&probe, read_before, mine),
                (None, true) => self.score_first(room, &probe, mine.row(0)),
                (None, false) => Ok(()),
            };
            if whole {
                room.model.free(probe.sequence);
            } else {
                self.probes.push(probe);
            }
            outcome = outcome.and(result);
        }
        // Only now, so that every probe is either freed or still known.
        outcome?;
        if !self.probes.is_empty() || !self.waiting.is_empty() {
            return Ok(Progress::Running);
        }
        let scored = std::mem::take(&mut self.scored);
        self.answer(Ok(scored));
        Ok(Progress::Done)
    }

    fn suspend(&mut self, room: &mut Room) {
        self.leave(room);
        self.begin();
    }

    fn holds_cache(&self) -> bool {
        self.base.is_some()
    }

    fn fail(&mut self, error: EngineError) {
        self.answer(Err(error));
    }

    fn leave(&mut self, room: &mut Room) {
        for probe in self.probes.drain(..) {
            room.model.free(probe.sequence);
        }
        if let Some(base) = self.base.take() {
            room.release(base);
        }
    }
}

fn questions(room: &mut Room, request: &ChooseRequest) -> Result<Vec<Question>, EngineError> {
    let mut questions = Vec::new();
    for choice in &request.choices {
        let mut options = Vec::new();
        for option in &choice.options {
            let tokens = room.text.encode(option).map_err(|error| EngineError::Inference(error.to_string()))?;
            if tokens.is_empty() {
                return Err(EngineError::Constraint("an option to choose is empty".into()));
            }
            options.push(tokens);
        }
        let longest = options.iter().map(Vec::len).max().unwrap_or(0);
        questions.push(Question { prompt: room.tokens(&choice.prompt, false, longest)?, options });
    }
    Ok(questions)
}

/// Tokens that all prompts begin with; each keeps at least one of its own, whose logits answer it.
fn shared(questions: &[Question]) -> usize {
    let Some(first) = questions.first() else { return 0 };
    let least = |shared: usize, question: &Question| {
        shared.min(common(&first.prompt, &question.prompt)).min(question.prompt.len() - 1)
    };
    questions.iter().fold(usize::MAX, least)
}

/// The token paths to read so that every option's later tokens can be scored, and the options of each path. Options
/// with a common beginning share a path where one's is the beginning of the other's.
fn paths(options: &[Vec<u32>]) -> Vec<(Vec<u32>, Vec<usize>)> {
    let head = |option: &Vec<u32>| option[..option.len() - 1].to_vec();
    let mut heads: Vec<Vec<u32>> = options.iter().map(head).filter(|head| !head.is_empty()).collect();
    heads.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    let mut paths: Vec<(Vec<u32>, Vec<usize>)> = Vec::new();
    for head in heads {
        if !paths.iter().any(|(path, _)| path.starts_with(&head)) {
            paths.push((head, Vec::new()));
        }
    }
    for (index, option) in options.iter().enumerate() {
        let head = head(option);
        if let Some((_, members)) = paths.iter_mut().find(|(path, _)| !head.is_empty() && path.starts_with(&head)) {
            members.push(index);
        }
    }
    paths
}

fn not_a_number() -> EngineError {
    EngineError::Inference("the model's output is not a number (is the file damaged?)".into())
}

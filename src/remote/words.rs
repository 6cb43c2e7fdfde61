//! One try at having something worded: sends the request, passes the words on as they come, ends where it should.

use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use super::connection::{Answer, Connection, Failure, Line};
use super::frames::{Frame, Limits};
use super::shape::{self, Chunk};
use super::stops::Stops;
use crate::engine::{Event, Finish, Finished, GenerateRequest, Usage};

/// Bytes of a stream for one token: a chunk with twenty alternatives is about 3 KiB.
const BYTES_A_TOKEN: usize = 6 << 10;
/// Bytes beside the tokens: keep-alives, the last chunk.
const BYTES_BESIDE: usize = 1 << 20;
/// Longest text for one token; a server that ignores `max_tokens` is cut here.
const TEXT_A_TOKEN: usize = 32;

/// What came of a try.
pub(super) enum Tried {
    /// The whole text.
    Finished(Finished),
    /// Nobody listens any more.
    Left,
    /// It failed after words were told: no second try, or they would be told twice.
    BrokeOff(String),
}

/// Sends the request and tells its words.
///
/// # Errors
/// A failure before the first word.
pub(super) fn speak(
    connection: &Connection,
    line: &Line,
    body: &serde_json::Value,
    request: &GenerateRequest,
    reply: &UnboundedSender<Event>,
) -> Result<Tried, Failure> {
    let limits = Limits { bytes: BYTES_BESIDE + request.max_tokens.saturating_mul(BYTES_A_TOKEN) };
    let mut speech = Speech {
        reply,
        stops: Stops::new(&request.stop),
        longest: request.max_tokens.saturating_mul(TEXT_A_TOKEN).saturating_add(1024),
        text: String::new(),
        chunks: 0,
        usage: Usage::default(),
        finish: None,
        begun: Instant::now(),
    };
    let mut frames = match connection.post(line, "/chat/completions", body, Some(limits))? {
        Answer::Stream(frames) => frames,
        // It does not stream: all its words at once.
        Answer::Whole(value) => {
            let chunk = shape::chunk(&value).map_err(Failure::Lasting)?;
            if chunk.finish.is_none() && chunk.text.is_empty() {
                return Err(Failure::Lasting("its answer holds no words".to_owned()));
            }
            return Ok(match speech.take(chunk) {
                Going::On | Going::Ended => speech.finished(),
                Going::Left => Tried::Left,
            });
        }
    };
    loop {
        let failure = match frames.next() {
            Ok(Frame::Data(value)) => match shape::chunk(&value) {
                Ok(chunk) => match speech.take(chunk) {
                    Going::On => continue,
                    Going::Ended => return Ok(speech.finished()),
                    Going::Left => return Ok(Tried::Left),
                },
                Err(reason) => Failure::Lasting(reason),
            },
            Ok(Frame::Done) => return Ok(speech.finished()),
            Ok(Frame::Closed) if speech.finish.is_some() => return Ok(speech.finished()),
            Ok(Frame::Closed) => Failure::Passing("it broke off in the middle".to_owned(), None),
            Err(failure) => failure,
        };
        return if speech.text.is_empty() { Err(failure) } else { Ok(Tried::BrokeOff(failure.reason().to_owned())) };
    }
}

enum Going {
    On,
    Ended,
    Left,
}

struct Speech<'a> {
    reply: &'a UnboundedSender<Event>,
    stops: Stops<'a>,
    longest: usize,
    text: String,
    chunks: usize,
    usage: Usage,
    finish: Option<Finish>,
    begun: Instant,
}

impl Speech<'_> {
    fn take(&mut self, chunk: Chunk) -> Going {
        if let Some(usage) = chunk.usage {
            let first_token_seconds = self.usage.first_token_seconds;
            self.usage = Usage { first_token_seconds, ..usage };
        }
        self.finish = chunk.finish.or(self.finish);
        if chunk.text.is_empty() && chunk.logprobs.is_empty() {
            return if self.reply.is_closed() { Going::Left } else { Going::On };
        }
        if self.chunks == 0 {
            self.usage.first_token_seconds = self.begun.elapsed().as_secs_f64();
        }
        self.chunks += 1;
        let (told, stopped) = self.stops.take(&chunk.text);
        let mut logprobs = chunk.logprobs.into_iter();
        let first = self.tell(told, logprobs.next().unwrap_or_default());
        // A chunk of several tokens: the text comes with the first.
        let all = logprobs.fold(first, |heard, more| heard && self.tell(String::new(), more));
        if !all {
            return Going::Left;
        }
        if stopped {
            self.finish = Some(Finish::Stop);
            return Going::Ended;
        }
        if self.text.len() > self.longest {
            self.finish = Some(Finish::Length);
            return Going::Ended;
        }
        Going::On
    }

    fn tell(&mut self, text: String, logprobs: Vec<(String, f32)>) -> bool {
        self.text.push_str(&text);
        if text.is_empty() && logprobs.is_empty() {
            return !self.reply.is_closed();
        }
        self.reply.send(Event::Token { text, logprobs }).is_ok()
    }

    fn finished(mut self) -> Tried {
        // A stop text that ended it was taken out; what is held back otherwise is text.
        let rest = if self.finish.is_some() || self.chunks > 0 { self.stops.rest() } else { String::new() };
        if !rest.is_empty() && !self.tell(rest, Vec::new()) {
            return Tried::Left;
        }
        if self.usage.completion_tokens == 0 {
            self.usage.completion_tokens = self.chunks;
        }
        self.usage.seconds = self.begun.elapsed().as_secs_f64();
        Tried::Finished(Finished { text: self.text, finish: self.finish.unwrap_or(Finish::Stop), usage: self.usage })
    }
}

//! What a server can do, found out by asking it something of no importance: nothing of a person's is sent for that.

use super::connection::{Answer, Connection, Failure, Line};
use super::{choices, shape};
use crate::engine::Prompt;

/// What a server can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// How many likeliest tokens it tells at the first place of an answer; 0 = none.
    pub first_token: usize,
    /// Whether it tells how likely a given text is (`echo` with `logprobs` on `/v1/completions`).
    pub whole_texts: bool,
}

/// Which of the usual extensions a server takes. All until it refuses one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// `top_k`, `min_p`, `repetition_penalty`, regular expressions.
    pub(super) extras: bool,
    /// `stream_options`.
    pub(super) stream_usage: bool,
    /// `response_format`.
    pub(super) formats: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { extras: true, stream_usage: true, formats: true }
    }
}

impl Abilities {
    /// Whether it can judge at all.
    #[must_use]
    pub const fn can_judge(self) -> bool {
        self.first_token > 0 || self.whole_texts
    }

    /// What is missing, for people; none when all is there.
    #[must_use]
    pub const fn missing(self) -> Option<&'static str> {
        match (self.first_token > 0, self.whole_texts) {
            (false, false) => Some(
                "it gives no log-probabilities, so it can word but not judge: what it should judge stays unscored, and \
                 questions are composed from hand-written wordings",
            ),
            (true, false) => Some(
                "it does not say how likely a whole text is (echo with logprobs), so it cannot choose among wordings: \
                 the program chooses",
            ),
            (_, true) => None,
        }
    }
}

/// Asks.
///
/// # Errors
/// When it does not answer at all.
pub(super) fn find(connection: &Connection, line: &Line, model: &str) -> Result<Abilities, Failure> {
    let mut found = Abilities::default();
    // OpenAI's interface gives up to 20; some servers stop at 5.
    for top in [20, 5] {
        match first_token(connection, line, model, top) {
            Ok(told) => {
                found.first_token = if told { top } else { 0 };
                break;
            }
            Err(Failure::Refused(_)) => {}
            // Some servers fail rather than refuse when they keep no probabilities.
            Err(Failure::Passing(reason, _)) if reason.contains("logprob") || reason.contains("logits") => break,
            Err(other) => return Err(other),
        }
    }
    found.whole_texts = whole_texts(connection, line, model)?;
    Ok(found)
}

fn first_token(connection: &Connection, line: &Line, model: &str, top: usize) -> Result<bool, Failure> {
    let prompt = Prompt::system("Answer with one word.").user("Is water wet? Yes or No?");
    let body = shape::first_token(model, &prompt, top);
    let Answer::Whole(answer) = connection.post(line, "/chat/completions", &body, None)? else { return Ok(false) };
    let top = shape::top_tokens(&answer).map_err(Failure::Lasting)?;
    // One token alone tells nothing about the others.
    Ok(top.len() > 1 || choices::log_probs(&["Yes".to_owned(), "No".to_owned()], &top).is_some_and(|p| p[0] != p[1]))
}

fn whole_texts(connection: &Connection, line: &Line, model: &str) -> Result<bool, Failure> {
    let (before, after) = ("One, two,", " three");
    match connection.post(line, "/completions", &shape::echo(model, &format!("{before}{after}")), None) {
        Ok(Answer::Whole(answer)) => Ok(shape::echoed(&answer, before, after).is_some()),
        Ok(Answer::Stream(_)) | Err(Failure::Refused(_) | Failure::Lasting(_)) => Ok(false),
        Err(Failure::Passing(reason, _)) if reason.starts_with("status 5") => Ok(false),
        Err(other) => Err(other),
    }
}

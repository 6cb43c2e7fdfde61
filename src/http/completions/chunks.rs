//! OpenAI's shapes of an answer: the whole completion, and the chunks of a streamed one; of a chat, or of a text that is
//! continued.

use serde_json::{Value, json};

use crate::engine::{Finish, Finished, Usage};

/// One answer in the making.
pub(super) struct Completion {
    id: String,
    created: i64,
    model: String,
    /// Alternatives shown per token; none = no log-probabilities.
    top: Option<usize>,
    kind: Kind,
}

/// Which of OpenAI's two shapes.
enum Kind {
    Chat,
    /// A text is continued; what stands before the continuation in the answer.
    Text(String),
}

impl Completion {
    pub(super) fn new(model: String, top: Option<usize>) -> Self {
        let id = format!("chatcmpl-{}", uuid::Uuid::now_v7().simple());
        Self { id, created: jiff::Timestamp::now().as_second(), model, top, kind: Kind::Chat }
    }

    /// Of a text that is continued; `echo` stands before it.
    pub(super) fn of_text(model: String, top: Option<usize>, echo: String) -> Self {
        let id = format!("cmpl-{}", uuid::Uuid::now_v7().simple());
        Self { id, created: jiff::Timestamp::now().as_second(), model, top, kind: Kind::Text(echo) }
    }

    /// The whole answer to a text, or to several.
    pub(super) fn texts(&self, choices: &[Value], usage: Usage) -> Value {
        json!({
            "id": self.id, "object": "text_completion", "created": self.created, "model": self.model, "choices": choices,
            "usage": counted(usage),
        })
    }

    pub(super) fn whole(&self, finished: &Finished, logprobs: Vec<Value>) -> Value {
        json!({
            "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model,
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": finished.text, "refusal": null},
                "logprobs": self.top.map(|_| json!({"content": logprobs})),
                "finish_reason": reason(finished.finish),
            }],
            "usage": counted(finished.usage),
        })
    }

    pub(super) fn opening(&self) -> Value {
        match &self.kind {
            Kind::Chat => self.chunk(json!({"role": "assistant", "content": ""}), None, None),
            Kind::Text(echo) => self.chunk(echo.as_str().into(), None, None),
        }
    }

    pub(super) fn token(&self, text: &str, logprobs: &[(String, f32)]) -> Value {
        match &self.kind {
            Kind::Chat => {
                let told = self.logprob(logprobs).map(|entry| json!({"content": [entry]}));
                self.chunk(json!({"content": text}), told, None)
            }
            Kind::Text(_) => {
                let mut told = Told::default();
                let some = self.top.is_some() && !logprobs.is_empty();
                if let Some(((token, p), top)) = logprobs.split_first().filter(|_| some) {
                    told.add(token, Some(*p), top, self.top.unwrap_or(0));
                }
                self.chunk(text.into(), some.then(|| told.value()), None)
            }
        }
    }

    pub(super) fn finish(&self, finished: &Finished) -> Value {
        match &self.kind {
            Kind::Chat => self.chunk(json!({}), None, Some(reason(finished.finish))),
            Kind::Text(_) => self.chunk("".into(), None, Some(reason(finished.finish))),
        }
    }

    /// The chunk that `include_usage` asks for: no choice, only numbers.
    pub(super) fn usage(&self, finished: &Finished) -> Value {
        let mut chunk = self.chunk(json!({}), None, None);
        chunk["choices"] = json!([]);
        chunk["usage"] = counted(finished.usage);
        chunk
    }

    /// The chosen token with its alternatives, when they are wanted and known.
    pub(super) fn logprob(&self, logprobs: &[(String, f32)]) -> Option<Value> {
        let (chosen, alternatives) = logprobs.split_first()?;
        let mut entry = entry(chosen);
        entry["top_logprobs"] = alternatives.iter().take(self.top?).map(self::entry).collect();
        Some(entry)
    }

    fn chunk(&self, said: Value, logprobs: Option<Value>, finish_reason: Option<&str>) -> Value {
        let (object, name) = match self.kind {
            Kind::Chat => ("chat.completion.chunk", "delta"),
            Kind::Text(_) => ("text_completion", "text"),
        };
        json!({
            "id": self.id, "object": object, "created": self.created, "model": self.model,
            "choices": [{"index": 0, name: said, "logprobs": logprobs, "finish_reason": finish_reason}],
        })
    }
}

/// The log-probabilities of a continued text, in OpenAI's older shape: lists side by side.
#[derive(Default)]
pub(super) struct Told {
    tokens: Vec<Value>,
    log_probs: Vec<Value>,
    top: Vec<Value>,
    offsets: Vec<usize>,
    /// Characters so far.
    at: usize,
}

impl Told {
    /// Adds a token with its own log-probability (none for the first of a text) and the likeliest at its place.
    pub(super) fn add(&mut self, token: &str, log_prob: Option<f32>, likeliest: &[(String, f32)], count: usize) {
        self.tokens.push(token.into());
        self.log_probs.push(json!(log_prob));
        let mut top = serde_json::Map::new();
        for (text, p) in likeliest.iter().take(count) {
            // Two tokens may look alike: the likelier one counts.
            top.entry(text.clone()).or_insert(json!(p));
        }
        if let Some(p) = log_prob {
            top.entry(token.to_owned()).or_insert(json!(p));
        }
        self.top.push(if log_prob.is_some() { Value::Object(top) } else { Value::Null });
        self.offsets.push(self.at);
        self.at += token.chars().count();
    }

    pub(super) fn value(&self) -> Value {
        json!({
            "tokens": self.tokens, "token_logprobs": self.log_probs, "top_logprobs": self.top, "text_offset": self.offsets,
        })
    }
}

fn entry((token, logprob): &(String, f32)) -> Value {
    json!({"token": token, "logprob": logprob, "bytes": token.as_bytes()})
}

pub(super) fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
    }
}

fn counted(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    })
}

//! OpenAI's shapes of an answer: the whole completion, and the chunks of a streamed one.

use serde_json::{Value, json};

use crate::engine::{Finish, Finished};

/// One answer in the making.
pub(super) struct Completion {
    id: String,
    created: i64,
    model: String,
    /// Alternatives shown per token; none = no log-probabilities.
    top: Option<usize>,
}

impl Completion {
    pub(super) fn new(model: String, top: Option<usize>) -> Self {
        let id = format!("chatcmpl-{}", uuid::Uuid::now_v7().simple());
        Self { id, created: jiff::Timestamp::now().as_second(), model, top }
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
            "usage": usage(finished),
        })
    }

    pub(super) fn opening(&self) -> Value {
        self.chunk(json!({"role": "assistant", "content": ""}), None, None)
    }

    pub(super) fn token(&self, text: &str, logprobs: &[(String, f32)]) -> Value {
        self.chunk(json!({"content": text}), self.logprob(logprobs), None)
    }

    pub(super) fn finish(&self, finished: &Finished) -> Value {
        self.chunk(json!({}), None, Some(reason(finished.finish)))
    }

    /// The chunk that `include_usage` asks for: no choice, only numbers.
    pub(super) fn usage(&self, finished: &Finished) -> Value {
        let mut chunk = self.chunk(json!({}), None, None);
        chunk["choices"] = json!([]);
        chunk["usage"] = usage(finished);
        chunk
    }

    /// The chosen token with its alternatives, when they are wanted and known.
    pub(super) fn logprob(&self, logprobs: &[(String, f32)]) -> Option<Value> {
        let (chosen, alternatives) = logprobs.split_first()?;
        let mut entry = entry(chosen);
        entry["top_logprobs"] = alternatives.iter().take(self.top?).map(self::entry).collect();
        Some(entry)
    }

    fn chunk(&self, delta: Value, logprob: Option<Value>, finish_reason: Option<&str>) -> Value {
        json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
            "choices": [{
                "index": 0, "delta": delta, "logprobs": logprob.map(|entry| json!({"content": [entry]})),
                "finish_reason": finish_reason,
            }],
        })
    }
}

fn entry((token, logprob): &(String, f32)) -> Value {
    json!({"token": token, "logprob": logprob, "bytes": token.as_bytes()})
}

fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
    }
}

fn usage(finished: &Finished) -> Value {
    let usage = finished.usage;
    json!({
        "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    })
}

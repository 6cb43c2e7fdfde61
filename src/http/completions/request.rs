//! What a client asks for, in OpenAI's words, and what that means for the engine.
//!
//! Fields of OpenAI's that change nothing here (`user`, `metadata`, ...) are ignored, as every client sends some;
//! those that would change the meaning (`tools`, `n` > 1) are refused rather than dropped.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::engine::{Constraint, GenerateRequest, Message, Priority, Prompt, Role, Sampling};
use crate::http::error::ApiError;

/// Most tokens generated when the client names no number.
const DEFAULT_MAX_TOKENS: usize = 1024;
/// OpenAI's limits.
const MOST_STOPS: usize = 4;
const MOST_TOP_LOGPROBS: usize = 20;

/// `POST /v1/chat/completions`.
#[derive(Debug, Deserialize)]
pub(super) struct ChatRequest {
    #[serde(default)]
    model: Option<String>,
    messages: Vec<ChatMessage>,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    max_tokens: Option<usize>,
    #[serde(default)]
    max_completion_tokens: Option<usize>,
    #[serde(default)]
    temperature: Option<f32>,
    #[serde(default)]
    top_p: Option<f32>,
    #[serde(default)]
    top_k: Option<usize>,
    #[serde(default)]
    min_p: Option<f32>,
    #[serde(default)]
    seed: Option<u64>,
    #[serde(default)]
    stop: Option<Stop>,
    #[serde(default)]
    response_format: Option<ResponseFormat>,
    #[serde(default)]
    logprobs: Option<bool>,
    #[serde(default)]
    top_logprobs: Option<usize>,
    #[serde(default)]
    n: Option<u32>,
    #[serde(default)]
    tools: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
struct ChatMessage {
    role: String,
    content: ChatContent,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ChatContent {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct StreamOptions {
    #[serde(default)]
    pub(super) include_usage: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Stop {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat {
    Text,
    JsonObject,
    JsonSchema { json_schema: NamedSchema },
}

#[derive(Debug, Deserialize)]
struct NamedSchema {
    schema: Value,
}

/// A request that the engine understands.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) request: GenerateRequest,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    /// Alternatives to show per token; none when no log-probabilities are wanted.
    pub(super) logprobs: Option<usize>,
}

impl ChatRequest {
    /// Checks the ranges and translates. `loaded` is the model that will answer.
    pub(super) fn into_wanted(self, loaded: &str) -> Result<Wanted, ApiError> {
        is_loaded(self.model.as_deref(), loaded)?;
        if self.n.is_some_and(|n| n != 1) {
            return Err(ApiError::invalid("Only n = 1 is supported."));
        }
        if self.tools.is_some_and(|tools| !tools.is_empty()) {
            return Err(ApiError::invalid("Tools are not supported: this model only talks."));
        }
        let logprobs = wanted_logprobs(self.logprobs, self.top_logprobs)?;
        let max_tokens = self.max_completion_tokens.or(self.max_tokens).unwrap_or(DEFAULT_MAX_TOKENS);
        if max_tokens == 0 {
            return Err(ApiError::invalid("max_tokens must be at least 1."));
        }
        let request = GenerateRequest {
            prompt: prompt(self.messages)?,
            sampling: Sampling {
                temperature: within("temperature", self.temperature, 0.0, 2.0, 1.0)?,
                top_p: within("top_p", self.top_p, 0.0, 1.0, 1.0)?,
                top_k: self.top_k.unwrap_or(0),
                min_p: within("min_p", self.min_p, 0.0, 1.0, 0.0)?,
                repeat_penalty: 1.0,
                seed: self.seed.map_or_else(random_seed, Ok)?,
            },
            max_tokens,
            stop: stops(self.stop)?,
            constraint: self.response_format.and_then(constraint),
            // The chosen token's own probability comes with the first alternative.
            top_logprobs: logprobs.map_or(0, |top| top.max(1)),
            priority: Priority::Interactive,
        };
        let include_usage = self.stream_options.unwrap_or_default().include_usage;
        Ok(Wanted { request, stream: self.stream, include_usage, logprobs })
    }
}

/// Refuses another model than the loaded one; none is that one.
pub(super) fn is_loaded(wanted: Option<&str>, loaded: &str) -> Result<(), ApiError> {
    match wanted.filter(|model| *model != loaded && !model.is_empty()) {
        Some(model) => Err(ApiError::not_found(
            format!("The model {model:?} is not loaded."),
            format!("Ask for {loaded}, or start offrecord with --model."),
        )),
        None => Ok(()),
    }
}

fn prompt(messages: Vec<ChatMessage>) -> Result<Prompt, ApiError> {
    if messages.is_empty() {
        return Err(ApiError::invalid("messages must not be empty."));
    }
    let messages = messages.into_iter().map(message).collect::<Result<Vec<_>, _>>()?;
    Ok(Prompt { messages, ..Prompt::default() })
}

fn message(message: ChatMessage) -> Result<Message, ApiError> {
    let role = match message.role.as_str() {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        other => return Err(ApiError::invalid(format!("The role {other:?} is not one of system, user, assistant."))),
    };
    let text = match message.content {
        ChatContent::Text(text) => text,
        ChatContent::Parts(parts) => {
            if let Some(part) = parts.iter().find(|part| part.kind != "text") {
                return Err(ApiError::invalid(format!("Content of type {:?} is not supported, only text.", part.kind)));
            }
            parts.into_iter().map(|part| part.text).collect()
        }
    };
    Ok(Message { role, text })
}

pub(super) fn within(name: &str, value: Option<f32>, low: f32, high: f32, default: f32) -> Result<f32, ApiError> {
    let value = value.unwrap_or(default);
    if (low..=high).contains(&value) {
        return Ok(value);
    }
    Err(ApiError::invalid(format!("{name} must be between {low} and {high}.")))
}

fn wanted_logprobs(wanted: Option<bool>, top: Option<usize>) -> Result<Option<usize>, ApiError> {
    match (wanted.unwrap_or(false), top) {
        (_, Some(top)) if top > MOST_TOP_LOGPROBS => {
            Err(ApiError::invalid(format!("top_logprobs must be at most {MOST_TOP_LOGPROBS}.")))
        }
        (false, Some(top)) if top > 0 => Err(ApiError::invalid("top_logprobs needs logprobs: true.")),
        (true, top) => Ok(Some(top.unwrap_or(0))),
        (false, _) => Ok(None),
    }
}

pub(super) fn stops(stop: Option<Stop>) -> Result<Vec<String>, ApiError> {
    let stops = match stop {
        None => Vec::new(),
        Some(Stop::One(text)) => vec![text],
        Some(Stop::Many(texts)) => texts,
    };
    if stops.len() > MOST_STOPS || stops.iter().any(String::is_empty) {
        return Err(ApiError::invalid(format!("stop takes at most {MOST_STOPS} texts, none of them empty.")));
    }
    Ok(stops)
}

fn constraint(format: ResponseFormat) -> Option<Constraint> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some(Constraint::JsonSchema(json!({"type": "object"}))),
        ResponseFormat::JsonSchema { json_schema } => Some(Constraint::JsonSchema(json_schema.schema)),
    }
}

pub(super) fn random_seed() -> Result<u64, ApiError> {
    getrandom::u64().map_err(|error| {
        tracing::error!("no randomness: {error}");
        ApiError::internal("no-randomness")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(body: Value) -> Result<Wanted, String> {
        let request: ChatRequest = serde_json::from_value(body).map_err(|error| error.to_string())?;
        request.into_wanted("tiny").map_err(|error| error.message)
    }

    #[test]
    fn openai_fields_reach_the_engine() {
        let wanted = wanted(json!({
            "model": "tiny", "stream": true, "stream_options": {"include_usage": true}, "seed": 7, "max_tokens": 5,
            "temperature": 0.5, "stop": ["a", "b"], "logprobs": true, "top_logprobs": 3, "user": "ignored",
            "messages": [
                {"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "u"}]},
            ],
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
        }))
        .expect("a valid request");
        assert!(wanted.stream && wanted.include_usage);
        assert_eq!(wanted.logprobs, Some(3));
        let request = wanted.request;
        assert_eq!((request.sampling.seed, request.max_tokens, request.top_logprobs), (7, 5, 3));
        assert_eq!(request.stop, ["a", "b"]);
        assert_eq!(request.prompt, Prompt::system("s").user("u"));
        assert_eq!(request.constraint, Some(Constraint::JsonSchema(json!({"type": "object"}))));
    }

    #[test]
    fn what_would_change_the_meaning_is_refused() {
        let with = |extra: Value| {
            let mut body = json!({"messages": [{"role": "user", "content": "u"}]});
            let (Some(body_map), Value::Object(extra)) = (body.as_object_mut(), extra) else { return body };
            body_map.extend(extra);
            body
        };
        for (extra, reason) in [
            (json!({"model": "other"}), "not loaded"),
            (json!({"n": 2}), "n = 1"),
            (json!({"tools": [{}]}), "Tools"),
            (json!({"temperature": 2.5}), "temperature"),
            (json!({"temperature": -1}), "temperature"),
            (json!({"temperature": 1e300}), "temperature"),
            (json!({"top_p": 1.5}), "top_p"),
            (json!({"max_tokens": 0}), "max_tokens"),
            (json!({"max_tokens": -1}), "invalid value"),
            (json!({"top_logprobs": 21, "logprobs": true}), "top_logprobs"),
            (json!({"top_logprobs": 1}), "logprobs: true"),
            (json!({"stop": ["a", "b", "c", "d", "e"]}), "stop"),
            (json!({"stop": ""}), "stop"),
            (json!({"messages": []}), "messages"),
            (json!({"messages": [{"role": "robot", "content": "u"}]}), "role"),
            (json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}), "image_url"),
            (json!({"seed": -1}), "invalid value"),
        ] {
            let message = wanted(with(extra.clone())).expect_err("refused");
            assert!(message.contains(reason), "{extra}: {message}");
        }
    }
}

//! OpenAI's shapes: what is asked, and what of an answer counts. Plain values; everything in an answer is a stranger's.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::abilities::Dialect;
use crate::engine::{Constraint, Finish, GenerateRequest, Prompt, Role, Usage};

/// The messages of a prompt.
pub(super) fn messages(prompt: &Prompt) -> Vec<Value> {
    let name = |role: Role| match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    prompt.messages.iter().map(|m| json!({"role": name(m.role), "content": m.text})).collect()
}

/// A prompt as one plain text, for servers that continue texts. Its last word is a colon, so that a continuation begins
/// with a token of its own.
pub(super) fn plain(prompt: &Prompt) -> String {
    let mut text = String::new();
    for message in &prompt.messages {
        text += match message.role {
            Role::System => "",
            Role::User => "User: ",
            Role::Assistant => "Assistant: ",
        };
        text += message.text.trim();
        text += "\n\n";
    }
    text += "Assistant:";
    if !prompt.answer_prefix.trim().is_empty() {
        text += " ";
        text += prompt.answer_prefix.trim();
    }
    text
}

/// Asks for the likeliest first tokens.
pub(super) fn first_token(model: &str, prompt: &Prompt, top: usize) -> Value {
    json!({
        "model": model, "messages": messages(prompt), "max_tokens": 1, "temperature": 0, "seed": 0,
        "logprobs": true, "top_logprobs": top,
    })
}

/// Asks how likely each token of a text is.
pub(super) fn echo(model: &str, text: &str) -> Value {
    json!({"model": model, "prompt": text, "max_tokens": 1, "temperature": 0, "echo": true, "logprobs": 1})
}

/// Asks for words, in the dialect of the server.
pub(super) fn words(model: &str, request: &GenerateRequest, dialect: Dialect) -> Value {
    let sampling = &request.sampling;
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("model", model.into());
    put("messages", messages(&request.prompt).into());
    put("max_tokens", request.max_tokens.into());
    put("temperature", rounded(sampling.temperature));
    put("top_p", rounded(sampling.top_p));
    // Servers count seeds in 31, 32, 53 or 63 bits.
    put("seed", (sampling.seed & 0x7fff_ffff).into());
    put("stream", true.into());
    if dialect.stream_usage {
        put("stream_options", json!({"include_usage": true}));
    }
    // OpenAI takes four; the others are watched for here.
    let stops: Vec<&String> = request.stop.iter().filter(|stop| !stop.is_empty()).take(4).collect();
    if !stops.is_empty() {
        put("stop", json!(stops));
    }
    if request.top_logprobs > 0 {
        put("logprobs", true.into());
        put("top_logprobs", request.top_logprobs.min(20).into());
    }
    if dialect.formats
        && let Some(Constraint::JsonSchema(schema)) = &request.constraint
    {
        let named = json!({"name": "answer", "strict": true, "schema": schema});
        put("response_format", json!({"type": "json_schema", "json_schema": named}));
    }
    if dialect.extras {
        if sampling.top_k > 0 {
            put("top_k", sampling.top_k.into());
        }
        if sampling.min_p > 0.0 {
            put("min_p", rounded(sampling.min_p));
        }
        if sampling.repeat_penalty != 1.0 {
            put("repetition_penalty", rounded(sampling.repeat_penalty));
        }
        if let Some(Constraint::Regex(expression)) = &request.constraint {
            put("structured_outputs", json!({"regex": expression}));
            put("guided_regex", expression.as_str().into());
        }
    }
    Value::Object(body)
}

/// Whether the request holds what only some servers know.
pub(super) fn has_extras(request: &GenerateRequest) -> bool {
    let sampling = &request.sampling;
    sampling.top_k > 0
        || sampling.min_p > 0.0
        || sampling.repeat_penalty != 1.0
        || matches!(request.constraint, Some(Constraint::Regex(_)))
}

/// As a person would write it: 0.7, not 0.699999988079071.
fn rounded(value: f32) -> Value {
    json!((f64::from(value) * 1e4).round() / 1e4)
}

/// A chunk of a stream, or a whole answer.
#[derive(Deserialize)]
pub(super) struct Completion {
    #[serde(default)]
    choices: Vec<Completed>,
    #[serde(default)]
    usage: Option<Counted>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Completed {
    #[serde(default, alias = "message")]
    delta: Option<Said>,
    #[serde(default)]
    logprobs: Option<Logprobs>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<String>,
}

#[derive(Deserialize)]
struct Logprobs {
    #[serde(default)]
    content: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    token: String,
    logprob: f64,
    #[serde(default)]
    top_logprobs: Vec<Token>,
}

#[derive(Deserialize)]
struct Token {
    token: String,
    logprob: f64,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Counted {
    prompt_tokens: usize,
    completion_tokens: usize,
    prompt_tokens_details: Option<Cached>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Cached {
    cached_tokens: Option<usize>,
}

/// What one chunk says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Chunk {
    pub(super) text: String,
    /// The chosen token first, then the likeliest; one list a token.
    pub(super) logprobs: Vec<Vec<(String, f32)>>,
    pub(super) finish: Option<Finish>,
    pub(super) usage: Option<Usage>,
}

/// Reads a chunk.
///
/// # Errors
/// The server's own error in the middle of a stream, or what does not fit.
pub(super) fn chunk(value: &Value) -> Result<Chunk, String> {
    let read = Completion::deserialize(value).map_err(|error| format!("its answer does not fit ({error})"))?;
    if let Some(error) = read.error.filter(|error| !error.is_null()) {
        let words = error["message"].as_str().or(error.as_str()).unwrap_or("an error without words");
        return Err(format!("it failed: {}", super::connection::excerpt(words)));
    }
    let mut said = Chunk { usage: read.usage.map(counted), ..Chunk::default() };
    let Some(first) = read.choices.into_iter().next() else { return Ok(said) };
    said.text = first.delta.and_then(|delta| delta.content).unwrap_or_default();
    said.finish = match first.finish_reason.as_deref() {
        None | Some("") => None,
        Some("length") => Some(Finish::Length),
        Some(_) => Some(Finish::Stop),
    };
    let entries = first.logprobs.and_then(|l| l.content).unwrap_or_default();
    said.logprobs = entries
        .into_iter()
        .map(|entry| {
            let chosen = std::iter::once((entry.token, entry.logprob as f32));
            chosen.chain(entry.top_logprobs.into_iter().map(|t| (t.token, t.logprob as f32))).collect()
        })
        .collect();
    Ok(said)
}

fn counted(usage: Counted) -> Usage {
    Usage {
        prompt_tokens: usage.prompt_tokens,
        cached_tokens: usage.prompt_tokens_details.and_then(|d| d.cached_tokens).unwrap_or(0),
        completion_tokens: usage.completion_tokens,
        ..Usage::default()
    }
}

/// Tokens with their log-probabilities at the answer's first place; empty when the server gives none.
pub(super) fn top_tokens(answer: &Value) -> Result<Vec<(String, f64)>, String> {
    let read = Completion::deserialize(answer).map_err(|error| format!("its answer does not fit ({error})"))?;
    let first = read.choices.into_iter().next().ok_or("its answer holds no choice")?;
    let Some(entry) = first.logprobs.and_then(|l| l.content).and_then(|content| content.into_iter().next()) else {
        return Ok(Vec::new());
    };
    let mut top: BTreeMap<String, f64> = BTreeMap::new();
    top.insert(entry.token, entry.logprob);
    top.extend(entry.top_logprobs.into_iter().map(|t| (t.token, t.logprob)));
    top.retain(|_, p| p.is_finite() && *p <= 1e-6);
    Ok(top.into_iter().collect())
}

#[derive(Deserialize)]
struct Echoed {
    choices: Vec<EchoedChoice>,
}

#[derive(Deserialize)]
struct EchoedChoice {
    #[serde(default)]
    logprobs: Option<EchoedLogprobs>,
}

#[derive(Deserialize)]
struct EchoedLogprobs {
    #[serde(default)]
    tokens: Vec<String>,
    #[serde(default)]
    token_logprobs: Vec<Option<f64>>,
}

/// The log-probability of `option` after `before`, from an answer to [`echo`] of both: the sum over the tokens that reach
/// into it. None when the server did not echo.
pub(super) fn echoed(answer: &Value, before: &str, option: &str) -> Option<f64> {
    let echoed = Echoed::deserialize(answer).ok()?.choices.into_iter().next()?.logprobs?;
    let (begin, end) = (before.len(), before.len() + option.len());
    let text: String = echoed.tokens.concat();
    // A first special token, such as <s>, may stand before the text.
    let skipped = text.find(before).filter(|at| *at <= 32)?;
    if !text[skipped + begin..].starts_with(option) {
        return None;
    }
    let (mut at, mut sum, mut counted) = (0usize, 0.0, 0);
    for (token, logprob) in echoed.tokens.iter().zip(&echoed.token_logprobs) {
        let (from, to) = (at, at + token.len());
        at = to;
        if to > skipped + begin && from < skipped + end {
            let p = logprob.filter(|p| p.is_finite() && *p <= 1e-6)?;
            sum += p;
            counted += 1;
        }
    }
    (counted > 0).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Sampling;

    #[test]
    fn a_request_holds_only_what_the_server_knows() {
        let request = GenerateRequest {
            sampling: Sampling { temperature: 0.7, top_k: 40, seed: 1 << 40, ..Sampling::default() },
            stop: vec!["\n".into()],
            constraint: Some(Constraint::JsonSchema(json!({"type": "object"}))),
            ..GenerateRequest::new(Prompt::system("s").user("u"), 8)
        };
        let all = words("m", &request, Dialect::default());
        assert_eq!(
            (all["temperature"].as_f64(), all["top_k"].as_u64(), all["seed"].as_u64()),
            (Some(0.7), Some(40), Some(0))
        );
        assert_eq!(all["response_format"]["json_schema"]["schema"], json!({"type": "object"}));
        assert_eq!(all["messages"], json!([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]));
        let least = words("m", &request, Dialect { extras: false, stream_usage: false, formats: false });
        let names: Vec<&String> = least.as_object().map(|o| o.keys().collect()).unwrap_or_default();
        assert_eq!(names, ["model", "messages", "max_tokens", "temperature", "top_p", "seed", "stream", "stop"]);
    }

    #[test]
    fn chunks_of_several_servers_are_read() {
        let said =
            chunk(&json!({"choices": [{"delta": {"role": "assistant", "content": null}, "finish_reason": null}]}));
        assert_eq!(said, Ok(Chunk::default()));
        let last = chunk(
            &json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": null}}),
        );
        assert_eq!(last.map(|c| c.usage.map(|u| (u.prompt_tokens, u.cached_tokens))), Ok(Some((3, 0))));
        let whole = chunk(&json!({"choices": [{"message": {"content": "a"}, "finish_reason": "length"}]}));
        assert_eq!(whole, Ok(Chunk { text: "a".into(), finish: Some(Finish::Length), ..Chunk::default() }));
        let failed = chunk(&json!({"error": {"message": "out of\u{1b}[31m memory", "code": 500}}));
        assert_eq!(failed, Err("it failed: out of [31m memory".into()));
        assert!(chunk(&json!({"choices": "none"})).is_err());
        assert_eq!(chunk(&json!({})), Ok(Chunk::default()));
    }

    #[test]
    fn what_was_echoed_is_summed_over_the_option_alone() {
        let answer = |tokens: Value, logprobs: Value| json!({"choices": [{"text": "", "logprobs": {"tokens": tokens, "token_logprobs": logprobs}}]});
        let told = answer(json!(["<s>", "Q", ":", " Ye", "s", " and"]), json!([null, -1.0, -2.0, -0.5, -0.25, -9.0]));
        assert_eq!(echoed(&told, "Q:", " Yes"), Some(-0.75));
        let across = answer(json!(["Q", ": Yes"]), json!([null, -0.5]));
        assert_eq!(echoed(&across, "Q:", " Yes"), Some(-0.5), "a token that reaches into the option counts");
        assert_eq!(echoed(&answer(json!([" Yes"]), json!([-0.5])), "Q:", " Yes"), None, "only what was generated");
        assert_eq!(echoed(&answer(json!(["Q:", " Yes"]), json!([null, null])), "Q:", " Yes"), None);
        assert_eq!(echoed(&answer(json!(["Q:", " Yes"]), json!([null, 3.0])), "Q:", " Yes"), None, "no probability");
        assert_eq!(echoed(&json!({"choices": [{"logprobs": {"content": []}}]}), "Q:", " Yes"), None);
    }
}

//! `/v1/completions`: a text is continued as it stands, without a chat template, and can be told back with the
//! log-probabilities of all its tokens (`echo`). What benchmarks of language models ask for.

use axum::Json;
use axum::extract::{FromRequest as _, Request};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::chunks::{Completion, Told, reason};
use super::request::{Stop, StreamOptions, is_loaded, random_seed, stops, within};
use crate::engine::{
    Engine, EngineError, Event, Finish, Finished, GenerateRequest, Priority, Prompt, Sampling, Usage, WeighRequest,
    Weighed, Written,
};
use crate::http::body::Payload;
use crate::http::error::ApiError;
use crate::http::room::Room;

/// OpenAI's default.
const DEFAULT_MAX_TOKENS: usize = 16;
/// OpenAI's limit is 5; benchmarks ask for more.
const MOST_LOGPROBS: usize = 20;
/// Texts in one request.
const MOST_TEXTS: usize = 64;

/// `POST /v1/completions`.
#[derive(Debug, Deserialize)]
struct TextRequest {
    #[serde(default)]
    model: Option<String>,
    prompt: Asked,
    #[serde(default)]
    max_tokens: Option<usize>,
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
    logprobs: Option<usize>,
    #[serde(default)]
    echo: bool,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    n: Option<u32>,
    #[serde(default)]
    best_of: Option<u32>,
    #[serde(default)]
    suffix: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Asked {
    One(String),
    Several(Vec<String>),
    OneInTokens(Vec<u32>),
    SeveralInTokens(Vec<Vec<u32>>),
}

/// What all texts of a request share.
struct Wanted {
    sampling: Sampling,
    max_tokens: usize,
    stop: Vec<String>,
    logprobs: Option<usize>,
    echo: bool,
}

pub(super) async fn complete(room: &Room, request: Request) -> Result<Response, ApiError> {
    let Payload(asked): Payload<TextRequest> = Payload::from_request(request, &()).await?;
    let engine = room.engine()?;
    is_loaded(asked.model.as_deref(), &engine.info().id)?;
    let (stream, options) = (asked.stream, asked.stream_options.unwrap_or_default());
    let (prompt, wanted) = (
        asked.prompt,
        Wanted {
            sampling: Sampling {
                temperature: within("temperature", asked.temperature, 0.0, 2.0, 1.0)?,
                top_p: within("top_p", asked.top_p, 0.0, 1.0, 1.0)?,
                top_k: asked.top_k.unwrap_or(0),
                min_p: within("min_p", asked.min_p, 0.0, 1.0, 0.0)?,
                repeat_penalty: 1.0,
                seed: asked.seed.map_or_else(random_seed, Ok)?,
            },
            max_tokens: asked.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS),
            stop: stops(asked.stop)?,
            logprobs: asked.logprobs,
            echo: asked.echo,
        },
    );
    if asked.n.is_some_and(|n| n != 1) || asked.best_of.is_some_and(|n| n != 1) {
        return Err(ApiError::invalid("Only n = 1 and best_of = 1 are supported."));
    }
    if asked.suffix.is_some_and(|suffix| !suffix.is_empty()) {
        return Err(ApiError::invalid("suffix is not supported: text is only written at the end."));
    }
    if wanted.logprobs.is_some_and(|top| top > MOST_LOGPROBS) {
        return Err(ApiError::invalid(format!("logprobs must be at most {MOST_LOGPROBS}.")));
    }
    if wanted.max_tokens == 0 && !wanted.echo {
        return Err(ApiError::invalid("max_tokens must be at least 1, or echo true."));
    }
    let texts = texts(&engine, prompt).await?;
    if stream {
        return streamed(room, &engine, &wanted, &texts, options.include_usage);
    }
    let mut choices = Vec::with_capacity(texts.len());
    let mut usage = Usage::default();
    for (index, text) in texts.iter().enumerate() {
        let (choice, used) = choice(&engine, &wanted, text, index).await?;
        choices.push(choice);
        usage.prompt_tokens += used.prompt_tokens;
        usage.cached_tokens += used.cached_tokens;
        usage.completion_tokens += used.completion_tokens;
    }
    let completion = Completion::of_text(engine.info().id.clone(), wanted.logprobs, String::new());
    Ok(Json(completion.texts(&choices, usage)).into_response())
}

/// The texts of a request; tokens are read back as text, which must give the same tokens.
async fn texts(engine: &Engine, prompt: Asked) -> Result<Vec<String>, ApiError> {
    let texts = match prompt {
        Asked::One(text) => vec![text],
        Asked::Several(texts) => texts,
        // An empty list is read as a list of texts.
        Asked::OneInTokens(tokens) => vec![read_back(engine, tokens).await?],
        Asked::SeveralInTokens(many) => {
            if many.len() > MOST_TEXTS {
                return Err(too_many());
            }
            let mut texts = Vec::with_capacity(many.len());
            for tokens in many {
                texts.push(read_back(engine, tokens).await?);
            }
            texts
        }
    };
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        return Err(ApiError::invalid("prompt must not be empty."));
    }
    if texts.len() > MOST_TEXTS { Err(too_many()) } else { Ok(texts) }
}

fn too_many() -> ApiError {
    ApiError::invalid(format!("prompt takes at most {MOST_TEXTS} texts."))
}

async fn read_back(engine: &Engine, tokens: Vec<u32>) -> Result<String, ApiError> {
    let cut = |text| WeighRequest { text, top: 0, only_tokens: true, priority: Priority::Interactive };
    let text = engine.weigh(cut(Written::Tokens(tokens.clone()))).await?.text;
    let again = engine.weigh(cut(Written::Text(text.clone()))).await?;
    // A leading special token is put there by the model's vocabulary anyway.
    let same = |tokens: &[u32]| again.tokens.iter().map(|t| t.token).eq(tokens.iter().copied());
    if same(&tokens) || (again.first.is_some() && same(tokens.get(1..).unwrap_or_default())) {
        Ok(text)
    } else {
        Err(ApiError::invalid("These tokens are not how this model writes their text: send the text."))
    }
}

async fn choice(engine: &Engine, wanted: &Wanted, text: &str, index: usize) -> Result<(Value, Usage), ApiError> {
    let mut told = Told::default();
    let top = wanted.logprobs.unwrap_or(0);
    let weighed = match wanted.echo && wanted.logprobs.is_some() {
        true => Some(weigh(engine, text, top).await?),
        false => None,
    };
    for token in weighed.iter().flat_map(|weighed| &weighed.tokens) {
        told.add(&token.text, token.log_prob, &token.top, top);
    }
    let mut usage = Usage { prompt_tokens: weighed.as_ref().map_or(0, |w| w.tokens.len()), ..Usage::default() };
    let mut spoken = String::new();
    let mut finish = Finish::Length;
    match weighed.filter(|_| wanted.max_tokens <= 1 && wanted.sampling.temperature == 0.0) {
        // The text was read whole: what comes next is known.
        Some(weighed) if wanted.max_tokens == 1 => {
            let (next, p) = weighed.next.first().cloned().unwrap_or_default();
            told.add(&next, Some(p), &weighed.next, top);
            usage.completion_tokens = 1;
            if next == weighed.end { finish = Finish::Stop } else { spoken = next }
        }
        Some(_) => {}
        None if wanted.max_tokens == 0 => {}
        None => {
            let mut generation = engine.generate(request(wanted, text))?;
            loop {
                match generation.next().await {
                    Some(Event::Token { logprobs, .. }) => {
                        if let Some(((token, p), rest)) = logprobs.split_first() {
                            told.add(token, Some(*p), rest, top);
                        }
                    }
                    Some(Event::Prefill { .. }) => {}
                    Some(Event::Done(Finished { text, finish: ended, usage: used })) => {
                        (spoken, finish, usage) = (text, ended, used);
                        break;
                    }
                    Some(Event::Failed(error)) => return Err(error.into()),
                    None => return Err(EngineError::Stopped.into()),
                }
            }
        }
    }
    let text = if wanted.echo { format!("{text}{spoken}") } else { spoken };
    let logprobs = wanted.logprobs.map(|_| told.value());
    Ok((json!({"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason(finish)}), usage))
}

/// At least the likeliest token is asked for: it is what comes next.
async fn weigh(engine: &Engine, text: &str, top: usize) -> Result<Weighed, EngineError> {
    let text = Written::Text(text.to_owned());
    engine.weigh(WeighRequest { text, top: top.max(1), only_tokens: false, priority: Priority::Interactive }).await
}

fn request(wanted: &Wanted, text: &str) -> GenerateRequest {
    GenerateRequest {
        sampling: wanted.sampling.clone(),
        stop: wanted.stop.clone(),
        // The chosen token's own probability comes with the first alternative.
        top_logprobs: wanted.logprobs.map_or(0, |top| top.max(1)),
        ..GenerateRequest::new(Prompt::continuing(text), wanted.max_tokens)
    }
}

fn streamed(
    room: &Room,
    engine: &Engine,
    wanted: &Wanted,
    texts: &[String],
    include_usage: bool,
) -> Result<Response, ApiError> {
    let [text] = texts else { return Err(ApiError::invalid("A stream continues one text.")) };
    if wanted.max_tokens == 0 || (wanted.echo && wanted.logprobs.is_some()) {
        return Err(ApiError::invalid("A text is weighed in one piece: leave stream out."));
    }
    let generation = engine.generate(request(wanted, text))?;
    let echo = if wanted.echo { text.clone() } else { String::new() };
    let completion = Completion::of_text(engine.info().id.clone(), wanted.logprobs, echo);
    Ok(super::streamed(completion, generation, include_usage, room))
}

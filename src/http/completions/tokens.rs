//! `/tokenize`, `/detokenize`, `/tokenizer_info`: the loaded model's vocabulary, in the shapes of vLLM and llama-server.
//! Benchmarks count with it where a text ends and its continuation begins.

use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::engine::{Priority, WeighRequest, Weighed, Written};
use crate::http::body::Payload;
use crate::http::error::ApiError;
use crate::http::room::Room;

#[derive(Deserialize)]
struct ToTokens {
    #[serde(alias = "content")]
    prompt: String,
}

#[derive(Deserialize)]
struct ToText {
    tokens: Vec<u32>,
}

/// `{prompt}` to `{tokens, count, max_model_len}`.
pub(in crate::http) async fn tokenize(State(room): State<Room>, request: Request) -> Response {
    shown(async {
        let Payload(asked): Payload<ToTokens> = Payload::from_request(request, &()).await?;
        let weighed = cut(&room, Written::Text(asked.prompt)).await?;
        let tokens: Vec<u32> = weighed.tokens.iter().map(|token| token.token).collect();
        Ok(json!({"count": tokens.len(), "tokens": tokens, "max_model_len": room.engine()?.info().context}))
    })
    .await
}

/// `{tokens}` to `{prompt, content}`.
pub(in crate::http) async fn detokenize(State(room): State<Room>, request: Request) -> Response {
    shown(async {
        let Payload(asked): Payload<ToText> = Payload::from_request(request, &()).await?;
        let text = cut(&room, Written::Tokens(asked.tokens)).await?.text;
        Ok(json!({"prompt": text, "content": text}))
    })
    .await
}

/// The tokens with which texts begin and end.
pub(in crate::http) async fn tokenizer_info(State(room): State<Room>) -> Response {
    shown(async {
        let weighed = cut(&room, Written::Text(String::new())).await?;
        Ok(json!({"tokenizer_class": "offrecord", "bos_token": weighed.first, "eos_token": weighed.end}))
    })
    .await
}

async fn cut(room: &Room, text: Written) -> Result<Weighed, ApiError> {
    let request = WeighRequest { text, top: 0, only_tokens: true, priority: Priority::Interactive };
    Ok(room.engine()?.weigh(request).await?)
}

async fn shown(answer: impl Future<Output = Result<Value, ApiError>>) -> Response {
    match answer.await {
        Ok(value) => Json(value).into_response(),
        Err(refusal) => refusal.into_openai(),
    }
}

//! `/api/speech`: a sound in, its words out; words in, a sound out. Nothing of either is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{Asked, Payload, Raw};
use super::error::ApiError;
use super::room::Room;
use crate::catalogue::{self, Catalogue};
use crate::engine::Kernel;
use crate::speech::{Settings, wav};
use crate::spoken::ears::{self, EarsError};
use crate::spoken::mouth::{Mouth, MouthError};

/// Longest sound of one request.
pub(super) const MOST_SECONDS: u64 = 180;
/// Most characters of the words before.
const MOST_CONTEXT: usize = 2_000;
/// How long the answer of the command that speaks about its voices is believed.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Ends the work when the one who asked is gone.
struct Ends(Arc<AtomicBool>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What can be done here.
pub(super) async fn show(State(room): State<Room>) -> Result<Json<Value>, ApiError> {
    let models_dir = room.dirs.models.clone();
    let (catalogue, chosen, installed) = super::models::blocking(move || {
        let catalogue = Catalogue::load()?;
        let here = |id: &str| catalogue::locate(&catalogue, &models_dir, id).is_ok();
        let installed: Vec<bool> = catalogue.speech.iter().map(|entry| here(entry.id.as_str())).collect();
        let chosen = ears::chosen(&models_dir)?.map(|(entry, _)| entry.id.to_string());
        Ok((catalogue, chosen, installed))
    })
    .await?;
    let models: Vec<Value> = catalogue
        .speech
        .iter()
        .zip(installed)
        .map(|(entry, installed)| {
            json!({"id": entry.id, "name": entry.name, "bytes": entry.size, "installed": installed, "licence": entry.licence})
        })
        .collect();
    let hint = match &chosen {
        Some(_) => None,
        None => catalogue.speech.first().map(|entry| format!("Run: offrecord models pull {}", entry.id)),
    };
    let mouth = mouth(&room).await?;
    Ok(Json(json!({
        "input": {"available": chosen.is_some(), "model": chosen, "models": models, "hint": hint},
        "output": {
            "available": mouth.is_some(), "engine": mouth.as_ref().map(|mouth| mouth.engine),
            "voices": mouth.map(|mouth| mouth.voices).unwrap_or_default(),
        },
    })))
}

/// `?context=`: the words before.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Before {
    #[serde(default)]
    context: String,
}

/// The words of a sound, with times.
pub(super) async fn hear(
    State(room): State<Room>,
    Asked(before): Asked<Before>,
    Raw(bytes): Raw,
) -> Result<Json<Value>, ApiError> {
    let stop = Arc::new(AtomicBool::new(false));
    let _ends = Ends(Arc::clone(&stop));
    let context: String = before.context.chars().rev().take(MOST_CONTEXT).collect();
    let context: String = context.chars().rev().filter(|c| !c.is_control()).collect();
    let kernel = room.global.kernel.as_deref().and_then(|name| Kernel::named(name).ok());
    let settings = Settings { threads: room.global.threads, kernel };
    let (ears, models_dir, stopping) = (room.ears.clone(), room.dirs.models.clone(), room.stopping.clone());
    let heard = off_the_loop(&stopping, Arc::clone(&stop), move || {
        let audio = wav::read(&bytes, MOST_SECONDS)?;
        drop(bytes);
        let heard = ears.hear(&models_dir, &settings, &audio, &context, &stop)?;
        Ok((audio.milliseconds(), heard))
    });
    let (audio_ms, heard) = heard.await?;
    let segments: Vec<Value> = heard
        .segments
        .iter()
        .map(|segment| json!({"start_ms": segment.start_ms, "end_ms": segment.end_ms, "text": segment.text}))
        .collect();
    let voice: Vec<Value> = heard.voice.iter().map(|(start, end)| json!({"start_ms": start, "end_ms": end})).collect();
    Ok(Json(json!({"text": heard.text, "segments": segments, "voice": voice, "audio_ms": audio_ms})))
}

/// `{text, voice?, rate?}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    text: String,
    #[serde(default)]
    voice: Option<String>,
    #[serde(default)]
    rate: Option<u32>,
}

/// A text as a sound.
pub(super) async fn say(State(room): State<Room>, Payload(words): Payload<Words>) -> Result<Response, ApiError> {
    let mouth = mouth(&room).await?.ok_or_else(|| {
        ApiError::not_found(
            "This machine has no command that speaks.",
            "Install espeak-ng (on Debian: apt install espeak-ng), or use a voice of the browser.",
        )
    })?;
    let stop = Arc::new(AtomicBool::new(false));
    let _ends = Ends(Arc::clone(&stop));
    let stopping = room.stopping.clone();
    let sound = off_the_loop(&stopping, Arc::clone(&stop), move || {
        Ok(mouth.say(&words.text, words.voice.as_deref(), words.rate, &stop)?)
    });
    Ok(([(header::CONTENT_TYPE, "audio/wav")], sound.await?).into_response())
}

/// The command that speaks, looked for once a minute: asking it for its voices takes some milliseconds.
async fn mouth(room: &Room) -> Result<Option<Mouth>, ApiError> {
    let remembered = |room: &Room| {
        let mouth = room.mouth.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        mouth.as_ref().filter(|(at, _)| at.elapsed() < REMEMBERED).map(|(_, mouth)| mouth.clone())
    };
    if let Some(mouth) = remembered(room) {
        return Ok(mouth);
    }
    let models_dir = room.dirs.models.clone();
    let found = super::models::blocking(move || Ok(Mouth::find(&models_dir))).await?;
    *room.mouth.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
        Some((std::time::Instant::now(), found.clone()));
    Ok(found)
}

/// Runs work that takes seconds; the end of the server stops it.
async fn off_the_loop<T: Send + 'static>(
    stopping: &tokio_util::sync::CancellationToken,
    stop: Arc<AtomicBool>,
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let work = tokio::task::spawn_blocking(work);
    tokio::select! {
        () = stopping.cancelled() => {
            stop.store(true, Ordering::Relaxed);
            Err(ApiError::stopping())
        }
        done = work => match done {
            Ok(done) => done,
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        },
    }
}

impl From<EarsError> for ApiError {
    fn from(error: EarsError) -> Self {
        match error {
            EarsError::NoModel => Self::not_found(
                "No model that listens is installed.",
                "Run `offrecord models pull whisper-tiny.en`, or type the answer.",
            ),
            EarsError::Failed(why) => Self::no_model(
                "model_failed",
                why,
                "Pull the model again: `offrecord models pull whisper-tiny.en`.",
                None,
            ),
            EarsError::Busy => Self::no_model("busy", error.to_string(), "Wait a moment and try again.", Some(2)),
            EarsError::Stopped => Self::stopping(),
        }
    }
}

impl From<MouthError> for ApiError {
    fn from(error: MouthError) -> Self {
        match error {
            MouthError::Invalid(why) => Self::invalid(format!("{why}.")),
            MouthError::Failed(why) => Self::no_model(
                "speech_failed",
                why,
                "Read the text on the screen, or use a voice of the browser.",
                None,
            ),
            MouthError::Stopped => Self::stopping(),
        }
    }
}

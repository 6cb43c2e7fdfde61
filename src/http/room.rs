//! What every handler may reach: the keys, the desk, the model's state. Cheap to clone; knows no routes.
//!
//! The page is served before the model is loaded. Until then the desk has no engine: history and exports work,
//! interviews wait.

use std::ops::Deref;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Instant;

use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::error::ApiError;
use super::guard::Hosts;
use super::keys::Keys;
use super::rate::Rates;
use crate::config::{Dirs, Global};
use crate::engine::{Engine, ModelInfo};
use crate::interview::desk::Desk;
use crate::spoken::ears::Ears;
use crate::spoken::mouth::Mouth;

/// Handle to what one server shares among its requests.
#[derive(Clone)]
pub struct Room(Arc<Shared>);

/// What one server shares among its requests.
pub struct Shared {
    /// This start's secrets.
    pub keys: Keys,
    /// The names this server answers to.
    pub hosts: Hosts,
    /// How many requests are taken in a while.
    pub rates: Rates,
    /// Where it serves, such as `http://127.0.0.1:7447`.
    pub url: String,
    /// The flags it was started with.
    pub global: Global,
    /// Its folders.
    pub dirs: Dirs,
    /// Cancelled when the server goes down; streams end then.
    pub stopping: CancellationToken,
    /// Told each time a one-time link was used.
    pub entered: Notify,
    /// Told when a model was pulled.
    pub installed: Notify,
    /// The model that listens.
    pub ears: Ears,
    /// The command that speaks, and when it was looked for.
    pub mouth: Mutex<Option<(Instant, Option<Mouth>)>>,
    stage: RwLock<Stage>,
}

struct Stage {
    desk: Desk,
    model: ModelState,
}

/// Where the model stands, as the page shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum ModelState {
    /// None is installed.
    Missing {
        /// What to do.
        hint: String,
    },
    /// It is being read into memory.
    Loading {
        /// Catalogue id.
        id: String,
    },
    /// It answers.
    Ready {
        /// What it is.
        #[serde(flatten)]
        info: ModelInfo,
    },
    /// It could not be loaded.
    Failed {
        /// Catalogue id.
        id: String,
        /// Why.
        message: String,
        /// What to do.
        hint: String,
    },
}

impl Room {
    /// A room whose desk has no model yet.
    #[must_use]
    pub fn new(
        keys: Keys,
        hosts: Hosts,
        url: String,
        (global, dirs): (Global, Dirs),
        desk: Desk,
        model: ModelState,
    ) -> Self {
        Self(Arc::new(Shared {
            keys,
            hosts,
            rates: Rates::default(),
            url,
            global,
            dirs,
            stopping: CancellationToken::new(),
            entered: Notify::new(),
            installed: Notify::new(),
            ears: Ears::default(),
            mouth: Mutex::default(),
            stage: RwLock::new(Stage { desk, model }),
        }))
    }

    /// The desk, for reading.
    #[must_use]
    pub fn desk(&self) -> Desk {
        self.read().desk.clone()
    }

    /// The desk, for work that needs the model.
    ///
    /// # Errors
    /// 503 with the reason, and when to come back if it is only a matter of waiting.
    pub fn desk_with_model(&self) -> Result<Desk, ApiError> {
        let stage = self.read();
        if stage.desk.engine().is_some() {
            return Ok(stage.desk.clone());
        }
        Err(match &stage.model {
            ModelState::Loading { id } => ApiError::no_model(
                "loading",
                format!("The model {id} is still being loaded."),
                "Wait a few seconds and try again.",
                Some(1),
            ),
            ModelState::Missing { hint } => ApiError::no_model("no_model", "No model is installed.", hint, None),
            ModelState::Failed { message, hint, .. } => {
                ApiError::no_model("model_failed", message.clone(), hint.clone(), None)
            }
            ModelState::Ready { .. } => ApiError::stopping(),
        })
    }

    /// The engine behind the desk.
    ///
    /// # Errors
    /// As [`Room::desk_with_model`].
    pub fn engine(&self) -> Result<Engine, ApiError> {
        self.desk_with_model()?.engine().cloned().ok_or_else(ApiError::stopping)
    }

    /// Where the model stands.
    #[must_use]
    pub fn model(&self) -> ModelState {
        self.read().model.clone()
    }

    /// Changes what is known of the model; the desk stays.
    pub fn set_model(&self, model: ModelState) {
        self.0.stage.write().unwrap_or_else(std::sync::PoisonError::into_inner).model = model;
    }

    /// The model is loaded: from now on this desk is the one.
    pub fn set_desk(&self, desk: Desk) {
        let model = desk.engine().map(|engine| ModelState::Ready { info: engine.info().clone() });
        let mut stage = self.0.stage.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        stage.desk = desk;
        if let Some(model) = model {
            stage.model = model;
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Stage> {
        self.0.stage.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Deref for Room {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

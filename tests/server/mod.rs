//! A server with the scripted engine on a free port, and a client that can send anything.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part")]

pub mod client;
pub mod interview;

use std::ops::Deref;
use std::sync::Arc;

use offrecord::config::{Dirs, Global};
use offrecord::content::Content;
use offrecord::engine::scripted::{self, Script};
use offrecord::http::accept::{self, Limits};
use offrecord::http::guard::Hosts;
use offrecord::http::keys::Keys;
use offrecord::http::room::{ModelState, Room};
use offrecord::http::routes;
use offrecord::interview::clock::Clock;
use offrecord::interview::desk::Desk;
use offrecord::store::Store;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

pub use client::Client;

/// A running server; stops when dropped.
pub struct Server {
    client: Client,
    pub room: Room,
    pub folder: tempfile::TempDir,
    pub serving: Option<JoinHandle<()>>,
    pub runtime: Option<Runtime>,
}

impl Server {
    /// With the default script: one fixed question, every judgement even.
    pub fn start() -> Self {
        Self::with(Some(Script::default()), Limits::default())
    }

    /// With this script (none: the model is still loading) and these limits.
    pub fn with(script: Option<Script>, limits: Limits) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a fresh store");
        let desk = Desk::open(store, Arc::new(Content::built_in()), None, Clock::system());
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let models = folder.path().join("models");
        let dirs = Dirs { data: folder.path().to_owned(), models: models.clone() };
        let global = Global { offline: true, models_dir: Some(models), ..Global::default() };
        let loading = ModelState::Loading { id: "scripted".into() };
        let keys = Keys::draw(address.port()).expect("randomness");
        let room = Room::new(keys, Hosts::of(address), format!("http://{address}"), (global, dirs), desk, loading);
        if let Some(script) = script {
            room.set_desk(room.desk().with_engine(scripted::start(script)));
        }
        let stopping = room.stopping.clone();
        let serving = runtime.spawn(accept::serve(listener, routes::router(room.clone()), limits, stopping));
        let client = Client { address, token: room.keys.token().to_owned() };
        Self { client, room, folder, serving: Some(serving), runtime: Some(runtime) }
    }

    /// The cookie that a one-time link gives, as a request sends it.
    pub fn cookie(&self) -> String {
        let code = self.room.keys.new_code().expect("randomness");
        let set = self.room.keys.redeem(&code).expect("a fresh code");
        set.split(';').next().expect("a pair").to_owned()
    }

    /// Stops the server and waits for the accept loop.
    pub fn stop(&mut self) {
        self.room.stopping.cancel();
        if let (Some(runtime), Some(serving)) = (&self.runtime, self.serving.take()) {
            let _ = runtime.block_on(serving);
        }
    }
}

impl Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

//! `offrecord serve`, and `offrecord` alone: the interview room on this machine.
//!
//! Order: refuse what cannot work, take the data folder, take the port, see to a model, print the link, serve. The
//! page is there before the model is; a signal ends it all within five seconds.

mod browser;
mod end;
mod key_file;
mod loading;
mod port;
mod words;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::cli::room::store_exit;
use crate::cli::{install, passphrase};
use crate::config::{self, Global};
use crate::content::Content;
use crate::exit::{self, Exit};
use crate::http::accept::{self, Limits};
use crate::http::guard::{self, Hosts};
use crate::http::keys::Keys;
use crate::http::room::{ModelState, Room};
use crate::http::routes;
use crate::interview::clock::Clock;
use crate::interview::desk::Desk;
use crate::store::{Store, StoreError};

/// Flags of `serve`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Address to listen on.
    #[arg(long, env = "OFFRECORD_HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    pub host: IpAddr,
    /// Port to listen on; 0 = any free one.
    #[arg(long, env = "OFFRECORD_PORT", default_value_t = config::DEFAULT_PORT, value_name = "N")]
    pub port: u16,
    /// Do not open the browser.
    #[arg(long, env = "OFFRECORD_NO_OPEN", value_parser = clap::builder::FalseyValueParser::new())]
    pub no_open: bool,
    /// Let other machines connect (they still need the link or the token, which travel unencrypted).
    #[arg(long, env = "OFFRECORD_ALLOW_REMOTE", value_parser = clap::builder::FalseyValueParser::new())]
    pub allow_remote: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self { host: IpAddr::V4(Ipv4Addr::LOCALHOST), port: config::DEFAULT_PORT, no_open: false, allow_remote: false }
    }
}

/// Serves until a signal comes.
///
/// # Errors
/// As shown to the user, with the exit codes of the reference.
pub async fn run(global: &Global, args: Args) -> anyhow::Result<()> {
    words::start_log();
    if !guard::is_local(args.host) && !args.allow_remote {
        return Err(Exit::new(
            exit::USAGE,
            format!(
                "--host {} would let other machines connect. If you mean that, add --allow-remote; \
                 the token then travels over your network unencrypted.",
                args.host
            ),
        ));
    }
    let dirs = global.dirs()?;
    let store = take_data_folder(global, &dirs.data)?;
    let listener = port::listen(SocketAddr::new(args.host, args.port)).await?;
    let model = install::choose(global).await?;

    let address = listener.local_addr()?;
    let url = format!("http://{address}");
    store.announce(&url).map_err(|error| anyhow::anyhow!("{error}"))?;
    let keys = Keys::draw(address.port())?;
    let key_file = key_file::KeyFile::write(&dirs.data, keys.token())?;
    let desk = Desk::open(store.clone(), Arc::new(Content::built_in()), None, Clock::system());
    let state = match &model {
        Some(model) => ModelState::Loading { id: model.id.clone() },
        None => ModelState::Missing { hint: "Pull one on the models page, or run `offrecord pull`.".into() },
    };
    let room = Room::new(keys, Hosts::of(address), url, (global.clone(), dirs), desk, state);

    let signals = end::Signals::listen()?;
    let link = words::link(&room)?;
    words::greet(&room, &args, model.as_ref(), &link)?;
    words::offer_fresh_links(room.clone());
    if browser::wanted(&args, global) {
        browser::open(&link);
    }

    let failed = loading::start(room.clone());
    let serving =
        tokio::spawn(accept::serve(listener, routes::router(room.clone()), Limits::default(), room.stopping.clone()));
    let ended = tokio::select! {
        signal = signals.first() => signal,
        Ok(error) = failed => Err(error),
    };
    room.stopping.cancel();
    end::finish(serving, &store).await;
    drop(key_file);
    ended
}

fn take_data_folder(global: &Global, folder: &std::path::Path) -> anyhow::Result<Store> {
    Store::open_with(folder, passphrase::of(global, folder)?).map_err(|error| match error {
        StoreError::Running { .. } => Exit::new(
            exit::FAILURE,
            format!("{error}. To get back in, use the last link in its terminal; to stop it, press Ctrl+C there."),
        ),
        other => store_exit(other),
    })
}

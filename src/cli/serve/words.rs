//! What `serve` says: the first line for programs, the few lines for people, the log.

use std::io::{IsTerminal, Write};

use serde_json::json;

use super::{Answering, Args};
use crate::http::guard;
use crate::http::room::Room;

/// Warnings to stderr; `OFFRECORD_LOG=debug` for more. Never what was said in an interview.
pub(super) fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("OFFRECORD_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // Already set in tests that start several servers in one process.
    let _ = log.try_init();
}

/// A fresh one-time link.
pub(super) fn link(room: &Room) -> anyhow::Result<String> {
    Ok(format!("{}/enter/{}", room.url, room.keys.new_code()?))
}

/// The greeting: one JSON line on stdout for programs, else a few lines on stderr for people.
pub(super) fn greet(room: &Room, args: &Args, who: &Answering<'_>, link: &str) -> anyhow::Result<()> {
    if room.global.json {
        let line = json!({
            "url": room.url, "link": link, "token": room.keys.token(),
            "model": answering(who).map(|(id, sha256)| json!({"id": id, "sha256": sha256})), "pid": std::process::id(),
            "leaves_for": who.parts.leave_for(),
        });
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{line}")?;
        stdout.flush()?;
        return Ok(());
    }
    let model = answering(who).map_or("none (pull one on the models page)", |(id, _)| id);
    let data = room.dirs.data.display().to_string();
    eprint!("{}", greeting(&data, &network(room.global.is_offline(), who.parts.leave_for()), model, link));
    if !guard::is_local(args.host) {
        eprintln!("  Caution   other machines can reach this server; link and token travel unencrypted");
    }
    Ok(())
}

/// The id and the digest of the model that interviews.
fn answering<'a>(who: &Answering<'a>) -> Option<(&'a str, &'a str)> {
    match (who.parts.interviewer(), who.model) {
        (Some(engine), _) => Some((&engine.info().id, "")),
        (None, Some(model)) => Some((&model.id, &model.sha256)),
        (None, None) => None,
    }
}

fn network(offline: bool, leaves_for: Option<String>) -> String {
    match leaves_for {
        Some(hosts) => format!("what is said in an interview leaves this process for {hosts}"),
        None if offline => "off".to_owned(),
        None => "off (only getting a model, when you ask for it, fetches anything)".to_owned(),
    }
}

fn greeting(data: &str, network: &str, model: &str, link: &str) -> String {
    format!(
        "\n  offrecord {}\n\n  Open      {link}\n            (works once; a new link is shown here afterwards)\n  \
         Model     {model}\n  Data      {data}\n  Network   {network}\n  Stop      Ctrl+C\n\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// After a link was used, shows the next one: whoever closed the browser gets back in. Only on a terminal, so that no
/// live link lands in a log.
pub(super) fn offer_fresh_links(room: Room) {
    if room.global.json || !std::io::stderr().is_terminal() {
        return;
    }
    tokio::spawn(async move {
        loop {
            room.entered.notified().await;
            if let Ok(link) = link(&room) {
                eprintln!("  Opened. To open it again: {link}");
            }
        }
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_greeting_says_what_matters() {
        let text = super::greeting(
            "/home/ada/.local/share/offrecord",
            &super::network(true, None),
            "tiny",
            "http://127.0.0.1:7447/enter/abc",
        )
        .replace(env!("CARGO_PKG_VERSION"), "VERSION");
        insta::assert_snapshot!(text, @r"
          offrecord VERSION

          Open      http://127.0.0.1:7447/enter/abc
                    (works once; a new link is shown here afterwards)
          Model     tiny
          Data      /home/ada/.local/share/offrecord
          Network   off
          Stop      Ctrl+C
        ");
    }
}

//! The browser: whether to open it, and opening it.

use crate::config::Global;

use super::Args;

/// Whether a browser is to be opened: not when told otherwise, not for a program that reads our output, not where
/// nobody sits before a screen.
pub(super) fn wanted(args: &Args, global: &Global) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let screen = !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY");
    let away = set("SSH_CONNECTION") || set("SSH_TTY");
    !args.no_open && !global.json && screen && !away
}

/// Opens a one-time link. It is used up before anyone who lists processes could use it.
pub(super) fn open(link: &str) {
    let link = link.to_owned();
    // A thread of its own: some systems wait for the browser to close.
    let opened = std::thread::Builder::new().name("browser".into()).spawn(move || {
        if let Err(error) = webbrowser::open(&link) {
            eprintln!("The browser could not be opened ({error}): open the link above yourself.");
        }
    });
    if let Err(error) = opened {
        tracing::warn!("no thread for the browser: {error}");
    }
}

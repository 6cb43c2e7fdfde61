//! The passphrase of encrypted sessions: typed unseen on a terminal, or read from a file descriptor. Never from an
//! argument or the environment, where other programs can see it.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::Path;

use super::room::store_exit;
use super::session::Verb;
use crate::config::Global;
use crate::exit::{self, Exit};
use crate::store::{AtRest, Passphrase, Store, StoreError, at_rest};

/// Most bytes read from a descriptor: two passphrases.
const MOST_BYTES: u64 = 4096;

/// What opens the sessions in `folder`; none when they are not encrypted and none was given.
///
/// # Errors
/// [`Exit`] with 6 when it is needed and nobody can be asked, 2 when the descriptor cannot be read.
pub fn of(global: &Global, folder: &Path) -> anyhow::Result<Option<Passphrase>> {
    let state = at_rest(folder);
    if global.passphrase_fd.is_none() && !(state.is_sealed() && cfg!(feature = "encrypt")) {
        // Not needed; or of no use to a build that cannot decrypt, which the store says.
        return Ok(None);
    }
    let mut source = Source::of(global, folder)?;
    let text = if state == AtRest::NothingSealed { source.new_one()? } else { source.next("Passphrase: ")? };
    Passphrase::new(&text).map(Some).map_err(store_exit)
}

/// `session encrypt`, `decrypt` and `passphrase`.
///
/// # Errors
/// As shown to the user; the sessions are then as they were.
pub fn change(global: &Global, verb: &Verb) -> anyhow::Result<()> {
    let folder = global.dirs()?.data;
    let sealed = at_rest(&folder).is_sealed();
    match (verb, sealed) {
        (Verb::Encrypt, true) => {
            eprintln!("the sessions are encrypted already (offrecord session passphrase changes the passphrase)");
            return Ok(());
        }
        (Verb::Decrypt, false) => {
            eprintln!("the sessions are not encrypted");
            return Ok(());
        }
        (Verb::Passphrase, false) => {
            return Err(Exit::new(
                exit::USAGE,
                "the sessions are not encrypted (encrypt them: offrecord session encrypt)",
            ));
        }
        _ => {}
    }
    if !cfg!(feature = "encrypt") {
        // Before anybody types a passphrase.
        Store::reseal(&folder, None, None).map_err(store_exit)?;
    }
    crate::config::private_folder(&folder)?;
    let mut source = Source::of(global, &folder)?;
    let passphrase = |text: String| Passphrase::new(&text).map_err(store_exit);
    let old = if sealed && at_rest(&folder) == AtRest::Sealed {
        Some(passphrase(source.next("Passphrase: ")?)?)
    } else {
        None
    };
    let new = if matches!(verb, Verb::Decrypt) { None } else { Some(passphrase(source.new_one()?)?) };
    Store::reseal(&folder, old.as_ref(), new.as_ref()).map_err(store_exit)?;
    match verb {
        Verb::Encrypt => eprintln!(
            "the sessions are encrypted. Without the passphrase nobody can read them, and nobody can bring it back.\n\
             What the disk kept of them before (snapshots, worn flash cells, your backups) is not."
        ),
        Verb::Decrypt => eprintln!("the sessions are no longer encrypted"),
        _ => eprintln!("the passphrase is changed; copies of the database from before still open with the old one"),
    }
    Ok(())
}

/// Where passphrases come from, one after the other.
enum Source {
    Terminal,
    Lines(std::vec::IntoIter<String>),
}

impl Source {
    fn of(global: &Global, folder: &Path) -> anyhow::Result<Self> {
        let Some(number) = global.passphrase_fd else {
            if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
                return Ok(Self::Terminal);
            }
            return Err(store_exit(StoreError::Locked { file: folder.join(crate::store::DATABASE) }));
        };
        let unreadable = |error: std::io::Error| {
            Exit::new(
                exit::USAGE,
                format!("--passphrase-fd {number} cannot be read ({error}; it must be open for reading)"),
            )
        };
        if number == 0 {
            // Only the lines that are needed: what follows on standard input may be answers.
            return Ok(Self::Terminal);
        }
        let file = std::fs::File::open(format!("/dev/fd/{number}")).map_err(unreadable)?;
        let mut text = String::new();
        file.take(MOST_BYTES).read_to_string(&mut text).map_err(unreadable)?;
        Ok(Self::Lines(text.lines().map(str::to_owned).collect::<Vec<_>>().into_iter()))
    }

    /// The next one; `prompt` is shown where somebody sits.
    fn next(&mut self, prompt: &str) -> anyhow::Result<String> {
        match self {
            Self::Lines(lines) => lines
                .next()
                .ok_or_else(|| Exit::new(exit::USAGE, "the descriptor holds no (further) line with a passphrase")),
            Self::Terminal => unseen(prompt),
        }
    }

    /// A passphrase that is being chosen: typed twice on a terminal.
    fn new_one(&mut self) -> anyhow::Result<String> {
        let first = self.next("New passphrase: ")?;
        if matches!(self, Self::Terminal) && std::io::stdin().is_terminal() && self.next("Once more: ")? != first {
            return Err(Exit::new(exit::USAGE, "the two are not the same; nothing was changed"));
        }
        Ok(first)
    }
}

/// One line from standard input, not shown while it is typed.
fn unseen(prompt: &str) -> anyhow::Result<String> {
    let mut line = String::new();
    if std::io::stdin().is_terminal() {
        // Quiet before anybody is asked to type.
        let _quiet = Quiet::begin();
        eprint!("{prompt}");
        std::io::stderr().flush()?;
        std::io::stdin().lock().read_line(&mut line)?;
    } else {
        std::io::stdin().lock().read_line(&mut line)?;
    }
    if line.is_empty() {
        return Err(Exit::new(exit::LOCKED, "no passphrase was given"));
    }
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// The terminal shows nothing of what is typed while this lives.
#[cfg(unix)]
struct Quiet(Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Quiet {
    fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(std::io::stdin()).ok();
        if let Some(mut quiet) = before.clone() {
            quiet.local_modes.remove(LocalModes::ECHO);
            quiet.local_modes.insert(LocalModes::ECHONL);
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &quiet);
        }
        Self(before)
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some(before) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, before);
        }
    }
}

/// Elsewhere it is shown.
#[cfg(not(unix))]
struct Quiet;

#[cfg(not(unix))]
impl Quiet {
    fn begin() -> Self {
        eprint!("(shown as it is typed) ");
        Self
    }
}

//! Sees to it that a model is there before a command needs one: says what, how large and from where, and asks.

use std::io::{BufRead, IsTerminal, Write};

use super::pull_display::Display;
use crate::catalogue::{self, Catalogue, CatalogueError, Entry, Memory, human};
use crate::config::Global;
use crate::exit::{self, Exit};

/// The model that will answer.
pub struct Chosen {
    /// Catalogue id or file stem.
    pub id: String,
    /// Digest of its file, as far as it is known without reading all of it.
    pub sha256: String,
}

/// Sees to it that a model is there: pulls it if need be, after asking whoever sits at the terminal. None when they
/// said no.
///
/// # Errors
/// With the exit code that the reference promises: 3 when there is none and none can be had, 4 when what came is not
/// what it should be, 5 when none fits.
pub async fn choose(global: &Global) -> anyhow::Result<Option<Chosen>> {
    if catalogue::is_scripted() {
        return Ok(Some(Chosen { id: "scripted".into(), sha256: String::new() }));
    }
    let global = global.clone();
    tokio::task::spawn_blocking(move || choose_blocking(&global)).await?
}

fn choose_blocking(global: &Global) -> anyhow::Result<Option<Chosen>> {
    let catalogue = Catalogue::load().map_err(CatalogueError::into_exit)?;
    if let Some(entry) = missing(global, &catalogue)?
        && !global.is_offline()
        && !agreed(entry)?
    {
        return Ok(None);
    }
    let display = Display::new(false);
    let model = catalogue::ensure(global, |progress| display.show(&progress)).map_err(CatalogueError::into_exit)?;
    display.end();
    Ok(Some(Chosen { id: model.id.to_string(), sha256: model.sha256.map(String::from).unwrap_or_default() }))
}

/// The entry that would have to be pulled; none when a model is installed.
fn missing<'c>(global: &Global, catalogue: &'c Catalogue) -> anyhow::Result<Option<&'c Entry>> {
    let models_dir = global.dirs()?.models;
    if let Some(id) = &global.model {
        return match catalogue::locate(catalogue, &models_dir, id) {
            Err(CatalogueError::NotInstalled { .. }) => Ok(catalogue.find(id)),
            Ok(_) => Ok(None),
            Err(error) => Err(error.into_exit()),
        };
    }
    if !catalogue::installed(&models_dir).map_err(CatalogueError::into_exit)?.is_empty() {
        return Ok(None);
    }
    catalogue.choose_default(&Memory::now(), global.cache_type()).map(Some).ok_or_else(|| {
        Exit::new(
            exit::RESOURCES,
            "no model of the catalogue fits into the memory that is free. Free some, or run `offrecord doctor`.",
        )
    })
}

/// Says what, how large and from where; on a terminal, asks. Enter = yes.
fn agreed(entry: &Entry) -> anyhow::Result<bool> {
    let sources: Vec<String> = entry.sources.iter().map(catalogue::Source::label).collect();
    eprintln!(
        "No model is installed yet.\n  {} ({}, {}), from {}",
        entry.name,
        human(entry.size),
        entry.licence,
        sources.join(", else ")
    );
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        eprintln!("Pulling it now. After that no network is needed.");
        return Ok(true);
    }
    eprint!("Pull it now? After that no network is needed. [Y/n] ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(yes(&line))
}

/// Enter, y and yes; an end of input (Ctrl+D) is no.
pub(super) fn yes(line: &str) -> bool {
    line.ends_with('\n') && matches!(line.trim().to_ascii_lowercase().as_str(), "" | "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_means_yes_and_the_end_of_input_means_no() {
        for (line, answer) in
            [("\n", true), ("y\n", true), ("YES\r\n", true), ("n\n", false), ("nein\n", false), ("", false)]
        {
            assert_eq!(yes(line), answer, "{line:?}");
        }
    }
}

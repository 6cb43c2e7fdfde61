//! `models list --found` and `models import`: models that are on this machine already.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use super::{ImportArgs, print_json};
use crate::catalogue::found::{self, Found, Stores};
use crate::catalogue::header::{self, ChatTemplate};
use crate::catalogue::{PullOptions, Wish, human, import_as};
use crate::cli::pull_display::Display;
use crate::config::Global;
use crate::exit::{self, Exit};

/// What other programs have.
pub(super) fn list(global: &Global) -> anyhow::Result<()> {
    let look = Stores::of_this_machine().look();
    for line in &look.passed_over {
        eprintln!("passed over: {line}");
    }
    if global.json {
        return print_json(&look.models);
    }
    if look.models.is_empty() {
        eprintln!("No model of another program was found. `offrecord models import FILE` takes a file from anywhere.");
        return Ok(());
    }
    let shown = |model: &Found| model.name.escape_debug().to_string();
    let width = look.models.iter().map(|model| shown(model).len()).max().unwrap_or(0);
    let mut out = std::io::stdout().lock();
    for model in &look.models {
        let note = model.obstacle.as_deref().unwrap_or("");
        writeln!(out, "{:width$}  {:>8}  {note}", shown(model), human(model.size))?;
    }
    eprintln!("Take one with `offrecord models import NAME`.");
    Ok(())
}

/// A file to take, and the id to take it under if its name says nothing.
struct Wanted {
    file: PathBuf,
    id: Option<String>,
}

/// Takes a file, a folder, or what `list` shows.
pub(super) fn import(global: &Global, models_dir: &Path, args: &ImportArgs) -> anyhow::Result<()> {
    for wanted in wanted(&args.what)? {
        take(global, models_dir, args, &wanted)?;
    }
    Ok(())
}

fn wanted(what: &str) -> anyhow::Result<Vec<Wanted>> {
    let path = Path::new(what);
    if path.is_dir() {
        let look = found::folder(path);
        for model in look.models.iter().filter(|model| model.obstacle.is_some()) {
            eprintln!("passed over: {}: {}", model.name.escape_debug(), model.obstacle.as_deref().unwrap_or_default());
        }
        look.passed_over.iter().for_each(|line| eprintln!("passed over: {line}"));
        let usable: Vec<Wanted> =
            look.models.into_iter().filter(|model| model.obstacle.is_none()).map(Wanted::of).collect();
        if usable.is_empty() {
            return Err(Exit::new(exit::NOT_FOUND, format!("{what}: no GGUF file in it that could be taken")));
        }
        return Ok(usable);
    }
    let named = ["ollama:", "hub:", "lm-studio:"].iter().any(|store| what.starts_with(store));
    if path.exists() || !named {
        return Ok(vec![Wanted { file: path.to_owned(), id: None }]);
    }
    let model =
        Stores::of_this_machine().look().models.into_iter().find(|model| model.name == what).ok_or_else(|| {
            Exit::new(
                exit::NOT_FOUND,
                format!("{what} is not on this machine: `offrecord models list --found` shows what is"),
            )
        })?;
    match &model.obstacle {
        Some(why) => Err(Exit::new(exit::VERIFICATION, format!("{what}: {why}"))),
        None => Ok(vec![Wanted::of(model)]),
    }
}

impl Wanted {
    fn of(model: Found) -> Self {
        Self { file: model.path, id: Some(model.suggested).filter(|id| !id.is_empty()) }
    }
}

fn take(global: &Global, models_dir: &Path, args: &ImportArgs, wanted: &Wanted) -> anyhow::Result<()> {
    header::check_loadable(&wanted.file)?;
    if !agreed(&wanted.file, args.yes)? {
        return Err(Exit::new(exit::FAILURE, format!("{} was not taken", wanted.file.display())));
    }
    let display = Display::new(global.json);
    let options = PullOptions::from_env(true);
    let wish = Wish { id: wanted.id.as_deref(), link: !args.copy };
    let taken = import_as(&wanted.file, wish, models_dir, &options, |progress| display.show(&progress))?;
    display.end();
    if !global.json {
        println!("{}", taken.path.display());
        if taken.linked {
            eprintln!("It shares its bytes with {} and takes no room of its own.", wanted.file.display());
        }
    }
    Ok(())
}

/// Says when a model would be asked with a template that is not its own; on a terminal, asks. Enter = yes.
fn agreed(file: &Path, yes: bool) -> anyhow::Result<bool> {
    let said = match header::chat_template(file)? {
        ChatTemplate::Known => return Ok(true),
        ChatTemplate::Missing(built_in) => {
            format!("This file has no chat template. It will be asked with the built-in one called {built_in}.")
        }
        ChatTemplate::Unknown { built_in, sha256 } => format!(
            "Nobody has read this file's own chat template (sha256 {sha256}), so it is not run. The model will be asked \
             with the built-in one called {built_in}, chosen by its special tokens; if it was taught another, it answers badly."
        ),
    };
    eprintln!("{said}");
    if yes || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(true);
    }
    eprint!("Take it? [Y/n] ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(crate::cli::install::yes(&line))
}

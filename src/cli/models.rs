//! `offrecord models ...`.

use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use crate::catalogue::{
    Cancel, Catalogue, CatalogueError, Entry, Installed, PullOptions, SCRATCH, Shape, human, installed, locate,
    passed_over, peak, per_token, pull, remove, report, verify,
};
use crate::cli::pull_display::Display;
use crate::config::Global;

mod found;

/// A model by id.
#[derive(clap::Args, Debug)]
pub struct IdArgs {
    /// Catalogue id or file stem.
    pub id: String,
}

/// What to pull.
#[derive(clap::Args, Debug)]
pub struct PullArgs {
    /// Catalogue id; the best that fits in memory if left out.
    pub id: Option<String>,
    /// Pull even if it does not seem to fit in memory.
    #[arg(long)]
    pub force: bool,
}

/// What to list.
#[derive(clap::Args, Debug, Default)]
pub struct ListArgs {
    /// Models that other programs have on this machine (the hub's cache, Ollama, LM Studio), for `models import`.
    #[arg(long)]
    pub found: bool,
}

/// What to take.
#[derive(clap::Args, Debug)]
pub struct ImportArgs {
    /// A GGUF file, a folder of them, or a name that `models list --found` shows.
    pub what: String,
    /// Copy, even where a hard link would do.
    #[arg(long)]
    pub copy: bool,
    /// Do not ask about an unknown chat template.
    #[arg(long, short)]
    pub yes: bool,
}

/// What to do with models.
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Models known and installed, with size, licence and fit.
    List(ListArgs),
    /// Download and verify a model.
    Pull(PullArgs),
    /// Take a model that is already on this machine, without a download.
    Import(ImportArgs),
    /// One model in detail.
    Show(IdArgs),
    /// Check a model's checksum.
    Verify(IdArgs),
    /// Remove a model file.
    Rm(IdArgs),
}

/// Runs the verb.
///
/// # Errors
/// As shown to the user.
pub async fn run(global: &Global, verb: Verb) -> anyhow::Result<()> {
    let global = global.clone();
    tokio::task::spawn_blocking(move || dispatch(&global, verb)).await?
}

fn dispatch(global: &Global, verb: Verb) -> anyhow::Result<()> {
    let models_dir = global.dirs()?.models;
    let done = match verb {
        Verb::List(args) if args.found => found::list(global),
        Verb::List(_) => list(global, &models_dir),
        Verb::Pull(args) => pull_one(global, &models_dir, &args),
        Verb::Import(args) => found::import(global, &models_dir, &args),
        Verb::Show(args) => show(global, &models_dir, &args.id),
        Verb::Verify(args) => verify_one(global, &models_dir, &args.id),
        Verb::Rm(args) => rm(global, &models_dir, &args.id),
    };
    done.map_err(|error| match error.downcast::<CatalogueError>() {
        Ok(error) => error.into_exit(),
        Err(other) => other,
    })
}

fn list(global: &Global, models_dir: &Path) -> anyhow::Result<()> {
    let lines = report::list(models_dir, global.cache_type())?;
    if global.json {
        return print_json(&lines);
    }
    let width = lines.iter().map(|line| line.id.len()).max().unwrap_or(0);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:width$}  {:>8}  {:>8}  {:9}  {:13}  licence", "id", "size", "memory", "here", "")?;
    let (speech, chat): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.kind == "speech");
    let first_speech = chat.len();
    for (n, line) in chat.into_iter().chain(speech).enumerate() {
        if n == first_speech {
            writeln!(out, "\nspeech to text:")?;
        }
        let here = if line.installed { "installed" } else { "" };
        let note = match (line.fits, line.tested) {
            (false, _) => "does not fit",
            (true, false) if !line.licence.is_empty() => "not tested",
            (true, false) => "your own file",
            (true, true) => "",
        };
        let (size, needs) = (human(line.size), human(line.needs));
        writeln!(out, "{:width$}  {size:>8}  {needs:>8}  {here:9}  {note:13}  {}", line.id, line.licence)?;
    }
    for name in passed_over(models_dir) {
        let name = name.escape_debug();
        eprintln!("{name} is passed over: its name is no id. `offrecord models import` takes it under a proper one.");
    }
    Ok(())
}

fn pull_one(global: &Global, models_dir: &Path, args: &PullArgs) -> anyhow::Result<()> {
    let catalogue = Catalogue::load()?;
    let entry = match &args.id {
        Some(id) => catalogue.find(id).ok_or_else(|| CatalogueError::Unknown { id: id.clone() })?,
        None => default_entry(global, &catalogue)?,
    };
    let options = PullOptions {
        force: args.force || global.force_load,
        cache: global.cache_type(),
        ..PullOptions::from_env(global.is_offline())
    };
    let display = Display::new(global.json);
    display.note(&format!("{} ({}, {})", entry.name, human(entry.size), entry.licence));
    let path = pull(entry, models_dir, &options, |progress| display.show(&progress))?;
    display.end();
    if !global.json {
        println!("{}", path.display());
    }
    Ok(())
}

/// The best entry that fits, or a refusal that says what the smallest would need.
fn default_entry<'c>(global: &Global, catalogue: &'c Catalogue) -> anyhow::Result<&'c Entry> {
    let memory = crate::catalogue::Memory::now();
    if let Some(entry) = catalogue.choose_default(&memory, global.cache_type()) {
        return Ok(entry);
    }
    let smallest = catalogue.entries.iter().filter(|entry| entry.tested).min_by_key(|entry| entry.size);
    let Some(smallest) = smallest else { anyhow::bail!("the catalogue has no tested model: name one") };
    catalogue.check_fit(smallest.id.as_str(), &Shape::from(smallest).with(global.cache_type()), &memory, 0)?;
    Ok(smallest)
}

fn show(global: &Global, models_dir: &Path, id: &str) -> anyhow::Result<()> {
    let catalogue = Catalogue::load()?;
    let entry = catalogue.find(id);
    let here = match locate(&catalogue, models_dir, id) {
        Ok(model) => Some(model),
        Err(CatalogueError::NotInstalled { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let facts = describe(global, entry, here.as_ref())?;
    if global.json {
        return print_json(&facts);
    }
    let mut out = std::io::stdout().lock();
    for (name, value) in facts.as_object().into_iter().flatten() {
        let text = match value {
            serde_json::Value::Null => "-".to_owned(),
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Array(items) => {
                items.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join(", ")
            }
            serde_json::Value::Number(number) if name == "size" => {
                format!("{number} ({})", human(number.as_u64().unwrap_or(0)))
            }
            other => other.to_string(),
        };
        writeln!(out, "{name:13} {text}")?;
    }
    Ok(())
}

/// The facts of a model: the catalogue's, or the file's own.
fn describe(global: &Global, entry: Option<&Entry>, here: Option<&Installed>) -> anyhow::Result<serde_json::Value> {
    let size = here.map(|model| model.size).or(entry.map(|entry| entry.size));
    let sha256 = here.and_then(|m| m.sha256.clone()).or_else(|| entry?.sha256.clone()).map(String::from);
    let mut facts = json!({
        "id": entry.map(|e| e.id.to_string()).or(here.map(|m| m.id.to_string())),
        "path": here.map(|model| model.path.display().to_string()),
        "sha256": sha256,
        "size": size,
        "installed": here.is_some(),
    });
    let more = match (entry, here) {
        (Some(entry), _) => json!({
            "architecture": entry.architecture,
            "quantisation": entry.quantisation,
            "context": entry.context,
            "name": entry.name,
            "parameters": entry.parameters,
            "licence": entry.licence,
            "tested": entry.tested,
            "sources": entry.sources.iter().map(crate::catalogue::Source::label).collect::<Vec<_>>(),
            "came_from": here.and_then(|model| model.source.clone()),
        }),
        (None, Some(model)) => {
            let header = crate::catalogue::header::read(&model.path)?;
            json!({
                "architecture": header.architecture,
                "quantisation": header.quantisation,
                "context": header.shape.context,
                "tested": false,
                "came_from": model.source,
            })
        }
        (None, None) => json!({}),
    };
    let shape = match (here, entry) {
        (Some(model), _) => Some(crate::catalogue::header::read(&model.path)?.shape),
        (None, entry) => entry.map(Shape::from),
    };
    if let Some(shape) = shape {
        facts["memory"] = memory(&shape.with(global.cache_type()));
    }
    if let (Some(facts), serde_json::Value::Object(more)) = (facts.as_object_mut(), more) {
        facts.extend(more);
    }
    Ok(facts)
}

/// What a model takes, in bytes: at its peak, once so many tokens were read.
fn memory(shape: &crate::catalogue::Shape) -> serde_json::Value {
    let at = [512, 2048, 8192, 16_384, 32_768].into_iter().filter(|tokens| *tokens <= shape.context);
    let at: serde_json::Map<_, _> = at.map(|tokens| (tokens.to_string(), peak(shape, tokens).into())).collect();
    json!({"weights": shape.weights, "per_token": per_token(shape), "scratch": SCRATCH, "peak": at})
}

fn verify_one(global: &Global, models_dir: &Path, id: &str) -> anyhow::Result<()> {
    let catalogue = Catalogue::load()?;
    let model = locate(&catalogue, models_dir, id)?;
    // Its result is one JSON value: the progress goes to standard error.
    let display = Display::new(false);
    let sha256 = verify(&catalogue, &model, &Cancel::default(), |progress| display.show(&progress))?;
    display.end();
    let pinned = catalogue.find(id).is_some_and(|entry| entry.sha256.is_some());
    if global.json {
        return print_json(
            &json!({ "id": id, "sha256": sha256, "size": model.size, "in_catalogue": pinned, "valid": true }),
        );
    }
    let against = if pinned { "as in the catalogue" } else { "as when it was installed" };
    println!("{id}: {sha256}, {against}");
    Ok(())
}

fn rm(global: &Global, models_dir: &Path, id: &str) -> anyhow::Result<()> {
    let freed = remove(&Catalogue::load()?, models_dir, id)?;
    if global.json {
        let left: Vec<String> = installed(models_dir)?.into_iter().map(|model| model.id.to_string()).collect();
        return print_json(&json!({ "removed": id, "freed": freed, "installed": left }));
    }
    println!("removed {id}, {} free again", human(freed));
    Ok(())
}

fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

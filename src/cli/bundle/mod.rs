//! `offrecord bundle`: the air-gapped kit. One folder or one tar file that holds the program, a model, the catalogue,
//! checksums, licences and a start script, and runs from a read-only medium. Opens no connection.

mod contents;
mod shelf;
mod tar;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::catalogue::{Cancel, Catalogue, CatalogueError, Progress, Sha256, human, installed, locate};
use crate::cli::pull_display::Display;
use crate::config::Global;
use crate::exit::{self, Exit};

use contents::{FOLDERS, Packed, TIME};
use shelf::{Item, Placed, Shelf, Source};

/// Flags of `bundle`. The model is the one that `--model` names.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A folder that does not exist yet, or a file whose name ends with .tar.
    #[arg(long, short, env = "OFFRECORD_OUTPUT", value_name = "DIR|FILE.tar")]
    pub output: PathBuf,
    /// The text of the model's licence, for a model whose licence this program has no text of.
    #[arg(long, env = "OFFRECORD_LICENCE", value_name = "FILE")]
    pub licence: Option<PathBuf>,
}

/// Writes the kit.
///
/// # Errors
/// [`Exit`]: 2 no `--model` or no licence, 3 the model is not installed, 4 it is not the file it should be, 5 the disk is
/// full, 130 stopped; nothing is left behind.
pub async fn run(global: &Global, args: Args) -> anyhow::Result<()> {
    let global = global.clone();
    let cancel = Cancel::default();
    let stop = cancel.clone();
    let mut work = tokio::task::spawn_blocking(move || bundle(&global, &args, &cancel));
    tokio::select! {
        done = &mut work => done?,
        () = asked_to_end() => {
            stop.cancel();
            work.await?
        }
    }
}

/// Ctrl+C, or a request to terminate: the work is told, so that it can clear up.
async fn asked_to_end() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn bundle(global: &Global, args: &Args, cancel: &Cancel) -> anyhow::Result<()> {
    let catalogue = Catalogue::load().map_err(CatalogueError::into_exit)?;
    let packed = chosen(global, args, &catalogue, cancel)?;
    let items = contents::items(&packed)?;
    let total = items.iter().map(Item::size).sum::<anyhow::Result<u64>>()?;
    let mut shelf = Shelf::open(&args.output, total, TIME)?;
    for folder in FOLDERS {
        shelf.folder(folder)?;
    }
    let display = Display::new(false);
    let mut completed = 0;
    let mut files = Vec::new();
    for item in &items {
        let placed = shelf.put(item, cancel, &mut |bytes| {
            completed += bytes;
            display.show(&Progress::Downloading { total, completed });
        })?;
        files.push(placed);
    }
    the_model_is_right(&packed, &files)?;
    let sums = Item { path: "SHA256SUMS".into(), runs: false, bytes: Source::Text(sums(&files)) };
    let sums = shelf.put(&sums, cancel, &mut |_| ())?;
    shelf.finish()?;
    display.end();
    report(global, args, &packed, files, sums)
}

/// The model that `--model` names, with its licence and the digest it must have.
fn chosen(global: &Global, args: &Args, catalogue: &Catalogue, cancel: &Cancel) -> anyhow::Result<Packed> {
    let models_dir = global.dirs()?.models;
    let Some(id) = &global.model else {
        let here = installed(&models_dir).map_err(CatalogueError::into_exit)?;
        let ids: Vec<&str> = here.iter().map(|model| model.id.as_str()).collect();
        let ids = if ids.is_empty() { "none; `offrecord pull` gets one".to_owned() } else { ids.join(", ") };
        return Err(Exit::new(exit::USAGE, format!("say which model goes into the kit: --model ID. Installed: {ids}")));
    };
    let model = locate(catalogue, &models_dir, id).map_err(CatalogueError::into_exit)?;
    let pinned = catalogue.find(id).and_then(|entry| entry.sha256.clone());
    let sha256 = match pinned.or_else(|| model.sha256.clone()) {
        Some(sha256) => sha256,
        // A file of the user's own that nobody has read yet: it must be a model at all.
        None => {
            crate::catalogue::header::read(&model.path).map_err(CatalogueError::into_exit)?;
            crate::catalogue::verify(catalogue, &model, cancel, |_| ()).map_err(CatalogueError::into_exit)?
        }
    };
    Packed::new(catalogue, model, sha256, args.licence.as_ref())
}

/// What was copied must be what the catalogue, or the record of its arrival, says.
fn the_model_is_right(packed: &Packed, files: &[Placed]) -> anyhow::Result<()> {
    let path = format!("models/{}", packed.model.id.file_name());
    let copied = files.iter().find(|file| file.path == path).map(|file| &file.sha256);
    if copied == Some(&packed.sha256) {
        return Ok(());
    }
    let (id, found) = (&packed.model.id, copied.map_or("nothing", Sha256::as_str));
    let message = format!(
        "{} is corrupt: sha256 {found}, expected {}. No kit was made; run `offrecord models verify {id}`, then pull it again",
        packed.model.path.display(),
        packed.sha256
    );
    Err(Exit::new(exit::VERIFICATION, message))
}

/// As `sha256sum -c` reads it.
fn sums(files: &[Placed]) -> String {
    let mut lines: Vec<String> = files.iter().map(|file| format!("{}  {}\n", file.sha256, file.path)).collect();
    lines.sort_by(|a, b| a[66..].cmp(&b[66..]));
    lines.concat()
}

fn report(global: &Global, args: &Args, packed: &Packed, mut files: Vec<Placed>, sums: Placed) -> anyhow::Result<()> {
    let output: &Path = &args.output;
    let digest = sums.sha256.clone();
    files.push(sums);
    let bytes: u64 = files.iter().map(|file| file.size).sum();
    let mut out = std::io::stdout().lock();
    if global.json {
        let result = json!({
            "output": output, "version": env!("CARGO_PKG_VERSION"), "model": packed.model.id, "bytes": bytes,
            "sums_sha256": digest, "files": files,
        });
        serde_json::to_writer_pretty(&mut out, &result)?;
        writeln!(out)?;
        return Ok(());
    }
    writeln!(out, "{}", output.display())?;
    eprintln!("{} files, {}. Start it with `start` inside; it checks SHA256SUMS first.", files.len(), human(bytes));
    eprintln!("sha256 of SHA256SUMS: {digest}");
    if cfg!(debug_assertions) {
        eprintln!(
            "This is a development build, which reads prompts/ and web/ from its source tree: its kit runs only beside it."
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_sorted_by_name_as_sha256sum_writes_them() {
        let file = |path: &str, byte: u8| Placed { path: path.into(), size: 1, sha256: Sha256::of(&[byte; 32]) };
        let text = sums(&[file("b", 0), file("a/c", 0xff)]);
        assert_eq!(text, format!("{}  a/c\n{}  b\n", "ff".repeat(32), "00".repeat(32)));
    }
}

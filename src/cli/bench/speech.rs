//! `offrecord bench speech`: word error rate and time of the installed models that listen.
//!
//! `--data builtin` lets espeak-ng say the built-in sentences in two voices, at three levels of noise; a folder holds
//! pairs of `NAME.wav` and `NAME.txt`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde::Serialize;

use crate::bench::speech::errors::Errors;
use crate::bench::speech::noise::noisy;
use crate::catalogue::{self, Catalogue};
use crate::config::Global;
use crate::engine::Kernel;
use crate::exit::{self, Exit};
use crate::speech::{ListenOptions, Listener, RATE, Settings, wav};
use crate::spoken::ears;

/// The sentences that are built in, one a line.
const SENTENCES: &str = "bench/speech.txt";
/// Voices of espeak-ng.
const VOICES: [&str; 2] = ["en-us", "en-gb"];
/// Decibels that noise is below the voice.
const NOISE: [(&str, Option<f32>); 3] = [("quiet", None), ("noise 20 dB", Some(20.0)), ("noise 10 dB", Some(10.0))];

/// Flags of `bench speech`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// `builtin`, or a folder of pairs NAME.wav and NAME.txt.
    #[arg(long, default_value = "builtin", value_name = "FOLDER")]
    data: PathBuf,
    /// Models to listen with; all installed ones if left out.
    #[arg(long, value_delimiter = ',', value_name = "ID")]
    models: Vec<String>,
    /// Only so many sentences.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Write the sounds as pairs NAME.wav and NAME.txt into this folder, for other programs.
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
    /// Score what another program has heard: lines {"name", "text", "seconds"}.
    #[arg(long, value_name = "FILE")]
    heard: Option<PathBuf>,
    /// Positions of 20 ms computed after each sound (for experiments).
    #[arg(long, value_name = "N", hide = true)]
    tail: Option<usize>,
    /// Fewest positions computed (for experiments).
    #[arg(long, value_name = "N", hide = true)]
    least: Option<usize>,
    /// Print every sentence that came out wrong.
    #[arg(long)]
    misses: bool,
}

/// A sound and what is said in it.
struct Item {
    name: String,
    set: String,
    text: String,
    samples: Vec<f32>,
}

/// One line of the result.
#[derive(Serialize)]
struct Row {
    model: String,
    set: String,
    sentences: usize,
    #[serde(flatten)]
    errors: Errors,
    rate: f64,
    audio_seconds: f64,
    seconds: f64,
    /// Median time of a sentence in milliseconds.
    median_ms: f64,
}

/// What another program has heard.
#[derive(serde::Deserialize)]
struct Other {
    name: String,
    text: String,
    seconds: f64,
}

/// Runs it.
///
/// # Errors
/// No model, no data, or no espeak-ng.
pub fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let mut items = if args.data.as_os_str() == "builtin" { builtin(args.limit)? } else { folder(&args.data)? };
    if let Some(limit) = args.limit.filter(|_| args.data.as_os_str() != "builtin") {
        items.truncate(limit);
    }
    if let Some(folder) = &args.write {
        write_all(folder, &items)?;
    }
    if let Some(file) = &args.heard {
        return score_other(global, file, &items, args.misses);
    }
    let catalogue = Catalogue::load()?;
    let models_dir = global.dirs()?.models;
    let wanted = |id: &str| args.models.is_empty() || args.models.iter().any(|wanted| wanted == id);
    let mut found = false;
    for entry in catalogue.speech.iter().filter(|entry| wanted(entry.id.as_str())) {
        let Ok(model) = catalogue::locate(&catalogue, &models_dir, entry.id.as_str()) else { continue };
        found = true;
        let kernel = global.kernel.as_deref().map(Kernel::named).transpose();
        let kernel = kernel.map_err(|error| Exit::new(exit::USAGE, error.to_string()))?;
        let mut listener = ears::load(entry, &model, &Settings { threads: global.threads, kernel })?;
        let mut options = ListenOptions::default();
        options.tail = args.tail.unwrap_or(options.tail);
        options.least = args.least.unwrap_or(options.least);
        let heard = listen(&mut listener, &items, &options);
        report(global, entry.id.as_str(), &items, &heard, args.misses)?;
    }
    if found {
        return Ok(());
    }
    Err(Exit::new(exit::NOT_FOUND, "no model that listens is installed: offrecord models pull whisper-tiny.en"))
}

fn listen(listener: &mut Listener, items: &[Item], options: &ListenOptions<'_>) -> Vec<(String, f64)> {
    items
        .iter()
        .map(|item| {
            let begun = Instant::now();
            let heard = listener.listen(&item.samples, options, &|| false).map(|heard| heard.text);
            (heard.unwrap_or_default(), begun.elapsed().as_secs_f64())
        })
        .collect()
}

fn report(global: &Global, model: &str, items: &[Item], heard: &[(String, f64)], misses: bool) -> anyhow::Result<()> {
    let mut sets: Vec<&str> = Vec::new();
    for item in items {
        if !sets.contains(&item.set.as_str()) {
            sets.push(&item.set);
        }
    }
    let mut out = std::io::stdout().lock();
    for set in sets.into_iter().map(Some).chain([None]) {
        let of: Vec<(&Item, &(String, f64))> =
            items.iter().zip(heard).filter(|(item, _)| set.is_none_or(|set| item.set == set)).collect();
        let errors =
            of.iter().map(|(item, (text, _))| Errors::between(&item.text, text)).fold(Errors::default(), Errors::plus);
        let mut times: Vec<f64> = of.iter().map(|(_, (_, seconds))| *seconds).collect();
        times.sort_by(f64::total_cmp);
        let row = Row {
            model: model.to_owned(),
            set: set.unwrap_or("all").to_owned(),
            sentences: of.len(),
            errors,
            rate: errors.rate(),
            audio_seconds: of.iter().map(|(item, _)| item.samples.len() as f64 / RATE as f64).sum(),
            seconds: times.iter().sum(),
            median_ms: times.get(times.len() / 2).copied().unwrap_or(0.0) * 1e3,
        };
        if global.json {
            writeln!(out, "{}", serde_json::to_string(&row)?)?;
        } else {
            let share = row.seconds / row.audio_seconds.max(1e-9);
            writeln!(
                out,
                "{:16} {:20} {:4} sentences  word errors {:5.1} %  {:7.1} s of sound in {:6.1} s ({share:.3})  median {:.0} ms",
                row.model,
                row.set,
                row.sentences,
                row.rate * 100.0,
                row.audio_seconds,
                row.seconds,
                row.median_ms
            )?;
        }
    }
    if misses {
        for (item, (text, _)) in
            items.iter().zip(heard).filter(|(item, (text, _))| Errors::between(&item.text, text).wrong > 0)
        {
            writeln!(out, "{}\n  said:  {}\n  heard: {text}", item.name, item.text)?;
        }
    }
    Ok(())
}

fn builtin(limit: Option<usize>) -> anyhow::Result<Vec<Item>> {
    let sentences = crate::prompts::text(SENTENCES)?;
    let sentences: Vec<&str> =
        sentences.lines().filter(|line| !line.is_empty()).take(limit.unwrap_or(usize::MAX)).collect();
    let mut items = Vec::new();
    for voice in VOICES {
        let spoken: Vec<Vec<f32>> = sentences.iter().map(|text| spoken(voice, text)).collect::<Result<_, _>>()?;
        for (level, decibels) in NOISE {
            for (n, (text, samples)) in sentences.iter().zip(&spoken).enumerate() {
                items.push(Item {
                    name: format!("{voice} {level} {:02}", n + 1).replace(' ', "-"),
                    set: format!("{voice}, {level}"),
                    text: (*text).to_owned(),
                    samples: decibels.map_or_else(|| samples.clone(), |decibels| noisy(samples, decibels)),
                });
            }
        }
    }
    Ok(items)
}

/// A sentence by espeak-ng, with a little silence before and after, as a microphone would have it.
fn spoken(voice: &str, text: &str) -> anyhow::Result<Vec<f32>> {
    let made =
        Command::new("espeak-ng").args(["--stdout", "-v", voice, "-s", "160", text]).stdin(Stdio::null()).output();
    let made = made.map_err(|error| {
        Exit::new(exit::NOT_FOUND, format!("espeak-ng cannot be run ({error}; on Debian: apt install espeak-ng)"))
    })?;
    let audio = wav::read(&made.stdout, 60).map_err(|error| Exit::new(exit::FAILURE, format!("espeak-ng: {error}")))?;
    let silence = vec![0.0; RATE / 4];
    Ok([silence.as_slice(), &audio.samples, &silence].concat())
}

fn folder(folder: &Path) -> anyhow::Result<Vec<Item>> {
    let listing = std::fs::read_dir(folder)
        .map_err(|error| Exit::new(exit::NOT_FOUND, format!("{}: {error}", folder.display())))?;
    let mut files: Vec<PathBuf> = listing.flatten().map(|file| file.path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "wav"));
    files.sort();
    let mut items = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file.with_extension("txt"))
            .map_err(|error| Exit::new(exit::USAGE, format!("{}: {error}", file.with_extension("txt").display())))?;
        let audio = wav::read(&std::fs::read(&file)?, 600)
            .map_err(|error| Exit::new(exit::USAGE, format!("{}: {error}", file.display())))?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // `VOICE-NOISE-NUMBER`: everything before the number is a set.
        let set = name.rsplit_once('-').map_or("sounds", |(set, _)| set).to_owned();
        items.push(Item { name, set, text: text.trim().to_owned(), samples: audio.samples });
    }
    if items.is_empty() {
        return Err(Exit::new(exit::NOT_FOUND, format!("{} holds no pairs NAME.wav and NAME.txt", folder.display())));
    }
    Ok(items)
}

fn write_all(folder: &Path, items: &[Item]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    for item in items {
        std::fs::write(folder.join(format!("{}.wav", item.name)), wav::write(&item.samples))?;
        std::fs::write(folder.join(format!("{}.txt", item.name)), &item.text)?;
    }
    Ok(())
}

fn score_other(global: &Global, file: &Path, items: &[Item], misses: bool) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Exit::new(exit::NOT_FOUND, format!("{}: {error}", file.display())))?;
    let others: Vec<Other> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .map_err(|error| Exit::new(exit::USAGE, format!("{}: {error}", file.display())))?;
    let heard: Vec<(String, f64)> = items
        .iter()
        .map(|item| {
            let other = others.iter().find(|other| other.name == item.name);
            other.map_or_else(|| (String::new(), 0.0), |other| (other.text.clone(), other.seconds))
        })
        .collect();
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    report(global, &name, items, &heard, misses)
}

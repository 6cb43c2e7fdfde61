//! `offrecord bench speed`: tokens per second of reading and writing, with llama-bench's names for the tests.
//!
//! The engine measures itself; this file only says which tests and prints one JSON object a line, CSV, or a table.

use std::sync::Arc;
use std::time::Instant;

use crate::bench::drafting;
use crate::catalogue::{self, Ready};
use crate::config::Global;
use crate::engine::gguf::File;
use crate::engine::model::{self, LoadOptions};
use crate::engine::speed::{Test, Unit, measure};
use crate::engine::{Keep, Kernel};
use crate::exit::{self, Exit};

/// Flags of `bench speed`. With `--draft-model` also the same words written without and with it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Prompt lengths to read.
    #[arg(short, value_delimiter = ',', default_value = "64,512,2048", value_name = "TOKENS")]
    prompts: Vec<usize>,
    /// Tokens to write.
    #[arg(short = 'n', default_value_t = 128, value_name = "TOKENS")]
    tokens: usize,
    /// Tokens already in the cache when writing begins.
    #[arg(short, value_delimiter = ',', default_value = "0,2048", value_name = "TOKENS")]
    depths: Vec<usize>,
    /// Continuations written together after the largest depth; 0 = leave this test out.
    #[arg(long, default_value_t = 8, value_name = "N")]
    forks: usize,
    /// Also what an interview waits for, at each depth above 0: the first word after a 300-word answer, with and without
    /// drafts, and 24 yes/no judgements on the transcript; and the start of the model.
    #[arg(long)]
    work: bool,
    /// CSV instead of a table.
    #[arg(long)]
    csv: bool,
    /// Counted rounds of each test.
    #[arg(short, default_value_t = 3, value_name = "N")]
    repeats: usize,
    /// Threads (the same as --threads).
    #[arg(short = 't', default_value_t = 0, value_name = "N")]
    short_threads: usize,
}

/// One measured test, as printed.
#[derive(serde::Serialize)]
struct Row {
    model: String,
    sha256: String,
    kernel: &'static str,
    threads: usize,
    kv: &'static str,
    test: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_per_second: Option<Rate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<Rate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<Rate>,
    peak_rss_bytes: Option<u64>,
}

#[derive(Clone, Copy, serde::Serialize)]
struct Rate {
    mean: f64,
    sd: f64,
}

/// Runs the tests one after the other.
///
/// # Errors
/// No model, an unknown kernel, or a test that does not fit the context.
pub async fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let starts = if args.work { starts(global).await? } else { Vec::new() };
    let started = Instant::now();
    let mut model = load(global, args)?;
    let loading = started.elapsed().as_secs_f64() * 1e3;
    let form = Form::of(global, args);
    form.head();
    for (name, value) in starts {
        form.row(&model.row(name.into(), Unit::Milliseconds, &[value]))?;
    }
    if args.work {
        let first = Test::Reply { answer: 64, depth: 0, drafted: false };
        let begun = Instant::now();
        crate::engine::speed::once(&mut *model.model, first)
            .map_err(|error| Exit::new(exit::USAGE, error.to_string()))?;
        let values = [loading + begun.elapsed().as_secs_f64() * 1e3];
        form.row(&model.row("start+64".into(), Unit::Milliseconds, &values))?;
    }
    if global.draft_model.is_some() {
        for (name, unit, values) in with_draft(global, args).await? {
            form.row(&model.row(name, unit, &values))?;
        }
    }
    for test in tests(args) {
        let values = measure(&mut *model.model, test, args.repeats.max(1)).map_err(|error| {
            Exit::new(exit::USAGE, format!("{test}: {error} (try shorter tests or a larger --ctx-size)"))
        })?;
        form.row(&model.row(test.to_string(), test.unit(), &values))?;
    }
    Ok(())
}

/// From nothing to the first judgement on a short answer: without and with what an earlier start kept of the fixed prompt.
async fn starts(global: &Global) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let ready = catalogue::ready_model(global)?;
    let folder = tempfile::tempdir()?;
    let kept = || anyhow::Ok(Keep { folder: folder.path().join("cache"), ..catalogue::keep(global)? });
    let question = "Your queue grows for an hour and nobody notices. What did you change afterwards?";
    let answer = "We put an alarm on the age of the oldest message, and the consumers now drop what nobody waits for.";
    let ask = "Does the answer name a measure that shows the fault early?".to_owned();
    let mut times = Vec::new();
    for keep in [None, Some(kept()?), Some(kept()?)] {
        let begun = Instant::now();
        let engine = catalogue::load(global, &ready, keep)?;
        crate::interview::judge::p_yes(&engine, question, answer, std::slice::from_ref(&ask)).await?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(vec![("start+judge", times[0]), ("start+judge+kept", times[2])])
}

/// Words written without and with the draft model, in turn; how fast, and how many drafted tokens were right.
async fn with_draft(global: &Global, args: &Args) -> anyhow::Result<Vec<(String, Unit, Vec<f64>)>> {
    let ready = catalogue::ready_model(global)?;
    let plain = catalogue::load(global, &Ready { draft: None, ..ready.clone() }, None)?;
    let drafted = catalogue::load(global, &ready, None)?;
    let rounds = drafting::measure(&plain, &drafted, args.tokens, args.repeats.max(1)).await?;
    let all = |of: fn(&drafting::Round) -> f64| rounds.iter().map(of).collect::<Vec<_>>();
    let tokens = args.tokens;
    Ok(vec![
        (format!("words{tokens}"), Unit::TokensPerSecond, all(|round| round.plain)),
        (format!("words{tokens}+draft-model"), Unit::TokensPerSecond, all(|round| round.drafted)),
        ("draft-model: drafted".into(), Unit::Share, all(drafting::Round::drafted_share)),
        ("draft-model: right".into(), Unit::Share, all(drafting::Round::accepted_share)),
    ])
}

/// How rows are printed.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Csv,
    Table,
}

impl Form {
    fn of(global: &Global, args: &Args) -> Self {
        match (global.json, args.csv) {
            (true, _) => Self::Json,
            (false, true) => Self::Csv,
            (false, false) => Self::Table,
        }
    }

    fn head(self) {
        match self {
            Self::Json => {}
            Self::Csv => println!("model,sha256,kernel,threads,test,unit,mean,sd,peak_rss_bytes"),
            Self::Table => {
                println!("{:<40} {:<12} {:>3} {:<24} {:>20}", "model", "kernel", "thr", "test", "tokens/s or ms")
            }
        }
    }

    fn row(self, row: &Row) -> anyhow::Result<()> {
        let (unit, rate) = match (row.tokens_per_second, row.milliseconds, row.share) {
            (Some(rate), ..) => ("tokens/s", rate),
            (None, Some(rate), _) => ("ms", rate),
            (None, None, Some(rate)) => ("of 1", rate),
            (None, None, None) => return Ok(()),
        };
        let Rate { mean, sd } = rate;
        let Row { model, sha256, kernel, threads, test, .. } = row;
        match self {
            Self::Json => println!("{}", serde_json::to_string(row)?),
            Self::Csv => {
                let peak = row.peak_rss_bytes.map_or_else(String::new, |bytes| bytes.to_string());
                println!("{model},{sha256},{kernel},{threads},{test},{unit},{mean:.2},{sd:.2},{peak}");
            }
            Self::Table => {
                let digits = if row.share.is_some() { 3 } else { 1 };
                println!("{model:<40} {kernel:<12} {threads:>3} {test:<24} {mean:>9.digits$} ± {sd:<5.digits$} {unit}");
            }
        }
        Ok(())
    }
}

struct Loaded {
    ready: Ready,
    model: Box<dyn model::Model>,
    kernel: Kernel,
    threads: usize,
}

impl Loaded {
    fn row(&self, test: String, unit: Unit, values: &[f64]) -> Row {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let spread = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let rate = Rate { mean, sd: (spread / (values.len().max(2) - 1) as f64).sqrt() };
        Row {
            model: self.ready.model.id.to_string(),
            sha256: self.ready.sha256.to_string(),
            kernel: self.kernel.name(),
            threads: self.threads,
            kv: self.ready.cache_type.name(),
            test,
            tokens_per_second: (unit == Unit::TokensPerSecond).then_some(rate),
            milliseconds: (unit == Unit::Milliseconds).then_some(rate),
            share: (unit == Unit::Share).then_some(rate),
            peak_rss_bytes: crate::bench::run::peak_rss(),
        }
    }
}

fn load(global: &Global, args: &Args) -> anyhow::Result<Loaded> {
    let ready = catalogue::ready_model(global)?;
    let kernel = match &global.kernel {
        Some(name) => Kernel::named(name).map_err(|error| Exit::new(exit::USAGE, error.to_string()))?,
        None => Kernel::best(),
    };
    let asked = if args.short_threads > 0 { args.short_threads } else { global.threads };
    let threads = match asked {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        threads => threads,
    };
    let file = File::open(&ready.model.path).map_err(|error| Exit::new(exit::VERIFICATION, error.to_string()))?;
    let Ready { context, cache_bytes, cache_type, .. } = ready;
    let options = LoadOptions { threads, kernel: Some(kernel), context, cache_bytes, cache_type };
    let model = model::load(Arc::new(file), &options)?;
    Ok(Loaded { ready, model, kernel, threads })
}

fn tests(args: &Args) -> Vec<Test> {
    let reading = args.prompts.iter().map(|&tokens| Test::Prefill(tokens));
    let writing = args.depths.iter().map(|&depth| Test::Decode { tokens: args.tokens, depth });
    let deepest = args.depths.iter().copied().max().unwrap_or(0);
    let together = (args.forks > 0).then_some(Test::Forks { forks: args.forks, tokens: args.tokens, depth: deepest });
    let work = args.depths.iter().filter(|depth| args.work && **depth > 0).flat_map(|&depth| {
        // 300 words are some 400 tokens.
        let reply = |drafted| Test::Reply { answer: 400, depth, drafted };
        [reply(false), reply(true), Test::Judge { questions: 24, tokens: 20, depth }]
    });
    reading.chain(writing).chain(together).chain(work).collect()
}

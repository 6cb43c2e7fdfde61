//! `offrecord bench speed`: tokens per second of reading and writing, with llama-bench's names for the tests.
//!
//! The engine measures itself; this file only says which tests and prints one JSON object a line, or a table.

use std::sync::Arc;

use crate::catalogue::{self, Ready};
use crate::config::Global;
use crate::engine::Kernel;
use crate::engine::gguf::File;
use crate::engine::model::{self, LoadOptions};
use crate::engine::speed::{Test, measure};
use crate::exit::{self, Exit};

/// Flags of `bench speed`.
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
    test: String,
    tokens_per_second: Rate,
    peak_rss_bytes: Option<u64>,
}

#[derive(serde::Serialize)]
struct Rate {
    mean: f64,
    sd: f64,
}

/// Runs the tests one after the other.
///
/// # Errors
/// No model, an unknown kernel, or a test that does not fit the context.
pub async fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let mut model = load(global, args)?;
    if !global.json {
        println!("{:<40} {:<12} {:>3} {:<16} {:>20}", "model", "kernel", "thr", "test", "tokens/s");
    }
    for test in tests(args) {
        let rates = measure(&mut *model.model, test, args.repeats.max(1)).map_err(|error| {
            Exit::new(exit::USAGE, format!("{test}: {error} (try shorter tests or a larger --ctx-size)"))
        })?;
        let row = model.row(test, &rates);
        if global.json {
            println!("{}", serde_json::to_string(&row)?);
        } else {
            let Rate { mean, sd } = row.tokens_per_second;
            println!(
                "{:<40} {:<12} {:>3} {:<16} {mean:>12.1} ± {sd:<5.1}",
                row.model, row.kernel, row.threads, row.test
            );
        }
    }
    Ok(())
}

struct Loaded {
    ready: Ready,
    model: Box<dyn model::Model>,
    kernel: Kernel,
    threads: usize,
}

impl Loaded {
    fn row(&self, test: Test, rates: &[f64]) -> Row {
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        let spread = rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>();
        Row {
            model: self.ready.model.id.to_string(),
            sha256: self.ready.sha256.to_string(),
            kernel: self.kernel.name(),
            threads: self.threads,
            test: test.to_string(),
            tokens_per_second: Rate { mean, sd: (spread / (rates.len().max(2) - 1) as f64).sqrt() },
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
    let options = LoadOptions { threads, kernel: Some(kernel), context: ready.context, cache_bytes: ready.cache_bytes };
    let model = model::load(Arc::new(file), &options)?;
    Ok(Loaded { ready, model, kernel, threads })
}

fn tests(args: &Args) -> Vec<Test> {
    let reading = args.prompts.iter().map(|&tokens| Test::Prefill(tokens));
    let writing = args.depths.iter().map(|&depth| Test::Decode { tokens: args.tokens, depth });
    let deepest = args.depths.iter().copied().max().unwrap_or(0);
    let together = (args.forks > 0).then_some(Test::Forks { forks: args.forks, tokens: args.tokens, depth: deepest });
    reading.chain(writing).chain(together).collect()
}

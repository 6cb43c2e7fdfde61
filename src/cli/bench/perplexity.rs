//! `offrecord bench perplexity`: how well the model predicts a text.

use std::path::PathBuf;
use std::sync::Arc;

use super::check_files;
use crate::catalogue::{self, Ready};
use crate::config::Global;
use crate::engine::Kernel;
use crate::engine::gguf::File;
use crate::engine::model::{self, LoadOptions};
use crate::engine::perplexity::perplexity;
use crate::engine::text::Text;
use crate::exit::{self, Exit};

/// Flags of `bench perplexity`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A text file.
    pub text: PathBuf,
    /// Tokens per window; the second half of each is counted.
    #[arg(long, default_value_t = 512, value_name = "TOKENS")]
    pub window: usize,
}

/// Prints the perplexity and how many tokens it is over.
///
/// # Errors
/// No such file, no model, or a text of less than one window.
pub fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    check_files(std::slice::from_ref(&args.text))?;
    let text = std::fs::read_to_string(&args.text)
        .map_err(|error| Exit::new(exit::USAGE, format!("{}: {error}", args.text.display())))?;
    if args.window < 4 {
        return Err(Exit::new(exit::USAGE, "--window must be at least 4"));
    }
    let ready = catalogue::ready_model(global)?;
    let kernel = match &global.kernel {
        Some(name) => Kernel::named(name).map_err(|error| Exit::new(exit::USAGE, error.to_string()))?,
        None => Kernel::best(),
    };
    let file = File::open(&ready.model.path).map_err(|error| Exit::new(exit::VERIFICATION, error.to_string()))?;
    let words = Text::read(&file).map_err(|error| Exit::new(exit::VERIFICATION, error.to_string()))?;
    let tokens = words.encode(&text)?;
    let threads = match global.threads {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        threads => threads,
    };
    let Ready { context, cache_bytes, cache_type, .. } = ready;
    let options = LoadOptions { threads, kernel: Some(kernel), context, cache_bytes, cache_type };
    let mut model = model::load(Arc::new(file), &options)?;
    let Some((value, counted)) = perplexity(&mut *model, words.first(), &tokens, args.window)? else {
        let message = format!("{} tokens are less than one window of {}", tokens.len(), args.window);
        return Err(Exit::new(exit::USAGE, format!("{message} (take a longer text or a smaller --window)")));
    };
    let (id, kernel, kv) = (ready.model.id.to_string(), kernel.name(), cache_type.name());
    if global.json {
        let row = serde_json::json!({ "model": id, "kernel": kernel, "kv": kv, "tokens": tokens.len(), "counted": counted, "perplexity": value });
        println!("{row}");
    } else {
        println!("{id}, {kernel}, {kv}: perplexity {value:.4} over {counted} of {} tokens", tokens.len());
    }
    Ok(())
}

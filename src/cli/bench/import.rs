//! `offrecord bench import`: other tools' results as data for `bench grading`.

use std::path::PathBuf;

use super::print;
use crate::bench::import::{self, Format};
use crate::config::Global;
use crate::exit::{self, Exit};

/// Flags of `bench import`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The other tool's file.
    file: PathBuf,
    /// What it is.
    #[arg(long, value_name = "TOOL")]
    from: Format,
    /// The metric that is the mark, for lm-eval; left out: score, exact_match or acc.
    #[arg(long, value_name = "FIELD")]
    score: Option<String>,
    /// Name of the data set; left out: the file's.
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Where the JSON lines go; left out: standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Reads, writes JSON lines, names what was not used.
///
/// # Errors
/// No such file (3), not of the format or nothing usable in it (2).
pub fn run(_: &Global, args: &Args) -> anyhow::Result<()> {
    let path = args.file.display();
    let text = std::fs::read_to_string(&args.file).map_err(|error| {
        let code = if error.kind() == std::io::ErrorKind::NotFound { exit::NOT_FOUND } else { exit::USAGE };
        Exit::new(code, format!("{path}: {error}"))
    })?;
    let stem = args.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = args.dataset.as_deref().unwrap_or(&stem);
    let imported = import::read(args.from, &text, name, args.score.as_deref())
        .map_err(|reason| Exit::new(exit::USAGE, format!("{path}: {reason}")))?;
    for fault in &imported.faults {
        eprintln!("record {}: {}: {} (not used)", fault.line, fault.field, fault.reason);
    }
    if imported.items.is_empty() {
        return Err(Exit::new(exit::USAGE, format!("{path}: nothing usable in it")));
    }
    let lines: String = imported.items.iter().map(|item| format!("{item}\n")).collect();
    match &args.output {
        Some(output) => {
            std::fs::write(output, lines)?;
            eprintln!("{} items written to {}", imported.items.len(), output.display());
            Ok(())
        }
        None => print(&lines),
    }
}

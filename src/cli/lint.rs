//! `offrecord lint`: checks content files.

use std::path::PathBuf;

use crate::content::{Content, lint};
use crate::exit::{self, Exit};

/// Flags of `lint`.
#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// A folder with `system-design/` and `behavioural/`; the built-in content if left out.
    pub dir: Option<PathBuf>,
}

/// Prints each fault with file and reason.
///
/// # Errors
/// When there is a fault, or the folder cannot be read.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let content = match &args.dir {
        None => Content::built_in(),
        Some(dir) => Content::from_dir(dir).map_err(|error| {
            Exit::new(
                exit::NOT_FOUND,
                format!("{}: {error} (give a folder that holds system-design/ and behavioural/)", dir.display()),
            )
        })?,
    };
    let faults = lint::faults(&content);
    for fault in &faults {
        println!("{fault}");
    }
    let (problems, competencies) = (content.problems().count(), content.competencies().count());
    eprintln!("{problems} problems, {competencies} competencies, {} faults", faults.len());
    if faults.is_empty() { Ok(()) } else { Err(Exit::new(exit::FAILURE, "the content has faults (see above)")) }
}

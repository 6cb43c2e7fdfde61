//! How a pull shows itself: a bar for a person at a terminal, JSON lines for everything else.

use std::cell::RefCell;
use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

use crate::catalogue::Progress;

/// Shows progress on standard error; with `--json` as JSON lines on standard output.
pub struct Display {
    way: Way,
}

enum Way {
    Bar(RefCell<Option<ProgressBar>>),
    LinesOnStderr,
    LinesOnStdout,
}

impl Display {
    /// Chooses by what standard error is.
    #[must_use]
    pub fn new(json: bool) -> Self {
        let way = match (json, std::io::stderr().is_terminal()) {
            (true, _) => Way::LinesOnStdout,
            (false, true) => Way::Bar(RefCell::new(None)),
            (false, false) => Way::LinesOnStderr,
        };
        Self { way }
    }

    /// A line for a person; left out where a program reads.
    pub fn note(&self, text: &str) {
        if let Way::Bar(_) = self.way {
            eprintln!("{text}");
        }
    }

    /// Shows one report.
    pub fn show(&self, progress: &Progress) {
        match &self.way {
            Way::Bar(bar) => show_to_person(&mut bar.borrow_mut(), progress),
            Way::LinesOnStderr => write_line(&mut std::io::stderr().lock(), progress),
            Way::LinesOnStdout => write_line(&mut std::io::stdout().lock(), progress),
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Way::Bar(bar) = &self.way
            && let Some(bar) = bar.borrow_mut().take()
        {
            bar.finish_and_clear();
        }
    }
}

/// A reader that has gone away is no reason to stop a download.
fn write_line(out: &mut dyn std::io::Write, progress: &Progress) {
    if let Ok(line) = serde_json::to_string(progress) {
        let _ = writeln!(out, "{line}");
    }
}

fn show_to_person(bar: &mut Option<ProgressBar>, progress: &Progress) {
    let say = |bar: &Option<ProgressBar>, text: String| match bar {
        Some(bar) => bar.println(text),
        None => eprintln!("{text}"),
    };
    match progress {
        Progress::Trying { source } => say(bar, format!("from {source}")),
        Progress::SourceFailed { source, reason } => {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
            say(bar, format!("{source}: {reason}"));
        }
        Progress::Pinned { sha256 } => {
            say(bar, format!("not tested here; the hub says sha256 {sha256}, pinned from now on"))
        }
        Progress::Downloading { total, completed } => advance(bar, *total, *completed, "downloading"),
        Progress::Verifying { total, completed } => advance(bar, *total, *completed, "verifying"),
        Progress::Success { sha256 } => {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
            say(bar, format!("verified, sha256 {sha256}"));
        }
    }
}

fn advance(bar: &mut Option<ProgressBar>, total: u64, completed: u64, word: &'static str) {
    let bar = bar.get_or_insert_with(|| {
        let style =
            "{msg:12} {bar:30} {decimal_bytes:>10} of {decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left";
        let style = ProgressStyle::with_template(style).expect("the template is fixed. This is a bug.");
        let bar = ProgressBar::new(total).with_style(style.progress_chars("=> "));
        // What an earlier pull left must not count as speed.
        bar.set_position(completed);
        bar.reset_eta();
        bar
    });
    bar.set_message(word);
    bar.set_length(total);
    bar.set_position(completed);
}

//! Markdown, as far as the tests need it: commands of `sh` blocks, links, headings.

use std::collections::BTreeSet;

/// A command of a block marked `sh`.
#[derive(Debug)]
pub struct Line {
    /// Where it stands, from 1.
    pub number: usize,
    /// Without its comment.
    pub text: String,
    /// Why it is not run: `*Not run by the tests: REASON*` on the line before its block.
    pub excused: Option<String>,
}

const EXCUSE: &str = "*Not run by the tests: ";

/// Every command of every `sh` block; a line that ends with a backslash goes on.
pub fn commands(text: &str) -> Vec<Line> {
    let mut found: Vec<Line> = Vec::new();
    let (mut inside, mut excused, mut before, mut open) = (false, None, "", false);
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if !inside {
            if trimmed == "```sh" {
                inside = true;
                excused = before.strip_prefix(EXCUSE).map(|reason| reason.trim_end_matches(['*', '.']).to_owned());
            } else if !trimmed.is_empty() {
                before = trimmed;
            }
            continue;
        }
        if trimmed.starts_with("```") {
            (inside, before) = (false, "");
            continue;
        }
        let (part, goes_on) = match without_comment(trimmed).strip_suffix('\\') {
            Some(part) => (part.trim_end().to_owned(), true),
            None => (without_comment(trimmed).to_owned(), false),
        };
        if open && let Some(last) = found.last_mut() {
            last.text = format!("{} {part}", last.text);
        } else if !part.is_empty() {
            found.push(Line { number: at + 1, text: part, excused: excused.clone() });
        }
        open = goes_on;
    }
    found
}

fn without_comment(line: &str) -> &str {
    let end = if line.starts_with('#') { 0 } else { line.find(" #").unwrap_or(line.len()) };
    line[..end].trim_end()
}

impl Line {
    /// The words of the command, if `program` is what it runs: without variables before it and pipes behind it.
    pub fn words_of(&self, program: &str) -> Option<Vec<String>> {
        let mut words = self.text.split_whitespace().map(|word| word.trim_matches(['\'', '"']).to_owned()).peekable();
        while words.next_if(|word| word.contains('=') && word.chars().next().is_some_and(char::is_uppercase)).is_some()
        {
        }
        if words.peek()? != program {
            return None;
        }
        Some(words.take_while(|word| !["|", ">", "<", "&&", ";", "2>"].contains(&word.as_str())).collect())
    }
}

/// Targets of links and pictures outside of code.
pub fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        }
        if inside {
            continue;
        }
        // Every second piece between backticks is code.
        for prose in line.split('`').step_by(2) {
            for (at, _) in prose.match_indices("](") {
                let rest = &prose[at + 2..];
                if let Some(end) = rest.find(')') {
                    found.push(rest[..end].split(' ').next().unwrap_or_default().to_owned());
                }
            }
        }
    }
    found
}

/// What headings are called in links.
pub fn anchors(text: &str) -> BTreeSet<String> {
    let heading = |line: &str| line.trim_start_matches('#').trim().to_lowercase();
    let kept = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| heading(line).replace(' ', "-").chars().filter(|c| kept(*c)).collect())
        .collect()
}

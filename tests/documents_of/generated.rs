//! The part of the reference that the code says itself: commands and flags from the parser, routes from the table of the
//! router, settings from both and from the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use offrecord::cli::Cli;
use offrecord::http::routes::{Access, Body, TABLE};

const HEAD: &str = "<!-- Generated: OFFRECORD_UPDATE=1 cargo test --test docs. Do not edit. -->\n\n";

/// The whole command line, with what every command takes named once.
fn root() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

fn is_global(arg: &Arg) -> bool {
    arg.is_global_set() || ["help", "version"].contains(&arg.get_id().as_str())
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help")
}

/// Every visible command with its full name, parents first.
fn all() -> Vec<(String, Command)> {
    fn walk(name: &str, command: &Command, found: &mut Vec<(String, Command)>) {
        for verb in visible(command) {
            let name = format!("{name} {}", verb.get_name());
            found.push((name.clone(), verb.clone()));
            walk(&name, verb, found);
        }
    }
    let root = root();
    let mut found = Vec::new();
    walk("offrecord", &root, &mut found);
    found
}

fn flag(arg: &Arg) -> String {
    let value = || {
        let names: Vec<String> = arg.get_value_names().into_iter().flatten().map(|name| format!(" {name}")).collect();
        if matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::SetFalse | ArgAction::Count) {
            String::new()
        } else {
            names.concat()
        }
    };
    let long = arg.get_long().map(|long| format!("--{long}"));
    let short = arg.get_short().map(|short| format!("-{short}"));
    match (long, short) {
        (Some(long), Some(short)) => format!("{long}, {short}{}", value()),
        (Some(name), None) | (None, Some(name)) => format!("{name}{}", value()),
        (None, None) => value().trim().to_owned(),
    }
}

fn help(arg: &Arg) -> String {
    arg.get_help().map(ToString::to_string).unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}

fn environment(arg: &Arg) -> Option<String> {
    arg.get_env().map(|name| name.to_string_lossy().into_owned())
}

fn default(arg: &Arg) -> String {
    let switch = matches!(arg.get_action(), ArgAction::SetTrue);
    let values: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if switch || values.is_empty() { String::new() } else { format!("`{}`", values.join(",")) }
}

fn table(out: &mut String, args: &[&Arg]) {
    if args.is_empty() {
        return;
    }
    out.push_str("\n| | Default | Environment | |\n|---|---|---|---|\n");
    for arg in args {
        let environment = environment(arg).map_or_else(String::new, |name| format!("`{name}`"));
        let _ =
            writeln!(out, "| `{}` | {} | {environment} | {} |", flag(arg).replace('|', "\\|"), default(arg), help(arg));
    }
}

/// `docs/generated/commands.md`.
pub fn commands() -> String {
    let root = root();
    let mut out = format!(
        "{HEAD}# Commands\n\nWhat they do together, exit codes and output: [the reference](../reference.md).\n"
    );
    out.push_str("\n## Flags of every command\n");
    table(&mut out, &root.get_arguments().filter(|arg| is_global(arg)).collect::<Vec<_>>());
    for (name, command) in all() {
        let _ = write!(out, "\n## {name}\n\n{}\n", command.get_about().map(ToString::to_string).unwrap_or_default());
        let own: Vec<&Arg> = command.get_arguments().filter(|arg| !is_global(arg) && !arg.is_hide_set()).collect();
        table(&mut out, &own);
    }
    out
}

/// `docs/generated/routes.md`.
pub fn routes() -> String {
    let mut out = format!("{HEAD}# Routes\n\nBodies, answers and errors: [the reference](../reference.md#http).\n\n");
    out.push_str("| Route | Who may ask | Takes | At most |\n|---|---|---|---|\n");
    for route in TABLE {
        let who = match route.access {
            Access::Open => "anyone on this machine",
            Access::Key => "who holds the key",
        };
        let takes = match route.body {
            Body::None => "nothing".to_owned(),
            body => body.media_types().to_owned(),
        };
        let most = match route.body {
            Body::None => String::new(),
            body => format!("{} bytes", body.limit()),
        };
        let _ = writeln!(out, "| `{} {}` | {who} | {takes} | {most} |", route.method, route.path);
    }
    out
}

/// `docs/generated/settings.md`.
pub fn settings(source: &Path) -> String {
    let mut out = format!("{HEAD}# Settings\n\nThere is no settings file: a flag, or its twin in the environment.\n\n");
    out.push_str("| Environment | Flag | Of | |\n|---|---|---|---|\n");
    let flags = flags();
    for (name, (flag, of, help)) in &flags {
        let _ = writeln!(out, "| `{name}` | `{}` | {} | {help} |", flag.replace('|', "\\|"), of.join(", "));
    }
    out.push_str("\nWithout a flag (what they mean: [the reference](../reference.md)):\n\n");
    for name in read_by_the_code(source).into_iter().filter(|name| !flags.contains_key(name)) {
        let _ = writeln!(out, "- `{name}`");
    }
    out
}

/// Environment name to flag, commands and help.
fn flags() -> BTreeMap<String, (String, Vec<String>, String)> {
    let mut found: BTreeMap<String, (String, Vec<String>, String)> = BTreeMap::new();
    let root = root();
    for arg in root.get_arguments() {
        if let Some(name) = environment(arg) {
            found.insert(name, (flag(arg), vec!["every command".to_owned()], help(arg)));
        }
    }
    for (command, verb) in all() {
        for arg in verb.get_arguments().filter(|arg| !is_global(arg)) {
            if let Some(name) = environment(arg) {
                let command = command.trim_start_matches("offrecord ").to_owned();
                found.entry(name).or_insert_with(|| (flag(arg), Vec::new(), help(arg))).1.push(format!("`{command}`"));
            }
        }
    }
    found
}

/// `OFFRECORD_…` and `HF_…` in string literals of the source, outside of tests.
fn read_by_the_code(source: &Path) -> BTreeSet<String> {
    let (mut folders, mut found) = (vec![source.to_owned()], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file");
                let text = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
                for piece in text.split('"') {
                    let prefixed = piece.starts_with("OFFRECORD_") || piece.starts_with("HF_");
                    let plain = piece.len() > 4
                        && piece.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit());
                    if prefixed && plain {
                        found.insert(piece.to_owned());
                    }
                }
            }
        }
    }
    found
}

/// What the hand-written reference must name: commands, and settings without a flag.
pub fn names(source: &Path) -> Vec<String> {
    let verbs = visible(&root()).map(|verb| verb.get_name().to_owned()).collect::<Vec<_>>();
    let flags = flags();
    let variables = read_by_the_code(source).into_iter().filter(|name| !flags.contains_key(name));
    verbs.into_iter().chain(variables).collect()
}

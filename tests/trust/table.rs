//! The table of `docs/trust.md`: what was tried for each row, how often, and what failed. Written by `./check --trust`
//! (`OFFRECORD_TRUST_WRITE=1` here) from the lines that the tests leave; otherwise looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The rows, in order: threats, then faults.
const ROWS: [(&str, &str); 43] = [
    ("T1", "DNS rebinding"),
    ("T2", "requests forged by another site's page"),
    ("T3", "another user of this machine, another machine"),
    ("T4", "CORS"),
    ("T5", "script in what a model, a person or a file wrote"),
    ("T6", "leaks through a link or an image"),
    ("T7", "any connection after the set-up"),
    ("T8", "a pull sent elsewhere"),
    ("T9", "paths in names, ids and digests"),
    ("T10", "hostile or corrupt model files"),
    ("T11", "hostile chat templates"),
    ("T12", "special tokens in what people write"),
    ("T13", "instructions in an answer or a résumé"),
    ("T14", "hostile PDFs"),
    ("T15", "hostile Word documents"),
    ("T16", "uploads of the wrong size or kind"),
    ("T17", "bad numbers and files"),
    ("T18", "private data and control characters in logs"),
    ("T19", "exports that run or overwrite"),
    ("T20", "dependencies"),
    ("T21", "hostile audio"),
    ("T22", "one session's words in another"),
    ("T23", "secrets at rest"),
    ("D1", "killed at any moment"),
    ("D2", "power loss"),
    ("D3", "disk full, failing or read-only"),
    ("D4", "two windows on a session"),
    ("D5", "two processes on a folder"),
    ("D6", "a client that leaves"),
    ("D7", "a model too large"),
    ("D8", "broken downloads"),
    ("D9", "clients that dribble and stall"),
    ("D10", "very long and odd answers"),
    ("D11", "many at once on one model"),
    ("D12", "signals"),
    ("D13", "an interrupted interview"),
    ("D14", "leaks of memory and descriptors"),
    ("D15", "migrations"),
    ("D16", "a damaged database"),
    ("D17", "odd surroundings and clocks"),
    ("D18", "panics"),
    ("D19", "generation that is stuck or loops"),
    ("D20", "a reload in the middle of a reply"),
];

/// What a test left, or should have left.
#[derive(Default)]
struct Trial {
    tried: usize,
    failed: usize,
    ran: bool,
    notes: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Source files of this program's tests.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of the source").flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs" || ending == "mjs") {
                found.push(path);
            }
        }
    }
    found
}

/// The quoted word that comes next, if nothing but blanks and a comma stand before it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches([' ', '\n', ',', '\t']).strip_prefix('"')?;
    text.split_once('"')
}

/// Every row and its inputs that some test says it tries.
fn announced() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in sources() {
        let text = std::fs::read_to_string(path).expect("a source file");
        for opener in ["tried(", "Tally::of("] {
            for piece in text.split(opener).skip(1) {
                if let Some((row, rest)) = quoted(piece)
                    && let Some((what, _)) = quoted(rest)
                    && ROWS.iter().any(|(known, _)| *known == row)
                {
                    found.push((row.to_owned(), what.to_owned()));
                }
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The records, added up.
fn trials(folder: &Path) -> BTreeMap<(String, String), Trial> {
    let mut trials: BTreeMap<(String, String), Trial> =
        announced().into_iter().map(|key| (key, Trial::default())).collect();
    for entry in std::fs::read_dir(folder).expect("the folder with the records").flatten() {
        let text = std::fs::read_to_string(entry.path()).expect("a record");
        for line in text.lines() {
            let columns: Vec<&str> = line.split('\t').collect();
            let [row, what, tried, failed, ..] = columns[..] else { panic!("{line}") };
            let trial = trials.entry((row.to_owned(), what.to_owned())).or_default();
            trial.ran = true;
            trial.tried += tried.parse::<usize>().expect("a number");
            trial.failed += failed.parse::<usize>().expect("a number");
            trial.notes.extend(columns.get(6).filter(|note| !note.is_empty()).map(|note| (*note).to_owned()));
        }
    }
    trials
}

/// The file. A trial without a record is named as not run: it was left out, or its test did not come to its end.
fn page(trials: &BTreeMap<(String, String), Trial>, tier: &str, date: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    // How long all of `./check --trust` took, and on what.
    let seconds = std::env::var("OFFRECORD_TRUST_SECONDS").ok().and_then(|seconds| seconds.parse::<u64>().ok());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let took =
        seconds.map_or_else(String::new, |s| format!(", in one run of {} minutes on {cores} cores", s.div_ceil(60)));
    let ran = trials.values().filter(|trial| trial.ran).count();
    let mut page = format!(
        "# What was tried against it\n\n\
         Written by the tests, not by hand: `FULL=1 ./check --trust` makes it again, `./check` tries a part of each. The threats\n\
         and faults are those of the project's threat table; the numbers are in `tests/trust/tier.rs`. \"Not run\" is a\n\
         trial that this run left out, or whose test did not come to its end. What is promised and what is not: `SECURITY.md`,\n\
         `PROMISES.md`.\n\n\
         Version {version}, {date}, {tier} numbers, {ran} of {} trials run{took}.\n\n\
         | Row | Threat or fault | Inputs | Failed | What was tried |\n|---|---|---|---|---|\n",
        trials.len()
    );
    for (row, title) in ROWS {
        let of_row: Vec<_> = trials.iter().filter(|((name, _), _)| name == row).collect();
        let tried: usize = of_row.iter().map(|(_, trial)| trial.tried).sum();
        let failed: usize = of_row.iter().map(|(_, trial)| trial.failed).sum();
        let words: Vec<String> = of_row
            .iter()
            .map(|((_, what), trial)| {
                let notes =
                    if trial.notes.is_empty() { String::new() } else { format!(" ({})", trial.notes.join("; ")) };
                let tried = if trial.ran { trial.tried.to_string() } else { "not run".to_owned() };
                format!("{what}: {tried}{notes}").replace('|', "/")
            })
            .collect();
        let words =
            if words.is_empty() { "no test of this row leaves a record".to_owned() } else { words.join("<br>") };
        page.push_str(&format!("| {row} | {title} | {tried} | {failed} | {words} |\n"));
    }
    page
}

#[test]
fn the_table_names_every_row() {
    let path = root().join("docs/trust.md");
    if std::env::var_os("OFFRECORD_TRUST_WRITE").is_some() {
        let folder = PathBuf::from(std::env::var_os("OFFRECORD_TRUST_RECORD").expect("the folder with the records"));
        let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let days = i64::try_from(seconds.as_secs() / 86_400).expect("a date");
        let tier = if crate::tier::is_full() { "full" } else { "small" };
        std::fs::write(&path, page(&trials(&folder), tier, &date(days))).expect("docs/trust.md is written");
    }
    let page = std::fs::read_to_string(&path).expect("docs/trust.md");
    for (row, title) in ROWS {
        assert!(page.contains(&format!("| {row} | {title} | ")), "docs/trust.md has no row {row}");
    }
    for (row, title) in ROWS {
        assert!(announced().iter().any(|(known, _)| known == row), "no test tries {row}, {title}");
    }
    assert!(announced().len() > 60, "only {} trials are announced", announced().len());
}

/// Year, month and day of a number of days since 1970 (after Howard Hinnant's `civil_from_days`).
fn date(days: i64) -> String {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let (day, month) = (
        of_year - (153 * shifted_month + 2) / 5 + 1,
        if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 },
    );
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

#[test]
fn a_date_is_a_date() {
    assert_eq!([date(0), date(11_016), date(20_781)], ["1970-01-01", "2000-02-29", "2026-11-24"]);
}

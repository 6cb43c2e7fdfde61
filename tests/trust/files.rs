//! Files that people bring: data sets, results of other tools, drawings, transcripts, golden interviews. Made by hand and
//! changed at random with fixed seeds; whatever they hold, a value or a plain refusal comes back, soon.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use offrecord::bench::import::{self, Format};
use offrecord::bench::{dataset, golden};
use offrecord::interview::dice::Dice;

use crate::process::offrecord;
use crate::tier::{self, Tally};

/// A reader; what it makes of the bytes does not matter, that it ends does.
type Reader = fn(&[u8]);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const READERS: [(&str, &str, Reader); 7] = [
    ("promptfoo", "tests/fixtures/import/promptfoo.json", |bytes| {
        drop(import::read(Format::Promptfoo, &text(bytes), "x", None))
    }),
    ("Prometheus", "tests/fixtures/import/prometheus.json", |bytes| {
        drop(import::read(Format::Prometheus, &text(bytes), "x", None))
    }),
    ("lm-eval", "tests/fixtures/import/lm-eval.jsonl", |bytes| {
        drop(import::read(Format::LmEval, &text(bytes), "x", Some("acc")))
    }),
    ("a data set", "tests/fixtures/import/lm-eval.jsonl", |bytes| drop(dataset::parse(bytes, "x"))),
    ("a golden interview", "tests/fixtures/golden/api-quota-x2.toml", |bytes| drop(golden::read::parse(&text(bytes)))),
    ("a drawing", "tests/fixtures/boards/13-feed-fanout.excalidraw", board),
    ("a hostile drawing", "tests/fixtures/boards/20-hostile-labels.excalidraw", board),
];

fn board(bytes: &[u8]) {
    if let Ok(scene) = serde_json::from_slice(bytes)
        && let Ok(graph) = offrecord::board::read(&scene)
        && let Ok(scene) = offrecord::board::Scene::read(&scene)
    {
        drop((graph, offrecord::board::svg(&scene)));
    }
}

/// One to three changes: other bytes, a piece cut out, doubled or put elsewhere, a number or a word made extreme.
fn changed(good: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..1 + dice.below(3) {
        if bytes.is_empty() {
            break;
        }
        let at = dice.below(bytes.len());
        let until = (at + 1 + dice.below(80)).min(bytes.len());
        match dice.below(6) {
            0 => bytes[at] = dice.below(256) as u8,
            1 => drop(bytes.drain(at..until)),
            2 => {
                let piece = bytes[at..until].to_vec();
                for _ in 0..1 + dice.below(40) {
                    bytes.splice(at..at, piece.iter().copied());
                }
            }
            3 => bytes.truncate(at),
            4 => {
                let odd = [
                    "1e999",
                    "-0",
                    "\"\\ud800\"",
                    "null",
                    "[[[[",
                    "9223372036854775808",
                    "\u{202e}",
                    "\0",
                    "{}",
                    "NaN",
                ];
                let odd = odd[dice.below(odd.len())].bytes();
                bytes.splice(at..at, odd);
            }
            _ => {
                if let Some(digit) = (at..bytes.len()).find(|at| bytes[*at].is_ascii_digit()) {
                    bytes.splice(digit..=digit, b"-99999999999".iter().copied());
                }
            }
        }
    }
    bytes
}

#[test]
fn whatever_a_file_holds_it_is_read_or_refused_soon() {
    let tally = Tally::of("T17", "files of other tools, data sets, drawings, golden interviews, changed at random");
    for (name, path, reader) in READERS {
        let good = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a fixture");
        let mut dice = Dice::new(7);
        for round in 0..tier::FILE_CORRUPTIONS.n() {
            let bytes = changed(&good, &mut dice);
            let begun = Instant::now();
            let ended = catch_unwind(AssertUnwindSafe(|| reader(&bytes)));
            if ended.is_err() {
                let kept = std::env::temp_dir().join(format!("offrecord-crash-{}-{round}", name.replace(' ', "-")));
                let _ = std::fs::write(&kept, &bytes);
                panic!("{name}, round {round}: a panic; the file is {}", kept.display());
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{name}, round {round}: {:?}", begun.elapsed());
            tally.add(1);
        }
    }
}

#[test]
fn bombs_are_refused_within_bounds_of_memory_and_time() {
    let tally = Tally::of("T17", "bombs read by the program under 2 GiB of address space");
    let folder = tempfile::tempdir().expect("a folder");
    let deep = "[".repeat(200_000);
    let nested = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    let long = format!("{{\"results\":{{\"results\":[{{\"vars\":{{\"question\":\"{}\"}}}}]}}}}", "x".repeat(8 << 20));
    let many = format!("[{}]", vec!["{}"; 400_000].join(","));
    let lines = "{\"doc\":{\"question\":\"q\"}}\n".repeat(200_000);
    let bombs = [
        ("deep", deep),
        ("nested", nested),
        ("long", long),
        ("many", many),
        ("lines", lines),
        ("empty", String::new()),
        ("nul", "\0".repeat(100_000)),
    ];
    for (name, bytes) in &bombs {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).expect("written");
        for arguments in [
            &["bench", "import", "--from", "promptfoo"][..],
            &["bench", "import", "--from", "prometheus"],
            &["bench", "import", "--from", "lm-eval"],
            &["grade"],
        ] {
            let out = folder.path().join("out").display().to_string();
            let mut command = offrecord(folder.path(), &["sh", "-c", "ulimit -v 2097152 -t 60; exec \"$0\" \"$@\""]);
            command.args(arguments).arg(&file);
            if arguments[0] == "bench" {
                command.args(["--output", &out]);
            }
            // More than 60 s of the processor would end it by a signal. Thousands of refused records would fill a pipe that nobody reads.
            let output = command.output().expect("it runs");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                matches!(output.status.code(), Some(0..=4)),
                "{name} {arguments:?}: {:?} {said:.300}",
                output.status
            );
            assert!(!said.contains("panicked"), "{name} {arguments:?}: {said:.300}");
            tally.add(1);
        }
    }
}

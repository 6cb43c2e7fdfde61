//! The loader against good and bad files.

use std::path::{Path, PathBuf};

use super::*;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden")
}

pub(super) fn three() -> Vec<Golden> {
    let set = read::folder(&fixtures(), &Content::built_in()).expect("the fixtures");
    assert_eq!(set.faults, []);
    set.interviews
}

#[test]
fn a_sound_file_is_read_whole() {
    let set = three();
    assert_eq!(
        set.iter().map(|g| g.id.as_str()).collect::<Vec<_>>(),
        ["api-quota-x2", "feature-switches-x1", "incident-owned-x3"]
    );
    let transcript = set[1].transcript();
    assert_eq!((transcript.turns.len(), transcript.turns[7].seq), (8, 7));
    assert_eq!(set[1].level_of(Dimension::Technical), Some(4));
    assert_eq!(set[1].level_of(Dimension::Leadership), None);
}

#[test]
fn a_broken_file_is_named_by_field_and_the_rest_goes_on() {
    let good = std::fs::read_to_string(fixtures().join("incident-owned-x3.toml")).expect("a fixture");
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: String| std::fs::write(dir.path().join(name), text).expect("a file");
    write("incident-owned-x3.toml", good.clone());
    write("other.toml", good.clone());
    let broken = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    for (name, from, to) in [
        ("a.toml", "level = 4\nreason", "level = 6\nreason"),
        ("b.toml", "quote = \"I had written the retry myself", "quote = \"You had written the retry myself"),
        ("c.toml", "problem = \"incident-owned\"", "problem = \"no-such-thing\""),
        ("d.toml", "role = \"candidate\"", "role = \"interviewer\""),
        ("e.toml", "covered = [\"situation\", \"own-action\"]", "covered = [\"situation\", \"applause\"]"),
        ("f.toml", "[labels.pragmatism]\nna = \"One piece only: the rule that did not work.\"\n", ""),
        ("g.toml", "quote = \"the platform group looks after it now\"", "quote = \"looks after it\""),
        ("h.toml", "minutes = 15", "minutes = -15"),
        ("i.toml", "na = \"No design decision was told.\"", "reason = \"nothing\""),
    ] {
        let id = name.trim_end_matches(".toml");
        write(name, broken(from, to).replacen("id = \"incident-owned-x3\"", &format!("id = \"{id}\""), 1));
    }
    std::fs::write(dir.path().join("j.toml"), [0xff, 0xfe]).expect("a file");
    let set = read::folder(dir.path(), &Content::built_in()).expect("the folder");
    assert_eq!(set.interviews.len(), 1);
    let faults: Vec<String> = set.faults.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(faults.join("\n"), @r"
    a.toml: labels.technical.level: 6 is outside 1 to 5
    b.toml: labels.ownership.moments[0].quote: not verbatim in turn 1: You had written the retry myself and had not given the mails an id
    c.toml: problem: no problem or competency no-such-thing
    d.toml: turn[1].role: interviewer and candidate must alternate, the interviewer first
    d.toml: turn[1]: covered, carries and paraphrase belong to the candidate's turns
    d.toml: labels.technical.moments[0].turn: 1 is no turn of the candidate
    d.toml: labels.ownership.moments[0].turn: 1 is no turn of the candidate
    e.toml: turn[1].covered: applause is not in incident-owned
    f.toml: labels.pragmatism: missing
    g.toml: labels.leadership.moments[1].quote: fewer than 6 words: looks after it
    h.toml: line 5: invalid value: integer `-15`, expected u32
    i.toml: labels.architectural.level: missing, and no na that says why
    j.toml: file: not UTF-8
    other.toml: id: incident-owned-x3 is not the file's name
    ");
}

fn plan(output: &Path) -> run::Plan {
    run::Plan {
        folder: fixtures(),
        limit: 0,
        metamorphic: true,
        uncalibrated: false,
        output: output.to_owned(),
        seed: 1,
    }
}

#[tokio::test]
async fn code_alone_grades_the_set_and_a_second_run_takes_over_what_is_there() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut steps = 0;
    let first = run::run(&plan(dir.path()), None, &mut |_, all| steps = all).await.expect("results");
    assert_eq!((first.status.as_str(), first.interviews, first.problems), ("success", 3, 3));
    assert!(steps > 30, "{steps} grades");
    assert!(first.pooled.n >= 6 && first.pooled.metrics.contains_key("spearman"));
    assert!((first.evidence_valid_rate.expect("evidence").value - 1.0).abs() < 1e-12);
    assert!(first.seconds_per_interview.is_some());
    let page = std::fs::read_to_string(dir.path().join("report.html")).expect("a page");
    assert!(page.contains("Worst misses") && page.contains("What moves a level") && !page.contains("<script"));
    // A torn last line is graded again; all else is taken over.
    let path = dir.path().join("samples.jsonl");
    let text = std::fs::read_to_string(&path).expect("samples");
    std::fs::write(&path, &text[..text.len() - 40]).expect("torn");
    let second = run::run(&plan(dir.path()), None, &mut |_, _| ()).await.expect("results");
    assert_eq!(
        serde_json::to_value(&first.pooled).ok(),
        serde_json::to_value(&second.pooled).ok(),
        "the same samples give the same numbers"
    );
    let again = std::fs::read_to_string(&path).expect("samples");
    let plain = |text: &str| -> Vec<(String, serde_json::Value)> {
        let line = |l: &str| serde_json::from_str::<serde_json::Value>(l).expect("a sample");
        text.lines().map(line).map(|v| (v["id"].to_string(), v["predicted"].clone())).collect()
    };
    assert_eq!(plain(&text), plain(&again));
}

#[tokio::test]
async fn an_engine_that_fails_leaves_unscored_lines_and_the_status_partial() {
    use crate::engine::scripted::{self, Script};
    let dir = tempfile::tempdir().expect("a folder");
    let broken = scripted::start(Script {
        judgement: Box::new(|choice| vec![f32::NAN; choice.options.len()]),
        ..Script::default()
    });
    let plan = run::Plan { metamorphic: false, ..plan(dir.path()) };
    let results = run::run(&plan, Some(&broken), &mut |_, _| ()).await.expect("results");
    assert_eq!((results.status.as_str(), results.pooled.n), ("partial", 0));
    let sound = scripted::start(Script::default());
    let results = run::run(&plan, Some(&sound), &mut |_, _| ()).await.expect("results");
    assert_eq!(results.status, "success");
    assert!(results.pooled.n > 0 && results.seconds_per_interview.is_some(), "failures are tried again");
}

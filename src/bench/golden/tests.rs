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
    let mut write = |name: &str, text: String| std::fs::write(dir.path().join(name), text).expect("a file");
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

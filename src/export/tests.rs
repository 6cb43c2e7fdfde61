//! What a person reads, as snapshots, and what hostile text must not do.

use serde_json::json;

use super::*;
use crate::interview::debrief::Observed;
use crate::interview::note::Contradiction;

fn card() -> Scorecard {
    serde_json::from_value(json!({
        "version": 1, "session": "0190-x",
        "overall": {"score": 3.5, "level_reading": "senior", "note": "Mean 3.50 of 1 dimension."},
        "dimensions": [{
            "id": "pragmatism", "title": "Pragmatism", "core": true, "status": "scored", "score": 3.5,
            "distribution": {"3": 0.5, "4": 0.5}, "spread": 0.2, "confidence": "low",
            "evidence": [{"turn": 1, "quote": "a single Postgres <table>", "start": 4, "end": 29, "sign": "+",
                          "anchor": 4, "item": "simple-first", "ask": "Starts simple?", "strength": 0.9}],
            "caps": [{"rule": "no-number", "effect": "at most 4", "limit": 4, "reason": "no number was named"}],
            "gap": "No sign to revisit was named.", "anchor_missed": null, "drill": "Name the number first.",
            "staff_note": null, "checklist": []
        }, {
            "id": "leadership", "title": "Leadership & influence", "core": false, "status": "not_assessed",
            "reason": {"code": "too-little-evidence", "message": "Fewer than two quotations."},
            "score": null, "distribution": null, "spread": null, "confidence": null, "evidence": [], "caps": [],
            "gap": null, "anchor_missed": null, "drill": null, "staff_note": null, "checklist": []
        }],
        "contradictions": [], "hints": [],
        "refused_turns": [{"turn": 3, "code": "too-short", "message": "Fewer than 15 words."}],
        "interviewer_report": null,
        "provenance": {"version": "0.1.0", "model": "scripted", "model_sha256": "abc", "quant": "none",
            "prompt_sha256": "def", "rubric_version": "1", "calibration_sha256": null, "seed": 7, "threads": 1,
            "kernel": "none", "cpu": "none"}
    }))
    .expect("the contract's scorecard")
}

fn session() -> Session {
    let transcript: Transcript = serde_json::from_value(json!({
        "version": 1, "round": "system-design", "level": "senior", "problem": "url-shortener", "minutes": 15,
        "turns": [
            {"seq": 0, "role": "interviewer", "text": "Design a link shortener.", "at_ms": 0},
            {"seq": 1, "role": "candidate", "text": "I use a single Postgres <table>,\nthen *measure*.", "at_ms": 61_000},
            {"seq": 2, "role": "interviewer", "text": "What breaks first?", "at_ms": 65_000},
            {"seq": 3, "role": "candidate", "text": "# no idea", "at_ms": 90_500}
        ]
    }))
    .expect("a transcript");
    Session {
        summary: serde_json::from_value(json!({
            "id": "01900000-0000-7000-8000-0000abcd1234", "round": "system-design", "level": "senior",
            "problem": "url-shortener", "title": "Link shortener", "minutes": 15, "status": "finished",
            "created_at": "2026-01-02T03:04:05Z", "overall": 3.5
        }))
        .expect("a summary"),
        transcript,
        hints: vec![HintView {
            topic: "hot-keys".into(),
            rung: 2,
            text: "Look at the read path.".into(),
            cost: "at most 4".into(),
            seq: 2,
        }],
        remarks: BTreeMap::from([(1, "You named a first step.".to_owned())]),
        scorecards: vec![(1, card())],
        model_answer: Some("Begin with **one** table.".into()),
        delivery: None,
        interviewer_notes: vec![TurnNotes {
            seq: 1,
            heard: "an ordinary answer".into(),
            covered: vec![Observed { what: "the store".into(), quote: "a single Postgres <table>".into() }],
            contradiction: Some(Contradiction {
                earlier: "Led *12* engineers".into(),
                now: "4 engineers".into(),
                of_resume: true,
                ..Contradiction::default()
            }),
            why: "open: the read path".into(),
            held_back: vec!["quantities".into(), "the way back".into()],
            worded: "a hand-written question, chosen by code".into(),
            ..TurnNotes::default()
        }],
        interviewer_report: Some(Report {
            turns: 2,
            questions_per_turn: 1.0,
            quoting: Some(0.5),
            repeated: vec![2],
            refused: 3,
            ..Report::default()
        }),
    }
}

#[test]
fn markdown_is_for_reading() {
    insta::assert_snapshot!(session().export(ExportFormat::Md).text);
}

#[test]
fn html_stands_alone() {
    let page = session().export(ExportFormat::Html);
    insta::assert_snapshot!(page.text);
    assert_eq!(page.file_name, "offrecord-system-design-url-shortener-abcd1234.html");
}

#[test]
fn a_terminal_shows_the_scorecard() {
    insta::assert_snapshot!(scorecard_text(&card()));
}

#[test]
fn the_json_export_is_the_transcript_file_and_reads_back() {
    let session = session();
    let text = session.export(ExportFormat::Json).text;
    assert_eq!(serde_json::from_str::<Transcript>(&text).expect("reads back"), session.transcript);
}

#[test]
fn hostile_words_stay_words() {
    let attacks = [
        "<script>alert(1)</script>",
        "<img src=http://evil.test/x onerror=alert(1)>",
        "![x](http://evil.test/leak)",
        "[click](javascript:alert(1))",
        "<http://evil.test>",
        "http://evil.test and www.evil.test",
        "</q></p></article><iframe src=//evil.test>",
        "\" onmouseover=\"alert(1)",
        "[ref]: http://evil.test",
        "\u{1b}]8;;http://evil.test\u{7}link\u{1b}]8;;\u{7}",
        "\u{202e}txt.exe",
        "# heading\n---\n| a | b |\n~~~\n```",
    ];
    for attack in attacks {
        let mut session = session();
        session.transcript.turns[1].text = attack.into();
        session.summary.title = attack.into();
        session.hints[0].text = attack.into();
        session.remarks.insert(1, attack.into());
        session.scorecards[0].1.dimensions[0].evidence[0].quote.quote = attack.into();
        session.scorecards[0].1.overall.note = attack.into();
        let html = session.export(ExportFormat::Html).text;
        for tag in ["<script", "<img", "<iframe", "<http", "\" onmouseover", "\u{1b}", "\u{202e}"] {
            assert!(!html.contains(tag), "{tag} of {attack} is in the page");
        }
        let markdown = session.export(ExportFormat::Md).text;
        for sign in ["<script", " <img", "![", "](", " <http", "http://", " www.", "\u{1b}", "\u{202e}", "\n# heading"]
        {
            assert!(
                !markdown.replace("\\<", "").replace("\\!", "").replace("\\]", "").contains(sign),
                "{sign:?} of {attack} is in the file"
            );
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_words_survive_the_json_export(text in "\\PC*|[\\x00-\\x7f]{0,60}") {
        let mut session = session();
        session.transcript.turns[1].text = text.clone();
        let back: Transcript = serde_json::from_str(&session.export(ExportFormat::Json).text).expect("reads back");
        proptest::prop_assert_eq!(&back.turns[1].text, &text);
    }
}

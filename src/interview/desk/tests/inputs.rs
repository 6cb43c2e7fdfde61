//! Answers that are no answers: handled, stored as they were sent, never a crash, never dropped; and both ways of wording
//! over the desk.

use super::*;
use crate::interview::interviewer::Manner;
use crate::interview::note::{AnswerClass, Note};
use crate::interview::way::Way;

/// The note of an answer and the reply to it.
async fn replied(round: Round, text: &str) -> (Note, String) {
    let bench = Bench::new();
    let desk = bench.desk();
    let id = desk.create(new_session(round)).unwrap().summary.id;
    let events = said(desk.answer(&id, text.to_owned(), 1, None).unwrap()).await;
    let ReplyEvent::Done { turn } = events.last().unwrap() else { panic!("{text:.40}: {events:?}") };
    desk.finish(&id).unwrap();
    let view = desk.view(&id).unwrap();
    assert_eq!(view.turns[1].text, text, "stored as it was sent");
    let note = serde_json::from_value(view.notes.unwrap()["1"].clone()).unwrap();
    for format in [ExportFormat::Md, ExportFormat::Html, ExportFormat::Json] {
        assert!(!desk.export(&id, format).unwrap().text.is_empty());
    }
    (note, turn.text.clone())
}

#[tokio::test]
async fn each_bad_answer_gets_one_question_that_says_what_is_the_matter() {
    use AnswerClass as C;
    let code = "```rust\nfn main() { let x = vec![1, 2, 3]; println!(\"{x:?}\"); }\n```";
    let german =
        "Ich würde eine Warteschlange nehmen und die Daten auf den Servern verteilen, weil das nicht anders geht.";
    let cases = [
        (german, C::OtherLanguage),
        ("Я бы взял очередь и несколько рабочих процессов, потому что так надежнее", C::OtherLanguage),
        ("キューを使って、それぞれの顧客に一つずつ割り当てます。", C::OtherLanguage),
        ("سأستخدم قائمة انتظار لكل عميل", C::OtherLanguage),
        (code, C::Code),
        ("😀😀😀 🚀🚀 👍", C::Gibberish),
        ("\u{1}\u{2}\u{7}\u{1b}\u{8}", C::Gibberish),
        ("asdkjh qwlekj zxcmnb qpwoei lkjsdf", C::Gibberish),
    ];
    for round in [Round::SystemDesign, Round::Behavioural] {
        for (text, class) in cases {
            let (note, reply) = replied(round, text).await;
            assert_eq!(note.class, class, "{text}");
            assert!(note.covered.is_empty() && note.contradiction.is_none(), "no evidence: {note:?}");
            assert_eq!(reply.matches('?').count(), 1, "{reply}");
            assert!(!reply.chars().any(char::is_control), "{reply:?}");
            let words: Vec<&str> = text.split_whitespace().filter(|w| w.len() > 8).collect();
            assert!(words.iter().all(|w| !reply.contains(w)), "not said back: {reply}");
        }
    }
    crate::tier::tried("D10", "odd answers in both rounds", 16);
}

#[tokio::test]
async fn control_characters_in_an_ordinary_answer_reach_no_question() {
    let text =
        "I would put each\u{0} delivery on a durable\u{1b}[2J queue, and \u{202e}workers\u{200b} take it from there.";
    for round in [Round::SystemDesign, Round::Behavioural] {
        let (_, reply) = replied(round, text).await;
        let odd = |c: char| c.is_control() || matches!(c, '\u{200b}' | '\u{202e}');
        assert!(!reply.contains(odd), "{reply:?}");
    }
    crate::tier::tried("T18", "control characters in answers", 2);
}

#[tokio::test]
async fn thirty_two_kibibytes_are_taken_and_one_byte_more_is_not() {
    for (piece, round) in [
        ("and then the queue takes the next one ", Round::SystemDesign),
        ("x", Round::SystemDesign),
        ("é", Round::Behavioural),
        ("? ", Round::SystemDesign),
        ("“{quote}” ", Round::Behavioural),
    ] {
        let mut text = piece.repeat(ANSWER_LIMIT / piece.len());
        text.push_str(&"x".repeat(ANSWER_LIMIT - text.len()));
        let (_, reply) = replied(round, &text).await;
        assert!(reply.matches('?').count() == 1 && reply.len() < 1000, "{reply}");
        let bench = Bench::new();
        let desk = bench.desk();
        let id = desk.create(new_session(round)).unwrap().summary.id;
        text.push('x');
        let refused = desk.answer(&id, text.clone(), 1, None).unwrap_err();
        assert!(matches!(refused, SessionError::TooLong { .. }), "{refused}");
        assert_eq!(desk.view(&id).unwrap().draft, text, "kept as a draft");
    }
    crate::tier::tried("D10", "answers around the limit", 10);
}

#[tokio::test]
async fn a_whole_interview_goes_in_both_ways_of_wording_and_tells_how() {
    for way in [Way::Picked, Way::Free] {
        let bench = Bench::new();
        let script = Script {
            words: Box::new(|request| {
                let span = matches!(request.constraint, Some(crate::engine::Constraint::SpanOf { .. }));
                if span { "the newest scan of each parcel".into() } else { "What makes the newest scan hard?".into() }
            }),
            ..Script::default()
        };
        let desk = bench.desk_with(script).speaking(Manner::of(way));
        let id = desk.create(new_session(Round::SystemDesign)).unwrap().summary.id;
        let mut view = desk.view(&id).unwrap();
        while view.summary.status == Status::Active {
            bench.pass(Duration::from_secs(50));
            said(desk.answer(&id, ANSWER.into(), view.next_seq, None).unwrap()).await;
            view = desk.view(&id).unwrap();
        }
        let report = view.interviewer_report.unwrap();
        let told = view.interviewer_notes.unwrap();
        assert!(told.iter().all(|note| !note.why.is_empty() && !note.worded.is_empty()), "{told:?}");
        assert!(report.ways.values().sum::<usize>() > 0, "{report:?}");
        let faults = [&report.double, &report.yes_no, &report.leading, &report.repeated, &report.praise];
        assert!(faults.iter().all(|turns| turns.is_empty()), "{report:?}");
        let page = desk.export(&id, ExportFormat::Md).unwrap().text;
        assert!(page.contains("## Interviewer's notes") && page.contains("## How the interviewer did"));
    }
}

#[tokio::test]
async fn nothing_of_the_notes_is_told_before_the_end() {
    let bench = Bench::new();
    let desk = bench.desk();
    let id = desk.create(new_session(Round::SystemDesign)).unwrap().summary.id;
    said(desk.answer(&id, ANSWER.into(), 1, None).unwrap()).await;
    let view = desk.view(&id).unwrap();
    assert!(view.notes.is_none() && view.interviewer_notes.is_none() && view.interviewer_report.is_none());
    assert!(!desk.export(&id, ExportFormat::Md).unwrap().text.contains("notes"));
}

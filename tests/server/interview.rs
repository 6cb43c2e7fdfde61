//! A whole interview as a client holds it: six answers, the end, the grade, the exports, the deletion.

use serde_json::{Value, json};

use super::client::{Answer, Client};

pub const ANSWERS: [&str; 6] = [
    "First I would ask how many parcels move each day and how fresh the position has to be, because that decides whether \
     one database is enough. I assume ten million parcels and a few scans each.",
    "I would append every scan to a log keyed by parcel and keep a table with the latest position for each parcel. A read \
     goes to that table, so its cost does not grow with the history of the parcel.",
    "The write path is the hard part. A depot scans in bursts, so I put a queue before the table and accept that a position \
     may be some seconds late. If the queue is down, depots keep their scans and send them later.",
    "I decided against one row per scan in the hot table, because then every read would have to sort. The price is that \
     the latest position must be updated idempotently when scans arrive out of order.",
    "We would notice trouble by the age of the newest scan per depot. I would page on that and roll back by replaying the \
     log into a fresh table, which my team did once in production after a bad deploy.",
    "With another month I would try change data capture in place of the queue, since it needs one part less, but it ties \
     us to the database we have today, which is a decision that is hard to undo.",
];

/// A session with all of [`ANSWERS`] given; the stream of each answer is checked.
pub fn interview(server: &Client, round: &str) -> String {
    let mut view = server.session(round);
    let id = view["id"].as_str().expect("an id").to_owned();
    for text in ANSWERS {
        if view["status"] != "active" {
            break;
        }
        let answer = answer(server, &id, text, &view["next_seq"]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        let events = answer.events();
        let (last, data) = events.last().expect("events");
        assert_eq!(last, "done", "{events:?}");
        let spoken: String =
            events.iter().filter(|(event, _)| event == "token").filter_map(|(_, data)| data["text"].as_str()).collect();
        assert_eq!(data["turn"]["role"], "interviewer");
        assert_eq!(data["turn"]["text"].as_str().expect("text").trim(), spoken.trim());
        view = get(server, &format!("/api/sessions/{id}"));
        let turns = view["turns"].as_array().expect("turns");
        assert_eq!(turns.last().expect("a turn"), &data["turn"], "what was announced is what is stored");
        assert_eq!(turns[turns.len() - 2]["text"], text);
        assert_eq!(view["next_seq"], turns.len());
    }
    id
}

pub fn get(server: &Client, path: &str) -> Value {
    let answer = server.api("GET", path, None);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

pub fn post(server: &Client, path: &str) -> Answer {
    server.api("POST", path, None)
}

pub fn answer(server: &Client, id: &str, text: &str, expected_seq: &Value) -> Answer {
    let body = json!({"text": text, "expected_seq": expected_seq});
    server.api("POST", &format!("/api/sessions/{id}/turns"), Some(&body))
}

pub fn whole_session(server: &Client, round: &str) {
    let id = interview(server, round);

    if get(server, &format!("/api/sessions/{id}"))["status"] == "active" {
        let early = server.api("POST", &format!("/api/sessions/{id}/scorecards"), Some(&json!({})));
        assert_eq!((early.status, early.code().as_str()), (409, "wrong_state"), "not finished yet");
    }
    let finished = post(server, &format!("/api/sessions/{id}/finish"));
    assert_eq!((finished.status, &finished.json()["status"]), (200, &json!("finished")));

    let graded = server.api("POST", &format!("/api/sessions/{id}/scorecards"), Some(&json!({"seed": 3})));
    assert_eq!(graded.status, 200, "{}", graded.text());
    let events = graded.events();
    let dimensions = events.iter().filter(|(event, _)| event == "dimension").count();
    assert_eq!(dimensions, 6, "{}", graded.text());
    let (last, data) = events.last().expect("events");
    assert_eq!((last.as_str(), &data["n"]), ("done", &json!(1)));
    let stored = get(server, &format!("/api/sessions/{id}/scorecards/1"));
    assert_eq!(stored, data["scorecard"]);
    quotations_are_verbatim(&stored, &get(server, &format!("/api/sessions/{id}")));

    let list = get(server, "/api/sessions");
    assert_eq!(list[0]["id"], id);
    for (format, media_type) in [("md", "text/markdown"), ("json", "application/json"), ("html", "text/html")] {
        let export = server.api("GET", &format!("/api/sessions/{id}/export?format={format}"), None);
        assert_eq!(export.status, 200, "{}", export.text());
        assert!(export.header("content-type").is_some_and(|found| found.starts_with(media_type)));
        assert!(export.header("content-disposition").is_some_and(|value| value.starts_with("attachment; filename=\"")));
        assert_eq!(export.header("content-security-policy"), Some("sandbox"));
        assert!(export.text().contains("ten million parcels"), "{format}");
    }

    let late = answer(server, &id, "One more thing.", &json!(99));
    assert_eq!((late.status, late.code().as_str()), (409, "wrong_state"));
    assert_eq!(server.api("DELETE", &format!("/api/sessions/{id}"), None).status, 204);
    assert_eq!(server.api("GET", &format!("/api/sessions/{id}"), None).status, 404);
    assert_eq!(get(server, "/api/sessions"), json!([]));
}

/// `turns[seq].text[start..end] == quote`, in characters.
pub fn quotations_are_verbatim(scorecard: &Value, view: &Value) {
    for dimension in scorecard["dimensions"].as_array().expect("dimensions") {
        for evidence in dimension["evidence"].as_array().into_iter().flatten() {
            let number = |field: &str| evidence[field].as_u64().expect("a number") as usize;
            let text = view["turns"][number("turn")]["text"].as_str().expect("text");
            let piece: String = text.chars().skip(number("start")).take(number("end") - number("start")).collect();
            assert_eq!(evidence["quote"], piece);
        }
    }
}

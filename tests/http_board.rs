//! A whiteboard sent with an answer: kept, told in words, part of the grade and of exports; and what is refused.

mod server;

use serde_json::{Value, json};
use server::Server;
use server::interview::{ANSWERS, get};

fn scene(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/boards/{name}.excalidraw", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("a fixture")).expect("JSON")
}

#[test]
fn a_board_goes_from_the_answer_to_the_grade_and_the_exports() {
    let server = Server::start();
    let view = server.session("system-design");
    let id = view["id"].as_str().expect("an id");
    let body = json!({"text": ANSWERS[1], "expected_seq": view["next_seq"], "board": scene("13-feed-fanout")});
    let answer = server.api("POST", &format!("/api/sessions/{id}/turns"), Some(&body));
    assert_eq!(answer.events().last().expect("an end").0, "done", "{}", answer.text());

    let view = get(&server, &format!("/api/sessions/{id}"));
    let words = view["boards"]["1"].as_str().expect("words");
    assert!(words.contains("Post service → posts topic: publish"), "{words}");
    assert_eq!(view["turns"][1]["text"], ANSWERS[1], "the answer itself is as it was written");
    assert!(view["turns"][1].get("board").is_none(), "the scene is fetched by itself");
    assert_eq!(get(&server, &format!("/api/sessions/{id}/boards/1")), scene("13-feed-fanout"));
    for turn in ["0", "2", "99", "x", "-1"] {
        assert_eq!(server.api("GET", &format!("/api/sessions/{id}/boards/{turn}"), None).status, 404, "{turn}");
    }

    for format in ["md", "html", "json"] {
        let file = server.api("GET", &format!("/api/sessions/{id}/export?format={format}"), None).text();
        assert!(file.contains("posts topic"), "{format}");
        if format == "html" {
            assert!(file.contains("<svg") && file.contains("polyline"), "{format}");
        }
    }
    assert_eq!(server.api("POST", &format!("/api/sessions/{id}/finish"), None).status, 200);
    let graded = server.api("POST", &format!("/api/sessions/{id}/scorecards"), None);
    assert_eq!(graded.events().last().expect("an end").0, "done", "{}", graded.text());
}

#[test]
fn what_is_no_board_is_refused_and_the_session_goes_on() {
    let server = Server::start();
    let view = server.session("system-design");
    let path = format!("/api/sessions/{}/turns", view["id"].as_str().expect("an id"));
    let send = |board: Value| {
        server.api("POST", &path, Some(&json!({"text": ANSWERS[0], "expected_seq": view["next_seq"], "board": board})))
    };
    for board in
        [json!([]), json!({"elements": "all"}), json!({"type": "excalidraw", "elements": [{"type": "arrow"}, 7]})]
    {
        let answer = send(board.clone());
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"), "{board}");
    }
    assert_eq!(send(json!({"elements": [], "pad": "x".repeat(1024 * 1024)})).status, 413);
    let answer = send(scene("20-hostile-labels"));
    assert_eq!(answer.events().last().expect("an end").0, "done", "{}", answer.text());
}

#[test]
fn the_board_s_frame_has_an_origin_of_its_own() {
    let server = Server::start();
    let host = server.address.to_string();
    let get = |path: &str| server.send("GET", path, &[("Host", &host)], b"");
    let frame = get("/board.html");
    let policy = frame.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("sandbox allow-scripts; default-src 'none'"), "{policy}");
    assert!(!policy.contains("connect-src") && !policy.contains("unsafe") && policy.contains("frame-ancestors 'self'"));
    assert_eq!(frame.header("x-frame-options"), Some("SAMEORIGIN"));
    assert_eq!(get("/vendor/excalidraw/board.js").header("cross-origin-resource-policy"), Some("cross-origin"));
    assert_eq!(get("/vendor/preact.js").header("cross-origin-resource-policy"), Some("same-origin"));
}

#[test]
fn names_are_taken_out_of_every_export_and_the_session_stays() {
    let server = Server::start();
    let view = server.session("system-design");
    let id = view["id"].as_str().expect("an id");
    let text =
        "Ann Lee of Acme asked for posts topic first; write to ann@acme.example. I would append each scan to a log.";
    let body = json!({"text": text, "expected_seq": view["next_seq"], "board": scene("13-feed-fanout")});
    let answer = server.api("POST", &format!("/api/sessions/{id}/turns"), Some(&body));
    assert_eq!(answer.events().last().expect("an end").0, "done", "{}", answer.text());
    let path = format!("/api/sessions/{id}/export");
    for format in ["md", "json", "html"] {
        let names = json!({"format": format, "names": ["Ann Lee", "acme", "posts topic"]});
        let file = server.api("POST", &path, Some(&names));
        assert_eq!(file.status, 200, "{}", file.text());
        assert!(file.header("content-disposition").is_some_and(|how| how.starts_with("attachment")));
        for gone in ["Ann", "Acme", "acme.example", "posts topic"] {
            assert!(!file.text().contains(gone), "{format}: {gone}");
        }
        assert!(file.text().contains("name 1"), "{format}");
        assert!(server.api("GET", &format!("{path}?format={format}"), None).text().contains("Ann Lee"), "{format}");
    }
    assert_eq!(server.api("POST", &path, Some(&json!({"names": vec!["x"; 201]}))).status, 422);
    assert_eq!(server.api("POST", &path, Some(&json!({"names": ["x".repeat(81)]}))).status, 422);
    assert_eq!(server.api("POST", &path, Some(&json!({"names": "Ann"}))).status, 422);
    let all = server.api("GET", "/api/export", None);
    assert!(all.header("content-disposition").is_some_and(|how| how.starts_with("attachment")));
    assert_eq!(all.json()["sessions"][0]["transcript"]["turns"][1]["board"], scene("13-feed-fanout"));
    assert_eq!(server.api("POST", "/api/check", None).json()["model"], "scripted");
}

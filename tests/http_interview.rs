//! Whole interviews over HTTP with the scripted engine: both rounds from the first question to the export, and what
//! happens on the way when a client does something else.

mod server;

use std::io::{Read, Write};
use std::time::Duration;

use offrecord::engine::scripted::Script;
use offrecord::http::accept::Limits;
use serde_json::json;
use server::Server;
use server::interview::{ANSWERS, answer, get, post, whole_session};

#[test]
fn a_system_design_round_from_start_to_export() {
    whole_session(&Server::start(), "system-design");
}

#[test]
fn a_behavioural_round_from_start_to_export() {
    whole_session(&Server::start(), "behavioural");
}

#[test]
fn the_second_of_two_tabs_gets_409_and_the_fresh_state() {
    let server = Server::start();
    let view = server.session("system-design");
    let id = view["id"].as_str().expect("an id");
    assert_eq!(answer(&server, id, ANSWERS[0], &view["next_seq"]).status, 200);
    let second = answer(&server, id, ANSWERS[1], &view["next_seq"]);
    assert_eq!((second.status, second.code().as_str()), (409, "conflict"));
    let fresh = &second.json()["session"];
    assert_eq!(fresh["turns"], get(&server, &format!("/api/sessions/{id}"))["turns"]);
    assert_eq!(fresh["turns"][1]["text"], ANSWERS[0], "the first answer stands");
}

#[test]
fn an_answer_over_32_kib_is_refused_and_kept_as_draft() {
    let server = Server::start();
    let view = server.session("behavioural");
    let id = view["id"].as_str().expect("an id");
    let long = "word ".repeat(7_000);
    let refused = answer(&server, id, &long, &view["next_seq"]);
    assert_eq!((refused.status, refused.code().as_str()), (413, "too_long"));
    assert!(refused.json()["error"]["hint"].as_str().is_some_and(|hint| hint.contains("draft is kept")));
    assert_eq!(get(&server, &format!("/api/sessions/{id}"))["draft"], long);
}

#[test]
fn drafts_hints_and_pauses() {
    let server = Server::start();
    let view = server.session("system-design");
    let id = view["id"].as_str().expect("an id");
    let draft = json!({"text": "I would begin with"});
    assert_eq!(server.api("PUT", &format!("/api/sessions/{id}/draft"), Some(&draft)).status, 204);
    assert_eq!(get(&server, &format!("/api/sessions/{id}"))["draft"], "I would begin with");

    let paused = post(&server, &format!("/api/sessions/{id}/pause")).json();
    assert_eq!((&paused["status"], &paused["clock"]["running"]), (&json!("paused"), &json!(false)));
    let refused = answer(&server, id, ANSWERS[0], &view["next_seq"]);
    assert_eq!((refused.status, refused.code().as_str()), (409, "wrong_state"));
    assert_eq!(post(&server, &format!("/api/sessions/{id}/resume")).json()["status"], "active");
    assert_eq!(answer(&server, id, ANSWERS[0], &view["next_seq"]).status, 200);

    let hint = post(&server, &format!("/api/sessions/{id}/hint"));
    if hint.status == 200 {
        assert_eq!(get(&server, &format!("/api/sessions/{id}"))["hints"][0], hint.json());
    } else {
        assert_eq!((hint.status, hint.code().as_str()), (409, "wrong_state"));
    }
}

#[test]
fn what_is_not_there_is_404_with_a_hint() {
    let server = Server::start();
    let id = server.session("system-design")["id"].as_str().expect("an id").to_owned();
    let new =
        json!({"round": "system-design", "level": "senior", "minutes": 15, "mode": "coach", "problem": "no-such"});
    let refused = server.api("POST", "/api/sessions", Some(&new));
    assert_eq!((refused.status, refused.code().as_str()), (404, "unknown_problem"));
    for (method, path) in [
        ("GET", "/api/sessions/none".to_owned()),
        ("GET", "/api/sessions/..%2f..%2fetc".to_owned()),
        ("GET", "/api/sessions/%ff".to_owned()),
        ("GET", "/api/sessions/%00".to_owned()),
        ("GET", "/api/sessions/none/export?format=md".to_owned()),
        ("GET", "/api/sessions/none/reply".to_owned()),
        ("POST", "/api/sessions/none/hint".to_owned()),
        ("POST", "/api/sessions/none/finish".to_owned()),
        ("DELETE", "/api/sessions/none".to_owned()),
        ("GET", format!("/api/sessions/{id}/scorecards/1")),
        ("GET", format!("/api/sessions/{id}/scorecards/0")),
        ("GET", format!("/api/sessions/{id}/scorecards/x")),
        ("GET", format!("/api/sessions/{id}/scorecards/99999999999999")),
        ("GET", "/api/nothing".to_owned()),
        ("GET", "/no-such-file.js".to_owned()),
        ("GET", "/../../etc/passwd".to_owned()),
        ("GET", "/..%2f..%2fetc%2fpasswd".to_owned()),
        ("POST", "/api/models/no-such-model/pull".to_owned()),
    ] {
        let answer = server.api(method, &path, None);
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
        assert!(!answer.json()["error"]["hint"].as_str().unwrap_or_default().is_empty(), "{path}");
    }
    let wrong = server.api("PATCH", &format!("/api/sessions/{id}"), None);
    assert_eq!((wrong.status, wrong.code().as_str()), (405, "wrong_method"));
    let format = server.api("GET", &format!("/api/sessions/{id}/export?format=docx"), None);
    assert_eq!((format.status, format.code().as_str()), (422, "invalid"));
}

#[test]
fn a_client_that_left_takes_the_same_reply_up_again() {
    let slow = Script {
        words: Box::new(|_| "What happens to a request after that, and who would notice first?".into()),
        delay: Duration::from_millis(20),
        ..Script::default()
    };
    let server = Server::with(Some(slow), Limits::default());
    let view = server.session("system-design");
    let id = view["id"].as_str().expect("an id");

    let body = json!({"text": ANSWERS[0], "expected_seq": view["next_seq"]}).to_string();
    let mut socket = server.connect();
    write!(
        socket,
        "POST /api/sessions/{id}/turns HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        server.address,
        server.bearer(),
        body.len()
    )
    .expect("sent");
    let mut some = [0; 64];
    socket.read_exact(&mut some).expect("the stream has begun");
    drop(socket);

    let again = server.api("GET", &format!("/api/sessions/{id}/reply"), None);
    let after = get(&server, &format!("/api/sessions/{id}"));
    let turns = after["turns"].as_array().expect("turns");
    assert_eq!(turns.len(), 3, "one answer, one reply: {turns:?}");
    if again.status == 200 {
        let events = again.events();
        let (last, data) = events.last().expect("events");
        assert_eq!((last.as_str(), &data["turn"]), ("done", &turns[2]));
    } else {
        assert_eq!(again.status, 204, "the reply was done before we came back");
    }
    assert_eq!(server.api("GET", &format!("/api/sessions/{id}/reply"), None).status, 204, "none is due any more");
}

#[test]
fn while_the_model_loads_the_page_reads_and_interviews_wait() {
    let server = Server::with(None, Limits::default());
    assert_eq!(get(&server, "/api/sessions"), json!([]));
    assert_eq!(get(&server, "/api/status")["model"], json!({"state": "loading", "id": "scripted"}));
    assert!(get(&server, "/api/content")["rubric"]["dimensions"].as_array().is_some_and(|list| list.len() == 6));
    let new = json!({"round": "behavioural", "level": "staff", "minutes": 30, "mode": "coach"});
    let refused = server.api("POST", "/api/sessions", Some(&new));
    assert_eq!((refused.status, refused.code().as_str()), (503, "loading"));
    assert_eq!(refused.header("retry-after"), Some("1"));

    let engine = offrecord::engine::scripted::start(Script::default());
    server.room.set_desk(server.room.desk().with_engine(engine));
    assert_eq!(get(&server, "/api/status")["model"]["state"], "ready");
    assert_eq!(server.api("POST", "/api/sessions", Some(&new)).status, 201);
}

#[test]
fn wiping_leaves_no_session() {
    let server = Server::start();
    server.session("system-design");
    server.session("behavioural");
    assert_eq!(get(&server, "/api/sessions").as_array().map(Vec::len), Some(2));
    assert_eq!(server.api("DELETE", "/api/sessions", None).status, 204);
    assert_eq!(get(&server, "/api/sessions"), json!([]));
}

#[test]
fn a_fresh_link_can_be_had_with_the_token() {
    let server = Server::start();
    let link = post(&server, "/api/links").json()["url"].as_str().expect("a link").to_owned();
    let path = link.strip_prefix(&format!("http://{}", server.address)).expect("our own address");
    assert_eq!(server.send("GET", path, &[("Host", &server.address.to_string())], b"").status, 303);
}

#[test]
fn five_reloads_in_one_reply_tell_one_and_the_same_text() {
    let calls = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = calls.clone();
    let slow = Script {
        words: Box::new(move |_| {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            "What happens to a request after that, and who would notice first if it did not?".into()
        }),
        delay: Duration::from_millis(15),
        ..Script::default()
    };
    let server = Server::with(Some(slow), Limits::default());
    let view = server.session("behavioural");
    let id = view["id"].as_str().expect("an id");
    let path = format!("/api/sessions/{id}/reply");
    let body = json!({"text": ANSWERS[0], "expected_seq": view["next_seq"]}).to_string();
    let post = format!(
        "POST /api/sessions/{id}/turns HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        server.address,
        server.bearer(),
        body.len()
    );
    let get_reply =
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\n", server.address, server.bearer());
    // Each looks at a little of the stream and leaves.
    for (request, bytes) in [(&post, 900), (&get_reply, 700), (&get_reply, 850), (&get_reply, 1000), (&get_reply, 720)]
    {
        let mut socket = server.connect();
        socket.set_read_timeout(Some(Duration::from_millis(120))).expect("a timeout");
        socket.write_all(request.as_bytes()).expect("sent");
        let mut some = vec![0; bytes];
        let _ = socket.read_exact(&mut some);
    }
    let before = calls.load(std::sync::atomic::Ordering::SeqCst);
    let last = server.api("GET", &path, None);
    let turns = get(&server, &format!("/api/sessions/{id}"))["turns"].clone();
    if last.status == 200 {
        let events = last.events();
        let told: String =
            events.iter().filter(|(event, _)| event == "token").filter_map(|(_, data)| data["text"].as_str()).collect();
        assert_eq!(turns[2]["text"].as_str().map(str::trim), Some(told.trim()));
    }
    assert_eq!(turns.as_array().map(Vec::len), Some(3), "{turns}");
    assert_eq!(calls.load(std::sync::atomic::Ordering::SeqCst), before, "no second generation");
}

//! Model files and benchmark reports over HTTP: taken in, checked, removed, listed, compared; and what is refused.

mod server;

use serde_json::json;
use server::Server;
use server::client::Answer;

fn upload(server: &Server, name: &str, bytes: &[u8]) -> Answer {
    let (host, bearer) = (server.address.to_string(), server.bearer());
    let headers = [("Host", host.as_str()), ("Authorization", &bearer), ("Content-Type", "application/octet-stream")];
    server.send("POST", &format!("/api/models?name={name}"), &headers, bytes)
}

/// Everything under the models folder.
fn files(server: &Server) -> Vec<String> {
    let listing = std::fs::read_dir(server.folder.path().join("models")).into_iter().flatten().flatten();
    let mut names: Vec<String> = listing.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_is_not_a_model_is_refused_and_leaves_nothing() {
    let server = Server::start();
    for (name, bytes, status) in [
        ("cat.gguf", &b"\x89PNG\r\n\x1a\n"[..], 422),
        ("cat.gguf", b"GG", 422),
        ("cat.gguf", b"", 422),
        ("cat.png", b"GGUF", 422),
        ("..%2f..%2fcat.gguf%00", b"GGUF", 422),
        // Begins like a model and is none.
        ("cat.gguf", b"GGUF\x03\0\0\0nonsense and more nonsense", 502),
        ("cat.gguf", b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x7f", 502),
    ] {
        let answer = upload(&server, name, bytes);
        assert_eq!(answer.status, status, "{name} {bytes:?}: {}", answer.text());
        assert!(files(&server).is_empty(), "{name}: {:?}", files(&server));
    }
    let headers = [("Host", server.address.to_string()), ("Authorization", server.bearer())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(server.send("POST", "/api/models", &headers, b"").status, 422, "a file has a name");
}

#[test]
fn a_file_that_breaks_off_leaves_nothing() {
    let server = Server::start();
    let (host, bearer) = (server.address, server.bearer());
    let head = format!(
        "POST /api/models?name=a.gguf HTTP/1.1\r\nHost: {host}\r\nAuthorization: {bearer}\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: 100000\r\n\r\nGGUF"
    );
    let mut socket = server.connect();
    std::io::Write::write_all(&mut socket, head.as_bytes()).expect("sent");
    let begun = std::time::Instant::now();
    while files(&server).is_empty() {
        assert!(begun.elapsed().as_secs() < 10, "it is being taken");
        std::thread::yield_now();
    }
    drop(socket);
    while !files(&server).is_empty() {
        assert!(begun.elapsed().as_secs() < 10, "left behind: {:?}", files(&server));
        std::thread::yield_now();
    }
}

#[test]
fn the_model_in_use_stays_and_others_go() {
    let server = Server::start();
    let models = server.folder.path().join("models");
    std::fs::create_dir_all(&models).expect("a folder");
    std::fs::write(models.join("mine.gguf"), "bytes").expect("written");
    let refused = server.api("DELETE", "/api/models/scripted", None);
    assert_eq!((refused.status, refused.code().as_str()), (409, "in_use"));
    assert_eq!(server.api("DELETE", "/api/models/nobody", None).status, 404);
    assert_eq!(server.api("DELETE", "/api/models/..%2fmodels%2fmine", None).status, 404);
    assert_eq!(server.api("DELETE", "/api/models/mine", None).json()["freed"], 5);
    assert!(files(&server).is_empty());
}

#[test]
fn a_changed_model_file_is_found_out() {
    let server = Server::start();
    let models = server.folder.path().join("models");
    std::fs::create_dir_all(&models).expect("a folder");
    std::fs::write(models.join("mine.gguf"), "bytes").expect("written");
    let first = server.api("POST", "/api/models/mine/verify", None).events();
    let (event, data) = first.last().expect("an end");
    assert_eq!((event.as_str(), data["sha256"].as_str().map(str::len)), ("done", Some(64)), "{first:?}");
    std::fs::write(models.join("mine.gguf"), "other").expect("written");
    let second = server.api("POST", "/api/models/mine/verify", None).events();
    let (event, data) = second.last().expect("an end");
    assert_eq!((event.as_str(), data["code"].as_str()), ("error", Some("corrupt")), "{second:?}");
    assert!(files(&server).contains(&"mine.gguf.corrupt".to_owned()), "moved aside: {:?}", files(&server));
    assert_eq!(server.api("POST", "/api/models/nobody/verify", None).status, 404);
}

#[test]
fn a_grade_with_a_model_that_is_not_here_says_so_and_stores_nothing() {
    let server = Server::start();
    let id = server::interview::interview(&server, "behavioural");
    assert_eq!(server.api("POST", &format!("/api/sessions/{id}/finish"), None).status, 200);
    let path = format!("/api/sessions/{id}/scorecards");
    for model in ["nobody", "../../etc/passwd", "<img>"] {
        let answer = server.api("POST", &path, Some(&json!({"model": model})));
        assert_eq!((answer.status, answer.code().as_str()), (422, "other_model"), "{}", answer.text());
    }
    assert_eq!(server::interview::get(&server, &format!("/api/sessions/{id}"))["scorecards"], json!([]));
}

#[test]
fn a_dispute_is_a_second_reading_beside_the_first() {
    let server = Server::start();
    let id = server::interview::interview(&server, "system-design");
    assert_eq!(server.api("POST", &format!("/api/sessions/{id}/finish"), None).status, 200);
    let path = format!("/api/sessions/{id}/scorecards");
    assert_eq!(server.api("POST", &path, None).events().last().expect("an end").0, "done");
    let first = server::interview::get(&server, &format!("{path}/1"));
    let dispute = "I also measured the lag: 40 ms at the median and 300 ms at the 99th percentile, which I paged on.";
    let answer = server.api("POST", &path, Some(&json!({"dispute": dispute})));
    assert_eq!(answer.events().last().expect("an end").0, "done", "{}", answer.text());
    assert_eq!(server::interview::get(&server, &format!("{path}/1")), first, "the first stays as it was");
    assert_eq!(server::interview::get(&server, &format!("{path}/2"))["dispute"], dispute);
    let too_long = json!({"dispute": "a".repeat(40 * 1024)});
    assert_eq!(server.api("POST", &path, Some(&too_long)).status, 413);
    assert_eq!(server::interview::get(&server, &format!("/api/sessions/{id}"))["scorecards"], json!([1, 2]));
}

#[test]
fn benchmark_runs_are_listed_shown_in_a_sandbox_and_compared() {
    let server = Server::start();
    let bench = server.folder.path().join("bench");
    let list = |server: &Server| server::interview::get(server, "/api/benches")["runs"].clone();
    assert_eq!(list(&server), json!([]));
    for name in ["one", "broken", ".hidden"] {
        std::fs::create_dir_all(bench.join(name)).expect("a folder");
    }
    std::os::unix::fs::symlink("/etc", bench.join("link")).expect("a link");
    std::fs::write(bench.join("one/results.json"), r#"{"status":"success","datasets":{"d":{"n":3}}}"#)
        .expect("written");
    std::fs::write(bench.join("one/report.html"), "<p>hello</p><script>alert(1)</script>").expect("written");
    std::fs::write(bench.join("broken/results.json"), "{").expect("written");
    let runs = list(&server);
    let mut ids: Vec<&str> = runs.as_array().expect("runs").iter().filter_map(|run| run["id"].as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["broken", "one"]);
    let report = server.api("GET", "/api/benches/one/report", None);
    let policy = report.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("sandbox; default-src 'none'") && !policy.contains("script"), "{policy}");
    assert_eq!(report.header("x-frame-options"), Some("SAMEORIGIN"));
    for path in ["broken", "link", ".hidden", "..", "nobody", "..%2f..%2fetc"] {
        assert_eq!(server.api("GET", &format!("/api/benches/{path}/report"), None).status, 404, "{path}");
    }
    assert_eq!(server.api("GET", "/api/benches/one/compare/broken", None).status, 422);
    assert_eq!(server.api("GET", "/api/benches/one/compare/nobody", None).status, 404);
}

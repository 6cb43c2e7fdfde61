//! A real model file over HTTP: taken in, checked, used for a second grade beside the first, removed.

mod server;

use serde_json::json;
use server::Server;

const MODEL: &str = "smollm2-135m-instruct-q4_1";

#[test]
fn another_installed_model_grades_beside_the_first() {
    let server = Server::start();
    let models_dir = std::env::var_os("OFFRECORD_MODELS_DIR").map(Into::into);
    let models = offrecord::config::Global { models_dir, ..Default::default() }.dirs().expect("a models folder").models;
    let catalogue = offrecord::catalogue::Catalogue::load().expect("the catalogue");
    let model = offrecord::catalogue::locate(&catalogue, &models, MODEL)
        .unwrap_or_else(|error| panic!("{error} (looked in {}; run: bash tests/install-models.sh)", models.display()));
    let bytes = std::fs::read(&model.path).expect("readable");

    let (host, bearer) = (server.address.to_string(), server.bearer());
    let headers = [("Host", host.as_str()), ("Authorization", &bearer), ("Content-Type", "application/octet-stream")];
    let taken = server.send("POST", "/api/models?name=Some%20Name.gguf", &headers, &bytes);
    assert_eq!(
        (taken.status, taken.json()["id"].as_str()),
        (200, Some(MODEL)),
        "its checksum names it: {}",
        taken.text()
    );
    let folder = server.folder.path().join("models");
    let there: Vec<_> = std::fs::read_dir(&folder).expect("a folder").flatten().map(|f| f.file_name()).collect();
    assert!(there.iter().all(|name| !name.to_string_lossy().starts_with(".import")), "{there:?}");
    let verified = server.api("POST", &format!("/api/models/{MODEL}/verify"), None).events();
    assert_eq!(
        verified.last().map(|(event, data)| (event.as_str(), data["in_catalogue"] == true)),
        Some(("done", true))
    );

    let id = server::interview::interview(&server, "system-design");
    assert_eq!(server.api("POST", &format!("/api/sessions/{id}/finish"), None).status, 200);
    let path = format!("/api/sessions/{id}/scorecards");
    // The harness loads the other engine from its own models folder.
    for body in [json!({}), json!({"model": MODEL})] {
        let answer = server.api("POST", &path, Some(&body));
        assert_eq!(answer.events().last().map(|(event, _)| event.as_str()), Some("done"), "{}", answer.text());
    }
    let by = |n: u32| server::interview::get(&server, &format!("{path}/{n}"))["provenance"]["model"].clone();
    assert_eq!((by(1), by(2)), (json!("scripted"), json!(MODEL)));
    let status = server::interview::get(&server, "/api/status");
    assert_eq!(status["model"]["id"], "scripted", "the interviewer is still the first one");
    assert_eq!(server.api("DELETE", &format!("/api/models/{MODEL}"), None).status, 200);
}

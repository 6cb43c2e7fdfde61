//! Sounds over HTTP without a model: what is refused and how, spoken answers and their facts, recordings that are kept
//! only on request and leave no trace.

mod server;

#[path = "trust/tier.rs"]
mod tier;

use offrecord::speech::wav;
use serde_json::{Value, json};
use server::Server;
use server::client::Answer;
use server::interview::{ANSWERS, get};

fn sound(seconds: usize) -> Vec<u8> {
    let samples: Vec<f32> = (0..seconds * 16_000).map(|i| (i as f32 * 0.07).sin() * 0.3).collect();
    wav::write(&samples)
}

fn send(server: &Server, method: &str, path: &str, media_type: &str, body: &[u8]) -> Answer {
    let (host, bearer) = (server.address.to_string(), server.bearer());
    let headers = [("Host", host.as_str()), ("Authorization", &bearer), ("Content-Type", media_type)];
    server.send(method, path, &headers, body)
}

fn session(server: &Server, record: bool) -> Value {
    let new = json!({"round": "system-design", "level": "senior", "minutes": 15, "mode": "realistic", "seed": 1,
                     "record": record});
    let made = server.api("POST", "/api/sessions", Some(&new));
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

fn speak(server: &Server, id: &str, expected_seq: &Value, spoken: &Value) -> Answer {
    let body = json!({"text": ANSWERS[0], "expected_seq": expected_seq, "spoken": spoken});
    server.api("POST", &format!("/api/sessions/{id}/turns"), Some(&body))
}

#[test]
fn what_can_be_done_here_is_told_and_a_missing_model_says_how_to_get_it() {
    let server = Server::start();
    let told = get(&server, "/api/speech");
    assert_eq!(told["input"]["available"], false);
    assert_eq!(told["input"]["model"], Value::Null);
    let models: Vec<&str> =
        told["input"]["models"].as_array().expect("models").iter().filter_map(|m| m["id"].as_str()).collect();
    assert_eq!(models, ["whisper-tiny.en", "whisper-base"]);
    assert!(told["input"]["hint"].as_str().expect("a hint").contains("offrecord models pull whisper-tiny.en"));
    let chat = get(&server, "/api/models");
    assert!(
        chat["models"].as_array().expect("models").iter().all(|m| !m["id"].as_str().unwrap_or("").contains("whisper"))
    );

    let none = send(&server, "POST", "/api/speech/transcriptions", "audio/wav", &sound(1));
    assert_eq!(none.status, 404, "{}", none.text());
    assert!(none.json()["error"]["hint"].as_str().expect("a hint").contains("models pull"), "{}", none.text());
}

#[test]
fn sounds_that_are_none_are_refused_in_words() {
    let server = Server::start();
    let path = "/api/speech/transcriptions";
    let good = sound(1);
    for (body, status, code) in [
        (&b""[..], 422, "empty_recording"),
        (b"OggS and more of it, which is no WAV file at all", 422, "not_wav"),
        (&good[..30], 422, "damaged_recording"),
        (&good[..44], 422, "empty_recording"),
        (
            &{
                let mut mp3 = good.clone();
                mp3[20] = 0x55;
                mp3
            },
            422,
            "unsupported_recording",
        ),
    ] {
        let answer = send(&server, "POST", path, "audio/wav", body);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text());
        let error = &answer.json()["error"];
        assert!(error["hint"].as_str().is_some_and(|hint| hint.ends_with('.') && hint.len() > 5), "{error}");
    }
    assert_eq!(send(&server, "POST", path, "audio/webm", &good).status, 415);
    assert_eq!(send(&server, "POST", path, "audio/wav; codecs=1", &good).status, 404, "a parameter is no other type");
    assert_eq!(send(&server, "POST", path, "audio/wav", &sound(200)).status, 413, "the gate's limit");
    let mut slow = sound(200);
    // The same at 8 kHz and 8 bits fits the gate, and is too long all the same.
    slow[24..28].copy_from_slice(&8_000_u32.to_le_bytes());
    (slow[32], slow[34]) = (1, 8);
    slow.truncate(44 + 8_000 * 200);
    let long = send(&server, "POST", path, "audio/wav", &slow);
    assert_eq!((long.status, long.code().as_str()), (413, "recording_too_long"), "{}", long.text());
    let host = server.address.to_string();
    assert_eq!(server.send("POST", path, &[("Host", &host), ("Content-Type", "audio/wav")], &good).status, 401);
    tier::tried("T21", "sounds that are none, of other types, too long, or without a key, sent to the server", 10);
}

#[test]
fn a_spoken_answer_keeps_what_was_heard_and_its_times_are_facts_not_marks() {
    let server = Server::start();
    let view = session(&server, false);
    let id = view["id"].as_str().expect("an id");
    assert_eq!(view["delivery"], Value::Null);
    for bad in [
        json!({"heard": "x", "speaking_ms": 1, "first_word_ms": 0, "longest_ms": 2}),
        json!({"heard": "x", "speaking_ms": 1}),
        json!({"heard": "x", "speaking_ms": 1, "first_word_ms": 0, "longest_ms": 1, "pitch": 3}),
        json!({"heard": "x".repeat(40_000), "speaking_ms": 9, "first_word_ms": 0, "longest_ms": 1}),
    ] {
        assert_eq!(speak(&server, id, &view["next_seq"], &bad).status, 422, "{bad:.60}");
    }
    let spoken = json!({"heard": "first I would ask how many parcels move", "speaking_ms": 4_000, "first_word_ms": 900,
                        "longest_ms": 2_500});
    let answer = speak(&server, id, &view["next_seq"], &spoken);
    assert_eq!(answer.events().last().expect("an end").0, "done", "{}", answer.text());
    let view = get(&server, &format!("/api/sessions/{id}"));
    assert_eq!(view["turns"][1]["text"], ANSWERS[0]);
    let delivery = &view["delivery"];
    assert_eq!(
        delivery["answers"],
        json!([{"turn": 1, "speaking_ms": 4_000, "first_word_ms": 900, "words": 8, "words_per_minute": 120,
                "longest_ms": 2_500, "edited": true}])
    );
    assert!(delivery["talk_ratio"].as_f64().is_some_and(|share| share > 0.0 && share < 1.0), "{delivery}");

    assert_eq!(server.api("POST", &format!("/api/sessions/{id}/finish"), None).status, 200);
    let graded = server.api("POST", &format!("/api/sessions/{id}/scorecards"), None);
    let events = graded.events();
    let card = &events.last().expect("an end").1["scorecard"];
    for format in ["md", "html", "json"] {
        let file = server.api("GET", &format!("/api/sessions/{id}/export?format={format}"), None).text();
        assert!(file.contains("120 words a minute") || file.contains("\"words_per_minute\": 120"), "{format}: {file}");
    }
    // Neither the scorecard nor a report says anything about how somebody speaks.
    let mut reports = vec![("scorecard", without_quotes(card))];
    for format in ["md", "html"] {
        let file = server.api("GET", &format!("/api/sessions/{id}/export?format={format}"), None).text();
        let (before, rest) = file.split_once("Transcript").expect("a transcript");
        let after = rest.split_once("Speaking times").expect("facts").1;
        reports.push((format, format!("{before} Speaking times {after}")));
    }
    for (name, report) in reports {
        let words: Vec<String> = report.to_lowercase().split(|c: char| !c.is_alphabetic()).map(str::to_owned).collect();
        for never in NEVER {
            assert!(!words.iter().any(|word| word.starts_with(never)), "{name} speaks of {never}");
        }
    }
}

/// Beginnings of words that no report may use of a person.
const NEVER: [&str; 18] = [
    "accent",
    "filler",
    "pause",
    "pausing",
    "tone",
    "voice",
    "pronunc",
    "stutter",
    "stammer",
    "hesita",
    "fluent",
    "fluency",
    "intonation",
    "monoton",
    "mumbl",
    "face",
    "facial",
    "gaze",
];

/// Everything that the program itself says in a scorecard.
fn without_quotes(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(without_quotes).collect::<Vec<_>>().join(" "),
        Value::Object(parts) => {
            let said = parts.iter().filter(|(key, _)| !matches!(key.as_str(), "quote" | "id" | "ask" | "item"));
            said.map(|(key, value)| format!("{key} {}", without_quotes(value))).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

#[test]
fn a_recording_is_kept_only_on_request_and_goes_without_a_trace() {
    let server = Server::start();
    let spoken = json!({"heard": "x", "speaking_ms": 9, "first_word_ms": 0, "longest_ms": 9});
    // A pattern that can be looked for in the files.
    let canary: Vec<f32> = (0..32_000).map(|i| if i % 7 == 0 { 0.412_4 } else { -0.217_3 }).collect();
    let file = wav::write(&canary);

    let without = session(&server, false);
    let id = without["id"].as_str().expect("an id");
    assert_eq!(speak(&server, id, &without["next_seq"], &spoken).status, 200);
    let refused = send(&server, "PUT", &format!("/api/sessions/{id}/recordings/1"), "audio/wav", &file);
    assert_eq!((refused.status, refused.code().as_str()), (409, "wrong_state"), "{}", refused.text());

    let with = session(&server, true);
    let id = with["id"].as_str().expect("an id");
    assert_eq!((&with["record"], &with["recordings"]), (&json!(true), &json!([])));
    let path = |turn: &str| format!("/api/sessions/{id}/recordings/{turn}");
    let put = |turn: &str, body: &[u8]| send(&server, "PUT", &path(turn), "audio/wav", body);
    assert_eq!(put("1", &file).status, 422, "no such answer yet");
    assert_eq!(speak(&server, id, &with["next_seq"], &spoken).status, 200);
    assert_eq!(put("1", b"not a sound").status, 422);
    assert_eq!(put("0", &file).status, 422, "the interviewer's turn");
    assert_eq!(put("x", &file).status, 404);
    assert_eq!(put("1", &sound(1)).status, 204);
    assert_eq!(put("1", &file).status, 204, "in place of the earlier one");
    let view = get(&server, &format!("/api/sessions/{id}"));
    assert_eq!(view["recordings"], json!([{"turn": 1, "bytes": file.len(), "audio_ms": 2_000}]));
    let back = server.api("GET", &path("1"), None);
    assert_eq!((back.status, back.header("content-type")), (200, Some("audio/wav")));
    assert_eq!(back.body, file);
    assert_eq!(server.api("GET", &path("3"), None).status, 404);

    let needle = &file[44..144];
    let traces = || {
        let files = std::fs::read_dir(server.folder.path()).expect("the data folder").flatten();
        let files = files.filter(|file| file.path().is_file());
        files.filter(|file| contains(&std::fs::read(file.path()).unwrap_or_default(), needle)).count()
    };
    assert!(traces() > 0, "the pattern can be found while it is kept");
    assert_eq!(server.api("DELETE", &path("1"), None).status, 204);
    assert_eq!(traces(), 0);
    assert_eq!(server.api("DELETE", &path("1"), None).status, 404);

    assert_eq!(put("1", &file).status, 204);
    assert_eq!(server.api("DELETE", &format!("/api/sessions/{id}"), None).status, 204);
    assert_eq!(traces(), 0, "gone with its session");
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn a_text_becomes_a_sound_where_there_is_a_command_that_speaks() {
    let server = Server::start();
    let say = |body: Value| server.api("POST", "/api/speech/synthesis", Some(&body));
    let told = get(&server, "/api/speech");
    let espeak = std::process::Command::new("espeak-ng").arg("--version").output().is_ok();
    assert!(espeak, "espeak-ng is installed (on Debian: apt install espeak-ng)");
    assert_eq!((&told["output"]["available"], &told["output"]["engine"]), (&json!(true), &json!("espeak-ng")));
    let voices = told["output"]["voices"].as_array().expect("voices");
    assert!(voices.iter().any(|voice| voice["id"] == "en-us"), "{voices:?}");

    let spoken = say(json!({"text": "What breaks first?", "voice": "en-us", "rate": 180}));
    assert_eq!((spoken.status, spoken.header("content-type")), (200, Some("audio/wav")), "{}", spoken.text());
    let audio = wav::read(&spoken.body, 60).expect("a WAV file");
    assert!((500..5_000).contains(&audio.milliseconds()), "{} ms", audio.milliseconds());
    assert!(audio.samples.iter().any(|sample| sample.abs() > 0.05));
    let slow = wav::read(&say(json!({"text": "What breaks first?", "rate": 90})).body, 60).expect("a WAV file");
    assert!(slow.milliseconds() > audio.milliseconds());

    // Text is never an option, a file or a command.
    let tricky = say(json!({"text": "-w /tmp/x --phonout=/tmp/y $(touch /tmp/z) `id` <break time=\"900s\"/> \u{0}"}));
    assert_eq!(tricky.status, 200, "{}", tricky.text());
    for bad in [
        json!({"text": ""}),
        json!({"text": " \n "}),
        json!({"text": "x".repeat(9_000)}),
        json!({"text": "x", "rate": 5}),
        json!({"text": "x", "voice": "-w"}),
        json!({"text": "x", "voice": "../../etc/passwd"}),
        json!({"text": "x", "shell": true}),
    ] {
        assert_eq!(say(bad.clone()).status, 422, "{bad:.60}");
    }
}

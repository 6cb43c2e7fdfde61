//! An engine that is a server: what is asked of it, and all the ways in which a server can answer badly.

#![expect(clippy::unwrap_used, reason = "tests")]

mod openai_server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use offrecord::engine::{
    Choice, ChooseRequest, Constraint, Engine, EngineError, Event, Finish, GenerateRequest, Priority, Prompt, Sampling,
};
use offrecord::remote::{self, Key, RemoteError, Settings};
use openai_server::{OpenAi, begin, judged, line, reply, say, send, stream_words};
use serde_json::json;

fn settings(server: &OpenAi) -> Settings {
    Settings {
        tries: 3,
        pause: Duration::from_millis(1),
        patience: Duration::from_secs(20),
        ..Settings::new(&server.url)
    }
}

async fn engine(server: &OpenAi) -> Engine {
    connect(settings(server)).await.unwrap().engine
}

async fn connect(settings: Settings) -> Result<remote::Connected, RemoteError> {
    tokio::task::spawn_blocking(move || remote::connect(&settings, true)).await.unwrap()
}

fn ask(text: &str) -> GenerateRequest {
    GenerateRequest::new(Prompt::system("You ask.").user(text), 40)
}

async fn words(engine: &Engine, request: GenerateRequest) -> Result<String, EngineError> {
    engine.generate(request)?.finished().await.map(|finished| finished.text)
}

fn yes_no(ask: &str) -> Choice {
    Choice { prompt: Prompt::system("You judge.").user(ask), options: vec!["Yes".into(), "No".into()] }
}

async fn choose(engine: &Engine, choices: Vec<Choice>) -> Result<Vec<Vec<f32>>, EngineError> {
    let request = ChooseRequest { choices, hidden: false, priority: Priority::Background };
    Ok(engine.choose(request).await?.into_iter().map(|scored| scored.log_probs).collect())
}

fn reason(error: &EngineError) -> String {
    error.to_string()
}

#[tokio::test]
async fn words_come_as_a_stream_with_what_was_asked_for() {
    let server = OpenAi::start(|_, stream| stream_words(stream, "What breaks first? STOP And then?"));
    let key = Key::new("sk-secret").unwrap();
    let connected = connect(Settings { key, ..settings(&server) }).await.unwrap();
    let host = server.url.trim_start_matches("http://");
    assert_eq!((connected.leaves_for.as_str(), connected.engine.leaves_for()), (host, Some(host)));
    assert_eq!(connected.engine.info().id, "stand-in (127.0.0.1)");
    let sampling = Sampling { temperature: 0.7, top_k: 20, seed: 7, ..Sampling::default() };
    let request = GenerateRequest { sampling, stop: vec!["STOP".into()], ..ask("Go on.") };
    let mut generation = connected.engine.generate(request).unwrap();
    let (mut told, mut pieces) = (String::new(), 0);
    let finished = loop {
        match generation.next().await.unwrap() {
            Event::Token { text, .. } => (told.push_str(&text), pieces += 1).1,
            Event::Done(finished) => break finished,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((told.as_str(), finished.text.as_str()), ("What breaks first? ", "What breaks first? "));
    assert!(pieces > 1 && finished.finish == Finish::Stop);
    let asked = server.asked().into_iter().find(|asked| asked.body["stream"] == true).unwrap();
    assert_eq!(asked.headers["authorization"], "Bearer sk-secret");
    assert_eq!(
        (&asked.body["model"], &asked.body["seed"], &asked.body["top_k"]),
        (&json!("stand-in"), &json!(7), &json!(20))
    );
    assert_eq!(asked.body["stop"], json!(["STOP"]));
    assert_eq!(asked.body["messages"][0], json!({"role": "system", "content": "You ask."}));
}

#[tokio::test]
async fn a_draft_is_not_sent() {
    let server = OpenAi::start(|_, _| panic!("nothing is sent"));
    let engine = engine(&server).await;
    assert_eq!(engine.prefill(Prompt::system("A draft.").user("half an ans"), Priority::Interactive).await, Ok(0));
    assert_eq!(server.counted(), 0);
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let server = OpenAi::start(|_, stream| {
        let usage = json!({"prompt_tokens": 3, "completion_tokens": 4});
        let message = json!({"role": "assistant", "content": "What breaks first?"});
        reply(stream, 200, &json!({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}));
    });
    let finished = engine(&server).await.generate(ask("Go on.")).unwrap().finished().await.unwrap();
    assert_eq!((finished.text.as_str(), finished.usage.completion_tokens), ("What breaks first?", 4));
}

#[tokio::test]
async fn a_server_that_knows_less_is_asked_for_less_and_that_is_remembered() {
    let server = OpenAi::start(|asked, stream| {
        let unknown = ["top_k", "stream_options"].into_iter().find(|name| !asked.body[*name].is_null());
        match unknown {
            Some(name) => reply(stream, 400, &json!({"error": {"message": format!("unknown field {name}")}})),
            None => stream_words(stream, "What breaks first?"),
        }
    });
    let engine = engine(&server).await;
    let request = GenerateRequest { sampling: Sampling { top_k: 20, ..Sampling::default() }, ..ask("Go on.") };
    assert_eq!(words(&engine, request.clone()).await.unwrap(), "What breaks first?");
    assert_eq!(server.counted(), 3);
    assert_eq!(words(&engine, request).await.unwrap(), "What breaks first?");
    assert_eq!(server.counted(), 4, "it is not asked for what it refused before");
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_begun_again_only_before_the_first_word() {
    let server = OpenAi::start(|asked, stream| match asked.before {
        0 => begin(stream),
        1 => (begin(stream), line(stream, "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}")).0,
        _ => stream_words(stream, "What breaks first?"),
    });
    assert_eq!(words(&engine(&server).await, ask("Go on.")).await.unwrap(), "What breaks first?");

    let server = OpenAi::start(|_, stream| (begin(stream), say(stream, "What bre")).0);
    let mut generation = engine(&server).await.generate(ask("Go on.")).unwrap();
    let first = generation.next().await;
    assert!(matches!(first, Some(Event::Token { .. })), "{first:?}");
    let Some(Event::Failed(error)) = generation.next().await else { panic!("an end") };
    assert!(reason(&error).contains("broke off in the middle"), "{error}");
    assert_eq!(server.counted(), 1, "words are not told twice");
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_told() {
    let server = OpenAi::start(|_, stream| {
        begin(stream);
        say(stream, "What");
        line(stream, "data: {\"error\": {\"message\": \"out of memory\"}}");
    });
    let error = words(&engine(&server).await, ask("Go on.")).await.unwrap_err();
    assert!(reason(&error).contains("out of memory"), "{error}");
}

#[tokio::test]
async fn wrong_types_and_wrong_shapes_are_named_and_not_tried_again() {
    for (kind, body, said) in [
        ("text/html", "<html>Welcome to the hotel</html>", "text/html"),
        ("text/event-stream", "data: <html>\n\n", "not JSON"),
        ("application/json", "{\"choices\": 1}", "does not fit"),
        ("application/json", "{", "not JSON"),
        ("application/json", "{}", "no words"),
        ("application/octet-stream", "\u{0}", "octet-stream"),
    ] {
        let server = OpenAi::start(move |_, stream| send(stream, 200, kind, &[], body));
        let error = words(&engine(&server).await, ask("Go on.")).await.unwrap_err();
        assert!(reason(&error).contains(said), "{kind} {body}: {error}");
        assert_eq!(server.counted(), 1, "{kind} {body}");
    }
}

#[tokio::test]
async fn a_redirect_is_refused_and_nothing_goes_there() {
    let elsewhere = OpenAi::start(|_, _| ());
    let to = format!("{}/v1/chat/completions", elsewhere.url);
    for status in [301, 302, 303, 307, 308] {
        let to = to.clone();
        let server = OpenAi::start(move |_, stream| send(stream, status, "text/plain", &[("location", &to)], ""));
        let engine = engine(&server).await;
        let error = words(&engine, ask("A secret.")).await.unwrap_err();
        assert!(reason(&error).contains("not followed"), "{error}");
        let error = choose(&engine, vec![yes_no("A secret?")]).await.unwrap_err();
        assert!(reason(&error).contains("not followed"), "{error}");
    }
    let to = format!("{}/v1/models", elsewhere.url);
    let server = OpenAi::bare(move |_, stream| send(stream, 302, "text/plain", &[("location", &to)], ""));
    assert!(
        matches!(connect(settings(&server)).await, Err(RemoteError::NoAnswer { reason, .. }) if reason.contains("not followed"))
    );
    assert_eq!(elsewhere.asked().len(), 0);
}

#[tokio::test]
async fn what_does_not_end_is_ended() {
    let talks = OpenAi::start(|_, stream| {
        begin(stream);
        while say(stream, "and so on and on ") {}
    });
    let finished = engine(&talks).await.generate(ask("Go on.")).unwrap().finished().await.unwrap();
    assert_eq!(finished.finish, Finish::Length);
    assert!(finished.text.len() < 4096, "{}", finished.text.len());

    let hums = OpenAi::start(|_, stream| {
        begin(stream);
        while line(stream, ": still here, still here, still here, still here, still here") {}
    });
    let error = words(&engine(&hums).await, ask("Go on.")).await.unwrap_err();
    assert!(reason(&error).contains("does not end"), "{error}");

    let shouts = OpenAi::start(|_, stream| {
        begin(stream);
        line(stream, &format!("data: {}", "a".repeat(1 << 20)));
    });
    let error = words(&engine(&shouts).await, ask("Go on.")).await.unwrap_err();
    assert!(reason(&error).contains("KiB"), "{error}");

    let floods = OpenAi::start(|_, stream| send(stream, 200, "application/json", &[], &"[".repeat(5 << 20)));
    let error = choose(&engine(&floods).await, vec![yes_no("?")]).await.unwrap_err();
    assert!(reason(&error).contains("MiB"), "{error}");
}

#[tokio::test]
async fn silence_is_waited_for_only_so_long() {
    let server = OpenAi::start(|_, stream| {
        begin(stream);
        std::thread::sleep(Duration::from_secs(5));
        say(stream, "late");
    });
    let settings = Settings { patience: Duration::from_millis(100), tries: 1, ..settings(&server) };
    let engine = connect(settings).await.unwrap().engine;
    let error = words(&engine, ask("Go on.")).await.unwrap_err();
    assert!(reason(&error).contains("the server at"), "{error}");
}

/// Waits until the server has noticed that nobody listens.
fn noticed(left: &AtomicBool) {
    let begun = Instant::now();
    while !left.load(Ordering::SeqCst) {
        assert!(begun.elapsed() < Duration::from_secs(20), "the server still talks to nobody");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_cuts_the_connection_even_before_the_first_word() {
    for speaks in [true, false] {
        let (left, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (gone, come) = (Arc::clone(&left), Arc::clone(&asked));
        let server = OpenAi::start(move |_, stream| {
            use std::io::Read as _;
            begin(stream);
            if speaks {
                say(stream, "word ");
            }
            come.store(true, Ordering::SeqCst);
            // Nothing more comes from a client: the end of its line is what is waited for.
            let mut stream = stream;
            let mut rest = [0; 64];
            while stream.read(&mut rest).is_ok_and(|n| n > 0) {}
            gone.store(true, Ordering::SeqCst);
        });
        let engine = engine(&server).await;
        let generation = engine.generate(ask("Go on.")).unwrap();
        noticed(&asked);
        drop(generation);
        noticed(&left);
        left.store(false, Ordering::SeqCst);
        asked.store(false, Ordering::SeqCst);
        let judging = tokio::spawn(async move { choose(&engine, vec![yes_no("?")]).await });
        noticed(&asked);
        judging.abort();
        noticed(&left);
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says() {
    let server = OpenAi::start(|asked, stream| match asked.before {
        0 => {
            send(stream, 429, "application/json", &[("retry-after", "0")], "{\"error\": {\"message\": \"slow down\"}}")
        }
        1 => send(stream, 503, "text/plain", &[], "busy"),
        _ => reply(stream, 200, &judged(&[("Yes", 0.6), (" yes", 0.1), ("No", 0.2)])),
    });
    let p = choose(&engine(&server).await, vec![yes_no("?")]).await.unwrap();
    assert!((p[0][0].exp() - 0.7).abs() < 1e-4 && (p[0][1].exp() - 0.2).abs() < 1e-4);
    let down =
        OpenAi::start(|_, stream| send(stream, 500, "application/json", &[], "{\"detail\": \"no\\u001b[2J memory\"}"));
    let error = choose(&engine(&down).await, vec![yes_no("?")]).await.unwrap_err();
    assert!(reason(&error).contains("status 500: no [2J memory (tried 3 times)"), "{error}");
}

#[tokio::test]
async fn no_more_requests_are_in_flight_than_agreed_and_a_person_goes_first() {
    let person = Arc::new(AtomicBool::new(false));
    let served = Arc::clone(&person);
    let server = OpenAi::start(move |asked, stream| {
        if asked.body["stream"] == true {
            served.store(true, Ordering::SeqCst);
            return stream_words(stream, "What breaks first?");
        }
        // Judgements that nobody waits for are held until the person was served.
        let begun = Instant::now();
        while !served.load(Ordering::SeqCst) && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(2));
        }
        reply(stream, 200, &judged(&[("Yes", 0.6), ("No", 0.2)]));
    });
    let engine = connect(Settings { together: 3, ..settings(&server) }).await.unwrap().engine;
    let many = (0..24).map(|k| yes_no(&format!("{k}?"))).collect();
    let (judged, said) = tokio::join!(choose(&engine, many), async {
        while server.counted() < 2 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        words(&engine, ask("Go on.")).await
    });
    assert_eq!(said.unwrap(), "What breaks first?");
    assert_eq!(judged.unwrap().len(), 24);
    assert!(server.most_together() <= 3, "{}", server.most_together());
}

#[tokio::test]
async fn answers_come_back_in_the_order_of_the_questions() {
    let server = OpenAi::start(|asked, stream| {
        let p: f64 = asked.last().trim_end_matches('?').parse::<f64>().unwrap() / 100.0;
        std::thread::sleep(Duration::from_millis((asked.before as u64 * 7) % 20));
        reply(stream, 200, &judged(&[("Yes", p), ("No", 0.001)]));
    });
    let p = choose(&engine(&server).await, (1..40).map(|k| yes_no(&format!("{k}?"))).collect()).await.unwrap();
    for (k, p) in (1..40).zip(p) {
        assert!((f64::from(p[0].exp()) - f64::from(k) / 100.0).abs() < 1e-4, "{k}");
    }
}

#[tokio::test]
async fn a_server_without_log_probabilities_words_but_does_not_judge() {
    let server = OpenAi::bare(|asked, stream| match asked.path.as_str() {
        "/v1/models" => reply(stream, 200, &json!({"data": [{"id": "plain"}]})),
        "/v1/chat/completions" if asked.body["stream"] == true => stream_words(stream, "What breaks first?"),
        "/v1/chat/completions" => {
            reply(stream, 200, &json!({"choices": [{"message": {"content": "Yes"}, "logprobs": null}]}))
        }
        _ => reply(stream, 404, &json!({})),
    });
    let connected = connect(settings(&server)).await.unwrap();
    assert!(!connected.abilities.can_judge());
    assert!(connected.abilities.missing().unwrap().contains("word but not judge"));
    assert_eq!(words(&connected.engine, ask("Go on.")).await.unwrap(), "What breaks first?");
    let before = server.counted();
    let error = choose(&connected.engine, vec![yes_no("?")]).await.unwrap_err();
    assert!(reason(&error).contains("no log-probabilities"), "{error}");
    assert_eq!(server.counted(), before, "what it cannot do is not asked");
}

#[tokio::test]
async fn a_server_that_stops_at_five_is_asked_for_five() {
    let server = OpenAi::bare(|asked, stream| match asked.path.as_str() {
        "/v1/models" => reply(stream, 200, &json!({"data": [{"id": "five"}]})),
        "/v1/chat/completions" if asked.body["top_logprobs"].as_u64() > Some(5) => {
            reply(stream, 400, &json!({"error": {"message": "top_logprobs: at most 5"}}));
        }
        "/v1/chat/completions" => reply(stream, 200, &judged(&[("Yes", 0.6), ("No", 0.2)])),
        _ => reply(stream, 404, &json!({})),
    });
    let connected = connect(settings(&server)).await.unwrap();
    assert_eq!(connected.abilities.first_token, 5);
    assert!(choose(&connected.engine, vec![yes_no("?")]).await.is_ok());
}

#[tokio::test]
async fn whole_texts_are_compared_where_the_server_echoes() {
    let server = OpenAi::bare(|asked, stream| match asked.path.as_str() {
        "/v1/models" => reply(stream, 200, &json!({"data": [{"id": "echo"}]})),
        "/v1/completions" => {
            let prompt = asked.body["prompt"].as_str().unwrap();
            // Words are tokens; those with an x are unlikely.
            let tokens: Vec<&str> = prompt
                .split_inclusive(' ')
                .flat_map(|w| w.strip_suffix(' ').map_or(vec![w], |w| vec![w, " "]))
                .collect();
            let p: Vec<_> = tokens
                .iter()
                .enumerate()
                .map(|(k, t)| (k > 0).then_some(if t.contains('x') { -3.0 } else { -0.5 }))
                .collect();
            let logprobs = json!({"tokens": tokens, "token_logprobs": p});
            reply(stream, 200, &json!({"choices": [{"text": prompt, "logprobs": logprobs}]}));
        }
        _ => reply(stream, 404, &json!({"error": "no chat here"})),
    });
    let connected = connect(settings(&server)).await.unwrap();
    assert!(connected.abilities.whole_texts && connected.abilities.missing().is_none());
    let options = vec!["Which part breaks first?".to_owned(), "Which xpart breaks first?".to_owned()];
    let choice = Choice { prompt: Prompt::system("You ask.").user("Go on."), options };
    let p = choose(&connected.engine, vec![choice]).await.unwrap();
    // Four words and the blanks before them; one of them unlikely.
    assert!((p[0][0] + 4.0).abs() < 1e-5 && (p[0][1] + 6.5).abs() < 1e-5, "{p:?}");
}

#[tokio::test]
async fn what_a_constraint_asks_for_is_checked_here() {
    let server = OpenAi::start(|asked, stream| {
        let text = if asked.last().contains("badly") { "{\"level\": \"high\"}" } else { "{\"level\": 3}" };
        stream_words(stream, text);
    });
    let engine = engine(&server).await;
    let schema = json!({"type": "object", "properties": {"level": {"type": "integer"}}, "required": ["level"]});
    let constrained =
        |text: &str| GenerateRequest { constraint: Some(Constraint::JsonSchema(schema.clone())), ..ask(text) };
    assert_eq!(words(&engine, constrained("Answer well.")).await.unwrap(), "{\"level\": 3}");
    let error = words(&engine, constrained("Answer badly.")).await.unwrap_err();
    assert!(matches!(error, EngineError::Constraint(_)), "{error}");
    let asked = server.asked().pop().unwrap();
    assert_eq!(asked.body["response_format"]["json_schema"]["schema"], schema);

    let span = Constraint::SpanOf { text: "We kept two copies of each.".into(), min_words: 2, max_words: 4 };
    let server = OpenAi::start(|_, stream| stream_words(stream, "kept two copies"));
    let engine = connect(settings(&server)).await.unwrap().engine;
    let request = GenerateRequest { constraint: Some(span), ..ask("Quote.") };
    assert_eq!(words(&engine, request.clone()).await.unwrap(), "kept two copies");
    let server = OpenAi::start(|_, stream| stream_words(stream, "kept seven copies"));
    let engine = connect(settings(&server)).await.unwrap().engine;
    assert!(matches!(words(&engine, request).await, Err(EngineError::Constraint(_))));
}

#[tokio::test]
async fn one_of_several_models_is_named() {
    let server = OpenAi::bare(|asked, stream| match asked.path.as_str() {
        "/v1/models" => reply(stream, 200, &json!({"data": [{"id": "small:1b"}, {"id": "org/large\u{1b}[31m"}]})),
        _ => reply(stream, 200, &judged(&[("Yes", 0.6), ("No", 0.2)])),
    });
    let Err(RemoteError::WhichModel { list, .. }) = connect(settings(&server)).await else { panic!("which?") };
    assert_eq!(list, "small:1b, org/large [31m");
    let named = |name: &str| Settings { url: format!("{}/v1#{name}", server.url), ..settings(&server) };
    assert!(matches!(connect(named("huge")).await, Err(RemoteError::WhichModel { .. })));
    let connected = connect(named("small:1b")).await.unwrap();
    assert!(connected.engine.info().id.starts_with("small:1b (127.0.0.1)"));
    assert!(server.asked().iter().all(|asked| !asked.path.contains('#')), "the name is not part of the address");
    let none = OpenAi::bare(|_, stream| reply(stream, 200, &json!({"data": []})));
    assert!(matches!(connect(settings(&none)).await, Err(RemoteError::NoAnswer { .. })));
    let web = OpenAi::bare(|_, stream| send(stream, 200, "text/html", &[], "<html></html>"));
    assert!(matches!(connect(settings(&web)).await, Err(RemoteError::NoAnswer { .. })));
}

#[tokio::test]
async fn a_key_is_never_told_even_if_the_server_tells_it() {
    let server = OpenAi::start(|asked, stream| {
        let sent = asked.headers["authorization"].clone();
        reply(stream, 422, &json!({"error": {"message": format!("bad request with {sent}")}}));
    });
    let key = Key::new("sk-very-secret").unwrap();
    let engine = connect(Settings { key, ..settings(&server) }).await.unwrap().engine;
    let error = words(&engine, ask("Go on.")).await.unwrap_err();
    assert!(reason(&error).contains("bad request with Bearer ***"), "{error}");
}

#[tokio::test]
async fn nobody_there_is_told_soon() {
    let settings = Settings { tries: 1, ..Settings::new("http://127.0.0.1:9") };
    assert!(matches!(connect(settings).await, Err(RemoteError::NoAnswer { .. })));
    let counted = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&counted);
    let server = OpenAi::bare(move |_, _| {
        seen.fetch_add(1, Ordering::SeqCst);
    });
    let settings = Settings { tries: 5, pause: Duration::from_millis(1), ..Settings::new(&server.url) };
    assert!(matches!(connect(settings).await, Err(RemoteError::NoAnswer { .. })));
    assert_eq!(counted.load(Ordering::SeqCst), 2, "a wrong address is not tried for long");
}

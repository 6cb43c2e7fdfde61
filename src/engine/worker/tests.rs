//! The worker over a fake model whose mind is a function of what it has read, and over tiny real ones.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::*;
use crate::gguf::Architecture;
use crate::handle::Engine;
use crate::load::LoadOptions;
use crate::model::fake::{Fake, Mind};
use crate::prompt::Prompt;
use crate::request::{
    Choice, ChooseRequest, Constraint, Event, Finish, Finished, GenerateRequest, ModelInfo, Sampling, Scored,
};
use crate::tiny::Tiny;

pub(super) fn vocabulary() -> Arc<Text> {
    Arc::new(Text::read(&Tiny::default().file()).expect("a tiny vocabulary"))
}

/// An engine over `fake`.
pub(super) fn engine(fake: Fake) -> Engine {
    drafted(fake, None)
}

/// An engine over `fake`, for which `draft` drafts.
pub(super) fn drafted(fake: Fake, draft: Option<Draft>) -> Engine {
    let (engine, queue) = Engine::with_queue(info());
    start_with(fake, draft, queue);
    engine
}

fn info() -> ModelInfo {
    ModelInfo {
        id: "fake".into(),
        sha256: String::new(),
        architecture: "fake".into(),
        quantisation: "none".into(),
        context: 4096,
        hidden_size: 4,
        kernel: "none".into(),
        threads: 1,
    }
}

fn start(fake: Fake, queue: mpsc::Receiver<Job>) {
    start_with(fake, None, queue);
}

fn start_with(fake: Fake, draft: Option<Draft>, queue: mpsc::Receiver<Job>) {
    let file = Tiny::default().file();
    let text = vocabulary();
    let template = Template::of(&file, &text, false).expect("a template");
    std::thread::spawn(move || serve(Box::new(fake), text, template, Kept::default(), draft, queue));
}

pub(super) fn fake(mind: impl FnMut(&[u32], &mut [f32]) + Send + 'static) -> Fake {
    Fake { mind: Box::new(mind), ..Fake::default() }
}

/// A mind that recites `text` after the last assistant header, then ends its turn.
pub(super) fn reciting(words: &str) -> Mind {
    let text = vocabulary();
    let mut script = text.encode(words).expect("encodes");
    script.push(text.end());
    let header = text.encode_scaffold("<|im_start|>assistant\n").expect("encodes");
    Box::new(move |tokens, row| {
        let begin = (0..=tokens.len() - header.len()).rev().find(|at| tokens[*at..].starts_with(&header));
        let said = begin.map_or(0, |at| tokens.len() - at - header.len());
        row[script.get(said).copied().unwrap_or(text.end()) as usize] = 10.0;
    })
}

/// A mind that mixes all that it has read into pseudo-random logits.
pub(super) fn mixing() -> Mind {
    Box::new(|tokens, row| {
        let mut state = tokens.iter().fold(17u64, |state, token| {
            (state ^ u64::from(*token)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
        });
        for logit in row.iter_mut() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *logit = (state >> 40) as f32 / (1u64 << 24) as f32 * 8.0;
        }
    })
}

pub(super) fn ask(text: &str) -> GenerateRequest {
    GenerateRequest::new(Prompt::system("You interview.").user(text), 64)
}

pub(super) async fn say(engine: &Engine, request: GenerateRequest) -> Result<Finished, EngineError> {
    engine.generate(request).expect("room in the queue").finished().await
}

async fn choose(engine: &Engine, choices: Vec<Choice>) -> Result<Vec<Scored>, EngineError> {
    engine.choose(ChooseRequest { choices, hidden: false, priority: Priority::Interactive }).await
}

#[tokio::test]
async fn words_come_in_pieces_and_end_with_the_turn() {
    let engine = engine(Fake { mind: reciting("What is the cache for, and who warms it? É 🙂"), ..Fake::default() });
    let mut generation = engine.generate(ask("Hello")).expect("room");
    let (mut text, mut read) = (String::new(), Vec::new());
    let finished = loop {
        match generation.next().await.expect("an end") {
            Event::Prefill { done, total } => read.push((done, total)),
            Event::Token { text: piece, .. } => text += &piece,
            Event::Done(finished) => break finished,
            Event::Failed(error) => panic!("{error}"),
        }
    };
    assert_eq!(text, "What is the cache for, and who warms it? É 🙂");
    assert_eq!((finished.text.as_str(), finished.finish), (text.as_str(), Finish::Stop));
    let total = finished.usage.prompt_tokens;
    assert_eq!((read.first(), read.last()), (Some(&(0, total)), Some(&(total, total))));
    assert!(generation.next().await.is_none(), "exactly one event closes a generation");
}

#[tokio::test]
async fn a_longer_conversation_reads_only_what_is_new() {
    let engine = engine(Fake { mind: reciting("Why?"), ..Fake::default() });
    let first = Prompt::system("You interview candidates about caches.").user("I would shard it by user.");
    let one = say(&engine, GenerateRequest::new(first.clone(), 64)).await.expect("words");
    assert_eq!(one.usage.cached_tokens, 0);
    let second = first.assistant(one.text).user("Because of locality.");
    let two = say(&engine, GenerateRequest::new(second, 64)).await.expect("words");
    assert!(two.usage.cached_tokens > one.usage.prompt_tokens, "{:?}", two.usage);
}

#[tokio::test]
async fn a_draft_that_was_read_ahead_costs_only_its_last_words() {
    let engine = engine(Fake { mind: reciting("Why?"), ..Fake::default() });
    let draft = Prompt::system("You interview.").user("I would shard the cache by user and replica");
    let cached = engine.prefill(draft, Priority::Interactive).await.expect("reads");
    let whole = Prompt::system("You interview.").user("I would shard the cache by user and replicate it.");
    let said = say(&engine, GenerateRequest::new(whole, 8)).await.expect("words");
    assert!(said.usage.cached_tokens + 6 >= cached, "{cached} read ahead, {:?}", said.usage);
}

#[tokio::test]
async fn stop_texts_and_limits_end_a_text() {
    let engine = engine(Fake { mind: reciting("One. Two. Three."), ..Fake::default() });
    let stopped = say(&engine, GenerateRequest { stop: vec!["wo. T".into()], ..ask("Count") }).await.expect("words");
    assert_eq!((stopped.text.as_str(), stopped.finish), ("One. T", Finish::Stop));
    let short = say(&engine, GenerateRequest { max_tokens: 3, ..ask("Count") }).await.expect("words");
    assert_eq!((short.usage.completion_tokens, short.finish), (3, Finish::Length));
    let none = say(&engine, GenerateRequest { max_tokens: 0, ..ask("Count") }).await.expect("words");
    assert_eq!((none.text.as_str(), none.finish), ("", Finish::Length));
}

#[tokio::test]
async fn a_model_that_never_ends_is_ended() {
    let engine = engine(fake(|tokens, row| row[97 + tokens.len() % 3] = 1.0));
    let looping = say(&engine, GenerateRequest { max_tokens: 3000, ..ask("Go on") }).await.expect("words");
    assert_eq!(looping.finish, Finish::Length);
    assert!(looping.usage.completion_tokens < 120, "{:?}", looping.usage);
    // A token of white space only: nothing is said at all.
    let newline = vocabulary().encode("\n").expect("encodes")[0] as usize;
    let silent = self::engine(fake(move |_, row| row[newline] = 1.0));
    let silent = say(&silent, GenerateRequest { max_tokens: 3000, ..ask("Go on") }).await.expect("words");
    assert!(silent.usage.completion_tokens < 60, "{:?}", silent.usage);
    crate::tier::tried("D19", "models that never end", 1);
}

#[tokio::test]
async fn invalid_utf8_becomes_replacement_characters() {
    let text = vocabulary();
    let lead = text.encode("é").expect("encodes")[0] as usize;
    let engine = engine(fake(move |_, row| row[lead] = 1.0));
    let said = say(&engine, GenerateRequest { max_tokens: 4, ..ask("Go") }).await.expect("words");
    assert_eq!(said.text, "\u{fffd}".repeat(4));
    crate::tier::tried("D19", "invalid bytes from a model", 1);
}

#[tokio::test]
async fn nonsense_and_overflow_are_errors_that_say_so() {
    let engine = engine(fake(|tokens, row| row[0] = if tokens.len() > 30 { f32::NAN } else { 1.0 }));
    let nan = say(&engine, ask("A question that is long enough to pass thirty tokens")).await;
    assert!(matches!(nan, Err(EngineError::Inference(_))), "{nan:?}");
    let judged = choose(&engine, vec![yes_or_no("A question that is long enough to pass thirty tokens")]).await;
    assert!(matches!(judged, Err(EngineError::Inference(_))), "{judged:?}");
    let long = say(&engine, ask(&"word ".repeat(4000))).await;
    assert!(matches!(long, Err(EngineError::ContextOverflow { context: 4096, .. })), "{long:?}");
    let read = engine.prefill(Prompt::system("x ".repeat(9000)), Priority::Background).await;
    assert!(matches!(read, Err(EngineError::ContextOverflow { .. })), "{read:?}");
    crate::tier::tried("D19", "numbers that are none, overflow", 2);
}

#[tokio::test]
async fn a_text_that_reaches_the_context_ends() {
    let engine = engine(Fake { context: 64, ..fake(|tokens, row| row[40 + tokens.len() * 7 % 50] = 1.0) });
    let said = say(&engine, GenerateRequest { max_tokens: 500, ..ask("Hi") }).await.expect("words");
    assert_eq!(said.finish, Finish::Length);
    assert_eq!(said.usage.prompt_tokens + said.usage.completion_tokens, 64);
    crate::tier::tried("D19", "texts that reach the context", 1);
}

#[tokio::test]
async fn a_seed_is_a_text() {
    let engine = engine(Fake { mind: mixing(), ..Fake::default() });
    let sampling = Sampling { temperature: 0.9, top_p: 0.95, seed: 11, ..Sampling::default() };
    let request = GenerateRequest { sampling: sampling.clone(), ..ask("Say something") };
    let (one, two) = (say(&engine, request.clone()).await, say(&engine, request.clone()).await);
    assert_eq!(one.expect("words").text, two.clone().expect("words").text);
    let other = GenerateRequest { sampling: Sampling { seed: 12, ..sampling }, ..request };
    assert_ne!(say(&engine, other).await.expect("words").text, two.expect("words").text);
}

#[tokio::test]
async fn log_probabilities_name_the_chosen_token_first() {
    let engine = engine(Fake { mind: reciting("Yes"), ..Fake::default() });
    let mut generation = engine.generate(GenerateRequest { top_logprobs: 3, ..ask("Sure?") }).expect("room");
    while let Some(event) = generation.next().await {
        if let Event::Token { text, logprobs } = event {
            assert_eq!((text.as_str(), logprobs.len()), ("Yes", 4));
            assert_eq!((logprobs[0].0.as_str(), logprobs[0].1), ("Yes", logprobs[1].1));
            return;
        }
    }
    panic!("no token came");
}

fn yes_or_no(question: &str) -> Choice {
    let transcript = "The candidate said that the cache is warmed at night. ".repeat(4);
    Choice {
        prompt: Prompt::system("You judge.").user(format!("{transcript}\n\n{question}")).answering("Answer:"),
        options: [" Yes", " No", " Yes and no", " Yes and yes", " Not sure"].map(str::to_owned).to_vec(),
    }
}

/// The definition: the summed log-probability of an option's tokens, one row at a time.
fn by_definition(mind: &mut Mind, choice: &Choice) -> Vec<f32> {
    let (file, text) = (Tiny::default().file(), vocabulary());
    let template = Template::of(&file, &text, false).expect("a template");
    let prompt = template.tokens(&choice.prompt, &text, false, |t| Ok(text.encode(t)?.into())).expect("encodes");
    let score = |option: &String| {
        let mut tokens = prompt.clone();
        let mut sum = 0.0;
        for token in text.encode(option).expect("encodes") {
            let mut row = vec![0.0; 300];
            mind(&tokens, &mut row);
            sum += row[token as usize] - crate::sampling::normaliser(&row).expect("finite");
            tokens.push(token);
        }
        sum
    };
    choice.options.iter().map(score).collect()
}

#[tokio::test]
async fn a_batch_of_judgements_equals_its_definition_and_its_single_runs() {
    let engine = engine(Fake { mind: mixing(), ..Fake::default() });
    let choices: Vec<Choice> = (0..40).map(|n| yes_or_no(&format!("Is statement {n} supported?"))).collect();
    let batch = choose(&engine, choices.clone()).await.expect("judgements");
    assert_eq!(batch.len(), 40);
    for (choice, scored) in choices.iter().zip(&batch) {
        for (score, truth) in scored.log_probs.iter().zip(by_definition(&mut mixing(), choice)) {
            assert!((score - truth).abs() < 1e-4, "{score} {truth}");
        }
    }
    let single = choose(&engine, choices[7..8].to_vec()).await.expect("judgement");
    assert_eq!(single[0], batch[7]);
    assert!((batch[0].probabilities().iter().sum::<f32>() - 1.0).abs() < 1e-5);
}

#[tokio::test]
async fn hidden_states_come_on_request_and_odd_requests_are_answered() {
    let engine = engine(Fake { mind: mixing(), ..Fake::default() });
    let request = ChooseRequest {
        choices: vec![yes_or_no("A?"), yes_or_no("Bee?")],
        hidden: true,
        priority: Priority::Background,
    };
    let scored = engine.choose(request).await.expect("judgements");
    let lengths: Vec<f32> = scored.iter().map(|s| s.hidden.as_ref().expect("asked for")[0]).collect();
    assert!(lengths[0] > 60.0 && lengths[1] == lengths[0] + 2.0, "each at the end of its own prompt: {lengths:?}");
    assert_eq!(choose(&engine, Vec::new()).await, Ok(Vec::new()));
    let empty = Choice { options: vec![String::new()], ..yes_or_no("A?") };
    assert!(matches!(choose(&engine, vec![empty]).await, Err(EngineError::Constraint(_))));
    let none = Choice { options: Vec::new(), ..yes_or_no("A?") };
    assert_eq!(choose(&engine, vec![none]).await.expect("judgement")[0].log_probs, Vec::<f32>::new());
}

#[tokio::test]
async fn judgements_share_what_their_prompts_share() {
    static READ: AtomicUsize = AtomicUsize::new(0);
    let mut mind = mixing();
    let rows = move |tokens: &[u32], row: &mut [f32]| {
        READ.fetch_add(1, Ordering::Relaxed);
        mind(tokens, row);
    };
    let engine = engine(fake(rows));
    let choices: Vec<Choice> =
        (0..10).map(|n| Choice { options: vec![" Yes".into()], ..yes_or_no(&format!("{n}?")) }).collect();
    choose(&engine, choices).await.expect("judgements");
    assert_eq!(READ.load(Ordering::Relaxed), 10 * vocabulary().encode(" Yes").expect("encodes").len());
}

#[tokio::test]
async fn constrained_text_is_valid_on_a_random_mind() {
    let engine = engine(Fake { mind: mixing(), ..Fake::default() });
    let schema = json!({
        "type": "object",
        "properties": {"level": {"enum": [1, 2, 3, 4, 5]}, "why": {"type": "string", "maxLength": 12}},
        "required": ["level", "why"],
        "additionalProperties": false
    });
    let text = "Reads go through Redis first. Writes invalidate the key, then the replica follows.";
    for seed in 0..12 {
        let sampling = Sampling { temperature: 1.0, seed, ..Sampling::default() };
        let request = |constraint| GenerateRequest {
            constraint: Some(constraint),
            sampling: sampling.clone(),
            max_tokens: 300,
            ..ask("Go")
        };
        let json = say(&engine, request(Constraint::JsonSchema(schema.clone()))).await.expect("words");
        assert_eq!(json.finish, Finish::Stop);
        let value: serde_json::Value = serde_json::from_str(&json.text).expect("valid JSON");
        assert!((1..=5).contains(&value["level"].as_i64().expect("a number")));
        let span = Constraint::SpanOf { text: text.into(), min_words: 3, max_words: 7 };
        let span = say(&engine, request(span)).await.expect("words");
        assert!(text.contains(&span.text) && (3..=7).contains(&span.text.split(' ').count()), "{:?}", span.text);
        let regex = say(&engine, request(Constraint::Regex("[a-d]{3}-[0-9]{2}".into()))).await.expect("words");
        assert_eq!((regex.text.len(), regex.finish), (6, Finish::Stop));
    }
    let bad = say(&engine, GenerateRequest { constraint: Some(Constraint::Regex("(".into())), ..ask("Go") }).await;
    assert!(matches!(bad, Err(EngineError::Constraint(_))));
}

#[tokio::test]
async fn guessing_ahead_saves_passes_and_does_not_change_the_text() {
    let quote = "the replica follows the primary and the cache is warmed by a job at night before the traffic comes";
    // A mind that quotes its prompt, and one that says something else every few tokens.
    let twisted = || -> Mind {
        let mut recite = reciting(quote);
        Box::new(move |tokens, row| {
            recite(tokens, row);
            if tokens.len() % 9 == 0 {
                row[65 + tokens.len() % 26] = 20.0;
            }
        })
    };
    for (mind, fewest) in [(&(|| reciting(quote)) as &dyn Fn() -> Mind, 3), (&twisted, 1)] {
        let mut texts = Vec::new();
        let mut counts = Vec::new();
        for guesses in [true, false] {
            let passes = Arc::new(AtomicUsize::new(0));
            let counted = passes.clone();
            let before_pass = Box::new(move |_| {
                let _ = counted.fetch_add(1, Ordering::SeqCst);
            });
            let engine = engine(Fake { guesses, mind: mind(), before_pass, ..Fake::default() });
            let said = say(&engine, GenerateRequest { max_tokens: 200, ..ask(&format!("Repeat: {quote}")) }).await;
            texts.push(said.map(|said| (said.text, said.usage.completion_tokens)).expect("words"));
            counts.push(passes.load(Ordering::SeqCst));
        }
        assert_eq!(texts[0], texts[1]);
        assert!(counts[0] * fewest < counts[1], "{counts:?} passes with and without guessing");
    }
}

#[tokio::test]
async fn a_dropped_listener_stops_the_work_within_a_token() {
    for steps in 1..20 {
        let rows = Arc::new(AtomicUsize::new(0));
        let (gate, passes) = std::sync::mpsc::channel::<()>();
        let counted = rows.clone();
        let engine = engine(fake(move |tokens, row| {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = passes.recv();
            row[40 + tokens.len() * 7 % 50] = 1.0;
        }));
        let mut generation = engine.generate(GenerateRequest { max_tokens: 900, ..ask("Go") }).expect("room");
        for _ in 0..steps {
            gate.send(()).expect("alive");
            while !matches!(generation.next().await.expect("going on"), Event::Token { .. }) {}
        }
        drop(generation);
        drop(gate);
        // A request after it proves that the worker is free again.
        engine.prefill(Prompt::system("short"), Priority::Interactive).await.expect("reads");
        let rows = rows.load(Ordering::SeqCst);
        assert!(rows <= steps + 1, "{rows} rows for {steps} tokens");
    }
    crate::tier::tried("D6", "listeners gone while writing: stopped within a token", 1);
}

#[tokio::test]
async fn a_dropped_listener_stops_the_reading_within_a_chunk() {
    for chunks in 0..10 {
        let (entered, passes) = std::sync::mpsc::channel::<usize>();
        let (gate, gates) = std::sync::mpsc::channel::<()>();
        let slow = Fake {
            before_pass: Box::new(move |tokens| {
                let _ = entered.send(tokens);
                let _ = gates.recv();
            }),
            ..Fake::default()
        };
        let engine = engine(slow);
        let reading = engine.generate(GenerateRequest { max_tokens: 5, ..ask(&"word ".repeat(1000)) }).expect("room");
        for _ in 0..chunks {
            assert!(passes.recv().expect("a pass") <= CHUNK);
            gate.send(()).expect("alive");
        }
        passes.recv().expect("one more pass is under way");
        drop(reading);
        drop(gate);
        engine.prefill(Prompt::system("short"), Priority::Interactive).await.expect("reads");
        let later: Vec<usize> = passes.try_iter().collect();
        assert!(later.len() == 1 && later[0] < 40, "only the short prompt was read afterwards: {later:?}");
    }
    crate::tier::tried("D6", "listeners gone while reading: stopped within a chunk", 1);
}

#[tokio::test]
async fn a_queued_request_that_nobody_waits_for_never_starts() {
    let (engine, queue) = Engine::with_queue(info());
    for n in 0..20 {
        drop(engine.generate(ask(&format!("Queued {n}"))).expect("room"));
    }
    let (entered, passes) = std::sync::mpsc::channel::<usize>();
    let before_pass = Box::new(move |tokens| entered.send(tokens).expect("alive"));
    start(Fake { mind: reciting("Yes"), before_pass, ..Fake::default() }, queue);
    assert_eq!(say(&engine, ask("Hi")).await.expect("words").text, "Yes");
    assert_eq!(passes.try_iter().count(), 2, "one pass to read, one to end");
    crate::tier::tried("D6", "listeners gone in the queue: never started", 1);
}

#[tokio::test]
async fn a_full_queue_is_busy() {
    let (engine, queue) = Engine::with_queue(info());
    let waiting: Vec<_> = (0..QUEUE).map(|_| engine.generate(ask("Hi")).expect("room")).collect();
    assert!(matches!(engine.generate(ask("Hi")), Err(EngineError::Busy)));
    drop(waiting);
    // Those that nobody waits for cost nothing: the next one is served.
    start(Fake { mind: reciting("Yes"), ..Fake::default() }, queue);
    let said = loop {
        match engine.generate(ask("Hi")) {
            Ok(generation) => break generation.finished().await,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(said.expect("words").text, "Yes");
    crate::tier::tried("D11", "requests beyond the queue", 1);
}

#[tokio::test]
async fn many_sessions_at_once_get_what_each_gets_alone() {
    // T22: every session has a canary; a mind that mixes all it has read would show any leak.
    let requests: Vec<GenerateRequest> = (0..24)
        .map(|n| {
            let mut request = ask(&format!("My canary is number {}. {}", n * 7919, "More words. ".repeat(n)));
            request.sampling = Sampling { temperature: 0.8, seed: n as u64, ..Sampling::default() };
            request.max_tokens = 40;
            request.priority = if n % 5 == 0 { Priority::Background } else { Priority::Interactive };
            request
        })
        .collect();
    let together = engine(Fake { mind: mixing(), ..Fake::default() });
    let running: Vec<_> = requests.iter().map(|r| together.generate(r.clone()).expect("room")).collect();
    for (generation, request) in running.into_iter().zip(&requests) {
        let together = generation.finished().await.expect("words");
        let alone = say(&engine(Fake { mind: mixing(), ..Fake::default() }), request.clone()).await.expect("words");
        assert_eq!(together.text, alone.text);
    }
    crate::tier::tried("T22", "sessions at once against each alone", 8);
}

#[tokio::test]
async fn a_small_cache_slows_down_and_changes_nothing() {
    // Room for about two of the conversations: tasks are suspended and resumed.
    let small = engine(Fake { budget: 260, mind: mixing(), ..Fake::default() });
    let requests: Vec<GenerateRequest> = (0..6)
        .map(|n| GenerateRequest { max_tokens: 50, ..ask(&format!("Session {n} {}", "word ".repeat(3 * n))) })
        .collect();
    let running: Vec<_> = requests.iter().map(|r| small.generate(r.clone()).expect("room")).collect();
    let plenty = engine(Fake { mind: mixing(), ..Fake::default() });
    for (generation, request) in running.into_iter().zip(&requests) {
        let squeezed = generation.finished().await.expect("words");
        assert_eq!(squeezed.text, say(&plenty, request.clone()).await.expect("words").text);
    }
    let judged = choose(&small, vec![Choice { options: vec![" Yes".into(), " No".into()], ..yes_or_no("A?") }]).await;
    assert!(matches!(judged, Ok(_) | Err(EngineError::Inference(_))), "{judged:?}");
    let huge = say(&small, ask(&"word ".repeat(300))).await;
    assert!(matches!(huge, Err(EngineError::Inference(_))), "{huge:?}");
    assert!(say(&small, ask("Still there?")).await.is_ok());
}

#[tokio::test]
async fn a_panic_in_the_model_ends_the_request_and_not_the_engine() {
    let poison = vocabulary().encode("@").expect("encodes")[0];
    let mut recite = reciting("Yes");
    let engine = engine(fake(move |tokens, row| {
        assert!(!tokens.contains(&poison), "as planned");
        recite(tokens, row);
    }));
    for _ in 0..3 {
        assert!(matches!(say(&engine, ask("@")).await, Err(EngineError::Inference(_))));
        assert_eq!(say(&engine, ask("Go")).await.expect("words").text, "Yes");
    }
    crate::tier::tried("D18", "panics in a model", 1);
}

#[tokio::test]
async fn interactive_work_overtakes_background_work() {
    let (engine, queue) = Engine::with_queue(info());
    let mut background: Vec<_> = (0..8)
        .map(|n| {
            let priority = Priority::Background;
            engine.generate(GenerateRequest { priority, ..ask(&format!("Draft {n}")) }).expect("room")
        })
        .collect();
    let (entered, passes) = std::sync::mpsc::channel::<usize>();
    let quick = engine.generate(GenerateRequest { max_tokens: 5, ..ask("Hi") }).expect("room");
    let before_pass = Box::new(move |tokens| {
        let _ = entered.send(tokens);
    });
    start(Fake { mind: mixing(), before_pass, ..Fake::default() }, queue);
    quick.finished().await.expect("words");
    let first: Vec<usize> = passes.iter().take(5).collect();
    assert!(first[1..].iter().all(|tokens| *tokens == 1), "five passes for the last to come alone: {first:?}");
    for generation in background.drain(..) {
        generation.finished().await.expect("words");
    }
}

fn tiny_engine(architecture: Architecture) -> Engine {
    let tiny = Tiny::new(architecture, candle_core::quantized::GgmlDType::Q8_0);
    Engine::of_file(tiny.file(), &LoadOptions { threads: 1, ..LoadOptions::default() }).expect("loads")
}

#[tokio::test]
async fn every_family_generates_and_judges_for_real() {
    use Architecture::{Gemma3, Glm4, Llama, Phi3, Qwen2, Qwen3};
    for architecture in [Llama, Qwen2, Qwen3, Gemma3, Phi3, Glm4] {
        let engine = tiny_engine(architecture);
        let one = say(&engine, GenerateRequest { max_tokens: 24, ..ask("the cache") }).await.expect("words");
        let two = say(&engine, GenerateRequest { max_tokens: 24, ..ask("the cache") }).await.expect("words");
        assert_eq!(one.text, two.text, "{architecture:?}");
        assert!(two.usage.cached_tokens > 0);
        let choices: Vec<Choice> = (0..6).map(|n| yes_or_no(&format!("Is {n} so?"))).collect();
        let batch = choose(&engine, choices.clone()).await.expect("judgements");
        for (choice, together) in choices.into_iter().zip(batch) {
            let fresh = tiny_engine(architecture);
            let alone = choose(&fresh, vec![choice]).await.expect("judgement");
            for (a, b) in alone[0].log_probs.iter().zip(&together.log_probs) {
                assert!((a - b).abs() < 0.05, "{architecture:?}: {a} alone, {b} in a batch");
            }
        }
    }
}

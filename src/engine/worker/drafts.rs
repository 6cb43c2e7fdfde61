//! The worker with a draft model: whatever it drafts, however it fails, the text is the one without it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use serde_json::json;

use super::tests::{ask, drafted, engine, fake, mixing, reciting, say, vocabulary};
use super::*;
use crate::Engine;
use crate::model::fake::{Fake, Mind};
use crate::prompt::Prompt;
use crate::request::{Choice, ChooseRequest, Constraint, Event, GenerateRequest, Sampling};

const WORDS: &str = "What happens to the sessions when that node dies, and who tells the people who were logged in?";

/// A mind that is sure of what `mind` says.
fn sure(mut mind: Mind) -> Mind {
    Box::new(move |tokens, row| {
        mind(tokens, row);
        row.iter_mut().for_each(|logit| *logit *= 1000.0);
    })
}

/// A mind that says something else than `mind` at every `every`th token.
fn slipping(mut mind: Mind, every: usize) -> Mind {
    Box::new(move |tokens, row| {
        mind(tokens, row);
        if tokens.len() % every == 0 {
            row[65 + tokens.len() % 26] = 9e6;
        }
    })
}

fn draft(fake: Fake) -> Option<Draft> {
    Some(Draft::new(Box::new(fake), vocabulary(), 0.1))
}

fn minded(mind: Mind) -> Fake {
    Fake { mind, ..Fake::default() }
}

fn counted(mind: Mind) -> (Fake, Arc<AtomicUsize>) {
    let passes = Arc::new(AtomicUsize::new(0));
    let seen = passes.clone();
    let before_pass = Box::new(move |_| {
        let _ = seen.fetch_add(1, Ordering::SeqCst);
    });
    (Fake { before_pass, ..minded(mind) }, passes)
}

#[tokio::test]
async fn a_draft_model_saves_passes_and_does_not_change_the_text() {
    let minds: [fn() -> Mind; 2] = [|| sure(reciting(WORDS)), || sure(mixing())];
    for mind in minds {
        let (large, alone) = counted(mind());
        let plain = say(&engine(large), ask("Go on")).await.expect("words");
        // Always right; wrong at every seventh token; wrong nearly always.
        for (every, fewest) in [(usize::MAX, 2.0), (7, 1.4), (2, 0.9)] {
            let (large, with) = counted(mind());
            let said = say(&drafted(large, draft(minded(slipping(mind(), every)))), ask("Go on")).await.expect("words");
            assert_eq!((&said.text, said.finish), (&plain.text, plain.finish));
            assert_eq!(said.usage.completion_tokens, plain.usage.completion_tokens);
            assert!(said.usage.drafted_tokens > 0 && said.usage.accepted_tokens <= said.usage.drafted_tokens);
            let (alone, with) = (alone.load(Ordering::SeqCst), with.load(Ordering::SeqCst));
            assert!(alone as f64 >= fewest * with as f64, "{alone} passes alone, {with} with drafts, slips {every}");
        }
    }
}

#[tokio::test]
async fn limits_stops_and_constraints_hold_with_drafts() {
    let schema = json!({
        "type": "object",
        "properties": {"level": {"enum": [1, 2, 3, 4, 5]}, "why": {"type": "string", "maxLength": 12}},
        "required": ["level", "why"],
        "additionalProperties": false
    });
    let plain = engine(minded(sure(mixing())));
    let with = drafted(minded(sure(mixing())), draft(minded(slipping(sure(mixing()), 5))));
    let mut requests: Vec<GenerateRequest> =
        (1..20).map(|max_tokens| GenerateRequest { max_tokens, ..ask("Count") }).collect();
    requests.push(GenerateRequest { constraint: Some(Constraint::JsonSchema(schema)), max_tokens: 300, ..ask("Go") });
    requests.push(GenerateRequest { constraint: Some(Constraint::Regex("[a-d]{9}-[0-9]{9}".into())), ..ask("Go") });
    let text = say(&plain, ask("Stop")).await.expect("words").text;
    let inside: String = text.chars().skip(5).take(2).collect();
    requests.push(GenerateRequest { stop: vec![inside], ..ask("Stop") });
    for request in requests {
        let (one, two) = (say(&with, request.clone()).await, say(&plain, request).await);
        let (one, two) = (one.expect("words"), two.expect("words"));
        assert_eq!((one.text, one.finish), (two.text, two.finish));
    }
}

#[tokio::test]
async fn there_are_no_drafts_for_drawn_words_nor_for_several_at_once() {
    let sampling = Sampling { temperature: 0.9, seed: 3, ..Sampling::default() };
    let plain = engine(minded(mixing()));
    let with = drafted(minded(mixing()), draft(minded(sure(mixing()))));
    let request = GenerateRequest { sampling, ..ask("Say something") };
    let (one, two) = (say(&with, request.clone()).await, say(&plain, request).await);
    let (one, two) = (one.expect("words"), two.expect("words"));
    assert_eq!((one.text, one.usage.drafted_tokens), (two.text, 0));
    let requests: Vec<GenerateRequest> = (0..5).map(|n| ask(&format!("Session {n}"))).collect();
    let running: Vec<_> = requests.iter().map(|request| with.generate(request.clone()).expect("room")).collect();
    for (generation, request) in running.into_iter().zip(requests) {
        let alone = say(&plain, request).await.expect("words").text;
        assert_eq!(generation.finished().await.expect("words").text, alone);
    }
}

#[tokio::test]
async fn a_draft_model_that_fails_changes_nothing() {
    let plain = say(&engine(minded(reciting(WORDS))), ask("Go on")).await.expect("words").text;
    let nonsense: fn() -> Fake = || fake(|_, row| row.fill(f32::NAN));
    let full: fn() -> Fake = || Fake { budget: 20, ..minded(sure(reciting(WORDS))) };
    let short: fn() -> Fake = || Fake { context: 24, ..minded(sure(reciting(WORDS))) };
    let ending: fn() -> Fake = || minded(Box::new(|_, row| row[vocabulary().end() as usize] = 9.0));
    for failing in [nonsense, full, short, ending] {
        let engine = drafted(minded(reciting(WORDS)), draft(failing()));
        for _ in 0..3 {
            assert_eq!(say(&engine, ask("Go on")).await.expect("words").text, plain);
        }
    }
    let panicking = drafted(minded(reciting(WORDS)), draft(fake(|_, _| panic!("as planned"))));
    assert!(matches!(say(&panicking, ask("Go on")).await, Err(EngineError::Inference(_))));
    for _ in 0..2 {
        assert_eq!(say(&panicking, ask("Go on")).await.expect("words").text, plain, "on without drafts");
    }
}

/// An engine whose draft model tells of each step before it makes it, and makes it when it is let.
fn gated() -> (Engine, Receiver<usize>, Sender<()>) {
    let (entered, passes) = channel::<usize>();
    let (gate, gates) = channel::<()>();
    let before_pass = Box::new(move |tokens| {
        let _ = entered.send(tokens);
        let _ = gates.recv();
    });
    let slow = Fake { before_pass, ..minded(sure(reciting(WORDS))) };
    (drafted(minded(reciting(WORDS)), draft(slow)), passes, gate)
}

#[tokio::test]
async fn a_listener_that_goes_stops_the_drafting_within_a_token() {
    for steps in 1..8 {
        let (engine, passes, gate) = gated();
        let mut generation = engine.generate(ask("Go on")).expect("room");
        while !matches!(generation.next().await.expect("going on"), Event::Token { .. }) {}
        for _ in 1..steps {
            passes.recv().expect("a step of the draft model");
            gate.send(()).expect("alive");
        }
        passes.recv().expect("one more step is under way");
        drop(generation);
        drop(gate);
        // A judgement after it, which nothing is read ahead for, proves that the worker is free again.
        let choices = vec![Choice { prompt: ask("Hi").prompt, options: vec!["Yes".into()] }];
        let request = ChooseRequest { choices, hidden: false, priority: Priority::Interactive };
        engine.choose(request).await.expect("a judgement");
        assert_eq!(passes.try_iter().count(), 0, "no step after the one under way");
    }
    crate::tier::tried("D6", "listeners gone while a draft model drafts: stopped within a token", 7);
}

#[tokio::test]
async fn somebody_who_comes_does_not_wait_for_what_is_read_ahead() {
    let (engine, passes, gate) = gated();
    engine
        .prefill(Prompt::system("You interview.").user("word ".repeat(600)), Priority::Interactive)
        .await
        .expect("read");
    passes.recv().expect("the first piece is under way");
    let coming = engine.generate(GenerateRequest { max_tokens: 1, ..ask("Hi") }).expect("room");
    gate.send(()).expect("alive");
    coming.finished().await.expect("words");
    let pieces: usize = passes.try_iter().count();
    assert!(pieces <= 1, "{pieces} pieces were read while somebody waited");
}

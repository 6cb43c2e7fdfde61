//! Both ways of wording with a scripted model: good help is taken, bad help is never shown, slow help is not waited for.

use std::sync::{Arc, LazyLock, Mutex};

use proptest::prelude::*;

use super::*;
use crate::engine::scripted::{self, Script};
use crate::engine::{Constraint, GenerateRequest};
use crate::interview::checks;
use crate::interview::simulation::Simulation;
use crate::interview::transcript::{Round, Speaker};

static CONTENT: LazyLock<Content> = LazyLock::new(Content::built_in);

const ANSWER: &str = "The order service writes the change and an outbox row in the same transaction. A relay process reads \
    the outbox in commit order, and a fleet of senders takes each delivery from a durable queue and posts it.";

/// An interview at the point where a follow-up on [`ANSWER`] is decided and not yet worded.
fn asked() -> (Simulation<'static>, Move) {
    let mut interview = Simulation::new(&CONTENT, Round::SystemDesign, Some("event-callbacks"), 45, 11);
    for _ in 0..8 {
        let next = interview.answer("What is the peak load, and may events be lost?", 100_000);
        if next.stage >= crate::interview::plan::Stage::HighLevel {
            break;
        }
    }
    let next = interview.answer(ANSWER, 40_000);
    interview.turns.pop();
    assert!(next.act.follows_up() && !next.quote.is_empty(), "{next:?}");
    // As when the answer was to a question on this very thread: the wording may begin with their words.
    (interview, Move { quote_near: true, ..next })
}

fn script(words: impl FnMut(&GenerateRequest) -> String + Send + 'static) -> Script {
    Script { words: Box::new(words), ..Script::default() }
}

async fn words(way: Way, script: Script) -> (Simulation<'static>, Move, String, Said) {
    let (interview, next) = asked();
    let engine = scripted::start(script);
    let mut told = String::new();
    let tell = |event| {
        if let ReplyEvent::Token { text } = event {
            told.push_str(&text);
        }
    };
    let (text, said) = word(&engine, Manner::of(way), &CONTENT, &interview.plan, &interview.turns, &next, tell).await;
    assert_eq!(told, text, "what is told is what is said");
    (interview, next, text, said)
}

fn by_code(interview: &Simulation<'_>, next: &Move) -> String {
    wording::compose(&CONTENT, &interview.plan, &interview.turns, next)
}

#[tokio::test]
async fn the_model_points_into_the_answer_and_its_words_are_quoted() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let (_, _, text, said) = words(
        Way::Picked,
        script(move |request| {
            log.lock().expect("a lock").push(request.constraint.clone());
            "from a durable queue and".into()
        }),
    )
    .await;
    let spans = seen.lock().expect("a lock");
    assert!(matches!(spans.as_slice(), [Some(Constraint::SpanOf { text, .. })] if text == ANSWER), "{spans:?}");
    assert_eq!((said.way, said.quote.as_str()), (Way::Picked, "durable queue"), "{said:?}");
    assert!(!text.contains('“') || text.contains("“durable queue”"), "{text}");
}

#[tokio::test]
async fn the_model_chooses_among_the_wordings_by_likelihood() {
    let (interview, next) = asked();
    let all = wording::questions(&CONTENT, &interview.plan, &interview.turns, &next, 4);
    assert!(all.len() > 1, "{all:?}");
    for wanted in all {
        let likes = wanted.clone();
        let mut script = script(|_| "nowhere in the answer".into());
        script.judgement =
            Box::new(move |choice| choice.options.iter().map(|o| if *o == likes { -1.0 } else { -90.0 }).collect());
        let (.., text, said) = words(Way::Picked, script).await;
        assert!(text.ends_with(&wanted), "{text}");
        assert_eq!((said.quote.as_str(), said.refused.len()), ("", 1), "the pointing was refused: {said:?}");
    }
}

#[tokio::test]
async fn free_words_are_said_when_they_pass_and_the_others_never() {
    let mut turn = 0;
    let (_, _, text, said) = words(
        Way::Free,
        script(move |request| {
            assert_eq!(request.constraint, None);
            turn += 1;
            match turn {
                1 => "Great answer! How does the relay process work?".into(),
                2 => "You could use Redis there. What do you think?".into(),
                3 => "How does the relay process know which outbox row comes next? Explain.".into(),
                _ => "Is there a limit?".into(),
            }
        }),
    )
    .await;
    assert!(text.ends_with("How does the relay process know which outbox row comes next?"), "{text}");
    assert_eq!((said.way, said.refused.len()), (Way::Free, 3), "{said:?}");
}

#[tokio::test]
async fn words_that_only_a_model_could_say_are_refused() {
    let (interview, next) = asked();
    let fault = |text: &str| free::fault(&CONTENT, &interview.plan, &interview.turns, &next, text).unwrap_or_default();
    for (text, expected) in [
        ("How would the relay cope with 70,000 rows a second?", "a number that nobody said"),
        ("What would Cassandra change about the outbox row?", "a product that nobody said"),
        ("How does the relay process work, and why? What else?", "2 question marks"),
        ("How do I move the relay process?", "speaks as"),
        ("How does the <b>relay</b> work here?", "signs"),
        ("How does the relay \u{7} work here?", "signs"),
        ("Outbox row and relay process, in commit order?", "not an open question"),
        ("How?", "words"),
        ("", "0 question marks"),
    ] {
        assert!(fault(text).contains(expected), "{text}: {}", fault(text));
    }
    assert_eq!(fault("What does the relay process do when the queue is full?"), "");
}

#[tokio::test]
async fn when_all_fails_the_composed_form_is_said() {
    for way in [Way::Picked, Way::Free] {
        let (interview, next, text, said) = words(way, script(|_| "I think that is a solid design.".into())).await;
        assert_eq!(text, by_code(&interview, &next));
        assert!(!said.refused.is_empty() && said.way < Way::Free, "{said:?}");
    }
}

#[tokio::test]
async fn a_slow_model_is_not_waited_for() {
    let (interview, next) = asked();
    for way in [Way::Picked, Way::Free] {
        let engine = scripted::start(Script { delay: Duration::from_millis(200), ..script(|_| "a b c d e f".into()) });
        let manner = Manner { way, patience: Duration::from_millis(20) };
        let (text, said) = word(&engine, manner, &CONTENT, &interview.plan, &interview.turns, &next, |_| {}).await;
        assert_eq!((text, said.way), (by_code(&interview, &next), Way::Composed));
        assert!(said.refused.iter().all(|why| why.contains("too slow")), "{said:?}");
    }
}

#[tokio::test]
async fn a_dead_engine_stops_nothing() {
    let (interview, next) = asked();
    let (engine, queue) = crate::engine::Engine::with_queue(scripted::start(Script::default()).info().clone());
    drop(queue);
    for way in [Way::Composed, Way::Picked, Way::Free] {
        let (text, _) =
            word(&engine, Manner::of(way), &CONTENT, &interview.plan, &interview.turns, &next, |_| {}).await;
        assert_eq!(text, by_code(&interview, &next));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever a model says, what is shown passes every check.
    #[test]
    fn nothing_that_fails_a_check_is_shown(said in prop_oneof![
        ".{0,160}",
        "(What|How) [a-z]{2,9}( [a-z]{2,9}){1,9}\\?",
        "(Great|I like that|Excellent)[.,] (What|How) does the relay work\\?",
    ]) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        for way in [Way::Picked, Way::Free] {
            let said = said.clone();
            let (interview, next, text, _) = runtime.block_on(words(way, script(move |_| said.clone())));
            let own = wording::without_what_comes_before(&CONTENT, &interview.plan, &interview.turns, &next, &text);
            let faults = wording::faults(&CONTENT, &interview.plan, &interview.turns, &next, own);
            prop_assert!(faults.is_empty(), "{text}: {faults:?}");
            prop_assert_eq!(text.matches('?').count(), 1);
            let earlier = interview.turns.iter().filter(|t| t.role == Speaker::Interviewer);
            prop_assert!(earlier.into_iter().all(|t| !checks::repeats(&text, &t.text)));
        }
    }
}

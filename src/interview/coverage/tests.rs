//! What a model's judgements do to a note, with a scripted model that is believed.

use super::*;
use crate::engine::Choice;
use crate::engine::scripted::{self, Script};
use crate::interview::simulation::Simulation;
use crate::interview::thresholds::trusting;

/// Listens to `answer` with a model that says yes to the questions that hold `yes`.
async fn heard(interview: &mut Simulation<'_>, answer: &str, yes: &'static str) -> Note {
    let judgement = move |choice: &Choice| {
        let asks = choice.prompt.messages.last().is_some_and(|m| m.text.contains(yes));
        if asks { vec![-0.01, -6.0] } else { vec![-6.0, -0.01] }
    };
    judged(interview, answer, Box::new(judgement)).await
}

/// Listens to `answer` with a model that judges so.
async fn judged(interview: &mut Simulation<'_>, answer: &str, judgement: scripted::Judge) -> Note {
    let engine = scripted::start(Script { judgement, ..Script::default() });
    let _ = interview.answer(answer, 30_000);
    let (mut turns, mut notes) = (interview.turns.clone(), interview.notes.clone());
    let _ = turns.pop();
    let _ = notes.pop_last();
    listen_with(&engine, &trusting(), interview.content, &interview.plan, &turns, &notes, interview.now_ms).await
}

#[tokio::test]
async fn two_turns_are_held_against_each_other_by_meaning() {
    let content = Content::built_in();
    let before = "I wrote the migration script alone, over one weekend in March, and I tested it on a copy of it.";
    let now = "In the end the whole team wrote the migration script together, I only did the review of their pieces.";
    for (yes, expect) in [("contradict each other", None), ("«In the end the whole team wrote", Some(1))] {
        let mut interview = Simulation::new(&content, Round::Behavioural, Some("failure"), 45, 5);
        let _ = interview.answer(before, 30_000);
        let note = heard(&mut interview, now, yes).await;
        // A model that says yes to a statement and itself as well says it out of habit.
        let found = note.contradiction.as_ref();
        assert_eq!(found.map(|c| c.earlier_seq), expect, "{yes}: {note:?}");
        if let Some(found) = found {
            assert!(before.contains(&found.earlier) && now.contains(&found.now) && found.p_yes > Some(0.8));
            assert_eq!(note.class, AnswerClass::Contradiction);
        }
    }
}

#[tokio::test]
async fn a_question_in_other_words_is_matched_by_meaning_or_left_open() {
    let content = Content::built_in();
    let ask = "And what about the folks at the far end when they go quiet on us?";
    let problem = content.problem("event-callbacks").expect("a problem that ships");
    let fact = problem.facts.iter().find(|f| f.id == "receivers").expect("a fact");
    let line: &'static str = Box::leak(facts::line(fact).into_boxed_str());
    for (likely, expect) in [(line, vec!["receivers".to_owned()]), ("nothing of the kind", Vec::new())] {
        let judgement = move |choice: &Choice| -> Vec<f32> {
            let asked = choice.prompt.messages.last().is_some_and(|m| m.text.contains("folks"));
            choice.options.iter().map(|o| if asked && o == likely { -1.0 } else { -9.0 }).collect()
        };
        let mut interview = Simulation::new(&content, Round::SystemDesign, Some("event-callbacks"), 45, 5);
        let note = judged(&mut interview, ask, Box::new(judgement)).await;
        assert_eq!((&note.facts, note.not_on_sheet), (&expect, expect.is_empty()), "{note:?}");
        assert_eq!(note.matched.len(), expect.len());
    }
}

#[tokio::test]
async fn a_fact_that_words_find_is_not_told_when_the_model_finds_another_far_likelier() {
    let content = Content::built_in();
    let ask = "What latency is acceptable?";
    let problem = content.problem("event-callbacks").expect("a problem that ships");
    let line = |id: &str| facts::line(problem.facts.iter().find(|f| f.id == id).expect("a fact"));
    for (likely, told) in [("latency", vec!["latency".to_owned()]), ("receivers", Vec::new())] {
        let likely = line(likely);
        let judgement = move |choice: &Choice| -> Vec<f32> {
            let asked = choice.prompt.messages.last().is_some_and(|m| m.text.contains("latency"));
            choice.options.iter().map(|o| if asked && *o == likely { -1.0 } else { -19.0 }).collect()
        };
        let mut interview = Simulation::new(&content, Round::SystemDesign, Some("event-callbacks"), 45, 5);
        let note = judged(&mut interview, ask, Box::new(judgement)).await;
        assert_eq!((&note.facts, note.not_on_sheet), (&told, told.is_empty()), "{note:?}");
    }
}

#[tokio::test]
async fn a_model_that_nobody_fitted_has_no_say() {
    let content = Content::built_in();
    let mut interview = Simulation::new(&content, Round::SystemDesign, Some("event-callbacks"), 45, 5);
    let _ = interview.answer("Each customer gets a queue of its own and the senders go round robin.", 30_000);
    let asked = |_: &Choice| -> Vec<f32> { panic!("it was asked") };
    let engine = scripted::start(Script { judgement: Box::new(asked), ..Script::default() });
    let note = listen(&engine, &content, &interview.plan, &interview.turns[..2], &BTreeMap::new(), 30_000).await;
    let by_code = listen_by_code(&content, &interview.plan, &interview.turns[..2], &BTreeMap::new(), 30_000);
    assert_eq!(Note { seconds: 0.0, ..note }, by_code);
}

#[test]
fn half_sayings_add_up() {
    let content = Content::built_in();
    let interview = Simulation::new(&content, Round::SystemDesign, Some("event-callbacks"), 45, 5);
    let leaning = |p: f32| Note { leaning: [("c-loss".to_owned(), p)].into(), ..Note::default() };
    let notes = BTreeMap::from([(1, leaning(0.3)), (3, leaning(0.3)), (5, Note::default())]);
    let reading = Reading::new(&content, &interview.plan, &interview.turns, &notes, 60_000);
    assert!((so_far(&reading, "c-loss", 0.3) - 0.657).abs() < 1e-3);
    assert!((so_far(&reading, "c-order", 0.3) - 0.3).abs() < 1e-3);
}

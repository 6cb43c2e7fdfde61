//! Several windows on one session, in any order: nothing is overwritten, nothing is lost, who is late is told.

use proptest::prelude::*;

use super::bench::{Bench, new_session, said};
use super::*;
use crate::tier::{self, Tally};

/// What a window does.
#[derive(Clone, Debug)]
enum Deed {
    Answer,
    AnswerAndWait,
    Look,
    Draft,
    Attach,
    Hint,
    Pause,
    Resume,
}

fn deeds() -> impl Strategy<Value = Vec<(usize, Deed)>> {
    let deed = prop_oneof![
        3 => Just(Deed::Answer),
        4 => Just(Deed::AnswerAndWait),
        4 => Just(Deed::Look),
        1 => Just(Deed::Draft),
        2 => Just(Deed::Attach),
        1 => Just(Deed::Hint),
        1 => Just(Deed::Pause),
        2 => Just(Deed::Resume),
    ];
    proptest::collection::vec((0..3_usize, deed), 1..25)
}

async fn play(deeds: Vec<(usize, Deed)>) {
    let bench = Bench::new();
    let desk = bench.desk();
    let mut new = new_session(Round::Behavioural);
    new.minutes = 45;
    let id = desk.create(new).unwrap().summary.id;
    // What each window believes to be next, and what was acknowledged to any of them.
    let mut believed = [1_u32; 3];
    let mut acknowledged: Vec<String> = Vec::new();
    let mut replies = Vec::new();
    for (n, (window, deed)) in deeds.into_iter().enumerate() {
        let before = desk.view(&id).unwrap();
        match deed {
            Deed::Answer | Deed::AnswerAndWait => {
                let text = format!("answer {n} of window {window}");
                match desk.answer(&id, text.clone(), believed[window], None) {
                    Ok(reply) => {
                        assert_eq!(believed[window], before.next_seq);
                        acknowledged.push(text);
                        if matches!(deed, Deed::AnswerAndWait) {
                            said(reply).await;
                            believed[window] += 2;
                        } else {
                            replies.push(reply);
                        }
                    }
                    Err(SessionError::Conflict(fresh)) => {
                        assert_ne!(believed[window], before.next_seq);
                        assert!(fresh.turns.len() >= before.turns.len());
                        believed[window] = fresh.next_seq;
                    }
                    // Late or early only by state: paused, finished, or the reply is not there yet.
                    Err(SessionError::WrongState(_)) => {
                        assert!(before.summary.status != Status::Active || before.replying.is_some());
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            Deed::Look => believed[window] = before.next_seq,
            Deed::Draft => desk.draft(&id, format!("draft {n}")).await.unwrap_or_default(),
            Deed::Attach => drop(desk.attach(&id).map(|reply| replies.push(reply))),
            Deed::Hint => drop(desk.hint(&id)),
            Deed::Pause => drop(desk.pause(&id)),
            Deed::Resume => drop(desk.resume(&id)),
        }
    }
    for reply in replies {
        let last = said(reply).await.pop().unwrap();
        assert!(matches!(last, ReplyEvent::Done { .. }), "{last:?}");
    }
    let view = desk.view(&id).unwrap();
    let answers: Vec<_> = view.turns.iter().filter(|t| t.role == Speaker::Candidate).map(|t| t.text.clone()).collect();
    assert_eq!(answers, acknowledged);
    assert_eq!(view.turns.len(), 1 + 2 * acknowledged.len(), "each answer has one reply");
    assert!(view.turns.iter().enumerate().all(|(at, turn)| turn.seq as usize == at));
}

#[test]
fn nothing_is_overwritten_whatever_the_order() {
    let tally = Tally::of("D4", "orders of what three windows do");
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: u32::try_from(tier::INTERLEAVINGS.n()).unwrap(),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runner
        .run(&deeds(), |deeds| {
            runtime.block_on(play(deeds));
            tally.add(1);
            Ok(())
        })
        .unwrap();
}

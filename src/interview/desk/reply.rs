//! From a stored answer to a stored reply: listen, decide, word. Goes on when nobody listens; can be begun again.
//!
//! What was heard and decided is stored before the first word is told, so that a reply begun again after a crash says
//! the same thing.

use std::sync::Arc;

use super::live::Running;
use super::telling::Telling;
use super::view::Sitting;
use super::{Desk, SessionError};
use crate::board;
use crate::engine::Engine;
use crate::interview::note::Note;
use crate::interview::session::{Reply, ReplyEvent};
use crate::interview::transcript::{Mode, Speaker, Turn};
use crate::interview::{coach, coverage, director, interviewer};
use crate::store::{Appended, InterviewerTurn};

impl Desk {
    /// Starts wording the reply that is due in `sitting` and listens to it.
    pub(super) fn start_reply(&self, sitting: Sitting, engine: Engine) -> (Reply, Running<ReplyEvent>) {
        let telling = Arc::new(Telling::new());
        let reply = telling.listen();
        let (desk, told) = (self.clone(), Arc::clone(&telling));
        let id = sitting.record.summary.id.clone();
        let work = tokio::spawn(async move { desk.reply(sitting, &engine, &told).await });
        let task = work.abort_handle();
        let (desk, told) = (self.clone(), Arc::clone(&telling));
        tokio::spawn(async move {
            let last = match work.await {
                Ok(Ok(turn)) => ReplyEvent::Done { turn },
                Ok(Err(error)) => failed(&error),
                Err(stopped) if stopped.is_cancelled() => ReplyEvent::Error {
                    code: "ended".to_owned(),
                    message: "the interview was ended while the interviewer was replying".to_owned(),
                    hint: "Your answer is stored.".to_owned(),
                },
                Err(_) => ReplyEvent::Error {
                    code: "internal".to_owned(),
                    message: "the reply failed inside the program. This is a bug.".to_owned(),
                    hint: "Your answer is stored; ask for the reply again.".to_owned(),
                },
            };
            // Forget the work first: who asks after the last event finds the stored turn, not an ended telling.
            let mut live = desk.live();
            let session = live.session(&id);
            if session.reply.as_ref().is_some_and(|running| Arc::ptr_eq(&running.telling, &told)) {
                session.reply = None;
            }
            drop(live);
            // Whoever hears the end may close the store.
            drop(desk);
            told.end(last);
        });
        (reply, Running { telling, task })
    }

    async fn reply(
        &self,
        mut sitting: Sitting,
        engine: &Engine,
        telling: &Telling<ReplyEvent>,
    ) -> Result<Turn, SessionError> {
        let content = self.content();
        let plan = &sitting.plan;
        let id = sitting.record.summary.id.clone();
        // What was drawn is part of the answer.
        let turns = &board::spoken(&sitting.record.turns);
        let answer = turns.last().filter(|turn| turn.role == Speaker::Candidate);
        let answer = answer.expect("a reply is only started when the candidate spoke last. This is a bug.");
        // The clock of the answer, not of now: a reply begun again decides the same.
        let now_ms = answer.at_ms.unwrap_or(0);
        let heard = match sitting.notes.remove(&answer.seq) {
            Some(note) if note.next.is_some() => note,
            _ => {
                let note = coverage::listen(engine, content, plan, turns, &sitting.notes, now_ms).await;
                sitting.notes.insert(answer.seq, note.clone());
                let next = director::next(content, plan, turns, &sitting.notes, &sitting.record.hints, now_ms);
                let note = note.followed_by(next);
                self.inner.store.put_note(&id, answer.seq, &value(&note)?)?;
                note
            }
        };
        if plan.mode == Mode::Coach
            && let Some(text) = coach::remark(content, plan, answer, &heard)
        {
            self.inner.store.put_remark(&id, answer.seq, &text)?;
            telling.tell(ReplyEvent::Coach { seq: answer.seq, text });
        }
        let next = heard.next.clone().expect("the note was followed by a move above. This is a bug.");
        let manner = self.manner(engine);
        let (text, said) =
            interviewer::word(engine, manner, content, plan, turns, &next, |event| telling.tell(event)).await;
        let how = InterviewerTurn {
            decision: Some(value(&next)?),
            seed: Some(plan.seed),
            model: Some(engine.info().sha256.clone()),
        };
        let mut turn = Turn { seq: answer.seq + 1, role: Speaker::Interviewer, text, at_ms: None, board: None };
        let mut live = self.live();
        // Read again: it may have been paused or deleted meanwhile.
        turn.at_ms = Some(self.elapsed(&mut live, &self.sitting(&id)?.record));
        match self.inner.store.append_reply(&id, &turn, &self.inner.clock.date(), &how, next.ends())? {
            Appended::Stored => {
                self.inner.store.put_note(&id, answer.seq, &value(&Note { said: Some(said), ..heard })?)?;
                Ok(turn)
            }
            Appended::Overtaken => Err(SessionError::WrongState("this interview has ended".to_owned())),
        }
    }
}

/// An error as the last event of a reply.
fn failed(error: &SessionError) -> ReplyEvent {
    let code = match error {
        SessionError::Engine(_) => "engine",
        SessionError::Store(_) => "store",
        _ => "ended",
    };
    ReplyEvent::Error {
        code: code.to_owned(),
        message: error.to_string(),
        hint: "Your answer is stored; ask for the reply again.".to_owned(),
    }
}

pub(super) fn value(of: &impl serde::Serialize) -> Result<serde_json::Value, SessionError> {
    serde_json::to_value(of).map_err(|error| SessionError::Store(format!("cannot be written as JSON: {error}")))
}

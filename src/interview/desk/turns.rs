//! What the candidate does in an interview: answer, come back to a reply, draft, take a hint.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;
use tokio::sync::mpsc;

use super::live::Live;
use super::reply::value;
use super::view::Sitting;
use super::{ANSWER_LIMIT, DOCUMENT_LIMIT, DRAFT_LIMIT, Desk, finished};
use crate::engine::Priority;
use crate::interview::delivery::Spoken;
use crate::interview::session::{HintView, Reply, ReplyEvent, SessionError, Status};
use crate::interview::transcript::Speaker;
use crate::interview::{interviewer, judge};
use crate::store::{Appended, CandidateTurn};

impl Desk {
    /// Stores an answer, then starts the reply. Dropping the [`Reply`] does not stop it.
    ///
    /// # Errors
    /// [`SessionError::Conflict`] with the fresh state when `expected_seq` is not the session's `next_seq`,
    /// [`SessionError::TooLong`] (the text is kept as draft), [`SessionError::Invalid`] for an empty answer,
    /// [`SessionError::WrongState`] when paused, finished or while a reply is due, [`SessionError::NoModel`],
    /// [`SessionError::Store`].
    pub fn answer(
        &self,
        id: &str,
        text: String,
        expected_seq: u32,
        board: Option<Value>,
    ) -> Result<Reply, SessionError> {
        self.answer_spoken(id, text, expected_seq, board, None)
    }

    /// As [`Desk::answer`], with what is known of an answer that was spoken.
    ///
    /// # Errors
    /// As [`Desk::answer`]; [`SessionError::Invalid`] when the numbers of `spoken` cannot be.
    pub fn answer_spoken(
        &self,
        id: &str,
        text: String,
        expected_seq: u32,
        board: Option<Value>,
        spoken: Option<Spoken>,
    ) -> Result<Reply, SessionError> {
        let mut live = self.live();
        let sitting = self.sitting(id)?;
        if sitting.record.summary.status == Status::Finished {
            return Err(finished());
        }
        if expected_seq != sitting.next_seq() {
            return Err(SessionError::Conflict(Box::new(self.show(&mut live, &sitting))));
        }
        let at_ms = self.elapsed(&mut live, &sitting.record);
        if text.len() > ANSWER_LIMIT {
            if text.len() <= DRAFT_LIMIT {
                self.inner.store.put_draft(id, &text, at_ms)?;
            }
            return Err(SessionError::TooLong { bytes: text.len(), limit: ANSWER_LIMIT });
        }
        check_answer(&text, board.as_ref())?;
        if let Some(Err(why)) = spoken.as_ref().map(Spoken::check) {
            return Err(SessionError::Invalid(format!("{why} (send the answer without it)")));
        }
        let spoken = spoken.as_ref().map(value).transpose()?;
        if sitting.record.summary.status == Status::Paused {
            return Err(SessionError::WrongState("this interview is paused (resume it first)".to_owned()));
        }
        if sitting.due().is_some() {
            return Err(SessionError::WrongState(
                "the interviewer has not replied yet (wait for the reply, or ask for it again)".to_owned(),
            ));
        }
        let engine = self.engine.clone().ok_or(SessionError::NoModel)?;
        let answer = CandidateTurn { expected_seq, text, at_ms, board, spoken, date: self.inner.clock.date() };
        let stored = self.inner.store.append_answer(id, &answer)?;
        let sitting = self.sitting(id)?;
        if stored == Appended::Overtaken {
            return Err(SessionError::Conflict(Box::new(self.show(&mut live, &sitting))));
        }
        let (reply, running) = self.start_reply(sitting, engine);
        live.session(id).reply = Some(running);
        Ok(reply)
    }

    /// The running reply from its beginning, or a new start of one that was interrupted (same seed, same decision).
    /// When none is due, the interviewer's last turn at once: it came between the look and the question.
    ///
    /// # Errors
    /// [`SessionError::UnknownSession`]; [`SessionError::NoModel`] when it would have to be worded anew;
    /// [`SessionError::WrongState`] when the interview was ended before the reply.
    pub fn attach(&self, id: &str) -> Result<Reply, SessionError> {
        let mut live = self.live();
        if let Some(running) = &live.session(id).reply {
            return Ok(running.telling.listen());
        }
        let sitting = self.sitting(id)?;
        if sitting.due().is_some() {
            let engine = self.engine.clone().ok_or(SessionError::NoModel)?;
            self.elapsed(&mut live, &sitting.record);
            let (reply, running) = self.start_reply(sitting, engine);
            live.session(id).reply = Some(running);
            return Ok(reply);
        }
        let last = sitting.record.turns.last().filter(|turn| turn.role == Speaker::Interviewer).cloned();
        let turn = last.ok_or_else(|| SessionError::WrongState("this interview ended before the reply".to_owned()))?;
        let (sender, reply) = mpsc::unbounded_channel();
        let _ = sender.send(ReplyEvent::Done { turn });
        Ok(reply)
    }

    /// Keeps the answer so far, so that a reload shows it, and reads it ahead into the model. Never a turn.
    ///
    /// # Errors
    /// [`SessionError::TooLong`], [`SessionError::UnknownSession`], [`SessionError::Store`];
    /// [`SessionError::WrongState`] when finished.
    pub async fn draft(&self, id: &str, text: String) -> Result<(), SessionError> {
        if text.len() > DRAFT_LIMIT {
            return Err(SessionError::TooLong { bytes: text.len(), limit: DRAFT_LIMIT });
        }
        let mut live = self.live();
        let sitting = self.sitting(id)?;
        if sitting.record.summary.status == Status::Finished {
            return Err(finished());
        }
        let elapsed = self.elapsed(&mut live, &sitting.record);
        self.inner.store.put_draft(id, &text, elapsed)?;
        self.read_ahead(&mut live, &sitting, &text);
        Ok(())
    }

    /// Reads a draft into the model in the background, one at a time: when the next piece comes while the last is
    /// still being read, it is left out, and the one after it reads both.
    fn read_ahead(&self, live: &mut Live, sitting: &Sitting, draft: &str) {
        let id = &sitting.record.summary.id;
        let session = live.session(id);
        let question = sitting.record.turns.last().filter(|turn| turn.role == Speaker::Interviewer);
        let (Some(engine), Some(question)) = (self.engine.clone(), question) else { return };
        if session.reading_ahead.load(Ordering::Acquire)
            || draft.trim().is_empty()
            || sitting.record.summary.status != Status::Active
        {
            return;
        }
        let Ok(prompt) = judge::ahead(&question.text, draft) else { return };
        let reading = Arc::clone(&session.reading_ahead);
        reading.store(true, Ordering::Release);
        tokio::spawn(async move {
            // A help, not a need: an engine that is busy or gone says so when the answer comes.
            let _ = engine.prefill(prompt, Priority::Background).await;
            reading.store(false, Ordering::Release);
        });
    }

    /// Takes the next hint of the ladder; logged with its cost.
    ///
    /// # Errors
    /// [`SessionError::WrongState`] when there is none to give, or paused, finished, or while a reply is due.
    pub fn hint(&self, id: &str) -> Result<HintView, SessionError> {
        let mut live = self.live();
        let sitting = self.sitting(id)?;
        let refuse = |why: &str| Err(SessionError::WrongState(why.to_owned()));
        match sitting.record.summary.status {
            Status::Finished => return Err(finished()),
            Status::Paused => return refuse("this interview is paused (resume it first)"),
            Status::Active if sitting.due().is_some() => return refuse("the interviewer has not replied yet (wait)"),
            Status::Active => {}
        }
        let record = &sitting.record;
        let next = interviewer::next_hint(self.content(), &sitting.plan, &record.turns, &sitting.notes, &record.hints);
        let Some(mut hint) = next else {
            return refuse("there is no hint to give here (say what you would try, or what you are missing)");
        };
        hint.seq = record.turns.last().map_or(0, |turn| turn.seq);
        let elapsed = self.elapsed(&mut live, record);
        self.inner.store.put_hint(id, &hint, elapsed)?;
        Ok(hint)
    }
}

fn check_answer(text: &str, board: Option<&Value>) -> Result<(), SessionError> {
    if text.trim().is_empty() {
        return Err(SessionError::Invalid(
            "the answer is empty (write a sentence, or say that you do not know)".to_owned(),
        ));
    }
    if board.is_some_and(|board| board.to_string().len() > DOCUMENT_LIMIT) {
        return Err(SessionError::Invalid("the whiteboard is larger than 1 MiB (remove some of it)".to_owned()));
    }
    if let Some(Err(error)) = board.map(crate::board::read) {
        return Err(SessionError::Invalid(format!("{error} (the answer is kept as draft; send it without the board)")));
    }
    Ok(())
}

//! Grading a finished session: runs in the background, tells each dimension, stores the scorecard under a new number.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::live::Running;
use super::reply::value;
use super::telling::Telling;
use super::view::Sitting;
use super::{ANSWER_LIMIT, Desk, GradeEvent, GradeOptions, SessionError};
use crate::content::Competency;
use crate::engine::Engine;
use crate::grading::{self, GradeInput};
use crate::interview::session::Status;
use crate::interview::transcript::Transcript;

impl Desk {
    /// Grades a finished session; goes on when the listener leaves; the scorecard is stored and numbered. Asking again
    /// with the same options while it runs listens to the same grade.
    ///
    /// # Errors
    /// [`SessionError::WrongState`] when not finished or while another grade of it runs, [`SessionError::NoModel`],
    /// [`SessionError::Invalid`] for a model that is not the loaded one.
    pub fn grade(&self, id: &str, options: GradeOptions) -> Result<mpsc::UnboundedReceiver<GradeEvent>, SessionError> {
        let mut live = self.live();
        let sitting = self.sitting(id)?;
        let engine = self.judge().cloned().ok_or(SessionError::NoModel)?;
        if let Some(model) = options.model.as_ref().filter(|model| **model != engine.info().id) {
            return Err(SessionError::Invalid(format!(
                "this program runs {}, not {model} (start it with --model {model})",
                engine.info().id
            )));
        }
        if let Some(bytes) = options.dispute.as_ref().map(String::len).filter(|bytes| *bytes > ANSWER_LIMIT) {
            return Err(SessionError::TooLong { bytes, limit: ANSWER_LIMIT });
        }
        if sitting.record.summary.status != Status::Finished {
            return Err(SessionError::WrongState("this interview is not finished (finish it first)".to_owned()));
        }
        if let Some((same, running)) = &live.session(id).grade {
            return if *same == options {
                Ok(running.telling.listen())
            } else {
                Err(SessionError::WrongState("another grade of this session is being made (wait for it)".to_owned()))
            };
        }
        let (events, running) = self.start_grade(sitting, engine, &options);
        live.session(id).grade = Some((options, running));
        Ok(events)
    }

    fn start_grade(
        &self,
        sitting: Sitting,
        engine: Engine,
        options: &GradeOptions,
    ) -> (mpsc::UnboundedReceiver<GradeEvent>, Running<GradeEvent>) {
        let telling = Arc::new(Telling::new());
        let events = telling.listen();
        let id = sitting.record.summary.id.clone();
        let options = options.clone();
        let (desk, told) = (self.clone(), Arc::clone(&telling));
        let work = tokio::spawn(async move { desk.graded(&sitting, &engine, &options, &told).await });
        let task = work.abort_handle();
        let (desk, told) = (self.clone(), Arc::clone(&telling));
        tokio::spawn(async move {
            let last = match work.await {
                Ok(Ok(done)) => done,
                Ok(Err(error)) => failed("not_graded", error.to_string()),
                Err(stopped) if stopped.is_cancelled() => failed("ended", "the session was deleted".to_owned()),
                Err(_) => failed("internal", "grading failed inside the program. This is a bug.".to_owned()),
            };
            desk.live().session(&id).grade = None;
            // Whoever hears the end may close the store.
            drop(desk);
            told.end(last);
        });
        (events, Running { telling, task })
    }

    async fn graded(
        &self,
        sitting: &Sitting,
        engine: &Engine,
        options: &GradeOptions,
        telling: &Telling<GradeEvent>,
    ) -> Result<GradeEvent, SessionError> {
        let id = &sitting.record.summary.id;
        let transcript = transcript(sitting);
        let competencies = self.competencies_asked(sitting);
        let input = GradeInput {
            problem: self.content().problem(&sitting.plan.problem),
            competencies: &competencies,
            hints: &sitting.record.hints,
            session: Some(id),
            dispute: options.dispute.as_deref(),
            interviewer_report: Some(value(&sitting.report(self.content()))?),
            ..GradeInput::new(&transcript)
        };
        let seed = options.seed.unwrap_or(sitting.record.seed);
        let mut progress = |dimension: &grading::DimensionReport| {
            if let Ok(dimension) = value(dimension) {
                telling.tell(GradeEvent::Dimension { dimension });
            }
        };
        let card = grading::grade(engine, &input, &grading::GradeOptions { seed, ..Default::default() }, &mut progress)
            .await
            .map_err(|error| SessionError::WrongState(error.to_string()))?;
        let overall = card.overall.score.map(|score| score as f32);
        let scorecard = value(&card)?;
        let n = self
            .inner
            .store
            .put_scorecard(id, &scorecard, overall, &self.inner.clock.date())?
            .ok_or_else(|| SessionError::UnknownSession(id.clone()))?;
        Ok(GradeEvent::Done { n, scorecard })
    }

    /// The competencies that the interviewer asked about, the first story's first.
    fn competencies_asked(&self, sitting: &Sitting) -> Vec<&Competency> {
        let asked = sitting.notes.values().filter_map(|note| note.next.as_ref()).map(|next| next.story.as_str());
        let mut ids: Vec<&str> = Vec::new();
        for id in std::iter::once(sitting.plan.problem.as_str()).chain(asked) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids.into_iter().filter_map(|id| self.content().competency(id)).collect()
    }
}

/// The session's transcript file.
pub(super) fn transcript(sitting: &Sitting) -> Transcript {
    let summary = &sitting.record.summary;
    Transcript {
        version: 1,
        round: summary.round,
        level: summary.level,
        problem: Some(summary.problem.clone()),
        minutes: summary.minutes,
        turns: sitting.record.turns.clone(),
    }
}

fn failed(code: &str, message: String) -> GradeEvent {
    GradeEvent::Error { code: code.to_owned(), message, hint: "The session is stored; grade it again.".to_owned() }
}

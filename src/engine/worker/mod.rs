//! The thread that owns a model: takes jobs, batches them into passes, drops what nobody waits for.
//!
//! Each turn of the loop is one forward pass. Interactive tasks go first, together in one batch (continuous
//! batching); background tasks go on when no interactive one is left. A task whose listener has gone is dropped
//! before the next pass: within a token while decoding, within a chunk while reading. Knows no interviews.

mod generation;
mod judgement;
mod reading;
mod room;
mod stop;
mod weighing;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::guess::Draft;
use crate::handle::{Job, QUEUE};
use crate::kept::Kept;
use crate::model::{Model, ModelError};
use crate::request::{EngineError, Priority};
use crate::template::Template;
use crate::text::Text;
use generation::Generation;
use judgement::Judgement;
use reading::Reading;
use room::{Feed, Room, Rows, explain};
use weighing::Weighing;

/// Tokens read in one pass beside decoding: long enough to use the processor well, short enough to be cancelled soon.
const CHUNK: usize = 256;
/// The same while somebody watches words appear.
const CHUNK_BESIDE_DECODING: usize = 128;
/// Tokens of judgements in one pass: they are short and many, and one pass answers them all.
const PROBE_TOKENS: usize = 512;
/// Rows of logits in one pass (each as long as the vocabulary).
const ROWS: usize = 64;
/// Tasks that take part in a pass.
const TOGETHER: usize = 16;

/// What a pass may still take.
struct Budget {
    tokens: usize,
    probes: usize,
    rows: usize,
    /// The pass has one task, so spare computation is free for guessing ahead.
    alone: bool,
}

/// What a task wants of the next pass.
enum Offer {
    /// These tokens; none when the budget is used up.
    Feeds(Vec<Feed>),
    /// Nothing any more.
    Done,
}

/// Whether a task goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Running,
    Done,
}

/// A job in progress.
trait Task {
    fn priority(&self) -> Priority;
    /// Whether one token at a time is left to do, with somebody watching.
    fn is_decoding(&self) -> bool;
    /// Whether the listener has gone.
    fn is_abandoned(&self) -> bool;
    /// What to read next. Reads nothing itself; may fork and create sequences.
    fn offer(&mut self, room: &mut Room, budget: &mut Budget) -> Result<Offer, ModelError>;
    /// Uses what a pass over its feeds brought.
    fn absorb(&mut self, room: &mut Room, feeds: &[Feed], rows: Rows<'_>) -> Result<Progress, EngineError>;
    /// Gives its cache back and goes on later.
    fn suspend(&mut self, room: &mut Room);
    /// Whether it holds any cache.
    fn holds_cache(&self) -> bool;
    /// Tells the listener.
    fn fail(&mut self, error: EngineError);
    /// Lets go of what it holds; prompts stay for reuse.
    fn leave(&mut self, room: &mut Room);
}

struct Worker {
    room: Room,
    tasks: Vec<Box<dyn Task>>,
}

/// Serves `queue` until all handles are gone.
pub(crate) fn serve(
    model: Box<dyn Model>,
    text: Arc<Text>,
    template: Template,
    kept: Kept,
    draft: Option<Draft>,
    mut queue: mpsc::Receiver<Job>,
) {
    let mut worker = Worker { room: Room::new(model, text, template, kept, draft), tasks: Vec::new() };
    loop {
        // Nobody waits: the draft model reads what the large one has read, until somebody comes.
        while worker.tasks.is_empty() && queue.is_empty() && !queue.is_closed() && worker.read_ahead() {}
        if worker.tasks.is_empty() {
            match queue.blocking_recv() {
                Some(job) => worker.admit(job),
                None => return,
            }
        }
        while worker.tasks.len() < QUEUE {
            match queue.try_recv() {
                Ok(job) => worker.admit(job),
                Err(_) => break,
            }
        }
        if catch_unwind(AssertUnwindSafe(|| worker.pass())).is_err() {
            worker.recover();
        }
    }
}

impl Worker {
    /// Starts a task, or tells at once why not. A job whose listener has gone already costs nothing.
    fn admit(&mut self, job: Job) {
        let task: Option<Box<dyn Task>> = match job {
            Job::Generate { reply, .. } if reply.is_closed() => None,
            Job::Generate { request, reply } => Generation::start(&mut self.room, request, reply),
            Job::Choose { reply, .. } if reply.is_closed() => None,
            Job::Choose { request, reply } => Judgement::start(&mut self.room, request, reply),
            Job::Weigh { reply, .. } if reply.is_closed() => None,
            Job::Weigh { request, reply } => Weighing::start(&mut self.room, request, reply),
            Job::Prefill { reply, .. } if reply.is_closed() => None,
            Job::Prefill { prompt, priority, reply } => Reading::start(&mut self.room, &prompt, priority, reply),
        };
        self.tasks.extend(task);
    }

    /// Lets the draft model read a piece; whether there is more to read.
    fn read_ahead(&mut self) -> bool {
        let Some(draft) = &mut self.room.draft else { return false };
        catch_unwind(AssertUnwindSafe(|| draft.read_ahead())).unwrap_or_else(|_| {
            self.room.draft = None;
            tracing::error!("the draft model panicked; there are no drafts any more. This is a bug.");
            false
        })
    }

    /// One forward pass.
    fn pass(&mut self) {
        self.drop_abandoned();
        let runnable = self.runnable();
        let decoding = runnable.iter().any(|index| self.tasks[*index].is_decoding());
        let mut budget = Budget {
            tokens: if decoding { CHUNK_BESIDE_DECODING } else { CHUNK },
            probes: PROBE_TOKENS,
            rows: ROWS,
            alone: runnable.len() == 1,
        };
        let mut batch: Vec<(usize, Vec<Feed>)> = Vec::new();
        let mut ended: Vec<usize> = Vec::new();
        let mut starved = None;
        for index in runnable {
            match self.tasks[index].offer(&mut self.room, &mut budget) {
                Ok(Offer::Feeds(feeds)) if feeds.is_empty() => {}
                Ok(Offer::Feeds(feeds)) => batch.push((index, feeds)),
                Ok(Offer::Done) => ended.push(index),
                Err(ModelError::CacheFull) => starved = starved.or(Some(index)),
                Err(error) => {
                    self.tasks[index].fail(explain(error));
                    ended.push(index);
                }
            }
        }
        if let Some(index) = starved.filter(|_| batch.is_empty() && ended.is_empty())
            && !self.reclaim(&[index])
        {
            self.tasks[index].fail(explain(ModelError::CacheFull));
            ended.push(index);
        }
        if !batch.is_empty() {
            ended.extend(self.run(batch));
        }
        ended.sort_unstable();
        for index in ended.into_iter().rev() {
            let mut task = self.tasks.remove(index);
            task.leave(&mut self.room);
        }
    }

    /// The tasks of the next pass: those of the most urgent priority, in order of arrival.
    fn runnable(&self) -> Vec<usize> {
        let Some(urgent) = self.tasks.iter().map(|task| task.priority()).min() else { return Vec::new() };
        (0..self.tasks.len()).filter(|index| self.tasks[*index].priority() == urgent).take(TOGETHER).collect()
    }

    fn drop_abandoned(&mut self) {
        let room = &mut self.room;
        self.tasks.retain_mut(|task| {
            let abandoned = task.is_abandoned();
            if abandoned {
                task.leave(room);
            }
            !abandoned
        });
    }

    /// Reads a batch and hands out the results; returns the tasks that ended.
    fn run(&mut self, mut batch: Vec<(usize, Vec<Feed>)>) -> Vec<usize> {
        loop {
            let feeds: Vec<&Feed> = batch.iter().flat_map(|(_, feeds)| feeds).collect();
            match self.room.forward(&feeds) {
                Ok(()) => return self.hand_out(&batch),
                Err(ModelError::CacheFull) => {
                    let members: Vec<usize> = batch.iter().map(|(index, _)| *index).collect();
                    if self.reclaim(&members) {
                        continue;
                    }
                    // The last to come waits until the others are through.
                    let Some((index, _)) = batch.pop() else { return Vec::new() };
                    if batch.is_empty() {
                        self.tasks[index].fail(explain(ModelError::CacheFull));
                        return vec![index];
                    }
                    self.tasks[index].suspend(&mut self.room);
                }
                Err(error) if batch.len() == 1 => {
                    let index = batch[0].0;
                    self.tasks[index].fail(explain(error));
                    return vec![index];
                }
                // One of them is at fault: each on its own.
                Err(_) => return batch.into_iter().flat_map(|part| self.run(vec![part])).collect(),
            }
        }
    }

    fn hand_out(&mut self, batch: &[(usize, Vec<Feed>)]) -> Vec<usize> {
        let output = self.room.take_output();
        let mut ended = Vec::new();
        let (mut row, mut hidden) = (0, 0);
        for (index, feeds) in batch {
            let rows: usize = feeds.iter().map(Feed::rows).sum();
            let states = feeds.iter().filter(|feed| feed.want == crate::model::Want::LastHidden).count();
            let results = self.room.rows(&output, row, rows, hidden..hidden + states);
            (row, hidden) = (row + rows, hidden + states);
            match self.tasks[*index].absorb(&mut self.room, feeds, results) {
                Ok(Progress::Running) => {}
                Ok(Progress::Done) => ended.push(*index),
                Err(error) => {
                    self.tasks[*index].fail(error);
                    ended.push(*index);
                }
            }
        }
        self.room.put_output(output);
        ended
    }

    /// Takes the cache of the least urgent, latest task that is not among `needed`; `false` when there is none.
    fn reclaim(&mut self, needed: &[usize]) -> bool {
        let held = (0..self.tasks.len()).filter(|index| !needed.contains(index) && self.tasks[*index].holds_cache());
        let Some(victim) = held.max_by_key(|index| (self.tasks[*index].priority(), *index)) else { return false };
        self.tasks[victim].suspend(&mut self.room);
        while self.room.timelines.evict(&mut *self.room.model) {}
        true
    }

    /// After a panic in a pass: nothing that was in progress can be trusted, the weights can.
    fn recover(&mut self) {
        tracing::error!("a forward pass panicked; all requests in progress were ended. This is a bug.");
        // What it holds cannot be trusted either; dropping it changes no text.
        self.room.draft = None;
        for mut task in std::mem::take(&mut self.tasks) {
            task.fail(EngineError::Inference("the computation panicked (please report this)".into()));
            let _ = catch_unwind(AssertUnwindSafe(|| task.leave(&mut self.room)));
        }
        while catch_unwind(AssertUnwindSafe(|| self.room.timelines.evict(&mut *self.room.model))).unwrap_or(false) {}
    }
}

#[cfg(test)]
mod drafts;
#[cfg(test)]
mod exactness;
#[cfg(test)]
mod tests;

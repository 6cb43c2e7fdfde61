//! A few persistent threads that share out the tasks of one operation at a time. Knows nothing about the work.
//!
//! An operation lasts micro- to milliseconds and hundreds follow one another per token, so waiting threads spin
//! for a moment before they sleep, and nothing is allocated per operation.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread::{self, Thread};

/// Spins before a waiting thread sleeps: some 50 microseconds.
const SPINS: u32 = 4_000;

/// Memory that a thread keeps between tasks.
#[derive(Default)]
pub struct Scratch {
    /// Bytes for unpacked weights.
    pub bytes: Vec<[u8; 64]>,
    /// Single-precision values.
    pub floats: Vec<[f32; 16]>,
}

impl Scratch {
    /// At least `bytes` bytes and `floats` values, aligned to 64 bytes; contents are left over from earlier tasks.
    pub fn get(&mut self, bytes: usize, floats: usize) -> (&mut [u8], &mut [f32]) {
        if self.bytes.len() * 64 < bytes {
            self.bytes.resize(bytes.div_ceil(64), [0; 64]);
        }
        if self.floats.len() * 16 < floats {
            self.floats.resize(floats.div_ceil(16), [0.0; 16]);
        }
        (&mut self.bytes.as_flattened_mut()[..bytes], &mut self.floats.as_flattened_mut()[..floats])
    }
}

type Task<'a> = dyn Fn(usize, &mut Scratch) + Sync + 'a;

/// One operation, shared with the workers by address.
#[derive(Clone, Copy)]
struct Operation(*const Task<'static>);

// SAFETY: the closure behind the pointer is `Sync`, and `Pool::run` keeps it alive until every worker has left it.
unsafe impl Send for Operation {}
// SAFETY: as above.
unsafe impl Sync for Operation {}

/// Set in [`Shared::state`] while workers may join the operation.
const OPEN: u32 = 1 << 8;
/// One operation later.
const GENERATION: u32 = 1 << 9;
/// The workers inside the operation.
const ACTIVE: u32 = OPEN - 1;

/// A counter on a cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Counter(AtomicUsize);

struct Shared {
    /// Generation, [`OPEN`], and how many workers are inside. A worker that comes late, because the processor was
    /// busy with other programs, finds the operation closed and is not waited for.
    state: AtomicU32,
    operation: std::cell::UnsafeCell<Option<Operation>>,
    tasks: AtomicUsize,
    /// Per thread (the caller is the first): the next task of its own range. Neighbouring tasks read neighbouring memory,
    /// so a thread goes through a range of its own before it helps with the others'.
    next: Vec<Counter>,
    stop: AtomicBool,
    panicked: AtomicBool,
    asleep: Vec<AtomicBool>,
}

// SAFETY: `operation` is written only by `Pool::run`, which has exclusive access to the pool, while the operation is
// closed and no worker is inside; workers read it between joining (which needs `OPEN`) and leaving.
unsafe impl Sync for Shared {}

/// The threads.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<thread::JoinHandle<()>>,
    handles: Vec<Thread>,
    scratch: Scratch,
}

impl Pool {
    /// A pool that runs operations on `threads` threads, the caller's included.
    ///
    /// # Errors
    /// When the operating system refuses a thread.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let others = threads.max(1) - 1;
        let shared = Arc::new(Shared {
            state: AtomicU32::new(0),
            operation: std::cell::UnsafeCell::new(None),
            tasks: AtomicUsize::new(0),
            next: (0..=others).map(|_| Counter::default()).collect(),
            stop: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
            asleep: (0..others).map(|_| AtomicBool::new(false)).collect(),
        });
        let mut pool = Self { shared, workers: Vec::new(), handles: Vec::new(), scratch: Scratch::default() };
        for index in 0..others {
            let shared = Arc::clone(&pool.shared);
            let worker = thread::Builder::new().name(format!("kernel-{index}")).spawn(move || work(&shared, index))?;
            pool.handles.push(worker.thread().clone());
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    /// Threads, the caller's included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Runs `task(0)` to `task(tasks - 1)`, in any order, and returns when all are done.
    ///
    /// # Panics
    /// When a task panicked.
    pub fn run(&mut self, tasks: usize, task: &Task<'_>) {
        if self.workers.is_empty() || tasks <= 1 {
            for index in 0..tasks {
                task(index, &mut self.scratch);
            }
            return;
        }
        let shared = &self.shared;
        // SAFETY: only the lifetime changes. This function does not return or unwind before the operation is closed
        // and every worker has left it, and workers do not touch it outside.
        let erased = unsafe { std::mem::transmute::<*const Task<'_>, *const Task<'static>>(task) };
        // SAFETY: the last operation is closed and empty; see `Shared`.
        unsafe { *shared.operation.get() = Some(Operation(erased)) };
        shared.tasks.store(tasks, Ordering::Relaxed);
        for (thread, next) in shared.next.iter().enumerate() {
            next.0.store(start(thread, tasks, shared.next.len()), Ordering::Relaxed);
        }
        let generation = (shared.state.load(Ordering::Relaxed) & !(ACTIVE | OPEN)).wrapping_add(GENERATION);
        // Sequentially consistent with the workers' `asleep`: either they see the operation or we see them asleep.
        shared.state.store(generation | OPEN, Ordering::SeqCst);
        for (asleep, handle) in shared.asleep.iter().zip(&self.handles) {
            if asleep.load(Ordering::SeqCst) {
                handle.unpark();
            }
        }
        let scratch = &mut self.scratch;
        let mine = catch_unwind(AssertUnwindSafe(|| share(shared, 0, task, scratch)));
        shared.state.fetch_and(!OPEN, Ordering::AcqRel);
        let mut spins = 0_u32;
        while shared.state.load(Ordering::Acquire) & ACTIVE != 0 {
            spins += 1;
            if spins < SPINS {
                std::hint::spin_loop();
            } else {
                thread::yield_now();
            }
        }
        if let Err(panic) = mine {
            std::panic::resume_unwind(panic);
        }
        assert!(!shared.panicked.swap(false, Ordering::Relaxed), "a kernel thread panicked. This is a bug.");
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            let _ = worker.join();
        }
    }
}

/// The first task of a thread's range.
fn start(thread: usize, tasks: usize, threads: usize) -> usize {
    thread * tasks / threads
}

fn share(shared: &Shared, thread: usize, task: &Task<'_>, scratch: &mut Scratch) {
    let (tasks, threads) = (shared.tasks.load(Ordering::Relaxed), shared.next.len());
    for range in (thread..threads).chain(0..thread) {
        let end = start(range + 1, tasks, threads);
        loop {
            let index = shared.next[range].0.fetch_add(1, Ordering::Relaxed);
            if index >= end {
                break;
            }
            task(index, scratch);
        }
    }
}

fn work(shared: &Shared, index: usize) {
    let mut scratch = Scratch::default();
    let mut seen = 0;
    let mut spins = 0;
    while !shared.stop.load(Ordering::Relaxed) {
        let state = shared.state.load(Ordering::SeqCst);
        let generation = state & !(ACTIVE | OPEN);
        if state & OPEN != 0 && generation != seen {
            if shared.state.compare_exchange(state, state + 1, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                continue;
            }
            seen = generation;
            spins = 0;
            // SAFETY: this worker has joined, so `run` has written the operation and waits; see `Shared`.
            if let Some(Operation(task)) = unsafe { *shared.operation.get() } {
                // SAFETY: as above, the closure outlives this use.
                let task = unsafe { &*task };
                if catch_unwind(AssertUnwindSafe(|| share(shared, index + 1, task, &mut scratch))).is_err() {
                    shared.panicked.store(true, Ordering::Relaxed);
                }
            }
            shared.state.fetch_sub(1, Ordering::Release);
            continue;
        }
        spins += 1;
        if spins < SPINS {
            std::hint::spin_loop();
            continue;
        }
        shared.asleep[index].store(true, Ordering::SeqCst);
        if shared.state.load(Ordering::SeqCst) == state && !shared.stop.load(Ordering::SeqCst) {
            thread::park();
        }
        shared.asleep[index].store(false, Ordering::SeqCst);
        spins = 0;
    }
}

/// A buffer that several tasks write, each its own places.
#[derive(Clone, Copy)]
pub struct Shares<'a, T = f32> {
    start: *mut T,
    length: usize,
    borrowed: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: access goes through `slice`, whose callers promise that places are disjoint.
unsafe impl<T: Send> Send for Shares<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shares<'_, T> {}

impl<'a, T> Shares<'a, T> {
    /// Lends `buffer` out.
    pub fn new(buffer: &'a mut [T]) -> Self {
        Self { start: buffer.as_mut_ptr(), length: buffer.len(), borrowed: std::marker::PhantomData }
    }

    /// Places `at..at + length`.
    ///
    /// # Safety
    /// No two live slices may overlap.
    ///
    /// # Panics
    /// Beyond the end.
    #[inline(always)]
    #[must_use]
    pub unsafe fn slice(&self, at: usize, length: usize) -> &'a mut [T] {
        assert!(at <= self.length && length <= self.length - at, "a share beyond its buffer. This is a bug.");
        // SAFETY: within the buffer; disjointness is promised.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), length) }
    }

    /// Writes `values` to places `at`, `at + stride`, and so on.
    ///
    /// # Safety
    /// Nobody else may use these places at the same time.
    ///
    /// # Panics
    /// Beyond the end.
    #[inline(always)]
    pub unsafe fn scatter(&self, at: usize, stride: usize, values: impl ExactSizeIterator<Item = T>) {
        let last = at + stride * values.len().saturating_sub(1);
        assert!(last < self.length || values.len() == 0, "a share beyond its buffer. This is a bug.");
        for (index, value) in values.enumerate() {
            // SAFETY: within the buffer; disjointness is promised.
            unsafe { self.start.add(at + stride * index).write(value) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn every_task_runs_exactly_once() {
        let mut pool = Pool::new(3).expect("threads");
        for tasks in [0, 1, 2, 7, 100] {
            let seen: Vec<AtomicU64> = (0..tasks).map(|_| AtomicU64::new(0)).collect();
            for _ in 0..50 {
                pool.run(tasks, &|index, _| {
                    seen[index].fetch_add(1, Ordering::Relaxed);
                });
            }
            assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) == 50));
        }
    }

    #[test]
    fn a_sleeping_pool_wakes_up() {
        let mut pool = Pool::new(2).expect("threads");
        let count = AtomicU64::new(0);
        for _ in 0..3 {
            while !pool.shared.asleep[0].load(Ordering::SeqCst) {
                thread::yield_now();
            }
            pool.run(2, &|_, _| {
                count.fetch_add(1, Ordering::Relaxed);
            });
        }
        assert_eq!(count.load(Ordering::Relaxed), 6);
    }

    #[test]
    fn a_panic_in_a_task_reaches_the_caller() {
        let mut pool = Pool::new(2).expect("threads");
        let result = catch_unwind(AssertUnwindSafe(|| pool.run(8, &|index, _| assert!(index != 5))));
        assert!(result.is_err());
    }
}

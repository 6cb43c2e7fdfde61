//! Causal attention over paged keys and values, with grouped heads left unexpanded and an online softmax.
//!
//! Defined page by page: a page yields, per query, the maximum of its scores, the sum of their exponentials and the
//! weighted values; pages are merged in order (Milakov and Gimelshein 2018). What a query sees does not depend on
//! which other queries are computed with it or on how pages are shared out, so batches equal single runs.

use super::elementwise::exp;
use super::float::{multiply_add, sum_lanes};
use super::half::to_single;
use super::kernel::{Kernel, Level};
use super::pages::{PAGE, Pages};
use super::pool::{Pool, Scratch, Shares};
use super::versions::versions;

/// Queries (rows times heads of a group) computed together.
const TOGETHER: usize = 48;
/// Tasks per thread where a single row is split over its length.
const SPLIT: usize = 4;

/// Consecutive tokens of one sequence.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// First row in the batch.
    pub row: usize,
    /// Rows.
    pub rows: usize,
    /// Position of the first row in its sequence.
    pub position: usize,
    /// Where the sequence's pages, up to the last row's position, begin in the list of pages.
    pub pages: usize,
}

/// One layer's attention.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    /// Layer.
    pub layer: usize,
    /// Query heads.
    pub heads: usize,
    /// Factor of the scores.
    pub scale: f32,
    /// Tokens that a query sees, its own included.
    pub window: usize,
}

/// Tasks and partial results, kept between calls.
#[derive(Default)]
pub struct Plan {
    tasks: Vec<Task>,
    joins: Vec<Join>,
    partials: Vec<f32>,
}

#[derive(Clone, Copy)]
struct Task {
    /// Where the pages of the sequence begin in the list of pages.
    pages: usize,
    /// Rows of the batch.
    row: usize,
    rows: usize,
    position: usize,
    head: usize,
    /// Pages, as places in the sequence's list.
    from: usize,
    to: usize,
    /// Where the first row's partial results go, and how far the next row's are from there; for one of several tasks of a
    /// row.
    partial: Option<(usize, usize)>,
}

/// The partial results of one row and head, to be joined in the order of pages.
#[derive(Clone, Copy)]
struct Join {
    row: usize,
    head: usize,
    start: usize,
    pages: usize,
}

/// Attends with `queries` (`[row][head][key width]`) to everything that the spans' sequences hold (their pages are in `lists`); writes
/// `out` (`[row][head][value width]`).
#[expect(clippy::too_many_arguments, reason = "the operation's inputs, its output, and where it runs")]
pub fn attend(
    pool: &mut Pool,
    kernel: Kernel,
    plan: &mut Plan,
    pages: &Pages,
    attention: Attention,
    (spans, lists): (&[Span], &[u32]),
    queries: &[f32],
    out: &mut [f32],
) {
    let shape = pages.shape();
    let group = attention.heads / shape.heads;
    let (kw, vw) = (shape.key_width, shape.value_width);
    let partial = group * (vw + 2);
    plan.make((pool.threads(), shape.heads, group, partial), attention, spans, lists);
    let tasks = &plan.tasks;
    let partial_shares = Shares::new(&mut plan.partials);
    let out_shares = Shares::new(out);
    let level = kernel.level();
    pool.run(tasks.len(), &|index, scratch: &mut Scratch| {
        let task = tasks[index];
        let count = task.rows * group;
        let (bytes, floats) =
            scratch.get(2 * shape.unpacked(), PAGE * (kw + vw) + count * (kw + PAGE + 2 * vw + 4) + 64);
        // SAFETY: any two bytes are a half, and scratch is aligned to 64 bytes.
        let unpacked: &mut [u16] = unsafe { bytes.align_to_mut().1 };
        let (keys, floats) = floats.split_at_mut(PAGE * kw);
        let (values, floats) = floats.split_at_mut(PAGE * vw);
        let (query, floats) = floats.split_at_mut(count * kw);
        let (weights, floats) = floats.split_at_mut(count * PAGE);
        let (page_out, floats) = floats.split_at_mut(count * vw);
        let (running, floats) = floats.split_at_mut(count * vw);
        let (page_max, floats) = floats.split_at_mut(count);
        let (page_sum, floats) = floats.split_at_mut(count);
        let (max, floats) = floats.split_at_mut(count);
        let sum = &mut floats[..count];
        for row in 0..task.rows {
            let first = ((task.row + row) * attention.heads + task.head * group) * kw;
            let from = &queries[first..first + group * kw];
            for (to, from) in query[row * group * kw..(row + 1) * group * kw].iter_mut().zip(from) {
                *to = from * attention.scale;
            }
        }
        running.fill(0.0);
        sum.fill(0.0);
        max.fill(f32::NEG_INFINITY);
        for page in task.from..task.to {
            let (k, v) = pages.head(level, (lists[task.pages + page], attention.layer, task.head), unpacked);
            let visible = Visible {
                start: page * PAGE,
                position: task.position,
                group,
                window: attention.window,
                used: (task.position + task.rows - page * PAGE).min(PAGE),
            };
            let next = match page + 1 < task.to {
                true => pages.next_head(lists[task.pages + page + 1], attention.layer, task.head),
                false => &[],
            };
            let stage = Stage { query, k, v, next, keys, values, weights, out: page_out, max: page_max, sum: page_sum };
            one_page(level, stage, (count, kw, vw), visible);
            if let Some((start, stride)) = task.partial {
                for row in 0..task.rows {
                    let at = start + row * stride + (page - task.from) * partial;
                    let queries = row * group..(row + 1) * group;
                    // SAFETY: the plan gives each row of each task its own range of partial results.
                    let place = unsafe { partial_shares.slice(at, partial) };
                    place[..group * vw].copy_from_slice(&page_out[row * group * vw..(row + 1) * group * vw]);
                    place[group * vw..group * (vw + 1)].copy_from_slice(&page_max[queries.clone()]);
                    place[group * (vw + 1)..].copy_from_slice(&page_sum[queries]);
                }
            } else {
                merge(level, Running { out: running, max, sum }, page_out, page_max, page_sum);
            }
        }
        if task.partial.is_none() {
            for row in 0..task.rows {
                let first = ((task.row + row) * attention.heads + task.head * group) * vw;
                // SAFETY: each (row, head) pair belongs to one task.
                let place = unsafe { out_shares.slice(first, group * vw) };
                let range = row * group..(row + 1) * group;
                place.copy_from_slice(&running[row * group * vw..(row + 1) * group * vw]);
                divide(place, &sum[range], vw);
            }
        }
    });
    let (joins, partials) = (&plan.joins, &plan.partials);
    pool.run(joins.len(), &|index, _| {
        let join = joins[index];
        // SAFETY: each (row, head) pair is joined once, and by nobody else.
        let place = unsafe { out_shares.slice((join.row * attention.heads + join.head * group) * vw, group * vw) };
        join_parts(level, &partials[join.start..join.start + join.pages * partial], group, place);
    });
}

impl Plan {
    /// Shares the work out. A single row with a long past is split over its length; rows of forks attend to the pages
    /// that they share together, so that these are read once.
    fn make(
        &mut self,
        (threads, heads, group, partial): (usize, usize, usize, usize),
        attention: Attention,
        spans: &[Span],
        lists: &[u32],
    ) {
        self.tasks.clear();
        self.joins.clear();
        let mut partials = 0;
        let few = spans.iter().map(|span| span.rows).sum::<usize>() * heads < 4 * threads;
        let mut index = 0;
        while index < spans.len() {
            let span = spans[index];
            let forks = forks(&spans[index..], attention, lists, (TOGETHER / group).max(1));
            let common = common(&spans[index..index + forks], lists);
            let forks = if common < 2 { 1 } else { forks };
            index += forks;
            let last = (span.position + 1).div_ceil(PAGE);
            let from = (span.position + 1).saturating_sub(attention.window) / PAGE;
            let part = ((last - from) * heads).div_ceil(SPLIT * threads).max(2);
            if forks == 1 && !(few && span.rows == 1 && last - from > part) {
                self.whole_rows(span, heads, (TOGETHER / group).max(1), attention.window);
                continue;
            }
            let members = &spans[index - forks..index];
            let common = if forks == 1 { last } else { common };
            let pages = members.iter().map(|span| span.position / PAGE + 1).max().unwrap_or(last);
            let place =
                |member: usize, head: usize, page: usize| partials + ((member * heads + head) * pages + page) * partial;
            for head in 0..heads {
                for start in (from..common).step_by(part) {
                    self.tasks.push(Task {
                        pages: span.pages,
                        row: span.row,
                        rows: forks,
                        position: span.position,
                        head,
                        from: start,
                        to: (start + part).min(common),
                        partial: Some((place(0, head, start), heads * pages * partial)),
                    });
                }
                for (member, span) in members.iter().enumerate() {
                    let to = span.position / PAGE + 1;
                    if common < to {
                        self.tasks.push(Task {
                            pages: span.pages,
                            row: span.row,
                            rows: 1,
                            position: span.position,
                            head,
                            from: common,
                            to,
                            partial: Some((place(member, head, common), 0)),
                        });
                    }
                    self.joins.push(Join { row: span.row, head, start: place(member, head, from), pages: to - from });
                }
            }
            partials += forks * heads * pages * partial;
        }
        if self.partials.len() < partials {
            self.partials.resize(partials, 0.0);
        }
    }

    /// Tasks that see a row's whole past.
    fn whole_rows(&mut self, span: Span, heads: usize, step: usize, window: usize) {
        for row in (0..span.rows).step_by(step) {
            let rows = (span.rows - row).min(step);
            let position = span.position + row;
            let from = (position + 1).saturating_sub(window) / PAGE;
            let to = (position + rows).div_ceil(PAGE);
            for head in 0..heads {
                let row = span.row + row;
                self.tasks.push(Task { pages: span.pages, row, rows, position, head, from, to, partial: None });
            }
        }
    }
}

/// How many of the first spans are single rows that begin with the same page; at most `most`.
fn forks(spans: &[Span], attention: Attention, lists: &[u32], most: usize) -> usize {
    if attention.window != usize::MAX {
        return 1;
    }
    let first = lists[spans[0].pages];
    let alike = |span: &&Span| span.rows == 1 && lists[span.pages] == first;
    spans.iter().take_while(alike).take(most).count().max(1)
}

/// How many pages, all before every row's own position, these spans share from the start on.
fn common(spans: &[Span], lists: &[u32]) -> usize {
    let full = spans.iter().map(|span| span.position / PAGE).min().unwrap_or(0);
    let first = spans[0].pages;
    (0..full).take_while(|page| spans.iter().all(|span| lists[span.pages + page] == lists[first + page])).count()
}

/// Joins the parts of one row and key head, in the order of pages, into `out` (`[query head of the group][value width]`).
fn join_parts(level: Level, parts: &[f32], group: usize, out: &mut [f32]) {
    let vw = out.len() / group;
    for (head, running) in out.chunks_exact_mut(vw).enumerate() {
        running.fill(0.0);
        let mut softmax = (f32::NEG_INFINITY, 0.0);
        for part in parts.chunks_exact(group * (vw + 2)) {
            let (max, sum) = (&part[group * vw + head..][..1], &part[group * (vw + 1) + head..][..1]);
            let state = Running {
                out: running,
                max: std::slice::from_mut(&mut softmax.0),
                sum: std::slice::from_mut(&mut softmax.1),
            };
            merge(level, state, &part[head * vw..(head + 1) * vw], max, sum);
        }
        divide(running, &[softmax.1], vw);
    }
}

fn divide(out: &mut [f32], sums: &[f32], width: usize) {
    for (values, sum) in out.chunks_exact_mut(width).zip(sums) {
        let factor = 1.0 / sum;
        for value in values {
            *value *= factor;
        }
    }
}

/// Which tokens of a page the queries see.
#[derive(Clone, Copy)]
pub(super) struct Visible {
    /// Position of the page's first token.
    pub(super) start: usize,
    /// Position of the first query's row.
    pub(super) position: usize,
    /// Queries per row.
    pub(super) group: usize,
    pub(super) window: usize,
    /// Tokens of the page that any query sees.
    pub(super) used: usize,
}

impl Visible {
    /// The tokens of the page that a row at `position` sees: a bit each.
    pub(super) fn seen(self, position: usize) -> u64 {
        let (from, to) = self.range(position);
        if from >= to { 0 } else { (u64::MAX >> (PAGE - to)) & (u64::MAX << from) }
    }

    fn range(self, position: usize) -> (usize, usize) {
        let from = (position + 1).saturating_sub(self.window).saturating_sub(self.start).min(PAGE);
        (from, (position + 1).saturating_sub(self.start).min(PAGE))
    }
}

/// One page's work: inputs, room, results per query.
pub(super) struct Stage<'a> {
    pub(super) query: &'a [f32],
    pub(super) k: &'a [u16],
    pub(super) v: &'a [u16],
    /// What comes next of the cache, to be asked for in time; empty after the last page.
    pub(super) next: &'a [u16],
    pub(super) keys: &'a mut [f32],
    pub(super) values: &'a mut [f32],
    pub(super) weights: &'a mut [f32],
    pub(super) out: &'a mut [f32],
    pub(super) max: &'a mut [f32],
    pub(super) sum: &'a mut [f32],
}

/// The softmax so far.
struct Running<'a> {
    out: &'a mut [f32],
    max: &'a mut [f32],
    sum: &'a mut [f32],
}

fn one_page(level: Level, stage: Stage<'_>, shape: (usize, usize, usize), visible: Visible) {
    #[cfg(target_arch = "x86_64")]
    if level == Level::Avx512 {
        // SAFETY: the level exists only where its instructions do (see `Level`).
        return unsafe { super::attention512::page(stage, shape, visible) };
    }
    to_single(level, stage.k, stage.keys);
    to_single(level, &stage.v[..visible.used * shape.2], stage.values);
    plain_page(level, stage, shape, visible);
}

versions!(fn plain_page(stage: Stage<'_>, shape: (usize, usize, usize), visible: Visible) = page_body);
versions!(fn merge(running: Running<'_>, out: &[f32], max: &[f32], sum: &[f32]) = merge_body);

#[inline(always)]
fn page_body(mut stage: Stage<'_>, (count, kw, vw): (usize, usize, usize), visible: Visible) {
    let mut at = 0;
    while at < count {
        let (query, weights) = (&stage.query[at * kw..], &mut stage.weights[at * PAGE..]);
        at += match count - at {
            2.. => scores::<2>(query, stage.keys, weights, kw),
            _ => scores::<1>(query, stage.keys, weights, kw),
        };
    }
    softmax_all(&mut stage, count, visible);
    let mut at = 0;
    while at < count {
        let (weights, out) = (&stage.weights[at * PAGE..], &mut stage.out[at * vw..]);
        at += match count - at {
            2.. => weigh::<2>(weights, stage.values, out, vw, visible.used),
            _ => weigh::<1>(weights, stage.values, out, vw, visible.used),
        };
    }
}

/// Turns every query's scores into weights.
#[inline(always)]
fn softmax_all(stage: &mut Stage<'_>, count: usize, visible: Visible) {
    let (rows, _) = stage.weights.as_chunks_mut::<PAGE>();
    for (index, row) in rows[..count].iter_mut().enumerate() {
        let (from, to) = visible.range(visible.position + index / visible.group);
        (stage.max[index], stage.sum[index]) = softmax(row, from, to);
    }
}

/// Scores of `N` queries with the page's 64 keys.
#[inline(always)]
fn scores<const N: usize>(query: &[f32], keys: &[f32], out: &mut [f32], kw: usize) -> usize {
    let mut totals = [[0.0_f32; PAGE]; N];
    let queries: [&[f32]; N] = std::array::from_fn(|n| &query[n * kw..(n + 1) * kw]);
    for (column, keys) in keys.as_chunks::<PAGE>().0[..kw].iter().enumerate() {
        for n in 0..N {
            let q = queries[n][column];
            for i in 0..PAGE {
                totals[n][i] = multiply_add(q, keys[i], totals[n][i]);
            }
        }
    }
    for (out, totals) in out.as_chunks_mut::<PAGE>().0.iter_mut().zip(totals) {
        *out = totals;
    }
    N
}

/// Turns the scores of tokens `from..to` into exponentials relative to their maximum, others into zero.
#[inline(always)]
fn softmax(row: &mut [f32; PAGE], from: usize, to: usize) -> (f32, f32) {
    for (i, score) in row.iter_mut().enumerate() {
        *score = if i >= from && i < to { *score } else { f32::NEG_INFINITY };
    }
    let mut top = [f32::NEG_INFINITY; 16];
    for chunk in row.as_chunks::<16>().0 {
        for i in 0..16 {
            top[i] = if chunk[i] > top[i] { chunk[i] } else { top[i] };
        }
    }
    let mut max = f32::NEG_INFINITY;
    for value in top {
        max = if value > max { value } else { max };
    }
    let mut lanes = [0.0_f32; 16];
    for chunk in row.as_chunks_mut::<16>().0 {
        for i in 0..16 {
            let seen = chunk[i] != f32::NEG_INFINITY;
            let weight = exp(chunk[i] - max);
            chunk[i] = if seen { weight } else { 0.0 };
            lanes[i] += chunk[i];
        }
    }
    (max, sum_lanes(lanes))
}

/// Weighted sums of the values for `N` queries.
#[inline(always)]
fn weigh<const N: usize>(weights: &[f32], values: &[f32], out: &mut [f32], vw: usize, used: usize) -> usize {
    const LANES: usize = 64;
    let whole = vw / LANES * LANES;
    for start in (0..whole).step_by(LANES) {
        let mut totals = [[0.0_f32; LANES]; N];
        for token in 0..used {
            let Some(values) = values[token * vw + start..].first_chunk::<LANES>() else { break };
            for n in 0..N {
                let weight = weights[n * PAGE + token];
                for i in 0..LANES {
                    totals[n][i] = multiply_add(weight, values[i], totals[n][i]);
                }
            }
        }
        for n in 0..N {
            out[n * vw + start..n * vw + start + LANES].copy_from_slice(&totals[n]);
        }
    }
    for n in 0..N {
        let out = &mut out[n * vw + whole..(n + 1) * vw];
        out.fill(0.0);
        for token in 0..used {
            let weight = weights[n * PAGE + token];
            let values = &values[token * vw + whole..(token + 1) * vw];
            for (out, value) in out.iter_mut().zip(values) {
                *out = multiply_add(weight, *value, *out);
            }
        }
    }
    N
}

#[inline(always)]
fn merge_body(running: Running<'_>, out: &[f32], max: &[f32], sum: &[f32]) {
    let width = running.out.len() / running.max.len();
    for index in 0..max.len() {
        if max[index] == f32::NEG_INFINITY {
            continue;
        }
        let top = if max[index] > running.max[index] { max[index] } else { running.max[index] };
        let old = if running.max[index] == top { 1.0 } else { exp(running.max[index] - top) };
        let new = if max[index] == top { 1.0 } else { exp(max[index] - top) };
        running.max[index] = top;
        running.sum[index] = running.sum[index] * old + sum[index] * new;
        let state = &mut running.out[index * width..(index + 1) * width];
        for (state, page) in state.iter_mut().zip(&out[index * width..(index + 1) * width]) {
            *state = multiply_add(*state, old, page * new);
        }
    }
}

//! Row-wise work shared out over the pool.

use super::pool::{Pool, Scratch, Shares};

/// Rows per task.
const STEP: usize = 4;

/// Calls `work(row, parts)` for each of `rows` rows, where part `i` is that row of buffer `i`, `widths[i]` values wide.
///
/// # Panics
/// When a buffer has fewer rows.
pub fn each_row<const N: usize>(
    pool: &mut Pool,
    rows: usize,
    buffers: [(&mut [f32], usize); N],
    work: &(dyn Fn(usize, [&mut [f32]; N]) + Sync),
) {
    let shares = buffers.map(|(buffer, width)| (Shares::new(buffer), width));
    let task = |task: usize, _: &mut Scratch| {
        for row in task * STEP..((task + 1) * STEP).min(rows) {
            // SAFETY: each row of each buffer is handed out once.
            work(row, shares.map(|(share, width)| unsafe { share.slice(row * width, width) }));
        }
    };
    pool.run(rows.div_ceil(STEP), &task);
}

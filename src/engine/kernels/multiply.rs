//! `out[a][r] = sum over k of weight[r][k] * activation[a][k]`: the loops that all integer kernels share.
//!
//! The sum is defined once: each sub-block of 16 or 32 products is summed exactly in integers, scaled to one f32
//! term, and the terms of a row are added in order. So a row's result does not depend on how many activations are
//! multiplied together or how rows are shared out, and batches equal single runs bit for bit; and every instruction set
//! gives the same bits.

use super::activations::{Activations, Row};
use super::format::{GROUP, Group, Matrix, Quantised};
use super::pool::{Scratch, Shares};

/// Rows of weights in a panel.
pub(super) const PANEL: usize = 16;
/// Panels multiplied together.
pub(super) const PANELS: usize = 2;
/// Rows that a matrix-vector product keeps terms for.
const TERM_ROWS: usize = 8;

/// Where results go: `out[activation * stride + row]`.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) out: Shares<'a>,
    pub(super) stride: usize,
}

/// Two panels of unpacked weights.
pub(super) struct Tile<'a> {
    /// `[panel][column / 4][row in panel][4]`.
    pub(super) q: &'a [u8],
    /// `[panel][sub-block][row in panel]`.
    pub(super) d: &'a [f32],
    /// As `d`.
    pub(super) m: &'a [f32],
    /// Blocks of 32 columns.
    pub(super) blocks: usize,
    /// Subtracted from every weight.
    pub(super) offset: i32,
    /// Weights are below two to the power of this.
    pub(super) bits: u32,
    /// First row, and how many of the panels' rows exist.
    pub(super) row: usize,
    pub(super) rows: usize,
}

/// Room for one panel; see [`Tile`].
pub(super) struct PanelMut<'a> {
    pub(super) q: &'a mut [u8],
    pub(super) d: &'a mut [f32],
    pub(super) m: &'a mut [f32],
}

/// What an instruction set does better than plain loops. Implementations must produce the sums that the module
/// describes.
pub(super) trait Instructions {
    /// From this many activations on, unpacking weights into a panel pays.
    const PANEL_FROM: usize;

    /// An unpacked group, in registers where there are enough.
    type Loaded;

    /// Unpacks at most 256 weights.
    ///
    /// # Safety
    /// The processor must have the instructions.
    unsafe fn load<Q: Quantised>(blocks: &[u8]) -> Self::Loaded;

    /// The f32 terms of one group of one row with one activation, to `terms[..256 / SUB]`.
    ///
    /// # Safety
    /// The processor must have the instructions; `at + 256` columns must be within the padded row.
    unsafe fn terms<Q: Quantised>(group: &Self::Loaded, row: &Row<'_>, at: usize, terms: &mut [f32]);

    /// Interleaves `count` rows of `matrix` from `first` on into a panel of 16; missing rows become zero.
    ///
    /// # Safety
    /// The processor must have the instructions.
    #[inline(always)]
    unsafe fn panel<Q: Quantised>(matrix: &Matrix<'_>, rows: (usize, usize), panel: PanelMut<'_>) {
        unpack_panel::<Q>(matrix, rows, panel);
    }

    /// Multiplies a tile with all activations.
    ///
    /// # Safety
    /// The processor must have the instructions, and the tile's places in `target` are this caller's alone.
    unsafe fn tile<const SUB: usize, const MINS: bool>(tile: &Tile<'_>, input: &Activations, target: Target<'_>);
}

/// Multiplies rows `first..first + count` of `matrix` with all of `input`.
///
/// # Safety
/// The processor must have `I`'s instructions, and the rows' places in `target` are this caller's alone.
#[inline(always)]
pub(super) unsafe fn rows<I: Instructions, Q: Quantised>(
    matrix: &Matrix<'_>,
    (first, count): (usize, usize),
    input: &Activations,
    target: Target<'_>,
    scratch: &mut Scratch,
) {
    if input.rows() < I::PANEL_FROM {
        // SAFETY: promised by the caller.
        unsafe { by_row::<I, Q>(matrix, (first, count), input, target, scratch) };
    } else {
        let end = first + count;
        for row in (first..end).step_by(PANEL * PANELS) {
            let count = (end - row).min(PANEL * PANELS);
            // SAFETY: promised by the caller.
            unsafe { by_panel::<I, Q>(matrix, (row, count), input, target, scratch) };
        }
    }
}

#[inline(always)]
unsafe fn by_row<I: Instructions, Q: Quantised>(
    matrix: &Matrix<'_>,
    (first, count): (usize, usize),
    input: &Activations,
    target: Target<'_>,
    scratch: &mut Scratch,
) {
    let subs = GROUP / Q::SUB;
    let groups = input.padded() / GROUP;
    let length = groups * subs;
    let (_, terms) = scratch.get(0, TERM_ROWS * input.rows() * length);
    for start in (first..first + count).step_by(TERM_ROWS) {
        let block = (first + count - start).min(TERM_ROWS);
        for row in 0..block {
            let bytes = matrix.row(start + row);
            for at in 0..groups {
                let from = at * Q::GROUP_BYTES;
                // SAFETY: promised by the caller.
                let group = unsafe { I::load::<Q>(&bytes[from..(from + Q::GROUP_BYTES).min(bytes.len())]) };
                for a in 0..input.rows() {
                    let place = (a * TERM_ROWS + row) * length + at * subs;
                    // SAFETY: promised by the caller; `at` is a group of the padded row.
                    unsafe { I::terms::<Q>(&group, &input.row(a), at * GROUP, &mut terms[place..place + subs]) };
                }
            }
        }
        for a in 0..input.rows() {
            let terms = &terms[a * TERM_ROWS * length..(a + 1) * TERM_ROWS * length];
            let sums = sums(terms, length);
            // SAFETY: these rows are this caller's.
            let out = unsafe { target.out.slice(a * target.stride + start, block) };
            out.copy_from_slice(&sums[..block]);
        }
    }
}

/// Sums each of eight runs of `length` terms in order.
#[inline(always)]
fn sums(terms: &[f32], length: usize) -> [f32; TERM_ROWS] {
    let runs: [&[f32]; TERM_ROWS] = std::array::from_fn(|row| &terms[row * length..(row + 1) * length]);
    let mut sums = [0.0; TERM_ROWS];
    for at in 0..length {
        for (sum, run) in sums.iter_mut().zip(runs) {
            *sum += run[at];
        }
    }
    sums
}

#[inline(always)]
unsafe fn by_panel<I: Instructions, Q: Quantised>(
    matrix: &Matrix<'_>,
    (row, count): (usize, usize),
    input: &Activations,
    target: Target<'_>,
    scratch: &mut Scratch,
) {
    let blocks = matrix.columns().div_ceil(32);
    let (weights, scales) = (PANEL * blocks * 32, PANEL * blocks * 32 / Q::SUB);
    let (q, floats) = scratch.get(PANELS * weights, 2 * PANELS * scales);
    let (d, m) = floats.split_at_mut(PANELS * scales);
    for panel in 0..PANELS {
        let first = (row + panel * PANEL).min(row + count);
        let present = (row + count - first).min(PANEL);
        let room = PanelMut {
            q: &mut q[panel * weights..(panel + 1) * weights],
            d: &mut d[panel * scales..(panel + 1) * scales],
            m: &mut m[panel * scales..(panel + 1) * scales],
        };
        // SAFETY: promised by the caller.
        unsafe { I::panel::<Q>(matrix, (first, present), room) };
    }
    let tile = Tile { q, d, m, blocks, offset: Q::OFFSET, bits: Q::FORMAT.bits(), row, rows: count };
    // SAFETY: promised by the caller.
    unsafe {
        match (Q::SUB, Q::MINS) {
            (16, false) => I::tile::<16, false>(&tile, input, target),
            (16, true) => I::tile::<16, true>(&tile, input, target),
            (_, false) => I::tile::<32, false>(&tile, input, target),
            (_, true) => I::tile::<32, true>(&tile, input, target),
        }
    }
}

/// Interleaves rows with plain loops; see [`Instructions::panel`].
#[inline(always)]
fn unpack_panel<Q: Quantised>(matrix: &Matrix<'_>, (first, count): (usize, usize), panel: PanelMut<'_>) {
    let PanelMut { q, d, m } = panel;
    let subs = GROUP / Q::SUB;
    let (q, _) = q.as_chunks_mut::<4>();
    let mut group = Group::default();
    for row in 0..PANEL {
        let bytes = if row < count { matrix.row(first + row) } else { &[] };
        let columns = q.chunks_mut(PANEL * GROUP / 4);
        let scales = d.chunks_mut(PANEL * subs).zip(m.chunks_mut(PANEL * subs));
        for (at, (columns, (d, m))) in columns.zip(scales).enumerate() {
            if row < count {
                let start = at * Q::GROUP_BYTES;
                Q::unpack(&bytes[start..(start + Q::GROUP_BYTES).min(bytes.len())], &mut group);
            } else {
                group = Group::default();
            }
            let (quads, _) = group.q.as_chunks::<4>();
            for (place, quad) in columns.iter_mut().skip(row).step_by(PANEL).zip(quads) {
                *place = *quad;
            }
            for (sub, place) in d.iter_mut().skip(row).step_by(PANEL).enumerate() {
                *place = group.d[sub];
            }
            if Q::MINS {
                for (sub, place) in m.iter_mut().skip(row).step_by(PANEL).enumerate() {
                    *place = group.m[sub];
                }
            }
        }
    }
}

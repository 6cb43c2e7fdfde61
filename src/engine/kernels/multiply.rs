//! `out[a][r] = sum over k of weight[r][k] * activation[a][k]`: the loops that all integer kernels share.
//!
//! The sum is defined once: each sub-block of 16 or 32 products is summed exactly in integers; then, in order, its minimum is
//! taken off the row's total and its scaled sum added, each in one fused step. So a row's result does not depend on how many activations are
//! multiplied together or how rows are shared out, and batches equal single runs bit for bit; and every instruction set
//! gives the same bits.

use super::activations::Activations;
use super::format::Quantised;
use super::packed::{BLOCK, PANEL, Packed, Panel};
use super::pool::{Scratch, Shares};

/// Panels that a tile multiplies together.
pub(super) const PANELS: usize = 2;

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

/// Room for one unpacked panel; see [`Tile`].
pub(super) struct PanelMut<'a> {
    pub(super) q: &'a mut [u8],
    pub(super) d: &'a mut [f32],
    pub(super) m: &'a mut [f32],
}

/// What an instruction set does better than plain loops. Implementations must produce the sums that the module
/// describes.
pub(super) trait Instructions {
    /// Up to this many activations, weights are unpacked into registers and used at once; beyond, into a tile in the
    /// cache first.
    const STREAMED: usize;

    /// Multiplies one panel, straight from memory, with all activations; its rows are `row` and the following, of
    /// which `present` exist.
    ///
    /// # Safety
    /// The processor must have the instructions, and the panel's places in `target` are this caller's alone.
    unsafe fn stream<Q: Quantised>(panel: &Panel<'_>, input: &Activations, rows: (usize, usize), target: Target<'_>);

    /// Unpacks a panel.
    ///
    /// # Safety
    /// The processor must have the instructions.
    unsafe fn unpack<Q: Quantised>(panel: &Panel<'_>, room: PanelMut<'_>);

    /// Multiplies a tile with all activations.
    ///
    /// # Safety
    /// The processor must have the instructions, and the tile's places in `target` are this caller's alone.
    unsafe fn tile<const SUB: usize, const MINS: bool>(tile: &Tile<'_>, input: &Activations, target: Target<'_>);
}

/// Multiplies rows `first..first + count` of `matrix` with all of `input`; `first` begins a panel.
///
/// # Safety
/// The processor must have `I`'s instructions, and the rows' places in `target` are this caller's alone.
#[inline(always)]
pub(super) unsafe fn rows<I: Instructions, Q: Quantised>(
    matrix: &Packed<'_>,
    (first, count): (usize, usize),
    input: &Activations,
    target: Target<'_>,
    scratch: &mut Scratch,
) {
    let end = first + count;
    if input.rows() <= I::STREAMED {
        for row in (first..end).step_by(PANEL) {
            // SAFETY: promised by the caller.
            unsafe { I::stream::<Q>(&matrix.panel(row / PANEL), input, (row, (end - row).min(PANEL)), target) };
        }
    } else {
        for row in (first..end).step_by(PANEL * PANELS) {
            let count = (end - row).min(PANEL * PANELS);
            // SAFETY: promised by the caller.
            unsafe { by_tile::<I, Q>(matrix, (row, count), input, target, scratch) };
        }
    }
}

#[inline(always)]
unsafe fn by_tile<I: Instructions, Q: Quantised>(
    matrix: &Packed<'_>,
    (row, count): (usize, usize),
    input: &Activations,
    target: Target<'_>,
    scratch: &mut Scratch,
) {
    let blocks = matrix.columns() / BLOCK;
    let (weights, scales) = (PANEL * blocks * BLOCK, PANEL * blocks * BLOCK / Q::SUB);
    let (q, floats) = scratch.get(PANELS * weights, 2 * PANELS * scales);
    let (d, m) = floats.split_at_mut(PANELS * scales);
    for panel in 0..count.div_ceil(PANEL) {
        let room = PanelMut {
            q: &mut q[panel * weights..(panel + 1) * weights],
            d: &mut d[panel * scales..(panel + 1) * scales],
            m: &mut m[panel * scales..(panel + 1) * scales],
        };
        // SAFETY: promised by the caller.
        unsafe { I::unpack::<Q>(&matrix.panel(row / PANEL + panel), room) };
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

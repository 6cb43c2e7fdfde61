//! Rows of activations, quantised to int8 with one scale per 32 values, as every integer kernel reads them.

use super::kernel::{Kernel, Level, Set};
use super::pool::{Pool, Scratch, Shares};
use super::versions::versions;

/// Values that share a scale.
pub(super) const BLOCK: usize = 32;
/// Rows per task.
const ROWS: usize = 4;
/// Rows that lie side by side in [`Lanes`] where weights are streamed, and how many rows that is for at most.
pub(super) const LANES: usize = 8;
pub(super) const LANED: usize = 24;
/// Rows that lie side by side for more: as many as a tile is multiplied with at a time.
pub(super) const SIXES: usize = 6;

/// Writes one row: `fill(row, values, beside)`.
pub type Fill<'a> = dyn Fn(usize, &mut [f32], &mut [f32]) + Sync + 'a;

/// A batch of rows. Buffers only grow; a smaller batch allocates nothing.
#[derive(Default)]
pub struct Activations {
    rows: usize,
    columns: usize,
    padded: usize,
    /// `rows * columns`, as given.
    float: Vec<f32>,
    /// `rows * padded`: round(x / scale); zero beyond `columns`.
    quantised: Vec<i8>,
    /// `rows * padded / 32`.
    scale: Vec<f32>,
    /// `rows * padded / 32`: sum of the quantised values of a block of 32.
    sum32: Vec<i32>,
    /// `rows * padded / 16`.
    sum16: Vec<i32>,
    /// `rows * padded / 32`: `scale * sum32`.
    scaled32: Vec<f32>,
    /// `rows * padded / 16`.
    scaled16: Vec<f32>,
    /// The same with several rows side by side, value by value; see [`Lanes`].
    laned: Laned,
    /// How many lie side by side in `laned`; 0 for none: a lone row, and kernels that do not read them so.
    side: usize,
}

/// Buffers of [`Lanes`], `[group of rows][place][row in group]`.
#[derive(Default)]
struct Laned {
    quads: Vec<[i8; 4]>,
    scale: Vec<f32>,
    sum32: Vec<i32>,
    sum16: Vec<i32>,
    scaled32: Vec<f32>,
    scaled16: Vec<f32>,
}

/// A few rows side by side: place `i` of row `a` is at `STRIDE * i + a`. One pointer serves them all, which leaves
/// the other registers to the product.
#[derive(Clone, Copy)]
pub(super) struct Lanes<'a> {
    pub(super) quads: &'a [[i8; 4]],
    pub(super) scale: &'a [f32],
    pub(super) sum32: &'a [i32],
    pub(super) sum16: &'a [i32],
    pub(super) scaled32: &'a [f32],
    pub(super) scaled16: &'a [f32],
}

/// One quantised row, padded to a multiple of 256 values.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) quantised: &'a [i8],
    pub(super) scale: &'a [f32],
    pub(super) sum32: &'a [i32],
    pub(super) sum16: &'a [i32],
    pub(super) scaled32: &'a [f32],
    pub(super) scaled16: &'a [f32],
}

impl<'a> Row<'a> {
    /// The row as the only one of its eight.
    #[inline(always)]
    pub(super) fn alone(self) -> Lanes<'a> {
        Lanes {
            quads: self.quantised.as_chunks::<4>().0,
            scale: self.scale,
            sum32: self.sum32,
            sum16: self.sum16,
            scaled32: self.scaled32,
            scaled16: self.scaled16,
        }
    }
}

/// The parts of one row that its owner fills.
pub(super) struct RowMut<'a> {
    pub(super) quantised: &'a mut [i8],
    pub(super) scale: &'a mut [f32],
    pub(super) sum32: &'a mut [i32],
    pub(super) sum16: &'a mut [i32],
    pub(super) scaled32: &'a mut [f32],
    pub(super) scaled16: &'a mut [f32],
}

impl Activations {
    fn resize(&mut self, rows: usize, columns: usize, kernel: Kernel) {
        (self.rows, self.columns) = (rows, columns);
        self.side = match (kernel.level() == Level::Avx512, rows) {
            (false, _) | (true, 0 | 1) => 0,
            (true, 2..=LANED) => LANES,
            _ if kernel.set() == Set::Avx512Vnni => SIXES,
            _ => 0,
        };
        self.padded = columns.next_multiple_of(super::format::GROUP);
        grow(&mut self.float, rows * columns);
        grow(&mut self.quantised, rows * self.padded);
        grow(&mut self.scale, rows * self.padded / 32);
        grow(&mut self.sum32, rows * self.padded / 32);
        grow(&mut self.sum16, rows * self.padded / 16);
        grow(&mut self.scaled32, rows * self.padded / 32);
        grow(&mut self.scaled16, rows * self.padded / 16);
        if self.side > 0 {
            let rows = rows.next_multiple_of(self.side);
            grow(&mut self.laned.quads, rows * self.padded / 4);
            grow(&mut self.laned.scale, rows * self.padded / 32);
            grow(&mut self.laned.sum32, rows * self.padded / 32);
            grow(&mut self.laned.sum16, rows * self.padded / 16);
            grow(&mut self.laned.scaled32, rows * self.padded / 32);
            grow(&mut self.laned.scaled16, rows * self.padded / 16);
        }
    }

    /// Rows in use.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values per row.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Values per row with padding.
    #[must_use]
    pub(super) fn padded(&self) -> usize {
        self.padded
    }

    /// The unquantised row.
    #[must_use]
    pub fn float(&self, row: usize) -> &[f32] {
        &self.float[row * self.columns..(row + 1) * self.columns]
    }

    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> Row<'_> {
        let (p, b, h) = (self.padded, self.padded / 32, self.padded / 16);
        Row {
            quantised: &self.quantised[row * p..(row + 1) * p],
            scale: &self.scale[row * b..(row + 1) * b],
            sum32: &self.sum32[row * b..(row + 1) * b],
            sum16: &self.sum16[row * h..(row + 1) * h],
            scaled32: &self.scaled32[row * b..(row + 1) * b],
            scaled16: &self.scaled16[row * h..(row + 1) * h],
        }
    }

    /// Rows `side * group` and the following, side by side.
    ///
    /// # Panics
    /// Where not so many lie side by side: for another kernel, or another number of rows.
    pub(super) fn lanes(&self, side: usize, group: usize) -> Lanes<'_> {
        assert!(side > 0 && self.side == side, "rows that do not lie side by side. This is a bug.");
        let (q, b, h) = (self.padded / 4 * side, self.padded / 32 * side, self.padded / 16 * side);
        let laned = &self.laned;
        Lanes {
            quads: &laned.quads[group * q..(group + 1) * q],
            scale: &laned.scale[group * b..(group + 1) * b],
            sum32: &laned.sum32[group * b..(group + 1) * b],
            sum16: &laned.sum16[group * h..(group + 1) * h],
            scaled32: &laned.scaled32[group * b..(group + 1) * b],
            scaled16: &laned.scaled16[group * h..(group + 1) * h],
        }
    }

    /// Makes `rows` rows of `columns` values: `fill(row, values)` writes one, which is then quantised.
    ///
    /// `beside` is a buffer of which `fill` may also change the same row (`width` values), such as a residual stream.
    pub fn fill(
        &mut self,
        pool: &mut Pool,
        kernel: Kernel,
        (rows, columns): (usize, usize),
        (beside, width): (&mut [f32], usize),
        fill: &Fill<'_>,
    ) {
        self.resize(rows, columns, kernel);
        let (p, b, h) = (self.padded, self.padded / 32, self.padded / 16);
        let beside = Shares::new(beside);
        let float = Shares::new(&mut self.float);
        let quantised = Shares::new(&mut self.quantised);
        let scale = Shares::new(&mut self.scale);
        let (sum32, sum16) = (Shares::new(&mut self.sum32), Shares::new(&mut self.sum16));
        let (scaled32, scaled16) = (Shares::new(&mut self.scaled32), Shares::new(&mut self.scaled16));
        let laned = (self.side > 0).then(|| LanedShares::new(&mut self.laned, self.side, p));
        let task = |task: usize, _: &mut Scratch| {
            for row in task * ROWS..((task + 1) * ROWS).min(rows) {
                // SAFETY: each row of each buffer is handed out once.
                let (values, other, out) = unsafe {
                    let out = RowMut {
                        quantised: quantised.slice(row * p, p),
                        scale: scale.slice(row * b, b),
                        sum32: sum32.slice(row * b, b),
                        sum16: sum16.slice(row * h, h),
                        scaled32: scaled32.slice(row * b, b),
                        scaled16: scaled16.slice(row * h, h),
                    };
                    (float.slice(row * columns, columns), beside.slice(row * width, width), out)
                };
                fill(row, values, other);
                let mut out = out;
                quantise_row(kernel.level(), values, out.reborrow());
                if let Some(laned) = &laned {
                    // SAFETY: as above.
                    unsafe { laned.set(row, &out) };
                }
            }
        };
        pool.run(rows.div_ceil(ROWS), &task);
    }
}

impl RowMut<'_> {
    fn reborrow(&mut self) -> RowMut<'_> {
        RowMut {
            quantised: self.quantised,
            scale: self.scale,
            sum32: self.sum32,
            sum16: self.sum16,
            scaled32: self.scaled32,
            scaled16: self.scaled16,
        }
    }
}

/// [`Laned`], lent out row by row.
struct LanedShares<'a> {
    side: usize,
    padded: usize,
    quads: Shares<'a, [i8; 4]>,
    scale: Shares<'a>,
    sum32: Shares<'a, i32>,
    sum16: Shares<'a, i32>,
    scaled32: Shares<'a>,
    scaled16: Shares<'a>,
}

impl<'a> LanedShares<'a> {
    fn new(laned: &'a mut Laned, side: usize, padded: usize) -> Self {
        Self {
            side,
            padded,
            quads: Shares::new(&mut laned.quads),
            scale: Shares::new(&mut laned.scale),
            sum32: Shares::new(&mut laned.sum32),
            sum16: Shares::new(&mut laned.sum16),
            scaled32: Shares::new(&mut laned.scaled32),
            scaled16: Shares::new(&mut laned.scaled16),
        }
    }

    /// Puts a quantised row beside its neighbours.
    ///
    /// # Safety
    /// Nobody else may set the same row at the same time.
    unsafe fn set(&self, row: usize, values: &RowMut<'_>) {
        let side = self.side;
        let (group, lane) = (row / side, row % side);
        let place = |per: usize| group * per * side + lane;
        // SAFETY: a row's places are its own.
        unsafe {
            self.quads.scatter(place(self.padded / 4), side, values.quantised.as_chunks::<4>().0.iter().copied());
            self.scale.scatter(place(self.padded / 32), side, values.scale.iter().copied());
            self.sum32.scatter(place(self.padded / 32), side, values.sum32.iter().copied());
            self.sum16.scatter(place(self.padded / 16), side, values.sum16.iter().copied());
            self.scaled32.scatter(place(self.padded / 32), side, values.scaled32.iter().copied());
            self.scaled16.scatter(place(self.padded / 16), side, values.scaled16.iter().copied());
        }
    }
}

fn grow<T: Default + Clone>(buffer: &mut Vec<T>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, T::default());
    }
}

fn quantise_row(level: Level, float: &[f32], out: RowMut<'_>) {
    #[cfg(target_arch = "x86_64")]
    if level == Level::Avx512 {
        // SAFETY: the level exists only where its instructions do (see `Level`).
        return unsafe { super::quantise512::row(float, out) };
    }
    quantise_plainly(level, float, out);
}

versions!(fn quantise_plainly(float: &[f32], out: RowMut<'_>) = quantise_body);

#[inline(always)]
fn quantise_body(float: &[f32], mut out: RowMut<'_>) {
    let (blocks, rest) = float.as_chunks::<BLOCK>();
    for (index, values) in blocks.iter().enumerate() {
        quantise_block(values, &mut out, index);
    }
    let mut index = blocks.len();
    if !rest.is_empty() {
        let mut values = [0.0; BLOCK];
        values[..rest.len()].copy_from_slice(rest);
        quantise_block(&values, &mut out, index);
        index += 1;
    }
    for index in index..out.scale.len() {
        quantise_block(&[0.0; BLOCK], &mut out, index);
    }
}

#[inline(always)]
fn quantise_block(values: &[f32; BLOCK], out: &mut RowMut<'_>, index: usize) {
    let mut lanes = [0.0_f32; 16];
    for i in 0..16 {
        let (a, b) = (values[i].abs(), values[i + 16].abs());
        lanes[i] = if a > b { a } else { b };
    }
    for width in [8, 4, 2, 1] {
        for i in 0..width {
            lanes[i] = if lanes[i] > lanes[i + width] { lanes[i] } else { lanes[i + width] };
        }
    }
    let scale = lanes[0] / 127.0;
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    let mut rounded = [0_i32; BLOCK];
    for i in 0..BLOCK {
        // Adding 1.5 * 2^23 rounds to nearest even and leaves the integer in the low bits.
        rounded[i] = (values[i] * inverse + 12_582_912.0).to_bits().cast_signed().wrapping_sub(0x4b40_0000);
    }
    let target = &mut out.quantised.as_chunks_mut::<BLOCK>().0[index];
    for i in 0..BLOCK {
        target[i] = rounded[i] as i8;
    }
    // Sums are of what is stored: damaged weights give values that are no numbers, whose sums must not overflow either.
    let (first, second) = target.split_at(16);
    let sums = [first, second].map(|half| half.iter().map(|value| i32::from(*value)).sum::<i32>());
    out.scale[index] = scale;
    out.sum16[2 * index] = sums[0];
    out.sum16[2 * index + 1] = sums[1];
    out.sum32[index] = sums[0] + sums[1];
    out.scaled16[2 * index] = scale * sums[0] as f32;
    out.scaled16[2 * index + 1] = scale * sums[1] as f32;
    out.scaled32[index] = scale * (sums[0] + sums[1]) as f32;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_rounds_alike() {
        let mut pool = Pool::new(1).expect("threads");
        for columns in [1, 31, 32, 100, 256, 576, 1000] {
            let mut results = Vec::new();
            for kernel in Kernel::available() {
                let mut input = Activations::default();
                input.fill(&mut pool, kernel, (2, columns), (&mut [], 0), &|row, values, _| {
                    for (i, value) in values.iter_mut().enumerate() {
                        // The third block is all zero.
                        *value = if i / 32 == 2 { 0.0 } else { ((i * 7 + row) as f32 * 0.61).sin() * (i + 1) as f32 };
                    }
                });
                results.push((input.quantised, input.scale, input.sum32, input.sum16, input.scaled32, input.scaled16));
            }
            assert!(results.iter().all(|result| *result == results[0]), "{columns} columns");
        }
    }
}

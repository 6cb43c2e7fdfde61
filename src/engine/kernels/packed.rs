//! Quantised matrices in the order in which the kernels read them: panels of 16 rows, column by column, so that one
//! register holds the same four columns of 16 rows and one pass through memory, from front to back, feeds a product.
//!
//! A panel is its blocks (16 rows of 32 columns, as many bits per weight as the file has), then its records of scales.
//! A block is a set of planes over its eight *quads* (four columns of 16 rows, 64 bytes once unpacked):
//!
//! - nibbles, 256 bytes: byte `b` of vector `v` holds byte `b` of quad `v` (low) and of quad `v + 4` (high),
//! - pairs of bits, 128 bytes: vector `h` holds quad `4 h + v` at bit `2 v`,
//! - single bits, 64 bytes: quad `j` at bit `j`,
//! - bytes, 512 bytes: as they are.
//!
//! 2 bits are pairs; 3 bits are pairs and single bits; 4, 5 and 6 bits are nibbles and the rest; 8 bits are bytes.

use super::format::{self, Format, GROUP, Group, Matrix, Quantised};
use super::kernel::Level;
use super::pool::{Pool, Scratch, Shares};
use super::versions::versions;

/// Rows of a panel.
pub(super) const PANEL: usize = 16;
/// Columns of a block.
pub(super) const BLOCK: usize = 32;
/// Bytes of a quad, and of a cache line: panels begin on one.
const LINE: usize = 64;

impl Format {
    /// Whether matrices of this format are packed; the others stay as they are in the file.
    #[must_use]
    pub const fn packs(self) -> bool {
        !matches!(self, Self::F32 | Self::F16 | Self::Bf16)
    }

    /// Bytes of a block's weights.
    pub(super) const fn block_bytes(self) -> usize {
        PANEL * BLOCK / 8 * self.bits() as usize
    }

    /// Blocks that share a record of scales, and its bytes.
    ///
    /// A record is 16 halves `d`, then 16 halves of the minimum where there is one, then for the K formats what scales
    /// them: the three words of six-bit fields of each row (4 and 5 bits), or 16 rows of one byte per sub-block.
    pub(super) const fn record(self) -> (usize, usize) {
        match self {
            Self::Q4_0 | Self::Q5_0 | Self::Q8_0 => (1, 32),
            Self::Q4_1 | Self::Q5_1 => (1, 64),
            Self::Q4K | Self::Q5K => (8, 64 + 192),
            Self::Q3K | Self::Q6K => (8, 32 + 256),
            Self::Q2K => (8, 64 + 256),
            Self::F32 | Self::F16 | Self::Bf16 => (1, 0),
        }
    }

    /// Bytes of a panel of `columns` columns; `None` when the format does not pack, or cannot hold so many.
    const fn panel_bytes(self, columns: usize) -> Option<usize> {
        let (weights, _) = self.block();
        if !self.packs() || !columns.is_multiple_of(weights) {
            return None;
        }
        let (blocks, (per, record)) = (columns / BLOCK, self.record());
        Some((blocks * self.block_bytes() + blocks / per * record).next_multiple_of(LINE))
    }
}

/// Bytes that a packed matrix takes; `None` when its format does not pack.
#[must_use]
pub fn packed_bytes(format: Format, rows: usize, columns: usize) -> Option<usize> {
    format.panel_bytes(columns)?.checked_mul(rows.div_ceil(PANEL))
}

/// A packed matrix.
#[derive(Clone, Copy)]
pub struct Packed<'a> {
    format: Format,
    rows: usize,
    columns: usize,
    panel_bytes: usize,
    bytes: &'a [u8],
}

/// Sixteen rows of a packed matrix.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    /// The blocks.
    pub(super) weights: &'a [u8],
    /// The records.
    pub(super) scales: &'a [u8],
    /// How many blocks.
    pub(super) blocks: usize,
}

impl Panel<'_> {
    /// Panics unless the panel holds the blocks and records of its format.
    #[inline]
    pub(super) fn check<Q: Quantised>(&self) {
        let (per, record) = Q::FORMAT.record();
        assert!(
            self.weights.len() >= self.blocks * Q::FORMAT.block_bytes()
                && self.scales.len() >= self.blocks / per * record
                && self.blocks.is_multiple_of(per),
            "a panel's length. This is a bug."
        );
    }
}

impl<'a> Packed<'a> {
    /// A view of `bytes`; `None` when they are not what [`packed_bytes`] says.
    #[must_use]
    pub fn new(format: Format, rows: usize, columns: usize, bytes: &'a [u8]) -> Option<Self> {
        let panel_bytes = format.panel_bytes(columns)?;
        (packed_bytes(format, rows, columns)? == bytes.len()).then_some(Self {
            format,
            rows,
            columns,
            panel_bytes,
            bytes,
        })
    }

    /// How it is stored.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Outputs.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// Rows `16 index` and the following.
    #[inline(always)]
    pub(super) fn panel(&self, index: usize) -> Panel<'a> {
        let bytes = &self.bytes[index * self.panel_bytes..(index + 1) * self.panel_bytes];
        let blocks = self.columns / BLOCK;
        let (weights, scales) = bytes.split_at(blocks * self.format.block_bytes());
        Panel { weights, scales, blocks }
    }
}

/// Packs `matrix` into `out`, which is [`packed_bytes`] long.
///
/// # Panics
/// When it is not.
pub fn pack(pool: &mut Pool, level: Level, matrix: &Matrix<'_>, out: &mut [u8]) {
    let bytes = packed_bytes(matrix.format(), matrix.rows(), matrix.columns());
    assert_eq!(bytes, Some(out.len()), "room for a packed matrix. This is a bug.");
    let panels = matrix.rows().div_ceil(PANEL);
    let panel_bytes = out.len() / panels.max(1);
    let out = Shares::new(out);
    pool.run(panels, &|panel, _: &mut Scratch| {
        // SAFETY: each panel is handed out once.
        pack_panel(level, matrix, panel, unsafe { out.slice(panel * panel_bytes, panel_bytes) });
    });
}

versions!(fn pack_panel(matrix: &Matrix<'_>, panel: usize, out: &mut [u8]) = pack_body);

#[inline(always)]
fn pack_body(matrix: &Matrix<'_>, panel: usize, out: &mut [u8]) {
    match matrix.format() {
        Format::Q4_0 => pack_as::<format::Q4_0>(matrix, panel, out),
        Format::Q4_1 => pack_as::<format::Q4_1>(matrix, panel, out),
        Format::Q5_0 => pack_as::<format::Q5_0>(matrix, panel, out),
        Format::Q5_1 => pack_as::<format::Q5_1>(matrix, panel, out),
        Format::Q8_0 => pack_as::<format::Q8_0>(matrix, panel, out),
        Format::Q2K => pack_as::<format::Q2K>(matrix, panel, out),
        Format::Q3K => pack_as::<format::Q3K>(matrix, panel, out),
        Format::Q4K => pack_as::<format::Q4K>(matrix, panel, out),
        Format::Q5K => pack_as::<format::Q5K>(matrix, panel, out),
        Format::Q6K => pack_as::<format::Q6K>(matrix, panel, out),
        Format::F32 | Format::F16 | Format::Bf16 => {}
    }
}

#[inline(always)]
fn pack_as<Q: Quantised>(matrix: &Matrix<'_>, panel: usize, out: &mut [u8]) {
    let blocks = matrix.columns() / BLOCK;
    let block_bytes = Q::FORMAT.block_bytes();
    let (weights, scales) = out.split_at_mut(blocks * block_bytes);
    let first = panel * PANEL;
    let present = (matrix.rows() - first).min(PANEL);
    let mut group = Group::default();
    // 256 columns as quads; rows that are not there stay zero.
    let mut quads = [[0_u8; LINE]; GROUP / 4];
    for (at, weights) in weights.chunks_mut(GROUP / BLOCK * block_bytes).enumerate() {
        for row in 0..present {
            let bytes = matrix.row(first + row);
            let start = at * Q::GROUP_BYTES;
            Q::unpack(&bytes[start..(start + Q::GROUP_BYTES).min(bytes.len())], &mut group);
            for (quad, four) in quads.iter_mut().zip(group.q.as_chunks::<4>().0) {
                quad[4 * row..4 * row + 4].copy_from_slice(four);
            }
        }
        for (block, quads) in weights.chunks_exact_mut(block_bytes).zip(quads.as_chunks::<8>().0) {
            planes(Q::FORMAT.bits(), quads, block);
        }
    }
    for row in 0..present {
        scales_of_row(Q::FORMAT, matrix.row(first + row), row, scales);
    }
}

/// The planes of a block; see the module.
#[inline(always)]
fn planes(bits: u32, quads: &[[u8; LINE]; 8], out: &mut [u8]) {
    let (vectors, _) = out.as_chunks_mut::<LINE>();
    let mut next = 0;
    if bits == 8 {
        vectors.copy_from_slice(quads);
        return;
    }
    if bits >= 4 {
        for v in 0..4 {
            for b in 0..LINE {
                vectors[v][b] = quads[v][b] & 15 | quads[v + 4][b] << 4;
            }
        }
        next = 4;
    }
    if matches!(bits, 2 | 3 | 6) {
        let shift = if bits == 6 { 4 } else { 0 };
        for h in 0..2 {
            for b in 0..LINE {
                let pair = |v: usize| (quads[4 * h + v][b] >> shift & 3) << (2 * v);
                vectors[next + h][b] = pair(0) | pair(1) | pair(2) | pair(3);
            }
        }
        next += 2;
    }
    if matches!(bits, 3 | 5) {
        for b in 0..LINE {
            let mut byte = 0;
            for (j, quad) in quads.iter().enumerate() {
                byte |= (quad[b] >> (bits - 1) & 1) << j;
            }
            vectors[next][b] = byte;
        }
    }
}

/// Writes the scales of one row to its places in the panel's records; see [`Format::record`].
#[inline(always)]
fn scales_of_row(format: Format, bytes: &[u8], row: usize, records: &mut [u8]) {
    let (block, (_, record_bytes)) = (format.block().1, format.record());
    for (block, record) in bytes.chunks_exact(block).zip(records.chunks_exact_mut(record_bytes)) {
        let mut half = |place: usize, at: usize| {
            record[place + 2 * row..place + 2 * row + 2].copy_from_slice(&block[at..at + 2]);
        };
        match format {
            Format::Q4_0 | Format::Q5_0 | Format::Q8_0 => half(0, 0),
            Format::Q4_1 | Format::Q5_1 => {
                half(0, 0);
                half(32, 2);
            }
            Format::Q4K | Format::Q5K => {
                half(0, 0);
                half(32, 2);
                for word in 0..3 {
                    let place = 64 + LINE * word + 4 * row;
                    record[place..place + 4].copy_from_slice(&block[4 + 4 * word..8 + 4 * word]);
                }
            }
            Format::Q6K => {
                half(0, 208);
                for sub in 0..16 {
                    record[32 + PANEL * sub + row] = block[192 + sub];
                }
            }
            Format::Q3K => {
                half(0, 108);
                for sub in 0..16 {
                    record[32 + PANEL * sub + row] = format::q3k_scale(block, sub).cast_unsigned();
                }
            }
            Format::Q2K => {
                half(0, 80);
                half(32, 82);
                for sub in 0..16 {
                    record[64 + PANEL * sub + row] = block[sub];
                }
            }
            Format::F32 | Format::F16 | Format::Bf16 => {}
        }
    }
}

//! The plain kernel, right on every machine and slow on all of them: what the others are tested against.

use super::activations::Activations;
use super::format::{Format, Quantised, f16_to_f32};
use super::multiply::{Instructions, PANELS, PanelMut, Target, Tile};
use super::packed::{BLOCK, PANEL, Panel};

/// Plain Rust.
pub(super) struct Portable;

impl Instructions for Portable {
    const STREAMED: usize = 3;

    #[inline(always)]
    unsafe fn stream<Q: Quantised>(
        panel: &Panel<'_>,
        input: &Activations,
        (row, present): (usize, usize),
        target: Target<'_>,
    ) {
        for a in 0..input.rows() {
            let activation = input.row(a);
            let mut totals = [0.0_f32; PANEL];
            for block in 0..panel.blocks {
                let quads = quads::<Q>(panel, block);
                for half in 0..BLOCK / Q::SUB {
                    let sub = block * BLOCK / Q::SUB + half;
                    let mut dots = [0_i32; PANEL];
                    let columns = block * BLOCK + half * Q::SUB;
                    let values = activation.quantised[columns..columns + Q::SUB].as_chunks::<4>().0;
                    for (quad, values) in quads[half * 4..].iter().zip(values) {
                        for (lane, dot) in dots.iter_mut().enumerate() {
                            for i in 0..4 {
                                *dot += i32::from(quad[4 * lane + i]) * i32::from(values[i]);
                            }
                        }
                    }
                    let (sum, scaled) = if Q::SUB == 16 {
                        (activation.sum16[sub], activation.scaled16[sub])
                    } else {
                        (activation.sum32[sub], activation.scaled32[sub])
                    };
                    let (d, m) = scales::<Q>(panel, block, half);
                    for (lane, total) in totals.iter_mut().enumerate() {
                        let scale = d[lane] * activation.scale[block];
                        let dot = (dots[lane] - Q::OFFSET * sum) as f32;
                        if Q::MINS {
                            *total = (-m[lane]).mul_add(scaled, *total);
                        }
                        *total = scale.mul_add(dot, *total);
                    }
                }
            }
            // SAFETY: these rows are this caller's.
            let out = unsafe { target.out.slice(a * target.stride + row, present) };
            out.copy_from_slice(&totals[..present]);
        }
    }

    #[inline(always)]
    unsafe fn unpack<Q: Quantised>(panel: &Panel<'_>, room: PanelMut<'_>) {
        let PanelMut { q, d, m } = room;
        let per_block = BLOCK / Q::SUB * PANEL;
        for (block, q) in q.chunks_exact_mut(PANEL * BLOCK).enumerate() {
            q.copy_from_slice(quads::<Q>(panel, block).as_flattened());
            for half in 0..BLOCK / Q::SUB {
                let scales = scales::<Q>(panel, block, half);
                let place = block * per_block + half * PANEL;
                d[place..place + PANEL].copy_from_slice(&scales.0);
                m[place..place + PANEL].copy_from_slice(&scales.1);
            }
        }
    }

    unsafe fn tile<const SUB: usize, const MINS: bool>(tile: &Tile<'_>, input: &Activations, target: Target<'_>) {
        let subs = tile.blocks * 32 / SUB;
        for a in 0..input.rows() {
            let row = input.row(a);
            for panel in 0..PANELS {
                let present = tile.rows.saturating_sub(panel * PANEL).min(PANEL);
                if present == 0 {
                    continue;
                }
                let q = &tile.q[panel * PANEL * tile.blocks * 32..(panel + 1) * PANEL * tile.blocks * 32];
                let mut totals = [0.0_f32; PANEL];
                for sub in 0..subs {
                    let mut dots = [0_i32; PANEL];
                    for column in (sub * SUB..(sub + 1) * SUB).step_by(4) {
                        for (lane, dot) in dots.iter_mut().enumerate() {
                            for i in 0..4 {
                                let q = q[column * PANEL + lane * 4 + i];
                                *dot += i32::from(q) * i32::from(row.quantised[column + i]);
                            }
                        }
                    }
                    let (sum, scaled) = if SUB == 16 {
                        (row.sum16[sub], row.scaled16[sub])
                    } else {
                        (row.sum32[sub], row.scaled32[sub])
                    };
                    for (lane, total) in totals.iter_mut().enumerate() {
                        let place = (panel * subs + sub) * PANEL + lane;
                        let scale = tile.d[place] * row.scale[sub * SUB / 32];
                        let dot = (dots[lane] - tile.offset * sum) as f32;
                        if MINS {
                            *total = (-tile.m[place]).mul_add(scaled, *total);
                        }
                        *total = scale.mul_add(dot, *total);
                    }
                }
                // SAFETY: these rows are this caller's.
                let out = unsafe { target.out.slice(a * target.stride + tile.row + panel * PANEL, present) };
                out.copy_from_slice(&totals[..present]);
            }
        }
    }
}

/// The eight quads of a block.
#[inline(always)]
fn quads<Q: Quantised>(panel: &Panel<'_>, block: usize) -> [[u8; 64]; 8] {
    let size = Q::FORMAT.block_bytes();
    let vectors = panel.weights[block * size..(block + 1) * size].as_chunks::<64>().0;
    let mut quads = [[0; 64]; 8];
    for (j, quad) in quads.iter_mut().enumerate() {
        let (h, v) = (j / 4, j % 4);
        for (b, q) in quad.iter_mut().enumerate() {
            *q = match Q::FORMAT.bits() {
                8 => vectors[j][b],
                2 => vectors[h][b] >> (2 * v) & 3,
                3 => vectors[h][b] >> (2 * v) & 3 | (vectors[2][b] >> j & 1) << 2,
                bits => {
                    let nibble = vectors[v][b] >> (4 * h) & 15;
                    match bits {
                        5 => nibble | (vectors[4][b] >> j & 1) << 4,
                        6 => nibble | (vectors[4 + h][b] >> (2 * v) & 3) << 4,
                        _ => nibble,
                    }
                }
            };
        }
    }
    quads
}

/// Scales and minima of 16 rows for one half of a block (its whole where sub-blocks are 32 wide).
#[inline(always)]
fn scales<Q: Quantised>(panel: &Panel<'_>, block: usize, half: usize) -> ([f32; PANEL], [f32; PANEL]) {
    let (per, bytes) = Q::FORMAT.record();
    let record = &panel.scales[block / per * bytes..(block / per + 1) * bytes];
    let half_at =
        |at: usize, row: usize| f16_to_f32(u16::from_le_bytes([record[at + 2 * row], record[at + 2 * row + 1]]));
    let (at, sub) = (block % per, block % per * 2 + half);
    let (mut d, mut m) = ([0.0; PANEL], [0.0; PANEL]);
    for row in 0..PANEL {
        (d[row], m[row]) = match Q::FORMAT {
            Format::Q4_1 | Format::Q5_1 => (half_at(0, row), -half_at(32, row)),
            Format::Q4K | Format::Q5K => {
                let word = |i: usize| {
                    let place = 64 + 64 * i + 4 * row;
                    u32::from_le_bytes([record[place], record[place + 1], record[place + 2], record[place + 3]])
                };
                let shift = 8 * (at % 4);
                let (scale, minimum) = if at < 4 {
                    (word(0) >> shift & 63, word(1) >> shift & 63)
                } else {
                    let (low, high) = (word(2) >> shift, |word: u32| word >> (shift + 6) & 3);
                    (low & 15 | high(word(0)) << 4, low >> 4 & 15 | high(word(1)) << 4)
                };
                (half_at(0, row) * scale as f32, half_at(32, row) * minimum as f32)
            }
            Format::Q2K => {
                let byte = record[64 + PANEL * sub + row];
                (half_at(0, row) * f32::from(byte & 15), half_at(32, row) * f32::from(byte >> 4))
            }
            Format::Q3K | Format::Q6K => {
                (half_at(0, row) * f32::from(record[32 + PANEL * sub + row].cast_signed()), 0.0)
            }
            _ => (half_at(0, row), 0.0),
        };
    }
    (d, m)
}

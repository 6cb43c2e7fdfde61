//! Products of an unpacked tile in 256-bit registers.
#![expect(clippy::needless_range_loop, reason = "blocks of registers are indexed in step with each other")]

use std::arch::x86_64::*;

use super::activations::{Activations, Row};
use super::avx2::Dot;
use super::multiply::{PANELS, Target, Tile};
use super::packed::PANEL;

/// Activations that a tile is multiplied with at a time, one by one: their values stay in the first-level cache from one
/// panel to the next.
const TOGETHER: usize = 16;
/// The same where 16 rows stay in registers.
const AT_ONCE: usize = 3;

/// # Safety
/// As [`Instructions::tile`](super::multiply::Instructions::tile).
#[inline(always)]
pub(super) unsafe fn tile_with<D: Dot, const SUB: usize, const MINS: bool, const RUN: usize>(
    tile: &Tile<'_>,
    input: &Activations,
    target: Target<'_>,
) {
    let together = if D::ONE_BY_ONE { TOGETHER } else { AT_ONCE };
    for first in (0..input.rows()).step_by(together) {
        let count = (input.rows() - first).min(together);
        for panel in 0..PANELS {
            // SAFETY: promised by the caller.
            unsafe {
                match (D::ONE_BY_ONE, count) {
                    (true, _) => one_by_one::<D, SUB, MINS, RUN>(tile, panel, input, (first, count), target),
                    (_, 1) => at_once::<D, SUB, MINS, RUN, 1>(tile, panel, input, first, target),
                    (_, 2) => at_once::<D, SUB, MINS, RUN, 2>(tile, panel, input, first, target),
                    _ => at_once::<D, SUB, MINS, RUN, 3>(tile, panel, input, first, target),
                }
            }
        }
    }
}

/// Multiplies one panel with activations `first..first + count`. A sub-block of eight rows stays in registers for all of
/// them; their totals lie in the first-level cache. For AVX2: with the room that sums of 16 bits need, several activations
/// and 16 rows at a time are more registers than there are, and a third of the instructions moved them to memory and back.
#[inline(always)]
unsafe fn one_by_one<D: Dot, const SUB: usize, const MINS: bool, const RUN: usize>(
    tile: &Tile<'_>,
    panel: usize,
    input: &Activations,
    (first, count): (usize, usize),
    target: Target<'_>,
) {
    let present = tile.rows.saturating_sub(panel * PANEL).min(PANEL);
    if present == 0 {
        return;
    }
    let subs = tile.blocks * 32 / SUB;
    let padded = input.padded();
    assert!(
        count <= TOGETHER && first + count <= input.rows() && tile.blocks * 32 <= padded,
        "a tile beyond its activations. This is a bug."
    );
    let row = input.row(first);
    let (sums, scaled) = if SUB == 16 {
        (row.sum16.as_ptr(), row.scaled16.as_ptr())
    } else {
        (row.sum32.as_ptr(), row.scaled32.as_ptr())
    };
    let weights = tile.q[panel * PANEL * tile.blocks * 32..].as_ptr();
    let d = tile.d[panel * PANEL * subs..].as_ptr();
    let m = tile.m[panel * PANEL * subs..].as_ptr();
    let offset = if RUN == 1 && D::SIGNED { 0 } else { tile.offset };
    // SAFETY: `sub` is within the tile and the padded rows, which `Tile` and `Activations` size alike, and rows lie one
    // after the other; stores go to this caller's rows only.
    unsafe {
        let mut totals = [[_mm256_setzero_ps(); 2]; TOGETHER];
        for sub in 0..subs {
            for half in 0..2 {
                let mut w = [_mm256_setzero_si256(); 8];
                for quad in 0..SUB / 4 {
                    w[quad] = _mm256_loadu_si256(weights.add((sub * SUB / 4 + quad) * 64 + 32 * half).cast());
                }
                let d = _mm256_loadu_ps(d.add(sub * PANEL + half * 8));
                let m = if MINS { _mm256_loadu_ps(m.add(sub * PANEL + half * 8)) } else { d };
                for a in 0..count {
                    let values = row.quantised.as_ptr().add(a * padded + sub * SUB).cast::<i32>();
                    let mut dot = _mm256_setzero_si256();
                    if offset != 0 {
                        dot = _mm256_set1_epi32((*sums.add(a * (padded / SUB) + sub)).wrapping_mul(-offset));
                    }
                    for start in (0..SUB / 4).step_by(RUN) {
                        let mut run = D::open(dot);
                        for quad in start..start + RUN {
                            let four = _mm256_set1_epi32(values.add(quad).read_unaligned());
                            run = D::add::<RUN>(run, w[quad], four);
                        }
                        dot = D::close(dot, run);
                    }
                    let scale = *row.scale.as_ptr().add(a * (padded / 32) + sub * SUB / 32);
                    let mut total = totals[a][half];
                    if MINS {
                        let scaled = _mm256_set1_ps(*scaled.add(a * (padded / SUB) + sub));
                        total = _mm256_fnmadd_ps(m, scaled, total);
                    }
                    let scale = _mm256_mul_ps(d, _mm256_set1_ps(scale));
                    totals[a][half] = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(dot), total);
                }
            }
        }
        for (a, [low, high]) in totals[..count].iter().enumerate() {
            let mut values = [0.0_f32; PANEL];
            _mm256_storeu_ps(values.as_mut_ptr(), *low);
            _mm256_storeu_ps(values.as_mut_ptr().add(8), *high);
            let out = target.out.slice((first + a) * target.stride + tile.row + panel * PANEL, present);
            out.copy_from_slice(&values[..present]);
        }
    }
}

/// Multiplies one panel with activations `first..first + N`; 16 rows and all totals stay in registers.
#[inline(always)]
unsafe fn at_once<D: Dot, const SUB: usize, const MINS: bool, const RUN: usize, const N: usize>(
    tile: &Tile<'_>,
    panel: usize,
    input: &Activations,
    first: usize,
    target: Target<'_>,
) {
    let present = tile.rows.saturating_sub(panel * PANEL).min(PANEL);
    if present == 0 {
        return;
    }
    let subs = tile.blocks * 32 / SUB;
    let rows: [Row<'_>; N] = std::array::from_fn(|a| input.row(first + a));
    let weights = tile.q[panel * PANEL * tile.blocks * 32..].as_ptr();
    let d = tile.d[panel * PANEL * subs..].as_ptr();
    let m = tile.m[panel * PANEL * subs..].as_ptr();
    let offset = if RUN == 1 && D::SIGNED { 0 } else { tile.offset };
    // SAFETY: `sub` is within the tile and the padded rows, which `Tile` and `Activations` size alike; stores go to
    // this caller's rows only.
    unsafe {
        let mut totals = [[_mm256_setzero_ps(); N]; 2];
        for sub in 0..subs {
            let mut dots = [[_mm256_setzero_si256(); N]; 2];
            if offset != 0 {
                for a in 0..N {
                    let sums = if SUB == 16 { rows[a].sum16.as_ptr() } else { rows[a].sum32.as_ptr() };
                    let start = _mm256_set1_epi32((*sums.add(sub)).wrapping_mul(-offset));
                    dots[0][a] = start;
                    dots[1][a] = start;
                }
            }
            for start in (0..SUB / 4).step_by(RUN) {
                let mut runs = dots;
                for half in 0..2 {
                    for a in 0..N {
                        runs[half][a] = D::open(dots[half][a]);
                    }
                }
                for quad in start..start + RUN {
                    let at = sub * SUB / 4 + quad;
                    let w0 = _mm256_loadu_si256(weights.add(at * 64).cast());
                    let w1 = _mm256_loadu_si256(weights.add(at * 64 + 32).cast());
                    for a in 0..N {
                        let four = rows[a].quantised.as_ptr().add(at * 4).cast::<i32>().read_unaligned();
                        let four = _mm256_set1_epi32(four);
                        runs[0][a] = D::add::<RUN>(runs[0][a], w0, four);
                        runs[1][a] = D::add::<RUN>(runs[1][a], w1, four);
                    }
                }
                for half in 0..2 {
                    for a in 0..N {
                        dots[half][a] = D::close(dots[half][a], runs[half][a]);
                    }
                }
            }
            for half in 0..2 {
                let d = _mm256_loadu_ps(d.add(sub * PANEL + half * 8));
                let m = if MINS { _mm256_loadu_ps(m.add(sub * PANEL + half * 8)) } else { d };
                for a in 0..N {
                    let scale = _mm256_mul_ps(d, _mm256_set1_ps(*rows[a].scale.as_ptr().add(sub * SUB / 32)));
                    let dot = _mm256_cvtepi32_ps(dots[half][a]);
                    if MINS {
                        let scaled = if SUB == 16 { rows[a].scaled16.as_ptr() } else { rows[a].scaled32.as_ptr() };
                        totals[half][a] = _mm256_fnmadd_ps(m, _mm256_set1_ps(*scaled.add(sub)), totals[half][a]);
                    }
                    totals[half][a] = _mm256_fmadd_ps(scale, dot, totals[half][a]);
                }
            }
        }
        for a in 0..N {
            let mut values = [0.0_f32; PANEL];
            _mm256_storeu_ps(values.as_mut_ptr(), totals[0][a]);
            _mm256_storeu_ps(values.as_mut_ptr().add(8), totals[1][a]);
            let out = target.out.slice((first + a) * target.stride + tile.row + panel * PANEL, present);
            out.copy_from_slice(&values[..present]);
        }
    }
}

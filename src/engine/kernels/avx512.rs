//! AVX-512 with VNNI: 64 products of bytes in one instruction.

use std::arch::x86_64::*;

use super::activations::{Activations, Row};
use super::format::{Group, Quantised};
use super::multiply::{Instructions, PANEL, PANELS, Target, Tile};

/// AVX-512 F, BW, VL, DQ, VNNI.
pub(super) struct Avx512;

/// Activations that a tile is multiplied with at a time: 2 x 6 integer and 2 x 6 float accumulators fill the registers.
const AT_ONCE: usize = 6;

impl Instructions for Avx512 {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
    #[inline]
    unsafe fn terms<Q: Quantised>(group: &Group, row: &Row<'_>, at: usize, terms: &mut [f32]) {
        debug_assert!(at + 256 <= row.quantised.len() && terms.len() == 256 / Q::SUB);
        // SAFETY: the caller keeps `at + 256` within the padded row, so all loads of it and of its scales and sums
        // (one per 32 or 16 values) are in bounds; `group` holds 256 weights and 16 scales; `terms` 256 / SUB values.
        unsafe {
            let weights = group.q.as_ptr().cast::<__m512i>();
            let values = row.quantised.as_ptr().add(at);
            let zero = _mm512_setzero_si512();
            let dot = |i: usize| {
                let w = _mm512_load_si512(weights.add(i));
                _mm512_dpbusd_epi32(zero, w, _mm512_loadu_si512(values.add(64 * i).cast()))
            };
            let (z0, z1, z2, z3) = (dot(0), dot(1), dot(2), dot(3));
            // Transposing adds: afterwards lane j of four holds, at place i, the sum of lane j of z_i.
            let a = _mm512_add_epi32(_mm512_unpacklo_epi32(z0, z1), _mm512_unpackhi_epi32(z0, z1));
            let b = _mm512_add_epi32(_mm512_unpacklo_epi32(z2, z3), _mm512_unpackhi_epi32(z2, z3));
            let sums = _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
            if Q::SUB == 16 {
                let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
                let mut dots = _mm512_permutexvar_epi32(order, sums);
                if Q::OFFSET != 0 {
                    let sum = _mm512_loadu_si512(row.sum16.as_ptr().add(at / 16).cast());
                    dots = _mm512_sub_epi32(dots, _mm512_mullo_epi32(sum, _mm512_set1_epi32(Q::OFFSET)));
                }
                let twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
                let scale = _mm256_loadu_ps(row.scale.as_ptr().add(at / 32));
                let scale = _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(scale));
                let scale = _mm512_mul_ps(_mm512_loadu_ps(group.d.as_ptr()), scale);
                let dots = _mm512_cvtepi32_ps(dots);
                let term = if Q::MINS {
                    let scaled = _mm512_loadu_ps(row.scaled16.as_ptr().add(at / 16));
                    _mm512_fmsub_ps(scale, dots, _mm512_mul_ps(_mm512_loadu_ps(group.m.as_ptr()), scaled))
                } else {
                    _mm512_mul_ps(scale, dots)
                };
                _mm512_storeu_ps(terms.as_mut_ptr(), term);
            } else {
                // Even lanes first, then odd ones; a block of 32 is an even lane plus the odd one after it.
                let order = _mm512_setr_epi32(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
                let sums = _mm512_permutexvar_epi32(order, sums);
                let mut dots = _mm256_add_epi32(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64::<1>(sums));
                if Q::OFFSET != 0 {
                    let sum = _mm256_loadu_si256(row.sum32.as_ptr().add(at / 32).cast());
                    dots = _mm256_sub_epi32(dots, _mm256_mullo_epi32(sum, _mm256_set1_epi32(Q::OFFSET)));
                }
                let scale = _mm256_loadu_ps(row.scale.as_ptr().add(at / 32));
                let scale = _mm256_mul_ps(_mm256_loadu_ps(group.d.as_ptr()), scale);
                let dots = _mm256_cvtepi32_ps(dots);
                let term = if Q::MINS {
                    let scaled = _mm256_loadu_ps(row.scaled32.as_ptr().add(at / 32));
                    _mm256_fmsub_ps(scale, dots, _mm256_mul_ps(_mm256_loadu_ps(group.m.as_ptr()), scaled))
                } else {
                    _mm256_mul_ps(scale, dots)
                };
                _mm256_storeu_ps(terms.as_mut_ptr(), term);
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
    unsafe fn tile<const SUB: usize, const MINS: bool>(tile: &Tile<'_>, input: &Activations, target: Target<'_>) {
        let mut first = 0;
        while first < input.rows() {
            let count = (input.rows() - first).min(AT_ONCE);
            // SAFETY: promised by the caller.
            unsafe {
                match count {
                    1 => columns::<SUB, MINS, 1>(tile, input, first, target),
                    2 => columns::<SUB, MINS, 2>(tile, input, first, target),
                    3 => columns::<SUB, MINS, 3>(tile, input, first, target),
                    4 => columns::<SUB, MINS, 4>(tile, input, first, target),
                    5 => columns::<SUB, MINS, 5>(tile, input, first, target),
                    _ => columns::<SUB, MINS, AT_ONCE>(tile, input, first, target),
                }
            }
            first += count;
        }
    }
}

/// Multiplies a tile with activations `first..first + N`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
unsafe fn columns<const SUB: usize, const MINS: bool, const N: usize>(
    tile: &Tile<'_>,
    input: &Activations,
    first: usize,
    target: Target<'_>,
) {
    let subs = tile.blocks * 32 / SUB;
    let rows: [Row<'_>; N] = std::array::from_fn(|a| input.row(first + a));
    let (values, scales) = (rows.map(|row| row.quantised.as_ptr()), rows.map(|row| row.scale.as_ptr()));
    let sums = rows.map(|row| if SUB == 16 { row.sum16.as_ptr() } else { row.sum32.as_ptr() });
    let scaled = rows.map(|row| if SUB == 16 { row.scaled16.as_ptr() } else { row.scaled32.as_ptr() });
    let weights = [tile.q.as_ptr(), tile.q[PANEL * tile.blocks * 32..].as_ptr()];
    let d = [tile.d.as_ptr(), tile.d[PANEL * subs..].as_ptr()];
    let m = [tile.m.as_ptr(), tile.m[PANEL * subs..].as_ptr()];
    let mut totals = [[_mm512_setzero_ps(); N]; PANELS];
    for sub in 0..subs {
        // SAFETY: `sub` is within the tile and the padded rows, which `Tile` and `Activations` size alike.
        unsafe {
            let mut dots = [[_mm512_setzero_si512(); N]; PANELS];
            if tile.offset != 0 {
                for a in 0..N {
                    let start = _mm512_set1_epi32(-tile.offset * *sums[a].add(sub));
                    dots[0][a] = start;
                    dots[1][a] = start;
                }
            }
            for quad in 0..SUB / 4 {
                let at = sub * SUB / 4 + quad;
                let w0 = _mm512_loadu_si512(weights[0].add(at * 64).cast());
                let w1 = _mm512_loadu_si512(weights[1].add(at * 64).cast());
                for a in 0..N {
                    let four = _mm512_set1_epi32(values[a].add(at * 4).cast::<i32>().read_unaligned());
                    dots[0][a] = _mm512_dpbusd_epi32(dots[0][a], w0, four);
                    dots[1][a] = _mm512_dpbusd_epi32(dots[1][a], w1, four);
                }
            }
            for panel in 0..PANELS {
                let d = _mm512_loadu_ps(d[panel].add(sub * PANEL));
                let m = if MINS { _mm512_loadu_ps(m[panel].add(sub * PANEL)) } else { d };
                for a in 0..N {
                    let scale = _mm512_mul_ps(d, _mm512_set1_ps(*scales[a].add(sub * SUB / 32)));
                    let dot = _mm512_cvtepi32_ps(dots[panel][a]);
                    let term = if MINS {
                        _mm512_fmsub_ps(scale, dot, _mm512_mul_ps(m, _mm512_set1_ps(*scaled[a].add(sub))))
                    } else {
                        _mm512_mul_ps(scale, dot)
                    };
                    totals[panel][a] = _mm512_add_ps(totals[panel][a], term);
                }
            }
        }
    }
    for (panel, totals) in totals.iter().enumerate() {
        let present = tile.rows.saturating_sub(panel * PANEL).min(PANEL);
        if present == 0 {
            continue;
        }
        let mask = ((1_u32 << present) - 1) as u16;
        for (a, total) in totals.iter().enumerate() {
            // SAFETY: these rows are this caller's, and the mask covers no more than the slice.
            unsafe {
                let out = target.out.slice((first + a) * target.stride + tile.row + panel * PANEL, present);
                _mm512_mask_storeu_ps(out.as_mut_ptr(), mask, *total);
            }
        }
    }
}

//! One page of attention in 512-bit registers, half-precision keys and values read as they are. The same sums in the
//! same order as the plain loops of `attention`.
#![expect(clippy::needless_range_loop, reason = "blocks of registers are indexed in step with each other")]

use std::arch::x86_64::*;

use super::attention::{Stage, Visible};
use super::pages::PAGE;

/// Queries together: 6 x 4 accumulators.
const TOGETHER: usize = 6;

macro_rules! by_count {
    ($function:ident, $count:expr, $arguments:tt) => {
        match $count {
            1 => $function::<1> $arguments,
            2 => $function::<2> $arguments,
            3 => $function::<3> $arguments,
            4 => $function::<4> $arguments,
            5 => $function::<5> $arguments,
            _ => $function::<TOGETHER> $arguments,
        }
    };
}

/// See [`super::attention`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
pub(super) fn page(stage: Stage<'_>, (count, kw, vw): (usize, usize, usize), visible: Visible) {
    assert!(
        stage.query.len() >= count * kw
            && stage.k.len() >= kw * PAGE
            && stage.v.len() >= visible.used * vw
            && stage.weights.len() >= count * PAGE
            && stage.out.len() >= count * vw
            && stage.max.len().min(stage.sum.len()) >= count
            && visible.used <= PAGE,
        "a page's buffers are too small. This is a bug."
    );
    let mut at = 0;
    while at < count {
        let (query, weights) = (stage.query[at * kw..].as_ptr(), stage.weights[at * PAGE..].as_mut_ptr());
        // SAFETY: the buffers were measured above, and the count is what is left.
        unsafe { by_count!(scores, count - at, (query, stage.k.as_ptr(), weights, kw, ahead(at, stage.v, kw))) };
        at += (count - at).min(TOGETHER);
    }
    let (mut position, mut left) = (visible.position, visible.group);
    for (index, row) in stage.weights.as_chunks_mut::<PAGE>().0[..count].iter_mut().enumerate() {
        (stage.max[index], stage.sum[index]) = softmax(row, visible.seen(position));
        left -= 1;
        if left == 0 {
            (position, left) = (position + 1, visible.group);
        }
    }
    let mut at = 0;
    while at < count {
        let (weights, out) = (stage.weights[at * PAGE..].as_ptr(), stage.out[at * vw..].as_mut_ptr());
        // SAFETY: as above.
        unsafe {
            let ahead = ahead(at, stage.next, visible.used);
            by_count!(weigh, count - at, (weights, stage.v.as_ptr(), out, vw, visible.used, ahead))
        };
        at += (count - at).min(TOGETHER);
    }
}

/// Memory that is used after the present loop; asked for little by little. Pages lie apart, so the processor's own
/// prefetching begins anew with each.
#[derive(Clone, Copy)]
struct Ahead {
    next: *const u16,
    /// Lines of the cache that are left, and how many of them go to a step.
    left: usize,
    per: usize,
}

/// In `steps` steps; the first queries bring it.
fn ahead(at: usize, halves: &[u16], steps: usize) -> Ahead {
    let left = if at == 0 { halves.len().div_ceil(32) } else { 0 };
    Ahead { next: halves.as_ptr(), left, per: left.div_ceil(steps.max(1)) }
}

impl Ahead {
    /// Asks for the share of one step.
    #[inline(always)]
    fn ask(&mut self) {
        for _ in 0..self.per.min(self.left) {
            // SAFETY: what is prefetched need not exist.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.next.cast()) };
            self.next = self.next.wrapping_add(32);
            self.left -= 1;
        }
    }
}

/// As the plain one: turns the scores of the tokens in `seen` into exponentials relative to their maximum, others into zero;
/// the maximum and the sum.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
#[inline]
fn softmax(row: &mut [f32; PAGE], seen: u64) -> (f32, f32) {
    let none = _mm512_set1_ps(f32::NEG_INFINITY);
    let mut top = none;
    let mut scores = [none; 4];
    for (i, scores) in scores.iter_mut().enumerate() {
        // SAFETY: a row has four times 16 places.
        let all = unsafe { _mm512_loadu_ps(row.as_ptr().add(16 * i)) };
        *scores = _mm512_mask_mov_ps(none, (seen >> (16 * i)) as u16, all);
        // The greater one, and the one before it where the new one is no number.
        top = _mm512_max_ps(*scores, top);
    }
    let max = _mm512_reduce_max_ps(top);
    let mut sums = _mm512_setzero_ps();
    for (i, scores) in scores.into_iter().enumerate() {
        let there = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(scores, none);
        let weights = _mm512_maskz_mov_ps(there, exp(_mm512_sub_ps(scores, _mm512_set1_ps(max))));
        // SAFETY: as above.
        unsafe { _mm512_storeu_ps(row.as_mut_ptr().add(16 * i), weights) };
        sums = _mm512_add_ps(sums, weights);
    }
    // In the order of `float::sum_lanes`.
    let eight = _mm256_add_ps(_mm512_castps512_ps256(sums), _mm512_extractf32x8_ps::<1>(sums));
    let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    (max, _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two))))
}

/// `elementwise::exp`, step by step.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
#[inline]
fn exp(x: __m512) -> __m512 {
    let round = _mm512_set1_ps(12_582_912.0);
    // Of the two, the second where one is no number.
    let x = _mm512_min_ps(_mm512_set1_ps(88.0), _mm512_max_ps(_mm512_set1_ps(-87.0), x));
    let shifted = _mm512_fmadd_ps(x, _mm512_set1_ps(std::f32::consts::LOG2_E), round);
    let whole = _mm512_sub_ps(shifted, round);
    let r = _mm512_fmadd_ps(whole, _mm512_set1_ps(-0.693_359_4), x);
    let r = _mm512_fmadd_ps(whole, _mm512_set1_ps(2.121_944_4e-4), r);
    let mut p = _mm512_set1_ps(1.987_569_1e-4);
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5] {
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c));
    }
    let p = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1.0));
    let exponent = _mm512_sub_epi32(_mm512_castps_si512(shifted), _mm512_set1_epi32(0x4b40_0000 - 127));
    _mm512_mul_ps(p, _mm512_castsi512_ps(_mm512_slli_epi32::<23>(exponent)))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
unsafe fn scores<const N: usize>(query: *const f32, k: *const u16, out: *mut f32, kw: usize, mut ahead: Ahead) {
    let mut totals = [[_mm512_setzero_ps(); 4]; N];
    // SAFETY: `N * kw` queries, `kw * 64` keys and `N * 64` places are there.
    unsafe {
        for column in 0..kw {
            ahead.ask();
            let keys: [__m512; 4] =
                std::array::from_fn(|i| _mm512_cvtph_ps(_mm256_loadu_si256(k.add(column * PAGE + 16 * i).cast())));
            for n in 0..N {
                let q = _mm512_set1_ps(*query.add(column).add(n * kw));
                for i in 0..4 {
                    totals[n][i] = _mm512_fmadd_ps(q, keys[i], totals[n][i]);
                }
            }
        }
        for n in 0..N {
            for i in 0..4 {
                _mm512_storeu_ps(out.add(n * PAGE + 16 * i), totals[n][i]);
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
unsafe fn weigh<const N: usize>(
    weights: *const f32,
    v: *const u16,
    out: *mut f32,
    vw: usize,
    used: usize,
    mut ahead: Ahead,
) {
    let whole = vw / 64 * 64;
    // SAFETY: `N * 64` weights, `used * vw` values and `N * vw` places are there; the mask covers the last columns only.
    unsafe {
        for start in (0..whole).step_by(64) {
            let mut totals = [[_mm512_setzero_ps(); 4]; N];
            for token in 0..used {
                if start == 0 {
                    ahead.ask();
                }
                let values: [__m512; 4] = std::array::from_fn(|i| {
                    _mm512_cvtph_ps(_mm256_loadu_si256(v.add(token * vw + start + 16 * i).cast()))
                });
                for n in 0..N {
                    let weight = _mm512_set1_ps(*weights.add(n * PAGE + token));
                    for i in 0..4 {
                        totals[n][i] = _mm512_fmadd_ps(weight, values[i], totals[n][i]);
                    }
                }
            }
            for n in 0..N {
                for i in 0..4 {
                    _mm512_storeu_ps(out.add(n * vw + start + 16 * i), totals[n][i]);
                }
            }
        }
        for start in (whole..vw).step_by(16) {
            let mask = (1_u32 << (vw - start).min(16)).wrapping_sub(1) as u16;
            let mut totals = [_mm512_setzero_ps(); N];
            for token in 0..used {
                let halves = _mm256_maskz_loadu_epi16(mask, v.add(token * vw + start).cast());
                let values = _mm512_cvtph_ps(halves);
                for n in 0..N {
                    let weight = _mm512_set1_ps(*weights.add(n * PAGE + token));
                    totals[n] = _mm512_fmadd_ps(weight, values, totals[n]);
                }
            }
            for n in 0..N {
                _mm512_mask_storeu_ps(out.add(n * vw + start), mask, totals[n]);
            }
        }
    }
}

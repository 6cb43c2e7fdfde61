//! One page of attention in 512-bit registers, half-precision keys and values read as they are. The same sums in the
//! same order as the plain loops of `attention`.
#![expect(clippy::needless_range_loop, reason = "blocks of registers are indexed in step with each other")]

use std::arch::x86_64::*;

use super::attention::{Stage, Visible, softmax_all};
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
pub(super) fn page(mut stage: Stage<'_>, (count, kw, vw): (usize, usize, usize), visible: Visible) {
    assert!(
        stage.query.len() >= count * kw
            && stage.k.len() >= kw * PAGE
            && stage.v.len() >= visible.used * vw
            && stage.weights.len() >= count * PAGE
            && stage.out.len() >= count * vw
            && visible.used <= PAGE,
        "a page's buffers are too small. This is a bug."
    );
    let mut at = 0;
    while at < count {
        let (query, weights) = (stage.query[at * kw..].as_ptr(), stage.weights[at * PAGE..].as_mut_ptr());
        // SAFETY: the buffers were measured above, and the count is what is left.
        unsafe { by_count!(scores, count - at, (query, stage.k.as_ptr(), weights, kw, ahead(at, stage.v))) };
        at += (count - at).min(TOGETHER);
    }
    softmax_all(&mut stage, count, visible);
    let mut at = 0;
    while at < count {
        let (weights, out) = (stage.weights[at * PAGE..].as_ptr(), stage.out[at * vw..].as_mut_ptr());
        // SAFETY: as above.
        unsafe {
            by_count!(weigh, count - at, (weights, stage.v.as_ptr(), out, vw, visible.used, ahead(at, stage.next)))
        };
        at += (count - at).min(TOGETHER);
    }
}

/// Memory that is used after the present loop; asked for little by little. Pages lie apart, so the processor's own
/// prefetching begins anew with each.
#[derive(Clone, Copy)]
struct Ahead {
    start: *const u16,
    lines: usize,
}

fn ahead(at: usize, halves: &[u16]) -> Ahead {
    // The first queries bring it.
    Ahead { start: halves.as_ptr(), lines: if at == 0 { halves.len().div_ceil(32) } else { 0 } }
}

impl Ahead {
    /// Asks for the share of step `step` of `steps`.
    #[inline(always)]
    fn ask(self, step: usize, steps: usize) {
        let per = self.lines.div_ceil(steps);
        for line in step * per..((step + 1) * per).min(self.lines) {
            // SAFETY: what is prefetched need not exist.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.start.wrapping_add(32 * line).cast()) };
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
unsafe fn scores<const N: usize>(query: *const f32, k: *const u16, out: *mut f32, kw: usize, ahead: Ahead) {
    let mut totals = [[_mm512_setzero_ps(); 4]; N];
    // SAFETY: `N * kw` queries, `kw * 64` keys and `N * 64` places are there.
    unsafe {
        for column in 0..kw {
            ahead.ask(column, kw);
            let keys: [__m512; 4] =
                std::array::from_fn(|i| _mm512_cvtph_ps(_mm256_loadu_si256(k.add(column * PAGE + 16 * i).cast())));
            for n in 0..N {
                let q = _mm512_set1_ps(*query.add(n * kw + column));
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
    ahead: Ahead,
) {
    let whole = vw / 64 * 64;
    // SAFETY: `N * 64` weights, `used * vw` values and `N * vw` places are there; the mask covers the last columns only.
    unsafe {
        for start in (0..whole).step_by(64) {
            let mut totals = [[_mm512_setzero_ps(); 4]; N];
            for token in 0..used {
                if start == 0 {
                    ahead.ask(token, used);
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

//! Runs of half-precision values, converted.

use super::format::{f16_to_f32, f32_to_f16};
use super::kernel::Level;

/// `out = halves` in single precision, exactly.
pub(super) fn to_single(level: Level, halves: &[u16], out: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if level != Level::Portable {
        // SAFETY: levels above portable have F16C (see `Level`).
        return unsafe { x86::to_single(halves, out) };
    }
    let _ = level;
    for (out, half) in out.iter_mut().zip(halves) {
        *out = f16_to_f32(*half);
    }
}

/// `out = singles` rounded to nearest even, saturating at the largest finite half.
pub(super) fn to_half(level: Level, singles: &[f32], out: &mut [u16]) {
    #[cfg(target_arch = "x86_64")]
    if level != Level::Portable {
        // SAFETY: levels above portable have F16C (see `Level`).
        return unsafe { x86::to_half(singles, out) };
    }
    let _ = level;
    for (out, single) in out.iter_mut().zip(singles) {
        *out = f32_to_f16(*single);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{f16_to_f32, f32_to_f16};

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn to_single(halves: &[u16], out: &mut [f32]) {
        let (halves, halves_rest) = halves.as_chunks::<8>();
        let (out, out_rest) = out.as_chunks_mut::<8>();
        for (out, halves) in out.iter_mut().zip(halves) {
            // SAFETY: eight values are there on both sides.
            unsafe { _mm256_storeu_ps(out.as_mut_ptr(), _mm256_cvtph_ps(_mm_loadu_si128(halves.as_ptr().cast()))) };
        }
        for (out, half) in out_rest.iter_mut().zip(halves_rest) {
            *out = f16_to_f32(*half);
        }
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn to_half(singles: &[f32], out: &mut [u16]) {
        let (singles, singles_rest) = singles.as_chunks::<8>();
        let (out, out_rest) = out.as_chunks_mut::<8>();
        let most = _mm256_set1_ps(65504.0);
        let least = _mm256_set1_ps(-65504.0);
        for (out, singles) in out.iter_mut().zip(singles) {
            // SAFETY: eight values are there on both sides.
            unsafe {
                // The value comes second: where it is NaN, it is what these return.
                let value = _mm256_max_ps(least, _mm256_min_ps(most, _mm256_loadu_ps(singles.as_ptr())));
                let halves = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(value);
                _mm_storeu_si128(out.as_mut_ptr().cast(), halves);
            }
        }
        for (out, single) in out_rest.iter_mut().zip(singles_rest) {
            *out = f32_to_f16(*single);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernel;

    #[test]
    fn every_half_survives_and_every_level_rounds_alike() {
        let all: Vec<u16> = (0..=u16::MAX).collect();
        let values: Vec<f32> =
            (0..10_007).map(|i| (i as f32 * 0.377).sin() * (i as f32 * 0.01 - 50.0).exp2()).collect();
        let mut rounded = Vec::new();
        for kernel in Kernel::available() {
            let (mut singles, mut halves) = (vec![0.0; all.len()], vec![0; all.len()]);
            to_single(kernel.level(), &all, &mut singles);
            to_half(kernel.level(), &singles, &mut halves);
            for (half, (single, back)) in all.iter().zip(singles.iter().zip(&halves)) {
                let exact = ::half::f16::from_bits(*half);
                assert!(exact.to_f32() == *single || (exact.is_nan() && single.is_nan()), "{kernel:?} {half:#x}");
                assert!(half == back || !exact.is_finite(), "{kernel:?} {half:#x} {back:#x}");
                assert_eq!(exact.is_nan(), ::half::f16::from_bits(*back).is_nan(), "{kernel:?} {half:#x}");
            }
            let mut halves = vec![0; values.len()];
            to_half(kernel.level(), &values, &mut halves);
            rounded.push(halves);
        }
        assert!(rounded.iter().all(|halves| *halves == rounded[0]));
    }
}

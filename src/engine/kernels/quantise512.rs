//! Quantisation of activations in 512-bit registers; the same values as the plain loop of `activations`.

use std::arch::x86_64::*;

use super::activations::{BLOCK, RowMut};

/// Quantises one row.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
pub(super) fn row(float: &[f32], mut out: RowMut<'_>) {
    let (blocks, rest) = float.as_chunks::<BLOCK>();
    for (index, values) in blocks.iter().enumerate() {
        block(values, &mut out, index);
    }
    let mut last = [0.0; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    for index in blocks.len()..out.scale.len() {
        block(&last, &mut out, index);
        last.fill(0.0);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
#[inline]
fn block(values: &[f32; BLOCK], out: &mut RowMut<'_>, index: usize) {
    // SAFETY: 32 values are there.
    let (a, b) = unsafe { (_mm512_loadu_ps(values.as_ptr()), _mm512_loadu_ps(values.as_ptr().add(16))) };
    let top = _mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b));
    let half = _mm256_max_ps(_mm512_castps512_ps256(top), _mm512_extractf32x8_ps::<1>(top));
    let quarter = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps::<1>(half));
    let pair = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
    let scale = _mm_cvtss_f32(_mm_max_ss(pair, _mm_movehdup_ps(pair))) / 127.0;
    let inverse = _mm512_set1_ps(if scale > 0.0 { 1.0 / scale } else { 0.0 });
    let a = _mm512_cvtps_epi32(_mm512_mul_ps(a, inverse));
    let b = _mm512_cvtps_epi32(_mm512_mul_ps(b, inverse));
    let target = &mut out.quantised.as_chunks_mut::<BLOCK>().0[index];
    // SAFETY: 32 bytes are there.
    unsafe {
        _mm_storeu_si128(target.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(a));
        _mm_storeu_si128(target.as_mut_ptr().add(16).cast(), _mm512_cvtepi32_epi8(b));
    }
    // Sums are of the bytes that are stored, see the plain loop.
    let stored = |x: __m512i| _mm512_srai_epi32::<24>(_mm512_slli_epi32::<24>(x));
    let (first, second) = (_mm512_reduce_add_epi32(stored(a)), _mm512_reduce_add_epi32(stored(b)));
    out.scale[index] = scale;
    out.sum16[2 * index] = first;
    out.sum16[2 * index + 1] = second;
    out.sum32[index] = first + second;
    out.scaled16[2 * index] = scale * first as f32;
    out.scaled16[2 * index + 1] = scale * second as f32;
    out.scaled32[index] = scale * (first + second) as f32;
}

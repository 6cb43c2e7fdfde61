//! AVX2, with or without VNNI: 32 products of bytes at a time.

use std::arch::x86_64::*;

use super::activations::{Activations, Row};
use super::format::{Group, Quantised};
use super::multiply::{Instructions, PANEL, PANELS, Target, Tile};

/// AVX2 and FMA.
pub(super) struct Avx2;
/// The same with VNNI in its 256-bit form.
pub(super) struct AvxVnni;

/// Activations that a panel is multiplied with at a time.
const AT_ONCE: usize = 3;

/// `sum + w . a` in groups of four: unsigned weights, signed values.
trait Dot {
    /// # Safety
    /// The processor must have the instructions.
    unsafe fn add<const WIDE: bool>(sum: __m256i, w: __m256i, a: __m256i) -> __m256i;
    /// Whether [`Dot::add`] with `WIDE` already subtracts 128 from each weight.
    const SIGNED: bool;
}

impl Dot for Avx2 {
    const SIGNED: bool = true;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn add<const WIDE: bool>(sum: __m256i, w: __m256i, a: __m256i) -> __m256i {
        // Pairs of products are added in 16 bits, which would saturate for weights of 8 bits: there the sign moves to
        // the values, and 128 * 127 * 2 fits.
        let pairs = if WIDE {
            let w = _mm256_xor_si256(w, _mm256_set1_epi8(-128));
            _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(a, w))
        } else {
            _mm256_maddubs_epi16(w, a)
        };
        _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }
}

impl Dot for AvxVnni {
    const SIGNED: bool = false;

    #[target_feature(enable = "avxvnni,avx2,fma,f16c")]
    #[inline]
    unsafe fn add<const WIDE: bool>(sum: __m256i, w: __m256i, a: __m256i) -> __m256i {
        _mm256_dpbusd_avx_epi32(sum, w, a)
    }
}

macro_rules! instructions {
    ($name:ident, $features:literal) => {
        impl Instructions for $name {
            const PANEL_FROM: usize = 4;
            type Loaded = Group;

            #[target_feature(enable = $features)]
            #[inline]
            unsafe fn load<Q: Quantised>(blocks: &[u8]) -> Group {
                let mut group = Group::default();
                Q::unpack(blocks, &mut group);
                group
            }

            #[target_feature(enable = $features)]
            #[inline]
            unsafe fn terms<Q: Quantised>(group: &Group, row: &Row<'_>, at: usize, terms: &mut [f32]) {
                // SAFETY: promised by the caller.
                unsafe { terms_with::<Self, Q>(group, row, at, terms) }
            }

            #[target_feature(enable = $features)]
            unsafe fn tile<const SUB: usize, const MINS: bool>(
                tile: &Tile<'_>,
                input: &Activations,
                target: Target<'_>,
            ) {
                // SAFETY: promised by the caller.
                unsafe {
                    match tile.offset {
                        128 => tile_with::<Self, SUB, MINS, true>(tile, input, target),
                        _ => tile_with::<Self, SUB, MINS, false>(tile, input, target),
                    }
                }
            }
        }
    };
}

instructions!(Avx2, "avx2,fma,f16c");
instructions!(AvxVnni, "avxvnni,avx2,fma,f16c");

/// # Safety
/// As [`Instructions::terms`].
#[inline(always)]
unsafe fn terms_with<D: Dot, Q: Quantised>(group: &Group, row: &Row<'_>, at: usize, terms: &mut [f32]) {
    debug_assert!(at + 256 <= row.quantised.len() && terms.len() == 256 / Q::SUB);
    // SAFETY: as in the AVX-512 kernel: `at + 256` is within the padded row, a group holds 256 weights and 16 scales.
    unsafe {
        let weights = group.q.as_ptr();
        let values = row.quantised.as_ptr().add(at);
        let zero = _mm256_setzero_si256();
        let mut halves = [zero; 2];
        for (four, half) in halves.iter_mut().enumerate() {
            let mut z = [zero; 4];
            for (i, z) in z.iter_mut().enumerate() {
                let place = (four * 4 + i) * 32;
                let w = _mm256_load_si256(weights.add(place).cast());
                let a = _mm256_loadu_si256(values.add(place).cast());
                *z = if Q::OFFSET == 128 { D::add::<true>(zero, w, a) } else { D::add::<false>(zero, w, a) };
            }
            // Lane 0: the sums of the blocks' first 16 products; lane 1: of their second 16.
            *half = _mm256_hadd_epi32(_mm256_hadd_epi32(z[0], z[1]), _mm256_hadd_epi32(z[2], z[3]));
        }
        let offset = if Q::OFFSET == 128 && D::SIGNED { 0 } else { Q::OFFSET };
        let [low, high] = halves;
        let scale = _mm256_loadu_ps(row.scale.as_ptr().add(at / 32));
        if Q::SUB == 16 {
            for (half, sums) in [low, high].into_iter().enumerate() {
                let (first, second) = (_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
                let dots = _mm256_set_m128i(_mm_unpackhi_epi32(first, second), _mm_unpacklo_epi32(first, second));
                let sum = _mm256_loadu_si256(row.sum16.as_ptr().add(at / 16 + half * 8).cast());
                let dots = less_offset(dots, sum, offset);
                let order = _mm256_add_epi32(
                    _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3),
                    _mm256_set1_epi32(if half == 0 { 0 } else { 4 }),
                );
                let scale = _mm256_permutevar8x32_ps(scale, order);
                let scale = _mm256_mul_ps(_mm256_loadu_ps(group.d.as_ptr().add(half * 8)), scale);
                let scaled = _mm256_loadu_ps(row.scaled16.as_ptr().add(at / 16 + half * 8));
                let m = _mm256_loadu_ps(group.m.as_ptr().add(half * 8));
                let term = term::<Q>(scale, dots, m, scaled);
                _mm256_storeu_ps(terms.as_mut_ptr().add(half * 8), term);
            }
        } else {
            let fold = |sums: __m256i| _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
            let sum = _mm256_loadu_si256(row.sum32.as_ptr().add(at / 32).cast());
            let dots = less_offset(_mm256_set_m128i(fold(high), fold(low)), sum, offset);
            let scale = _mm256_mul_ps(_mm256_loadu_ps(group.d.as_ptr()), scale);
            let scaled = _mm256_loadu_ps(row.scaled32.as_ptr().add(at / 32));
            let term = term::<Q>(scale, dots, _mm256_loadu_ps(group.m.as_ptr()), scaled);
            _mm256_storeu_ps(terms.as_mut_ptr(), term);
        }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn less_offset(dots: __m256i, sum: __m256i, offset: i32) -> __m256i {
    if offset == 0 { dots } else { _mm256_sub_epi32(dots, _mm256_mullo_epi32(sum, _mm256_set1_epi32(offset))) }
}

#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn term<Q: Quantised>(scale: __m256, dots: __m256i, m: __m256, scaled: __m256) -> __m256 {
    let dots = _mm256_cvtepi32_ps(dots);
    if Q::MINS { _mm256_fmsub_ps(scale, dots, _mm256_mul_ps(m, scaled)) } else { _mm256_mul_ps(scale, dots) }
}

/// # Safety
/// As [`Instructions::tile`].
#[inline(always)]
unsafe fn tile_with<D: Dot, const SUB: usize, const MINS: bool, const WIDE: bool>(
    tile: &Tile<'_>,
    input: &Activations,
    target: Target<'_>,
) {
    let mut first = 0;
    while first < input.rows() {
        let count = (input.rows() - first).min(AT_ONCE);
        for panel in 0..PANELS {
            // SAFETY: promised by the caller.
            unsafe {
                match count {
                    1 => columns::<D, SUB, MINS, WIDE, 1>(tile, panel, input, first, target),
                    2 => columns::<D, SUB, MINS, WIDE, 2>(tile, panel, input, first, target),
                    _ => columns::<D, SUB, MINS, WIDE, AT_ONCE>(tile, panel, input, first, target),
                }
            }
        }
        first += count;
    }
}

/// Multiplies one panel with activations `first..first + N`.
#[inline(always)]
unsafe fn columns<D: Dot, const SUB: usize, const MINS: bool, const WIDE: bool, const N: usize>(
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
    let offset = if WIDE && D::SIGNED { 0 } else { tile.offset };
    // SAFETY: `sub` is within the tile and the padded rows, which `Tile` and `Activations` size alike; stores go to
    // this caller's rows only.
    unsafe {
        let mut totals = [[_mm256_setzero_ps(); N]; 2];
        for sub in 0..subs {
            let mut dots = [[_mm256_setzero_si256(); N]; 2];
            if offset != 0 {
                for a in 0..N {
                    let sums = if SUB == 16 { rows[a].sum16.as_ptr() } else { rows[a].sum32.as_ptr() };
                    let start = _mm256_set1_epi32(-offset * *sums.add(sub));
                    dots[0][a] = start;
                    dots[1][a] = start;
                }
            }
            for quad in 0..SUB / 4 {
                let at = sub * SUB / 4 + quad;
                let w0 = _mm256_loadu_si256(weights.add(at * 64).cast());
                let w1 = _mm256_loadu_si256(weights.add(at * 64 + 32).cast());
                for a in 0..N {
                    let four = rows[a].quantised.as_ptr().add(at * 4).cast::<i32>().read_unaligned();
                    let four = _mm256_set1_epi32(four);
                    dots[0][a] = D::add::<WIDE>(dots[0][a], w0, four);
                    dots[1][a] = D::add::<WIDE>(dots[1][a], w1, four);
                }
            }
            for half in 0..2 {
                let d = _mm256_loadu_ps(d.add(sub * PANEL + half * 8));
                let m = if MINS { _mm256_loadu_ps(m.add(sub * PANEL + half * 8)) } else { d };
                for a in 0..N {
                    let scale = _mm256_mul_ps(d, _mm256_set1_ps(*rows[a].scale.as_ptr().add(sub * SUB / 32)));
                    let dot = _mm256_cvtepi32_ps(dots[half][a]);
                    let term = if MINS {
                        let scaled = if SUB == 16 { rows[a].scaled16.as_ptr() } else { rows[a].scaled32.as_ptr() };
                        _mm256_fmsub_ps(scale, dot, _mm256_mul_ps(m, _mm256_set1_ps(*scaled.add(sub))))
                    } else {
                        _mm256_mul_ps(scale, dot)
                    };
                    totals[half][a] = _mm256_add_ps(totals[half][a], term);
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

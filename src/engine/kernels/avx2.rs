//! AVX2, with or without VNNI: 32 products of bytes at a time.
#![expect(clippy::needless_range_loop, reason = "blocks of registers are indexed in step with each other")]

use std::arch::x86_64::*;

use super::activations::{Activations, Row};
use super::format::{Format, GROUP, Group, Matrix, Quantised};
use super::multiply::{Instructions, PANEL, PANELS, PanelMut, Target, Tile};

/// AVX2 and FMA.
pub(super) struct Avx2;
/// The same with VNNI in its 256-bit form.
pub(super) struct AvxVnni;

/// Sums of products of unsigned weights and signed values, in groups of four. A run of them may be summed in 16 bits.
trait Dot {
    /// Starts a run; `sum` is what the closed runs came to.
    ///
    /// # Safety
    /// The processor must have the instructions, here and below.
    unsafe fn open(sum: __m256i) -> __m256i;
    /// Adds to an open run, which is at most `RUN` long; a `RUN` of 1 may hold weights of 8 bits.
    unsafe fn add<const RUN: usize>(run: __m256i, w: __m256i, a: __m256i) -> __m256i;
    /// Ends a run: the new sum.
    unsafe fn close(sum: __m256i, run: __m256i) -> __m256i;
    /// Whether a `RUN` of 1 already subtracts 128 from each weight.
    const SIGNED: bool;
    /// Activations that a panel is multiplied with at a time.
    const AT_ONCE: usize;
}

impl Dot for Avx2 {
    const SIGNED: bool = true;
    const AT_ONCE: usize = 3;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn open(_: __m256i) -> __m256i {
        _mm256_setzero_si256()
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn add<const RUN: usize>(run: __m256i, w: __m256i, a: __m256i) -> __m256i {
        // Pairs of products are added in 16 bits, which would saturate for weights of 8 bits: there the sign moves to
        // the values, and 128 * 127 * 2 fits.
        let pairs = if RUN == 1 {
            let w = _mm256_xor_si256(w, _mm256_set1_epi8(-128));
            _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(a, w))
        } else {
            _mm256_maddubs_epi16(w, a)
        };
        _mm256_add_epi16(run, pairs)
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn close(sum: __m256i, run: __m256i) -> __m256i {
        _mm256_add_epi32(sum, _mm256_madd_epi16(run, _mm256_set1_epi16(1)))
    }
}

impl Dot for AvxVnni {
    const SIGNED: bool = false;
    const AT_ONCE: usize = 3;

    #[target_feature(enable = "avxvnni,avx2,fma,f16c")]
    #[inline]
    unsafe fn open(sum: __m256i) -> __m256i {
        sum
    }

    #[target_feature(enable = "avxvnni,avx2,fma,f16c")]
    #[inline]
    unsafe fn add<const RUN: usize>(run: __m256i, w: __m256i, a: __m256i) -> __m256i {
        _mm256_dpbusd_avx_epi32(run, w, a)
    }

    #[target_feature(enable = "avxvnni,avx2,fma,f16c")]
    #[inline]
    unsafe fn close(_: __m256i, run: __m256i) -> __m256i {
        run
    }
}

macro_rules! instructions {
    ($name:ident, $features:literal) => {
        impl Instructions for $name {
            const PANEL_FROM: usize = 3;
            type Loaded = Group;

            #[target_feature(enable = $features)]
            #[inline]
            unsafe fn load<Q: Quantised>(blocks: &[u8]) -> Group {
                let mut group = Group::default();
                // SAFETY: promised by the caller.
                unsafe { unpack::<Q>(blocks, &mut group) };
                group
            }

            #[target_feature(enable = $features)]
            #[inline]
            unsafe fn panel<Q: Quantised>(matrix: &Matrix<'_>, rows: (usize, usize), panel: PanelMut<'_>) {
                // SAFETY: promised by the caller.
                unsafe { interleave::<Q>(matrix, rows, panel) }
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
                    // Sums of 2 RUN products of weights below 2^bits with values of at most 127 must fit 16 bits.
                    match (SUB, tile.bits) {
                        (32, ..=4) => tile_with::<Self, SUB, MINS, 8>(tile, input, target),
                        (_, ..=5) => tile_with::<Self, SUB, MINS, 4>(tile, input, target),
                        (_, 6) => tile_with::<Self, SUB, MINS, 2>(tile, input, target),
                        _ => tile_with::<Self, SUB, MINS, 1>(tile, input, target),
                    }
                }
            }
        }
    };
}

instructions!(Avx2, "avx2,fma,f16c");
instructions!(AvxVnni, "avxvnni,avx2,fma,f16c");

/// What stands in for blocks beyond the end of a row.
static NOTHING: [u8; 64] = [0; 64];

/// Unpacks a group; see [`Quantised::unpack`].
///
/// # Safety
/// The processor must have AVX2 and F16C.
#[inline(always)]
unsafe fn unpack<Q: Quantised>(blocks: &[u8], group: &mut Group) {
    if GROUP / Q::SUB == 8 && !matches!(Q::FORMAT, Format::Q4K | Format::Q5K) {
        let count = blocks.len() / (Q::GROUP_BYTES / 8);
        // SAFETY: promised by the caller; so many blocks are there. The constant lets the compiler drop the comparisons
        // from the common case.
        unsafe {
            if count >= 8 { small::<Q>(blocks.as_ptr(), 8, group) } else { small::<Q>(blocks.as_ptr(), count, group) }
        }
    } else {
        Q::unpack(blocks, group);
    }
}

/// Up to eight blocks of `Q4_0`, `Q4_1`, `Q5_0`, `Q5_1` or `Q8_0`.
///
/// # Safety
/// `count` blocks must be there.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn small<Q: Quantised>(blocks: *const u8, count: usize, group: &mut Group) {
    let size = Q::GROUP_BYTES / 8;
    // SAFETY: promised by the caller. A block is one or two halves, fifth bits where it has them, and 16 bytes of
    // nibbles or 32 of bytes; the stand-in is longer than any block. A group holds 256 weights and 16 scales.
    unsafe {
        let block = |i: usize| if i < count { blocks.add(i * size) } else { NOTHING.as_ptr() };
        let halves = |at: usize| {
            let half = |i: usize| block(i).add(at).cast::<i16>().read_unaligned();
            _mm256_cvtph_ps(_mm_setr_epi16(half(0), half(1), half(2), half(3), half(4), half(5), half(6), half(7)))
        };
        _mm256_storeu_ps(group.d.as_mut_ptr(), halves(0));
        if Q::MINS {
            _mm256_storeu_ps(group.m.as_mut_ptr(), _mm256_sub_ps(_mm256_setzero_ps(), halves(2)));
        }
        for i in 0..8 {
            let block = block(i);
            let q = if matches!(Q::FORMAT, Format::Q8_0) {
                _mm256_xor_si256(_mm256_loadu_si256(block.add(2).cast()), _mm256_set1_epi8(-128))
            } else {
                let nibbles = _mm_loadu_si128(block.add(size - 16).cast());
                let both = _mm256_set_m128i(_mm_srli_epi16::<4>(nibbles), nibbles);
                let q = _mm256_and_si256(both, _mm256_set1_epi8(15));
                if matches!(Q::FORMAT, Format::Q4_0 | Format::Q4_1) {
                    q
                } else {
                    // Each byte gets the byte of `bits` that holds its bit, then looks at that bit.
                    let bits = _mm256_set1_epi32(block.add(size - 20).cast::<i32>().read_unaligned());
                    let bytes =
                        _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
                    let bit = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
                    let picked = _mm256_and_si256(_mm256_shuffle_epi8(bits, bytes), bit);
                    let set = _mm256_cmpeq_epi8(picked, bit);
                    _mm256_or_si256(q, _mm256_and_si256(set, _mm256_set1_epi8(16)))
                }
            };
            _mm256_store_si256(group.q.as_mut_ptr().add(32 * i).cast(), q);
        }
    }
}

/// See [`Instructions::panel`].
///
/// # Safety
/// The processor must have AVX2 and F16C.
#[inline(always)]
unsafe fn interleave<Q: Quantised>(matrix: &Matrix<'_>, (first, count): (usize, usize), panel: PanelMut<'_>) {
    let subs = GROUP / Q::SUB;
    let PanelMut { q, d, m } = panel;
    let mut rows: [Group; PANEL] = std::array::from_fn(|_| Group::default());
    let scales = d.chunks_mut(PANEL * subs).zip(m.chunks_mut(PANEL * subs));
    for (at, (q, (d, m))) in q.chunks_mut(PANEL * GROUP).zip(scales).enumerate() {
        for (row, group) in rows.iter_mut().enumerate().take(count) {
            let bytes = matrix.row(first + row);
            let start = at * Q::GROUP_BYTES;
            // SAFETY: promised by the caller.
            unsafe { unpack::<Q>(&bytes[start..(start + Q::GROUP_BYTES).min(bytes.len())], group) };
        }
        for half in 0..2 {
            let rows = &rows[half * 8..half * 8 + 8];
            // SAFETY: a group has 256 weights (64 fours, in eights) and 16 scales; the chunks below are bounded.
            unsafe {
                for (part, q) in q.chunks_mut(PANEL * 32).enumerate() {
                    let columns = transpose(std::array::from_fn(|row| {
                        _mm256_load_si256(rows[row].q.as_ptr().add(32 * part).cast())
                    }));
                    for (place, column) in q.chunks_exact_mut(64).zip(columns) {
                        _mm256_storeu_si256(place[half * 32..half * 32 + 32].as_mut_ptr().cast(), column);
                    }
                }
                for (part, (d, m)) in d.chunks_mut(PANEL * 8).zip(m.chunks_mut(PANEL * 8)).enumerate() {
                    let scales = |of: fn(&Group) -> *const f32| {
                        transpose(std::array::from_fn(|row| _mm256_loadu_si256(of(&rows[row]).add(8 * part).cast())))
                    };
                    let store = |places: &mut [f32], columns: [__m256i; 8]| {
                        for (place, column) in places.chunks_exact_mut(PANEL).zip(columns) {
                            _mm256_storeu_si256(place[half * 8..half * 8 + 8].as_mut_ptr().cast(), column);
                        }
                    };
                    store(d, scales(|group| group.d.as_ptr()));
                    if Q::MINS {
                        store(m, scales(|group| group.m.as_ptr()));
                    }
                }
            }
        }
    }
}

/// Transposes 8 x 8 values of 32 bits.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn transpose(r: [__m256i; 8]) -> [__m256i; 8] {
    let mut a = r;
    for i in 0..4 {
        a[2 * i] = _mm256_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    let mut b = a;
    for i in 0..2 {
        b[4 * i] = _mm256_unpacklo_epi64(a[4 * i], a[4 * i + 2]);
        b[4 * i + 1] = _mm256_unpackhi_epi64(a[4 * i], a[4 * i + 2]);
        b[4 * i + 2] = _mm256_unpacklo_epi64(a[4 * i + 1], a[4 * i + 3]);
        b[4 * i + 3] = _mm256_unpackhi_epi64(a[4 * i + 1], a[4 * i + 3]);
    }
    // b[j] and b[4 + j] hold, in 128-bit lane l, column 4l + j of rows 0 to 3 and 4 to 7.
    let mut c = b;
    for j in 0..4 {
        c[j] = _mm256_permute2x128_si256::<0x20>(b[j], b[4 + j]);
        c[4 + j] = _mm256_permute2x128_si256::<0x31>(b[j], b[4 + j]);
    }
    c
}

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
                let run = D::open(zero);
                *z = D::close(zero, if Q::OFFSET == 128 { D::add::<1>(run, w, a) } else { D::add::<2>(run, w, a) });
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
unsafe fn tile_with<D: Dot, const SUB: usize, const MINS: bool, const RUN: usize>(
    tile: &Tile<'_>,
    input: &Activations,
    target: Target<'_>,
) {
    let mut first = 0;
    while first < input.rows() {
        let count = (input.rows() - first).min(D::AT_ONCE);
        for panel in 0..PANELS {
            // SAFETY: promised by the caller.
            unsafe {
                match count {
                    1 => columns::<D, SUB, MINS, RUN, 1>(tile, panel, input, first, target),
                    2 => columns::<D, SUB, MINS, RUN, 2>(tile, panel, input, first, target),
                    _ => columns::<D, SUB, MINS, RUN, 3>(tile, panel, input, first, target),
                }
            }
        }
        first += count;
    }
}

/// Multiplies one panel with activations `first..first + N`.
#[inline(always)]
unsafe fn columns<D: Dot, const SUB: usize, const MINS: bool, const RUN: usize, const N: usize>(
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
                    let start = _mm256_set1_epi32(-offset * *sums.add(sub));
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

//! AVX-512 with VNNI: 64 products of bytes in one instruction.
#![expect(clippy::needless_range_loop, reason = "blocks of registers are indexed in step with each other")]

use std::arch::x86_64::*;

use super::activations::{Activations, Row};
use super::format::{Format, GROUP, Group, Matrix, Quantised};
use super::multiply::{Instructions, PANEL, PANELS, PanelMut, Target, Tile};

/// AVX-512 F, BW, VL, DQ, VNNI.
pub(super) struct Avx512;

/// Activations that a tile is multiplied with at a time: 2 x 6 integer and 2 x 6 float accumulators fill the registers.
const AT_ONCE: usize = 6;

/// 256 weights in registers. Where sub-blocks are 32 wide, `d` and `m` have 8 lanes in use.
#[derive(Clone, Copy)]
pub(super) struct Loaded {
    q: [__m512i; 4],
    d: __m512,
    m: __m512,
}

impl Instructions for Avx512 {
    const PANEL_FROM: usize = 2;
    type Loaded = Loaded;

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
    #[inline]
    unsafe fn load<Q: Quantised>(blocks: &[u8]) -> Loaded {
        // SAFETY: promised by the caller.
        unsafe { unpack::<Q, 0>(blocks) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
    #[inline]
    unsafe fn terms<Q: Quantised>(group: &Loaded, row: &Row<'_>, at: usize, terms: &mut [f32]) {
        debug_assert!(at + 256 <= row.quantised.len() && terms.len() == 256 / Q::SUB);
        // SAFETY: the caller keeps `at + 256` within the padded row, so all loads of it and of its scales and sums
        // (one per 32 or 16 values) are in bounds; `terms` 256 / SUB values.
        unsafe {
            let values = row.quantised.as_ptr().add(at);
            let zero = _mm512_setzero_si512();
            let dot = |i: usize| _mm512_dpbusd_epi32(zero, group.q[i], _mm512_loadu_si512(values.add(64 * i).cast()));
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
                let scale = _mm512_mul_ps(group.d, scale);
                let dots = _mm512_cvtepi32_ps(dots);
                let term = if Q::MINS {
                    let scaled = _mm512_loadu_ps(row.scaled16.as_ptr().add(at / 16));
                    _mm512_fmsub_ps(scale, dots, _mm512_mul_ps(group.m, scaled))
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
                let scale = _mm256_mul_ps(_mm512_castps512_ps256(group.d), scale);
                let dots = _mm256_cvtepi32_ps(dots);
                let term = if Q::MINS {
                    let scaled = _mm256_loadu_ps(row.scaled32.as_ptr().add(at / 32));
                    _mm256_fmsub_ps(scale, dots, _mm256_mul_ps(_mm512_castps512_ps256(group.m), scaled))
                } else {
                    _mm256_mul_ps(scale, dots)
                };
                _mm256_storeu_ps(terms.as_mut_ptr(), term);
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
    #[inline]
    unsafe fn panel<Q: Quantised>(matrix: &Matrix<'_>, (first, count): (usize, usize), panel: PanelMut<'_>) {
        let subs = GROUP / Q::SUB;
        let PanelMut { q, d, m } = panel;
        let zero = Loaded { q: [_mm512_setzero_si512(); 4], d: _mm512_setzero_ps(), m: _mm512_setzero_ps() };
        let mut rows = [zero; PANEL];
        let scales = d.chunks_mut(PANEL * subs).zip(m.chunks_mut(PANEL * subs));
        for (at, (q, (d, m))) in q.chunks_mut(PANEL * GROUP).zip(scales).enumerate() {
            for (row, loaded) in rows.iter_mut().enumerate().take(count) {
                let bytes = matrix.row(first + row);
                let start = at * Q::GROUP_BYTES;
                // SAFETY: promised by the caller.
                *loaded = unsafe { unpack::<Q, 1>(&bytes[start..(start + Q::GROUP_BYTES).min(bytes.len())]) };
            }
            for (part, q) in q.chunks_mut(PANEL * 64).enumerate() {
                let columns = transpose(std::array::from_fn(|row| rows[row].q[part]));
                for (place, column) in q.chunks_exact_mut(64).zip(columns) {
                    // SAFETY: 64 bytes are there.
                    unsafe { _mm512_storeu_si512(place.as_mut_ptr().cast(), column) };
                }
            }
            if Q::SUB == 32 {
                // Both have 8 lanes in use: one transposition does for both.
                let columns = transpose(std::array::from_fn(|row| {
                    _mm512_castps_si512(_mm512_shuffle_f32x4::<0b01_00_01_00>(rows[row].d, rows[row].m))
                }));
                store_scales(d, &columns[..8]);
                store_scales(m, &columns[8..]);
            } else {
                store_scales(d, &transpose(std::array::from_fn(|row| _mm512_castps_si512(rows[row].d))));
                if Q::MINS {
                    store_scales(m, &transpose(std::array::from_fn(|row| _mm512_castps_si512(rows[row].m))));
                }
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

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
#[inline]
fn store_scales(scales: &mut [f32], columns: &[__m512i]) {
    for (place, column) in scales.chunks_exact_mut(PANEL).zip(columns) {
        // SAFETY: 16 values are there.
        unsafe { _mm512_storeu_ps(place.as_mut_ptr(), _mm512_castsi512_ps(*column)) };
    }
}

/// Transposes 16 x 16 values of 32 bits.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
#[inline]
fn transpose(r: [__m512i; 16]) -> [__m512i; 16] {
    let mut a = r;
    for i in 0..8 {
        a[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        a[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    let mut b = a;
    for i in 0..4 {
        b[4 * i] = _mm512_unpacklo_epi64(a[4 * i], a[4 * i + 2]);
        b[4 * i + 1] = _mm512_unpackhi_epi64(a[4 * i], a[4 * i + 2]);
        b[4 * i + 2] = _mm512_unpacklo_epi64(a[4 * i + 1], a[4 * i + 3]);
        b[4 * i + 3] = _mm512_unpackhi_epi64(a[4 * i + 1], a[4 * i + 3]);
    }
    // b[4i + j] holds, in 128-bit lane l, column 4l + j of rows 4i to 4i + 3.
    let mut c = b;
    for j in 0..4 {
        let low = _mm512_shuffle_i32x4::<0b01_00_01_00>(b[j], b[4 + j]);
        let high = _mm512_shuffle_i32x4::<0b11_10_11_10>(b[j], b[4 + j]);
        let low2 = _mm512_shuffle_i32x4::<0b01_00_01_00>(b[8 + j], b[12 + j]);
        let high2 = _mm512_shuffle_i32x4::<0b11_10_11_10>(b[8 + j], b[12 + j]);
        c[j] = _mm512_shuffle_i32x4::<0b10_00_10_00>(low, low2);
        c[4 + j] = _mm512_shuffle_i32x4::<0b11_01_11_01>(low, low2);
        c[8 + j] = _mm512_shuffle_i32x4::<0b10_00_10_00>(high, high2);
        c[12 + j] = _mm512_shuffle_i32x4::<0b11_01_11_01>(high, high2);
    }
    c
}

/// Unpacks at most 256 weights. `SITE` numbers the callers: a function with one caller is inlined, so that the weights
/// stay in registers.
///
/// # Safety
/// The processor must have the instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
#[inline]
unsafe fn unpack<Q: Quantised, const SITE: u8>(blocks: &[u8]) -> Loaded {
    let whole = blocks.len() == Q::GROUP_BYTES;
    // SAFETY: a whole group's bytes are there, or as many of its eight blocks as are counted.
    unsafe {
        match Q::FORMAT {
            Format::Q4_0 | Format::Q4_1 | Format::Q5_0 | Format::Q5_1 | Format::Q8_0 => {
                let size = Q::GROUP_BYTES / 8;
                // The constant lets the compiler drop the comparisons from the common case.
                return if whole {
                    small::<Q, SITE, 0>(blocks.as_ptr(), 8)
                } else {
                    small::<Q, SITE, 1>(blocks.as_ptr(), blocks.len() / size)
                };
            }
            Format::Q4K | Format::Q5K if whole => return nibbles_k::<Q, SITE>(blocks.as_ptr()),
            Format::Q6K if whole => return six_bits::<SITE>(blocks.as_ptr()),
            _ => {}
        }
    }
    let mut group = Group::default();
    Q::unpack(blocks, &mut group);
    // SAFETY: a group holds 256 weights and 16 of each scale.
    unsafe {
        let q = group.q.as_ptr().cast::<__m512i>();
        Loaded {
            q: std::array::from_fn(|i| _mm512_load_si512(q.add(i))),
            d: _mm512_loadu_ps(group.d.as_ptr()),
            m: _mm512_loadu_ps(group.m.as_ptr()),
        }
    }
}

/// What stands in for blocks beyond the end of a row.
static NOTHING: [u8; 64] = [0; 64];

/// Up to eight blocks of `Q4_0`, `Q4_1`, `Q5_0`, `Q5_1` or `Q8_0`.
///
/// # Safety
/// `count` blocks must be there.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
#[inline]
unsafe fn small<Q: Quantised, const SITE: u8, const TAIL: u8>(blocks: *const u8, count: usize) -> Loaded {
    let size = Q::GROUP_BYTES / 8;
    // SAFETY: promised by the caller. A block is one or two halves, fifth bits where it has them, and 16 bytes of
    // nibbles or 32 of bytes; the stand-in is longer than any block.
    unsafe {
        let block = |i: usize| if i < count { blocks.add(i * size) } else { NOTHING.as_ptr() };
        let halves = |at: usize| {
            let half = |i: usize| block(i).add(at).cast::<i16>().read_unaligned();
            let eight = _mm_setr_epi16(half(0), half(1), half(2), half(3), half(4), half(5), half(6), half(7));
            _mm512_castps256_ps512(_mm256_cvtph_ps(eight))
        };
        let d = halves(0);
        let m = if Q::MINS { _mm512_sub_ps(_mm512_setzero_ps(), halves(2)) } else { d };
        let q = std::array::from_fn(|i| {
            let (a, b) = (block(2 * i), block(2 * i + 1));
            if matches!(Q::FORMAT, Format::Q8_0) {
                let bytes = |block: *const u8| _mm256_loadu_si256(block.add(2).cast());
                let both = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(bytes(a)), bytes(b));
                return _mm512_xor_si512(both, _mm512_set1_epi8(-128));
            }
            let nibbles = |block: *const u8| _mm256_broadcastsi128_si256(_mm_loadu_si128(block.add(size - 16).cast()));
            let both = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(nibbles(a)), nibbles(b));
            let four = 0x4_0004_0004_0004;
            let shifts = _mm512_setr_epi64(0, 0, four, four, 0, 0, four, four);
            let q = _mm512_and_si512(_mm512_srlv_epi16(both, shifts), _mm512_set1_epi8(15));
            if matches!(Q::FORMAT, Format::Q4_0 | Format::Q4_1) {
                return q;
            }
            let fifths = |block: *const u8| u64::from(block.add(size - 20).cast::<u32>().read_unaligned());
            _mm512_mask_add_epi8(q, fifths(a) | fifths(b) << 32, q, _mm512_set1_epi8(16))
        });
        Loaded { q, d, m }
    }
}

/// A block of `Q4_K` or `Q5_K`.
///
/// # Safety
/// The block must be there.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
#[inline]
unsafe fn nibbles_k<Q: Quantised, const SITE: u8>(block: *const u8) -> Loaded {
    let five = matches!(Q::FORMAT, Format::Q5K);
    // SAFETY: promised by the caller; the nibbles are the last 128 bytes, after 32 bytes of fifth bits in `Q5_K`.
    unsafe {
        let word = |i: usize| block.add(4 + 4 * i).cast::<u32>().read_unaligned();
        let (a, b, c) = (word(0), word(1), word(2));
        let scales = u64::from(a & 0x3f3f_3f3f) | u64::from(c & 0x0f0f_0f0f | (a >> 6 & 0x0303_0303) << 4) << 32;
        let minima = u64::from(b & 0x3f3f_3f3f) | u64::from(c >> 4 & 0x0f0f_0f0f | (b >> 6 & 0x0303_0303) << 4) << 32;
        let factors = _mm_cvtph_ps(_mm_cvtsi32_si128(block.cast::<i32>().read_unaligned()));
        let eight = |bytes: u64| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(bytes.cast_signed())));
        let d = _mm256_mul_ps(eight(scales), _mm256_broadcastss_ps(factors));
        let m = _mm256_mul_ps(eight(minima), _mm256_broadcastss_ps(_mm_movehdup_ps(factors)));
        let nibbles = block.add(Q::GROUP_BYTES - 128);
        let shift = 0x4_0004_0004_0004;
        let shifts = _mm512_setr_epi64(0, 0, 0, 0, shift, shift, shift, shift);
        let fifths = if five { twice(block.add(16)) } else { shifts };
        let low = _mm256_set1_epi8(1);
        let which = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), _mm256_add_epi8(low, low));
        let q = std::array::from_fn(|i| {
            let q = _mm512_srlv_epi16(twice(nibbles.add(32 * i)), shifts);
            let q = _mm512_and_si512(q, _mm512_set1_epi8(15));
            if !five {
                return q;
            }
            let mask = _mm512_test_epi8_mask(fifths, _mm512_sll_epi16(which, _mm_cvtsi32_si128(2 * i as i32)));
            _mm512_mask_add_epi8(q, mask, q, _mm512_set1_epi8(16))
        });
        Loaded { q, d: _mm512_castps256_ps512(d), m: _mm512_castps256_ps512(m) }
    }
}

/// A block of `Q6_K`.
///
/// # Safety
/// The block must be there.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
#[inline]
unsafe fn six_bits<const SITE: u8>(block: *const u8) -> Loaded {
    // SAFETY: promised by the caller; 128 bytes of low bits, 64 of high bits, 16 scales, a factor.
    unsafe {
        let factor = _mm_cvtph_ps(_mm_cvtsi32_si128(i32::from(block.add(208).cast::<u16>().read_unaligned())));
        let scales = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(block.add(192).cast())));
        let d = _mm512_mul_ps(scales, _mm512_broadcastss_ps(factor));
        let (two, four) = (0x2_0002_0002_0002, 0x4_0004_0004_0004);
        let left = _mm512_setr_epi64(four, four, four, four, two, two, two, two);
        let right = _mm512_setr_epi64(0, 0, 0, 0, two, two, two, two);
        let (low, high) = (_mm512_set1_epi8(0x0f), _mm512_set1_epi8(0x30));
        let half = |i: usize| {
            let lows = _mm512_loadu_si512(block.add(64 * i).cast());
            let highs = twice(block.add(128 + 32 * i));
            let first = _mm512_and_si512(_mm512_sllv_epi16(highs, left), high);
            let second = _mm512_and_si512(_mm512_srlv_epi16(highs, right), high);
            // (a & b) | c
            let first = _mm512_ternarylogic_epi64::<0xea>(lows, low, first);
            let second = _mm512_ternarylogic_epi64::<0xea>(_mm512_srli_epi16::<4>(lows), low, second);
            [first, second]
        };
        let ([a, b], [c, e]) = (half(0), half(1));
        Loaded { q: [a, b, c, e], d, m: d }
    }
}

/// 32 bytes in both halves of a register.
///
/// # Safety
/// They must be there.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
#[inline]
unsafe fn twice(bytes: *const u8) -> __m512i {
    // SAFETY: promised by the caller.
    unsafe { _mm512_broadcast_i64x4(_mm256_loadu_si256(bytes.cast())) }
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
    let base = input.row(first);
    let padded = input.padded();
    let (values, scales) = (base.quantised.as_ptr(), base.scale.as_ptr());
    let sums = if SUB == 16 { base.sum16.as_ptr() } else { base.sum32.as_ptr() };
    let scaled = if SUB == 16 { base.scaled16.as_ptr() } else { base.scaled32.as_ptr() };
    let (per_scale, per_sum) = (padded / 32, padded / SUB);
    let shift = _mm_cvtsi32_si128(tile.offset.trailing_zeros().cast_signed());
    assert!(first + N <= input.rows(), "a tile beyond its activations. This is a bug.");
    let weights = [tile.q.as_ptr(), tile.q[PANEL * tile.blocks * 32..].as_ptr()];
    let d = [tile.d.as_ptr(), tile.d[PANEL * subs..].as_ptr()];
    let m = [tile.m.as_ptr(), tile.m[PANEL * subs..].as_ptr()];
    let mut totals = [[_mm512_setzero_ps(); N]; PANELS];
    for sub in 0..subs {
        // SAFETY: `sub` is within the tile and the padded rows, which `Tile` and `Activations` size alike; `N` rows follow the
        // first.
        unsafe {
            let mut dots = [[_mm512_setzero_si512(); N]; PANELS];
            if tile.offset != 0 {
                for a in 0..N {
                    // Offsets are powers of two.
                    let start = _mm512_sll_epi32(_mm512_set1_epi32(*sums.add(a * per_sum + sub)), shift);
                    let start = _mm512_sub_epi32(_mm512_setzero_si512(), start);
                    dots[0][a] = start;
                    dots[1][a] = start;
                }
            }
            for quad in 0..SUB / 4 {
                let at = sub * SUB / 4 + quad;
                let w0 = _mm512_loadu_si512(weights[0].add(at * 64).cast());
                let w1 = _mm512_loadu_si512(weights[1].add(at * 64).cast());
                for a in 0..N {
                    let four = _mm512_set1_epi32(values.add(a * padded + at * 4).cast::<i32>().read_unaligned());
                    dots[0][a] = _mm512_dpbusd_epi32(dots[0][a], w0, four);
                    dots[1][a] = _mm512_dpbusd_epi32(dots[1][a], w1, four);
                }
            }
            for panel in 0..PANELS {
                let d = _mm512_loadu_ps(d[panel].add(sub * PANEL));
                let m = if MINS { _mm512_loadu_ps(m[panel].add(sub * PANEL)) } else { d };
                for a in 0..N {
                    let scale = _mm512_mul_ps(d, _mm512_set1_ps(*scales.add(a * per_scale + sub * SUB / 32)));
                    let dot = _mm512_cvtepi32_ps(dots[panel][a]);
                    let term = if MINS {
                        _mm512_fmsub_ps(scale, dot, _mm512_mul_ps(m, _mm512_set1_ps(*scaled.add(a * per_sum + sub))))
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

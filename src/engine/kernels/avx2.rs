//! AVX2, with or without VNNI: 32 products of bytes at a time.
#![expect(clippy::needless_range_loop, reason = "blocks of registers are indexed in step with each other")]

use std::arch::x86_64::*;

use super::activations::{Activations, Row};
use super::format::{Format, Quantised};
use super::multiply::{Instructions, PanelMut, Target, Tile};
use super::packed::{BLOCK, PANEL, Panel};
use super::tile256::tile_with;

/// AVX2 and FMA.
pub(super) struct Avx2;
/// The same with VNNI in its 256-bit form.
pub(super) struct AvxVnni;

/// Sums of products of unsigned weights and signed values, in groups of four. A run of them may be summed in 16 bits.
pub(super) trait Dot {
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
    /// Whether an unpacked tile is multiplied with one activation after the other.
    const ONE_BY_ONE: bool;
}

impl Dot for Avx2 {
    const SIGNED: bool = true;
    const ONE_BY_ONE: bool = true;

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
    const ONE_BY_ONE: bool = false;

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
            const STREAMED: usize = 6;

            #[target_feature(enable = $features)]
            unsafe fn stream<Q: Quantised>(
                panel: &Panel<'_>,
                input: &Activations,
                rows: (usize, usize),
                target: Target<'_>,
            ) {
                // SAFETY: promised by the caller. Sums of 2 RUN products must fit 16 bits; see `tile`.
                unsafe {
                    match (Q::SUB, Q::FORMAT.bits()) {
                        (32, ..=4) => stream_with::<Self, Q, 8>(panel, input, rows, target),
                        (_, ..=5) => stream_with::<Self, Q, 4>(panel, input, rows, target),
                        (_, 6) => stream_with::<Self, Q, 2>(panel, input, rows, target),
                        _ => stream_with::<Self, Q, 1>(panel, input, rows, target),
                    }
                }
            }

            #[target_feature(enable = $features)]
            unsafe fn unpack<Q: Quantised>(panel: &Panel<'_>, room: PanelMut<'_>) {
                // SAFETY: promised by the caller.
                unsafe { unpack_panel::<Q>(panel, room) }
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

/// Activations that a panel is multiplied with at a time, straight from memory.
const AT_ONCE: usize = 3;
/// How far ahead of the weights in use memory is asked for, in bytes.
const AHEAD: usize = 6144;

/// Eight rows (the first or the last) of quad `J` of a block; see `packed`. `SITE` numbers the callers, here and below: a
/// function with one caller is inlined, and what is not inlined goes through memory.
///
/// # Safety
/// The block must be there.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn quad<Q: Quantised, const J: usize, const LANES: usize, const SITE: usize>(block: *const u8) -> __m256i {
    let (h, v) = (J / 4, J % 4);
    // SAFETY: promised by the caller.
    let vector = |i: usize| unsafe { _mm256_loadu_si256(block.add(64 * i + 32 * LANES).cast()) };
    let only = |x: __m256i, mask: i8| _mm256_and_si256(x, _mm256_set1_epi8(mask));
    match Q::FORMAT.bits() {
        8 => vector(J),
        2 => only(moved(vector(h), 2 * v, 0), 3),
        3 => _mm256_or_si256(only(moved(vector(2), J, 2), 4), only(moved(vector(h), 2 * v, 0), 3)),
        bits => {
            let nibble = only(moved(vector(v), 4 * h, 0), 15);
            match bits {
                5 => _mm256_or_si256(only(moved(vector(4), J, 4), 16), nibble),
                6 => _mm256_or_si256(only(moved(vector(4 + h), 2 * v, 4), 48), nibble),
                _ => nibble,
            }
        }
    }
}

/// Bits moved from place `from` to place `to`; their neighbours come along.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn moved(x: __m256i, from: usize, to: usize) -> __m256i {
    match from.cmp(&to) {
        std::cmp::Ordering::Equal => x,
        std::cmp::Ordering::Greater => _mm256_srl_epi16(x, _mm_cvtsi32_si128((from - to) as i32)),
        std::cmp::Ordering::Less => _mm256_sll_epi16(x, _mm_cvtsi32_si128((to - from) as i32)),
    }
}

/// Scale and minimum of eight rows for one half of a block (its whole where sub-blocks are 32 wide).
///
/// # Safety
/// The block's record must be there.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn scales<Q: Quantised, const HALF: usize, const LANES: usize, const SITE: usize>(
    records: *const u8,
    block: usize,
) -> (__m256, __m256) {
    let (per, bytes) = Q::FORMAT.record();
    let at = block % per;
    // SAFETY: promised by the caller; see `Format::record` for the places.
    unsafe {
        let record = records.add(block / per * bytes);
        let halves = |at: usize| _mm256_cvtph_ps(_mm_loadu_si128(record.add(at + 16 * LANES).cast()));
        let times = |d: __m256, scale: __m256i| _mm256_mul_ps(d, _mm256_cvtepi32_ps(scale));
        let eight = |start: usize| {
            let place = record.add(start + PANEL * (2 * at + HALF) + 8 * LANES);
            _mm_cvtsi64_si128(place.cast::<i64>().read_unaligned())
        };
        match Q::FORMAT {
            Format::Q4_1 | Format::Q5_1 => (halves(0), _mm256_sub_ps(_mm256_setzero_ps(), halves(32))),
            Format::Q4K | Format::Q5K => {
                let word = |i: usize| _mm256_loadu_si256(record.add(64 + 64 * i + 32 * LANES).cast());
                let down = |x: __m256i, by: usize| _mm256_srl_epi32(x, _mm_cvtsi32_si128(by as i32));
                let only = |x: __m256i, mask: i32| _mm256_and_si256(x, _mm256_set1_epi32(mask));
                let shift = 8 * (at % 4);
                let (scale, minimum) = if at < 4 {
                    (only(down(word(0), shift), 63), only(down(word(1), shift), 63))
                } else {
                    let low = down(word(2), shift);
                    let high = |word: __m256i| _mm256_slli_epi32::<4>(only(down(word, shift + 6), 3));
                    (
                        _mm256_or_si256(only(low, 15), high(word(0))),
                        _mm256_or_si256(only(_mm256_srli_epi32::<4>(low), 15), high(word(1))),
                    )
                };
                (times(halves(0), scale), times(halves(32), minimum))
            }
            Format::Q2K => {
                let both = _mm256_cvtepu8_epi32(eight(64));
                let low = _mm256_and_si256(both, _mm256_set1_epi32(15));
                (times(halves(0), low), times(halves(32), _mm256_srli_epi32::<4>(both)))
            }
            Format::Q3K | Format::Q6K => {
                let d = times(halves(0), _mm256_cvtepi8_epi32(eight(32)));
                (d, d)
            }
            _ => {
                let d = halves(0);
                (d, d)
            }
        }
    }
}

/// See [`Instructions::unpack`].
///
/// # Safety
/// The processor must have AVX2 and F16C.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn unpack_panel<Q: Quantised>(panel: &Panel<'_>, room: PanelMut<'_>) {
    let PanelMut { q, d, m } = room;
    let subs = BLOCK / Q::SUB;
    assert!(
        q.len() >= panel.blocks * PANEL * BLOCK && d.len().min(m.len()) >= panel.blocks * subs * PANEL,
        "room for a panel. This is a bug."
    );
    panel.check::<Q>();
    // SAFETY: the buffers were measured above.
    unsafe {
        for block in 0..panel.blocks {
            let weights = panel.weights.as_ptr().add(block * Q::FORMAT.block_bytes());
            let q = q.as_mut_ptr().add(block * PANEL * BLOCK);
            macro_rules! quads {
                ($lanes:literal: $($j:literal)*) => {
                    $(_mm256_storeu_si256(q.add(64 * $j + 32 * $lanes).cast(), quad::<Q, $j, $lanes, 0>(weights));)*
                };
            }
            quads!(0: 0 1 2 3 4 5 6 7);
            quads!(1: 0 1 2 3 4 5 6 7);
            macro_rules! half {
                ($half:literal, $lanes:literal) => {
                    let (scale, minimum) = scales::<Q, $half, $lanes, 0>(panel.scales.as_ptr(), block);
                    let place = (block * subs + $half) * PANEL + 8 * $lanes;
                    _mm256_storeu_ps(d.as_mut_ptr().add(place), scale);
                    if Q::MINS {
                        _mm256_storeu_ps(m.as_mut_ptr().add(place), minimum);
                    }
                };
            }
            half!(0, 0);
            half!(0, 1);
            if Q::SUB == 16 {
                half!(1, 0);
                half!(1, 1);
            }
        }
    }
}

/// # Safety
/// As [`Instructions::stream`].
#[inline(always)]
unsafe fn stream_with<D: Dot, Q: Quantised, const RUN: usize>(
    panel: &Panel<'_>,
    input: &Activations,
    rows: (usize, usize),
    target: Target<'_>,
) {
    let mut first = 0;
    while first < input.rows() {
        let count = (input.rows() - first).min(AT_ONCE);
        // SAFETY: promised by the caller.
        unsafe {
            match count {
                1 => streamed::<D, Q, RUN, 1>(panel, input, first, rows, target),
                2 => streamed::<D, Q, RUN, 2>(panel, input, first, rows, target),
                _ => streamed::<D, Q, RUN, 3>(panel, input, first, rows, target),
            }
        }
        first += count;
    }
}

/// Multiplies a panel with activations `first..first + N`.
///
/// # Safety
/// As [`Instructions::stream`].
#[inline(always)]
unsafe fn streamed<D: Dot, Q: Quantised, const RUN: usize, const N: usize>(
    panel: &Panel<'_>,
    input: &Activations,
    first: usize,
    (row, present): (usize, usize),
    target: Target<'_>,
) {
    panel.check::<Q>();
    assert!(
        first + N <= input.rows() && panel.blocks * BLOCK <= input.padded(),
        "a panel beyond its activations. This is a bug."
    );
    let rows: [Row<'_>; N] = std::array::from_fn(|a| input.row(first + a));
    let (per, record_bytes) = Q::FORMAT.record();
    let panel_bytes = panel.weights.len() + panel.scales.len();
    let block_bytes = Q::FORMAT.block_bytes();
    let offset = if RUN == 1 && D::SIGNED { 0 } else { Q::OFFSET };
    // SAFETY: the panel and the activations were measured above; what is prefetched need not exist.
    unsafe {
        let mut totals = [[_mm256_setzero_ps(); N]; 2];
        for block in 0..panel.blocks {
            let weights = panel.weights.as_ptr().add(block * block_bytes);
            if first == 0 {
                for line in 0..block_bytes / 64 {
                    let line = weights.wrapping_add(AHEAD + 64 * line).cast();
                    // Weights that are used once need not push others out of the caches.
                    if N < 3 { _mm_prefetch::<_MM_HINT_NTA>(line) } else { _mm_prefetch::<_MM_HINT_T0>(line) }
                }
                if block.is_multiple_of(per) {
                    // The next panel's record: scales do not lie on the way of the weights.
                    let record = panel.scales.as_ptr().wrapping_add(block / per * record_bytes + panel_bytes);
                    for line in 0..record_bytes.div_ceil(64) {
                        _mm_prefetch::<_MM_HINT_T0>(record.wrapping_add(64 * line).cast());
                    }
                }
            }
            macro_rules! half {
                ($lanes:literal, $half:literal: $($j:literal)*) => {
                    let sub = block * BLOCK / Q::SUB + $half;
                    let mut dots = [_mm256_setzero_si256(); N];
                    if offset != 0 {
                        for a in 0..N {
                            let sums = if Q::SUB == 16 { rows[a].sum16.as_ptr() } else { rows[a].sum32.as_ptr() };
                            dots[a] = _mm256_set1_epi32(-offset * *sums.add(sub));
                        }
                    }
                    let mut runs = dots;
                    $(
                        if $j % RUN == 0 {
                            for a in 0..N {
                                runs[a] = D::open(dots[a]);
                            }
                        }
                        let w = quad::<Q, $j, $lanes, N>(weights);
                        for a in 0..N {
                            let four = rows[a].quantised.as_ptr().add(block * BLOCK + 4 * $j);
                            let four = _mm256_set1_epi32(four.cast::<i32>().read_unaligned());
                            runs[a] = D::add::<RUN>(runs[a], w, four);
                        }
                        if $j % RUN == RUN - 1 {
                            for a in 0..N {
                                dots[a] = D::close(dots[a], runs[a]);
                            }
                        }
                    )*
                    let (d, m) = scales::<Q, $half, $lanes, N>(panel.scales.as_ptr(), block);
                    for a in 0..N {
                        let scale = _mm256_mul_ps(d, _mm256_set1_ps(*rows[a].scale.as_ptr().add(block)));
                        let dot = _mm256_cvtepi32_ps(dots[a]);
                        if Q::MINS {
                            let scaled = if Q::SUB == 16 { rows[a].scaled16.as_ptr() } else { rows[a].scaled32.as_ptr() };
                            totals[$lanes][a] = _mm256_fnmadd_ps(m, _mm256_set1_ps(*scaled.add(sub)), totals[$lanes][a]);
                        }
                        totals[$lanes][a] = _mm256_fmadd_ps(scale, dot, totals[$lanes][a]);
                    }
                };
            }
            if Q::SUB == 32 {
                half!(0, 0: 0 1 2 3 4 5 6 7);
                half!(1, 0: 0 1 2 3 4 5 6 7);
            } else {
                half!(0, 0: 0 1 2 3);
                half!(1, 0: 0 1 2 3);
                half!(0, 1: 4 5 6 7);
                half!(1, 1: 4 5 6 7);
            }
        }
        for a in 0..N {
            let mut values = [0.0_f32; PANEL];
            _mm256_storeu_ps(values.as_mut_ptr(), totals[0][a]);
            _mm256_storeu_ps(values.as_mut_ptr().add(8), totals[1][a]);
            let out = target.out.slice((first + a) * target.stride + row, present);
            out.copy_from_slice(&values[..present]);
        }
    }
}

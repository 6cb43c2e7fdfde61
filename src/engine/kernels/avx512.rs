//! AVX-512 with VNNI: 64 products of bytes in one instruction.
#![expect(clippy::needless_range_loop, reason = "blocks of registers are indexed in step with each other")]

use std::arch::x86_64::*;

use super::activations::{Activations, LANED, LANES, Lanes, SIXES};
use super::format::{Format, Quantised};
use super::multiply::{Instructions, PANELS, PanelMut, Target, Tile};
use super::packed::{BLOCK, PANEL, Panel};

/// AVX-512 F, BW, VL, DQ, VNNI.
pub(super) struct Avx512;

/// How far ahead of the weights in use memory is asked for, in bytes. The processor's own prefetching stops at every
/// page of 4 KiB.
const AHEAD: usize = 6144;

impl Instructions for Avx512 {
    const STREAMED: usize = {
        assert!(24 == LANED, "up to these, activations lie in eights, beyond in sixes");
        24
    };

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
    unsafe fn stream<Q: Quantised>(panel: &Panel<'_>, input: &Activations, rows: (usize, usize), target: Target<'_>) {
        if input.rows() == 1 {
            // SAFETY: promised by the caller.
            return unsafe { streamed::<Q, 1, 1>(panel, input.row(0).alone(), 0, rows, target) };
        }
        for first in (0..input.rows()).step_by(LANES) {
            let lanes = input.lanes(LANES, first / LANES);
            // SAFETY: promised by the caller.
            unsafe {
                match input.rows() - first {
                    1 => streamed::<Q, 1, LANES>(panel, lanes, first, rows, target),
                    2 => streamed::<Q, 2, LANES>(panel, lanes, first, rows, target),
                    3 => streamed::<Q, 3, LANES>(panel, lanes, first, rows, target),
                    4 => streamed::<Q, 4, LANES>(panel, lanes, first, rows, target),
                    5 => streamed::<Q, 5, LANES>(panel, lanes, first, rows, target),
                    6 => streamed::<Q, 6, LANES>(panel, lanes, first, rows, target),
                    7 => streamed::<Q, 7, LANES>(panel, lanes, first, rows, target),
                    _ => streamed::<Q, LANES, LANES>(panel, lanes, first, rows, target),
                }
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
    unsafe fn unpack<Q: Quantised>(panel: &Panel<'_>, room: PanelMut<'_>) {
        let PanelMut { q, d, m } = room;
        let subs = BLOCK / Q::SUB;
        assert!(
            q.len() >= panel.blocks * PANEL * BLOCK && d.len().min(m.len()) >= panel.blocks * subs * PANEL,
            "room for a panel. This is a bug."
        );
        panel.check::<Q>();
        let mut scales = Scales::none();
        // SAFETY: the buffers were measured above.
        unsafe {
            for block in 0..panel.blocks {
                let weights = panel.weights.as_ptr().add(block * Q::FORMAT.block_bytes());
                let q = q.as_mut_ptr().add(block * PANEL * BLOCK);
                macro_rules! quads {
                    ($($j:literal)*) => { $(_mm512_storeu_si512(q.add(64 * $j).cast(), quad::<Q, $j, 0, 0>(weights));)* };
                }
                quads!(0 1 2 3 4 5 6 7);
                scales.open::<Q, 0, 0>(panel.scales.as_ptr(), block);
                macro_rules! half {
                    ($half:literal) => {
                        let (scale, minimum) = scales.of::<Q, $half, 0, 0>();
                        let place = (block * subs + $half) * PANEL;
                        _mm512_storeu_ps(d.as_mut_ptr().add(place), scale);
                        if Q::MINS {
                            _mm512_storeu_ps(m.as_mut_ptr().add(place), minimum);
                        }
                    };
                }
                half!(0);
                if Q::SUB == 16 {
                    half!(1);
                }
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
    unsafe fn tile<const SUB: usize, const MINS: bool>(tile: &Tile<'_>, input: &Activations, target: Target<'_>) {
        // 2 x 6 integer and 2 x 6 float accumulators fill the registers.
        for first in (0..input.rows()).step_by(SIXES) {
            let lanes = input.lanes(SIXES, first / SIXES);
            // SAFETY: promised by the caller.
            unsafe {
                match input.rows() - first {
                    1 => columns::<SUB, MINS, 1>(tile, lanes, first, target),
                    2 => columns::<SUB, MINS, 2>(tile, lanes, first, target),
                    3 => columns::<SUB, MINS, 3>(tile, lanes, first, target),
                    4 => columns::<SUB, MINS, 4>(tile, lanes, first, target),
                    5 => columns::<SUB, MINS, 5>(tile, lanes, first, target),
                    _ => columns::<SUB, MINS, SIXES>(tile, lanes, first, target),
                }
            }
        }
    }
}

/// Quad `J` of a block; see `packed`. `N` and `STRIDE` tell the callers apart, here and below: a function with one caller is inlined,
/// and what is not inlined goes through memory.
///
/// # Safety
/// The block must be there.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
#[inline]
unsafe fn quad<Q: Quantised, const J: usize, const N: usize, const STRIDE: usize>(block: *const u8) -> __m512i {
    let (h, v) = (J / 4, J % 4);
    // SAFETY: promised by the caller.
    let vector = |i: usize| unsafe { _mm512_loadu_si512(block.add(64 * i).cast()) };
    let (three, fifteen) = (_mm512_set1_epi8(3), _mm512_set1_epi8(15));
    // (a & b) | c
    let join = |a: __m512i, b: i8, c: __m512i| _mm512_ternarylogic_epi64::<0xea>(a, _mm512_set1_epi8(b), c);
    match Q::FORMAT.bits() {
        8 => vector(J),
        2 => _mm512_and_si512(right(vector(h), 2 * v), three),
        3 => join(moved(vector(2), J, 2), 4, _mm512_and_si512(right(vector(h), 2 * v), three)),
        bits => {
            let nibble = _mm512_and_si512(right(vector(v), 4 * h), fifteen);
            match bits {
                5 => join(moved(vector(4), J, 4), 16, nibble),
                6 => join(moved(vector(4 + h), 2 * v, 4), 48, nibble),
                _ => nibble,
            }
        }
    }
}

/// Bits moved from place `from` to place `to`; their neighbours come along.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
#[inline]
fn moved(x: __m512i, from: usize, to: usize) -> __m512i {
    if from >= to { right(x, from - to) } else { _mm512_sll_epi16(x, _mm_cvtsi32_si128((to - from) as i32)) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
#[inline]
fn right(x: __m512i, bits: usize) -> __m512i {
    if bits == 0 { x } else { _mm512_srl_epi16(x, _mm_cvtsi32_si128(bits as i32)) }
}

/// The scales of 16 rows, as far as a run of blocks shares them.
#[derive(Clone, Copy)]
struct Scales {
    d: __m512,
    m: __m512,
    /// `Q4_K`, `Q5_K`: scales and minima, four blocks to a word; the block in use is the lowest byte.
    words: [__m512i; 4],
    /// The other K formats: the bytes of the block in use.
    bytes: *const u8,
}

impl Scales {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
    #[inline]
    fn none() -> Self {
        let (zero, word) = (_mm512_setzero_ps(), _mm512_setzero_si512());
        Self { d: zero, m: zero, words: [word; 4], bytes: std::ptr::null() }
    }

    /// Goes to `block`; blocks are opened in order.
    ///
    /// # Safety
    /// Its record must be there.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
    #[inline]
    unsafe fn open<Q: Quantised, const N: usize, const STRIDE: usize>(&mut self, records: *const u8, block: usize) {
        let (per, bytes) = Q::FORMAT.record();
        // SAFETY: promised by the caller; see `Format::record` for the places.
        unsafe {
            let record = records.add(block / per * bytes);
            let at = block % per;
            if at == 0 {
                let halves = |at: usize| _mm512_cvtph_ps(_mm256_loadu_si256(record.add(at).cast()));
                self.d = halves(0);
                self.m = match Q::FORMAT {
                    Format::Q4_1 | Format::Q5_1 => _mm512_sub_ps(_mm512_setzero_ps(), halves(32)),
                    Format::Q4K | Format::Q5K | Format::Q2K => halves(32),
                    _ => self.d,
                };
            }
            match Q::FORMAT {
                Format::Q4K | Format::Q5K if at == 0 => {
                    let word = |i: usize| _mm512_loadu_si512(record.add(64 + 64 * i).cast());
                    let (a, b, c) = (word(0), word(1), word(2));
                    let (six, four) = (_mm512_set1_epi8(0x3f), _mm512_set1_epi8(0x0f));
                    let high = |word: __m512i| {
                        _mm512_slli_epi32::<4>(_mm512_and_si512(_mm512_srli_epi32::<6>(word), _mm512_set1_epi8(3)))
                    };
                    self.words = [
                        _mm512_and_si512(a, six),
                        _mm512_and_si512(b, six),
                        _mm512_or_si512(_mm512_and_si512(c, four), high(a)),
                        _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32::<4>(c), four), high(b)),
                    ];
                }
                Format::Q4K | Format::Q5K if at == 4 => {
                    self.words[0] = self.words[2];
                    self.words[1] = self.words[3];
                }
                Format::Q4K | Format::Q5K => {
                    self.words[0] = _mm512_srli_epi32::<8>(self.words[0]);
                    self.words[1] = _mm512_srli_epi32::<8>(self.words[1]);
                }
                Format::Q2K => self.bytes = record.add(64 + 2 * PANEL * at),
                Format::Q3K | Format::Q6K => self.bytes = record.add(32 + 2 * PANEL * at),
                _ => {}
            }
        }
    }

    /// Scale and minimum of a half of the block (its whole where sub-blocks are 32 wide).
    ///
    /// # Safety
    /// The block must be open.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
    #[inline]
    unsafe fn of<Q: Quantised, const HALF: usize, const N: usize, const STRIDE: usize>(&self) -> (__m512, __m512) {
        // SAFETY: promised by the caller.
        let bytes = || unsafe { _mm_loadu_si128(self.bytes.add(PANEL * HALF).cast()) };
        let times = |d: __m512, scale: __m512i| _mm512_mul_ps(d, _mm512_cvtepi32_ps(scale));
        match Q::FORMAT {
            Format::Q4K | Format::Q5K => {
                let byte = _mm512_set1_epi32(0xff);
                let low = |word: __m512i| _mm512_and_si512(word, byte);
                (times(self.d, low(self.words[0])), times(self.m, low(self.words[1])))
            }
            Format::Q2K => {
                let both = _mm512_cvtepu8_epi32(bytes());
                let low = _mm512_and_si512(both, _mm512_set1_epi32(15));
                (times(self.d, low), times(self.m, _mm512_srli_epi32::<4>(both)))
            }
            Format::Q3K | Format::Q6K => (times(self.d, _mm512_cvtepi8_epi32(bytes())), self.m),
            _ => (self.d, self.m),
        }
    }
}

/// Multiplies a panel with activations `first..first + N`.
///
/// # Safety
/// As [`Instructions::stream`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
unsafe fn streamed<Q: Quantised, const N: usize, const STRIDE: usize>(
    panel: &Panel<'_>,
    lanes: Lanes<'_>,
    first: usize,
    (row, present): (usize, usize),
    target: Target<'_>,
) {
    panel.check::<Q>();
    let (per, record_bytes) = Q::FORMAT.record();
    let panel_bytes = panel.weights.len() + panel.scales.len();
    let places = panel.blocks * STRIDE;
    assert!(
        N <= STRIDE
            && lanes.quads.len() >= 8 * places
            && lanes.scale.len().min(lanes.sum32.len()).min(lanes.scaled32.len()) >= places
            && lanes.sum16.len().min(lanes.scaled16.len()) >= 2 * places
            && present <= PANEL,
        "a panel beyond its activations. This is a bug."
    );
    let sums = if Q::SUB == 16 { lanes.sum16.as_ptr() } else { lanes.sum32.as_ptr() };
    let scaled = if Q::SUB == 16 { lanes.scaled16.as_ptr() } else { lanes.scaled32.as_ptr() };
    let block_bytes = Q::FORMAT.block_bytes();
    let mut scales = Scales::none();
    let mut totals = [_mm512_setzero_ps(); N];
    for block in 0..panel.blocks {
        // SAFETY: the panel and the activations were measured above; what is prefetched need not exist.
        unsafe {
            let weights = panel.weights.as_ptr().add(block * block_bytes);
            if first == 0 {
                for line in 0..block_bytes / 64 {
                    let line = weights.wrapping_add(AHEAD + 64 * line).cast();
                    // Weights that are used once need not push others out of the caches.
                    if N < LANES { _mm_prefetch::<_MM_HINT_NTA>(line) } else { _mm_prefetch::<_MM_HINT_T0>(line) }
                }
                if block.is_multiple_of(per) {
                    // The next panel's record: scales do not lie on the way of the weights.
                    let record = panel.scales.as_ptr().wrapping_add(block / per * record_bytes + panel_bytes);
                    for line in 0..record_bytes.div_ceil(64) {
                        _mm_prefetch::<_MM_HINT_T0>(record.wrapping_add(64 * line).cast());
                    }
                }
            }
            let quads = lanes.quads.as_ptr().add(block * 8 * STRIDE);
            scales.open::<Q, N, STRIDE>(panel.scales.as_ptr(), block);
            macro_rules! half {
                ($half:literal: $($j:literal)*) => {
                    let sub = block * BLOCK / Q::SUB + $half;
                    let mut dots = [_mm512_setzero_si512(); N];
                    if Q::OFFSET != 0 {
                        for a in 0..N {
                            // Offsets are powers of two.
                            let shift = _mm_cvtsi32_si128(Q::OFFSET.trailing_zeros().cast_signed());
                            let start = _mm512_sll_epi32(_mm512_set1_epi32(*sums.add(sub * STRIDE + a)), shift);
                            dots[a] = _mm512_sub_epi32(_mm512_setzero_si512(), start);
                        }
                    }
                    // A lone activation is summed in two halves: one chain of additions would be waited for.
                    let mut others = [_mm512_setzero_si512(); N];
                    $(
                        let w = quad::<Q, $j, N, STRIDE>(weights);
                        for a in 0..N {
                            let four = quads.add($j * STRIDE + a).cast::<i32>().read_unaligned();
                            let sum = if N <= 2 && $j % 2 == 1 { &mut others[a] } else { &mut dots[a] };
                            *sum = _mm512_dpbusd_epi32(*sum, w, _mm512_set1_epi32(four));
                        }
                    )*
                    if N <= 2 {
                        for a in 0..N {
                            dots[a] = _mm512_add_epi32(dots[a], others[a]);
                        }
                    }
                    let (d, m) = scales.of::<Q, $half, N, STRIDE>();
                    for a in 0..N {
                        let scale = _mm512_mul_ps(d, _mm512_set1_ps(*lanes.scale.as_ptr().add(block * STRIDE + a)));
                        let dot = _mm512_cvtepi32_ps(dots[a]);
                        if Q::MINS {
                            let scaled = _mm512_set1_ps(*scaled.add(sub * STRIDE + a));
                            totals[a] = _mm512_fnmadd_ps(m, scaled, totals[a]);
                        }
                        totals[a] = _mm512_fmadd_ps(scale, dot, totals[a]);
                    }
                };
            }
            if Q::SUB == 32 {
                half!(0: 0 1 2 3 4 5 6 7);
            } else {
                half!(0: 0 1 2 3);
                half!(1: 4 5 6 7);
            }
        }
    }
    let mask = ((1_u32 << present) - 1) as u16;
    for (a, total) in totals.iter().enumerate() {
        // SAFETY: these rows are this caller's, and the mask covers no more than the slice.
        unsafe {
            let out = target.out.slice((first + a) * target.stride + row, present);
            _mm512_mask_storeu_ps(out.as_mut_ptr(), mask, *total);
        }
    }
}

/// Multiplies a tile with activations `first..first + N`, which lie in `lanes`. Within a sub-block every place is a
/// constant away from one pointer: sums that need checking, and registers for them, would cost a tenth of the time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
unsafe fn columns<const SUB: usize, const MINS: bool, const N: usize>(
    tile: &Tile<'_>,
    lanes: Lanes<'_>,
    first: usize,
    target: Target<'_>,
) {
    let subs = tile.blocks * 32 / SUB;
    let sums = if SUB == 16 { lanes.sum16 } else { lanes.sum32 };
    let scaled = if SUB == 16 { lanes.scaled16 } else { lanes.scaled32 };
    assert!(
        N <= SIXES
            && lanes.quads.len() >= tile.blocks * 8 * SIXES
            && lanes.scale.len() >= tile.blocks * SIXES
            && sums.len().min(scaled.len()) >= subs * SIXES
            && tile.q.len() >= PANELS * PANEL * tile.blocks * 32
            && tile.d.len() >= PANELS * PANEL * subs
            && (!MINS || tile.m.len() >= PANELS * PANEL * subs),
        "a tile beyond its activations. This is a bug."
    );
    assert!(!MINS || tile.offset == 0, "a format with minima and an offset. This is a bug.");
    let shift = _mm_cvtsi32_si128(tile.offset.trailing_zeros().cast_signed());
    // From one panel's places to the other's.
    let (next_q, next_d) = (PANEL * tile.blocks * 32, PANEL * subs);
    let (mut q, mut d, mut m) = (tile.q.as_ptr(), tile.d.as_ptr(), tile.m.as_ptr());
    let (mut quads, mut scale) = (lanes.quads.as_ptr().cast::<i32>(), lanes.scale.as_ptr());
    let (mut sums, mut scaled) = (sums.as_ptr(), scaled.as_ptr());
    let mut totals = [[_mm512_setzero_ps(); N]; PANELS];
    for sub in 0..subs {
        // SAFETY: the tile and the activations were measured above, and the pointers go through them sub-block by sub-block.
        unsafe {
            let mut dots = [[_mm512_setzero_si512(); N]; PANELS];
            if !MINS {
                for a in 0..N {
                    // Offsets are powers of two; without one, everything is shifted out.
                    let start = _mm512_sll_epi32(_mm512_set1_epi32(*sums.add(a)), shift);
                    let start = _mm512_sub_epi32(_mm512_setzero_si512(), start);
                    dots[0][a] = start;
                    dots[1][a] = start;
                }
            }
            for quad in 0..SUB / 4 {
                let w0 = _mm512_loadu_si512(q.add(64 * quad).cast());
                let w1 = _mm512_loadu_si512(q.add(next_q).add(64 * quad).cast());
                for a in 0..N {
                    let four = _mm512_set1_epi32(quads.add(SIXES * quad + a).read_unaligned());
                    dots[0][a] = _mm512_dpbusd_epi32(dots[0][a], w0, four);
                    dots[1][a] = _mm512_dpbusd_epi32(dots[1][a], w1, four);
                }
            }
            for panel in 0..PANELS {
                let (d, m) = if panel == 0 { (d, m) } else { (d.add(next_d), m.wrapping_add(next_d)) };
                let d = _mm512_loadu_ps(d);
                let m = if MINS { _mm512_loadu_ps(m) } else { d };
                for a in 0..N {
                    let scale = _mm512_mul_ps(d, _mm512_set1_ps(*scale.add(a)));
                    let dot = _mm512_cvtepi32_ps(dots[panel][a]);
                    if MINS {
                        totals[panel][a] = _mm512_fnmadd_ps(m, _mm512_set1_ps(*scaled.add(a)), totals[panel][a]);
                    }
                    totals[panel][a] = _mm512_fmadd_ps(scale, dot, totals[panel][a]);
                }
            }
            (q, quads) = (q.add(PANEL * SUB), quads.add(SIXES * SUB / 4));
            (d, m) = (d.add(PANEL), m.wrapping_add(PANEL));
            (sums, scaled) = (sums.add(SIXES), scaled.add(SIXES));
            if SUB == 32 || sub % 2 == 1 {
                scale = scale.add(SIXES);
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

//! The block formats of GGUF: their sizes, and how a group of up to 256 weights unpacks to bytes and scales.
//!
//! Every quantised format is read as `w = d * (q - OFFSET) - m` with an unsigned byte `q`, one `d` (and one `m`
//! where [`Quantised::MINS`]) per sub-block of 16 or 32 weights. Layouts follow `ggml-common.h` of llama.cpp.
#![expect(clippy::needless_range_loop, reason = "blocks of registers are indexed in step with each other")]

/// Weights in a [`Group`].
pub const GROUP: usize = 256;

/// How a matrix is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of single precision.
    Bf16,
    /// 32 weights of 4 bits: scale.
    Q4_0,
    /// 32 weights of 4 bits: scale, minimum.
    Q4_1,
    /// 32 weights of 5 bits: scale.
    Q5_0,
    /// 32 weights of 5 bits: scale, minimum.
    Q5_1,
    /// 32 weights of 8 bits: scale.
    Q8_0,
    /// 256 weights of 2 bits.
    Q2K,
    /// 256 weights of 3 bits.
    Q3K,
    /// 256 weights of 4 bits.
    Q4K,
    /// 256 weights of 5 bits.
    Q5K,
    /// 256 weights of 6 bits.
    Q6K,
}

impl Format {
    /// Every format.
    #[cfg(test)]
    pub const ALL: [Self; 13] = [
        Self::F32,
        Self::F16,
        Self::Bf16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q2K,
        Self::Q3K,
        Self::Q4K,
        Self::Q5K,
        Self::Q6K,
    ];

    /// Weights and bytes of one block.
    #[must_use]
    pub const fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::Q4_0 => (32, 18),
            Self::Q4_1 => (32, 20),
            Self::Q5_0 => (32, 22),
            Self::Q5_1 => (32, 24),
            Self::Q8_0 => (32, 34),
            Self::Q2K => (256, 84),
            Self::Q3K => (256, 110),
            Self::Q4K => (256, 144),
            Self::Q5K => (256, 176),
            Self::Q6K => (256, 210),
        }
    }

    /// Bits of a stored weight, without scales.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::F32 => 32,
            Self::F16 | Self::Bf16 => 16,
            Self::Q8_0 => 8,
            Self::Q6K => 6,
            Self::Q5_0 | Self::Q5_1 | Self::Q5K => 5,
            Self::Q4_0 | Self::Q4_1 | Self::Q4K => 4,
            Self::Q3K => 3,
            Self::Q2K => 2,
        }
    }

    /// Bytes of a row of `columns` weights; `None` when the format cannot hold that many.
    #[must_use]
    pub fn row_bytes(self, columns: usize) -> Option<usize> {
        let (weights, bytes) = self.block();
        columns.is_multiple_of(weights).then(|| columns / weights * bytes)
    }
}

/// A matrix as it lies in memory: `rows` rows of `columns` weights each.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    format: Format,
    rows: usize,
    columns: usize,
    row_bytes: usize,
    bytes: &'a [u8],
}

impl<'a> Matrix<'a> {
    /// A view of `bytes`; `None` when they are not exactly `rows` rows of `columns` weights.
    #[must_use]
    pub fn new(format: Format, rows: usize, columns: usize, bytes: &'a [u8]) -> Option<Self> {
        let row_bytes = format.row_bytes(columns)?;
        (row_bytes.checked_mul(rows)? == bytes.len()).then_some(Self { format, rows, columns, row_bytes, bytes })
    }

    /// How it is stored.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Outputs.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// The bytes of one row.
    #[inline(always)]
    #[must_use]
    pub fn row(&self, row: usize) -> &'a [u8] {
        &self.bytes[row * self.row_bytes..(row + 1) * self.row_bytes]
    }

    /// Writes row `row` as f32 to `out`, which is `columns` long.
    pub fn dequantise(&self, row: usize, out: &mut [f32]) {
        let bytes = self.row(row);
        match self.format {
            Format::F32 => {
                for (value, raw) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *value = f32::from_le_bytes(*raw);
                }
            }
            Format::F16 => {
                for (value, raw) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *value = f16_to_f32(u16::from_le_bytes(*raw));
                }
            }
            Format::Bf16 => {
                for (value, raw) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *value = f32::from_bits(u32::from(u16::from_le_bytes(*raw)) << 16);
                }
            }
            Format::Q4_0 => dequantise_row::<Q4_0>(bytes, out),
            Format::Q4_1 => dequantise_row::<Q4_1>(bytes, out),
            Format::Q5_0 => dequantise_row::<Q5_0>(bytes, out),
            Format::Q5_1 => dequantise_row::<Q5_1>(bytes, out),
            Format::Q8_0 => dequantise_row::<Q8_0>(bytes, out),
            Format::Q2K => dequantise_row::<Q2K>(bytes, out),
            Format::Q3K => dequantise_row::<Q3K>(bytes, out),
            Format::Q4K => dequantise_row::<Q4K>(bytes, out),
            Format::Q5K => dequantise_row::<Q5K>(bytes, out),
            Format::Q6K => dequantise_row::<Q6K>(bytes, out),
        }
    }
}

fn dequantise_row<Q: Quantised>(bytes: &[u8], out: &mut [f32]) {
    let mut group = Group::default();
    for (blocks, values) in bytes.chunks(Q::GROUP_BYTES).zip(out.chunks_mut(GROUP)) {
        Q::unpack(blocks, &mut group);
        for (i, value) in values.iter_mut().enumerate() {
            let (d, m) = (group.d[i / Q::SUB], group.m[i / Q::SUB]);
            *value = d * (i32::from(group.q[i]) - Q::OFFSET) as f32 - if Q::MINS { m } else { 0.0 };
        }
    }
}

/// Up to 256 weights, unpacked.
#[repr(C, align(64))]
pub struct Group {
    /// Unsigned weights.
    pub q: [u8; GROUP],
    /// Scale per sub-block; the first 8 where sub-blocks are 32 wide, 16 where they are 16 wide.
    pub d: [f32; 16],
    /// Minimum per sub-block, meaningful where [`Quantised::MINS`].
    pub m: [f32; 16],
}

impl Default for Group {
    fn default() -> Self {
        Self { q: [0; GROUP], d: [0.0; 16], m: [0.0; 16] }
    }
}

/// A quantised block format.
pub trait Quantised {
    /// Which.
    const FORMAT: Format;
    /// Bytes of 256 weights.
    const GROUP_BYTES: usize;
    /// Weights that share a scale: 16 or 32.
    const SUB: usize;
    /// Subtracted from every stored weight.
    const OFFSET: i32;
    /// Whether sub-blocks have a minimum.
    const MINS: bool;
    /// Unpacks at most 256 weights. Sub-blocks beyond `blocks` get `d = 0` and `m = 0`.
    fn unpack(blocks: &[u8], group: &mut Group);
}

/// IEEE half to single, without a branch; exact for every input.
#[inline(always)]
#[must_use]
pub fn f16_to_f32(half: u16) -> f32 {
    let magnitude = (u32::from(half) & 0x7fff) << 13;
    // Scaling by 2^112 moves the exponent bias, and makes subnormal halves normal.
    let scaled = (f32::from_bits(magnitude) * f32::from_bits(0x7780_0000)).to_bits();
    let bits = if magnitude >= 0x0f80_0000 { magnitude | 0x7f80_0000 } else { scaled };
    f32::from_bits(bits | (u32::from(half) & 0x8000) << 16)
}

/// Single to IEEE half, rounding to nearest even, saturating at the largest finite half; NaN stays NaN.
#[inline(always)]
#[must_use]
pub fn f32_to_f16(value: f32) -> u16 {
    ::half::f16::from_f32_const(value.clamp(-65504.0, 65504.0)).to_bits()
}

#[inline(always)]
fn half_at(bytes: &[u8], at: usize) -> f32 {
    f16_to_f32(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

macro_rules! small_format {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, offset $offset:literal, mins $mins:literal, |$block:ident, $q:ident| $unpack:block) => {
        $(#[$doc])*
        pub struct $name;

        impl Quantised for $name {
            const FORMAT: Format = Format::$name;
            const GROUP_BYTES: usize = 8 * $bytes;
            const SUB: usize = 32;
            const OFFSET: i32 = $offset;
            const MINS: bool = $mins;

            #[inline(always)]
            fn unpack(blocks: &[u8], group: &mut Group) {
                let (blocks, _) = blocks.as_chunks::<$bytes>();
                let (quants, _) = group.q.as_chunks_mut::<32>();
                for (index, ($block, $q)) in blocks.iter().zip(quants).enumerate() {
                    group.d[index] = half_at($block, 0);
                    if $mins {
                        group.m[index] = -half_at($block, 2);
                    }
                    $unpack
                }
                for index in blocks.len()..8 {
                    group.d[index] = 0.0;
                    group.m[index] = 0.0;
                }
            }
        }
    };
}

small_format!(
    /// 32 weights of 4 bits: scale.
    Q4_0, 18, offset 8, mins false, |block, q| {
        for i in 0..16 {
            q[i] = block[2 + i] & 15;
            q[i + 16] = block[2 + i] >> 4;
        }
    }
);
small_format!(
    /// 32 weights of 4 bits: scale, minimum.
    Q4_1, 20, offset 0, mins true, |block, q| {
        for i in 0..16 {
            q[i] = block[4 + i] & 15;
            q[i + 16] = block[4 + i] >> 4;
        }
    }
);
small_format!(
    /// 32 weights of 5 bits: scale.
    Q5_0, 22, offset 16, mins false, |block, q| {
        let high = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
        for i in 0..16 {
            q[i] = block[6 + i] & 15 | ((high >> i & 1) << 4) as u8;
            q[i + 16] = block[6 + i] >> 4 | ((high >> (i + 16) & 1) << 4) as u8;
        }
    }
);
small_format!(
    /// 32 weights of 5 bits: scale, minimum.
    Q5_1, 24, offset 0, mins true, |block, q| {
        let high = u32::from_le_bytes([block[4], block[5], block[6], block[7]]);
        for i in 0..16 {
            q[i] = block[8 + i] & 15 | ((high >> i & 1) << 4) as u8;
            q[i + 16] = block[8 + i] >> 4 | ((high >> (i + 16) & 1) << 4) as u8;
        }
    }
);
small_format!(
    /// 32 weights of 8 bits: scale.
    Q8_0, 34, offset 128, mins false, |block, q| {
        for i in 0..32 {
            q[i] = block[2 + i] ^ 0x80;
        }
    }
);

macro_rules! large_format {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, sub $sub:literal, offset $offset:literal, mins $mins:literal, |$block:ident, $group:ident| $unpack:block) => {
        $(#[$doc])*
        pub struct $name;

        impl Quantised for $name {
            const FORMAT: Format = Format::$name;
            const GROUP_BYTES: usize = $bytes;
            const SUB: usize = $sub;
            const OFFSET: i32 = $offset;
            const MINS: bool = $mins;

            #[inline(always)]
            fn unpack(blocks: &[u8], $group: &mut Group) {
                let Some($block) = blocks.first_chunk::<$bytes>() else { return };
                $unpack
            }
        }
    };
}

large_format!(
    /// 256 weights of 2 bits: 4-bit scale and minimum per 16.
    Q2K, 84, sub 16, offset 0, mins true, |block, group| {
        let (d, dmin) = (half_at(block, 80), half_at(block, 82));
        for i in 0..16 {
            group.d[i] = d * f32::from(block[i] & 15);
            group.m[i] = dmin * f32::from(block[i] >> 4);
        }
        for half in 0..2 {
            for quarter in 0..4 {
                for i in 0..32 {
                    group.q[half * 128 + quarter * 32 + i] = block[16 + half * 32 + i] >> (2 * quarter) & 3;
                }
            }
        }
    }
);
large_format!(
    /// 256 weights of 3 bits: 6-bit scale per 16.
    Q3K, 110, sub 16, offset 4, mins false, |block, group| {
        let d = half_at(block, 108);
        for i in 0..16 {
            group.d[i] = d * f32::from(q3k_scale(block, i));
        }
        for half in 0..2 {
            for quarter in 0..4 {
                for i in 0..32 {
                    let low = block[32 + half * 32 + i] >> (2 * quarter) & 3;
                    let high = block[i] >> (4 * half + quarter) & 1;
                    group.q[half * 128 + quarter * 32 + i] = low | high << 2;
                }
            }
        }
    }
);

/// Scale `sub` of a block of `Q3_K`.
#[inline(always)]
pub(super) fn q3k_scale(block: &[u8], sub: usize) -> i8 {
    let scales = &block[96..108];
    let low = if sub < 8 { scales[sub] & 15 } else { scales[sub - 8] >> 4 };
    let high = scales[8 + sub % 4] >> (2 * (sub / 4)) & 3;
    (low | high << 4).cast_signed() - 32
}

/// The 6-bit scales and minima of `Q4_K` and `Q5_K`, unpacked to bytes: 8 scales, then 8 minima.
#[inline(always)]
fn six_bit_pairs(packed: &[u8; 12]) -> [u8; 16] {
    let word = |at: usize| u32::from_le_bytes([packed[at], packed[at + 1], packed[at + 2], packed[at + 3]]);
    let (a, b, c) = (word(0), word(4), word(8));
    let words = [
        a & 0x3f3f_3f3f,
        c & 0x0f0f_0f0f | (a >> 6 & 0x0303_0303) << 4,
        b & 0x3f3f_3f3f,
        c >> 4 & 0x0f0f_0f0f | (b >> 6 & 0x0303_0303) << 4,
    ];
    let mut bytes = [0; 16];
    for (out, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *out = word.to_le_bytes();
    }
    bytes
}

#[inline(always)]
fn scales_and_minima(block: &[u8], group: &mut Group) {
    let (d, dmin) = (half_at(block, 0), half_at(block, 2));
    let mut packed = [0; 12];
    packed.copy_from_slice(&block[4..16]);
    let pairs = six_bit_pairs(&packed);
    for i in 0..8 {
        group.d[i] = d * f32::from(pairs[i]);
        group.m[i] = dmin * f32::from(pairs[8 + i]);
    }
}

large_format!(
    /// 256 weights of 4 bits: 6-bit scale and minimum per 32.
    Q4K, 144, sub 32, offset 0, mins true, |block, group| {
        scales_and_minima(block, group);
        for quarter in 0..4 {
            for i in 0..32 {
                let byte = block[16 + quarter * 32 + i];
                group.q[quarter * 64 + i] = byte & 15;
                group.q[quarter * 64 + 32 + i] = byte >> 4;
            }
        }
    }
);
large_format!(
    /// 256 weights of 5 bits: 6-bit scale and minimum per 32.
    Q5K, 176, sub 32, offset 0, mins true, |block, group| {
        scales_and_minima(block, group);
        for quarter in 0..4 {
            for i in 0..32 {
                let byte = block[48 + quarter * 32 + i];
                let high = block[16 + i] >> (2 * quarter);
                group.q[quarter * 64 + i] = byte & 15 | (high & 1) << 4;
                group.q[quarter * 64 + 32 + i] = byte >> 4 | (high >> 1 & 1) << 4;
            }
        }
    }
);
large_format!(
    /// 256 weights of 6 bits: 8-bit scale per 16.
    Q6K, 210, sub 16, offset 32, mins false, |block, group| {
        let d = half_at(block, 208);
        for i in 0..16 {
            group.d[i] = d * f32::from(block[192 + i].cast_signed());
        }
        for half in 0..2 {
            for i in 0..32 {
                let (a, b, high) = (block[half * 64 + i], block[half * 64 + 32 + i], block[128 + half * 32 + i]);
                group.q[half * 128 + i] = a & 15 | (high & 3) << 4;
                group.q[half * 128 + 32 + i] = b & 15 | (high >> 2 & 3) << 4;
                group.q[half * 128 + 64 + i] = a >> 4 | (high >> 4 & 3) << 4;
                group.q[half * 128 + 96 + i] = b >> 4 | (high >> 6) << 4;
            }
        }
    }
);

//! The KV cache's memory: pages of 64 tokens for all layers, in one lazily committed block.
//!
//! Per layer and key/value head a page holds the keys transposed (`[key width][64 tokens]`), so that scores of 64
//! tokens are computed side by side, and the values as they come (`[64 tokens][value width]`). In f16 that is all; in
//! eight bits the scales follow, one for 32 values of a token. Knows no sequences.

use super::format::f32_to_f16;
use super::half::{to_half, to_single};
use super::kernel::Level;
use super::pool::{Pool, Shares};
use super::versions::versions;
use crate::arena::Arena;

/// Tokens per page.
pub const PAGE: usize = 64;
/// Values of a token with one scale, in eight bits.
const BLOCK: usize = 32;

/// How keys and values are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CacheType {
    /// Half precision.
    #[default]
    F16,
    /// Whole numbers of eight bits, and a scale in half precision for each 32: 0.53 of the memory.
    Q8,
}

impl CacheType {
    /// The cache called `name`: `f16` or `q8`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::F16, Self::Q8].into_iter().find(|cache| cache.name() == name)
    }

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Q8 => "q8",
        }
    }

    /// Bytes of one key or value head of this width, for one token.
    #[must_use]
    pub fn bytes(self, width: usize) -> usize {
        match self {
            Self::F16 => 2 * width,
            Self::Q8 => width + 2 * width.div_ceil(BLOCK),
        }
    }
}

/// What a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Layers.
    pub layers: usize,
    /// Key/value heads.
    pub heads: usize,
    /// Values per key.
    pub key_width: usize,
    /// Values per value.
    pub value_width: usize,
    /// How they are kept.
    pub cache: CacheType,
}

impl Shape {
    /// Halves (16 bits) of one head of one layer.
    fn head(self) -> usize {
        PAGE * (self.cache.bytes(self.key_width) + self.cache.bytes(self.value_width)) / 2
    }

    fn page(self) -> usize {
        self.layers * self.heads * self.head()
    }

    /// Bytes of one page.
    #[must_use]
    pub fn page_bytes(self) -> usize {
        2 * self.page()
    }

    /// Halves that [`Pages::head`] needs to unpack into.
    #[must_use]
    pub fn unpacked(self) -> usize {
        match self.cache {
            CacheType::F16 => 0,
            CacheType::Q8 => PAGE * (self.key_width + self.value_width),
        }
    }
}

/// A token's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Page number.
    pub page: u32,
    /// Token within the page, below [`PAGE`].
    pub slot: u32,
}

/// All pages.
pub struct Pages {
    shape: Shape,
    arena: Arena,
}

/// One head of one layer of a page in eight bits.
struct Eights<'a> {
    keys: &'a mut [i8],
    values: &'a mut [i8],
    /// `[blocks][64 tokens]`.
    key_scales: &'a mut [u16],
    /// `[64 tokens][blocks]`.
    value_scales: &'a mut [u16],
}

impl Pages {
    /// Room for `count` pages. The operating system commits memory as pages are first written.
    ///
    /// # Errors
    /// When the system refuses the address space.
    pub fn new(shape: Shape, count: usize) -> std::io::Result<Self> {
        let bytes = shape.page_bytes().checked_mul(count).ok_or(std::io::ErrorKind::OutOfMemory)?;
        Ok(Self { shape, arena: Arena::new(bytes)? })
    }

    fn data(&self) -> &[u16] {
        // SAFETY: any two bytes are a half, and the arena is aligned far beyond two bytes.
        unsafe { self.arena.bytes().align_to().1 }
    }

    fn data_mut(&mut self) -> &mut [u16] {
        // SAFETY: as above.
        unsafe { self.arena.bytes_mut().align_to_mut().1 }
    }

    /// What a page holds.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Number of pages.
    #[must_use]
    pub fn count(&self) -> usize {
        self.data().len() / self.shape.page()
    }

    /// Copies page `from` over page `to`.
    pub fn copy(&mut self, from: u32, to: u32) {
        let size = self.shape.page();
        self.data_mut().copy_within(from as usize * size..(from as usize + 1) * size, to as usize * size);
    }

    /// Appends the first `used` tokens of a page to `out`: a whole page, with zeros for the others.
    pub fn save(&self, page: u32, used: usize, out: &mut Vec<u8>) {
        let size = self.shape.page();
        let mut copy = self.data()[page as usize * size..(page as usize + 1) * size].to_vec();
        for head in copy.chunks_exact_mut(self.shape.head()) {
            blank(self.shape, head, used);
        }
        out.extend(copy.iter().flat_map(|half| half.to_ne_bytes()));
    }

    /// Fills a page with what [`Pages::save`] gave.
    ///
    /// # Panics
    /// When these are not the bytes of a page.
    pub fn restore(&mut self, page: u32, bytes: &[u8]) {
        let size = self.shape.page_bytes();
        self.arena.bytes_mut()[page as usize * size..(page as usize + 1) * size].copy_from_slice(bytes);
    }

    /// Stores one token's keys and values (all heads, heads one after the other) per place.
    ///
    /// # Panics
    /// When a place does not exist.
    pub fn store(
        &mut self,
        (pool, level): (&mut Pool, Level),
        layer: usize,
        places: &[Place],
        keys: &[f32],
        values: &[f32],
    ) {
        let shape = self.shape;
        let (kw, vw) = (shape.key_width, shape.value_width);
        let data = Shares::new(self.data_mut());
        pool.run(shape.heads, &|head, _| {
            for (row, place) in places.iter().enumerate() {
                let start = place.page as usize * shape.page() + (layer * shape.heads + head) * shape.head();
                assert!((place.slot as usize) < PAGE, "a slot beyond its page. This is a bug.");
                // SAFETY: a task touches only its own head's part of any page.
                let part = unsafe { data.slice(start, shape.head()) };
                let keys = &keys[(row * shape.heads + head) * kw..][..kw];
                let values = &values[(row * shape.heads + head) * vw..][..vw];
                match shape.cache {
                    CacheType::F16 => store_halves(level, part, place.slot as usize, keys, values),
                    CacheType::Q8 => store_eights(eights(shape, part), place.slot as usize, keys, values),
                }
            }
        });
    }

    /// Keys and values of one head of one layer of a page; unpacked into `room` ([`Shape::unpacked`] long) where they
    /// are not in halves.
    #[must_use]
    pub fn head<'a>(
        &'a self,
        level: Level,
        (page, layer, head): (u32, usize, usize),
        room: &'a mut [u16],
    ) -> (&'a [u16], &'a [u16]) {
        let part = self.packed_head(page, layer, head);
        let keys = PAGE * self.shape.key_width;
        match self.shape.cache {
            CacheType::F16 => part.split_at(keys),
            CacheType::Q8 => {
                unpack(level, self.shape, part, room);
                let room: &[u16] = room;
                room.split_at(keys)
            }
        }
    }

    /// What is read first of a page that comes next, to ask for it ahead of time: the keys, or all in eight bits.
    #[must_use]
    pub fn next_head(&self, page: u32, layer: usize, head: usize) -> &[u16] {
        let part = self.packed_head(page, layer, head);
        match self.shape.cache {
            CacheType::F16 => &part[..PAGE * self.shape.key_width],
            CacheType::Q8 => part,
        }
    }

    fn packed_head(&self, page: u32, layer: usize, head: usize) -> &[u16] {
        let start = page as usize * self.shape.page() + (layer * self.shape.heads + head) * self.shape.head();
        &self.data()[start..start + self.shape.head()]
    }
}

fn eights(shape: Shape, part: &mut [u16]) -> Eights<'_> {
    let (kw, vw) = (shape.key_width, shape.value_width);
    let (cells, scales) = part.split_at_mut(PAGE * (kw + vw) / 2);
    // SAFETY: any byte is a whole number of eight bits, and these need no alignment.
    let cells: &mut [i8] = unsafe { cells.align_to_mut().1 };
    let (keys, values) = cells.split_at_mut(PAGE * kw);
    let (key_scales, value_scales) = scales.split_at_mut(PAGE * kw.div_ceil(BLOCK));
    Eights { keys, values, key_scales, value_scales }
}

/// Zeros for the tokens from `used` on.
fn blank(shape: Shape, part: &mut [u16], used: usize) {
    fn columns<T: Default + Copy>(keys: &mut [T], used: usize) {
        keys.chunks_exact_mut(PAGE).for_each(|column| column[used..].fill(T::default()));
    }
    match shape.cache {
        CacheType::F16 => {
            let (keys, values) = part.split_at_mut(PAGE * shape.key_width);
            columns(keys, used);
            values[used * shape.value_width..].fill(0);
        }
        CacheType::Q8 => {
            let part = eights(shape, part);
            columns(part.keys, used);
            columns(part.key_scales, used);
            part.values[used * shape.value_width..].fill(0);
            part.value_scales[used * shape.value_width.div_ceil(BLOCK)..].fill(0);
        }
    }
}

fn store_halves(level: Level, part: &mut [u16], slot: usize, keys: &[f32], values: &[f32]) {
    let mut key = [0_u16; PAGE];
    let (kw, vw) = (keys.len(), values.len());
    let (k, v) = part.split_at_mut(PAGE * kw);
    for (columns, keys) in k.chunks_mut(PAGE * PAGE).zip(keys.chunks(PAGE)) {
        to_half(level, keys, &mut key[..keys.len()]);
        for (column, key) in columns.chunks_exact_mut(PAGE).zip(key) {
            column[slot] = key;
        }
    }
    to_half(level, values, &mut v[slot * vw..][..vw]);
}

fn store_eights(part: Eights<'_>, slot: usize, keys: &[f32], values: &[f32]) {
    let vw = values.len();
    for (block, keys) in keys.chunks(BLOCK).enumerate() {
        let (scale, cells) = quantise(keys);
        part.key_scales[block * PAGE + slot] = scale;
        for (column, cell) in part.keys[block * BLOCK * PAGE..].chunks_exact_mut(PAGE).zip(&cells[..keys.len()]) {
            column[slot] = *cell;
        }
    }
    for (block, values) in values.chunks(BLOCK).enumerate() {
        let (scale, cells) = quantise(values);
        part.value_scales[slot * vw.div_ceil(BLOCK) + block] = scale;
        part.values[slot * vw + block * BLOCK..][..values.len()].copy_from_slice(&cells[..values.len()]);
    }
}

/// Up to 32 values as whole numbers of a scale. Plain on purpose: every kernel must round alike.
fn quantise(values: &[f32]) -> (u16, [i8; BLOCK]) {
    // What is not a number must not become zero: its scale is not one either.
    let farther = |most: f32, value: &f32| if most.is_nan() || value.abs() <= most { most } else { value.abs() };
    let scale = f32_to_f16(values.iter().fold(0.0, farther) / 127.0);
    let single = super::format::f16_to_f32(scale);
    let mut cells = [0; BLOCK];
    for (cell, value) in cells.iter_mut().zip(values) {
        *cell = (value / single).round_ties_even().clamp(-127.0, 127.0) as i8;
    }
    (scale, cells)
}

/// Values unpacked at once.
const RUN: usize = BLOCK * PAGE;

/// Every cell times its scale, rounded to half precision.
fn unpack(level: Level, shape: Shape, part: &[u16], out: &mut [u16]) {
    let (kw, vw) = (shape.key_width, shape.value_width);
    let (cells, scales) = part.split_at(PAGE * (kw + vw) / 2);
    // SAFETY: as in `eights`.
    let cells: &[i8] = unsafe { cells.align_to().1 };
    let (keys, values) = cells.split_at(PAGE * kw);
    let (key_scales, value_scales) = scales.split_at(PAGE * kw.div_ceil(BLOCK));
    let (out_keys, out_values) = out.split_at_mut(PAGE * kw);
    let mut singles = [0.0_f32; RUN];
    let mut factors = [0.0_f32; PAGE];
    for ((cells, scales), out) in keys.chunks(RUN).zip(key_scales.chunks(PAGE)).zip(out_keys.chunks_mut(RUN)) {
        to_single(level, scales, &mut factors);
        columns(level, cells, &factors, &mut singles[..cells.len()]);
        to_half(level, &singles[..cells.len()], out);
    }
    let blocks = vw.div_ceil(BLOCK);
    for ((cells, scales), out) in
        values.chunks_exact(vw).zip(value_scales.chunks_exact(blocks)).zip(out_values.chunks_exact_mut(vw))
    {
        for ((cells, scale), out) in cells.chunks(BLOCK).zip(scales).zip(out.chunks_mut(BLOCK)) {
            to_single(level, &[*scale], &mut factors[..1]);
            scaled(level, cells, factors[0], &mut singles[..cells.len()]);
            to_half(level, &singles[..cells.len()], out);
        }
    }
}

versions!(fn columns(cells: &[i8], factors: &[f32; PAGE], out: &mut [f32]) = columns_body);
versions!(fn scaled(cells: &[i8], factor: f32, out: &mut [f32]) = scaled_body);

#[inline(always)]
fn columns_body(cells: &[i8], factors: &[f32; PAGE], out: &mut [f32]) {
    for (cells, out) in cells.as_chunks::<PAGE>().0.iter().zip(out.as_chunks_mut::<PAGE>().0) {
        for ((out, cell), factor) in out.iter_mut().zip(cells).zip(factors) {
            *out = f32::from(*cell) * factor;
        }
    }
}

#[inline(always)]
fn scaled_body(cells: &[i8], factor: f32, out: &mut [f32]) {
    for (out, cell) in out.iter_mut().zip(cells) {
        *out = f32::from(*cell) * factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernel;

    fn value(i: usize) -> f32 {
        ((i * 7919 % 1009) as f32 / 500.0 - 1.0) * if i % 331 == 0 { 20.0 } else { 1.0 }
    }

    /// 70 tokens in two pages, then what lies there.
    fn filled(cache: CacheType, kernel: Kernel) -> (Pages, Vec<f32>, Vec<f32>) {
        let shape = Shape { layers: 2, heads: 3, key_width: 80, value_width: 48, cache };
        let mut pages = Pages::new(shape, 3).expect("memory");
        let places: Vec<Place> =
            (0..70).map(|i| Place { page: 2 - (i / PAGE) as u32, slot: (i % PAGE) as u32 }).collect();
        let keys: Vec<f32> = (0..70 * 3 * 80).map(value).collect();
        let values: Vec<f32> = (0..70 * 3 * 48).map(|i| value(i + 5)).collect();
        pages.store((&mut Pool::new(1).expect("threads"), kernel.level()), 1, &places, &keys, &values);
        (pages, keys, values)
    }

    /// What eight bits make of `values` by the definition.
    fn by_definition(values: &[f32]) -> Vec<f32> {
        let block = |block: &[f32]| {
            let most = block.iter().map(|value| value.abs()).fold(0.0, f32::max);
            let scale = ::half::f16::from_f32(most / 127.0).to_f32();
            block.iter().map(|v| ::half::f16::from_f32((v / scale).round_ties_even() * scale).to_f32()).collect()
        };
        values.chunks(BLOCK).flat_map(|values| -> Vec<f32> { block(values) }).collect()
    }

    #[test]
    fn every_kernel_keeps_what_the_definition_says() {
        for kernel in Kernel::available() {
            for cache in [CacheType::F16, CacheType::Q8] {
                let (pages, keys, values) = filled(cache, kernel);
                let mut room = vec![0; pages.shape().unpacked()];
                for token in [0, 1, 63, 64, 69] {
                    for head in 0..3 {
                        let page = 2 - (token / PAGE) as u32;
                        let (k, v) = pages.head(kernel.level(), (page, 1, head), &mut room);
                        let single = |half: u16| ::half::f16::from_bits(half).to_f32();
                        let key: Vec<f32> = (0..80).map(|i| single(k[i * PAGE + token % PAGE])).collect();
                        let value: Vec<f32> = v[token % PAGE * 48..][..48].iter().map(|half| single(*half)).collect();
                        let kept = |values: &[f32]| match cache {
                            CacheType::Q8 => by_definition(values),
                            CacheType::F16 => values.iter().map(|v| ::half::f16::from_f32(*v).to_f32()).collect(),
                        };
                        assert_eq!(key, kept(&keys[(token * 3 + head) * 80..][..80]), "{kernel:?} {cache:?}");
                        assert_eq!(value, kept(&values[(token * 3 + head) * 48..][..48]), "{kernel:?} {cache:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn eight_bits_take_half_the_memory_and_a_block_of_zeros_stays_zero() {
        assert_eq!((CacheType::F16.bytes(128), CacheType::Q8.bytes(128)), (256, 136));
        assert_eq!(quantise(&[0.0; 32]), (0, [0; 32]));
        assert_eq!(quantise(&[0.0, 127.0, -254.0]).1[..3], [0, 64, -127]);
        for values in [[1.0, f32::NAN, 2.0], [f32::NAN; 3], [1.0, 2.0, f32::NAN]] {
            assert!(::half::f16::from_bits(quantise(&values).0).is_nan());
        }
    }

    #[test]
    fn a_saved_page_holds_its_first_tokens_and_nothing_else() {
        for cache in [CacheType::F16, CacheType::Q8] {
            let (mut pages, ..) = filled(cache, Kernel::best());
            let (mut saved, mut again) = (Vec::new(), Vec::new());
            pages.save(2, 5, &mut saved);
            assert_eq!(saved.len(), pages.shape().page_bytes());
            pages.restore(0, &saved);
            pages.save(0, 64, &mut again);
            assert!(saved == again, "the other tokens were not zero");
            let mut room = vec![0; pages.shape().unpacked()];
            let mut other = room.clone();
            let level = Kernel::best().level();
            for head in 0..3 {
                let (k, v) = pages.head(level, (0, 1, head), &mut room);
                let (whole_k, whole_v) = pages.head(level, (2, 1, head), &mut other);
                for (column, whole) in k.chunks(PAGE).zip(whole_k.chunks(PAGE)) {
                    assert_eq!((&column[..5], &column[5..]), (&whole[..5], &[0; 59][..]));
                }
                assert_eq!((&v[..5 * 48], &v[5 * 48..]), (&whole_v[..5 * 48], &[0; 59 * 48][..]));
            }
        }
    }
}

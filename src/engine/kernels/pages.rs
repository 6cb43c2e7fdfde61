//! The KV cache's memory: pages of 64 tokens in f16, for all layers, in one lazily committed block.
//!
//! Per layer and key/value head a page holds the keys transposed (`[key width][64 tokens]`), so that scores of 64
//! tokens are computed side by side, and the values as they come (`[64 tokens][value width]`). Knows no sequences.

use super::half::to_half;
use super::kernel::Level;
use super::pool::{Pool, Shares};
use crate::arena::Arena;

/// Tokens per page.
pub const PAGE: usize = 64;

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
}

impl Shape {
    fn head(self) -> usize {
        PAGE * (self.key_width + self.value_width)
    }

    fn page(self) -> usize {
        self.layers * self.heads * self.head()
    }

    /// Bytes of one page.
    #[must_use]
    pub fn page_bytes(self) -> usize {
        2 * self.page()
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

impl Pages {
    /// Room for `count` pages. The operating system commits memory as pages are first written.
    ///
    /// # Errors
    /// When the system refuses the address space.
    pub fn new(shape: Shape, count: usize) -> std::io::Result<Self> {
        Ok(Self { shape, arena: Arena::new(shape.page_bytes() * count)? })
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
            let mut key = [0_u16; PAGE];
            for (row, place) in places.iter().enumerate() {
                let start = place.page as usize * shape.page() + (layer * shape.heads + head) * shape.head();
                let slot = place.slot as usize;
                assert!(slot < PAGE, "a slot beyond its page. This is a bug.");
                // SAFETY: a task touches only its own head's part of any page.
                let part = unsafe { data.slice(start, shape.head()) };
                let (k, v) = part.split_at_mut(PAGE * kw);
                let keys = &keys[(row * shape.heads + head) * kw..][..kw];
                for (columns, keys) in k.chunks_mut(PAGE * PAGE).zip(keys.chunks(PAGE)) {
                    to_half(level, keys, &mut key[..keys.len()]);
                    for (column, key) in columns.chunks_exact_mut(PAGE).zip(key) {
                        column[slot] = key;
                    }
                }
                to_half(level, &values[(row * shape.heads + head) * vw..][..vw], &mut v[slot * vw..][..vw]);
            }
        });
    }

    /// Keys and values of one head of one layer of a page.
    #[must_use]
    pub fn head(&self, page: u32, layer: usize, head: usize) -> (&[u16], &[u16]) {
        let start = page as usize * self.shape.page() + (layer * self.shape.heads + head) * self.shape.head();
        self.data()[start..start + self.shape.head()].split_at(PAGE * self.shape.key_width)
    }
}

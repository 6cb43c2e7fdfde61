//! One block of zeroed memory in large pages. Knows nothing of what is in it.
//!
//! Weights are read from front to back at the speed of the memory, and with pages of 4 KiB half of that speed is lost to
//! address translation and to prefetching that stops at every page's end. The system commits a page when it is first
//! written.

use memmap2::MmapMut;

/// A large page of x86-64 and of most ARM systems.
const LARGE: usize = 2 << 20;

/// The block.
pub struct Arena {
    map: MmapMut,
    start: usize,
    length: usize,
}

impl Arena {
    /// `length` bytes of zeros, beginning on a large page.
    ///
    /// # Errors
    /// When the system refuses the address space.
    pub fn new(length: usize) -> std::io::Result<Self> {
        let room = length.max(1).checked_add(LARGE).ok_or(std::io::ErrorKind::OutOfMemory)?;
        let map = MmapMut::map_anon(room)?;
        let start = map.as_ptr().align_offset(LARGE);
        #[cfg(target_os = "linux")]
        // A system without large pages is slower, not wrong.
        let _ =
            map.advise_range(memmap2::Advice::HugePage, start, length.next_multiple_of(LARGE).min(map.len() - start));
        Ok(Self { map, start, length })
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.map[self.start..self.start + self.length]
    }

    /// The bytes, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.map[self.start..self.start + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_address_space_is_refused() {
        assert!(Arena::new(usize::MAX).is_err());
        assert!(Arena::new(1 << 60).is_err());
    }

    #[test]
    fn it_is_zero_aligned_and_writable_to_the_end() {
        for length in [0, 1, 4096, LARGE, LARGE + 1] {
            let mut arena = Arena::new(length).expect("memory");
            assert_eq!(arena.bytes().len(), length);
            assert!(arena.bytes().as_ptr().addr().is_multiple_of(LARGE));
            assert!(arena.bytes().iter().all(|byte| *byte == 0));
            if let Some(last) = arena.bytes_mut().last_mut() {
                *last = 7;
            }
            assert_eq!(arena.bytes().last().copied(), (length > 0).then_some(7));
        }
    }
}

//! Sequences over shared pages: reference counts, copy on write, truncation and the budget. Knows no arithmetic.

use super::{ModelError, Sequence};
use crate::kernels::pages::{PAGE, Pages, Place};

/// The tokens a sequence has, as pages.
#[derive(Debug, Default)]
struct Past {
    pages: Vec<u32>,
    length: usize,
}

/// All sequences of a model.
pub(super) struct Sequences {
    pages: Pages,
    /// Sequences that hold a page.
    references: Vec<u32>,
    free: Vec<u32>,
    live: Vec<Option<Past>>,
}

impl Sequences {
    pub(super) fn new(pages: Pages) -> Self {
        let count = pages.count();
        // The last is used first, so that page 0 is the first one touched.
        let free = (0..count as u32).rev().collect();
        Self { pages, references: vec![0; count], free, live: Vec::new() }
    }

    pub(super) fn pages(&self) -> &Pages {
        &self.pages
    }

    pub(super) fn pages_mut(&mut self) -> &mut Pages {
        &mut self.pages
    }

    /// Bytes in use and allowed.
    pub(super) fn bytes(&self) -> (usize, usize) {
        let (all, size) = (self.pages.count(), self.pages.shape().page_bytes());
        ((all - self.free.len()) * size, all * size)
    }

    pub(super) fn create(&mut self) -> Sequence {
        self.place(Past::default())
    }

    /// `None` when there is no such sequence.
    pub(super) fn fork(&mut self, sequence: Sequence) -> Option<Sequence> {
        let past = self.past(sequence)?;
        let copy = Past { pages: past.pages.clone(), length: past.length };
        for page in &copy.pages {
            self.references[*page as usize] += 1;
        }
        Some(self.place(copy))
    }

    fn place(&mut self, past: Past) -> Sequence {
        let index = self.live.iter().position(Option::is_none).unwrap_or_else(|| {
            self.live.push(None);
            self.live.len() - 1
        });
        self.live[index] = Some(past);
        Sequence(index as u32)
    }

    pub(super) fn exists(&self, sequence: Sequence) -> bool {
        self.past(sequence).is_some()
    }

    pub(super) fn length(&self, sequence: Sequence) -> usize {
        self.past(sequence).map_or(0, |past| past.length)
    }

    pub(super) fn list(&self, sequence: Sequence) -> &[u32] {
        self.past(sequence).map_or(&[], |past| &past.pages)
    }

    pub(super) fn place_of(&self, sequence: Sequence, position: usize) -> Place {
        Place { page: self.list(sequence)[position / PAGE], slot: (position % PAGE) as u32 }
    }

    pub(super) fn truncate(&mut self, sequence: Sequence, length: usize) {
        let Some(Some(past)) = self.live.get_mut(sequence.0 as usize) else { return };
        if length > past.length {
            return;
        }
        past.length = length;
        for page in past.pages.drain(length.div_ceil(PAGE)..) {
            release(&mut self.references, &mut self.free, page);
        }
    }

    pub(super) fn end(&mut self, sequence: Sequence) {
        self.truncate(sequence, 0);
        if let Some(place) = self.live.get_mut(sequence.0 as usize) {
            *place = None;
        }
    }

    /// Gives every named sequence pages of its own for so many more tokens; its length stays.
    ///
    /// # Errors
    /// [`ModelError::CacheFull`], and then nothing has changed.
    pub(super) fn reserve(
        &mut self,
        wanted: impl Iterator<Item = (Sequence, usize)> + Clone,
    ) -> Result<(), ModelError> {
        let needed: usize = wanted.clone().map(|(sequence, tokens)| self.needed(sequence, tokens)).sum();
        if needed > self.free.len() {
            return Err(ModelError::CacheFull);
        }
        for (sequence, tokens) in wanted {
            self.extend(sequence, tokens);
        }
        Ok(())
    }

    /// The pages of a sequence's first `length` tokens, one after the other; what the last one holds beyond them is zero.
    pub(super) fn save(&self, sequence: Sequence, length: usize) -> Vec<u8> {
        let length = length.min(self.length(sequence));
        let mut bytes = Vec::with_capacity(length.div_ceil(PAGE) * self.pages.shape().page_bytes());
        for (index, page) in self.list(sequence)[..length.div_ceil(PAGE)].iter().enumerate() {
            self.pages.save(*page, (length - index * PAGE).min(PAGE), &mut bytes);
        }
        bytes
    }

    /// A sequence of `length` tokens with these pages, as [`Sequences::save`] gave them.
    ///
    /// # Errors
    /// [`ModelError::CacheFull`], and then nothing has changed.
    pub(super) fn restore(&mut self, length: usize, bytes: &[u8]) -> Result<Sequence, ModelError> {
        if length.div_ceil(PAGE) > self.free.len() {
            return Err(ModelError::CacheFull);
        }
        let sequence = self.create();
        self.extend(sequence, length);
        let size = self.pages.shape().page_bytes();
        for (index, bytes) in bytes.chunks_exact(size).enumerate() {
            let page = self.list(sequence)[index];
            self.pages.restore(page, bytes);
        }
        self.advance(sequence, length);
        Ok(sequence)
    }

    /// The sequence's last page, when it is partly filled and others hold it too.
    fn shared_tail(&self, past: &Past) -> Option<u32> {
        let tail = *past.pages.get(past.length / PAGE)?;
        (self.references[tail as usize] > 1).then_some(tail)
    }

    fn needed(&self, sequence: Sequence, tokens: usize) -> usize {
        let Some(past) = self.past(sequence) else { return 0 };
        let copies = usize::from(self.shared_tail(past).is_some());
        (past.length + tokens).div_ceil(PAGE).saturating_sub(past.pages.len()) + copies
    }

    fn extend(&mut self, sequence: Sequence, tokens: usize) {
        let Some(past) = self.past(sequence) else { return };
        let (length, have) = (past.length, past.pages.len());
        let tail = self.shared_tail(past);
        let fresh = (length + tokens).div_ceil(PAGE).saturating_sub(have);
        if let Some(tail) = tail {
            let own = self.take();
            self.pages.copy(tail, own);
            release(&mut self.references, &mut self.free, tail);
            self.past_mut(sequence).pages[length / PAGE] = own;
        }
        for _ in 0..fresh {
            let page = self.take();
            self.past_mut(sequence).pages.push(page);
        }
    }

    fn take(&mut self) -> u32 {
        let page = self.free.pop().expect("pages were counted before they were taken. This is a bug.");
        self.references[page as usize] = 1;
        page
    }

    /// Counts tokens that were computed.
    pub(super) fn advance(&mut self, sequence: Sequence, tokens: usize) {
        self.past_mut(sequence).length += tokens;
    }

    fn past(&self, sequence: Sequence) -> Option<&Past> {
        self.live.get(sequence.0 as usize)?.as_ref()
    }

    fn past_mut(&mut self, sequence: Sequence) -> &mut Past {
        let past = self.live.get_mut(sequence.0 as usize).and_then(Option::as_mut);
        past.expect("a sequence ended while it was computed. This is a bug.")
    }
}

fn release(references: &mut [u32], free: &mut Vec<u32>, page: u32) {
    references[page as usize] -= 1;
    if references[page as usize] == 0 {
        free.push(page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::pages::{CacheType, Shape};

    fn sequences(pages: usize) -> Sequences {
        let shape = Shape { layers: 1, heads: 1, key_width: 2, value_width: 2, cache: CacheType::F16 };
        Sequences::new(Pages::new(shape, pages).expect("memory"))
    }

    fn grow(all: &mut Sequences, sequence: Sequence, tokens: usize) -> Result<(), ModelError> {
        all.reserve(std::iter::once((sequence, tokens)))?;
        all.advance(sequence, tokens);
        Ok(())
    }

    #[test]
    fn a_fork_shares_pages_until_it_writes() {
        let mut all = sequences(4);
        let first = all.create();
        grow(&mut all, first, PAGE + 1).expect("room");
        let second = all.fork(first).expect("a sequence");
        assert_eq!(all.list(first), all.list(second));
        grow(&mut all, second, 1).expect("room");
        assert_eq!(all.list(first)[0], all.list(second)[0]);
        assert_ne!(all.list(first)[1], all.list(second)[1]);
        assert_eq!(all.bytes().0, 3 * all.pages().shape().page_bytes());
        all.end(first);
        all.end(second);
        assert_eq!(all.bytes().0, 0);
    }

    #[test]
    fn a_full_cache_changes_nothing() {
        let mut all = sequences(2);
        let first = all.create();
        grow(&mut all, first, PAGE).expect("room");
        let used = all.bytes();
        assert_eq!(grow(&mut all, first, PAGE + 1), Err(ModelError::CacheFull));
        assert_eq!((all.bytes(), all.length(first), all.list(first).len()), (used, PAGE, 1));
        grow(&mut all, first, PAGE).expect("room");
        all.truncate(first, 3);
        assert_eq!((all.length(first), all.list(first).len()), (3, 1));
    }

    #[test]
    fn truncating_inside_a_shared_page_keeps_the_others_past() {
        let mut all = sequences(3);
        let first = all.create();
        grow(&mut all, first, 10).expect("room");
        let second = all.fork(first).expect("a sequence");
        all.truncate(second, 4);
        grow(&mut all, second, 1).expect("room");
        assert_ne!(all.list(first), all.list(second));
        assert_eq!((all.length(first), all.length(second)), (10, 5));
    }
}

//! A verbatim piece of a text, from word border to word border: the shape of a quotation.
//!
//! State is the set of places in the text where what was said so far may end. A token may follow when its bytes are
//! the text's bytes at one of these places; as every byte has a token, there is always a way on.

use std::collections::BTreeMap;

use toktrie::{SimpleVob, TokEnv};

/// A run of characters that are not white space, as byte offsets.
#[derive(Clone, Copy, Debug)]
struct Word {
    start: usize,
    /// After its last letter or digit; a quotation may leave out the full stop.
    core: usize,
    end: usize,
}

/// A span in the making.
pub(crate) struct Span {
    environment: TokEnv,
    text: Box<[u8]>,
    words: Vec<Word>,
    min_words: usize,
    max_words: usize,
    /// Where what was said may end, and the first word of each such reading. Empty before the first token.
    places: BTreeMap<usize, Vec<usize>>,
    begun: bool,
    ended: bool,
}

impl Span {
    pub(super) fn new(environment: TokEnv, text: &str, min_words: usize, max_words: usize) -> Result<Self, String> {
        let words = words(text);
        let min_words = min_words.max(1);
        if max_words < min_words {
            return Err(format!("a span of {min_words} to {max_words} words"));
        }
        if words.len() < min_words {
            return Err(format!("a span of at least {min_words} words of a text of {}", words.len()));
        }
        let text = text.as_bytes().into();
        let places = BTreeMap::new();
        Ok(Self { environment, text, words, min_words, max_words, places, begun: false, ended: false })
    }

    /// The readings so far: place and first word. Before the first token, every word with enough words after it.
    fn readings(&self) -> Vec<(usize, usize)> {
        if self.begun {
            return self.places.iter().flat_map(|(at, firsts)| firsts.iter().map(|first| (*at, *first))).collect();
        }
        let last = self.words.len() - self.min_words;
        (0..=last).map(|first| (self.words[first].start, first)).collect()
    }

    /// Where a reading that began with word `first` must have ended.
    fn limit(&self, first: usize) -> usize {
        let last = first.saturating_add(self.max_words - 1).min(self.words.len() - 1);
        self.words[last].end
    }

    /// Whether a span from word `first` may end at `at`.
    fn may_end(&self, at: usize, first: usize) -> bool {
        let word = self.words.partition_point(|word| word.end < at);
        let border = self.words.get(word).is_some_and(|word| word.start < at && (word.end == at || word.core == at));
        border && word + 1 >= first + self.min_words
    }

    pub(super) fn allowed(&self) -> SimpleVob {
        let trie = self.environment.tok_trie();
        let mut mask = trie.alloc_token_set();
        if self.ended {
            mask.allow_token(trie.eos_token());
            return mask;
        }
        // One reading per place reaches furthest: the one that began last.
        let mut furthest: BTreeMap<usize, usize> = BTreeMap::new();
        for (at, first) in self.readings() {
            let limit = self.limit(first);
            furthest.entry(at).and_modify(|known| *known = limit.max(*known)).or_insert(limit);
            if self.begun && self.may_end(at, first) {
                mask.allow_token(trie.eos_token());
            }
        }
        for (at, limit) in furthest {
            let mut node = trie.root();
            for byte in &self.text[at..limit] {
                let Some(child) = trie.child_at_byte(node, *byte) else { break };
                node = child;
                if let Some(token) = node.token_id() {
                    mask.allow_token(token);
                }
            }
        }
        mask
    }

    pub(super) fn accept(&mut self, token: u32) -> Result<(), String> {
        let trie = self.environment.tok_trie();
        if token == trie.eos_token() {
            self.ended = true;
            return Ok(());
        }
        let said = trie.token(token);
        let mut places: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, first) in self.readings() {
            let end = at + said.len();
            if end <= self.limit(first) && self.text[at..].starts_with(said) {
                places.entry(end).or_default().push(first);
            }
        }
        if places.is_empty() || said.is_empty() {
            return Err(format!("{:?} does not occur there", String::from_utf8_lossy(said)));
        }
        (self.places, self.begun) = (places, true);
        Ok(())
    }

    /// What must follow when all readings agree: the bytes up to the next place where the span may end.
    pub(super) fn forced(&self) -> Vec<u32> {
        if !self.begun || self.ended || self.places.len() != 1 {
            return Vec::new();
        }
        let Some((at, firsts)) = self.places.iter().next() else { return Vec::new() };
        let ends = |at: usize| firsts.iter().any(|first| self.may_end(at, *first));
        let limit = firsts.iter().map(|first| self.limit(*first)).max().unwrap_or(*at);
        if ends(*at) || limit <= *at {
            return Vec::new();
        }
        let Some(end) = (at + 1..=limit).find(|end| ends(*end)) else { return Vec::new() };
        // Cut at white space in front of the last word, so that the tokens are those of running text; the rest of a
        // word that has begun is left to the model's own way of cutting.
        let Some(cut) = (at + 1..end).rev().find(|cut| self.text[*cut].is_ascii_whitespace()) else {
            return Vec::new();
        };
        if !self.text[*at].is_ascii_whitespace() {
            return Vec::new();
        }
        self.environment.tokenize_bytes(&self.text[*at..cut])
    }

    pub(super) fn is_finished(&self) -> bool {
        let exhausted = |(at, firsts): (&usize, &Vec<usize>)| firsts.iter().all(|first| *at >= self.limit(*first));
        self.ended || (self.begun && self.places.iter().all(exhausted))
    }
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, character.is_whitespace()) {
            (None, false) => start = Some(at),
            (Some(from), true) => {
                let run = &text[from..at];
                let bare = run.trim_end_matches(|c: char| !c.is_alphanumeric());
                let core = if bare.is_empty() { at } else { from + bare.len() };
                words.push(Word { start: from, core, end: at });
                start = None;
            }
            _ => {}
        }
    }
    words
}

//! SentencePiece as in Llama 2, Mistral and Gemma: merge the neighbours whose union scores best; or its Unigram kind: the
//! likeliest row of pieces. Bytes for the rest.
//!
//! The algorithms are those of SentencePiece's `bpe_model` (pairs by score, leftmost first) and `unigram_model` (Viterbi; Kudo
//! 2018). Spaces are `▁` inside. Nothing is normalised: what a person typed must come back byte for byte.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use super::TextError;
use crate::gguf::{Error, File};

const SPACE: char = '▁';

/// How pieces are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Neighbours are merged (BPE).
    Merges,
    /// The pieces whose scores have the greatest sum (Unigram).
    Likeliest,
}

/// SentencePiece's: how much less likely than the least likely piece a character without one is.
const UNKNOWN: f32 = 10.0;

/// Pieces by text, with their scores.
pub(super) struct Cut {
    way: Way,
    /// Bytes of the longest piece.
    longest: usize,
    least: f32,
    pieces: HashMap<String, (u32, f32)>,
    bytes: Box<[u32; 256]>,
    leading_space: bool,
}

/// A part of the content during merging; `length` 0 = merged into its left neighbour.
#[derive(Clone, Copy)]
struct Symbol {
    start: usize,
    length: usize,
    left: Option<usize>,
    right: Option<usize>,
}

/// A union that may be made.
struct Union {
    score: f32,
    left: usize,
    right: usize,
    /// The union is stale when its parts no longer have this length together.
    length: usize,
}

impl Ord for Union {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Union {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Union {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Union {}

impl Cut {
    /// `normal` tells the tokens that content may become.
    pub(super) fn read(file: &File, tokens: &[&str], normal: impl Fn(usize) -> bool, way: Way) -> Result<Self, Error> {
        let scores = file.floats("tokenizer.ggml.scores")?;
        if scores.len() != tokens.len() {
            let (scores, tokens) = (scores.len(), tokens.len());
            return Err(Error::corrupt("tokenizer", format!("{scores} scores for {tokens} tokens")));
        }
        let mut pieces = HashMap::with_capacity(tokens.len());
        let mut bytes = [None; 256];
        for (id, (token, score)) in tokens.iter().zip(&scores).enumerate().filter(|(id, _)| normal(*id)) {
            match byte(token) {
                Some(byte) => bytes[usize::from(byte)] = Some(id as u32),
                None => {
                    pieces.entry((*token).to_owned()).or_insert((id as u32, *score));
                }
            }
        }
        let mut all = Box::new([0; 256]);
        for (byte, (slot, id)) in all.iter_mut().zip(bytes).enumerate() {
            *slot = id.ok_or_else(|| Error::corrupt("tokenizer", format!("no token for byte {byte:#04x}")))?;
        }
        let leading_space = file.boolean("tokenizer.ggml.add_space_prefix").unwrap_or(true);
        Ok(Self::of(way, pieces, all, leading_space))
    }

    fn of(way: Way, pieces: HashMap<String, (u32, f32)>, bytes: Box<[u32; 256]>, leading_space: bool) -> Self {
        // Longer ones, in a file that means harm, would only take time.
        let longest = pieces.keys().map(String::len).max().unwrap_or(0).clamp(4, 256);
        let least = pieces.values().map(|(_, score)| *score).fold(0.0, f32::min);
        Self { way, longest, least, pieces, bytes, leading_space }
    }

    pub(super) fn encode(&self, content: &str) -> Result<Vec<u32>, TextError> {
        if content.is_empty() {
            return Ok(Vec::new());
        }
        let prefix = if self.leading_space { " " } else { "" };
        let text = format!("{prefix}{content}").replace(' ', &SPACE.to_string());
        match self.way {
            Way::Merges => Ok(self.merged(&text)),
            Way::Likeliest => Ok(self.likeliest(&text)),
        }
    }

    /// The row of pieces with the greatest sum of scores; of equal ones, the one whose last piece begins first.
    fn likeliest(&self, text: &str) -> Vec<u32> {
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).skip(1).chain([text.len()]).collect();
        // For each end: the best sum, and where its last piece begins.
        let mut best = vec![(f32::NEG_INFINITY, 0); text.len() + 1];
        best[0].0 = 0.0;
        let mut start = 0;
        for (index, next) in ends.iter().enumerate() {
            let (sum, _) = best[start];
            for (nth, end) in ends[index..].iter().take_while(|end| **end - start <= self.longest).enumerate() {
                let score = match self.pieces.get(&text[start..*end]) {
                    Some((_, score)) => *score,
                    None if nth == 0 => self.least - UNKNOWN,
                    None => continue,
                };
                if sum + score > best[*end].0 {
                    best[*end] = (sum + score, start);
                }
            }
            start = *next;
        }
        let mut pieces = Vec::new();
        let mut end = text.len();
        while end > 0 {
            pieces.push(&text[best[end].1..end]);
            end = best[end].1;
        }
        pieces.into_iter().rev().flat_map(|piece| self.tokens(piece)).collect()
    }

    /// A piece's token, or its bytes'.
    fn tokens(&self, piece: &str) -> Vec<u32> {
        match self.pieces.get(piece) {
            Some((id, _)) => vec![*id],
            None => piece.bytes().map(|byte| self.bytes[usize::from(byte)]).collect(),
        }
    }

    fn merged(&self, text: &str) -> Vec<u32> {
        let mut symbols: Vec<Symbol> = text
            .char_indices()
            .enumerate()
            .map(|(at, (start, character))| Symbol {
                start,
                length: character.len_utf8(),
                left: at.checked_sub(1),
                right: Some(at + 1),
            })
            .collect();
        if let Some(last) = symbols.last_mut() {
            last.right = None;
        }
        let mut unions = BinaryHeap::new();
        for right in 1..symbols.len() {
            self.propose(text, &symbols, right - 1, right, &mut unions);
        }
        while let Some(Union { left, right, length, .. }) = unions.pop() {
            let stale = symbols[left].length == 0
                || symbols[right].length == 0
                || symbols[left].length + symbols[right].length != length;
            if stale {
                continue;
            }
            symbols[left].length = length;
            symbols[right].length = 0;
            let after = symbols[right].right;
            symbols[left].right = after;
            if let Some(after) = after {
                symbols[after].left = Some(left);
                self.propose(text, &symbols, left, after, &mut unions);
            }
            if let Some(before) = symbols[left].left {
                self.propose(text, &symbols, before, left, &mut unions);
            }
        }
        let left = symbols.iter().filter(|symbol| symbol.length > 0);
        left.flat_map(|symbol| self.tokens(&text[symbol.start..symbol.start + symbol.length])).collect()
    }

    fn propose(&self, text: &str, symbols: &[Symbol], left: usize, right: usize, unions: &mut BinaryHeap<Union>) {
        let length = symbols[left].length + symbols[right].length;
        let start = symbols[left].start;
        if let Some((_, score)) = self.pieces.get(&text[start..start + length]) {
            unions.push(Union { score: *score, left, right, length });
        }
    }
}

/// The byte of a byte token such as `<0x0A>`.
fn byte(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// The bytes that a token stands for.
pub(super) fn decode(token: &str) -> Box<[u8]> {
    match byte(token) {
        Some(byte) => Box::new([byte]),
        None => token.replace(SPACE, " ").into_bytes().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(leading_space: bool) -> Cut {
        let words = ["▁", "h", "e", "l", "o", "he", "ll", "hell", "hello", "▁hello", "▁▁", "lo"];
        let scored = words.iter().enumerate().map(|(id, word)| ((*word).to_owned(), (id as u32, -(id as f32))));
        let mut bytes = Box::new([0; 256]);
        for (byte, slot) in bytes.iter_mut().enumerate() {
            *slot = 100 + byte as u32;
        }
        Cut::of(Way::Merges, scored.collect(), bytes, leading_space)
    }

    fn unigram(pieces: &[(&str, f32)]) -> Cut {
        let pieces = pieces.iter().enumerate().map(|(id, (text, score))| ((*text).to_owned(), (id as u32, *score)));
        Cut::of(Way::Likeliest, pieces.collect(), cut(false).bytes, false)
    }

    #[test]
    fn the_likeliest_pieces_are_taken_together() {
        let cut =
            unigram(&[("▁", -2.0), ("a", -3.0), ("b", -3.0), ("ab", -4.5), ("bc", -3.5), ("c", -9.0), ("▁ab", -9.0)]);
        // a + bc (-6.5) beats ab + c (-13.5), where merging by score would begin with bc all the same.
        assert_eq!(cut.encode("abc"), Ok(vec![1, 4]));
        assert_eq!(cut.encode("ab"), Ok(vec![3]));
        // ▁ + ab (-6.5) beats the whole (-9).
        assert_eq!(cut.encode(" ab"), Ok(vec![0, 3]));
        assert_eq!(cut.encode("aé"), Ok(vec![1, 100 + 0xc3, 100 + 0xa9]));
        assert_eq!(cut.encode("<0x41>a").expect("encodes").len(), 7);
        assert_eq!(cut.encode(""), Ok(Vec::new()));
    }

    #[test]
    fn the_best_scored_neighbours_merge_first() {
        assert_eq!(cut(false).encode("hello"), Ok(vec![8]));
        assert_eq!(cut(true).encode("hello"), Ok(vec![9]));
        // `▁▁` scores below `▁hello`: the second space belongs to the word.
        assert_eq!(cut(false).encode("  hello"), Ok(vec![0, 9]));
        assert_eq!(cut(false).encode("llo"), Ok(vec![6, 4]));
    }

    #[test]
    fn what_has_no_piece_becomes_bytes() {
        assert_eq!(cut(false).encode("é"), Ok(vec![100 + 0xc3, 100 + 0xa9]));
        assert_eq!(decode("<0x0A>").as_ref(), b"\n");
        assert_eq!(decode("▁hello").as_ref(), b" hello");
        assert_eq!(decode("<0xZZ>").as_ref(), b"<0xZZ>");
    }

    #[test]
    fn long_content_takes_time_in_proportion() {
        let started = std::time::Instant::now();
        assert!(cut(false).encode(&"hello ".repeat(20_000)).is_ok_and(|tokens| tokens.len() > 20_000));
        assert!(started.elapsed().as_secs() < 3);
    }
}

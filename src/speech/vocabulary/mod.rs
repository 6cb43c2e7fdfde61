//! Whisper's two vocabularies, which are built into the program (from OpenAI's release, MIT): tokens to text, text to
//! tokens, and what the special tokens are. The order of the tokens is the order of merges.

use std::collections::HashMap;

/// Tokens in GPT-2's spelling of bytes, one a line.
const ENGLISH: &str = include_str!("english.txt");
const MULTILINGUAL: &str = include_str!("multilingual.txt");

/// Languages that have a token.
const LANGUAGES: u32 = 99;
/// Time stamps from 0 to 30 seconds, 20 milliseconds apart.
pub(crate) const STAMPS: u32 = 1501;

/// A vocabulary.
pub(crate) struct Vocabulary {
    tokens: Vec<Vec<u8>>,
    ids: HashMap<Vec<u8>, u32>,
    is_english: bool,
}

impl Vocabulary {
    /// The vocabulary of a model with so many tokens in all.
    pub(crate) fn of(size: usize) -> Option<Self> {
        let (text, is_english) = match size {
            51_864 => (ENGLISH, true),
            51_865 => (MULTILINGUAL, false),
            _ => return None,
        };
        let letters = letters();
        let bytes = |token: &str| token.chars().filter_map(|letter| letters.get(&letter).copied()).collect::<Vec<u8>>();
        let tokens: Vec<Vec<u8>> = text.lines().map(bytes).collect();
        let ids = tokens.iter().enumerate().map(|(id, token)| (token.clone(), id as u32)).collect();
        let vocabulary = Self { tokens, ids, is_english };
        (vocabulary.size() == size).then_some(vocabulary)
    }

    pub(crate) fn size(&self) -> usize {
        (self.first_stamp() + STAMPS) as usize
    }

    /// Ends a text; everything below is text.
    pub(crate) fn end(&self) -> u32 {
        self.tokens.len() as u32
    }

    fn start(&self) -> u32 {
        self.end() + 1
    }

    /// What a transcript in English begins with.
    pub(crate) fn opening(&self) -> Vec<u32> {
        let transcribe = self.start() + LANGUAGES + 2;
        if self.is_english { vec![self.start()] } else { vec![self.start(), self.start() + 1, transcribe] }
    }

    /// Begins the text that went before.
    pub(crate) fn before(&self) -> u32 {
        self.start() + LANGUAGES + 4
    }

    /// Nobody speaks.
    pub(crate) fn silence(&self) -> u32 {
        self.before() + 1
    }

    /// 0 seconds; the others follow.
    pub(crate) fn first_stamp(&self) -> u32 {
        self.before() + 3
    }

    /// The text of tokens; time stamps and other special tokens say nothing.
    pub(crate) fn text(&self, tokens: &[u32]) -> String {
        let known = tokens.iter().filter_map(|token| self.tokens.get(*token as usize));
        String::from_utf8_lossy(&known.flatten().copied().collect::<Vec<u8>>()).replace('\u{fffd}', "")
    }

    /// Text as tokens, as the models learnt it.
    pub(crate) fn encode(&self, text: &str) -> Vec<u32> {
        pieces(text).into_iter().flat_map(|piece| self.merge(piece.as_bytes())).collect()
    }

    /// Joins the two neighbours whose union comes first in the vocabulary, until none is in it.
    fn merge(&self, bytes: &[u8]) -> Vec<u32> {
        let mut parts: Vec<std::ops::Range<usize>> = (0..bytes.len()).map(|at| at..at + 1).collect();
        loop {
            let pairs = parts.windows(2).enumerate();
            let best =
                pairs.filter_map(|(at, pair)| Some((*self.ids.get(&bytes[pair[0].start..pair[1].end])?, at))).min();
            let Some((_, at)) = best else { break };
            parts[at].end = parts[at + 1].end;
            parts.remove(at + 1);
        }
        parts.into_iter().filter_map(|part| self.ids.get(&bytes[part]).copied()).collect()
    }

    /// Tokens that are never written: symbols that stand for sounds in subtitles, and all special tokens but the end and
    /// the time stamps. The list of the original code.
    pub(crate) fn suppressed(&self) -> Vec<u32> {
        let signs = "\" # ( ) * + / : ; < = > @ [ \\ ] ^ _ ` { | } ~ 「 」 『 』 << >> <<< >>> -- --- -( -[ (' (\" (( )) ((( ))) \
                     [[ ]] {{ }} ♪♪ ♪♪♪";
        let notes = "♩ ♪ ♫ ♬ ♭ ♮ ♯";
        let mut out: Vec<u32> = [" -", " '"].iter().filter_map(|sign| self.encode(sign).first().copied()).collect();
        for (sign, is_note) in signs.split(' ').map(|s| (s, false)).chain(notes.split(' ').map(|s| (s, true))) {
            for tokens in [self.encode(sign), self.encode(&format!(" {sign}"))] {
                if tokens.len() == 1 || is_note {
                    out.extend(tokens.first());
                }
            }
        }
        out.extend(self.end() + 1..self.first_stamp());
        out.sort_unstable();
        out.dedup();
        out
    }
}

/// GPT-2's letter for each byte: printable ones stand for themselves, the others follow from U+0100 on.
fn letters() -> HashMap<char, u8> {
    let plain = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let others = (0..=255_u8).filter(|byte| !plain(byte)).zip(0x100_u32..);
    let others = others.filter_map(|(byte, code)| Some((char::from_u32(code)?, byte)));
    (0..=255_u8).filter(plain).map(|byte| (char::from(byte), byte)).chain(others).collect()
}

/// Cuts text into words, each with the space before it, as GPT-2's regular expression does.
fn pieces(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(piece_end(rest));
        out.push(piece);
        rest = tail;
    }
    out
}

fn piece_end(text: &str) -> usize {
    for ending in ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"] {
        if text.starts_with(ending) {
            return ending.len();
        }
    }
    let kind = |c: char| match c {
        c if c.is_alphabetic() => 0,
        c if c.is_numeric() => 1,
        c if c.is_whitespace() => 2,
        _ => 3,
    };
    let after_space = text.strip_prefix(' ').unwrap_or(text);
    let space = text.len() - after_space.len();
    let run = |text: &str| {
        let first = text.chars().next().map(kind);
        text.find(|c| Some(kind(c)) != first).unwrap_or(text.len())
    };
    match after_space.chars().next() {
        Some(c) if !c.is_whitespace() => space + run(after_space),
        _ => {
            // White space, but for the last one before a word, which goes with the word.
            let length = run(text);
            let last = text[..length].chars().next_back().map_or(0, char::len_utf8);
            if length < text.len() && length > last { length - last } else { length }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_vocabularies_have_the_tokens_of_the_original() {
        let english = Vocabulary::of(51_864).expect("english");
        assert_eq!((english.end(), english.opening(), english.first_stamp()), (50_256, vec![50_257], 50_363));
        assert_eq!((english.before(), english.silence()), (50_360, 50_361));
        let all = Vocabulary::of(51_865).expect("multilingual");
        assert_eq!((all.end(), all.opening(), all.first_stamp()), (50_257, vec![50_258, 50_259, 50_359], 50_364));
        assert_eq!((all.before(), all.silence()), (50_361, 50_362));
        assert!(Vocabulary::of(51_866).is_none());
    }

    #[test]
    fn text_comes_back_and_is_cut_as_the_original_cuts_it() {
        let english = Vocabulary::of(51_864).expect("english");
        // From OpenAI's tokenizer.
        assert_eq!(english.encode("Hello world"), [15_496, 995]);
        for text in ["I'd shard by user, then re-shard.", "  two  spaces ", "café 12,000 ♪\n\nnew", "p99 < 200 ms"] {
            assert_eq!(english.text(&english.encode(text)), text);
            assert_eq!(pieces(text).concat(), text);
        }
        assert_eq!(pieces("don't  stop 42%"), ["don", "'t", " ", " stop", " 42", "%"]);
    }

    #[test]
    fn what_is_never_written_is_the_list_of_the_models_own_settings() {
        let english = Vocabulary::of(51_864).expect("english").suppressed();
        // `suppress_ids` of the English model: these 84 signs, then special tokens.
        let listed = "1 2 7 8 9 10 14 25 26 27 28 29 31 58 59 60 61 62 63 90 91 92 93 357 366 438 532 685 705 796 930 1058 1220 \
            1267 1279 1303 1343 1377 1391 1635 1782 1875 2162 2361 2488 3467 4008 4211 4600 4808 5299 5855 6329 7203 9609 9959 \
            10563 10786 11420 11709 11907 13163 13697 13700 14808 15306 16410 16791 17992 19203 19510 20724 22305 22935 27007 \
            30109 30420 33409 34949 40283 40493 40549 47282 49146";
        let listed: Vec<u32> = listed.split_whitespace().map(|id| id.parse().expect("a number")).collect();
        let signs: Vec<u32> = english.iter().copied().filter(|id| *id < 50_256).collect();
        assert_eq!(signs, listed);
        assert_eq!(english.len(), signs.len() + 106);
    }
}

//! Byte-level BPE as in GPT-2, Llama 3, Qwen and SmolLM: cut by a regular expression, then merge by rank.
//!
//! Unlike the models' own tokenizers, no Unicode normalisation (Qwen asks for NFC): what a person typed must come back
//! byte for byte, or a quotation would not be verbatim. llama.cpp does the same.

use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{PreTokenizerWrapper, SplitDelimiterBehavior, Tokenizer};

use super::TextError;
use crate::gguf::{Error, File};

const QWEN2: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The longest piece given to the regular expression at once. Its engine backtracks over runs of white space and gives
/// up on very long ones.
const PIECE: usize = 8192;

/// How content is cut.
pub(super) struct Cut(Tokenizer);

impl Cut {
    pub(super) fn read(file: &File, tokens: &[&str]) -> Result<Self, Error> {
        let refused = |error: tokenizers::Error| Error::corrupt("tokenizer", error.to_string());
        let pre = file.string("tokenizer.ggml.pre").unwrap_or("default");
        let cutter = cutter(pre)?;
        let vocabulary: tokenizers::models::bpe::Vocab =
            tokens.iter().enumerate().map(|(id, token)| ((*token).to_owned(), id as u32)).collect();
        let merges = file.strings("tokenizer.ggml.merges")?;
        let merges = merges.iter().map(|merge| {
            // A merge of a space with something keeps its own spaces as `Ġ`, so the only space is the separator.
            let (left, right) =
                merge.split_once(' ').ok_or_else(|| Error::corrupt("tokenizer", "a merge without a space"))?;
            Ok((left.to_owned(), right.to_owned()))
        });
        let merges = merges.collect::<Result<Vec<_>, Error>>()?;
        let model = BPE::builder()
            .vocab_and_merges(vocabulary, merges)
            // Llama 3 and Mistral's byte-level vocabulary take a whole word that is in the vocabulary even where its merges would not reach it.
            .ignore_merges(matches!(pre, "llama-bpe" | "llama3" | "llama-v3" | "tekken"))
            .build()
            .map_err(refused)?;
        let mut tokenizer = Tokenizer::new(model);
        tokenizer.with_pre_tokenizer(Some(cutter));
        Self::check_bytes(tokens)?;
        Ok(Self(tokenizer))
    }

    /// Every byte that text is made of needs a token. Some vocabularies (SmolLM2's) lack a few control characters:
    /// these are dropped when content is encoded, as by the models' own tokenizers.
    fn check_bytes(tokens: &[&str]) -> Result<(), Error> {
        let single: std::collections::HashSet<&str> =
            tokens.iter().filter(|token| token.chars().count() == 1).copied().collect();
        let textual = |byte: &u8| matches!(byte, b'\n' | 0x20..=0x7e | 0x80..=0xbf | 0xc3..=0xe9);
        let absent = |byte: &u8| !single.contains(byte_symbol(*byte).to_string().as_str());
        match (0..=255).filter(textual).find(absent) {
            Some(byte) => Err(Error::corrupt("tokenizer", format!("no token for byte {byte:#04x}"))),
            None => Ok(()),
        }
    }

    pub(super) fn encode(&self, content: &str) -> Result<Vec<u32>, TextError> {
        let mut tokens = Vec::new();
        let mut rest = content;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(piece_end(rest));
            let encoding = self.0.encode_fast(piece, false).map_err(|error| TextError(error.to_string()))?;
            tokens.extend_from_slice(encoding.get_ids());
            rest = tail;
        }
        Ok(tokens)
    }
}

/// Where to cut long content: all of it when short, else before a space between two letters, which every cutter gives to
/// the word after it, else anywhere. (After a line break is no good place: GPT-2's expression gives two of them before
/// a word to two pieces, and at the end of a text to one.)
fn piece_end(content: &str) -> usize {
    if content.len() <= PIECE {
        return content.len();
    }
    let bytes = content.as_bytes();
    let before_word =
        |at: &usize| bytes[*at] == b' ' && bytes[at - 1].is_ascii_alphabetic() && bytes[at + 1].is_ascii_alphabetic();
    (PIECE / 2..PIECE).rev().find(before_word).unwrap_or_else(|| content.floor_char_boundary(PIECE))
}

/// The cutters that we know; a wrong one would silently cost quality, so an unknown name is refused.
fn cutter(pre: &str) -> Result<PreTokenizerWrapper, Error> {
    let plain = ByteLevel::new(false, false, false);
    let by = |expression: &str| {
        let pattern = SplitPattern::Regex(expression.to_owned());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
            .map_err(|error| Error::corrupt("tokenizer", error.to_string()))?;
        Ok(Sequence::new(vec![split.into(), plain.into()]).into())
    };
    match pre {
        "qwen2" | "deepseek-r1-qwen" => by(QWEN2),
        "llama-bpe" | "llama3" | "llama-v3" | "smaug-bpe" | "lfm2" | "glm4" | "chatglm-bpe" => by(LLAMA3),
        "tekken" => by(TEKKEN),
        "gpt-4o" => by(GPT4O),
        "smollm" | "starcoder" | "refact" => {
            let gpt2 = ByteLevel::new(false, false, true);
            Ok(Sequence::new(vec![Digits::new(true).into(), gpt2.into()]).into())
        }
        "gpt-2" | "gpt2" | "default" | "phi-2" | "mpt" | "olmo" => Ok(ByteLevel::new(false, false, true).into()),
        other => Err(Error::Tokenizer(format!("gpt2/{}", other.chars().take(64).collect::<String>()))),
    }
}

/// GPT-2's printable stand-in for a byte.
pub(crate) fn byte_symbol(byte: u8) -> char {
    let printable = |b: u8| matches!(b, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    if printable(byte) {
        return char::from(byte);
    }
    let hidden_before = (0..byte).filter(|b| !printable(*b)).count() as u32;
    char::from_u32(0x100 + hidden_before).expect("256 and a few are characters. This is a bug.")
}

/// The bytes that a token's printable stand-in means; characters outside GPT-2's table stand for themselves.
pub(super) fn decode(token: &str) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(token.len());
    for symbol in token.chars() {
        match byte_of(symbol) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend(symbol.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes.into()
}

/// Inverse of [`byte_symbol`].
fn byte_of(symbol: char) -> Option<u8> {
    static TABLE: std::sync::LazyLock<[Option<u8>; 0x144]> = std::sync::LazyLock::new(|| {
        let mut table = [None; 0x144];
        for byte in 0..=255 {
            table[byte_symbol(byte) as usize] = Some(byte);
        }
        table
    });
    TABLE.get(symbol as usize).copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_symbols_are_those_of_gpt2() {
        assert_eq!((byte_symbol(b' '), byte_symbol(b'\n'), byte_symbol(b'a')), ('Ġ', 'Ċ', 'a'));
        let all: std::collections::HashSet<char> = (0..=255).map(byte_symbol).collect();
        assert_eq!(all.len(), 256);
    }

    /// What Hugging Face's tokenizers of these families cut, taken from candle's tests of the same expressions.
    #[test]
    fn cutters_differ_in_digits_and_contractions() {
        use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};
        let cut_text = |pre: &str, text: &str| {
            let mut text = PreTokenizedString::from(text);
            cutter(pre).expect("known").pre_tokenize(&mut text).expect("cuts");
            let splits = text.get_splits(OffsetReferential::Original, OffsetType::Byte);
            splits.into_iter().map(|(piece, ..)| piece.to_owned()).collect::<Vec<_>>().join("|")
        };
        let cut = |pre: &str| cut_text(pre, "Hello'Ve world 1234\n\n  foo");
        assert_eq!(cut("qwen2"), "Hello|'Ve|Ġworld|Ġ|1|2|3|4|ĊĊ|Ġ|Ġfoo");
        assert_eq!(cut("llama-bpe"), "Hello|'Ve|Ġworld|Ġ|123|4|ĊĊ|Ġ|Ġfoo");
        assert_eq!(cut("smollm"), "Hello|'|Ve|Ġworld|Ġ|1|2|3|4|ĊĊĠ|Ġfoo");
        assert_eq!(cut("gpt-2"), "Hello|'|Ve|Ġworld|Ġ1234|ĊĊĠ|Ġfoo");
        assert_eq!(cut("tekken"), "Hello|'Ve|Ġworld|Ġ|1|2|3|4|ĊĊ|Ġ|Ġfoo");
        assert_eq!(cut("gpt-4o"), "Hello'Ve|Ġworld|Ġ|123|4|ĊĊ|Ġ|Ġfoo");
        assert_eq!(cut_text("tekken", "fooBar HTTPServer don't"), "foo|Bar|ĠHTTPServer|Ġdon|'t");
        assert_eq!(cut_text("gpt-4o", "fooBar HTTPServer don't"), "foo|Bar|ĠHTTPServer|Ġdon't");
        assert_eq!(cut_text("qwen2", "fooBar HTTPServer don't"), "fooBar|ĠHTTPServer|Ġdon|'t");
        assert!(matches!(cutter("abacus"), Err(Error::Tokenizer(_))));
    }

    /// Six places of a text of 53 KB were cut otherwise than by the model's own tokenizer, one at each end of a piece.
    #[test]
    fn long_content_is_cut_as_if_it_were_short() {
        let words =
            ["a", "cache", " ", "  ", "\n", "\n\n", " \n", "\t", "42", "7", ".", ",\n", "'s", "'", "é", "(x)", "Redis"];
        let mut state = 11_u64;
        let mut text = String::new();
        while text.len() < 6 * PIECE {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text += words[(state >> 33) as usize % words.len()];
            text += if state >> 60 < 9 { " then" } else { "" };
        }
        let file = crate::tiny::Tiny::default().file();
        let tokens = file.strings("tokenizer.ggml.tokens").expect("a vocabulary");
        let mut cut = Cut::read(&file, &tokens).expect("valid");
        for pre in ["qwen2", "llama-bpe", "smollm", "gpt-2", "tekken", "gpt-4o"] {
            cut.0.with_pre_tokenizer(Some(cutter(pre).expect("known")));
            let whole = cut.0.encode_fast(text.as_str(), false).expect("encodes");
            assert!(cut.encode(&text).expect("encodes") == whole.get_ids(), "{pre}");
        }
    }
}

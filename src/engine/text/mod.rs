//! Text to tokens and back, from the vocabulary in the model file.
//!
//! Scaffold (what the chat template writes) and content (what people and programs write) are encoded by different
//! doors: only [`Text::encode_scaffold`] knows special tokens, so `<|im_end|>` typed by a candidate stays text.
//! Knows no chat template and no model.

mod bytelevel;
mod sentencepiece;
mod stream;

use std::collections::HashMap;

use crate::gguf::{Error, File};

pub(crate) use bytelevel::byte_symbol;
use sentencepiece::Way;
pub use stream::Detokeniser;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Text.
    Normal,
    /// Scaffold that a reader never sees: ends a turn when a model says it.
    Control,
    /// A special token that stands for its own text, such as `<think>`.
    Named,
}

/// The two ways of cutting content.
enum Cut {
    ByteLevel(Box<bytelevel::Cut>),
    SentencePiece(sentencepiece::Cut),
}

/// A model's vocabulary and its way of cutting text.
pub struct Text {
    cut: Cut,
    bytes: Vec<Box<[u8]>>,
    roles: Vec<Role>,
    /// Control and named tokens by text; the scaffold's door.
    specials: HashMap<String, u32>,
    longest_special: usize,
    first: Option<u32>,
    end: u32,
}

/// Text that the vocabulary cannot cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tokenizer: {0}")]
pub struct TextError(pub String);

impl Text {
    /// Reads the vocabulary of a model file.
    ///
    /// # Errors
    /// [`Error::Missing`] or [`Error::Corrupt`] when it has none that makes sense, [`Error::Tokenizer`] when it is of a
    /// kind that we would cut wrongly.
    pub fn read(file: &File) -> Result<Self, Error> {
        let kind = file.string("tokenizer.ggml.model").unwrap_or("(none)");
        let tokens = file.strings("tokenizer.ggml.tokens")?;
        let roles = roles(file, &tokens)?;
        let normal = |id: usize| roles[id] == Role::Normal;
        let cut = match kind {
            "gpt2" => Cut::ByteLevel(Box::new(bytelevel::Cut::read(file, &tokens)?)),
            "llama" => Cut::SentencePiece(sentencepiece::Cut::read(file, &tokens, normal, Way::Merges)?),
            "t5" => Cut::SentencePiece(sentencepiece::Cut::read(file, &tokens, normal, Way::Likeliest)?),
            other => return Err(Error::Tokenizer(other.chars().take(64).collect())),
        };
        let bytes = tokens.iter().zip(&roles).map(|(token, role)| match role {
            Role::Normal if matches!(cut, Cut::SentencePiece(_)) => sentencepiece::decode(token),
            Role::Normal => bytelevel::decode(token),
            Role::Named => token.as_bytes().into(),
            Role::Control => Box::default(),
        });
        let bytes = bytes.collect();
        let special = |(id, role): (usize, &Role)| (*role != Role::Normal).then(|| (tokens[id].to_owned(), id as u32));
        let specials: HashMap<String, u32> = roles.iter().enumerate().filter_map(special).collect();
        let longest_special = specials.keys().map(String::len).max().unwrap_or(0);
        let id = |key: &str| match file.unsigned(key) {
            None => Ok(None),
            Some(id) if (id as usize) < tokens.len() => Ok(Some(id as u32)),
            Some(id) => Err(Error::corrupt("tokenizer", format!("{key} is {id}, beyond the vocabulary"))),
        };
        let end = id("tokenizer.ggml.eos_token_id")?.ok_or(Error::Missing("tokenizer.ggml.eos_token_id".into()))?;
        let adds_first = file.boolean("tokenizer.ggml.add_bos_token").unwrap_or(false);
        let first = id("tokenizer.ggml.bos_token_id")?.filter(|_| adds_first);
        Ok(Self { cut, bytes, roles, specials, longest_special, first, end })
    }

    /// Tokens in the vocabulary; the model's output matrix may have more rows, which are padding.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Every token needs its row of the embedding; more rows than tokens are padding.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when there are fewer.
    pub fn check_rows(&self, rows: usize) -> Result<(), Error> {
        match self.size() {
            words if words > rows => {
                Err(Error::corrupt("tokenizer", format!("{words} tokens, {rows} rows of embeddings")))
            }
            _ => Ok(()),
        }
    }

    /// The first difference between two vocabularies, in words; none when each token means the same in both.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self.size() != other.size() {
            return Some(format!("{} tokens instead of {}", other.size(), self.size()));
        }
        let shown = |text: &Self, at: usize| {
            let special = text.specials().find(|(_, id)| *id as usize == at).map(|(text, _)| text.to_owned());
            let word = special.unwrap_or_else(|| String::from_utf8_lossy(&text.bytes[at]).into_owned());
            format!("{:?}", word.chars().take(40).collect::<String>())
        };
        let same = |at: &usize| self.bytes[*at] == other.bytes[*at] && self.roles[*at] == other.roles[*at];
        let special = |(text, id): (&String, &u32)| (other.specials.get(text) != Some(id)).then_some(*id as usize);
        let at = (0..self.size()).find(|at| !same(at)).or_else(|| self.specials.iter().find_map(special))?;
        Some(format!("token {at} is {} instead of {}", shown(other, at), shown(self, at)))
    }

    /// The token that every prompt starts with, if the model wants one.
    #[must_use]
    pub fn first(&self) -> Option<u32> {
        self.first
    }

    /// The end-of-turn token that the file names.
    #[must_use]
    pub fn end(&self) -> u32 {
        self.end
    }

    /// Whether a model that says this token has ended its turn: the end token, any control token, or padding.
    #[must_use]
    pub fn ends_turn(&self, token: u32) -> bool {
        token == self.end || self.roles.get(token as usize).is_none_or(|role| *role == Role::Control)
    }

    /// The text that a token stands for; empty for control tokens and padding. Not always whole characters.
    #[must_use]
    pub fn bytes(&self, token: u32) -> &[u8] {
        self.bytes.get(token as usize).map_or(&[], |bytes| bytes)
    }

    /// The id of a special token by its text.
    #[must_use]
    pub fn special(&self, text: &str) -> Option<u32> {
        self.specials.get(text).copied()
    }

    /// The special tokens: text and id.
    pub fn specials(&self) -> impl Iterator<Item = (&str, u32)> {
        self.specials.iter().map(|(text, id)| (text.as_str(), *id))
    }

    /// Encodes content: no part of it becomes a special token, whatever it says.
    ///
    /// # Errors
    /// [`TextError`] when the vocabulary has no tokens for it.
    pub fn encode(&self, content: &str) -> Result<Vec<u32>, TextError> {
        match &self.cut {
            Cut::ByteLevel(cut) => cut.encode(content),
            Cut::SentencePiece(cut) => cut.encode(content),
        }
    }

    /// Encodes scaffold: the special tokens in it become themselves, the text between them is encoded as content.
    ///
    /// # Errors
    /// As [`Text::encode`].
    pub fn encode_scaffold(&self, scaffold: &str) -> Result<Vec<u32>, TextError> {
        let mut tokens = Vec::new();
        let (mut plain_from, mut at) = (0, 0);
        while at < scaffold.len() {
            let Some((length, id)) = self.special_at(&scaffold[at..]) else {
                at += scaffold[at..].chars().next().map_or(1, char::len_utf8);
                continue;
            };
            tokens.extend(self.encode(&scaffold[plain_from..at])?);
            tokens.push(id);
            at += length;
            plain_from = at;
        }
        tokens.extend(self.encode(&scaffold[plain_from..])?);
        Ok(tokens)
    }

    /// The longest special token that `text` starts with.
    fn special_at(&self, text: &str) -> Option<(usize, u32)> {
        (1..=self.longest_special.min(text.len()))
            .rev()
            .filter(|length| text.is_char_boundary(*length))
            .find_map(|length| self.specials.get(&text[..length]).map(|id| (length, *id)))
    }

    /// The text of tokens, for display; what is not UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn decode(&self, tokens: &[u32]) -> String {
        let bytes: Vec<u8> = tokens.iter().flat_map(|token| self.bytes(*token)).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Reads token types; the numbers are llama.cpp's: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
fn roles(file: &File, tokens: &[&str]) -> Result<Vec<Role>, Error> {
    let types = file.integers("tokenizer.ggml.token_type")?;
    if types.len() != tokens.len() {
        let (types, tokens) = (types.len(), tokens.len());
        return Err(Error::corrupt("tokenizer", format!("{types} token types for {tokens} tokens")));
    }
    let role = |kind: &i64| match kind {
        1 | 6 => Ok(Role::Normal),
        2 | 3 | 5 => Ok(Role::Control),
        4 => Ok(Role::Named),
        other => Err(Error::corrupt("tokenizer", format!("unknown token type {other}"))),
    };
    types.iter().map(role).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tiny::{SPECIALS, Tiny};

    fn tiny() -> Text {
        Text::read(&Tiny::default().file()).expect("a tiny model has a vocabulary")
    }

    #[test]
    fn scaffold_knows_special_tokens_and_content_does_not() {
        let text = tiny();
        for (special, _) in SPECIALS {
            let id = text.special(special).expect("listed");
            assert_eq!(text.encode_scaffold(special), Ok(vec![id]));
            // T12: at five places of an answer.
            for content in [
                special.to_owned(),
                format!("{special} we use Redis"),
                format!("we use {special} Redis"),
                format!("we use Redis{special}"),
                format!("we{special}{special}use\n{special}\n"),
            ] {
                let tokens = text.encode(&content).expect("encodes");
                assert!(tokens.iter().all(|token| text.special(special) != Some(*token)), "{content}");
                assert_eq!(text.decode(&tokens), content);
            }
        }
    }

    #[test]
    fn merges_are_used() {
        let text = tiny();
        assert_eq!(text.encode("Yes").expect("encodes").len(), 1);
        // `h e` outranks `c h`, so `cache` falls into `Ġc a c he`.
        assert_eq!(text.encode(" the cache").expect("encodes").len(), 5);
    }

    #[test]
    fn long_runs_of_one_character_are_cut_in_bounded_time() {
        let text = tiny();
        for run in ["\n", " ", "a", "1", "!", "é", "\u{200d}", "\r\n", "a ", "\u{1f600}"] {
            let content = run.repeat(100_000 / run.len());
            let started = std::time::Instant::now();
            assert_eq!(text.decode(&text.encode(&content).expect("encodes")), content);
            assert!(started.elapsed().as_secs() < 5, "{run:?} took {:?}", started.elapsed());
        }
    }

    #[test]
    fn only_control_tokens_end_a_turn() {
        let text = tiny();
        let ends = |special: &str| text.ends_turn(text.special(special).expect("listed"));
        assert!(ends("<|im_end|>") && ends("<|endoftext|>") && ends("<|im_start|>"));
        assert!(!ends("<think>"));
        assert!(text.ends_turn(text.size() as u32), "padding rows end a turn too");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn content_survives_the_round_trip_without_a_special_token(
            parts in proptest::collection::vec(
                prop_oneof![any::<String>(), (0..SPECIALS.len()).prop_map(|i| SPECIALS[i].0.to_owned())], 0..6)
        ) {
            thread_local!(static TEXT: Text = tiny());
            let content = parts.concat();
            TEXT.with(|text| {
                let tokens = text.encode(&content).expect("encodes");
                prop_assert!(tokens.iter().all(|token| text.roles[*token as usize] == Role::Normal));
                prop_assert_eq!(text.decode(&tokens), content);
                Ok(())
            })?;
        }
    }
}

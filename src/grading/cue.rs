//! Cues: phrases written by hand that make it likely that a passage answers an item. Pure text matching.
//!
//! A cue is lower case; its words must follow each other. A trailing `*` on a word stands for any ending, `#` for any
//! word with a digit, `_` for any one word.

/// A phrase ready to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cue(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Word(String),
    Prefix(String),
    Number,
    Any,
}

impl Cue {
    /// Parses a phrase as content files write it.
    #[must_use]
    pub fn new(phrase: &str) -> Self {
        let piece = |raw: &str| match raw {
            "#" => Some(Piece::Number),
            "_" => Some(Piece::Any),
            _ => match raw.strip_suffix('*') {
                Some(stem) => Some(Piece::Prefix(plain(stem)?)),
                None => Some(Piece::Word(plain(raw)?)),
            },
        };
        Self(phrase.to_lowercase().split_whitespace().filter_map(piece).collect())
    }

    /// Whether the phrase occurs in `words` (lower case, as [`super::passage::words`] gives them).
    #[must_use]
    pub fn matches(&self, words: &[String]) -> bool {
        self.position(words).is_some()
    }

    /// Index of the first word of the first occurrence.
    #[must_use]
    pub fn position(&self, words: &[String]) -> Option<usize> {
        if self.0.is_empty() || words.len() < self.0.len() {
            return None;
        }
        words.windows(self.0.len()).position(|w| self.0.iter().zip(w).all(|(p, w)| p.fits(w)))
    }
}

impl Piece {
    fn fits(&self, word: &str) -> bool {
        match self {
            Self::Word(w) => w == word,
            Self::Prefix(p) => word.starts_with(p.as_str()),
            Self::Number => is_number(word),
            Self::Any => true,
        }
    }
}

/// Punctuation at the ends of a cue's word goes as it does in passages.
fn plain(raw: &str) -> Option<String> {
    let word = raw.trim_matches(|c: char| !c.is_alphanumeric());
    (!word.is_empty()).then(|| word.replace('’', "'"))
}

/// Digits, or a number word that people say.
#[must_use]
pub fn is_number(word: &str) -> bool {
    word.chars().any(|c| c.is_ascii_digit())
        || matches!(
            word,
            "two"
                | "three"
                | "four"
                | "five"
                | "six"
                | "seven"
                | "eight"
                | "nine"
                | "ten"
                | "eleven"
                | "twelve"
                | "fifteen"
                | "twenty"
                | "thirty"
                | "forty"
                | "fifty"
                | "sixty"
                | "seventy"
                | "eighty"
                | "ninety"
                | "hundred"
                | "hundreds"
                | "thousand"
                | "thousands"
                | "million"
                | "millions"
                | "billion"
                | "billions"
                | "half"
                | "twice"
                | "dozen"
                | "dozens"
                | "double"
                | "doubled"
                | "halved"
        )
}

/// Parses many.
#[must_use]
pub fn cues(phrases: &[String]) -> Vec<Cue> {
    phrases.iter().map(|p| Cue::new(p)).collect()
}

/// Whether any of `cues` occurs.
#[must_use]
pub fn any(cues: &[Cue], words: &[String]) -> bool {
    cues.iter().any(|c| c.matches(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grading::passage::words;

    fn hit(phrase: &str, text: &str) -> bool {
        let list: Vec<String> = words(text).into_iter().map(|w| w.text).collect();
        Cue::new(phrase).matches(&list)
    }

    #[test]
    fn phrases_match_whole_words_in_order() {
        for (phrase, text, expect) in [
            ("instead of", "Postgres instead of Cassandra", true),
            ("instead of", "instead, of course", true),
            ("shard*", "We are sharding by tenant", true),
            ("shard", "We are sharding by tenant", false),
            ("# writes", "about 10,000 writes per second", true),
            ("# writes", "many writes per second", false),
            ("roll _ back", "we roll it back", true),
            ("don't know", "I don’t know that", true),
            ("trade-off*", "the trade-offs here", true),
            ("", "anything", false),
        ] {
            assert_eq!(hit(phrase, text), expect, "{phrase:?} in {text:?}");
        }
    }
}

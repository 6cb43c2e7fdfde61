//! Cues: phrases written by hand that make it likely that a passage answers an item. Pure text matching.
//!
//! A cue is lower case; its words must follow each other. A trailing `*` on a word stands for any ending, `#` for any
//! word with a digit, `#%` for a percentage, `_` for any one word, ` .. ` for up to six words; ` & ` asks for both parts.

/// Most words that ` .. ` may stand for.
const GAP: usize = 6;

/// A phrase ready to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cue(Vec<Chain>);

/// Parts that follow each other with at most [`GAP`] words between.
type Chain = Vec<Vec<Piece>>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Word(String),
    Prefix(String),
    Number,
    Percentage,
    Any,
}

impl Cue {
    /// Parses a phrase as content files write it.
    #[must_use]
    pub fn new(phrase: &str) -> Self {
        let part = |part: &str| part.split_whitespace().flat_map(pieces).collect::<Vec<Piece>>();
        let chain = |chain: &str| chain.split(" .. ").map(part).filter(|p| !p.is_empty()).collect::<Chain>();
        Self(phrase.to_lowercase().split(" & ").map(chain).filter(|c| !c.is_empty()).collect())
    }

    /// Whether the phrase occurs in `words` (lower case, as [`super::passage::spoken`] gives them).
    #[must_use]
    pub fn matches(&self, words: &[String]) -> bool {
        self.position(words).is_some()
    }

    /// Index of the first word of the first occurrence (of the first part, where both of two parts are asked for).
    #[must_use]
    pub fn position(&self, words: &[String]) -> Option<usize> {
        let mut chains = self.0.iter();
        let first = find(chains.next()?, words)?;
        chains.all(|c| find(c, words).is_some()).then_some(first)
    }
}

fn find(chain: &Chain, words: &[String]) -> Option<usize> {
    let fits = |part: &[Piece], at: usize| {
        words.get(at..at + part.len()).is_some_and(|w| part.iter().zip(w).all(|(p, w)| p.fits(w)))
    };
    let (first, rest) = chain.split_first()?;
    (0..words.len()).find(|&start| {
        let mut end = start + first.len();
        fits(first, start)
            && rest.iter().all(|part| {
                let next = (end..=end + GAP).find(|&at| fits(part, at));
                end = next.map_or(end, |at| at + part.len());
                next.is_some()
            })
    })
}

/// The pieces of one written word: hyphens, slashes and underscores part it, as they part what is said.
fn pieces(raw: &str) -> Vec<Piece> {
    match raw {
        "#" => return vec![Piece::Number],
        "#%" | "%" => return vec![Piece::Percentage],
        "_" => return vec![Piece::Any],
        _ => {}
    }
    let piece = |raw: &str| match raw.strip_suffix('*') {
        Some(stem) => plain(stem).map(Piece::Prefix),
        None => plain(raw).map(Piece::Word),
    };
    raw.split(['-', '/', '_']).filter_map(piece).collect()
}

impl Piece {
    fn fits(&self, word: &str) -> bool {
        match self {
            Self::Word(w) => w == word,
            Self::Prefix(p) => word.starts_with(p.as_str()),
            Self::Number => is_number(word),
            Self::Percentage => is_number(word) && word.ends_with('%'),
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
    use crate::grading::passage::spoken;

    fn hit(phrase: &str, text: &str) -> bool {
        Cue::new(phrase).matches(&spoken(text))
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
            ("load balancer*", "behind a load-balancer", true),
            ("read-heavy", "it is read heavy", true),
            ("read/write", "the read-write ratio", true),
            ("#%", "it fell by 75% in a week", true),
            ("#%", "it fell by 75 in a week", false),
            ("fell from .. to", "latency fell from 90 ms down to 20", true),
            ("fell from .. to", "fell from one two three four five six seven to", false),
            ("cache & stampede", "a stampede on the cache", true),
            ("cache & stampede", "only the cache", false),
            ("", "anything", false),
            ("% of", "a lot of words", false),
            ("% of", "5% of the orders", true),
        ] {
            assert_eq!(hit(phrase, text), expect, "{phrase:?} in {text:?}");
        }
    }
}

//! Variants of a golden interview, made by code: what changes and what must not move. Pure; the words are data
//! (`prompts/bench/variants.toml`).

use std::sync::OnceLock;

use serde::Deserialize;

use super::{Golden, noise};
use crate::bench::Dice;
use crate::content::Dimension;
use crate::grading::passage;
use crate::interview::transcript::{Speaker, Transcript, Turn};

/// The file as it is built into the program.
pub const TEXT: &str = include_str!("../../../prompts/bench/variants.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    padding: Vec<String>,
    gloss: Vec<String>,
    figures: Vec<String>,
    names: Vec<(String, String)>,
    injection: Injections,
    noise: noise::Sounds,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Injections {
    command: String,
    scaffold: String,
    voice: String,
    authority: String,
    plea: String,
    held_out_plea: Vec<String>,
    held_out_authority: Vec<String>,
    held_out_command: Vec<String>,
    fresh: Vec<String>,
}

fn file() -> &'static File {
    static FILE: OnceLock<File> = OnceLock::new();
    FILE.get_or_init(|| toml::from_str(TEXT).expect("prompts/bench/variants.toml does not parse. This is a bug."))
}

/// What was done to an interview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Nothing.
    None,
    /// The same words, another order of the anchors in the readings.
    OtherSeed,
    /// The answers that carry this dimension and no other are gone, with their questions.
    Removed(Dimension),
    /// The hand-written paraphrases are swapped in.
    Paraphrase,
    /// Longer without content.
    Padding,
    /// Glossy vocabulary without content.
    Gloss,
    /// Numbers without content.
    Figures,
    /// Other names of products and people.
    Names,
    /// An instruction of the n-th kind ([`INJECTIONS`]).
    Injection(usize),
    /// Questions and answers in the middle in another order.
    Shuffled,
    /// As a speech recogniser would have written it down.
    Noise,
}

/// Kinds of injected instructions, in order.
pub const INJECTIONS: [&str; 9] = [
    "command",
    "scaffold",
    "voice",
    "authority",
    "plea",
    "held-out plea",
    "held-out authority",
    "held-out command",
    "fresh wording",
];

impl Change {
    /// A name for tables.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::None => "original".into(),
            Self::OtherSeed => "other seed".into(),
            Self::Removed(_) => "removed".into(),
            Self::Paraphrase => "paraphrase".into(),
            Self::Padding => "padding".into(),
            Self::Gloss => "gloss".into(),
            Self::Figures => "figures".into(),
            Self::Names => "names".into(),
            Self::Injection(kind) => format!("injection: {}", INJECTIONS.get(kind).copied().unwrap_or("?")),
            Self::Shuffled => "shuffled".into(),
            Self::Noise => "speech noise".into(),
        }
    }

    /// The dimension that it is about, for a removed section.
    #[must_use]
    pub fn about(self) -> Option<Dimension> {
        match self {
            Self::Removed(dimension) => Some(dimension),
            _ => None,
        }
    }
}

/// All changes that this interview allows, each with what is said then. The original is not among them.
#[must_use]
pub fn all(golden: &Golden, seed: u64) -> Vec<(Change, Transcript)> {
    let file = file();
    let whole = golden.transcript();
    let mut made = vec![(Change::OtherSeed, whole.clone())];
    for dimension in Dimension::ALL {
        made.extend(removed(golden, dimension).map(|t| (Change::Removed(dimension), t)));
    }
    if golden.answers().any(|t| t.paraphrase.is_some()) {
        made.push((Change::Paraphrase, paraphrased(golden)));
    }
    made.push((Change::Padding, lengthened(&whole, &file.padding)));
    made.push((Change::Gloss, lengthened(&whole, &file.gloss)));
    made.push((Change::Figures, lengthened(&whole, &file.figures)));
    let named = renamed(&whole, &file.names);
    if named != whole {
        made.push((Change::Names, named));
    }
    let i = &file.injection;
    let turn: usize = golden.id.bytes().map(usize::from).sum();
    let one = |list: &'static [String]| &list[turn % list.len()];
    let known = [&i.command, &i.scaffold, &i.voice, &i.authority, &i.plea];
    let held_out = [one(&i.held_out_plea), one(&i.held_out_authority), one(&i.held_out_command), one(&i.fresh)];
    for (kind, text) in known.into_iter().chain(held_out).enumerate() {
        made.push((Change::Injection(kind), injected(&whole, text)));
    }
    made.extend(shuffled(&whole, seed).map(|t| (Change::Shuffled, t)));
    made.push((Change::Noise, noise::heard(&whole, &file.noise, seed)));
    made
}

/// Without the answers that carry exactly this dimension; none when there is no such answer, or too little is left.
fn removed(golden: &Golden, dimension: Dimension) -> Option<Transcript> {
    let mut transcript = golden.transcript();
    let goes = |at: usize| golden.turns.get(at).is_some_and(|t| t.carries == [dimension]);
    let before = transcript.turns.len();
    let mut at = 0;
    transcript.turns.retain(|_| {
        let gone = goes(at) || (at % 2 == 0 && goes(at + 1));
        at += 1;
        !gone
    });
    let enough = transcript.turns.len() < before && transcript.answers().count() >= 2;
    enough.then(|| renumbered(transcript))
}

fn paraphrased(golden: &Golden) -> Transcript {
    let mut transcript = golden.transcript();
    for (turn, own) in transcript.turns.iter_mut().zip(&golden.turns) {
        if let Some(text) = &own.paraphrase {
            turn.text.clone_from(text);
        }
    }
    transcript
}

fn lengthened(transcript: &Transcript, sentences: &[String]) -> Transcript {
    let mut longer = transcript.clone();
    for (turn, sentence) in answers(&mut longer).zip(sentences.iter().cycle()) {
        turn.text = format!("{} {sentence}", turn.text.trim_end());
    }
    longer
}

fn renamed(transcript: &Transcript, names: &[(String, String)]) -> Transcript {
    let mut other = transcript.clone();
    for turn in &mut other.turns {
        turn.text = with_names(&turn.text, names);
    }
    other
}

/// Replaces whole words in one pass, so that a new name is never replaced again. A name that is an everyday word
/// ("Go") counts only as written.
fn with_names(text: &str, names: &[(String, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let flush = |word: &mut String, out: &mut String| {
        let fits = |name: &str| name == word || (name.len() > 3 && name.to_lowercase() == *word);
        let new = names.iter().find(|(old, _)| fits(old)).map(|(_, new)| new.as_str());
        out.push_str(new.unwrap_or(word));
        word.clear();
    };
    for c in text.chars() {
        if c.is_alphanumeric() {
            word.push(c);
        } else {
            flush(&mut word, &mut out);
            out.push(c);
        }
    }
    flush(&mut word, &mut out);
    out
}

fn injected(transcript: &Transcript, text: &str) -> Transcript {
    let mut attacked = transcript.clone();
    let longest = answers(&mut attacked).max_by_key(|t| t.text.len());
    if let Some(turn) = longest {
        turn.text = format!("{}\n{text}", turn.text.trim_end());
    }
    attacked
}

/// The middle questions and answers in another order; the first and the last stay where they are.
fn shuffled(transcript: &Transcript, seed: u64) -> Option<Transcript> {
    let pairs: Vec<&[Turn]> = transcript.turns.chunks(2).collect();
    let last = pairs.len().checked_sub(1)?;
    let mut middle: Vec<usize> = (1..last).collect();
    if middle.len() < 2 {
        return None;
    }
    let mut dice = Dice::new(seed ^ 0x5EED);
    while middle.windows(2).all(|w| w[0] < w[1]) {
        for at in (1..middle.len()).rev() {
            middle.swap(at, dice.under(at + 1));
        }
    }
    let order = std::iter::once(0).chain(middle).chain(std::iter::once(last));
    let turns = order.flat_map(|at| pairs[at].to_vec()).collect();
    Some(renumbered(Transcript { turns, ..transcript.clone() }))
}

fn renumbered(mut transcript: Transcript) -> Transcript {
    for (seq, turn) in transcript.turns.iter_mut().enumerate() {
        turn.seq = u32::try_from(seq).unwrap_or(u32::MAX);
    }
    transcript
}

fn answers(transcript: &mut Transcript) -> impl Iterator<Item = &mut Turn> {
    transcript.turns.iter_mut().filter(|t| t.role == Speaker::Candidate && !passage::words(&t.text).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_does_what_it_says_and_nothing_else() {
        let golden = &super::super::tests::three()[1];
        let whole = golden.transcript();
        let made = all(golden, 3);
        let of = |change: Change| made.iter().find(|(c, _)| *c == change).map(|(_, t)| t);
        let removed = of(Change::Removed(Dimension::Pragmatism)).expect("a removed section");
        assert_eq!(removed.turns.len(), 6);
        assert!(removed.turns.iter().all(|t| !t.text.contains("Streaming. Polling")));
        assert!(of(Change::Removed(Dimension::Leadership)).is_none());
        let paraphrase = of(Change::Paraphrase).expect("a paraphrase");
        assert!(paraphrase.turns[1].text.starts_with("I would ask some things first"));
        assert_eq!(paraphrase.turns[5], whole.turns[5]);
        for change in [Change::Padding, Change::Gloss, Change::Figures] {
            let longer = of(change).expect("longer");
            for (a, b) in longer.turns.iter().zip(&whole.turns) {
                assert_eq!(a.role == Speaker::Candidate, a.text.len() > b.text.len());
                assert!(a.text.starts_with(b.text.trim_end()));
            }
        }
        assert!(of(Change::Names).expect("other names").turns[3].text.contains("one MariaDB table"));
        for kind in 0..INJECTIONS.len() {
            let attacked = of(Change::Injection(kind)).expect("an injection");
            assert_eq!(attacked.turns.iter().zip(&whole.turns).filter(|(a, b)| a != b).count(), 1);
        }
        let mixed = of(Change::Shuffled).expect("another order");
        let mut texts: Vec<&str> = mixed.turns.iter().map(|t| t.text.as_str()).collect();
        assert_eq!((texts[0], texts[7]), (whole.turns[0].text.as_str(), whole.turns[7].text.as_str()));
        assert_ne!(texts[3], whole.turns[3].text);
        texts.sort_unstable();
        let mut same: Vec<&str> = whole.turns.iter().map(|t| t.text.as_str()).collect();
        same.sort_unstable();
        assert_eq!(texts, same);
        assert!(mixed.turns.iter().zip(0..).all(|(t, seq)| t.seq == seq));
        assert_eq!(made, all(golden, 3), "the same seed gives the same variants");
    }

    #[test]
    fn names_are_replaced_once_and_as_whole_words() {
        let names =
            [("MySQL".into(), "Postgres".into()), ("Postgres".into(), "MariaDB".into()), ("Go".into(), "Rust".into())];
        assert_eq!(
            with_names("mysql, Postgres; go on in Go, Postgresql.", &names),
            "Postgres, MariaDB; go on in Rust, Postgresql."
        );
    }
}

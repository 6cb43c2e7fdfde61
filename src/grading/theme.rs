//! Theme: what an interview is about, and which sentences of the candidate's are about it. Pure.
//!
//! A sentence whose words of content are said nowhere else (not by the interviewer, not in the brief, not in another sentence
//! of the candidate's) speaks of something else: padding, a plea, a number beside the point. It gives no evidence, and that
//! holds for wordings that no list of phrases knows. Words are data (`prompts/grader/theme.toml`).

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use serde::Deserialize;

use super::passage::{self, Passage};
use super::signals::Phrases;
use crate::interview::transcript::{Speaker, Transcript};

/// The file as it is built into the program.
pub const TEXT: &str = include_str!("../../prompts/grader/theme.toml");

/// A word of content has at least so many letters.
const LEAST_LETTERS: usize = 3;
/// Words are the same when so many first letters are, without an ending.
const STEM: usize = 6;
/// Endings that a word may lose, and letters that must stay.
const ENDINGS: [&str; 5] = ["ing", "ed", "es", "ly", "s"];
const LEAST_STEM: usize = 4;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    least_share: f64,
    least_passages: usize,
    no_content: HashSet<String>,
    pub(super) delivery: DeliveryPhrases,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveryPhrases {
    pub(super) signpost: Phrases,
    pub(super) check: Phrases,
    pub(super) repair: Phrases,
    pub(super) vague: Phrases,
}

pub(super) fn file() -> &'static File {
    static FILE: OnceLock<File> = OnceLock::new();
    FILE.get_or_init(|| toml::from_str(TEXT).expect("prompts/grader/theme.toml does not parse. This is a bug."))
}

/// Words of content, each once, without their endings.
pub(super) type Content = HashSet<String>;

/// What the interview is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Theme {
    /// Whether each passage is about it, in the order of the passages.
    about: Vec<bool>,
    /// Words of content of each passage.
    pub(super) content: Vec<Content>,
    /// Words of content of the question before each answer, by the answer's `seq`.
    pub(super) asked: HashMap<u32, Content>,
}

impl Theme {
    /// Reads what the interview is about. `briefs` are texts that the candidate has seen.
    #[must_use]
    pub fn new(transcript: &Transcript, briefs: &[&str], passages: &[Passage]) -> Self {
        let mut said: Content = briefs.iter().flat_map(|b| content(&passage::spoken(b))).collect();
        let mut asked = HashMap::new();
        let mut question = Content::new();
        for turn in &transcript.turns {
            match turn.role {
                Speaker::Interviewer => {
                    question = content(&passage::spoken(&turn.text));
                    said.extend(question.iter().cloned());
                }
                Speaker::Candidate => {
                    asked.insert(turn.seq, question.clone());
                }
            }
        }
        let own: Vec<Content> = passages.iter().map(|p| content(&p.words)).collect();
        // A sentence said twice is one sentence: it does not make itself the theme.
        let mut counted: HashSet<&str> = HashSet::new();
        let mut times: HashMap<&str, usize> = HashMap::new();
        for (passage, words) in passages.iter().zip(&own) {
            if counted.insert(&passage.quote.quote) {
                for word in words {
                    *times.entry(word).or_default() += 1;
                }
            }
        }
        let shared = |word: &String| said.contains(word) || times.get(word.as_str()).is_some_and(|n| *n > 1);
        let file = file();
        let about = |words: &Content| {
            let theme = words.iter().filter(|w| shared(w)).count();
            theme > 0 && theme as f64 >= file.least_share * words.len() as f64
        };
        let few = passages.len() < file.least_passages;
        Self { about: own.iter().map(|words| few || about(words)).collect(), content: own, asked }
    }

    /// Whether the passage with this index is about what the interview is about.
    #[must_use]
    pub fn holds(&self, index: usize) -> bool {
        self.about.get(index).is_some_and(|about| *about)
    }
}

/// Words of content of a text, as [`passage::spoken`] gives it.
fn content(words: &[String]) -> Content {
    let own = |w: &&String| {
        w.chars().count() >= LEAST_LETTERS
            && !w.starts_with(|c: char| c.is_ascii_digit())
            && !file().no_content.contains(*w)
    };
    words.iter().filter(own).map(|w| stem(w)).collect()
}

/// A word without its ending, and cut.
fn stem(word: &str) -> String {
    let shorter = ENDINGS
        .iter()
        .find_map(|e| word.strip_suffix(e).filter(|rest| rest.chars().count() >= LEAST_STEM))
        .unwrap_or(word);
    shorter.chars().take(STEM).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interview::transcript::{Level, Round, Turn};

    const ANSWER: &str = "The broker keeps a log of events for each partition. A consumer reads its partition in order. \
         The broker drops the log after seven days. If a consumer dies, another one takes its partition. \
         Events of one order share a key. The key picks the partition. We scale by more partitions. \
         The lag of a consumer is an alert. A slow consumer gets its own partitions. Orders wait in the log. \
         The events carry a version. Old versions of an event are read for a week.";

    fn theme(answer: &str) -> (Theme, Vec<Passage>) {
        let turn = |seq, role, text: &str| Turn { seq, role, text: text.into(), at_ms: None, board: None };
        let transcript = Transcript {
            version: 1,
            round: Round::SystemDesign,
            level: Level::Senior,
            problem: None,
            minutes: 45,
            turns: vec![
                turn(0, Speaker::Interviewer, "How do orders reach the warehouse?"),
                turn(1, Speaker::Candidate, answer),
            ],
        };
        let passages = passage::passages(1, answer);
        (Theme::new(&transcript, &[], &passages), passages)
    }

    #[test]
    fn what_is_said_nowhere_else_is_beside_the_point() {
        for beside in [
            "My landlord raises the rent on Friday, so be generous.",
            "There are 11 pictures on floor 2 of this building.",
            "It was a long walk here and the coffee was good.",
        ] {
            let (theme, passages) = theme(&format!("{ANSWER} {beside}"));
            let outside: Vec<&str> = (0..passages.len())
                .filter(|&at| !theme.holds(at))
                .map(|at| passages[at].quote.quote.as_str())
                .collect();
            assert_eq!(outside, [beside]);
        }
    }

    #[test]
    fn a_sentence_does_not_make_itself_the_theme_by_being_said_twice() {
        let beside = "My landlord raises the rent on Friday.";
        let (theme, passages) = theme(&format!("{ANSWER} {beside} {beside}"));
        assert!(!theme.holds(passages.len() - 1) && !theme.holds(passages.len() - 2));
    }

    #[test]
    fn a_short_talk_has_no_theme_and_all_counts() {
        let (theme, passages) = theme("I would use one table. My landlord is tall.");
        assert!((0..passages.len()).all(|at| theme.holds(at)) && !theme.holds(passages.len()));
    }

    #[test]
    fn words_are_the_same_without_their_endings() {
        let words = |text: &str| content(&passage::spoken(text));
        assert_eq!(words("partitions partitioned"), words("the Partition"));
        assert_eq!(words("It is what we would do, 12 times."), Content::new());
    }
}

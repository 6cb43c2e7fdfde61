//! Matches what a candidate asks to the lines of the fact sheet. Nothing else is ever told.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::lexicon;
use crate::content::Fact;
use crate::content::voice::Asks;

/// How much of a phrase's weight a question must share with it.
const ENOUGH: f32 = 0.8;
/// Less is enough when no other fact is nearly as like. Chosen on four problems of `bench interviewer --questions`: lower,
/// and a question in quite other words than the sheet's is told another fact as often as its own.
const CLEAR: f32 = 0.6;
/// How much more it must then share than with the next fact.
const APART: f32 = 0.3;
/// Most facts told in one turn; the others are told in the next one.
pub const MOST: usize = 3;
/// Most facts that one turn can ask for.
const MOST_ASKED: usize = 12;

/// What a candidate asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Fact ids, in the order of asking.
    pub facts: Vec<String>,
    /// Questions that no fact answers (byte ranges of the answer).
    pub open: Vec<Range<usize>>,
    /// Questions that a fact is like, but not in the sheet's own words, each with the fact's id.
    pub likely: Vec<(Range<usize>, String)>,
    /// Questions in all.
    pub questions: usize,
}

/// The candidate's questions: sentences that end with a question mark or begin like a question.
#[must_use]
pub fn questions(text: &str) -> Vec<Range<usize>> {
    lexicon::sentences(text).into_iter().filter(|range| is_question(&text[range.clone()])).collect()
}

/// The same and what is wanted without a question ("I need the rate: how many come in a second"), while requirements are
/// collected.
#[must_use]
pub fn wishes(text: &str) -> Vec<Range<usize>> {
    const STARTS: [&str; 12] = [
        "i need the",
        "i need to know",
        "i'd need",
        "i would need",
        "i want the",
        "i want to",
        "i'd want",
        "i would want",
        "i'd like",
        "i would like",
        "i have to know",
        "we need to know",
    ];
    let wished = |sentence: &str| {
        let lower = sentence.to_lowercase().replace('’', "'");
        let start = ["so ", "then ", "first, ", "first ", "well, ", "okay, ", "also, "]
            .iter()
            .find_map(|lead| lower.strip_prefix(lead))
            .unwrap_or(&lower);
        sentence.len() < 200 && STARTS.iter().any(|s| start.starts_with(s))
    };
    let sentences = lexicon::sentences(text).into_iter();
    sentences.filter(|r| is_question(&text[r.clone()]) || wished(&text[r.clone()])).collect()
}

fn is_question(sentence: &str) -> bool {
    const STARTS: &[&str] = &[
        "what is",
        "what are",
        "what's",
        "how many",
        "how much",
        "how large",
        "how big",
        "how often",
        "how fast",
        "how long",
        "do we",
        "does the",
        "do they",
        "do the",
        "is there",
        "are there",
        "is the",
        "are the",
        "is it",
        "can we",
        "can a",
        "which",
        "who",
        "should we",
        "should i",
        "may i",
        "can i assume",
        "i'd like to know",
        "i would like to know",
        "i'd want to know",
        "i want to know",
        "i'd ask",
        "i would ask",
        "tell me",
    ];
    if sentence.ends_with('?') {
        return true;
    }
    let lower = sentence.to_lowercase();
    sentence.len() < 200 && STARTS.iter().any(|s| lower.starts_with(s)) && !states(&lower)
}

/// "What is hard to undo is the format." and "Which means that we wait." begin like questions and tell something.
fn states(lower: &str) -> bool {
    let words = lexicon::words(lower);
    let verb = |w: &lexicon::Word| matches!(w.text.as_str(), "is" | "are" | "was" | "were");
    let first = words.first().map_or("", |w| w.text.as_str());
    match first {
        "what" | "what's" => lower.ends_with('.') && words.iter().skip(2).any(verb),
        "which" | "who" => lower.ends_with('.'),
        _ => false,
    }
}

/// The part of a turn in which something is asked of the interviewer: all of it while requirements are collected, later
/// only its end. "How do we notice? I would count them." asks nobody.
#[must_use]
pub fn addressed(text: &str, collects: bool) -> &str {
    let sentences = lexicon::sentences(text);
    let answered = sentences.iter().rposition(|range| !is_question(&text[range.clone()]));
    match answered {
        Some(at) if !collects => sentences.get(at + 1).map_or("", |range| &text[range.start..]),
        _ => text,
    }
}

/// Matches every question of `text` to the sheet, each by itself. Words of the brief ("orders") tell little:
/// everything is about them. Every question is answered, left open, or says nothing ("does that make sense?").
#[must_use]
pub fn asked(text: &str, sheet: &[Fact], brief: &str, asks: &Asks) -> Asked {
    Sheet::read(sheet, brief, asks).asked(text)
}

/// How a model is told what a fact is about: two of the ways to ask for it.
#[must_use]
pub fn line(fact: &Fact) -> String {
    fact.asked_as.iter().take(2).cloned().collect::<Vec<_>>().join(", ")
}

/// Words that begin a question.
const ASKS: &[&str] = &[
    "how", "what", "what's", "which", "who", "whose", "when", "where", "why", "is", "are", "do", "does", "can", "may",
    "should", "must", "will", "would", "could", "has", "have",
];

/// "Before I design anything: how many are there?" asks in its second part only.
fn asks_something(part: &str) -> bool {
    part.ends_with('?') || lexicon::words(part).iter().any(|w| ASKS.contains(&w.text.as_str()) || w.text == "know")
}

/// The questions of one sentence: "how many are there, and how late may one be?" asks twice.
fn split(text: &str, sentence: Range<usize>) -> Vec<Range<usize>> {
    let words = lexicon::words(&text[sentence.clone()]);
    let mut starts = vec![sentence.start];
    for at in 2..words.len() {
        let joined = matches!(words[at - 1].text.as_str(), "and" | "also" | "but");
        let follows = words.get(at + 1).map_or("", |w| w.text.as_str());
        // "or" gives alternatives of one question; "is down and does not answer" goes on with the same question.
        let goes_on = follows == "not" || follows.ends_with("ed") || follows.ends_with("ing");
        let asks = ASKS.contains(&words[at].text.as_str()) && !goes_on;
        if asks && (joined || words[at - 1].ends_clause) {
            starts.push(sentence.start + words[at].range.start);
        }
    }
    let ends = starts.iter().skip(1).copied().chain([sentence.end]);
    starts.iter().copied().zip(ends).map(|(from, to)| from..to).collect()
}

/// "The expected traffic and the latency": the pieces of a list, if there are several.
fn listed(question: &str) -> Vec<&str> {
    question
        .split([',', ';'])
        .flat_map(|piece| piece.split(" and "))
        .filter(|piece| piece.chars().any(char::is_alphanumeric))
        .collect()
}

/// Stands for "how many", "how much", "how large".
const QUANTITY: &str = "#quantity";
/// "Today" often only says when: "how many users do we have today?"
const TODAY: &str = "#today";
/// A phrase weighs at least this much: one common word alone is no match.
const LEAST: f32 = 0.8;
/// What a word weighs that no fact knows.
const UNKNOWN: f32 = 0.3;

/// The telling words of a text: concepts for the words that stand for one, stems of the others.
fn content(text: &str, asks: &Asks) -> BTreeSet<String> {
    let words = lexicon::words(text);
    let mut found = BTreeSet::new();
    let asks_quantity = words.windows(2).any(|p| {
        (p[0].text == "how" && matches!(p[1].text.as_str(), "many" | "much" | "large" | "big"))
            || (p[0].text == "number" && p[1].text == "of")
    });
    if asks_quantity {
        found.insert(QUANTITY.to_owned());
    }
    let mut taken = vec![false; words.len()];
    let cues = asks.concepts.iter().flat_map(|(concept, cues)| cues.iter().map(move |cue| (concept, cue)));
    let mut hits: Vec<_> = cues
        .filter(|(_, cue)| may_hold(&words, cue))
        .filter_map(|(concept, cue)| Some((lexicon::find(&words, cue)?, concept)))
        .collect();
    // "How long do we have to keep it" is about keeping: the longest find takes its words.
    hits.sort_by_key(|(hit, _)| std::cmp::Reverse(hit.len()));
    for (hit, concept) in hits {
        if !taken[hit.clone()].iter().any(|taken| *taken) {
            found.insert(format!("#{concept}"));
            taken[hit].fill(true);
        }
    }
    let others = words.iter().zip(&taken).filter(|(w, taken)| !**taken && !asks.small.contains(&w.text));
    let quantity = |w: &str| asks_quantity && matches!(w, "large" | "big" | "number");
    found.extend(others.filter(|(w, _)| !quantity(&w.text)).map(|(w, _)| lexicon::stem(&w.text).to_owned()));
    found
}

/// The words of a text and nothing else.
fn plain(text: &str) -> String {
    lexicon::words(text).into_iter().map(|w| w.text).collect::<Vec<_>>().join(" ")
}

/// Whether the first word of a cue is there at all: most cues are ruled out by it.
fn may_hold(words: &[lexicon::Word], cue: &str) -> bool {
    let first = cue.split([' ', '*']).next().unwrap_or_default();
    words.iter().any(|w| w.text.starts_with(first))
}

/// A fact sheet, read once, with how telling each word is on it: rare among the facts = telling.
pub struct Sheet<'a> {
    facts: &'a [Fact],
    asks: &'a Asks,
    of: BTreeMap<String, f32>,
    /// The words of every way to ask, by fact.
    phrases: Vec<Vec<BTreeSet<String>>>,
}

impl<'a> Sheet<'a> {
    /// Reads a sheet.
    #[must_use]
    pub fn read(sheet: &'a [Fact], brief: &str, asks: &'a Asks) -> Self {
        let everywhere = content(brief, asks);
        let phrases: Vec<Vec<BTreeSet<String>>> =
            sheet.iter().map(|fact| fact.asked_as.iter().map(|a| content(a, asks)).collect()).collect();
        let mut facts_with: BTreeMap<String, usize> = BTreeMap::new();
        for fact in &phrases {
            let words: BTreeSet<&String> = fact.iter().flatten().collect();
            for word in words {
                *facts_with.entry(word.clone()).or_default() += 1;
            }
        }
        let all = sheet.len().max(1) as f32;
        let weight = |word: &str, n: usize| match word {
            QUANTITY => 0.35,
            TODAY => LEAST,
            _ if everywhere.contains(word) && !word.starts_with('#') => 0.4 * (1.0 + all / n as f32).ln(),
            // A concept was put there by hand; a bare word may be rare by chance.
            _ if word.starts_with('#') => 1.5 * (1.0 + all / n as f32).ln(),
            _ => (1.0 + all / n as f32).ln(),
        };
        let of = facts_with.into_iter().map(|(word, n)| (word.clone(), weight(&word, n))).collect();
        Self { facts: sheet, asks, of, phrases }
    }

    /// Matches every question of `text`.
    #[must_use]
    pub fn asked(&self, text: &str) -> Asked {
        self.asked_in(text, questions(text))
    }

    /// Matches every question in these places of `text`.
    #[must_use]
    pub fn asked_in(&self, text: &str, places: Vec<Range<usize>>) -> Asked {
        let mut found = Asked::default();
        for range in places.into_iter().flat_map(|sentence| split(text, sentence)) {
            let facts = self.answers(&text[range.clone()]);
            let says_nothing = || content(&text[range.clone()], self.asks).is_empty();
            if facts.is_empty() && (!asks_something(&text[range.clone()]) || says_nothing()) {
                continue;
            }
            found.questions += 1;
            if facts.is_empty() {
                found.open.push(range.clone());
            }
            if let [only] = facts.as_slice()
                && !Self::is_literal(only, &text[range.clone()])
            {
                found.likely.push((range, only.id.clone()));
            }
            for fact in facts {
                if !found.facts.contains(&fact.id) && found.facts.len() < MOST_ASKED {
                    found.facts.push(fact.id.clone());
                }
            }
        }
        found
    }

    /// The facts that one question asks for: one, or one for each piece of a list.
    fn answers(&self, question: &str) -> Vec<&'a Fact> {
        // The sheet's own words beat any likeness.
        if let Some(fact) = self.facts.iter().find(|fact| Self::is_literal(fact, question)) {
            return vec![fact];
        }
        let mut by_piece: Vec<&Fact> = Vec::new();
        for fact in listed(question).into_iter().filter_map(|piece| self.best(piece)) {
            if !by_piece.iter().any(|f| f.id == fact.id) {
                by_piece.push(fact);
            }
        }
        match self.best(question) {
            Some(whole) if by_piece.len() < 2 => vec![whole],
            _ => by_piece,
        }
    }

    /// Whether a question is put in the sheet's own words.
    fn is_literal(fact: &Fact, question: &str) -> bool {
        let literally = plain(question);
        fact.asked_as.iter().any(|phrase| plain(phrase) == literally)
    }

    /// The fact whose phrase the question shares most of; a weak match is none, nor one of two alike.
    fn best(&self, question: &str) -> Option<&'a Fact> {
        let mut likeness: Vec<(f32, &'a Fact)> = self.likeness(question).into_iter().zip(self.facts).collect();
        likeness.sort_by(|a, b| b.0.total_cmp(&a.0));
        let next = likeness.get(1).map_or(0.0, |(score, _)| *score);
        let clear = |score: f32| score >= ENOUGH || (score >= CLEAR && score - next >= APART);
        likeness.first().filter(|(score, _)| clear(*score)).map(|(_, fact)| *fact)
    }

    /// How much of a phrase of each fact a question shares, 0 to 1, in the sheet's order.
    #[must_use]
    pub fn likeness(&self, question: &str) -> Vec<f32> {
        let asked = content(question, self.asks);
        let known: f32 = asked.iter().map(|w| self.of.get(w).copied().unwrap_or(UNKNOWN)).sum();
        let sum = |words: &mut dyn Iterator<Item = &String>| -> f32 {
            words.map(|w| self.of.get(w).copied().unwrap_or(0.0)).sum()
        };
        let of_phrase = |phrase: &BTreeSet<String>| {
            if !phrase.is_empty() && *phrase == asked {
                return 1.0;
            }
            let all = sum(&mut phrase.iter()).max(LEAST);
            // A question much longer than the phrase is less about it.
            let shared = sum(&mut phrase.intersection(&asked));
            shared / all * (0.6 + 0.4 * shared / known.max(0.01))
        };
        self.phrases.iter().map(|phrases| phrases.iter().map(of_phrase).fold(0.0, f32::max)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Content;

    fn fact(id: &str, asked_as: &[&str]) -> Fact {
        Fact {
            id: id.into(),
            topic: "scale".into(),
            asked_as: asked_as.iter().map(|s| (*s).to_owned()).collect(),
            says: String::new(),
        }
    }

    fn check(text: &str, expect: &[&str], open: usize) {
        let sheet = [
            fact("rate", &["how many events per second", "peak load", "requests per second", "traffic"]),
            fact("latency", &["how fast must it be", "latency", "how soon must an event arrive"]),
            fact("order", &["does order matter", "ordering of events", "in order"]),
            fact("team", &["how large is the team", "how many engineers", "who runs it"]),
        ];
        let found = asked(text, &sheet, "", &Content::built_in().voice.asks);
        assert_eq!((found.facts, found.open.len()), (expect.iter().map(|s| (*s).to_owned()).collect(), open), "{text}");
    }

    #[test]
    fn questions_meet_facts() {
        check("How many events a second do we have at peak?", &["rate"], 0);
        check("What latency is acceptable?", &["latency"], 0);
        check("Does the order of events matter, and how many engineers do we have?", &["order", "team"], 0);
        check("What is the expected traffic and the latency?", &["rate", "latency"], 0);
        check("What colour should the logo be?", &[], 1);
        check("I would put it on a queue.", &[], 0);
    }

    #[test]
    fn more_facts_than_are_told_at_once_are_told_in_the_next_turn() {
        use crate::interview::simulation::Simulation;
        use crate::interview::transcript::Round;
        let content = Content::built_in();
        let mut interview = Simulation::new(&content, Round::SystemDesign, Some("event-callbacks"), 45, 11);
        let first = interview.answer(
            "How many events per second do we have, how late may one be, may an event be lost, how many customers are \
             there, and does order matter?",
            30_000,
        );
        assert_eq!((first.facts.len(), first.parked), (MOST, 2), "{first:?}");
        assert!(
            content.voice.says.parked.iter().any(|p| interview.said().contains(p.as_str())),
            "{}",
            interview.said()
        );
        let second =
            interview.answer("I would begin with a table of deliveries that is written with the order.", 30_000);
        assert_eq!((second.facts.len(), second.parked, second.of_earlier), (2, 0, true), "{second:?}");
        assert!(second.facts.iter().all(|f| !first.facts.contains(f)));
        let third = interview.answer("Then workers take it from there, each with a limit of its own.", 30_000);
        assert_eq!((third.facts.len(), third.of_earlier), (0, false));
    }

    #[test]
    fn what_is_wished_for_is_told_and_told_again_once() {
        use crate::interview::note::Act;
        use crate::interview::simulation::Simulation;
        use crate::interview::transcript::Round;
        let content = Content::built_in();
        let mut interview = Simulation::new(&content, Round::SystemDesign, Some("event-callbacks"), 45, 11);
        let wish = "I need the rate: how many order changes come in per second, and what the peak looks like.";
        let first = interview.answer(wish, 20_000);
        assert_eq!(
            (first.act, first.facts.as_slice(), first.told_before),
            (Act::Answer, &["rate".to_owned()][..], false)
        );
        let second = interview.answer(wish, 20_000);
        assert_eq!((second.act, second.facts.len(), second.told_before), (Act::Answer, 1, true));
        let third = interview.answer(wish, 20_000);
        assert_eq!((third.facts.len(), third.stage > first.stage), (0, true), "{third:?}");
    }

    #[test]
    fn nothing_is_asked_by_nothing() {
        check("", &[], 0);
        check("???", &[], 0);
    }

    #[test]
    fn a_turn_of_several_questions_is_answered_question_by_question() {
        let content = Content::built_in();
        let problem = content.problem("event-callbacks").expect("a problem that ships");
        let check = |text: &str, expect: &[&str], open: usize| {
            let found = asked(text, &problem.facts, &problem.brief, &content.voice.asks);
            assert_eq!(
                (found.facts.as_slice(), found.open.len()),
                (expect.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>().as_slice(), open),
                "{text}"
            );
        };
        check(
            "How many events per second do we have to send, and how late may one be? Also is it fine if a customer gets the same event twice?",
            &["rate", "latency", "loss"],
            0,
        );
        check("How reliable are their endpoints in practice?", &["receivers"], 0);
        check("How late may one be, and what colour is the logo?", &["latency"], 1);
        check("May a change be lost, or is there no loss at all?", &["loss"], 0);
        check("Before I design anything: how many changes are there per second?", &["rate"], 0);
        check("Can we afford to lose a notification, or to send one twice?", &["loss"], 0);
        check("Does that make sense?", &[], 0);
        check("What is hard to undo is the payload format and what we promise in public.", &[], 0);
        check("Which means that a receiver sees it twice.", &[], 0);
        check("Who reads it is up to them.", &[], 0);
    }

    #[test]
    fn later_on_only_the_end_of_a_turn_asks() {
        let turn = "How do we notice? I would count them. How many people are on call?";
        assert_eq!(addressed(turn, false), "How many people are on call?");
        assert_eq!(addressed(turn, true), turn);
        assert_eq!(addressed("How do we notice? I would count them.", false), "");
        assert_eq!(addressed("How many are there?", false), "How many are there?");
        assert_eq!(addressed("", false), "");
    }

    /// Questions in a candidate's words, by hand, against the sheets as they ship. Wrong = answered with another fact.
    #[test]
    fn a_paraphrase_finds_its_fact() {
        #[derive(serde::Deserialize)]
        struct Paraphrases {
            question: Vec<Paraphrase>,
        }
        #[derive(serde::Deserialize)]
        struct Paraphrase {
            of: String,
            asks: String,
            fact: String,
        }
        let mut all: Paraphrases = toml::from_str(include_str!("paraphrases.toml")).expect("the test's questions");
        let more: Paraphrases =
            toml::from_str(include_str!("paraphrases_held_out.toml")).expect("the test's questions");
        let tuned = all.question.len();
        all.question.extend(more.question);
        let content = Content::built_in();
        let (mut right, mut wrong) = (0, Vec::new());
        let mut silent = Vec::new();
        for (at, question) in all.question.iter().enumerate() {
            if at == tuned {
                println!("{right} of {tuned} right before the held-out questions");
            }
            let problem = content.problem(&question.of).expect("a problem that ships");
            assert!(
                question.fact.is_empty() || problem.facts.iter().any(|f| f.id == question.fact),
                "{}",
                question.asks
            );
            let found = asked(&question.asks, &problem.facts, &problem.brief, &content.voice.asks).facts;
            match found.as_slice() {
                [] if question.fact.is_empty() => right += 1,
                [] => silent.push(&question.asks),
                [one] if *one == question.fact => right += 1,
                others => wrong.push(format!("{} {} -> {others:?}", question.of, question.asks)),
            }
        }
        let n = all.question.len();
        println!("{right} of {n} right; wrong {wrong:#?}; silent {silent:#?}");
        assert!(
            right * 100 >= n * 85 && wrong.len() * 100 <= n * 5,
            "{right} of {n}\nwrong {wrong:#?}\nsilent {silent:#?}"
        );
    }
}

//! Evidence for the items of a problem's checklist. An item is described by all that the content says of it (question,
//! reason, area, probes, cues, hints); an answer is like it or not, and more like it than like the other items or not.

use std::collections::BTreeMap;

use super::{Evidence, Told, above_others, by_cues, length, order, stems};
use crate::content::{ChecklistItem, Phase, Problem};
use crate::interview::lexicon::{self, Word};

/// The items of one problem, ready to be listened for.
pub struct Listening<'a> {
    items: &'a [ChecklistItem],
    rare: Rare,
    of: Vec<Likeness>,
}

/// A text as weighed words of length one.
type Likeness = BTreeMap<String, f32>;

/// How telling a word is: in few items = telling.
struct Rare {
    items: f32,
    with: BTreeMap<String, usize>,
}

impl Rare {
    fn weight(&self, stem: &str) -> f32 {
        let with = self.with.get(stem).copied().unwrap_or(0) as f32;
        ((self.items + 1.0) / (with + 0.5)).ln()
    }

    fn likeness(&self, words: &[Word]) -> Likeness {
        let mut times: BTreeMap<String, f32> = BTreeMap::new();
        for stem in stems(words) {
            *times.entry(stem).or_default() += 1.0;
        }
        for (stem, n) in &mut times {
            *n = (1.0 + n.ln()) * self.weight(stem);
        }
        let long = times.values().map(|x| x * x).sum::<f32>().sqrt();
        if long > 0.0 {
            times.values_mut().for_each(|x| *x /= long);
        }
        times
    }
}

fn alike(a: &Likeness, b: &Likeness) -> f32 {
    a.iter().filter_map(|(stem, x)| Some(x * b.get(stem)?)).sum()
}

/// All that the content says of an item.
fn described(problem: &Problem, item: &ChecklistItem) -> Vec<Word> {
    let mut text = format!("{}. {}. {}. {}. ", item.ask, item.ask, item.why, item.area);
    for probe in &item.probes {
        text += &format!("{}. ", probe.replace("{quote}", ""));
    }
    for cue in &item.cues {
        text += &format!("{}. ", cue.replace('*', "").replace("..", " ").replace('&', " "));
    }
    for hint in problem.hints.iter().filter(|h| h.topic == item.id) {
        text += &format!("{}. {}. {}. ", hint.area, hint.concept, hint.options);
    }
    lexicon::words(&text)
}

impl<'a> Listening<'a> {
    /// Reads the items of a problem.
    #[must_use]
    pub fn to(problem: &'a Problem) -> Self {
        let items = problem.checklist.as_slice();
        let texts: Vec<Vec<Word>> = items.iter().map(|item| described(problem, item)).collect();
        let mut with: BTreeMap<String, usize> = BTreeMap::new();
        for text in &texts {
            let distinct: std::collections::BTreeSet<String> = stems(text).into_iter().collect();
            for stem in distinct {
                *with.entry(stem).or_default() += 1;
            }
        }
        let rare = Rare { items: items.len() as f32, with };
        let of = texts.iter().map(|text| rare.likeness(text)).collect();
        Self { items, rare, of }
    }

    /// The evidence for every item, in the order of the checklist.
    #[must_use]
    pub fn evidence(&self, told: Told<'_>) -> Vec<Evidence> {
        let whole = self.rare.likeness(told.words);
        let sentences: Vec<&[Word]> = told.words.split_inclusive(|w| w.ends_sentence).collect();
        let passages: Vec<Likeness> = (0..sentences.len())
            .map(|at| self.rare.likeness(&sentences[at..(at + 2).min(sentences.len())].concat()))
            .collect();
        let asked = self.rare.likeness(&told.asks());
        let all = |of: &dyn Fn(&Likeness) -> f32| -> Vec<f32> { self.of.iter().map(of).collect() };
        let by_whole = all(&|item| alike(item, &whole));
        let by_passage = all(&|item| passages.iter().map(|p| alike(item, p)).fold(0.0, f32::max));
        let by_question = all(&|item| alike(item, &asked));
        let (whole_above, passage_above) = (above_others(&by_whole), above_others(&by_passage));
        let (question_above, question_order) = (above_others(&by_question), order(&by_question));
        let own_questions = told.words.len().saturating_sub(told.statements.len());
        self.items
            .iter()
            .enumerate()
            .map(|(at, item)| {
                let constraint = matches!(item.phase, Phase::Constraints | Phase::Sizing);
                let from = if constraint { told.words } else { told.statements };
                let late = told.part - middle(item.phase as u8);
                let mut found: Evidence =
                    by_cues(from, &item.cues).into_iter().map(|(name, x)| (name.to_owned(), x)).collect();
                let asks = if item.phase == Phase::Constraints { (own_questions as f32 / 40.0).min(1.0) } else { 0.0 };
                found.extend(
                    [
                        ("length", length(from)),
                        ("place", late.abs()),
                        ("late", late),
                        ("whole", by_whole[at]),
                        ("whole-above", whole_above[at]),
                        ("passage", by_passage[at]),
                        ("passage-above", passage_above[at]),
                        ("question-above", question_above[at]),
                        ("question-order", question_order[at]),
                        ("own-questions", asks),
                        ("first", f32::from(u8::from(told.before.is_empty()))),
                    ]
                    .map(|(name, x)| (name.to_owned(), x)),
                );
                found.push((format!("phase:{}", name(item.phase)), 1.0));
                found
            })
            .collect()
    }

    /// Where the answer speaks of an item most: the most telling shared word of the sentence that is most like it.
    #[must_use]
    pub fn place(&self, item: &str, words: &[Word]) -> Option<lexicon::Hit> {
        let of = &self.of[self.items.iter().position(|i| i.id == item)?];
        let mut from = 0;
        let mut best: Option<(f32, usize)> = None;
        for sentence in words.split_inclusive(|w| w.ends_sentence) {
            let like = alike(of, &self.rare.likeness(sentence));
            let weight = |w: &Word| stems(std::slice::from_ref(w)).first().and_then(|s| of.get(s)).copied();
            let telling = sentence
                .iter()
                .enumerate()
                .filter_map(|(at, w)| Some((weight(w)?, at)))
                .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
            if let Some((_, at)) = telling.filter(|_| best.is_none_or(|(b, _)| like > b)) {
                best = Some((like, from + at));
            }
            from += sentence.len();
        }
        best.map(|(_, at)| at..at + 1)
    }
}

/// Both dives are one part here.
const fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Constraints => "constraints",
        Phase::Sizing => "sizing",
        Phase::HighLevel => "high-level",
        Phase::DiveA | Phase::DiveB => "dive",
        Phase::Change => "change",
        Phase::Operate => "operate",
        Phase::Alternatives => "alternatives",
        Phase::Open | Phase::Close => "other",
    }
}

/// The planned place of a phase, 0 to 1.
fn middle(phase: u8) -> f32 {
    f32::from(phase) / 9.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Content;

    fn of(evidence: &Evidence, name: &str) -> f32 {
        evidence.iter().find(|(n, _)| n == name).map_or(0.0, |(_, x)| *x)
    }

    #[test]
    fn an_answer_is_most_like_the_item_that_it_is_about() {
        let content = Content::built_in();
        let problem = content.problem("api-quota").expect("a problem");
        let listening = Listening::to(problem);
        let words = lexicon::words(
            "The bill never comes from the buckets. Each server writes a count for every minute to its disk, and a \
             repeated report lands on the same line.",
        );
        let told = Told {
            words: &words,
            statements: &words,
            question: "And the bill?",
            before: &["I ask."],
            part: 0.5,
            slot: "",
        };
        let all = listening.evidence(told);
        let at = |id: &str| problem.checklist.iter().position(|i| i.id == id).expect("an item");
        let (month, kill) = (&all[at("h-month")], &all[at("h-kill")]);
        assert!(of(month, "whole") > of(kill, "whole"), "{month:?} {kill:?}");
        assert!(of(month, "question-order") > of(kill, "question-order"), "{month:?} {kill:?}");
        let place = listening.place("h-month", &words).expect("a place");
        assert!(place.start > 0, "{}", words[place.start].text);
    }

    #[test]
    fn nothing_is_no_trouble() {
        let content = Content::built_in();
        let listening = Listening::to(content.problem("api-quota").expect("a problem"));
        let told = Told { words: &[], statements: &[], question: "", before: &[], part: 0.0, slot: "" };
        assert!(listening.evidence(told).iter().flatten().all(|(_, x)| x.is_finite()));
        assert_eq!(listening.place("not there", &[]), None);
    }
}

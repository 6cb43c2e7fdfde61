//! Evidence for the parts of a story: what was asked, and the signs of telling it (`signs.toml`).

use super::{Evidence, Told, by_cues, length};
use crate::content::behavioural::SlotProbes;
use crate::interview::lexicon::{self, Word};
use crate::interview::signs::SIGNS;

/// Answers after which a story is late.
const LATE: f32 = 8.0;

/// The evidence for every slot, in their order.
#[must_use]
pub fn evidence(slots: &[SlotProbes], told: Told<'_>) -> Vec<Evidence> {
    let asks = told.asks();
    let some = |words: &[Word], cues: &[String]| lexicon::count(words, cues) as f32;
    let asked: Vec<f32> = slots
        .iter()
        .map(|slot| match SIGNS.slots.get(&slot.slot) {
            // As much as one sign in a question: it was asked for, which says little of whether it was told.
            _ if slot.slot.id() == told.slot => 0.5,
            of => of.map_or(0.0, |of| some(&asks, &of.asked).min(2.0) / 2.0),
        })
        .collect();
    let number = told.before.len() as f32 + 1.0;
    let mut so_far: Vec<Word> = told.before.iter().flat_map(|text| lexicon::words(text)).collect();
    so_far.extend_from_slice(told.words);
    let first = f32::from(u8::from(told.before.is_empty()));
    let deeds = (deeds(told.words) as f32).min(6.0) / 6.0;
    let numbers = told.words.iter().filter(|w| lexicon::is_number(&w.text)).count() as f32;
    let evades = some(told.words, &SIGNS.evades).min(4.0) / 4.0;
    slots
        .iter()
        .enumerate()
        .map(|(at, slot)| {
            let said = SIGNS.slots.get(&slot.slot).map_or(0.0, |of| some(told.words, &of.said));
            let others = asked.iter().enumerate().filter(|(o, _)| *o != at).map(|(_, x)| *x).fold(0.0, f32::max);
            let mut found: Evidence = by_cues(told.words, &slot.cues)
                .into_iter()
                .filter(|(name, _)| matches!(*name, "cue" | "vocabulary"))
                .map(|(name, x)| (name.to_owned(), x))
                .collect();
            let most_asked = asked[at] > 0.0 && asked[at] >= others;
            let (few, place) = (said.min(5.0) / 5.0, (number / LATE).min(1.0));
            found.extend(
                [
                    ("length", length(told.words)),
                    ("asked", asked[at]),
                    ("most-asked", f32::from(u8::from(most_asked))),
                    ("others-asked", others),
                    ("signs", few),
                    ("signs-dense", said / (told.words.len().max(30) as f32) * 20.0),
                    ("first", first),
                    ("evades", evades),
                    ("deeds", deeds),
                    ("would", share(told.words, &SIGNS.would)),
                    ("would-so-far", share(&so_far, &SIGNS.would)),
                    ("numbers", numbers.min(6.0) / 6.0),
                ]
                .map(|(name, x)| (name.to_owned(), x)),
            );
            let id = slot.slot.id();
            found.push((format!("slot:{id}"), 1.0));
            let of_slot = [("first", first), ("place", place), ("deeds", deeds), ("signs", few)];
            found.extend(of_slot.map(|(name, x)| (format!("{name}:{id}"), x)));
            found
        })
        .collect()
}

/// Things done and told in the first person: "I wrote", "I then asked".
fn deeds(words: &[Word]) -> usize {
    let past = |w: &Word| SIGNS.past.contains(&w.text) || (w.text.len() > 4 && w.text.ends_with("ed"));
    let does = |two: &[Word]| match two {
        [next, ..] if past(next) => true,
        [between, next] => SIGNS.between.contains(&between.text) && past(next),
        _ => false,
    };
    (0..words.len())
        .filter(|&at| matches!(words[at].text.as_str(), "i" | "i've" | "i'd"))
        .filter(|&at| does(&words[at + 1..(at + 3).min(words.len())]))
        .count()
}

/// How often words of a list stand there, among ten.
fn share(words: &[Word], list: &[String]) -> f32 {
    let n = words.iter().filter(|w| list.contains(&w.text)).count();
    n as f32 / words.len().max(1) as f32 * 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Content;

    #[test]
    fn deeds_are_counted_and_wishes_are_not() {
        let of = |text: &str| deeds(&lexicon::words(text));
        assert_eq!(of("I wrote it down, I then asked them, and I'd counted before."), 3);
        assert_eq!(of("I would write it down. We wrote it."), 0);
        assert_eq!((of(""), of("I")), (0, 0));
    }

    #[test]
    fn a_question_and_the_way_of_telling_point_to_one_part() {
        let content = Content::built_in();
        let story = content.competency("incident-owned").expect("a competency");
        let words = lexicon::words("I'd ring the port first next time. I should have done that at once.");
        let told = Told {
            words: &words,
            statements: &words,
            question: "What do you do otherwise since?",
            before: &["It broke."],
            part: 0.5,
            slot: "",
        };
        let all = evidence(&story.slots, told);
        let of = |slot: &str, name: &str| {
            let at = story.slots.iter().position(|s| s.slot.id() == slot).expect("a slot");
            all[at].iter().find(|(n, _)| n == name).map_or(0.0, |(_, x)| *x)
        };
        assert!(of("learning", "asked") > of("situation", "asked"));
        assert!(of("learning", "signs") > of("situation", "signs"));
    }
}

//! Contradictions: two statements of the candidate on the same thing that do not fit together. Pure text rules.
//!
//! Found by the program, never by the model: two numbers with the same unit and the same subject that differ by half or
//! more, or two words that exclude each other. A word of change ("at peak", "later", "actually") makes both true.

use std::collections::HashSet;

use super::cue::{self, Cue};
use super::passage::Passage;
use super::scorecard::Contradiction;
use super::signals;

/// At most this many are reported: more is noise.
const MOST: usize = 5;
/// Words that two statements must share to be on the same thing.
const SHARED: usize = 3;

/// Finds pairs in order of the earlier statement.
#[must_use]
pub fn find(passages: &[Passage]) -> Vec<Contradiction> {
    let rules = &signals::file().contradiction;
    let opposites: Vec<(Cue, Cue)> = rules.opposites.iter().map(|(a, b)| (Cue::new(a), Cue::new(b))).collect();
    let steady: Vec<&Passage> = passages.iter().filter(|p| !rules.change.any(&p.words)).collect();
    let mut found = Vec::new();
    for (at, first) in steady.iter().enumerate() {
        for second in &steady[at + 1..] {
            if found.len() == MOST {
                return found;
            }
            let reason = numbers(first, second, &rules.units).or_else(|| opposed(first, second, &opposites));
            if let Some(reason) = reason {
                found.push(Contradiction { reason, first: first.quote.clone(), second: second.quote.clone() });
            }
        }
    }
    found
}

fn numbers(first: &Passage, second: &Passage, units: &[String]) -> Option<String> {
    let (a, b) = (measures(first, units), measures(second, units));
    for (unit, x) in &a {
        // A statement with two numbers of one unit compares them itself.
        let single = |list: &[(String, f64)]| list.iter().filter(|(u, _)| u == unit).count() == 1;
        let Some((_, y)) = b.iter().find(|(u, _)| u == unit) else { continue };
        let far = x.max(*y) >= 1.5 * x.min(*y) && x.min(*y) > 0.0;
        if far && single(&a) && single(&b) && shared(first, second, Some(unit)) >= SHARED {
            return Some(format!("Two numbers for the same thing: {} and {} {unit}.", plain(*x), plain(*y)));
        }
    }
    None
}

fn opposed(first: &Passage, second: &Passage, opposites: &[(Cue, Cue)]) -> Option<String> {
    if shared(first, second, None) < SHARED {
        return None;
    }
    let has = |cue: &Cue, p: &Passage| cue.matches(&p.words);
    opposites.iter().find_map(|(a, b)| {
        let crossed = (has(a, first) && has(b, second) && !has(a, second) && !has(b, first))
            || (has(b, first) && has(a, second) && !has(b, second) && !has(a, first));
        crossed.then(|| "Two statements on the same thing exclude each other.".to_owned())
    })
}

/// Numbers directly before a unit.
fn measures(p: &Passage, units: &[String]) -> Vec<(String, f64)> {
    p.words
        .windows(2)
        .filter(|w| units.contains(&w[1]))
        .filter_map(|w| value(&w[0]).map(|v| (w[1].clone(), v)))
        .collect()
}

/// `10,000`, `10k`, `1.5m`, `ten`.
fn value(word: &str) -> Option<f64> {
    let word = word.replace(',', "");
    let (digits, factor) = match word.chars().last()? {
        'k' => (&word[..word.len() - 1], 1e3),
        'm' => (&word[..word.len() - 1], 1e6),
        'b' => (&word[..word.len() - 1], 1e9),
        _ => (word.as_str(), 1.0),
    };
    if let Ok(number) = digits.parse::<f64>() {
        return Some(number * factor);
    }
    let names =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    names.iter().position(|n| *n == word).map(|n| n as f64)
}

fn plain(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value}") }
}

/// Content words that both have, stems of five letters, the unit left out.
fn shared(first: &Passage, second: &Passage, unit: Option<&str>) -> usize {
    let stems = |p: &Passage| -> HashSet<String> {
        p.words
            .iter()
            .filter(|w| {
                w.chars().count() >= 4 && Some(w.as_str()) != unit && !cue::is_number(w) && !STOP.contains(&w.as_str())
            })
            .map(|w| w.chars().take(5).collect())
            .collect()
    };
    stems(first).intersection(&stems(second)).count()
}

const STOP: [&str; 34] = [
    "that", "this", "with", "have", "will", "would", "could", "should", "they", "them", "then", "than", "there",
    "their", "which", "what", "when", "where", "about", "because", "into", "over", "only", "also", "some", "very",
    "just", "need", "needs", "does", "make", "takes", "take", "goes",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grading::passage::passages;

    fn reasons(first: &str, second: &str) -> Vec<String> {
        let mut all = passages(1, first);
        all.extend(passages(3, second));
        find(&all).into_iter().map(|c| c.reason).collect()
    }

    #[test]
    fn numbers_on_the_same_thing_are_compared() {
        let first = "The click service takes 10,000 writes per second in total.";
        assert_eq!(
            reasons(first, "Our click service takes only 500 writes per second in total."),
            ["Two numbers for the same thing: 10000 and 500 writes."]
        );
        assert_eq!(reasons(first, "At peak the click service takes 50,000 writes per second in total."), [""; 0]);
        assert_eq!(reasons(first, "The billing database takes 500 writes."), [""; 0]);
        assert_eq!(reasons(first, "The click service takes 12k writes per second in total."), [""; 0]);
    }

    #[test]
    fn words_that_exclude_each_other() {
        let first = "Balance reads for the account page are strongly consistent.";
        assert_eq!(reasons(first, "Balance reads of the account page are eventually consistent.").len(), 1);
        assert_eq!(reasons(first, "Search results are eventually consistent.").len(), 0);
    }
}

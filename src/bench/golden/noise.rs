//! Speech as a recogniser writes it down: no capitals, lost commas, fillers, words that sound alike. Pure.

use serde::Deserialize;

use crate::bench::Dice;
use crate::interview::transcript::{Speaker, Transcript};

/// What is put in and mixed up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sounds {
    fillers: Vec<String>,
    sound_alike: Vec<(String, String)>,
}

/// A filler comes once in about so many words.
const FILLER_EVERY: usize = 14;
/// Of ten words that sound like another, so many are mixed up.
const MIXED_UP_OF_TEN: usize = 4;
/// Of ten ends of sentences, so many are not heard.
const RUN_ON_OF_TEN: usize = 3;
/// Of a hundred words, so many are said twice.
const TWICE_OF_HUNDRED: usize = 2;

/// The candidate's turns as heard; the same seed gives the same noise.
#[must_use]
pub fn heard(transcript: &Transcript, sounds: &Sounds, seed: u64) -> Transcript {
    let mut heard = transcript.clone();
    let mut dice = Dice::new(seed ^ 0xA5A5);
    for turn in heard.turns.iter_mut().filter(|t| t.role == Speaker::Candidate) {
        turn.text = noisy(&turn.text, sounds, &mut dice);
    }
    heard
}

fn noisy(text: &str, sounds: &Sounds, dice: &mut Dice) -> String {
    let mut out: Vec<String> = Vec::new();
    for raw in text.split_whitespace() {
        let word: String = raw.to_lowercase();
        let end = word.chars().last().filter(|c| matches!(c, '.' | '?' | '!'));
        let plain = word.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '%' | '$' | '€')).to_owned();
        if plain.is_empty() {
            continue;
        }
        let alike = sounds.sound_alike.iter().find(|(from, _)| *from == plain);
        let said = match alike {
            Some((_, to)) if dice.under(10) < MIXED_UP_OF_TEN => to.clone(),
            _ => plain,
        };
        if !sounds.fillers.is_empty() && dice.under(FILLER_EVERY) == 0 {
            out.push(sounds.fillers[dice.under(sounds.fillers.len())].clone());
        }
        if dice.under(100) < TWICE_OF_HUNDRED {
            out.push(said.clone());
        }
        match end {
            Some(mark) if dice.under(10) >= RUN_ON_OF_TEN => out.push(format!("{said}{mark}")),
            _ => out.push(said),
        }
    }
    out.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_stay_and_the_marks_go() {
        let sounds = Sounds { fillers: vec!["um".into()], sound_alike: vec![("write".into(), "right".into())] };
        let text = "First, I would write 100 rows (about 2 KB each). Then, if it fails, we write again! ".repeat(8);
        let noise = noisy(&text, &sounds, &mut Dice::new(1));
        assert!(!noise.contains([',', '(', 'F']) && noise.contains("um") && noise.contains("right"));
        assert!(noise.matches("rows").count() >= 8 && noise.contains('.'));
        assert_eq!(noise, noisy(&text, &sounds, &mut Dice::new(1)));
        assert_eq!(noisy("", &sounds, &mut Dice::new(1)), "");
    }
}

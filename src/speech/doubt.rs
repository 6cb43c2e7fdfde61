//! Whether a text was said, or is only what a speech model writes when it has to write something. Pure.
//!
//! The bounds lie between 140 readings of 70 sentences by espeak-ng (plain and 10 dB above a noise) and 120 of keys, knocks and
//! breath, by tiny and base: what was said had `silence - .35 certainty` of .87 at most, noise 1.01 at least; nothing that
//! was said had more than 4.2 words a second, half of the noise 5 to 54. Whisper's own rule (.6 and -1) let one in ten pass.

use crate::greedy::Written;

/// How the two signs of silence are added up, and from where on nobody has spoken.
const WEIGHT: f32 = 0.35;
const NOBODY: f32 = 0.93;
/// A model this sure of its words has heard some.
const SURE: f32 = -0.5;
/// Below this it does not believe its text, whatever it thinks of the silence.
const UNBELIEVED: f32 = -1.6;
/// A circle with as much silence in it was not said.
const SILENT_CIRCLE: f32 = 0.4;
/// Words a second that nobody exceeds, and a few that may come at once.
const FASTEST: f32 = 6.0;
const AT_ONCE: f32 = 3.0;

/// Whether nobody has spoken.
pub(crate) fn silent(written: &Written) -> bool {
    let Written { silence, certainty, astray, .. } = *written;
    (certainty < SURE && silence - WEIGHT * certainty > NOBODY) || (astray && silence > SILENT_CIRCLE)
}

/// Whether the best text that there is was said.
pub(crate) fn believed(written: &Written) -> bool {
    !silent(written) && written.certainty > UNBELIEVED
}

/// Whether so many words do not fit into a sound.
pub(crate) fn hasty(words: usize, milliseconds: u64) -> bool {
    words as f32 > AT_ONCE + FASTEST * milliseconds as f32 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(silence: f32, certainty: f32, astray: bool) -> Written {
        Written { tokens: Vec::new(), certainty, silence, astray }
    }

    #[test]
    fn speech_in_noise_is_believed_and_noise_is_not() {
        for (silence, certainty) in [(0.63, -0.67), (0.51, -0.86), (0.09, -1.03), (0.29, -0.9), (0.9, -0.3)] {
            assert!(believed(&written(silence, certainty, false)), "{silence} {certainty}");
        }
        assert!(believed(&written(0.1, -0.6, true)), "who repeats a sentence has said it");
        for (silence, certainty) in [(0.41, -1.88), (0.54, -1.49), (0.73, -0.85), (0.9, -0.6), (0.05, -1.7)] {
            assert!(!believed(&written(silence, certainty, false)), "{silence} {certainty}");
        }
        assert!(!believed(&written(0.71, -0.51, true)));
    }

    #[test]
    fn nobody_says_nine_words_in_half_a_second() {
        assert!(hasty(9, 400) && hasty(26, 1_200));
        assert!(!hasty(1, 200) && !hasty(4, 400) && !hasty(25, 5_000));
    }
}

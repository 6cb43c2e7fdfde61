//! How long spoken answers took, as sentences for every format. Facts only.

use crate::interview::delivery::{Delivery, SpokenAnswer};

/// One line for the session, then one for each spoken answer.
pub(super) fn lines(delivery: &Delivery) -> Vec<String> {
    let share = (delivery.talk_ratio * 100.0).round();
    let all = format!(
        "{share} % of the words were the candidate's; the longest stretch without a break took {}.",
        time(delivery.longest_ms)
    );
    std::iter::once(all).chain(delivery.answers.iter().map(answer)).collect()
}

fn answer(answer: &SpokenAnswer) -> String {
    let rate = answer.words_per_minute.map_or_else(String::new, |rate| format!(", {rate} words a minute"));
    format!(
        "Turn {}: {} of speaking after {}, {} words{rate}, longest stretch {}{}.",
        answer.turn,
        time(answer.speaking_ms),
        time(answer.first_word_ms),
        answer.words,
        time(answer.longest_ms),
        if answer.edited { "; the text was corrected by hand" } else { "" }
    )
}

fn time(ms: u64) -> String {
    let tenths = ms / 100;
    if tenths < 600 {
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    format!("{} min {} s", ms / 60_000, ms / 1000 % 60)
}

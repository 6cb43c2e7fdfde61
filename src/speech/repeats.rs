//! Text that goes round in circles: what a speech model writes when it has lost the sound. Pure.

/// Longest circle, in tokens.
const LONGEST: usize = 24;
/// Rounds that are no longer a person's way of speaking.
const ROUNDS: usize = 4;
/// Tokens that a circle has to fill in all.
const LEAST: usize = 12;

/// Where the circle at the end begins a second time; `None` when there is none.
pub(crate) fn circle(tokens: &[u32]) -> Option<usize> {
    (1..=LONGEST).find_map(|length| {
        let rounds = ROUNDS.max(LEAST.div_ceil(length));
        let start = tokens.len().checked_sub(length * rounds)?;
        let tail = &tokens[start..];
        tail[length..].iter().zip(tail).all(|(a, b)| a == b).then_some(start + length)
    })
}

#[cfg(test)]
mod tests {
    use super::circle;

    #[test]
    fn circles_are_found_and_a_stammer_is_not_one() {
        assert_eq!(circle(&[7, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]), Some(4));
        assert_eq!(circle(&[5; 12]), Some(1));
        assert_eq!(circle(&[9, 5, 5, 5, 5]), None);
        assert_eq!(circle(&[1, 2, 3, 1, 2, 3, 1, 2, 3]), None);
        assert_eq!(circle(&[]), None);
    }
}

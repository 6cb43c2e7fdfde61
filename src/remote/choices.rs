//! From a server's likeliest tokens to the probabilities of a few options. Pure.

/// Longest option that can be one token.
const ONE_TOKEN: usize = 12;

/// Whether the first token tells the options apart.
pub(super) fn are_short(options: &[String]) -> bool {
    let short = |option: &String| {
        let option = option.trim();
        !option.is_empty() && option.chars().count() <= ONE_TOKEN && !option.contains(char::is_whitespace)
    };
    options.iter().all(short)
}

/// The options' log-probabilities: what all spellings of an option have together ("Yes", " yes"). An option that is not
/// among the likeliest tokens gets the least of them, which is the most it can have. None when no option is among them.
pub(super) fn log_probs(options: &[String], top: &[(String, f64)]) -> Option<Vec<f32>> {
    let least = top.iter().map(|(_, p)| *p).fold(f64::INFINITY, f64::min);
    let together = |option: &String| {
        let wanted = option.trim().to_lowercase();
        // A letter is itself only: "a" begins many sentences.
        let fits = |token: &str| {
            let token = token.trim();
            if wanted.chars().count() == 1 { token == option.trim() } else { token.to_lowercase() == wanted }
        };
        let sum: f64 = top.iter().filter(|(t, _)| fits(t)).map(|(_, p)| p.exp()).sum();
        (sum > 0.0).then(|| sum.ln())
    };
    let found: Vec<Option<f64>> = options.iter().map(together).collect();
    if found.iter().all(Option::is_none) {
        return None;
    }
    Some(found.into_iter().map(|p| p.unwrap_or(least) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_has_all_its_spellings_and_a_letter_only_one() {
        let top = |list: &[(&str, f64)]| list.iter().map(|(t, p)| ((*t).to_owned(), p.ln())).collect::<Vec<_>>();
        let yes_no = ["Yes".to_owned(), "No".to_owned()];
        let p = log_probs(&yes_no, &top(&[("Yes", 0.5), (" yes", 0.1), ("No", 0.2), ("Maybe", 0.1)])).expect("p");
        assert!((p[0].exp() - 0.6).abs() < 1e-6 && (p[1].exp() - 0.2).abs() < 1e-6);
        let p = log_probs(&yes_no, &top(&[("Yes", 0.9), ("The", 0.02)])).expect("p");
        assert!((p[1].exp() - 0.02).abs() < 1e-6, "what is not listed has at most the least that is");
        assert_eq!(log_probs(&yes_no, &top(&[("The", 0.9)])), None);
        let letters = ["A".to_owned(), "B".to_owned()];
        let p = log_probs(&letters, &top(&[("a", 0.6), ("A", 0.1), ("B", 0.2)])).expect("p");
        assert!((p[0].exp() - 0.1).abs() < 1e-6);
    }

    #[test]
    fn only_short_options_can_be_told_apart_by_a_token() {
        assert!(are_short(&["Yes".into(), " No".into()]));
        for long in ["How would you notice?", "", "incomprehensible"] {
            assert!(!are_short(&["Yes".into(), long.into()]), "{long}");
        }
    }
}

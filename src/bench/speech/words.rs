//! Text as it is said: lower case, no punctuation, numbers as words, so that "99.9%" and "ninety nine point nine percent"
//! are the same. Pure.

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// The words of a text.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    // A comma within a number belongs to it.
    let chars: Vec<char> = text.to_lowercase().chars().collect();
    let digit = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(char::is_ascii_digit);
    let mut plain = String::new();
    for (at, c) in chars.iter().enumerate() {
        let within = digit(at.checked_sub(1)) && digit(Some(at + 1));
        match c {
            ',' if within => {}
            '.' if within => plain.push_str(" point "),
            '\'' | '\u{2019}' => {}
            '%' => plain.push_str(" percent "),
            '$' => plain.push_str(" dollars "),
            c if c.is_alphanumeric() => {
                // "4th", "10ms": a number ends where letters begin.
                if c.is_alphabetic() && digit(at.checked_sub(1)) {
                    plain.push(' ');
                }
                plain.push(*c);
            }
            _ => plain.push(' '),
        }
    }
    plain.split_whitespace().flat_map(said).collect()
}

fn said(word: &str) -> Vec<String> {
    match word.parse::<u64>() {
        Ok(number) if number < 1_000_000_000 => number_words(number).into_iter().map(str::to_owned).collect(),
        _ => match word {
            "th" | "st" | "nd" | "rd" => Vec::new(),
            "ninth" => vec!["nine".into()],
            "ms" => vec!["milliseconds".into()],
            "okay" => vec!["ok".into()],
            "centers" => vec!["centres".into()],
            "behavior" => vec!["behaviour".into()],
            other => vec![other.to_owned()],
        },
    }
}

fn number_words(number: u64) -> Vec<&'static str> {
    let mut out = Vec::new();
    for (unit, name) in [(1_000_000, "million"), (1_000, "thousand"), (100, "hundred")] {
        if number >= unit {
            out = number_words(number / unit);
            out.push(name);
            if !number.is_multiple_of(unit) {
                out.extend(number_words(number % unit));
            }
            return out;
        }
    }
    if number < 20 {
        return vec![SMALL[number as usize]];
    }
    out.push(TENS[(number / 10) as usize]);
    if !number.is_multiple_of(10) {
        out.push(SMALL[(number % 10) as usize]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn numbers_and_punctuation_do_not_count_as_errors() {
        let same = |a: &str, b: &str| assert_eq!(words(a), words(b));
        same("99.9% of 12,000 requests", "ninety nine point nine percent of twelve thousand requests");
        same("It's read-through, isn't it?", "its read through isnt it");
        same("the 99th percentile within 200ms", "the ninety ninth percentile within two hundred milliseconds");
        same("50 million", "fifty million");
        assert!(words(" -- ... ").is_empty());
    }
}

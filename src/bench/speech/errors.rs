//! The word error rate: words that have to be put in, taken out or changed to come from what was heard to what was
//! said, of all words said. Pure.

use super::words::words;

/// Errors of all words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Errors {
    /// Words put in, taken out or changed.
    pub wrong: usize,
    /// Words that were said.
    pub said: usize,
}

impl Errors {
    /// Of one sentence.
    #[must_use]
    pub fn between(said: &str, heard: &str) -> Self {
        let (said, heard) = (words(said), words(heard));
        Self { wrong: distance(&said, &heard), said: said.len() }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { wrong: self.wrong + other.wrong, said: self.said + other.said }
    }

    /// 0 is perfect; above 1 more was heard than said.
    #[must_use]
    pub fn rate(self) -> f64 {
        self.wrong as f64 / self.said.max(1) as f64
    }
}

fn distance(a: &[String], b: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let change = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::Errors;

    #[test]
    fn words_put_in_taken_out_and_changed_count_one_each() {
        let wrong = |said, heard| Errors::between(said, heard).wrong;
        assert_eq!(wrong("We shard by user.", "we shard by user"), 0);
        assert_eq!(wrong("we shard by user", "we shared by the user"), 2);
        assert_eq!(wrong("one two three", ""), 3);
        assert_eq!(Errors::between("", "you").rate(), 1.0);
        assert_eq!(Errors { wrong: 1, said: 8 }.plus(Errors { wrong: 1, said: 2 }).rate(), 0.2);
    }
}

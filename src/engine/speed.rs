//! Measures a loaded model: tokens per second of reading and of writing as llama-bench does, and what the product itself
//! waits for: the first word of a reply, and a round of judgements.

use std::time::Instant;

use crate::model::{Chunk, Model, ModelError, Output, Want};

/// One test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// Read so many tokens at once (`pp512`).
    Prefill(usize),
    /// Write `tokens` one by one after `depth` others (`tg128`, `tg128@d2048`).
    Decode {
        /// Tokens written.
        tokens: usize,
        /// Tokens in the cache before.
        depth: usize,
    },
    /// Write `tokens` in each of `forks` continuations of the same `depth` tokens, all in one pass per step.
    Forks {
        /// Continuations.
        forks: usize,
        /// Tokens written in each.
        tokens: usize,
        /// Tokens in the cache before.
        depth: usize,
    },
    /// From the end of an answer to the first word of the reply: `depth` tokens are in the cache, and so is all but the end
    /// of the answer if it was read while it was typed.
    Reply {
        /// Tokens of the answer.
        answer: usize,
        /// Tokens in the cache before the answer.
        depth: usize,
        /// Read while it was typed.
        drafted: bool,
    },
    /// So many yes/no questions of so many tokens on one transcript, in one pass.
    Judge {
        /// Questions.
        questions: usize,
        /// Tokens of each.
        tokens: usize,
        /// Tokens in the cache before.
        depth: usize,
    },
}

/// What a test is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// More is better.
    TokensPerSecond,
    /// Less is better.
    Milliseconds,
    /// Of 1.
    Share,
}

impl Test {
    /// What [`measure`] gives for it.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Reply { .. } | Self::Judge { .. } => Unit::Milliseconds,
            _ => Unit::TokensPerSecond,
        }
    }
}

/// Tokens of an answer that come after its last draft was read, with those that open the reply.
const UNREAD: usize = 16;

impl std::fmt::Display for Test {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Prefill(tokens) => write!(formatter, "pp{tokens}"),
            Self::Decode { tokens, depth: 0 } => write!(formatter, "tg{tokens}"),
            Self::Decode { tokens, depth } => write!(formatter, "tg{tokens}@d{depth}"),
            Self::Forks { forks, tokens, depth: 0 } => write!(formatter, "tg{tokens}x{forks}"),
            Self::Forks { forks, tokens, depth } => write!(formatter, "tg{tokens}x{forks}@d{depth}"),
            Self::Reply { answer, depth, drafted } => {
                write!(formatter, "reply{answer}@d{depth}{}", if drafted { "+draft" } else { "" })
            }
            Self::Judge { questions, tokens, depth } => write!(formatter, "judge{tokens}x{questions}@d{depth}"),
        }
    }
}

/// Tokens per second or milliseconds ([`Test::unit`]), once per repeat, after one round that is not counted.
///
/// # Errors
/// When the test does not fit the context or the cache.
pub fn measure(model: &mut dyn Model, test: Test, repeats: usize) -> Result<Vec<f64>, ModelError> {
    let mut rates = Vec::with_capacity(repeats);
    for round in 0..=repeats {
        let rate = once(model, test);
        if round > 0 {
            rates.push(rate?);
        } else {
            rate?;
        }
    }
    Ok(rates)
}

/// One round.
///
/// # Errors
/// As [`measure`].
pub fn once(model: &mut dyn Model, test: Test) -> Result<f64, ModelError> {
    let sequence = model.create()?;
    let value = on(model, sequence, test);
    model.free(sequence);
    value
}

fn on(model: &mut dyn Model, sequence: crate::model::Sequence, test: Test) -> Result<f64, ModelError> {
    let vocabulary = model.vocabulary() as u32;
    // A fixed mix of tokens: speed does not depend on which.
    let token = |i: usize| (i as u32).wrapping_mul(2_654_435_761) % vocabulary;
    let mut output = Output::default();
    let mut read = |model: &mut dyn Model, count: usize, want: Want| {
        let tokens: Vec<u32> = (0..count).map(token).collect();
        for tokens in tokens.chunks(512) {
            model.forward(&[Chunk { sequence, tokens, want }], &mut output)?;
        }
        Ok::<(), ModelError>(())
    };
    match test {
        Test::Prefill(tokens) => {
            let start = Instant::now();
            read(model, tokens, Want::Last)?;
            Ok(tokens as f64 / start.elapsed().as_secs_f64())
        }
        Test::Decode { tokens, depth } => {
            read(model, depth, Want::Nothing)?;
            let start = Instant::now();
            for i in 0..tokens {
                let tokens = &[token(depth + i)];
                model.forward(&[Chunk { sequence, tokens, want: Want::Last }], &mut output)?;
            }
            Ok(tokens as f64 / start.elapsed().as_secs_f64())
        }
        Test::Forks { forks, tokens, depth } => {
            read(model, depth, Want::Nothing)?;
            let all = (0..forks).map(|_| model.fork(sequence)).collect::<Result<Vec<_>, _>>()?;
            let start = Instant::now();
            let mut failed = None;
            for i in 0..tokens {
                let written: Vec<[u32; 1]> = (0..forks).map(|fork| [token(depth + i * forks + fork)]).collect();
                let chunks: Vec<_> = all
                    .iter()
                    .zip(&written)
                    .map(|(sequence, tokens)| Chunk { sequence: *sequence, tokens, want: Want::Last })
                    .collect();
                failed = model.forward(&chunks, &mut output).err();
                if failed.is_some() {
                    break;
                }
            }
            let seconds = start.elapsed().as_secs_f64();
            all.into_iter().for_each(|fork| model.free(fork));
            failed.map_or(Ok((forks * tokens) as f64 / seconds), Err)
        }
        Test::Reply { answer, depth, drafted } => {
            let unread = if drafted { UNREAD.min(answer) } else { answer };
            read(model, depth + answer - unread, Want::Nothing)?;
            let start = Instant::now();
            read(model, unread, Want::Last)?;
            Ok(start.elapsed().as_secs_f64() * 1e3)
        }
        Test::Judge { questions, tokens, depth } => {
            read(model, depth, Want::Nothing)?;
            let all = (0..questions).map(|_| model.fork(sequence)).collect::<Result<Vec<_>, _>>()?;
            let asked: Vec<Vec<u32>> =
                (0..questions).map(|q| (0..tokens).map(|i| token(q * tokens + i)).collect()).collect();
            let chunks: Vec<_> = all
                .iter()
                .zip(&asked)
                .map(|(sequence, tokens)| Chunk { sequence: *sequence, tokens, want: Want::Last })
                .collect();
            let start = Instant::now();
            let done = model.forward(&chunks, &mut output);
            let seconds = start.elapsed().as_secs_f64();
            all.into_iter().for_each(|fork| model.free(fork));
            done.map(|()| seconds * 1e3)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{LoadOptions, load};

    #[test]
    fn every_test_gives_a_rate_per_repeat_and_leaves_nothing_behind() {
        let file = Arc::new(crate::tiny::Tiny::default().file());
        let options = LoadOptions { threads: 1, cache_bytes: 4 << 20, ..LoadOptions::default() };
        let mut model = load(file, &options).expect("a tiny model");
        for test in [
            Test::Prefill(70),
            Test::Decode { tokens: 2, depth: 0 },
            Test::Decode { tokens: 2, depth: 65 },
            Test::Forks { forks: 3, tokens: 2, depth: 5 },
            Test::Reply { answer: 30, depth: 40, drafted: false },
            Test::Reply { answer: 3, depth: 40, drafted: true },
            Test::Judge { questions: 4, tokens: 7, depth: 70 },
        ] {
            let rates = measure(&mut *model, test, 2).expect("it fits");
            assert!(rates.len() == 2 && rates.iter().all(|rate| *rate > 0.0), "{test}: {rates:?}");
            assert_eq!(model.cache_bytes().0, 0);
        }
    }

    #[test]
    fn tests_are_named_as_llama_bench_names_them() {
        let names = [Test::Prefill(512), Test::Decode { tokens: 128, depth: 2048 }].map(|test| test.to_string());
        assert_eq!(names, ["pp512", "tg128@d2048"]);
    }
}

//! How well a candidate's question is matched to the fact sheet: labelled questions, by words alone and with what a model
//! finds each fact's line to be worth. What a model is believed (`thresholds.toml`) is chosen here, on half of the problems.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::engine::Engine;
use crate::interview::facts::{self, Sheet};
use crate::interview::judge::JudgeError;
use crate::interview::matching::{self, Believed};

/// One labelled question.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// Problem.
    pub of: String,
    /// The question.
    pub asks: String,
    /// Whether it is put near to the sheet's words.
    pub near: bool,
    /// The fact that answers it; empty when none does.
    pub fact: String,
    /// What words alone tell.
    pub by_code: Vec<String>,
    /// The facts, in the sheet's order.
    pub facts: Vec<String>,
    /// How like each fact is, by words.
    pub likeness: Vec<f32>,
    /// How much likelier a model finds each fact's line; empty without a model and where the sheet's own words decide.
    pub about: Vec<f32>,
    /// Seconds of the model.
    pub seconds: f64,
}

impl Asked {
    /// What is told: what words find unless the model finds it far off, else what the model finds clear.
    #[must_use]
    pub fn told(&self, believed: Option<Believed>) -> Vec<String> {
        let Some(believed) = believed.filter(|_| !self.about.is_empty()) else { return self.by_code.clone() };
        let place = |id: &String| self.facts.iter().position(|f| f == id);
        match self.by_code.as_slice() {
            [] => {
                let clear = matching::clear(&self.about, &self.likeness, believed);
                clear.map(|at| self.facts[at].clone()).into_iter().collect()
            }
            [id] if place(id).is_some_and(|at| matching::doubts(&self.about, &self.likeness, at, believed)) => {
                Vec::new()
            }
            found => found.to_vec(),
        }
    }
}

/// How labelled questions came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Its own fact was told.
    pub right: usize,
    /// Another fact was told, or one where none answers.
    pub wrong: usize,
    /// Left to the candidate though a fact answers it.
    pub assumed: usize,
    /// Left to the candidate, and rightly.
    pub rightly_assumed: usize,
}

impl Outcome {
    /// Counts over some questions.
    #[must_use]
    pub fn of<'a>(all: impl IntoIterator<Item = &'a Asked>, believed: Option<Believed>) -> Self {
        let mut outcome = Self::default();
        for asked in all {
            let told = asked.told(believed);
            match (told.as_slice(), asked.fact.is_empty()) {
                ([], true) => outcome.rightly_assumed += 1,
                ([], false) => outcome.assumed += 1,
                ([one], false) if *one == asked.fact => outcome.right += 1,
                _ => outcome.wrong += 1,
            }
        }
        outcome
    }

    /// Another fact is worse than "assume what is reasonable".
    fn worth(self) -> i64 {
        2 * self.right as i64 - 3 * self.wrong as i64
    }
}

/// What a model is best believed on these questions; none when it is not worth believing.
#[must_use]
pub fn believed(all: &[&Asked]) -> Option<Believed> {
    const LIKENESS: [f32; 6] = [0.0, 2.0, 4.0, 6.0, 8.0, 12.0];
    const APART: [f32; 9] = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0];
    const VETO: [f32; 7] = [1000.0, 6.0, 4.0, 3.0, 2.0, 1.0, 0.0];
    let tried = LIKENESS.into_iter().flat_map(|likeness| {
        APART.into_iter().flat_map(move |apart| VETO.map(|veto| Some(Believed { likeness, apart, veto })))
    });
    let worth = |believed: Option<Believed>| Outcome::of(all.iter().copied(), believed).worth();
    // Of equals the first: without a model, then the least.
    std::iter::once(None).chain(tried).fold(None, |best, next| if worth(next) > worth(best) { next } else { best })
}

/// What was chosen on every other problem, what it does on the rest, and what words alone do there.
#[must_use]
pub fn held_out(all: &[Asked]) -> Vec<(Option<Believed>, Outcome, Outcome)> {
    let mut problems: Vec<&str> = all.iter().map(|a| a.of.as_str()).collect();
    problems.sort_unstable();
    problems.dedup();
    let half = |which: usize| -> Vec<&Asked> {
        all.iter().filter(|a| problems.iter().position(|p| *p == a.of).is_some_and(|at| at % 2 == which)).collect()
    };
    let halves = [half(0), half(1)];
    let tried = |chosen_on: usize| {
        let chosen = believed(&halves[chosen_on]);
        let others = || halves[1 - chosen_on].iter().copied();
        (chosen, Outcome::of(others(), chosen), Outcome::of(others(), None))
    };
    vec![tried(0), tried(1)]
}

/// Reads the labelled questions and has those judged that are not put in the sheet's own words; each is told as it is done.
///
/// # Errors
/// As [`matching::about`].
pub async fn all(
    engine: Option<&Engine>,
    content: &Content,
    mut done: impl FnMut(&Asked),
) -> Result<Vec<Asked>, JudgeError> {
    #[derive(Deserialize)]
    struct Labelled {
        of: String,
        asks: String,
        fact: String,
    }
    #[derive(Deserialize)]
    struct File {
        question: Vec<Labelled>,
    }
    let files = [
        (include_str!("questions.toml"), false),
        (include_str!("../interview/paraphrases.toml"), true),
        (include_str!("../interview/paraphrases_held_out.toml"), true),
    ];
    let read = |(text, near): (&str, bool)| {
        let file: File = toml::from_str(text).expect("the labelled questions do not parse. This is a bug.");
        file.question.into_iter().map(move |labelled| (labelled, near))
    };
    let mut all = Vec::new();
    for (labelled, near) in files.into_iter().flat_map(read) {
        let Some(problem) = content.problem(&labelled.of) else { continue };
        let sheet = Sheet::read(&problem.facts, &problem.brief, &content.voice.asks);
        let by_words = sheet.asked(&labelled.asks);
        let is_judged = !by_words.open.is_empty() || !by_words.likely.is_empty();
        let by_code = by_words.facts;
        let began = Instant::now();
        let about = match engine.filter(|_| is_judged) {
            Some(engine) => {
                let lines: Vec<String> = problem.facts.iter().map(facts::line).collect();
                matching::about(engine, &labelled.asks, &lines).await?
            }
            None => Vec::new(),
        };
        let asked = Asked {
            near,
            by_code,
            about,
            seconds: began.elapsed().as_secs_f64(),
            facts: problem.facts.iter().map(|f| f.id.clone()).collect(),
            likeness: sheet.likeness(&labelled.asks),
            of: labelled.of,
            asks: labelled.asks,
            fact: labelled.fact,
        };
        done(&asked);
        all.push(asked);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(of: &str, fact: &str, by_code: &[&str], about: [f32; 3]) -> Asked {
        Asked {
            of: of.into(),
            asks: String::new(),
            near: false,
            fact: fact.into(),
            by_code: by_code.iter().map(|s| (*s).to_owned()).collect(),
            facts: ["a", "b", "c"].map(str::to_owned).to_vec(),
            likeness: vec![0.0; 3],
            about: about.to_vec(),
            seconds: 0.0,
        }
    }

    #[test]
    fn words_win_unless_they_are_far_off_and_a_clear_judgement_fills_the_rest() {
        let believed = Some(Believed { likeness: 0.0, apart: 2.0, veto: 5.0 });
        assert_eq!(asked("p", "a", &["a"], [0.0, 4.0, 0.0]).told(believed), ["a"]);
        assert!(asked("p", "a", &["a"], [0.0, 9.0, 0.0]).told(believed).is_empty(), "far off");
        assert_eq!(asked("p", "b", &[], [0.0, 9.0, 0.0]).told(believed), ["b"]);
        assert!(asked("p", "b", &[], [0.0, 1.0, 0.0]).told(believed).is_empty());
        assert!(asked("p", "b", &[], [0.0, 9.0, 0.0]).told(None).is_empty());
    }

    #[test]
    fn a_model_that_tells_other_facts_is_not_believed() {
        let wrong: Vec<Asked> = ["p", "q"].into_iter().map(|of| asked(of, "a", &[], [0.0, 9.0, 0.0])).collect();
        let right: Vec<Asked> = ["p", "q"].into_iter().map(|of| asked(of, "b", &[], [0.0, 9.0, 0.0])).collect();
        for (all, expect) in [(wrong, 0), (right, 1)] {
            for (chosen, there, by_words) in held_out(&all) {
                assert_eq!((chosen.is_some(), there.right, there.wrong), (expect == 1, expect, 0));
                assert_eq!(by_words.assumed, 1);
            }
        }
    }
}

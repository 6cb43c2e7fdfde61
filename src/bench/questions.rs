//! How well a candidate's question is matched to the fact sheet: labelled questions, by code alone and with what a model
//! says of each fact. The weights in `interview::thresholds` come from here.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::content::Content;
use crate::engine::Engine;
use crate::interview::facts::{self, Sheet};
use crate::interview::judge::{self, JudgeError};

/// One labelled question.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// Problem.
    pub of: String,
    /// The question.
    pub asks: String,
    /// The fact that answers it; empty when none does.
    pub fact: String,
    /// What code alone tells.
    pub by_code: Vec<String>,
    /// The facts, in the sheet's order.
    pub facts: Vec<String>,
    /// How like each fact is, by code.
    pub likeness: Vec<f32>,
    /// What a model says of each: how much likelier its line is (`about`), and P(yes) for the few likeliest (`asks`, else 0).
    pub judged: BTreeMap<String, Vec<f32>>,
}

/// The places of the `most` largest values.
fn first(values: &[f32], most: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    order.truncate(most);
    order
}

/// Reads and judges the labelled questions of `questions.toml`.
///
/// # Errors
/// As [`judge::p_asks`].
pub async fn all(engine: Option<&Engine>, content: &Content) -> Result<Vec<Asked>, JudgeError> {
    #[derive(serde::Deserialize)]
    struct Labelled {
        of: String,
        asks: String,
        fact: String,
    }
    #[derive(serde::Deserialize)]
    struct File {
        question: Vec<Labelled>,
    }
    let file: File =
        toml::from_str(include_str!("questions.toml")).expect("the labelled questions do not parse. This is a bug.");
    let mut all = Vec::new();
    for labelled in file.question {
        let Some(problem) = content.problem(&labelled.of) else { continue };
        let sheet = Sheet::read(&problem.facts, &problem.brief, &content.voice.asks);
        let likeness = sheet.likeness(&labelled.asks);
        let mut judged = BTreeMap::new();
        if let Some(engine) = engine {
            let lines: Vec<String> = problem.facts.iter().map(facts::line).collect();
            let about = judge::about(engine, &labelled.asks, &lines).await?;
            let mut short: Vec<usize> = first(&about, 4);
            short.extend(first(&likeness, 3));
            short.sort_unstable();
            short.dedup();
            let of: Vec<String> = short.iter().map(|&at| lines[at].clone()).collect();
            let asks = judge::p_asks(engine, &labelled.asks, &of).await?;
            let mut p = vec![0.0; lines.len()];
            short.iter().zip(asks).for_each(|(&at, yes)| p[at] = yes);
            judged.insert("about".to_owned(), about);
            judged.insert("asks".to_owned(), p);
        }
        all.push(Asked {
            by_code: sheet.asked(&labelled.asks).facts,
            facts: problem.facts.iter().map(|f| f.id.clone()).collect(),
            likeness,
            judged,
            of: labelled.of,
            asks: labelled.asks,
            fact: labelled.fact,
        });
    }
    Ok(all)
}

//! How well a candidate's question is matched to the fact sheet: labelled questions, by code alone and with what a model
//! says of each fact. The weights in `interview::thresholds` come from here.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::content::Content;
use crate::engine::Engine;
use crate::interview::facts::{self, Sheet};
use crate::interview::judge::{self, JudgeError};
use crate::interview::matching;

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
    let mut file = file;
    if std::env::var("Q_PARTS").is_ok() {
        for more in [include_str!("../interview/paraphrases.toml"), include_str!("../interview/paraphrases_held_out.toml")] {
            file.question.extend(toml::from_str::<File>(more).expect("parses").question);
        }
    }
    let mut all = Vec::new();
    let mut habits = std::collections::BTreeSet::new();
    for labelled in file.question {
        let Some(problem) = content.problem(&labelled.of) else { continue };
        let sheet = Sheet::read(&problem.facts, &problem.brief, &content.voice.asks);
        let likeness = sheet.likeness(&labelled.asks);
        let mut judged = BTreeMap::new();
        if let Some(engine) = engine {
            let parts = std::env::var("Q_PARTS").unwrap_or_default();
            let says: Vec<String> = problem.facts.iter().map(|f| f.says.clone()).collect();
            let lines: Vec<String> = problem.facts.iter().map(facts::line).collect();
            let both: Vec<String> = problem.facts.iter().map(|f| format!("{}: {}", f.asked_as[0], f.says)).collect();
            for (name, of) in [("says", &says), ("line", &lines), ("both", &both)] {
                if parts.contains(&format!("which-{name}")) {
                    for backwards in [false, true] {
                        let mut w = matching::which(engine, &[&labelled.asks], of, backwards).await?;
                        judged.insert(format!("which-{name}-{backwards}"), w.remove(0));
                        if habits.insert((labelled.of.clone(), name, backwards)) {
                            let mut w = matching::which(engine, &[judge::NO_QUESTION], of, backwards).await?;
                            judged.insert(format!("habit-{name}-{backwards}"), w.remove(0));
                        }
                    }
                }
                if parts.contains(&format!("upr-{name}")) {
                    judged.insert(format!("upr-{name}"), matching::asked_of(engine, &labelled.asks, of).await?);
                }
                if parts.contains(&format!("place-{name}")) {
                    let mut texts = vec![labelled.asks.clone()];
                    if habits.insert((labelled.of.clone(), name, true)) { texts.extend(of.iter().cloned()); }
                    for (at, place) in matching::places(engine, &texts).await?.into_iter().enumerate() {
                        judged.insert(format!("place-{name}-{at:02}"), place);
                    }
                }
            }
            if parts.contains("about") {
                judged.insert("about".to_owned(), judge::about(engine, &labelled.asks, &lines).await?);
            }
            println!("{}", serde_json::to_string(&serde_json::json!({"of": labelled.of, "asks": labelled.asks, "fact": labelled.fact, "judged": judged})).unwrap());
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

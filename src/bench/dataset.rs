//! Labelled answers: JSON lines in the contract's shape. A broken line is named with its number and field; the rest goes on.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

/// One labelled answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// Unique in its data set.
    pub id: String,
    /// Data set.
    pub dataset: String,
    /// Question id.
    pub question_id: String,
    /// The question.
    pub question: String,
    /// Criteria.
    pub rubric: Option<String>,
    /// A full-marks answer.
    pub reference_answer: Option<String>,
    /// The answer.
    pub answer: String,
    /// People's mark.
    pub score: f64,
    /// Least mark.
    pub score_min: f64,
    /// Most.
    pub score_max: f64,
    /// `dev`, `test...`.
    pub split: Option<String>,
}

impl Item {
    /// People's mark as a share of the scale.
    #[must_use]
    pub fn share(&self) -> f64 {
        (self.score - self.score_min) / (self.score_max - self.score_min)
    }

    /// A share of the scale as a mark.
    #[must_use]
    pub fn on_scale(&self, share: f64) -> f64 {
        self.score_min + share * (self.score_max - self.score_min)
    }
}

/// A line that was not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// The field, or `line`.
    pub field: String,
    /// What is wrong.
    pub reason: String,
}

/// A file as read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dataset {
    /// Usable items.
    pub items: Vec<Item>,
    /// The others.
    pub faults: Vec<Fault>,
}

/// Reads a file.
///
/// # Errors
/// When it cannot be read at all.
pub fn read(path: &Path) -> std::io::Result<Dataset> {
    let bytes = std::fs::read(path)?;
    let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or("data");
    Ok(parse(&bytes, stem))
}

/// Parses JSON lines; `name` is the data set of items that name none.
#[must_use]
pub fn parse(bytes: &[u8], name: &str) -> Dataset {
    let mut data = Dataset::default();
    let mut seen = HashSet::new();
    for (at, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let fault = |field: &str, reason: String| Fault { line: at + 1, field: field.into(), reason };
        let Ok(text) = std::str::from_utf8(line) else {
            data.faults.push(fault("line", "not UTF-8".into()));
            continue;
        };
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        let parsed = serde_json::from_str::<Value>(text)
            .map_err(|e| fault("line", format!("not JSON: {e}")))
            .and_then(|value| item(&value, name).map_err(|(field, reason)| fault(field, reason)));
        match parsed {
            Ok(item) if !seen.insert((item.dataset.clone(), item.id.clone())) => {
                data.faults.push(fault("id", format!("the id {} is used twice", item.id)));
            }
            Ok(item) => data.items.push(item),
            Err(fault) => data.faults.push(fault),
        }
    }
    data
}

/// One item; a fault is its field and what is wrong.
pub(super) fn item(value: &Value, name: &str) -> Result<Item, (&'static str, String)> {
    let Value::Object(fields) = value else { return Err(("line", "not a JSON object".into())) };
    let text = |field: &'static str| match fields.get(field) {
        Some(Value::String(s)) => Ok(Some(s.clone())),
        Some(Value::Number(n)) if field == "id" || field == "question_id" => Ok(Some(n.to_string())),
        None | Some(Value::Null) => Ok(None),
        Some(_) => Err((field, "not a text".to_owned())),
    };
    let needed = |field: &'static str| {
        text(field)?.filter(|s| !s.trim().is_empty()).ok_or((field, "missing or empty".to_owned()))
    };
    let number = |field: &'static str| match fields.get(field) {
        Some(Value::Number(n)) => n.as_f64().filter(|v| v.is_finite()).ok_or((field, "not a finite number".to_owned())),
        None | Some(Value::Null) => Err((field, "missing".to_owned())),
        Some(_) => Err((field, "not a number".to_owned())),
    };
    let question = needed("question")?;
    let item = Item {
        id: needed("id")?,
        dataset: text("dataset")?.unwrap_or_else(|| name.to_owned()),
        question_id: text("question_id")?.unwrap_or_else(|| question.clone()),
        question,
        rubric: text("rubric")?,
        reference_answer: text("reference_answer")?,
        // An empty answer is read here and refused by the grader, by name.
        answer: text("answer")?.ok_or(("answer", "missing".to_owned()))?,
        score: number("score")?,
        score_min: number("score_min")?,
        score_max: number("score_max")?,
        split: text("split")?,
    };
    if item.score_max <= item.score_min {
        return Err(("score_max", format!("{} is not above score_min {}", item.score_max, item.score_min)));
    }
    if item.score < item.score_min || item.score > item.score_max {
        return Err(("score", format!("{} is outside {} to {}", item.score, item.score_min, item.score_max)));
    }
    Ok(item)
}

/// Every `n`-th item within each question, so that at most `limit` items stay and all questions are kept.
#[must_use]
pub fn sample(items: &[Item], limit: usize) -> Vec<Item> {
    if limit == 0 || items.len() <= limit {
        return items.to_vec();
    }
    let mut groups: BTreeMap<(&str, &str), Vec<&Item>> = BTreeMap::new();
    for item in items {
        groups.entry((&item.dataset, &item.question_id)).or_default().push(item);
    }
    let share = limit as f64 / items.len() as f64;
    let mut kept: Vec<Item> = Vec::new();
    for group in groups.values() {
        let wanted = ((group.len() as f64 * share).round() as usize).max(1);
        kept.extend((0..wanted.min(group.len())).map(|k| group[k * group.len() / wanted].clone()));
    }
    kept
}

/// Levels of the data set's scale for kappa and steps: its distinct shares if people used few, else five.
#[must_use]
pub fn levels(items: &[&Item]) -> usize {
    let mut shares: Vec<i64> = items.iter().map(|i| (i.share() * 1e6).round() as i64).collect();
    shares.sort_unstable();
    shares.dedup();
    let even = |n: usize| shares.iter().all(|s| ((*s as f64 / 1e6 * (n - 1) as f64).fract() - 0.5).abs() > 0.499);
    (2..=6).find(|&n| even(n)).unwrap_or(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, score: &str) -> String {
        format!(
            r#"{{"id":"{id}","dataset":"d","question_id":"q","question":"Why?","answer":"So.","score":{score},"score_min":0,"score_max":2}}"#
        )
    }

    #[test]
    fn broken_lines_are_named_and_the_rest_goes_on() {
        let text = [
            line("a", "1"),
            "{broken".into(),
            line("a", "2"),
            line("b", "3"),
            line("c", "\"two\""),
            line("d", "2").replace("\"answer\":\"So.\",", ""),
            String::new(),
            "[1]".into(),
            line("e", "2").replace("\"score_max\":2", "\"score_max\":0"),
            line("f", "1e999"),
            line("g", "0").replace("So.", ""),
        ]
        .join("\n");
        let data = parse(text.as_bytes(), "x");
        let faults: Vec<(usize, &str)> = data.faults.iter().map(|f| (f.line, f.field.as_str())).collect();
        let expect = [
            (2, "line"),
            (3, "id"),
            (4, "score"),
            (5, "score"),
            (6, "answer"),
            (8, "line"),
            (9, "score_max"),
            (10, "line"),
        ];
        assert_eq!(faults, expect);
        assert_eq!(data.items.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["a", "g"]);
    }

    #[test]
    fn a_sample_keeps_every_question() {
        let mut items = Vec::new();
        for (question, n) in [("p", 90), ("q", 9), ("r", 1)] {
            for k in 0..n {
                let text = line(&format!("{question}{k}"), "1").replace("\"q\"", &format!("\"{question}\""));
                items.extend(parse(text.as_bytes(), "d").items);
            }
        }
        let kept = sample(&items, 20);
        let count = |q: &str| kept.iter().filter(|i| i.question_id == q).count();
        assert_eq!([count("p"), count("q"), count("r")], [18, 2, 1]);
        assert_eq!(sample(&items, 0).len(), 100);
    }

    #[test]
    fn the_scale_is_the_one_that_people_used() {
        let at = |scores: &[&str]| {
            let text: Vec<String> = scores.iter().enumerate().map(|(k, s)| line(&k.to_string(), s)).collect();
            let items = parse(text.join("\n").as_bytes(), "d").items;
            levels(&items.iter().collect::<Vec<_>>())
        };
        assert_eq!(at(&["0", "2"]), 2);
        assert_eq!(at(&["0", "1", "2"]), 3);
        assert_eq!(at(&["0", "0.5", "1", "1.5", "2"]), 5);
        assert_eq!(at(&["0", "0.33", "1.7"]), 5);
    }
}

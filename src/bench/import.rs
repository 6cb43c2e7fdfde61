//! Other tools' result files as labelled answers in the contract's shape. A broken record is named with its number and
//! field; the rest goes on. Reads; grades nothing.

use serde_json::{Map, Value, json};

use super::dataset::{self, Fault};
use crate::grading::calibration::sha256;

/// A foreign format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// `samples_*.jsonl` of lm-evaluation-harness (`--log_samples`).
    LmEval,
    /// The JSON output of `promptfoo eval`.
    Promptfoo,
    /// Prometheus' feedback collections: a JSON list, or JSON lines.
    Prometheus,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// Items in the contract's shape.
    pub items: Vec<Value>,
    /// Records not used, by number from 1.
    pub faults: Vec<Fault>,
}

/// A field and what is wrong with it.
type Wrong = (String, String);

/// Reads a file's text. `score` names the metric that is the mark, for lm-evaluation-harness (left out: `score`,
/// `exact_match` or `acc`); `name` is the data set's name.
///
/// # Errors
/// When the file as a whole is not of the format.
pub fn read(format: Format, text: &str, name: &str, score: Option<&str>) -> Result<Imported, String> {
    let mut imported = Imported::default();
    for (at, record) in records(format, text)?.into_iter().enumerate() {
        let number = at + 1;
        let made = record.and_then(|record| {
            let item = match format {
                Format::LmEval => lm_eval(&record, score),
                Format::Promptfoo => promptfoo(&record),
                Format::Prometheus => prometheus(&record),
            }?;
            finish(item, number, name)
        });
        match made {
            Ok(item) => imported.items.push(item),
            Err((field, reason)) => imported.faults.push(Fault { line: number, field, reason }),
        }
    }
    Ok(imported)
}

/// The records of a file, each of which may be broken on its own.
fn records(format: Format, text: &str) -> Result<Vec<Result<Value, Wrong>>, String> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err("the file is empty".into());
    }
    let lines = || {
        let parse = |line: &str| serde_json::from_str(line).map_err(|e| ("line".to_owned(), format!("not JSON: {e}")));
        text.lines().filter(|l| !l.trim().is_empty()).map(parse).collect::<Vec<Result<Value, Wrong>>>()
    };
    let whole = |text: &str| serde_json::from_str::<Value>(text).map_err(|e| format!("not JSON: {e}"));
    let list = |value: &Value| value.as_array().map(|list| list.iter().cloned().map(Ok).collect());
    match format {
        Format::LmEval => Ok(lines()),
        Format::Prometheus if text.starts_with('[') => list(&whole(text)?).ok_or_else(|| "not a list".into()),
        Format::Prometheus => Ok(lines()),
        Format::Promptfoo => {
            let file = whole(text)?;
            let found = [&file["results"]["results"], &file["results"]["outputs"], &file["results"], &file];
            let results = found.into_iter().find_map(list);
            results.ok_or_else(|| "no list at results.results: is this the output of promptfoo eval?".into())
        }
    }
}

/// One sample of lm-evaluation-harness.
fn lm_eval(record: &Value, score: Option<&str>) -> Result<Map<String, Value>, Wrong> {
    let doc = &record["doc"];
    let of_doc =
        ["question", "query", "prompt", "input", "instruction", "problem"].into_iter().find_map(|k| text(&doc[k]));
    let asked = of_doc
        .or_else(|| text(&record["arguments"]["gen_args_0"]["arg_0"]))
        .or_else(|| text(&record["arguments"][0][0]))
        .ok_or_else(|| wrong("doc", "no question in it, and none in arguments"))?;
    let answer = first_text(&record["filtered_resps"])
        .or_else(|| first_text(&record["resps"]))
        .ok_or_else(|| wrong("filtered_resps", "no text in it (only generated answers can be marked)"))?;
    let (field, mark) = match score {
        Some(field) => (field, number(&record[field])),
        None => ["score", "exact_match", "acc"]
            .into_iter()
            .map(|f| (f, number(&record[f])))
            .find(|(_, n)| n.is_some())
            .unwrap_or(("score", None)),
    };
    let mark = mark.ok_or_else(|| wrong(field, "no number: name the metric with --score"))?;
    Ok(object(json!({
        "id": record["doc_id"].as_u64().map(|n| n.to_string()).or_else(|| text(&record["doc_id"])),
        "question": asked, "answer": answer, "reference_answer": text(&record["target"]),
        "score": mark, "score_min": 0, "score_max": 1,
    })))
}

/// One result of promptfoo.
fn promptfoo(record: &Value) -> Result<Map<String, Value>, Wrong> {
    let vars = &record["vars"];
    let asked = ["question", "query", "input", "prompt"].into_iter().find_map(|k| text(&vars[k]));
    let asked = asked
        .or_else(|| text(&record["prompt"]["raw"]))
        .or_else(|| text(&record["prompt"]))
        .ok_or_else(|| wrong("prompt.raw", "missing, and no question in vars"))?;
    let answer = text(&record["response"]["output"])
        .or_else(|| text(&record["output"]))
        .ok_or_else(|| wrong("response.output", "missing or not a text"))?;
    let mark = number(&record["score"])
        .or_else(|| number(&record["gradingResult"]["score"]))
        .ok_or_else(|| wrong("score", "missing or not a number"))?;
    let asserts = record["testCase"]["assert"].as_array().map(Vec::as_slice).unwrap_or_default();
    let criteria: Vec<String> = asserts
        .iter()
        .filter(|a| a["type"].as_str().is_some_and(|t| matches!(t, "llm-rubric" | "model-graded-closedqa" | "g-eval")))
        .filter_map(|a| text(&a["value"]))
        .collect();
    let reference = ["reference", "reference_answer", "expected", "ideal"].into_iter().find_map(|k| text(&vars[k]));
    Ok(object(json!({
        "id": text(&record["id"]), "question": asked, "answer": answer, "reference_answer": reference,
        "rubric": (!criteria.is_empty()).then(|| criteria.join("\n")), "score": mark, "score_min": 0, "score_max": 1,
    })))
}

/// One item of Prometheus' feedback collections.
fn prometheus(record: &Value) -> Result<Map<String, Value>, Wrong> {
    let needed = |field: &str| text(&record[field]).ok_or_else(|| wrong(field, "missing or not a text"));
    let mut rubric = needed("orig_criteria")?;
    for level in 1..=5 {
        if let Some(line) = text(&record[format!("orig_score{level}_description")]) {
            rubric += &format!("\n{level}: {line}");
        }
    }
    let mark = number(&record["orig_score"]).ok_or_else(|| wrong("orig_score", "missing or not a number"))?;
    Ok(object(json!({
        "id": text(&record["id"]), "question": needed("orig_instruction")?, "answer": needed("orig_response")?,
        "reference_answer": text(&record["orig_reference_answer"]), "rubric": rubric,
        "score": mark, "score_min": 1, "score_max": 5,
    })))
}

/// Adds what the contract asks for, and checks it as `bench grading` will.
fn finish(mut item: Map<String, Value>, number: usize, name: &str) -> Result<Value, Wrong> {
    item.retain(|_, value| !value.is_null());
    item.entry("id").or_insert_with(|| json!(number.to_string()));
    item.insert("dataset".into(), json!(name));
    let asked = item.get("question").and_then(Value::as_str).unwrap_or_default();
    item.insert("question_id".into(), json!(sha256(asked)[..12].to_owned()));
    let item = Value::Object(item);
    dataset::item(&item, name).map_err(|(field, reason)| wrong(field, &reason))?;
    Ok(item)
}

fn wrong(field: &str, reason: &str) -> Wrong {
    (field.to_owned(), reason.to_owned())
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|s| !s.trim().is_empty()).map(str::to_owned)
}

/// A text, or the first text in lists of lists.
fn first_text(value: &Value) -> Option<String> {
    match value {
        Value::Array(list) => list.first().and_then(first_text),
        other => text(other),
    }
}

/// A finite number, also one written as text, or true and false as 1 and 0.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(n) => n.as_f64(),
        Value::Bool(yes) => Some(f64::from(u8::from(*yes))),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    };
    number.filter(|n: &f64| n.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> String {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import").join(name);
        std::fs::read_to_string(path).expect("a fixture")
    }

    fn told(imported: &Imported) -> String {
        let items = imported.items.iter().map(|i| {
            format!(
                "{} {} of {}..{} | {} | {}",
                i["id"], i["score"], i["score_min"], i["score_max"], i["question"], i["answer"]
            )
        });
        let faults = imported.faults.iter().map(|f| format!("record {}: {}: {}", f.line, f.field, f.reason));
        items.chain(faults).collect::<Vec<_>>().join("\n").replace('"', "'")
    }

    #[test]
    fn each_format_is_read_and_each_broken_record_is_named() {
        let lm_eval = read(Format::LmEval, &fixture("lm-eval.jsonl"), "x", None).expect("a file");
        insta::assert_snapshot!(told(&lm_eval), @r"
        '0' 1.0 of 0..1 | 'What does the sender do after a loss?' | 'It halves the window.'
        '1' 0.0 of 0..1 | 'Is the window halved?' | 'No'
        record 3: filtered_resps: no text in it (only generated answers can be marked)
        record 4: score: no number: name the metric with --score
        record 5: line: not JSON: key must be a string at line 1 column 15
        record 6: score: 7 is outside 0 to 1
        ");
        let promptfoo = read(Format::Promptfoo, &fixture("promptfoo.json"), "x", None).expect("a file");
        insta::assert_snapshot!(told(&promptfoo), @r"
        'one' 0.75 of 0..1 | 'What happens after a loss?' | 'The window is halved after a loss.'
        '2' 1.0 of 0..1 | 'What grows?' | 'The window.'
        record 3: response.output: missing or not a text
        record 4: score: missing or not a number
        ");
        assert_eq!(promptfoo.items[0]["rubric"], "Names the loss as the cause");
        let prometheus = read(Format::Prometheus, &fixture("prometheus.json"), "x", None).expect("a file");
        insta::assert_snapshot!(told(&prometheus), @r"
        '1' 4.0 of 1..5 | 'Why is the window halved?' | 'Because a packet was lost.'
        record 2: score: 6 is outside 1 to 5
        record 3: orig_response: missing or not a text
        record 4: orig_criteria: missing or not a text
        ");
        assert_eq!(prometheus.items[0]["rubric"], "Is the cause named?\n1: It is not.\n5: It is, with its effect.");
    }

    #[test]
    fn what_comes_out_goes_into_the_benchmark() {
        let imported = read(Format::Prometheus, &fixture("prometheus.json"), "x", None).expect("a file");
        let lines: Vec<String> = imported.items.iter().map(Value::to_string).collect();
        let data = dataset::parse(lines.join("\n").as_bytes(), "x");
        assert_eq!((data.items.len(), data.faults.len()), (imported.items.len(), 0));
    }

    #[test]
    fn a_file_of_another_kind_is_refused_whole() {
        for (format, text) in [
            (Format::Promptfoo, "{}"),
            (Format::Promptfoo, "not json"),
            (Format::Prometheus, "[1, 2"),
            (Format::LmEval, " \n"),
        ] {
            assert!(read(format, text, "x", None).is_err(), "{format:?} {text}");
        }
        let metric = read(Format::LmEval, &fixture("lm-eval.jsonl"), "x", Some("bleu")).expect("a file");
        assert!(metric.items.is_empty() && metric.faults.iter().any(|f| f.field == "bleu"));
    }
}

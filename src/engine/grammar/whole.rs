//! Whether a whole text is what a constraint asks for: for words that came from elsewhere, where nothing could be kept
//! from being said.

use serde_json::{Map, Value};
use toktrie::ApproximateTokEnv;

use super::{Grammar, Ready};
use crate::request::{Constraint, EngineError};

/// Whether `text` fulfils the constraint, white space around it left out. The order of an object's fields does not count.
///
/// # Errors
/// [`EngineError::Constraint`] when the constraint itself makes no sense.
pub fn fulfils(constraint: &Constraint, text: &str) -> Result<bool, EngineError> {
    let ready = Ready::new(ApproximateTokEnv::single_byte_env())?;
    let mut grammar = ready.compile(constraint)?;
    let text = match constraint {
        Constraint::JsonSchema(schema) => match serde_json::from_str::<Value>(text) {
            Ok(value) => in_order(value, schema).to_string(),
            Err(_) => return Ok(false),
        },
        Constraint::Regex(_) | Constraint::SpanOf { .. } => text.trim().to_owned(),
    };
    let trie = ready.environment.tok_trie();
    for token in trie.greedy_tokenize(text.as_bytes()) {
        let allowed = grammar.allowed().is_ok_and(|allowed| allowed.is_allowed(token));
        if !allowed || grammar.accept(token).is_err() {
            return Ok(false);
        }
    }
    Ok(match &mut grammar {
        Grammar::Matched(matcher) => matcher.is_stopped() || matcher.is_accepting().unwrap_or(false),
        Grammar::Span(span) => span.is_finished() || span.allowed().is_allowed(trie.eos_token()),
    })
}

/// The fields of objects in the order in which the schema names them, as the grammar wants them.
fn in_order(value: Value, schema: &Value) -> Value {
    match value {
        Value::Object(mut fields) => {
            let mut ordered = Map::new();
            for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
                // The others keep their order.
                if let Some(field) = fields.shift_remove(name) {
                    ordered.insert(name.clone(), in_order(field, schema));
                }
            }
            ordered.extend(fields);
            Value::Object(ordered)
        }
        Value::Array(items) => items.into_iter().map(|item| in_order(item, &schema["items"])).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_held_against_its_schema_whatever_its_spaces_and_order() {
        let schema = json!({
            "type": "object",
            "properties": {
                "level": {"type": "integer", "minimum": 1, "maximum": 5},
                "quotes": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "boolean"}}, "required": ["a", "b"], "additionalProperties": false}},
            },
            "required": ["level", "quotes"], "additionalProperties": false,
        });
        let fits = |text: &str| fulfils(&Constraint::JsonSchema(schema.clone()), text).expect("a schema");
        assert!(fits("{\"level\": 3, \"quotes\": []}"));
        assert!(fits("\n{ \"quotes\" : [ {\"b\":true,\n\"a\":\"\u{e9}\"} ], \"level\":5 }\n"));
        for bad in [
            "",
            "{}",
            "{\"level\": 6, \"quotes\": []}",
            "{\"level\": 3, \"quotes\": [], \"x\": 1}",
            "{\"level\": 3, \"quotes\": [",
            "```json\n{}\n```",
        ] {
            assert!(!fits(bad), "{bad}");
        }
        assert!(fulfils(&Constraint::JsonSchema(json!({"type": "object"})), "{\"anything\": [1]}").expect("a schema"));
        assert!(fulfils(&Constraint::JsonSchema(json!({"type": "nothing"})), "{}").is_err());
    }

    #[test]
    fn an_expression_is_matched_as_a_whole() {
        let fits = |text: &str| fulfils(&Constraint::Regex("[0-9]{2}:[0-9]{2}".into()), text).expect("an expression");
        assert!(fits("12:30") && fits(" 12:30\n"));
        assert!(!fits("12:3") && !fits("at 12:30") && !fits("12:30 sharp") && !fits(""));
        assert!(fulfils(&Constraint::Regex("[".into()), "").is_err());
    }

    #[test]
    fn a_span_is_verbatim_and_of_whole_words() {
        let constraint =
            Constraint::SpanOf { text: "We kept two copies, one per zone.".into(), min_words: 2, max_words: 4 };
        let fits = |text: &str| fulfils(&constraint, text).expect("a span");
        assert!(fits("kept two copies") && fits("two copies,") && fits("per zone"));
        for bad in
            ["copies", "we kept two", "ept two copies", "kept two copies, one per", "kept two cop", "three copies", ""]
        {
            assert!(!fits(bad), "{bad}");
        }
    }
}

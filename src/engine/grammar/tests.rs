//! Whatever a model wants to say, what it may say under a constraint is valid.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::*;
use crate::tiny::Tiny;

fn vocabulary() -> Arc<Text> {
    Arc::new(Text::read(&Tiny::default().file()).expect("a tiny vocabulary"))
}

/// Says allowed tokens at random until the grammar ends or `most` tokens are said; `None` when it did not end.
fn babble(grammar: &mut Grammar, text: &Text, random: &mut ChaCha8Rng, most: usize) -> Option<String> {
    let mut said = Vec::new();
    while said.len() < most {
        for token in grammar.forced() {
            grammar.accept(token).expect("forced tokens are allowed");
            said.push(token);
        }
        if grammar.is_finished() {
            return Some(text.decode(&said));
        }
        let allowed = grammar.allowed().expect("no dead end");
        let choices: Vec<u32> = allowed.iter().collect();
        // Ends are taken often, or strings would run on for ever.
        let closing = choices.iter().find(|token| text.bytes(**token) == b"\"");
        let token = if choices.contains(&text.end()) && random.random_bool(0.3) {
            text.end()
        } else if let Some(closing) = closing.filter(|_| random.random_bool(0.3)) {
            *closing
        } else {
            *choices.choose(random).expect("something is allowed")
        };
        grammar.accept(token).expect("allowed tokens are accepted");
        if token == text.end() {
            return Some(text.decode(&said));
        }
        said.push(token);
    }
    None
}

#[test]
fn json_is_valid_whatever_is_drawn() {
    let text = vocabulary();
    let mut grammars = Grammars::new(text.clone());
    let schema = json!({
        "type": "object",
        "properties": {
            "quote": {"type": "string", "maxLength": 20},
            "level": {"type": "integer", "minimum": 1, "maximum": 5},
            "found": {"type": "boolean"}
        },
        "required": ["quote", "level", "found"],
        "additionalProperties": false
    });
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..40 {
        let mut grammar = grammars.compile(&Constraint::JsonSchema(schema.clone())).expect("compiles");
        let said = babble(&mut grammar, &text, &mut random, 400).expect("ends");
        let value: Value = serde_json::from_str(&said).expect("is JSON");
        assert!((1..=5).contains(&value["level"].as_i64().expect("a number")), "{said}");
        assert!(value["quote"].is_string() && value["found"].is_boolean(), "{said}");
        assert!(said.starts_with("{\"quote\": \""), "{said}");
    }
}

#[test]
fn keys_of_a_schema_are_forced() {
    let text = vocabulary();
    let schema = json!({"type": "object", "properties": {"cached": {"type": "boolean"}}, "required": ["cached"]});
    let mut grammar = Grammars::new(text.clone()).compile(&Constraint::JsonSchema(schema)).expect("compiles");
    assert!(text.decode(&grammar.forced()).starts_with("{\"cached\""), "{:?}", text.decode(&grammar.forced()));
}

#[test]
fn expressions_match_as_a_whole() {
    let text = vocabulary();
    let mut grammars = Grammars::new(text.clone());
    let mut random = ChaCha8Rng::seed_from_u64(4);
    for _ in 0..40 {
        let mut grammar = grammars.compile(&Constraint::Regex("(Yes|No), [a-c]{2,4}\\.".into())).expect("compiles");
        let said = babble(&mut grammar, &text, &mut random, 60).expect("ends");
        let rest = said.strip_prefix("Yes, ").or(said.strip_prefix("No, ")).expect("Yes or No");
        let letters = rest.strip_suffix('.').expect("a full stop");
        assert!((2..=4).contains(&letters.len()) && letters.chars().all(|c| ('a'..='c').contains(&c)), "{said}");
    }
}

#[test]
fn spans_are_verbatim_and_end_at_words() {
    let text = vocabulary();
    let mut grammars = Grammars::new(text.clone());
    let source =
        "We cache reads in Redis, and the cache\nis warmed. Éclair über-fast (p99 < 5 ms)!  We cache it 🙂 twice.";
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..200 {
        let constraint = Constraint::SpanOf { text: source.into(), min_words: 2, max_words: 6 };
        let mut grammar = grammars.compile(&constraint).expect("compiles");
        let said = babble(&mut grammar, &text, &mut random, 200).expect("ends");
        let at = source.find(&said).unwrap_or_else(|| panic!("{said:?} is not in the text"));
        assert!((2..=6).contains(&said.split_whitespace().count()), "{said:?}");
        let starts = source.match_indices(&said).any(|(at, _)| at == 0 || source[..at].ends_with(char::is_whitespace));
        assert!(starts, "{said:?} starts inside a word ({at})");
        let next = source[at + said.len()..].chars().next();
        assert!(next.is_none_or(|c| !c.is_alphanumeric()), "{said:?} ends inside a word");
        seen.insert(said);
    }
    assert!(seen.len() > 20, "only {} different spans", seen.len());
}

#[test]
fn constraints_that_cannot_be_met_are_refused() {
    let mut grammars = Grammars::new(vocabulary());
    let span = |text: &str, min_words, max_words| Constraint::SpanOf { text: text.into(), min_words, max_words };
    for constraint in [
        span("two words", 3, 5),
        span("", 1, 5),
        span("a b c", 3, 2),
        Constraint::Regex("(".into()),
        Constraint::JsonSchema(json!({"type": "no such type"})),
        Constraint::JsonSchema(json!(false)),
    ] {
        let result = grammars.compile(&constraint).map(|_| ());
        assert!(matches!(result, Err(EngineError::Constraint(_))), "{constraint:?}");
    }
}

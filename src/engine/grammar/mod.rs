//! Constrained decoding: which tokens may come next, which must, and when the text is whole.
//!
//! JSON schemas and regular expressions are llguidance's; a span of a given text is ours (`span`). The vocabulary's
//! prefix tree is built once per model, at the first constrained request.

mod span;
mod whole;

use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::earley::SlicedBiasComputer;
use llguidance::{Matcher, ParserFactory};
use serde_json::{Value, json};
use toktrie::{InferenceCapabilities, SimpleVob, TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};

use crate::request::{Constraint, EngineError};
use crate::text::Text;
use span::Span;
pub use whole::fulfils;

/// Compiles constraints for one vocabulary.
pub(crate) struct Grammars {
    text: Arc<Text>,
    ready: Option<Ready>,
}

struct Ready {
    environment: TokEnv,
    factory: ParserFactory,
}

/// A constraint and how much of it has been said.
pub(crate) enum Grammar {
    /// A schema or an expression.
    Matched(Box<Matcher>),
    /// A piece of a text.
    Span(Span),
}

impl Grammars {
    pub(crate) fn new(text: Arc<Text>) -> Self {
        Self { text, ready: None }
    }

    /// Compiles a constraint.
    ///
    /// # Errors
    /// [`EngineError::Constraint`] when it makes no sense or cannot be met.
    pub(crate) fn compile(&mut self, constraint: &Constraint) -> Result<Grammar, EngineError> {
        let ready = self.ready()?;
        match constraint {
            Constraint::JsonSchema(schema) => ready.compile(&Constraint::JsonSchema(spaced(schema))),
            other => ready.compile(other),
        }
    }

    fn ready(&mut self) -> Result<&Ready, EngineError> {
        if self.ready.is_none() {
            let environment: TokEnv = Arc::new(Vocabulary { trie: trie(&self.text), text: self.text.clone() });
            self.ready = Some(Ready::new(environment)?);
        }
        Ok(self.ready.as_ref().expect("it was set above. This is a bug."))
    }
}

impl Ready {
    fn new(environment: TokEnv) -> Result<Self, EngineError> {
        let capabilities = InferenceCapabilities { ff_tokens: true, ..InferenceCapabilities::default() };
        let slices = SlicedBiasComputer::general_slices();
        let mut factory = ParserFactory::new(&environment, capabilities, &slices).map_err(|error| refused(&error))?;
        factory.quiet();
        Ok(Self { environment, factory })
    }

    fn compile(&self, constraint: &Constraint) -> Result<Grammar, EngineError> {
        let grammar = match constraint {
            Constraint::SpanOf { text, min_words, max_words } => {
                let span = Span::new(self.environment.clone(), text, *min_words, *max_words);
                return span.map(Grammar::Span).map_err(EngineError::Constraint);
            }
            Constraint::JsonSchema(schema) => TopLevelGrammar::from_json_schema(schema.clone()),
            Constraint::Regex(expression) => TopLevelGrammar::from_regex(expression),
        };
        let mut matcher = Matcher::new(self.factory.create_parser(grammar));
        if let Some(error) = matcher.get_error() {
            return Err(EngineError::Constraint(short(&error)));
        }
        matcher.compute_mask_or_eos().map_err(|error| refused(&error))?;
        Ok(Grammar::Matched(Box::new(matcher)))
    }
}

impl Grammar {
    /// Tokens that may come next; the end token is among them when the text may end here.
    ///
    /// # Errors
    /// [`EngineError::Constraint`] at a dead end.
    pub(crate) fn allowed(&mut self) -> Result<SimpleVob, EngineError> {
        match self {
            Self::Matched(matcher) => matcher.compute_mask_or_eos().map_err(|error| refused(&error)),
            Self::Span(span) => Ok(span.allowed()),
        }
    }

    /// Notes a token that was said.
    ///
    /// # Errors
    /// [`EngineError::Constraint`] when it was not allowed.
    pub(crate) fn accept(&mut self, token: u32) -> Result<(), EngineError> {
        match self {
            Self::Matched(matcher) => matcher.consume_token(token).map_err(|error| refused(&error)),
            Self::Span(span) => span.accept(token).map_err(EngineError::Constraint),
        }
    }

    /// Tokens that must come next whatever the model thinks; not yet accepted.
    pub(crate) fn forced(&mut self) -> Vec<u32> {
        match self {
            Self::Matched(matcher) => matcher.compute_ff_tokens(),
            Self::Span(span) => span.forced(),
        }
    }

    /// Whether nothing but the end can follow.
    pub(crate) fn is_finished(&self) -> bool {
        match self {
            Self::Matched(matcher) => matcher.is_stopped(),
            Self::Span(span) => span.is_finished(),
        }
    }
}

/// Asks for JSON as people and models write it, `{"a": 1, "b": 2}`, and not for free white space, in which a small
/// model can lose itself.
fn spaced(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Value::Object(fields) = &mut schema {
        let style = json!({"whitespace_flexible": false, "item_separator": ", ", "key_separator": ": "});
        fields.entry("x-guidance").or_insert(style);
    }
    schema
}

fn refused(error: &impl ToString) -> EngineError {
    EngineError::Constraint(short(&error.to_string()))
}

fn short(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().take(300).collect()
}

/// The vocabulary as llguidance wants to see it.
struct Vocabulary {
    trie: TokTrie,
    text: Arc<Text>,
}

impl TokenizerEnv for Vocabulary {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<TokenId> {
        self.trie.tokenize_with_greedy_fallback(bytes, |text| {
            self.text.encode(text).unwrap_or_else(|_| self.trie.greedy_tokenize(text.as_bytes()))
        })
    }
}

fn trie(text: &Text) -> TokTrie {
    let mut words: Vec<Vec<u8>> = (0..text.size() as u32).map(|token| text.bytes(token).to_vec()).collect();
    for (name, token) in text.specials() {
        let mut word = vec![TokTrie::SPECIAL_TOKEN_MARKER];
        word.extend_from_slice(name.as_bytes());
        words[token as usize] = word;
    }
    TokTrie::from(&TokRxInfo::new(words.len() as u32, text.end()), &words)
}

#[cfg(test)]
mod tests;

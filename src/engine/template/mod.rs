//! From chat messages to scaffold and content: the model's chat template, rendered with stand-ins for the messages.
//!
//! A template is code from a downloaded file, so only templates that we have read (by hash) run unasked; for any
//! other file a built-in template of the family serves, unless `LoadOptions::trust_template` says otherwise (no
//! command sets it yet). Either way the render has fuel, a recursion limit and an output limit. The template never sees what a message says: it arranges
//! stand-ins, and the messages are put in afterwards as content. Knows no tokens' numbers.

mod jinja;

use sha2::{Digest, Sha256};

use crate::gguf::{Architecture, File};
use crate::prompt::Prompt;
use crate::request::EngineError;
use crate::text::{Text, TextError};

/// Templates that we have read and that passed the tests below, by the SHA-256 of their text.
const KNOWN: [(&str, &str); 3] = [
    ("qwen2.5-coder-0.5b-instruct", "cd8e9439f0570856fd70470bf8889ebd8b5d1107207f67a5efb46e342330527f"),
    ("qwen2.5-coder-1.5b-instruct", "d5495a1e5db0611132a97e46a65dbb64a642a499421228b9c8b93229097fa9a4"),
    ("smollm2-135m-instruct", "872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788"),
];

/// Where a template came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The file's own, known by its hash.
    Known(&'static str),
    /// The file's own, unknown, run because the owner trusts it.
    Trusted,
    /// Ours, by the family of the vocabulary's special tokens.
    BuiltIn(&'static str),
}

/// A rendered prompt's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Written by the template; may hold special tokens.
    Scaffold(String),
    /// The text of the message with this index; the index after the last is the answer's prefix.
    Content(usize),
}

/// A chat template, ready to render.
pub struct Template {
    origin: Origin,
    jinja: jinja::Jinja,
}

impl Template {
    /// The template of a model file, or the built-in one that fits its vocabulary.
    ///
    /// # Errors
    /// [`EngineError::Template`] when a trusted template does not parse.
    pub fn of(file: &File, text: &Text, trust: bool) -> Result<Self, EngineError> {
        let own = file.string("tokenizer.chat_template");
        let thinks = own.is_some_and(|source| source.contains("enable_thinking"));
        let variables = jinja::Variables {
            bos: text.first().and_then(|id| name_of(text, id)).unwrap_or_default(),
            eos: name_of(text, text.end()).unwrap_or_default(),
            skip_thinking: thinks && text.special("<think>").is_some(),
        };
        let known = own.and_then(|source| {
            let hash = hex(&Sha256::digest(source.as_bytes()));
            KNOWN.iter().find(|(_, sha256)| *sha256 == hash).map(|(name, _)| *name)
        });
        let (origin, source) = match (own, known) {
            (Some(source), Some(name)) => (Origin::Known(name), source),
            (Some(source), None) if trust => (Origin::Trusted, source),
            _ => {
                let (name, source) = built_in(file, text);
                (Origin::BuiltIn(name), source)
            }
        };
        Ok(Self { origin, jinja: jinja::Jinja::new(source, variables).map_err(EngineError::Template)? })
    }

    /// Where the template came from, for display.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Texts that end an answer beside the end-of-turn token.
    #[must_use]
    pub fn stops(&self) -> &'static [&'static str] {
        if self.origin == Origin::BuiltIn("plain") { &["\nUser:", "\nInstructions:"] } else { &[] }
    }

    /// Renders a prompt up to the place where the answer begins, the answer's prefix included.
    ///
    /// # Errors
    /// [`EngineError::Template`] when the template fails, runs out of fuel, or drops, repeats or reorders a message.
    pub fn render(&self, prompt: &Prompt) -> Result<Vec<Piece>, EngineError> {
        let rendered = self.jinja.render(&prompt.messages).map_err(EngineError::Template)?;
        let mut pieces = Vec::new();
        let mut rest = rendered.as_str();
        for index in 0..prompt.messages.len() {
            let stand_in = jinja::stand_in(index);
            let Some((scaffold, tail)) = rest.split_once(&stand_in) else {
                return Err(EngineError::Template(format!("the template drops or moves message {}", index + 1)));
            };
            if !scaffold.is_empty() {
                pieces.push(Piece::Scaffold(scaffold.to_owned()));
            }
            pieces.push(Piece::Content(index));
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Scaffold(rest.to_owned()));
        }
        let repeats = |piece: &Piece| matches!(piece, Piece::Scaffold(text) if text.contains(jinja::STAND_IN));
        if pieces.iter().any(repeats) {
            return Err(EngineError::Template("the template repeats a message".into()));
        }
        if !prompt.answer_prefix.is_empty() {
            pieces.push(Piece::Content(prompt.messages.len()));
        }
        Ok(pieces)
    }

    /// The tokens of a prompt; `encode` encodes content (the caller may remember what it has encoded before).
    ///
    /// `open` leaves the last message open: nothing follows it, for reading a draft ahead of time.
    ///
    /// # Errors
    /// As [`Template::render`], and [`EngineError::Inference`] when the vocabulary cannot cut a text.
    pub fn tokens(
        &self,
        prompt: &Prompt,
        text: &Text,
        open: bool,
        mut encode: impl FnMut(&str) -> Result<std::rc::Rc<[u32]>, TextError>,
    ) -> Result<Vec<u32>, EngineError> {
        let failed = |error: TextError| EngineError::Inference(error.to_string());
        let mut pieces = self.render(prompt)?;
        if open && matches!(pieces.last(), Some(Piece::Scaffold(_))) && pieces.len() > 1 {
            pieces.pop();
        }
        let mut tokens = Vec::new();
        for piece in &pieces {
            match piece {
                Piece::Scaffold(scaffold) => tokens.extend(text.encode_scaffold(scaffold).map_err(failed)?),
                Piece::Content(index) => {
                    let content = prompt.messages.get(*index).map_or(&prompt.answer_prefix, |message| &message.text);
                    tokens.extend_from_slice(&encode(content).map_err(failed)?);
                }
            }
        }
        if let Some(first) = text.first().filter(|first| tokens.first() != Some(first)) {
            tokens.insert(0, first);
        }
        Ok(tokens)
    }
}

/// The built-in template for a vocabulary: its special tokens tell how the model was taught to chat.
fn built_in(file: &File, text: &Text) -> (&'static str, &'static str) {
    let speaks = |special: &str| text.special(special).is_some();
    let named = |architecture: Architecture| file.string("general.architecture") == Some(architecture.name());
    if speaks("<|im_start|>") && speaks("<|im_end|>") {
        ("chatml", include_str!("chatml.jinja"))
    } else if speaks("<|start_header_id|>") {
        ("llama3", include_str!("llama3.jinja"))
    } else if speaks("<start_of_turn>") || named(Architecture::Gemma3) {
        ("gemma", include_str!("gemma.jinja"))
    } else if speaks("[gMASK]") && speaks("<|user|>") {
        ("glm4", include_str!("glm4.jinja"))
    } else if speaks("<|end|>") && speaks("<|assistant|>") {
        ("phi3", include_str!("phi3.jinja"))
    } else if speaks("[INST]") {
        ("mistral", include_str!("mistral.jinja"))
    } else {
        ("plain", include_str!("plain.jinja"))
    }
}

fn name_of(text: &Text, token: u32) -> Option<String> {
    text.specials().find(|(_, id)| *id == token).map(|(name, _)| name.to_owned())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;

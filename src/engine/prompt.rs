//! What a model is asked: chat messages, and optionally the first words of its answer.
//!
//! The text of a message is *content*: it is tokenised without special tokens, so that `<|im_end|>` typed by a
//! candidate stays seven characters of text. Only the chat template around it is scaffold.

use serde::{Deserialize, Serialize};

/// Who speaks in a chat prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions of the program.
    System,
    /// The person, or the program speaking as one.
    User,
    /// The model's earlier words.
    Assistant,
}

/// One message of a chat prompt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// Content, never scaffold.
    pub text: String,
}

/// A chat prompt. Prompts that begin with the same messages share their KV cache.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Prompt {
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// The beginning of the assistant's answer, put into its mouth (may be empty).
    pub answer_prefix: String,
    /// The only message is a text to be continued as it stands: no template, no turn.
    #[serde(default)]
    pub raw: bool,
}

impl Prompt {
    /// A prompt that starts with a system message.
    #[must_use]
    pub fn system(text: impl Into<String>) -> Self {
        Self::default().push(Role::System, text)
    }

    /// A text to be continued as it stands.
    #[must_use]
    pub fn continuing(text: impl Into<String>) -> Self {
        Self { raw: true, ..Self::default() }.push(Role::User, text)
    }

    /// Appends a user message.
    #[must_use]
    pub fn user(self, text: impl Into<String>) -> Self {
        self.push(Role::User, text)
    }

    /// Appends an assistant message.
    #[must_use]
    pub fn assistant(self, text: impl Into<String>) -> Self {
        self.push(Role::Assistant, text)
    }

    /// Sets the first words of the answer.
    #[must_use]
    pub fn answering(mut self, prefix: impl Into<String>) -> Self {
        self.answer_prefix = prefix.into();
        self
    }

    fn push(mut self, role: Role, text: impl Into<String>) -> Self {
        self.messages.push(Message { role, text: text.into() });
        self
    }
}

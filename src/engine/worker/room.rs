//! What the tasks of one worker share: the model, its timelines, its vocabulary, and memory of what was encoded.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::grammar::Grammars;
use crate::guess::Draft;
use crate::kept::Kept;
use crate::model::{Chunk, Model, ModelError, Output, Sequence, Want};
use crate::prompt::Prompt;
use crate::request::EngineError;
use crate::template::Template;
use crate::text::{Text, TextError};
use crate::timeline::Timelines;

/// Bytes of content whose tokens are remembered; a transcript is judged by dozens of prompts in a row.
const REMEMBERED: usize = 2 << 20;

/// Tokens to read in the next pass.
pub(super) struct Feed {
    pub(super) sequence: Sequence,
    pub(super) tokens: Vec<u32>,
    pub(super) want: Want,
}

impl Feed {
    /// Rows of logits that come back.
    pub(super) fn rows(&self) -> usize {
        match self.want {
            Want::Nothing => 0,
            Want::Last | Want::LastHidden => 1,
            Want::All => self.tokens.len(),
        }
    }
}

/// What came back for one task's feeds, in their order.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    logits: &'a [f32],
    hidden: &'a [f32],
    vocabulary: usize,
    width: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn row(&self, index: usize) -> &'a [f32] {
        &self.logits[index * self.vocabulary..(index + 1) * self.vocabulary]
    }

    /// The rows from `first` on.
    pub(super) fn from(&self, first: usize) -> Self {
        Self { logits: &self.logits[first * self.vocabulary..], ..*self }
    }

    /// One hidden state.
    pub(super) fn state(&self, index: usize) -> &'a [f32] {
        &self.hidden[index * self.width..(index + 1) * self.width]
    }
}

pub(super) struct Room {
    pub(super) model: Box<dyn Model>,
    pub(super) timelines: Timelines,
    pub(super) text: Arc<Text>,
    pub(super) template: Template,
    pub(super) grammars: Grammars,
    /// The draft model, if there is one.
    pub(super) draft: Option<Draft>,
    kept: Kept,
    /// Longest sequence; the model's, or less by choice.
    pub(super) context: usize,
    encoded: HashMap<String, Rc<[u32]>>,
    encoded_bytes: usize,
    output: Output,
}

impl Room {
    pub(super) fn new(
        model: Box<dyn Model>,
        text: Arc<Text>,
        template: Template,
        kept: Kept,
        draft: Option<Draft>,
    ) -> Self {
        Self {
            context: model.context(),
            model,
            timelines: Timelines::default(),
            grammars: Grammars::new(text.clone()),
            draft,
            kept,
            text,
            template,
            encoded: HashMap::new(),
            encoded_bytes: 0,
            output: Output::default(),
        }
    }

    /// The tokens of a prompt, checked to leave room for `more` tokens.
    pub(super) fn tokens(&mut self, prompt: &Prompt, open: bool, more: usize) -> Result<Vec<u32>, EngineError> {
        let (template, text) = (&self.template, &self.text);
        let (encoded, bytes) = (&mut self.encoded, &mut self.encoded_bytes);
        let tokens = template.tokens(prompt, text, open, |content| remember(encoded, bytes, text, content))?;
        if tokens.is_empty() {
            return Err(EngineError::Template("the prompt is empty".into()));
        }
        if tokens.len() + more > self.context {
            return Err(EngineError::ContextOverflow { tokens: tokens.len() + more, context: self.context });
        }
        Ok(tokens)
    }

    /// As [`Timelines::sync`], making room where there is none.
    pub(super) fn sync(&mut self, prefix: &[u32], most: usize) -> Result<(Sequence, usize), ModelError> {
        self.kept.restore(&mut *self.model, &mut self.timelines, &prefix[..most]);
        loop {
            match self.timelines.sync(&mut *self.model, prefix, most) {
                Err(ModelError::CacheFull) if self.timelines.evict(&mut *self.model) => {}
                result => return result,
            }
        }
    }

    /// A fork that no timeline knows; the caller frees it.
    pub(super) fn fork(&mut self, sequence: Sequence) -> Result<Sequence, ModelError> {
        loop {
            match self.model.fork(sequence) {
                Err(ModelError::CacheFull) if self.timelines.evict(&mut *self.model) => {}
                result => return result,
            }
        }
    }

    pub(super) fn release(&mut self, sequence: Sequence) {
        self.timelines.release(&mut *self.model, sequence);
    }

    pub(super) fn truncate(&mut self, sequence: Sequence, length: usize) {
        self.timelines.truncate(&mut *self.model, sequence, length);
    }

    /// One pass over all feeds, evicting idle timelines for it. On an error nothing has been read.
    pub(super) fn forward(&mut self, feeds: &[&Feed]) -> Result<(), ModelError> {
        let chunks: Vec<Chunk<'_>> =
            feeds.iter().map(|feed| Chunk { sequence: feed.sequence, tokens: &feed.tokens, want: feed.want }).collect();
        loop {
            match self.model.forward(&chunks, &mut self.output) {
                Ok(()) => break,
                Err(ModelError::CacheFull) if self.timelines.evict(&mut *self.model) => {}
                Err(error) => return Err(error),
            }
        }
        let rows: usize = feeds.iter().map(|feed| feed.rows()).sum();
        if self.output.logits.len() != rows * self.model.vocabulary() {
            return Err(ModelError::Failed(format!("{} logits for {rows} rows", self.output.logits.len())));
        }
        for feed in feeds {
            if let Some(read) = self.timelines.extend(feed.sequence, &feed.tokens) {
                self.kept.save(&*self.model, feed.sequence, read);
            }
        }
        Ok(())
    }

    /// Notes a text that a later one will begin with; the draft model reads it while nobody waits.
    pub(super) fn will_continue(&mut self, tokens: &[u32]) {
        if let Some(draft) = &mut self.draft {
            draft.will_read(tokens);
        }
    }

    /// Lends out the results of the last pass; put them back for reuse.
    pub(super) fn take_output(&mut self) -> Output {
        std::mem::take(&mut self.output)
    }

    pub(super) fn put_output(&mut self, output: Output) {
        self.output = output;
    }

    /// The part of `output` that belongs to feeds that start at these rows.
    pub(super) fn rows<'a>(
        &self,
        output: &'a Output,
        first: usize,
        count: usize,
        hidden: std::ops::Range<usize>,
    ) -> Rows<'a> {
        let (vocabulary, width) = (self.model.vocabulary(), self.model.hidden_size());
        Rows {
            logits: &output.logits[first * vocabulary..(first + count) * vocabulary],
            hidden: &output.hidden[hidden.start * width..hidden.end * width],
            vocabulary,
            width,
        }
    }
}

fn remember(
    encoded: &mut HashMap<String, Rc<[u32]>>,
    bytes: &mut usize,
    text: &Text,
    content: &str,
) -> Result<Rc<[u32]>, TextError> {
    if let Some(tokens) = encoded.get(content) {
        return Ok(tokens.clone());
    }
    let tokens: Rc<[u32]> = text.encode(content)?.into();
    if *bytes + content.len() > REMEMBERED {
        encoded.clear();
        *bytes = 0;
    }
    *bytes += content.len();
    encoded.insert(content.to_owned(), tokens.clone());
    Ok(tokens)
}

/// What a model's refusal means to the one who asked.
pub(super) fn explain(error: ModelError) -> EngineError {
    match error {
        ModelError::ContextOverflow { tokens, context } => EngineError::ContextOverflow { tokens, context },
        ModelError::CacheFull => EngineError::Inference(
            "the prompt needs more memory than the KV cache may have (raise the cache's budget or shorten the prompt)"
                .into(),
        ),
        other => EngineError::Inference(other.to_string()),
    }
}

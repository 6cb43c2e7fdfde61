//! A model for tests of everything around a model: its logits are a pure function of the tokens read.

use std::collections::HashMap;

use super::{Chunk, Model, ModelError, Output, Sequence, Want};

/// Logits after some tokens; the caller fills the row.
pub(crate) type Mind = Box<dyn FnMut(&[u32], &mut [f32]) + Send>;

/// Remembers sequences and counts passes.
pub(crate) struct Fake {
    pub(crate) vocabulary: usize,
    pub(crate) context: usize,
    /// Tokens of all sequences together.
    pub(crate) budget: usize,
    pub(crate) guesses: bool,
    pub(crate) mind: Mind,
    /// Told how many tokens a pass will read.
    pub(crate) before_pass: Box<dyn FnMut(usize) + Send>,
    pub(crate) sequences: HashMap<Sequence, Vec<u32>>,
    pub(crate) next: u32,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            vocabulary: 300,
            context: 4096,
            budget: 1 << 20,
            guesses: true,
            mind: Box::new(|_, _| ()),
            before_pass: Box::new(|_| ()),
            sequences: HashMap::new(),
            next: 0,
        }
    }
}

impl Fake {
    pub(crate) fn read(&self, sequence: Sequence) -> &[u32] {
        &self.sequences[&sequence]
    }

    pub(crate) fn feed(&mut self, sequence: Sequence, tokens: &[u32]) {
        self.sequences.entry(sequence).or_default().extend_from_slice(tokens);
    }
}

impl Model for Fake {
    fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    fn hidden_size(&self) -> usize {
        4
    }

    fn context(&self) -> usize {
        self.context
    }

    fn create(&mut self) -> Result<Sequence, ModelError> {
        self.next += 1;
        self.sequences.insert(Sequence(self.next), Vec::new());
        Ok(Sequence(self.next))
    }

    fn fork(&mut self, sequence: Sequence) -> Result<Sequence, ModelError> {
        let past = self.sequences[&sequence].clone();
        let fork = self.create()?;
        self.sequences.insert(fork, past);
        Ok(fork)
    }

    fn truncate(&mut self, sequence: Sequence, length: usize) {
        if let Some(tokens) = self.sequences.get_mut(&sequence) {
            tokens.truncate(length);
        }
    }

    fn length(&self, sequence: Sequence) -> usize {
        self.sequences[&sequence].len()
    }

    fn free(&mut self, sequence: Sequence) {
        assert!(self.sequences.remove(&sequence).is_some(), "freed twice");
    }

    fn guesses_pay(&self) -> bool {
        self.guesses
    }

    fn cache_bytes(&self) -> (usize, usize) {
        (self.sequences.values().map(Vec::len).sum(), self.budget)
    }

    fn forward(&mut self, chunks: &[Chunk<'_>], output: &mut Output) -> Result<(), ModelError> {
        output.logits.clear();
        output.hidden.clear();
        let added: usize = chunks.iter().map(|chunk| chunk.tokens.len()).sum();
        if self.cache_bytes().0 + added > self.budget {
            return Err(ModelError::CacheFull);
        }
        (self.before_pass)(added);
        for chunk in chunks {
            assert!(!chunk.tokens.is_empty(), "an empty chunk");
            let tokens = self.sequences.get_mut(&chunk.sequence).expect("a live sequence");
            for (at, token) in chunk.tokens.iter().enumerate() {
                tokens.push(*token);
                let last = at + 1 == chunk.tokens.len();
                if chunk.want == Want::All || (last && chunk.want != Want::Nothing) {
                    let mut row = vec![0.0; self.vocabulary];
                    (self.mind)(tokens, &mut row);
                    output.logits.extend(row);
                }
            }
            if chunk.want == Want::LastHidden {
                output.hidden.extend([tokens.len() as f32, 0.0, 0.0, 1.0]);
            }
        }
        Ok(())
    }
}

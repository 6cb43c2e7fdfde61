//! One decoder for the families llama, qwen2, qwen3 (also with experts), gemma3, phi3 and glm4, on our own kernels.
//!
//! All rows of a pass, whatever their sequences, go through each matrix together. Every row's result is the same bit
//! for bit however rows are batched and prompts are cut; see `kernels::multiply` and `kernels::attention`.

use std::sync::Arc;

use super::experts::{Chosen, route};
use super::load::{LoadError, LoadOptions};
use super::rotary::Rotary;
use super::sequences::Sequences;
use super::weights::{Feed, Feed3, Layer, Memory, Weights};
use super::{Chunk, Model, ModelError, Output, Sequence, Want};
use crate::gguf::{Architecture, File, Hyperparameters, RopeScaling};
use crate::kernels::attention::{Attention, Plan, Span, attend};
use crate::kernels::elementwise::{Pairs, add, gelu_multiply, rms_norm, rms_norm_in_place, rotate, silu_multiply};
use crate::kernels::pages::{PAGE, Pages, Place, Shape};
use crate::kernels::{Activations, Kernel, Level, Pool, Product, each_row, multiply};

/// Rows that go through the layers together; longer passes are cut. Bounds the memory of activations.
const ROWS: usize = 512;
/// Words looked up in the embedding until its pages are let go: each brings some 64 KiB of its surroundings along.
const LOOKED_UP: usize = 64;
/// Every sixth layer of gemma3 sees everything, the others a window.
const GLOBAL_EVERY: usize = 6;

/// What the feed-forward layer's gate goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Silu,
    Gelu,
}

/// A model on the fast path.
pub(super) struct Transformer {
    hyper: Hyperparameters,
    kernel: Kernel,
    context: usize,
    gate: Gate,
    weights: Weights,
    sequences: Sequences,
    pool: Pool,
    batch: Batch,
    looked_up: usize,
    room: Room,
}

/// The rows of the current pass.
#[derive(Default)]
struct Batch {
    /// Rows that go on: all of them, but for the last layer's end; see [`Batch::narrow`].
    rows: usize,
    tokens: Vec<u32>,
    positions: Vec<usize>,
    places: Vec<Place>,
    spans: Vec<Span>,
    lists: Vec<u32>,
    /// Rows whose logits are wanted, and whether their hidden state is.
    wanted: Vec<(usize, bool)>,
}

impl Batch {
    /// Goes on with the rows whose results are wanted alone: once the last layer's keys and values are in the cache, nobody reads
    /// the others. Moves the rows of `stream` and `query`, which are as wide as given.
    fn narrow(&mut self, rows_of: [(&mut [f32], usize); 2]) {
        if self.wanted.len() == self.rows {
            return;
        }
        self.rows = self.wanted.len();
        for (values, width) in rows_of {
            for (to, (from, _)) in self.wanted.iter().enumerate() {
                values.copy_within(from * width..(from + 1) * width, to * width);
            }
        }
        let mut spans: Vec<Span> = Vec::with_capacity(self.wanted.len());
        let (mut of, mut next) = (0, usize::MAX);
        for (to, (from, _)) in self.wanted.iter_mut().enumerate() {
            let row = std::mem::replace(from, to);
            let begun = of;
            while row >= self.spans[of].row + self.spans[of].rows {
                of += 1;
            }
            match spans.last_mut().filter(|_| row == next && of == begun) {
                Some(span) => span.rows += 1,
                None => {
                    let Span { row: first, position, pages, .. } = self.spans[of];
                    spans.push(Span { row: to, rows: 1, position: position + row - first, pages });
                }
            }
            next = row + 1;
        }
        self.spans = spans;
    }
}

/// Buffers of a pass, kept between passes.
struct Room {
    /// The residual stream, `[row][width]`.
    stream: Vec<f32>,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    attended: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    /// What a layer's half adds to the stream.
    delta: Vec<f32>,
    chosen: Chosen,
    input: Activations,
    plan: Plan,
    global: Rotary,
    local: Option<Rotary>,
}

impl Transformer {
    pub(super) fn new(file: Arc<File>, hyper: Hyperparameters, options: &LoadOptions) -> Result<Self, LoadError> {
        let threads = options.threads.max(1);
        let mut pool = Pool::new(threads).map_err(|source| LoadError::Threads { threads, source })?;
        let kernel = options.kernel.unwrap_or_else(Kernel::best);
        let context = hyper.context.min(options.context).max(1);
        let weights = Weights::load(file, (&hyper, context), &mut pool, kernel.level())?;
        let shape = Shape {
            layers: hyper.blocks,
            heads: hyper.kv_heads,
            key_width: hyper.key_width,
            value_width: hyper.value_width,
            cache: options.cache_type,
        };
        let pages = Pages::new(shape, options.cache_bytes / shape.page_bytes())
            .map_err(|source| LoadError::Memory { bytes: options.cache_bytes, source })?;
        let gemma = hyper.architecture == Architecture::Gemma3;
        let room = Room {
            stream: Vec::new(),
            query: Vec::new(),
            key: Vec::new(),
            value: Vec::new(),
            attended: Vec::new(),
            gate: Vec::new(),
            up: Vec::new(),
            delta: Vec::new(),
            chosen: Chosen::default(),
            input: Activations::default(),
            plan: Plan::default(),
            global: Rotary::new(&hyper, hyper.rope_base, &hyper.rope_scaling, weights.rope_factors.as_deref()),
            local: gemma.then(|| Rotary::new(&hyper, hyper.rope_base_local, &RopeScaling::None, None)),
        };
        Ok(Self {
            kernel,
            context,
            gate: if gemma { Gate::Gelu } else { Gate::Silu },
            weights,
            sequences: Sequences::new(pages),
            pool,
            batch: Batch::default(),
            looked_up: 0,
            room,
            hyper,
        })
    }

    /// The same model with another gate.
    #[cfg(test)]
    pub(super) fn with_gate(self, gate: Gate) -> Self {
        Self { gate, ..self }
    }

    fn check(&self, chunks: &[Chunk<'_>]) -> Result<(), ModelError> {
        for (index, chunk) in chunks.iter().enumerate() {
            let bad = |what: &str| Err(ModelError::BadInput(what.to_owned()));
            if chunk.tokens.is_empty() {
                return bad("a chunk without tokens");
            }
            if let Some(token) = chunk.tokens.iter().find(|token| **token as usize >= self.hyper.vocabulary) {
                return bad(&format!("token {token} of a vocabulary of {}", self.hyper.vocabulary));
            }
            if !self.sequences.exists(chunk.sequence) {
                return bad("a sequence that does not exist");
            }
            if chunks[..index].iter().any(|other| other.sequence == chunk.sequence) {
                return bad("a sequence twice in one pass");
            }
            let tokens = self.sequences.length(chunk.sequence) + chunk.tokens.len();
            if tokens > self.context {
                return Err(ModelError::ContextOverflow { tokens, context: self.context });
            }
        }
        Ok(())
    }

    /// Puts as many rows as fit into the batch, from token `done` of chunk `chunk` on; returns where it stopped.
    fn gather(&mut self, chunks: &[Chunk<'_>], mut chunk: usize, mut done: usize) -> (usize, usize) {
        let batch = &mut self.batch;
        batch.tokens.clear();
        batch.positions.clear();
        batch.places.clear();
        batch.spans.clear();
        batch.lists.clear();
        batch.wanted.clear();
        while chunk < chunks.len() && batch.tokens.len() < ROWS {
            let Chunk { sequence, tokens, want } = chunks[chunk];
            let row = batch.tokens.len();
            let count = (tokens.len() - done).min(ROWS - row);
            let position = self.sequences.length(sequence) + done;
            batch.tokens.extend_from_slice(&tokens[done..done + count]);
            batch.positions.extend(position..position + count);
            batch.places.extend((position..position + count).map(|at| self.sequences.place_of(sequence, at)));
            batch.spans.push(Span { row, rows: count, position, pages: batch.lists.len() });
            batch.lists.extend_from_slice(&self.sequences.list(sequence)[..(position + count).div_ceil(PAGE)]);
            let last = done + count == tokens.len();
            match want {
                Want::All => batch.wanted.extend((row..row + count).map(|row| (row, false))),
                Want::Last if last => batch.wanted.push((row + count - 1, false)),
                Want::LastHidden if last => batch.wanted.push((row + count - 1, true)),
                Want::Nothing | Want::Last | Want::LastHidden => {}
            }
            (chunk, done) = if last { (chunk + 1, 0) } else { (chunk, done + count) };
        }
        batch.rows = batch.tokens.len();
        (chunk, done)
    }

    /// Runs the gathered rows through all layers, and appends what is wanted to `output`.
    fn pass(&mut self, output: &mut Output) {
        let rows = self.batch.tokens.len();
        self.room.resize(rows, &self.hyper);
        self.embed();
        self.room.global.prepare(&self.batch.positions);
        if let Some(local) = &mut self.room.local {
            local.prepare(&self.batch.positions);
        }
        for index in 0..self.hyper.blocks {
            self.remember(index);
            if index + 1 == self.hyper.blocks {
                let (stream, query) = (&mut self.room.stream[..], &mut self.room.query[..]);
                let widths = (self.hyper.width, self.hyper.heads * self.hyper.key_width);
                self.batch.narrow([(stream, widths.0), (query, widths.1)]);
                if self.batch.rows == 0 {
                    return;
                }
                self.room.resize(self.batch.rows, &self.hyper);
            }
            self.attention(index);
            self.feed_forward(index);
        }
        self.finish(output);
    }

    fn embed(&mut self) {
        let width = self.hyper.width;
        let matrix = self.weights.embedding.in_file(self.weights.memory());
        let scale = match self.hyper.architecture {
            Architecture::Gemma3 => (width as f32).sqrt(),
            _ => 1.0,
        };
        for (token, row) in self.batch.tokens.iter().zip(self.room.stream.chunks_exact_mut(width)) {
            self.looked_up += 1;
            if self.looked_up.is_multiple_of(LOOKED_UP) {
                self.weights.let_go_of_embedding();
            }
            matrix.dequantise(*token as usize, row);
            if scale != 1.0 {
                row.iter_mut().for_each(|value| *value *= scale);
            }
        }
    }

    /// Whether layer `index` sees a window only.
    fn is_windowed(&self, index: usize) -> bool {
        self.hyper.architecture == Architecture::Gemma3 && !(index + 1).is_multiple_of(GLOBAL_EVERY)
    }

    /// Queries, keys and values of `norm(stream)`; keys and values go into the cache.
    fn remember(&mut self, index: usize) {
        let windowed = self.is_windowed(index);
        let previous = index.checked_sub(1).map(|previous| &self.weights.layers[previous]);
        let layer = &self.weights.layers[index];
        let (hyper, rows, level) = (&self.hyper, self.batch.tokens.len(), self.kernel.level());
        let memory = self.weights.memory();
        let post = previous.and_then(|layer| layer.post_feed_forward_norm.as_deref());
        let room = &mut self.room;
        normalise(&mut self.pool, self.kernel, hyper, room, rows, previous.map(|_| post), &layer.attention_norm);
        let mut products = [
            Product { matrix: layer.query.operand(memory), out: &mut room.query },
            Product { matrix: layer.key.operand(memory), out: &mut room.key },
            Product { matrix: layer.value.operand(memory), out: &mut room.value },
        ];
        multiply(&mut self.pool, self.kernel, &room.input, &mut products);
        let rotary = room.local.as_ref().filter(|_| windowed).unwrap_or(&room.global);
        let heads = [
            (&mut room.query[..], hyper.heads * hyper.key_width),
            (&mut room.key[..], hyper.kv_heads * hyper.key_width),
            (&mut room.value[..], hyper.kv_heads * hyper.value_width),
        ];
        each_row(&mut self.pool, rows, heads, &|row, parts| place_heads(level, hyper, layer, rotary, row, parts));
        self.sequences.pages_mut().store((&mut self.pool, level), index, &self.batch.places, &room.key, &room.value);
    }

    /// `stream += attention(queries)`; the addition is left in `delta`, see [`normalise`].
    fn attention(&mut self, index: usize) {
        let windowed = self.is_windowed(index);
        let layer = &self.weights.layers[index];
        let (hyper, rows) = (&self.hyper, self.batch.rows);
        let memory = self.weights.memory();
        let room = &mut self.room;
        let attention = Attention {
            layer: index,
            heads: hyper.heads,
            scale: query_scale(hyper),
            window: hyper.sliding_window.filter(|_| windowed).unwrap_or(usize::MAX),
        };
        attend(
            &mut self.pool,
            self.kernel,
            &mut room.plan,
            self.sequences.pages(),
            attention,
            (&self.batch.spans, &self.batch.lists),
            &room.query,
            &mut room.attended,
        );
        let width = hyper.heads * hyper.value_width;
        let attended = &room.attended;
        room.input.fill(&mut self.pool, self.kernel, (rows, width), (&mut [], 0), &|row, values, _| {
            values.copy_from_slice(&attended[row * width..(row + 1) * width]);
        });
        let mut products = [Product { matrix: layer.output.operand(memory), out: &mut room.delta }];
        multiply(&mut self.pool, self.kernel, &room.input, &mut products);
    }

    /// `stream += down(act(gate(norm(stream))) * up(norm(stream)))`, likewise.
    fn feed_forward(&mut self, index: usize) {
        let layer = &self.weights.layers[index];
        let (hyper, rows) = (&self.hyper, self.batch.rows);
        let memory = self.weights.memory();
        let post = layer.post_attention_norm.as_deref();
        let room = &mut self.room;
        let run = (&mut self.pool, self.kernel);
        normalise(run.0, run.1, hyper, room, rows, Some(post), &layer.feed_forward_norm);
        match &layer.feed {
            Feed::One(one) => feed(run, (hyper.feed_forward, hyper.width, self.gate), (one, memory), rows, room),
            Feed::Experts { router, experts, used } => {
                room.chosen.logits.resize(rows * experts.len(), 0.0);
                let matrix = router.operand(memory);
                let mut products = [Product { matrix, out: &mut room.chosen.logits }];
                multiply(run.0, run.1, &room.input, &mut products);
                let width = hyper.width;
                room.chosen.normal.clear();
                (0..rows).for_each(|row| room.chosen.normal.extend_from_slice(room.input.float(row)));
                let mut sums = std::mem::take(&mut room.chosen.sums);
                sums.clear();
                sums.resize(rows * width, 0.0);
                let routes = route(&room.chosen.logits, experts.len(), *used);
                for (index, expert) in experts.iter().enumerate() {
                    let mine: Vec<(usize, f32)> = routes
                        .iter()
                        .filter(|route| route.expert == index)
                        .map(|route| (route.row, route.share))
                        .collect();
                    if mine.is_empty() {
                        continue;
                    }
                    let (pool, kernel) = (&mut *run.0, run.1);
                    let normal = &room.chosen.normal;
                    room.input.fill(pool, kernel, (mine.len(), width), (&mut [], 0), &|at, values, _| {
                        values.copy_from_slice(&normal[mine[at].0 * width..(mine[at].0 + 1) * width]);
                    });
                    feed((pool, kernel), (hyper.feed_forward, width, self.gate), (expert, memory), mine.len(), room);
                    for ((row, share), added) in mine.iter().zip(room.delta.chunks_exact(width)) {
                        for (sum, value) in sums[row * width..(row + 1) * width].iter_mut().zip(added) {
                            *sum += share * value;
                        }
                    }
                }
                room.delta.copy_from_slice(&sums);
                room.chosen.sums = sums;
            }
        }
    }

    /// Norm and output matrix for the wanted rows.
    fn finish(&mut self, output: &mut Output) {
        let wanted = &self.batch.wanted;
        if wanted.is_empty() {
            return;
        }
        let (width, level) = (self.hyper.width, self.kernel.level());
        let post = self.weights.layers.last().and_then(|layer| layer.post_feed_forward_norm.as_deref());
        let room = &mut self.room;
        let (stream, delta) = (&room.stream, &room.delta);
        let (epsilon, norm) = (self.hyper.norm_epsilon, &self.weights.final_norm);
        // `attended`, `gate` and so on are free by now, but too narrow in some models: rows are added in place here.
        let shape = (wanted.len(), width);
        room.query.resize(room.query.len().max(wanted.len() * width), 0.0);
        let sums = (&mut room.query[..wanted.len() * width], width);
        room.input.fill(&mut self.pool, self.kernel, shape, sums, &|index, values, sum| {
            let row = wanted[index].0;
            values.copy_from_slice(&delta[row * width..(row + 1) * width]);
            if let Some(post) = post {
                rms_norm_in_place(level, values, post, epsilon);
            }
            sum.copy_from_slice(&stream[row * width..(row + 1) * width]);
            add(level, sum, values);
            rms_norm(level, sum, norm, epsilon, values);
        });
        for (index, _) in wanted.iter().enumerate().filter(|(_, (_, hidden))| *hidden) {
            output.hidden.extend_from_slice(room.input.float(index));
        }
        let start = output.logits.len();
        output.logits.resize(start + wanted.len() * self.hyper.vocabulary, 0.0);
        let matrix = self.weights.output.operand(self.weights.memory());
        let mut products = [Product { matrix, out: &mut output.logits[start..] }];
        multiply(&mut self.pool, self.kernel, &room.input, &mut products);
    }
}

/// `delta = down(act(gate(input)) * up(input))` for the first `rows` rows.
fn feed(
    (pool, kernel): (&mut Pool, Kernel),
    (inner, width, activation): (usize, usize, Gate),
    (feed, memory): (&Feed3, Memory<'_>),
    rows: usize,
    room: &mut Room,
) {
    let level = kernel.level();
    let mut products = [
        Product { matrix: feed.gate.operand(memory), out: &mut room.gate[..rows * inner] },
        Product { matrix: feed.up.operand(memory), out: &mut room.up[..rows * inner] },
    ];
    multiply(pool, kernel, &room.input, &mut products);
    let (gate, up) = (&room.gate, &room.up);
    room.input.fill(pool, kernel, (rows, inner), (&mut [], 0), &|row, values, _| {
        let (gate, up) = (&gate[row * inner..(row + 1) * inner], &up[row * inner..(row + 1) * inner]);
        match activation {
            Gate::Gelu => gelu_multiply(level, gate, up, values),
            Gate::Silu => silu_multiply(level, gate, up, values),
        }
    });
    let matrix = feed.down.operand(memory);
    multiply(pool, kernel, &room.input, &mut [Product { matrix, out: &mut room.delta[..rows * width] }]);
}

/// Adds `delta` (through its own norm, where the family has one) to the stream and makes the norm of the sum the next
/// input. `pending` is `None` when there is nothing to add yet.
fn normalise(
    pool: &mut Pool,
    kernel: Kernel,
    hyper: &Hyperparameters,
    room: &mut Room,
    rows: usize,
    pending: Option<Option<&[f32]>>,
    norm: &[f32],
) {
    let (width, epsilon, level) = (hyper.width, hyper.norm_epsilon, kernel.level());
    let delta = &room.delta;
    room.input.fill(pool, kernel, (rows, width), (&mut room.stream, width), &|row, values, stream| {
        if let Some(post) = pending {
            let delta = &delta[row * width..(row + 1) * width];
            match post {
                Some(post) => {
                    rms_norm(level, delta, post, epsilon, values);
                    add(level, stream, values);
                }
                None => add(level, stream, delta),
            }
        }
        rms_norm(level, stream, norm, epsilon, values);
    });
}

/// Bias, head norms and rotation of one row's queries, keys and values.
fn place_heads(
    level: Level,
    hyper: &Hyperparameters,
    layer: &Layer,
    rotary: &Rotary,
    row: usize,
    [query, key, value]: [&mut [f32]; 3],
) {
    let (cos, sin) = rotary.row(row);
    let pairs = match hyper.architecture {
        Architecture::Llama | Architecture::Glm4 => Pairs::Adjacent,
        _ => Pairs::Halves,
    };
    for (part, bias, norm) in [(query, &layer.query_bias, &layer.query_norm), (key, &layer.key_bias, &layer.key_norm)] {
        if let Some(bias) = bias {
            add(level, part, bias);
        }
        for head in part.chunks_exact_mut(hyper.key_width) {
            if let Some(norm) = norm {
                rms_norm_in_place(level, head, norm, hyper.norm_epsilon);
            }
            rotate(head, cos, sin, pairs);
        }
    }
    if let Some(bias) = &layer.value_bias {
        add(level, value, bias);
    }
}

fn query_scale(hyper: &Hyperparameters) -> f32 {
    // The 27B model of gemma3 (62 layers) scales by the width per head, which its key width is not.
    let width = match (hyper.architecture, hyper.blocks) {
        (Architecture::Gemma3, 62) => hyper.width / hyper.heads,
        _ => hyper.key_width,
    };
    1.0 / (width as f32).sqrt()
}

impl Room {
    /// Gives every buffer exactly `rows` rows; memory is kept.
    fn resize(&mut self, rows: usize, hyper: &Hyperparameters) {
        self.stream.resize(rows * hyper.width, 0.0);
        self.delta.resize(rows * hyper.width, 0.0);
        self.query.resize(rows * hyper.heads * hyper.key_width, 0.0);
        self.key.resize(rows * hyper.kv_heads * hyper.key_width, 0.0);
        self.value.resize(rows * hyper.kv_heads * hyper.value_width, 0.0);
        self.attended.resize(rows * hyper.heads * hyper.value_width, 0.0);
        self.gate.resize(rows * hyper.feed_forward, 0.0);
        self.up.resize(rows * hyper.feed_forward, 0.0);
    }
}

impl Model for Transformer {
    fn vocabulary(&self) -> usize {
        self.hyper.vocabulary
    }

    fn hidden_size(&self) -> usize {
        self.hyper.width
    }

    fn context(&self) -> usize {
        self.context
    }

    fn create(&mut self) -> Result<Sequence, ModelError> {
        Ok(self.sequences.create())
    }

    fn fork(&mut self, sequence: Sequence) -> Result<Sequence, ModelError> {
        self.sequences.fork(sequence).ok_or_else(|| ModelError::BadInput("a fork of no sequence".into()))
    }

    fn truncate(&mut self, sequence: Sequence, length: usize) {
        self.sequences.truncate(sequence, length);
    }

    fn length(&self, sequence: Sequence) -> usize {
        self.sequences.length(sequence)
    }

    fn free(&mut self, sequence: Sequence) {
        self.sequences.end(sequence);
    }

    fn cache_bytes(&self) -> (usize, usize) {
        self.sequences.bytes()
    }

    fn cache_kind(&self) -> Option<String> {
        let Shape { layers, heads, key_width, value_width, cache } = self.sequences.pages().shape();
        let (cache, kernel) = (cache.name(), self.kernel.name());
        let stretched = self.hyper.is_stretched(self.context);
        Some(format!("{cache} {layers} {heads} {key_width} {value_width} {kernel} {stretched}"))
    }

    fn saved_bytes(&self, length: usize) -> usize {
        length.div_ceil(PAGE) * self.sequences.pages().shape().page_bytes()
    }

    fn save(&self, sequence: Sequence, length: usize) -> Vec<u8> {
        self.sequences.save(sequence, length)
    }

    fn restore(&mut self, length: usize, bytes: &[u8]) -> Result<Sequence, ModelError> {
        if bytes.len() != self.saved_bytes(length) || length > self.context {
            return Err(ModelError::BadInput(format!("{} bytes for {length} tokens", bytes.len())));
        }
        self.sequences.restore(length, bytes)
    }

    fn forward(&mut self, chunks: &[Chunk<'_>], output: &mut Output) -> Result<(), ModelError> {
        output.logits.clear();
        output.hidden.clear();
        self.check(chunks)?;
        self.sequences.reserve(chunks.iter().map(|chunk| (chunk.sequence, chunk.tokens.len())))?;
        let (mut chunk, mut done) = (0, 0);
        while chunk < chunks.len() {
            (chunk, done) = self.gather(chunks, chunk, done);
            self.pass(output);
        }
        for chunk in chunks {
            self.sequences.advance(chunk.sequence, chunk.tokens.len());
        }
        Ok(())
    }
}

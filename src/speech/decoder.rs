//! From what the encoder saw to the next token. Keys and values of the sound are computed once, those of the text are
//! kept, so that a step costs one token.

use offrecord_engine::kernels::{Activations, dense, each_row, elementwise};

use crate::encoder::{add_rows, copy_into, feed, norm_into, resize};
use crate::linear::Machine;
use crate::weights::{HEAD, TEXT, Weights};

/// Keys and values of one layer: head after head, each `length` rows of [`HEAD`] values.
#[derive(Default)]
struct Cache {
    keys: Vec<f32>,
    values: Vec<f32>,
    length: usize,
}

/// One text being written. Memory is used again.
#[derive(Default)]
pub(crate) struct Decoder {
    /// Of the sound.
    memory: Vec<Cache>,
    /// Of the text; room for [`TEXT`] rows.
    text: Vec<Cache>,
    /// Tokens so far.
    position: usize,
    input: Activations,
    stream: Vec<f32>,
    wide: Vec<f32>,
    narrow: Vec<f32>,
    scores: Vec<f32>,
    logits: Vec<f32>,
}

impl Decoder {
    /// Takes in a sound, as the encoder's output.
    pub(crate) fn look(&mut self, weights: &Weights, machine: &mut Machine, sound: &Activations) {
        let (width, rows, heads) = (weights.width, sound.rows(), weights.heads());
        let level = machine.kernel.level();
        self.memory.resize_with(weights.decoder.len(), Cache::default);
        resize(&mut self.wide, rows * 2 * width);
        for ((_, cross), cache) in weights.decoder.iter().zip(&mut self.memory) {
            cross.memory.apply(machine, &weights.block, sound, &mut self.wide);
            each_row(&mut machine.pool, rows, [(&mut self.wide, 2 * width)], &|_, [row]| {
                elementwise::add(level, row, &cross.memory.bias);
            });
            cache.length = rows;
            resize(&mut cache.keys, rows * width);
            resize(&mut cache.values, rows * width);
            let parts = [(&mut cache.keys[..], rows * HEAD), (&mut cache.values[..], rows * HEAD)];
            let wide = &self.wide;
            each_row(&mut machine.pool, heads, parts, &|head, [keys, values]| {
                for row in 0..rows {
                    let from = row * 2 * width + head * HEAD;
                    keys[row * HEAD..][..HEAD].copy_from_slice(&wide[from..from + HEAD]);
                    values[row * HEAD..][..HEAD].copy_from_slice(&wide[from + width..from + width + HEAD]);
                }
            });
        }
        self.begin(weights);
    }

    /// Forgets the text, not the sound.
    pub(crate) fn begin(&mut self, weights: &Weights) {
        self.position = 0;
        self.text.resize_with(weights.decoder.len(), Cache::default);
        for cache in &mut self.text {
            resize(&mut cache.keys, TEXT * weights.width);
            resize(&mut cache.values, TEXT * weights.width);
            cache.length = 0;
        }
    }

    /// Tokens that still fit.
    pub(crate) fn left(&self) -> usize {
        TEXT - self.position
    }

    /// Reads tokens; [`Decoder::logits`] then tells what may follow each.
    ///
    /// # Panics
    /// When they do not fit.
    pub(crate) fn read(&mut self, weights: &Weights, machine: &mut Machine, tokens: &[u32]) {
        let (width, rows) = (weights.width, tokens.len());
        assert!(rows > 0 && rows <= self.left(), "{rows} tokens do not fit. This is a bug.");
        resize(&mut self.stream, rows * width);
        resize(&mut self.wide, rows * 4 * width);
        resize(&mut self.narrow, rows * width);
        for (row, token) in tokens.iter().enumerate() {
            let embedding = &weights.embedding[*token as usize * width..][..width];
            let position = &weights.text_positions[(self.position + row) * width..][..width];
            let out = &mut self.stream[row * width..][..width];
            for ((out, value), position) in out.iter_mut().zip(embedding).zip(position) {
                *out = value.to_f32() + position;
            }
        }
        let level = machine.kernel.level();
        for (index, (layer, cross)) in weights.decoder.iter().enumerate() {
            norm_into(&mut self.input, machine, (rows, width), &mut self.stream, &layer.norm);
            layer.attention.apply(machine, &weights.block, &self.input, &mut self.wide);
            each_row(&mut machine.pool, rows, [(&mut self.wide, 3 * width)], &|_, [row]| {
                elementwise::add(level, row, &layer.attention.bias);
            });
            self.remember(index, width, rows);
            let text = &self.text[index];
            let query = |row: usize, head: usize| &self.wide[row * 3 * width + head * HEAD..][..HEAD];
            let visible = |row: usize| self.position + row + 1;
            attend(machine, (rows, weights.heads(), TEXT), &mut self.scores, &mut self.narrow, text, &query, &visible);
            copy_into(&mut self.input, machine, (rows, width), &mut self.narrow);
            layer.attention_out.apply(machine, &weights.block, &self.input, &mut self.narrow);
            add_rows(machine, (rows, width), &mut self.stream, &mut self.narrow, &layer.attention_out.bias);

            norm_into(&mut self.input, machine, (rows, width), &mut self.stream, &cross.norm);
            cross.query.apply(machine, &weights.block, &self.input, &mut self.wide);
            each_row(&mut machine.pool, rows, [(&mut self.wide, width)], &|_, [row]| {
                elementwise::add(level, row, &cross.query.bias);
            });
            let memory = &self.memory[index];
            let query = |row: usize, head: usize| &self.wide[row * width + head * HEAD..][..HEAD];
            let shape = (rows, weights.heads(), memory.length);
            attend(machine, shape, &mut self.scores, &mut self.narrow, memory, &query, &|_| memory.length);
            copy_into(&mut self.input, machine, (rows, width), &mut self.narrow);
            cross.out.apply(machine, &weights.block, &self.input, &mut self.narrow);
            add_rows(machine, (rows, width), &mut self.stream, &mut self.narrow, &cross.out.bias);

            let buffers = (&mut self.stream, &mut self.wide, &mut self.narrow);
            feed(&mut self.input, weights, machine, layer, rows, buffers);
        }
        self.position += rows;
    }

    /// Puts the new keys and values behind the old ones.
    fn remember(&mut self, layer: usize, width: usize, rows: usize) {
        let cache = &mut self.text[layer];
        for row in 0..rows {
            let from = &self.wide[row * 3 * width..][..3 * width];
            for head in 0..width / HEAD {
                let to = (head * TEXT + self.position + row) * HEAD;
                cache.keys[to..to + HEAD].copy_from_slice(&from[width + head * HEAD..][..HEAD]);
                cache.values[to..to + HEAD].copy_from_slice(&from[2 * width + head * HEAD..][..HEAD]);
            }
        }
        cache.length = self.position + rows;
    }

    /// How likely each token is to follow row `row` of the last [`Decoder::read`], before any rule.
    pub(crate) fn logits(&mut self, weights: &Weights, machine: &mut Machine, row: usize) -> &mut [f32] {
        let width = weights.width;
        let stream = &mut self.stream[row * width..(row + 1) * width];
        norm_into(&mut self.input, machine, (1, width), stream, &weights.decoder_norm);
        resize(&mut self.logits, weights.vocabulary);
        weights.output.apply(machine, &weights.block, &self.input, &mut self.logits);
        &mut self.logits
    }
}

/// Every head of every row looks at the rows of `cache` that are visible to it; `room` rows lie in a head.
fn attend<'a>(
    machine: &mut Machine,
    (rows, heads, room): (usize, usize, usize),
    scores: &mut Vec<f32>,
    out: &mut [f32],
    cache: &Cache,
    query: &(dyn Fn(usize, usize) -> &'a [f32] + Sync),
    visible: &(dyn Fn(usize) -> usize + Sync),
) {
    let level = machine.kernel.level();
    resize(scores, rows * heads * room);
    each_row(&mut machine.pool, rows * heads, [(scores, room), (out, HEAD)], &|task, [scores, out]| {
        let (row, head) = (task / heads, task % heads);
        let count = visible(row);
        let part = head * room * HEAD..(head * room + count) * HEAD;
        let (keys, values) = (&cache.keys[part.clone()], &cache.values[part]);
        dense::attend_one(level, query(row, head), keys, values, &mut scores[..count], out);
    });
}

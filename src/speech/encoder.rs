//! From the bands of a sound to what the decoder looks at. Only as many positions are computed as there is sound.

use offrecord_engine::kernels::{Activations, dense, each_row, elementwise};

use crate::linear::Machine;
use crate::mel::BANDS;
use crate::weights::{AUDIO, HEAD, Layer, Norm, Weights};

pub(crate) const EPSILON: f32 = 1e-5;

/// Memory that is used again.
#[derive(Default)]
pub(crate) struct Encoder {
    input: Activations,
    stream: Vec<f32>,
    wide: Vec<f32>,
    narrow: Vec<f32>,
    room: Vec<f32>,
}

impl Encoder {
    /// Encodes `2 * positions` frames; gives `positions` rows, normalised, in the activations' form.
    ///
    /// `stop` is asked between layers; `None` when it said yes.
    pub(crate) fn run(
        &mut self,
        weights: &Weights,
        machine: &mut Machine,
        frames: &[f32],
        stop: &dyn Fn() -> bool,
    ) -> Option<&Activations> {
        let positions = frames.len() / BANDS / 2;
        assert!(positions > 0 && positions <= AUDIO, "a sound of {positions} positions. This is a bug.");
        self.convolve(weights, machine, frames, positions);
        for layer in &weights.encoder {
            if stop() {
                return None;
            }
            self.layer(weights, machine, layer, positions);
        }
        norm_into(&mut self.input, machine, (positions, weights.width), &mut self.stream, &weights.encoder_norm);
        Some(&self.input)
    }

    fn convolve(&mut self, weights: &Weights, machine: &mut Machine, frames: &[f32], positions: usize) {
        let (width, count) = (weights.width, 2 * positions);
        let level = machine.kernel.level();
        // Three neighbouring frames side by side.
        resize(&mut self.wide, count * 3 * BANDS);
        each_row(&mut machine.pool, count, [(&mut self.wide, 3 * BANDS)], &|row, [out]| {
            neighbours(frames, BANDS, row, count, out);
        });
        resize(&mut self.narrow, count * width);
        dense::multiply(
            &mut machine.pool,
            machine.kernel,
            (&self.wide, count, 3 * BANDS),
            (&weights.convolution.panels, width),
            &mut self.narrow,
        );
        each_row(&mut machine.pool, count, [(&mut self.narrow, width)], &|_, [row]| {
            elementwise::gelu_exact(level, row, &weights.convolution.bias);
        });
        resize(&mut self.stream, positions * width);
        let narrow = &self.narrow;
        let shape = (positions, 3 * width);
        self.input.fill(&mut machine.pool, machine.kernel, shape, (&mut self.stream, width), &|row, out, _| {
            neighbours(narrow, width, 2 * row, count, out);
        });
        weights.halving.apply(machine, &weights.block, &self.input, &mut self.stream);
        each_row(&mut machine.pool, positions, [(&mut self.stream, width)], &|row, [values]| {
            elementwise::gelu_exact(level, values, &weights.halving.bias);
            elementwise::add(level, values, &weights.audio_positions[row * width..(row + 1) * width]);
        });
    }

    fn layer(&mut self, weights: &Weights, machine: &mut Machine, layer: &Layer, positions: usize) {
        let width = weights.width;
        let level = machine.kernel.level();
        norm_into(&mut self.input, machine, (positions, width), &mut self.stream, &layer.norm);
        resize(&mut self.wide, positions * 4 * width);
        resize(&mut self.narrow, positions * width);
        layer.attention.apply(machine, &weights.block, &self.input, &mut self.wide);
        each_row(&mut machine.pool, positions, [(&mut self.wide, 3 * width)], &|_, [row]| {
            elementwise::add(level, row, &layer.attention.bias);
        });
        let heads = dense::Heads {
            query: &self.wide,
            query_stride: 3 * width,
            key: &self.wide[width..],
            value: &self.wide[2 * width..],
            stride: 3 * width,
            rows: positions,
            keys: positions,
            heads: weights.heads(),
            width: HEAD,
        };
        dense::attend(&mut machine.pool, machine.kernel, heads, &mut self.room, &mut self.narrow);
        copy_into(&mut self.input, machine, (positions, width), &mut self.narrow);
        layer.attention_out.apply(machine, &weights.block, &self.input, &mut self.narrow);
        add_rows(machine, (positions, width), &mut self.stream, &mut self.narrow, &layer.attention_out.bias);
        feed(&mut self.input, weights, machine, layer, positions, (&mut self.stream, &mut self.wide, &mut self.narrow));
    }
}

/// The second half of a layer, in place.
pub(crate) fn feed(
    input: &mut Activations,
    weights: &Weights,
    machine: &mut Machine,
    layer: &Layer,
    rows: usize,
    (stream, wide, narrow): (&mut Vec<f32>, &mut Vec<f32>, &mut Vec<f32>),
) {
    let width = weights.width;
    let level = machine.kernel.level();
    norm_into(input, machine, (rows, width), stream, &layer.feed_norm);
    layer.feed_in.apply(machine, &weights.block, input, wide);
    input.fill(&mut machine.pool, machine.kernel, (rows, 4 * width), (wide, 4 * width), &|_, out, row| {
        elementwise::gelu_exact(level, row, &layer.feed_in.bias);
        out.copy_from_slice(row);
    });
    layer.feed_out.apply(machine, &weights.block, input, narrow);
    add_rows(machine, (rows, width), stream, narrow, &layer.feed_out.bias);
}

/// Rows, normalised, as the input of a product.
pub(crate) fn norm_into(
    input: &mut Activations,
    machine: &mut Machine,
    (rows, width): (usize, usize),
    stream: &mut [f32],
    norm: &Norm,
) {
    let level = machine.kernel.level();
    input.fill(&mut machine.pool, machine.kernel, (rows, width), (stream, width), &|_, out, row| {
        elementwise::layer_norm(level, row, &norm.weight, &norm.bias, EPSILON, out);
    });
}

/// Rows as they are, as the input of a product.
pub(crate) fn copy_into(
    input: &mut Activations,
    machine: &mut Machine,
    (rows, width): (usize, usize),
    values: &mut [f32],
) {
    input.fill(&mut machine.pool, machine.kernel, (rows, width), (values, width), &|_, out, row| {
        out.copy_from_slice(row);
    });
}

/// `stream += values + bias`, row by row.
pub(crate) fn add_rows(
    machine: &mut Machine,
    (rows, width): (usize, usize),
    stream: &mut [f32],
    values: &mut [f32],
    bias: &[f32],
) {
    let level = machine.kernel.level();
    each_row(&mut machine.pool, rows, [(stream, width), (values, width)], &|_, [stream, values]| {
        elementwise::add(level, stream, values);
        elementwise::add(level, stream, bias);
    });
}

/// The row, the one before and the one after, side by side; nothing is beyond the ends.
fn neighbours(rows: &[f32], width: usize, row: usize, count: usize, out: &mut [f32]) {
    for (tap, out) in out.chunks_exact_mut(width).enumerate() {
        match (row + tap).checked_sub(1).filter(|at| *at < count) {
            Some(at) => out.copy_from_slice(&rows[at * width..(at + 1) * width]),
            None => out.fill(0.0),
        }
    }
}

pub(crate) fn resize(buffer: &mut Vec<f32>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
}

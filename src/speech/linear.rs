//! A layer's matrix, quantised to 8 bits with one scale for 32 weights and packed for the engine's kernels. The loss is
//! far below what a half-precision file has lost already.

use offrecord_engine::arena::Arena;
use offrecord_engine::kernels::packed::{Packed, pack, packed_bytes};
use offrecord_engine::kernels::{Activations, Format, Kernel, Matrix, Operand, Pool, Product, format, multiply};

use crate::checkpoint::CheckpointError;

/// Weights that share a scale.
const BLOCK: usize = 32;

/// A matrix of `rows` outputs and `columns` inputs, and what is added to each output.
pub(crate) struct Linear {
    rows: usize,
    columns: usize,
    place: usize,
    length: usize,
    pub(crate) bias: Vec<f32>,
}

impl Linear {
    /// The product with every row of `input`, without the bias.
    pub(crate) fn apply(&self, machine: &mut Machine, block: &Block, input: &Activations, out: &mut [f32]) {
        let packed = Packed::new(Format::Q8_0, self.rows, self.columns, &block.0.bytes()[self.place..][..self.length])
            .expect("a matrix was measured before it was packed. This is a bug.");
        let out = &mut out[..input.rows() * self.rows];
        multiply(&mut machine.pool, machine.kernel, input, &mut [Product { matrix: Operand::Packed(packed), out }]);
    }
}

/// Threads and instructions.
pub(crate) struct Machine {
    pub(crate) pool: Pool,
    pub(crate) kernel: Kernel,
}

/// The memory in which all matrices of a model lie.
pub(crate) struct Block(Arena);

/// Matrices on their way into a [`Block`].
#[derive(Default)]
pub(crate) struct Packing {
    waiting: Vec<(usize, usize, Vec<u8>)>,
    length: usize,
}

impl Packing {
    /// Takes a matrix of whole blocks of columns.
    pub(crate) fn add(&mut self, values: &[f32], (rows, columns): (usize, usize), bias: Vec<f32>) -> Linear {
        let length = packed_bytes(Format::Q8_0, rows, columns).unwrap_or(0);
        let linear = Linear { rows, columns, place: self.length, length, bias };
        self.waiting.push((rows, columns, quantise(values)));
        self.length += length;
        linear
    }

    /// Packs everything.
    pub(crate) fn finish(self, machine: &mut Machine) -> Result<Block, CheckpointError> {
        let mut arena = Arena::new(self.length)
            .map_err(|error| CheckpointError::Unsupported(format!("no memory for its weights ({error})")))?;
        let mut place = 0;
        for (rows, columns, bytes) in self.waiting {
            let refused = || CheckpointError::Unsupported(format!("a matrix of {rows} by {columns}"));
            let matrix = Matrix::new(Format::Q8_0, rows, columns, &bytes).ok_or_else(refused)?;
            let length = packed_bytes(Format::Q8_0, rows, columns).ok_or_else(refused)?;
            pack(&mut machine.pool, machine.kernel.level(), &matrix, &mut arena.bytes_mut()[place..place + length]);
            place += length;
        }
        Ok(Block(arena))
    }
}

/// Blocks of 32 signed bytes, each after its scale in half precision.
fn quantise(values: &[f32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len() / BLOCK * (BLOCK + 2));
    for block in values.chunks(BLOCK) {
        let most = block.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let half = format::f32_to_f16(most / 127.0);
        let scale = format::f16_to_f32(half);
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        out.extend(half.to_le_bytes());
        out.extend(block.iter().map(|value| ((value * inverse).round().clamp(-127.0, 127.0) as i8).cast_unsigned()));
    }
    out
}

//! The weights of a transformer: matrices packed for the kernels in one block of memory, small vectors in single
//! precision, and the embedding as rows of the file.

use std::sync::Arc;

use candle_core::quantized::GgmlDType;

use super::load::LoadError;
use crate::arena::Arena;
use crate::gguf::{self, Experts, File, Hyperparameters, LONG_FACTORS, RopeScaling, SHORT_FACTORS, Tensor};
use crate::kernels::packed::{Packed, pack, packed_bytes};
use crate::kernels::{Format, Level, Matrix, Operand, Pool};

/// A matrix of the file, and where its packed form is if it has one.
#[derive(Clone, Debug)]
pub(super) struct Weight {
    format: Format,
    rows: usize,
    columns: usize,
    /// Which of the model's files, and where in it.
    file: usize,
    offset: usize,
    bytes: usize,
    /// In the arena.
    packed: Option<usize>,
}

/// Where weights lie.
#[derive(Clone, Copy)]
pub(super) struct Memory<'a> {
    file: &'a File,
    packed: &'a [u8],
}

impl Weight {
    fn find(file: &File, name: &str) -> Result<Self, LoadError> {
        let tensor = file.tensor(name)?;
        // Experts lie one after the other.
        let (rows, columns) = match tensor.shape[..] {
            [rows, columns] => (rows, columns),
            [experts, rows, columns] => (experts * rows, columns),
            _ => return Err(LoadError::Unsupported(format!("tensor {name} has {} dimensions", tensor.shape.len()))),
        };
        let format = format(tensor, name)?;
        let Tensor { part: file_number, offset, bytes, .. } = *tensor;
        let weight = Self { format, rows, columns, file: file_number, offset, bytes, packed: None };
        if Matrix::new(format, rows, columns, file.bytes(tensor)).is_none() {
            return Err(LoadError::Unsupported(format!("tensor {name}: {columns} columns in {format:?}")));
        }
        Ok(weight)
    }

    /// Some of the rows as a matrix of their own, for families that join matrices.
    fn part(&self, first: usize, rows: usize) -> Self {
        let row = self.bytes / self.rows;
        Self { rows, offset: self.offset + first * row, bytes: rows * row, ..self.clone() }
    }

    /// The matrix as it is in the file, to look up rows.
    pub(super) fn in_file<'a>(&self, memory: Memory<'a>) -> Matrix<'a> {
        Matrix::new(self.format, self.rows, self.columns, memory.file.range(self.file, self.offset, self.bytes))
            .expect("a weight was checked when it was found. This is a bug.")
    }

    fn packed_bytes(&self) -> Option<usize> {
        packed_bytes(self.format, self.rows, self.columns)
    }

    /// The matrix for a product.
    pub(super) fn operand<'a>(&self, memory: Memory<'a>) -> Operand<'a> {
        match self.packed.zip(self.packed_bytes()) {
            None => Operand::Float(self.in_file(memory)),
            Some((place, length)) => Operand::Packed(
                Packed::new(self.format, self.rows, self.columns, &memory.packed[place..place + length])
                    .expect("a weight was measured before it was packed. This is a bug."),
            ),
        }
    }
}

/// Gives every matrix that packs a place, and packs it there. The file's own pages are let go as they are read, so the
/// weights are in memory once.
fn pack_all(file: &File, weights: &mut [&mut Weight], pool: &mut Pool, level: Level) -> Result<Arena, LoadError> {
    let mut length = 0;
    for weight in weights.iter_mut() {
        if let Some(bytes) = weight.packed_bytes() {
            weight.packed = Some(length);
            length += bytes;
        }
    }
    let mut arena = Arena::new(length).map_err(|source| LoadError::Memory { bytes: length, source })?;
    for weight in weights.iter() {
        let Some((place, bytes)) = weight.packed.zip(weight.packed_bytes()) else { continue };
        let matrix = weight.in_file(Memory { file, packed: &[] });
        pack(pool, level, &matrix, &mut arena.bytes_mut()[place..place + bytes]);
        file.release(weight.file, weight.offset, weight.bytes);
    }
    Ok(arena)
}

fn format(tensor: &Tensor, name: &str) -> Result<Format, LoadError> {
    Ok(match tensor.dtype {
        GgmlDType::F32 => Format::F32,
        GgmlDType::F16 => Format::F16,
        GgmlDType::BF16 => Format::Bf16,
        GgmlDType::Q4_0 => Format::Q4_0,
        GgmlDType::Q4_1 => Format::Q4_1,
        GgmlDType::Q5_0 => Format::Q5_0,
        GgmlDType::Q5_1 => Format::Q5_1,
        GgmlDType::Q8_0 => Format::Q8_0,
        GgmlDType::Q2K => Format::Q2K,
        GgmlDType::Q3K => Format::Q3K,
        GgmlDType::Q4K => Format::Q4K,
        GgmlDType::Q5K => Format::Q5K,
        GgmlDType::Q6K => Format::Q6K,
        other => return Err(LoadError::Unsupported(format!("tensor {name} is stored as {other:?}"))),
    })
}

/// A feed-forward layer, or one expert of one.
pub(super) struct Feed3 {
    pub(super) gate: Weight,
    pub(super) up: Weight,
    pub(super) down: Weight,
}

/// What works on a token between attentions.
pub(super) enum Feed {
    One(Feed3),
    /// A few of these, as the router says.
    Experts {
        router: Weight,
        experts: Vec<Feed3>,
        used: usize,
    },
}

/// One layer.
pub(super) struct Layer {
    pub(super) attention_norm: Vec<f32>,
    pub(super) query: Weight,
    pub(super) key: Weight,
    pub(super) value: Weight,
    pub(super) output: Weight,
    pub(super) query_bias: Option<Vec<f32>>,
    pub(super) key_bias: Option<Vec<f32>>,
    pub(super) value_bias: Option<Vec<f32>>,
    pub(super) query_norm: Option<Vec<f32>>,
    pub(super) key_norm: Option<Vec<f32>>,
    pub(super) post_attention_norm: Option<Vec<f32>>,
    pub(super) feed_forward_norm: Vec<f32>,
    pub(super) feed: Feed,
    pub(super) post_feed_forward_norm: Option<Vec<f32>>,
}

impl Layer {
    fn matrices(&mut self) -> Vec<&mut Weight> {
        let mut matrices = vec![&mut self.query, &mut self.key, &mut self.value, &mut self.output];
        let fed = match &mut self.feed {
            Feed::One(one) => std::slice::from_mut(one),
            Feed::Experts { router, experts, .. } => {
                matrices.push(router);
                experts
            }
        };
        for Feed3 { gate, up, down } in fed {
            matrices.extend([gate, up, down]);
        }
        matrices
    }
}

/// All weights.
pub(super) struct Weights {
    file: Arc<File>,
    arena: Arena,
    pub(super) embedding: Weight,
    pub(super) layers: Vec<Layer>,
    pub(super) final_norm: Vec<f32>,
    /// The embedding again, where the family ties them.
    pub(super) output: Weight,
    /// Divides the rotary frequencies (llama 3).
    pub(super) rope_factors: Option<Vec<f32>>,
}

impl Weights {
    /// Finds every weight that the family needs, and packs the matrices.
    pub(super) fn load(
        file: Arc<File>,
        (hyper, context): (&Hyperparameters, usize),
        pool: &mut Pool,
        level: Level,
    ) -> Result<Self, LoadError> {
        let embedding = Weight::find(&file, "token_embd.weight")?;
        let mut output = match file.tensors().contains_key("output.weight") {
            true => Weight::find(&file, "output.weight")?,
            false => embedding.clone(),
        };
        let mut layers: Vec<Layer> =
            (0..hyper.blocks).map(|block| layer(&file, hyper, block)).collect::<Result<_, _>>()?;
        let final_norm = vector(&file, "output_norm.weight")?;
        let rope_factors = match hyper.rope_scaling {
            RopeScaling::Longrope { .. } if hyper.is_stretched(context) => Some(vector(&file, LONG_FACTORS)?),
            RopeScaling::Longrope { .. } => Some(vector(&file, SHORT_FACTORS)?),
            _ => optional(&file, "rope_freqs.weight")?,
        };
        if let Some(factors) = &rope_factors
            && (factors.len() != hyper.rope_width / 2 || factors.iter().any(|factor| !(1e-3..=1e6).contains(factor)))
        {
            return Err(gguf::Error::corrupt("rope factors", "they do not fit the head, or make no sense").into());
        }
        let mut matrices: Vec<&mut Weight> = layers.iter_mut().flat_map(Layer::matrices).collect();
        matrices.push(&mut output);
        let arena = pack_all(&file, &mut matrices, pool, level)?;
        Ok(Self { file, arena, embedding, layers, final_norm, output, rope_factors })
    }

    /// Where all of them lie.
    pub(super) fn memory(&self) -> Memory<'_> {
        Memory { file: &self.file, packed: self.arena.bytes() }
    }

    /// Lets go of the file's pages of the embedding. Words are looked up all over it, so that in the end all of it would be in
    /// memory beside its packed copy.
    pub(super) fn let_go_of_embedding(&self) {
        self.file.release(self.embedding.file, self.embedding.offset, self.embedding.bytes);
    }
}

fn layer(file: &File, hyper: &Hyperparameters, block: usize) -> Result<Layer, LoadError> {
    let matrix = |part: &str| Weight::find(file, &format!("blk.{block}.{part}.weight"));
    let norm = |part: &str| vector(file, &format!("blk.{block}.{part}.weight"));
    let bias = |part: &str| optional(file, &format!("blk.{block}.{part}.bias"));
    let head_norms = hyper.norms_heads();
    let post_norms = hyper.norms_twice();
    let (queries, keys) = (hyper.heads * hyper.key_width, hyper.kv_heads * hyper.key_width);
    let [query, key, value] = if hyper.joins_attention() {
        let joined = matrix("attn_qkv")?;
        let values = hyper.kv_heads * hyper.value_width;
        [joined.part(0, queries), joined.part(queries, keys), joined.part(queries + keys, values)]
    } else {
        [matrix("attn_q")?, matrix("attn_k")?, matrix("attn_v")?]
    };
    let inner = hyper.feed_forward;
    let feed = if let Some(Experts { count, used }) = hyper.experts {
        let (gates, ups, downs) = (matrix("ffn_gate_exps")?, matrix("ffn_up_exps")?, matrix("ffn_down_exps")?);
        let expert = |at: usize| Feed3 {
            gate: gates.part(at * inner, inner),
            up: ups.part(at * inner, inner),
            down: downs.part(at * hyper.width, hyper.width),
        };
        Feed::Experts { router: matrix("ffn_gate_inp")?, experts: (0..count).map(expert).collect(), used }
    } else if hyper.joins_gate() {
        let joined = matrix("ffn_up")?;
        let (gate, up) = (joined.part(0, inner), joined.part(inner, inner));
        Feed::One(Feed3 { gate, up, down: matrix("ffn_down")? })
    } else {
        Feed::One(Feed3 { gate: matrix("ffn_gate")?, up: matrix("ffn_up")?, down: matrix("ffn_down")? })
    };
    Ok(Layer {
        attention_norm: norm("attn_norm")?,
        query,
        key,
        value,
        output: matrix("attn_output")?,
        query_bias: bias("attn_q")?,
        key_bias: bias("attn_k")?,
        value_bias: bias("attn_v")?,
        query_norm: head_norms.then(|| norm("attn_q_norm")).transpose()?,
        key_norm: head_norms.then(|| norm("attn_k_norm")).transpose()?,
        post_attention_norm: post_norms.then(|| norm("post_attention_norm")).transpose()?,
        feed_forward_norm: norm("ffn_norm")?,
        feed,
        post_feed_forward_norm: post_norms.then(|| norm("post_ffw_norm")).transpose()?,
    })
}

fn vector(file: &File, name: &str) -> Result<Vec<f32>, LoadError> {
    let tensor = file.tensor(name)?;
    let format = format(tensor, name)?;
    let length = tensor.elements();
    let Some(matrix) = Matrix::new(format, 1, length, file.bytes(tensor)) else {
        return Err(LoadError::Unsupported(format!("tensor {name}: {length} values in {format:?}")));
    };
    let mut values = vec![0.0; length];
    matrix.dequantise(0, &mut values);
    Ok(values)
}

fn optional(file: &File, name: &str) -> Result<Option<Vec<f32>>, LoadError> {
    file.tensors().contains_key(name).then(|| vector(file, name)).transpose()
}

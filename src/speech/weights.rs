//! A Whisper's weights in the form that the encoder and the decoder use.

use offrecord_engine::kernels::dense;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::linear::{Block, Linear, Machine, Packing};
use crate::mel::BANDS;

/// Width of a head, in every Whisper.
pub(crate) const HEAD: usize = 64;
/// Positions of the encoder: 30 seconds.
pub(crate) const AUDIO: usize = 1500;
/// Positions of the decoder.
pub(crate) const TEXT: usize = 448;

/// Scale and shift of a normalisation.
pub(crate) struct Norm {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

/// Half of a block: what is common to encoder and decoder.
pub(crate) struct Layer {
    pub(crate) norm: Norm,
    /// Query, key and value in one.
    pub(crate) attention: Linear,
    pub(crate) attention_out: Linear,
    pub(crate) feed_norm: Norm,
    pub(crate) feed_in: Linear,
    pub(crate) feed_out: Linear,
}

/// The decoder's look at the sound.
pub(crate) struct Cross {
    pub(crate) norm: Norm,
    pub(crate) query: Linear,
    /// Key and value in one.
    pub(crate) memory: Linear,
    pub(crate) out: Linear,
}

/// The first convolution in single precision, as panels of a product over three neighbouring frames.
pub(crate) struct Convolution {
    pub(crate) panels: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

/// Everything.
pub(crate) struct Weights {
    pub(crate) width: usize,
    pub(crate) vocabulary: usize,
    pub(crate) block: Block,
    pub(crate) convolution: Convolution,
    /// The second convolution: three neighbouring frames in, every second one out.
    pub(crate) halving: Linear,
    pub(crate) audio_positions: Vec<f32>,
    pub(crate) encoder: Vec<Layer>,
    pub(crate) encoder_norm: Norm,
    /// `vocabulary` rows, in half precision.
    pub(crate) embedding: Vec<half::f16>,
    pub(crate) text_positions: Vec<f32>,
    pub(crate) decoder: Vec<(Layer, Cross)>,
    pub(crate) decoder_norm: Norm,
    pub(crate) output: Linear,
}

impl Weights {
    pub(crate) fn read(from: &Checkpoint, machine: &mut Machine) -> Result<Self, CheckpointError> {
        let bias = from.shape("model.encoder.conv1.bias").map(<[usize]>::to_vec);
        let Some([width]) = bias.as_deref() else {
            return Err(CheckpointError::Corrupt("model.encoder.conv1.bias is missing".into()));
        };
        let width = *width;
        if width == 0 || !width.is_multiple_of(HEAD) || width > 1280 {
            return Err(CheckpointError::Unsupported(format!("its width is {width}")));
        }
        let embeddings = from.shape("model.decoder.embed_tokens.weight").and_then(|shape| shape.first()).copied();
        let vocabulary = embeddings.unwrap_or(0);
        let mut read = Read { from, packing: Packing::default(), width };
        let encoder = read.layers("encoder", |read, name| read.layer(name))?;
        let decoder = read.layers("decoder", |read, name| Ok((read.layer(name)?, read.cross(name)?)))?;
        let convolution = read.convolution()?;
        let halving = {
            let values = turned(&from.values("model.encoder.conv2.weight", &[width, width, 3])?, width, width);
            read.packing.add(&values, (width, 3 * width), from.values("model.encoder.conv2.bias", &[width])?)
        };
        let embedding = from.values("model.decoder.embed_tokens.weight", &[vocabulary, width])?;
        let output = read.packing.add(&embedding, (vocabulary, width), Vec::new());
        let audio_positions = match from.shape("model.encoder.embed_positions.weight") {
            Some(_) => from.values("model.encoder.embed_positions.weight", &[AUDIO, width])?,
            None => sinusoids(width),
        };
        Ok(Self {
            width,
            vocabulary,
            convolution,
            halving,
            audio_positions,
            encoder,
            encoder_norm: read.norm("model.encoder.layer_norm")?,
            embedding: embedding.iter().map(|value| half::f16::from_f32(*value)).collect(),
            text_positions: from.values("model.decoder.embed_positions.weight", &[TEXT, width])?,
            decoder,
            decoder_norm: read.norm("model.decoder.layer_norm")?,
            output,
            block: read.packing.finish(machine)?,
        })
    }

    pub(crate) fn heads(&self) -> usize {
        self.width / HEAD
    }
}

struct Read<'a> {
    from: &'a Checkpoint,
    packing: Packing,
    width: usize,
}

impl Read<'_> {
    fn layers<T>(
        &mut self,
        side: &str,
        one: impl Fn(&mut Self, &str) -> Result<T, CheckpointError>,
    ) -> Result<Vec<T>, CheckpointError> {
        let mut layers = Vec::new();
        loop {
            let name = format!("model.{side}.layers.{}", layers.len());
            if self.from.shape(&format!("{name}.fc1.weight")).is_none() || layers.len() >= 32 {
                break;
            }
            layers.push(one(self, &name)?);
        }
        if layers.is_empty() { Err(CheckpointError::Corrupt(format!("its {side} has no layers"))) } else { Ok(layers) }
    }

    fn norm(&self, name: &str) -> Result<Norm, CheckpointError> {
        let part = |part: &str| self.from.values(&format!("{name}.{part}"), &[self.width]);
        Ok(Norm { weight: part("weight")?, bias: part("bias")? })
    }

    /// Several projections of one input as one matrix. The key has no bias.
    fn joined(&mut self, name: &str, parts: &[&str]) -> Result<Linear, CheckpointError> {
        let width = self.width;
        let (mut values, mut bias) = (Vec::new(), Vec::new());
        for part in parts {
            values.extend(self.from.values(&format!("{name}.{part}.weight"), &[width, width])?);
            match *part {
                "k_proj" => bias.extend(std::iter::repeat_n(0.0, width)),
                _ => bias.extend(self.from.values(&format!("{name}.{part}.bias"), &[width])?),
            }
        }
        Ok(self.packing.add(&values, (parts.len() * width, width), bias))
    }

    fn matrix(&mut self, name: &str, rows: usize, columns: usize) -> Result<Linear, CheckpointError> {
        let values = self.from.values(&format!("{name}.weight"), &[rows, columns])?;
        let bias = self.from.values(&format!("{name}.bias"), &[rows])?;
        Ok(self.packing.add(&values, (rows, columns), bias))
    }

    fn layer(&mut self, name: &str) -> Result<Layer, CheckpointError> {
        let width = self.width;
        Ok(Layer {
            norm: self.norm(&format!("{name}.self_attn_layer_norm"))?,
            attention: self.joined(&format!("{name}.self_attn"), &["q_proj", "k_proj", "v_proj"])?,
            attention_out: self.joined(&format!("{name}.self_attn"), &["out_proj"])?,
            feed_norm: self.norm(&format!("{name}.final_layer_norm"))?,
            feed_in: self.matrix(&format!("{name}.fc1"), 4 * width, width)?,
            feed_out: self.matrix(&format!("{name}.fc2"), width, 4 * width)?,
        })
    }

    fn cross(&mut self, name: &str) -> Result<Cross, CheckpointError> {
        let attention = format!("{name}.encoder_attn");
        Ok(Cross {
            norm: self.norm(&format!("{attention}_layer_norm"))?,
            query: self.joined(&attention, &["q_proj"])?,
            memory: self.joined(&attention, &["k_proj", "v_proj"])?,
            out: self.joined(&attention, &["out_proj"])?,
        })
    }

    fn convolution(&self) -> Result<Convolution, CheckpointError> {
        let values = self.from.values("model.encoder.conv1.weight", &[self.width, BANDS, 3])?;
        let values = turned(&values, self.width, BANDS);
        let mut panels = vec![0.0; dense::panel_values(3 * BANDS, self.width)];
        dense::pack_rows(&values, 3 * BANDS, (3 * BANDS, self.width), &mut panels);
        Ok(Convolution { panels, bias: self.from.values("model.encoder.conv1.bias", &[self.width])? })
    }
}

/// `[out][in][3]` to `[out][3][in]`: the three neighbours one after the other, as their rows lie in memory.
fn turned(values: &[f32], outputs: usize, inputs: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    for output in 0..outputs {
        for input in 0..inputs {
            for tap in 0..3 {
                out[(output * 3 + tap) * inputs + input] = values[(output * inputs + input) * 3 + tap];
            }
        }
    }
    out
}

/// The encoder's positions, where the file leaves them out.
fn sinusoids(width: usize) -> Vec<f32> {
    let half = width / 2;
    let step = 10_000_f64.ln() / (half.max(2) - 1) as f64;
    let row = |position: usize| {
        let angle = move |i: usize| position as f64 * (-step * i as f64).exp();
        (0..half).map(move |i| angle(i).sin() as f32).chain((0..half).map(move |i| angle(i).cos() as f32))
    };
    (0..AUDIO).flat_map(row).collect()
}

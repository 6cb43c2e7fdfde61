//! Rotary position tables for the rows of a pass.

use crate::gguf::Hyperparameters;

/// Cosines and sines, `[row][rotated width / 2]`.
#[derive(Default)]
pub(super) struct Rotary {
    frequencies: Vec<f32>,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Rotary {
    /// Frequencies `base^(-2i/n) / scale`, divided by `factors` where the file has them.
    pub(super) fn new(hyper: &Hyperparameters, base: f32, scale: f32, factors: Option<&[f32]>) -> Self {
        let width = hyper.rope_width;
        let frequency = |i: usize| {
            let factor = factors.map_or(1.0, |factors| factors[i]);
            (f64::from(base).powf(-((2 * i) as f64) / width as f64) / f64::from(scale * factor)) as f32
        };
        Self { frequencies: (0..width / 2).map(frequency).collect(), ..Self::default() }
    }

    /// Fills the tables for `positions`, one per row.
    pub(super) fn prepare(&mut self, positions: &[usize]) {
        let half = self.frequencies.len();
        self.cos.resize(positions.len() * half, 0.0);
        self.sin.resize(positions.len() * half, 0.0);
        for (row, position) in positions.iter().enumerate() {
            for (i, frequency) in self.frequencies.iter().enumerate() {
                let (sin, cos) = (*position as f32 * frequency).sin_cos();
                (self.sin[row * half + i], self.cos[row * half + i]) = (sin, cos);
            }
        }
    }

    /// Cosines and sines of a row.
    pub(super) fn row(&self, row: usize) -> (&[f32], &[f32]) {
        let half = self.frequencies.len();
        (&self.cos[row * half..(row + 1) * half], &self.sin[row * half..(row + 1) * half])
    }
}

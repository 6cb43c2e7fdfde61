//! Rotary position tables for the rows of a pass, stretched as the family defines.

use std::f64::consts::PI;

use crate::gguf::{Hyperparameters, RopeScaling};

/// Cosines and sines, `[row][rotated width / 2]`.
#[derive(Default)]
pub(super) struct Rotary {
    frequencies: Vec<f32>,
    /// Factor of every cosine and sine.
    magnitude: f32,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Rotary {
    /// Frequencies `base^(-2i/n)`, divided by `factors` where the file has them (llama 3, longrope), then scaled.
    pub(super) fn new(hyper: &Hyperparameters, base: f32, scaling: &RopeScaling, factors: Option<&[f32]>) -> Self {
        let width = hyper.rope_width;
        let frequency = |i: usize| {
            let factor = factors.map_or(1.0, |factors| factors[i]);
            f64::from(base).powf(-((2 * i) as f64) / width as f64) / f64::from(factor)
        };
        let scaled = |i: usize| match *scaling {
            RopeScaling::None | RopeScaling::Longrope { .. } => frequency(i),
            RopeScaling::Linear { factor } => frequency(i) / f64::from(factor),
            RopeScaling::Yarn { factor, original, fast, slow, .. } => {
                // Peng et al. 2023: what turns often within the original context stays, what turns seldom is stretched.
                let turning = |turns: f32| {
                    let length = original as f64 / (f64::from(turns) * 2.0 * PI);
                    width as f64 * length.ln() / (2.0 * f64::from(base).ln())
                };
                let last = width as f64 - 1.0;
                let (low, high) = (turning(fast).floor().max(0.0), turning(slow).ceil().min(last));
                let stretched = ((i as f64 - low) / (high - low).max(1e-3)).clamp(0.0, 1.0);
                frequency(i) * (1.0 - stretched) + frequency(i) / f64::from(factor) * stretched
            }
        };
        let magnitude = match *scaling {
            RopeScaling::None | RopeScaling::Linear { .. } => 1.0,
            RopeScaling::Longrope { attention, .. } => attention,
            RopeScaling::Yarn { factor, attention, .. } => attention * (1.0 + 0.1 * factor.ln()),
        };
        Self { frequencies: (0..width / 2).map(|i| scaled(i) as f32).collect(), magnitude, ..Self::default() }
    }

    /// Fills the tables for `positions`, one per row.
    pub(super) fn prepare(&mut self, positions: &[usize]) {
        let half = self.frequencies.len();
        self.cos.resize(positions.len() * half, 0.0);
        self.sin.resize(positions.len() * half, 0.0);
        for (row, position) in positions.iter().enumerate() {
            for (i, frequency) in self.frequencies.iter().enumerate() {
                let (sin, cos) = (*position as f32 * frequency).sin_cos();
                (self.sin[row * half + i], self.cos[row * half + i]) = (sin * self.magnitude, cos * self.magnitude);
            }
        }
    }

    /// Cosines and sines of a row.
    pub(super) fn row(&self, row: usize) -> (&[f32], &[f32]) {
        let half = self.frequencies.len();
        (&self.cos[row * half..(row + 1) * half], &self.sin[row * half..(row + 1) * half])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny::{Meta, Tiny};

    fn rotary(metadata: Vec<(&'static str, Meta)>, factors: Option<&[f32]>) -> Rotary {
        let file = Tiny { metadata, head_width: 128, width: 512, ..Tiny::default() }.file();
        let hyper = Hyperparameters::read(&file).expect("valid");
        Rotary::new(&hyper, 1e6, &hyper.rope_scaling, factors)
    }

    fn close(got: &Rotary, want: impl Fn(f64) -> f64, magnitude: f64) {
        let mut got = Rotary { frequencies: got.frequencies.clone(), magnitude: got.magnitude, ..Rotary::default() };
        for (i, frequency) in got.frequencies.iter().enumerate() {
            let want = want(1e6_f64.powf(-(i as f64) / 64.0));
            assert!((f64::from(*frequency) / want - 1.0).abs() < 1e-6, "{i}: {frequency} for {want}");
        }
        got.prepare(&[0, 3]);
        let (cos, sin) = got.row(1);
        let angle = 3.0 * f64::from(got.frequencies[1]);
        assert!((f64::from(cos[1]) - magnitude * angle.cos()).abs() < 1e-5);
        assert!((f64::from(sin[1]) - magnitude * angle.sin()).abs() < 1e-5);
    }

    #[test]
    fn plain_and_linear() {
        close(&rotary(Vec::new(), None), |frequency| frequency, 1.0);
        let linear = || vec![("rope.scaling.type", Meta::Text("linear")), ("rope.scaling.factor", Meta::Float(8.0))];
        close(&rotary(linear(), None), |frequency| frequency / 8.0, 1.0);
    }

    /// Llama 3 stretches by wave length; converters write the quotient per frequency into the file.
    #[test]
    fn llama3_factors_divide() {
        let smooth = |frequency: f64| {
            let length = 2.0 * PI / frequency;
            match length {
                short if short < 8192.0 / 4.0 => 1.0,
                long if long > 8192.0 => 8.0,
                _ => {
                    let share = (8192.0 / length - 1.0) / 3.0;
                    1.0 / ((1.0 - share) / 8.0 + share)
                }
            }
        };
        let factors: Vec<f32> = (0..64).map(|i| smooth(1e6_f64.powf(-f64::from(i) / 64.0)) as f32).collect();
        close(&rotary(Vec::new(), Some(&factors)), |frequency| frequency / smooth(frequency), 1.0);
    }

    /// As `_compute_yarn_parameters` of Hugging Face's transformers writes it, from wave lengths instead of indices.
    #[test]
    fn yarn_stretches_slow_dimensions_only() {
        let yarn = vec![
            ("rope.scaling.type", Meta::Text("yarn")),
            ("rope.scaling.factor", Meta::Float(4.0)),
            ("rope.scaling.original_context_length", Meta::Whole(32_768)),
        ];
        let index = |turns: f64| 128.0 * (32_768.0 / (turns * 2.0 * PI)).ln() / (2.0 * 1e6_f64.ln());
        let (low, high) = (index(32.0).floor(), index(1.0).ceil());
        assert!(low > 5.0 && high < 60.0, "{low} {high}");
        let want = |frequency: f64| {
            let i = (-frequency.ln() / 1e6_f64.ln() * 64.0).round();
            let ramp = ((i - low) / (high - low)).clamp(0.0, 1.0);
            frequency / 4.0 * ramp + frequency * (1.0 - ramp)
        };
        close(&rotary(yarn, None), want, 1.0 + 0.1 * 4.0_f64.ln());
    }

    #[test]
    fn longrope_divides_and_strengthens() {
        let long = vec![
            ("rope.scaling.type", Meta::Text("longrope")),
            ("rope.scaling.original_context_length", Meta::Whole(4096)),
            ("rope.scaling.attn_factor", Meta::Float(1.19)),
        ];
        let factors: Vec<f32> = (0..64).map(|i| 1.0 + i as f32).collect();
        let want = |frequency: f64| frequency / (1.0 - frequency.ln() / 1e6_f64.ln() * 64.0);
        close(&rotary(long, Some(&factors)), want, 1.19);
    }

    #[test]
    fn a_way_of_stretching_that_is_not_known_is_refused() {
        for metadata in [
            vec![("rope.scaling.type", Meta::Text("spiral"))],
            vec![("rope.scaling.type", Meta::Text("yarn"))],
            vec![("rope.scaling.type", Meta::Text("linear")), ("rope.scaling.factor", Meta::Float(0.0))],
        ] {
            let file = Tiny { metadata: metadata.clone(), ..Tiny::default() }.file();
            assert!(Hyperparameters::read(&file).is_err(), "{metadata:?}");
        }
    }
}

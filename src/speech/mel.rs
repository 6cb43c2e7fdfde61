//! What Whisper sees of a sound: the energy in 80 bands of the mel scale, a hundred times a second. The same windows,
//! filters and logarithm as the original (slaney's scale and norm, Hann window of 25 ms, reflected start).

use std::f64::consts::PI;

use offrecord_engine::kernels::{Kernel, Pool, dense, each_row};

use crate::RATE;

/// Bands.
pub const BANDS: usize = 80;
/// Samples from one frame to the next: 10 ms.
pub const HOP: usize = 160;
/// Samples of a window.
const WINDOW: usize = 400;
const HALF: usize = WINDOW / 2;
/// Frequencies of a window's spectrum.
const BINS: usize = HALF + 1;

/// Energies before the logarithm is scaled for the model: `frames` rows of [`BANDS`] powers of ten.
#[derive(Clone, Debug)]
pub struct Energies {
    /// Base 10 logarithms, at least -10.
    pub values: Vec<f32>,
    /// Rows.
    pub frames: usize,
}

impl Energies {
    /// One row.
    #[must_use]
    pub fn frame(&self, index: usize) -> &[f32] {
        &self.values[index * BANDS..(index + 1) * BANDS]
    }

    /// The frames that a span of time covers, followed by silence up to `frames` rows, scaled as the model expects it.
    #[must_use]
    pub fn scaled(&self, from: usize, to: usize, frames: usize) -> Vec<f32> {
        let here = &self.values[from.min(self.frames) * BANDS..to.min(self.frames) * BANDS];
        let most = here.iter().copied().fold(-10.0, f32::max);
        let scale = |value: f32| (value.max(most - 8.0) + 4.0) / 4.0;
        let mut out: Vec<f32> = here.iter().take(frames * BANDS).map(|value| scale(*value)).collect();
        out.resize(frames * BANDS, scale(-10.0));
        out
    }
}

/// Tables for the transform.
pub struct Mel {
    window: Vec<f32>,
    cosines: Vec<f32>,
    sines: Vec<f32>,
    filters: Vec<f32>,
}

impl Default for Mel {
    fn default() -> Self {
        let angle = |bin: usize, at: usize| 2.0 * PI * (bin * at % WINDOW) as f64 / WINDOW as f64;
        let panels = |rows: usize, columns: usize, value: &dyn Fn(usize, usize) -> f64| {
            let flat: Vec<f32> = (0..columns * rows).map(|i| value(i / rows, i % rows) as f32).collect();
            let mut out = vec![0.0; dense::panel_values(rows, columns)];
            dense::pack_rows(&flat, rows, (rows, columns), &mut out);
            out
        };
        let filters = filters();
        Self {
            window: (0..WINDOW).map(|at| (0.5 - 0.5 * (2.0 * PI * at as f64 / WINDOW as f64).cos()) as f32).collect(),
            cosines: panels(BINS, BINS, &|bin, at| angle(bin, at).cos()),
            sines: panels(HALF - 1, BINS, &|bin, at| angle(bin, at + 1).sin()),
            filters: panels(BINS, BANDS, &|band, bin| filters[band * BINS + bin]),
        }
    }
}

impl Mel {
    /// The energies of all frames of a sound; what is beyond its end is silent.
    pub fn energies(&self, pool: &mut Pool, kernel: Kernel, samples: &[f32]) -> Energies {
        let frames = samples.len().div_ceil(HOP);
        // A real signal's spectrum needs only its even and its odd part, each half as long.
        let (mut even, mut odd) = (vec![0.0; frames * BINS], vec![0.0; frames * (HALF - 1)]);
        each_row(pool, frames, [(&mut even, BINS), (&mut odd, HALF - 1)], &|frame, [even, odd]| {
            let mut windowed = [0.0; WINDOW];
            for (at, value) in windowed.iter_mut().enumerate() {
                *value = sample(samples, frame * HOP + at) * self.window[at];
            }
            (even[0], even[HALF]) = (windowed[0], windowed[HALF]);
            for at in 1..HALF {
                let (left, right) = (windowed[at], windowed[WINDOW - at]);
                (even[at], odd[at - 1]) = (left + right, left - right);
            }
        });
        let (mut real, mut imaginary) = (vec![0.0; frames * BINS], vec![0.0; frames * BINS]);
        dense::multiply(pool, kernel, (&even, frames, BINS), (&self.cosines, BINS), &mut real);
        dense::multiply(pool, kernel, (&odd, frames, HALF - 1), (&self.sines, BINS), &mut imaginary);
        for (real, imaginary) in real.iter_mut().zip(&imaginary) {
            *real = *real * *real + imaginary * imaginary;
        }
        let mut values = vec![0.0; frames * BANDS];
        dense::multiply(pool, kernel, (&real, frames, BINS), (&self.filters, BANDS), &mut values);
        for value in &mut values {
            *value = value.max(1e-10).log10();
        }
        Energies { values, frames }
    }
}

/// The sample at a place of the padded signal: half a window is reflected before the beginning.
fn sample(samples: &[f32], at: usize) -> f32 {
    let at = if at < HALF { HALF - at } else { at - HALF };
    samples.get(at).copied().unwrap_or(0.0)
}

/// Triangles of equal area between 0 and 8 kHz, evenly spaced on slaney's scale: `BANDS` rows of `BINS` weights.
fn filters() -> Vec<f64> {
    let top = mel(RATE as f64 / 2.0);
    let edges: Vec<f64> = (0..BANDS + 2).map(|i| hertz(top * i as f64 / (BANDS + 1) as f64)).collect();
    let mut out = vec![0.0; BANDS * BINS];
    for band in 0..BANDS {
        let (low, middle, high) = (edges[band], edges[band + 1], edges[band + 2]);
        for bin in 0..BINS {
            let frequency = bin as f64 * RATE as f64 / WINDOW as f64;
            let height = ((frequency - low) / (middle - low)).min((high - frequency) / (high - middle)).max(0.0);
            out[band * BINS + bin] = height * 2.0 / (high - low);
        }
    }
    out
}

/// Linear up to 1 kHz, logarithmic above.
fn mel(hertz: f64) -> f64 {
    if hertz < 1000.0 { hertz * 3.0 / 200.0 } else { 15.0 + (hertz / 1000.0).ln() * 27.0 / 6.4_f64.ln() }
}

fn hertz(mel: f64) -> f64 {
    if mel < 15.0 { mel * 200.0 / 3.0 } else { 1000.0 * ((mel - 15.0) * 6.4_f64.ln() / 27.0).exp() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_those_of_the_original() {
        let filters = filters();
        // From `mel_filters.npz` of the original.
        assert!((filters[1] - 0.024_862_6).abs() < 1e-6, "{}", filters[1]);
        let row = &filters[79 * BINS..80 * BINS];
        assert!(row.iter().sum::<f64>() > 0.02 && row[..180].iter().all(|weight| *weight == 0.0));
    }

    #[test]
    fn the_transform_is_the_discrete_fourier_transform() {
        let samples: Vec<f32> = (0..1600).map(|i| ((i * i) as f32 * 0.37).sin() * 0.3).collect();
        let mut pool = Pool::new(1).expect("a thread");
        let tables = Mel::default();
        let energies = tables.energies(&mut pool, Kernel::best(), &samples);
        assert_eq!(energies.frames, 10);
        let frame = 4;
        let mut bands = [0.0_f64; BANDS];
        let filters = filters();
        for bin in 0..BINS {
            let (mut real, mut imaginary) = (0.0, 0.0);
            for at in 0..WINDOW {
                let value = f64::from(sample(&samples, frame * HOP + at) * tables.window[at]);
                let angle = 2.0 * PI * (bin * at) as f64 / WINDOW as f64;
                real += value * angle.cos();
                imaginary -= value * angle.sin();
            }
            for (band, energy) in bands.iter_mut().enumerate() {
                *energy += filters[band * BINS + bin] * (real * real + imaginary * imaginary);
            }
        }
        for (got, want) in energies.frame(frame).iter().zip(bands) {
            assert!((f64::from(*got) - want.max(1e-10).log10()).abs() < 1e-3, "{got} {want}");
        }
    }

    #[test]
    fn silence_is_scaled_to_one_value_and_padding_follows_the_sound() {
        let mut pool = Pool::new(1).expect("a thread");
        let energies = Mel::default().energies(&mut pool, Kernel::best(), &[0.0; 1600]);
        assert!(energies.scaled(0, 10, 20).iter().all(|value| *value == -1.5));
        let energies = Energies { values: vec![0.0; BANDS * 2], frames: 2 };
        let scaled = energies.scaled(0, 2, 3);
        assert_eq!((scaled[0], scaled[BANDS * 2]), (1.0, -1.0));
    }
}

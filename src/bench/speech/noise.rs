//! Noise to listen through: like a room's, louder in its low tones, always the same. Pure.

/// The sound with noise so many decibels below its own level.
#[must_use]
pub fn noisy(samples: &[f32], decibels: f32) -> Vec<f32> {
    let level = |values: &[f32]| (values.iter().map(|x| x * x).sum::<f32>() / values.len().max(1) as f32).sqrt();
    let noise = room(samples.len());
    let scale = level(samples) / level(&noise).max(1e-9) * 10_f32.powf(-decibels / 20.0);
    samples.iter().zip(noise).map(|(sample, noise)| (sample + noise * scale).clamp(-1.0, 1.0)).collect()
}

/// White noise and twice as much of it below some 500 Hz.
fn room(count: usize) -> Vec<f32> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut low = 0.0;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let white = (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0;
            low += 0.18 * (white - low);
            white * 0.5 + low * 2.0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_noise_is_as_loud_as_asked() {
        let sound: Vec<f32> = (0..16_000).map(|i| (i as f32 * 0.1).sin() * 0.1).collect();
        let noise: Vec<f32> = super::noisy(&sound, 10.0).iter().zip(&sound).map(|(a, b)| a - b).collect();
        let power = |values: &[f32]| values.iter().map(|x| x * x).sum::<f32>();
        let ratio = 10.0 * (power(&sound) / power(&noise)).log10();
        assert!((ratio - 10.0).abs() < 0.1, "{ratio}");
    }
}

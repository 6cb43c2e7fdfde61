//! Another sample rate, by a windowed sinc. Pure.

/// Zero crossings of the sinc on each side.
const CROSSINGS: f64 = 12.0;

/// `samples` at `from` samples a second, at `to` a second. What lies above half of the lower rate is left out.
#[must_use]
pub fn resample(samples: Vec<f32>, from: u32, to: u32) -> Vec<f32> {
    if from == to || samples.is_empty() {
        return samples;
    }
    let step = f64::from(from) / f64::from(to);
    // In units of the input's samples: the cut is at the lower of the two rates.
    let cut = (1.0 / step).min(1.0) * 0.95;
    let reach = CROSSINGS / cut;
    let count = (samples.len() as f64 / step).round() as usize;
    // The weights repeat after `to / gcd` outputs.
    let phases = (to / gcd(from, to)) as usize;
    let kernels: Vec<(isize, Vec<f32>)> =
        (0..phases.min(count)).map(|phase| weights(phase as f64 * step, cut, reach)).collect();
    let advance = (from / gcd(from, to)) as isize;
    (0..count)
        .map(|index| {
            let (first, weights) = &kernels[index % phases];
            let first = first + (index / phases) as isize * advance;
            let inside = |at: isize| usize::try_from(at).ok().and_then(|at| samples.get(at)).copied().unwrap_or(0.0);
            weights.iter().enumerate().map(|(k, weight)| weight * inside(first + k as isize)).sum()
        })
        .collect()
}

/// The weights of the input samples around `centre`, and where they begin.
fn weights(centre: f64, cut: f64, reach: f64) -> (isize, Vec<f32>) {
    let first = (centre - reach).ceil() as isize;
    let last = (centre + reach).floor() as isize;
    let raw: Vec<f64> = (first..=last)
        .map(|at| {
            let x = at as f64 - centre;
            let window = 0.5 + 0.5 * (std::f64::consts::PI * x / reach).cos();
            let angle = std::f64::consts::PI * cut * x;
            window * cut * if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle }
        })
        .collect();
    let sum: f64 = raw.iter().sum();
    (first, raw.iter().map(|weight| (weight / sum) as f32).collect())
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f32, seconds: f32) -> Vec<f32> {
        let count = (rate as f32 * seconds) as usize;
        (0..count).map(|i| (std::f32::consts::TAU * hertz * i as f32 / rate as f32).sin() * 0.5).collect()
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_level_at_every_rate() {
        for rate in [8_000, 11_025, 22_050, 44_100, 48_000, 96_000] {
            let out = resample(tone(rate, 440.0, 0.5), rate, 16_000);
            let wanted = tone(16_000, 440.0, 0.5);
            assert!(out.len().abs_diff(wanted.len()) <= 1, "{rate}: {}", out.len());
            let worst = out.iter().zip(&wanted).skip(400).take(7000).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 0.01, "{rate}: {worst}");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_left_out() {
        let out = resample(tone(48_000, 11_000.0, 0.5), 48_000, 16_000);
        assert!(out[400..7000].iter().all(|sample| sample.abs() < 0.01));
    }
}

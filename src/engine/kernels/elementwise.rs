//! The small operations between matrix products, one row at a time.

use super::float::{multiply_add, sum_lanes};
use super::versions::versions;

versions!(
    /// `out = x / rms(x) * weight` (Zhang and Sennrich 2019).
    pub fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) = rms_norm_body
);
versions!(
    /// `x = x / rms(x) * weight`.
    pub fn rms_norm_in_place(x: &mut [f32], weight: &[f32], epsilon: f32) = rms_norm_in_place_body
);
versions!(
    /// `x += y`.
    pub fn add(x: &mut [f32], y: &[f32]) = add_body
);
versions!(
    /// `out = silu(gate) * up` (SwiGLU).
    pub fn silu_multiply(gate: &[f32], up: &[f32], out: &mut [f32]) = silu_body
);
versions!(
    /// `out = gelu(gate) * up`, with the tanh form of GELU.
    pub fn gelu_multiply(gate: &[f32], up: &[f32], out: &mut [f32]) = gelu_body
);

versions!(
    /// `out = (x - mean) / deviation * weight + bias`.
    pub fn layer_norm(x: &[f32], weight: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32]) = layer_norm_body
);
versions!(
    /// `x = gelu(x + bias)`, with the exact form of GELU to some 1e-7.
    pub fn gelu_exact(x: &mut [f32], bias: &[f32]) = gelu_exact_body
);

#[inline(always)]
fn layer_norm_body(x: &[f32], weight: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32]) {
    let (chunks, rest) = x.as_chunks::<16>();
    let mut lanes = [0.0_f32; 16];
    for chunk in chunks {
        for i in 0..16 {
            lanes[i] += chunk[i];
        }
    }
    let mean = (sum_lanes(lanes) + rest.iter().sum::<f32>()) / x.len() as f32;
    let mut lanes = [0.0_f32; 16];
    for chunk in chunks {
        for i in 0..16 {
            let off = chunk[i] - mean;
            lanes[i] = multiply_add(off, off, lanes[i]);
        }
    }
    let squares = sum_lanes(lanes) + rest.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>();
    let variance = squares / x.len() as f32;
    let scale = 1.0 / (variance + epsilon).sqrt();
    for (((out, x), weight), bias) in out.iter_mut().zip(x).zip(weight).zip(bias) {
        *out = (x - mean) * scale * weight + bias;
    }
}

#[inline(always)]
fn gelu_exact_body(x: &mut [f32], bias: &[f32]) {
    for (x, bias) in x.iter_mut().zip(bias) {
        let value = *x + bias;
        // 1 - erf(z) for z > 0: Abramowitz and Stegun 7.1.26.
        let z = value.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / (1.0 + 0.327_591_1 * z);
        let mut p = 1.061_405_4;
        for c in [-1.453_152_1, 1.421_413_8, -0.284_496_72, 0.254_829_6] {
            p = multiply_add(p, t, c);
        }
        let tail = 0.5 * p * t * exp(-z * z);
        *x = value * if value < 0.0 { tail } else { 1.0 - tail };
    }
}

#[inline(always)]
fn inverse_rms(x: &[f32], epsilon: f32) -> f32 {
    let (chunks, rest) = x.as_chunks::<16>();
    let mut lanes = [0.0_f32; 16];
    for chunk in chunks {
        for i in 0..16 {
            lanes[i] = multiply_add(chunk[i], chunk[i], lanes[i]);
        }
    }
    let squares = sum_lanes(lanes) + rest.iter().map(|x| x * x).sum::<f32>();
    1.0 / (squares / x.len() as f32 + epsilon).sqrt()
}

#[inline(always)]
fn rms_norm_body(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    let scale = inverse_rms(x, epsilon);
    for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
        *out = x * scale * weight;
    }
}

#[inline(always)]
fn rms_norm_in_place_body(x: &mut [f32], weight: &[f32], epsilon: f32) {
    let scale = inverse_rms(x, epsilon);
    for (x, weight) in x.iter_mut().zip(weight) {
        *x = *x * scale * weight;
    }
}

#[inline(always)]
fn add_body(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

#[inline(always)]
fn silu_body(gate: &[f32], up: &[f32], out: &mut [f32]) {
    for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
        *out = gate / (1.0 + exp(-gate)) * up;
    }
}

#[inline(always)]
fn gelu_body(gate: &[f32], up: &[f32], out: &mut [f32]) {
    for ((out, &gate), up) in out.iter_mut().zip(gate).zip(up) {
        let inner = 0.797_884_6 * gate * (1.0 + 0.044_715 * gate * gate);
        // (1 + tanh(y)) / 2 = 1 / (1 + exp(-2y))
        *out = gate / (1.0 + exp(-2.0 * inner)) * up;
    }
}

/// e^x within 2 units in the last place, without a branch; saturates at e^-87 and e^88; NaN stays NaN.
/// The polynomial is that of Cephes' `expf`.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = multiply_add(x, std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    let r = multiply_add(whole, -0.693_359_4, x);
    let r = multiply_add(whole, 2.121_944_4e-4, r);
    let mut p = 1.987_569_1e-4;
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5] {
        p = multiply_add(p, r, c);
    }
    let p = multiply_add(p, r * r, r) + 1.0;
    let exponent = shifted.to_bits().wrapping_sub(0x4b40_0000).wrapping_add(127) << 23;
    p * f32::from_bits(exponent)
}

/// How a head's dimensions pair up for rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairs {
    /// (0, 1), (2, 3), ... as llama's GGUF weights are ordered.
    Adjacent,
    /// (0, n/2), (1, n/2 + 1), ... as in GPT-NeoX and most families.
    Halves,
}

/// Rotates the first `2 * cos.len()` values of a head (Su et al. 2021).
pub fn rotate(head: &mut [f32], cos: &[f32], sin: &[f32], pairs: Pairs) {
    let half = cos.len();
    match pairs {
        Pairs::Adjacent => {
            for ((pair, cos), sin) in head.as_chunks_mut::<2>().0.iter_mut().zip(cos).zip(sin) {
                let [a, b] = *pair;
                *pair = [a * cos - b * sin, a * sin + b * cos];
            }
        }
        Pairs::Halves => {
            let (first, second) = head[..2 * half].split_at_mut(half);
            for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
                (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernel;

    #[test]
    fn the_exact_gelu_and_layer_norm_are_what_tables_say() {
        for kernel in Kernel::available() {
            // x Φ(x) of 0.5, -1 and 3.
            let mut x = [0.25, -1.5, 2.0, 0.0];
            gelu_exact(kernel.level(), &mut x, &[0.25, 0.5, 1.0, 0.0]);
            for (got, want) in x.iter().zip([0.345_731_2, -0.158_655_25, 2.995_950_3, 0.0]) {
                assert!((got - want).abs() < 1e-6, "{got} {want}");
            }
            let mut out = [0.0; 4];
            layer_norm(
                kernel.level(),
                &[1.0, 2.0, 3.0, 6.0],
                &[1.0, 2.0, 1.0, 1.0],
                &[0.0, 0.0, 5.0, 0.0],
                0.0,
                &mut out,
            );
            let deviation = 3.5_f32.sqrt();
            for (got, want) in out.iter().zip([-2.0 / deviation, -2.0 / deviation, 5.0, 3.0 / deviation]) {
                assert!((got - want).abs() < 1e-6, "{got} {want}");
            }
        }
    }

    #[test]
    fn exp_is_close_and_exact_at_zero() {
        assert_eq!(exp(0.0), 1.0);
        for i in -8600..8700 {
            let x = i as f32 / 100.0;
            let (got, want) = (f64::from(exp(x)), f64::from(x).exp());
            assert!(((got - want) / want).abs() < 3e-7, "exp({x}) = {got}, not {want}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn every_level_agrees() {
        let x: Vec<f32> = (0..77).map(|i| (i as f32 * 0.37).sin() * 3.0).collect();
        let y: Vec<f32> = (0..77).map(|i| (i as f32 * 0.11).cos()).collect();
        let run = |kernel: Kernel| {
            let mut outs = vec![vec![0.0; 77]; 3];
            rms_norm(kernel.level(), &x, &y, 1e-5, &mut outs[0]);
            silu_multiply(kernel.level(), &x, &y, &mut outs[1]);
            gelu_multiply(kernel.level(), &x, &y, &mut outs[2]);
            outs.concat()
        };
        let kernels = Kernel::available();
        let plain = run(kernels[kernels.len() - 1]);
        for kernel in kernels {
            assert_eq!(run(kernel), plain, "{kernel:?}");
        }
    }
}

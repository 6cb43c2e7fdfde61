//! Products of matrices stored as F32, F16 or BF16: plain dot products in single precision, any number of columns.

use super::activations::Activations;
use super::format::Matrix;
use super::multiply::Target;
use super::pool::Scratch;
use super::versions::versions;

versions!(pub(super) fn rows(
    matrix: &Matrix<'_>,
    range: (usize, usize),
    input: &Activations,
    target: Target<'_>,
    scratch: &mut Scratch,
) = rows_body);

#[inline(always)]
fn rows_body(
    matrix: &Matrix<'_>,
    (first, count): (usize, usize),
    input: &Activations,
    target: Target<'_>,
    scratch: &mut Scratch,
) {
    let (_, weights) = scratch.get(0, matrix.columns());
    for row in first..first + count {
        matrix.dequantise(row, weights);
        for a in 0..input.rows() {
            // SAFETY: the caller of `product::run` promises that these rows are this task's alone.
            let out = unsafe { target.out.slice(a * target.stride + row, 1) };
            out[0] = dot(weights, input.float(a));
        }
    }
}

/// A dot product over 16 running sums.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    let mut lanes = [0.0_f32; 16];
    for (a, b) in a.iter().zip(b) {
        for i in 0..16 {
            lanes[i] = multiply_add(a[i], b[i], lanes[i]);
        }
    }
    let mut total = sum_lanes(lanes);
    for (a, b) in a_rest.iter().zip(b_rest) {
        total += a * b;
    }
    total
}

/// `a * b + c`, rounded once, at every level: so all kernels give the same bits. Where the instruction set has no fused
/// operation this is a slow library call.
#[inline(always)]
pub(super) fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    a.mul_add(b, c)
}

/// The sum of 16 values, always in the same order.
#[inline(always)]
pub(super) fn sum_lanes(lanes: [f32; 16]) -> f32 {
    let mut half = [0.0; 8];
    for i in 0..8 {
        half[i] = lanes[i] + lanes[i + 8];
    }
    ((half[0] + half[4]) + (half[2] + half[6])) + ((half[1] + half[5]) + (half[3] + half[7]))
}

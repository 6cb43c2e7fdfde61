//! Every kernel of this machine against a plain double-precision product, and against itself in other batches.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Random bytes that are a valid matrix: scales are small finite halves, everything else is anything.
fn random_matrix(format: Format, rows: usize, columns: usize, random: &mut ChaCha8Rng) -> Vec<u8> {
    let (_, block) = format.block();
    let mut bytes = vec![0_u8; format.row_bytes(columns).unwrap() * rows];
    random.fill(&mut bytes[..]);
    let halves: &[usize] = match format {
        Format::F32 => {
            bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|b| *b = random.random_range(-1.0_f32..1.0).to_le_bytes());
            &[]
        }
        Format::F16 => &[0],
        Format::Bf16 => {
            for raw in bytes.as_chunks_mut::<2>().0 {
                *raw = ::half::bf16::from_f32(random.random_range(-1.0..1.0)).to_le_bytes();
            }
            &[]
        }
        Format::Q4_0 | Format::Q5_0 | Format::Q8_0 => &[0],
        Format::Q4_1 | Format::Q5_1 | Format::Q4K | Format::Q5K => &[0, 2],
        Format::Q2K => &[80, 82],
        Format::Q3K => &[108],
        Format::Q6K => &[208],
    };
    for block in bytes.chunks_exact_mut(block) {
        for at in halves {
            let value = ::half::f16::from_f32(random.random_range(-0.01_f32..0.01));
            block[*at..at + 2].copy_from_slice(&value.to_le_bytes());
        }
    }
    bytes
}

fn activations(kernel: Kernel, values: &[Vec<f32>]) -> Activations {
    let mut pool = Pool::new(1).unwrap();
    let mut input = Activations::default();
    input.fill(&mut pool, kernel, (values.len(), values[0].len()), (&mut [], 0), &|row, out, _| {
        out.copy_from_slice(&values[row]);
    });
    input
}

fn product(kernel: Kernel, threads: usize, matrix: Matrix<'_>, values: &[Vec<f32>]) -> Vec<f32> {
    let mut out = vec![f32::NAN; matrix.rows() * values.len()];
    let mut pool = Pool::new(threads).unwrap();
    let input = activations(kernel, values);
    let (format, rows, columns) = (matrix.format(), matrix.rows(), matrix.columns());
    let mut bytes = Vec::new();
    let matrix = match packed::packed_bytes(format, rows, columns) {
        None => Operand::Float(matrix),
        Some(length) => {
            bytes.resize(length, 0);
            packed::pack(&mut pool, kernel.level(), &matrix, &mut bytes);
            Operand::Packed(packed::Packed::new(format, rows, columns, &bytes).unwrap())
        }
    };
    multiply(&mut pool, kernel, &input, &mut [Product { matrix, out: &mut out }]);
    out
}

fn check(format: Format, rows: usize, blocks: usize, batch: usize, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let columns = blocks * format.block().0;
    let bytes = random_matrix(format, rows, columns, &mut random);
    let matrix = Matrix::new(format, rows, columns, &bytes).unwrap();
    let values: Vec<Vec<f32>> =
        (0..batch).map(|_| (0..columns).map(|_| random.random_range(-2.0_f32..2.0)).collect()).collect();
    let mut weights = vec![0.0; columns];
    let mut want = vec![0.0_f64; rows * batch];
    let mut size = vec![0.0_f64; rows * batch];
    for row in 0..rows {
        matrix.dequantise(row, &mut weights);
        for (a, values) in values.iter().enumerate() {
            for (w, v) in weights.iter().zip(values) {
                want[a * rows + row] += f64::from(*w) * f64::from(*v);
                size[a * rows + row] += (f64::from(*w) * f64::from(*v)).powi(2);
            }
        }
    }
    let plain = product(Kernel::named("portable").unwrap(), 1, matrix, &values);
    for kernel in Kernel::available() {
        let got = product(kernel, 2, matrix, &values);
        assert_eq!(got, plain, "{kernel:?} {format:?} {rows}x{columns}x{batch}: not the portable kernel's bits");
        for (index, got) in got.iter().enumerate() {
            // Rounding to int8 errs by at most 2 / 254 per value: far less than 5 % of the root of squares.
            let room = 0.05 * size[index].sqrt() + 1e-4;
            let error = (f64::from(*got) - want[index]).abs();
            assert!(error <= room, "{kernel:?} {format:?} {rows}x{columns}x{batch} at {index}: {got}, {}", want[index]);
        }
        for (a, values) in values.iter().enumerate() {
            let alone = product(kernel, 1, matrix, std::slice::from_ref(values));
            assert_eq!(
                alone,
                got[a * rows..(a + 1) * rows],
                "{kernel:?} {format:?}: a batch differs from a single run"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn products_are_right_and_the_same_in_any_batch(
        format in 0..Format::ALL.len(),
        rows in 1_usize..70,
        blocks in 1_usize..20,
        batch in 1_usize..60,
        seed in any::<u64>(),
    ) {
        let format = Format::ALL[format];
        // An odd number of small blocks; few of the large ones.
        let blocks = if format.block().0 == 256 { blocks.div_ceil(8) } else { blocks };
        check(format, rows, blocks, batch, seed);
    }
}

#[test]
fn every_format_with_every_kernel() {
    for format in Format::ALL {
        for batch in [7, 41] {
            check(format, 37, if format.block().0 == 256 { 2 } else { 11 }, batch, 1);
        }
    }
}

#[test]
fn activations_that_are_no_numbers_harm_no_other_row() {
    let (rows, columns) = (37, 512);
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let good: Vec<f32> = (0..columns).map(|_| random.random_range(-2.0_f32..2.0)).collect();
    for format in [Format::Q8_0, Format::Q6K, Format::Q5_0, Format::Q4K, Format::Q3K] {
        let bytes = random_matrix(format, rows, columns, &mut random);
        let matrix = Matrix::new(format, rows, columns, &bytes).unwrap();
        for kernel in Kernel::available() {
            let want = product(kernel, 1, matrix, std::slice::from_ref(&good));
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE / 2.0] {
                for others in [1, 6, 40] {
                    // A whole row of it, and rows with one such value each.
                    let mut values = vec![vec![bad; columns]];
                    values.extend((1..others).map(|i| {
                        let mut row = good.clone();
                        row[i * 11] = bad;
                        row
                    }));
                    values.push(good.clone());
                    let got = product(kernel, 2, matrix, &values);
                    assert_eq!(got[others * rows..], want, "{kernel:?} {format:?}: {bad} in {others} other rows");
                }
            }
        }
    }
}

#[test]
fn extreme_weights_do_not_overflow() {
    // All weights at the end of their range, all activations at the end of theirs: sums are largest.
    for format in [Format::Q8_0, Format::Q6K, Format::Q5_0, Format::Q5K, Format::Q4_0, Format::Q4K, Format::Q3K] {
        for fill in [0x00, 0xff, 0x80, 0x7f] {
            let (rows, columns) = (33, 256);
            let (_, block) = format.block();
            let mut bytes = vec![fill; format.row_bytes(columns).unwrap() * rows];
            let at = match format {
                Format::Q3K => 108,
                Format::Q6K => 208,
                _ => 0,
            };
            for block in bytes.chunks_exact_mut(block) {
                block[at..at + 2].copy_from_slice(&::half::f16::ONE.to_le_bytes());
                if matches!(format, Format::Q4K | Format::Q5K) {
                    block[2..4].copy_from_slice(&::half::f16::ONE.to_le_bytes());
                }
            }
            let matrix = Matrix::new(format, rows, columns, &bytes).unwrap();
            let mut weights = vec![0.0; columns];
            matrix.dequantise(0, &mut weights);
            let want: f32 = weights.iter().map(|w| -w).sum();
            let size: f32 = weights.iter().map(|w| w.abs()).sum();
            for kernel in Kernel::available() {
                for batch in [1, 5, 33] {
                    let got = product(kernel, 1, matrix, &vec![vec![-1.0; columns]; batch]);
                    let close = got.iter().all(|got| (got - want).abs() <= 1e-3 * size);
                    assert!(close, "{kernel:?} {format:?} {fill}: {} not {want}", got[0]);
                }
            }
        }
    }
}

//! Products and attention in single precision between matrices that are both made at run time: every row may look at
//! every other, as in the encoder of a speech model. Sums run over the inner dimension in order and fused, so that every
//! level gives the same bits.

use super::elementwise::exp;
use super::float::{dot, multiply_add};
use super::kernel::{Kernel, Level};
use super::pool::{Pool, Scratch, Shares};
use super::versions::versions;

/// Columns side by side in a panel.
pub const WIDTH: usize = 32;
/// Rows of a task.
const ROWS: usize = 32;

/// Values that `columns` columns of `inner` values take as panels.
#[must_use]
pub const fn panel_values(inner: usize, columns: usize) -> usize {
    columns.div_ceil(WIDTH) * WIDTH * inner
}

/// Lays the rows of `source` (`columns` rows of `inner` values, `stride` apart) side by side, as the columns of a product.
///
/// # Panics
/// When a buffer is too short.
pub fn pack_rows(source: &[f32], stride: usize, (inner, columns): (usize, usize), out: &mut [f32]) {
    let out = &mut out[..panel_values(inner, columns)];
    for (panel, out) in out.chunks_exact_mut(inner * WIDTH).enumerate() {
        for column in 0..WIDTH {
            let row = panel * WIDTH + column;
            if row < columns {
                let values = &source[row * stride..row * stride + inner];
                for (k, value) in values.iter().enumerate() {
                    out[k * WIDTH + column] = *value;
                }
            } else {
                for k in 0..inner {
                    out[k * WIDTH + column] = 0.0;
                }
            }
        }
    }
}

/// As [`pack_rows`] for a source that lies the other way: `inner` rows of `columns` values.
///
/// # Panics
/// When a buffer is too short.
pub fn pack_columns(source: &[f32], stride: usize, (inner, columns): (usize, usize), out: &mut [f32]) {
    let out = &mut out[..panel_values(inner, columns)];
    for (panel, out) in out.chunks_exact_mut(inner * WIDTH).enumerate() {
        let first = panel * WIDTH;
        let width = WIDTH.min(columns - first);
        for (k, out) in out.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
            let at = k * stride + first;
            out[..width].copy_from_slice(&source[at..at + width]);
            out[width..].fill(0.0);
        }
    }
}

/// `out[row][column] = a[row] · column`, shared out over the pool. `a` has `rows` rows of `inner` values, `panels` the
/// columns as [`pack_rows`] lays them out, `out` rows of `columns` values.
///
/// # Panics
/// When a buffer is too short.
pub fn multiply(
    pool: &mut Pool,
    kernel: Kernel,
    (a, rows, inner): (&[f32], usize, usize),
    (panels, columns): (&[f32], usize),
    out: &mut [f32],
) {
    assert!(out.len() >= rows * columns, "a product's output. This is a bug.");
    let out = Shares::new(out);
    pool.run(rows.div_ceil(ROWS), &|task, _: &mut Scratch| {
        let first = task * ROWS;
        let count = ROWS.min(rows - first);
        // SAFETY: each row is handed out once.
        let out = unsafe { out.slice(first * columns, count * columns) };
        let a = Rows { values: &a[first * inner..(first + count) * inner], stride: inner, count };
        product(kernel.level(), a, inner, panels, columns, out, columns);
    });
}

/// Some rows of a matrix.
#[derive(Clone, Copy)]
struct Rows<'a> {
    values: &'a [f32],
    stride: usize,
    count: usize,
}

/// One product on this thread. Columns beyond `columns` are left out of `out`.
fn product(
    level: Level,
    a: Rows<'_>,
    inner: usize,
    panels: &[f32],
    columns: usize,
    out: &mut [f32],
    out_stride: usize,
) {
    assert!(
        inner > 0
            && panels.len() >= panel_values(inner, columns)
            && (a.count == 0 || a.values.len() >= (a.count - 1) * a.stride + inner)
            && (a.count == 0 || out.len() >= (a.count - 1) * out_stride + columns),
        "a product's buffers. This is a bug."
    );
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level exists only where its instructions do (see `Level`); buffers were measured above.
        Level::Avx512 => unsafe { wide::product(a, inner, panels, columns, out, out_stride) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx2 => unsafe { middle::product(a, inner, panels, columns, out, out_stride) },
        _ => plain(a, inner, panels, columns, out, out_stride),
    }
}

fn plain(a: Rows<'_>, inner: usize, panels: &[f32], columns: usize, out: &mut [f32], out_stride: usize) {
    for row in 0..a.count {
        let values = &a.values[row * a.stride..row * a.stride + inner];
        for (panel, weights) in panels[..panel_values(inner, columns)].chunks_exact(inner * WIDTH).enumerate() {
            let mut sums = [0.0_f32; WIDTH];
            for (value, weights) in values.iter().zip(weights.as_chunks::<WIDTH>().0) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum = multiply_add(*value, *weight, *sum);
                }
            }
            let first = panel * WIDTH;
            let width = WIDTH.min(columns - first);
            out[row * out_stride + first..row * out_stride + first + width].copy_from_slice(&sums[..width]);
        }
    }
}

/// A product in registers of one width: `$together` rows at a time, all 32 columns of a panel.
macro_rules! registers {
    ($module:ident, $features:literal, $vector:ty, $lanes:literal, $together:literal, $zero:ident, $load:ident,
     $store:ident, $set:ident, $fma:ident) => {
        #[cfg(target_arch = "x86_64")]
        mod $module {
            use std::arch::x86_64::*;

            use super::{Rows, WIDTH, panel_values};

            const VECTORS: usize = WIDTH / $lanes;

            /// # Safety
            /// The processor has the instructions, and the buffers are as long as `super::product` demands.
            #[target_feature(enable = $features)]
            pub(super) unsafe fn product(
                a: Rows<'_>,
                inner: usize,
                panels: &[f32],
                columns: usize,
                out: &mut [f32],
                out_stride: usize,
            ) {
                for (panel, weights) in panels[..panel_values(inner, columns)].chunks_exact(inner * WIDTH).enumerate() {
                    let first = panel * WIDTH;
                    let width = WIDTH.min(columns - first);
                    let mut row = 0;
                    while row + $together <= a.count {
                        // SAFETY: promised by the caller.
                        unsafe {
                            tile::<$together>(
                                a,
                                row,
                                inner,
                                weights,
                                &mut out[row * out_stride + first..],
                                out_stride,
                                width,
                            )
                        };
                        row += $together;
                    }
                    while row < a.count {
                        // SAFETY: as above.
                        unsafe {
                            tile::<1>(a, row, inner, weights, &mut out[row * out_stride + first..], out_stride, width)
                        };
                        row += 1;
                    }
                }
            }

            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn tile<const R: usize>(
                a: Rows<'_>,
                row: usize,
                inner: usize,
                weights: &[f32],
                out: &mut [f32],
                out_stride: usize,
                width: usize,
            ) {
                let mut sums = [[$zero(); VECTORS]; R];
                let from: [*const f32; R] = std::array::from_fn(|r| a.values[(row + r) * a.stride..].as_ptr());
                let mut panel = weights.as_ptr();
                for k in 0..inner {
                    // SAFETY: each row of `a` has `inner` values, the panel 32 times as many.
                    unsafe {
                        let mut columns = [$zero(); VECTORS];
                        for v in 0..VECTORS {
                            columns[v] = $load(panel.add(v * $lanes));
                        }
                        panel = panel.add(WIDTH);
                        for r in 0..R {
                            let value = $set(*from[r].add(k));
                            for v in 0..VECTORS {
                                sums[r][v] = $fma(value, columns[v], sums[r][v]);
                            }
                        }
                    }
                }
                for r in 0..R {
                    let mut values = [0.0_f32; WIDTH];
                    for v in 0..VECTORS {
                        // SAFETY: `values` holds all vectors.
                        unsafe { $store(values.as_mut_ptr().add(v * $lanes), sums[r][v]) };
                    }
                    out[r * out_stride..r * out_stride + width].copy_from_slice(&values[..width]);
                }
            }
        }
    };
}

registers!(
    wide,
    "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c",
    __m512,
    16,
    8,
    _mm512_setzero_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_fmadd_ps
);
registers!(
    middle,
    "avx2,fma,f16c",
    __m256,
    8,
    2,
    _mm256_setzero_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_fmadd_ps
);

/// Queries, keys and values as rows; a head is `width` neighbouring values of a row.
#[derive(Clone, Copy)]
pub struct Heads<'a> {
    /// `rows` rows, `query_stride` apart.
    pub query: &'a [f32],
    /// Distance of two rows of `query`.
    pub query_stride: usize,
    /// `keys` rows, `stride` apart.
    pub key: &'a [f32],
    /// As `key`.
    pub value: &'a [f32],
    /// Distance of two rows of `key` and of `value`.
    pub stride: usize,
    /// Queries.
    pub rows: usize,
    /// Keys.
    pub keys: usize,
    /// Heads.
    pub heads: usize,
    /// Values of a head.
    pub width: usize,
}

/// Every query looks at every key: `out` gets `rows` rows of `heads * width` values. `room` is memory that is used again.
///
/// # Panics
/// When a buffer is too short.
pub fn attend(pool: &mut Pool, kernel: Kernel, input: Heads<'_>, room: &mut Vec<f32>, out: &mut [f32]) {
    let Heads { rows, keys, heads, width, .. } = input;
    if rows == 0 || keys == 0 {
        return;
    }
    let (key_values, value_values) = (panel_values(width, keys), panel_values(keys, width));
    let each = key_values + value_values;
    if room.len() < each * heads {
        room.resize(each * heads, 0.0);
    }
    let packed = Shares::new(room.as_mut_slice());
    pool.run(heads, &|head, _: &mut Scratch| {
        // SAFETY: each head's part is handed out once.
        let (key, value) = unsafe { packed.slice(head * each, each) }.split_at_mut(key_values);
        pack_rows(&input.key[head * width..], input.stride, (width, keys), key);
        pack_columns(&input.value[head * width..], input.stride, (keys, width), value);
    });
    let room: &[f32] = room;
    let tiles = rows.div_ceil(ROWS);
    let padded = keys.next_multiple_of(16);
    let scale = 1.0 / (width as f32).sqrt();
    let all = heads * width;
    assert!(out.len() >= rows * all, "attention's output. This is a bug.");
    let out = Shares::new(out);
    pool.run(heads * tiles, &|task, scratch: &mut Scratch| {
        let (head, first) = (task / tiles, task % tiles * ROWS);
        let count = ROWS.min(rows - first);
        let (key, value) = room[head * each..(head + 1) * each].split_at(key_values);
        let (_, floats) = scratch.get(0, ROWS * padded + ROWS * width);
        let (scores, mixed) = floats.split_at_mut(ROWS * padded);
        let query = Rows {
            values: &input.query[first * input.query_stride + head * width..],
            stride: input.query_stride,
            count,
        };
        product(kernel.level(), query, width, key, keys, scores, padded);
        for row in scores.chunks_exact_mut(padded).take(count) {
            softmax(kernel.level(), &mut row[..keys], scale);
        }
        let weights = Rows { values: scores, stride: padded, count };
        product(kernel.level(), weights, keys, value, width, mixed, width);
        for (row, mixed) in mixed.chunks_exact(width).take(count).enumerate() {
            // SAFETY: a head's part of a row is handed out once.
            unsafe { out.slice((first + row) * all + head * width, width) }.copy_from_slice(mixed);
        }
    });
}

versions!(
    /// `values = softmax(values * scale)`.
    pub fn softmax(values: &mut [f32], scale: f32) = softmax_body
);

#[inline(always)]
fn softmax_body(values: &mut [f32], scale: f32) {
    let mut most = [f32::NEG_INFINITY; 16];
    let (chunks, rest) = values.as_chunks_mut::<16>();
    for chunk in &*chunks {
        for (most, value) in most.iter_mut().zip(chunk) {
            *most = if *value > *most { *value } else { *most };
        }
    }
    let most = most.iter().chain(&*rest).copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sums = [0.0_f32; 16];
    for chunk in &mut *chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *value = exp((*value - most) * scale);
            *sum += *value;
        }
    }
    let mut total: f32 = sums.iter().sum();
    for value in &mut *rest {
        *value = exp((*value - most) * scale);
        total += *value;
    }
    let share = 1.0 / total;
    for value in values {
        *value *= share;
    }
}

versions!(
    /// One query over keys and values that lie one after the other, a head's own: `out = softmax(query · keys) · values`.
    pub fn attend_one(query: &[f32], keys: &[f32], values: &[f32], scores: &mut [f32], out: &mut [f32]) = one_body
);

#[inline(always)]
fn one_body(query: &[f32], keys: &[f32], values: &[f32], scores: &mut [f32], out: &mut [f32]) {
    let width = query.len();
    for (score, key) in scores.iter_mut().zip(keys.chunks_exact(width)) {
        *score = dot(query, key);
    }
    softmax_body(scores, 1.0 / (width as f32).sqrt());
    out.fill(0.0);
    for (weight, value) in scores.iter().zip(values.chunks_exact(width)) {
        for (out, value) in out.iter_mut().zip(value) {
            *out = multiply_add(*weight, *value, *out);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;

    fn values(count: usize, seed: u64) -> Vec<f32> {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
    }

    #[test]
    fn every_kernel_gives_the_bits_of_the_plain_loops() {
        for (rows, inner, columns) in [(1, 1, 1), (3, 5, 31), (33, 64, 70), (64, 80, 384), (9, 7, 32)] {
            let (a, b) = (values(rows * inner, 1), values(columns * inner, 2));
            let mut panels = vec![f32::NAN; panel_values(inner, columns)];
            pack_rows(&b, inner, (inner, columns), &mut panels);
            let mut expected = vec![0.0; rows * columns];
            plain(Rows { values: &a, stride: inner, count: rows }, inner, &panels, columns, &mut expected, columns);
            let naive: f32 = (0..inner).map(|k| a[k] * b[(columns - 1) * inner + k]).sum();
            assert!((naive - expected[columns - 1]).abs() < 1e-4);
            for kernel in Kernel::available() {
                let mut pool = Pool::new(2).expect("threads");
                let mut out = vec![f32::NAN; rows * columns];
                multiply(&mut pool, kernel, (&a, rows, inner), (&panels, columns), &mut out);
                assert_eq!(out, expected, "{kernel:?} {rows} {inner} {columns}");
            }
        }
    }

    #[test]
    fn both_ways_of_packing_agree() {
        let (inner, columns) = (13, 45);
        let b = values(columns * inner, 3);
        let turned: Vec<f32> = (0..inner * columns).map(|i| b[i % columns * inner + i / columns]).collect();
        let (mut one, mut other) = (vec![1.0; panel_values(inner, columns)], vec![2.0; panel_values(inner, columns)]);
        pack_rows(&b, inner, (inner, columns), &mut one);
        pack_columns(&turned, columns, (inner, columns), &mut other);
        assert_eq!(one, other);
    }

    #[test]
    fn attention_is_what_its_definition_says() {
        let (rows, keys, heads, width) = (37, 50, 2, 16);
        let all = heads * width;
        let (query, key, value) = (values(rows * all, 4), values(keys * all, 5), values(keys * all, 6));
        let heads_of =
            Heads { query: &query, query_stride: all, key: &key, value: &value, stride: all, rows, keys, heads, width };
        for kernel in Kernel::available() {
            let mut pool = Pool::new(2).expect("threads");
            let (mut room, mut out) = (Vec::new(), vec![0.0; rows * all]);
            attend(&mut pool, kernel, heads_of, &mut room, &mut out);
            for (row, head) in [(0, 0), (36, 1), (20, 0)] {
                let of = |all_of: &[f32], row: usize| all_of[row * all + head * width..][..width].to_vec();
                let flat = |all_of: &[f32]| (0..keys).flat_map(|k| of(all_of, k)).collect::<Vec<_>>();
                let (mut scores, mut one) = (vec![0.0; keys], vec![0.0; width]);
                attend_one(kernel.level(), &of(&query, row), &flat(&key), &flat(&value), &mut scores, &mut one);
                assert!((scores.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                for (a, b) in one.iter().zip(of(&out, row)) {
                    assert!((a - b).abs() < 1e-5, "{kernel:?}: {a} {b}");
                }
            }
        }
    }
}

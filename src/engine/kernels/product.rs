//! Matrix products shared out over the pool.

use super::activations::Activations;
#[cfg(target_arch = "x86_64")]
use super::amx::{self, Amx};
#[cfg(target_arch = "x86_64")]
use super::avx2;
#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512;
use super::float;
use super::format::{self, Format, Matrix};
use super::kernel::{Kernel, Set};
use super::multiply::{PANELS, Target, rows};
use super::packed::{PANEL, Packed};
use super::pool::{Pool, Scratch, Shares};
use super::portable::Portable;

/// Most products in one call.
const MOST: usize = 4;

/// The weights of a product.
#[derive(Clone, Copy)]
pub enum Operand<'a> {
    /// In single or half precision, as in the file.
    Float(Matrix<'a>),
    /// Quantised.
    Packed(Packed<'a>),
}

impl Operand<'_> {
    fn rows(&self) -> usize {
        match self {
            Self::Float(matrix) => matrix.rows(),
            Self::Packed(matrix) => matrix.rows(),
        }
    }

    fn columns(&self) -> usize {
        match self {
            Self::Float(matrix) => matrix.columns(),
            Self::Packed(matrix) => matrix.columns(),
        }
    }
}

/// A matrix and where its product goes: `out[a * rows + r]` for activation `a`.
pub struct Product<'a> {
    /// The weights.
    pub matrix: Operand<'a>,
    /// `input.rows() * matrix.rows()` values.
    pub out: &'a mut [f32],
}

/// Multiplies each product's matrix with every row of `input`, in one pass over the pool.
///
/// # Panics
/// When shapes do not fit, or with more than four products.
pub fn multiply(pool: &mut Pool, kernel: Kernel, input: &Activations, products: &mut [Product<'_>]) {
    assert!(products.len() <= MOST, "too many products at once. This is a bug.");
    let mut ends = [0; MOST];
    let mut tasks = 0;
    for (end, product) in ends.iter_mut().zip(products.iter()) {
        assert_eq!(product.matrix.columns(), input.columns(), "the shapes of a product do not fit. This is a bug.");
        assert_eq!(product.out.len(), input.rows() * product.matrix.rows(), "a product's output. This is a bug.");
        tasks += product.matrix.rows().div_ceil(step(product, pool.threads(), input.rows()));
        *end = tasks;
    }
    let threads = pool.threads();
    let shared: [Option<(Operand<'_>, usize, Target<'_>)>; MOST] = {
        let mut products = products.iter_mut();
        std::array::from_fn(|_| {
            products.next().map(|product| {
                let stride = product.matrix.rows();
                let step = step(product, threads, input.rows());
                (product.matrix, step, Target { out: Shares::new(product.out), stride })
            })
        })
    };
    pool.run(tasks, &|task, scratch| {
        let which = ends.iter().position(|end| task < *end).unwrap_or(0);
        let Some((matrix, step, target)) = &shared[which] else { return };
        let first = (task - if which == 0 { 0 } else { ends[which - 1] }) * step;
        let count = (matrix.rows() - first).min(*step);
        // SAFETY: a `Kernel` exists only where its instructions do; tasks have distinct rows.
        unsafe { run(kernel, matrix, (first, count), input, *target, scratch) };
    });
}

/// Rows per task: enough tasks to end together, few enough to be worth their handling.
fn step(product: &Product<'_>, threads: usize, activations: usize) -> usize {
    let (rows, columns) = (product.matrix.rows(), product.matrix.columns());
    let tile = PANEL * PANELS;
    // A few activations: tasks of some 100 KiB, or what remains when the last thread is left alone is felt.
    let most = if activations < 16 { (200_000 / columns.max(1)).clamp(PANEL, 512) } else { tile };
    (rows / (threads * 8)).clamp(PANEL, most).next_multiple_of(if activations < 16 { PANEL } else { tile })
}

unsafe fn run(
    kernel: Kernel,
    matrix: &Operand<'_>,
    range: (usize, usize),
    input: &Activations,
    target: Target<'_>,
    scratch: &mut Scratch,
) {
    let matrix = match matrix {
        Operand::Float(matrix) => return float::rows(kernel.level(), matrix, range, input, target, scratch),
        Operand::Packed(matrix) => matrix,
    };
    // SAFETY: promised by the caller.
    unsafe {
        match kernel.set() {
            #[cfg(target_arch = "x86_64")]
            Set::AmxInt8 => amx_rows(matrix, range, input, target, scratch),
            #[cfg(all(test, target_arch = "x86_64"))]
            Set::AmxModel => amx_model_rows(matrix, range, input, target, scratch),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512Vnni => avx512_rows(matrix, range, input, target, scratch),
            #[cfg(target_arch = "x86_64")]
            Set::AvxVnni => avx_vnni_rows(matrix, range, input, target, scratch),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => avx2_rows(matrix, range, input, target, scratch),
            _ => portable_rows(matrix, range, input, target, scratch),
        }
    }
}

macro_rules! by_format {
    ($name:ident, $instructions:ty $(, $features:literal)?) => {
        $(#[target_feature(enable = $features)])?
        unsafe fn $name(
            matrix: &Packed<'_>,
            range: (usize, usize),
            input: &Activations,
            target: Target<'_>,
            scratch: &mut Scratch,
        ) {
            // SAFETY: promised by the caller.
            unsafe {
                match matrix.format() {
                    Format::Q4_0 => rows::<$instructions, format::Q4_0>(matrix, range, input, target, scratch),
                    Format::Q4_1 => rows::<$instructions, format::Q4_1>(matrix, range, input, target, scratch),
                    Format::Q5_0 => rows::<$instructions, format::Q5_0>(matrix, range, input, target, scratch),
                    Format::Q5_1 => rows::<$instructions, format::Q5_1>(matrix, range, input, target, scratch),
                    Format::Q8_0 => rows::<$instructions, format::Q8_0>(matrix, range, input, target, scratch),
                    Format::Q2K => rows::<$instructions, format::Q2K>(matrix, range, input, target, scratch),
                    Format::Q3K => rows::<$instructions, format::Q3K>(matrix, range, input, target, scratch),
                    Format::Q4K => rows::<$instructions, format::Q4K>(matrix, range, input, target, scratch),
                    Format::Q5K => rows::<$instructions, format::Q5K>(matrix, range, input, target, scratch),
                    Format::Q6K => rows::<$instructions, format::Q6K>(matrix, range, input, target, scratch),
                    Format::F32 | Format::F16 | Format::Bf16 => {}
                }
            }
        }
    };
}

by_format!(portable_rows, Portable);
#[cfg(target_arch = "x86_64")]
by_format!(amx_rows, Amx<amx::Hardware>, "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c");
#[cfg(all(test, target_arch = "x86_64"))]
by_format!(amx_model_rows, Amx<amx::Model>, "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c");
#[cfg(target_arch = "x86_64")]
by_format!(avx512_rows, Avx512, "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c");
#[cfg(target_arch = "x86_64")]
by_format!(avx_vnni_rows, avx2::AvxVnni, "avxvnni,avx2,fma,f16c");
#[cfg(target_arch = "x86_64")]
by_format!(avx2_rows, avx2::Avx2, "avx2,fma,f16c");

//! The arithmetic: quantised matrix products, attention and the small operations between them, for each instruction
//! set, and a plain twin of each. The only place with unsafe code, but for the line that maps a file. Knows no model and no file.

mod activations;
#[cfg(target_arch = "x86_64")]
mod amx;
pub mod attention;
#[cfg(target_arch = "x86_64")]
mod attention512;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod dense;
pub mod elementwise;
mod float;
pub mod format;
mod half;
mod kernel;
mod multiply;
pub mod packed;
pub mod pages;
pub mod pool;
mod portable;
mod product;
#[cfg(target_arch = "x86_64")]
mod quantise512;
mod rows;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod tile256;
mod versions;

pub use activations::Activations;
pub use format::{Format, Matrix};
pub use kernel::{Kernel, Level, Unavailable};
pub use pages::CacheType;
pub use pool::Pool;
pub use product::{Operand, Product, multiply};
pub use rows::each_row;

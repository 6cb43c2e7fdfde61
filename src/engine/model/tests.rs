//! The fast path against candle's own models and against itself, on random two-layer models.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Cursor;
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, gguf_file};
use candle_core::{Device, Tensor};

use super::*;
use crate::gguf::{Architecture, File};
use crate::kernels::Kernel;
use crate::tiny::Tiny;

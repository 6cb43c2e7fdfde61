//! The fast path against candle's own models and against itself, on random two-layer models.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Cursor;
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, gguf_file};
use candle_core::{Device, Tensor};
use candle_transformers::models::{
    quantized_gemma3, quantized_glm4, quantized_llama, quantized_phi3, quantized_qwen2, quantized_qwen3,
};

use super::transformer::{Gate, Transformer};
use super::*;
use crate::gguf::{Architecture, File, Hyperparameters, LONG_FACTORS, SHORT_FACTORS};
use crate::kernels::Kernel;
use crate::tiny::{Meta, Roles, Tiny};

const FAMILIES: [Architecture; 6] = [
    Architecture::Llama,
    Architecture::Qwen2,
    Architecture::Qwen3,
    Architecture::Gemma3,
    Architecture::Phi3,
    Architecture::Glm4,
];

fn model(tiny: &Tiny, kernel: Kernel) -> Box<dyn Model> {
    let options =
        LoadOptions { threads: 2, kernel: Some(kernel), context: 1024, cache_bytes: 8 << 20, ..LoadOptions::default() };
    load(Arc::new(File::from_bytes(tiny.bytes()).unwrap()), &options).unwrap()
}

fn tokens(count: usize) -> Vec<u32> {
    (0..count as u32).map(|i| i * 37 % 250).collect()
}

fn append(model: &mut dyn Model, sequence: Sequence, tokens: &[u32], want: Want) -> Output {
    let mut output = Output::default();
    model.forward(&[Chunk { sequence, tokens, want }], &mut output).unwrap();
    output
}

/// Candle's logits after the last token.
fn candle(tiny: &Tiny, tokens: &[u32]) -> Vec<f32> {
    let bytes = tiny.bytes();
    let mut reader = Cursor::new(&bytes);
    let content = gguf_file::Content::read(&mut reader).unwrap();
    let input = Tensor::new(tokens, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    let device = Device::Cpu;
    let logits = match tiny.architecture {
        Architecture::Llama => {
            quantized_llama::ModelWeights::from_gguf(content, &mut reader, &device).unwrap().forward(&input, 0)
        }
        Architecture::Qwen2 => {
            quantized_qwen2::ModelWeights::from_gguf(content, &mut reader, &device).unwrap().forward(&input, 0)
        }
        Architecture::Qwen3 => {
            quantized_qwen3::ModelWeights::from_gguf(content, &mut reader, &device).unwrap().forward(&input, 0)
        }
        Architecture::Phi3 => {
            quantized_phi3::ModelWeights::from_gguf(false, content, &mut reader, &device).unwrap().forward(&input, 0)
        }
        Architecture::Glm4 => {
            let model = quantized_glm4::ModelWeights::from_gguf(content, &mut reader, &device, candle_core::DType::F32);
            model.unwrap().forward(&input, 0)
        }
        Architecture::Qwen3Moe => unreachable!("candle has no experts here"),
        Architecture::Gemma3 => {
            quantized_gemma3::ModelWeights::from_gguf(content, &mut reader, &device).unwrap().forward(&input, 0)
        }
    };
    logits.unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Candle 0.11 runs gemma3 with SiLU, and with a window that is one token too wide; llama.cpp and the original use
/// GELU and the window as stated, and so do we. Everything else must agree.
fn as_candle_sees_it(tiny: &Tiny, kernel: Kernel) -> Box<dyn Model> {
    if tiny.architecture != Architecture::Gemma3 {
        return model(tiny, kernel);
    }
    let file = Arc::new(tiny.file());
    let mut hyper = Hyperparameters::read(&file).unwrap();
    hyper.sliding_window = hyper.sliding_window.map(|window| window + 1);
    let options = LoadOptions { threads: 2, kernel: Some(kernel), ..LoadOptions::default() };
    Box::new(Transformer::new(file, hyper, &options).unwrap().with_gate(Gate::Silu))
}

/// Root of the mean square of the difference, in units of the first one's.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let square = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v).powi(2)).sum::<f64>();
    (square(&mut a.iter().zip(b).map(|(a, b)| a - b)) / square(&mut a.iter().copied())).sqrt()
}

#[test]
fn logits_agree_with_candle_in_every_family() {
    for architecture in FAMILIES {
        // In single precision only the cache's rounding to half precision differs; quantised, both round activations
        // to int8, in blocks of their own, and weights that are noise carry that rounding through undamped.
        for (dtype, tolerance) in [(GgmlDType::F32, 5e-3), (GgmlDType::Q8_0, 1e-1), (GgmlDType::Q4K, 1e-1)] {
            let tiny = Tiny { embedding: dtype, ..Tiny::new(architecture, dtype) };
            let tokens = tokens(90);
            let want = candle(&tiny, &tokens);
            for kernel in Kernel::available() {
                let mut model = as_candle_sees_it(&tiny, kernel);
                let sequence = model.create().unwrap();
                let got = append(&mut *model, sequence, &tokens, Want::Last).logits;
                let distance = distance(&want, &got);
                assert!(distance < tolerance, "{architecture:?} {dtype:?} {kernel:?}: {distance}");
            }
        }
    }
}

/// Candle runs experts on CUDA only, so they are held against what must be the same.
#[test]
fn experts_that_are_alike_are_one_layer_and_their_order_does_not_matter() {
    for dtype in [GgmlDType::F32, GgmlDType::Q8_0, GgmlDType::Q4K] {
        let logits = |tiny: &Tiny| {
            let mut model = model(tiny, Kernel::best());
            let sequence = model.create().unwrap();
            append(&mut *model, sequence, &tokens(90), Want::Last).logits
        };
        let dense = logits(&Tiny::new(Architecture::Qwen3, dtype));
        let with = |roles: Roles| logits(&Tiny { roles, ..Tiny::new(Architecture::Qwen3Moe, dtype) });
        let alike = distance(&dense, &with(Roles::Alike));
        assert!(alike < 1e-4, "{dtype:?}: {alike} from one layer");
        let different = with(Roles::Different);
        assert!(distance(&dense, &different) > 0.1, "{dtype:?}: the experts do nothing");
        let reversed = distance(&different, &with(Roles::Reversed));
        assert!(reversed < 1e-4, "{dtype:?}: {reversed} from the same experts in another order");
    }
}

#[test]
fn what_is_wanted_does_not_change_it() {
    for architecture in FAMILIES {
        let mut model = model(&Tiny::new(architecture, GgmlDType::Q4_0), Kernel::best());
        let (a, b, c) = (tokens(70), [9; 5], [4, 8, 15]);
        let mut pass = |wants: [Want; 3]| {
            let sequences = [(); 3].map(|()| model.create().unwrap());
            let texts: [&[u32]; 3] = [&a, &b, &c];
            let chunks: Vec<_> =
                (0..3).map(|i| Chunk { sequence: sequences[i], tokens: texts[i], want: wants[i] }).collect();
            let mut output = Output::default();
            model.forward(&chunks, &mut output).unwrap();
            // What is in the cache counts too.
            let next = append(&mut *model, sequences[0], &[1], Want::Last).logits;
            sequences.into_iter().for_each(|sequence| model.free(sequence));
            (output.logits, next)
        };
        let (all, next) = pass([Want::All; 3]);
        let vocabulary = next.len();
        let row = |row: usize| &all[row * vocabulary..(row + 1) * vocabulary];
        let some = pass([Want::Last, Want::All, Want::Nothing]);
        let expected: Vec<f32> = std::iter::once(69).chain(70..75).flat_map(row).copied().collect();
        assert!(some.0 == expected && some.1 == next, "{architecture:?}: some rows");
        let none = pass([Want::Nothing; 3]);
        assert!(none.0.is_empty() && none.1 == next, "{architecture:?}: none");
    }
}

#[test]
fn every_kernel_gives_the_same_bits() {
    for architecture in FAMILIES.into_iter().chain([Architecture::Qwen3Moe]) {
        for dtype in [GgmlDType::F16, GgmlDType::Q4_0, GgmlDType::Q5_1, GgmlDType::Q2K, GgmlDType::Q6K] {
            let tiny = Tiny::new(architecture, dtype);
            let mut results = Kernel::available().into_iter().map(|kernel| {
                let mut model = model(&tiny, kernel);
                let sequence = model.create().unwrap();
                let mut logits = append(&mut *model, sequence, &tokens(80), Want::Last).logits;
                logits.extend(append(&mut *model, sequence, &[7], Want::Last).logits);
                (kernel, logits)
            });
            let (_, first) = results.next().unwrap();
            for (kernel, logits) in results {
                assert!(logits == first, "{architecture:?} {dtype:?} {kernel:?}: {}", distance(&first, &logits));
            }
        }
    }
}

#[test]
fn a_prompt_in_pieces_is_the_prompt_at_once() {
    for architecture in FAMILIES.into_iter().chain([Architecture::Qwen3Moe]) {
        let tiny = Tiny::new(architecture, GgmlDType::Q4_1);
        let tokens = tokens(700);
        let mut model = model(&tiny, Kernel::best());
        let whole = model.create().unwrap();
        let all = append(&mut *model, whole, &tokens, Want::All).logits;
        let pieces = model.create().unwrap();
        let mut rows = Vec::new();
        let mut rest = &tokens[..];
        for size in [1, 63, 1, 2, 5, 64, 128, 3].into_iter().cycle() {
            let (piece, tail) = rest.split_at(size.min(rest.len()));
            rows.extend(append(&mut *model, pieces, piece, Want::All).logits);
            rest = tail;
            if rest.is_empty() {
                break;
            }
        }
        assert!(all == rows, "{architecture:?}: pieces differ from the whole by {}", distance(&all, &rows));
    }
}

#[test]
fn a_batch_is_its_single_runs_and_forks_are_separate() {
    for kernel in Kernel::available() {
        let tiny = Tiny::new(Architecture::Qwen2, GgmlDType::Q5_0);
        let mut model = model(&tiny, kernel);
        let (prefix, width) = (tokens(100), model.vocabulary());
        let first = model.create().unwrap();
        append(&mut *model, first, &prefix, Want::Nothing);
        let forks: Vec<_> = (0..6).map(|_| model.fork(first).unwrap()).collect();
        let tails: Vec<Vec<u32>> = (0..6).map(|i| (0..i + 1).map(|j| 10 * i + j).collect()).collect();
        let chunks: Vec<_> = forks
            .iter()
            .zip(&tails)
            .map(|(sequence, tokens)| Chunk { sequence: *sequence, tokens, want: Want::LastHidden })
            .collect();
        let mut together = Output::default();
        model.forward(&chunks, &mut together).unwrap();
        for (index, tail) in tails.iter().enumerate() {
            let alone = model.create().unwrap();
            let single = append(&mut *model, alone, &[&prefix[..], tail].concat(), Want::LastHidden);
            assert!(single.logits == together.logits[index * width..(index + 1) * width], "{kernel:?} fork {index}");
            let hidden = model.hidden_size();
            assert!(single.hidden == together.hidden[index * hidden..(index + 1) * hidden]);
            model.free(alone);
        }
    }
}

#[test]
fn forks_that_share_pages_read_them_together_and_get_the_same_bits() {
    for (kernel, depth) in
        Kernel::available().into_iter().flat_map(|kernel| [(kernel, 100), (kernel, 128), (kernel, 301)])
    {
        let mut model = model(&Tiny::new(Architecture::Llama, GgmlDType::Q8_0), kernel);
        let (prefix, width) = (tokens(depth), model.vocabulary());
        let first = model.create().unwrap();
        append(&mut *model, first, &prefix, Want::Nothing);
        let stranger = model.create().unwrap();
        append(&mut *model, stranger, &[5; 90], Want::Nothing);
        // Forks of unequal lengths, and one sequence between them that shares nothing.
        let mut sequences: Vec<_> = (0..9).map(|_| model.fork(first).unwrap()).collect();
        append(&mut *model, sequences[4], &[7; 70], Want::Nothing);
        sequences.insert(3, stranger);
        let tails: Vec<[u32; 1]> = (0..10).map(|i| [10 + i]).collect();
        let chunk = |(sequence, tail): (&Sequence, &'_ [u32; 1])| (*sequence, *tail);
        let pairs: Vec<_> = sequences.iter().zip(&tails).map(chunk).collect();
        let chunks: Vec<_> = pairs
            .iter()
            .map(|(sequence, tail)| Chunk { sequence: *sequence, tokens: tail, want: Want::Last })
            .collect();
        let mut together = Output::default();
        model.forward(&chunks, &mut together).unwrap();
        for (index, tail) in tails.iter().enumerate() {
            let text = match index {
                3 => [&[5; 90][..], tail].concat(),
                5 => [&prefix[..], &[7; 70], tail].concat(),
                _ => [&prefix[..], tail].concat(),
            };
            let alone = model.create().unwrap();
            let single = append(&mut *model, alone, &text, Want::Last);
            let range = index * width..(index + 1) * width;
            assert!(single.logits == together.logits[range], "{kernel:?}, {depth} tokens, fork {index}");
            model.free(alone);
        }
    }
}

#[test]
fn truncated_and_typed_again_is_typed_at_once() {
    let mut model = model(&Tiny::new(Architecture::Gemma3, GgmlDType::Q8_0), Kernel::best());
    let (draft, text) = (tokens(150), tokens(140));
    let edited = model.create().unwrap();
    append(&mut *model, edited, &draft, Want::Nothing);
    append(&mut *model, edited, &[3; 20], Want::Nothing);
    model.truncate(edited, 70);
    assert_eq!(model.length(edited), 70);
    let again = append(&mut *model, edited, &text[70..], Want::Last).logits;
    let fresh = model.create().unwrap();
    assert!(append(&mut *model, fresh, &text, Want::Last).logits == again);
}

#[test]
fn longrope_takes_its_long_list_beyond_the_original_context() {
    let (short, long): (Vec<f32>, Vec<f32>) = (0..32).map(|i| (1.0 + 0.01 * i as f32, 1.0 + i as f32)).unzip();
    let phi = Tiny::new(Architecture::Phi3, GgmlDType::F32);
    let stretched = Tiny {
        metadata: vec![
            ("rope.scaling.original_context_length", Meta::Whole(256)),
            ("rope.scaling.attn_factor", Meta::Float(1.0)),
        ],
        vectors: vec![(LONG_FACTORS, long.clone()), (SHORT_FACTORS, short.clone())],
        ..phi.clone()
    };
    let logits = |tiny: &Tiny, context: usize| {
        let options = LoadOptions { threads: 1, context, cache_bytes: 8 << 20, ..LoadOptions::default() };
        let mut model = load(Arc::new(tiny.file()), &options).unwrap();
        let sequence = model.create().unwrap();
        append(&mut *model, sequence, &tokens(90), Want::Last).logits
    };
    for (context, factors) in [(256, short), (257, long)] {
        let plain = Tiny { vectors: vec![("rope_freqs.weight", factors)], ..phi.clone() };
        assert!(logits(&stretched, context) == logits(&plain, context), "a context of {context}");
    }
    assert!(logits(&stretched, 256) != logits(&stretched, 257));
    let missing = Tiny { vectors: vec![(LONG_FACTORS, vec![1.0; 31])], ..stretched };
    assert!(load(Arc::new(missing.file()), &LoadOptions::default()).is_err());
}

#[test]
fn wrong_input_is_refused_and_changes_nothing() {
    let mut model = model(&Tiny::new(Architecture::Llama, GgmlDType::Q8_0), Kernel::best());
    let sequence = model.create().unwrap();
    append(&mut *model, sequence, &[1, 2, 3], Want::Nothing);
    let before = (model.length(sequence), model.cache_bytes());
    let mut output = Output::default();
    let vocabulary = model.vocabulary() as u32;
    let mut refused = |chunks: &[Chunk<'_>]| model.forward(chunks, &mut output).unwrap_err();
    fn chunk(sequence: Sequence, tokens: &[u32]) -> Chunk<'_> {
        Chunk { sequence, tokens, want: Want::Last }
    }
    assert!(matches!(refused(&[chunk(sequence, &[])]), ModelError::BadInput(_)));
    assert!(matches!(refused(&[chunk(sequence, &[vocabulary])]), ModelError::BadInput(_)));
    assert!(matches!(refused(&[chunk(sequence, &[1]), chunk(sequence, &[2])]), ModelError::BadInput(_)));
    assert!(matches!(refused(&[Chunk { sequence: Sequence(99), ..chunk(sequence, &[1]) }]), ModelError::BadInput(_)));
    assert_eq!(refused(&[chunk(sequence, &[0; 1022])]), ModelError::ContextOverflow { tokens: 1025, context: 1024 });
    assert_eq!((model.length(sequence), model.cache_bytes()), before);
}

#[test]
fn a_full_cache_is_an_error_and_freeing_helps() {
    let tiny = Tiny::new(Architecture::Qwen2, GgmlDType::Q8_0);
    let page = 2 * 2 * 64 * 128 * 2;
    let options = LoadOptions { threads: 1, cache_bytes: 2 * page, ..LoadOptions::default() };
    let mut model = load(Arc::new(tiny.file()), &options).unwrap();
    let (a, b) = (model.create().unwrap(), model.create().unwrap());
    append(&mut *model, a, &[1; 64], Want::Nothing);
    append(&mut *model, b, &[1; 64], Want::Nothing);
    let chunk = Chunk { sequence: b, tokens: &[1], want: Want::Last };
    assert_eq!(model.forward(&[chunk], &mut Output::default()), Err(ModelError::CacheFull));
    assert_eq!(model.length(b), 64);
    model.free(a);
    model.forward(&[chunk], &mut Output::default()).unwrap();
    let nothing = LoadOptions { cache_bytes: 0, ..options };
    let mut model = load(Arc::new(tiny.file()), &nothing).unwrap();
    let sequence = model.create().unwrap();
    let chunk = Chunk { sequence, ..chunk };
    assert_eq!(model.forward(&[chunk], &mut Output::default()), Err(ModelError::CacheFull));
}

//! T10: whatever a file says, the answer is a typed error or a model that is safe to load, soon and without memory.

use std::time::Instant;

use candle_core::quantized::GgmlDType;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::model::{self, Chunk, Output, Want};
use crate::text::Text;
use crate::tiny::Tiny;

/// A header written field by field, so that each can lie.
#[derive(Clone)]
struct Raw {
    magic: [u8; 4],
    version: u32,
    tensor_count: Option<u64>,
    entry_count: Option<u64>,
    entries: Vec<(Vec<u8>, u32, Vec<u8>)>,
    tensors: Vec<(Vec<u8>, Vec<u64>, u32, u64)>,
    alignment: usize,
    data: usize,
}

impl Raw {
    /// A valid file: three entries and two tensors of f32, with numbers from the seed.
    fn new(random: &mut ChaCha8Rng) -> Self {
        let text = format!("model {}", random.random::<u32>());
        let rows = random.random_range(1..9u64);
        let first = rows * 8 * 4;
        Self {
            magic: *b"GGUF",
            version: 3,
            tensor_count: None,
            entry_count: None,
            entries: vec![
                (b"general.name".to_vec(), 8, string(text.as_bytes())),
                (b"answer".to_vec(), 4, random.random::<u32>().to_le_bytes().to_vec()),
                (b"list".to_vec(), 9, list(5, 3, &[0; 12])),
            ],
            tensors: vec![(b"a".to_vec(), vec![8, rows], 0, 0), (b"b".to_vec(), vec![8], 0, first)],
            alignment: 32,
            data: first as usize + 32,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.magic.to_vec();
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(self.tensor_count.unwrap_or(self.tensors.len() as u64).to_le_bytes());
        bytes.extend(self.entry_count.unwrap_or(self.entries.len() as u64).to_le_bytes());
        for (key, kind, value) in &self.entries {
            bytes.extend(string(key));
            bytes.extend(kind.to_le_bytes());
            bytes.extend(value);
        }
        for (name, shape, kind, offset) in &self.tensors {
            bytes.extend(string(name));
            bytes.extend((shape.len() as u32).to_le_bytes());
            bytes.extend(shape.iter().flat_map(|extent| extent.to_le_bytes()));
            bytes.extend(kind.to_le_bytes());
            bytes.extend(offset.to_le_bytes());
        }
        bytes.resize(bytes.len().next_multiple_of(self.alignment) + self.data, 0);
        bytes
    }
}

fn string(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text].concat()
}

fn list(kind: u32, count: u64, elements: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &count.to_le_bytes(), elements].concat()
}

type Lie = fn(&mut Raw);

/// The kinds of llama.cpp's `test-gguf.cpp` and those that candle's reader lets through.
const LIES: [(&str, Lie); 40] = [
    ("magic", |raw| raw.magic = *b"GGML"),
    ("magic", |raw| raw.magic = *b"FUGG"),
    ("version", |raw| raw.version = 1),
    ("version", |raw| raw.version = 4),
    ("version", |raw| raw.version = 3u32.swap_bytes()),
    ("tensor count", |raw| raw.tensor_count = Some(u64::MAX)),
    ("tensor count", |raw| raw.tensor_count = Some(1 << 40)),
    ("metadata count", |raw| raw.entry_count = Some(u64::MAX)),
    ("metadata count", |raw| raw.entry_count = Some(4097)),
    ("metadata key", |raw| raw.entries[0].0 = vec![b'k'; 257]),
    ("metadata key", |raw| raw.entries[0].0 = Vec::new()),
    ("metadata key", |raw| raw.entries[0].0 = vec![0xff, 0xfe]),
    ("metadata type", |raw| raw.entries[1].1 = 13),
    ("metadata type", |raw| raw.entries[1].1 = u32::MAX),
    ("metadata bool", |raw| (raw.entries[1].1, raw.entries[1].2) = (7, vec![2])),
    ("metadata string", |raw| raw.entries[0].2 = u64::MAX.to_le_bytes().to_vec()),
    ("metadata string", |raw| raw.entries[0].2 = (5u64 << 20).to_le_bytes().to_vec()),
    ("metadata array", |raw| raw.entries[2].2 = list(5, u64::MAX, &[])),
    ("metadata array", |raw| raw.entries[2].2 = list(0, (4 << 20) + 1, &[])),
    ("metadata array", |raw| raw.entries[2].2 = list(9, 1, &list(9, 1, &[]))),
    ("metadata array", |raw| raw.entries[2].2 = list(77, 1, &[0; 4])),
    ("duplicate key", |raw| raw.entries[1].0 = b"general.name".to_vec()),
    ("alignment", |raw| raw.entries.push((b"general.alignment".to_vec(), 4, 0u32.to_le_bytes().to_vec()))),
    ("alignment", |raw| raw.entries.push((b"general.alignment".to_vec(), 4, 48u32.to_le_bytes().to_vec()))),
    ("alignment", |raw| raw.entries.push((b"general.alignment".to_vec(), 4, 4u32.to_le_bytes().to_vec()))),
    ("alignment", |raw| raw.entries.push((b"general.alignment".to_vec(), 4, (1u32 << 31).to_le_bytes().to_vec()))),
    ("alignment", |raw| raw.entries.push((b"general.alignment".to_vec(), 8, string(b"32")))),
    ("tensor name", |raw| raw.tensors[0].0 = vec![b'n'; 129]),
    ("tensor name", |raw| raw.tensors[0].0 = Vec::new()),
    ("tensor dimensions", |raw| raw.tensors[0].1 = vec![1; 5]),
    ("tensor dimensions", |raw| raw.tensors[0].1 = Vec::new()),
    ("tensor shape", |raw| raw.tensors[0].1 = vec![8, 0]),
    ("tensor shape", |raw| raw.tensors[0].1 = vec![8, u64::MAX]),
    ("tensor size", |raw| raw.tensors[0].1 = vec![1 << 32, 1 << 32]),
    ("tensor size", |raw| raw.tensors[0].1 = vec![1 << 20, 1 << 20, 1 << 22, 1]),
    ("tensor type", |raw| raw.tensors[0].2 = 4),
    ("tensor row", |raw| raw.tensors[0].2 = 2),
    ("tensor alignment", |raw| raw.tensors[1].3 += 4),
    ("tensor bounds", |raw| raw.tensors[1].3 = u64::MAX - 31),
    ("tensor bounds", |raw| raw.data -= 1),
];

fn check_of(result: Result<File, Error>) -> &'static str {
    match result {
        Err(Error::Corrupt { check, .. }) => check,
        Err(error) => panic!("{error}"),
        Ok(_) => "accepted",
    }
}

#[test]
fn every_kind_of_lie_is_named() {
    for seed in 0..3 {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        for (index, (check, lie)) in LIES.iter().enumerate() {
            let mut raw = Raw::new(random);
            lie(&mut raw);
            let started = Instant::now();
            assert_eq!(check_of(File::from_bytes(raw.bytes())), *check, "lie {index}, seed {seed}");
            assert!(started.elapsed().as_millis() < 500, "lie {index} took {:?}", started.elapsed());
        }
        let overlap = |raw: &mut Raw| raw.tensors[1].3 = 0;
        let duplicate = |raw: &mut Raw| raw.tensors[1].0 = b"a".to_vec();
        for (check, lie) in [("tensor overlap", &overlap as &dyn Fn(&mut Raw)), ("duplicate tensor", &duplicate)] {
            let mut raw = Raw::new(random);
            lie(&mut raw);
            assert_eq!(check_of(File::from_bytes(raw.bytes())), check);
        }
    }
    crate::tier::tried("T10", "kinds of lies in a header, three seeds each", (LIES.len() + 2) * 3);
}

#[test]
fn honest_files_are_accepted() {
    for seed in 0..20 {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        let mut raw = Raw::new(random);
        raw.version = 2 + (seed as u32 % 2);
        let file = File::from_bytes(raw.bytes()).expect("valid");
        assert!(file.string("general.name").is_some_and(|name| name.starts_with("model ")));
        assert_eq!(file.integers("list").expect("a list"), [0, 0, 0]);
        assert_eq!(file.tensors()["a"].shape[1], 8);
        assert_eq!(file.bytes(&file.tensors()["b"]).len(), 32);
        raw.alignment = 64;
        raw.entries.push((b"general.alignment".to_vec(), 4, 64u32.to_le_bytes().to_vec()));
        raw.tensors[1].3 = raw.tensors[1].3.next_multiple_of(64);
        raw.data += 64;
        File::from_bytes(raw.bytes()).expect("valid with its own alignment");
    }
    crate::tier::tried("T10", "honest files", 40);
}

/// The smallest model with everything a model has.
fn small() -> Tiny {
    Tiny {
        blocks: 1,
        width: 32,
        feed_forward: 32,
        heads: 2,
        kv_heads: 1,
        head_width: 16,
        ..Tiny::new(Architecture::Qwen2, GgmlDType::Q8_0)
    }
}

#[test]
fn every_truncation_is_an_error() {
    let whole = small().bytes();
    let started = Instant::now();
    let stride = crate::tier::GGUF_STRIDE.n();
    for length in (0..whole.len() - parse::DEFAULT_ALIGNMENT as usize).step_by(stride) {
        assert!(File::from_bytes(whole[..length].to_vec()).is_err(), "{length} of {} bytes", whole.len());
    }
    assert!(started.elapsed().as_secs() < 120, "{} truncations took {:?}", whole.len(), started.elapsed());
    crate::tier::tried("T10", "truncations of a whole model", whole.len() / stride);
}

/// Everything that loading reads from the file; the last step computes.
fn load(bytes: Vec<u8>, compute: bool) -> bool {
    let Ok(file) = File::from_bytes(bytes) else { return false };
    if Hyperparameters::read(&file).is_err() || Text::read(&file).is_err() {
        return false;
    }
    if compute {
        let options =
            model::LoadOptions { threads: 1, context: 64, cache_bytes: 1 << 20, ..model::LoadOptions::default() };
        if let Ok(mut model) = model::load(std::sync::Arc::new(file), &options) {
            let sequence = model.create().expect("room");
            let chunk = Chunk { sequence, tokens: &[1, 2, 3], want: Want::Last };
            // Damaged weights may give nonsense, never more than an error.
            let _ = model.forward(&[chunk], &mut Output::default());
        }
    }
    true
}

#[test]
fn flipped_bytes_end_in_an_error_or_a_model_that_runs() {
    let whole = small().bytes();
    let random = &mut ChaCha8Rng::seed_from_u64(20);
    let header = whole.len() - small().file().tensors().values().map(|tensor| tensor.bytes).sum::<usize>();
    let mut accepted = 0;
    let rounds = crate::tier::GGUF_FLIPS.n();
    for round in 0..rounds {
        let mut bytes = whole.clone();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..if round % 4 == 0 { bytes.len() } else { header });
            bytes[at] = random.random();
        }
        accepted += usize::from(load(bytes, round % 20 == 0));
    }
    assert!((rounds / 60..rounds - rounds / 60).contains(&accepted), "{accepted} of {rounds} accepted");
    crate::tier::tried("T10", "changed bytes, loaded and run where accepted", rounds);
}

#[test]
fn hyper_parameters_out_of_bounds_are_refused() {
    let tiny = Tiny::default();
    let change = |key: &str, value: u32| {
        let mut bytes = tiny.bytes();
        let needle = [&(key.len() as u64).to_le_bytes()[..], key.as_bytes(), &4u32.to_le_bytes()].concat();
        let at = bytes.windows(needle.len()).position(|window| window == needle).expect("the key") + needle.len();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        Hyperparameters::read(&File::from_bytes(bytes).expect("the header is valid"))
    };
    for key in [
        "block_count",
        "context_length",
        "embedding_length",
        "feed_forward_length",
        "attention.head_count",
        "attention.head_count_kv",
        "attention.key_length",
        "attention.value_length",
        "rope.dimension_count",
    ] {
        for value in [0, 3, u32::MAX] {
            let key = format!("qwen2.{key}");
            let harmless = value == 3 && key.ends_with("context_length");
            assert_eq!(change(&key, value).is_ok(), harmless, "{key} = {value}");
        }
    }
    assert!(change("qwen2.block_count", 257).is_err());
    crate::tier::tried("T10", "hyper-parameters out of bounds", 28);
}

#[test]
fn other_families_are_named() {
    let mut bytes = Tiny::default().bytes();
    let at = bytes.windows(5).position(|window| window == b"qwen2").expect("the family");
    bytes[at..at + 5].copy_from_slice(b"mamba");
    let file = File::from_bytes(bytes).expect("a valid header");
    let error = Hyperparameters::read(&file).expect_err("not supported");
    insta::assert_snapshot!(error, @r#"model architecture "mamba" is not supported (supported: llama, qwen2, qwen3, qwen3moe, gemma3, phi3, glm4; take a model of one of these)"#);
}

//! The installed Whisper against candle's own implementation of it, and on sounds in which nobody speaks. Needs
//! whisper-tiny.en in the models folder: tests/install-models.sh puts it there.

#[path = "../../../tests/trust/tier.rs"]
mod tier;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use candle_core::{DType, Device, Tensor};
use candle_transformers::models::whisper::{Config, model::Whisper};
use offrecord_speech::{Checkpoint, ListenOptions, Listener, RATE, Settings, wav};

fn model() -> PathBuf {
    let folder = std::env::var_os("OFFRECORD_MODELS_DIR").map(PathBuf::from).unwrap_or_else(|| {
        let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
        let data = data.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
        data.expect("a home folder").join("offrecord/models")
    });
    let file = folder.join("whisper-tiny.en.bin");
    assert!(file.exists(), "{} is missing: run tests/install-models.sh", file.display());
    file
}

fn listener() -> Listener {
    Listener::load(&model(), &Settings { threads: 2, kernel: None }).expect("a model")
}

fn hear(listener: &mut Listener, samples: &[f32]) -> offrecord_speech::Heard {
    listener.listen(samples, &ListenOptions::default(), &|| false).expect("not stopped")
}

/// What espeak-ng makes of a text, at 16 kHz.
fn spoken(text: &str) -> Vec<f32> {
    let made = Command::new("espeak-ng")
        .args(["--stdout", "-v", "en-us", "-s", "150", text])
        .stdin(Stdio::null())
        .output()
        .expect("espeak-ng is installed (on Debian: apt install espeak-ng)");
    wav::read(&made.stdout, 60).expect("a WAV file").samples
}

fn noise(count: usize, level: f32) -> Vec<f32> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| (next() + next() + next()) * level).collect()
}

#[test]
fn the_encoder_and_the_first_token_agree_with_candles_own_whisper() {
    let checkpoint = Checkpoint::open(&model()).expect("a checkpoint");
    let config = Config {
        num_mel_bins: 80,
        max_source_positions: 1500,
        d_model: 384,
        encoder_attention_heads: 6,
        encoder_layers: 4,
        vocab_size: 51_864,
        max_target_positions: 448,
        decoder_attention_heads: 6,
        decoder_layers: 4,
        suppress_tokens: Vec::new(),
    };
    let mut listener = Listener::of(&checkpoint, &Settings { threads: 2, kernel: None }).expect("a model");
    let variables = candle_nn::VarBuilder::from_tensors(checkpoint.into_tensors(), DType::F32, &Device::Cpu);
    let mut reference = Whisper::load(&variables, config).expect("candle's model");
    let samples = spoken("We shard the orders by customer, and then we measure the latency.");
    let frames = listener.frames(&samples, 600);
    let turned: Vec<f32> = (0..80 * 600).map(|i| frames[i % 600 * 80 + i / 600]).collect();
    let turned = Tensor::from_vec(turned, (1, 80, 600), &Device::Cpu).expect("frames");
    let expected = reference.encoder.forward(&turned, true).expect("encoded");
    let expected: Vec<f32> = expected.flatten_all().and_then(|tensor| tensor.to_vec1()).expect("values");
    let ours = listener.encode(&frames);
    assert_eq!(ours.len(), expected.len());
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let likeness = dot(&ours, &expected) / (dot(&ours, &ours) * dot(&expected, &expected)).sqrt();
    assert!(likeness > 0.995, "cosine {likeness}");

    let heard = hear(&mut listener, &samples).text.to_lowercase();
    for word in ["shard", "orders", "customer", "latency"] {
        assert!(heard.contains(word), "{heard}");
    }
}

#[test]
fn where_nobody_speaks_nothing_is_written() {
    let mut listener = listener();
    let seconds = |n: usize| n * RATE;
    let tone = |hertz: f32| -> Vec<f32> {
        (0..seconds(5)).map(|i| (std::f32::consts::TAU * hertz * i as f32 / RATE as f32).sin() * 0.4).collect()
    };
    let fan = |swing: f32| -> Vec<f32> {
        let turn = |i: usize| 1.0 + swing * (std::f32::consts::TAU * 1.3 * i as f32 / RATE as f32).sin();
        let mut low = 0.0;
        let noise = noise(seconds(8), 0.2);
        noise
            .iter()
            .enumerate()
            .map(|(i, x)| {
                low += 0.08 * (x - low);
                low * turn(i) * 2.0
            })
            .collect()
    };
    let clicks: Vec<f32> = (0..seconds(5)).map(|i| if i % 4_000 < 24 { 0.8 } else { 0.0 }).collect();
    let beeps: Vec<f32> =
        tone(1_000.0).iter().enumerate().map(|(i, x)| if i / 4_000 % 2 == 0 { *x } else { 0.0 }).collect();
    let hum: Vec<f32> = tone(50.0).iter().zip(tone(150.0)).map(|(a, b)| a + 0.3 * b).collect();
    let sounds = [
        ("silence", vec![0.0; seconds(30)]),
        ("dither", noise(seconds(10), 2e-5)),
        ("white noise", noise(seconds(10), 0.05)),
        ("loud noise", noise(seconds(10), 0.3)),
        ("fan", fan(0.0)),
        ("swinging fan", fan(0.3)),
        ("tone", tone(440.0)),
        ("beeps", beeps),
        ("hum", hum),
        ("clicks", clicks),
    ];
    let tried = sounds.len();
    for (name, sound) in sounds {
        let heard = hear(&mut listener, &sound);
        assert_eq!(heard.text, "", "{name}: voice at {:?}", heard.voice);
    }
    tier::tried("T21", "sounds without a voice, heard by the real model: nothing is written", tried);
}

#[test]
fn silence_between_two_sentences_is_left_out_and_times_are_told() {
    let mut listener = listener();
    let mut sound = spoken("I would measure the latency first.");
    let first = sound.len() / 16;
    sound.extend(vec![0.0; RATE * 3]);
    sound.extend(spoken("Then I would add a cache."));
    let heard = hear(&mut listener, &sound);
    assert_eq!(heard.voice.len(), 2, "{heard:?}");
    assert!(heard.voice[0].1 < first as u64 + 400 && heard.voice[1].0 > first as u64 + 2_000, "{heard:?}");
    let text = heard.text.to_lowercase();
    assert!(text.contains("latency") && text.contains("cache"), "{text}");
    assert!(heard.segments.windows(2).all(|pair| pair[0].end_ms <= pair[1].start_ms), "{heard:?}");
}

#[test]
fn a_listener_that_nobody_waits_for_stops_at_the_next_token() {
    let mut listener = listener();
    let sound = spoken("This will not be written to its end, because nobody waits for it.");
    let asked = std::cell::Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 8
    };
    let stopped = listener.listen(&sound, &ListenOptions::default(), &stop);
    assert!(stopped.is_err());
    assert_eq!(asked.get(), 9);
}

//! Noises that begin while somebody listens, with the sound as the microphone gives it (no suppression): no words, whatever
//! the model. And speech in the same noises is still heard. Needs whisper-tiny.en in the models folder:
//! tests/install-models.sh puts it there.

mod noises;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use noises::{after_silence, kinds};
use offrecord_speech::{ListenOptions, Listener, Settings, wav};

fn models() -> PathBuf {
    std::env::var_os("OFFRECORD_MODELS_DIR").map(PathBuf::from).unwrap_or_else(|| {
        let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
        let data = data.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
        data.expect("a home folder").join("offrecord/models")
    })
}

/// The installed ones: tiny always, base where somebody has it.
fn listeners() -> Vec<(&'static str, Listener)> {
    let load = |name: &'static str| {
        let file = models().join(format!("{name}.bin"));
        let there = file.exists();
        assert!(there || name != "whisper-tiny.en", "{} is missing: run tests/install-models.sh", file.display());
        there.then(|| (name, Listener::load(&file, &Settings { threads: 2, kernel: None }).expect("a model")))
    };
    ["whisper-tiny.en", "whisper-base"].into_iter().filter_map(load).collect()
}

const SENTENCE: &str = "We measure the latency of every request before we add a cache.";

/// [`SENTENCE`] by espeak-ng, with a noise so many decibels below it.
fn spoken_in(noise: &[f32], decibels: f32) -> Vec<f32> {
    let made = Command::new("espeak-ng")
        .args([
            "--stdout",
            "-v",
            "en-us",
            "-s",
            "150",
            "We measure the latency of every request before we add a cache.",
        ])
        .stdin(Stdio::null())
        .output()
        .expect("espeak-ng is installed (on Debian: apt install espeak-ng)");
    let samples = wav::read(&made.stdout, 60).expect("a WAV file").samples;
    let level = |values: &[f32]| (values.iter().map(|x| x * x).sum::<f32>() / values.len() as f32).sqrt();
    let scale = level(&samples) / level(noise) * 10_f32.powf(-decibels / 20.0);
    samples.iter().zip(noise.iter().cycle()).map(|(sample, noise)| sample + noise * scale).collect()
}

#[test]
fn a_noise_that_begins_while_somebody_listens_becomes_no_words() {
    for (name, mut listener) in listeners() {
        let mut wrong = Vec::new();
        for (kind, make) in kinds() {
            for decibels in [-50.0, -30.0, -12.0] {
                for (quiet, seconds) in [(0.0, 4.0), (0.3, 4.0), (0.3, 1.2), (2.0, 6.0)] {
                    let sound = after_silence(quiet, &make(seconds), decibels);
                    let heard = listener.listen(&sound, &ListenOptions::default(), &|| false).expect("not stopped");
                    if !heard.text.is_empty() {
                        let sound = format!("{kind}, {decibels} dB, after {quiet} s for {seconds} s");
                        wrong.push(format!("{sound}: {:?} at {:?}", heard.text, heard.voice));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    }
}

#[test]
fn speech_in_the_same_noises_is_heard() {
    for (name, mut listener) in listeners() {
        for (kind, make) in kinds() {
            let sound = spoken_in(&make(8.0), 20.0);
            let heard = listener.listen(&sound, &ListenOptions::default(), &|| false).expect("not stopped");
            let text = heard.text.to_lowercase();
            let found =
                SENTENCE.to_lowercase().split_whitespace().filter(|word| text.contains(word.trim_matches('.'))).count();
            assert!(found >= 7, "{name}, {kind}: {found} of 12 words in {text:?} at {:?}", heard.voice);
        }
    }
}

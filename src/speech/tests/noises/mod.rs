//! Noises of a room, always the same, made here.

use std::f32::consts::TAU;

const RATE: f32 = 16_000.0;

/// Numbers between -1 and 1.
fn dice(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }
}

fn count(seconds: f32) -> usize {
    (seconds * RATE) as usize
}

fn white(seconds: f32) -> Vec<f32> {
    let mut next = dice(0x2545_f491_4f6c_dd1d);
    (0..count(seconds)).map(|_| next() + next() + next()).collect()
}

/// Three decibels less with every octave (Paul Kellet's filter).
fn pink(seconds: f32) -> Vec<f32> {
    let (mut a, mut b, mut c) = (0.0, 0.0, 0.0);
    let filtered = |white: f32| {
        a = 0.99765 * a + white * 0.0990460;
        b = 0.96300 * b + white * 0.2965164;
        c = 0.57000 * c + white * 1.0526913;
        a + b + c + white * 0.1848
    };
    white(seconds).into_iter().map(filtered).collect()
}

/// Six decibels less with every octave, as of wind or traffic.
fn brown(seconds: f32) -> Vec<f32> {
    let mut low = 0.0;
    white(seconds)
        .into_iter()
        .map(|white| {
            low += 0.01 * (white - low);
            low
        })
        .collect()
}

/// A fan whose blades are heard: low noise that swings.
fn fan(seconds: f32) -> Vec<f32> {
    let swing = |i: usize| 1.0 + 0.4 * (TAU * 3.1 * i as f32 / RATE).sin();
    pink(seconds).into_iter().enumerate().map(|(i, x)| x * swing(i)).collect()
}

/// The mains, with its harmonics.
fn hum(seconds: f32) -> Vec<f32> {
    let tone = |i: usize, hertz: f32| (TAU * hertz * i as f32 / RATE).sin();
    (0..count(seconds)).map(|i| (1..12).map(|n| tone(i, 50.0 * n as f32) / n as f32).sum()).collect()
}

/// Keys that are typed: each a short burst of noise, a resonance, and a weaker one as it comes up again.
fn keyboard(seconds: f32) -> Vec<f32> {
    let mut next = dice(77);
    let mut out = vec![0.0; count(seconds)];
    let mut at = 0.05;
    while at < seconds {
        for (delay, loud) in [(0.0, 1.0), (0.08, 0.4)] {
            let (start, hertz) = (count(at + delay), 900.0 + 500.0 * next());
            for i in 0..count(0.03) {
                let fading = loud * (-(i as f32) / count(0.006) as f32).exp();
                if let Some(value) = out.get_mut(start + i) {
                    *value += fading * (next() + (TAU * hertz * i as f32 / RATE).sin());
                }
            }
        }
        at += 0.16 + 0.08 * next();
    }
    out
}

/// Knocks on a table, some in a second.
fn knocks(seconds: f32) -> Vec<f32> {
    let mut next = dice(5);
    let mut out = vec![0.0; count(seconds)];
    let mut at = 0.1;
    while at < seconds {
        let (start, hertz) = (count(at), 160.0 + 40.0 * next());
        for i in 0..count(0.15) {
            let fading = (-(i as f32) / count(0.03) as f32).exp();
            if let Some(value) = out.get_mut(start + i) {
                *value += fading * ((TAU * hertz * i as f32 / RATE).sin() + 0.3 * next());
            }
        }
        at += 0.4 + 0.15 * next();
    }
    out
}

/// Somebody breathes out into the microphone: noise that swells and fades.
fn breath(seconds: f32) -> Vec<f32> {
    pink(seconds)
        .into_iter()
        .enumerate()
        .map(|(i, x)| x * (TAU * 0.35 * i as f32 / RATE).sin().max(0.0).powi(2))
        .collect()
}

/// A noise by its length in seconds.
pub type Noise = fn(f32) -> Vec<f32>;

/// Every kind with its name.
pub fn kinds() -> [(&'static str, Noise); 8] {
    [
        ("white", white),
        ("pink", pink),
        ("brown", brown),
        ("fan", fan),
        ("hum", hum),
        ("keyboard", keyboard),
        ("knocks", knocks),
        ("breath", breath),
    ]
}

/// A noise so loud (root mean square against full scale) after so many seconds in which there is next to nothing.
pub fn after_silence(seconds: f32, noise: &[f32], decibels: f32) -> Vec<f32> {
    let level = (noise.iter().map(|x| x * x).sum::<f32>() / noise.len() as f32).sqrt();
    let scale = 10_f32.powf(decibels / 20.0) / level;
    let mut next = dice(9);
    let quiet: Vec<f32> = (0..count(seconds)).map(|_| next() * 1e-4).collect();
    quiet.into_iter().chain(noise.iter().map(|x| (x * scale).clamp(-1.0, 1.0))).collect()
}

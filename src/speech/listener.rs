//! From a sound to a text: where somebody speaks, in pieces, each read by Whisper, each doubted.

use std::path::Path;

use offrecord_engine::kernels::{Kernel, Pool};

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::chunks::chunks;
use crate::decoder::Decoder;
use crate::doubt;
use crate::encoder::Encoder;
use crate::greedy::{Task, Written, write};
use crate::linear::Machine;
use crate::mel::{Energies, Mel};
use crate::timestamps::pieces;
use crate::vocabulary::Vocabulary;
use crate::voice::{self, Span};
use crate::weights::{AUDIO, Weights};

/// How a listener runs.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Threads; 0 = one per core.
    pub threads: usize,
    /// A forced kernel; `None` = the fastest.
    pub kernel: Option<Kernel>,
}

/// How one sound is listened to.
#[derive(Clone, Debug)]
pub struct ListenOptions<'a> {
    /// What was said just before, if anything: names and terms are then spelt the same way.
    pub context: &'a str,
    /// Silence that is computed after the sound, in positions of 20 ms. The model was taught with 30 seconds in all.
    pub tail: usize,
    /// Fewest positions that are computed.
    pub least: usize,
}

impl Default for ListenOptions<'_> {
    fn default() -> Self {
        Self { context: "", tail: 150, least: 384 }
    }
}

/// A piece of what was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Milliseconds from the beginning of the sound.
    pub start_ms: u64,
    /// Its end.
    pub end_ms: u64,
    /// The words.
    pub text: String,
}

/// What was heard. Empty where nobody spoke.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// All words.
    pub text: String,
    /// The same with times.
    pub segments: Vec<Segment>,
    /// When somebody spoke, in milliseconds.
    pub voice: Vec<(u64, u64)>,
}

/// Why nothing was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// Nobody waits for it any more.
    #[error("listening was stopped")]
    Stopped,
}

/// A loaded model with its threads. One sound at a time.
pub struct Listener {
    weights: Weights,
    vocabulary: Vocabulary,
    suppressed: Vec<u32>,
    mel: Mel,
    machine: Machine,
    encoder: Encoder,
    decoder: Decoder,
}

/// Below this a text is written once more.
const LEAST_CERTAINTY: f32 = -1.0;
/// Chances that are tried when the likeliest text goes astray.
const TEMPERATURES: [f32; 3] = [0.0, 0.4, 0.8];
/// Frames of voice that may be left over at the end of a piece.
const LEFT_OVER: usize = 100;

impl Listener {
    /// Loads a model file of either format.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn load(path: &Path, settings: &Settings) -> Result<Self, CheckpointError> {
        Self::of(&Checkpoint::open(path)?, settings)
    }

    /// As [`Listener::load`], for a checkpoint that was read already.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn of(checkpoint: &Checkpoint, settings: &Settings) -> Result<Self, CheckpointError> {
        let threads = match settings.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        };
        let pool =
            Pool::new(threads).map_err(|error| CheckpointError::Unsupported(format!("no threads for it ({error})")))?;
        let mut machine = Machine { pool, kernel: settings.kernel.unwrap_or_else(Kernel::best) };
        let weights = Weights::read(checkpoint, &mut machine)?;
        let vocabulary = Vocabulary::of(weights.vocabulary).ok_or_else(|| {
            CheckpointError::Unsupported(format!("it has {} tokens, 51,864 or 51,865 are known", weights.vocabulary))
        })?;
        Ok(Self {
            suppressed: vocabulary.suppressed(),
            weights,
            vocabulary,
            mel: Mel::default(),
            machine,
            encoder: Encoder::default(),
            decoder: Decoder::default(),
        })
    }

    /// Where somebody speaks in samples at 16 kHz; the model is not asked.
    pub fn voice(&mut self, samples: &[f32]) -> Vec<Span> {
        voice::spans(&self.mel.energies(&mut self.machine.pool, self.machine.kernel, samples))
    }

    /// What the encoder is given: a sound's bands, `frames` rows of 80. For comparisons.
    pub fn frames(&mut self, samples: &[f32], frames: usize) -> Vec<f32> {
        let energies = self.mel.energies(&mut self.machine.pool, self.machine.kernel, samples);
        energies.scaled(0, energies.frames, frames)
    }

    /// What the encoder makes of rows of bands, two of them to a row. For comparisons.
    pub fn encode(&mut self, frames: &[f32]) -> Vec<f32> {
        let sound = self.encoder.run(&self.weights, &mut self.machine, frames, &|| false);
        sound.map(|sound| (0..sound.rows()).flat_map(|row| sound.float(row).to_vec()).collect()).unwrap_or_default()
    }

    /// What is said in samples at 16 kHz. `stop` is asked at every token; dropping it is no stop.
    ///
    /// # Errors
    /// [`ListenError::Stopped`] when `stop` said yes.
    pub fn listen(
        &mut self,
        samples: &[f32],
        options: &ListenOptions<'_>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Heard, ListenError> {
        let energies = self.mel.energies(&mut self.machine.pool, self.machine.kernel, samples);
        let spans = voice::spans(&energies);
        let mut heard = Heard { voice: spans.iter().map(|span| span.milliseconds()).collect(), ..Heard::default() };
        let mut before = self.vocabulary.encode(&spaced(options.context));
        let mut last = String::new();
        for chunk in chunks(&spans, &energies) {
            let mut at = chunk.start;
            // A text may end before the sound does; then the rest is listened to by itself.
            while at < chunk.end {
                let window = Span { start: at, end: chunk.end };
                let Some(mut written) = self.window(&energies, window, &before, options, stop)? else { break };
                let mut new = self.segments(&written, window, &spans);
                if !last.is_empty() && joined(&new) == last {
                    // The text before, once more: rather an echo of what the model was told than what was said.
                    let Some(again) = self.window(&energies, window, &[], options, stop)? else { break };
                    (new, written) = (self.segments(&again, window, &spans), again);
                }
                let text: Vec<u32> = written.tokens.iter().copied().filter(|t| *t < self.vocabulary.end()).collect();
                let Some(end) = new.last().map(|segment| (segment.end_ms / 10) as usize) else { break };
                before.extend(text);
                last = joined(&new);
                heard.segments.extend(new);
                let left: usize =
                    spans.iter().map(|span| span.end.min(chunk.end).saturating_sub(span.start.max(end))).sum();
                if left < LEFT_OVER || end < at + LEFT_OVER {
                    break;
                }
                // Not from within the silence that follows.
                at = spans.iter().find(|span| span.end > end).map_or(chunk.end, |span| span.start.max(end));
            }
        }
        heard.text = joined(&heard.segments);
        Ok(heard)
    }

    /// The text of one window; `None` when the model says that there is none.
    fn window(
        &mut self,
        energies: &Energies,
        window: Span,
        before: &[u32],
        options: &ListenOptions<'_>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Written>, ListenError> {
        let frames = window.end - window.start;
        let positions = (frames.div_ceil(2) + options.tail).next_multiple_of(16).clamp(options.least.min(AUDIO), AUDIO);
        let scaled = energies.scaled(window.start, window.end, 2 * positions);
        let Self { weights, machine, encoder, decoder, .. } = self;
        let sound = encoder.run(weights, machine, &scaled, stop).ok_or(ListenError::Stopped)?;
        decoder.look(weights, machine, sound);
        let mut best: Option<Written> = None;
        let mut before = before;
        for temperature in TEMPERATURES {
            let task = Task {
                weights,
                vocabulary: &self.vocabulary,
                suppressed: &self.suppressed,
                before,
                milliseconds: frames as u64 * 10,
                temperature,
            };
            let mut written = write(&task, decoder, machine, stop).ok_or(ListenError::Stopped)?;
            let words = self.vocabulary.text(&written.tokens).split_whitespace().count();
            let hasty = doubt::hasty(words, frames as u64 * 10);
            written.astray |= hasty;
            let sure = !written.astray && written.certainty >= LEAST_CERTAINTY;
            // The likeliest text says most about the sound; one that was left to chance is always less certain.
            if temperature == 0.0 && doubt::silent(&written) {
                return Ok(None);
            }
            let better = |other: &Written| (!written.astray, written.certainty) > (!other.astray, other.certainty);
            if !hasty && best.as_ref().is_none_or(better) {
                best = Some(written);
            }
            if sure {
                break;
            }
            // What went before may be what leads astray.
            before = &[];
        }
        Ok(best.filter(doubt::believed))
    }

    /// The pieces of a window's text that lie where somebody speaks.
    fn segments(&self, written: &Written, window: Span, spans: &[Span]) -> Vec<Segment> {
        let (from, to) = window.milliseconds();
        let mut out = Vec::new();
        for piece in pieces(&self.vocabulary, &written.tokens) {
            let text = self.vocabulary.text(&piece.tokens).trim().to_owned();
            let start_ms = (from + piece.start).min(to);
            let end_ms = piece.end.map_or(to, |end| (from + end).min(to)).max(start_ms);
            let spoken = spans.iter().any(|span| {
                let (start, end) = span.milliseconds();
                start < end_ms && end > start_ms
            });
            if spoken && text.chars().any(char::is_alphanumeric) {
                out.push(Segment { start_ms, end_ms, text });
            }
        }
        out
    }
}

fn joined(segments: &[Segment]) -> String {
    segments.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// A context as it stands before more text.
fn spaced(context: &str) -> String {
    let context = context.trim();
    if context.is_empty() { String::new() } else { format!(" {context}") }
}

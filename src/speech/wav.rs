//! WAV files to samples at 16 kHz. What comes in is hostile: sizes are checked before anything is reserved, and nothing
//! of the file but its sound is kept.

use crate::RATE;
use crate::resample::resample;

/// Sound as one channel at [`RATE`] samples a second, each from -1 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    /// The samples.
    pub samples: Vec<f32>,
}

impl Audio {
    /// Its length.
    #[must_use]
    pub fn milliseconds(&self) -> u64 {
        (self.samples.len() * 1000 / RATE) as u64
    }
}

/// Why a file is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    /// No bytes.
    #[error("the recording is empty (check that the microphone is on)")]
    Empty,
    /// Not a WAV file.
    #[error("this is not a WAV file (send 16 kHz mono PCM as audio/wav)")]
    NotWav,
    /// It contradicts itself or breaks off.
    #[error("the WAV file is damaged: {0} (record it again)")]
    Damaged(&'static str),
    /// A kind of sound that is not read.
    #[error("this kind of WAV file is not read: {0} (send 16 kHz mono PCM of 16 bits)")]
    Unsupported(String),
    /// Longer than is taken.
    #[error("the recording has {seconds} seconds, at most {most} are taken at once (send it in pieces)")]
    TooLong {
        /// Its length.
        seconds: u64,
        /// The limit.
        most: u64,
    },
}

/// How the samples of a file lie.
struct Form {
    float: bool,
    bits: u16,
    channels: usize,
    rate: u32,
    frame: usize,
}

/// Reads a file of at most `most_seconds`.
///
/// Taken: PCM of 8, 16, 24 and 32 bits and float of 32 and 64, 1 to 8 channels, 4 to 192 kHz; channels are averaged, other
/// rates resampled, values beyond the scale clipped, values that are no number silent. The data chunk of a recorder that
/// was stopped (length 0 or beyond the end of the file) reaches to the end.
///
/// # Errors
/// See [`WavError`].
pub fn read(bytes: &[u8], most_seconds: u64) -> Result<Audio, WavError> {
    if bytes.is_empty() {
        return Err(WavError::Empty);
    }
    if bytes.len() < 12 || &bytes[..4] != b"RIFF" || &bytes[8..12] != b"WAVE" {
        return Err(WavError::NotWav);
    }
    let (mut form, mut rest) = (None, &bytes[12..]);
    while rest.len() >= 8 {
        let (head, body) = rest.split_at(8);
        let declared = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        match &head[..4] {
            b"fmt " => {
                if form.is_some() {
                    return Err(WavError::Damaged("two descriptions of its format"));
                }
                let body = body.get(..declared).ok_or(WavError::Damaged("its format breaks off"))?;
                form = Some(format(body)?);
            }
            b"data" => {
                let form = form.ok_or(WavError::Damaged("sound before its format"))?;
                let streamed = declared == 0 || declared == u32::MAX as usize;
                let length = if streamed { body.len() } else { declared.min(body.len()) };
                return samples(&form, &body[..length], most_seconds);
            }
            _ => {}
        }
        // Chunks begin at even places.
        let next = declared.saturating_add(declared & 1);
        rest = body.get(next..).unwrap_or(&[]);
    }
    Err(WavError::Damaged("it holds no sound"))
}

fn format(body: &[u8]) -> Result<Form, WavError> {
    if body.len() < 16 {
        return Err(WavError::Damaged("its format breaks off"));
    }
    let u16_at = |at: usize| u16::from_le_bytes([body[at], body[at + 1]]);
    let rate = u32::from_le_bytes([body[4], body[5], body[6], body[7]]);
    let (mut tag, channels, frame, bits) = (u16_at(0), u16_at(2), u16_at(12), u16_at(14));
    if tag == 0xfffe {
        // The extensible form: the true tag begins its identifier.
        if body.len() < 26 {
            return Err(WavError::Damaged("its format breaks off"));
        }
        tag = u16_at(24);
    }
    let float = match (tag, bits) {
        (1, 8 | 16 | 24 | 32) => false,
        (3, 32 | 64) => true,
        (1 | 3, bits) => return Err(WavError::Unsupported(format!("samples of {bits} bits"))),
        (tag, _) => return Err(WavError::Unsupported(format!("coding {tag:#06x}"))),
    };
    if !(1..=8).contains(&channels) {
        return Err(WavError::Unsupported(format!("{channels} channels")));
    }
    if !(4_000..=192_000).contains(&rate) {
        return Err(WavError::Unsupported(format!("{rate} samples a second")));
    }
    if frame != channels * (bits / 8) {
        return Err(WavError::Damaged("the size of its samples contradicts itself"));
    }
    Ok(Form { float, bits, channels: usize::from(channels), rate, frame: usize::from(frame) })
}

fn samples(form: &Form, data: &[u8], most_seconds: u64) -> Result<Audio, WavError> {
    let frames = data.len() / form.frame;
    let rate = u64::from(form.rate);
    let seconds = (frames as u64).div_ceil(rate);
    if frames as u64 > most_seconds * rate {
        return Err(WavError::TooLong { seconds, most: most_seconds });
    }
    if frames == 0 {
        return Err(WavError::Empty);
    }
    let width = usize::from(form.bits / 8);
    let mono: Vec<f32> = data
        .chunks_exact(form.frame)
        .map(|frame| {
            let sum: f32 = frame.chunks_exact(width).map(|sample| value(form, sample)).sum();
            sum / form.channels as f32
        })
        .collect();
    Ok(Audio { samples: resample(mono, form.rate, RATE as u32) })
}

fn value(form: &Form, sample: &[u8]) -> f32 {
    let value = match (form.float, sample) {
        (false, [a]) => (f32::from(*a) - 128.0) / 128.0,
        (false, [a, b]) => f32::from(i16::from_le_bytes([*a, *b])) / 32_768.0,
        (false, [a, b, c]) => (i32::from_le_bytes([0, *a, *b, *c]) >> 8) as f32 / 8_388_608.0,
        (false, [a, b, c, d]) => i32::from_le_bytes([*a, *b, *c, *d]) as f32 / 2_147_483_648.0,
        (true, [a, b, c, d]) => f32::from_le_bytes([*a, *b, *c, *d]),
        (true, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
        _ => 0.0,
    };
    if value.is_finite() { value.clamp(-1.0, 1.0) } else { 0.0 }
}

/// One channel of 16-bit PCM at [`RATE`] as a file.
#[must_use]
pub fn write(samples: &[f32]) -> Vec<u8> {
    let data = samples.len() * 2;
    let size = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = Vec::with_capacity(44 + data);
    out.extend(b"RIFF");
    out.extend(size(36 + data));
    out.extend(b"WAVEfmt ");
    out.extend(16_u32.to_le_bytes());
    out.extend(1_u16.to_le_bytes());
    out.extend(1_u16.to_le_bytes());
    out.extend((RATE as u32).to_le_bytes());
    out.extend((RATE as u32 * 2).to_le_bytes());
    out.extend(2_u16.to_le_bytes());
    out.extend(16_u16.to_le_bytes());
    out.extend(b"data");
    out.extend(size(data));
    for sample in samples {
        out.extend(((sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16).to_le_bytes());
    }
    out
}

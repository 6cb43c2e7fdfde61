//! Malformed and unusual WAV files, made by hand: each is refused with words for a person, or read to what it says.

#[path = "../../../tests/trust/tier.rs"]
mod tier;

use offrecord_speech::wav::{WavError, read, write};

/// A file from its chunks.
fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut out = b"RIFF\0\0\0\0WAVE".to_vec();
    for (name, body) in chunks {
        out.extend_from_slice(*name);
        out.extend((body.len() as u32).to_le_bytes());
        out.extend_from_slice(body);
        if body.len() % 2 == 1 {
            out.push(0);
        }
    }
    let size = (out.len() - 8) as u32;
    out[4..8].copy_from_slice(&size.to_le_bytes());
    out
}

fn format(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let frame = channels.wrapping_mul(bits / 8);
    let mut out = Vec::new();
    out.extend(tag.to_le_bytes());
    out.extend(channels.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend(rate.wrapping_mul(u32::from(frame)).to_le_bytes());
    out.extend(frame.to_le_bytes());
    out.extend(bits.to_le_bytes());
    out
}

fn with_format(body: &[u8]) -> Vec<u8> {
    riff(&[(b"fmt ", body), (b"data", &[0; 320])])
}

/// `bytes` with four of them replaced.
fn patched(mut bytes: Vec<u8>, at: usize, value: u32) -> Vec<u8> {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    bytes
}

#[test]
fn thirty_broken_files_are_refused_with_what_is_wrong() {
    let good = write(&[0.25; 160]);
    let mut extensible = format(0xfffe, 1, 16_000, 16);
    extensible.extend([0, 0]);
    let broken: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "empty"),
        ("one byte", b"R".to_vec(), "not a WAV"),
        ("only RIFF", b"RIFF".to_vec(), "not a WAV"),
        ("a header that breaks off", good[..11].to_vec(), "not a WAV"),
        ("no chunks", good[..12].to_vec(), "no sound"),
        ("half a chunk's head", good[..16].to_vec(), "no sound"),
        ("half a format", good[..30].to_vec(), "breaks off"),
        ("no data", good[..36].to_vec(), "no sound"),
        ("no samples", good[..44].to_vec(), "empty"),
        ("half a sample", good[..45].to_vec(), "empty"),
        (
            "AVI",
            {
                let mut avi = good.clone();
                avi[8..12].copy_from_slice(b"AVI ");
                avi
            },
            "not a WAV",
        ),
        (
            "RIFX",
            {
                let mut rifx = good.clone();
                rifx[3] = b'X';
                rifx
            },
            "not a WAV",
        ),
        ("Ogg", b"OggS\0\x02\0\0\0\0\0\0\0\0".repeat(4), "not a WAV"),
        ("MP3", b"ID3\x04\0\0\0\0\0\x23TSSE".repeat(4), "not a WAV"),
        ("WebM", b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81".repeat(4), "not a WAV"),
        ("HTML", b"<!doctype html><html><body></body></html>".to_vec(), "not a WAV"),
        ("a format of 0 bytes", riff(&[(b"fmt ", b""), (b"data", &[0; 32])]), "breaks off"),
        ("a format of 14 bytes", riff(&[(b"fmt ", &[1; 14]), (b"data", &[0; 32])]), "breaks off"),
        ("a format of 4 GiB", patched(good.clone(), 16, u32::MAX), "breaks off"),
        (
            "data before the format",
            riff(&[(b"data", &[0; 32]), (b"fmt ", &format(1, 1, 16_000, 16))]),
            "before its format",
        ),
        (
            "two formats",
            riff(&[(b"fmt ", &format(1, 1, 16_000, 16)), (b"fmt ", &format(1, 2, 48_000, 16)), (b"data", &[0; 32])]),
            "two descriptions",
        ),
        ("no channels", with_format(&format(1, 0, 16_000, 16)), "0 channels"),
        ("65,535 channels", with_format(&format(1, u16::MAX, 16_000, 16)), "65535 channels"),
        ("no samples a second", with_format(&format(1, 1, 0, 16)), "0 samples a second"),
        ("4 billion samples a second", with_format(&format(1, 1, u32::MAX, 16)), "samples a second"),
        ("samples of 0 bits", with_format(&format(1, 1, 16_000, 0)), "0 bits"),
        ("samples of 12 bits", with_format(&format(1, 1, 16_000, 12)), "12 bits"),
        ("floats of 16 bits", with_format(&format(3, 1, 16_000, 16)), "16 bits"),
        ("A-law", with_format(&format(6, 1, 8_000, 8)), "0x0006"),
        ("ADPCM", with_format(&format(2, 1, 16_000, 4)), "0x0002"),
        ("MP3 in WAV", with_format(&format(0x55, 1, 16_000, 16)), "0x0055"),
        (
            "a frame that contradicts",
            with_format(&{
                let mut odd = format(1, 2, 16_000, 16);
                odd[12] = 3;
                odd
            }),
            "contradicts",
        ),
        ("an extensible format that breaks off", with_format(&extensible), "breaks off"),
        (
            "a chunk beyond the end before the data",
            {
                let mut far = riff(&[(b"fmt ", &format(1, 1, 16_000, 16)), (b"LIST", &[0; 4]), (b"data", &[0; 32])]);
                far[40..44].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
                far
            },
            "no sound",
        ),
        ("181 seconds", riff(&[(b"fmt ", &format(1, 1, 8_000, 8)), (b"data", &vec![128; 8_000 * 181])]), "181 seconds"),
    ];
    assert!(broken.len() >= 25);
    tier::tried("T21", "malformed and hostile WAV files by hand", broken.len());
    for (name, bytes, wanted) in broken {
        let error = read(&bytes, 180).expect_err(name).to_string();
        assert!(error.contains(wanted), "{name}: {error}");
        assert!(error.contains('(') && error.ends_with(')'), "{name} says what to do: {error}");
    }
}

#[test]
fn every_common_kind_is_read_to_the_same_sound() {
    let count = 1_600;
    let value = |i: usize| ((i as f32) * 0.05).sin() * 0.5;
    let mono: Vec<f32> = (0..count).map(value).collect();
    let file = |tag: u16, channels: u16, bits: u16, sample: &dyn Fn(f32) -> Vec<u8>| {
        let data: Vec<u8> =
            mono.iter().flat_map(|x| (0..channels).flat_map(|_| sample(*x)).collect::<Vec<u8>>()).collect();
        riff(&[(b"fmt ", &format(tag, channels, 16_000, bits)), (b"LIST", b"odd"), (b"data", &data)])
    };
    let kinds: [(&str, Vec<u8>, f32); 7] = [
        ("8 bits", file(1, 1, 8, &|x| vec![(x * 127.0 + 128.0).round() as u8]), 0.01),
        ("16 bits", file(1, 1, 16, &|x| ((x * 32_767.0) as i16).to_le_bytes().to_vec()), 1e-4),
        ("stereo", file(1, 2, 16, &|x| ((x * 32_767.0) as i16).to_le_bytes().to_vec()), 1e-4),
        ("24 bits", file(1, 1, 24, &|x| ((x * 8_388_607.0) as i32).to_le_bytes()[..3].to_vec()), 1e-5),
        ("32 bits", file(1, 1, 32, &|x| ((x * 2_147_483_000.0) as i32).to_le_bytes().to_vec()), 1e-5),
        ("float", file(3, 1, 32, &|x| x.to_le_bytes().to_vec()), 1e-6),
        ("double", file(3, 2, 64, &|x| f64::from(x).to_le_bytes().to_vec()), 1e-6),
    ];
    for (name, bytes, tolerance) in kinds {
        let audio = read(&bytes, 180).expect(name);
        assert_eq!(audio.samples.len(), count, "{name}");
        let worst = audio.samples.iter().zip(&mono).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= tolerance, "{name}: {worst}");
    }
}

#[test]
fn a_stream_without_lengths_clipped_values_and_what_is_no_number_are_read() {
    let streamed = patched(write(&[0.5; 160]), 40, 0xffff_ffff);
    assert_eq!(read(&streamed, 180).expect("a stream").samples.len(), 160);
    let beyond = patched(write(&[0.5; 160]), 40, 0x7fff_f000);
    assert_eq!(read(&beyond, 180).expect("a stream").samples.len(), 160);
    let wild: Vec<u8> = [f32::NAN, f32::INFINITY, 9.0, -9.0, 0.5].iter().flat_map(|x| x.to_le_bytes()).collect();
    let wild = riff(&[(b"fmt ", &format(3, 1, 16_000, 32)), (b"data", &wild)]);
    assert_eq!(read(&wild, 180).expect("floats").samples, [0.0, 0.0, 1.0, -1.0, 0.5]);
    assert!(matches!(read(&write(&vec![0.0; 16_000 * 5]), 4), Err(WavError::TooLong { seconds: 5, most: 4 })));
    let telephone = riff(&[(b"fmt ", &format(1, 1, 8_000, 16)), (b"data", &vec![0; 16_000])]);
    assert_eq!(read(&telephone, 180).expect("8 kHz").milliseconds(), 1_000);
}

#[test]
fn no_bytes_make_it_panic() {
    let good = write(&[0.25; 64]);
    let mut state = 7_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize
    };
    for _ in 0..tier::SOUND_CORRUPTIONS.n() {
        let mut bytes = good.clone();
        for _ in 0..1 + random() % 6 {
            let at = random() % bytes.len();
            bytes[at] = random() as u8;
        }
        bytes.truncate(random() % (bytes.len() + 1));
        let _ = read(&bytes, 180);
    }
    tier::tried("T21", "WAV files changed and cut at random", tier::SOUND_CORRUPTIONS.n());
}

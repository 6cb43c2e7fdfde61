//! A command of this machine that speaks: `piper` with a voice in the models folder, or `espeak-ng`. Run without a shell,
//! the text on its standard input, with a limit on time and size; it ends with the request.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;

/// Most bytes of a text.
pub const MOST_TEXT: usize = 8 * 1024;
/// Most bytes of sound: some ten minutes.
const MOST_SOUND: u64 = 32 << 20;
/// Longest time for a text.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a running command is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// Words a minute.
const RATES: std::ops::RangeInclusive<u32> = 80..=400;
const USUAL_RATE: u32 = 170;

/// What speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Engine {
    /// Formant synthesis, always the same quality, no model.
    #[serde(rename = "espeak-ng")]
    Espeak,
    /// A neural voice that the user has.
    #[serde(rename = "piper")]
    Piper,
}

/// A voice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Voice {
    /// What a request names.
    pub id: String,
    /// For people.
    pub name: String,
    /// Such as `en-us`.
    pub language: String,
}

/// What this machine can speak with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mouth {
    /// Which kind.
    pub engine: Engine,
    command: PathBuf,
    models_dir: PathBuf,
    /// The first one is the usual one.
    pub voices: Vec<Voice>,
}

/// Why nothing was said.
#[derive(Debug, thiserror::Error)]
pub enum MouthError {
    /// A voice that is not there, a rate out of range, a text too long or empty.
    #[error("{0}")]
    Invalid(String),
    /// The command did not do it.
    #[error("{0}")]
    Failed(String),
    /// Nobody waits for it any more.
    #[error("speaking was stopped")]
    Stopped,
}

impl Mouth {
    /// Looks for a command on the search path; none when there is neither.
    #[must_use]
    pub fn find(models_dir: &Path) -> Option<Self> {
        let models_dir = models_dir.to_owned();
        let piper = piper_voices(&models_dir);
        if !piper.is_empty()
            && let Some(command) = on_path("piper")
        {
            return Some(Self { engine: Engine::Piper, command, models_dir, voices: piper });
        }
        let command = on_path("espeak-ng")?;
        let voices = espeak_voices(&command);
        (!voices.is_empty()).then_some(Self { engine: Engine::Espeak, command, models_dir, voices })
    }

    /// A text as a WAV file. Blocks; `stop` ends it within milliseconds.
    ///
    /// # Errors
    /// See [`MouthError`].
    pub fn say(
        &self,
        text: &str,
        voice: Option<&str>,
        rate: Option<u32>,
        stop: &AtomicBool,
    ) -> Result<Vec<u8>, MouthError> {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if text.trim().is_empty() || text.len() > MOST_TEXT {
            return Err(MouthError::Invalid(format!("a text has 1 to {MOST_TEXT} bytes")));
        }
        let rate = rate.unwrap_or(USUAL_RATE);
        if !RATES.contains(&rate) {
            return Err(MouthError::Invalid(format!("a rate is {} to {} words a minute", RATES.start(), RATES.end())));
        }
        let voice = match voice {
            None => self.voices.first(),
            Some(id) => self.voices.iter().find(|voice| voice.id == id),
        };
        let voice = voice.ok_or_else(|| MouthError::Invalid("there is no such voice".to_owned()))?;
        let mut command = Command::new(&self.command);
        match self.engine {
            Engine::Espeak => {
                // `-b 1`: the text is UTF-8. Every option comes from this program, never from the request.
                command.args(["--stdin", "--stdout", "-b", "1", "-v", &voice.id, "-s", &rate.to_string()]);
            }
            Engine::Piper => {
                let model = self.models_dir.join(format!("{}.onnx", voice.id));
                let scale = f64::from(USUAL_RATE) / f64::from(rate);
                command.arg("--model").arg(model).args([
                    "--output_file",
                    "-",
                    "--length_scale",
                    &format!("{scale:.2}"),
                ]);
            }
        }
        let sound = run(command, text, stop)?;
        sized(sound).ok_or_else(|| MouthError::Failed("the command that speaks gave no sound".to_owned()))
    }
}

fn run(mut command: Command, text: String, stop: &AtomicBool) -> Result<Vec<u8>, MouthError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |error: std::io::Error| MouthError::Failed(format!("{name} cannot be run: {error}"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    // Nothing of this program's environment but where commands and the person's own settings of speech are.
    command.env_clear();
    for name in ["PATH", "HOME", "ESPEAK_DATA_PATH", "LD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let mut child = Guard(command.spawn().map_err(failed)?);
    let (mut input, output) = (child.0.stdin.take(), child.0.stdout.take());
    let feeding = std::thread::spawn(move || {
        if let Some(input) = &mut input {
            let _ = input.write_all(text.as_bytes()).and_then(|()| input.write_all(b"\n"));
        }
    });
    let reading = std::thread::spawn(move || {
        let mut sound = Vec::new();
        let read = output.map(|output| output.take(MOST_SOUND + 1).read_to_end(&mut sound));
        (read.is_some_and(|read| read.is_ok()), sound)
    });
    let started = Instant::now();
    while !reading.is_finished() {
        if stop.load(Ordering::Relaxed) {
            return Err(MouthError::Stopped);
        }
        if started.elapsed() > PATIENCE {
            return Err(MouthError::Failed(format!("{name} took more than {} seconds", PATIENCE.as_secs())));
        }
        std::thread::sleep(LOOK);
    }
    let (whole, sound) = reading.join().map_err(|_| MouthError::Failed(format!("{name} could not be read")))?;
    if !whole || sound.len() as u64 > MOST_SOUND {
        return Err(MouthError::Failed(format!("{name} gave more sound than is taken")));
    }
    // It has closed its output: now it ends, or is ended.
    let status = loop {
        match child.0.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if started.elapsed() > PATIENCE => {
                return Err(MouthError::Failed(format!("{name} did not end")));
            }
            None => std::thread::sleep(LOOK),
        }
    };
    let _ = feeding.join();
    if status.success() { Ok(sound) } else { Err(MouthError::Failed(format!("{name} failed ({status})"))) }
}

/// A child that does not outlive its use.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// The file with the lengths that it has: a command that writes to a pipe does not know them when it begins.
fn sized(mut sound: Vec<u8>) -> Option<Vec<u8>> {
    if sound.len() < 44 || &sound[..4] != b"RIFF" || &sound[8..12] != b"WAVE" {
        return None;
    }
    let all = u32::try_from(sound.len() - 8).ok()?;
    sound[4..8].copy_from_slice(&all.to_le_bytes());
    let mut at = 12;
    while at + 8 <= sound.len() {
        if &sound[at..at + 4] == b"data" {
            let length = u32::try_from(sound.len() - at - 8).ok()?;
            sound[at + 4..at + 8].copy_from_slice(&length.to_le_bytes());
            return (length > 0).then_some(sound);
        }
        let length = u32::from_le_bytes([sound[at + 4], sound[at + 5], sound[at + 6], sound[at + 7]]) as usize;
        at = at.checked_add(8)?.checked_add(length)?.checked_add(length & 1)?;
    }
    None
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // A relative entry would depend on where the program was started.
    std::env::split_paths(&path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)).find(|file| {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::metadata(file).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
        }
        #[cfg(not(unix))]
        {
            file.is_file()
        }
    })
}

/// English voices, American first.
fn espeak_voices(command: &Path) -> Vec<Voice> {
    let listed = Command::new(command).arg("--voices=en").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let text = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let mut voices = voices_in(&text);
    voices.sort_by_key(|voice| voice.id != "en-us");
    voices
}

/// The table of `espeak-ng --voices`: priority, language, age and gender, name, file.
fn voices_in(table: &str) -> Vec<Voice> {
    let plain =
        |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) && !text.starts_with('-');
    let mut voices: Vec<Voice> = Vec::new();
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, language, _, name, ..] = columns[..] else { continue };
        if plain(language) && voices.iter().all(|voice| voice.id != language) {
            let name = name.replace('_', " ");
            voices.push(Voice { id: language.to_owned(), name, language: language.to_owned() });
        }
    }
    voices
}

/// `NAME.onnx` with `NAME.onnx.json` beside it.
fn piper_voices(models_dir: &Path) -> Vec<Voice> {
    let listing = std::fs::read_dir(models_dir).into_iter().flatten().flatten();
    let mut voices: Vec<Voice> = listing
        .filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            let id = name.strip_suffix(".onnx")?.to_owned();
            let plain =
                id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) && !id.starts_with(['-', '.']);
            let language = id.split('-').next()?.replace('_', "-").to_lowercase();
            let described = models_dir.join(format!("{name}.json")).is_file();
            (plain && described).then(|| Voice { name: id.replace(['_', '-'], " "), id, language })
        })
        .collect();
    voices.sort_by(|a, b| a.id.cmp(&b.id));
    voices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_voices_is_read_and_odd_lines_are_passed_over() {
        let table = "Pty Language       Age/Gender VoiceName          File                 Other Languages\n \
                     2  en-gb           --/M      English_(Great_Britain) gmw/en        (en 2)\n \
                     2  en-us           --/M      English_(America)  gmw/en-US            (en 3)\n \
                     5  -x;rm           --/M      Evil  evil\n short\n";
        let voices = voices_in(table);
        let shown: Vec<_> = voices.iter().map(|voice| (voice.id.as_str(), voice.name.as_str())).collect();
        assert_eq!(shown, [("en-gb", "English (Great Britain)"), ("en-us", "English (America)")]);
    }

    #[test]
    fn lengths_are_put_right_and_what_is_no_sound_is_refused() {
        let mut streamed = crate::speech::wav::write(&[0.1; 100]);
        streamed[4..8].copy_from_slice(&0x7fff_f024_u32.to_le_bytes());
        streamed[40..44].copy_from_slice(&0x7fff_f000_u32.to_le_bytes());
        assert_eq!(sized(streamed), Some(crate::speech::wav::write(&[0.1; 100])));
        for bad in [Vec::new(), b"RIFF....WAVE".repeat(5), crate::speech::wav::write(&[])] {
            assert_eq!(sized(bad), None);
        }
    }

    /// A piper that writes down what it was told and answers with a sound.
    #[cfg(unix)]
    #[test]
    fn piper_speaks_with_a_voice_of_the_models_folder() {
        use std::os::unix::fs::PermissionsExt as _;

        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        for name in ["en_US-joe-medium.onnx", "en_US-joe-medium.onnx.json", "alone.onnx", "-x.onnx", "-x.onnx.json"] {
            std::fs::write(at(name), "{}").expect("written");
        }
        std::fs::write(at("sound.wav"), crate::speech::wav::write(&[0.1; 800])).expect("written");
        let script =
            format!("#!/bin/sh\ncd {0}\necho \"$@\" > told\ncat > text\ncat sound.wav\n", dir.path().display());
        std::fs::write(at("piper"), script).expect("written");
        std::fs::set_permissions(at("piper"), std::fs::Permissions::from_mode(0o700)).expect("allowed");

        let voices = piper_voices(dir.path());
        assert_eq!(voices.iter().map(|voice| voice.id.as_str()).collect::<Vec<_>>(), ["en_US-joe-medium"]);
        assert_eq!(voices[0].language, "en-us");
        let mouth = Mouth { engine: Engine::Piper, command: at("piper"), models_dir: dir.path().to_owned(), voices };
        let stop = AtomicBool::new(false);
        let sound = mouth.say("What breaks first?", None, Some(340), &stop).expect("a sound");
        assert_eq!(sound, crate::speech::wav::write(&[0.1; 800]));
        let told = std::fs::read_to_string(at("told")).expect("it ran");
        assert!(told.contains("en_US-joe-medium.onnx --output_file - --length_scale 0.50"), "{told}");
        assert_eq!(std::fs::read_to_string(at("text")).expect("fed"), "What breaks first?\n");
        assert!(matches!(mouth.say("x", Some("alone"), None, &stop), Err(MouthError::Invalid(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_hangs_floods_or_fails_is_ended() {
        let stop = AtomicBool::new(false);
        let shell = |script: &str| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]);
            command
        };
        assert!(matches!(run(shell("cat >/dev/null; exit 3"), "x".into(), &stop), Err(MouthError::Failed(_))));
        assert!(matches!(run(shell("cat /dev/zero"), "x".into(), &stop), Err(MouthError::Failed(_))));
        assert_eq!(run(shell("cat"), "hello".into(), &stop).expect("an echo"), b"hello\n");
        stop.store(true, Ordering::Relaxed);
        assert!(matches!(run(shell("sleep 60"), "x".into(), &stop), Err(MouthError::Stopped)));
    }
}

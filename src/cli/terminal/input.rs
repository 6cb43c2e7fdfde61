//! What is typed: lines become answers and commands. Pure but for the thread that reads.

use std::io::BufRead;

use tokio::sync::mpsc;

/// What the person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    /// A whole answer.
    Answer(String),
    /// `/hint`.
    Hint,
    /// `/pause`.
    Pause,
    /// `/resume`.
    Resume,
    /// `/time`.
    Time,
    /// `/finish`.
    Finish,
    /// `/help`.
    Help,
    /// Some other word after a slash.
    Unknown(String),
}

/// Lines put together until an empty line or a lone `.` ends the answer.
#[derive(Default)]
pub(super) struct Typing {
    lines: Vec<String>,
}

impl Typing {
    /// Takes a line; gives what it completes. A command counts only at the beginning of an answer.
    pub(super) fn line(&mut self, line: &str) -> Option<Spoken> {
        let line = line.trim_end_matches(['\n', '\r']);
        let bare = line.trim();
        if self.lines.is_empty() {
            if bare.is_empty() || bare == "." {
                return None;
            }
            if line.starts_with('/') {
                return Some(command(bare));
            }
        } else if bare.is_empty() || bare == "." {
            return self.rest().map(Spoken::Answer);
        }
        self.lines.push(line.to_owned());
        None
    }

    /// The unfinished answer, taken away.
    pub(super) fn rest(&mut self) -> Option<String> {
        let lines = std::mem::take(&mut self.lines);
        if lines.is_empty() { None } else { Some(lines.join("\n")) }
    }
}

fn command(word: &str) -> Spoken {
    match word {
        "/hint" => Spoken::Hint,
        "/pause" => Spoken::Pause,
        "/resume" => Spoken::Resume,
        "/time" => Spoken::Time,
        "/finish" => Spoken::Finish,
        "/help" => Spoken::Help,
        other => Spoken::Unknown(other.to_owned()),
    }
}

/// Reads standard input on a thread of its own (it cannot be waited for in another way), line by line.
pub(super) fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut bytes = Vec::new();
        while input.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            let line = String::from_utf8_lossy(&bytes).into_owned();
            bytes.clear();
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(text: &str) -> (Vec<Spoken>, Option<String>) {
        let mut typing = Typing::default();
        let said = text.lines().filter_map(|line| typing.line(line)).collect();
        (said, typing.rest())
    }

    #[test]
    fn an_empty_line_or_a_lone_dot_ends_an_answer() {
        let (said, rest) = spoken("\n\nfirst\nsecond\n\nthird\n.\n/hint\nfourth");
        let expected = [Spoken::Answer("first\nsecond".into()), Spoken::Answer("third".into()), Spoken::Hint];
        assert_eq!(said, expected);
        assert_eq!(rest.as_deref(), Some("fourth"));
    }

    #[test]
    fn a_slash_inside_an_answer_is_text() {
        let (said, _) = spoken("I would mount\n/var/lib\n\n/nonsense\n /finish is what I typed\n\n");
        let expected = [
            Spoken::Answer("I would mount\n/var/lib".into()),
            Spoken::Unknown("/nonsense".into()),
            Spoken::Answer(" /finish is what I typed".into()),
        ];
        assert_eq!(said, expected);
    }
}

//! Server-sent events as OpenAI's interface uses them: lines `data: JSON`, ended by `data: [DONE]`. Bounded in every way
//! in which a server can go on without end. Reads from anything that can be read.

use std::io::Read;

use serde_json::Value;

use super::connection::Failure;

/// Longest line.
const LONGEST_LINE: usize = 256 << 10;

/// How much a stream may bring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes in all, comments and keep-alives included.
    pub(super) bytes: usize,
}

/// What comes next.
#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    /// One chunk.
    Data(Value),
    /// `[DONE]`.
    Done,
    /// The connection was closed.
    Closed,
}

/// A stream of frames.
pub(super) struct Frames<R> {
    body: R,
    limits: Limits,
    read: usize,
    buffer: Vec<u8>,
    /// Where the next line begins.
    at: usize,
    /// Up to where no line break was found.
    looked: usize,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(body: R, limits: Limits) -> Self {
        Self { body, limits, read: 0, buffer: Vec::new(), at: 0, looked: 0 }
    }

    /// The next frame.
    ///
    /// # Errors
    /// A line or a stream without end, a line that is no JSON, a connection that broke.
    pub(super) fn next(&mut self) -> Result<Frame, Failure> {
        loop {
            let Some(line) = self.line()? else { return Ok(Frame::Closed) };
            let line = line.trim();
            let Some(data) = line.strip_prefix("data:").map(str::trim) else { continue };
            if data == "[DONE]" {
                return Ok(Frame::Done);
            }
            return serde_json::from_str(data)
                .map(Frame::Data)
                .map_err(|error| Failure::Lasting(format!("its stream holds a line that is not JSON ({error})")));
        }
    }

    fn line(&mut self) -> Result<Option<String>, Failure> {
        loop {
            if let Some(end) = self.buffer[self.looked..].iter().position(|byte| *byte == b'\n') {
                let end = self.looked + end;
                let line = self.buffer[self.at..end].to_vec();
                (self.at, self.looked) = (end + 1, end + 1);
                return String::from_utf8(line)
                    .map(Some)
                    .map_err(|_| Failure::Lasting("its stream holds a line that is no text".to_owned()));
            }
            self.buffer.drain(..self.at);
            (self.at, self.looked) = (0, self.buffer.len());
            if self.buffer.len() > LONGEST_LINE {
                return Err(Failure::Lasting(format!(
                    "its stream holds a line of more than {} KiB",
                    LONGEST_LINE >> 10
                )));
            }
            let mut block = [0; 8 << 10];
            match self.body.read(&mut block) {
                Ok(0) => return Ok(None),
                Ok(n) => {
                    self.read += n;
                    if self.read > self.limits.bytes {
                        return Err(Failure::Lasting("its stream does not end".to_owned()));
                    }
                    self.buffer.extend_from_slice(&block[..n]);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::Passing(format!("it broke off ({error})"), None)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Gives one byte at a time.
    struct Dripping<'a>(&'a [u8]);

    impl Read for Dripping<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            into[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    const PLENTY: Limits = Limits { bytes: 16 << 20 };

    fn all(text: &[u8], limits: Limits) -> Result<Vec<Frame>, Failure> {
        let mut frames = Frames::new(Dripping(text), limits);
        let mut found = Vec::new();
        loop {
            let frame = frames.next()?;
            let last = frame != Frame::Closed && frame != Frame::Done;
            found.push(frame);
            if !last {
                return Ok(found);
            }
        }
    }

    #[test]
    fn frames_are_found_whatever_stands_between_them() {
        let text = ": ping\r\n\r\nevent: x\ndata: {\"a\":\"\u{e9}\"}\n\ndata:{\"b\":2}\r\n\r\nid: 1\n\ndata: [DONE]\n\ndata: {}\n";
        let frames = all(text.as_bytes(), PLENTY).expect("frames");
        assert_eq!(frames, [Frame::Data(json!({"a": "\u{e9}"})), Frame::Data(json!({"b": 2})), Frame::Done]);
        assert_eq!(all(b"data: {}\n\n", PLENTY).expect("frames"), [Frame::Data(json!({})), Frame::Closed]);
        assert_eq!(all(b"data: {\"half", PLENTY).expect("frames"), [Frame::Closed], "half a line is none");
    }

    #[test]
    fn what_does_not_end_and_what_is_no_json_is_refused() {
        let lasting = |text: &[u8], limits| match all(text, limits) {
            Err(Failure::Lasting(reason)) => reason,
            other => panic!("{other:?}"),
        };
        assert!(lasting(&[b'a'; LONGEST_LINE + 10_000], PLENTY).contains("KiB"));
        assert!(lasting(&b": ping\n".repeat(10_000), Limits { bytes: 10_000 }).contains("does not end"));
        assert!(lasting(b"data: <html>\n", PLENTY).contains("not JSON"));
        assert!(lasting(b"data: \xff\xfe\n", PLENTY).contains("no text"));
        let deep = format!("data: {}\n", "[".repeat(100_000));
        assert!(lasting(deep.as_bytes(), PLENTY).contains("not JSON"), "no deeper than the stack");
    }
}

//! Bytes of tokens in, whole UTF-8 characters out.

/// Holds back the beginning of a character until its last byte arrives.
#[derive(Clone, Debug, Default)]
pub struct Detokeniser {
    held: Vec<u8>,
}

impl Detokeniser {
    /// Adds a token's bytes and returns the characters that are whole now. Bytes that can never become a character
    /// turn into U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.held.extend_from_slice(bytes);
        let mut text = String::new();
        let mut rest = self.held.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(whole) => {
                    text.push_str(whole);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (whole, tail) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(whole));
                    rest = tail;
                    let Some(bad) = error.error_len() else { break };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = &rest[bad..];
                }
            }
        }
        self.held = rest.to_vec();
        text
    }

    /// What is left at the end: nothing, or U+FFFD for a character that never ended.
    pub fn finish(&mut self) -> String {
        let text = String::from_utf8_lossy(&self.held).into_owned();
        self.held.clear();
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_character_cut_in_two_comes_out_whole() {
        let mut stream = Detokeniser::default();
        assert_eq!(stream.push(b"a\xc3"), "a");
        assert_eq!(stream.push(b"\xa9b"), "éb");
        assert_eq!(stream.push(b"\xff\xf0\x9f"), "\u{fffd}");
        assert_eq!(stream.finish(), "\u{fffd}");
        assert_eq!(stream.finish(), "");
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_text_of_the_whole(bytes in proptest::collection::vec(any::<u8>(), 0..40), at in 0usize..40) {
            let (left, right) = bytes.split_at(at.min(bytes.len()));
            let mut stream = Detokeniser::default();
            let text = stream.push(left) + &stream.push(right) + &stream.finish();
            prop_assert_eq!(text, String::from_utf8_lossy(&bytes));
        }
    }
}

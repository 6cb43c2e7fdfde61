//! Characters without width: taken out of a text and reported. Pure.
//!
//! Letters that fonts draw as one are two again. Joiners are kept between letters that need them (other scripts, emoji); what spells out a message in tag characters
//! is shown in plain letters.

use super::{Hidden, How};

/// The text without characters that nobody sees, and what was taken out: one report for the whole text, one for each
/// message in tag characters.
pub(super) fn taken_out(text: &str) -> (String, Option<Hidden>) {
    let mut seen = String::with_capacity(text.len());
    let mut message = String::new();
    let mut count = 0_usize;
    let mut near = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    seen.push('\n');
                }
            }
            '\u{ad}' => {}
            '\u{a0}' => seen.push(' '),
            '\u{fb00}'..='\u{fb06}' => {
                seen.push_str(["ff", "fi", "fl", "ffi", "ffl", "st", "st"][c as usize - 0xfb00]);
            }
            '\u{200c}' | '\u{200d}' => {
                let joins = |c: Option<char>| c.is_some_and(|c| !c.is_ascii());
                if joins(seen.chars().next_back()) && joins(chars.peek().copied()) {
                    seen.push(c);
                } else {
                    unseen(&mut count, &mut near, &seen);
                }
            }
            '\u{200e}' | '\u{200f}' => {}
            '\u{e0020}'..='\u{e007e}' => {
                message.extend(char::from_u32(c as u32 - 0xe0000));
                count += 1;
            }
            '\u{200b}'
            | '\u{2060}'..='\u{2064}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{206f}'
            | '\u{feff}'
            | '\u{180e}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{3164}'
            | '\u{e0000}'..='\u{e01ef}' => unseen(&mut count, &mut near, &seen),
            c if c.is_control() && c != '\n' && c != '\t' => {}
            c => seen.push(c),
        }
    }
    let text = match (count, message.is_empty()) {
        (0, _) => return (seen, None),
        (_, false) => message,
        (1, true) => format!("1 character, after “{near}”"),
        (count, true) => format!("{count} characters, the first after “{near}”"),
    };
    (seen, Some(Hidden { how: How::ZeroWidth, text }))
}

fn unseen(count: &mut usize, near: &mut String, seen: &str) {
    if *count == 0 {
        let start = seen.char_indices().rev().nth(23).map_or(0, |(at, _)| at);
        near.push_str(seen[start..].trim());
    }
    *count += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str, hidden: Option<&str>) {
        let (seen, found) = taken_out(text);
        assert_eq!((seen.as_str(), found.as_ref().map(|h| h.text.as_str())), (expect, hidden), "{text:?}");
    }

    #[test]
    fn what_nobody_sees_goes_out() {
        check("plain\ttext\r\nhere\u{7}", "plain\ttext\nhere", None);
        check("I led\u{200b} it", "I led it", Some("1 character, after “I led”"));
        check("a\u{202e}b\u{2066}c\u{feff}", "abc", Some("3 characters, the first after “a”"));
        check("Hi\u{e0053}\u{e0061}\u{e0079}!", "Hi!", Some("Say"));
        check("co\u{ad}operate", "cooperate", None);
        check("e\u{fb03}cient\u{a0}\u{fb02}ows", "efficient flows", None);
        check("👩\u{200d}💻 می\u{200c}خواهم", "👩\u{200d}💻 می\u{200c}خواهم", None);
        check("ad\u{200d}min", "admin", Some("1 character, after “ad”"));
    }
}

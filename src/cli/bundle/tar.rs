//! Heads of a tar archive (POSIX ustar): plain files and folders with short names. Knows bytes, not kits.
//!
//! The same files give the same bytes: owner 0, one time for all.

/// Everything in an archive comes in blocks of this many bytes.
pub(super) const BLOCK: usize = 512;

/// Largest size that fits into eleven octal digits.
const LARGEST_OCTAL: u64 = 0o777_7777_7777;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
}

/// Most bytes of the name of the folder in which everything lies.
pub(super) const LONGEST_FOLDER: usize = 155;

/// The block before a file's bytes. The entry is `folder/path`; `path` has at most 100 bytes and ends with `/` if it is a
/// folder itself. `mode` are the rights, `seconds` count from 1970.
pub(super) fn head(folder: &str, path: &str, kind: Kind, mode: u32, size: u64, seconds: u64) -> [u8; BLOCK] {
    assert!(
        path.len() <= 100 && folder.len() <= LONGEST_FOLDER,
        "{folder}/{path} is too long for an archive's head. This is a bug."
    );
    let mut block = [0; BLOCK];
    block[..path.len()].copy_from_slice(path.as_bytes());
    block[345..345 + folder.len()].copy_from_slice(folder.as_bytes());
    octal(&mut block[100..108], u64::from(mode));
    octal(&mut block[108..116], 0);
    octal(&mut block[116..124], 0);
    if size <= LARGEST_OCTAL {
        octal(&mut block[124..136], size);
    } else {
        // As GNU tar writes it, and every reader of the last decades reads it: a binary number, marked by the top bit.
        block[124] = 0x80;
        block[128..136].copy_from_slice(&size.to_be_bytes());
    }
    octal(&mut block[136..148], seconds);
    block[156] = match kind {
        Kind::File => b'0',
        Kind::Folder => b'5',
    };
    block[257..265].copy_from_slice(b"ustar\x0000");
    // The checksum is taken with blanks in its own place.
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// How many zero bytes follow `size` bytes.
pub(super) fn padding(size: u64) -> usize {
    let rest = usize::try_from(size % BLOCK as u64).unwrap_or(0);
    if rest == 0 { 0 } else { BLOCK - rest }
}

/// Octal digits with a zero byte behind them.
fn octal(field: &mut [u8], value: u64) {
    let text = format!("{value:0width$o}\0", width = field.len() - 1);
    field.copy_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_its_fields_where_tar_looks() {
        let block = head("kit", "offrecord", Kind::File, 0o755, 1234, 1_767_225_600);
        let text = |from: usize, to: usize| String::from_utf8_lossy(&block[from..to]).into_owned();
        assert_eq!((text(0, 10), text(345, 349)), ("offrecord\0".into(), "kit\0".into()));
        assert_eq!(text(100, 107), "0000755");
        assert_eq!(text(124, 135), "00000002322");
        assert_eq!(text(257, 265), "ustar\x0000");
        assert_eq!((block[156], padding(1234), padding(1024), padding(0)), (b'0', 302, 0, 0));
        let sum: u64 =
            block.iter().enumerate().map(|(at, b)| if (148..156).contains(&at) { 32 } else { u64::from(*b) }).sum();
        assert_eq!(text(148, 154), format!("{sum:06o}"));
    }

    #[test]
    fn a_model_of_more_than_eight_gibibytes_has_its_size() {
        let size = (8 << 30) + 5;
        let block = head("kit", "m", Kind::File, 0o644, size, 0);
        assert_eq!(block[124], 0x80);
        assert_eq!(u64::from_be_bytes(block[128..136].try_into().expect("eight bytes")), size);
    }
}

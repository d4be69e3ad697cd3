//! Classes of bytes for scanning a text, and runs of bytes of a class. No byte above ASCII is in a class, so that a
//! range of such bytes begins and ends between characters.

/// Part of a word: letters, digits, `_`, `-`, `.`.
pub const WORD: u8 = 1;
/// A letter or digit.
pub const ALNUM: u8 = 2;
/// May begin a secret that is recognized by its form.
pub const BEGINS: u8 = 4;
/// Ends a path or URL: white space, quotes, angle brackets.
pub const GAP: u8 = 8;

/// The classes of every byte.
pub static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let byte = n as u8;
        if byte.is_ascii_alphanumeric() {
            table[n] = WORD | ALNUM;
        } else if matches!(byte, b'_' | b'-' | b'.') {
            table[n] = WORD;
        } else if byte <= b' ' || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b'|' | 0x7f) {
            table[n] = GAP;
        }
        if matches!(byte, b'e' | b'A' | b'g' | b'x' | b's' | b'S' | b'r' | b'b' | b'B' | b'd' | b'D' | b'n' | b'p')
            || matches!(byte, b'h' | b'w' | b'y' | b'-' | b'2'..=b'6')
        {
            table[n] |= BEGINS;
        }
        n += 1;
    }
    table
}

/// Whether the byte is of this class.
pub fn is(byte: u8, class: u8) -> bool {
    CLASS[byte as usize] & class != 0
}

/// Whether the byte is part of a word.
pub fn is_word(byte: u8) -> bool {
    is(byte, WORD)
}

/// Returns the position of the first byte at or after `from` for which `of` is false, or the length of `bytes`.
pub fn run(bytes: &[u8], from: usize, of: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|&b| !of(b)).map_or(bytes.len(), |n| from + n)
}

/// Returns the position of the first `needle` at or after `from`.
pub fn find(bytes: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    let (first, last) = (needle.first()?, bytes.len().checked_sub(needle.len())?);
    let mut at = from;
    while at <= last {
        at += bytes[at..=last].iter().position(|b| b == first)?;
        if bytes[at..].starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
    None
}

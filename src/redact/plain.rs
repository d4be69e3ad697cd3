//! A quick check that most texts pass: they have nothing that a secret or a URL could begin with, so that the scan for secrets
//! is not needed.

use super::bytes::{ALNUM, CLASS, WORD};

/// A token, and whatever else is recognized by its form, is at least so long.
pub const TOKEN_MIN: usize = 13;
/// Words of this length may be keys of Datadog.
const WORD_MAX: usize = 31;
/// A card number has at least so many digits.
const CARD_MIN: usize = 13;

/// Part of what separates a name and its value, or of a URL, a login or an escape: `:`, `=`, `>`, `%`, `\`.
const STOP: u8 = 1;
/// A letter that a token or a JWT begins with.
const TOKEN: u8 = 2;
const DIGIT: u8 = 4;

static MARKS: [u8; 256] = marks();

const fn marks() -> [u8; 256] {
    let mut table = [0; 256];
    let (mut n, stops, tokens) = (0, b":=>%\\", b"ASeghnprswxy");
    while n < stops.len() {
        table[stops[n] as usize] = STOP;
        n += 1;
    }
    n = 0;
    while n < tokens.len() {
        table[tokens[n] as usize] = TOKEN;
        n += 1;
    }
    n = b'0' as usize;
    while n <= b'9' as usize {
        table[n] = DIGIT;
        n += 1;
    }
    table
}

/// Whether the text has no secret for sure. Without `:`, `=`, `>`, `%` and `--` there is no value after a name, no URL and no
/// private key. What remains are long words, card numbers and `Bearer …`.
pub fn is_plain(bytes: &[u8]) -> bool {
    let (mut at, mut digits) = (0, 0);
    while at < bytes.len() {
        let start = at;
        let (mut token, mut before) = (usize::MAX, 0);
        while let Some(&byte) = bytes.get(at) {
            let class = CLASS[byte as usize];
            if class & WORD == 0 {
                break;
            }
            let mark = MARKS[byte as usize];
            if mark != 0 {
                if mark == DIGIT {
                    digits += 1;
                } else if before & ALNUM == 0 && token == usize::MAX {
                    token = at;
                }
            } else if byte == b'-' && bytes.get(at + 1) == Some(&b'-') {
                return false;
            }
            before = class;
            at += 1;
        }
        if at.saturating_sub(token) >= TOKEN_MIN || at - start > WORD_MAX || digits >= CARD_MIN {
            return false;
        }
        match bytes.get(at) {
            None => break,
            Some(b' ' | b'\t') if is_scheme(&bytes[start..at]) => return false,
            Some(byte) if MARKS[*byte as usize] == STOP => return false,
            Some(_) => at += 1,
        }
    }
    true
}

/// Whether the word ends with a scheme that a token follows.
fn is_scheme(word: &[u8]) -> bool {
    let ends = |scheme: &[u8]| {
        word.len().checked_sub(scheme.len()).is_some_and(|from| word[from..].eq_ignore_ascii_case(scheme))
    };
    match word.last() {
        Some(b'r' | b'R') => ends(b"bearer"),
        Some(b'c' | b'C') => ends(b"basic"),
        Some(b't' | b'T') => ends(b"digest"),
        _ => false,
    }
}

//! A quick check that most texts pass: they have nothing that a secret or a URL could begin with, so that the scan for secrets
//! is not needed.

use super::names::{self, Name};

/// A token, and whatever else is recognized by its form, is at least so long.
pub const TOKEN_MIN: usize = 13;
/// Longer words may be keys of Datadog.
const WORD_MAX: usize = 31;
/// A card number has at least so many digits.
const CARD_MIN: usize = 13;

/// A letter, or a byte that is part of a word as a letter is.
const LETTER: u8 = 0;
const DIGIT: u8 = 1;
/// `-`, `_` and `.`, which join the parts of a word.
const JOINT: u8 = 2;
/// `=`, before which there may be a name.
const EQUALS: u8 = 3;
/// Part of what separates a name and its value, or of a URL, a login or an escape: `:`, `>`, `%`, `\`.
const STOP: u8 = 4;
/// Everything else ends a word.
const GAP: u8 = 5;
/// Added to a letter that a token or a JWT begins with.
const TOKEN: u8 = 8;

static MARKS: [u8; 256] = MARKS_OF_BYTES;
const MARKS_OF_BYTES: [u8; 256] = marks();

const fn marks() -> [u8; 256] {
    let mut table = [GAP; 256];
    let mut n = 0;
    while n < 128 {
        table[n] = match n as u8 {
            b'A' | b'S' | b'e' | b'g' | b'h' | b'n' | b'p' | b'r' | b's' | b'w' | b'x' | b'y' => TOKEN | LETTER,
            b'a'..=b'z' | b'A'..=b'Z' => LETTER,
            b'0'..=b'9' => DIGIT,
            b'-' | b'_' | b'.' => JOINT,
            b'=' => EQUALS,
            b':' | b'>' | b'%' | b'\\' => STOP,
            _ => GAP,
        };
        n += 1;
    }
    table
}

/// The same without what is added to a letter.
static KINDS: [u8; 256] = kinds();

const fn kinds() -> [u8; 256] {
    let (mut table, mut n) = (MARKS_OF_BYTES, 0);
    while n < 256 {
        table[n] &= !TOKEN;
        n += 1;
    }
    table
}

/// Bytes that mean nothing in a text that is too short for a token and a card number: without them there is no scheme, no
/// name before a value and no private key.
static HARMLESS: [bool; 256] = harmless();
const _: () = assert!(TOKEN_MIN <= CARD_MIN && TOKEN_MIN <= WORD_MAX);

const fn harmless() -> [bool; 256] {
    let (mut table, mut n) = ([false; 256], 0);
    while n < 256 {
        let mark = MARKS_OF_BYTES[n] & !TOKEN;
        table[n] = mark != EQUALS && mark != STOP && !matches!(n as u8, b'-' | b' ' | b'\t');
        n += 1;
    }
    table
}

/// Whether the text has no secret for sure. Without `:`, `>`, `%` and `--`, and with harmless names before `=`, there is no
/// value after the name of a secret, no URL and no private key. What remains are long words, card numbers and `Bearer …`.
pub fn is_plain(bytes: &[u8]) -> bool {
    // Most texts are short words, and too short for what is recognized by its form.
    if bytes.len() < TOKEN_MIN && bytes.iter().all(|&byte| HARMLESS[byte as usize]) {
        return true;
    }
    let begins = |at: usize| bytes.get(at).is_some_and(|&byte| MARKS[byte as usize] & TOKEN != 0);
    let (mut word, mut digits, mut slash, mut question) = (0, 0, false, false);
    // Where in the word a token may begin.
    let mut token = if begins(0) { 0 } else { usize::MAX };
    let mut next = 0;
    while let Some(letters) = bytes[next..].iter().position(|&byte| KINDS[byte as usize] != LETTER) {
        let at = next + letters;
        let byte = bytes[at];
        next = at + 1;
        match KINDS[byte as usize] {
            DIGIT => digits += 1,
            JOINT => {
                if byte == b'-' && bytes.get(at + 1) == Some(&b'-') {
                    return false;
                }
                if token == usize::MAX && begins(at + 1) {
                    token = at + 1;
                }
            }
            STOP => return false,
            mark => {
                if at.saturating_sub(token) >= TOKEN_MIN || at - word > WORD_MAX {
                    return false;
                }
                if mark == EQUALS && (question || !is_after_harmless_name(&bytes[..at])) {
                    return false;
                }
                if matches!(byte, b' ' | b'\t') && is_scheme(&bytes[word..at]) {
                    return false;
                }
                // A query may begin behind a path.
                slash |= byte == b'/';
                question |= byte == b'?' && slash;
                word = at + 1;
                token = if begins(word) { word } else { usize::MAX };
            }
        }
    }
    bytes.len().saturating_sub(token) < TOKEN_MIN && bytes.len() - word <= WORD_MAX && digits < CARD_MIN
}

/// Whether the text ends with a name that is not that of a secret, or with such a name and blanks.
fn is_after_harmless_name(text: &[u8]) -> bool {
    let end = text.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
    let letters = text[..end]
        .iter()
        .rev()
        .take(names::NAME_MAX)
        .take_while(|&&byte| matches!(MARKS[byte as usize] & !TOKEN, LETTER | DIGIT | JOINT));
    let name = std::str::from_utf8(&text[end - letters.count()..end]).unwrap_or_default();
    !name.is_empty() && names::class(name) == Name::Plain
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

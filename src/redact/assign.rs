//! Finds where the value after the name of a secret begins and ends: `name=value`, `name: value`, `"name": "value"`,
//! `name => value`, `--name value`, `<name>value</name>`, also escaped and percent-encoded.

use super::bytes::{find, is_word, run};
use super::names::{self, Name};
use super::patterns;
use super::REDACTED;

/// After names such as `signature`, only values of at least this many bytes are secrets.
pub const LONG: usize = 16;
/// After the name `key`, only values with a run of at least this many bytes are secrets.
pub const GENERATED: usize = 20;
/// Number of bytes in which a bracket inside an unquoted value must be closed.
const GROUP_MAX: usize = 1_024;
/// Extensions of source files: after `file.py:` comes a line number and not a value.
const SOURCES: [&str; 24] = [
    "py", "js", "ts", "rb", "go", "java", "cs", "php", "cpp", "cc", "c", "h", "hpp", "rs", "kt", "scala", "mjs", "cjs",
    "jsx", "tsx", "vb", "fs", "ex", "pl",
];

/// Returns the range of the secret after the name at `start..end`. The range is empty if the secret is redacted
/// already.
/// `None` if no secret follows. Text before `floor` is replaced already.
pub fn value(text: &str, floor: usize, start: usize, end: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    // A quick test first: most words are followed by none of these bytes.
    if !matches!(bytes.get(end), Some(b'=' | b':' | b'"' | b'\'' | b' ' | b'\t' | b'>' | b']' | b'%' | b'\\')) {
        return None;
    }
    let before = &bytes[floor..start];
    let escape = escape(before, &bytes[start..end]);
    let start = start + escape;
    let name = text.get(start..end)?;
    let (from, separator) = separator(bytes, before, start, end)?;
    let mut class = names::class(name);
    if class == Name::Key && escape == 0 && two_words(text, floor, start, end).is_some_and(names::is_key_of_a_lock) {
        class = Name::Secret;
    }
    if class == Name::Plain || (separator == b' ' && class != Name::Secret) {
        return None;
    }
    if separator == b':'
        && (is_place(name, &bytes[from..], from == end + 1) || (escape == 0 && is_path(bytes, before, end, from)))
    {
        return None;
    }
    if bytes[from..].starts_with(REDACTED.as_bytes()) {
        return Some((from + REDACTED.len(), from + REDACTED.len()));
    }
    if matches!(class, Name::Key | Name::Long) && separator != b'>' && is_no_key(bytes, from) {
        return None;
    }
    let (from, to, quoted) = match separator {
        b'>' => (from, run(bytes, from, |b| b != b'<'), true),
        _ => extent(bytes, before, from, class),
    };
    let shown = match class {
        Name::Key => !is_long(&bytes[from..to], quoted) || !is_generated(&bytes[from..to]),
        Name::Long => !is_long(&bytes[from..to], quoted),
        Name::Number => is_number(&bytes[from..to]),
        _ => is_nothing(&bytes[from..to]),
    };
    (to > from && !shown).then_some((from, to))
}

/// Returns the word at `start..end` together with the one before it, if a single space separates them: `API key`.
fn two_words(text: &str, floor: usize, start: usize, end: usize) -> Option<&str> {
    let before = text.as_bytes()[floor..start].strip_suffix(b" ")?;
    let letters = before.iter().rev().take(names::WORD_MAX).take_while(|b| b.is_ascii_alphabetic()).count();
    text.get(start - 1 - letters..end).filter(|_| letters > 0)
}

/// Returns how many bytes at the word's beginning belong to an escape: the `n` of `\n`, the digits of `%3D`.
fn escape(before: &[u8], word: &[u8]) -> usize {
    match (before, word) {
        ([.., b'\\'], [b'n' | b'r' | b't', ..]) => 1,
        ([.., b'%'], [a, b, ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => 2,
        _ => 0,
    }
}

/// Returns where the value begins and the kind of its separator, if a separator follows the name.
fn separator(bytes: &[u8], before: &[u8], start: usize, end: usize) -> Option<(usize, u8)> {
    let blank = |b: u8| matches!(b, b' ' | b'\t');
    if bytes[end] == b'>' {
        let element = matches!(before, [.., b'<' | b':']);
        return element.then_some((end + 1, b'>'));
    }
    let mut at = run(bytes, end, |b| b == b'\\');
    if matches!(bytes.get(at), Some(b'"' | b'\'')) {
        at += 1;
    } else if bytes[at..].starts_with(b"%22") {
        at += 3;
    } else if at > end {
        return None;
    }
    at += usize::from(bytes.get(at) == Some(&b']'));
    let gap = at;
    at = run(bytes, at, blank);
    let rest = &bytes[at..];
    let (length, kind) = match rest {
        [b':', b':', ..] => return None,
        [b'=', b'>', ..] | [b':', b'=', ..] => (2, b'='),
        [b'=', b'=', b'=', ..] => (3, b'='),
        [b'=', b'=', ..] => (2, b'='),
        [b'=' | b':', ..] => (1, rest[0]),
        [b'%', b'3', b'D' | b'd', ..] => (3, b'='),
        [b'%', b'3', b'A' | b'a', ..] => (3, b'='),
        _ if at > gap && at == end + 1 && bytes[start..end].starts_with(b"--") => return Some((at, b' ')),
        _ => return None,
    };
    Some((run(bytes, at + length, blank), kind))
}

/// Whether `name:` and the text after it are a position in a source file, or a host and its port.
fn is_place(name: &str, rest: &[u8], close: bool) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if SOURCES.contains(&extension) {
        return true;
    }
    let digits = run(&rest[..rest.len().min(6)], 0, |b| b.is_ascii_digit());
    let port = close && (2..=5).contains(&digits) && !rest.get(digits).is_some_and(|&b| is_word(b) && b != b'.');
    let lower = name.to_ascii_lowercase();
    port && !["pass", "pwd", "secret", "pin", "cvv", "cvc", "ssn"].iter().any(|word| lower.contains(word))
}

/// Whether `…/name: words` is the path of a file and a message about it.
fn is_path(bytes: &[u8], before: &[u8], end: usize, from: usize) -> bool {
    let word = run(bytes, from, |b| b.is_ascii_alphabetic());
    matches!(before, [.., b'/' | b'\\'])
        && bytes[end] == b':'
        && from > end + 1
        && word > from
        && matches!(bytes.get(word), None | Some(b' ' | b'.' | b',' | b'\n' | b')'))
}

/// Returns where the secret of the value begins and ends, and whether it was in quotes.
fn extent(bytes: &[u8], before: &[u8], from: usize, class: Name) -> (usize, usize, bool) {
    if let Some((from, to)) = quoted(bytes, from) {
        return (from, to, true);
    }
    if class == Name::Line {
        return (from, line_end(bytes, from), false);
    }
    let mut to = if before.iter().rev().find(|b| **b != b' ') == Some(&b';') {
        run(bytes, from, |b| !matches!(b, b';' | b'"' | b'\'' | b'\n' | b'\r'))
    } else {
        bare_end(bytes, from)
    };
    if let Some(end) = patterns::private_key(bytes, from) {
        to = to.max(end);
    } else if from < bytes.len() && bytes[from].is_ascii_digit() {
        to = patterns::card(bytes, from, from).map_or(to, |(_, end)| to.max(end));
    }
    (from, behind_scheme(bytes, from, to, class), false)
}

/// Returns the end of the value. If its first word is a scheme (`Bearer`), this is the end of what follows the scheme.
fn behind_scheme(bytes: &[u8], from: usize, to: usize, class: Name) -> usize {
    let scheme = &bytes[from..to];
    let next = run(&bytes[..bytes.len().min(to + 4)], to, |b| b == b' ');
    if next == to || next == bytes.len() {
        return to;
    }
    if scheme.eq_ignore_ascii_case(b"digest") {
        return patterns::digest_end(bytes, next).max(bare_end(bytes, next));
    }
    let known = [&b"bearer"[..], b"basic", b"token", b"apikey", b"negotiate", b"ntlm"];
    let unknown = class == Name::Header
        && scheme.iter().all(u8::is_ascii_alphabetic)
        && scheme.first().is_some_and(u8::is_ascii_uppercase);
    if unknown || known.iter().any(|s| scheme.eq_ignore_ascii_case(s)) {
        return bare_end(bytes, next).max(to);
    }
    to
}

/// Returns the range between quotes at `from`: `"…"`, `'…'`, with a letter before them (`b'…'`), escaped any number of
/// times (`\"…\"`), or percent-encoded. Without a closing quote the range extends to the end of the text; a
/// percent-encoded quote must be closed.
fn quoted(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    if bytes[from..].starts_with(b"%22") {
        let end = find(bytes, from + 3, b"%22");
        return end.map(|end| (from + 3, end));
    }
    let letters = bytes[from..].iter().take(2).take_while(|b| b"bBuUrRfFL".contains(b)).count();
    let from = match bytes.get(from + letters) {
        Some(b'"' | b'\'') => from + letters,
        _ => from,
    };
    let slashes = run(bytes, from, |b| b == b'\\') - from;
    let quote = *bytes.get(from + slashes).filter(|b| matches!(b, b'"' | b'\''))?;
    let from = from + slashes + 1;
    let mut at = from;
    loop {
        let next = run(bytes, at, |b| b != quote);
        let before = bytes[at..next].iter().rev().take_while(|b| **b == b'\\').count();
        // One level of escaping doubles every backslash and puts one before the quote.
        if next == bytes.len() {
            return Some((from, next));
        }
        if before < slashes || (before - slashes) % (2 * (slashes + 1)) == 0 {
            return Some((from, next - before.min(slashes)));
        }
        at = next + 1;
    }
}

/// Returns the end of a value without quotes. Brackets inside it belong to it, with their content.
fn bare_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    let mut groups = true;
    while at < bytes.len() {
        match bytes[at] {
            0..=b' ' | b',' | b';' | b'&' | b')' | b']' | b'}' | b'"' | b'\'' | b'>' | 0x7f => break,
            b'(' | b'[' | b'{' if groups => match group_end(bytes, at, at == from) {
                Some(end) => at = end,
                None => {
                    groups = false;
                    at += 1;
                }
            },
            b'\\' if matches!(bytes.get(at + 1), Some(b'"' | b'\'' | b'n')) => break,
            _ => at += 1,
        }
    }
    at
}

/// Returns the end of a group in brackets. If it is not closed: the end of the text if the group is the `whole` value,
/// else
/// `None`.
fn group_end(bytes: &[u8], open: usize, whole: bool) -> Option<usize> {
    let limit = if whole { bytes.len() } else { bytes.len().min(open + GROUP_MAX) };
    let (mut depth, mut at, mut quote) = (0_usize, open, 0);
    while at < limit {
        match (bytes[at], quote) {
            (b'\\', _) => at += 1,
            (b, 0) if b == b'"' || b == b'\'' => quote = b,
            (b, q) if b == q => quote = 0,
            (b'(' | b'[' | b'{', 0) => depth += 1,
            (b')' | b']' | b'}', 0) => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    whole.then_some(bytes.len())
}

/// Returns the end of a header's line: a newline, escaped or not, or the quote that closes the text around the line.
fn line_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\n' | b'\r' | b'\'' => break,
            b'\\' if matches!(bytes.get(at + 1), Some(b'n' | b'r' | b'"')) => break,
            b'"' if at > from && bytes[at - 1] == b'=' => at = (run(bytes, at + 1, |b| b != b'"') + 1).min(bytes.len()),
            b'"' => break,
            _ => at += 1,
        }
    }
    at
}

/// Whether the unquoted value here has a byte that no key has. Checked before the end of the value is searched for,
/// because that search may go to the end of the text for every such name.
fn is_no_key(bytes: &[u8], from: usize) -> bool {
    let stop = run(bytes, from, in_key);
    let ends = match bytes.get(stop) {
        None | Some(0..=b' ' | b',' | b';' | b'&' | b')' | b']' | b'}' | b'"' | b'\'' | b'>' | b'\\' | 0x7f) => true,
        Some(_) => false,
    };
    !ends && quoted(bytes, from).is_none()
}

fn in_key(byte: u8) -> bool {
    is_word(byte) || b"+/=%~".contains(&byte)
}

/// Whether a value is long enough to be a key and, without quotes, has only bytes that keys have. False if a part of it
/// is redacted already.
fn is_long(value: &[u8], quoted: bool) -> bool {
    value.len() >= LONG && (quoted || value.iter().all(|&b| in_key(b))) && find(value, 0, REDACTED.as_bytes()).is_none()
}

/// Whether a value looks generated: it has a run of at least [`GENERATED`] bytes with letters and digits. A run with
/// slashes may be a path, so it must have capitals and small letters.
fn is_generated(value: &[u8]) -> bool {
    value.split(|b| !b.is_ascii_alphanumeric() && !b"+/=".contains(b)).any(|run| {
        let has = |of: fn(&u8) -> bool| run.iter().any(of);
        let cases = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
        run.len() >= GENERATED
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_alphabetic)
            && (cases || !run.contains(&b'/'))
    })
}

/// Whether a value is a number, with or without a unit, or a word such as `none`.
pub fn is_number(value: &[u8]) -> bool {
    let digits = run(value, 0, |b| b.is_ascii_digit() || b == b'.');
    let unit = value[digits..].iter().all(u8::is_ascii_alphabetic) && value.len() - digits <= 5;
    (1..=13).contains(&digits) && unit || is_nothing(value)
}

/// Whether a value is a word that cannot be a secret, such as `true`, `null` or `none`.
pub fn is_nothing(value: &[u8]) -> bool {
    let words: [&[u8]; 8] = [b"true", b"false", b"null", b"nil", b"none", b"undefined", b"NULL", b"None"];
    words.contains(&value)
}

//! Recognizes secrets by their form: tokens with a known prefix, JWTs, `Bearer …`, private keys, card numbers. Each
//! check takes a bounded number of steps, or finds a secret.

use super::bytes::{find, is, is_word, run, ALNUM};
use super::names;

/// Returns the kinds of tokens that begin with this letter: the prefix, and the least number of letters, digits, `_`
/// and
/// `-` after it.
pub(super) fn prefixes(first: u8) -> &'static [(&'static [u8], usize)] {
    match first {
        b'A' => &[(b"AIza", 30), (b"AKIA", 16), (b"ASIA", 16)],
        b'S' => &[(b"SG.", 20)],
        b'g' => &[
            (b"ghp_", 20),
            (b"gho_", 20),
            (b"ghu_", 20),
            (b"ghs_", 20),
            (b"ghr_", 20),
            (b"github_pat_", 20),
            (b"glpat-", 16),
            (b"gldt-", 16),
            (b"glrt-", 16),
            (b"glcbt-", 16),
            (b"glptt-", 16),
            (b"glsoat-", 16),
        ],
        b'h' => &[(b"hvs.", 20)],
        b'n' => &[(b"npm_", 30)],
        b'p' => &[(b"pypi-AgE", 16)],
        b'r' => &[(b"rk_live_", 10), (b"rk_test_", 10)],
        b's' => &[(b"sk_live_", 10), (b"sk_test_", 10), (b"sk-", 32)],
        b'w' => &[(b"whsec_", 16)],
        b'x' => &[
            (b"xoxa-", 8),
            (b"xoxb-", 8),
            (b"xoxe-", 8),
            (b"xoxo-", 8),
            (b"xoxp-", 8),
            (b"xoxr-", 8),
            (b"xoxs-", 8),
            (b"xapp-", 8),
        ],
        b'y' => &[(b"ya29.", 20)],
        _ => &[],
    }
}

/// Bounds of a word, kept between searches for a JWT in it.
#[derive(Clone, Copy)]
pub struct Word {
    end: usize,
    last_dot: Option<usize>,
}

/// Returns the range of a secret that begins at or shortly after `at`, where a word or a part of a word begins. Text
/// before
/// `floor` is replaced already. `word` keeps the word's bounds between calls for the same word.
pub fn at(bytes: &[u8], floor: usize, at: usize, cards: bool, word: &mut Option<Word>) -> Option<(usize, usize)> {
    match bytes[at] {
        b'-' => private_key(bytes, at).map(|to| (at, to)),
        b'2'..=b'6' if cards => card(bytes, floor, at),
        b'b' | b'B' | b'd' | b'D' => after_scheme(bytes, at),
        b'e' if bytes[at..].starts_with(b"ey") => jwt(bytes, at, word),
        first => {
            let (prefix, least) = prefixes(first).iter().find(|(prefix, _)| bytes[at..].starts_with(prefix))?;
            let from = at + prefix.len();
            let tail = |b: u8| is_word(b) && b != b'.';
            let enough = bytes.len() >= from + least && bytes[from..from + least].iter().all(|&b| tail(b));
            // Words joined by hyphens are no token: `sk-learn-…`. After a short prefix there must be a digit.
            let odd = enough && (prefix.len() > 3 || bytes[from..from + least].iter().any(u8::is_ascii_digit));
            odd.then(|| (at, token_end(bytes, from)))
        }
    }
}

/// Returns the end of a token, with the `=` at the end of base64.
fn token_end(bytes: &[u8], from: usize) -> usize {
    run(bytes, from, |b| is_word(b) || b == b'=')
}

/// Finds a JWT, `eyJ….….…`: parts in base64, separated by dots.
fn jwt(bytes: &[u8], at: usize, word: &mut Option<Word>) -> Option<(usize, usize)> {
    if !matches!(bytes.get(at + 2), Some(b'I'..=b'L')) {
        return None;
    }
    let word = word.get_or_insert_with(|| {
        let end = run(bytes, at, is_word);
        let last_dot = bytes[at..end].iter().rposition(|&b| b == b'.').map(|n| at + n);
        Word { end, last_dot }
    });
    let dot = word.last_dot.filter(|&dot| dot >= at + 8 && word.end >= at + 16)?;
    Some((at, token_end(bytes, dot)))
}

/// Finds the token in `Bearer TOKEN` and `Basic TOKEN`, unless it reads like a word (`basic authentication`), and the
/// fields after `Digest`.
fn after_scheme(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let end = run(&bytes[..bytes.len().min(start + 7)], start, |b| is(b, ALNUM));
    let scheme = &bytes[start..end];
    let from = gap_end(bytes, end)?;
    if scheme.eq_ignore_ascii_case(b"digest") {
        let to = digest_end(bytes, from);
        return (to > from).then_some((from, to));
    }
    if !scheme.eq_ignore_ascii_case(b"bearer") && !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let to = run(bytes, from, |b| is_word(b) || matches!(b, b'+' | b'/' | b'=' | b'~'));
    let token = &bytes[from..to];
    let reads_like_a_word = token.len() < 16 && token.iter().skip(1).all(|b| b.is_ascii_lowercase());
    (token.len() >= 6 && !reads_like_a_word).then_some((from, to))
}

/// Returns the end of the gap after a scheme: a few spaces or tabs, or `%20`. `None` if there is no gap.
fn gap_end(bytes: &[u8], from: usize) -> Option<usize> {
    if bytes[from..].starts_with(b"%20") {
        return Some(from + 3);
    }
    let window = &bytes[..bytes.len().min(from + 8)];
    let end = run(window, from, |b| matches!(b, b' ' | b'\t'));
    (end > from).then_some(end)
}

/// Returns the end of `username="…", realm="…", …`, or `from` if no such field begins there.
pub fn digest_end(bytes: &[u8], from: usize) -> usize {
    const FIELDS: [&[u8]; 10] =
        [b"username", b"realm", b"nonce", b"uri", b"response", b"qop", b"nc", b"cnonce", b"opaque", b"algorithm"];
    let (mut end, mut at) = (from, from);
    loop {
        let name = run(&bytes[..bytes.len().min(at + 12)], at, |b| is(b, ALNUM));
        let known = FIELDS.iter().any(|field| bytes[at..name].eq_ignore_ascii_case(field));
        if !known || bytes.get(name) != Some(&b'=') {
            return end;
        }
        let slashes = run(bytes, name + 1, |b| b == b'\\') - (name + 1);
        end = match bytes.get(name + 1 + slashes) {
            Some(b'"') => {
                let close = run(bytes, name + 2 + slashes, |b| b != b'"' && b != b'\n');
                (close + 1).min(bytes.len())
            }
            _ => run(bytes, name + 1, |b| is_word(b) || b == b'/'),
        };
        at = run(bytes, end, |b| matches!(b, b',' | b' '));
    }
}

/// Returns the end of a private key in PEM format that begins here, or the end of the text if the key's end is missing.
pub fn private_key(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes[at..].strip_prefix(b"-----BEGIN")?;
    let head = &rest[..rest.len().min(40)];
    find(head, 0, b"PRIVATE").filter(|_| find(head, 0, b"KEY").is_some())?;
    let Some(end) = find(bytes, at + 10, b"-----END") else {
        return Some(bytes.len());
    };
    let mut close = run(&bytes[..bytes.len().min(end + 48)], end + 8, |b| b != b'-' && b != b'\n');
    // The window may end inside a character.
    while bytes.get(close).is_some_and(|byte| byte & 0xc0 == 0x80) {
        close -= 1;
    }
    Some(run(&bytes[..bytes.len().min(close + 5)], close, |b| b == b'-'))
}

/// Finds a card number that starts here: 13 to 19 digits, in groups or not, with a valid check digit. Ungrouped numbers
/// of 17 and more digits are usually ids, so the text before them must name a card.
pub fn card(bytes: &[u8], floor: usize, at: usize) -> Option<(usize, usize)> {
    let window = &bytes[..bytes.len().min(at + 26)];
    let plain = run(window, at, |b| b.is_ascii_digit());
    let grouped = plain >= at + 3 && matches!(window.get(plain), Some(b' ' | b'-'));
    if plain < at + 13 && !grouped {
        return None;
    }
    let before = &bytes[floor..at];
    if matches!(before, [.., b'_' | b'-' | b'.']) || named_id(before) {
        return None;
    }
    let spelt = if says_card(&before[before.len().saturating_sub(16)..]) { 19 } else { 16 };
    let mut found = is_card(&bytes[at..plain], bytes.get(plain), spelt).then_some((at, plain));
    // Up to 19 digits in groups of three and more, separated by single spaces or hyphens.
    let mut end = plain;
    while matches!(window.get(end), Some(b' ' | b'-')) {
        let next = run(window, end + 1, |b| b.is_ascii_digit());
        if next - (end + 1) < 3 {
            break;
        }
        end = next;
        if is_card(&bytes[at..end], bytes.get(end), 19) {
            found = Some((at, end));
        }
    }
    found
}

fn says_card(before: &[u8]) -> bool {
    before.windows(4).any(|w| w.eq_ignore_ascii_case(b"card"))
        || before.windows(3).any(|w| w.eq_ignore_ascii_case(b"pan"))
}

fn is_card(number: &[u8], next: Option<&u8>, longest: usize) -> bool {
    if next.is_some_and(|&b| is(b, ALNUM) || b == b'_') {
        return false;
    }
    let digits = number.iter().rev().filter(|b| b.is_ascii_digit()).map(|b| u32::from(b - b'0'));
    let (mut count, mut sum) = (0, 0);
    for digit in digits {
        let value = if count % 2 == 1 { digit * 2 } else { digit };
        sum += if value > 9 { value - 9 } else { value };
        count += 1;
    }
    (13..=longest).contains(&count) && sum % 10 == 0
}

/// Whether the text before a number says that it is an id (`trace_id=`, `"id": `, `span `).
fn named_id(before: &[u8]) -> bool {
    let gap =
        before.iter().rev().take(5).take_while(|b| matches!(b, b'=' | b':' | b' ' | b'"' | b'\'' | b'\\')).count();
    let name = &before[..before.len() - gap];
    let word = name.iter().rev().take(40).take_while(|&&b| is_word(b)).count();
    let name = &name[name.len() - word..];
    let says = |word: &[u8]| name.len() >= word.len() && name[name.len() - word.len()..].eq_ignore_ascii_case(word);
    gap > 0 && (names::is_id(name) || says(b"trace") || says(b"span") || says(b"parent"))
}

/// Finds a Datadog key that follows its name after a single space: `API key 0123…`, 32 or 40 hexadecimal digits. Such
/// digits without a name are not a key, because trace ids have the same form.
pub fn spoken_key(bytes: &[u8], floor: usize, at: usize) -> Option<(usize, usize)> {
    let before = &bytes[floor.max(at.saturating_sub(6))..at];
    if !matches!(before, [.., b'y' | b'Y' | b'n' | b'N', b' ']) {
        return None;
    }
    let named = [&b"key "[..], b"token "]
        .iter()
        .any(|n| before.len() >= n.len() && before[before.len() - n.len()..].eq_ignore_ascii_case(n));
    if !named || is_data_key(&bytes[floor..at]) {
        return None;
    }
    let window = &bytes[..bytes.len().min(at + 41)];
    let end = run(window, at, |b| b.is_ascii_hexdigit());
    let whole = !bytes.get(end).is_some_and(|&b| is(b, ALNUM));
    (whole && matches!(end - at, 32 | 40)).then_some((at, end))
}

/// Whether the text before a value ends with `cache key ` or a similar name of a key of data.
fn is_data_key(before: &[u8]) -> bool {
    let Some(head) = before.len().checked_sub(5).filter(|n| before[*n..].eq_ignore_ascii_case(b" key ")) else {
        return false;
    };
    let letters = before[..head].iter().rev().take(names::WORD_MAX).take_while(|b| b.is_ascii_alphabetic()).count();
    names::is_of_data(&before[head - letters..head])
}

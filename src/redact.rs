//! The one redactor: what looks like a secret is replaced before it reaches a log, a flare or a start-up line. Linear
//! in the text's length. Knows text alone: neither spans, nor settings, nor dialects.

use std::borrow::Cow;

/// What stands where a secret was.
pub const REDACTED: &str = "<redacted>";

/// Words that make a name that of a secret, when they stand alone in it (`api_key`, `authToken`, `db.password`).
const SECRET_WORDS: [&str; 16] = [
    "key",
    "keys",
    "token",
    "tokens",
    "secret",
    "secrets",
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "pwd",
    "auth",
    "authorization",
    "credential",
    "credentials",
    "apikey",
];
/// Endings that make a word written without a gap that of a secret (`dbpassword`, `accesstoken`).
const SECRET_ENDINGS: [&str; 10] =
    ["token", "secret", "password", "passwd", "pwd", "credentials", "apikey", "appkey", "accesskey", "privatekey"];
/// A bare `key=` hides only values of at least this many bytes: `key=42` is more often a cache's than a lock's.
const KEY_VALUE_MIN: usize = 16;
/// Names longer than this are not looked at.
const NAME_MAX: usize = 128;

/// `text` without what looks like a secret: URL userinfo and query strings, bearer and basic tokens, values after the
/// name of a secret, card numbers. For free text only; an id printed by ourselves needs none of it.
pub fn text(text: &str) -> Cow<'_, str> {
    scan(text, true)
}

/// The value of a tag or setting: hidden whole when the name is that of a secret, else as [`text`] would show it. A
/// name that ends in `id` spares numbers: an id is not a card.
pub fn value_of<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if is_secret_name(name) {
        return if value.is_empty() { Cow::Borrowed("") } else { Cow::Borrowed(REDACTED) };
    }
    scan(value, !ends_in_id(name.as_bytes()))
}

/// `url` without userinfo, query string and fragment. Takes what has no scheme too (`user:password@host:8126`).
pub fn url(url: &str) -> Cow<'_, str> {
    let start = url.find("://").map_or(0, |at| at + 3);
    let rest = &url[start..];
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let userinfo = match authority.rfind('@') {
        Some(at) => at + 1,
        // A password may hold `/`, `?` or `#` unescaped; what follows the colon is then no port.
        None if !authority.starts_with('[') && has_no_port(authority) => rest.rfind('@').map_or(0, |at| at + 1),
        None => 0,
    };
    let kept = &rest[userinfo..];
    let end = kept.find(['?', '#']).unwrap_or(kept.len());
    if userinfo == 0 && end == kept.len() {
        return Cow::Borrowed(url);
    }
    Cow::Owned([&url[..start], &kept[..end]].concat())
}

/// Whether a tag or setting of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    if name.len() > NAME_MAX {
        return false;
    }
    let mut word = String::new();
    let mut before = ' ';
    for c in name.chars().chain([' ']) {
        let new_hump = c.is_ascii_uppercase() && before.is_ascii_lowercase();
        if new_hump || !c.is_ascii_alphabetic() {
            if is_secret_word(&word) {
                return true;
            }
            word.clear();
        }
        if c.is_ascii_alphabetic() {
            word.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    false
}

fn is_secret_word(word: &str) -> bool {
    SECRET_WORDS.contains(&word) || SECRET_ENDINGS.iter().any(|ending| word.ends_with(ending))
}

fn has_no_port(authority: &str) -> bool {
    authority.split_once(':').is_some_and(|(_, port)| !port.bytes().all(|b| b.is_ascii_digit()))
}

fn ends_in_id(name: &[u8]) -> bool {
    name.len() >= 2 && name[name.len() - 2..].eq_ignore_ascii_case(b"id")
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// One pass over the words of `text`; what is not replaced is copied in runs, and nothing is copied if nothing is
/// replaced.
fn scan(text: &str, cards: bool) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while at < bytes.len() {
        if !is_word(bytes[at]) {
            at += 1;
            continue;
        }
        let end = run(bytes, at, is_word);
        let found = if bytes[end..].starts_with(b"://") {
            let stop = url_end(bytes, end + 3);
            let shown = url(&text[at..stop]);
            if matches!(shown, Cow::Owned(_)) {
                Some((at, stop, shown))
            } else {
                at = stop;
                continue;
            }
        } else {
            secret_after(text, at, end)
                .or_else(|| token_after(bytes, at, end))
                .or_else(|| if cards { card_at(bytes, at) } else { None })
                .map(|(from, to)| (from, to, Cow::Borrowed(REDACTED)))
        };
        match found {
            Some((from, to, shown)) => {
                out.push_str(&text[copied..from]);
                out.push_str(&shown);
                (copied, at) = (to, to);
            }
            None => at = end,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

fn run(bytes: &[u8], from: usize, of: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|&b| !of(b)).map_or(bytes.len(), |n| from + n)
}

fn url_end(bytes: &[u8], from: usize) -> usize {
    let end = run(bytes, from, |b| b > b' ' && !matches!(b, b'"' | b'\'' | b'<' | b'>' | b'`' | b'|' | 0x7f));
    let tail =
        bytes[from..end].iter().rev().take_while(|b| matches!(b, b'.' | b',' | b';' | b':' | b')' | b']' | b'}'));
    end - tail.count()
}

/// The value that follows the name of a secret: `name=value`, `name: value`, `"name": "value"`.
fn secret_after(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let name = &text[start..end];
    if !is_secret_name(name) {
        return None;
    }
    let mut at = end;
    if matches!(bytes.get(at), Some(b'"' | b'\'')) {
        at += 1;
    }
    at = run(bytes, at, |b| b == b' ');
    if bytes[at..].starts_with(b"=>") {
        at += 1;
    }
    if !matches!(bytes.get(at), Some(b'=' | b':' | b'>')) {
        return None;
    }
    at = run(bytes, at + 1, |b| b == b' ');
    let (from, mut to) = match bytes.get(at) {
        Some(&quote @ (b'"' | b'\'')) => (at + 1, quoted_end(bytes, at + 1, quote)),
        _ => (at, bare_end(bytes, at)),
    };
    let scheme =
        [&b"bearer"[..], b"basic", b"digest", b"token"].iter().any(|s| bytes[from..to].eq_ignore_ascii_case(s));
    if scheme && bytes.get(to) == Some(&b' ') {
        to = bare_end(bytes, to + 1);
    }
    let too_short = name.eq_ignore_ascii_case("key") && to - from < KEY_VALUE_MIN;
    (to > from && !too_short).then_some((from, to))
}

fn quoted_end(bytes: &[u8], from: usize, quote: u8) -> usize {
    let mut at = from;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    // A backslash at the very end, or before a character of several bytes, must not leave us inside one.
    let mut at = at.min(bytes.len());
    while at < bytes.len() && (bytes[at] & 0xc0) == 0x80 {
        at += 1;
    }
    at
}

fn bare_end(bytes: &[u8], from: usize) -> usize {
    run(bytes, from, |b| b > b' ' && !matches!(b, b',' | b';' | b'&' | b')' | b']' | b'}' | b'"' | b'\'' | b'<' | b'>'))
}

/// The token in `Bearer TOKEN` and `Basic TOKEN`, unless it reads like a word (`basic authentication`).
fn token_after(bytes: &[u8], start: usize, end: usize) -> Option<(usize, usize)> {
    let scheme = &bytes[start..end];
    if !scheme.eq_ignore_ascii_case(b"bearer") && !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let from = run(bytes, end, |b| b == b' ');
    let to = run(bytes, from, |b| is_word(b) || matches!(b, b'+' | b'/' | b'=' | b'~'));
    let token = &bytes[from..to];
    let reads_like_a_word = token.len() < 16 && token.iter().skip(1).all(|b| b.is_ascii_lowercase());
    (from > end && token.len() >= 6 && !reads_like_a_word).then_some((from, to))
}

/// A card number that starts here: 13 to 19 digits, in groups or not, with a first digit in use and a right check
/// digit.
fn card_at(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let before = bytes[..at].last().copied().unwrap_or(b' ');
    if !matches!(bytes[at], b'2'..=b'6') || is_word(before) || named_id(bytes, at) {
        return None;
    }
    let plain = run(&bytes[..bytes.len().min(at + 20)], at, |b| b.is_ascii_digit());
    [grouped_end(bytes, at), plain].into_iter().find(|&to| is_card(&bytes[at..to], bytes.get(to))).map(|to| (at, to))
}

/// The end of up to 19 digits in groups of three and more, parted by one space or hyphen each.
fn grouped_end(bytes: &[u8], at: usize) -> usize {
    let window = &bytes[..bytes.len().min(at + 26)];
    let mut end = run(window, at, |b| b.is_ascii_digit());
    while matches!(window.get(end), Some(b' ' | b'-')) {
        let next = run(window, end + 1, |b| b.is_ascii_digit());
        if next - (end + 1) < 3 {
            break;
        }
        end = next;
    }
    end
}

fn is_card(number: &[u8], next: Option<&u8>) -> bool {
    if next.is_some_and(|&b| b.is_ascii_alphanumeric() || b == b'_') {
        return false;
    }
    let digits = number.iter().rev().filter(|b| b.is_ascii_digit()).map(|b| u32::from(b - b'0'));
    let (mut count, mut sum) = (0, 0);
    for digit in digits {
        let value = if count % 2 == 1 { digit * 2 } else { digit };
        sum += if value > 9 { value - 9 } else { value };
        count += 1;
    }
    (13..=19).contains(&count) && sum % 10 == 0
}

/// Whether what stands before a number names it an id (`trace_id=`, `"id": `).
fn named_id(bytes: &[u8], at: usize) -> bool {
    let separators =
        bytes[..at].iter().rev().take(4).take_while(|b| matches!(b, b'=' | b':' | b' ' | b'"' | b'\'')).count();
    ends_in_id(&bytes[..at - separators])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_free_text_are_hidden_and_the_rest_is_kept() {
        for (given, shown) in [
            ("GET http://u:p@h:8126/x?token=1 failed", "GET http://h:8126/x failed"),
            ("(see https://h/a?b=c).", "(see https://h/a)."),
            ("Authorization: Bearer abc.def-ghi123", "Authorization: <redacted>"),
            ("sent bearer eyJhbGciOi.J9 twice", "sent bearer <redacted> twice"),
            ("Basic dXNlcjpwYXNz", "Basic <redacted>"),
            (r#"{"password":"a\"b","user":"x"}"#, r#"{"password":"<redacted>","user":"x"}"#),
            ("DB_PASSWORD=hunter2, next", "DB_PASSWORD=<redacted>, next"),
            ("api_key => 0123456789", "api_key => <redacted>"),
            ("key=0123456789abcdef0123456789abcdef", "key=<redacted>"),
            ("card 4111 1111 1111 1111.", "card <redacted>."),
            ("card=4111-1111-1111-1111", "card=<redacted>"),
            ("4242424242424242", "<redacted>"),
            ("secret='pässwörd\\é' ö", "secret='<redacted>' ö"),
        ] {
            assert_eq!(text(given), shown, "{given}");
        }
    }

    #[test]
    fn harmless_text_is_not_copied() {
        for given in [
            "",
            "connection refused (os error 111)",
            "http://localhost:8126/v0.4/traces",
            "basic authentication is off",
            "key=42",
            "author=me monkey=you",
            "trace_id=4111111111111111",
            "\"span_id\": \"4242424242424242\"",
            "4111111111111112",
            "424242424242424242424242",
            "0.4242424242424242 and deadbeef4242424242424242",
            "password",
            "token=",
        ] {
            assert!(matches!(text(given), Cow::Borrowed(same) if same == given), "{given} became {}", text(given));
        }
    }

    #[test]
    fn a_name_decides_over_its_value() {
        for name in ["DD_API_KEY", "http.request.headers.x-auth-token", "authToken", "db.password2", "APIKEY", "pwd"] {
            assert_eq!(value_of(name, "v"), REDACTED, "{name}");
        }
        for name in ["author", "monkey.size", "keyboard", "tokenizer", "http.url"] {
            assert_eq!(value_of(name, "v"), "v", "{name}");
        }
        assert_eq!(value_of("order.id", "4242424242424242"), "4242424242424242");
        assert_eq!(value_of("order", "4242424242424242"), REDACTED);
    }

    #[test]
    fn urls_lose_userinfo_query_and_fragment() {
        for (given, shown) in [
            ("http://user:pa@ss@host/p", "http://host/p"),
            ("http://user:pa/s?s@host/p", "http://host/p"),
            ("user:secret@host:8126", "host:8126"),
            ("http://h/p#access", "http://h/p"),
            ("http://[::1]:8126/a@b", "http://[::1]:8126/a@b"),
            ("unix:///run/a@b.socket", "unix:///run/a@b.socket"),
            ("http://localhost:8126", "http://localhost:8126"),
        ] {
            assert_eq!(url(given), shown, "{given}");
        }
    }

    #[test]
    fn a_megabyte_takes_no_time_whatever_it_holds() {
        for piece in ["a=", "4", "4 ", "key", "key=\"", "http://", "bearer ", "@:", "\\", "token:'"] {
            let long = piece.repeat(1_000_000 / piece.len());
            let begun = std::time::Instant::now();
            let _ = text(&long);
            assert!(begun.elapsed().as_secs() < 5, "{piece}");
        }
    }
}

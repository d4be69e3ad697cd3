//! URLs: what of one may be shown. Knows one URL at a time; finding them in a text is the parent module's business.

use super::bytes::run;

/// `url` without userinfo, query string and fragment. Takes what has no scheme too (`user:password@host:8126`).
pub fn bare(url: &str) -> (usize, usize, usize) {
    let start = url.find("://").map_or_else(|| misspelt_scheme(url), |at| at + 3);
    let userinfo = start + userinfo(&url[start..]);
    let end = url[userinfo..].find(['?', '#']).map_or(url.len(), |at| userinfo + at);
    (start, userinfo, end)
}

/// Where the rest of a URL begins whose scheme lacks a colon or a slash: `http:/user@host`, `http//user@host`.
fn misspelt_scheme(url: &str) -> usize {
    let bytes = url.as_bytes();
    let name = run(bytes, 0, |b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let colon = name + usize::from(bytes.get(name) == Some(&b':'));
    let rest = run(bytes, colon, |b| b == b'/');
    if rest > colon {
        rest
    } else {
        0
    }
}

/// The bytes of userinfo, its `@` among them, in what follows `://`; 0 for none.
pub fn userinfo(rest: &str) -> usize {
    let mut from = 0;
    loop {
        let left = &rest[from..];
        let authority = &left[..left.find(['/', '?', '#']).unwrap_or(left.len())];
        let at = match authority.rfind('@') {
            Some(at) => Some(at),
            // A password may hold `/`, `?` or `#` unescaped; what follows the colon is then no port.
            None if !authority.starts_with('[') && has_no_port(authority) => left.rfind('@'),
            None => None,
        };
        match at {
            Some(at) => from += at + 1,
            None => return from,
        }
    }
}

fn has_no_port(authority: &str) -> bool {
    authority.split_once(':').is_some_and(|(_, port)| !port.bytes().all(|b| b.is_ascii_digit()))
}

/// Where a URL that is under way at `from` ends: at what no URL holds, and before what rather ends a sentence.
pub fn end(bytes: &[u8], from: usize) -> usize {
    let end = run(bytes, from, |b| b > b' ' && !matches!(b, b'"' | b'\'' | b'<' | b'>' | b'`' | b'|' | 0x7f));
    let tail =
        bytes[from..end].iter().rev().take_while(|b| matches!(b, b'.' | b',' | b';' | b':' | b')' | b']' | b'}'));
    end - tail.count()
}

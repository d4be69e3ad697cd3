//! Decides which parts of one URL may be shown. The parent module finds the URLs in a text.

use super::bytes::{is, run, GAP};

/// Returns three positions: the end of the scheme, the end of userinfo, and the end of the path. Userinfo, query string
/// and fragment, which must not be shown, are between the first two and after the last. The scheme may be missing
/// (`user:password@host:8126`).
pub fn bare(url: &str) -> (usize, usize, usize) {
    let start = url.find("://").map_or_else(|| misspelt_scheme(url), |at| at + 3);
    let userinfo = start + userinfo(&url[start..]);
    let end = url[userinfo..].find(['?', '#']).map_or(url.len(), |at| userinfo + at);
    (start, userinfo, end)
}

/// Returns the end of a scheme that lacks a colon or a slash (`http:/user@host`, `http//user@host`), or 0 without a
/// scheme.
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

/// Returns the length of userinfo, including its `@`, in the text after `://`; 0 if there is none.
pub fn userinfo(rest: &str) -> usize {
    let mut from = 0;
    loop {
        let left = &rest[from..];
        let authority = &left[..left.find(['/', '?', '#']).unwrap_or(left.len())];
        let at = match authority.rfind('@') {
            Some(at) => Some(at),
            // A password may contain `/`, `?` or `#` unescaped. Then no port follows the colon.
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

/// Returns the end of the URL that `from` is in: at a byte that no URL contains, and before punctuation that ends a
/// sentence.
pub fn end(bytes: &[u8], from: usize) -> usize {
    let end = run(bytes, from, |b| !is(b, GAP));
    let tail =
        bytes[from..end].iter().rev().take_while(|b| matches!(b, b'.' | b',' | b';' | b':' | b')' | b']' | b'}'));
    end - tail.count()
}

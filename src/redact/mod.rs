//! Replaces secrets before a text reaches a log, a report or the start-up line. Takes time linear in the text's length.
//! This file has the scan. `names` decides whether a name is that of a secret, `assign` finds the value after a name,
//! `patterns` recognizes secrets by their form, `plain` says of most texts quickly that they have none, `url` decides which
//! parts of a URL may be shown, `json` redacts values by the names of their fields, and `replaced` counts.

mod assign;
mod bytes;
pub mod json;
mod names;
mod patterns;
mod plain;
mod replaced;
#[cfg(test)]
mod tests;
mod url;
pub mod words;

pub use replaced::Replaced;

use bytes::{is, is_word, run, ALNUM, BEGINS, CLASS, GAP, WORD};
use names::Name;
use std::borrow::Cow;

/// Replaces a secret.
pub const REDACTED: &str = "<redacted>";

/// Maximum length of a password between a user name and `@` in a text without `://`.
const PASSWORD_MAX: usize = 256;
/// How much of a URL's path is looked at at once.
const PATH_MAX: usize = 256;

/// Redacts free text: userinfo and query strings of URLs, values after the name of a secret, and what has the form of a
/// secret, such as tokens, private keys and card numbers. Idempotent.
pub fn text(text: &str) -> Cow<'_, str> {
    Scan::new(text, true).run().0
}

/// The same, and counts what it replaces, and what was replaced before.
pub fn text_counted<'a>(text: &'a str, counts: &mut Replaced) -> Cow<'a, str> {
    counts.before += text.matches(REDACTED).count() as u64;
    let (shown, replaced) = Scan::new(text, true).run();
    counts.add(replaced);
    shown
}

/// Redacts the value of a tag or setting. Hides all of it if the name is that of a secret; else as [`text`] does. If
/// the name ends in `id`, numbers are not taken for card numbers.
pub fn value_of<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    value_shown(name, value, &mut Replaced::default())
}

/// The same, and counts what it replaces, and what was replaced before.
pub fn value_counted<'a>(name: &str, value: &'a str, counts: &mut Replaced) -> Cow<'a, str> {
    counts.before += value.matches(REDACTED).count() as u64;
    value_shown(name, value, counts)
}

fn value_shown<'a>(name: &str, value: &'a str, counts: &mut Replaced) -> Cow<'a, str> {
    let shown = match names::class(name) {
        // As the name of a tag, `key` is usually the key of a cache.
        Name::Plain | Name::Key => !is_query(name),
        Name::Long => value.len() < assign::LONG,
        Name::Number => assign::is_number(value.as_bytes()),
        Name::Secret | Name::Line | Name::Header => assign::is_nothing(value.as_bytes()),
    };
    if !shown {
        counts.named += u64::from(!value.is_empty() && value != REDACTED);
        return if value.is_empty() { Cow::Borrowed("") } else { Cow::Borrowed(REDACTED) };
    }
    let (shown, replaced) = Scan::new(value, !names::is_id(name.as_bytes())).run();
    counts.add(replaced);
    shown
}

/// Redacts a URL: removes userinfo, query string and fragment, and hides secrets in the path. The scheme may be missing
/// (`user:password@host:8126`).
pub fn url(url: &str) -> Cow<'_, str> {
    let (start, userinfo, end) = url::bare(url);
    let path = url[userinfo..end].find('/').map_or(end, |at| userinfo + at);
    let shown = Scan::new(&url[path..end], true).run().0;
    let host = pasted(url.as_bytes(), userinfo).filter(|&host| host <= path);
    if start == userinfo && end == url.len() && host.is_none() && matches!(shown, Cow::Borrowed(_)) {
        return Cow::Borrowed(url);
    }
    let hidden = if host.is_some() { REDACTED } else { "" };
    Cow::Owned([&url[..start], hidden, &url[host.unwrap_or(userinfo)..path], &shown].concat())
}

/// Returns the end of a token that was pasted in place of a URL's host.
fn pasted(bytes: &[u8], host: usize) -> Option<usize> {
    let begins = bytes.get(host).is_some_and(|&byte| is(byte, BEGINS) && byte != b'-');
    let found = begins.then(|| patterns::at(bytes, host, host, true, &mut None)).flatten();
    found.filter(|(from, _)| *from == host).map(|(_, to)| to)
}

/// Whether a tag or setting of this name holds a secret.
#[cfg(test)]
pub fn is_secret_name(name: &str) -> bool {
    matches!(names::class(name), Name::Secret | Name::Line | Name::Header)
}

/// Whether the value of a tag of this name is removed, unless it is a word such as `true` or `none`.
#[cfg(test)]
pub fn removes(name: &str) -> bool {
    is_secret_name(name) || is_query(name)
}

/// Whether the value of a tag of this name is a query string.
fn is_query(name: &str) -> bool {
    // A quick test first: these are the last letters of all endings.
    if name.bytes().next_back().is_some_and(|last| last.is_ascii_alphanumeric() && !b"yYgG".contains(&last)) {
        return false;
    }
    let letters = || name.bytes().rev().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase());
    let ends = |ending: &&str| letters().take(ending.len()).eq(ending.bytes().rev());
    words::QUERY_ENDINGS.iter().any(ends)
}

/// What the current position is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Prose,
    /// A path: there was a `/` since the last gap.
    Path,
    /// A URL, after its authority.
    Url,
}

/// One pass over the words of a text. Text between secrets is copied in runs. Without a secret, nothing is copied.
struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    cards: bool,
    /// Whether plain texts and paths are skipped; false for tests that it makes no difference.
    quick: bool,
    at: usize,
    place: Place,
    /// Position of the first `@` after the place where one was last searched for; 0 before the first search.
    next_at_sign: usize,
    /// The end of the last URL.
    url_end: usize,
    out: String,
    copied: usize,
    replaced: Replaced,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, cards: bool) -> Scan<'a> {
        let (bytes, place) = (text.as_bytes(), Place::Prose);
        let replaced = Replaced::default();
        Scan {
            text,
            bytes,
            cards,
            quick: true,
            at: 0,
            place,
            next_at_sign: 0,
            url_end: 0,
            out: String::new(),
            copied: 0,
            replaced,
        }
    }

    /// Returns the text without secrets, and what was replaced.
    fn run(mut self) -> (Cow<'a, str>, Replaced) {
        if self.quick && plain::is_plain(self.bytes) {
            return (Cow::Borrowed(self.text), self.replaced);
        }
        self.scan();
        if self.copied == 0 {
            return (Cow::Borrowed(self.text), self.replaced);
        }
        self.out.push_str(&self.text[self.copied..]);
        (Cow::Owned(self.out), self.replaced)
    }

    fn scan(&mut self) {
        while self.at < self.bytes.len() {
            let byte = self.bytes[self.at];
            match CLASS[byte as usize] {
                class if class & WORD != 0 => self.word(),
                class if class & GAP != 0 => {
                    self.place = Place::Prose;
                    self.at += 1;
                }
                _ => self.mark(byte),
            }
        }
    }

    /// Replaces a range by `shown`, and continues after the range.
    fn replace(&mut self, from: usize, to: usize, shown: &str) {
        if to > from {
            if self.copied == 0 {
                self.out.reserve(self.text.len() + REDACTED.len());
            }
            self.out.push_str(&self.text[self.copied..from]);
            self.out.push_str(shown);
            self.copied = to;
        }
        self.at = to;
        self.place = Place::Prose;
    }

    /// Handles a byte that is neither in a word nor a gap: it may begin a path or a query string.
    fn mark(&mut self, byte: u8) {
        let (from, place) = (self.at, self.place);
        match byte {
            b'/' if place == Place::Prose => self.place = Place::Path,
            b'?' | b'#' if place == Place::Url => return self.query(from),
            b'?' if place == Place::Path => {
                let name = run(self.bytes, from + 1, is_word);
                if name > from + 1 && self.bytes.get(name) == Some(&b'=') {
                    return self.query(from);
                }
            }
            _ => {}
        }
        self.at += 1;
    }

    fn query(&mut self, from: usize) {
        // Behind a URL's path it ends where the URL does, which is known.
        let known = Some(self.url_end).filter(|&end| self.place == Place::Url && end > from + 1);
        let end = known.unwrap_or_else(|| url::end(self.bytes, from + 1));
        self.replaced.in_urls += u64::from(end > from + 1);
        self.replace(from + 1, end, REDACTED);
    }

    fn word(&mut self) {
        let start = self.at;
        if let Some((from, to)) = self.look(start) {
            self.replaced.formed += u64::from(to > from);
            return self.replace(from, to, REDACTED);
        }
        let end = self.at;
        if self.bytes[end..].starts_with(b"://") {
            return self.url(end + 3);
        }
        if let Some((from, to)) = assign::value(self.text, self.copied, start, end) {
            self.replaced.named += u64::from(to > from);
            return self.replace(from, to, REDACTED);
        }
        if self.bytes.get(end) == Some(&b':') {
            if let Some(to) = self.login(start, end) {
                self.replaced.in_urls += 1;
                self.replace(end + 1, to, REDACTED);
            }
        }
    }

    /// Advances to the end of a word. Stops at a secret that is recognized by its form, and returns its range.
    fn look(&mut self, start: usize) -> Option<(usize, usize)> {
        if let Some(found) = patterns::spoken_key(self.bytes, self.copied, start) {
            return Some(found);
        }
        let mut word = None;
        let mut gap = true;
        while let Some(&byte) = self.bytes.get(self.at) {
            let class = CLASS[byte as usize];
            if class & WORD == 0 {
                break;
            }
            let begins =
                class & BEGINS != 0 && (byte == b'-' || if self.at < start + 3 { self.begins(self.at) } else { gap });
            if begins {
                if let Some(found) = patterns::at(self.bytes, self.copied, self.at, self.cards, &mut word) {
                    return Some(found);
                }
            }
            gap = class & ALNUM == 0;
            self.at += 1;
        }
        None
    }

    /// Whether a part of a word may begin here: after a byte that is no letter or digit, after an escape (`\n`, `%20`),
    /// or after replaced text.
    fn begins(&self, at: usize) -> bool {
        match self.bytes[self.copied..at] {
            [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
            [.., b'\\', b'n' | b'r' | b't'] => true,
            [.., before] => !is(before, ALNUM),
            [] => true,
        }
    }

    /// Handles a URL from after its `://`: removes userinfo, and continues the scan after the host.
    fn url(&mut self, from: usize) {
        // A URL inside another one ends where that does.
        let stop = if self.url_end > from { self.url_end } else { url::end(self.bytes, from) };
        self.url_end = stop;
        let host = if self.at_sign(from) < stop { from + url::userinfo(&self.text[from..stop]) } else { from };
        self.replaced.in_urls += u64::from(host > from);
        self.replace(from, host, "");
        if let Some(end) = pasted(self.bytes, host).filter(|&end| end <= stop) {
            // The replaced text ends the URL.
            self.url_end = end;
            self.replaced.formed += 1;
            return self.replace(host, end, REDACTED);
        }
        let end = run(&self.bytes[..stop], host, |b| !matches!(b, b'/' | b'?' | b'#' | b'='));
        // `token=…` in place of a host is scanned like other words.
        self.at = if self.bytes[..stop].get(end) == Some(&b'=') { host } else { end };
        self.place = Place::Url;
        if self.quick && self.at == end {
            self.at = self.behind_path(end, stop);
        }
    }

    /// Returns where the scan goes on in a URL that ends at `stop`. Most paths are plain: behind the path, or with its last
    /// word, which may be a name before a value.
    fn behind_path(&self, from: usize, stop: usize) -> usize {
        let window = &self.bytes[..stop.min(from + PATH_MAX)];
        let end = run(window, from, |b| !matches!(b, b'?' | b'#'));
        match &window[from..end] {
            path if !plain::is_plain(path) => from,
            _ if end < window.len() => end,
            path => path.iter().rposition(|&b| b == b'/').map_or(from, |n| from + n),
        }
    }

    /// Returns the position of the next `@`, or the length of the text.
    fn at_sign(&mut self, from: usize) -> usize {
        if self.next_at_sign < from {
            // `find` looks at several bytes at a time.
            let found = self.text.get(from..).map(|rest| rest.find('@').map_or(self.bytes.len(), |at| from + at));
            self.next_at_sign = found.unwrap_or_else(|| run(self.bytes, from, |b| b != b'@'));
        }
        self.next_at_sign
    }

    /// Returns the end of the password in `user:password@tcp(host)` and similar texts without a scheme.
    fn login(&mut self, start: usize, colon: usize) -> Option<usize> {
        let limit = self.bytes.len().min(colon + PASSWORD_MAX);
        if self.at_sign(colon) >= limit || !self.bytes[start].is_ascii_alphabetic() {
            return None;
        }
        let end = run(&self.bytes[..limit], colon, |b| !is(b, GAP));
        let mut signs = (colon + 2..end).rev().filter(|&n| self.bytes[n] == b'@');
        signs.find(|&sign| self.names_host(sign + 1))
    }

    /// Whether `host:port`, `host/path` or `protocol(` begins here.
    fn names_host(&self, from: usize) -> bool {
        let end = run(&self.bytes[..self.bytes.len().min(from + PASSWORD_MAX)], from, is_word);
        match self.bytes.get(end) {
            Some(b'(') => true,
            Some(b'/') => end > from,
            Some(b':') => end > from && self.bytes.get(end + 1).is_some_and(u8::is_ascii_digit),
            _ => false,
        }
    }
}

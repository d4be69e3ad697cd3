//! Remembers how texts of spans read in lines of the log. Names, services and most tags come again and again, and to redact
//! and quote a text takes longer than to find it here. How a text reads depends on nothing but the text, and for a tag on its
//! name. A text of which something is hidden is not remembered, so that no secret stays in memory longer than before. The log
//! thread has one memory; lines that other threads make do without.

use super::text::set_millis;
use crate::level::Level;
use crate::memory::append;
use std::cell::RefCell;

/// Texts that are remembered. Two places next to one another are for texts of the same mark.
const PLACES: usize = 256;
/// The longest text that is remembered with the name of its tag, and the longest result.
const LONGEST: usize = 192;

/// A memory; empty at first.
#[derive(Default)]
pub struct Remembered(RefCell<Inner>);

#[derive(Default)]
struct Inner {
    texts: Vec<Text>,
    /// What lines of one second begin with.
    head: Vec<u8>,
    second: u64,
    of: (u32, Option<Level>),
}

/// A text, and how it reads.
#[derive(Clone, Default)]
struct Text {
    /// The name of the tag, the text, and how both read.
    bytes: Vec<u8>,
    name_end: usize,
    text_end: usize,
}

impl Text {
    #[inline(always)]
    fn is(&self, name: &[u8], text: &[u8]) -> bool {
        // A place that is still empty has no text, not an empty one.
        !self.bytes.is_empty()
            && self.name_end == name.len()
            && self.text_end == name.len() + text.len()
            && self.bytes.get(self.name_end..self.text_end) == Some(text)
            && (name.is_empty() || self.bytes.get(..self.name_end) == Some(name))
    }
}

impl Remembered {
    /// Appends what `make` appends for this text of a tag of this name, which is empty for other texts. `make` returns how
    /// many bytes are shown of both, before they are quoted, or `None` if it shows all of them. Returns how many.
    pub fn put(
        &self,
        out: &mut Vec<u8>,
        name: &str,
        text: &str,
        make: impl FnOnce(&mut Vec<u8>) -> Option<usize>,
    ) -> usize {
        let (name, text) = (name.as_bytes(), text.as_bytes());
        let (place, length) = (place(name, text), name.len() + text.len());
        if self.put_known(out, place, name, text) {
            return length;
        }
        let from = out.len();
        if let Some(shown) = make(out) {
            return shown;
        }
        if let (Ok(mut inner), Some(shown)) = (self.0.try_borrow_mut(), out.get(from..)) {
            inner.keep(place, (name, text), shown);
        }
        length
    }

    /// Appends how a text reads, if it is remembered.
    #[inline(always)]
    fn put_known(&self, out: &mut Vec<u8>, place: usize, name: &[u8], text: &[u8]) -> bool {
        let Ok(inner) = self.0.try_borrow() else { return false };
        let at = |place: usize| inner.texts.get(place).filter(|found| found.is(name, text));
        let found = at(place).or_else(|| at(place ^ 1));
        found.inspect(|found| append(out, found.bytes.get(found.text_end..).unwrap_or_default())).is_some()
    }

    /// Appends what a line of this time, process and level begins with: the time with milliseconds, and what `make` appends
    /// behind it, which depends on nothing else.
    pub fn put_head(
        &self,
        out: &mut Vec<u8>,
        (time_ns, pid): (u64, u32),
        level: Level,
        make: impl FnOnce(&mut Vec<u8>),
    ) {
        let (second, of, from) = (time_ns / 1_000_000_000, (pid, Some(level)), out.len());
        if let Ok(inner) = self.0.try_borrow() {
            if (inner.second, inner.of) == (second, of) {
                append(out, &inner.head);
                return set_millis(&mut out[from..], time_ns);
            }
        }
        make(out);
        if let Ok(mut inner) = self.0.try_borrow_mut() {
            (inner.second, inner.of) = (second, of);
            inner.head.clear();
            append(&mut inner.head, &out[from..]);
        }
    }
}

impl Inner {
    /// Keeps a text in place of the older one of its two places.
    #[inline(never)]
    fn keep(&mut self, place: usize, (name, text): (&[u8], &[u8]), shown: &[u8]) {
        if name.len() + text.len() > LONGEST || shown.len() > LONGEST {
            return;
        }
        if self.texts.is_empty() {
            self.texts.resize_with(PLACES, Text::default);
        }
        let place = place & !1;
        self.texts.swap(place, place + 1);
        let Some(kept) = self.texts.get_mut(place) else { return };
        kept.bytes.clear();
        for part in [name, text, shown] {
            append(&mut kept.bytes, part);
        }
        (kept.name_end, kept.text_end) = (name.len(), name.len() + text.len());
    }
}

/// Returns the place of a text: a mark of its ends and lengths.
#[inline(always)]
fn place(name: &[u8], text: &[u8]) -> usize {
    let (first, last) = match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => text.iter().fold((0, 0), |(word, _), &byte| (word << 8 | u64::from(byte), 0)),
    };
    let lengths = (text.len() as u64) << 8 ^ name.len() as u64;
    let mark = (first ^ last.rotate_left(29) ^ lengths).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mark >> 56) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_text_is_not_taken_for_a_place_without_one() {
        let remembered = Remembered::default();
        for text in ["first", "", ""] {
            let mut out = Vec::new();
            remembered.put(&mut out, "", text, |out| {
                out.extend_from_slice(format!("\"{text}\"").as_bytes());
                None
            });
            assert_eq!(String::from_utf8(out).unwrap(), format!("\"{text}\""));
        }
    }

    #[test]
    fn a_text_reads_as_it_did_when_it_was_made_and_only_the_same_text_does() {
        let remembered = Remembered::default();
        let mut texts = vec![(String::new(), String::new())];
        for length in 0..12 {
            for n in 0..40 {
                let text = format!("{n:0length$}");
                texts.extend([
                    (String::new(), text.clone()),
                    ("name".to_string(), text.clone()),
                    (text, String::new()),
                ]);
            }
        }
        texts.push((String::new(), "x".repeat(LONGEST + 1)));
        let (mut made, mut asked) = (0, 0);
        for (name, text) in texts.iter().flat_map(|pair| [pair, pair]) {
            let mut out = b"before ".to_vec();
            let shown = remembered.put(&mut out, name, text, |out| {
                made += 1;
                out.extend_from_slice(format!("{name}={text}").as_bytes());
                None
            });
            asked += 1;
            assert_eq!(String::from_utf8(out).unwrap(), format!("before {name}={text}"));
            assert_eq!(shown, name.len() + text.len());
        }
        assert!(made * 2 <= asked + 2, "{made} of {asked}");
    }

    #[test]
    fn a_text_of_which_something_is_hidden_is_made_each_time() {
        let (remembered, mut out) = (Remembered::default(), Vec::new());
        for _ in 0..2 {
            let shown = remembered.put(&mut out, "password", "hunter2", |out| {
                out.extend_from_slice(b"hidden ");
                Some(3)
            });
            assert_eq!(shown, 3);
        }
        assert_eq!(out, b"hidden hidden ");
        assert!(remembered.0.borrow().texts.is_empty());
    }

    #[test]
    fn a_maker_may_use_the_memory_itself() {
        let (remembered, mut out) = (Remembered::default(), Vec::new());
        remembered.put(&mut out, "", "outer", |out| {
            Some(remembered.put(out, "", "inner", |out| {
                out.push(b'x');
                None
            }))
        });
        assert_eq!(out, b"x");
    }
}

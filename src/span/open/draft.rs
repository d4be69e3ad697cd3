//! Sets what a call gives at once on a new span: its texts and text tags, as far as they are usual. What is checked for each of
//! them elsewhere (room, ASCII) is checked once for all.

use super::fields::{Field, OpenSpan, Piece};
use super::hash::hash;
use super::limits::TAGS_MAX;
use super::seen::{Bit, Seen};
use super::tags::free_place;
use crate::memory::Short;
use crate::span::encode;

/// So many tags are set together where a span has many.
pub const ROW: usize = 32;

impl OpenSpan {
    /// Sets name, resource and type; the last two may be empty. Returns false and sets nothing if the name is empty, one of them
    /// is not ASCII, or there is no room.
    #[inline(always)]
    pub fn put_fields(&mut self, name: Short<'_>, resource: Short<'_>, span_type: Short<'_>) -> bool {
        let at = self.head.len() as u32;
        let mut draft = self.head.draft();
        let is_put = !name.bytes().is_empty() && draft.put([name, resource, span_type]) && draft.keep();
        if is_put {
            let [name, resource, span_type] = [name, resource, span_type].map(|text| text.len() as u32);
            self.fields[Field::Name as usize] = Piece { at, len: name };
            self.fields[Field::Resource as usize] = Piece { at: at + name, len: resource };
            self.fields[Field::Type as usize] = Piece { at: at + name + resource, len: span_type };
        }
        is_put
    }

    /// Sets text tags of a span that has no tags, up to the first one that is not new, short and ASCII, or for which there is no
    /// room; `None` is none of these. Returns how many were set.
    #[inline(always)]
    pub fn put_texts<'a>(&mut self, mut tags: impl ExactSizeIterator<Item = Option<(Short<'a>, Short<'a>)>>) -> usize {
        if self.tag_count() > 0 {
            return 0;
        }
        let (mut draft, all) = (self.texts.draft(), tags.len());
        // Counted from the end: one number less in the loop.
        let left = loop {
            let left = tags.len();
            let Some(Some((key, value))) = tags.next() else { break left };
            let bit = Bit::of(key.bytes());
            if self.seen.may_have(bit) || !encode::draft_pair(&mut draft, key, value) {
                break left;
            }
            self.seen.add(bit);
        };
        let count = all - left;
        if !draft.keep() {
            self.seen = Seen::default();
            return 0;
        }
        self.text_count = count as u32;
        count
    }

    /// Makes room for text tags of this size together, with their heads, if there is memory for it.
    #[cold]
    pub fn expect_texts(&mut self, bytes: usize) {
        let _ = self.texts.reserve(bytes);
    }

    /// Goes on where [`Self::put_texts`] has stopped, for many tags: with an index of their keys. Sets at most [`ROW`] of them,
    /// because one that is not ASCII is only found at the end, and none is set then. `usual` returns key and value of a tag as
    /// [`Self::put_texts`] takes them.
    #[inline(never)]
    pub fn put_indexed_texts<'a, T>(
        &mut self,
        tags: &'a [T],
        usual: impl Fn(&'a T) -> Option<(Short<'a>, Short<'a>)>,
    ) -> usize {
        let all = (self.tag_count() + tags.len()).min(TAGS_MAX);
        if self.tag_count() == 0 || self.reserve_keys(all).is_err() || self.make_index().is_err() {
            return 0;
        }
        let (mut draft, before) = (self.texts.draft(), self.keys.len());
        for tag in tags.iter().take(ROW) {
            let Some((key, value)) = usual(tag) else { break };
            let (hash, place, index) = (hash(key.bytes()), draft.position() as u32, self.keys.len());
            let Some(free) = free_place(&self.by_hash, &self.keys, hash) else { break };
            let has_room = index < self.keys.capacity() && index < TAGS_MAX;
            if !has_room || !encode::draft_pair(&mut draft, key, value) {
                break;
            }
            self.by_hash[free] = index as u16 + 1;
            self.keys.push((hash, place));
        }
        if !draft.keep() {
            self.keys.truncate(before);
            self.enter_all();
            return 0;
        }
        self.text_count += (self.keys.len() - before) as u32;
        self.keys.len() - before
    }
}

#[cfg(test)]
mod tests {
    use super::super::Value;
    use super::*;

    fn short(text: &str) -> Short<'_> {
        Short::of(text.as_bytes()).unwrap()
    }

    /// A span that has memory for short texts, as nearly every slot has.
    fn span() -> OpenSpan {
        let mut span = OpenSpan::default();
        for buffer in [&mut span.head, &mut span.texts, &mut span.numbers] {
            buffer.reserve(1_024).unwrap();
        }
        span
    }

    fn set(span: &mut OpenSpan, tags: &[(&str, &str)], numbers: &[(&str, f64)]) -> (usize, usize) {
        let texts = span.put_texts(tags.iter().map(|(key, value)| Some((short(key), short(value)))));
        let put = |&&(key, value): &&(&str, f64)| span.put_number(key.as_bytes(), value);
        (texts, numbers.iter().take_while(put).count())
    }

    #[test]
    fn what_is_set_at_once_is_what_is_set_one_by_one() {
        let long = "x".repeat(100);
        let tags = [("component", "rack"), ("k", ""), ("http.url", &long), ("a key of 31 bytes, for which a..", "v")];
        let numbers = [("rows", 42.5), ("n", -1.0)];
        let (mut at_once, mut one_by_one) = (span(), span());
        assert!(at_once.put_fields(short("web.request"), short("GET /"), short("web")));
        assert_eq!(set(&mut at_once, &tags[..3], &numbers), (3, 2));
        for (field, text) in [(Field::Name, "web.request"), (Field::Resource, "GET /"), (Field::Type, "web")] {
            one_by_one.set_field(field, text.as_bytes()).unwrap();
        }
        tags[..3].iter().for_each(|(key, value)| {
            one_by_one.set_text(key.as_bytes(), value.as_bytes()).unwrap();
        });
        numbers.iter().for_each(|&(key, value)| {
            one_by_one.set_number(key.as_bytes(), value).unwrap();
        });
        assert_eq!(at_once.head(), one_by_one.head());
        assert_eq!(
            at_once.runs().map(|run| (run.count, run.bytes)),
            one_by_one.runs().map(|run| (run.count, run.bytes))
        );
        assert_eq!(at_once.tags(), one_by_one.tags());
        // Both go on in the same way, with keys that replace and with an index.
        for span in [&mut at_once, &mut one_by_one] {
            span.set_text(b"rows", b"many").unwrap();
            span.set_number(b"component", 1.0).unwrap();
            for n in 0..40 {
                span.set_text(format!("more {n}").as_bytes(), b"v").unwrap();
            }
        }
        assert_eq!(at_once.tags(), one_by_one.tags());
    }

    #[test]
    fn one_odd_tag_does_not_make_all_others_be_looked_at_again() {
        let keys: Vec<String> = (0..1_000).map(|n| format!("key {n}")).collect();
        let (mut span, looked_at, mut done) = (span(), std::cell::Cell::new(0), 10);
        span.put_texts(keys[..done].iter().map(|key| Some((short(key), short("v")))));
        while done < keys.len() {
            let put = span.put_indexed_texts(&keys[done..], |key| {
                looked_at.set(looked_at.get() + 1);
                Some((short(key), if key == "key 900" { short("\u{fc}") } else { short("v") }))
            });
            let row = if put == 0 { ROW.min(keys.len() - done) } else { 0 };
            for key in &keys[done + put..done + put + row] {
                span.set_text(key.as_bytes(), b"v").unwrap();
            }
            done += put + row;
        }
        assert_eq!(span.tags().len(), 1_000);
        assert!(looked_at.get() <= 1_100, "{} times", looked_at.get());
    }

    #[test]
    fn many_tags_set_at_once_are_those_set_one_by_one() {
        let texts: Vec<(String, String)> = (0..1_100)
            .map(|n| {
                let key = if n % 100 == 99 { format!("key {}", n / 2) } else { format!("key {n}") };
                (key, if n % 70 == 69 { format!("\u{fc} {n}") } else { format!("value {n}") })
            })
            .collect();
        let (mut at_once, mut one_by_one, mut in_rows) = (span(), OpenSpan::default(), 0);
        let tags: Vec<_> = texts.iter().map(|(key, value)| Some((short(key), short(value)))).collect();
        at_once.expect_texts(40_000);
        let mut done = at_once.put_texts(tags[..50].iter().copied());
        // Rows of different lengths, each up to a tag that is not usual: alone, that is set as any other.
        while done < tags.len() {
            let to = (done + 1 + done % 33).min(tags.len());
            let put = at_once.put_indexed_texts(&tags[done..to], |&tag| tag);
            in_rows += put;
            done += put;
            if put == 0 {
                let _ = at_once.set_text(texts[done].0.as_bytes(), texts[done].1.as_bytes());
                done += 1;
            }
        }
        for (key, value) in &texts {
            let _ = one_by_one.set_text(key.as_bytes(), value.as_bytes());
        }
        assert_eq!(at_once.tags(), one_by_one.tags());
        assert_eq!(at_once.tags().len(), TAGS_MAX);
        assert!(in_rows > 500, "{in_rows}");
        for (key, _) in &texts {
            assert_eq!(at_once.get(key.as_bytes()), one_by_one.get(key.as_bytes()));
        }
        assert_eq!(OpenSpan::default().put_indexed_texts(&tags, |&tag| tag), 0, "no tag is there yet");
    }

    #[test]
    fn what_is_not_usual_is_left_to_the_caller() {
        for (tags, done) in [
            (&[("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")][..], 2),
            (&[("a", "1"), ("a key of 32 bytes, which is longer", "2")], 1),
            (&[("a", "1"), ("b", "\u{fc}")], 0),
            (&[("\u{fc}", "1")], 0),
        ] {
            let mut span = span();
            assert_eq!(set(&mut span, tags, &[]).0, done, "{tags:?}");
            assert_eq!(span.tags().len(), done);
            for (key, value) in &tags[done..] {
                span.set_text(key.as_bytes(), value.as_bytes()).unwrap();
            }
            for (key, _) in tags {
                let last = tags.iter().rfind(|(other, _)| other == key).map(|(_, value)| Value::Text(value.as_bytes()));
                assert_eq!(span.get(key.as_bytes()), last);
            }
        }
        let mut span = span();
        assert_eq!(set(&mut span, &[("a", "1")], &[("b", 1.0), ("a", 2.0)]), (1, 1));
        assert_eq!(set(&mut span, &[("c", "1")], &[]).0, 0, "the span has tags");
        assert_eq!(span.put_texts([None].into_iter()), 0);
        assert_eq!(span.tags(), [(&b"a"[..], Value::Text(b"1")), (b"b", Value::Number(1.0))]);
        let [none, odd, name] = ["", "\u{fc}", "n"].map(short);
        assert!(!span.put_fields(none, name, name) && !span.put_fields(name, odd, none));
        assert_eq!(span.field(Field::Resource), b"");
        assert!(!OpenSpan::default().put_fields(name, none, none), "there is no room yet");
        assert_eq!(OpenSpan::default().put_texts([Some((name, name))].into_iter()), 0, "there is no room yet");
        assert!(span.put_fields(name, none, none) && span.field(Field::Name) == b"n");
    }
}

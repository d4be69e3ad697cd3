//! Trace tags: what a trace carries as a whole (its origin, `_dd.p.*`, the `tracestate` of its parent) and hands on to
//! every chunk of it. `Chunk::each_tag` says which span of a chunk carries which of them.

use crate::inspect::{holding, shapes, Field, Kind as FieldKind, TypeDescriptor};
use crate::memory::{Buffer, Full};
use crate::span::encode;
use crate::span::open::{KEY_MAX, VALUE_MAX};
use crate::span::run::{self, Item, Kind};
use std::mem::offset_of;
use std::sync::Arc;

/// The system that began the trace, on every span.
pub const ORIGIN: &[u8] = b"_dd.origin";
/// The header of that name as the parent sent it. No span carries it; contexts hand it on.
pub const TRACESTATE: &[u8] = b"tracestate";
/// What decided, on the first span. Made from the chunk's decision.
pub(super) const DECISION_MAKER: &[u8] = b"_dd.p.dm";
/// The high half of the trace id, on the first span. Made from the chunk's trace id.
pub(super) const ID_HIGH: &[u8] = b"_dd.p.tid";

/// The tags of a trace. Without any it holds no memory. Copies share what they hold.
#[derive(Clone, Debug, Default)]
pub struct TraceTags(Option<Arc<Held>>);

#[derive(Debug, Default)]
struct Held {
    /// A run of texts.
    run: Buffer,
}

impl TraceTags {
    /// Whether there is no tag.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Sets a tag, sanitized and cut to the limits of span tags; the last value of a key wins. Chunks that have left
    /// keep the former one.
    /// the former one. No caller sets trace tags yet.
    #[cfg_attr(not(test), allow(dead_code))]
    pub fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Full> {
        let (key, value) = (encode::sanitize(key, KEY_MAX).0, encode::sanitize(value, VALUE_MAX).0);
        let (key, value) = (&key[..], &value[..]);
        let mut held = Held::default();
        let mut result = Ok(());
        self.each(|other, former| {
            if other != key {
                result = result.and_then(|()| held.push(other, former));
            }
        });
        result.and_then(|()| held.push(key, value))?;
        self.0 = Some(Arc::new(held));
        Ok(())
    }

    /// Returns the value of a tag.
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let mut found = None;
        self.each(|other, value| found = if other == key { Some(value) } else { found });
        found
    }

    /// Visits every tag.
    pub fn each<'a>(&'a self, mut visit: impl FnMut(&'a [u8], &'a [u8])) {
        run::each(Kind::Text, self.run(), |item| {
            if let Item::Text(key, value) = item {
                visit(key, value);
            }
        });
    }

    /// The tags as a run of texts.
    pub fn run(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |held| held.run.bytes())
    }

    /// Takes the tags that a run of texts holds.
    pub fn of_run(bytes: &[u8]) -> Result<TraceTags, Full> {
        let mut held = Held::default();
        if bytes.is_empty() {
            return Ok(TraceTags::default());
        }
        held.run.push(bytes)?;
        Ok(TraceTags(Some(Arc::new(held))))
    }
}

impl Held {
    #[cfg_attr(not(test), allow(dead_code))]
    fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), Full> {
        for text in [key, value] {
            encode::text(self.run.tail(encode::text_size(text.len()))?, text);
        }
        Ok(())
    }
}

/// Describes trace tags at offset `at` of another structure: a pointer, 0 if there are none.
pub(super) fn inspected_at(at: usize) -> Field {
    Field::of::<TraceTags, _>("tags", offset_of!(TraceTags, 0), |tags| &tags.0, FieldKind::Pointer, "trace_tags")
        .moved(at)
}

// The assumptions of the field above, and where the counts before an `Arc`'s content end.
const _: () = assert!(size_of::<TraceTags>() == size_of::<usize>() && align_of::<Held>() == align_of::<u64>());

/// Describes the target of that pointer: reference counts, followed by the tags.
pub fn inspected() -> TypeDescriptor {
    let behind = shapes::in_arc(&Arc::new(0u64));
    let run = holding!(One of "buffer", Held, run).moved(behind);
    TypeDescriptor::inside::<Held>("trace_tags", vec![run]).sized(behind + size_of::<Held>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_trace_tag_wins_and_copies_keep_theirs() {
        let mut tags = TraceTags::default();
        assert!(tags.is_empty() && tags.get(ORIGIN).is_none());
        tags.set(ORIGIN, b"synthetics").unwrap();
        tags.set(b"_dd.p.x", b"1").unwrap();
        let copy = tags.clone();
        tags.set(ORIGIN, b"rum").unwrap();
        assert_eq!((tags.get(ORIGIN), tags.get(b"_dd.p.x")), (Some(&b"rum"[..]), Some(&b"1"[..])));
        assert_eq!(copy.get(ORIGIN), Some(&b"synthetics"[..]));
        let read = TraceTags::of_run(tags.run()).unwrap();
        assert_eq!(read.get(ORIGIN), Some(&b"rum"[..]));
    }
}

//! What the tracer and a trace add to spans, encoded once for many of them. It depends on the metadata of the tracer, on
//! the trace's decision, and on what sort of span it is.

use super::spans::{Span, Visit};
use crate::export::metadata::{Metadata, Pairs};
use crate::span::encode;
use crate::span::open::TOP_LEVEL;
use crate::span::record::Record;
use crate::span::run::{Keys, Kind, Run};
use crate::trace::tags::ID_HIGH;
use crate::trace::{Chunk, Decision};

/// Tags that are added to spans of one sort.
#[derive(Default)]
pub(super) struct Added {
    /// The text tags.
    pub(super) texts: Tags,
    /// The numeric tags.
    pub(super) numbers: Tags,
    /// Nothing is made yet, where this is none.
    made_of: Option<MadeOf>,
    /// Where the high half of the trace id is in the text tags, as hexadecimal digits, and that number.
    id_high: Option<(usize, u64)>,
}

/// Encoded tags of one kind.
#[derive(Default)]
pub(super) struct Tags {
    pub(super) bytes: Vec<u8>,
    pub(super) count: u32,
    keys: Keys,
}

/// What the tags of the first span depend on.
struct MadeOf {
    decision: Decision,
    decided_elsewhere: bool,
    has_id_high: bool,
}

/// The tags of all sorts of spans, for the spans of one tracer.
#[derive(Default)]
pub(super) struct Additions {
    sorts: [Added; SORTS],
}

/// What of a span its added tags depend on: whether it is the first of its chunk in the payload, whether it has the
/// tracer's service, and whether it is top-level.
const SORTS: usize = 8;

impl Additions {
    /// Forgets everything: the next spans may be those of another tracer.
    pub(super) fn forget(&mut self) {
        self.sorts.iter_mut().for_each(|added| added.made_of = None);
    }

    /// The tags that are added to a span with these flags, as if it had none of its own. Not for spans
    /// that carry tags of the trace, nor for those that a rule for single spans keeps.
    #[inline(always)]
    pub(super) fn of(&mut self, flags: u32, has_tracers_service: bool, place: &Place<'_>) -> &Added {
        let is_top_level = flags & TOP_LEVEL != 0;
        let sort = usize::from(place.first) | usize::from(has_tracers_service) << 1 | usize::from(is_top_level) << 2;
        let added = &mut self.sorts[sort % SORTS];
        let is_made = added.made_of.as_ref().is_some_and(|made_of| !place.first || made_of.holds_for(place.chunk));
        if !is_made {
            added.make(*place);
        }
        if place.first {
            added.show_id_high(place.chunk);
        }
        added
    }
}

/// Where a span is.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) chunk: &'a Chunk,
    pub(super) metadata: &'a Metadata,
    /// Where its record begins.
    pub(super) at: u32,
    /// Whether it is the first span of the chunk in this payload.
    pub(super) first: bool,
}

impl<'a> Place<'a> {
    /// Returns its chunk's bytes from where it begins.
    #[inline(always)]
    pub(super) fn bytes(&self) -> Option<&'a [u8]> {
        self.chunk.records.bytes().get(self.at as usize..)
    }

    /// Reads the span.
    pub(super) fn span(&self) -> Option<Span<'a>> {
        let Place { chunk, metadata, first, .. } = *self;
        let (record, _) = self.bytes().and_then(Record::read)?;
        Some(Span::of(record, chunk, metadata, first))
    }
}

impl MadeOf {
    #[inline(always)]
    fn holds_for(&self, chunk: &Chunk) -> bool {
        self.decided_elsewhere == chunk.decided_elsewhere
            && self.has_id_high == (chunk.trace_id_high != 0)
            && self.decision == chunk.decision
    }
}

impl Added {
    /// Encodes the tags. Reads the span again, and takes the place by value, so that what the caller has can stay in registers.
    #[cold]
    #[inline(never)]
    fn make(&mut self, place: Place<'_>) {
        let Some(span) = place.span() else { return };
        let chunk = place.chunk;
        self.texts.clear();
        self.numbers.clear();
        self.id_high = None;
        let (texts, numbers) = (Run::new(Kind::Text, (&[], 0)), Run::new(Kind::Number, (&[], 0)));
        let bare = Span { texts, numbers, ..span };
        bare.each_added_text(self);
        bare.each_added_number(&mut |key, value| self.numbers.add_number(key, value));
        self.made_of = Some(MadeOf {
            decision: chunk.decision,
            decided_elsewhere: chunk.decided_elsewhere,
            has_id_high: chunk.trace_id_high != 0,
        });
    }

    /// Writes the high half of the trace's id over that of another one.
    #[inline(always)]
    fn show_id_high(&mut self, chunk: &Chunk) {
        if self.id_high.is_some_and(|(_, shown)| shown != chunk.trace_id_high) {
            self.change_id_high(chunk);
        }
    }

    // Not inlined: the digits would be made before it is known that they are needed.
    #[inline(never)]
    fn change_id_high(&mut self, chunk: &Chunk) {
        let Some((at, shown)) = &mut self.id_high else { return };
        *shown = chunk.trace_id_high;
        if let Some(place) = self.texts.bytes.get_mut(*at..).and_then(|rest| rest.first_chunk_mut()) {
            *place = chunk.id_high_digits();
        }
    }
}

impl Visit for Added {
    fn pair(&mut self, key: &[u8], value: &[u8]) {
        self.texts.add_text(key, value);
        if key == ID_HIGH {
            // No number yet: the digits are written once more.
            self.id_high = Some((self.texts.bytes.len() - value.len(), 0));
        }
    }

    fn pairs(&mut self, pairs: &Pairs) {
        let texts = &mut self.texts;
        texts.bytes.extend_from_slice(pairs.run());
        texts.count += pairs.len() as u32;
        texts.keys.add_all(pairs.keys());
    }
}

impl Tags {
    fn clear(&mut self) {
        self.bytes.clear();
        (self.count, self.keys) = (0, Keys::default());
    }

    fn add_text(&mut self, key: &[u8], value: &[u8]) {
        self.put(key);
        self.put(value);
        self.added(key);
    }

    fn add_number(&mut self, key: &[u8], value: f64) {
        self.put(key);
        let from = self.bytes.len();
        self.bytes.resize(from + encode::FLOAT_SIZE, 0);
        encode::float(&mut self.bytes[from..], value);
        self.added(key);
    }

    fn put(&mut self, text: &[u8]) {
        let from = self.bytes.len();
        self.bytes.resize(from + encode::text_size(text.len()), 0);
        encode::text(&mut self.bytes[from..], text);
    }

    fn added(&mut self, key: &[u8]) {
        self.count += 1;
        self.keys.add(key);
    }

    /// Whether a run of the span has none of the keys. May say no where it has none.
    #[inline(always)]
    pub(super) fn are_new_in(&self, kind: Kind, own: Run<'_>) -> bool {
        self.count == 0 || own.bytes.is_empty() || !Keys::of(kind, own.bytes).may_share(self.keys)
    }
}

//! The fields of an open span: its ids and numbers, and its four texts, which lie together in one buffer.

use super::hash::hash;
use super::limits::{Refusal, KEPT, NAME_MAX, RESOURCE_MAX};
use super::seen::Seen;
use crate::memory::{self, Buffer, Short};
use crate::span::encode::{self, Sanitized};
use crate::span::texts::Texts;
use crate::sys;

/// The name of a span without one; the Agent would choose the same.
const UNNAMED: &[u8] = b"unnamed_operation";
/// Places in the index of keys that a slot keeps for its next span.
const KEYS_KEPT: usize = 64;

/// The four texts that every span has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Field {
    /// The operation.
    Name = 0,
    /// The service; empty for the tracer's own.
    Service,
    /// The resource; empty for the name.
    Resource,
    /// The type, `web` or `sql` for example; may be empty.
    Type,
}

/// Set if the span carries an error.
pub const ERROR: u32 = 1;
/// Set on the first span of its trace in this process.
pub const LOCAL_ROOT: u32 = 2;
/// Set on a span whose service is not its parent's, or that has no parent here.
pub const TOP_LEVEL: u32 = 4;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Piece {
    pub(super) at: u32,
    pub(super) len: u32,
}

/// An open span. The caller that starts it sets the numbers.
#[derive(Debug, Default)]
pub struct OpenSpan {
    /// High half of the trace id.
    pub trace_id_high: u64,
    /// Low half of the trace id.
    pub trace_id_low: u64,
    /// The span's id.
    pub span_id: u64,
    /// The parent's id; 0 for a root.
    pub parent_id: u64,
    /// Start, nanoseconds since 1970.
    pub start_ns: i64,
    /// Start in ticks of the trace's scale.
    pub start_tick: u64,
    /// Index of the tracer.
    pub tracer: u32,
    /// Index of the trace.
    pub trace: u32,
    /// Generation of the trace.
    pub trace_generation: u32,
    /// [`ERROR`], [`LOCAL_ROOT`].
    pub flags: u32,
    /// Shard of the thread that started the span, cut to a byte: selects the ring of the flight recorder.
    pub shard: u8,
    /// Hash of the service; 0 for the tracer's own.
    pub service_hash: u32,
    /// Hash of the parent's service; 0 for the tracer's own.
    pub parent_service_hash: u32,
    /// The host has set the tag `manual.keep` (true) or `manual.drop` (false), which the trace has not taken yet.
    pub manual: Option<bool>,
    /// What the span hands on to its children and to other processes.
    pub baggage: Texts,
    start_given: bool,
    pub(super) fields: [Piece; 4],
    pub(super) head: Buffer,
    pub(super) texts: Buffer,
    pub(super) numbers: Buffer,
    pub(super) blobs: Buffer,
    pub(super) links: Buffer,
    pub(super) events: Buffer,
    /// The keys of all tags; every key, if there is an index.
    pub(super) seen: Seen,
    /// Which of the first tags are numbers; without an index.
    pub(super) are_numbers: u64,
    /// The index: for each tag the hash of its key, and the place of its pair. Empty if there is none.
    pub(super) keys: Vec<(u32, u32)>,
    /// Finds a key in the index: for each hash, from its place on, 1 more than the index of a key, until 0. Twice as long as the
    /// index at least; its length is a power of two.
    pub(super) by_hash: Vec<u16>,
    /// Memory of `keys` and `by_hash`.
    pub(super) keys_memory: memory::Claim,
    pub(super) text_count: u32,
    pub(super) number_count: u32,
    pub(super) blob_count: u32,
    pub(super) link_count: u32,
    pub(super) event_count: u32,
    /// The span has or had blobs, links or events, and memory for them. Most spans have none.
    pub(super) has_more: bool,
    pub(super) dead: u32,
}

const _: () = assert!(Short::MAX <= NAME_MAX && NAME_MAX <= RESOURCE_MAX);

/// The longest text of a field.
fn max_of(field: Field) -> usize {
    if matches!(field, Field::Resource) {
        RESOURCE_MAX
    } else {
        NAME_MAX
    }
}

impl OpenSpan {
    /// Empties the span for its slot's next one.
    #[inline(always)]
    pub fn reset(&mut self) {
        self.fields = [Piece::default(); 4];
        self.head.truncate(0);
        self.texts.truncate(0);
        self.numbers.truncate(0);
        // Capacities are powers of two: one look at all of them.
        if self.head.capacity() | self.texts.capacity() | self.numbers.capacity() >= 2 * KEPT {
            self.clear_large();
        }
        if self.has_more {
            self.clear_more();
        }
        if !self.keys.is_empty() {
            self.clear_keys();
        }
        if !self.baggage.is_empty() {
            self.clear_baggage();
        }
        (self.start_given, self.manual) = (false, None);
        (self.flags, self.service_hash, self.parent_service_hash) = (0, 0, 0);
        (self.seen, self.are_numbers) = (Seen::default(), 0);
        (self.text_count, self.number_count, self.dead) = (0, 0, 0);
    }

    #[cold]
    #[inline(never)]
    fn clear_large(&mut self) {
        for buffer in [&mut self.head, &mut self.texts, &mut self.numbers] {
            buffer.clear(KEPT);
        }
    }

    #[cold]
    #[inline(never)]
    fn clear_baggage(&mut self) {
        sys::keep_errno(|| self.baggage = Texts::default());
    }

    #[cold]
    #[inline(never)]
    fn clear_keys(&mut self) {
        self.keys.clear();
        self.by_hash.fill(0);
        if self.keys.capacity() > KEYS_KEPT {
            sys::keep_errno(|| {
                (self.keys, self.by_hash, self.keys_memory) = (Vec::new(), Vec::new(), memory::Claim::default());
            });
        }
    }

    /// Frees all memory of the span.
    pub fn retire(&mut self) {
        *self = OpenSpan::default();
    }

    /// Sets a start that the host gives, nanoseconds since 1970. The end is then wall time, too.
    pub fn start_at(&mut self, start_ns: i64) {
        (self.start_ns, self.start_given) = (start_ns, true);
    }

    /// Returns the start if the host gave it.
    #[inline]
    pub fn given_start(&self) -> Option<i64> {
        self.start_given.then_some(self.start_ns)
    }

    /// Returns one of the four texts.
    #[inline]
    pub fn field(&self, field: Field) -> &[u8] {
        let piece = self.fields[field as usize];
        self.head.bytes().get(piece.at as usize..(piece.at + piece.len) as usize).unwrap_or_default()
    }

    /// Sets one of the four texts, sanitized and cut to its limit.
    #[inline]
    pub fn set_field(&mut self, field: Field, value: &[u8]) -> Result<Sanitized, Refusal> {
        match self.put_field(field, value) {
            true => Ok(Sanitized::default()),
            false => self.set_field_slowly(field, value),
        }
    }

    /// Sets one of the four texts if it is short and ASCII, not empty, and there is room for it. No call is made. Returns false
    /// for all others.
    #[inline(always)]
    pub fn put_field(&mut self, field: Field, value: &[u8]) -> bool {
        let at = self.head.len();
        // Beyond `KEPT`, replaced texts are removed first, so that a field set repeatedly does not grow the buffer
        // without bound.
        let Some(value) = Short::of(value).filter(|value| !value.bytes().is_empty() && at <= KEPT) else {
            return false;
        };
        let mut draft = self.head.draft();
        let is_put = draft.put([value]) && draft.keep();
        if is_put {
            self.fields[field as usize] = Piece { at: at as u32, len: value.len() as u32 };
        }
        is_put
    }

    /// Sets the service. `tracers` is the hash of the tracer's service: a span with that service is stored without one,
    /// and gets the tracer's service and version when it is encoded.
    #[inline]
    pub fn set_service(&mut self, tracers: u32, service: &[u8]) -> Result<Sanitized, Refusal> {
        match self.put_service(tracers, service) {
            true => Ok(Sanitized::default()),
            false => self.set_service_slowly(tracers, service),
        }
    }

    /// Sets the tracer's service. Returns false for another service.
    #[inline(always)]
    pub fn put_service(&mut self, tracers: u32, service: &[u8]) -> bool {
        let is_own = service.is_empty() || hash(service) == tracers;
        if is_own {
            self.fields[Field::Service as usize] = Piece::default();
            self.service_hash = 0;
        }
        is_own
    }

    /// Sets a service that [`Self::put_service`] has not set.
    #[inline(never)]
    pub fn set_service_slowly(&mut self, tracers: u32, service: &[u8]) -> Result<Sanitized, Refusal> {
        let hash = hash(service);
        let own = service.is_empty() || hash == tracers;
        let sanitized = self.set_field(Field::Service, if own { b"" } else { service })?;
        self.service_hash = if own { 0 } else { hash };
        Ok(sanitized)
    }

    /// Sets one of the four texts that [`Self::put_field`] has not set.
    #[cold]
    #[inline(never)]
    pub fn set_field_slowly(&mut self, field: Field, value: &[u8]) -> Result<Sanitized, Refusal> {
        if value.is_empty() && !matches!(field, Field::Name) {
            self.fields[field as usize] = Piece::default();
            return Ok(Sanitized::default());
        }
        let value = if value.is_empty() && matches!(field, Field::Name) { UNNAMED } else { value };
        let (value, sanitized) = encode::sanitize(value, max_of(field));
        if self.head.len() > KEPT {
            self.close_head();
        }
        let at = self.head.len() as u32;
        self.head.push(&value)?;
        self.fields[field as usize] = Piece { at, len: value.len() as u32 };
        Ok(sanitized)
    }

    #[cold]
    pub(super) fn close_head(&mut self) {
        sys::keep_errno(|| self.rewrite_head());
    }

    fn rewrite_head(&mut self) {
        let kept: [Vec<u8>; 4] =
            [Field::Name, Field::Service, Field::Resource, Field::Type].map(|field| self.field(field).to_vec());
        self.head.truncate(0);
        for (piece, text) in self.fields.iter_mut().zip(kept) {
            *piece = Piece { at: self.head.len() as u32, len: text.len() as u32 };
            // Cannot fail: shorter than what was there.
            let _ = self.head.push(&text);
        }
    }

    /// Returns the buffer of the four texts, and the place and length of each in it.
    #[inline]
    pub fn head(&self) -> (&[u8], [(u32, u32); 4]) {
        (self.head.bytes(), self.fields.map(|piece| (piece.at, piece.len)))
    }
}

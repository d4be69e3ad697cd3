//! An open span: its ids, its four texts and its tags, encoded as the host sets them. Here are the fields and the four
//! texts; `tags` has the runs of texts and numbers, `blobs` the run of blobs, `label` what can be read while another
//! thread holds the span. `record` makes the finished form, `table` decides who may touch a span.

mod blobs;
mod hash;
mod inspected;
mod label;
mod tags;

pub use hash::hash;
pub use label::Label;
pub use tags::Value;

use super::encode::{self, Sanitized};
use super::run::{Kind, Run};
use super::table::Content;
use crate::memory::{self, Buffer, Full};

/// The most tags, texts and numbers together, that a span holds.
pub const TAGS_MAX: usize = 1024;
/// The longest key in bytes.
pub const KEY_MAX: usize = 200;
/// The longest value in bytes.
pub const VALUE_MAX: usize = 25_000;
/// The longest resource in bytes.
pub const RESOURCE_MAX: usize = 5_000;
/// The longest name, service or type in bytes.
pub const NAME_MAX: usize = 200;
/// The largest blob (`meta_struct`) in bytes.
pub const BLOB_MAX: usize = 1 << 20;
/// The name of a span that was given none; an agent would choose the same.
const UNNAMED: &[u8] = b"unnamed_operation";
/// Memory that a slot keeps for its next span, in bytes for each buffer.
const KEPT: usize = 4096;
/// And places in the index of keys.
const KEYS_KEPT: usize = 64;

/// Why something was not added to a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The span holds [`TAGS_MAX`] tags, or the value is too large to be cut.
    Limit,
    /// The process-wide bound on memory is reached.
    Memory,
}

impl From<Full> for Refusal {
    fn from(_: Full) -> Refusal {
        Refusal::Memory
    }
}

/// The four texts that every span has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Field {
    /// The operation.
    Name = 0,
    /// The service; empty stands for the tracer's own.
    Service,
    /// The resource; empty stands for the name.
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
struct Piece {
    at: u32,
    len: u32,
}

/// See the module. The numbers are set by whoever starts the span.
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
    /// And its generation.
    pub trace_generation: u32,
    /// [`ERROR`], [`LOCAL_ROOT`].
    pub flags: u32,
    /// The shard of the thread that started it, cut to a byte: where the flight recorder tells of it.
    pub shard: u8,
    /// Hash of the service, 0 for the tracer's own.
    pub service_hash: u32,
    /// The same of the parent.
    pub parent_service_hash: u32,
    start_given: bool,
    fields: [Piece; 4],
    head: Buffer,
    texts: Buffer,
    numbers: Buffer,
    blobs: Buffer,
    /// For each tag the hash of its key, and where it lies.
    keys: Vec<(u32, u32)>,
    /// What those occupy.
    keys_memory: memory::Claim,
    number_count: u32,
    blob_count: u32,
    dead: u32,
}

impl Content for OpenSpan {
    type Label = Label;
    const LISTED: bool = true;
}

impl OpenSpan {
    /// Empties the span for its slot's next one.
    #[inline]
    pub fn reset(&mut self) {
        self.fields = [Piece::default(); 4];
        self.head.clear(KEPT);
        self.texts.clear(KEPT);
        self.numbers.clear(KEPT);
        self.blobs.clear(0);
        self.keys.clear();
        if self.keys.capacity() > KEYS_KEPT {
            (self.keys, self.keys_memory) = (Vec::new(), memory::Claim::default());
        }
        self.start_given = false;
        (self.flags, self.service_hash, self.parent_service_hash) = (0, 0, 0);
        (self.number_count, self.blob_count, self.dead) = (0, 0, 0);
    }

    /// Gives all memory back, for a slot that is never used again.
    pub fn retire(&mut self) {
        *self = OpenSpan::default();
    }

    /// Starts the span at a time that the host knows, nanoseconds since 1970. Its end is then wall time, too.
    pub fn start_at(&mut self, start_ns: i64) {
        (self.start_ns, self.start_given) = (start_ns, true);
    }

    /// The start, if the host gave it.
    #[inline]
    pub fn given_start(&self) -> Option<i64> {
        self.start_given.then_some(self.start_ns)
    }

    /// One of the four texts.
    #[inline]
    pub fn field(&self, field: Field) -> &[u8] {
        let piece = self.fields[field as usize];
        self.head.bytes().get(piece.at as usize..(piece.at + piece.len) as usize).unwrap_or_default()
    }

    /// Sets one of the four texts, sanitized and cut to its limit.
    #[inline]
    pub fn set_field(&mut self, field: Field, value: &[u8]) -> Result<Sanitized, Refusal> {
        let max = if matches!(field, Field::Resource) { RESOURCE_MAX } else { NAME_MAX };
        let at = self.head.len();
        if value.is_empty() && !matches!(field, Field::Name) {
            self.fields[field as usize] = Piece::default();
            return Ok(Sanitized::default());
        }
        // A field set over and over must not make the record grow without end.
        if value.len() <= max && at <= KEPT && !value.is_empty() {
            if memory::copy_ascii(self.head.tail(value.len())?, value) {
                self.fields[field as usize] = Piece { at: at as u32, len: value.len() as u32 };
                return Ok(Sanitized::default());
            }
            self.head.truncate(at);
        }
        self.set_field_slowly(field, value, max)
    }

    /// Sets the service. A span that names the tracer's own, of this hash, is like one that names none: then it follows the
    /// tracer, and its version.
    #[inline]
    pub fn set_service(&mut self, tracers: u32, service: &[u8]) -> Result<Sanitized, Refusal> {
        let hash = hash(service);
        let own = service.is_empty() || hash == tracers;
        self.service_hash = if own { 0 } else { hash };
        self.set_field(Field::Service, if own { b"" } else { service })
    }

    #[cold]
    fn set_field_slowly(&mut self, field: Field, value: &[u8], max: usize) -> Result<Sanitized, Refusal> {
        let value = if value.is_empty() && matches!(field, Field::Name) { UNNAMED } else { value };
        let (value, sanitized) = encode::sanitize(value, max);
        if self.head.len() > KEPT {
            self.close_head();
        }
        let at = self.head.len() as u32;
        self.head.push(&value)?;
        self.fields[field as usize] = Piece { at, len: value.len() as u32 };
        Ok(sanitized)
    }

    #[cold]
    fn close_head(&mut self) {
        let kept: [Vec<u8>; 4] =
            [Field::Name, Field::Service, Field::Resource, Field::Type].map(|field| self.field(field).to_vec());
        self.head.truncate(0);
        for (piece, text) in self.fields.iter_mut().zip(kept) {
            *piece = Piece { at: self.head.len() as u32, len: text.len() as u32 };
            // Shorter than what was there: it fits.
            let _ = self.head.push(&text);
        }
    }

    /// The four texts as they lie together, and where in that each is: its place and its length.
    #[inline]
    pub fn head(&self) -> (&[u8], [(u32, u32); 4]) {
        (self.head.bytes(), self.fields.map(|piece| (piece.at, piece.len)))
    }

    /// The runs of tags, in the order of [`Kind::ALL`]. No gaps after [`OpenSpan::close_gaps`].
    #[inline]
    pub fn runs(&self) -> [Run<'_>; Kind::ALL.len()] {
        [
            Run::new(Kind::Text, (self.texts.bytes(), self.keys.len() as u32 - self.number_count)),
            Run::new(Kind::Number, (self.numbers.bytes(), self.number_count)),
            Run::new(Kind::Blob, (self.blobs.bytes(), self.blob_count)),
        ]
    }

    /// Takes the dead pairs out of both runs, and what was replaced out of the four texts, if there is any.
    #[inline]
    pub fn close_gaps(&mut self) {
        if self.dead > 0 {
            self.rewrite_runs();
        }
        if self.head.len() != self.fields.iter().map(|piece| piece.len as usize).sum::<usize>() {
            self.close_head();
        }
    }
}

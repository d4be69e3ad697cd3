//! OTLP, the format of OpenTelemetry, as Protocol Buffers over HTTP: resources with the spans of each. A resource is a service of
//! this process. Tags are attributes with the types that the library knows.

use super::chunks::{self, Chunks};
use super::encoder::{put, Fit, PayloadFormat, Sender, Spans};
use super::memo::{self, Found, Memo};
use super::protobuf::{key, put_bytes, put_fixed, put_number, put_tagged, Message};
use super::spans::{kind_of, Span};
use crate::export::metadata::Metadata;
use crate::memory::{Buffer, Full};
use crate::settings::Settings;
use crate::span::attributes::{Attributes, Scalar, Value};
use crate::span::open::ERROR;
use crate::span::run::{self, Item, Kind};
use crate::trace::{ID_HIGH, TRACESTATE};
use std::io::Write;
use std::sync::Arc;

/// See the module.
#[derive(Default)]
pub struct Otlp {
    open: Option<Open>,
    memo: Memo,
    /// Those of the tracer whose payload it is.
    settings: Option<Arc<Settings>>,
    /// What the resources of the payload have beside their services.
    resource: Buffer,
    /// The compressed payload while it is made.
    packed: Buffer,
    /// The size of the finished payload before it was compressed.
    whole: usize,
}

/// Writes into a buffer, which counts against the limit of memory.
struct Counted<'a>(&'a mut Buffer);

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        put(self.0, bytes).map_err(|_| std::io::ErrorKind::OutOfMemory)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The resource to which spans are added.
#[derive(Clone, Copy)]
pub(super) struct Open {
    resource: Message,
    scope: Message,
    /// Where its service is in the body, and its length.
    service: (usize, usize),
}

impl PayloadFormat for Otlp {
    fn begin(&mut self, _: &mut Buffer, metadata: &Metadata) -> Result<(), Full> {
        self.open = None;
        self.memo.clear();
        self.settings = Some(metadata.settings.clone());
        let (identity, resource) = (&metadata.identity, &mut self.resource);
        resource.truncate(0);
        let settings = &metadata.settings;
        for (key, text) in [
            ("deployment.environment.name", settings.env.as_str()),
            ("service.instance.id", &metadata.runtime_id),
            ("host.name", if settings.report_hostname { &settings.hostname } else { "" }),
            ("container.id", identity.container_id.as_deref().unwrap_or_default()),
            ("telemetry.sdk.name", "spanwire"),
            ("telemetry.sdk.language", &identity.language),
            ("telemetry.sdk.version", &identity.tracer_version),
        ] {
            if !text.is_empty() {
                put_pair(resource, 1, key.as_bytes(), TEXT, text.as_bytes())?;
            }
        }
        let pid = i64::from(metadata.process_id);
        put_attribute(resource, 1, b"process.pid", Value::One(Scalar::Integer(pid)))
    }

    fn add(&mut self, body: &mut Buffer, spans: &Spans<'_>, fit: Fit, limit: usize) -> Result<usize, Full> {
        chunks::add(self, body, spans, fit, limit)
    }

    fn finish(&mut self, body: &mut Buffer) -> Result<(), Full> {
        self.close(body);
        self.whole = body.len();
        if !self.settings.as_ref().is_some_and(|settings| settings.otlp_gzip) {
            return Ok(());
        }
        self.packed.truncate(0);
        let mut packer = flate2::write::GzEncoder::new(Counted(&mut self.packed), flate2::Compression::fast());
        packer.write_all(body.bytes()).and_then(|()| packer.try_finish()).map_err(|_| Full)?;
        drop(packer);
        std::mem::swap(body, &mut self.packed);
        self.packed.clear(0);
        Ok(())
    }

    fn whole_size(&self, _: usize) -> usize {
        self.whole
    }

    fn path(&self) -> &'static str {
        ""
    }

    fn content_type(&self) -> &'static str {
        "application/x-protobuf"
    }

    fn headers(&self, _: &Sender<'_>, add: &mut dyn FnMut(&'static str, &str)) {
        if self.settings.as_ref().is_some_and(|settings| settings.otlp_gzip) {
            add("Content-Encoding", "gzip");
        }
    }

    fn more_headers(&self) -> &[(String, String)] {
        self.settings.as_ref().map(|settings| &settings.otlp_headers[..]).unwrap_or_default()
    }
}

impl Chunks for Otlp {
    type Mark = Option<Open>;

    fn begin_chunk(&mut self, _: &mut Buffer, spans: &Spans<'_>) -> Result<(), Full> {
        self.memo.begin_chunk(spans.chunk);
        Ok(())
    }

    fn span(&mut self, body: &mut Buffer, span: Span<'_>, bytes: &[u8]) -> Result<(), Full> {
        let (record, chunk) = (&span.record, span.chunk);
        self.use_service(body, &span, span.service_and_resource().0)?;
        let message = Message::begin(body, 2)?;
        let start = record.start_ns.max(0) as u64;
        let mut room = body.room_beyond(18 + 10 + 10 + 2 * 9)?;
        room.put_fixed([key(1, 2), 16]);
        room.put_fixed(chunk.trace_id().to_be_bytes());
        room.put_fixed([key(2, 2), 8]);
        room.put_fixed(record.span_id.to_be_bytes());
        if record.parent_id != 0 {
            room.put_fixed([key(4, 2), 8]);
            room.put_fixed(record.parent_id.to_be_bytes());
        }
        for (field, time) in [(7, start), (8, start.saturating_add(record.duration_ns))] {
            room.put_fixed([key(field, 1)]);
            room.put_fixed(time.to_le_bytes());
        }
        drop(room);
        if let Some(tracestate) = chunk.tags.get(TRACESTATE) {
            put_bytes(body, 3, tracestate)?;
        }
        // The first span has tags of its trace. The status has a text of the span's.
        let of_texts = if span.first { &[] } else { memo::key(bytes, &span) };
        let (variant, texts) = ((record.flags & ERROR).into(), body.len());
        let found = self.memo.find(of_texts, variant);
        match &found {
            Found::Kept(kept) => self.memo.put(body, kept, 0)?,
            _ => put_texts(body, &span)?,
        }
        if let Found::Again(place) = found {
            self.memo.keep(place, of_texts, variant, [&body.bytes()[texts..], &[], &[]], [0; 3]);
        }
        let mut result = Ok(());
        span.each_number(&mut |key, value| {
            // A whole number is an integer for those who read it.
            let exact = value as i64;
            let whole = exact as f64 == value && exact.unsigned_abs() < 1 << 53;
            let value = if whole { Scalar::Integer(exact) } else { Scalar::Float(value) };
            result = result.and_then(|()| put_attribute(body, 9, key, Value::One(value)));
        });
        if span.has_more {
            let [_, _, blobs, links, events] = record.runs();
            for (kind, run) in [(Kind::Blob, blobs), (Kind::Event, events), (Kind::Link, links)] {
                run::each(kind, run.bytes, |item| result = result.and_then(|()| put_item(body, item)));
            }
        }
        result?;
        // Field 16, four bytes: the trace flags of W3C.
        let sampled = chunk.decision.priority().is_none_or(|priority| priority > 0);
        put(body, &[0x85, 1, u8::from(sampled), 0, 0, 0])?;
        message.end(body);
        Ok(())
    }

    fn end_chunk(&mut self, _: &mut Buffer, _: usize) {}

    fn size(&self, body: &Buffer) -> usize {
        body.len()
    }

    fn mark(&self) -> Option<Open> {
        self.open
    }

    fn return_to(&mut self, mark: Option<Open>) {
        self.open = mark;
    }
}

impl Otlp {
    fn close(&mut self, body: &mut Buffer) {
        if let Some(open) = self.open.take() {
            open.scope.end(body);
            open.resource.end(body);
        }
    }

    /// Begins another resource, unless the service is that of the last span.
    fn use_service(&mut self, body: &mut Buffer, span: &Span<'_>, service: &[u8]) -> Result<(), Full> {
        if let Some(Open { service: (at, len), .. }) = self.open {
            if body.bytes().get(at..at + len) == Some(service) {
                return Ok(());
            }
        }
        self.close(body);
        let message = Message::begin(body, 1)?;
        let resource = Message::begin(body, 1)?;
        put_pair(body, 1, b"service.name", TEXT, service)?;
        let at = body.len() - service.len();
        if let Some(version) = span.tracers_version() {
            put_pair(body, 1, b"service.version", TEXT, version)?;
        }
        put(body, self.resource.bytes())?;
        resource.end(body);
        let scope = Message::begin(body, 2)?;
        let name = Message::begin(body, 1)?;
        put_bytes(body, 1, b"spanwire")?;
        put_bytes(body, 2, env!("CARGO_PKG_VERSION").as_bytes())?;
        name.end(body);
        self.open = Some(Open { resource: message, scope, service: (at, service.len()) });
        Ok(())
    }
}

/// Appends what a span has of texts: its name, attributes, kind and status.
fn put_texts(body: &mut Buffer, span: &Span<'_>) -> Result<(), Full> {
    let (record, (service, resource)) = (&span.record, span.service_and_resource());
    put_bytes(body, 5, resource)?;
    for (key, text) in
        [(&b"operation.name"[..], record.name), (b"resource.name", resource), (b"span.type", record.span_type)]
    {
        if !text.is_empty() && !run::has(Kind::Text, span.texts.bytes, key) {
            put_pair(body, 9, key, TEXT, text)?;
        }
    }
    let (mut kind, mut result, mut message_of_error) = (0, Ok(()), None);
    span.each_own_text(&mut |key, value| {
        match key {
            b"span.kind" if kind_of(value).is_some() => kind = kind_of(value).unwrap_or_default(),
            // The resource has it.
            b"service.name" if value == service => {}
            _ => result = result.and_then(|()| put_pair(body, 9, key, TEXT, value)),
        }
        if key == b"error.message" {
            message_of_error = Some(value);
        }
    });
    let has_version = span.tracers_version().is_some();
    span.each_added(&mut |key, value| {
        // The resource has some, the ids and flags of the span have others.
        let is_of_resource = matches!(key, b"env" | b"runtime-id" | b"language") || (has_version && key == b"version");
        if !is_of_resource && key != ID_HIGH {
            result = result.and_then(|()| put_pair(body, 9, key, TEXT, value));
        }
    });
    result?;
    if kind != 0 {
        put_number(body, 6, kind.into())?;
    }
    if record.flags & ERROR != 0 {
        let status = Message::begin(body, 15)?;
        put_bytes(body, 2, message_of_error.unwrap_or_default())?;
        put_number(body, 3, 2)?;
        status.end(body);
    }
    Ok(())
}

/// How many bytes a number takes.
fn varint_size(value: u64) -> usize {
    (u64::BITS - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// How many bytes a field with so many bytes takes.
fn field_size(len: usize) -> usize {
    1 + varint_size(len as u64) + len
}

/// The fields of a value that hold bytes.
const TEXT: u8 = 1;
const BLOB: u8 = 7;

/// Appends an attribute with a text or a blob. Most attributes are such.
#[inline(never)]
fn put_pair(out: &mut Buffer, field: u8, key: &[u8], kind: u8, bytes: &[u8]) -> Result<(), Full> {
    put_key(out, field, key, field_size(bytes.len()))?;
    put_bytes(out, kind, bytes)
}

/// Appends the beginning of an attribute, up to a value of so many bytes.
#[inline(never)]
fn put_key(out: &mut Buffer, field: u8, key: &[u8], size: usize) -> Result<(), Full> {
    put_tagged(out, field << 3 | 2, (field_size(key.len()) + field_size(size)) as u64)?;
    put_bytes(out, 1, key)?;
    put_tagged(out, 2 << 3 | 2, size as u64)
}

/// How many bytes a value takes without its tag and its length.
fn scalar_size(value: Scalar<'_>) -> usize {
    match value {
        Scalar::Text(text) => field_size(text.len()),
        Scalar::Bool(_) => 2,
        Scalar::Integer(value) => 1 + varint_size(value as u64),
        Scalar::Float(_) => 9,
    }
}

#[inline(never)]
fn put_scalar(out: &mut Buffer, value: Scalar<'_>) -> Result<(), Full> {
    match value {
        Scalar::Text(text) => put_bytes(out, TEXT, text),
        Scalar::Bool(value) => put_number(out, 2, value.into()),
        Scalar::Integer(value) => put_number(out, 3, value as u64),
        Scalar::Float(value) => put_fixed(out, 4, value.to_bits()),
    }
}

/// Appends an attribute.
#[inline(never)]
fn put_attribute(out: &mut Buffer, field: u8, key: &[u8], value: Value<'_>) -> Result<(), Full> {
    let values = match value {
        Value::One(value) => {
            put_key(out, field, key, scalar_size(value))?;
            return put_scalar(out, value);
        }
        Value::Array(values) => values,
    };
    let size = values.map(|value| field_size(scalar_size(value))).sum();
    put_key(out, field, key, field_size(size))?;
    put_tagged(out, 5 << 3 | 2, size as u64)?;
    for value in values {
        put_tagged(out, 1 << 3 | 2, scalar_size(value) as u64)?;
        put_scalar(out, value)?;
    }
    Ok(())
}

fn put_attributes(out: &mut Buffer, field: u8, mut attributes: Attributes<'_>) -> Result<(), Full> {
    attributes.try_for_each(|(key, value)| put_attribute(out, field, key, value))
}

/// Appends a blob, an event or a link of a span.
fn put_item(out: &mut Buffer, item: Item<'_>) -> Result<(), Full> {
    match item {
        Item::Blob(key, bytes) => put_pair(out, 9, key, BLOB, bytes),
        Item::Event(event) => {
            let message = Message::begin(out, 11)?;
            put_fixed(out, 1, event.time_ns)?;
            put_bytes(out, 2, event.name)?;
            put_attributes(out, 3, event.attributes)?;
            message.end(out);
            Ok(())
        }
        Item::Link(link) => {
            let message = Message::begin(out, 13)?;
            let id = u128::from(link.trace_id_high) << 64 | u128::from(link.trace_id_low);
            put_bytes(out, 1, &id.to_be_bytes())?;
            put_bytes(out, 2, &link.span_id.to_be_bytes())?;
            put_bytes(out, 3, link.tracestate)?;
            put_attributes(out, 4, link.attributes)?;
            // Field 6, four bytes. The bit that says that flags are known is not one of W3C.
            let [a, b, c, d] = (link.flags & !crate::span::links::FLAGS_KNOWN).to_le_bytes();
            put(out, &[6 << 3 | 5, a, b, c, d])?;
            message.end(out);
            Ok(())
        }
        Item::Text(..) | Item::Number(..) => Ok(()),
    }
}

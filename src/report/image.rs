//! What a process holds, read from its memory by the names in its table: tracers, open spans, traces, chunks on their
//! way, log records, the flight recorder. Neither redacted nor formatted. `model` has the types, `process` reads them,
//! with `spans` and `exporters`.

mod exporters;
mod model;
mod process;
mod spans;

pub use model::{Chunk, Exporter, Image, Place, Span, Tag, Tracer, TAGS};

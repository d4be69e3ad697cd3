//! What a process holds, taken out of its memory by the names in its table: tracers, open spans, traces, what waits to be
//! sent, the log's records, the flight recorder. As it lies there: nothing is redacted or put into words here. `model` is
//! what is found, `process` takes it, with `spans` and `exporters`.

mod exporters;
mod model;
mod process;
mod spans;

pub use model::{Chunk, Exporter, Image, Pair, Place, Span, Tag, Trace, Tracer};

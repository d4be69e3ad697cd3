//! What the companion program, and the tests of documents and logs, use of the library in Rust. There only with the
//! feature `cli`. Everybody else uses the C API: what is here may change with any version.

/// The counters' names.
pub mod counters {
    pub use crate::counters::NAMES;
}

/// Sending a payload to an agent by itself, without a tracer.
pub mod export {
    pub use crate::export::deliver;
    pub use crate::export::format;
    pub use crate::export::transport::agent;
    pub use crate::export::transport::parse_retry_after;
    pub use crate::export::{Identity, Metadata, Pairs};
}

/// Making and sending flares.
pub mod flare {
    pub use crate::flare::contents::{Contents, Keep, MANIFEST};
    pub use crate::flare::facts::Identity;
    pub use crate::flare::{event_line, process, send, write, FlareTask, Form};
}

/// Who this process is.
pub mod host {
    pub use crate::host::{container_id, hostname};
}

/// How readers recognise the table of structures in memory.
pub mod inspect {
    pub use crate::inspect::table::MAGIC;
}

/// The languages.
pub mod languages {
    pub use crate::languages::{dialects, reading, Dialect, ALL, FOR_SETTINGS};
}

/// The memory of spans.
pub mod memory {
    pub use crate::memory::{max, used, Buffer};
}

/// Reading flight recorders.
pub mod recorder {
    pub use crate::recorder::{control, fates, layout, snapshot, Kind, Snapshot, MEMORY_NAME};
}

/// The redactor.
pub mod redact {
    pub use crate::redact::{text, words, REDACTED};
}

/// Reading the memory of another process.
pub mod report {
    pub use crate::report::{answer, image, json, text, understood, Fault, Image, Memory};
}

/// The table of all settings, and what is in force.
pub mod settings {
    pub use crate::settings::{address, language, table};
    pub use crate::settings::{AgentAddress, Origin, Program, Rejected, Settings, Value};
}

/// Finished spans, as a core holds them.
pub mod span {
    pub use crate::span::record::Record;
}

/// System calls that the standard library does not offer.
pub mod sys {
    pub use crate::sys::{named_descriptor, pid, random_bytes, utc_time, wall_ns, Descriptor};
}

/// Chunks of traces.
pub mod trace {
    pub use crate::trace::Chunk;
}

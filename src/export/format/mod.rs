//! Payload formats. A format encodes chunks for their receiver, and names the path and the headers of the request
//! (`encoder`). `negotiation` chooses the one that an agent is offered. `spans` and `linked` have what all formats share, `parts`,
//! `chunks`, `strings`, `memo` and `to_agent` what those share that walk over records, `added` what `v04` has encoded of added
//! tags.
//!
//! `v04` is a plain join of bytes, because records hold tags as that format sends them. A format with a table of strings
//! for the whole payload keeps the table as state from `begin` to `finish`.

mod added;
mod chunks;
mod encoder;
pub mod json_lines;
mod linked;
mod memo;
mod negotiation;
mod otlp;
mod parts;
mod protobuf;
mod spans;
mod strings;
mod to_agent;
pub mod v04;
mod v05;
mod v1;

pub use encoder::{Fit, PayloadFormat, Sender, Spans};
pub use negotiation::{Format, Formats, Known};
pub use protobuf::read as read_protobuf;
#[cfg(feature = "cli")]
pub use protobuf::varint;
pub use spans::order;

//! Payload formats. A format encodes chunks for their receiver, and names the path and the headers of the request
//! (`encoder`). `spans`, `added` and `linked` have what the formats share. The formats that an agent is offered form a list (`negotiation`).
//!
//! `v04` is a plain join of bytes, because records hold tags as that format sends them. A format with a table of strings
//! for the whole payload keeps the table as state from `begin` to `finish`.

mod added;
mod encoder;
pub mod json_lines;
mod linked;
mod negotiation;
mod spans;
pub mod v04;

pub use encoder::{Fit, PayloadFormat, Sender, Spans};
pub use negotiation::{Format, Offer};
pub use spans::order;

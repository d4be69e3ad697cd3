//! An open span: its ids, its four texts and its tags, encoded as the host sets them. `fields` has the numbers and the four
//! texts, `tags` the runs of texts and numbers, `draft` sets many of them at once, `seen` the set of keys, `blobs` the run of
//! blobs, `linked` those of links and events, `label` what can be read while another thread holds the span. `record` makes the
//! finished form, `table` decides who may touch a span.

mod blobs;
mod draft;
mod fields;
mod hash;
mod inspected;
mod label;
mod limits;
mod linked;
mod seen;
mod tags;

pub use draft::ROW;
pub use fields::{Field, OpenSpan, ERROR, LOCAL_ROOT, TOP_LEVEL};
pub use hash::hash;
pub use limits::{Refusal, BLOB_MAX, KEY_MAX, NAME_MAX, RESOURCE_MAX, TAGS_MAX, VALUE_MAX};
pub use tags::Value;

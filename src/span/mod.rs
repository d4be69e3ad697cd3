//! Spans: the table of slots ([`table`]), open spans ([`open`]), finished ones ([`record`]) and their runs of tags
//! ([`run`]), MessagePack ([`encode`]), ids ([`ids`]) and time ([`clock`]). `crate::trace` groups spans into traces.

pub mod clock;
pub mod encode;
pub mod ids;
pub mod open;
pub mod record;
pub mod run;
#[allow(unsafe_code)]
pub mod table;
pub mod texts;

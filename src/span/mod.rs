//! Spans: the table of slots ([`table`]), open spans ([`open`]), finished ones ([`record`]), their runs of tags, links and
//! events ([`run`], [`links`], [`attributes`]), MessagePack ([`encode`], [`reader`], [`structured`]), ids ([`ids`]) and time ([`clock`]).
//! `crate::trace` groups spans into traces.

pub mod attributes;
pub mod clock;
pub mod encode;
pub mod ids;
pub mod links;
pub mod open;
pub mod reader;
pub mod record;
pub mod run;
pub mod structured;
#[allow(unsafe_code)]
pub mod table;
pub mod texts;

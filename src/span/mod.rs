//! Spans: the table of slots that handles name ([`table`]), a span's bytes while it is open ([`open`]) and once it is
//! finished ([`record`]), ids ([`ids`]) and time ([`clock`]). What makes spans a trace is in `crate::trace`.

pub mod clock;
pub mod encode;
pub mod ids;
pub mod open;
pub mod record;
pub mod run;
#[allow(unsafe_code)]
pub mod table;

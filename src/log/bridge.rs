//! Connects our log with the `log` crate, in both directions.
//!
//! In the shared and the static library, whose copy of the crate is their own: the HTTP client `ureq` writes its
//! records through the crate; here they become records of the logger `ureq`, at debug and trace. In a Rust host the
//! crate's one logger is the host's: it has the records of `ureq` already, and [`forward`] gives it ours.
//!
//! Only on threads that call [`attach`]: workers. Without debug mode the `log` crate discards each record after one
//! load, because `switch.rs` sets its level.

use super::{enabled, Event, Level, Logs};
use ::log::{Log, Metadata, Record};
use std::cell::Cell;

/// The logger of these records.
const LOGGER: &str = "ureq";
/// Writes the heads of requests, and answers, in rows of 16 bytes: a secret in a header could not be redacted.
const EVERY_BYTE: &str = "ureq_proto::util";
/// Writes which state a request is in.
const STATES: &str = "ureq_proto::";

thread_local! {
    /// Where the records of this thread go.
    static LOGS: Cell<Option<&'static Logs>> = const { Cell::new(None) };
}

struct Bridge;

/// Sends what other crates log on the calling thread to `logs`.
pub fn attach(logs: &'static Logs) {
    if cfg!(any(spanwire_shared, spanwire_static)) {
        // Fails from the second call on: the logger stays.
        let _ = ::log::set_logger(&Bridge);
        LOGS.set(Some(logs));
    }
}

/// Returns the level of a record in our log; `None` for one that is never logged.
fn level(of: &Metadata<'_>) -> Option<Level> {
    match (of.level(), of.target()) {
        (_, EVERY_BYTE) => None,
        (::log::Level::Trace, _) => Some(Level::Trace),
        (_, target) if target.starts_with(STATES) => Some(Level::Trace),
        // What the client warns of, we report ourselves with what it means for spans.
        _ => Some(Level::Debug),
    }
}

impl Log for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        level(metadata).is_some_and(enabled) && LOGS.get().is_some()
    }

    fn log(&self, record: &Record<'_>) {
        let Some(level) = level(record.metadata()).filter(|level| enabled(*level)) else { return };
        // Absent meanwhile, so that a record never causes another one.
        let Some(logs) = LOGS.take() else { return };
        logs.emit(&Event::HostText { level, target: LOGGER, text: &record.args().to_string() });
        LOGS.set(Some(logs));
    }

    fn flush(&self) {}
}

/// Passes a record of ours to the crate's logger.
pub fn forward(record: &super::Record) {
    let level = match record.level {
        Level::Off => return,
        Level::Error => ::log::Level::Error,
        Level::Warn => ::log::Level::Warn,
        Level::Info => ::log::Level::Info,
        Level::Debug => ::log::Level::Debug,
        Level::Trace => ::log::Level::Trace,
    };
    let message = record.text.get(record.message_at..).unwrap_or(&record.text);
    ::log::log!(target: &record.logger, level, "{message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level_of(target: &str, at: ::log::Level) -> Option<Level> {
        level(&Metadata::builder().target(target).level(at).build())
    }

    #[test]
    fn the_bytes_of_requests_are_never_logged() {
        assert_eq!(level_of("ureq_proto::util", ::log::Level::Trace), None);
        assert_eq!(level_of("ureq_proto::util", ::log::Level::Error), None);
        assert_eq!(level_of("ureq_proto::client", ::log::Level::Debug), Some(Level::Trace));
        assert_eq!(level_of("ureq::pool", ::log::Level::Debug), Some(Level::Debug));
        assert_eq!(level_of("ureq::unversioned::transport", ::log::Level::Warn), Some(Level::Debug));
    }
}

//! For Rust hosts, which link the crate itself: no part of the C API.

use super::guard;
use super::status::*;
use crate::log::{bridge, Level, SinkFn};
use crate::sys;
use crate::tracer::Error;
use std::sync::Arc;

/// Adds a sink that passes each record of `level` and worse to the host's logger of the `log` crate. The target is the
/// record's logger. The host's logger is called on the log's thread; what it logs to spanwire meanwhile is counted, not
/// delivered.
///
/// Returns `SPANWIRE_E_LIMIT` where there are `SPANWIRE_SINKS_MAX` sinks.
pub fn forward_log(level: log::LevelFilter) -> spanwire_status {
    guard(|state| {
        let level = Level::from_number(level as i32).ok_or(Error::Argument)?;
        // Descendants keep the parent's sinks.
        let forward = sys::outliving(|| Arc::new(bridge::forward) as SinkFn);
        state.shared.logs.add_sink(level, forward, None).map(|_| ()).map_err(|_| Error::Limit)
    })
}

//! Switching debug mode while the process runs.

use super::status::*;
use super::{guard, guard_value};
use crate::sys;

/// Turns debug mode on or off for the whole process. In debug mode the log has a line for each span, chunk and payload.
/// A call before the first tracer stays in force. `DD_TRACE_DEBUG` does the same from the start. While remote configuration
/// turns debug mode on or off, that is in force; afterwards it is what the last call said.
///
/// @param enabled  0 for off, any other number for on
///
/// @return SPANWIRE_OK
///
/// Threads:   any.
/// Blocks:    never.
/// Fork:      a child inherits the mode.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_debug_set(enabled: i32) -> spanwire_status {
    guard(|state| {
        state.shared.logs.debug_set(enabled != 0);
        Ok(())
    })
}

/// Turns debug mode on for a limited time. Afterwards the former mode returns. Remote configuration overrides it, as with
/// spanwire_debug_set().
///
/// @param seconds  how long; 0 ends a running limited time
///
/// @return SPANWIRE_OK
///
/// Threads:   any.
/// Blocks:    never.
/// Fork:      a child inherits the mode; the time ends in both processes at once.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_debug_set_for(seconds: u32) -> spanwire_status {
    guard(|state| {
        state.shared.logs.debug_set_for(seconds);
        Ok(())
    })
}

/// Returns whether debug mode is on, by a setting, a call or remote configuration. A level of the log that remote
/// configuration has raised for a flare is not debug mode.
///
/// @return 1 if it is on, else 0
///
/// Threads:   any.
/// Blocks:    never.
/// Fork:      a child inherits the mode.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_debug_get() -> i32 {
    guard_value(0, |state| sys::uncancelled(|| i32::from(state.shared.logs.debug_get())))
}

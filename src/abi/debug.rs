//! Debug mode, while the process runs.

use super::status::*;
use super::{guard, guard_value};
use crate::sys;

/// Turns debug mode on or off, for the whole process. In debug mode there is a log line for each span, chunk and
/// payload. Set before the first tracer it stays; `DD_TRACE_DEBUG` does the same from the start.
///
/// @param enabled  0 for off, anything else for on
///
/// @return SPANWIRE_OK
///
/// Threads:   any.
/// Blocks:    never.
/// Fork:      a child has its parent's mode.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_debug_set(enabled: i32) -> spanwire_status {
    guard(|state| {
        state.shared.logs.debug_set(enabled != 0);
        Ok(())
    })
}

/// Turns debug mode on for a while; afterwards it is what it was.
///
/// @param seconds  how long; 0 ends a while that is running
///
/// @return SPANWIRE_OK
///
/// Threads:   any.
/// Blocks:    never.
/// Fork:      a child's while ends when its parent's does.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_debug_set_for(seconds: u32) -> spanwire_status {
    guard(|state| {
        state.shared.logs.debug_set_for(seconds);
        Ok(())
    })
}

/// Whether debug mode is on.
///
/// @return 1 if it is, else 0
///
/// Threads:   any.
/// Blocks:    never.
/// Fork:      a child has its parent's mode.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_debug_get() -> i32 {
    guard_value(0, |state| sys::uncancelled(|| i32::from(state.shared.logs.debug_get())))
}

//! Sinks: callbacks that get log records on the log's own thread.

use super::{hand_over, spanwire_log_callback, spanwire_release, spanwire_sink};
use crate::abi::arg::{Callback, Out, Userdata};
use crate::abi::guard;
use crate::abi::status::*;
use crate::log::{Level, Record, ReleaseFn, SinkError};
use crate::sys;
use crate::tracer::Error;
use std::ffi::c_void;
use std::sync::Arc;

/// A sink's callback or release function. Both run on the log's thread.
struct AnyThread<T>(T);

// SAFETY: the host that adds a sink promises that its functions may be called from any thread; the export is named so.
unsafe impl<T> Send for AnyThread<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for AnyThread<T> {}

impl<T> AnyThread<T> {
    fn get(&self) -> &T {
        &self.0
    }
}

struct Release {
    function: unsafe extern "C" fn(*mut c_void),
    userdata: Userdata,
}

impl Release {
    fn run(&self) {
        // SAFETY: the caller gives a function that may be called with its `userdata`.
        unsafe { (self.function)(self.userdata.0) }
    }
}

/// Adds a callback that is called with each record, on the log's own thread. Not for PHP, Ruby, Python or Node: there a
/// call from a foreign thread ends or blocks the process. Those hosts use spanwire_log_poll() or spanwire_log_drain().
///
/// A record may reach the callback before this call has returned and set `id`. Adding a callback twice makes two sinks.
/// A slow callback delays other sinks; records are then lost and counted. It never delays the threads that log.
///
/// @param level     the least important level that the callback receives; it gets no more than the process logs
/// @param callback  called with each record, one call at a time
/// @param userdata  passed to the callback
/// @param release   called once with `userdata` when the sink is removed and its last call has returned; NULL for none.
///                  Not called if adding fails
/// @param id        receives the sink's handle; 0 on failure
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `callback` or `id` is NULL, or the level is invalid
///         SPANWIRE_E_LIMIT    there are SPANWIRE_SINKS_MAX sinks
///
/// Threads:   any.
/// Blocks:    never; the first record for a sink starts the log's thread, which has all signals blocked.
/// Fork:      a child inherits the sinks; its first record starts a thread of its own.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_log_add_sink_any_thread(
    level: i32,
    callback: spanwire_log_callback,
    userdata: Userdata,
    release: spanwire_release,
    id: Out<spanwire_sink>,
) -> spanwire_status {
    guard(|state| {
        id.require(0)?;
        let level = Level::from_number(level).ok_or(Error::Argument)?;
        let callback = AnyThread(Callback::of(callback, userdata)?);
        let call = move |record: &Record| hand_over(callback.get(), record);
        // Descendants keep the parent's sinks.
        let release = release.map(|function| {
            let release = AnyThread(Release { function, userdata });
            sys::outliving(|| Arc::new(move || release.get().run()) as ReleaseFn)
        });
        let call = sys::outliving(|| Arc::new(call));
        id.set(state.shared.logs.add_sink(level, call, release).map_err(|_| Error::Limit)?);
        Ok(())
    })
}

/// Maximum number of sinks of a process.
pub const SPANWIRE_SINKS_MAX: usize = 64;
// The value is a literal because cbindgen resolves no paths.
const _: () = assert!(SPANWIRE_SINKS_MAX == crate::log::SINKS_MAX);

/// Removes a sink. After SPANWIRE_OK its callback does not run any more, and `release` was called. Called from inside
/// that callback it returns at once, and `release` is called after the callback.
///
/// @param id  a sink; 0 does nothing
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_NOT_FOUND there is no such sink, or another call is removing it
///         SPANWIRE_E_TIMEOUT   its callback has not returned within 10 s; it is not called again, and `release` is
///                              called when it returns
///
/// Threads:   any. Do not hold a lock that the callback takes.
/// Blocks:    while the callback runs, up to 10 s.
/// Fork:      a child removes its own copy only.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_log_remove_sink(id: spanwire_sink) -> spanwire_status {
    guard(|state| {
        if id == 0 {
            return Ok(());
        }
        state.shared.logs.remove_sink(id).map_err(|error| match error {
            SinkError::NotFound => Error::NotFound,
            SinkError::TooMany => Error::Limit,
            SinkError::Timeout => Error::Timeout,
        })
    })
}

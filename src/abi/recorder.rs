//! The flight recorder: the last events of this process, read from inside it.
#![allow(non_camel_case_types)]

use super::arg::{Callback, Out, Userdata};
use super::sized::Sized_;
use super::status::*;
use super::{guard, guard_value};
use crate::log::Returned;
use crate::recorder::snapshot::Event;
use crate::sys;
use crate::tracer::{recording, Error};
use std::ffi::{c_char, c_void, CString};

/// An event of the flight recorder. In a callback it and its texts are valid while that runs.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_recorder_event {
    /// `sizeof(spanwire_recorder_event)` of the library.
    pub size: usize,
    /// When it happened, nanoseconds since 1970; of a span its start or its end.
    pub time_ns: u64,
    /// What happened, as a number: 1 span started, 2 finished, 3 discarded, 4 chunk enqueued, 5 payload being sent,
    /// 6 sent, 7 agent refused, 8 agent unreachable, 9 reachable again, 10 spans dropped, 11 abandoned, 12 tracer made,
    /// 13 stopped, 14 debug mode switched, 15 setting rejected, 16 process forked, 17 defect caught, 18 log records
    /// lost, 19 loss of spans ended, 20 began. Numbers keep their meaning for ever; new ones may come.
    pub kind: u32,
    /// 1 if the span that finished carries an error, else 0.
    pub error: u32,
    /// The same as a name, such as "span.started"; NUL-terminated.
    pub name: *const c_char,
    /// The first fact: of a span its id, of a payload its bytes, of a loss its reason, …; `text` says it in words.
    pub first: u64,
    /// The second one: of a finished span its duration in nanoseconds, with the tracer's number in the upper eight bits.
    pub second: u64,
    /// What happened, in a few English words for people; NUL-terminated, without a newline. Not for programs, since it
    /// may change.
    pub text: *const c_char,
    /// Its length in bytes.
    pub text_len: usize,
}

// SAFETY: `repr(C)`, begins with its size, plain integers and pointers.
unsafe impl Sized_ for spanwire_recorder_event {}

/// Called with an event and the `userdata` that came with the callback. It must not throw an exception or leave by
/// longjmp(). Inside, any function may be called, and the process may be forked.
pub type spanwire_recorder_callback =
    Option<unsafe extern "C" fn(event: *const spanwire_recorder_event, userdata: *mut c_void)>;

/// Reads what the flight recorder holds, oldest first, and calls back with each event, here and now, on the calling
/// thread. Nothing is taken away: the next call gives the same and what has come since.
///
/// Each thread writes to one of eight shards of 512 events, and rare events to a ninth, so that a busy thread does not
/// push out the story of the agent. The counters that other processes see are brought up to date as well.
///
/// @param callback  called for each event; no lock is held
/// @param userdata  handed to it
/// @param max       how many events at the most, the latest ones; 0 for all
/// @param count     set to how many there were; may be NULL
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `callback` is NULL
///         SPANWIRE_E_MEMORY   the system gave no memory for the recorder, so that it holds nothing
///
/// Ownership: an event lives until its callback returns.
/// Threads:   any, also while others trace; an event that is being written at that moment is left out.
/// Blocks:    never, but for what the callback does; copies the recorder, 170 KB.
/// Fork:      a child has a recorder of its own, which begins empty. In a child that the callback forks, the call ends
///            with that event.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_recorder_read(
    callback: spanwire_recorder_callback,
    userdata: Userdata,
    max: usize,
    count: Out<usize>,
) -> spanwire_status {
    guard(|state| {
        let callback = Callback::of(callback, userdata)?;
        recording::refresh_all(state);
        let snapshot = state.shared.recorder.snapshot().ok_or(Error::Memory)?.map_err(|_| Error::Memory)?;
        let left_out = if max == 0 { 0 } else { snapshot.events.len().saturating_sub(max) };
        let mut given = 0;
        for event in &snapshot.events[left_out..] {
            hand_over(&callback, event);
            given += 1;
            if Returned::to(state.pid) == Returned::InForkedChild {
                std::mem::forget(snapshot);
                break;
            }
        }
        count.set(given);
        Ok(())
    })
}

fn hand_over(callback: &Callback<spanwire_recorder_event>, event: &Event) {
    // Neither holds a NUL: names are ours, and words are of printable characters.
    let terminated = |text: &str| CString::new(text).unwrap_or_default();
    let (name, text) = (terminated(event.name()), terminated(&event.describe()));
    let given = spanwire_recorder_event {
        size: size_of::<spanwire_recorder_event>(),
        time_ns: event.time_ns,
        kind: event.kind as u32,
        error: event.error.into(),
        name: name.as_ptr(),
        first: event.first,
        second: event.second,
        text: text.as_ptr(),
        text_len: text.as_bytes().len(),
    };
    let caller = sys::pid();
    callback.call(&given);
    if Returned::to(caller) == Returned::InForkedChild {
        std::mem::forget((name, text));
    }
}

/// The descriptor of the recorder's memory, which holds the events and the counters; docs/debugging.md has its layout.
/// Another process of the same user reaches it as /proc/PID/fd/N, and `spanwire recorder PID` reads it. To be mapped or
/// read with pread(2); do not close it.
///
/// @return the descriptor; -1 if the system gave no memory file, or the host has closed the number
///
/// Ownership: the library's, until the process ends. It is closed by exec.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      a child asks anew: its first call of the library closes the inherited descriptor.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_recorder_fd() -> i32 {
    guard_value(-1, |state| sys::uncancelled(|| state.shared.recorder.fd().unwrap_or(-1)))
}

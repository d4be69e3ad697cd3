//! Reading the flight recorder from inside the process.
#![allow(non_camel_case_types)]

use super::arg::{Callback, Out, Userdata};
use super::sized::Sized_;
use super::status::*;
use super::{guard, guard_value};
use crate::log::Returned;
use crate::process;
use crate::recorder::snapshot::Event;
use crate::sys;
use crate::tracer::{recording, Error};
use std::ffi::{c_char, c_void, CString};

/// An event of the flight recorder. It and its texts are valid until the callback returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct spanwire_recorder_event {
    /// `sizeof(spanwire_recorder_event)` of the library.
    pub size: usize,
    /// Time of the event in nanoseconds since 1970; of a span its start or end.
    pub time_ns: u64,
    /// Kind of the event: 1 span started, 2 finished, 3 discarded, 4 chunk enqueued, 5 payload being sent, 6 sent, 7
    /// agent refused, 8 agent unreachable, 9 reachable again, 10 spans dropped, 11 abandoned, 12 tracer made, 13
    /// stopped, 14 debug mode switched, 15 setting rejected, 16 process forked, 17 internal error caught, 18 log
    /// records lost, 19 loss of spans ended, 20 recorder started. A number never changes its meaning; new ones may be
    /// added.
    pub kind: u32,
    /// 1 if the span that finished has an error, else 0.
    pub error: u32,
    /// Name of the kind, such as "span.started"; NUL-terminated.
    pub name: *const c_char,
    /// First value: a span's id, a payload's bytes, the reason of a loss, …; `text` explains it.
    pub first: u64,
    /// Second value: of a finished span its duration in nanoseconds, with the tracer's number in the upper eight bits.
    pub second: u64,
    /// The event in a few English words, for people; NUL-terminated, without a newline. It may change: do not parse it.
    pub text: *const c_char,
    /// Length of `text` in bytes.
    pub text_len: usize,
}

// SAFETY: `repr(C)`, begins with its size, plain integers and pointers.
unsafe impl Sized_ for spanwire_recorder_event {}

/// Receives an event and the `userdata` given with the callback. It must not throw an exception or leave by longjmp().
/// It may call any function, and may fork.
pub type spanwire_recorder_callback =
    Option<unsafe extern "C" fn(event: *const spanwire_recorder_event, userdata: *mut c_void)>;

/// Calls the callback with each event that the flight recorder holds, oldest first, during this call and on the calling
/// thread. The events stay: the next call returns them again, with later ones.
///
/// Each thread writes to one of eight shards of 512 events. Rare events have a ninth shard, so that busy threads do not
/// overwrite the events of the agent. The call also updates the counters that other processes can read.
///
/// @param callback  called for each event; no lock is held meanwhile
/// @param userdata  passed to the callback
/// @param max       maximum number of events, the latest ones; 0 for all
/// @param count     receives the number of events; may be NULL
///
/// @return SPANWIRE_OK
///         SPANWIRE_E_ARGUMENT `callback` is NULL
///         SPANWIRE_E_MEMORY   the system gave no memory for the recorder; it is empty
///
/// Ownership: an event is valid until its callback returns.
/// Threads:   any, also while others trace; an event that is being written at that moment is left out.
/// Blocks:    never, except for what the callback does; copies the recorder, 170 KB.
/// Fork:      a child has its own recorder, which starts empty. In a child that the callback forks, the call ends after
///            that event.
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
        let (caller, mut given) = (process::generation(), 0);
        for event in &snapshot.events[left_out..] {
            hand_over(&callback, event);
            given += 1;
            if Returned::to(caller) == Returned::InForkedChild {
                std::mem::forget(snapshot);
                break;
            }
        }
        count.set(given);
        Ok(())
    })
}

fn hand_over(callback: &Callback<spanwire_recorder_event>, event: &Event) {
    // Neither holds a NUL: names are constants, and the words have printable characters only.
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
    let caller = process::generation();
    callback.call(&given);
    if Returned::to(caller) == Returned::InForkedChild {
        std::mem::forget((name, text));
    }
}

/// Returns the descriptor of the recorder's memory, which holds the events and the counters; docs/debugging.md has the
/// layout. Another process of the same user reaches it as /proc/PID/fd/N; `spanwire recorder PID` reads it. Map it or
/// read it with pread(2); do not close it.
///
/// @return the descriptor; -1 if the system gave no memory file, or the host has closed the descriptor
///
/// Ownership: the library's, until the process ends. It is closed by exec.
/// Threads:   any.
/// Blocks:    never.
/// Fork:      a child calls it again: its first call of the library closes the inherited descriptor.
/// Since:     0.1
#[no_mangle]
pub extern "C" fn spanwire_recorder_fd() -> i32 {
    guard_value(-1, |state| sys::uncancelled(|| state.shared.recorder.fd().unwrap_or(-1)))
}

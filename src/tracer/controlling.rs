//! What `spanwire ctl` asks of this process, through the socket of `crate::control`.

use super::closing;
use super::state::State;
use crate::control::socket::Host;
use crate::counters::Counters;
use crate::event::Thread;
use crate::export::TRACERS_MAX;
use crate::inspect;
use crate::level::Level;
use crate::redact;
use crate::report::{self, Image, Memory};
use crate::sys;
use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Opens the socket if another process has asked for it. For the worker.
pub(super) fn look(state: &'static State) {
    state.control.look(
        &state.shared.recorder,
        Thread::Control.name(),
        || is_allowed(state),
        || Box::new(Answers { state }),
    );
}

/// Whether no tracer has turned it off.
fn is_allowed(state: &State) -> bool {
    let allows = |index| state.shared.account(index).metadata().is_none_or(|metadata| metadata.settings.control);
    (0..TRACERS_MAX as u32).filter(|&index| state.tracers.standing(index).0).all(allows)
}

struct Answers {
    state: &'static State,
}

/// This process's own memory.
struct OwnMemory;

impl Memory for OwnMemory {
    fn read(&self, address: u64, into: &mut [u8]) -> bool {
        sys::read_own_memory(address, into)
    }
}

/// Describes what this process holds, with so many of its open spans.
fn own_image(spans: usize, describe: impl FnOnce(&Image) -> String) -> String {
    match Image::limited(&OwnMemory, inspect::table::address(), spans) {
        Ok(image) => image.as_ref().map_or_else(String::new, describe),
        Err(fault) => format!("the memory of this process cannot be read: {fault}\n"),
    }
}

impl Host for Answers {
    fn allows(&self) -> bool {
        is_allowed(self.state)
    }

    fn status(&self) -> String {
        own_image(0, report::status)
    }

    fn spans(&self, most: usize) -> String {
        own_image(most, |image| report::spans(image, most))
    }

    fn debug(&self, on: bool, seconds: u32) -> String {
        let logs = &self.state.shared.logs;
        match (on, seconds) {
            (true, 1..) => {
                logs.debug_set_for(seconds);
                format!("debug mode is on for {seconds} s\n")
            }
            (on, _) => {
                logs.debug_set_for(0);
                logs.debug_set(on);
                format!("debug mode is {}\n", if logs.debug_get() { "on" } else { "off" })
            }
        }
    }

    fn flush(&self, time: Duration) -> String {
        let mut says = String::new();
        let give_up = Instant::now() + time;
        for index in 0..TRACERS_MAX as u32 {
            let (live, _, closed) = self.state.tracers.standing(index);
            if !live || closed {
                continue;
            }
            let account = self.state.shared.account(index);
            let counts = |counters: &Counters| {
                let dropped: u64 = counters.dropped.iter().map(|counter| counter.load(Relaxed)).sum();
                (counters.sent.load(Relaxed), dropped)
            };
            let before = counts(&account.counters);
            let result = closing::flush_at(self.state, index, give_up.saturating_duration_since(Instant::now()));
            let after = counts(&account.counters);
            let service = account.metadata().map(|metadata| redact::text(&metadata.service).into_owned());
            let (sent, dropped) = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
            let spans = if sent == 1 { "span" } else { "spans" };
            let _ = write!(says, "tracer {index} {}: {sent} {spans} sent", service.unwrap_or_default());
            if dropped > 0 {
                let _ = write!(says, ", {dropped} dropped");
            }
            let _ = match result {
                Ok(()) => writeln!(says),
                Err(super::Error::Timeout) => writeln!(says, "; not all within {time:?}, sending goes on"),
                Err(_) => writeln!(says, "; the system gives no thread to send more"),
            };
        }
        if says.is_empty() {
            says += "no tracer is in use\n";
        }
        says
    }

    fn follow(&self, take: Box<dyn Fn(&str) + Send + Sync>) -> Result<u64, String> {
        let take = Arc::new(move |record: &crate::log::Record| take(&record.text));
        let added = self.state.shared.logs.add_sink(Level::Trace, take, None);
        added.map_err(|_| "the process has as many log sinks as it can have\n".into())
    }

    fn unfollow(&self, number: u64) {
        let _ = self.state.shared.logs.remove_sink(number);
    }
}

//! The C boundary: all exported functions. Each checks its arguments, calls one method and maps the result to a status;
//! [`guard`] keeps panics and changes of errno from the host. The doc comments are the manual: `include/spanwire.h` and
//! the bindings' declarations are generated from this folder (`cargo test --test header -- --bless`).
//!
//! One file or folder for each section of the header; `arg` and `sized` hold the types of parameters, `nul` measures texts.

mod arg;
pub mod context;
pub mod debug;
pub mod fate;
pub mod flare;
pub mod inspect;
pub mod log;
mod nul;
pub mod process;
pub mod recorder;
pub mod rust;
mod sized;
pub mod span;
pub mod status;
pub mod submit;
pub mod tracer;
pub mod version;

use crate::event::Event;
use crate::sys;
use crate::tracer::current::state;
use crate::tracer::ending;
use crate::tracer::state::State;
use crate::tracer::Error;
use status::*;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// After this many panics the library turns itself off, so that a repeated failure does not keep costing the host time.
const PANICS_MAX: u32 = 5;
static PANICS: AtomicU32 = AtomicU32::new(0);

/// Runs one call of the host: catches panics, keeps errno, notices a fork since the last call, and holds back a
/// cancellation of the thread.
fn guard(call: impl FnOnce(&'static State) -> Result<(), Error>) -> spanwire_status {
    sys::uncancelled(|| guard_span(call))
}

/// `guard` for calls on spans, without the cost of holding back a cancellation: their usual path has no cancellation
/// point, and the rest (making the state, starting a thread, logging) holds it back itself.
#[inline]
fn guard_span(call: impl FnOnce(&'static State) -> Result<(), Error>) -> spanwire_status {
    guard_value(SPANWIRE_E_PANIC, |state| match call(state) {
        Ok(()) => SPANWIRE_OK,
        Err(error) => status::of(error),
    })
}

/// `guard_span` for a call whose usual path makes no system call; the rest keeps errno itself.
#[inline(always)]
fn guard_span_quick(call: impl FnOnce(&'static State) -> Result<(), Error>) -> spanwire_status {
    guard_quick(SPANWIRE_E_PANIC, |state| match call(state) {
        Ok(()) => SPANWIRE_OK,
        Err(error) => status::of(error),
    })
}

/// `guard_span` for a call that returns a value; `failed` is returned after a panic.
#[inline]
fn guard_value<R>(failed: R, call: impl FnOnce(&'static State) -> R) -> R {
    sys::keep_errno(|| guard_quick(failed, call))
}

/// `guard_value` for a call whose usual path makes no system call; the rest keeps errno itself.
#[inline]
fn guard_quick<R>(failed: R, call: impl FnOnce(&'static State) -> R) -> R {
    guarded(failed, || call(state()))
}

/// `guard_quick` for a caller that has the state.
#[inline(always)]
fn guarded<R>(failed: R, call: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        sys::keep_errno(|| panicked(&*panic));
        failed
    })
}

/// Runs the requests that other calls have left in a slot.
#[cold]
#[inline(never)]
fn asked() -> spanwire_status {
    guard_span(|state| {
        ending::run_requests(state);
        Ok(())
    })
}

/// `guard` for a call that does not use this process's tracers and must not make state for them.
fn guard_apart(call: impl FnOnce() -> spanwire_status) -> spanwire_status {
    keep_panics_quiet();
    let call = || catch_unwind(AssertUnwindSafe(call)).unwrap_or(SPANWIRE_E_PANIC);
    sys::uncancelled(|| sys::keep_errno(call))
}

#[cold]
fn panicked(panic: &(dyn std::any::Any + Send)) {
    sys::uncancelled(|| report(panic));
}

fn report(panic: &(dyn std::any::Any + Send)) {
    let message = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    let count = PANICS.fetch_add(1, Relaxed) + 1;
    // Logging it could panic, too.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let state = state();
        state.shared.logs.emit(&Event::PanicCaught { message: message.unwrap_or("no message") });
        if count == PANICS_MAX {
            state.tracers.turn_off(state);
        }
    }));
}

/// Replaces the default panic hook, which would write to the host's standard error. In the shared and the static
/// library every panic is the library's own and becomes an event. In a Rust program the hook belongs to the program.
fn keep_panics_quiet() {
    #[cfg(any(spanwire_shared, spanwire_static))]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_is_a_status_and_a_record_and_after_a_few_of_them_tracing_is_off() {
        // In a process of its own: tracing stays off in the process for good.
        let mut alone = std::process::Command::new(std::env::current_exe().expect("this program"));
        let output = alone.args(["--ignored", "--exact", "abi::tests::alone"]).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }

    #[test]
    #[ignore = "the test above runs it in a process of its own"]
    fn alone() {
        let state = state();
        let tracer = state.tracers.make(state, vec![("DD_SERVICE".into(), "doomed".into())]).unwrap();
        let enabled = || state.tracers.find(tracer).unwrap().1.enabled.load(Relaxed);
        // SAFETY: errno is this thread's own.
        unsafe { *libc::__errno_location() = 42 };
        for _ in 0..PANICS_MAX {
            assert!(enabled());
            assert_eq!(guard(|_| panic!("on purpose")), SPANWIRE_E_PANIC);
        }
        assert!(!enabled());
        assert_eq!(guard_quick(7, |_| panic!("on purpose")), 7);
        // SAFETY: as above.
        assert_eq!(unsafe { *libc::__errno_location() }, 42);
        let later = state.tracers.make(state, vec![("DD_SERVICE".into(), "later".into())]).unwrap();
        assert!(!state.tracers.find(later).unwrap().1.enabled.load(Relaxed), "tracing is off for good");
        let mut said = 0;
        state.shared.logs.poll(usize::MAX, &mut |record| said += u32::from(record.text.contains("on purpose")));
        assert!(said >= PANICS_MAX, "{said} records");
    }
}

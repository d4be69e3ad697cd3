//! The body of the log thread: takes records from the queue and writes them to the outputs.

use super::callback::Returned;
use super::compose::emit;
use super::deliver::{deliver_gathered, Start};
use super::outputs::Outputs;
use super::shared::Shared;
use crate::event::Event;
use crate::sys;
use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

/// The log thread runs already.
const RUNS: Start = |_| {};

/// Runs until the log is closed. A panic costs the record that caused it, which is counted, and nothing else.
pub(super) fn run(shared: Arc<Shared>) {
    sys::be_a_batch_thread();
    let (mut outputs, mut done) = (Outputs::new(&shared), 0);
    loop {
        let served = catch_unwind(AssertUnwindSafe(|| serve(&shared, &mut outputs, &mut done)));
        match served {
            Ok(Returned::Here) => return,
            // This is a forked child. Everything here is its parent's: leave it and end the thread.
            Ok(Returned::InForkedChild) => return std::mem::forget((outputs, shared)),
            Err(panic) => panicked(&mut outputs, &shared, &*panic, 0),
        }
    }
}

/// Writes records until the log is closed, or until a callback returns in a forked child.
fn serve(shared: &Arc<Shared>, outputs: &mut Outputs, done: &mut usize) -> Returned {
    while let Some((batch, lost)) = shared.push.next(std::mem::take(done), || shared.gathered.ends_ns()) {
        *done = batch.len();
        for item in &batch {
            match catch_unwind(AssertUnwindSafe(|| outputs.give(shared, item))) {
                Ok(Returned::Here) => {}
                Ok(Returned::InForkedChild) => {
                    std::mem::forget(batch);
                    return Returned::InForkedChild;
                }
                Err(panic) => panicked(outputs, shared, &*panic, 1),
            }
        }
        let waiting = outputs.waiting();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| outputs.write_waiting(shared))) {
            panicked(outputs, shared, &*panic, waiting);
        }
        outputs.lost += lost;
        match catch_unwind(AssertUnwindSafe(|| outputs.tell_lost(shared, 0))) {
            Ok(Returned::Here) => {}
            Ok(Returned::InForkedChild) => {
                std::mem::forget(batch);
                return Returned::InForkedChild;
            }
            Err(panic) => panicked(outputs, shared, &*panic, 0),
        }
        deliver_gathered(shared, false, RUNS);
    }
    Returned::Here
}

/// Counts the records that a panic cost, and logs the panic. Logs only the first few panics.
fn panicked(outputs: &mut Outputs, shared: &Arc<Shared>, panic: &(dyn Any + Send), records: u64) {
    if outputs.panicked(shared, records) {
        let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
        let message = format!("in the log's thread: {}", text.unwrap_or("no message"));
        let _ = catch_unwind(AssertUnwindSafe(|| emit(shared, &Event::PanicCaught { message: &message }, RUNS)));
    }
}

//! Copies the counters into the flight recorder, where another process and readers of cores find them. The worker does
//! so about once a second, and so do calls that read the recorder; counting itself does not get slower.

use super::state::State;
use crate::export::TRACERS_MAX;
use crate::memory;
use crate::recorder::TracerFacts;
use crate::redact;
use crate::span::clock;

/// Minimum time between two copies by the worker: counting open spans visits every slot.
const SELDOM_NS: u64 = 250_000_000;

/// Copies all counters of this process, unless they were copied less than [`SELDOM_NS`] ago. For the worker.
pub(super) fn refresh(state: &State) {
    if state.shared.recorder.refreshed_ns_ago() >= SELDOM_NS {
        refresh_all(state);
    }
}

/// Copies all counters of this process.
pub fn refresh_all(state: &State) {
    let recorder = &state.shared.recorder;
    if !recorder.keeps() {
        return;
    }
    (0..TRACERS_MAX as u32).for_each(|index| refresh_tracer(state, index));
    let open_spans = state.spans.live().count() as u64;
    recorder.set_process(memory::used() as u64, memory::max() as u64, open_spans, clock::scale());
}

/// Copies one tracer's counters.
pub(super) fn refresh_tracer(state: &State, index: u32) {
    let (live, generation, closed) = state.tracers.standing(index);
    let account = state.shared.account(index);
    let metadata = account.metadata().filter(|_| live);
    let service = metadata.as_ref().map(|metadata| redact::text(&metadata.service).into_owned()).unwrap_or_default();
    let facts = TracerFacts { closed, generation, service: &service, counters: account.counters.values() };
    state.shared.recorder.set_tracer(index as usize, live.then_some(&facts));
}

#[cfg(test)]
mod tests {
    use super::super::current::state;
    use super::*;

    #[test]
    fn a_secret_in_a_services_name_is_not_for_whoever_reads_the_recorder() {
        let state = state();
        let code = vec![("DD_SERVICE".into(), "recorded password=hunter2".into())];
        let tracer = state.tracers.make(state, code).expect("a tracer");
        refresh_all(state);
        let snapshot = state.shared.recorder.snapshot().expect("it keeps").expect("it can be read");
        assert!(snapshot.tracers.iter().any(|tracer| tracer.service.starts_with("recorded password=")));
        assert!(!snapshot.tracers.iter().any(|tracer| tracer.service.contains("hunter2")));
        state.tracers.free(state, tracer).expect("it is ours");
        let snapshot = state.shared.recorder.snapshot().expect("it keeps").expect("it can be read");
        assert!(!snapshot.tracers.iter().any(|tracer| tracer.service.starts_with("recorded")));
    }
}

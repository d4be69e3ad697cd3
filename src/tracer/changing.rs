//! Changes the settings in force of a tracer while it runs. Its own settings stay in its slot, and are in force again
//! when the changes are taken back. A forked child begins with its parent's own settings.

use super::registry::Tracers;
use super::state::State;
use crate::event::Event;
use crate::export::{Metadata, TRACERS_MAX};
use crate::settings::remote::Changes;
use std::sync::atomic::Ordering::*;
use std::sync::{Arc, PoisonError};

/// Puts changes of the tracer with this metadata in force, in place of earlier ones. Does nothing if the tracer has been
/// freed meanwhile.
#[inline(never)]
pub(super) fn change(state: &'static State, index: u32, of: &Metadata, changes: Changes) {
    let tracers: &Tracers = &state.tracers;
    let _one_at_a_time = tracers.changing.lock().unwrap_or_else(PoisonError::into_inner);
    let (tracer, account) = (tracers.at(index), state.shared.account(index));
    let mut in_force = tracer.changes.lock().unwrap_or_else(PoisonError::into_inner);
    let before = account.metadata().filter(|before| before.is_of_same(of));
    let (Some(origin), Some(before)) = (tracer.origin.get(), before) else { return };
    if *in_force == changes {
        return;
    }
    let settings = origin.settings.changed(&changes);
    let metadata = Arc::new(before.changed(&settings));
    account.change(metadata.clone());
    state.exporters[tracer.exporter.load(Relaxed) as usize % TRACERS_MAX].queue.change(&metadata);
    let former = &before.settings;
    if former.sampling != settings.sampling || former.tags != settings.tags {
        tracer.set_sampler(&settings);
    }
    tracer.enabled.store(settings.enabled, SeqCst);
    // After it, so that tracing which is turned off at this moment stays off.
    if tracers.off.load(SeqCst) {
        tracer.enabled.store(false, SeqCst);
    }
    *in_force = changes;
    for value in settings.differing(former) {
        let (name, value, origin) = (value.name, value.value.as_str(), value.origin);
        state.shared.logs.emit(&Event::SettingChanged { name, value, origin });
    }
}

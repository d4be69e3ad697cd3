//! Flares that this library sends, for the languages whose tracers have lines about their own: they get the same lines
//! as flares that a host reports (`flare.sent`, `flare.failed`).

use crate::event::Event;

/// Takes the kind and the fields of a host's event.
type Then<'a> = dyn FnMut(&str, &[(&str, &str)]) + 'a;

/// Calls `then` with the kind and the fields of the host's event that says the same. Does nothing for other events.
pub fn as_host_event(event: &Event<'_>, then: &mut Then<'_>) {
    match event {
        Event::FlareSent { case_id, url, .. } => then(event.kind(), &[("case_id", *case_id), ("url", *url)]),
        Event::FlareFailed { url, why, .. } => match why.status() {
            Some(status) => then(event.kind(), &[("url", *url), ("status", &status.to_string())]),
            None => then(event.kind(), &[("url", *url), ("error", &why.to_string())]),
        },
        _ => {}
    }
}

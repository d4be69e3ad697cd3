//! Events of this library that a host with its own client may report, too (`spanwire_log_event`). Languages know their
//! lines by the kinds and fields of such reports.

use crate::event::remote::RemoteFault;
use crate::event::Event;

/// Calls `say` with the event as a host would report it. Returns false if it is none of these events, or a warning, which
/// reads the same in every language.
pub(super) fn as_host_event(event: &Event<'_>, say: impl FnOnce(&Event<'_>)) -> bool {
    let kind = event.kind();
    match event {
        Event::RemoteConfigReceived { url, version, paths, time } => {
            let (seconds, version, paths) = (time.as_secs_f64().to_string(), version.to_string(), paths.join(","));
            let fields = [("url", *url), ("seconds", &seconds), ("version", &version), ("paths", &paths)];
            say(&Event::HostEvent { kind, fields: &fields });
        }
        Event::RemoteConfigFailed { why: why @ RemoteFault::NoAnswer(_), .. } => {
            say(&Event::HostEvent { kind, fields: &[("error", &why.to_string())] });
        }
        Event::SettingChanged { name, value, origin } => {
            let fields = [(*name, *value), ("origin", origin.name())];
            say(&Event::HostEvent { kind, fields: &fields });
        }
        _ => return false,
    }
    true
}

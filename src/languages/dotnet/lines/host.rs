//! Events that a host reports and for which the .NET tracer has a line. Kinds and their fields:
//!
//! | kind | fields |
//! |---|---|
//! | `jit.started` | `function_id`, `token`, `name`; `thread_id` where another thread compiles. Native code |
//! | `transport.chosen` | `factory`, `product` |
//! | `rate_limited` | `trace_id`, `traces`, `ms` |
//! | `remote_config.received` | `paths`, comma-joined; none or empty for an empty answer |
//! | `flare.started` | |
//! | `flare.sent` | `url` |
//! | `flare.failed` | `url`, and `status` or `error` |
//!
//! A field that is missing reads `null`. Any other kind has the general form, `kind: key=value, …`.

use super::Speaker;
use crate::languages::text::{general, inline, inline_value};
use crate::level::Level;
use crate::redact;
use std::borrow::Cow;

pub(super) fn event(to: &mut Speaker<'_, '_>, kind: &str, fields: &[(&str, &str)]) {
    let raw = |name: &str| fields.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    let field = |name: &str| raw(name).map(|value| inline_value(name, value).into_owned());
    let shown = |name: &str| field(name).unwrap_or_else(|| "null".into());
    let url = || raw("url").map(|url| inline(&redact::url(url)).into_owned());
    match kind {
        "jit.started" => {
            // The compiler's tokens are no secrets.
            let (id, token) = (shown("function_id"), raw("token").map_or(Cow::Borrowed("null"), inline));
            let name = shown("name");
            let call = if name.ends_with(')') { "" } else { "()" };
            let message = format!("JITCompilationStarted: function_id={id} token={token} name={name}{call}");
            to.native(Level::Debug, field("thread_id").as_deref(), &message);
        }
        "transport.chosen" => {
            to.say(Level::Info, &format!("Using {} for {} transport.", shown("factory"), shown("product")));
        }
        "rate_limited" => {
            let (id, traces, ms) = (shown("trace_id"), shown("traces"), shown("ms"));
            to.say(Level::Warn, &limited(&id, &traces, &ms));
        }
        "remote_config.received" => {
            let message = match field("paths").filter(|paths| !paths.is_empty()) {
                Some(paths) => {
                    format!("Received Remote Configuration response with the following paths: {paths}.")
                }
                None => "Received Remote Configuration response that is empty.".into(),
            };
            to.say(Level::Debug, &message);
        }
        "flare.started" => {
            to.say(Level::Debug, "Received tracer flare request");
            to.say(Level::Debug, "Enabling debug mode due to tracer flare initialization");
        }
        "flare.sent" => {
            if let Some(url) = url() {
                to.say(Level::Debug, &format!("Sending tracer flare to {url}"));
            }
            to.say(Level::Info, "Tracer flare sent successfully");
            to.say(Level::Debug, "Disabled debug mode due to tracer flare complete");
        }
        "flare.failed" => {
            let url = url().unwrap_or_else(|| "null".into());
            match field("status") {
                Some(status) if status == "404" => to.say(Level::Debug, "Tracer flare endpoint is not available"),
                // The tracer has this blank behind the status.
                Some(status) => to.say(Level::Warn, &format!("Error sending tracer flare to '{url}' {status} ")),
                None => {
                    let error = field("error").unwrap_or_default();
                    to.throw(Level::Info, &format!("Error sending tracer flare to '{url}'"), &error);
                }
            }
        }
        kind => {
            let message = general(kind, fields);
            to.say(Level::Debug, &message);
        }
    }
}

/// The message about a trace that the limit of traces per second rejected.
pub(super) fn limited(trace_id: &str, traces: &str, ms: &str) -> String {
    format!("Rate limiter dropped a trace ({trace_id}) after reaching {traces} traces in the last {ms}ms.")
}

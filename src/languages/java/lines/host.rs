//! Events that a host reports and for which the Java tracer has a line. Kinds and their fields:
//!
//! | kind | fields |
//! |---|---|
//! | `class_path` | `path` |
//! | `instrumentation.applied` | `state`, `classloader` |
//! | `class.transformed` | `class`, `classloader` |
//! | `remote_config.received` | `version` |
//! | `remote_config.unchanged` | |
//! | `remote_config.failed` | `status` 404 for an endpoint that is switched off; else the general form |
//! | `flare.started` | `level` |
//! | `flare.sent` | |
//! | `flare.failed` | `status`, or `error` |
//!
//! Any other kind has the general form, `kind: key=value, …`.

use super::{Speaker, CONFIG, OURS, STARTING};
use crate::languages::text::{general, inline_value, reason_phrase};
use crate::level::Level;
use std::borrow::Cow;

const INSTALLER: &str = "datadog.trace.agent.tooling.AgentInstaller";
const POLLER: &str = "datadog.remoteconfig.DefaultConfigurationPoller";
const FLARE: &str = "datadog.flare.TracerFlareService";

/// The thread that asks for remote configuration.
const POLLING: &str = "dd-remote-config";

pub(super) fn event(to: &mut Speaker<'_, '_>, kind: &str, fields: &[(&str, &str)]) {
    let field = |name: &str| fields.iter().find(|(key, _)| *key == name).map(|(key, value)| inline_value(key, value));
    let shown = |name: &str| field(name).unwrap_or(Cow::Borrowed("null"));
    let thread = to.frame.thread;
    let form = to.form;
    let mut debug = |thread: &str, logger: &'static str, message: &str| to.say(thread, Level::Debug, logger, message);
    match kind {
        "class_path" => {
            let thread = STARTING.of(form);
            debug(thread, CONFIG.source, &format!("class path: {}", shown("path")));
        }
        "instrumentation.applied" => {
            let (state, loader) = (shown("state"), shown("classloader"));
            debug(
                thread,
                INSTALLER,
                &format!("Instrumentation applied - {state} instrumentation.target.classloader={loader}"),
            );
        }
        "class.transformed" => {
            let (class, loader) = (shown("class"), shown("classloader"));
            debug(
                thread,
                INSTALLER,
                &format!(
                    "Transformed - instrumentation.target.class={class} instrumentation.target.classloader={loader}"
                ),
            );
        }
        "remote_config.received" => {
            debug(POLLING, POLLER, &format!("Got configuration with targets version {}", shown("version")));
        }
        "remote_config.unchanged" => debug(POLLING, POLLER, "No configuration changes"),
        "remote_config.failed" if field("status").as_deref() == Some("404") => {
            debug(POLLING, POLLER, "Remote configuration endpoint is disabled");
        }
        "flare.started" => {
            debug(thread, FLARE, &format!("Preparing for tracer flare, logLevel={}", shown("level")));
        }
        "flare.sent" => {
            debug(thread, FLARE, "Sending tracer flare");
            debug(thread, FLARE, "Tracer flare sent successfully");
        }
        "flare.failed" => match field("status") {
            Some(status) if status == "404" => {
                debug(thread, FLARE, "Tracer flare endpoint is disabled, ignoring request");
            }
            Some(status) => {
                let reason = status.parse().map_or("", reason_phrase);
                let message = format!("Tracer flare failed with: {status} {reason}");
                to.say(thread, Level::Warn, FLARE, message.trim_end());
            }
            None => {
                let message = format!("Tracer flare failed with exception: {}", shown("error"));
                to.say(thread, Level::Warn, FLARE, &message);
            }
        },
        kind => {
            let message = general(kind, fields);
            to.say(thread, Level::Debug, OURS, &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::source;
    use crate::event::Event;

    /// A kind, its fields, and the line without its date.
    type Told<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

    #[test]
    fn what_a_host_tells_gets_the_tracer_s_line() {
        let told = |kind, fields: &[(&str, &str)]| source(&Event::HostEvent { kind, fields });
        let cases: [Told<'_>; 12] = [
            (
                "class_path",
                &[("path", "/app/shop.jar")],
                "[dd-task-scheduler] DEBUG datadog.trace.agent.core.StatusLogger - class path: /app/shop.jar",
            ),
            (
                "class.transformed",
                &[("class", "org.shop.Cart"), ("classloader", "app")],
                "[main] DEBUG datadog.trace.agent.tooling.AgentInstaller - Transformed - \
                 instrumentation.target.class=org.shop.Cart instrumentation.target.classloader=app",
            ),
            (
                "instrumentation.applied",
                &[("state", "instrumentation.names=[redis]")],
                "[main] DEBUG datadog.trace.agent.tooling.AgentInstaller - Instrumentation applied - \
                 instrumentation.names=[redis] instrumentation.target.classloader=null",
            ),
            (
                "remote_config.received",
                &[("version", "42")],
                "[dd-remote-config] DEBUG datadog.remoteconfig.DefaultConfigurationPoller - Got configuration with \
                 targets version 42",
            ),
            (
                "remote_config.unchanged",
                &[],
                "[dd-remote-config] DEBUG datadog.remoteconfig.DefaultConfigurationPoller - No configuration changes",
            ),
            (
                "remote_config.failed",
                &[("status", "404")],
                "[dd-remote-config] DEBUG datadog.remoteconfig.DefaultConfigurationPoller - Remote configuration endpoint \
                 is disabled",
            ),
            ("remote_config.failed", &[("error", "x")], "[main] DEBUG spanwire - remote_config.failed: error=x"),
            (
                "flare.started",
                &[("level", "debug")],
                "[main] DEBUG datadog.flare.TracerFlareService - Preparing for tracer flare, logLevel=debug",
            ),
            (
                "flare.failed",
                &[("status", "500")],
                "[main] WARN datadog.flare.TracerFlareService - Tracer flare failed with: 500 Internal Server Error",
            ),
            (
                "flare.failed",
                &[("error", "java.io.IOException: gone")],
                "[main] WARN datadog.flare.TracerFlareService - Tracer flare failed with exception: java.io.IOException: gone",
            ),
            (
                "flare.failed",
                &[("status", "404")],
                "[main] DEBUG datadog.flare.TracerFlareService - Tracer flare endpoint is disabled, ignoring request",
            ),
            (
                "cache\nmiss",
                &[("user", "ann"), ("password", "hunter2"), ("n\n", "a\nb")],
                "[main] DEBUG spanwire - cache\\nmiss: user=ann, password=<redacted>, n\\n=a\\nb",
            ),
        ];
        for (kind, fields, want) in cases {
            assert_eq!(told(kind, fields), [want], "{kind}");
        }
        let flare = told("flare.sent", &[("case_id", "1"), ("url", "http://localhost:8126")]);
        assert!(flare[0].ends_with(" - Sending tracer flare"));
        assert!(flare[1].ends_with(" - Tracer flare sent successfully"));
    }
}

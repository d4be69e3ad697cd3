//! Events that a host reports, in the Python tracer's wording where it has one.

use super::{repr, Place, Say, MONKEY, OURS, ROOT, TRACER};
use crate::event::{DecidedBy, SampledView};
use crate::languages::text::{general, inline, inline_value};
use crate::level::Level;

const FLARE: &str = "ddtrace.internal.flare.flare";
const SAMPLER: &str = "ddtrace._trace.sampler";
const POLLER: &str = "ddtrace.internal.remoteconfig.worker";
const APM_TRACING: Place = ("ddtrace.internal.remoteconfig.products.apm_tracing", "apm_tracing.py:66");

/// Whether a logger may have this name: that of a Python module, which cannot break the line's frame.
pub fn is_logger(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !name.is_empty() && name.len() <= 128 && name.bytes().all(fits)
}

/// Appends the line for modules that are traced from now on.
pub fn patched(source: bool, names: &str, count: &str, say: &mut Say<'_>) {
    say(Level::Info, (MONKEY, if source { "_monkey.py:406" } else { "_monkey.py:403" }), &|line| {
        line.say("Configured ddtrace instrumentation for ").say(&inline(count)).say(" integration(s). ");
        line.say("The following modules have been patched: ").say(&inline(names));
    });
}

/// Appends the line for a module that cannot be traced.
pub fn not_patched(source: bool, name: &str, error: &str, say: &mut Say<'_>) {
    say(Level::Error, (MONKEY, if source { "_monkey.py:305" } else { "_monkey.py:302" }), &|line| {
        line.say("failed to enable ddtrace support for ").say(&inline(name)).say(": ").say(&inline(error));
    });
}

/// Appends the lines of an event that a host reports: at least one.
pub fn event(source: bool, pid: u32, kind: &str, fields: &[(&str, &str)], say: &mut Say<'_>) {
    let field = |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    match kind {
        "integrations.loaded" if field("names").is_some() => {
            let names = field("names").unwrap_or_default();
            let count = names.split(',').filter(|name| !name.is_empty()).count().to_string();
            patched(source, names, field("count").unwrap_or(&count), say);
        }
        "integration.failed" => {
            not_patched(source, field("name").unwrap_or_default(), field("error").unwrap_or_default(), say);
        }
        "sampling.decided" => sampled(source, &field, say),
        "remote_config.received" if field("url").or(field("payload")).is_some() => {
            if let Some(url) = field("url") {
                say(Level::Debug, (POLLER, if source { "worker.py:97" } else { "worker.py:86" }), &|line| {
                    line.put(format_args!("[{pid}]"));
                    if let Some(parent) = field("ppid") {
                        line.say("[P: ").say(&inline(parent)).say("]");
                    }
                    line.say(" Datadog Remote Config Poller sent request to ").say(&super::url(url));
                    if let Some(seconds) = field("seconds").and_then(|seconds| seconds.parse::<f64>().ok()) {
                        line.put(format_args!(" in {seconds:.5}s"));
                    }
                });
            }
            if let Some(payload) = field("payload") {
                say(Level::Debug, APM_TRACING, &|line| {
                    line.say("Received APM tracing config payload: ").say(&inline(payload));
                });
            }
        }
        "flare.sent" if field("case_id").is_some() => say(Level::Info, (FLARE, "flare.py:101"), &|line| {
            line.say("Flare: successfully sent the flare to Zendesk ticket ");
            line.say(&inline(field("case_id").unwrap_or_default()));
        }),
        "flare.failed" => say(Level::Error, (FLARE, "flare.py:103"), &|line| {
            let error = field("error").or(field("status")).unwrap_or_default();
            line.say("Flare: error sending tracer flare: ").say(&inline(error));
        }),
        "shutdown.waiting" if field("seconds").is_some() => {
            say(Level::Debug, (TRACER, if source { "tracer.py:232" } else { "tracer.py:230" }), &|line| {
                line.say("Waiting ").say(&inline(field("seconds").unwrap_or_default()));
                line.say(" seconds for tracer to finish. Hit ctrl-c to quit.");
            })
        }
        _ => say(Level::Debug, (ROOT, OURS), &|line| {
            line.say(&general(kind, fields));
        }),
    }
}

/// Logs a decision of the tracer's own sampler.
pub(super) fn decided(trace: &SampledView<'_>, say: &mut Say<'_>) {
    let rate = repr_of(trace.rate.unwrap_or(1.0));
    let [trace_id, span_id, parent_id] =
        [trace.trace_id, trace.span_id.into(), trace.parent_id.into()].map(|id: u128| id.to_string());
    let mechanism = trace.mechanism.unsigned_abs().to_string();
    let rule = match trace.by {
        DecidedBy::Rule { text, .. } => text.to_string(),
        DecidedBy::SampleRate => format!("{{\"sample_rate\":{rate}}}"),
        _ => "None".to_string(),
    };
    let field = |name: &str| match name {
        "span_id" => Some(span_id.as_str()),
        "trace_id" => Some(trace_id.as_str()),
        "parent_id" => Some(parent_id.as_str()),
        "name" => Some(trace.name),
        "sampled" => Some(if trace.priority > 0 { "true" } else { "false" }),
        "rate" => Some(rate.as_str()),
        "mechanism" => Some(mechanism.as_str()),
        "rule" => Some(rule.as_str()),
        _ => None,
    };
    sampled(true, &field, say);
}

fn repr_of(number: f64) -> String {
    let mut text = String::new();
    repr::float(number, &mut text);
    text
}

fn sampled<'a>(source: bool, field: &dyn Fn(&str) -> Option<&'a str>, say: &mut Say<'_>) {
    say(Level::Debug, (SAMPLER, if source { "sampler.py:212" } else { "sampler.py:200" }), &|line| {
        line.say("Sampling decision applied to <Span(");
        let mut between = "";
        for (shown, name) in [("id", "span_id"), ("trace_id", "trace_id"), ("parent_id", "parent_id"), ("name", "name")]
        {
            let Some(value) = field(name) else { continue };
            let none = name == "parent_id" && value == "0";
            line.put(format_args!("{between}{shown}=")).say(&inline_value(name, if none { "None" } else { value }));
            between = ",";
        }
        line.say(")>:");
        if let Some(sampled) = field("sampled") {
            let sampled = matches!(sampled, "true" | "True" | "1");
            line.say(" sampled=").say(repr::truth(sampled));
        }
        if let Some(rate) = field("rate") {
            line.say(" sample_rate=");
            match rate.parse() {
                Ok(rate) => repr::float(rate, &mut line.0),
                Err(_) => line.0.push_str(&inline(rate)),
            }
        }
        let others = [
            ("sampling_mechanism", "mechanism"),
            ("matched_trace_sampling_rule", "rule"),
            ("agent_sampled", "agent_sampled"),
            ("rules", "rules"),
        ];
        for (shown, name) in others {
            line.put(format_args!(" {shown}=")).say(&inline_value(name, field(name).unwrap_or("None")));
        }
        if let Some(id) = field("sampler_id") {
            line.say(" sampler_id=").say(&inline(id));
        }
    });
}

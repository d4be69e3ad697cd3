//! Formats the start-up line of the documentation page: `Using config: Config(…)`. Its keys come in the page's order,
//! each with the value of a field of our start-up line, or of a field that the host has added. A key without a value is
//! left out. Fields for which the page has no key follow at the end, except those in `NOT_THERE`.

use crate::languages::agent::host_and_port;
use crate::languages::text::escaped;
use crate::redact;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write;

/// The page's keys, each with the name of today's start-up line if it has one there.
const KEYS: [(&str, &str); 30] = [
    ("runtimeId", "runtime_id"),
    ("serviceName", "service"),
    ("traceEnabled", "enabled"),
    ("writerType", "writer_type"),
    ("agentHost", "agent_host"),
    ("agentPort", "agent_port"),
    ("agentUnixDomainSocket", "agent_unix_domain_socket"),
    ("prioritySamplingEnabled", "priority_sampling_enabled"),
    ("traceResolverEnabled", "trace_resolver_enabled"),
    ("serviceMapping", "service_mapping"),
    ("globalTags", "tags"),
    ("spanTags", "span_tags"),
    ("jmxTags", "jmx_tags"),
    ("excludedClasses", "excluded_classes"),
    ("headerTags", "header_tags"),
    ("httpServerErrorStatuses", "http_server_error_statuses"),
    ("httpClientErrorStatuses", "http_client_error_statuses"),
    ("httpClientSplitByDomain", "http_client_split_by_domain"),
    ("partialFlushMinSpans", "partial_flush_min_spans"),
    ("runtimeContextFieldInjection", "runtime_context_field_injection"),
    ("propagationStylesToExtract", "trace_propagation_style_extract"),
    ("propagationStylesToInject", "trace_propagation_style_inject"),
    ("jmxFetchEnabled", "jmx_fetch_enabled"),
    ("jmxFetchMetricsConfigs", "jmx_fetch_metrics_configs"),
    ("jmxFetchCheckPeriod", "jmx_fetch_check_period"),
    ("jmxFetchRefreshBeansPeriod", "jmx_fetch_refresh_beans_period"),
    ("jmxFetchStatsdHost", "jmx_fetch_statsd_host"),
    ("jmxFetchStatsdPort", "jmx_fetch_statsd_port"),
    ("logsInjectionEnabled", "logs_correlation_enabled"),
    ("reportHostName", "report_hostname"),
];

/// Fields of our start-up line for which the page's has no key.
const NOT_THERE: [&str; 16] = [
    "date",
    "os_name",
    "os_version",
    "architecture",
    "version",
    "spanwire_version",
    "lang",
    "lang_version",
    "interpreter",
    "env",
    "dd_version",
    "agent_url",
    "agent_error",
    "debug",
    "partial_flush_enabled",
    "settings",
];

/// `Config(runtimeId=…, …)`.
pub(super) fn config(fields: &[(String, Value)], agent_url: &str) -> String {
    let given = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| Cow::Borrowed(value));
    let mut out = String::from("Config(");
    for (key, name) in KEYS {
        let value = given(key).or_else(|| match key {
            "globalTags" => global_tags(given("tags"), given("env")),
            _ => given(name).or_else(|| from_url(key, agent_url).map(Cow::Owned)),
        });
        if let Some(value) = value {
            put(key, &value, &mut out);
        }
    }
    for (name, value) in fields {
        let known = KEYS.iter().any(|(key, field)| key == name || field == name);
        if !known && !NOT_THERE.contains(&name.as_str()) {
            put(name, value, &mut out);
        }
    }
    out.push(')');
    out
}

fn put(key: &str, value: &Value, out: &mut String) {
    if !out.ends_with('(') {
        out.push_str(", ");
    }
    out.push_str(&escaped(Cow::Borrowed(key)));
    out.push('=');
    print(key, value, out);
}

/// Returns the tags of every span; the environment was one of them.
fn global_tags<'a>(tags: Option<Cow<'a, Value>>, env: Option<Cow<'a, Value>>) -> Option<Cow<'a, Value>> {
    let Some(env) = env.filter(|env| env.as_str().is_some_and(|env| !env.is_empty())) else { return tags };
    let mut tags = tags?.into_owned();
    if let Value::Object(tags) = &mut tags {
        tags.entry("env").or_insert(env.into_owned());
    }
    Some(Cow::Owned(tags))
}

/// Returns what the agent's URL says about `key`.
fn from_url(key: &str, url: &str) -> Option<Value> {
    let shown = redact::url(url);
    let (host, port) = host_and_port(&shown);
    let (tcp, unix) = (shown.starts_with("http"), shown.starts_with("unix:"));
    Some(match key {
        "writerType" if tcp || unix => "DDAgentWriter".into(),
        "agentHost" if tcp => host.into(),
        "agentPort" if tcp => port.into(),
        "agentUnixDomainSocket" if tcp => Value::Null,
        "agentUnixDomainSocket" if unix => host.into(),
        _ => return None,
    })
}

/// Formats a value as Java's `toString` does.
fn print(name: &str, value: &Value, out: &mut String) {
    match value {
        Value::String(text) => out.push_str(&escaped(redact::value_of(name, text))),
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                out.push_str(if n == 0 { "" } else { ", " });
                print(name, item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (n, (key, member)) in members.iter().enumerate() {
                out.push_str(if n == 0 { "" } else { ", " });
                out.push_str(&escaped(Cow::Borrowed(key)));
                out.push('=');
                print(key, member, out);
            }
            out.push('}');
        }
        plain => {
            let _ = write!(out, "{plain}");
        }
    }
}

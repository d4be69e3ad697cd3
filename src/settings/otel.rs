//! Settles settings with OpenTelemetry's names: each stands for one with a `DD_` name, unless that is set by the same
//! source or a stronger one.

use super::address::{self, AgentAddress};
use super::draft::Draft;
use super::rejection::Rejection;
use super::{parse, refused, Origin, Rejected};
use crate::redact;

/// The attribute for the environment, and its old name, which is used if it is alone.
const ENVIRONMENT: &str = "deployment.environment.name";
const OLD_ENVIRONMENT: &str = "deployment.environment";
/// The most attributes that are used.
const ATTRIBUTES_MAX: usize = 10;

/// Puts the values of OpenTelemetry's settings into the others.
pub(super) fn settle(draft: &mut Draft, rejected: &mut Vec<Rejected>) {
    if let Some(service) = draft.otel_service.take() {
        let text = redact::text(&service).into_owned();
        if stands_for(draft, "OTEL_SERVICE_NAME", "DD_SERVICE", text, rejected) {
            draft.frozen.service = service;
        }
    }
    let mut attributes = std::mem::take(&mut draft.otel_attributes);
    if attributes.iter().any(|(key, _)| key == ENVIRONMENT) {
        attributes.retain(|(key, _)| key != OLD_ENVIRONMENT);
    }
    if !attributes.is_empty() {
        let tags: Vec<_> = attributes.into_iter().map(|(key, value)| (tag_of(key), value)).collect();
        let shown = tags.iter().map(|(key, value)| format!("{}:{}", redact::text(key), redact::value_of(key, value)));
        let shown = shown.collect::<Vec<_>>().join(",");
        if stands_for(draft, "OTEL_RESOURCE_ATTRIBUTES", "DD_TAGS", shown, rejected) {
            draft.frozen.tags = tags;
        }
    }
    if draft.otel_off && stands_for(draft, "OTEL_TRACES_EXPORTER", "DD_TRACE_ENABLED", "false".into(), rejected) {
        draft.frozen.enabled = false;
    }
    if gives_way(draft, "OTEL_PROPAGATORS", "DD_TRACE_PROPAGATION_STYLE", rejected) {
        draft.otel_styles = None;
    } else if draft.otel_styles.is_some() {
        draft.styles = None;
    }
}

/// Returns where spans go as OTLP, if `OTEL_TRACES_EXPORTER` says so. What asks for an Agent wins.
pub(super) fn receiver(draft: &mut Draft, rejected: &mut Vec<Rejected>) -> Option<AgentAddress> {
    let wins = ["DD_TRACE_AGENT_URL", "DD_TRACE_AGENT_PROTOCOL_VERSION"];
    if !draft.otel_otlp || wins.into_iter().any(|by| gives_way(draft, "OTEL_TRACES_EXPORTER", by, rejected)) {
        return None;
    }
    let given = draft.otlp_traces.take().or_else(|| draft.otlp.take());
    Some(given.unwrap_or_else(|| address::otlp_at(&draft.host)))
}

/// Whether both settings are set, and the one with a `DD_` name wins. Then the other one is among the rejected.
pub(super) fn gives_way(draft: &Draft, otel: &'static str, by: &'static str, rejected: &mut Vec<Rejected>) -> bool {
    let origin = |name: &str| draft.frozen.value(name).map_or(Origin::Default, |value| value.origin);
    let gives_way = origin(otel) != Origin::Default && origin(by) >= origin(otel);
    if gives_way {
        warn(draft, otel, by, rejected);
    }
    gives_way
}

/// The tag that an attribute becomes. `take_identity_from_tags` makes settings of the first three.
fn tag_of(attribute: String) -> String {
    match attribute.as_str() {
        "service.name" => "service".into(),
        OLD_ENVIRONMENT | ENVIRONMENT => "env".into(),
        "service.version" => "version".into(),
        _ => attribute,
    }
}

/// Whether the setting `otel` is used as `setting`, which then shows this text and the origin of `otel`. A setting that
/// does not matter, because the other is set as well, is among the rejected.
fn stands_for(
    draft: &mut Draft,
    otel: &'static str,
    setting: &'static str,
    text: String,
    rejected: &mut Vec<Rejected>,
) -> bool {
    let origin = draft.frozen.value(otel).map_or(Origin::Default, |value| value.origin);
    let Some(value) = draft.frozen.values.iter_mut().find(|value| value.name == setting) else { return false };
    if value.origin != Origin::Default && value.origin >= origin {
        warn(draft, otel, setting, rejected);
        return false;
    }
    (value.value, value.origin) = (text, origin);
    true
}

fn warn(draft: &Draft, otel: &'static str, by: &'static str, rejected: &mut Vec<Rejected>) {
    if let Some(value) = draft.frozen.value(otel) {
        rejected.push(refused(otel, value.value.clone(), value.origin, Rejection::Overridden { by }));
    }
}

/// Attributes that were read, and for each part that was left out its text and the reason.
pub type Attributes = (Vec<(String, String)>, Vec<(String, Rejection)>);

/// Reads `key=value` pairs, separated by commas, with percent-encoded values. A pair without a key, one with a quotation
/// mark, and pairs beyond the limit are left out.
pub fn attributes(text: &str) -> Attributes {
    let (mut attributes, mut left_out) = (Vec::new(), Vec::new());
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let why = match split(pair) {
            Some((key, value)) if attributes.len() < ATTRIBUTES_MAX => {
                attributes.push((key.to_string(), percent_decoded(value)));
                continue;
            }
            Some(_) => Rejection::TooManyAttributes { max: ATTRIBUTES_MAX },
            None => Rejection::NotAttribute,
        };
        left_out.push((parse::shorten(shown_pair(pair), 100), why));
    }
    (attributes, left_out)
}

/// Key and value. No value has a quotation mark: text with such is probably a header that was pasted, with a secret that
/// the redactor would not know without the words around it.
fn split(pair: &str) -> Option<(&str, &str)> {
    let (key, value) = pair.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    (!key.is_empty() && !pair.contains('"')).then_some((key, value))
}

/// Returns attributes with secrets redacted.
pub(super) fn shown(text: &str) -> String {
    text.split(',').map(shown_pair).collect::<Vec<_>>().join(",")
}

fn shown_pair(pair: &str) -> String {
    match pair.split_once('=') {
        _ if pair.contains('"') => redact::REDACTED.into(),
        Some((key, value)) => format!("{}={}", redact::text(key), redact::value_of(key, value)),
        None => redact::text(pair).into_owned(),
    }
}

/// Reads headers, written as attributes are.
pub fn headers(text: &str) -> Attributes {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "-_.!#$%&'*+^`|~".contains(c);
    let (mut headers, mut left_out) = (Vec::new(), Vec::new());
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        match pair.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
            // A secret that has no name may end with `=`.
            Some((name, value))
                if !name.is_empty() && !value.trim_matches('=').is_empty() && name.chars().all(is_token) =>
            {
                headers.push((name.to_string(), percent_decoded(value)));
            }
            _ => left_out.push((redact::REDACTED.into(), Rejection::NotAttribute)),
        }
    }
    (headers, left_out)
}

/// Returns the names of headers, without their values.
pub(super) fn shown_headers(text: &str) -> String {
    let (headers, _) = headers(text);
    headers.iter().map(|(name, _)| format!("{name}={}", redact::REDACTED)).collect::<Vec<_>>().join(",")
}

/// Decodes `%41`. What is no such sequence, or would be no printable text, stays as it is.
fn percent_decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|digits| first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let byte = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(bytes).ok().filter(|decoded| !decoded.contains(char::is_control)).unwrap_or_else(|| text.into())
}

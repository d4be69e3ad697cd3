//! Sends one small trace with the library's own HTTP client and headers, and says what the Agent's status means for the
//! traces of a process.

use super::found::{bad, good, millis, note, quote, size, with_evidence};
use super::wire::Target;
use super::Time;
use crate::doctor::errors;
use crate::doctor::report::Finding;
use serde_json::{json, Map, Value as Json};
use spanwire::companion::export::agent::{Agent, Answer, Failure, Headers, Place, Timeouts};
use spanwire::companion::export::format::{v04, Format, Sender};
use spanwire::companion::export::Metadata;
use spanwire::companion::settings::{AgentAddress, Settings};
use spanwire::companion::sys;
use std::time::Instant;

/// The service of the test trace, by which it can be found.
pub const SERVICE: &str = "spanwire-doctor";
const OPERATION: &str = "doctor.check";

/// Returns a finding that no trace was sent.
pub fn not_sent(why: &str) -> Finding {
    note("trace.not_sent", format!("no test trace was sent: {why}"), "")
}

/// Sends the trace and reports the result. `known` says whether the server has identified itself as an Agent.
pub fn send(
    settings: &Settings,
    target: &Target,
    known: bool,
    time: &Time,
    facts: &mut Map<String, Json>,
) -> Vec<Finding> {
    let (false, Some(place)) = (matches!(target.address, AgentAddress::Otlp { .. }), Place::of(&target.address)) else {
        return Vec::new();
    };
    let timeouts =
        Timeouts { connect: time.step(settings.connect_timeout), request: time.step(settings.request_timeout) };
    let agent = Agent::new(place, timeouts);
    let metadata = Metadata::of(settings, sys::pid());
    let (trace_id, body) = payload(&metadata);
    let mut headers = Headers::default();
    headers.add("Content-Type", v04::CONTENT_TYPE);
    let sender = Sender { identity: &metadata.identity, rates_version: "" };
    v04::headers(&sender, 1, &mut |name, value| headers.add(name, value));
    let attempt = |format: Format| {
        let begun = Instant::now();
        let answer = agent.post(format.path(), &headers, &body);
        (answer, begun.elapsed())
    };
    let (mut answer, mut took) = attempt(Format::V04);
    // An Agent that does not know v0.4 may know v0.3. The library tries both, too.
    let old = matches!(&answer, Ok(Answer { status: 404 | 415, .. }));
    if old {
        let (again, longer) = attempt(Format::V03);
        took += longer;
        if again.as_ref().is_ok_and(Answer::is_taken) {
            answer = again;
        }
    }
    let status = answer.as_ref().map_or(Json::Null, |answer| json!(answer.status));
    let sent = json!({
        "service": SERVICE, "operation": OPERATION, "trace_id": trace_id, "status": status,
        "took_ms": took.as_secs_f64() * 1_000.0, "bytes": body.len(),
    });
    facts.insert("trace".into(), sent);
    match answer {
        Ok(answer) if answer.is_taken() => {
            let mut findings = vec![accepted(settings, answer.status, &trace_id, took)];
            if old {
                let says = "the Agent accepted it only at /v0.3/traces: it is very old, and returns no sampling rates";
                findings.push(note("trace.old_endpoint", says, "Update the Agent."));
            }
            findings
        }
        Ok(answer) => vec![refused(settings, &agent, &answer, body.len() as u64, known)],
        Err(failure) => vec![unanswered(&agent, &failure, settings)],
    }
}

fn accepted(settings: &Settings, status: u16, trace_id: &str, took: std::time::Duration) -> Finding {
    let says = format!(
        "one trace was sent and accepted ({status}) in {}: look for service {SERVICE}, operation {OPERATION}{}",
        millis(took),
        if settings.env.is_empty() { String::new() } else { format!(", env {}", settings.env) },
    );
    // Added without the redactor: the id is ours, and its digits may look like a secret.
    let mut finding = good("trace.accepted", says);
    finding.evidence.push(format!("trace id {trace_id}"));
    finding
}

fn refused(settings: &Settings, agent: &Agent, answer: &Answer, bytes: u64, known: bool) -> Finding {
    let url = agent.traces_url();
    let retry =
        format!("the tracer retries each payload for {:?}, then drops it and counts the spans", settings.retry_for);
    let (says, remedy) = match answer.status {
        413 => (
            format!("{url} refused even a trace of {} as too large (413): the tracer halves a payload, and drops a trace that is still refused", size(bytes)),
            "Raise the limit of a proxy in between (client_max_body_size in nginx), or the Agent's \
             apm_config.max_payload_size.",
        ),
        429 => (
            format!("{url} accepts no more for now (429): {retry}"),
            "The Agent is overloaded: check `agent status`, raise apm_config.max_memory and apm_config.max_cpu_percent, \
             give it more CPU, or send to more Agents.",
        ),
        404 | 405 | 415 if known => (
            format!("the Agent does not accept traces at {url} ({}), nor at /v0.3/traces: all traces are dropped", answer.status),
            "Turn on APM in the Agent (apm_config.enabled: true). A proxy in between must not change the path.",
        ),
        404 | 405 | 415 => (
            format!("the server knows neither /info nor {url} ({}): it is not an Agent, or the URL needs a path", answer.status),
            "Correct host, port and path in DD_TRACE_AGENT_URL; by default an Agent accepts traces on port 8126.",
        ),
        401 | 403 | 407 => (
            format!("{url} refused the trace and requires credentials ({}): all traces are dropped", answer.status),
            "An Agent requires none. Configure the proxy or service mesh in between to let /v0.4/traces through to the Agent.",
        ),
        408 | 500..=599 => (
            format!("{url} could not accept the trace ({}): {retry}", answer.status),
            "Check the Agent's log and `agent status`. A proxy in between gives this answer if the Agent behind it is down.",
        ),
        status => (
            format!("{url} refused the trace ({status}): such traces are dropped"),
            "The Agent's answer or its log may say why.",
        ),
    };
    let mut lines = vec![format!("it answered {}", quote(answer.body.as_bytes()))];
    lines.extend(answer.retry_after.map(|wait| format!("it requests a pause of {wait:?}")));
    with_evidence(bad(errors::refusal(answer.status.into()), says, remedy), lines)
}

/// Returns a fault for a test trace without an answer.
fn unanswered(agent: &Agent, failure: &Failure, settings: &Settings) -> Finding {
    let (cause, fate) = match failure {
        Failure::NotSent(_) | Failure::Refused(_) => ("agent.connection_closed", "nothing was sent"),
        Failure::Unknown(_) => ("agent.connection_closed", "whether it arrived is not known"),
        Failure::Timeout(_) => ("agent.timeout", "whether it arrived is not known"),
    };
    let says = format!("no answer to the test trace: {failure}; {fate}");
    let remedy = format!(
        "Check the Agent's load and log (`agent status`). A distant or slow Agent may need more than {:?}: raise \
         SPANWIRE_REQUEST_TIMEOUT_MS.",
        settings.request_timeout
    );
    with_evidence(bad(cause, says, remedy), [agent.traces_url()])
}

/// Returns the trace id in hexadecimal, and a v0.4 payload with one span that samplers keep.
fn payload(metadata: &Metadata) -> (String, Vec<u8>) {
    let mut random = [0; 16];
    sys::random_bytes(&mut random);
    let word = |at: usize| random[at..at + 8].iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let (low, span_id) = (word(0).max(1), (word(8) >> 1).max(1));
    let now = sys::wall_ns();
    let high = (now / 1_000_000_000) << 32;

    let high_text = format!("{high:016x}");
    let mut texts = vec![("language", metadata.settings.language.as_str()), ("runtime-id", &metadata.runtime_id)];
    texts.extend([("_dd.p.tid", high_text.as_str()), ("_dd.p.dm", "-4")]);
    texts.extend(metadata.every_span.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let numbers =
        [("_sampling_priority_v1", 2.0), ("_dd.top_level", 1.0), ("process_id", f64::from(metadata.process_id))];

    let mut out = Pack(vec![0x91, 0x91, 0x8c]);
    for (key, value) in [("service", SERVICE), ("name", OPERATION), ("resource", "spanwire doctor"), ("type", "custom")]
    {
        out.text(key).text(value);
    }
    for (key, value) in
        [("trace_id", low), ("span_id", span_id), ("parent_id", 0), ("start", now), ("duration", 1_000_000)]
    {
        out.text(key).number(0xcf, value);
    }
    out.text("error").0.push(0);
    out.text("meta").map(texts.len());
    for (key, value) in texts {
        out.text(key).text(value);
    }
    out.text("metrics").map(numbers.len());
    for (key, value) in numbers {
        out.text(key).number(0xcb, value.to_bits());
    }
    (format!("{high:016x}{low:016x}"), out.0)
}

/// The part of MessagePack that one span needs.
struct Pack(Vec<u8>);

impl Pack {
    fn text(&mut self, text: &str) -> &mut Pack {
        self.0.push(0xdb);
        self.0.extend_from_slice(&(text.len() as u32).to_be_bytes());
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn number(&mut self, kind: u8, bits: u64) -> &mut Pack {
        self.0.push(kind);
        self.0.extend_from_slice(&bits.to_be_bytes());
        self
    }

    fn map(&mut self, pairs: usize) -> &mut Pack {
        self.0.push(0xdf);
        self.0.extend_from_slice(&(pairs as u32).to_be_bytes());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode;

    #[test]
    fn the_test_trace_is_one_span_that_a_receiver_understands() {
        let env = |name: &str| (name == "DD_ENV").then(|| "staging".to_string());
        let (settings, _) = Settings::resolve(&[], &env, &spanwire::companion::languages::FOR_SETTINGS);
        let (id, body) = payload(&Metadata::of(&settings, 7));
        let traces = decode::payload(&body).expect("a payload");
        assert_eq!((traces.len(), traces[0].len()), (1, 1));
        let span = &traces[0][0];
        assert_eq!((span.service.as_str(), span.name.as_str()), (SERVICE, OPERATION));
        assert!(id.ends_with(&format!("{:016x}", span.trace_id)), "{id}");
    }
}

//! Judges the answer to `/info`: an Agent that accepts traces, or another server. `wire` sends the request.

use super::found::{bad, good, millis, note, quote, with_evidence};
use super::wire::{Answer, Silence, Target};
use crate::doctor::report::Finding;
use crate::out::counted;
use serde_json::{json, Map, Value as Json};

const TRACES: &str = "/v0.4/traces";

/// Whether the server is an Agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// The answer says so.
    Yes,
    /// The answer does not say. The test trace will show it.
    Perhaps,
    /// Another server.
    No,
}

/// The result.
pub struct Judged {
    pub agent: Agent,
    pub findings: Vec<Finding>,
}

/// Judges the answer to `/info`, or its absence.
pub fn judge(answer: &Result<Answer, Silence>, target: &Target, facts: &mut Map<String, Json>) -> Judged {
    let answer = match answer {
        Ok(answer) => answer,
        Err(Silence { late, why }) => {
            let finding = bad(
                if *late { "agent.timeout" } else { "agent.connection_closed" },
                format!("{target} accepted the connection and did not answer: {why}"),
                "An Agent answers at once. This one hangs or is overloaded (check `agent status` and its log), or another server \
                 listens there, for example one that expects TLS.",
            );
            return Judged { agent: Agent::Perhaps, findings: vec![finding] };
        }
    };
    let Some(status) = answer.status else { return stranger(target, not_http(&answer.raw), &answer.raw) };
    facts.insert("info_status".into(), json!(status));
    let body: Option<Json> = serde_json::from_slice(&answer.body).ok();
    match status {
        200..=299 => match body.filter(|json| json.get("endpoints").is_some_and(Json::is_array)) {
            Some(info) => an_agent(&info, answer, target, facts),
            None => stranger(target, &other_http(answer), &answer.body),
        },
        _ if speaks_tls(answer) => stranger(target, "a server that expects TLS (https)", &answer.body),
        404 if is_html(answer) => stranger(target, &other_http(answer), &answer.body),
        404 => {
            let says = format!("{target} does not know /info: it is a very old Agent, or not an Agent");
            let remedy = "The test trace below shows which. A newer Agent gives more information.";
            let finding = with_evidence(note("agent.no_info", says, remedy), [quote(&answer.body)]);
            Judged { agent: Agent::Perhaps, findings: vec![finding] }
        }
        300..=399 | 400 | 405 | 501 => stranger(target, &other_http(answer), &answer.body),
        401 | 403 | 407 => refused(
            "agent.http_credentials",
            format!("{target} answers /info with {status}: it requires credentials"),
            "An Agent requires none. Configure the proxy or service mesh in between to let traces through to the Agent.",
            answer,
        ),
        _ => refused(
            "agent.http_5xx",
            format!("{target} answers /info with {status}"),
            "Check the Agent's log and `agent status`. A proxy in between gives this answer if the Agent behind it is down.",
            answer,
        ),
    }
}

/// Returns the result for a server that refuses the request: it may still be an Agent.
fn refused(cause: &'static str, says: String, remedy: &str, answer: &Answer) -> Judged {
    let finding = with_evidence(bad(cause, says, remedy), [quote(&answer.body)]);
    Judged { agent: Agent::Perhaps, findings: vec![finding] }
}

/// Returns the result for an Agent, with a fault if it has no endpoint for traces.
fn an_agent(info: &Json, answer: &Answer, target: &Target, facts: &mut Map<String, Json>) -> Judged {
    let endpoints: Vec<&str> =
        info.get("endpoints").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    let version = info.get("version").and_then(Json::as_str).filter(|version| !version.is_empty());
    facts.insert("agent_version".into(), json!(version));
    facts.insert("endpoints".into(), json!(endpoints));
    let who = version.map_or("an Agent of unknown version".to_string(), |version| {
        format!("an Agent of version {}", quote(version.as_bytes()).trim_matches('"'))
    });
    let taken = counted(endpoints.len(), "endpoint");
    let mut findings =
        vec![good("agent.answers", format!("{target} is {who}, with {taken}; it answered in {}", millis(answer.took)))];
    if !endpoints.iter().any(|path| path.trim_end_matches('/') == TRACES) {
        findings.push(with_evidence(
            bad(
                "agent.takes_no_traces",
                format!("this Agent does not list {TRACES} among its endpoints"),
                "Turn on APM in the Agent: apm_config.enabled: true in datadog.yaml, or DD_APM_ENABLED=true. Then restart it.",
            ),
            [quote(endpoints.join(" ").as_bytes())],
        ));
    }
    Judged { agent: Agent::Yes, findings }
}

/// Returns the result for a server that is not an Agent.
fn stranger(target: &Target, what: &str, said: &[u8]) -> Judged {
    let remedy =
        "By default an Agent accepts traces on port 8126 (apm_config.receiver_port). Correct DD_TRACE_AGENT_URL, \
                  or DD_AGENT_HOST and DD_TRACE_AGENT_PORT, or free the port for the Agent.";
    let says = format!("the server at {target} is not an Agent but {what}: the port or host is wrong");
    let finding = with_evidence(bad("agent.wrong_port", says, remedy), [format!("it answered {}", quote(said))]);
    Judged { agent: Agent::No, findings: vec![finding] }
}

/// Names the server by the first bytes of its answer.
fn not_http(raw: &[u8]) -> &'static str {
    match raw {
        [0x15 | 0x16, 0x03, ..] => "a server that expects TLS (https)",
        _ if raw.starts_with(b"SSH-") => "an SSH server",
        _ if raw.starts_with(b"220") => "a mail or FTP server",
        _ if raw.starts_with(b"-ERR") || raw.starts_with(b"-DENIED") => "a Redis server, by its answer",
        // A SETTINGS frame: HTTP/2 without an upgrade, as gRPC servers speak it.
        [0, 0, _, 0x04, _, 0, 0, 0, 0, ..] => "a gRPC or HTTP/2 server, such as OTLP's",
        [_, 0, 0, 0, 0x0a, ..] => "a MySQL server",
        _ => "something that does not speak HTTP",
    }
}

fn speaks_tls(answer: &Answer) -> bool {
    let text = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    answer.status == Some(400) && text.contains("http request") && text.contains("https")
}

fn is_html(answer: &Answer) -> bool {
    let start = String::from_utf8_lossy(&answer.body[..answer.body.len().min(64)]).trim_start().to_ascii_lowercase();
    let declared = answer.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    declared || start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// Describes an HTTP server that is not an Agent.
fn other_http(answer: &Answer) -> String {
    let status = answer.status.unwrap_or_default();
    let what = if is_html(answer) {
        "a web server (it answers with HTML)".to_string()
    } else if serde_json::from_slice::<Json>(&answer.body).is_ok() {
        "another HTTP service (its JSON is not an Agent's)".to_string()
    } else {
        "another HTTP server".to_string()
    };
    let software = answer.header("server").map(|name| format!(", {}", quote(name.as_bytes()))).unwrap_or_default();
    format!("{what}{software}, which answers /info with {status}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use spanwire::companion::settings::AgentAddress;

    fn judged(status: u16, kind: &str, body: &str) -> (Agent, &'static str, String) {
        let answer = Answer {
            status: Some(status),
            headers: vec![("content-type".into(), kind.into())],
            body: body.into(),
            ..Answer::default()
        };
        judged_of(Ok(answer))
    }

    fn judged_of(answer: Result<Answer, Silence>) -> (Agent, &'static str, String) {
        let target = Target::of(&AgentAddress::tcp("h", 1)).expect("an address");
        let Judged { agent, mut findings } = judge(&answer, &target, &mut Map::new());
        let last = findings.pop().expect("a finding");
        (agent, last.cause, last.says)
    }

    #[test]
    fn an_agent_is_told_from_whatever_else_listens() {
        let agent = judged(200, "application/json", r#"{"version":"7.1","endpoints":["/v0.4/traces"]}"#);
        assert_eq!((agent.0, agent.1), (Agent::Yes, "agent.answers"));
        let off = judged(200, "application/json", r#"{"version":"7.1","endpoints":["/v0.7/config"]}"#);
        assert_eq!((off.0, off.1), (Agent::Yes, "agent.takes_no_traces"));
        for (status, kind, body, named) in [
            (200, "text/html", "<html>hi</html>", "HTML"),
            (404, "text/html; charset=utf-8", "gone", "HTML"),
            (200, "application/json", r#"{"status":"up"}"#, "JSON"),
            (200, "text/plain", "ok", "HTTP server"),
            (302, "", "", "302"),
            (400, "", "Client sent an HTTP request to an HTTPS server.\n", "TLS"),
        ] {
            let (agent, cause, says) = judged(status, kind, body);
            assert_eq!((agent, cause), (Agent::No, "agent.wrong_port"), "{body}");
            assert!(says.contains(named), "{says}");
        }
        let old = judged(404, "text/plain", "404 page not found");
        assert_eq!((old.0, old.1), (Agent::Perhaps, "agent.no_info"));
        assert_eq!(judged(503, "", "").1, "agent.http_5xx");
        assert_eq!(judged(403, "", "").1, "agent.http_credentials");
    }

    #[test]
    fn what_speaks_no_http_is_named_by_its_greeting() {
        for (raw, named) in [
            (&b"\x15\x03\x01\x00\x02\x02"[..], "TLS"),
            (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH"),
            (b"-ERR unknown command\r\n", "Redis"),
            (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "gRPC"),
            (b"\xff\xfe", "does not speak HTTP"),
        ] {
            let (agent, cause, says) = judged_of(Ok(Answer { raw: raw.to_vec(), ..Answer::default() }));
            assert_eq!((agent, cause), (Agent::No, "agent.wrong_port"));
            assert!(says.contains(named), "{says}");
        }
        let silence = |late| Err(Silence { late, why: "nothing".into() });
        assert_eq!(judged_of(silence(true)).1, "agent.timeout");
        assert_eq!(judged_of(silence(false)).1, "agent.connection_closed");
    }
}

//! The agent's answer to `/info`.

use super::answer::Answer;
use serde_json::Value;

const TRACES: &str = "/v0.4/traces";
const OLD_TRACES: &str = "/v0.3/traces";
/// A smaller bound on requests is ignored as a mistake of the agent: each payload would hold one span.
const REQUEST_LEAST: u64 = 64 << 10;
/// The longest version of an agent in characters, because it goes to the log.
const VERSION_MAX: usize = 100;
/// Bytes of the answer that are kept for flares.
const TEXT_MAX: usize = 32 << 10;

/// What an agent can do, according to `/info`. A value that it leaves out is empty, absent or false.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// The agent's version; empty if it is not given.
    pub version: String,
    /// The paths that it serves.
    pub endpoints: Vec<String>,
    /// The largest request that it accepts, in bytes, if it names a plausible bound.
    pub max_request_bytes: Option<u64>,
    /// Whether clients that compute statistics may drop traces that sampling rejects.
    pub client_drop_p0s: bool,
    /// Whether it accepts `span_events`.
    pub span_events: bool,
    /// Whether it accepts `meta_struct`.
    pub span_meta_structs: bool,
    /// The answer itself, not redacted; empty if it is longer than 32 KiB.
    pub text: String,
    /// The `Datadog-Agent-State` header of this answer.
    pub state: Option<String>,
}

impl Info {
    /// An agent that is too old to know `/info`.
    pub fn very_old() -> Info {
        Info { endpoints: vec![OLD_TRACES.into(), TRACES.into()], ..Info::default() }
    }

    pub(super) fn parse(answer: &Answer) -> Option<Info> {
        let json: Value = serde_json::from_str(&answer.body).ok()?;
        let flag = |name: &str| json.get(name).and_then(Value::as_bool).unwrap_or(false);
        let endpoints = json.get("endpoints").and_then(Value::as_array).into_iter().flatten();
        json.is_object().then(|| Info {
            version: json
                .get("version")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .chars()
                .take(VERSION_MAX)
                .collect(),
            endpoints: endpoints.filter_map(Value::as_str).map(String::from).collect(),
            max_request_bytes: json
                .pointer("/config/max_request_bytes")
                .and_then(Value::as_u64)
                .filter(|&bytes| bytes >= REQUEST_LEAST),
            client_drop_p0s: flag("client_drop_p0s"),
            span_events: flag("span_events"),
            span_meta_structs: flag("span_meta_structs"),
            text: if answer.body.len() <= TEXT_MAX { answer.body.clone() } else { String::new() },
            state: answer.agent_state.clone(),
        })
    }
}

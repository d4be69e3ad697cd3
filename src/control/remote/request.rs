//! The request to `/v0.7/config`: who asks, what is held, and what became of it.

use super::held::Held;
use crate::sort;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use serde_json::Value;

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Identifies this run of the tracer.
    pub runtime_id: String,
    /// The host's language.
    pub language: String,
    /// The version of the tracer.
    pub tracer_version: String,
    /// The service.
    pub service: String,
    /// Services of other tracers of the process.
    pub extra_services: Vec<String>,
    /// The environment.
    pub env: String,
    /// The application's version.
    pub app_version: String,
    /// Tags, `key:value` each.
    pub tags: Vec<String>,
    /// Tags of the process, in the same form.
    pub process_tags: Vec<String>,
}

/// What the agent is told of a client's state.
#[derive(Debug)]
pub struct State<'a> {
    /// The client's id.
    pub id: &'a str,
    /// The highest version of a root seen.
    pub root_version: u64,
    /// The version of the last list of targets that was used.
    pub targets_version: u64,
    /// What came with that list to be sent back.
    pub backend_state: &'a str,
    /// Why the last answer was not used; empty if it was.
    pub error: &'a str,
    /// The configurations.
    pub held: &'a [Held],
}

/// Returns the body of a request. `products` are those asked for, `capabilities` the numbers of what they can do.
pub fn body(subject: &Subject, state: &State<'_>, products: &[&str], capabilities: &[u32]) -> String {
    let tracer = object(&mut [
        ("runtime_id", text(&subject.runtime_id)),
        ("language", text(&subject.language)),
        ("tracer_version", text(&subject.tracer_version)),
        ("service", text(&subject.service)),
        ("extra_services", texts(&subject.extra_services)),
        ("env", text(&subject.env)),
        ("app_version", text(&subject.app_version)),
        ("tags", texts(&subject.tags)),
        ("process_tags", texts(&subject.process_tags)),
    ]);
    let state_told = object(&mut [
        // An agent refuses a client whose root has no version. Each client knows the first root.
        ("root_version", state.root_version.max(1).into()),
        ("targets_version", state.targets_version.into()),
        ("config_states", state.held.iter().map(config_state).collect()),
        ("has_error", (!state.error.is_empty()).into()),
        ("error", text(state.error)),
        ("backend_client_state", text(state.backend_state)),
    ]);
    let client = object(&mut [
        ("id", text(state.id)),
        ("products", products.iter().map(|name| text(name)).collect()),
        ("is_tracer", true.into()),
        ("capabilities", text(&STANDARD.encode(bits(capabilities)))),
        ("client_tracer", tracer),
        ("state", state_told),
    ]);
    object(&mut [("client", client), ("cached_target_files", state.held.iter().map(cached).collect())]).to_string()
}

/// What became of a configuration: 2 for acknowledged, 3 for an error.
fn config_state(held: &Held) -> Value {
    object(&mut [
        ("id", text(held.path.id())),
        ("version", held.version.into()),
        ("product", text(held.path.product())),
        ("apply_state", if held.fault.is_none() { 2 } else { 3 }.into()),
        ("apply_error", text(&held.fault.as_ref().map(ToString::to_string).unwrap_or_default())),
    ])
}

fn cached(held: &Held) -> Value {
    let hash = object(&mut [("algorithm", text("sha256")), ("hash", text(&held.sha256))]);
    let (path, length) = (text(held.path.text()), held.length.into());
    object(&mut [("path", path), ("length", length), ("hashes", Value::Array(vec![hash]))])
}

// Not inlined, because the macro of `serde_json` makes several times as much code for the same.
#[inline(never)]
fn object(fields: &mut [(&str, Value)]) -> Value {
    sort::object(&mut fields.iter_mut().map(|(name, value)| (name.to_string(), value.take()))).into()
}

#[inline(never)]
fn text(text: &str) -> Value {
    Value::String(text.to_string())
}

#[inline(never)]
fn texts(texts: &[String]) -> Value {
    texts.iter().map(|one| text(one)).collect()
}

/// The bits with these numbers, the most significant byte first.
fn bits(numbers: &[u32]) -> Vec<u8> {
    let all = numbers.iter().fold(0u64, |all, number| all | 1u64.checked_shl(*number).unwrap_or(0));
    let bytes = all.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes[zeros..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::super::path::ConfigPath;
    use super::*;
    use crate::event::remote::RemoteFault;
    use serde_json::json;

    #[test]
    fn a_request_says_who_asks_and_what_became_of_each_configuration() {
        let held = |path: &str, fault| Held {
            path: ConfigPath::parse(path).expect("a path"),
            version: 7,
            sha256: "ab".repeat(32),
            length: 3,
            kept: 3,
            fault,
        };
        let held = [
            held("datadog/2/AGENT_CONFIG/flare-log-level.debug/config", None),
            held("datadog/2/AGENT_TASK/x/config", Some(RemoteFault::Missing("case_id"))),
        ];
        let subject = Subject {
            runtime_id: "run".into(),
            language: "php".into(),
            tracer_version: "1.2".into(),
            service: "shop \"é\"".into(),
            extra_services: vec!["other".into()],
            env: "prod".into(),
            app_version: "3".into(),
            tags: vec!["team:core".into()],
            process_tags: vec!["entrypoint.name:shop".into()],
        };
        let state =
            State { id: "me", root_version: 0, targets_version: 5, backend_state: "b64", error: "bad", held: &held };
        let body = body(&subject, &state, &["AGENT_CONFIG"], &[12, 29]);
        let read: Value = serde_json::from_str(&body).expect("JSON");
        let wanted = json!({
            "client": {
                "id": "me",
                "products": ["AGENT_CONFIG"],
                "is_tracer": true,
                "capabilities": "IAAQAA==",
                "client_tracer": {
                    "runtime_id": "run",
                    "language": "php",
                    "tracer_version": "1.2",
                    "service": "shop \"é\"",
                    "extra_services": ["other"],
                    "env": "prod",
                    "app_version": "3",
                    "tags": ["team:core"],
                    "process_tags": ["entrypoint.name:shop"],
                },
                "state": {
                    "root_version": 1,
                    "targets_version": 5,
                    "config_states": [
                        {
                            "id": "flare-log-level.debug",
                            "version": 7,
                            "product": "AGENT_CONFIG",
                            "apply_state": 2,
                            "apply_error": "",
                        },
                        {
                            "id": "x",
                            "version": 7,
                            "product": "AGENT_TASK",
                            "apply_state": 3,
                            "apply_error": "missing case_id",
                        },
                    ],
                    "has_error": true,
                    "error": "bad",
                    "backend_client_state": "b64",
                },
            },
            "cached_target_files": [
                {
                    "path": "datadog/2/AGENT_CONFIG/flare-log-level.debug/config",
                    "length": 3,
                    "hashes": [{ "algorithm": "sha256", "hash": "ab".repeat(32) }],
                },
                {
                    "path": "datadog/2/AGENT_TASK/x/config",
                    "length": 3,
                    "hashes": [{ "algorithm": "sha256", "hash": "ab".repeat(32) }],
                },
            ],
        });
        assert_eq!(read, wanted);
        assert_eq!((bits(&[]), bits(&[0, 8, 45])), (vec![], vec![32, 0, 0, 0, 1, 1]));
    }
}

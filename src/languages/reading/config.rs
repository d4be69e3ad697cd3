//! Parses the start-up line, in which a tracer logs its settings: as JSON, as a Python dictionary, or in Java's own
//! form. Keeps only what the doctor uses.

use serde_json::{Map, Value};

/// Settings in a start-up line; `None` if the line does not contain them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The language as the tracer writes it (`nodejs`).
    pub language: Option<String>,
    /// The tracer's version.
    pub version: Option<String>,
    /// The version of this library, if the tracer uses it.
    pub spanwire_version: Option<String>,
    /// The service.
    pub service: Option<String>,
    /// The environment.
    pub env: Option<String>,
    /// The version of the service.
    pub service_version: Option<String>,
    /// The agent's URL.
    pub agent_url: Option<String>,
    /// The error of the first attempt to reach the Agent.
    pub agent_error: Option<String>,
    /// Whether tracing is on.
    pub enabled: Option<bool>,
    /// Whether debug mode is on.
    pub debug: Option<bool>,
}

impl Config {
    /// Parses the text after `CONFIGURATION`: a JSON object or a Python dictionary, with or without a dash before it.
    pub fn read(text: &str) -> Option<Config> {
        let from = text.find('{')?;
        // Ignore what follows the object, such as .NET's properties.
        let mut objects = serde_json::Deserializer::from_str(&text[from..]).into_iter::<Value>();
        match objects.next() {
            Some(Ok(object)) => Some(Config::of(object.as_object()?)),
            _ => {
                let json = dictionary(&text[from..]);
                let mut objects = serde_json::Deserializer::from_str(&json).into_iter::<Value>();
                Some(Config::of(objects.next()?.ok()?.as_object()?))
            }
        }
    }

    /// Takes the settings from the fields of a start-up object.
    pub fn of(object: &Map<String, Value>) -> Config {
        let text = |names: &[&str]| {
            let value = names.iter().filter_map(|name| object.get(*name)).find(|value| !value.is_null())?;
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (!text.is_empty() && value != &Value::Bool(false)).then_some(text)
        };
        let switch = |names: &[&str]| {
            names.iter().find_map(|name| match object.get(*name)? {
                Value::Bool(on) => Some(*on),
                Value::String(text) => text.to_ascii_lowercase().parse().ok(),
                _ => None,
            })
        };
        let defaults = object.get("defaults").and_then(|defaults| defaults["service"].as_str());
        Config {
            language: text(&["lang"]),
            version: text(&["version"]),
            spanwire_version: text(&["spanwire_version"]),
            service: text(&["service"]).or(defaults.map(str::to_owned)),
            env: text(&["env"]),
            service_version: text(&["dd_version"]),
            agent_url: text(&["agent_url"]),
            agent_error: text(&["agent_error"]),
            enabled: switch(&["enabled", "tracer_enabled", "ddtrace_enabled"]),
            debug: switch(&["debug"]),
        }
    }

    /// Parses Java's `Config(serviceName=shop, traceEnabled=true, …)`.
    pub fn of_java(text: &str) -> Config {
        let value = |name: &str| {
            let from = text.find(&format!("{name}="))? + name.len() + 1;
            let rest = &text[from..];
            let value = rest[..rest.find([',', ')', '}']).unwrap_or(rest.len())].trim();
            (!value.is_empty() && value != "null").then_some(value)
        };
        let url = value("agentUrl").map(str::to_owned).or_else(|| match value("agentUnixDomainSocket") {
            Some(socket) => Some(format!("unix://{socket}")),
            None => Some(format!("http://{}:{}", value("agentHost")?, value("agentPort")?)),
        });
        Config {
            language: Some("java".into()),
            service: value("serviceName").map(str::to_owned),
            agent_url: url,
            enabled: value("traceEnabled").and_then(|on| on.parse().ok()),
            ..Config::default()
        }
    }

    /// Returns the port of the Agent's URL; 80 if the URL has none, `None` for sockets and files.
    pub fn port(&self) -> Option<u16> {
        let rest = self.agent_url.as_deref()?.strip_prefix("http://")?;
        let place = rest.split(['/', '?']).next().unwrap_or(rest);
        match place.rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => port.parse().ok(),
            _ => Some(80),
        }
    }

    /// Whether the spanwire library is older than the tracer that uses it.
    pub fn library_is_older(&self) -> bool {
        let (Some(tracer), Some(library)) = (&self.version, &self.spanwire_version) else { return false };
        numbers(library) < numbers(tracer)
    }
}

/// Returns the leading numbers of a version.
fn numbers(version: &str) -> Vec<u64> {
    let version = version.trim_start_matches('v');
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    version[..end].split('.').map_while(|number| number.parse().ok()).collect()
}

/// Converts the text of a Python dictionary to JSON. If the text is no dictionary, the result is not valid JSON.
fn dictionary(text: &str) -> String {
    let mut json = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => {
                json.push('"');
                while let Some(inner) = chars.next() {
                    match inner {
                        end if end == c => break,
                        '\\' => match chars.next() {
                            Some('\'') => json.push('\''),
                            // Python's \xNN is no escape of JSON.
                            Some('x') => json.push_str("\\u00"),
                            Some(escaped) => json.extend(['\\', escaped]),
                            None => break,
                        },
                        '"' => json.push_str("\\\""),
                        inner => json.push(inner),
                    }
                }
                json.push('"');
            }
            '(' => json.push('['),
            ')' => json.push(']'),
            c if c.is_ascii_alphabetic() => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(char::is_ascii_alphanumeric) {
                    word.push(c);
                }
                json.push_str(match word.as_str() {
                    "None" => "null",
                    "True" => "true",
                    "False" => "false",
                    other => other,
                });
            }
            c => json.push(c),
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_forms_are_read() {
        let json = Config::read(" - {\"service\":\"shop\",\"enabled\":false,\"agent_error\":\"\"}  { Properties: 1 }");
        let json = json.expect("an object");
        assert_eq!((json.service.as_deref(), json.enabled, json.agent_error), (Some("shop"), Some(false), None));
        let python = Config::read("{'service': 'it\\'s \"x\"', 'agent_error': None, 'debug': True, 'n': (1, 2)}");
        let python = python.expect("a dictionary");
        assert_eq!((python.service.as_deref(), python.debug), (Some("it's \"x\""), Some(true)));
        let java = Config::of_java("Config(serviceName=shop, traceEnabled=true, agentHost=h, agentPort=1, x=null)");
        assert_eq!((java.service.as_deref(), java.agent_url.as_deref()), (Some("shop"), Some("http://h:1")));
        assert_eq!(Config::read("{\"cut off"), None);
        assert_eq!(Config::read("nothing"), None);
    }

    #[test]
    fn a_library_is_older_only_by_its_numbers() {
        let config = |version: &str, spanwire: Option<&str>| Config {
            version: Some(version.into()),
            spanwire_version: spanwire.map(str::to_owned),
            ..Config::default()
        };
        assert!(config("0.10.0", Some("0.9.1")).library_is_older());
        assert!(!config("0.1.0", Some("0.1.0")).library_is_older());
        assert!(!config("v0.1.0", Some("0.2.0")).library_is_older());
        assert!(!config("1.0.0", None).library_is_older());
    }

    #[test]
    fn ports_are_those_of_the_url() {
        let port = |url: &str| Config { agent_url: Some(url.into()), ..Config::default() }.port();
        assert_eq!(port("http://localhost:8126/v0.4/traces"), Some(8126));
        assert_eq!((port("http://h"), port("http://[::1]"), port("unix:///x")), (Some(80), Some(80), None));
    }
}

//! What flares of other tracers say beside their logs. Such a log begins when the level is raised for the flare, so that the
//! start-up line is not in it: the settings are in other files.

use super::archive::Files;
use super::node;
use crate::doctor::logs::Told;
use crate::doctor::report::Finding;
use crate::out::counted;
use serde_json::Value;
use spanwire::companion::languages::reading::config::Config;
use spanwire::companion::languages::reading::{after, Seen};
use spanwire::companion::redact;

/// Answers of the Agent that are counted one by one.
const ANSWERS_MAX: u64 = 100_000;
/// What Java's tracer writes instead of a log.
const NO_LOG_OF_JAVA: &str = "No tracer log file specified and no prepare flare event received";
/// The only line of Python's log if no level was raised before.
const FIRST_OF_PYTHON: &str = "ddtrace logs will be routed to ";

/// The flare of another tracer.
pub struct Foreign {
    /// Whose it is.
    pub language: &'static str,
    /// What its files say of the tracer.
    pub told: Vec<Told>,
    /// What is to be said of the flare itself.
    pub findings: Vec<Finding>,
    /// Whether it has a log.
    pub has_log: bool,
}

/// Returns the file's name without folders.
pub fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn text_of(files: &Files, wanted: &str) -> Option<String> {
    let (_, bytes) = files.iter().find(|(name, _)| base(name) == wanted)?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

/// Reads the flare, if its files are those of a tracer that is known to send flares.
pub fn of(files: &Files) -> Option<Foreign> {
    let has = |is_it: &dyn Fn(&str) -> bool| files.iter().any(|(name, _)| is_it(base(name)));
    if has(&|name| name == "initial_config.txt" || name == "tracer_version.txt") {
        Some(java(files))
    } else if has(&|name| is_config_of_python(name) || is_log_of_python(name)) {
        Some(python(files))
    } else if has(&|name| name.starts_with("dotnet-tracer")) {
        Some(Foreign { language: ".NET", told: Vec::new(), findings: Vec::new(), has_log: true })
    } else {
        of_node(files)
    }
}

fn note(cause: &'static str, says: impl Into<String>) -> Finding {
    Finding::note(cause, redact::text(&says.into()).into_owned())
}

/// Returns the settings in a file as a fact, if the file has any that the doctor uses.
fn settings(language: &'static str, config: Config, file: &str) -> Option<Told> {
    let has_any = [&config.version, &config.service, &config.agent_url].iter().any(|value| value.is_some());
    has_any.then(|| Told { language, seen: Seen::Config(config.into()), line: file.to_owned() })
}

fn no_log(why: &str) -> Finding {
    let says = format!(
        "{why}: the level of the log was not raised before the flare was asked for. Ask for a flare with debug logs, and \
         let the problem happen again before it is sent"
    );
    note("flare.no_log", says)
}

// ---- Java ----

fn java(files: &Files) -> Foreign {
    let mut config = text_of(files, "initial_config.txt").map(|text| config_of_java(&text)).unwrap_or_default();
    config.language = Some("java".into());
    let version = text_of(files, "tracer_version.txt").map(|text| text.trim().to_owned());
    config.version = version.filter(|version| !version.is_empty());
    let mut told: Vec<Told> = settings("java", config, "initial_config.txt").into_iter().collect();
    let mut findings = Vec::new();
    let log = text_of(files, "tracer.log").unwrap_or_default();
    let has_log = !log.trim().is_empty() && !log.starts_with(NO_LOG_OF_JAVA);
    if let Some(info) = text_of(files, "flare_info.txt") {
        let times: Vec<&str> = info.lines().map(str::trim).filter(|line| !line.is_empty()).take(2).collect();
        if !times.is_empty() {
            findings.push(note("log.read", format!("flare_info.txt: {}", times.join(", "))));
        }
    }
    if !has_log {
        findings.push(no_log("tracer.log has no line"));
    }
    if let Some(health) = text_of(files, "tracer_health.txt") {
        let counts = Counts::read(&health);
        findings.push(note("flare.counters", counts.to_string()));
        if !has_log {
            told.extend(counts.told());
        }
    }
    Foreign { language: "Java", told, findings, has_log }
}

/// Reads `Config{…, serviceName='shop', …, tags={env=prod, version=1.2.3}, …}`.
fn config_of_java(text: &str) -> Config {
    let text = text.replace('\'', "");
    let tags = after(&text, ", tags={").map(|rest| &rest[..rest.find('}').unwrap_or(0)]).unwrap_or_default();
    let tag = |name: &str| {
        let value = tags.split(", ").find_map(|tag| tag.strip_prefix(name)?.strip_prefix('='));
        value.map(str::to_owned)
    };
    let debug = after(&text, ", debugEnabled=").map(|rest| rest.starts_with("true"));
    Config { env: tag("env"), service_version: tag("version"), debug, ..Config::of_java(&text) }
}

/// What Java's tracer has counted since its start.
struct Counts {
    spans: u64,
    traces: u64,
    requests: u64,
    accepted: u64,
    failed: u64,
}

impl Counts {
    fn read(text: &str) -> Counts {
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
        };
        Counts {
            spans: of("finishedSpans"),
            traces: of("createdTraces"),
            requests: of("apiRequests"),
            accepted: of("apiResponsesOK"),
            failed: of("apiErrors"),
        }
    }

    /// Requests that were answered, but not with 200.
    fn refused(&self) -> u64 {
        self.requests.saturating_sub(self.accepted + self.failed)
    }

    /// Without a log, the answers come from the counters.
    fn told(&self) -> Vec<Told> {
        let line = format!("tracer_health.txt: {self}");
        let one = |seen| Told { language: "java", seen, line: line.clone() };
        let mut told = Vec::new();
        if self.spans > 0 {
            told.push(one(Seen::Written(self.spans)));
        }
        told.extend((0..self.accepted.min(ANSWERS_MAX)).map(|_| one(Seen::sent(None, 0))));
        if self.failed > 0 {
            told.push(one(Seen::lost(Some("agent.unreachable"), None)));
        }
        if self.refused() > 0 {
            told.push(one(Seen::lost(Some("agent.http_other"), None)));
        }
        told
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Counts { spans, traces, requests, accepted, failed } = self;
        write!(
            f,
            "since the start {traces} traces begun, {spans} spans finished; of {} with traces {accepted} accepted, \
             {failed} without an answer, {} refused",
            counted(*requests as usize, "request"),
            self.refused()
        )
    }
}

// ---- Python ----

fn is_config_of_python(name: &str) -> bool {
    name.starts_with("tracer_config_") && name.ends_with(".json")
}

fn is_log_of_python(name: &str) -> bool {
    name.starts_with("tracer_python_") && name.ends_with(".log")
}

fn python(files: &Files) -> Foreign {
    let configs = files.iter().filter(|(name, _)| is_config_of_python(base(name)));
    let told: Vec<Told> = configs
        .filter_map(|(name, bytes)| {
            let object: Value = serde_json::from_slice(bytes).ok()?;
            let config = config_of_python(object.get("configs").unwrap_or(&object));
            settings("python", config, base(name))
        })
        .collect();
    let logs = files.iter().filter(|(name, _)| is_log_of_python(base(name)));
    let has_lines = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let has = text.lines().any(|line| !line.trim().is_empty() && !line.contains(FIRST_OF_PYTHON));
        has
    };
    let has_log = logs.clone().any(|(_, bytes)| has_lines(bytes));
    let mut findings = Vec::new();
    if told.len() > 1 {
        findings.push(note("log.read", format!("{} processes have shared this flare", told.len())));
    }
    if !has_log {
        findings.push(no_log("the log has no line"));
    }
    Foreign { language: "Python", told, findings, has_log }
}

fn config_of_python(object: &Value) -> Config {
    let text = |name: &str| object[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    // `<_ConfigItem name=DD_TRACE_ENABLED default=True env_value=None user_value=None remote_config_value=None>`
    let enabled = object["_config"]["_tracing_enabled"].as_str().and_then(|item| {
        let value = |name: &str| after(item, name).map(|rest| rest.split([' ', '>']).next().unwrap_or_default());
        let values = ["remote_config_value=", "user_value=", "env_value=", "default="].map(value);
        let in_force = values.into_iter().flatten().find(|value| *value != "None")?;
        in_force.to_ascii_lowercase().parse().ok()
    });
    Config {
        language: Some("python".into()),
        service: text("service").or_else(|| text("_inferred_base_service")),
        env: text("env"),
        service_version: text("version"),
        agent_url: text("_trace_agent_url"),
        enabled,
        debug: object["_debug_mode"].as_bool(),
        ..Config::default()
    }
}

// ---- Node.js ----

/// Node.js sends two texts, each as a flare of its own: the settings and the log.
fn of_node(files: &Files) -> Option<Foreign> {
    let info = files.iter().find_map(|(name, bytes)| {
        let object: Value = serde_json::from_slice(bytes).ok()?;
        let is_info = base(name) == "tracer_info.txt" || object["lang"] == "nodejs";
        settings("node", Config::of(object.as_object().filter(|_| is_info)?), base(name))
    });
    let log = files.iter().any(|(name, bytes)| base(name) == "tracer_logs.txt" || node::has_lost_words(bytes));
    if info.is_none() && !log {
        return None;
    }
    let mut findings = Vec::new();
    match (&info, log) {
        (Some(_), false) => findings.push(note(
            "flare.no_log",
            "these are the settings alone. If the level was raised before, Node.js has sent the log as another file, \
             tracer_logs.txt: put both into a folder, and name the folder",
        )),
        (None, _) => findings.push(note(
            "flare.no_settings",
            "this is the log alone. Node.js has sent the settings as another file, tracer_info.txt: put both into a folder, \
             and name the folder",
        )),
        _ => {}
    }
    Some(Foreign { language: "Node.js", told: info.into_iter().collect(), findings, has_log: log })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_java_have_quotes_and_tags() {
        let text =
            "Config{instrumenterConfig=InstrumenterConfig{traceEnabled=true, x=[]}, hostName='h', serviceName='shop', \
                    agentUrl='http://127.0.0.1:1', agentUnixDomainSocket='null', tags={env=prod, version=1.2.3}, \
                    spanTags={}, debugEnabled=false, triageEnabled=true}";
        let config = config_of_java(text);
        let texts = [&config.service, &config.env, &config.service_version, &config.agent_url];
        assert_eq!(
            texts.map(|text| text.as_deref().unwrap_or("none")),
            ["shop", "prod", "1.2.3", "http://127.0.0.1:1"]
        );
        assert_eq!((config.enabled, config.debug), (Some(true), Some(false)));
    }

    #[test]
    fn the_strongest_value_of_python_is_in_force() {
        let item = |values: &str| {
            let text = format!("<_ConfigItem name=DD_TRACE_ENABLED {values}>");
            config_of_python(&serde_json::json!({ "_config": { "_tracing_enabled": text } })).enabled
        };
        assert_eq!(item("default=True env_value=None user_value=None remote_config_value=None"), Some(true));
        assert_eq!(item("default=True env_value=False user_value=None remote_config_value=None"), Some(false));
        assert_eq!(item("default=True env_value=False user_value=None remote_config_value=True"), Some(true));
        assert_eq!(item("of another form"), None);
    }

    #[test]
    fn counters_tell_refusals_from_failures() {
        let counts =
            Counts::read("apiRequests=21\napiErrors=15\napiResponsesOK=4\n\ncreatedTraces=44\nfinishedSpans=88\n");
        assert_eq!((counts.refused(), counts.told().len()), (2, 1 + 4 + 2));
    }
}

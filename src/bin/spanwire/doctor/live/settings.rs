//! The settings of the subject, and their faults: rejected values, names that nothing reads, and settings that
//! contradict each other.

use super::found::{bad, good, note, with_evidence};
use super::given::PRESET;
use super::subject::{Subject, URL};
use crate::doctor::report::{Finding, Section};
use serde_json::{json, Map, Value as Json};
use spanwire::companion::languages::FOR_SETTINGS;
use spanwire::companion::redact;
use spanwire::companion::settings::{table, AgentAddress, Origin, Program, Rejected, Settings, Value};

/// Shown even if they are not set.
const ALWAYS_SHOWN: [&str; 2] = ["DD_SERVICE", URL];
const EACH_ITS_OWN: &str = "each program's service is its file name";

/// Resolves the settings as the library does.
pub fn look(subject: &Subject, facts: &mut Map<String, Json>) -> (Settings, Section) {
    let env = |name: &str| subject.given.variable(name);
    let (mut settings, rejected) = resolve(known(subject.given.code()), subject);
    name_service(&mut settings, subject);
    if let Some(process) = subject.process.as_ref().filter(|_| subject.url.is_none()) {
        process.correct(&mut settings);
    }
    let former = subject.process.as_ref().map(|process| process.put_remote(&mut settings)).unwrap_or_default();
    let mut findings = vec![in_force(&settings, subject)];
    findings.extend(changed_remotely(&settings, &former, subject));
    findings.extend(rejected.iter().map(|rejected| unusable(rejected, &settings, subject)));
    let mut names: Vec<&str> = subject.given.0.iter().map(|given| given.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    findings.extend(names.into_iter().filter_map(misnamed));
    if !settings.unsupported.is_empty() {
        findings.push(note(
            "settings.unsupported",
            format!(
                "{}: supported by other tracers, but not by this version of spanwire",
                settings.unsupported.join(", ")
            ),
            "Unset those that are meant for spanwire only; the documentation of settings lists the supported ones.",
        ));
    }
    if !settings.enabled {
        let value = settings.value("DD_TRACE_ENABLED");
        let from = value.map_or("settings".into(), |value| from(subject, &settings, value));
        findings.push(bad(
            "tracing.disabled",
            format!("tracing is off: DD_TRACE_ENABLED is false (from {from}), so no spans are made and none are sent"),
            match value.map(|value| value.origin) {
                Some(Origin::Remote) => {
                    "Turn tracing on in the remote configuration of this service; the tracer follows with its next poll."
                }
                _ => "Set DD_TRACE_ENABLED=true, or unset it, and restart the process.",
            },
        ));
    }
    if subject.url.is_none() {
        findings.extend(contradiction(&settings, &env));
    }
    let shown = settings.values.iter().map(|value| {
        let own = is_own_name(value) && subject.program.is_none();
        let text = if own { Json::Null } else { value.value.clone().into() };
        let place = redact::text(place(subject, &settings, value.name, value.origin)).into_owned();
        (value.name.to_string(), json!({ "value": text, "origin": value.origin.name(), "place": place }))
    });
    let shown: Map<String, Json> = shown.collect();
    facts.insert("settings".into(), shown.into());
    facts.insert("agent_url".into(), settings.agent.to_string().into());
    (settings, Section { title: subject.title.clone(), findings })
}

/// Resolves settings with the stable configuration of the subject's machine or container.
fn resolve(code: Vec<(String, String)>, subject: &Subject) -> (Settings, Vec<Rejected>) {
    let process = subject.process.as_ref();
    let program = Program {
        env: &|name| subject.given.variable(name),
        variables: &|| subject.given.variables(),
        arguments: &|| process.map(|process| process.command.clone()).unwrap_or_default(),
        place: &|path| Some(process.map_or_else(|| path.to_path_buf(), |process| process.inside(path))),
    };
    Settings::resolve_for(&code, &program, &FOR_SETTINGS)
}

/// Leaves out names from files and options that are settings of other products.
fn known(code: Vec<(String, String)>) -> Vec<(String, String)> {
    let is_known = |name: &str| table::all().any(|setting| setting.name == name) || table::later::find(name).is_some();
    code.into_iter().filter(|(name, _)| is_known(name.strip_prefix(PRESET).unwrap_or(name))).collect()
}

/// Sets the default service, which the library takes from the program's name.
fn name_service(settings: &mut Settings, subject: &Subject) {
    let Some(program) = &subject.program else { return };
    if let Some(value) = settings.values.iter_mut().find(|value| is_own_name(value)) {
        value.value = redact::text(program).into_owned();
        settings.service = program.clone();
    }
}

/// Lists the settings that are set, and where traces go.
fn in_force(settings: &Settings, subject: &Subject) -> Finding {
    let is_own_name = |value: &Value| is_own_name(value) && subject.program.is_none();
    let shown = settings.values.iter().filter(|v| v.origin != Origin::Default || ALWAYS_SHOWN.contains(&v.name));
    let lines: Vec<String> = shown
        .map(|v| match is_own_name(v) {
            true => format!("{} is not set: {EACH_ITS_OWN}", v.name),
            false => format!("{}={} ({})", v.name, v.value, place(subject, settings, v.name, v.origin)),
        })
        .collect();
    let set = settings.values.iter().filter(|v| v.origin != Origin::Default).count();
    let own = settings.values.iter().any(is_own_name);
    let service = if own { EACH_ITS_OWN.to_string() } else { format!("service {}", settings.service) };
    let says =
        format!("traces go to {}; {service}; {set} of {} settings are set", settings.agent, settings.values.len());
    let finding = with_evidence(good("settings.in_force", says), lines);
    if subject.url.is_none() {
        return finding;
    }
    let mut code = known(subject.given.code());
    code.pop();
    let (mut alone, _) = resolve(code, subject);
    if let Some(process) = &subject.process {
        process.correct(&mut alone);
    }
    match alone.agent != settings.agent {
        true => with_evidence(finding, [format!("without --url, traces would go to {}", alone.agent)]),
        false => finding,
    }
}

/// Says what remote configuration has set, and what would be in force without it.
fn changed_remotely(settings: &Settings, former: &[Value], subject: &Subject) -> Option<Finding> {
    if former.is_empty() {
        return None;
    }
    let lines = former.iter().map(|former| {
        let now = settings.value(former.name).map_or("", |value| &value.value);
        let place = place(subject, settings, former.name, former.origin);
        let before = if former.value.is_empty() { "not set" } else { &former.value };
        format!("{}={now}; without it {before} ({place})", former.name)
    });
    let names: Vec<&str> = former.iter().map(|former| former.name).collect();
    let says = format!("remote configuration has set {}", names.join(", "));
    let remedy = "If that is not intended, change it on Datadog's side: the tracer follows with its next poll. With \
                  DD_REMOTE_CONFIGURATION_ENABLED=false the process never takes such changes.";
    Some(with_evidence(note("settings.remote", says, remedy), lines))
}

/// Whether this is the default service. The library takes it from the program's name, which is the doctor's here.
fn is_own_name(value: &Value) -> bool {
    value.name == "DD_SERVICE" && value.origin == Origin::Default
}

/// Returns where a value is from, for a sentence.
fn from(subject: &Subject, settings: &Settings, value: &Value) -> String {
    with_article(place(subject, settings, value.name, value.origin))
}

/// Returns where a value was given: for stable configuration, the file's path.
fn place<'a>(subject: &'a Subject, settings: &'a Settings, name: &str, origin: Origin) -> &'a str {
    let file = match origin {
        Origin::Local => settings.value(table::STABLE_LOCAL),
        Origin::Fleet => settings.value(table::STABLE_FLEET),
        _ => None,
    };
    file.map_or_else(|| subject.given.place(name, origin), |file| &file.value)
}

fn with_article(place: &str) -> String {
    match place {
        "environment" | "configuration file" | "default" => format!("the {place}"),
        _ => place.to_owned(),
    }
}

fn unusable(rejected: &Rejected, settings: &Settings, subject: &Subject) -> Finding {
    let Rejected { name, value, origin, why } = rejected;
    if name == table::STABLE_LOCAL || name == table::STABLE_FLEET {
        return bad(
            "setting.rejected",
            format!("the stable configuration file {value}: {why}; {}", why.consequence()),
            "Correct the file, or remove it. docs/stable-configuration.md says what it may hold.",
        );
    }
    let given = match place(subject, settings, name, *origin) {
        "--url" => "--url".to_owned(),
        place => format!("{name} (from {})", with_article(place)),
    };
    if name == URL || name == "DD_AGENT_HOST" {
        return bad(
            "agent.bad_url",
            format!("{given} is not a valid URL: {value:?} {why}. Traces would go to {} instead", settings.agent),
            "Write it as http://HOST:8126 or unix:///path/of/socket.",
        );
    }
    let now = settings.value(name).map(|value| match value.value.as_str() {
        "" => "it is ignored, as if it were not set".to_string(),
        value => format!("{value} is used instead"),
    });
    bad(
        "setting.rejected",
        format!("{given} is invalid: {value:?} {why}; {}", now.unwrap_or_else(|| "it is ignored".into())),
        format!("Correct {name} or unset it."),
    )
}

/// Returns what the name of a variable was probably meant to be. Does not read the value, which may be a secret.
fn misnamed(name: &str) -> Option<Finding> {
    let upper = name.to_ascii_uppercase();
    if !upper.starts_with("DD_") && !upper.starts_with("SPANWIRE_") {
        return None;
    }
    let known = || table::all().map(|setting| setting.name);
    if known().any(|known| known == name) || table::later::find(name).is_some() {
        return None;
    }
    let alike = [("DD_", "DD_TRACE_"), ("DD_TRACE_", "DD_")].iter().find_map(|(wrong, right)| {
        let meant = format!("{right}{}", upper.strip_prefix(wrong)?);
        known().find(|known| *known == meant)
    });
    let shown = redact::text(name).escape_debug().to_string();
    if let Some(meant) = alike {
        let says = format!("{shown} is set, but the tracer reads {meant}");
        return Some(note("settings.unread_name", says, format!("If it is meant for the tracer, set {meant}.")));
    }
    // Names of other products differ by a whole word. So allow one typing error, and two only in a long name.
    let most = if name.len() < 14 { 1 } else { 2 };
    let meant = known().find(|known| slips(upper.as_bytes(), known.as_bytes()) <= most)?;
    let says = format!("{shown} is not a setting and has no effect; {meant} was probably meant");
    Some(bad("setting.misspelt", says, format!("Rename it to {meant}.")))
}

/// Returns the number of characters to add, remove, replace or swap with their neighbour to turn one into the other.
fn slips(from: &[u8], to: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut next = vec![i; to.len() + 1];
        for j in 1..=to.len() {
            let same = from[i - 1] == to[j - 1];
            next[j] = (row[j - 1] + usize::from(!same)).min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                next[j] = next[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// Reports a URL together with a host or port that name another address.
fn contradiction(settings: &Settings, env: &dyn Fn(&str) -> Option<String>) -> Option<Finding> {
    let set = |name: &str| env(name).filter(|value| !value.trim().is_empty());
    let url = AgentAddress::from_url(set(URL)?.trim()).ok()?;
    let (host, port) = (set("DD_AGENT_HOST"), set("DD_TRACE_AGENT_PORT"));
    if host.is_none() && port.is_none() {
        return None;
    }
    let value = |name: &str| settings.value(name).map(|value| value.value.clone()).unwrap_or_default();
    let by_parts = AgentAddress::tcp(&value("DD_AGENT_HOST"), value("DD_TRACE_AGENT_PORT").parse().ok()?);
    (by_parts != url).then(|| {
        note(
            "settings.two_agents",
            format!("{URL} names {url}, DD_AGENT_HOST and DD_TRACE_AGENT_PORT name {by_parts}; the URL is used"),
            "Keep only the one that is right.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(name: &str) -> Option<(&'static str, String)> {
        misnamed(name).map(|finding| (finding.cause, finding.says))
    }

    #[test]
    fn a_slip_in_a_name_is_told_and_another_products_name_is_not() {
        for (slip, meant) in [
            ("DD_TRACE_AGNET_URL", "DD_TRACE_AGENT_URL"),
            ("DD_SERVCIE", "DD_SERVICE"),
            ("dd_service", "DD_SERVICE"),
            ("DD_TRACE_ENABLE", "DD_TRACE_ENABLED"),
            ("SPANWIRE_QUEUE_MAXX", "SPANWIRE_QUEUE_MAX"),
        ] {
            let (cause, says) = cause(slip).expect(slip);
            assert!(cause == "setting.misspelt" && says.contains(meant), "{slip}: {says}");
        }
        for (other, meant) in [("DD_AGENT_PORT", "DD_TRACE_AGENT_PORT"), ("DD_TRACE_AGENT_HOST", "DD_AGENT_HOST")] {
            let (cause, says) = cause(other).expect(other);
            assert!(cause == "settings.unread_name" && says.contains(meant), "{other}: {says}");
        }
        for fine in [
            "DD_TRACE_SAMPLE_RATE",
            "DD_TRACE_RATE_LIMIT",
            "DD_SERVICE",
            "DD_SITE",
            "DD_API_KEY",
            "DD_APM_ENABLED",
            "DD_TRACE_CLI_ENABLED",
            "PATH",
            "DEBUG",
            "DD_",
        ] {
            assert_eq!(cause(fine), None, "{fine}");
        }
    }

    #[test]
    fn neighbours_swapped_are_one_slip() {
        assert_eq!(slips(b"AGNET", b"AGENT"), 1);
        assert_eq!(slips(b"kitten", b"sitting"), 3);
        assert_eq!((slips(b"", b"abc"), slips(b"abc", b"")), (3, 3));
    }
}

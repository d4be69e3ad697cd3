//! What users rely on when settings are resolved: precedence, origins, defaults, rejections, the chosen Agent. The
//! files in this folder test what users of each language rely on.

mod config_file;
mod dotnet;
mod java;
mod levels;
mod otel;
mod others;
mod php;
mod places;
mod propagation;
mod python;
mod sampled;
mod stable;

use super::*;
use crate::languages::FOR_SETTINGS;

fn around() -> Surroundings {
    Surroundings {
        process_name: "shopd".into(),
        hostname: "host-1".into(),
        default_socket: false,
        pid: 476,
        date: "20261124".into(),
        folder_exists: |_| false,
    }
}

/// Resolves settings as a host in this language.
fn resolve_as(language: &str, code: &[(&str, &str)], env: &[(&str, &str)]) -> (Settings, Vec<Rejected>) {
    resolve(&[&[("SPANWIRE_LANGUAGE", language)], code].concat(), env)
}

fn accepted_as(language: &str, code: &[(&str, &str)], env: &[(&str, &str)]) -> Settings {
    let (settings, rejected) = resolve_as(language, code, env);
    assert_eq!(rejected, [], "{language} {code:?} {env:?}");
    settings
}

/// As `accepted_as`, where a setting of OpenTelemetry gives way to another one. A warning says so.
fn overridden_as(language: &str, code: &[(&str, &str)], env: &[(&str, &str)]) -> Settings {
    let (settings, rejected) = resolve_as(language, code, env);
    let [Rejected { why: Rejection::Overridden { .. }, .. }] = &rejected[..] else {
        panic!("{language} {code:?} {env:?}: {rejected:?}");
    };
    settings
}

/// Why a value is rejected, in words.
fn sentence(rejected: &Rejected) -> &'static str {
    rejected.why.to_string().leak()
}

/// Returns the names and reasons of rejected settings.
fn whys(rejected: &[Rejected]) -> Vec<(&str, &str)> {
    rejected.iter().map(|rejected| (rejected.name.as_str(), sentence(rejected))).collect()
}

fn resolve_with(code: &[(&str, &str)], env: &[(&str, &str)], around: Surroundings) -> (Settings, Vec<Rejected>) {
    let code: Vec<_> = code.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let get = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
    let arguments = || ["shopd", "--mode=fast", "-v"].map(str::to_string).to_vec();
    let variables = || env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    // Not the files of this machine.
    let place = |path: &Path| (!path.starts_with("/etc")).then(|| path.to_path_buf());
    let program = Program { env: &get, variables: &variables, arguments: &arguments, place: &place };
    resolve_among(&code, &program, around, &FOR_SETTINGS)
}

fn resolve(code: &[(&str, &str)], env: &[(&str, &str)]) -> (Settings, Vec<Rejected>) {
    resolve_with(code, env, around())
}

fn accepted(code: &[(&str, &str)], env: &[(&str, &str)]) -> Settings {
    let (settings, rejected) = resolve(code, env);
    assert_eq!(rejected, []);
    settings
}

fn value<'a>(settings: &'a Settings, name: &str) -> (&'a str, Origin) {
    let value = settings.value(name).unwrap();
    (&value.value, value.origin)
}

#[test]
fn every_default_of_the_table_is_accepted_and_names_are_unique() {
    let mut names = std::collections::HashSet::new();
    for setting in table::all() {
        assert!(names.insert(setting.name), "{} twice", setting.name);
        let known = ["DD_", "SPANWIRE_", "OTEL_", "_DD_", "datadog.slf4j.simpleLogger."];
        assert!(known.iter().any(|prefix| setting.name.starts_with(prefix)), "{}", setting.name);
        if !setting.default.is_empty() {
            assert_eq!(setting.kind.apply(setting.default, &mut blank(&FOR_SETTINGS)), Ok(()), "{}", setting.name);
        }
        assert!(setting.about.ends_with('.') && !setting.kind.accepts(&FOR_SETTINGS).is_empty(), "{}", setting.name);
    }
}

#[test]
fn with_nothing_set_the_documented_defaults_are_in_force() {
    let settings = accepted(&[], &[]);
    assert_eq!(settings.service, "shopd");
    assert_eq!(settings.hostname, "host-1");
    assert_eq!((settings.env.as_str(), settings.version.as_str()), ("", ""));
    assert!(settings.enabled && settings.startup_logs && settings.trace_id_128 && settings.partial_flush_enabled);
    assert!(!settings.debug && !settings.report_hostname);
    assert_eq!(settings.agent, AgentAddress::tcp("localhost", 8126));
    assert_eq!(settings.flush_interval, Duration::from_secs(1));
    assert_eq!((settings.flush_bytes, settings.payload_max_bytes), (256 << 10, 4 << 20));
    assert_eq!(
        (settings.queue_max_bytes, settings.queue_max_chunks, settings.memory_max),
        (16 << 20, 1 << 16, 64 << 20)
    );
    assert_eq!(settings.partial_flush_min_spans, 1000);
    assert_eq!((settings.connect_timeout, settings.request_timeout), (Duration::from_secs(1), Duration::from_secs(2)));
    assert_eq!(settings.retry_for, Duration::from_secs(60));
    assert_eq!((settings.log_level, settings.log_dialect.as_str()), (Level::Info, ""));
    assert_eq!((settings.log_stderr, settings.log_ring, settings.log_to_file), (true, true, false));
    assert_eq!((settings.log_file_size, settings.log_file_backups, &settings.log_place), (15 << 20, 1, &None));
    assert_eq!((settings.language.as_str(), settings.tracer_version.as_str()), ("native", env!("CARGO_PKG_VERSION")));
    assert!(settings.values.iter().all(|value| value.origin == Origin::Default));
    let ours = table::all().filter(|setting| setting.only.is_none());
    assert!(settings.values.iter().map(|value| value.name).eq(ours.map(|setting| setting.name)));
}

#[test]
fn code_overrides_environment_overrides_a_default_in_code_overrides_the_default() {
    let all = [("DD_SERVICE", "code"), ("default:DD_SERVICE", "preset")];
    for (code, env, service, origin) in [
        (&all[..], Some("env"), "code", Origin::Code),
        (&all[1..], Some("env"), "env", Origin::Env),
        (&all[1..], None, "preset", Origin::CodeDefault),
        (&[], None, "shopd", Origin::Default),
        (&[("DD_SERVICE", "")], Some("env"), "env", Origin::Env),
        (&all[1..], Some("  "), "preset", Origin::CodeDefault),
        (&[("DD_SERVICE", "first"), ("DD_SERVICE", "last")], None, "last", Origin::Code),
    ] {
        let env: Vec<_> = env.iter().map(|value| ("DD_SERVICE", *value)).collect();
        let settings = accepted(code, &env);
        assert_eq!(settings.service, service);
        assert_eq!(value(&settings, "DD_SERVICE"), (service, origin));
    }
}

#[test]
fn a_malformed_value_is_rejected_once_and_the_next_source_is_used() {
    let (settings, rejected) = resolve(
        &[("SPANWIRE_FLUSH_INTERVAL_MS", "1s"), ("default:SPANWIRE_FLUSH_INTERVAL_MS", "3000")],
        &[("SPANWIRE_FLUSH_INTERVAL_MS", "1"), ("DD_TRACE_DEBUG", "maybe"), ("DD_TRACE_LOG_LEVEL", "loud")],
    );
    assert_eq!(settings.flush_interval, Duration::from_secs(3));
    assert_eq!(value(&settings, "SPANWIRE_FLUSH_INTERVAL_MS"), ("3000", Origin::CodeDefault));
    assert!(!settings.debug);
    assert_eq!(value(&settings, "DD_TRACE_DEBUG"), ("false", Origin::Default));
    assert_eq!(settings.log_level, Level::Info);
    let seen: Vec<_> = rejected.iter().map(|r| (r.name.as_str(), r.value.as_str(), r.origin.name())).collect();
    assert_eq!(
        seen,
        [
            ("SPANWIRE_FLUSH_INTERVAL_MS", "1s", "code"),
            ("SPANWIRE_FLUSH_INTERVAL_MS", "1", "env"),
            ("DD_TRACE_DEBUG", "maybe", "env"),
            ("DD_TRACE_LOG_LEVEL", "loud", "env"),
        ]
    );
    assert!(rejected[0].why.to_string().contains("10 to 3600000 milliseconds"), "{}", rejected[0].why);
}

#[test]
fn each_kind_of_setting_refuses_what_it_cannot_use() {
    let long = "x".repeat(parse::TEXT_MAX + 1);
    for (name, bad) in [
        ("DD_TRACE_ENABLED", "nein"),
        ("SPANWIRE_MEMORY_MAX", "64MiB"),
        ("SPANWIRE_QUEUE_MAX_CHUNKS", "0"),
        ("SPANWIRE_RETRY_FOR_MS", "-1"),
        ("DD_SERVICE", "a\nb"),
        ("DD_SERVICE", long.as_str()),
        ("DD_TAGS", long.as_str()),
        ("DD_EXTERNAL_ENV", "it-false\r\nX: y"),
        ("SPANWIRE_LANGUAGE", "c♯"),
        ("SPANWIRE_LOG_DIALECT", "cobol"),
        ("DD_TRACE_LOG_FILE", "/tmp/"),
        ("SPANWIRE_LOG_FILE_MODE", "0999"),
        ("SPANWIRE_LOG_SINKS", "syslog"),
        ("DD_TRACE_AGENT_URL", "localhost:8126"),
        ("DD_AGENT_HOST", "http://agent"),
        ("DD_TRACE_AGENT_PORT", "70000"),
        ("DD_GIT_REPOSITORY_URL", "a\tb"),
    ] {
        let (settings, rejected) = resolve(&[(name, bad)], &[]);
        assert_eq!(rejected.len(), 1, "{name}={bad}");
        assert_eq!((rejected[0].name.as_str(), rejected[0].origin), (name, Origin::Code));
        assert!(
            rejected[0].why.to_string().contains("accepted") || rejected[0].why.to_string().contains("meant"),
            "{}",
            rejected[0].why
        );
        assert!(rejected[0].value.chars().count() <= REJECTED_MAX + 1);
        assert_eq!(settings, resolve(&[], &[]).0, "{name}={bad} must leave the default");
    }
}

#[test]
fn an_unknown_name_is_an_error_in_code_only() {
    let (_, rejected) = resolve(
        &[("DD_SERVCIE", "shop"), ("default:debug", "1"), ("FAVOURITE_COLOUR", "blue"), ("API_KEY", "hush")],
        &[("DD_SERVCIE", "shop")],
    );
    let seen: Vec<_> = rejected.iter().map(|r| (r.name.as_str(), r.value.as_str(), r.origin, sentence(r))).collect();
    assert_eq!(seen[0], ("DD_SERVCIE", "shop", Origin::Code, "no such setting; DD_SERVICE was probably meant"));
    let meant = "no such setting; default:DD_TRACE_DEBUG was probably meant";
    assert_eq!(seen[1], ("default:debug", "1", Origin::CodeDefault, meant));
    assert_eq!(seen[2], ("FAVOURITE_COLOUR", "blue", Origin::Code, "no such setting"));
    assert_eq!(seen[3].1, "<redacted>");
    assert_eq!(seen.len(), 4);
}

#[test]
fn service_env_and_version_in_tags_fill_what_is_not_set() {
    let tags = [("DD_TAGS", "service:shop,env:prod,version:1.2,team:web")];
    let settings = accepted(&[], &tags);
    assert_eq!((settings.service.as_str(), settings.env.as_str(), settings.version.as_str()), ("shop", "prod", "1.2"));
    assert_eq!(settings.tags, [("team".to_string(), "web".to_string())]);
    assert_eq!(value(&settings, "DD_SERVICE"), ("shop", Origin::Env));

    let settings = accepted(&tags, &[("DD_SERVICE", "own"), ("DD_ENV", "stage")]);
    assert_eq!((settings.service.as_str(), settings.env.as_str(), settings.version.as_str()), ("own", "stage", "1.2"));
    assert_eq!(settings.tags.len(), 1, "a tag must not contradict the field");

    let settings = accepted(&[("default:DD_SERVICE", "preset")], &tags);
    assert_eq!(settings.service, "shop");
    let settings = accepted(&[("default:DD_SERVICE", "preset"), ("default:DD_TAGS", "service:shop")], &[]);
    assert_eq!(settings.service, "preset");
    let settings = accepted(&[], &[("DD_TAGS", "service,env:")]);
    assert_eq!((settings.service.as_str(), settings.tags.len()), ("shopd", 0));
}

#[test]
fn the_agent_is_chosen_as_documented() {
    let url = ("DD_TRACE_AGENT_URL", "http://by-url:1");
    let (host, port) = (("DD_AGENT_HOST", "by-host"), ("DD_TRACE_AGENT_PORT", "2"));
    let v6 = ("DD_AGENT_HOST", "::1");
    let (preset, bad) = (("default:DD_TRACE_AGENT_URL", "unix:///preset"), ("DD_TRACE_AGENT_URL", "ftp://by-url"));
    type List<'a> = &'a [(&'a str, &'a str)];
    let cases: [(List, List, &str, Origin); 12] = [
        (&[], &[url, host, port], "http://by-url:1", Origin::Env),
        (&[], &[host], "http://by-host:8126", Origin::Env),
        (&[], &[port], "http://localhost:2", Origin::Env),
        (&[], &[v6, port], "http://[::1]:2", Origin::Env),
        (&[url], &[host], "http://by-url:1", Origin::Code),
        (&[host], &[url], "http://by-host:8126", Origin::Code),
        (&[preset], &[], "unix:///preset", Origin::CodeDefault),
        (&[preset], &[host], "http://by-host:8126", Origin::Env),
        (&[preset], &[bad], "unix:///preset", Origin::CodeDefault),
        (&[], &[bad, port], "http://localhost:2", Origin::Env),
        (&[], &[bad], "http://localhost:8126", Origin::Default),
        (&[], &[("DD_TRACE_AGENT_URL", "https://a/")], "https://a/", Origin::Env),
    ];
    for (code, env, agent, origin) in cases {
        let (settings, rejected) = resolve(code, env);
        assert_eq!(settings.agent.to_string(), agent, "{code:?} {env:?}");
        assert_eq!(value(&settings, "DD_TRACE_AGENT_URL"), (agent, origin));
        assert_eq!(rejected.len(), usize::from(env.contains(&bad)));
    }
}

#[test]
fn the_default_socket_is_used_only_when_nothing_else_is_said() {
    let agent = |env: &[(&str, &str)]| {
        resolve_with(&[], env, Surroundings { default_socket: true, ..around() }).0.agent.to_string()
    };
    assert_eq!(agent(&[]), "unix:///var/run/datadog/apm.socket");
    assert_eq!(agent(&[("DD_AGENT_HOST", "")]), "unix:///var/run/datadog/apm.socket");
    assert_eq!(agent(&[("DD_TRACE_AGENT_URL", "ftp://x")]), "unix:///var/run/datadog/apm.socket");
    assert_eq!(agent(&[("DD_AGENT_HOST", "agent")]), "http://agent:8126");
    assert_eq!(agent(&[("DD_TRACE_AGENT_PORT", "8126")]), "http://localhost:8126");
}

#[test]
fn a_log_file_takes_the_place_of_standard_error_unless_sinks_are_named() {
    let sinks = |settings: &Settings| (settings.log_stderr, settings.log_to_file, settings.log_ring);
    let file = ("DD_TRACE_LOG_FILE", "/tmp/t.log");
    let settings = accepted(&[], &[file]);
    assert_eq!(sinks(&settings), (false, true, true));
    assert_eq!(value(&settings, "SPANWIRE_LOG_SINKS"), ("file,ring", Origin::Default));
    assert_eq!(sinks(&accepted(&[], &[file, ("SPANWIRE_LOG_SINKS", "stderr")])), (true, false, false));
    assert_eq!(sinks(&accepted(&[("SPANWIRE_LOG_SINKS", "none")], &[file])), (false, false, false));
    let (settings, rejected) = resolve(&[], &[("SPANWIRE_LOG_SINKS", "file,stderr")]);
    assert_eq!(sinks(&settings), (true, false, false));
    assert!(rejected[0].why.to_string().contains("DD_TRACE_LOG_FILE"), "{}", rejected[0].why);
}

#[test]
fn secrets_never_reach_what_is_shown() {
    let (settings, rejected) = resolve(
        &[("DD_TRACE_AGENT_URL", "htp://u:hush@agent?k=hush")],
        &[
            ("DD_TRACE_AGENT_URL", "https://u:hush@agent:8126?token=hush"),
            ("DD_GIT_REPOSITORY_URL", "https://me:hush@git.example/a.git"),
            ("DD_TAGS", "api_key:hush,team:web"),
        ],
    );
    let shown = format!("{:?} {rejected:?} {}", settings.values, settings.config_json("id", None));
    assert!(!shown.contains("hush"), "{shown}");
    assert_eq!(settings.git_repository_url.as_deref(), Some("https://git.example/a.git"));
    assert_eq!(settings.tags[0].1, "hush", "spans carry the tag as it was set");
}

#[test]
fn the_start_up_line_has_what_its_readers_look_for() {
    let settings = accepted(&[("DD_SERVICE", "sh\"op")], &[("DD_ENV", "prod"), ("DD_TAGS", "team:web")]);
    let line = settings.config_json("1f-2", Some("connection refused"));
    assert!(line.starts_with("{\"date\":\"20") && !line.contains('\n'), "{line}");
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(json["service"], "sh\"op");
    assert_eq!(json["env"], "prod");
    assert_eq!(json["agent_url"], "http://localhost:8126");
    assert_eq!(json["agent_error"], "connection refused");
    assert_eq!(json["tags"]["team"], "web");
    assert_eq!(json["runtime_id"], "1f-2");
    assert_eq!(json["partial_flush_min_spans"], 1000);
    assert_eq!(json["debug"], false);
    assert_eq!(json["lang"], "native");
    assert_eq!(json["settings"]["DD_ENV"], serde_json::json!({ "value": "prod", "origin": "env" }));
    assert_eq!(json["settings"]["DD_SERVICE"]["origin"], "code");
    assert_eq!(json["settings"].as_object().unwrap().len(), settings.values.len());
    let json: serde_json::Value = serde_json::from_str(&settings.config_json("", None)).unwrap();
    assert!(json["agent_error"].is_null());
}

#[test]
fn on_this_machine_a_tracer_is_named_after_its_program() {
    let (settings, rejected) = Settings::resolve(&[], &|_| None, &FOR_SETTINGS);
    assert_eq!(rejected, []);
    assert_eq!((settings.service, settings.hostname), (host::process_name(), host::hostname()));
}

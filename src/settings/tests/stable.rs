//! Stable configuration files: their precedence, rules and templates, and parts that cannot be used.

use super::*;
use crate::settings::rejection::stable::{Form, StableFault, YamlFault};
use crate::settings::table::{STABLE_FLEET, STABLE_LOCAL};
use std::fs;

/// The files of one test, removed at its end.
struct Files(PathBuf);

impl Files {
    fn new(test: &str, local: &[u8], fleet: &[u8]) -> Files {
        let folder = std::env::temp_dir().join(format!("spanwire-stable-{}-{test}", sys::pid()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("local.yaml"), local).unwrap();
        fs::write(folder.join("fleet.yaml"), fleet).unwrap();
        Files(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn resolve(&self, code: &[(&str, &str)], env: &[(&str, &str)]) -> (Settings, Vec<Rejected>) {
        let (local, fleet) = (self.path("local.yaml"), self.path("fleet.yaml"));
        let paths = [(STABLE_LOCAL, local.as_str()), (STABLE_FLEET, fleet.as_str())];
        resolve(&[&paths, code].concat(), env)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Resolves the settings with this local file, as a host in Python.
fn local(test: &str, text: impl AsRef<[u8]>) -> (Settings, Vec<Rejected>) {
    Files::new(test, text.as_ref(), b"").resolve(&[("SPANWIRE_LANGUAGE", "python")], &[("HELLO", "world")])
}

/// The settings with this local file, which has no faults.
fn sound(test: &str, text: &str) -> Settings {
    let (settings, rejected) = local(test, text);
    assert_eq!(rejected, [], "{text}");
    settings
}

/// The only fault of a local file: the name, the line, and what is wrong.
fn fault(test: &str, text: impl AsRef<[u8]>) -> (String, usize, Rejection) {
    let (_, rejected) = local(test, text.as_ref());
    let [rejected] = &rejected[..] else { panic!("{test}: {rejected:?}") };
    assert_eq!(rejected.origin, Origin::Local);
    match &rejected.why {
        Rejection::InFile { file, line, why } => {
            assert!(file.ends_with("local.yaml"), "{file}");
            (rejected.name.clone(), *line, (**why).clone())
        }
        why => {
            let line = rejected.value.rsplit_once(':').and_then(|(_, line)| line.parse().ok());
            (rejected.name.clone(), line.unwrap_or(0), why.clone())
        }
    }
}

#[test]
fn code_overrides_the_fleet_overrides_the_environment_overrides_the_local_file_overrides_a_default_in_code() {
    let files = Files::new(
        "rank",
        b"config_id: host-7\napm_configuration_default:\n  DD_SERVICE: local\n  DD_ENV: local\n  DD_VERSION: local\n  \
          DD_TRACE_AGENT_PORT: 5000\n  DD_TRACE_PARTIAL_FLUSH_MIN_SPANS: 7\n",
        b"config_id: fleet-9\napm_configuration_default: {DD_SERVICE: fleet, DD_ENV: fleet, DD_TRACE_DEBUG: true}\n",
    );
    let code = [("DD_SERVICE", "code"), ("default:DD_VERSION", "preset"), ("default:DD_HOSTNAME", "preset")];
    let env = [("DD_SERVICE", "env"), ("DD_ENV", "env"), ("DD_TRACE_AGENT_PORT", "6000")];
    let (settings, rejected) = files.resolve(&code, &env);
    assert_eq!(rejected, []);
    for (name, shown, origin) in [
        ("DD_SERVICE", "code", Origin::Code),
        ("DD_ENV", "fleet", Origin::Fleet),
        ("DD_TRACE_DEBUG", "true", Origin::Fleet),
        ("DD_TRACE_AGENT_PORT", "6000", Origin::Env),
        ("DD_VERSION", "local", Origin::Local),
        ("DD_TRACE_PARTIAL_FLUSH_MIN_SPANS", "7", Origin::Local),
        ("DD_HOSTNAME", "preset", Origin::CodeDefault),
    ] {
        assert_eq!(value(&settings, name), (shown, origin), "{name}");
    }
    assert!(settings.debug && settings.partial_flush_min_spans == 7);
    let shown: serde_json::Value = serde_json::from_str(&settings.config_json("", None)).unwrap();
    let entry = |value, origin, id| serde_json::json!({ "value": value, "origin": origin, "config_id": id });
    assert_eq!(shown["settings"]["DD_ENV"], entry("fleet", "fleet_stable_config", "fleet-9"));
    assert_eq!(shown["settings"]["DD_VERSION"], entry("local", "local_stable_config", "host-7"));
    assert!(shown["settings"]["DD_SERVICE"]["config_id"].is_null());

    // A value that cannot be used gives way to the next source.
    let files = Files::new("rank2", b"", b"apm_configuration_default:\n\n  DD_TRACE_DEBUG: maybe\n");
    let (settings, rejected) = files.resolve(&[], &[("DD_TRACE_DEBUG", "true")]);
    assert_eq!(value(&settings, "DD_TRACE_DEBUG"), ("true", Origin::Env));
    assert_eq!((rejected.len(), rejected[0].origin), (1, Origin::Fleet));
    let said = sentence(&rejected[0]);
    assert!(said.contains("/fleet.yaml:3: not a yes or no"), "{said}");
}

#[test]
fn the_files_may_set_opentelemetrys_names_and_the_configuration_file() {
    let settings = sound("otel", "apm_configuration_default: {OTEL_SERVICE_NAME: shop, OTEL_TRACES_EXPORTER: none}");
    assert_eq!(value(&settings, "DD_SERVICE"), ("shop", Origin::Local));
    assert!(!settings.enabled);
    let files = Files::new("both", b"", b"apm_configuration_default: {OTEL_SERVICE_NAME: shop}");
    fs::write(files.path("datadog.json"), br#"{"DD_ENV": "json", "DD_VERSION": "json"}"#).unwrap();
    let text = format!(
        "apm_configuration_default:\n  DD_TRACE_CONFIG_FILE: {}\n  DD_ENV: local\n",
        files.path("datadog.json")
    );
    fs::write(files.path("local.yaml"), text).unwrap();
    let (settings, rejected) = files.resolve(&[], &[("DD_SERVICE", "env")]);
    assert_eq!(rejected, []);
    assert_eq!(value(&settings, "DD_ENV"), ("local", Origin::Local));
    assert_eq!(value(&settings, "DD_VERSION"), ("json", Origin::File));
    assert_eq!(value(&settings, "DD_SERVICE"), ("shop", Origin::Fleet), "the fleet overrides the environment");
}

#[test]
fn scalars_are_taken_as_they_are_written() {
    let text =
        "apm_configuration_default:\n  DD_VERSION: 1.20\n  DD_SERVICE: 0x10\n  DD_ENV: \"~\"\n  DD_HOSTNAME:\n  \
                DD_TRACE_DEBUG: True\n  DD_TAGS: 'a:b c:d'\n  DD_GIT_COMMIT_SHA: ~\n  DD_PROFILING_ENABLED: true\n";
    let settings = sound("scalars", text);
    assert_eq!((settings.version.as_str(), settings.service.as_str(), settings.env.as_str()), ("1.20", "0x10", "~"));
    assert!(settings.debug && settings.tags.len() == 2 && settings.git_commit_sha.is_none());
    assert_eq!((settings.hostname.as_str(), value(&settings, "DD_HOSTNAME").1), ("host-1", Origin::Default));
    let settings = sound("twice", "apm_configuration_default:\n  DD_ENV: one\n  DD_ENV: two\n");
    assert_eq!(settings.env, "two");
    for (test, empty) in
        ["", "# nothing\n", "---\n", "apm_configuration_default:\nrules:\ntags:\nconfig_id:\n"].iter().enumerate()
    {
        assert_eq!(sound(&format!("empty{test}"), empty).service, "shopd");
    }
    assert_eq!(local("mark", "\u{feff}apm_configuration_default: {DD_ENV: x}").0.env, "x");
}

#[test]
fn the_first_rule_that_matches_overrides_the_defaults_of_its_file() {
    let rule = |selector: &str| {
        format!(
            "apm_configuration_default: {{DD_ENV: default, DD_VERSION: default}}\ntags: {{team: web}}\nrules:\n\
             - selectors: [{{origin: language, operator: equals, matches: [java]}}]\n  configuration: {{DD_ENV: java}}\n\
             - selectors:\n  - {selector}\n  configuration: {{DD_ENV: matched}}\n\
             - selectors: []\n  configuration: {{DD_ENV: last, DD_SERVICE: last}}\n"
        )
    };
    for (n, (selector, matches)) in [
        ("{origin: language, operator: equals, matches: [ruby, python]}", true),
        ("{origin: language, operator: equals, matches: [pytho]}", false),
        ("{origin: language, operator: prefix_matches, matches: [pyth]}", true),
        ("{origin: language, operator: exists}", true),
        ("{origin: environment_variables, key: HELLO, operator: exists}", true),
        ("{origin: environment_variables, key: NONE, operator: exists}", false),
        ("{origin: environment_variables, key: HELLO, operator: suffix_matches, matches: [nope, ld]}", true),
        ("{origin: environment_variables, operator: equals, matches: ['HELLO=world']}", true),
        ("{origin: environment_variables, operator: prefix_matches, matches: [BYE]}", false),
        ("{origin: process_arguments, operator: equals, matches: ['-v']}", true),
        ("{origin: process_arguments, key: --mode, operator: equals, matches: [fast]}", true),
        ("{origin: process_arguments, key: -v, operator: exists}", false),
        ("{origin: tags, key: team, operator: equals, matches: [web]}", true),
        ("{origin: tags, key: other, operator: exists}", false),
        ("{origin: tags, operator: exists}", false),
        ("{origin: language, operator: equals, matches: []}", false),
    ]
    .into_iter()
    .enumerate()
    {
        let settings = sound(&format!("rule{n}"), &rule(selector));
        let (env, service) = if matches { ("matched", "shopd") } else { ("last", "last") };
        assert_eq!((settings.env.as_str(), settings.service.as_str()), (env, service), "{selector}");
        assert_eq!((settings.version.as_str(), value(&settings, "DD_ENV").1), ("default", Origin::Local));
    }
    // All selectors of a rule must match.
    let both = "rules:\n- selectors:\n  - {origin: language, operator: exists}\n  - {origin: tags, key: x, operator: exists}\n  \
                configuration: {DD_ENV: both}\n";
    assert_eq!(sound("and", both).env, "");
}

#[test]
fn templates_in_rules_are_filled_in() {
    let text = "apm_configuration_default: {DD_ENV: '{{ language }}'}\ntags: {team: web}\nrules:\n- selectors: []\n  \
                configuration:\n    DD_SERVICE: 'a-{{ language }}-{{environment_variables[HELLO]}}-{{ tags[ team ] }}'\n    \
                DD_VERSION: '{{process_arguments[--mode]}}.{{ nothing }}.{{ tags[none] }}.{{tags}}'\n";
    let settings = sound("templates", text);
    assert_eq!((settings.service.as_str(), settings.env.as_str()), ("a-python-world-web", "{{ language }}"));
    assert_eq!(settings.version, "fast.UNDEFINED.UNDEFINED.UNDEFINED");
    let open = "rules:\n- selectors: []\n  configuration:\n    DD_SERVICE: 'a-{{ language'\n    DD_ENV: kept\n";
    assert_eq!(fault("open", open), ("DD_SERVICE".into(), 4, Rejection::Stable(StableFault::OpenTemplate)));
    assert_eq!(local("open", open).0.env, "kept");
}

#[test]
fn what_cannot_be_used_is_reported_with_its_line_and_the_rest_holds() {
    let kept = "apm_configuration_default: {DD_ENV: kept}\n";
    let form = |fault| Rejection::Stable(fault);
    let known: &[&str] = &["config_id", "apm_configuration_default", "tags", "rules"];
    for (n, (more, name, line, why)) in [
        (
            "apm_config: {DD_ENV: x}\n",
            STABLE_LOCAL,
            2,
            form(StableFault::UnknownKey { key: "apm_config".into(), known }),
        ),
        ("[a, b]: c\n", STABLE_LOCAL, 2, form(StableFault::UnknownKey { key: String::new(), known })),
        ("config_id: [1]\n", STABLE_LOCAL, 2, form(StableFault::Not { key: "config_id", form: Form::Scalar })),
        ("rules: no\n", STABLE_LOCAL, 2, form(StableFault::Not { key: "rules", form: Form::List })),
        (
            "rules:\n- selectors: []\n",
            STABLE_LOCAL,
            3,
            form(StableFault::Missing { key: "configuration", of: "rules" }),
        ),
        (
            "rules:\n- selectors:\n  - operator: exists\n  configuration: {DD_ENV: x}\n",
            STABLE_LOCAL,
            4,
            form(StableFault::Missing { key: "origin", of: "selectors" }),
        ),
        (
            "rules:\n- selectors:\n  - {origin: language, operator: equals}\n  configuration: {DD_ENV: x}\n",
            STABLE_LOCAL,
            4,
            form(StableFault::Missing { key: "matches", of: "selectors" }),
        ),
        ("rules:\n- selectors: []\n  configuration:\n    DD_ENV: {a: b}\n", "DD_ENV", 5, Rejection::NotScalar),
        (
            "rules:\n- selectors: []\n  configuration: {DD_SERVCIE: shop}\n",
            "DD_SERVCIE",
            4,
            Rejection::NoSuchSetting { prefix: "", meant: Some("DD_SERVICE") },
        ),
        (
            "rules:\n- selectors: []\n  configuration: {SERVICE: shop}\n",
            "SERVICE",
            4,
            Rejection::NoSuchSetting { prefix: "", meant: None },
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let test = format!("kept{n}");
        assert_eq!(fault(&test, format!("{kept}{more}")), (name.into(), line, why), "{more}");
        assert_eq!(local(&test, format!("{kept}{more}")).0.env, "kept", "{more}");
    }
    // A rule without one of its conditions must not match what it is not for.
    let wild = "rules:\n- selectors:\n  - {origin: language, operator: wildcard}\n  configuration: {DD_ENV: x}\n";
    let (settings, rejected) = local("wild", wild);
    assert_eq!(settings.env, "");
    assert!(
        matches!(&rejected[0].why, Rejection::Stable(StableFault::Word { key: "operator", given, .. }) if given == "wildcard")
    );
}

#[test]
fn a_file_that_is_no_yaml_is_one_fault_with_its_line_and_sets_nothing() {
    let billion =
        "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
                   d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n";
    let deep = format!("a: {}{}\n", "[".repeat(17), "]".repeat(17));
    let nested: String = (0..20).map(|n| format!("k{}: &k{} [*k{}, [[[[x]]]]]\n", n + 1, n + 1, n)).collect();
    let nested = format!("k0: &k0 [x]\n{nested}");
    for (n, (text, line, part)) in [
        (&b"apm_configuration_default:\n  DD_ENV: a\n  DD_SERVICE b\nrules:\n"[..], 4, "no YAML"),
        (b"apm_configuration_default:\n\tDD_ENV: a\n", 2, "no YAML"),
        (b"apm_configuration_default:\n  DD_ENV: a\n---\nb: c\n", 3, "second document"),
        (b"apm_configuration_default:\n  DD_ENV: a\n  DD_SERVICE: \xff\n", 3, "not UTF-8"),
        (b"- a\n", 1, "accepted is YAML such as"),
        (b"apm_configuration_default: {DD_ENV: a}\nx: *nowhere\n", 2, "no YAML"),
        (billion.as_bytes(), 5, "too many values"),
        (deep.as_bytes(), 1, "nested more than 16 deep"),
        (nested.as_bytes(), 13, "nested more than 16 deep"),
    ]
    .into_iter()
    .enumerate()
    {
        let (name, found, why) = fault(&format!("broken{n}"), text);
        assert_eq!((name.as_str(), found), (STABLE_LOCAL, line), "{why}");
        assert!(why.to_string().contains(part), "{why}");
        assert_eq!(local(&format!("broken{n}"), text).0.env, "");
    }
    let anchors = "apm_configuration_default: &same {DD_ENV: prod}\nrules:\n- selectors: []\n  configuration: *same\n";
    assert_eq!(sound("anchors", anchors).env, "prod");
    assert!(matches!(fault("syntax", "a: [").2, Rejection::Stable(StableFault::Yaml(YamlFault::Syntax { .. }))));
}

#[test]
fn a_file_that_cannot_be_read_is_one_fault_and_a_missing_one_is_none_unless_it_was_named() {
    let files = Files::new("unread", b"", b"");
    for (path, part) in [
        ("/dev/null", "accepted is a file"),
        (files.0.to_str().unwrap(), "accepted is a file"),
        ("/proc/self/mem", "cannot be read"),
        ("/no/such.yaml", "there is no such file"),
    ] {
        let (settings, rejected) = resolve(&[(STABLE_FLEET, path)], &[("DD_ENV", "kept")]);
        assert_eq!((settings.env.as_str(), rejected.len()), ("kept", 1), "{path}: {rejected:?}");
        assert_eq!((rejected[0].name.as_str(), rejected[0].origin), (STABLE_FLEET, Origin::Fleet));
        assert!(sentence(&rejected[0]).contains(part), "{rejected:?}");
    }
    let large = format!("apm_configuration_default: {{DD_ENV: x}}\n# {}\n", "x".repeat(1_000_000));
    let (settings, rejected) = local("large", large);
    assert_eq!(settings.env, "");
    assert!(sentence(&rejected[0]).contains("larger than the 1000000 bytes"), "{rejected:?}");
    let off = ("DD_APPLICATION_MONITORING_CONFIG_FILE_ENABLED", "false");
    let files = Files::new("off", b"apm_configuration_default: {DD_ENV: x}", b"[");
    let (settings, rejected) = files.resolve(&[], &[off]);
    assert_eq!((settings.env.as_str(), rejected), ("", vec![]));
}

#[test]
fn many_faults_of_one_file_are_not_all_reported_and_secrets_are_hidden() {
    let many: String = (0..500).map(|n| format!("unknown{n}: x\n")).collect();
    assert_eq!(local("many", many).1.len(), 20);
    let text = "apm_configuration_default:\n  api_key: hush\n  DD_TRACE_AGENT_URL: htp://me:hush@agent\n  DD_TAGS: 'token:hush'\n";
    let (settings, rejected) = local("secret", text);
    let shown = format!("{:?} {rejected:?} {}", settings.values, settings.config_json("", None));
    assert!(rejected.len() == 2 && !shown.contains("hush"), "{shown}");
}

/// Any cut and any wrong character of a file that has everything leads to settings and faults, not to a panic.
#[test]
fn no_damage_to_a_file_does_harm() {
    let whole = "%YAML 1.2\n---\nconfig_id: \"a\\u0041\"\napm_configuration_default: &d\n  ? DD_ENV\n  : |+\n    a\n\n  DD_TAGS: >-\n    \
                 x:y\n  !!str DD_X: !!int 1\ntags: {a: [b, 'c'], ? d : e}\nrules:\n- selectors:\n  - {origin: language, operator: \
                 equals, matches: [python]}\n  configuration: *d # end\n...\n";
    let (mut seed, mut damaged) = (7_u64, 0);
    for at in 0..whole.len() {
        let _ = crate::settings::stable::parsed(&whole.as_bytes()[..at]);
        for _ in 0..20 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let mut bytes = whole.as_bytes().to_vec();
            bytes[at] = *b":-[]{}&*!|>'\"%@`#,? \n\t\x00\xff~aZ0".get((seed >> 33) as usize % 28).unwrap();
            damaged += usize::from(crate::settings::stable::parsed(&bytes).is_err());
        }
    }
    assert!(damaged > 100, "{damaged}");
}

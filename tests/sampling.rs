//! Sampling through the C API: what rates, rules, limits, the Agent and the host decide, when they do, and what is sent of
//! it. `tests/sampling/` has what ddtrace 4.16.0 and dd-trace 5.132.0 decided; docs/sampling.md lists where we differ.

mod support;

use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::agent::TestAgent;
use support::hosts::{host, root, Host, Outcome};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = root().join("target/test-sampling").join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Folder(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a scenario of the host. Returns the spans that it sent, in the order of the chunks, and its result.
fn sent(folder: &Folder, scenario: &str, set: impl FnOnce(Host) -> Host) -> Option<(Vec<Json>, Outcome)> {
    let traces = folder.file("traces.json");
    let _ = std::fs::remove_file(&traces);
    let host = host("sampling.c")?.arg(scenario).agent(&format!("file://{}", traces.display()));
    let ran = set(host.env("DD_SERVICE", "the-program")).run().ok();
    let text = std::fs::read_to_string(&traces).unwrap_or_default();
    let chunks = text.lines().map(|line| serde_json::from_str::<Json>(line).expect("a line of JSON"));
    Some((chunks.flat_map(|chunk| chunk["spans"].as_array().cloned().unwrap_or_default()).collect(), ran))
}

/// One line of the scenario `spans`.
fn line(trace_id: &str, name: &str, service: &str, resource: &str, tags: &[String]) -> String {
    let words = [&[trace_id, name, service, resource].map(str::to_owned), tags].concat();
    words.join("\t") + "\n"
}

/// What a span says about the decision, with the names of the recorded rows.
fn decision(span: &Json) -> Json {
    let mut found = serde_json::Map::new();
    for (name, of, key) in [
        ("priority", "metrics", "_sampling_priority_v1"),
        ("dm", "meta", "_dd.p.dm"),
        ("ksr", "meta", "_dd.p.ksr"),
        ("rule_psr", "metrics", "_dd.rule_psr"),
        ("limit_psr", "metrics", "_dd.limit_psr"),
        ("agent_psr", "metrics", "_dd.agent_psr"),
    ] {
        if let Some(value) = span[of].get(key) {
            found.insert(name.into(), value.as_f64().map_or(value.clone(), Json::from));
        }
    }
    Json::Object(found)
}

/// The same of a recorded row, with numbers as doubles, and without the mechanism of a rejected trace and the rate of the
/// default decision: see `dm_of_rejected` and `agent_psr_of_default` in docs/sampling.md.
fn recorded(row: &Json) -> Json {
    let mut row = row.as_object().cloned().unwrap_or_default();
    row.remove("trace_id");
    if row["priority"].as_i64() <= Some(0) {
        row.remove("dm");
    }
    if row.get("dm").is_some_and(|dm| dm == "-0") {
        row.remove("agent_psr");
    }
    row.into_iter().map(|(name, value)| (name, value.as_f64().map_or(value.clone(), Json::from))).collect()
}

/// The cases in the table of docs/sampling.md in which we differ from both tracers.
fn listed() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("docs/sampling.md")).expect("docs/sampling.md");
    let table = text.split("## Where we differ").nth(1).expect("a list of differences");
    let names = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    names.map(str::to_owned).collect()
}

#[test]
fn rules_decide_as_in_a_released_tracer_or_as_the_docs_say() {
    let folder = Folder::new("rules");
    let rows = std::fs::read_to_string(root().join("tests/sampling/rules.jsonl")).expect("the recorded rows");
    let (mut differ, mut cases) = (BTreeSet::from(["agent_psr_of_default", "dm_of_rejected"].map(str::to_owned)), 0);
    for row in rows.lines().map(|row| serde_json::from_str::<Json>(row).expect("a row")) {
        // Such a row needs an Agent: see the test of its rates.
        if row["env"].get("AGENT_RATE").is_some() {
            continue;
        }
        let mut same = false;
        for tracer in ["ddtrace", "dd-trace"] {
            // A tracer that ended on a rule has no result.
            let Some(expected) = row[tracer].as_array().filter(|_| !same) else { continue };
            let Some((spans, _)) = sent(&folder, "spans", |host| of_row(host, &row, expected)) else { return };
            let ours: Vec<Json> = spans.iter().map(decision).collect();
            same = ours == expected.iter().map(recorded).collect::<Vec<_>>();
        }
        cases += 1;
        if !same {
            differ.insert(row["case"].as_str().unwrap_or_default().to_owned());
        }
    }
    assert_eq!(cases, 66);
    assert_eq!(differ, listed());
}

/// A host that starts the spans of a recorded row, with the settings of the row.
fn of_row(mut host: Host, row: &Json, expected: &[Json]) -> Host {
    if let Some(rules) = row["rules"].as_str() {
        host = host.env("DD_TRACE_SAMPLING_RULES", rules);
    }
    for (name, value) in row["env"].as_object().into_iter().flatten() {
        host = host.env(name, value.as_str().unwrap_or_default());
    }
    let span = &row["span"];
    let given = [&span["tags"], &span["late"]].into_iter().filter_map(Json::as_object).flatten();
    let tag = |(key, value): (&String, &Json)| match value {
        Json::String(text) => format!("{key}={text}"),
        Json::Number(number) => format!("{key}#{number}"),
        other => format!("{key}={other}"),
    };
    let tags: Vec<String> = given.map(tag).collect();
    let resource = if span["no_resource"] == true { "-" } else { "GET /cart" };
    let ids = expected.iter().map(|row| row["trace_id"].as_str().unwrap_or_default());
    let lines: String = ids.map(|id| line(id, "web.request", "Shop-API", resource, &tags)).collect();
    host.input(&lines)
}

#[test]
fn a_rate_keeps_the_traces_that_released_tracers_keep() {
    let folder = Folder::new("rates");
    let decided = std::fs::read_to_string(root().join("tests/sampling/decided.txt")).expect("the recorded decisions");
    let mut rows =
        decided.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(' ').collect::<Vec<_>>());
    let (ids, _) = (rows.next().expect("ids"), rows.next());
    let lines: String = ids.iter().map(|id| line(id, "web.request", "-", "-", &[])).collect();
    for row in rows {
        // Half of the rates as a rule, half as the rate of all.
        let (rate, kept) = (row[0], row[2]);
        let rules = format!("[{{\"sample_rate\":{rate}}}]");
        let by_rule = rate.len() % 2 == 0;
        let (name, value) =
            if by_rule { ("DD_TRACE_SAMPLING_RULES", rules.as_str()) } else { ("DD_TRACE_SAMPLE_RATE", rate) };
        let set = |host: Host| host.env(name, value).env("DD_TRACE_RATE_LIMIT", "-1").input(&lines);
        let Some((spans, _)) = sent(&folder, "spans", set) else { return };
        let priorities = spans.iter().map(|span| span["metrics"]["_sampling_priority_v1"].as_f64());
        let ours: String = priorities.map(|priority| if priority == Some(2.0) { '1' } else { '0' }).collect();
        assert_eq!(ours, kept, "rate {rate}");
        assert!(spans.iter().all(|span| span["metrics"]["_dd.rule_psr"] == rate.parse::<f64>().expect("a rate")));
    }
}

const RULE: &str = r#"[{"resource":"GET*","sample_rate":0}]"#;

/// Name, resource and priority of every span; no priority on the later spans of a chunk.
fn outline(spans: &[Json]) -> Vec<(String, Option<i64>)> {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let priority = |span: &Json| span["metrics"]["_sampling_priority_v1"].as_f64().map(|priority| priority as i64);
    spans.iter().map(|span| (text(&span["name"]), priority(span))).collect()
}

fn named(spans: &[(&str, Option<i64>)]) -> Vec<(String, Option<i64>)> {
    spans.iter().map(|&(name, priority)| (name.to_owned(), priority)).collect()
}

#[test]
fn a_late_decision_reaches_the_chunks_that_follow() {
    let folder = Folder::new("late");
    let Some((spans, _)) = sent(&folder, "late", |host| host.env("DD_TRACE_PARTIAL_FLUSH_MIN_SPANS", 1)) else {
        return;
    };
    assert_eq!(outline(&spans), named(&[("before", Some(1)), ("after", Some(-1)), ("top", Some(2))]));
    let makers: Vec<&str> = spans.iter().map(|span| span["meta"]["_dd.p.dm"].as_str().unwrap_or("none")).collect();
    assert_eq!(makers, ["-0", "none", "-4"]);
}

#[test]
fn the_first_context_decides_by_what_the_root_has_then() {
    let folder = Folder::new("injected");
    let Some((spans, _)) = sent(&folder, "injected", |host| host.env("DD_TRACE_SAMPLING_RULES", RULE)) else { return };
    let expected = [("top", Some(-1)), ("child", None), ("top", Some(-1)), ("child", None), ("child", Some(1))];
    assert_eq!(outline(&spans), named(&[&expected[..], &[("top", Some(1))]].concat()));
}

#[test]
fn a_forked_child_keeps_the_decision_and_makes_the_one_that_its_parent_would() {
    let folder = Folder::new("forked");
    let Some((mut spans, _)) = sent(&folder, "forked", |host| host.env("DD_TRACE_SAMPLING_RULES", RULE)) else {
        return;
    };
    spans.sort_by_key(|span| span["name"].to_string());
    let expected = [("below decided", Some(-1)), ("below open", Some(-1)), ("top", Some(-1)), ("top", Some(-1))];
    assert_eq!(outline(&spans), named(&expected));
    assert!(spans.iter().all(|span| span["meta"].get("_dd.p.dm").is_none()), "rejected by this process and its parent");
}

#[test]
fn a_forked_child_decides_alike_whatever_a_limit_says() {
    let folder = Folder::new("limited");
    for (name, value) in [("DD_TRACE_RATE_LIMIT", "1"), ("DD_APM_TRACING_ENABLED", "false")] {
        let set = |host: Host| host.env("DD_TRACE_SAMPLE_RATE", "1").env(name, value);
        let Some((spans, _)) = sent(&folder, "forked_limited", set) else { return };
        assert_eq!(spans.len(), 6, "{name}");
    }
}

#[test]
fn a_process_two_forks_below_a_trace_decides_without_texts_that_are_gone() {
    let folder = Folder::new("grandchild");
    let rules = r#"[{"resource":"GET /","tags":{"wanted":"x*"},"sample_rate":0}]"#;
    let Some((spans, _)) = sent(&folder, "grandchild", |host| host.env("DD_TRACE_SAMPLING_RULES", rules)) else {
        return;
    };
    assert_eq!(outline(&spans), named(&[("two below", Some(1)), ("top", Some(-1))]));
}

#[test]
fn what_decided_travels_and_is_sent_as_long_as_it_holds() {
    let folder = Folder::new("continued");
    let Some((spans, ran)) = sent(&folder, "continued", |host| host.env("DD_TRACE_SAMPLE_RATE", "0.5")) else { return };
    let tags = ["_dd.p.dm", "_dd.p.ksr", "_dd.p.x"];
    let carried: Vec<_> = spans.iter().map(|span| tags.map(|tag| span["meta"][tag].as_str().unwrap_or("-"))).collect();
    assert_eq!(carried, [["-3", "0.25", "1"], ["-", "-", "1"], ["-3", "0.5", "-"]]);
    // Without the id of the span in tracestate.
    let headers = [0, 1, 2].map(|n| {
        let lines = ran.stdout.lines().filter_map(|line| line.strip_prefix(&format!("{n} ")));
        lines.map(|line| line.split_once(';').map_or(line, |(_, parts)| parts)).collect::<Vec<_>>()
    });
    assert_eq!(
        headers,
        [
            ["x-datadog-tags: _dd.p.ksr=0.25,_dd.p.x=1,_dd.p.dm=-3", "s:0;t.ksr:0.25;t.x:1;t.dm:-3"],
            ["x-datadog-tags: _dd.p.x=1", "s:-1;t.x:1"],
            ["x-datadog-tags: _dd.p.dm=-3,_dd.p.ksr=0.5", "s:2;t.dm:-3;t.ksr:0.5,ot=rv:f0948a54d43b8e;th:8"],
        ]
    );
}

#[test]
fn tags_decide_in_every_function_that_sets_tags() {
    let folder = Folder::new("by-tag");
    let Some((spans, _)) = sent(&folder, "by_tag", |host| host) else { return };
    let expected = [("tag", Some(-1)), ("start", Some(-1)), ("submitted", Some(-1)), ("sampled", Some(1))];
    assert_eq!(outline(&spans), named(&expected));
    assert!(spans.iter().all(|span| span["meta"].get("manual.drop").is_none()));
    assert_eq!(spans[0]["meta"]["sampling.priority"], "high", "no number: a tag");
}

#[test]
fn rules_for_single_spans_keep_spans_of_rejected_traces() {
    let folder = Folder::new("single");
    let file = folder.file("rules.json");
    let rules =
        r#"[{"name":"kept","sample_rate":1,"max_per_second":2},{"name":"never","sample_rate":0},{"service":"all"}]"#;
    std::fs::write(&file, rules).expect("a file with rules");
    let lines: String =
        [("kept", "-"), ("kept", "-"), ("kept", "-"), ("never", "all"), ("other", "all"), ("other", "-")]
            .iter()
            .enumerate()
            .map(|(n, (name, service))| line(&(n + 1).to_string(), name, service, "-", &[]))
            .collect();
    let kept = |rate: &str, of_file: bool| {
        let (name, value) = match of_file {
            true => ("DD_SPAN_SAMPLING_RULES_FILE", file.to_string_lossy().into_owned()),
            false => ("DD_SPAN_SAMPLING_RULES", rules.to_owned()),
        };
        let (spans, _) =
            sent(&folder, "spans", |host| host.env(name, value).env("DD_TRACE_SAMPLE_RATE", rate).input(&lines))?;
        let numbers = |span: &Json| {
            ["mechanism", "rule_rate", "max_per_second"]
                .map(|name| span["metrics"][format!("_dd.span_sampling.{name}")].as_f64())
        };
        Some(spans.iter().map(numbers).collect::<Vec<_>>())
    };
    let (limited, unlimited) = ([Some(8.0), Some(1.0), Some(2.0)], [Some(8.0), Some(1.0), None]);
    for of_file in [true, false] {
        let Some(spans) = kept("0", of_file) else { return };
        assert_eq!(spans, [limited, limited, [None; 3], [None; 3], unlimited, [None; 3]]);
    }
    assert_eq!(kept("1", false).expect("a compiler"), [[None; 3]; 6], "the trace is kept as a whole");
}

#[test]
fn the_agents_rates_apply_to_a_service_or_to_all_others() {
    let Some(agent) = TestAgent::start() else { return };
    agent.set_rates(r#"{"service:,env:":0.25,"service:shop,env:prod":1.0,"service:none,env:prod":0.0}"#);
    // Of these two, a rate of 0.25 keeps 17 by its hash.
    let lines: String = [("7", "shop"), ("7", "none"), ("7", "else"), ("17", "else")]
        .iter()
        .map(|(id, service)| line(id, service, service, "-", &[]))
        .collect();
    let Some(host) = host("sampling.c") else { return };
    let ran = host.arg("agent").agent(&agent.tcp()).env("DD_SERVICE", "none").env("DD_ENV", "prod").input(&lines).run();
    let context = ran.ok().object("context");
    assert_eq!((&context["priority"], &context["mechanism"]), (&0.into(), &(-1).into()), "what a context carries");
    let of = |name: &str, id: u64| {
        let traces = agent.chunks().concat();
        let span = traces.iter().find(|span| span.name == name && span.trace_id == id).expect("it was sent").clone();
        let number = |key: &str| span.metrics.get(key).copied();
        let rates = (number("_sampling_priority_v1"), number("_dd.agent_psr"));
        (rates, span.tag("_dd.p.dm").to_owned(), span.tag("_dd.p.ksr").to_owned())
    };
    let decided = |priority: f64, rate: Option<f64>, maker: &str, kept: &str| {
        ((Some(priority), rate), maker.to_owned(), kept.to_owned())
    };
    assert_eq!(of("first", 1), decided(1.0, None, "-0", ""), "the Agent has not answered yet");
    assert_eq!(of("shop", 7), decided(1.0, Some(1.0), "-1", "1"));
    assert_eq!(of("none", 7), decided(0.0, Some(0.0), "", "0"));
    assert_eq!(of("else", 17), decided(1.0, Some(0.25), "-1", "0.25"));
    assert_eq!(of("else", 7), decided(0.0, Some(0.25), "", "0.25"));
}

#[test]
fn without_tracing_the_agent_is_told_so_and_gets_one_trace_a_minute() {
    let Some(agent) = TestAgent::start() else { return };
    let lines: String = ["1", "2"].map(|id| line(id, "work", "-", "-", &[])).concat();
    let Some(host) = host("sampling.c") else { return };
    let set = host.arg("spans").agent(&agent.tcp()).env("DD_APM_TRACING_ENABLED", "false");
    set.input(&lines).run().ok();
    let spans = agent.chunks().concat();
    let priorities: Vec<f64> = spans.iter().map(|span| span.metrics["_sampling_priority_v1"]).collect();
    assert_eq!(priorities, [1.0, 0.0]);
    assert!(spans.iter().all(|span| span.metrics.get("_dd.apm.enabled") == Some(&0.0)));
    let told = agent.trace_requests().iter().all(|request| request.header("Datadog-Client-Computed-Stats") == "true");
    assert!(told && !spans.is_empty());
}

/// The causes that the doctor finds in a log.
fn causes(log: &Path) -> Vec<String> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_spanwire")).args(["doctor", "--json"]).arg(log).output().expect("it runs");
    let report: Json = serde_json::from_slice(&output.stdout).expect("a report");
    let causes = report["causes"].as_array().into_iter().flatten();
    causes.filter_map(Json::as_str).map(str::to_owned).collect()
}

#[test]
fn the_doctor_says_when_sampling_rejects_every_trace() {
    let folder = Folder::new("doctor");
    let lines: String = ["1", "2", "3"].map(|id| line(id, "work", "-", "GET /", &[])).concat();
    // The forms of the page for Go, .NET and Ruby, and Ruby's own, have no priority in their lines.
    let dialects = [
        "native",
        "json",
        "python",
        "python@source",
        "java",
        "java@source",
        "node",
        "php",
        "go@source",
        "dotnet@source",
    ];
    for dialect in dialects {
        for rate in ["0", "1"] {
            let log = folder.file("log");
            let _ = std::fs::remove_file(&log);
            let set = |host: Host| {
                let host = host.env("DD_TRACE_SAMPLE_RATE", rate).env("DD_TRACE_DEBUG", "true");
                let host = host.env("SPANWIRE_LOG_DIALECT", dialect).env("SPANWIRE_LOG_SINKS", "file");
                host.env("DD_TRACE_LOG_FILE", log.display()).input(&lines)
            };
            if sent(&folder, "spans", set).is_none() {
                return;
            }
            let rejected = causes(&log).iter().any(|cause| cause == "sampling.rejected_all");
            assert_eq!(
                rejected,
                rate == "0",
                "{dialect} {rate}:\n{}",
                std::fs::read_to_string(&log).unwrap_or_default()
            );
        }
    }
}

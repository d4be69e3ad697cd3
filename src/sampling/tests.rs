//! Tests of the sampler as a whole, and of the hash by what two released tracers decided.

use super::hash::{hash, keeps};
use super::*;
use crate::propagation::Consistent;
use crate::settings::sampling::{rules, RulesFor};
use crate::span::open::Value;
use std::collections::BTreeMap;

/// What released tracers decided: a line with trace ids, one with their `rv`, and one for each rate: its `th`, and `1` or
/// `0` for each id, kept or not. An id whose `rv` a rate moved is written there as `rv` of that rate.
const DECIDED: &str = include_str!("../../tests/sampling/decided.txt");

#[test]
fn a_rate_keeps_the_traces_that_released_tracers_keep() {
    let mut lines = DECIDED.lines().filter(|line| !line.starts_with('#'));
    let mut words = || lines.next().map(|line| line.split(' ').collect::<Vec<_>>());
    let (ids, randoms) = (words().unwrap(), words().unwrap());
    let mut seen = 0;
    while let Some(line) = words() {
        let (rate, threshold, kept, moved) = (line[0], line[1], line[2], &line[3..]);
        let rate: f64 = rate.parse().unwrap();
        for (n, (id, random)) in ids.iter().zip(&randoms).enumerate() {
            let id: u64 = id.parse().unwrap();
            assert_eq!(keeps(id, rate), kept.as_bytes()[n] == b'1', "{id} at {rate}");
            let random = moved.iter().find_map(|word| word.strip_prefix(&format!("{id}="))).unwrap_or(random);
            let expected = (threshold != "-").then(|| format!("rv:{random};th:{threshold}"));
            let member = Consistent::of(hash(id), rate, keeps(id, rate))
                .map(|member| format!("rv:{:014x};th:{}", member.rv, String::from_utf8_lossy(member.th(&mut [0; 16]))));
            assert_eq!(member, expected, "{id} at {rate}");
            seen += 1;
        }
    }
    assert_eq!(seen, 2060);
}

fn sampler(settings: &[(&str, &str)]) -> Sampler {
    let code: Vec<_> = settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Sampler::of(&Settings::resolve(&code, &|_| None, &crate::languages::FOR_SETTINGS).0)
}

fn judged(sampler: &Sampler, service: &str, agent: &AgentRates, now_ns: u64) -> Verdict {
    let tag = |key: &[u8]| (key == b"rows").then_some(Value::Number(3.0));
    let facts = Facts { service: service.as_bytes(), name: b"web.request", resource: b"GET /", tag: &tag };
    sampler.judge(1, &facts, agent, Some(now_ns))
}

const SECOND: u64 = 1_000_000_000;

#[test]
fn rules_come_before_the_sample_rate_and_that_before_the_agents_rates() {
    let agent = AgentRates::default();
    let rates = |rate| BTreeMap::from([("service:,env:".to_string(), rate)]);
    let with = [("DD_TRACE_SAMPLING_RULES", r#"[{"service":"a*","sample_rate":0}]"#), ("DD_TRACE_SAMPLE_RATE", "1")];
    let (all, rules_only, none) = (sampler(&with), sampler(&with[..1]), sampler(&[]));
    assert_eq!(judged(&all, "abc", &agent, SECOND).by, By::Rule(0));
    assert_eq!(judged(&all, "xyz", &agent, SECOND).by, By::SampleRate);
    assert_eq!(judged(&rules_only, "xyz", &agent, SECOND), Verdict::DEFAULT);
    agent.take(Some(&rates(0.0)), SECOND);
    assert_eq!(judged(&rules_only, "xyz", &agent, SECOND), Verdict::by_rate(By::AgentRate, 1, 0.0));
    assert!(!judged(&none, "xyz", &agent, SECOND).keep);
    assert!(judged(&all, "xyz", &agent, SECOND).keep);
}

#[test]
fn the_limit_counts_only_what_a_rule_or_the_sample_rate_keeps() {
    let agent = AgentRates::default();
    let rules = r#"[{"service":"never","sample_rate":0},{"service":"own","sample_rate":1,"max_per_second":0}]"#;
    let limited = [("DD_TRACE_SAMPLING_RULES", rules), ("DD_TRACE_SAMPLE_RATE", "1"), ("DD_TRACE_RATE_LIMIT", "1")];
    let sampler = sampler(&limited);
    let ask = |service| judged(&sampler, service, &agent, 5 * SECOND);
    assert_eq!(ask("never").limit_rate, None);
    assert_eq!((ask("own").keep, ask("own").limit_rate), (false, None));
    assert_eq!([ask("x"), ask("x")].map(|v| (v.keep, v.limit_rate)), [(true, Some(1.0)), (false, Some(0.5))]);
}

#[test]
fn a_number_matches_as_its_digits_or_not_at_all() {
    let of = |pattern: &str, value: f64| {
        let text = format!(r#"[{{"tags":{{"n":"{pattern}"}},"sample_rate":1}}]"#);
        let rule = Rule::of(rules(&text, RulesFor::Traces).unwrap().0.remove(0));
        let tag = |key: &[u8]| (key == b"n").then_some(Value::Number(value));
        rule.matches(&Facts { service: b"", name: b"", resource: b"", tag: &tag })
    };
    assert!(of("20", 20.0) && of("2?", 20.0) && of("-1", -1.0) && of("*", 3.5) && of("0", 0.0));
    assert!(!of("20.0", 20.0) && !of("3.5", 3.5) && !of("3*", 3.5) && !of("?", 3.5));
}

#[test]
fn without_tracing_one_trace_a_minute_is_kept() {
    let (agent, sampler) = (AgentRates::default(), sampler(&[("DD_APM_TRACING_ENABLED", "false")]));
    let kept = [0, 1, 59, 61].map(|at| judged(&sampler, "x", &agent, (100 + at) * SECOND).keep);
    assert_eq!(kept, [true, false, false, true]);
}

#[test]
fn a_rule_that_is_invalid_is_left_out_with_its_reason() {
    let text = r#"[{"sample_rate":0.5},{"service":"a"},{"sample_rate":"x"},{"sample_rate":1,"sevice":"a"},7,
                   {"sample_rate":2},{"sample_rate":-1},{"sample_rate":1,"tags":[]},{"sample_rate":1,"name":{}}]"#;
    let (usable, left_out) = rules(text, RulesFor::Traces).unwrap();
    assert_eq!(usable.iter().map(|rule| rule.sample_rate).collect::<Vec<_>>(), [0.5, 1.0]);
    let places: Vec<String> = left_out.iter().map(|(_, why)| why.to_string()[..6].to_string()).collect();
    assert_eq!(places, ["rule 2", "rule 3", "rule 4", "rule 5", "rule 7", "rule 8", "rule 9"]);
    let (spans, none) = rules(r#"{"service":"a"}"#, RulesFor::Spans).unwrap();
    assert_eq!((spans[0].sample_rate, none.len()), (1.0, 0));
}

//! Faults that are planted one by one: `spanwire why` or `spanwire doctor --pid` names each in the words that docs/why.md
//! lists.

#[allow(dead_code)] // other tests use more of it
#[path = "support/live.rs"]
mod live;
mod support;

use live::{companion, Live};
use std::time::Duration;
use support::faults::{always, Reply};
use support::hosts::root;

/// The agent of a fault.
enum Agent {
    /// This one.
    Replies(Reply),
    /// None: the URL is among the settings.
    None,
    /// No process listens at the address.
    Nobody,
}

/// What is asked.
enum Ask {
    /// `why` with the id of the host's trace of this name.
    Why(&'static str),
    /// `why` with an id that no process has.
    WhyUnknown(&'static str),
    /// `why` with an id that no process has, of a child that the host has forked.
    WhyInChild(&'static str),
    /// `doctor --pid`.
    Doctor,
}

struct Planted {
    kind: &'static str,
    fault: &'static str,
    agent: Agent,
    settings: &'static [(&'static str, &'static str)],
    actions: &'static [&'static str],
    ask: Ask,
    words: &'static str,
}

const NEVER: &str = "7fffffffffffffff";
const OLD: &str = "5f0000000000000000000000000000aa";
const SOON: (&str, &str) = ("SPANWIRE_RETRY_FOR_MS", "100");
const TRACE: &[&str] = &["trace", "flush=20000", "wait"];

fn planted() -> Vec<Planted> {
    let of = |kind, fault, agent, settings, actions, ask, words| Planted {
        kind,
        fault,
        agent,
        settings,
        actions,
        ask,
        words,
    };
    let good = || Agent::Replies(Reply::Ok);
    let stalls = || Agent::Replies(Reply::Stall(Duration::from_secs(60)));
    let trace = || Ask::Why("trace");
    vec![
        of(
            "settings",
            "`DD_TRACE_ENABLED=false`",
            good(),
            &[("DD_TRACE_ENABLED", "false")],
            &["trace", "wait"],
            Ask::WhyUnknown(NEVER),
            "makes no traces: tracing is disabled by DD_TRACE_ENABLED=false, set by the environment",
        ),
        of(
            "settings",
            "a URL that the library cannot serve",
            Agent::None,
            &[("DD_TRACE_AGENT_URL", "https://127.0.0.1:8126")],
            TRACE,
            trace(),
            "dropped (dropped_unreachable): the Agent's URL cannot be used",
        ),
        of(
            "settings",
            "a sample rate that is no number",
            good(),
            &[("DD_TRACE_SAMPLE_RATE", "lots")],
            TRACE,
            Ask::Doctor,
            "DD_TRACE_SAMPLE_RATE",
        ),
        of(
            "network",
            "no Agent listens at the address",
            Agent::Nobody,
            &[SOON],
            TRACE,
            trace(),
            "dropped (dropped_unreachable): the Agent could not be reached: Connection refused",
        ),
        of(
            "network",
            "the Agent's socket does not exist",
            Agent::None,
            &[("DD_TRACE_AGENT_URL", "unix:///no/such/socket"), SOON],
            TRACE,
            trace(),
            "dropped (dropped_unreachable): the Agent could not be reached: No such file or directory",
        ),
        of(
            "network",
            "the Agent's name has no address",
            Agent::None,
            &[("DD_TRACE_AGENT_URL", "http://no-such-agent.invalid:8126"), SOON],
            TRACE,
            trace(),
            "the Agent's name does not resolve",
        ),
        of(
            "network",
            "the connection ends without an answer",
            Agent::Replies(Reply::Swallow),
            &[SOON],
            TRACE,
            trace(),
            "sent but never acknowledged (dropped_unknown_fate), so the Agent may have them or not: the Agent closed the \
             connection before it had answered",
        ),
        of(
            "network",
            "something else than an Agent listens",
            Agent::Replies(Reply::Garbage),
            &[SOON],
            TRACE,
            trace(),
            "the answer was not HTTP",
        ),
        of(
            "sampling",
            "a sampling rule rejects it",
            good(),
            &[("DD_TRACE_SAMPLING_RULES", r#"[{"name":"web.*","sample_rate":0}]"#)],
            TRACE,
            trace(),
            "sampling rejected it with priority -1, by rule 1 of DD_TRACE_SAMPLING_RULES with a rate of 0",
        ),
        of(
            "sampling",
            "`DD_TRACE_SAMPLE_RATE=0`",
            good(),
            &[("DD_TRACE_SAMPLE_RATE", "0")],
            TRACE,
            trace(),
            "sampling rejected it with priority -1, by DD_TRACE_SAMPLE_RATE with a rate of 0",
        ),
        of(
            "sampling",
            "`DD_TRACE_RATE_LIMIT` is reached",
            good(),
            &[("DD_TRACE_SAMPLE_RATE", "1"), ("DD_TRACE_RATE_LIMIT", "0")],
            TRACE,
            trace(),
            "and the limit DD_TRACE_RATE_LIMIT or max_per_second, which was reached",
        ),
        of(
            "sampling",
            "the program drops the trace",
            good(),
            &[],
            &["drop", "flush=20000", "wait"],
            Ask::Why("drop"),
            "sampling rejected it with priority -1, because the program set that priority",
        ),
        of(
            "sampling",
            "`DD_APM_TRACING_ENABLED=false`",
            good(),
            &[("DD_APM_TRACING_ENABLED", "false")],
            &["keep", "trace", "trace", "flush=20000", "wait"],
            Ask::Why("trace"),
            "because DD_APM_TRACING_ENABLED is false: it keeps one trace a minute",
        ),
        of(
            "memory",
            "spans come faster than they are sent",
            stalls(),
            &[("SPANWIRE_QUEUE_MAX_CHUNKS", "10")],
            &["many=3000", "wait"],
            Ask::Why("many"),
            "dropped (dropped_queue_full): the queue was full",
        ),
        of(
            "memory",
            "one span is too large for the Agent",
            Agent::Replies(Reply::TooLargeAbove(10_000)),
            &[],
            &["big", "flush=20000", "wait"],
            Ask::Why("big"),
            "dropped (dropped_too_large): the Agent refused a payload of this one span as too large (413)",
        ),
        of(
            "memory",
            "open spans use all memory",
            good(),
            &[("SPANWIRE_MEMORY_MAX", "1048576")],
            &["hoard=3000", "flush=1", "wait"],
            Ask::WhyUnknown(NEVER),
            "of a span, because the tracer was shut down or SPANWIRE_MEMORY_MAX was reached (counter refused_starts)",
        ),
        of(
            "spans",
            "a span is never finished",
            good(),
            &[],
            &["open", "flush=1000", "wait"],
            Ask::Why("open"),
            "It is not complete: 1 span of it open, the oldest (web.request, span",
        ),
        of(
            "spans",
            "the program discards the trace",
            good(),
            &[],
            &["discard", "flush=1000", "wait"],
            Ask::Why("discard"),
            "Not sent: the host discarded its spans",
        ),
        of(
            "spans",
            "the tracer is shut down while spans are open",
            good(),
            &[],
            &["alone", "shutdown=20000", "wait"],
            Ask::Why("alone"),
            "Not sent: its spans were still open when the tracer was shut down, and were abandoned",
        ),
        of(
            "forks",
            "a forked child has made no call",
            good(),
            &[],
            &["trace", "fork", "wait"],
            Ask::WhyInChild(NEVER),
            "has not called the library since: it has made no trace",
        ),
        of(
            "forks",
            "the process that made the trace has ended",
            good(),
            &[],
            TRACE,
            Ask::WhyUnknown(OLD),
            "it was in a process that has ended",
        ),
        of(
            "agents",
            "the Agent knows no such path",
            Agent::Replies(Reply::Status(404, "")),
            &[],
            TRACE,
            trace(),
            "dropped (dropped_refused): the Agent answered 404",
        ),
        of(
            "agents",
            "a proxy wants credentials",
            Agent::Replies(Reply::Status(403, "")),
            &[],
            TRACE,
            trace(),
            "dropped (dropped_refused): the Agent answered 403",
        ),
        of(
            "agents",
            "the Agent is overloaded",
            Agent::Replies(Reply::Status(503, "Retry-After: 5\r\n")),
            &[],
            &["trace", "flush=1500", "wait"],
            trace(),
            "failed, and another one follows; the Agent answered 503",
        ),
        of(
            "agents",
            "the Agent hangs",
            stalls(),
            &[("SPANWIRE_REQUEST_TIMEOUT_MS", "200"), SOON],
            TRACE,
            trace(),
            "so the Agent may have them or not: the Agent did not answer in time",
        ),
        of(
            "agents",
            "the Agent is slower than the shutdown",
            stalls(),
            &[("SPANWIRE_REQUEST_TIMEOUT_MS", "60000")],
            &["keep", "flush=300", "trace", "shutdown=100", "wait"],
            trace(),
            "dropped (dropped_shutdown): the time of the tracer's shutdown was over",
        ),
    ]
}

/// What the command says about a planted fault; `None` if there is no compiler.
fn said(planted: &Planted) -> Option<String> {
    let agent = match &planted.agent {
        Agent::Replies(reply) => Some(always(reply.clone()).start()),
        _ => None,
    };
    let url = match &planted.agent {
        Agent::Nobody => format!("http://127.0.0.1:{}", support::free_ports(1)),
        _ => agent.as_ref().map_or_else(String::new, |agent| agent.url()),
    };
    let mut variables =
        vec![("DD_SERVICE", "shop"), ("DD_TRACE_STARTUP_LOGS", "false"), ("SPANWIRE_LOG_SINKS", "ring")];
    variables.extend(planted.settings);
    if !url.is_empty() {
        variables.push(("DD_TRACE_AGENT_URL", &url));
    }
    let host = Live::start("fates.c", planted.actions, &variables)?;
    let pid = host.pid().to_string();
    let output = match planted.ask {
        Ask::Why(what) => companion(&["why", &host.trace(what), "--pid", &pid]),
        Ask::WhyUnknown(id) => companion(&["why", id, "--pid", &pid]),
        Ask::WhyInChild(id) => {
            let child = host.said.last().expect("ready").1["pid"].to_string();
            companion(&["why", id, "--pid", &child])
        }
        Ask::Doctor => companion(&["doctor", "--pid", &pid]),
    };
    Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn every_planted_fault_is_named() {
    let mut missed = String::new();
    for planted in planted() {
        let Some(said) = said(&planted) else { return };
        // The doctor breaks its lines.
        let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.contains(planted.words) {
            missed += &format!("{}: nothing says {:?}:\n{said}\n", planted.fault, planted.words);
        }
    }
    assert!(missed.is_empty(), "{missed}");
}

#[test]
fn docs_why_lists_every_planted_fault_with_its_words() {
    let text = std::fs::read_to_string(root().join("docs/why.md")).expect("docs/why.md");
    let all = planted();
    assert!(all.len() >= 20, "{}", all.len());
    for Planted { kind, fault, ask, words, .. } in all {
        let command = if matches!(ask, Ask::Doctor) { "doctor --pid" } else { "why" };
        let row = format!("| {kind} | {fault} | `{command}` | {words} |");
        assert!(text.contains(&row), "docs/why.md has not the row\n{row}");
    }
}

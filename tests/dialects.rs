//! The log lines of Datadog's documentation page "Tracer debug logs", for every language. The library makes each
//! example through the C API from the same facts. The comparison is exact except for times, ids and versions that the
//! page elides. The other lines of each dialect are tested beside the dialects.

mod support;

#[path = "dialects/dotnet.rs"]
mod dotnet;
#[path = "dialects/go.rs"]
mod go;
#[path = "dialects/java.rs"]
mod java;
#[path = "dialects/node.rs"]
mod node;
#[path = "dialects/php.rs"]
mod php;
#[path = "dialects/python.rs"]
mod python;
#[path = "dialects/ruby.rs"]
mod ruby;

use support::faults::{always, FaultAgent, Reply};
use support::hosts::host;
use support::log::{records, Record};

/// Runs a script in debug mode as a host of this language, with an Agent at this address. Returns the pulled records;
/// `None` without a compiler.
fn pulled(dialect: &str, agent: &str, script: &str) -> Option<Vec<Record>> {
    run(dialect, agent, true, script)
}

fn run(dialect: &str, agent: &str, debug: bool, script: &str) -> Option<Vec<Record>> {
    let language = dialect.split('@').next().unwrap_or(dialect);
    let host = host("script.c")?.agent(agent).input(script);
    let host = host.env("SPANWIRE_LANGUAGE", language).env("SPANWIRE_LOG_DIALECT", dialect);
    let host = host.env("DD_TRACE_DEBUG", debug).env("DD_SERVICE", "shop").env("SPANWIRE_LOG_SINKS", "ring");
    // One payload in a run, and no second attempt.
    let ran = host.env("SPANWIRE_RETRY_FOR_MS", "0").env("SPANWIRE_FLUSH_INTERVAL_MS", "60000").run().ok();
    Some(records(&ran))
}

fn good_agent() -> FaultAgent {
    always(Reply::Ok).start()
}

/// Returns an address at which nothing listens.
fn nobody() -> String {
    format!("http://127.0.0.1:{}", support::free_ports(1))
}

/// A script line for a submitted span, with the facts in the order of the command.
struct Span {
    name: &'static str,
    service: &'static str,
    resource: &'static str,
    kind: &'static str,
    ids: [u64; 4],
    start_ns: i64,
    duration_ns: i64,
}

impl Span {
    fn record(&self, tags: &[(&str, &str)], metrics: &[(&str, &str)]) -> String {
        let Span { name, service, resource, kind, ids: [high, low, id, parent], start_ns, duration_ns } = self;
        let mut script = format!(
            "record\t{name}\t{service}\t{resource}\t{kind}\t{high}\t{low}\t{id}\t{parent}\t{start_ns}\t{duration_ns}\n"
        );
        tags.iter().for_each(|(key, value)| script += &format!("tag\t{key}\t{value}\n"));
        metrics.iter().for_each(|(key, value)| script += &format!("metric\t{key}\t{value}\n"));
        script
    }
}

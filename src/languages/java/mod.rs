//! Java: the names, settings, log lines and repetition limits of its tracer, and how the doctor reads its logs.

mod lines;
#[cfg(feature = "cli")]
mod reader;
mod settings;

use crate::event::Event;
use crate::languages::language::{FlareFiles, Form, Language, Wording};
use crate::languages::limits::{warns_of_drops, Limit, Limits, MINUTE_NS};
use crate::languages::remedy::BINDING;

pub static LANGUAGE: Language = Language {
    settings: settings::SETTINGS,
    aliases: &["jvm"],
    wordings: &[Wording { name: "java", version: "0.45.0" }, Wording { name: "java@source", version: "1.68.1" }],
    lines: lines::lines,
    level_of: warns_of_drops,
    lists_spans: Form::BOTH,
    local_time: true,
    thread_names: true,
    calls: &BINDING,
    limits: Limits { of: limit, ..Limits::NONE },
    flare: &FlareFiles {
        config: "initial_config.txt",
        log: "tracer.log",
        health: "tracer_health.txt",
        open_spans: "pending_traces.txt",
        threads: "threads.txt",
        versions: "tracer_version.txt",
        ..FlareFiles::OURS
    },
    #[cfg(feature = "cli")]
    reader: &reader::READER,
};

/// How long the tracer logs nothing more about its agent.
const QUIET_NS: u64 = 5 * MINUTE_NS;

/// All failures of sending share one limit.
fn limit(event: &Event<'_>) -> Option<Limit> {
    let failure = matches!(event, Event::AgentUnreachable { .. } | Event::AgentRefused { .. });
    failure.then_some(Limit { key: 1, quiet_ns: QUIET_NS })
}

//! .NET: the names, settings, log lines and repetition limits of its tracer, and how the doctor reads its logs.

mod lines;
#[cfg(feature = "cli")]
mod reader;
mod settings;

use crate::event::Event;
use crate::languages::language::{FlareFiles, Language, Wording};
use crate::languages::limits::{has_no_place, hash, place, warns_of_drops, Limit, Limits};
use crate::languages::remedy::BINDING;
use std::mem::discriminant;

pub static LANGUAGE: Language = Language {
    settings: settings::SETTINGS,
    aliases: &[".net", "csharp", "c#"],
    wordings: &[Wording { name: "dotnet", version: "1.21.0" }, Wording { name: "dotnet@source", version: "3.50.0.0" }],
    lines: lines::lines,
    level_of: warns_of_drops,
    lists_spans: &[],
    local_time: true,
    thread_names: false,
    calls: &BINDING,
    limits: Limits { of: limit, rated: true, buckets: true },
    flare: &FlareFiles { log: "dotnet-tracer-managed-{program}-{pid}.log", ..FlareFiles::OURS },
    #[cfg(feature = "cli")]
    reader: &reader::READER,
};

/// Returns the limit of an event. The .NET tracer limits each log statement of its source; an event corresponds to a
/// statement here. There is no limit unless `DD_TRACE_LOGGING_RATE` is set.
fn limit(event: &Event<'_>) -> Option<Limit> {
    let key = match event {
        event if has_no_place(event) => return None,
        // A failure that is tried again has another place in the source than one that is not.
        Event::AgentUnreachable { attempt, retry, .. } => hash(&(discriminant(event), retry, attempt % 5 == 0)),
        _ => place(event),
    };
    Some(Limit { key, quiet_ns: 0 })
}

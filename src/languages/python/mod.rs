//! Python: the names, settings, log lines and repetition limits of its tracer, and how the doctor reads its logs.

mod lines;
#[cfg(feature = "cli")]
mod reader;
mod settings;

use crate::event::Event;
use crate::languages::language::{FlareFiles, Form, Language, Wording};
use crate::languages::limits::{has_no_place, place, warns_of_drops, Limit, Limits, MINUTE_NS};
use crate::languages::remedy::BINDING;
use crate::level::Level;

pub static LANGUAGE: Language = Language {
    settings: settings::SETTINGS,
    aliases: &[],
    wordings: &[Wording { name: "python", version: "1.2.0" }, Wording { name: "python@source", version: "4.16.0" }],
    lines: lines::lines,
    level_of: warns_of_drops,
    lists_spans: &[Form::Source],
    local_time: true,
    thread_names: false,
    calls: &BINDING,
    limits: Limits { of: limit, rated: true, buckets: false },
    flare: &FlareFiles {
        config: "tracer_config_{pid}.json",
        wraps_config: true,
        log: "tracer_python_{pid}.log",
        ..FlareFiles::OURS
    },
    #[cfg(feature = "cli")]
    reader: &reader::READER,
};

/// Returns the limit of an event. ddtrace limits each log statement of its source; an event corresponds to a statement
/// here.
fn limit(event: &Event<'_>) -> Option<Limit> {
    let limited = event.level() <= Level::Info && !has_no_place(event);
    limited.then(|| Limit { key: place(event), quiet_ns: MINUTE_NS })
}

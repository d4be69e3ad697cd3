//! Node.js: the names, settings, log lines and repetition limits of its tracer, and how the doctor reads its logs.

mod lines;
#[cfg(feature = "cli")]
mod reader;
mod settings;

use crate::counters::Reason;
use crate::event::Event;
use crate::languages::language::{FlareFiles, Form, Language, Wording};
use crate::languages::limits::Limits;
use crate::languages::remedy::BINDING;
use crate::level::Level;

pub static LANGUAGE: Language = Language {
    settings: settings::SETTINGS,
    aliases: &["nodejs", "javascript", "js"],
    wordings: &[Wording { name: "node", version: "0.14.0" }, Wording { name: "node@source", version: "6.21.0" }],
    lines: lines::lines,
    level_of,
    lists_spans: Form::BOTH,
    local_time: false,
    thread_names: false,
    calls: &BINDING,
    limits: Limits::NONE,
    flare: &FlareFiles { config: "tracer_info.txt", log: "tracer_logs.txt", ..FlareFiles::OURS },
    #[cfg(feature = "cli")]
    reader: &reader::READER,
};

/// Returns the event's own level, but `Error` for a trace that is too large.
fn level_of(event: &Event<'_>) -> Level {
    match event {
        Event::SpansDropped { reason: Reason::TooLarge, .. } => Level::Error,
        _ => event.level(),
    }
}

//! A language that exists in tests only. It consists of this folder and a line in the list of languages. The tests show
//! that nothing else is needed: `SPANWIRE_LANGUAGE` selects it, its names of settings work, its lines are logged, and
//! its limits apply.

use crate::event::Event;
use crate::languages::language::{FlareFiles, Language, Wording};
use crate::languages::limits::{Limit, Limits, MINUTE_NS};
use crate::languages::line::Line;
#[cfg(feature = "cli")]
use crate::languages::reading::{number, LogReader, Seen};
use crate::languages::remedy::BINDING;
use crate::settings::language::{name, LanguageSettings};

pub static LANGUAGE: Language = Language {
    settings: LanguageSettings {
        id: "example",
        title: "Example",
        names: &[name("example.verbose", "DD_TRACE_DEBUG")],
        ..LanguageSettings::PLAIN
    },
    aliases: &["ex"],
    wordings: &[Wording { name: "example", version: "" }],
    lines: |_, frame, event, out| {
        let prefix = format!("<{}> ", frame.about.service);
        out.push(Line::new(event.level(), "example", prefix, event.kind()));
    },
    level_of: |event| event.level(),
    lists_spans: &[],
    local_time: false,
    thread_names: false,
    calls: &BINDING,
    limits: Limits {
        of: |event| {
            let lost = matches!(event, Event::RecordsLost { .. });
            lost.then_some(Limit { key: 1, quiet_ns: 2 * MINUTE_NS })
        },
        ..Limits::NONE
    },
    flare: &FlareFiles::OURS,
    #[cfg(feature = "cli")]
    reader: &LogReader {
        name: "Example",
        logs_success: false,
        logs_spans: false,
        logs_ends: true,
        marks: &[("<example> ", |place| Some(("example", Seen::Stopped { lost: number(place.rest())? })))],
    },
};

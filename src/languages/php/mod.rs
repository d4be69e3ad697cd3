//! PHP: the names, settings, log lines and repetition limits of its tracer, and how the doctor reads its logs.

mod lines;
#[cfg(feature = "cli")]
mod reader;
mod settings;

use crate::languages::language::{FlareFiles, Form, Language, Wording};
use crate::languages::limits::{warns_of_drops, Limits};
use crate::languages::remedy::Calls;

pub static LANGUAGE: Language = Language {
    settings: settings::SETTINGS,
    aliases: &[],
    wordings: &[Wording { name: "php", version: "0.98.0" }, Wording { name: "php@source", version: "1.20.0" }],
    lines: lines::lines,
    level_of: warns_of_drops,
    lists_spans: Form::BOTH,
    local_time: true,
    thread_names: false,
    calls: &CALLS,
    limits: Limits::NONE,
    flare: &FlareFiles::OURS,
    #[cfg(feature = "cli")]
    reader: &reader::READER,
};

static CALLS: Calls = Calls {
    more_time: "give the end more time: call $tracer->shutdown($timeoutMs) before the script ends",
    counts: "$tracer->stats() has the counts",
};

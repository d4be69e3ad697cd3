//! Go: the names, settings, log lines and repetition limits of its tracer, and how the doctor reads its logs.

mod lines;
#[cfg(feature = "cli")]
mod reader;
mod settings;

use crate::languages::language::{FlareFiles, Language, Wording};
use crate::languages::limits::{warns_of_drops, Limits};
use crate::languages::remedy::BINDING;

pub static LANGUAGE: Language = Language {
    settings: settings::SETTINGS,
    aliases: &["golang"],
    wordings: &[Wording { name: "go", version: "v1.39.0" }, Wording { name: "go@source", version: "v2.12.0" }],
    lines: lines::lines,
    level_of: warns_of_drops,
    lists_spans: &[],
    local_time: true,
    thread_names: false,
    calls: &BINDING,
    // Errors are gathered instead, if at all.
    limits: Limits::NONE,
    flare: &FlareFiles::OURS,
    #[cfg(feature = "cli")]
    reader: &reader::READER,
};

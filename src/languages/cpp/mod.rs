//! C++: its tracer has no debug log, so C++ hosts get `native` lines.

#[cfg(feature = "cli")]
mod reader;

use crate::languages::language::{FlareFiles, Language};
use crate::languages::limits::Limits;
use crate::languages::native;
use crate::languages::remedy::C;
use crate::settings::LanguageSettings;

pub static LANGUAGE: Language = Language {
    settings: LanguageSettings { id: "cpp", title: "C++", ..LanguageSettings::PLAIN },
    aliases: &[],
    wordings: &[],
    lines: |form, frame, event, out| (native::LANGUAGE.lines)(form, frame, event, out),
    level_of: |event| event.level(),
    lists_spans: &[],
    local_time: false,
    thread_names: false,
    calls: &C,
    limits: Limits::SAME_FAILURE,
    flare: &FlareFiles::OURS,
    #[cfg(feature = "cli")]
    reader: &reader::READER,
};

//! JSON: one object per line.

mod lines;
#[cfg(feature = "cli")]
mod reader;

use crate::languages::language::{FlareFiles, Language, Wording};
use crate::languages::limits::Limits;
use crate::languages::remedy::C;
use crate::settings::LanguageSettings;

pub static LANGUAGE: Language = Language {
    settings: LanguageSettings { id: "json", title: "JSON", ..LanguageSettings::PLAIN },
    aliases: &[],
    wordings: &[Wording { name: "json", version: "" }],
    lines: |_, frame, event, out| out.push(lines::line(frame, event)),
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

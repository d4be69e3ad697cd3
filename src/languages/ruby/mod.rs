//! Ruby: the names, settings, log lines and repetition limits of its tracer, and how the doctor reads its logs.

mod lines;
#[cfg(feature = "cli")]
mod reader;
mod settings;

use crate::languages::language::{FlareFiles, Form, Language, Wording};
use crate::languages::limits::Limits;
use crate::languages::remedy::Calls;

pub static LANGUAGE: Language = Language {
    settings: settings::SETTINGS,
    aliases: &[],
    wordings: &[Wording { name: "ruby", version: "0.49.0" }, Wording { name: "ruby@source", version: "2.40.0" }],
    lines: lines::lines,
    level_of: |event| event.level(),
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
    more_time: "give the end more time: c.shutdown_timeout, or Spanwire.shutdown(seconds)",
    counts: "Spanwire.stats has the counts",
};

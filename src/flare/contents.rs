//! The files of a flare. Every text is redacted here, before it goes anywhere.

use super::facts::Facts;
use crate::{redact, sys};
use serde_json::{json, Value};
use std::fmt::Write;

/// The longest file, in bytes; the newest lines are kept.
const FILE_MAX: usize = 4 << 20;

/// One file.
pub struct File {
    /// Its name in the archive.
    pub name: String,
    /// What it is, for the manifest.
    about: &'static str,
    /// Its text, redacted.
    pub text: String,
    /// How many bytes were left out at its beginning.
    cut: usize,
}

/// The files of one flare, the manifest first.
pub struct Contents {
    /// The files.
    pub files: Vec<File>,
}

impl Contents {
    /// Makes the files.
    pub fn of(facts: &Facts) -> Contents {
        let mut contents = Contents { files: Vec::new() };
        contents.add("spanwire_config.json", "the settings in force, each with its origin", &facts.config_json);
        contents.add("spanwire_counters.txt", "the counters of the tracer: where every span is", &counters(facts));
        contents.add("spanwire_events.txt", "the flight recorder: the last events, oldest first", &events(facts));
        let manifest = contents.manifest(facts);
        contents.files.insert(0, manifest);
        contents
    }

    /// Adds a file, redacted and cut at its beginning if it is too long.
    fn add(&mut self, name: &str, about: &'static str, text: &str) {
        let (from, cut) = newest(text, FILE_MAX);
        let text = redact::text(from).into_owned();
        self.files.push(File { name: name.to_string(), about, text, cut });
    }

    fn manifest(&self, facts: &Facts) -> File {
        let of = |file: &File| json!({ "name": file.name, "about": file.about, "bytes": file.text.len(), "cut_bytes": file.cut });
        let shown = |text: &str| Value::from(redact::text(text));
        let who = &facts.identity;
        let (year, month, day, hour, minute, second) = sys::utc_time(sys::wall_ns());
        let manifest = json!({
            "flare": 1,
            "made_at": format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"),
            "made_by": facts.occasion.name(),
            "spanwire_version": env!("CARGO_PKG_VERSION"),
            "language": shown(&who.language),
            "language_version": shown(&who.language_version),
            "tracer_version": shown(&who.tracer_version),
            "service": shown(&who.service),
            "env": shown(&who.env),
            "version": shown(&who.version),
            "runtime_id": who.runtime_id,
            "pid": facts.pid,
            "files": self.files.iter().map(of).collect::<Vec<_>>(),
        });
        let text = format!("{manifest:#}\n");
        File { name: "spanwire_manifest.json".into(), about: "this list", text, cut: 0 }
    }
}

/// Returns the last whole lines of at most `max` bytes, and how many bytes come before them.
fn newest(text: &str, max: usize) -> (&str, usize) {
    if text.len() <= max {
        return (text, 0);
    }
    let from = (text.len() - max..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    let line = text[from..].find('\n').map_or(text.len(), |at| from + at + 1);
    (&text[line..], line)
}

fn counters(facts: &Facts) -> String {
    let mut out = String::new();
    for (name, value) in &facts.counters {
        let _ = writeln!(out, "{name:<24}{value}");
    }
    out
}

fn events(facts: &Facts) -> String {
    let Some(recorder) = &facts.recorder else { return "The flight recorder keeps nothing.\n".into() };
    let mut out = String::new();
    for event in &recorder.events {
        let (year, month, day, hour, minute, second) = sys::utc_time(event.time_ns);
        let ms = event.time_ns / 1_000_000 % 1_000;
        let _ = writeln!(
            out,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z {} {}",
            event.name(),
            event.describe()
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_whole_lines_are_kept() {
        assert_eq!(newest("one\ntwo\nthree\n", 100), ("one\ntwo\nthree\n", 0));
        assert_eq!(newest("one\ntwo\nthree\n", 8), ("three\n", 8));
        assert_eq!(newest("one\nzwölf\nthree\n", 10), ("three\n", 11));
        assert_eq!(newest("a line without an end", 8), ("", 21));
    }
}

//! The files of a flare: which there are, under which names, and what they say. Every text is redacted here, before it
//! goes anywhere. `report` has the texts about the tracer, `process` those about the process.

use super::facts::{Facts, Identity};
use super::{process, report};
use crate::recorder::Fate;
use crate::redact::{self, Replaced};
use crate::sys;
use serde_json::{json, Value};

/// The longest file, in bytes.
const FILE_MAX: usize = 8 << 20;
/// The most bytes of all files. What comes later is left out.
const ALL_MAX: usize = 24 << 20;
/// This process under /proc.
const OWN: &str = "/proc/self";
/// The manifest's name.
pub const MANIFEST: &str = "spanwire-manifest.json";

/// One file.
pub struct File {
    /// Its name in the archive.
    pub name: String,
    /// What it is, for the manifest.
    about: &'static str,
    /// Its text, redacted.
    pub text: String,
    /// How many bytes were left out, and where.
    cut: usize,
    /// What was replaced in it.
    replaced: Replaced,
}

/// Which part of a file that is too long is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The last lines: they are the newest ones.
    Last,
    /// The first lines.
    First,
}

/// The files of one flare, the manifest first.
pub struct Contents {
    /// The files.
    pub files: Vec<File>,
    bytes: usize,
    left_out: Vec<String>,
}

impl Contents {
    /// Makes the files, the most telling ones first.
    pub fn of(facts: &Facts) -> Contents {
        let mut all = Contents::empty();
        let names = facts.dialect.language.flare;
        let name = |form: &str| form.replace("{pid}", &facts.pid.to_string()).replace("{program}", &program(facts));
        let config = report::config(facts, names.wraps_config);
        all.add(&name(names.config), "the settings in force, each with its origin", &config, Keep::First);
        all.add("spanwire-startup.txt", "the start-up line", &report::startup(facts), Keep::First);
        all.add(
            &name(names.health),
            "whether spans arrive: the Agent, the queue, and where every span is",
            &report::health(facts),
            Keep::First,
        );
        all.add("spanwire-counters.txt", "all counters of the tracer", &report::counters(facts), Keep::First);
        all.add(&name(names.log), "the last lines of the tracer's log, oldest first", &report::log(facts), Keep::Last);
        all.add(
            "spanwire-events.txt",
            "the flight recorder: the last events of the process, oldest first",
            &report::events(facts),
            Keep::Last,
        );
        let fates = facts.fates.iter().map(Fate::json);
        all.add_objects("spanwire-fates.jsonl", "what became of each of the last traces, oldest first", fates);
        all.add(&name(names.open_spans), "the open spans, oldest first", &report::open_spans(facts), Keep::First);
        all.add_json("spanwire-agent-info.json", "what the Agent says about itself (/info)", &facts.agent_info);
        all.add(
            &name(names.versions),
            "versions, the machine, limits of the process",
            &process::versions(OWN, &facts.identity, &facts.program),
            Keep::First,
        );
        all.add(&name(names.threads), "the threads, with their CPU time", &process::threads(OWN), Keep::First);
        all.add(
            "spanwire-memory.txt",
            "the memory of the process, and of spans by pool",
            &process::memory(facts),
            Keep::First,
        );
        all.add("spanwire-memory-map.txt", "the memory map of the process", &process::memory_map(OWN), Keep::First);
        all.finish(facts.occasion.name(), &facts.identity, &facts.program, [facts.pid, facts.parent_pid]);
        all
    }

    /// No files.
    pub fn empty() -> Contents {
        Contents { files: Vec::new(), bytes: 0, left_out: Vec::new() }
    }

    /// Adds what was replaced, and puts the manifest before all files. `pids`: of the process and of its parent.
    pub fn finish(&mut self, made_by: &str, who: &Identity, program: &str, pids: [u32; 2]) {
        let replaced = self.replaced();
        let about = "how many secrets were replaced in which file, by kind";
        self.add("spanwire-redaction.txt", about, &replaced, Keep::First);
        let manifest = self.manifest(made_by, who, program, pids);
        self.files.insert(0, manifest);
    }

    /// Adds a text.
    pub fn add(&mut self, name: &str, about: &'static str, text: &str, keep: Keep) {
        let mut replaced = Replaced::default();
        // Cut after it is redacted: a cut could separate a secret from its name.
        let shown = redact::text_counted(text, &mut replaced);
        self.put(name, about, &shown, keep, replaced);
    }

    /// Adds a text in JSON. If it is none, adds it as it is.
    pub fn add_json(&mut self, name: &str, about: &'static str, text: &str) {
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            let text = if text.is_empty() { "not known\n" } else { text };
            return self.add(name, about, text, Keep::First);
        };
        let mut replaced = Replaced::default();
        let shown = format!("{:#}\n", redact::json::json_counted("", value, &mut replaced));
        self.put(name, about, &shown, Keep::First, replaced);
    }

    /// Adds objects in JSON, a line for each.
    pub fn add_objects(&mut self, name: &str, about: &'static str, objects: impl Iterator<Item = Value>) {
        let mut replaced = Replaced::default();
        let line = |object| format!("{}\n", redact::json::json_counted("", object, &mut replaced));
        let shown: String = objects.map(line).collect();
        self.put(name, about, &shown, Keep::Last, replaced);
    }

    fn put(&mut self, name: &str, about: &'static str, shown: &str, keep: Keep, replaced: Replaced) {
        let (text, cut) = match keep {
            Keep::Last => last_lines(shown, FILE_MAX),
            Keep::First => first_lines(shown, FILE_MAX),
        };
        if self.bytes + text.len() > ALL_MAX {
            return self.left_out.push(name.to_string());
        }
        self.bytes += text.len();
        self.files.push(File { name: name.to_string(), about, text: text.to_string(), cut, replaced });
    }

    /// Says how many secrets were replaced where.
    fn replaced(&self) -> String {
        let mut out = String::from(
            "Secrets that were replaced by <redacted>, by kind: after the name of a secret, by their form (tokens, keys,\n\
             cards), in URLs, and those that were replaced before the flare was made.\n\n",
        );
        let mut all = Replaced::default();
        let mut line = |name: &str, it: &Replaced| {
            let counts = [it.named, it.formed, it.in_urls, it.before].map(|count| format!("{count:>9}"));
            out += &format!("{name:<44}{}\n", counts.concat());
        };
        line("file", &Replaced::default());
        for file in &self.files {
            line(&file.name, &file.replaced);
            all.add(file.replaced);
        }
        line("all", &all);
        let zeros = ["0"; 4].map(|count| format!("{count:>9}")).concat();
        let titles = ["name", "form", "URL", "before"].map(|title| format!("{title:>9}")).concat();
        out.replacen(&zeros, &titles, 1)
    }

    fn manifest(&self, made_by: &str, who: &Identity, program: &str, [pid, parent_pid]: [u32; 2]) -> File {
        let of = |file: &File| {
            let mut entry = json!({ "name": file.name, "about": file.about, "bytes": file.text.len() });
            if file.cut > 0 {
                entry["bytes_left_out"] = file.cut.into();
            }
            entry
        };
        let mut replaced = Replaced::default();
        let mut shown = |text: &str| Value::from(redact::text_counted(text, &mut replaced));
        let manifest = json!({
            "flare": 1,
            "made_at": report::time(sys::wall_ns()),
            "made_by": made_by,
            "spanwire_version": env!("CARGO_PKG_VERSION"),
            "language": shown(&who.language),
            "language_version": shown(&who.language_version),
            "tracer_version": shown(&who.tracer_version),
            "service": shown(&who.service),
            "env": shown(&who.env),
            "version": shown(&who.version),
            "runtime_id": who.runtime_id,
            "program": shown(program),
            "pid": pid,
            "parent_pid": parent_pid,
            "files": self.files.iter().map(of).collect::<Vec<_>>(),
            "left_out": self.left_out,
        });
        File { name: MANIFEST.into(), about: "this list", text: format!("{manifest:#}\n"), cut: 0, replaced }
    }
}

/// The program's name as a part of a file's name.
fn program(facts: &Facts) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    facts.program.chars().map(fits).take(64).collect()
}

/// Returns the last whole lines of at most `max` bytes, and how many bytes come before them.
fn last_lines(text: &str, max: usize) -> (&str, usize) {
    if text.len() <= max {
        return (text, 0);
    }
    let from = (text.len() - max..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    let line = text[from..].find('\n').map_or(text.len(), |at| from + at + 1);
    (&text[line..], line)
}

/// Returns the first whole lines of at most `max` bytes, and how many bytes come after them.
fn first_lines(text: &str, max: usize) -> (&str, usize) {
    if text.len() <= max {
        return (text, 0);
    }
    let to = (0..=max).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let line = text[..to].rfind('\n').map_or(0, |at| at + 1);
    (&text[..line], text.len() - line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_are_kept() {
        assert_eq!(last_lines("one\ntwo\nthree\n", 100), ("one\ntwo\nthree\n", 0));
        assert_eq!(last_lines("one\ntwo\nthree\n", 8), ("three\n", 8));
        assert_eq!(last_lines("one\nzwölf\nthree\n", 10), ("three\n", 11));
        assert_eq!(last_lines("a line without an end", 8), ("", 21));
        assert_eq!(first_lines("one\ntwo\nthree\n", 100), ("one\ntwo\nthree\n", 0));
        assert_eq!(first_lines("one\ntwo\nthree\n", 9), ("one\ntwo\n", 6));
        assert_eq!(first_lines("one\nzwö\n", 7), ("one\n", 5));
        assert_eq!(first_lines("a line without an end", 8), ("", 21));
    }

    #[test]
    fn a_secret_at_a_cut_is_not_parted_from_its_name() {
        let mut contents = Contents::empty();
        let line = format!("password=hunter2hunter2 {}\n", "x".repeat(100));
        contents.add("long.txt", "", &line.repeat(2 * FILE_MAX / line.len()), Keep::Last);
        let file = &contents.files[0];
        assert!(file.cut > 0 && file.text.len() <= FILE_MAX && !file.text.contains("hunter2"));
        assert!(file.text.starts_with("password=<redacted>") && file.replaced.named > 10_000);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut contents = Contents { files: Vec::new(), bytes: ALL_MAX - 10, left_out: Vec::new() };
        contents.add("fits.txt", "", "a few\n", Keep::First);
        contents.add("no.txt", "", "too many bytes\n", Keep::First);
        assert_eq!((contents.files.len(), contents.left_out.as_slice()), (1, &["no.txt".to_string()][..]));
    }
}

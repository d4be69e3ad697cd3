//! The files of a flare: which there are, under which names, and what they say. Every text is redacted here, before it
//! goes anywhere. `report` has the texts about the tracer, `process` those about the process.

use super::archive::Archive;
use super::facts::{Facts, Identity, RemoteConfig};
use super::{process, report};
use crate::os_error::OsError;
use crate::recorder::Fate;
use crate::redact::{self, Replaced};
use crate::sys;
use serde_json::{json, Value};
use std::borrow::Cow;

/// The longest file, in bytes.
const FILE_MAX: usize = 8 << 20;
/// The most bytes of all files. What comes later is left out.
const ALL_MAX: usize = 24 << 20;
/// This process under /proc.
const OWN: &str = "/proc/self";
/// The manifest's name.
pub const MANIFEST: &str = "spanwire-manifest.json";

/// What the manifest says of a file.
struct Entry {
    /// Its name in the archive.
    name: String,
    /// What it is.
    about: &'static str,
    /// Its size.
    bytes: usize,
    /// What was left out of it.
    cut: Cut,
    /// What was replaced in it.
    replaced: Replaced,
}

/// A part of a text that was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cut {
    bytes: usize,
    lines: usize,
}

impl Cut {
    fn of(text: &str) -> Cut {
        Cut { bytes: text.len(), lines: text.bytes().filter(|&byte| byte == b'\n').count() }
    }
}

/// Which part of a file that is too long is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The last lines: they are the newest ones.
    Last,
    /// The first lines.
    First,
}

/// The files of one flare. Each is packed when it is added; the manifest comes last.
pub struct Contents {
    archive: Archive,
    entries: Vec<Entry>,
    bytes: usize,
    left_out: Vec<String>,
    remote: Vec<RemoteConfig>,
}

impl Contents {
    /// Makes the files, the most telling ones first, and returns the archive.
    pub fn of(facts: &Facts) -> Result<Vec<u8>, OsError> {
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
        all.add_lines(&name(names.log), "the last lines of the tracer's log, oldest first", report::log(facts));
        let about = "the flight recorder: the last events of the process, oldest first";
        all.add_lines("spanwire-events.txt", about, report::events(facts));
        let fates = facts.fates.iter().map(Fate::json);
        all.add_objects("spanwire-fates.jsonl", "what became of each of the last traces, oldest first", fates);
        all.add(&name(names.open_spans), "the open spans, oldest first", &report::open_spans(facts), Keep::First);
        all.add_remote(&facts.remote);
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
        all.finish(facts.occasion.name(), &facts.identity, &facts.program, [facts.pid, facts.parent_pid])
    }

    /// No files.
    pub fn empty() -> Contents {
        let (entries, left_out, remote) = (Vec::new(), Vec::new(), Vec::new());
        Contents { archive: Archive::new(), entries, bytes: 0, left_out, remote }
    }

    /// How many files there are.
    #[cfg(any(feature = "cli", test))]
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// Adds what was replaced and the manifest, and returns the archive. `pids`: of the process and of its parent.
    pub fn finish(mut self, made_by: &str, who: &Identity, program: &str, pids: [u32; 2]) -> Result<Vec<u8>, OsError> {
        let replaced = self.replaced();
        let about = "how many secrets were replaced in which file, by kind";
        self.add("spanwire-redaction.txt", about, &replaced, Keep::First);
        let manifest = self.manifest(made_by, who, program, pids);
        self.archive.add(MANIFEST, &manifest);
        self.archive.finish()
    }

    /// Adds the configurations that remote configuration has given. The manifest has them, too.
    fn add_remote(&mut self, configs: &[RemoteConfig]) {
        let objects = configs.iter().map(remote_json).collect::<Vec<_>>();
        let about = "what remote configuration has given, and what became of it";
        self.add_json("spanwire-remote-config.json", about, &Value::from(objects).to_string());
        self.remote = configs.to_vec();
    }

    /// Adds a text.
    pub fn add(&mut self, name: &str, about: &'static str, text: &str, keep: Keep) {
        let mut replaced = Replaced::default();
        // Cut after it is redacted: a cut could separate a secret from its name.
        let shown = redact::text_counted(text, &mut replaced);
        self.put(name, about, &shown, keep, replaced, Cut::default());
    }

    /// Adds a text in JSON. If it is none, adds it as it is.
    pub fn add_json(&mut self, name: &str, about: &'static str, text: &str) {
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            let text = if text.is_empty() { "not known\n" } else { text };
            return self.add(name, about, text, Keep::First);
        };
        let mut replaced = Replaced::default();
        let shown = format!("{:#}\n", redact::json::json_counted("", value, &mut replaced));
        self.put(name, about, &shown, Keep::First, replaced, Cut::default());
    }

    /// Adds objects in JSON, a line for each. Keeps the last ones.
    pub fn add_objects(&mut self, name: &str, about: &'static str, objects: impl Iterator<Item = Value>) {
        let mut replaced = Replaced::default();
        let lines = objects.map(|object| redact::json::json_counted("", object, &mut replaced).to_string());
        let kept = Tail::of(lines);
        self.put(name, about, &kept.text, Keep::Last, replaced, kept.cut);
    }

    /// Adds lines of text. Keeps the last ones.
    pub fn add_lines<'a>(&mut self, name: &str, about: &'static str, lines: impl Iterator<Item = Cow<'a, str>>) {
        let mut replaced = Replaced::default();
        let kept = Tail::of(lines.map(|line| redact::text_counted(&line, &mut replaced).into_owned()));
        self.put(name, about, &kept.text, Keep::Last, replaced, kept.cut);
    }

    fn put(&mut self, name: &str, about: &'static str, shown: &str, keep: Keep, replaced: Replaced, before: Cut) {
        let (text, cut) = match keep {
            Keep::Last => last_lines(shown, FILE_MAX),
            Keep::First => first_lines(shown, FILE_MAX),
        };
        if self.bytes + text.len() > ALL_MAX {
            return self.left_out.push(name.to_string());
        }
        self.bytes += text.len();
        self.archive.add(name, text);
        let cut = Cut { bytes: before.bytes + cut.bytes, lines: before.lines + cut.lines };
        self.entries.push(Entry { name: name.to_string(), about, bytes: text.len(), cut, replaced });
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
        for file in &self.entries {
            line(&file.name, &file.replaced);
            all.add(file.replaced);
        }
        line("all", &all);
        let zeros = ["0"; 4].map(|count| format!("{count:>9}")).concat();
        let titles = ["name", "form", "URL", "before"].map(|title| format!("{title:>9}")).concat();
        out.replacen(&zeros, &titles, 1)
    }

    fn manifest(&self, made_by: &str, who: &Identity, program: &str, [pid, parent_pid]: [u32; 2]) -> String {
        let of = |file: &Entry| {
            let mut entry = json!({ "name": file.name, "about": file.about, "bytes": file.bytes });
            if file.cut.bytes > 0 {
                entry["bytes_left_out"] = file.cut.bytes.into();
                entry["lines_left_out"] = file.cut.lines.into();
            }
            entry
        };
        let remote = Value::from(self.remote.iter().map(remote_json).collect::<Vec<_>>());
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
            "remote_configuration": redact::json::json_counted("", remote, &mut Replaced::default()),
            "files": self.entries.iter().map(of).collect::<Vec<_>>(),
            "left_out": self.left_out,
        });
        format!("{manifest:#}\n")
    }
}

fn remote_json(config: &RemoteConfig) -> Value {
    let RemoteConfig { product, id, path, version, error } = config;
    let state = if error.is_empty() { "acknowledged" } else { "error" };
    json!({ "product": product, "id": id, "path": path, "version": version, "state": state, "error": error })
}

/// The last lines of a text that may be longer than a file.
struct Tail {
    text: String,
    cut: Cut,
}

impl Tail {
    /// Keeps the last lines. Needs a quarter more memory than a file has.
    fn of(lines: impl Iterator<Item = String>) -> Tail {
        let mut tail = Tail { text: String::new(), cut: Cut::default() };
        for line in lines {
            tail.text += &line;
            tail.text.push('\n');
            if tail.text.len() > FILE_MAX / 4 * 5 {
                let (kept, cut) = last_lines(&tail.text, FILE_MAX);
                let from = tail.text.len() - kept.len();
                tail.text.drain(..from);
                tail.cut = Cut { bytes: tail.cut.bytes + cut.bytes, lines: tail.cut.lines + cut.lines };
            }
        }
        tail
    }
}

/// The program's name as a part of a file's name.
fn program(facts: &Facts) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    facts.program.chars().map(fits).take(64).collect()
}

/// Returns the last whole lines of at most `max` bytes, and what comes before them.
fn last_lines(text: &str, max: usize) -> (&str, Cut) {
    if text.len() <= max {
        return (text, Cut::default());
    }
    let from = (text.len() - max..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    let line = text[from..].find('\n').map_or(text.len(), |at| from + at + 1);
    (&text[line..], Cut::of(&text[..line]))
}

/// Returns the first whole lines of at most `max` bytes, and what comes after them.
fn first_lines(text: &str, max: usize) -> (&str, Cut) {
    if text.len() <= max {
        return (text, Cut::default());
    }
    let to = (0..=max).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let line = text[..to].rfind('\n').map_or(0, |at| at + 1);
    (&text[..line], Cut::of(&text[line..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file that was added first, as a reader of the archive gets it.
    fn first(contents: Contents) -> String {
        let bytes = contents.archive.finish().expect("an archive");
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a sound one");
        let file = zip.by_index(0).expect("a file");
        std::io::read_to_string(file).expect("a text")
    }

    #[test]
    fn whole_lines_are_kept() {
        let (none, cut) = (Cut::default(), |bytes, lines| Cut { bytes, lines });
        assert_eq!(last_lines("one\ntwo\nthree\n", 100), ("one\ntwo\nthree\n", none));
        assert_eq!(last_lines("one\ntwo\nthree\n", 8), ("three\n", cut(8, 2)));
        assert_eq!(last_lines("one\nzwölf\nthree\n", 10), ("three\n", cut(11, 2)));
        assert_eq!(last_lines("a line without an end", 8), ("", cut(21, 0)));
        assert_eq!(first_lines("one\ntwo\nthree\n", 100), ("one\ntwo\nthree\n", none));
        assert_eq!(first_lines("one\ntwo\nthree\n", 9), ("one\ntwo\n", cut(6, 1)));
        assert_eq!(first_lines("one\nzwö\n", 7), ("one\n", cut(5, 1)));
        assert_eq!(first_lines("a line without an end", 8), ("", cut(21, 0)));
    }

    #[test]
    fn a_secret_at_a_cut_is_not_parted_from_its_name() {
        let mut contents = Contents::empty();
        let line = format!("password=hunter2hunter2 {}\n", "x".repeat(100));
        contents.add("long.txt", "", &line.repeat(2 * FILE_MAX / line.len()), Keep::Last);
        let entry = &contents.entries[0];
        assert!(entry.cut.bytes > 0 && entry.bytes <= FILE_MAX && entry.replaced.named > 10_000);
        let text = first(contents);
        assert!(text.starts_with("password=<redacted>") && !text.contains("hunter2"));
    }

    #[test]
    fn of_too_many_lines_the_last_ones_are_kept_and_the_others_are_counted() {
        let mut contents = Contents::empty();
        let lines = 3 * FILE_MAX / 100;
        contents.add_lines("long.txt", "", (0..lines).map(|n| Cow::Owned(format!("{n:0>99}"))));
        let entry = &contents.entries[0];
        assert_eq!(entry.cut.bytes, entry.cut.lines * 100);
        assert_eq!(entry.cut.lines, lines - FILE_MAX / 100);
        let manifest = contents.manifest("", &Identity::default(), "", [1, 2]);
        let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
        assert_eq!(manifest["files"][0]["lines_left_out"], lines - FILE_MAX / 100);
        let text = first(contents);
        assert_eq!(text.lines().next_back(), Some(format!("{:0>99}", lines - 1).as_str()));
        assert_eq!(text.lines().count(), FILE_MAX / 100);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut contents = Contents { bytes: ALL_MAX - 10, ..Contents::empty() };
        contents.add("fits.txt", "", "a few\n", Keep::First);
        contents.add("no.txt", "", "too many bytes\n", Keep::First);
        assert_eq!((contents.count(), contents.left_out.as_slice()), (1, &["no.txt".to_string()][..]));
    }

    #[test]
    fn remote_configuration_is_in_its_file_and_in_the_manifest_without_secrets() {
        let config = |id: &str, error: &str| RemoteConfig {
            product: "APM_TRACING".into(),
            id: id.into(),
            path: format!("datadog/2/APM_TRACING/{id}/config"),
            version: 7,
            error: error.into(),
        };
        let mut contents = Contents::empty();
        contents.add_remote(&[config("one", ""), config("two", "bad value: api_key=hunter2hunter2")]);
        let manifest = contents.manifest("", &Identity::default(), "", [1, 2]);
        let text = first(contents);
        assert!(!manifest.contains("hunter2") && !text.contains("hunter2"), "{manifest} {text}");
        let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
        let configs: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(manifest["remote_configuration"], configs);
        let states = [&configs[0]["state"], &configs[1]["state"], &configs[1]["version"]];
        assert_eq!(states, [&json!("acknowledged"), &json!("error"), &json!(7)]);
    }
}

//! The doctor for log files: reads all files, counts the lines of each tracer, and makes a report of the answers.

use super::answers::{self, Answer, Answers};
use super::lines::{Reader, Tongue};
use super::reader::{self, Extent};
use super::report::{Finding, Report, Section};
use super::settings;
use super::shown::shown;
use super::tally::Story;
use crate::cli::DoctorOptions;
use crate::out::{counted, note, Failure, Out};
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// What was read of all files.
struct Logs {
    reader: Reader,
    stories: BTreeMap<Tongue, Story>,
    /// Lines read so far, in all files.
    number: u64,
    /// The tracer of the last line that was recognised. Lines that follow it may belong to it.
    speaker: Option<Tongue>,
    /// Tracer lines in the current file.
    spoken: u64,
}

/// What was read of one file.
struct Read {
    name: String,
    extent: Extent,
    spoken: u64,
}

/// Reads the files and prints the report. Returns 0 if nothing is wrong, 1 if a cause was found, 2 if a file could not
/// be read.
pub fn run(out: Out, options: &DoctorOptions) -> Result<u8, Failure> {
    let mut logs = Logs { reader: Reader::new(), stories: BTreeMap::new(), number: 0, speaker: None, spoken: 0 };
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    for path in &options.files {
        match logs.file(path) {
            Ok(read) => files.push(read),
            Err(why) => unread.push(why),
        }
    }
    if files.is_empty() {
        return Err(Failure::said(unread.join("; ")));
    }
    let report = logs.report(&files, &unread);
    if options.json {
        out.write(&format!("{:#}\n", report.json()))?;
    } else {
        report.print(out)?;
    }
    for why in &unread {
        note(format_args!("spanwire: {why}"));
    }
    Ok(if unread.is_empty() { report.exit_status() } else { 2 })
}

impl Logs {
    fn file(&mut self, path: &Path) -> Result<Read, String> {
        (self.speaker, self.spoken) = (None, 0);
        let extent = reader::read(path, |line| self.line(line));
        self.stories.values_mut().for_each(Story::ended);
        let name = if path == Path::new("-") { "standard input".to_owned() } else { shown(&path.to_string_lossy()) };
        Ok(Read { name, extent: extent?, spoken: self.spoken })
    }

    fn line(&mut self, line: &[u8]) {
        self.number += 1;
        let inner = docker(line);
        let line = inner.as_deref().unwrap_or(line);
        let waiting = self.speaker.and_then(|tongue| self.stories.get_mut(&tongue)).filter(|story| story.waits());
        let may_say = self.reader.may_say(line);
        if !may_say && waiting.is_none() {
            return;
        }
        let text = String::from_utf8_lossy(line);
        match (self.reader.read(&text).filter(|_| may_say), waiting) {
            (Some((tongue, seen)), _) => {
                self.spoken += 1;
                self.speaker = Some(tongue);
                self.stories.entry(tongue).or_default().take(seen, &text, self.number);
            }
            (None, Some(story)) => story.continued(&text, self.number),
            (None, None) => {}
        }
    }

    /// Puts the tracer's language before a finding if there are several tracers.
    fn named(&self, tongue: Tongue, finding: &Finding) -> Finding {
        let name = format!("{}: ", tongue.name());
        let mut finding = finding.clone();
        if self.stories.len() > 1 && !finding.says.starts_with(&name) {
            finding.says.insert_str(0, &name);
        }
        finding
    }

    fn report(&self, files: &[Read], unread: &[String]) -> Report {
        let answers: Vec<Answers> = self.stories.iter().map(|(tongue, story)| answers::of(*tongue, story)).collect();
        let mut sections = Vec::new();
        let mut section = |title: &str, findings: Vec<Finding>| {
            if !findings.is_empty() {
                sections.push(Section { title: title.to_owned(), findings });
            }
        };
        let gather = |part: fn(&Answers) -> &Vec<Finding>| {
            let each = self.stories.keys().zip(&answers);
            each.flat_map(|(tongue, answers)| part(answers).iter().map(|found| self.named(*tongue, found))).collect()
        };
        let mut started: Vec<Finding> = gather(|answers| &answers.started.1);
        if answers.is_empty() {
            started.push(nothing_found(files));
        }
        let told = started.iter().any(|finding| finding.cause == "settings.disagree");
        let disagreement = settings::disagreement(self.stories.values().flat_map(|story| &story.configs));
        started.extend(disagreement.filter(|_| !told));
        section("1. Did the tracer start?", started);
        section("2. Did it make spans?", gather(|answers| &answers.spans.1));
        section("3. Did they reach the Agent?", gather(|answers| &answers.delivered.1));
        section("Beside that", gather(|answers| &answers.beside));
        section("What was read", files.iter().map(what_was_read).collect());

        let tracers: Vec<&Value> = answers.iter().map(|answers| &answers.facts).collect();
        let facts = json!({
            "answers": {
                "started": overall(answers.iter().map(|answers| answers.started.0)),
                "spans": overall(answers.iter().map(|answers| answers.spans.0)),
                "delivered": overall(answers.iter().map(|answers| answers.delivered.0)),
            },
            "tracers": tracers,
            "files": files.iter().map(Read::facts).collect::<Vec<_>>(),
            "unread": unread,
        });
        let facts = facts.as_object().cloned().unwrap_or_default();
        Report { sections, facts }
    }
}

impl Read {
    fn facts(&self) -> Value {
        json!({
            "name": self.name,
            "bytes": self.extent.bytes,
            "lines": self.extent.lines,
            "tracer_lines": self.spoken,
            "lines_cut": self.extent.cut,
        })
    }
}

/// Combines the answers of all tracers; `partly` if they differ.
fn overall(answers: impl Iterator<Item = Answer>) -> &'static str {
    let known = answers.filter(|answer| *answer != Answer::Unknown);
    let one = known.reduce(|one, other| if one == other { one } else { Answer::Partly });
    one.unwrap_or(Answer::Unknown).name()
}

/// Unwraps a line of a container's log driver: `{"log":"…
/// ","stream":"stderr",…}`.
fn docker(line: &[u8]) -> Option<Vec<u8>> {
    if !line.starts_with(b"{\"log\":\"") {
        return None;
    }
    let object: Value = serde_json::from_slice(line).ok()?;
    Some(object["log"].as_str()?.trim_end().as_bytes().to_vec())
}

fn nothing_found(files: &[Read]) -> Finding {
    let lines: u64 = files.iter().map(|file| file.extent.lines).sum();
    let binary: u64 = files.iter().map(|file| file.extent.binary).sum();
    let text = files.iter().map(|file| file.extent.bytes).sum::<u64>().min(1 << 20) / 20 >= binary;
    let says = match (lines, text) {
        (0, _) => "no tracer lines found: the log is empty".to_owned(),
        (_, false) => "no tracer lines found: the file is not text, so it is probably not a log".to_owned(),
        (lines, true) => format!("no tracer lines found in {}", counted(lines as usize, "line")),
    };
    let remedy = "check that this is the log of the traced process (by default tracers write to standard error; \
                  DD_TRACE_LOG_FILE names a file) and that the tracer is loaded, and turn on debug mode with \
                  DD_TRACE_DEBUG=true";
    Finding::bad("log.no_tracer_lines", says, remedy)
}

fn what_was_read(file: &Read) -> Finding {
    let mut says = format!(
        "{}: {}, {} of them from a tracer",
        file.name,
        counted(file.extent.lines as usize, "line"),
        file.spoken
    );
    if file.extent.cut > 0 {
        says.push_str(&format!(
            "; {} too long, of which only the beginning was read",
            counted(file.extent.cut as usize, "line")
        ));
    }
    Finding::note("log.read", says)
}

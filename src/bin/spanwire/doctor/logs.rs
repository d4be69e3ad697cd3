//! The doctor for log files: reads all files, counts the lines of each tracer, and makes a report of the answers.

#[cfg(test)]
mod framed;

use super::answers::{self, Answer, Answers};
use super::lines::{Reader, Seen, Tongue, Wrote};
use super::members;
use super::reader::{self, Extent};
use super::report::{Finding, Report, Section};
use super::settings;
use super::shown::shown;
use super::tally::Story;
use crate::cli::DoctorOptions;
use crate::out::{counted, note, Failure, Out};
use serde_json::{json, Value};
use spanwire::companion::languages::reading::{agent, config::Config, level};
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::rc::Rc;

/// Lines between a place in a tracer's code and the exception below it.
const TRACEBACK: u64 = 60;
/// Lines and bytes of a start-up object.
const OBJECT_LINES: u32 = 400;
const OBJECT_BYTES: usize = 64 * 1024;
/// Lines that are kept to find copies, and the lengths of lines that are compared.
const RECENT: usize = 4;
const COPY_MIN: usize = 24;
const COPY_MAX: usize = 16 * 1024;
/// Length of the shortest frame in which a copy may stand.
const FRAME_MIN: usize = 8;

/// What was read of all files.
struct Logs {
    reader: Rc<Reader>,
    stories: BTreeMap<Tongue, Story>,
    /// Lines read so far, in all files.
    number: u64,
    /// The tracer of the last line that was recognised. Lines that follow it may belong to it.
    speaker: Option<Tongue>,
    /// Tracer lines in the current file.
    spoken: u64,
    /// The last lines of tracers, of which a second handler of the program may write a copy.
    recent: VecDeque<String>,
    /// The number of the last line that is a place in a tracer's start-up code.
    frame: Option<u64>,
    /// A start-up line whose object is on several lines.
    gathered: Option<Gathered>,
    agent: AgentLog,
}

/// A start-up object of which only the beginning was read.
struct Gathered {
    tongue: Tongue,
    text: String,
    lines: u32,
}

/// What was read of the Agent's own lines.
#[derive(Default)]
struct AgentLog {
    lines: u64,
    evidence: Vec<String>,
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
    let mut logs = Logs::new(Rc::new(Reader::new().map_err(Failure::said)?));
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

/// A fact about a tracer that no log has.
pub struct Told {
    /// The language, as the list of languages calls it.
    pub language: &'static str,
    /// The fact.
    pub seen: Seen<'static>,
    /// Where it is from, for people.
    pub line: String,
}

/// Makes the report of facts, and of logs that were read already, each with its name.
pub fn of_texts(texts: &[(String, Vec<u8>)], told: Vec<Told>) -> Result<Report, String> {
    let mut logs = Logs::new(Rc::new(Reader::new()?));
    let mut files = Vec::new();
    for Told { language, seen, line } in told {
        let tongue = Tongue::of(language).ok_or_else(|| format!("{language} is no language"))?;
        logs.stories.entry(tongue).or_default().take(seen, &line, 0);
    }
    for (name, bytes) in texts {
        files.push(logs.read(shown(name), |each| reader::read_bytes(name, bytes, each))?);
    }
    Ok(logs.report(&files, &[]))
}

impl Logs {
    fn new(reader: Rc<Reader>) -> Logs {
        Logs {
            reader,
            stories: BTreeMap::new(),
            number: 0,
            speaker: None,
            spoken: 0,
            recent: VecDeque::new(),
            frame: None,
            gathered: None,
            agent: AgentLog::default(),
        }
    }

    fn file(&mut self, path: &Path) -> Result<Read, String> {
        let name = if path == Path::new("-") { "standard input".to_owned() } else { shown(&path.to_string_lossy()) };
        self.read(name, |each| reader::read(path, each))
    }

    /// Reads one log. `lines` calls its argument with each line.
    fn read(
        &mut self,
        name: String,
        lines: impl FnOnce(&mut dyn FnMut(&[u8])) -> Result<Extent, String>,
    ) -> Result<Read, String> {
        (self.speaker, self.spoken, self.gathered) = (None, 0, None);
        self.frame = None;
        self.recent.clear();
        let extent = lines(&mut |line| self.line(line));
        self.stories.values_mut().for_each(Story::ended);
        Ok(Read { name, extent: extent?, spoken: self.spoken })
    }

    /// Counts one line of a log.
    fn line(&mut self, line: &[u8]) {
        self.number += 1;
        let first = self.reader.first(line);
        if first.is_none() && self.gathered.is_none() && !self.waits() {
            return;
        }
        let text = plain(String::from_utf8_lossy(line));
        if first.is_none() {
            let record = members::of(line, usize::MAX).and_then(|record| record.message);
            return self.unmarked(&record.unwrap_or_else(|| text.into_owned()));
        }
        // Without colours, the words may be at another place.
        let Some(first) = self.reader.first(text.as_bytes()) else { return };
        let line = text.as_bytes();
        // In a record in JSON the message is one of the members, and its other members may have the reason.
        match members::of(line, first).filter(|_| !members::is_own(line)) {
            Some(members) => self.members(members.texts),
            None => {
                self.text(&text);
            }
        }
    }

    fn waits(&self) -> bool {
        self.speaker.and_then(|tongue| self.stories.get(&tongue)).is_some_and(Story::waits)
    }

    /// Reads the texts of a record in JSON.
    fn members(&mut self, texts: Vec<String>) {
        let known = |logs: &Logs, text: &String| logs.reader.first(text.as_bytes()).is_some();
        let Some(at) = texts.iter().position(|text| known(self, text)) else { return };
        let message = texts[at].clone();
        let mut found = false;
        for line in message.lines() {
            found |= self.text(line);
        }
        if found && self.waits() {
            let others = texts.iter().enumerate().filter(|(n, _)| *n != at).flat_map(|(_, text)| text.lines());
            others.for_each(|line| self.unmarked(line));
        }
    }

    /// Reads a line without a word of a tracer: it may belong to the entry before.
    fn unmarked(&mut self, text: &str) {
        if self.gathered.is_some() {
            self.gather(text);
        }
        let story = self.speaker.and_then(|tongue| self.stories.get_mut(&tongue)).filter(|story| story.waits());
        if let Some(story) = story {
            story.continued(text, self.number);
        }
    }

    /// Reads a line with a word of a tracer. Returns whether a tracer wrote it.
    fn text(&mut self, text: &str) -> bool {
        match self.reader.read(text) {
            Some(Wrote::Tracer { seen: Seen::Frame, .. }) => {
                self.frame = Some(self.number);
                self.unmarked(text);
                false
            }
            Some(Wrote::Tracer { seen: Seen::Exception(_), .. })
                if self.frame.is_none_or(|frame| self.number - frame > TRACEBACK) =>
            {
                self.unmarked(text);
                false
            }
            Some(Wrote::Tracer { tongue, seen: Seen::AnsweredBare { .. }, .. })
                if !self.stories.contains_key(&tongue) =>
            {
                self.unmarked(text);
                false
            }
            Some(Wrote::Tracer { tongue, seen, end }) => {
                self.said(tongue, seen, end, text);
                true
            }
            Some(Wrote::Agent) => {
                self.agent.lines += 1;
                if agent::matters(text) && self.agent.evidence.len() < super::report::EVIDENCE_MAX {
                    self.agent.evidence.push(shown(text));
                }
                false
            }
            None => {
                self.unmarked(text);
                false
            }
        }
    }

    /// Counts what a tracer's line says.
    fn said(&mut self, tongue: Tongue, seen: Seen<'_>, end: usize, text: &str) {
        self.gathered = None;
        self.spoken += 1;
        self.speaker = Some(tongue);
        if self.is_copy(text) {
            return;
        }
        let story = self.stories.entry(tongue).or_default();
        match seen {
            Seen::Line => {
                if let Some(severity) = level(text, end) {
                    story.not_understood(severity, text, self.number);
                }
            }
            Seen::ConfigBegins => {
                self.gathered = Some(Gathered { tongue, text: String::new(), lines: 0 });
                if let Some(at) = text.find('{') {
                    self.gather(&text[at..]);
                }
                return;
            }
            _ => {}
        }
        story.take(seen, text, self.number);
    }

    /// Adds a line to a start-up object, and reads the object if it is whole.
    fn gather(&mut self, text: &str) {
        let Some(gathered) = &mut self.gathered else { return };
        gathered.lines += 1;
        if gathered.lines > OBJECT_LINES || gathered.text.len() + text.len() > OBJECT_BYTES {
            self.gathered = None;
            return;
        }
        // A log driver puts the same words before every line.
        let end = || text.trim_end_matches([' ', ',']).ends_with(']').then(|| text.rfind(']')).flatten();
        let from = text.find(['{', '"', '}']).or_else(end).unwrap_or(0);
        gathered.text.push_str(&text[from..].replace("&quot;", "\""));
        gathered.text.push('\n');
        if !text.trim_end().ends_with('}') {
            return;
        }
        if let Some(config) = Config::read(&gathered.text) {
            let (tongue, line) = (gathered.tongue, gathered.text.clone());
            self.gathered = None;
            self.stories.entry(tongue).or_default().take(Seen::Config(config.into()), &line, self.number);
        }
    }

    /// Whether the line is the same message as one of the last lines, in another frame.
    fn is_copy(&mut self, text: &str) -> bool {
        let text = text.trim_end();
        // The class of an error is no frame.
        let framed = |known: &String| known.len().abs_diff(text.len()) >= FRAME_MIN;
        let same = |known: &String| framed(known) && (known.ends_with(text) || text.ends_with(known.as_str()));
        if text.len() > COPY_MIN {
            if let Some(at) = self.recent.iter().position(same) {
                self.recent.remove(at);
                return true;
            }
        }
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        if text.len() <= COPY_MAX {
            self.recent.push_back(text.to_owned());
        }
        false
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
            started.push(match self.agent.lines {
                0 => nothing_found(files),
                lines => of_agent(lines, &self.agent.evidence),
            });
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

/// Removes colours, and php-fpm's frame, which puts the line between quotes.
fn plain(text: Cow<'_, str>) -> Cow<'_, str> {
    const CHILD: &str = " said into stderr: \"";
    let coloured = text.contains('\x1b');
    let child = text.find(CHILD);
    if !coloured && child.is_none() {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = match child {
        Some(at) => {
            let said = text[at + CHILD.len()..].trim_end_matches(", pipe is closed");
            said.strip_suffix('"').unwrap_or(said)
        }
        None => &text,
    };
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        let end = after.find(|c: char| c.is_ascii_alphabetic()).map_or(after.len(), |at| at + 1);
        rest = &after[end..];
    }
    plain.push_str(rest);
    plain.into()
}

/// Combines the answers of all tracers; `partly` if they differ.
fn overall(answers: impl Iterator<Item = Answer>) -> &'static str {
    let known = answers.filter(|answer| *answer != Answer::Unknown);
    let one = known.reduce(|one, other| if one == other { one } else { Answer::Partly });
    one.unwrap_or(Answer::Unknown).name()
}

/// Returns a fault for files without a line of a tracer.
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

/// Returns a fault for the Agent's own log.
fn of_agent(lines: u64, evidence: &[String]) -> Finding {
    let says = format!(
        "this is the Agent's own log ({}), not a tracer's; it tells what arrived there, not what left the program",
        counted(lines as usize, "line")
    );
    let remedy =
        "read the log of the traced process (by default tracers write to standard error; DD_TRACE_LOG_FILE names \
                  a file); of the Agent, `datadog-agent status` shows what it received by tracer";
    Finding::bad("log.of_agent", says, remedy).showing(evidence.iter().cloned())
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

//! An agent that is a file: one JSON object per chunk and line, for working without any agent. `/dev/stdout`,
//! `/dev/stderr` and `/dev/fd/N` mean a copy of that descriptor, so that a pipe or a terminal does as well.

use super::queue::Chunk;
use super::{payload, Profile};
use crate::lines::{Given, Lines};
use crate::span::open::ERROR;
use crate::span::record::Record;
use crate::sys::{self, Descriptor};
use serde_json::Value;
use std::fmt::Write;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::Duration;

/// How long a line may wait for a pipe that is full.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// A file that takes chunks.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    /// The host's descriptor that the path names, as it was when this was made.
    given: Option<Given>,
    open: Option<Lines>,
    /// The last line broke off, and what it went to is no longer open.
    torn: bool,
}

impl File {
    /// A file at `path`, opened with the first line.
    pub fn new(path: PathBuf) -> File {
        let given = sys::named_descriptor(&path).map(Given::now);
        File { path, given, open: None, torn: false }
    }

    /// Appends a chunk as one line, in one write as a rule. Waits up to `patience` for a pipe that nobody reads; after
    /// that, lines are refused at once until somebody does.
    pub fn write(&mut self, line: &str, patience: Duration) -> io::Result<()> {
        let written = self.append(line, patience);
        match &written {
            // The host has closed it. It is opened by its path again.
            Err(error) if sys::is_taken(error) && self.given.is_none() => self.append(line, patience),
            _ => written,
        }
    }

    fn append(&mut self, line: &str, patience: Duration) -> io::Result<()> {
        let lines = match &mut self.open {
            Some(lines) => lines,
            None => {
                let opened = self.open_path()?.after_torn(self.torn);
                self.open.insert(opened)
            }
        };
        let written = lines.write(line.as_bytes(), patience);
        self.torn = lines.torn();
        if let Err(error) = &written {
            // A full disk or pipe may take the next line; what else fails is opened anew.
            let stays = matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::StorageFull);
            if !stays {
                self.open = None;
            }
        }
        written
    }

    fn open_path(&self) -> io::Result<Lines> {
        if let Some(given) = self.given {
            return Lines::to_copy(given);
        }
        let mut options = OpenOptions::new();
        // Not blocking: a FIFO that nobody reads is an error and no wait.
        options.append(true).create(true).mode(0o600).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        let opened = Descriptor::open(&options, &self.path)?;
        if opened.file()?.metadata()?.file_type().is_block_device() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Lines::to_opened(opened)
    }
}

/// The chunk as one JSON object and a newline: the spans as v0.4 would carry them, ids as texts, so that no reader
/// rounds them.
pub fn line(chunk: &Chunk, order: &[u32], profile: &Profile) -> String {
    let mut line = format!("{{\"trace_id\":\"{:032x}\",\"spans\":[", chunk.trace_id());
    let records = order.iter().filter_map(|&at| Record::read(&chunk.records.bytes()[at as usize..]));
    for (n, (record, _)) in records.enumerate() {
        if n > 0 {
            line.push(',');
        }
        span(&mut line, chunk, &record, profile, n == 0);
    }
    line.push_str("]}\n");
    line
}

/// Written by hand in the order in which people read a span; serde_json's own maps are sorted by name.
fn span(line: &mut String, chunk: &Chunk, record: &Record<'_>, profile: &Profile, first: bool) {
    let text = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes)).to_string();
    let (service, resource) = payload::service_and_resource(record, profile);
    let fields = [("name", record.name), ("service", service), ("resource", resource), ("type", record.span_type)];
    for (n, (key, value)) in fields.into_iter().enumerate() {
        let separator = if n == 0 { '{' } else { ',' };
        let _ = write!(line, "{separator}\"{key}\":{}", text(value));
    }
    let (id, parent, error) = (record.span_id, record.parent_id, record.flags & ERROR);
    let (start, duration) = (record.start_ns, record.duration_ns);
    let _ = write!(line, ",\"span_id\":\"{id}\",\"parent_id\":\"{parent}\",\"start\":{start},\"duration\":{duration}");
    let _ = write!(line, ",\"error\":{error},\"meta\":{{");
    let mut separator = "";
    payload::each_text(chunk, record, profile, first, &mut |key, value| {
        let _ = write!(line, "{separator}{}:{}", text(key), text(value));
        separator = ",";
    });
    line.push_str("},\"metrics\":{");
    separator = "";
    payload::each_number(chunk, record, profile, first, &mut |key, value| {
        let _ = write!(line, "{separator}{}:{}", text(key), Value::from(value));
        separator = ",";
    });
    line.push_str("}}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Buffer, Pool};
    use crate::settings::Settings;
    use crate::span::open::{Field, OpenSpan};
    use crate::span::record;

    #[test]
    fn a_line_is_one_json_object_with_what_the_host_said() {
        let (pool, mut records, mut given) = (Pool::default(), Buffer::new(), OpenSpan::default());
        given.span_id = u64::MAX;
        given.set_field(Field::Name, b"work \"quoted\"").unwrap();
        given.set_text(b"line", b"one\ntwo").unwrap();
        given.set_number(b"n", 0.5).unwrap();
        record::append(&mut records, &pool, &given, ERROR, 7).unwrap();
        let chunk = Chunk {
            tracer: 0,
            trace_id_high: 1,
            trace_id_low: 2,
            priority: 1,
            decision: 0,
            spans: 1,
            complete: true,
            records,
            sequence: 0,
        };
        let settings =
            Settings::resolve(&[("DD_SERVICE".into(), "shop".into())], &|_| None, &crate::languages::FOR_SETTINGS).0;
        let profile = Profile::of(&settings, 3);
        let line = line(&chunk, &[0], &profile);
        assert!(line.ends_with("]}\n") && line.matches('\n').count() == 1);
        let json: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["trace_id"], "00000000000000010000000000000002");
        let span = &json["spans"][0];
        assert_eq!((&span["name"], &span["service"]), (&Value::from("work \"quoted\""), &Value::from("shop")));
        assert_eq!((&span["span_id"], &span["error"]), (&Value::from(u64::MAX.to_string()), &Value::from(1)));
        assert_eq!((&span["meta"]["line"], &span["metrics"]["n"]), (&Value::from("one\ntwo"), &Value::from(0.5)));
    }
}

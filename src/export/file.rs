//! An agent that is a file: one JSON object per chunk and line, for working without any agent. `/dev/stdout`,
//! `/dev/stderr` and `/dev/fd/N` mean a copy of that descriptor, so that a pipe or a terminal does as well.

use super::queue::Chunk;
use super::{payload, Profile};
use crate::span::open::ERROR;
use crate::span::record::Record;
use crate::sys;
use serde_json::Value;
use std::fmt::Write;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

/// How long a line may wait for a pipe that is full.
const PATIENCE: Duration = Duration::from_secs(2);

/// A file that takes chunks.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    open: Option<OwnedFd>,
}

impl File {
    /// A file at `path`, opened with the first line.
    pub fn new(path: PathBuf) -> File {
        File { path, open: None }
    }

    /// Appends a chunk as one line, in one write as a rule.
    pub fn write(&mut self, line: &str) -> io::Result<()> {
        if self.open.is_none() {
            self.open = Some(self.open_path()?);
        }
        let Some(file) = &self.open else { return Err(io::ErrorKind::NotFound.into()) };
        let written = sys::write_all(file.as_raw_fd(), line.as_bytes(), PATIENCE);
        if written.is_err() {
            self.open = None;
        }
        written
    }

    fn open_path(&self) -> io::Result<OwnedFd> {
        if let Some(fd) = sys::named_descriptor(&self.path) {
            return sys::duplicate(fd);
        }
        let file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
        Ok(file.into())
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
        let settings = Settings::resolve(&[("DD_SERVICE".into(), "shop".into())], &|_| None).0;
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
